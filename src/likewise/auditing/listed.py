"""With listed pairs: what parts the same from the different ones that is no likeness.

Nobody says what each item shows, so that a look which differs between the two populations of pairs
cannot be told from a short way to the answer, and is an alarm.
"""

import numpy as np

from likewise.auditing import shortcut_features
from likewise.auditing.association import Auc, Cases, association_folds, auc
from likewise.auditing.collect import Survey
from likewise.auditing.findings import Clue, Evidence, Finding, evidence_of
from likewise.auditing.shortcut_features import NOT_READ, POPULATIONS, UNLIKE, clue
from likewise.auditing.shortcuts import read_finding, thumbnail_title
from likewise.transforms.base import Transform

QUESTION = "listed same from listed different"


def pair_cases(survey: Survey, most: int, random: np.random.Generator) -> Cases:
    """The listed pairs, or some of them by chance."""
    pairs = survey.items.pairs
    assert pairs is not None  # noqa: S101 - asked of listed pairs alone
    names, codes = np.unique(survey.items.identities, return_inverse=True)
    kept = np.sort(random.permutation(len(pairs.first))[:most])
    first, second = np.asarray(pairs.first)[kept], np.asarray(pairs.second)[kept]
    different = np.asarray(pairs.same)[kept] <= 0.5
    folds = association_folds(len(names), random)
    return Cases(
        first,
        second,
        different,
        codes[first],
        codes[second],
        folds[codes[first]],
        len(names),
    )


def pair_shortcuts(
    survey: Survey, transform: Transform, *, seed: int, most: int, quick: bool
) -> tuple[list[Clue], list[Finding]]:
    """The clues and findings of listed pairs.

    Args:
        survey: What was seen.
        transform: What decides whether names and metadata are read.
        seed: Where chance comes from.
        most: How many pairs are asked.
        quick: Whether to leave out the probes.
    """
    random = np.random.default_rng(seed)
    cases = pair_cases(survey, most, random)
    if not len(cases) or cases.positive.all() or not cases.positive.any():
        return [], []
    told: list[Clue] = []
    found: list[Finding] = []
    groups = {
        "appearance": shortcut_features.names_of(survey, "tone", "form"),
        "frame": shortcut_features.names_of(survey, "frame"),
    }
    for what, names in groups.items():
        alarming: dict[str, tuple[Auc, str]] = {}
        for name, values in shortcut_features.numbers_of(survey, names).items():
            title = shortcut_features.title(survey, name)
            level = auc(values[cases.first] + values[cases.second], cases, two_sided=True)
            apart = auc(shortcut_features.unlike(values, cases), cases, two_sided=True)
            for one, bar, said in (
                (level, POPULATIONS, f"{title}, of both"),
                (apart, UNLIKE, f"{title}, how unlike"),
            ):
                alarm = bar.passed(one)
                told.append(clue(QUESTION, said, one, alarm=alarm))
                if alarm:
                    alarming[said] = (one, name)
        if alarming:
            found.append(_finding(survey, cases, what, alarming))
    told += _words(survey, cases)
    told, found = _read(survey, cases, transform, told, found)
    if not quick:
        told += _probes(survey, cases)
    told.sort(key=lambda one: -one.auc)
    return told, found


def _finding(
    survey: Survey, cases: Cases, what: str, alarming: dict[str, tuple[Auc, str]]
) -> Finding:
    order = sorted(alarming, key=lambda said: -alarming[said][0].value)
    named = [clue(QUESTION, said, alarming[said][0]).words for said in order]
    number = alarming[order[0]][1]
    values = survey.numbers[number].astype(np.float64)
    evidence: list[Evidence] = []
    for group, sort in enumerate((False, True)):
        rows = np.flatnonzero(cases.positive == sort)
        means = (values[cases.first] + values[cases.second])[rows] / 2
        middle = int(rows[np.argsort(means, kind="stable")[len(rows) // 2]])
        word = "different" if sort else "same"
        evidence += [
            evidence_of(
                survey.items,
                row,
                f"of a pair listed as {word}: {shortcut_features.title(survey, number)} "
                f"{values[row]:.4g}",
                group,
            )
            for row in (int(cases.first[middle]), int(cases.second[middle]))
        ]
    others = f" So do {', '.join(named[1:4])}." if len(named) > 1 else ""
    advice = (
        "Crop and resample all items alike."
        if what == "frame"
        else "Gather same and different pairs from the same sources; or take the difference away "
        "(standardise, binarise, resample). If it is what the items show, a model must beat it."
    )
    return Finding(
        what,
        "alarm",
        f"The look of the two items alone tells {QUESTION}: {named[0]} the most.{others}",
        tuple(evidence),
        advice,
        {"auc": alarming[order[0]][0].value},
    )


def _words(survey: Survey, cases: Cases) -> list[Clue]:
    told = []
    for name in ("format", "mode"):
        if len(np.unique(survey.headers[name])) > 1:
            one = auc(
                shortcut_features.other_word(survey.headers[name], cases), cases, two_sided=True
            )
            told.append(clue(QUESTION, f"file {name}", one, alarm=UNLIKE.passed(one)))
    return told


def _read(
    survey: Survey, cases: Cases, transform: Transform, told: list[Clue], found: list[Finding]
) -> tuple[list[Clue], list[Finding]]:
    """Format and mode as a finding; names and metadata where the transform reads them."""
    stored = [one for one in told if one.name in {"file format", "file mode"} and one.alarm]
    if stored:
        best = max(stored, key=lambda one: one.auc)
        found.append(
            Finding(
                "encoding",
                "alarm",
                f"How the files are stored tells {QUESTION}: {best.words}.",
                shortcut_features.by_word(survey, survey.headers[best.name.removeprefix("file ")]),
                "Bring all items to one format and mode in the same way, from originals.",
                {"auc": best.auc},
            )
        )
    if survey.encoded.all():
        gap = auc(shortcut_features.other_name(survey, cases), cases, two_sided=True)
        alarm = UNLIKE.passed(gap) and shortcut_features.is_read(survey, transform, "names")
        remark = "" if alarm else NOT_READ
        told.append(clue(QUESTION, "words in the files' names", gap, alarm=alarm, remark=remark))
        if alarm:
            found.append(read_finding(survey, "names", told[-1]))
    return told, found


def _probes(survey: Survey, cases: Cases) -> list[Clue]:
    told = []
    columns = shortcut_features.numbers_of(
        survey, shortcut_features.names_of(survey, "tone", "form", "frame")
    )
    together = shortcut_features.probed(shortcut_features.gaps(columns, cases), cases)
    if together is not None:
        title = f"these {len(columns)} numbers together (probe)"
        told.append(clue(QUESTION, title, together))
    small = survey.thumbnails.astype(np.float64)
    gap = np.abs(small[cases.first] - small[cases.second])
    coarse = shortcut_features.probed(gap, cases, strength=0.01)
    if coarse is not None:
        told.append(clue(QUESTION, thumbnail_title(survey), coarse))
    return told
