"""With genuine and forged items: what parts the two populations that is no trait of a forgery.

Here looks that differ are alarms: paper, ink and light say how the two were gathered, and a model
that reads them learns the scanner.
"""

from collections.abc import Mapping

import numpy as np

from likewise.auditing import files, probes, shortcut_features
from likewise.auditing.association import Auc, Cases, association_folds, auc
from likewise.auditing.collect import Survey
from likewise.auditing.findings import Clue, Finding
from likewise.auditing.shortcut_features import NOT_READ, POPULATIONS, clue
from likewise.auditing.shortcuts import SIZE_REACH, read_finding, thumbnail_title
from likewise.shapes import Array, Float, Shaped
from likewise.transforms.base import Transform

QUESTION = "genuine from forged"
LEFT = "genuine from forged, once binarised"
ADVICE = {
    "paper": "Bring the paper of all items to one grey before anything is learned: binarise them "
    "(Otsu's threshold), as image(size=64, binarise=True) does, or level the background.",
    "ink": "Binarise the items (Otsu's threshold), so that the grey of the ink is gone.",
    "light": "Standardise each item (its own mean and spread), or binarise it.",
    "form": "If it is no trait of the forgeries themselves, resample all items to one resolution "
    "by one method, and crop them alike.",
    "level": "Standardise each item by its own mean and spread, as series(normalize='series') "
    "does, and start all alike.",
}


def origin_cases(survey: Survey, random: np.random.Generator) -> tuple[Survey, Cases]:
    """The genuine and forged items, and the question which is which."""
    kept = survey.take(np.flatnonzero(np.isin(survey.items.origins, ("genuine", "forged"))))
    names, codes = np.unique(kept.items.identities, return_inverse=True)
    rows = np.arange(len(kept))
    positive = kept.items.origins == "forged"
    folds = association_folds(len(names), random)
    return kept, Cases(rows, rows, positive, codes, codes, folds[codes], len(names))


def origin_shortcuts(
    survey: Survey,
    transform: Transform,
    binarised: Survey | None,
    *,
    seed: int,
    quick: bool,
) -> tuple[list[Clue], list[Finding]]:
    """The clues and findings of items of which some are forged.

    Args:
        survey: What was seen.
        transform: What decides whether names and metadata are read.
        binarised: What was seen of the same items made black and white; None if nobody looked.
        seed: Where chance comes from.
        quick: Whether to leave out the probes.
    """
    whole, cases = origin_cases(survey, np.random.default_rng(seed))
    if cases.positive.all() or not cases.positive.any():
        return [], []
    told, found = _appearance(whole, cases)
    for part in (_frame(whole, cases), _words(whole, cases, transform), _size(whole, cases)):
        told += part[0]
        found += part[1]
    if not quick:
        coarse = _thumbnails(whole, cases)
        if coarse is not None:
            told.append(clue(QUESTION, thumbnail_title(whole), coarse))
            found += _unlisted(told, found)
    told.sort(key=lambda one: -one.auc)
    if binarised is not None and "appearance" in {one.kind for one in found}:
        left, note = _left(binarised, seed)
        told += left
        found += note
    return told, found


def _aucs(columns: Mapping[str, Float[Array, "n"]], cases: Cases) -> dict[str, Auc]:
    return {name: auc(values, cases, two_sided=True) for name, values in columns.items()}


