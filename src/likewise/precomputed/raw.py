"""What files of embeddings and comparisons hold, before anything but its form was checked.

What is measured is `comparisons_of`: refused if anything is wrong. An audit looks at the rest, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from likewise.distances import FAMILY as DISTANCES
from likewise.distances.comparator import Comparator
from likewise.precomputed.embeddings import PrecomputedEmbeddings, form_of
from likewise.precomputed.pairs import PrecomputedComparisons, comparisons_of
from likewise.precomputed.protocol import Names
from likewise.precomputed.scores import distances_by, measure_of
from likewise.shapes import Array, Float, Shaped
from likewise.sources.tabular.sheet import Sheet


@dataclass(frozen=True, eq=False)
class RawEmbeddings:
    """Embeddings with labels, of which some may not be finite.

    Attributes:
        place: What errors and results call them.
        vectors: Of at least 32 bits.
        labels: Who or what each shows.
        distance: What compares two embeddings.
        measure: Its spec.
        fingerprint: Of the model that made them; empty where nobody said.
    """

    place: str
    vectors: Float[Array, "n dim"]
    labels: Shaped[Array, "n"]
    distance: Comparator
    measure: str
    fingerprint: str = ""

    @classmethod
    def of(
        cls,
        place: str,
        vectors: Array,
        labels: Names,
        distance: str = "cosine",
        fingerprint: str = "",
    ) -> "RawEmbeddings":
        """Check the form of embeddings that are in memory.

        Args:
            place: What errors call them.
            vectors: Floats [n dim].
            labels: Who or what each shows: n strings or whole numbers.
            distance: The spec of what compares them.
            fingerprint: Of the model that made them.

        Raises:
            EmptySource: If there are none.
            DamagedSource: If a shape or type is another.
            UnknownName: If there is no such distance.
            BadArgument: If it does not take such arguments.
        """
        rows, column = form_of(place, vectors, labels)
        spec = str(DISTANCES.check(distance))
        return cls(place, rows, column, DISTANCES.build(spec), spec, fingerprint)

    def checked(self) -> PrecomputedEmbeddings:
        """The embeddings, if they can be measured.

        Raises:
            DamagedSource, SplitError: As `GivenEmbeddings.of`.
        """
        return PrecomputedEmbeddings.of(
            self.vectors,
            self.labels,
            self.measure,
            place=self.place,
            fingerprint=self.fingerprint,
        )


@dataclass(frozen=True, eq=False)
class RawComparisons:
    """Comparisons row for row with their table, of which some may be anything.

    Attributes:
        sheet: What errors name the rows of.
        same: 1 where the two are the same, 0 where they are different; between where a grade says
            neither.
        numbers: Distances, or similarities; NaN where a cell holds no number.
        ids: The names of both items of each pair; None where nobody knows them.
        similarity: Which of the two the numbers are.
        grades: What was graded; None where pairs are the same or not.
        unread: Row → the text of a cell that holds no number.
    """

    sheet: Sheet
    same: Float[Array, "m"]
    numbers: Float[Array, "m"]
    ids: tuple[Shaped[Array, "m"], Shaped[Array, "m"]] | None
    similarity: bool = False
    grades: Float[Array, "m"] | None = None
    unread: Mapping[int, str] = field(default_factory=dict)

    @property
    def distances(self) -> Float[Array, "m"]:
        """How far apart the two of each pair are."""
        known = self.numbers[np.isfinite(self.numbers)]
        return distances_by(measure_of(known, similarity=self.similarity), self.numbers)

    def checked(self) -> PrecomputedComparisons:
        """The comparisons, if they can be measured.

        Raises:
            EmptySource, DamagedSource, SplitError: As `GivenComparisons.of`.
        """
        return comparisons_of(
            self.sheet,
            self.same,
            np.asarray(self.numbers),
            self.ids,
            similarity=self.similarity,
            grades=self.grades,
        )
