"""Comparisons that somebody else made: what is wrong with a table of pairs and their distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from likewise.auditing.association import Cases, association_folds, auc
from likewise.auditing.findings import Audit, Clue, Evidence, Finding, count_words, worst_first
from likewise.auditing.labels import SHOWN
from likewise.auditing.pair_faults import contradicted, contradiction, imbalance
from likewise.auditing.shortcut_features import clue
from likewise.errors import BadArgument, EmptySource
from likewise.io.display import printable
from likewise.precomputed import LARGEST, ROUNDING, SIMILARITY_TODO, RawComparisons
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.sources.tabular.pair_graph import components, edges

QUESTION = "listed same from listed different"
MOST = 0.5
NEARLY_ALL = 0.9
CONSTANT, COMMON = 1e-3, 0.9
ENCODER = (
    "Look how the distances were made: the encoder may have collapsed, or they were rounded, cut "
    "off or filled in."
)


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is audited, row for row with the table.

    Attributes:
        given: The table.
        first: One item of each pair, as a number.
        second: The other.
        names: Of the items; empty where nobody knows them.
    """

    given: RawComparisons
    first: Int[Array, "m"]
    second: Int[Array, "m"]
    names: Shaped[Array, "n"]

    @classmethod
    def of(cls, given: RawComparisons) -> "_Rows":
        """Number the items."""
        if given.ids is None:
            rows = np.arange(len(given.same))
            return cls(given, 2 * rows, 2 * rows + 1, np.zeros(0, dtype="U1"))
        names, which = np.unique(np.concatenate(given.ids), return_inverse=True)
        first, second = which.reshape(2, -1)
        return cls(given, first, second, names)

    def evidence(self, rows: Sequence[int], group: int | None = None) -> tuple[Evidence, ...]:
        """These rows by name, with what they say; each for itself, or all of one group."""
        lines = self.given.sheet.lines(rows)
        told = [f" (line {line})" for line in lines] or [""] * len(rows)
        return tuple(
            Evidence(
                f"{self.given.sheet.place}, row {row + 1}{line}",
                self.said(row),
                group=number if group is None else group,
            )
            for number, (row, line) in enumerate(zip(rows, told, strict=True))
        )

    def said(self, row: int) -> str:
        """What a row says."""
        given = self.given
        if given.grades is not None:
            word = f"grade {given.grades[row]:g}"
        else:
            word = "the same" if given.same[row] == 1 else "different"
        who = ""
        if len(self.names):
            one, other = (printable(str(self.names[end[row]])) for end in (self.first, self.second))
            who = f"{one} and {other}, "
        number = given.unread.get(row)
        far = f"{given.numbers[row]:g}" if number is None else repr(printable(number))
        return f"{who}{word}, {'similarity' if given.similarity else 'distance'} {far}"


def audit_comparisons(given: RawComparisons, *, margin: float | None = None) -> Audit:
    """Find what is wrong with comparisons before anything is measured on them.

    Args:
        given: The table, of which some cells may be anything.
        margin: To hold against the distances; None for none.

    Raises:
        EmptySource: If it has no row.
        BadArgument: If the margin is not positive.
    """
    if not len(given.same):
        raise EmptySource(f"{given.sheet.place} holds no comparisons. Add some.")
    if margin is not None and not margin > 0:
        raise BadArgument(f"The margin is {margin}. Give a positive number.")
    rows = _Rows.of(given)
    numbers = np.abs(given.numbers) <= LARGEST
    with np.errstate(invalid="ignore"):
        possible = numbers & (given.distances >= -ROUNDING)
    apart = rows.first != rows.second
    found = _cells(rows, numbers, possible, apart)
    kept = np.flatnonzero(apart)
    found += _repeated(rows, kept)
    if given.grades is None:
        found += _contradictory(rows, kept)
    usable = np.flatnonzero(apart & possible & np.isin(given.same, (0, 1)))
    once, _ = edges(2 * len(given.same), rows.first[usable], rows.second[usable])
    once = usable[once]
    found += imbalance(
        given.same[once] == 1, "Rates are of each sort alone; accuracy is shown balanced, too."
    )
    roots = components(2 * len(given.same), rows.first[kept], rows.second[kept])
    told, more = _distances(rows, once, roots, margin)
    if given.ids is not None:
        found += _component(rows, once, roots)
    return Audit(
        source=given.sheet.place,
        items=len(given.same),
        identities=len(np.unique(roots[rows.first[once]])),
        unit="groups of linked pairs",
        findings=worst_first([*found, *more]),
        clues=tuple(told),
        noun="comparison",
    )


