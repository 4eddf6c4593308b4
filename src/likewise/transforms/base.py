"""The abstract class of the transforms."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, final

from likewise.errors import UnreadableItem
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array, Int, Shaped
from likewise.types import Form, InputShape, Raw


class Transform(ABC):
    """From a raw item to the encoder's input, in two stages: decode, and finish.

    Augmentation, when learning, stands between the two. What a transform learns from the
    training set is its `state`: built without one it can decode and fit, built with one it can
    do all.

    Attributes:
        kind: What it takes, by its name in the family of kinds.
        form: What it makes.
        sized: The key of its state that says how many channels or numbers an item has; empty where
            its arguments say it.

    Example:
        >>> import numpy as np
        >>> from likewise.transforms import FAMILY
        >>> FAMILY.build("image(size=8)").decode(np.zeros((4, 4), np.uint8), "it").shape
        (1, 8, 8)
    """

    kind: ClassVar[str]
    form: ClassVar[Form]
    sized: ClassVar[str] = ""

    @property
    @abstractmethod
    def shape(self) -> InputShape:
        """What the encoder will be fed."""

    @abstractmethod
    def decode(self, raw: Raw, place: str) -> Array:
        """Decode one item; cacheable, the same for every use.

        Args:
            raw: As the source gave it.
            place: The file or row that an error names.

        Returns:
            An image as uint8 [c h w], a series as float32 [t d], a text as int64 [t], a vector
            as float32 [d]; of frames and tokens t alone may differ from item to item.

        Raises:
            UnreadableItem: If it cannot be decoded.
            WrongKind: If it is another kind of item.
        """

    def lost(self, decoded: Array) -> str:  # noqa: ARG002 - of those that can lose an item
        """Say why nothing is left of a decoded item to compare; empty where something is.

        Two such items would be all but equal whatever they show.
        """
        return ""

    @final
    def acquire(self, raw: Raw, place: str) -> Array:
        """Decode one item of which something is left; see `decode`.

        Raises:
            UnreadableItem: If nothing is.
            UnreadableItem: If it cannot be decoded.
            WrongKind: If it is another kind of item.
        """
        decoded = self.decode(raw, place)
        if why := self.lost(decoded):
            saved, _ = KINDS.build(self.kind).transform_settings([raw])
            better = ", ".join(f"{name}={value!r}" for name, value in saved.items())
            hint = f" (a model trained with {self.kind}({better}) would keep it)" if saved else ""
            raise UnreadableItem(f"{place} holds nothing to compare: {why}{hint}")
        return decoded

    def original(self, raw: Raw, place: str) -> Array:
        """Open one item as it is, which is what its kind shows and describes.

        Nothing is resized or normalised, where a transform can leave that out.

        Args:
            raw: As the source gave it.
            place: The file or row that an error names.

        Raises:
            UnreadableItem: If it cannot be opened.
            WrongKind: If it is another kind of item.
        """
        return KINDS.build(self.kind).shown(self.decode(raw, place))

    @abstractmethod
    def fit(self, decoded: Iterable[Array]) -> Mapping[str, Any]:
        """The state learned from decoded training items: numbers, strings and lists of them."""

    @abstractmethod
    def collate(
        self, decoded: Sequence[Array]
    ) -> tuple[Shaped[Array, "n ..."], Int[Array, "n"] | None]:
        """Stack decoded items; frames and tokens are padded with zeros, and come with lengths."""

    @abstractmethod
    def finish(self, batch: Shaped[Any, "n ..."]) -> Shaped[Any, "n ..."]:
        """The encoder's input from a stacked batch of numpy or torch, of the form's dtype."""