def _appearance(survey: Survey, cases: Cases) -> tuple[list[Clue], list[Finding]]:
    """Paper, ink, light and form, in one finding that names the most telling of each."""
    aucs = _aucs(
        shortcut_features.numbers_of(survey, shortcut_features.names_of(survey, "tone", "form")),
        cases,
    )
    alarming = {name: one for name, one in aucs.items() if POPULATIONS.passed(one)}
    told = [
        clue(QUESTION, shortcut_features.title(survey, name), one, alarm=name in alarming)
        for name, one in aucs.items()
    ]
    if not alarming:
        return told, []
    order = sorted(alarming, key=lambda name: -alarming[name].value)
    best = order[0]
    named = [
        clue(QUESTION, shortcut_features.title(survey, name), alarming[name]).words
        for name in order
    ]
    values = survey.numbers[best].astype(np.float64)
    medians = {
        word: float(np.median(values[survey.items.origins == word]))
        for word in ("genuine", "forged")
    }
    others = f" So do {', '.join(named[1:5])}." if len(named) > 1 else ""
    numbers = survey.kind.numbers
    advice = dict.fromkeys(ADVICE[numbers[name].advice] for name in order[:4])
    finding = Finding(
        "appearance",
        "alarm",
        f"The look of the items alone tells {QUESTION}: {named[0]} the most (median "
        f"{medians['genuine']:.4g} of the genuine, {medians['forged']:.4g} of the forged).{others}",
        shortcut_features.by_value(
            survey, shortcut_features.title(survey, best), values, survey.items.origins
        ),
        " ".join(advice),
        {
            "auc": alarming[best].value,
            "median_genuine": medians["genuine"],
            "median_forged": medians["forged"],
        },
    )
    return told, [finding]


def _frame(survey: Survey, cases: Cases) -> tuple[list[Clue], list[Finding]]:
    aucs = _aucs(
        shortcut_features.numbers_of(survey, shortcut_features.names_of(survey, "frame")), cases
    )
    alarming = {name: one for name, one in aucs.items() if POPULATIONS.passed(one)}
    told = [
        clue(QUESTION, shortcut_features.title(survey, name), one, alarm=name in alarming)
        for name, one in aucs.items()
    ]
    if not alarming:
        return told, []
    best = max(alarming, key=lambda name: alarming[name].value)
    values = survey.numbers[best].astype(np.float64)
    words = clue(QUESTION, shortcut_features.title(survey, best), alarming[best]).words
    finding = Finding(
        "frame",
        "alarm",
        f"The dimensions alone tell {QUESTION}: {words}.",
        shortcut_features.by_value(
            survey, shortcut_features.title(survey, best), values, survey.items.origins
        ),
        "Crop the items to what they show, and resample them to one size, before comparing.",
        {"auc": alarming[best].value},
    )
    return told, [finding]


def _words(survey: Survey, cases: Cases, transform: Transform) -> tuple[list[Clue], list[Finding]]:
    """Format and mode; and names and metadata where the transform reads them."""
    told: list[Clue] = []
    found: list[Finding] = []
    if not survey.encoded.all():
        return told, found
    both = [
        frozenset(pair)
        for pair in zip(survey.headers["format"], survey.headers["mode"], strict=True)
    ]
    names = [files.name_tokens(str(place)) for place in survey.items.places]
    written = [frozenset(str(each).split(", ")) for each in survey.headers["metadata"]]
    for what, words in (("encoding", both), ("names", names), ("metadata", written)):
        said = probes.by_words(words, cases) if len(set(words)) > 1 else None
        if said is None:
            continue
        one = auc(said, cases, by_fold=True)
        tells = POPULATIONS.passed(one)
        title = {
            "encoding": "format and mode of the file",
            "names": "words in the file's name",
            "metadata": "metadata",
        }[what]
        if what == "encoding":
            told.append(clue(QUESTION, title, one, alarm=tells))
            if tells:
                found.append(_encoding(survey, told[-1]))
            continue
        alarm = tells and shortcut_features.is_read(survey, transform, what)
        told.append(clue(QUESTION, title, one, alarm=alarm, remark="" if alarm else NOT_READ))
        if alarm:
            found.append(read_finding(survey, what, told[-1]))
    return told, found


def _encoding(survey: Survey, told: Clue) -> Finding:
    return Finding(
        "encoding",
        "alarm",
        f"How the files are stored tells {QUESTION}: {told.words}.",
        shortcut_features.by_word(survey, _joined(survey.items.origins, survey.headers)),
        "Bring all items to one format and mode in the same way, from originals.",
        {"auc": told.auc},
    )


