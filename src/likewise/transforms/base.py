"""The abstract class of the transforms."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from likewise.shapes import Array, Int, Shaped
from likewise.types import InputShape, Kind, Raw


class Transform(ABC):
    """From a raw item to the encoder's input, in two stages: decode, and finish.

    Augmentation, when learning, stands between the two. What a transform learns from the
    training set is its `state`: built without one it can decode and fit, built with one it can
    do all.
    """

    kind: ClassVar[Kind]

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
            An image as uint8 [c h w], a sequence as float32 [t d].

        Raises:
            UnreadableItem: If it cannot be decoded.
            WrongKind: If it is another kind of item.
        """

    @abstractmethod
    def fit(self, decoded: Iterable[Array]) -> Mapping[str, Any]:
        """The state learned from decoded training items: numbers, strings and lists of them."""

    @abstractmethod
    def collate(
        self, decoded: Sequence[Array]
    ) -> tuple[Shaped[Array, "n ..."], Int[Array, "n"] | None]:
        """Stack decoded items; sequences are padded with zeros and come with their lengths."""

    @abstractmethod
    def finish(self, batch: Shaped[Any, "n ..."]) -> Shaped[Any, "n ..."]:
        """The encoder's float32 input from a stacked batch of numpy or torch."""