def _cells(
    rows: _Rows, numbers: Bool[Array, "m"], possible: Bool[Array, "m"], apart: Bool[Array, "m"]
) -> list[Finding]:
    """Rows that nothing can be measured on."""
    what = "similarity" if rows.given.similarity else "distance"
    faults = (
        ("not_a_number", ~numbers, f"a {what} that is no finite number", "Mend or drop the rows."),
        (
            "impossible_distance",
            numbers & ~possible,
            "a negative distance",
            SIMILARITY_TODO,
        ),
        ("self_pairs", ~apart, "an item compared with itself", "Drop the rows."),
    )
    found = []
    for kind, wrong, said, advice in faults:
        at = np.flatnonzero(wrong)
        if len(at):
            found.append(
                Finding(
                    kind,
                    "alarm",
                    f"{count_words(len(at), 'row has', 'rows have')} {said}, of {len(wrong):,}; "
                    "left out of all that needs a distance between two.",
                    rows.evidence(at[:SHOWN].tolist()),
                    advice,
                    {"rows": float(len(at)), "of": float(len(wrong))},
                )
            )
    return found


def _repeated(rows: _Rows, kept: Int[Array, "k"]) -> list[Finding]:
    """Rows that list a pair again, with the same numbers or with others."""
    given = rows.given
    _, of = edges(2 * len(given.same), rows.first[kept], rows.second[kept])
    earlier = kept[of]
    said = given.same if given.grades is None else given.grades
    again = kept != earlier
    far, before = given.numbers[kept], given.numbers[earlier]
    differs = ~((far == before) | (np.isnan(far) & np.isnan(before)))
    graded = said[kept] != said[earlier]
    plain = np.flatnonzero(again & ~differs & ~graded)
    moved = np.flatnonzero(again & differs & ~graded)
    regraded = np.flatnonzero(again & graded) if given.grades is not None else moved[:0]
    one_of = "Find out which holds, and drop the others."
    kinds = (
        ("contradictory_pairs", "alarm", regraded, "with another grade", one_of),
        ("contradictory_distances", "alarm", moved, "at another distance", one_of),
        ("repeated_rows", "note", plain, "with the same numbers", "They count once."),
    )
    found = []
    for kind, severity, at, how, advice in kinds:
        if not len(at):
            continue
        shown: list[Evidence] = []
        for number, place in enumerate(at[:SHOWN].tolist()):
            shown += rows.evidence([int(earlier[place]), int(kept[place])], number)
        found.append(
            Finding(
                kind,
                "alarm" if severity == "alarm" else "note",
                f"{count_words(len(at), 'row lists', 'rows list')} a pair that an earlier row "
                f"lists {how}.",
                tuple(shown),
                advice,
                {"rows": float(len(at))},
            )
        )
    return found


def _contradictory(rows: _Rows, kept: Int[Array, "k"]) -> list[Finding]:
    """Pairs that are the same in some rows, or by a chain of rows, and different in others."""
    first, second = rows.first[kept], rows.second[kept]
    same = rows.given.same[kept] == 1
    found = contradicted(first, second, same, 2 * len(rows.given.same))
    if found is None:
        return []
    row_of = {
        (min(a, b), max(a, b)): int(row)
        for a, b, row, alike in zip(
            first.tolist(), second.tolist(), kept.tolist(), same.tolist(), strict=True
        )
        if alike
    }
    evidence: list[Evidence] = []
    for number, (wrong, chain) in enumerate(zip(found.wrong.tolist(), found.chains, strict=False)):
        links = [row_of[min(p), max(p)] for p in pairwise(chain)]
        evidence += rows.evidence([int(kept[wrong]), *links], number)
    return [contradiction(found, tuple(evidence))]


