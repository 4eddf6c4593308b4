"""Comparisons that somebody else made: pairs with their distances, checked where they enter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from likewise.calibration import GradedDistances
from likewise.errors import DamagedSource, EmptySource, SplitError
from likewise.io.display import printable
from likewise.pairs import ListedPairs
from likewise.precomputed.protocol import LARGEST, Names, pair_labels
from likewise.precomputed.scores import ROUNDING, distances_by, measure_of, rounded
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.sources.tabular.grades import Grading
from likewise.sources.tabular.pair_graph import components, edges
from likewise.sources.tabular.sheet import Sheet

SIMILARITY_TODO = (
    "A distance is smaller when two items are closer. If yours is larger then, it is a similarity: "
    "name its column with --similarity (similarity=True). If it is a distance, look whether 0 "
    "means the same in your table, where 1 is expected to."
)


@final
@dataclass(frozen=True, eq=False)
class PrecomputedComparisons:
    """Pairs with their distances; what a pair hangs together with by others is never torn apart.

    Attributes:
        place: What errors and results call it.
        first: One item of each pair, by its place in `items`.
        second: The other.
        same: Whether the two are the same.
        distances: How far apart they are.
        items: The names of the items, in the order of characters.
        codes: What each pair hangs together with, by its place in `names`.
        names: Of the connected components, each named for its first item.
        measure: `distance`, or `similarity` where 1 - similarity is the distance; see `scores`.
        repeated: How many rows said again what another had said, and were left out.
        rounded: How many distances were a rounding below 0, and are 0.
        linked: Whether the items were named; else every pair is taken to stand alone.
        least: One pair of each sort.
        graded: Where pairs were graded, all of them; None elsewhere, and in parts.
    """

    place: str
    first: Int[Array, "m"]
    second: Int[Array, "m"]
    same: Bool[Array, "m"]
    distances: Float[Array, "m"]
    items: Shaped[Array, "n"]
    codes: Int[Array, "m"]
    names: Shaped[Array, "units"]
    measure: str = "distance"
    repeated: int = 0
    rounded: int = 0
    linked: bool = True
    least: tuple[int, int] = (1, 1)
    graded: GradedDistances | None = None

    @classmethod
    def of(
        cls,
        same: Sequence[bool] | Sequence[int] | Sequence[float] | Array,
        distances: Sequence[float] | Array,
        first: Names | None = None,
        second: Names | None = None,
        *,
        similarity: bool = False,
        place: str = "comparisons",
        grading: Grading | None = None,
    ) -> "PrecomputedComparisons":
        """Check comparisons that are in memory.

        Args:
            same: Whether the two of each pair are the same: truth values, or 1 and 0; or, with
                `grading`, how alike they are: finite numbers.
            distances: How far apart they are.
            first: The name of one item of each pair; None if nobody knows which items they are.
            second: Of the other.
            similarity: Whether `distances` are similarities, larger when closer, of any range.
            place: What errors call them.
            grading: Where the same begins among grades.

        Raises:
            EmptySource: If there are none.
            DamagedSource: If a shape, a type or a value is none that is expected, a pair is an
                item and itself, or two rows contradict each other; rows are counted from 1.
            SplitError: If the pairs are not of both sorts.
        """
        truth, numbers = np.asarray(same), np.asarray(distances)
        count = len(truth) if truth.ndim else 0
        columns = [truth, numbers, *(np.asarray(x) for x in (first, second) if x is not None)]
        shapes = [list(column.shape) for column in columns]
        if shapes != [[count]] * len(shapes) or len(shapes) == 3:
            raise DamagedSource(
                f"{place}: same and distances, and both of first and second or neither, are "
                f"columns of one length, and were given as {shapes}."
            )
        sheet = Sheet(place, (), lambda _: {}, lambda _: [])
        if not (truth.dtype.kind in "biuf" and numbers.dtype.kind in "iuf"):
            raise DamagedSource(
                f"{place}: same is {truth.dtype} and the distances are {numbers.dtype}, and truth "
                "values and numbers are expected. Convert them."
            )
        grades = None
        if grading is not None:
            grades = truth.astype(np.float64)
            if (rows := np.flatnonzero(~np.isfinite(grades))).size:
                why = f"the grade is {grades[rows[0]]} in the first"
                raise sheet.wrong(rows, why, "Give finite numbers.")
            truth = grading.read(grades)
        elif (rows := np.flatnonzero((truth != 0) & (truth != 1))).size:
            given = truth[rows[0]]
            raise sheet.wrong(rows, f"same is {given} in the first", "Give 1 (the same) or 0.")
        ids = None
        if len(columns) == 4:
            ids = (pair_labels(place, columns[2], count), pair_labels(place, columns[3], count))
        return comparisons_of(
            sheet,
            truth.astype(np.float64),
            numbers.astype(np.float64),
            ids,
            similarity=similarity,
            grades=grades,
        )

    def weights(self) -> Int[Array, "2 units"]:
        """How many different and how many same pairs each component holds."""
        count = len(self.names)
        return np.stack(
            [np.bincount(self.codes[self.same == sort], minlength=count) for sort in (False, True)]
        )

    def take(self, units: Int[Array, "m"]) -> "PrecomputedComparisons":
        """The pairs of these components."""
        units = np.sort(units)
        rows = np.flatnonzero(np.isin(self.codes, units))
        return PrecomputedComparisons(
            self.place,
            self.first[rows],
            self.second[rows],
            self.same[rows],
            self.distances[rows],
            self.items,
            np.searchsorted(units, self.codes[rows]),
            self.names[units],
            self.measure,
            linked=self.linked,
        )

    def compared(self) -> ListedPairs:
        """The pairs; of their items nothing but the number is known."""
        nothing = np.zeros((len(self.items), 0), dtype=np.float32)
        return ListedPairs(
            nothing, self.first, self.second, self.same, self.distances, self.codes, self.names
        )


def comparisons_of(
    sheet: Sheet,
    same: Float[Array, "m"],
    numbers: Float[Array, "m"],
    ids: tuple[Shaped[Array, "m"], Shaped[Array, "m"]] | None,
    *,
    similarity: bool,
    grades: Float[Array, "m"] | None = None,
) -> PrecomputedComparisons:
    """Comparisons from columns whose types are right already.

    Args:
        sheet: What errors name the rows of.
        same: 1 where the two of a pair are the same, 0 where they are different; between where a
            grade says neither.
        numbers: Distances, or similarities.
        ids: The names of both items of each pair.
        similarity: Which of the two the numbers are.
        grades: What was graded; None where pairs are the same or not.

    Raises:
        EmptySource, DamagedSource, SplitError: As in `GivenComparisons.of`.
    """
    if len(same) == 0:
        raise EmptySource(f"{sheet.place} holds no comparisons. Add some.")
    distances, measure, off = _distances(sheet, numbers, similarity=similarity)
    kept, repeated = np.arange(len(same)), 0
    said = same if grades is None else grades
    if ids is None:
        items = np.char.add("item ", np.arange(2 * len(same)).astype(np.str_))
        first, second = 2 * kept, 2 * kept + 1
        roots, called = kept, np.char.add("row ", (kept + 1).astype(np.str_))
    else:
        items, which = np.unique(np.concatenate(ids), return_inverse=True)
        first, second = which.reshape(2, -1)
        ends = (first, second)
        kept, repeated = _once(sheet, items, ends, said, distances, graded=grades is not None)
        roots, called = components(len(items), first, second)[first], items
    every = None
    if grades is not None:
        sure = (same[kept] == 0) | (same[kept] == 1)
        between = int((~sure).sum())
        every = GradedDistances(distances[kept], grades[kept], roots[kept], between)
        kept = kept[sure]
    found, codes = np.unique(roots[kept], return_inverse=True)
    names = called[found]
    truth = same[kept] == 1
    if not len(kept) or truth.all() or not truth.any():
        told = f" ({every.between} more are graded between the two)" if every else ""
        raise SplitError(
            f"{sheet.place} holds {int(truth.sum())} same and {int((~truth).sum())} different "
            f"pairs{told}, and error rates need one of each at least. Add such pairs."
        )
    used, which = np.unique(np.stack([first[kept], second[kept]]), return_inverse=True)
    one, other = which.reshape(2, -1)
    return PrecomputedComparisons(
        sheet.place,
        one,
        other,
        truth,
        distances[kept],
        items[used],
        codes,
        names,
        measure,
        repeated,
        off,
        linked=ids is not None,
        graded=every,
    )


def _distances(
    sheet: Sheet, numbers: Array, *, similarity: bool
) -> tuple[Float[Array, "m"], str, int]:
    """The distances, what the numbers are, and how many were a rounding below 0."""
    name = "the similarity" if similarity else "the distance"
    if (rows := np.flatnonzero(~(np.abs(numbers) <= LARGEST))).size:
        todo = "Give finite numbers within float32, or drop the rows."
        raise sheet.wrong(rows, f"{name} is {numbers[rows[0]]} in the first", todo)
    measure = measure_of(numbers, similarity=similarity)
    distances, off = rounded(distances_by(measure, numbers))
    if (rows := np.flatnonzero(distances < 0)).size:
        why = f"{name} is {numbers[rows[0]]:g} in the first, and no distance is negative"
        raise sheet.wrong(rows, why, SIMILARITY_TODO)
    return distances + 0.0, measure, off  # -0 and 0 are the same


def _once(
    sheet: Sheet,
    items: Shaped[Array, "n"],
    ends: tuple[Int[Array, "m"], Int[Array, "m"]],
    said: Float[Array, "m"],
    distances: Float[Array, "m"],
    *,
    graded: bool,
) -> tuple[Int[Array, "k"], int]:
    """The rows that name a pair for the first time, and how many others only repeat them."""
    first, second = ends
    if (rows := np.flatnonzero(first == second)).size:
        name = printable(str(items[first[rows[0]]]))
        raise sheet.wrong(rows, f"{name!r} is compared with itself in the first", "Drop the rows.")
    kept, of = edges(len(items), first, second)
    # The same number twice, or of a pair and its mirror, differs by its rounding.
    near = np.isclose(distances, distances[of], rtol=ROUNDING, atol=ROUNDING)
    apart = (said != said[of]) | ~near
    if (departs := np.flatnonzero(apart)).size:
        row, earlier = int(departs[0]), int(of[departs[0]])
        one, other = (printable(str(items[end[row]])) for end in ends)
        what = "the same in one and different in the other"
        if graded:
            what = f"graded {said[earlier]:g} in one and {said[row]:g} in the other"
        if said[row] == said[earlier]:
            what = f"at distance {distances[earlier]:g} in one and {distances[row]:g} in the other"
        more = f" So do {len(departs) - 1} more rows with others." if len(departs) > 1 else ""
        raise sheet.wrong(
            [earlier, row], f"{one!r} and {other!r} are {what}", f"Drop one of the two.{more}"
        )
    return kept, len(said) - len(kept)
