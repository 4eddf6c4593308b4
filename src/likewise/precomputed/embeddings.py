"""Embeddings with labels that somebody else made, checked where they enter."""

from dataclasses import dataclass
from typing import final

import numpy as np

from likewise.distances import FAMILY as DISTANCES
from likewise.distances.comparator import Comparator
from likewise.errors import DamagedSource, EmptySource, SplitError
from likewise.pairs import AllPairs
from likewise.precomputed.protocol import LARGEST, Names, pair_labels
from likewise.shapes import Array, Float, Int, Shaped


def form_of(
    place: str, vectors: Array, labels: Names
) -> tuple[Float[Array, "n dim"], Shaped[Array, "n"]]:
    """Embeddings in floats of at least 32 bits, and their labels as texts.

    Raises:
        EmptySource: If there are none.
        DamagedSource: If a shape or type is another.
    """
    if vectors.dtype.kind != "f" or vectors.ndim != 2 or vectors.shape[1] == 0:
        raise DamagedSource(
            f"{place}: the embeddings are {vectors.dtype} {list(vectors.shape)}, and floats "
            "[n dim], a row an item, are expected. Convert them."
        )
    if len(vectors) == 0:
        raise EmptySource(f"{place} holds no embeddings. Give at least two identities.")
    column = pair_labels(place, labels, len(vectors))
    return vectors.astype(np.promote_types(vectors.dtype, np.float32), copy=False), column


@final
@dataclass(frozen=True, eq=False)
class PrecomputedEmbeddings:
    """Embeddings with labels, compared by a distance.

    Attributes:
        place: What errors and results call it.
        vectors: The embeddings.
        codes: The identity of each, by its place in `names`.
        names: The identities, in the order of characters.
        distance: What compares two embeddings.
        measure: Its spec.
        fingerprint: Of the model that made them; empty where nobody said.
        least: Two identities, and one of two items.
    """

    place: str
    vectors: Float[Array, "n dim"]
    codes: Int[Array, "n"]
    names: Shaped[Array, "units"]
    distance: Comparator
    measure: str
    fingerprint: str = ""
    least: tuple[int, int] = (2, 1)

    @classmethod
    def of(
        cls,
        vectors: Array,
        labels: Names,
        distance: str = "cosine",
        *,
        place: str = "embeddings",
        fingerprint: str = "",
    ) -> "PrecomputedEmbeddings":
        """Check embeddings that are in memory.

        Args:
            vectors: Floats [n dim].
            labels: Who or what each shows: n strings or whole numbers.
            distance: The spec of what compares them.
            place: What errors call them.
            fingerprint: Of the model that made them.

        Raises:
            EmptySource: If there are none.
            DamagedSource: If a shape or type is another, or a number is not finite.
            SplitError: If there are not two identities, one of them with two items.
            UnknownName: If there is no such distance.
            BadArgument: If it does not take such arguments.
        """
        vectors, column = form_of(place, vectors, labels)
        if (rows := np.flatnonzero(~(np.abs(vectors).max(1) <= LARGEST))).size:
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            raise DamagedSource(
                f"{place}: the embedding of row {int(rows[0])} (counted from 0){more} holds NaN, "
                "or a number beyond float32. Embed these items again, or leave them out."
            )
        names, codes = np.unique(column, return_inverse=True)
        sizes = np.bincount(codes)
        if len(names) < 2 or not (sizes > 1).any():
            raise SplitError(
                f"{place} holds {len(names)} identities, {int((sizes > 1).sum())} of them with two "
                "items or more, and error rates need two identities, one of them with two items, "
                "at least. Give more items."
            )
        spec = str(DISTANCES.check(distance))
        return cls(place, vectors, codes, names, DISTANCES.build(spec), spec, fingerprint)

    def weights(self) -> Int[Array, "2 units"]:
        """One for each identity, and one more for each that has a same pair."""
        sizes = np.bincount(self.codes, minlength=len(self.names))
        return np.stack([np.ones_like(sizes), (sizes > 1).astype(sizes.dtype)])

    def take(self, units: Int[Array, "m"]) -> "PrecomputedEmbeddings":
        """The embeddings of these identities."""
        units = np.sort(units)
        rows = np.flatnonzero(np.isin(self.codes, units))
        codes = np.searchsorted(units, self.codes[rows])
        return PrecomputedEmbeddings(
            self.place,
            self.vectors[rows],
            codes,
            self.names[units],
            self.distance,
            self.measure,
            self.fingerprint,
        )

    def compared(self) -> AllPairs:
        """All pairs of the embeddings."""
        return AllPairs.of(self.vectors, self.names[self.codes], self.distance)