def _distances(
    rows: _Rows, once: Int[Array, "k"], roots: Int[Array, "n"], margin: float | None
) -> tuple[list[Clue], list[Finding]]:
    """What the distances themselves tell."""
    given = rows.given
    far, same = given.distances[once], given.same[once] == 1
    if not len(far) or same.all() or not same.any():
        return [], []
    names, units = np.unique(roots[rows.first[once]], return_inverse=True)
    folds = association_folds(len(names), np.random.default_rng(0))
    cases = Cases(
        rows.first[once], rows.second[once], ~same, units, units, folds[units], len(names)
    )
    found, told = [], auc(far, cases)
    if equal := constant(far):
        found.append(Finding("constant_distance", "alarm", equal, (), ENCODER, {}))
    elif told.high is not None and told.high < 0.5:
        found.append(
            Finding(
                "reversed_distance",
                "alarm",
                f"Same pairs are farther apart than different ones (AUC {told.value:.3f}, "
                f"{told.low:.3f} to {told.high:.3f}).",
                (),
                SIMILARITY_TODO,
                {"auc": told.value},
            )
        )
    found.append(margin_findings(far, same, margin))
    return [clue(QUESTION, "the distance itself", told)], found


def _component(rows: _Rows, once: Int[Array, "k"], roots: Int[Array, "n"]) -> list[Finding]:
    """One group of linked pairs that holds most of them."""
    if not len(once):
        return []
    groups, counts = np.unique(roots[rows.first[once]], return_counts=True)
    most = int(counts.argmax())
    share = counts[most] / len(once)
    if share <= MOST or len(once) < 4:
        return []
    inside = once[roots[rows.first[once]] == groups[most]]
    degrees = np.bincount(np.concatenate([rows.first[inside], rows.second[inside]]))
    hub = int(degrees.argmax())
    name = printable(str(rows.names[hub]))
    at = [int(row) for row in inside if hub in (rows.first[row], rows.second[row])]
    return [
        Finding(
            "large_component",
            "alarm" if share > NEARLY_ALL else "note",
            f"{counts[most]:,} of {len(once):,} pairs hang together by their items, in one of "
            f"{count_words(len(groups), 'group')}: they are never dealt into two folds, and count "
            f"as one trial of an interval. {name!r} is in most of them, {degrees[hub]:,}.",
            rows.evidence(at[:SHOWN]),
            "Drop the pairs of the items that most others are compared with, or give their "
            "embeddings with labels (.npz), of which whole identities are dealt.",
            {"pairs": float(counts[most]), "share": float(share), "groups": float(len(groups))},
        )
    ]


def constant(far: Float[Array, "k"]) -> str:
    """That the distances are all, or nearly all, one; empty if they are not."""
    values, counts = np.unique(far, return_counts=True)
    if len(values) == 1:
        return f"All {len(far):,} distances are {values[0]:g}, so that nothing can be told apart."
    most = int(counts.argmax())
    if len(far) >= 10 and counts[most] >= COMMON * len(far):
        return f"Nearly all distances, {counts[most]:,} of {len(far):,}, are {values[most]:g}."
    low, middle, high = np.quantile(far, [0.05, 0.5, 0.95])
    if high - low < CONSTANT * middle:
        return (
            f"The distances are nearly constant: nine of ten lie from {low:g} to {high:g}, apart "
            f"by a share of {(high - low) / middle:.1g} of their median."
        )
    return ""


def margin_findings(
    far: Float[Array, "k"], same: Bool[Array, "k"], margin: float | None
) -> Finding:
    """The margin against the scale of some distances.

    Args:
        far: The distances.
        same: Whether the two of each pair are the same.
        margin: In units of the distance; None for none.
    """
    near, median = float(np.median(far[same])), float(np.median(far[~same]))
    figures = {"median_same": near, "median_different": median, "pairs": float(len(far))}
    words = (
        f"As given, the median distance is {near:.3g} of same and {median:.3g} of different pairs."
    )
    if margin is None:
        return Finding("margin", "baseline", words, (), "", figures)
    beyond = float((far[~same] >= margin).mean())
    times = margin / median if median else float(np.finfo(np.float32).max)
    figures |= {"margin": margin, "different_beyond_margin": beyond, "margin_per_median": times}
    words += (
        f" The margin {margin:g} is {times:.3g} times that of different pairs, of which a share of "
        f"{beyond:.3f} lies beyond it already ({int((~same).sum()):,} different pairs)."
    )
    return Finding("margin", "note", words, (), "", figures)
