"""The abstract class of the kinds."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from likewise.errors import BadArgument
from likewise.kinds.look import Header, Look, Number
from likewise.shapes import Array
from likewise.types import Raw


class Kind(ABC):
    """What an item is: how one is recognised, what it is called, how it is shown and described.

    Decoding is a transform's. What is shown and described is an item *as it is*: an array that
    `Transform.original` makes, with nothing resized or normalised.

    Attributes:
        name: What the table of kinds, a manifest and a source call it.
        one: An item of it in words, with its article: `an image`.
        many: Several in words: `images`.
        expected: What an array of one is, in words.
        endings: Of the names of files that hold one; empty where no ending tells.
        timed: Whether an item is of any length, along its first axis.
        width: What all items have as many of, along their last axis, in a word; empty for nothing.
        pictorial: Whether it is an image file or array, which has a perceptual hash, can be laid
            over another, and is looked at in black and white too.
        transform: The spec of the transform that is tried first.
        plain: The spec of one that changes nothing.
        encoder: The spec of the encoder that is tried first.
        augmentations: Specs of the augmentations that are tried first.
        searched: Groups of augmentations that tuning tries.
        sorts: The sorts of data that presets part it into.
        numbers: What is measured of an item at a glance, by name.
        glance: What its coarse look is called.

    Example:
        >>> import numpy as np
        >>> from likewise.kinds import FAMILY
        >>> FAMILY.build("image").recognises(np.zeros((4, 4), np.uint8))
        True
    """

    name: ClassVar[str]
    one: ClassVar[str]
    many: ClassVar[str]
    expected: ClassVar[str]
    endings: ClassVar[tuple[str, ...]] = ()
    timed: ClassVar[bool] = False
    width: ClassVar[str] = ""
    pictorial: ClassVar[bool] = False
    transform: ClassVar[str]
    plain: ClassVar[str]
    encoder: ClassVar[str]
    augmentations: ClassVar[tuple[str, ...]] = ()
    searched: ClassVar[tuple[tuple[str, ...], ...]] = ()
    sorts: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[Mapping[str, Number]]
    glance: ClassVar[str] = "a coarse look"

    @abstractmethod
    def recognises(self, raw: Raw) -> bool:
        """Say whether a raw item can be one: by the first bytes of a file, or an array's shape."""

    @abstractmethod
    def look(self, item: Array) -> Look:
        """Measure one item as it is: its `numbers`, and its coarse look."""

    @abstractmethod
    def picture(self, item: Array, longest: int = 0) -> Array:
        """Draw one item as it is for a page.

        Args:
            item: As it is.
            longest: The most pixels of a side; 0 for any number.

        Returns:
            A picture uint8 [c h w], or lines float [t d], one a column.
        """

    def resembles(self, item: Array) -> bool:
        """Say whether an array of any numbers is probably one, where nobody said what it is."""
        return self.recognises(item)

    def adopt(self, items: Sequence[Array]) -> tuple[Sequence[Array], str]:
        """Turn arrays of a collection, of any numbers, into those that a source hands over.

        Returns:
            The arrays, and in words what was done to them; empty where nothing was.

        Raises:
            BadArgument: If they cannot be items of this kind.
        """
        return items, ""

    def shown(self, decoded: Array) -> Array:
        """Return a decoded item in the layout of an item as it is."""
        return decoded

    def of_row(self, row: Array) -> Array:
        """Return one row of a stack of items as a source hands it over."""
        return row

    def file_look(
        self,
        raw: bytes,
        item: Array,  # noqa: ARG002 - of those whose files say more
    ) -> tuple[Mapping[str, float], Header | None]:
        """Measure what a file says beside what it holds, and read its header.

        Args:
            raw: The bytes of the file.
            item: What it holds, as it is.
        """
        return {"bytes": float(len(raw))} if "bytes" in self.numbers else {}, None

    def frame(self, item: Array) -> Mapping[str, float]:  # noqa: ARG002 - of those that are resized
        """Measure what decoding takes away from an item as it is, such as its size."""
        return {}

    def binarised(self, item: Array) -> Array:
        """Return an item as it is in black and white; of those that are `pictorial`."""
        return item

    def transform_settings(self, raws: Iterable[Raw]) -> tuple[Mapping[str, object], str]:  # noqa: ARG002 - of those that can lose something
        """Return arguments of the transform without which decoding loses these items, and why."""
        return {}, ""

    def encoder_settings(
        self,
        name: str,  # noqa: ARG002 - of those whose items are long
        items: Iterable[Array],  # noqa: ARG002 - likewise
    ) -> tuple[Mapping[str, object], str]:
        """Return arguments of an encoder of that name that fit such items, and why."""
        return {}, ""

    def sort(self, items: Iterable[Array]) -> tuple[str, str]:  # noqa: ARG002 - of those with sorts
        """Say which of `sorts` some items as they are belong to, and why."""
        return (self.sorts or (self.many,))[0], f"the items are {self.many}"

    def copy_settings(self, size: int) -> tuple[str, ...]:  # noqa: ARG002 - of images
        """Return settings of a recipe that learns what a copy is, for pictures of that size."""
        return ()

    def altered(
        self,
        item: Array,  # noqa: ARG002 - of those that have copies
        random: "np.random.Generator",  # noqa: ARG002 - likewise
    ) -> Array:
        """Make an altered copy of an item as it is.

        Raises:
            BadArgument: If nobody said how a copy of this kind differs.
        """
        raise BadArgument(
            f"No copies can be made of {self.many}, from which --train learns what a copy is. Give "
            "a trained model, or leave it out."
        )
