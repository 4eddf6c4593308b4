"""What compares two items, by a distance or by a learned matcher."""

from typing import Any, Protocol, runtime_checkable

from likewise.shapes import Array, Float


@runtime_checkable
class Comparator(Protocol):
    """How far apart two items are, by whatever means; never negative.

    Rows are embeddings; or, for what reads feature maps, those of a `Featured`.
    """

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """The dissimilarity of each row of `first` and the same row of `second`."""

    def matrix(
        self, first: Float[Any, "n dim"], second: Float[Any, "m dim"]
    ) -> Float[Array, "n m"]:
        """The dissimilarity of every row of `first` and every row of `second`."""
