"""The nouns of the house.

Conventions, which every module keeps:

* A **distance** is smaller when two items are closer, never negative, zero for an item and itself.
* A **probability** is larger when it is surer, and is always shown with the prior that it assumes.
* A pair is **accepted** (called the same) when its distance is at most the threshold.
* Rates are fractions, never percents. A number with a unit carries it in its name.

The names of array shapes are in `shapes.py`; what was measured and decided, in `results/`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import numpy as np

from likewise.errors import WrongKind
from likewise.shapes import Array, Bool, Float, Int, Shaped

Raw: TypeAlias = bytes | str | Array
"""What a source hands over: an encoded file, a text, or an array."""

FORGED = "\x1fforged"
"""What tells the class of an identity's forgeries from its own; no name holds this character."""


class Form(StrEnum):
    """What an encoder is fed.

    Images are float32 [n c h w]; frames float32 [n t d] with the true lengths [n]; tokens int64
    [n t] with the true lengths; vectors float32 [n d].
    """

    IMAGES = "images"
    FRAMES = "frames"
    TOKENS = "tokens"
    VECTORS = "vectors"

    @property
    def has_lengths(self) -> bool:
        """Whether items are of any length, padded to the longest of a batch."""
        return self in (Form.FRAMES, Form.TOKENS)

    @property
    def channels_last(self) -> bool:
        """Whether it is faster with its channels last in memory.

        Convolutions over channels-last memory measured 1.5 times as fast on a processor.
        """
        return self is Form.IMAGES

    @property
    def dtype(self) -> Literal["float32", "int64"]:
        """The numbers that it is made of, by numpy's name."""
        return "int64" if self is Form.TOKENS else "float32"


class Claim(StrEnum):
    """What a measured rate is a promise about."""

    NEW_IDENTITIES = "new_identities"
    KNOWN_CLASSES = "known_classes"

    @property
    def sentence(self) -> str:
        """The claim in words that stand beside a rate."""
        if self is Claim.NEW_IDENTITIES:
            return "measured on identities never trained on"
        return "measured on new items of the classes trained on"


class Role(StrEnum):
    """What a part of the data is used for; no item ever has two."""

    TRAIN = "train"
    SELECT = "select"
    CALIBRATE = "calibrate"
    TEST = "test"


@dataclass(frozen=True)
class Labels:
    """A target by class: items with the same number are the same."""

    labels: Int[Any, "n"]