def _joined(origins: Shaped[Array, "n"], headers: Mapping[str, Array]) -> Shaped[Array, "n"]:
    stored = np.char.add(np.char.add(headers["format"], " "), headers["mode"])
    joined: Array = np.char.add(np.char.add(origins, ": "), stored)
    return joined


def _size(survey: Survey, cases: Cases) -> tuple[list[Clue], list[Finding]]:
    """File size, and what it adds to what the pixels themselves explain of it."""
    sizes = shortcut_features.numbers_of(survey, ("bytes",)).get("bytes")
    if sizes is None:
        return [], []
    whole = auc(sizes, cases, two_sided=True)
    beyond = shortcut_features.size_beyond_pixels(survey, cases.folds)
    if beyond is None:
        return [clue(QUESTION, "file size", whole, remark=NOT_READ)], []
    rest = auc(beyond, cases, two_sided=True)
    medians = [float(np.median(beyond[cases.positive == sort])) for sort in (False, True)]
    alarm = POPULATIONS.passed(rest) and abs(medians[1] - medians[0]) >= SIZE_REACH
    remark = f"beyond what the pixels explain, AUC {rest.value:.3f}"
    remark = remark if alarm else f"{NOT_READ}; {remark}"
    told = [clue(QUESTION, "file size", whole, alarm=alarm, remark=remark)]
    if not alarm:
        return told, []
    words = clue(QUESTION, "file size beyond the pixels", rest).words
    finding = Finding(
        "file_size",
        "alarm",
        f"The genuine and the forged were packed differently: {words} tells which is which.",
        shortcut_features.by_value(
            survey, "times what the pixels explain", np.exp(beyond), survey.items.origins
        ),
        "Pack all items anew the same way, from originals.",
        {"auc": rest.value},
    )
    return told, [finding]


def _thumbnails(survey: Survey, cases: Cases) -> Auc | None:
    return shortcut_features.probed(survey.thumbnails.astype(np.float64), cases, strength=0.01)


def _unlisted(told: list[Clue], found: list[Finding]) -> list[Finding]:
    """An alarm if a thumbnail tells much that no listed number does."""
    coarse = told[-1]
    known = max((one.high or one.auc for one in told[:-1] if not one.remark), default=0.5)
    if found or coarse.low is None or coarse.low <= max(0.7, known):
        return []
    return [
        Finding(
            "unlisted",
            "alarm",
            f"{coarse.words} tells {QUESTION}, and none of the listed numbers does nearly as well: "
            "something coarse parts the two that nobody listed.",
            (),
            "Look at the items side by side, blurred: where they stand, how they are framed, marks "
            "at the edges.",
            {"auc": coarse.auc},
        )
    ]


def _left(binarised: Survey, seed: int) -> tuple[list[Clue], list[Finding]]:
    """What still tells the two apart when all is black and white."""
    whole, cases = origin_cases(binarised, np.random.default_rng(seed))
    columns = shortcut_features.numbers_of(whole, shortcut_features.names_of(whole, "tone", "form"))
    # Of two greys the paper's and the ink's are known, and the others follow from the ink's share.
    columns = {name: columns[name] for name in ("ink_share", "edges") if name in columns}
    told = [
        clue(LEFT, shortcut_features.title(whole, name), one)
        for name, one in _aucs(columns, cases).items()
    ]
    coarse = _thumbnails(whole, cases)
    if coarse is not None:
        told.append(clue(LEFT, thumbnail_title(whole), coarse))
    told.sort(key=lambda one: -one.auc)
    if not told:
        return [], []
    return told, [
        Finding(
            "left_after_binarising",
            "baseline",
            f"Made black and white, the items still tell {QUESTION} by {told[0].words}: what is "
            "left is of what is drawn, or of how it is framed, and a model must beat it."
            + (f" So do {', '.join(one.words for one in told[1:])}." if told[1:] else ""),
            (),
            "",
            {"auc": told[0].auc},
        )
    ]
