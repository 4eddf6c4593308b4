"""The trivial things that are asked what they tell, and how their answers are judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from likewise.auditing import files, probes
from likewise.auditing.association import Auc, Cases, auc
from likewise.auditing.collect import Survey
from likewise.auditing.findings import Clue, Evidence, evidence_of
from likewise.errors import LikewiseError
from likewise.kinds.look import Sort
from likewise.shapes import Array, Float, Shaped
from likewise.transforms.base import Transform

_TRIED = 8
NOT_READ = "the transform does not read it"


@dataclass(frozen=True)
class Bar:
    """From where on a clue is an alarm.

    Attributes:
        value: What the AUC must reach.
        low: What the lower end of its interval must exceed.
        alone: What the AUC must reach where there are too few identities for an interval.
    """

    value: float
    low: float
    alone: float = 0.75

    def passed(self, found: Auc) -> bool:
        """Whether an AUC is beyond it."""
        if found.low is None:
            return found.value >= self.alone
        return found.value >= self.value and found.low > self.low


NUISANCE = Bar(0.55, 0.52)
"""Format, dimensions and the like between identities, where nothing should be told."""
POPULATIONS = Bar(0.6, 0.55)
"""How two populations were recorded, where small differences are no short way to the answer."""
UNLIKE = Bar(0.65, 0.6)
"""How unlike the two of a listed pair look."""


def numbers_of(survey: Survey, names: Iterable[str]) -> dict[str, Float[Array, "n"]]:
    """The numbers that every item has and that are not the same for all; sizes as logarithms."""
    found = {}
    known = survey.kind.numbers
    for name in names:
        values = survey.numbers.get(name)
        if values is None or not np.isfinite(values).all() or np.ptp(values) == 0:
            continue
        wide = values.astype(np.float64)
        found[name] = np.log(np.maximum(wide, 1e-3)) if known[name].logarithmic else wide
    return found


def names_of(survey: Survey, *sorts: Sort) -> tuple[str, ...]:
    """The numbers of these sorts that the items' kind measures."""
    numbers = survey.kind.numbers
    return tuple(name for sort in sorts for name in numbers if numbers[name].sort == sort)


def title(survey: Survey, name: str) -> str:
    """What a number is called."""
    return survey.kind.numbers[name].title


def unlike(values: Float[Array, "n"], cases: Cases) -> Float[Array, "m"]:
    """How much the two of each pair differ in a number."""
    gap: Array = np.abs(values[cases.first] - values[cases.second])
    return gap


def other_word(words: Shaped[Array, "n"], cases: Cases) -> Float[Array, "m"]:
    """1 where the two of a pair have different words, else 0."""
    other: Array = (words[cases.first] != words[cases.second]).astype(np.float64)
    return other


def other_name(survey: Survey, cases: Cases) -> Float[Array, "m"]:
    """The share of the words in the two names of a pair that only one of them has (Jaccard)."""
    tokens = [files.name_tokens(str(place)) for place in survey.items.places]
    apart = np.zeros(len(cases))
    for at, (one, other) in enumerate(zip(cases.first, cases.second, strict=True)):
        union = tokens[one] | tokens[other]
        apart[at] = 1 - len(tokens[one] & tokens[other]) / len(union) if union else 0.0
    return apart


def clue(question: str, name: str, found: Auc, *, alarm: bool = False, remark: str = "") -> Clue:
    """The clue of an AUC."""
    return Clue(question, name, found.value, found.low, found.high, alarm, remark)


def gaps(columns: Mapping[str, Float[Array, "n"]], cases: Cases) -> Float[Array, "m f"]:
    """The features of a probe of pairs: how unlike they are in each number, and its root."""
    scaled = []
    for values in columns.values():
        gap = unlike(values, cases) / (values.std() or 1.0)
        scaled += [gap, np.sqrt(gap)]
    return np.stack(scaled, 1) if scaled else np.zeros((len(cases), 0))


def probed(features: Float[Array, "m f"], cases: Cases, strength: float = 1.0) -> Auc | None:
    """The AUC of a probe on identities not fitted on; None where it cannot be fitted."""
    if not features.shape[1]:
        return None
    said = probes.logistic(features, cases, strength=strength)
    return None if said is None else auc(said, cases, by_fold=True)


def size_beyond_pixels(survey: Survey, fold: Array) -> Float[Array, "n"] | None:
    """The logarithm of each file's size beyond what its own pixels explain; None without files.

    The pixels explain it by what they weigh when packed afresh in the same format, by their ink,
    edges and entropy, and by the format, mode and metadata, whose differences are findings of
    their own.
    """
    by = numbers_of(survey, ("packed", "ink_share", "edges", "entropy", "width", "height"))
    size = numbers_of(survey, ("bytes",)).get("bytes")
    if size is None or not by:
        return None
    forms = survey.headers["metadata"]
    for name in ("format", "mode"):
        forms = np.char.add(forms, survey.headers[name])
    columns = [*by.values()]
    columns += [(forms == form).astype(np.float64) for form in np.unique(forms)[1:9]]
    return probes.explained(size, np.stack(columns, 1), fold)


def is_read(survey: Survey, transform: Transform, what: str) -> bool:
    """Whether the transform reads `names` or `metadata`: by trying it on a few items.

    It reads a thing if an item comes out of `decode` differently when that thing alone is changed.
    """
    wanted = survey.encoded
    if what == "metadata":
        wanted = wanted & (survey.headers["metadata"] != "")
    rows = np.flatnonzero(wanted)
    test = files.reads_name if what == "names" else files.reads_metadata
    for row in rows[:: max(1, len(rows) // _TRIED)][:_TRIED].tolist():
        try:
            raw = survey.items.read(row)
        except LikewiseError:
            continue
        if test(transform, raw, str(survey.items.places[row])):
            return True
    return False


def by_value(
    survey: Survey, name: str, values: Float[Array, "n"], label: Shaped[Array, "n"], most: int = 2
) -> tuple[Evidence, ...]:
    """For each label the items in the middle of its values, as the plainest evidence.

    Args:
        survey: What was seen.
        name: What the values are called.
        values: One number an item.
        label: One word an item; the items of each word are one group.
        most: How many items of each.
    """
    shown: list[Evidence] = []
    for number, word in enumerate(np.unique(label)):
        rows = np.flatnonzero(label == word)
        order = rows[np.argsort(values[rows], kind="stable")]
        middle = order[max(0, len(order) // 2 - most // 2) :][:most]
        shown += [
            evidence_of(
                survey.items,
                row,
                f"{word}: {name} {values[row]:.4g} (median of its kind "
                f"{np.median(values[rows]):.4g})",
                number,
            )
            for row in middle.tolist()
        ]
    return tuple(shown)


def by_word(survey: Survey, words: Shaped[Array, "n"], most: int = 4) -> tuple[Evidence, ...]:
    """One item of each of the most frequent words, with how many have it."""
    named, counts = np.unique(words, return_counts=True)
    shown = []
    for number, at in enumerate(np.argsort(-counts, kind="stable")[:most].tolist()):
        row = int(np.flatnonzero(words == named[at])[0])
        said = str(named[at]) or "none"
        detail = f"{said}, as {counts[at]:,} of {len(words):,} items"
        shown.append(evidence_of(survey.items, row, detail, number))
    return tuple(shown)