@dataclass(frozen=True)
class Pairs:
    """A target by pairs of rows of a batch; `same` is 1 or 0, or a grade between.

    Attributes:
        first: One item of each pair, by its row.
        second: The other.
        same: Whether the two are the same.
        grades: How alike the two are in the source's own numbers, larger when more alike; None
            where nobody graded them.
        between: The pairs whose grade says neither, which are no evidence of either sort; None
            where nobody graded them.
    """

    first: Int[Any, "m"]
    second: Int[Any, "m"]
    same: Shaped[Any, "m"]
    grades: Float[Any, "m"] | None = field(default=None, kw_only=True)
    between: "Pairs | None" = field(default=None, kw_only=True)

    @property
    def every(self) -> "Pairs":
        """All pairs, those between behind the others."""
        if self.between is None:
            return self
        first, second, same, grades = (
            np.concatenate([getattr(self, name), getattr(self.between, name)])
            for name in ("first", "second", "same", "grades")
        )
        return Pairs(first, second, same, grades=grades)

    def among(self, rows: Int[Array, "n"], count: int) -> "Pairs":
        """The pairs with both ends among these rows of a table of `count`, counted within them."""
        place = np.full(count, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        first, second = place[self.first], place[self.second]
        kept = (first >= 0) & (second >= 0)
        return Pairs(
            first[kept],
            second[kept],
            self.same[kept],
            grades=None if self.grades is None else self.grades[kept],
            between=None if self.between is None else self.between.among(rows, count),
        )


@dataclass(frozen=True)
class Triplets:
    """A target by triplets of rows of a batch: the anchor is nearer the positive."""

    anchor: Int[Any, "m"]
    positive: Int[Any, "m"]
    negative: Int[Any, "m"]


Target: TypeAlias = Labels | Pairs | Triplets


@dataclass(frozen=True)
class Batch:
    """Distinct items once each, and a target that points at them.

    Attributes:
        rows: Which items of the training table come together.
        target: Which of them are the same: a class a row, or indices within `rows`.
    """

    rows: Int[Array, "n"]
    target: Labels | Pairs


def composed(name: str) -> str:
    """The name as every source gives it; one of nothing but blanks stays as it is.

    Unicode's NFC, which macOS takes apart in folders and archives; no blanks at the ends, and plain
    ones inside.
    """
    if name.isascii() and not _BLANKS.search(name):
        return name
    whole = _BLANKS.sub(" ", unicodedata.normalize("NFC", name)).strip()
    return whole or name


_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Items:
    """A table of items, which are read only when they are asked for.

    Where the source gives pairs instead of identities, an item's identity is the connected
    component of the pair graph that it is in: what a split may not tear apart. Then `pairs` alone
    says what is the same.

    Attributes:
        namespace: The name of what holds them (a folder's, a file's), so that `s1` of one
            collection is not taken for `s1` of another.
        identities: Who or what each item shows; n strings.
        kinds: What each is, by its name in the family of kinds; n strings.
        groups: Alphabet, family, site; empty where there is none.
        origins: `genuine` or `forged`; empty where nobody said.
        parts: `train` or `test` where the source's own protocol says so, else empty.
        places: The file or row that an error names; n strings.
        rows: Which item of the source each row is, for `reader`.
        reader: Gives the raw item for a row of the source. Every source of the house gives one that
            can be pickled, so that a table goes to processes of your own; a lambda cannot.
        pairs: Which rows of this table were said to be the same or different; None where the
            identities say it.
    """

    namespace: str
    identities: Shaped[Array, "n"]
    kinds: Shaped[Array, "n"]
    groups: Shaped[Array, "n"]
    origins: Shaped[Array, "n"]
    parts: Shaped[Array, "n"]
    places: Shaped[Array, "n"]
    rows: Int[Array, "n"]
    reader: Callable[[int], Raw] = field(repr=False)
    pairs: Pairs | None = None

    @classmethod
    def build(
        cls,
        namespace: str,
        identities: Sequence[str],
        kind: str,
        places: Sequence[str],
        reader: Callable[[int], Raw],
        *,
        groups: Sequence[str] | None = None,
        origins: Sequence[str] | None = None,
        parts: Sequence[str] | None = None,
        pairs: Pairs | None = None,
    ) -> "Items":
        """Make a table of one kind; columns left out are empty.

        Identities are composed: two spellings of one name in Unicode are one identity.
        """
        count = len(identities)

        def column(values: Sequence[str] | None) -> Array:
            return np.asarray([""] * count if values is None else list(values), dtype=np.str_)

        return cls(
            namespace=namespace,
            identities=column([composed(str(name)) for name in identities]),
            kinds=column([kind] * count),
            groups=column(groups),
            origins=column(origins),
            parts=column(parts),
            places=column(places),
            rows=np.arange(count),
            reader=reader,
            pairs=pairs,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Int[Array, "m"]) -> "Items":
        """The table of the rows at these indices, in their order, with the pairs among them."""
        columns = ("identities", "kinds", "groups", "origins", "parts", "places", "rows")
        taken = {name: getattr(self, name)[indices] for name in columns}
        pairs = None if self.pairs is None else self.pairs.among(indices, len(self))
        return Items(namespace=self.namespace, reader=self.reader, pairs=pairs, **taken)

    @property
    def forged(self) -> Bool[Array, "n"]:
        """Which items are forgeries of the identity that they name."""
        forged: Array = self.origins == "forged"
        return forged

    @property
    def classes(self) -> Shaped[Array, "n"]:
        """What is the same in learning: the identity, and apart from it what is forged of it."""
        if not self.forged.any():
            return self.identities
        names = np.char.add(self.identities, np.where(self.forged, FORGED, ""))
        classes: Array = names
        return classes

    def read(self, index: int) -> Raw:
        """The raw item at this row."""
        return self.reader(int(self.rows[index]))

    @property
    def kind(self) -> str:
        """The one kind of all items, by its name.

        Raises:
            WrongKind: If the table mixes kinds.
        """
        kinds = sorted(set(self.kinds.tolist()))
        if len(kinds) != 1:
            raise WrongKind(
                f"{self.namespace} holds items of the kinds {kinds}, and one is expected. "
                "Keep one kind a source."
            )
        return str(kinds[0])


@dataclass(frozen=True)
class Split:
    """Which items have which role, and what a rate measured on them claims.

    Attributes:
        claim: `new_identities` or `known_classes`.
        indices: For each role the rows of the item table; no row is in two.
        how: In one sentence, how the parts were drawn.
    """

    claim: Claim
    indices: Mapping[Role, Int[Array, "_"]]
    how: str

    def __iter__(self) -> Iterator[tuple[Role, Array]]:
        return iter(self.indices.items())


@dataclass(frozen=True)
class InputShape:
    """What one encoder is fed: a form, and its sizes.

    Attributes:
        form: Images, frames, tokens or vectors.
        channels: c of images, d of frames and of vectors; of no meaning for tokens.
        height: In pixels; None for what is no image.
        width: In pixels; None likewise.
        vocabulary: How many tokens there are; None for what is no text.
    """

    form: Form
    channels: int = 1
    height: int | None = None
    width: int | None = None
    vocabulary: int | None = None

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """The axes behind the batch; None is an axis of any length."""
        match self.form:
            case Form.IMAGES:
                return (self.channels, self.height, self.width)
            case Form.FRAMES:
                return (None, self.channels)
            case Form.TOKENS:
                return (None,)
            case Form.VECTORS:
                return (self.channels,)

    def random_batch(
        self, random: "np.random.Generator", rows: int, steps: int
    ) -> Shaped[Array, "rows ..."]:
        """Make up a batch, to try an encoder with.

        Args:
            random: Where chance comes from.
            rows: How many items.
            steps: How long each is, where they have a length.
        """
        size = (rows, *(steps if axis is None else axis for axis in self.sizes))
        if self.form is Form.TOKENS:
            return random.integers(0, self.vocabulary or 2, size, dtype=np.int64)
        return random.normal(size=size).astype(np.float32)
