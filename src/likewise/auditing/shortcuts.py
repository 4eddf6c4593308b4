"""With class labels: what trivial things tell same from different pairs.

That two people differ in their mean grey is legitimate, so such clues are baselines that a model
must beat. Only nuisance is an alarm: what follows how an item was stored, and not what it shows.
"""

import math

import numpy as np

from likewise.auditing import shortcut_features
from likewise.auditing.association import Auc, Cases, association_folds, association_pairs, auc
from likewise.auditing.collect import Survey
from likewise.auditing.findings import Clue, Finding, evidence_of
from likewise.auditing.shortcut_features import NOT_READ, NUISANCE, Bar, clue
from likewise.shapes import Array, Float
from likewise.transforms.base import Transform

QUESTION = "same from different"
SIZE_BAR = Bar(0.6, 0.55)
SIZE_REACH = math.log(1.1)
"""How far sizes must lie apart beyond their pixels: what explains them is no exact account."""
_ENCODING = ("format", "mode")


def class_shortcuts(
    survey: Survey, transform: Transform, *, seed: int, most: int, quick: bool
) -> tuple[list[Clue], list[Finding]]:
    """The clues and findings of items with class labels.

    Args:
        survey: What was seen of items that are all genuine.
        transform: What decides whether names and metadata are read.
        seed: Where chance comes from.
        most: How many pairs are drawn.
        quick: Whether to leave out the probes.
    """
    random = np.random.default_rng(seed)
    cases = association_pairs(survey.items.identities, most, random)
    if cases.positive.all() or not cases.positive.any():
        return [], []
    told: list[Clue] = []
    found: list[Finding] = []
    columns = shortcut_features.numbers_of(
        survey, shortcut_features.names_of(survey, "tone", "form")
    )
    frame = shortcut_features.numbers_of(survey, shortcut_features.names_of(survey, "frame"))
    told += [
        clue(
            QUESTION,
            shortcut_features.title(survey, name),
            auc(shortcut_features.unlike(values, cases), cases),
        )
        for name, values in columns.items()
    ]
    for part in (
        _frame(survey, frame, cases),
        _words(survey, cases, _ENCODING, "encoding"),
        _file_size(survey, cases, random),
        _read_or_not(survey, cases, transform),
    ):
        told += part[0]
        found += part[1]
    if not quick:
        told += _together({**columns, **frame}, survey, cases)
    told.sort(key=lambda one: -one.auc)
    found += _baselines(told)
    return told, found


def _frame(
    survey: Survey, columns: dict[str, Float[Array, "n"]], cases: Cases
) -> tuple[list[Clue], list[Finding]]:
    """Dimensions; the length of a series is of what it shows as much as of how it was cut."""
    aucs = {
        name: auc(shortcut_features.unlike(values, cases), cases)
        for name, values in columns.items()
    }
    alarming = {name: one for name, one in aucs.items() if name != "steps" and NUISANCE.passed(one)}
    told = [
        clue(QUESTION, shortcut_features.title(survey, name), one, alarm=name in alarming)
        for name, one in aucs.items()
    ]
    if not alarming:
        return told, []
    name = max(alarming, key=lambda one: alarming[one].value)
    values = survey.numbers[name]
    sizes = survey.numbers["width"], survey.numbers["height"]
    rows = [int(values.argmin()), int(values.argmax())]
    evidence = tuple(
        evidence_of(
            survey.items,
            row,
            f"{survey.items.identities[row]}: {sizes[0][row]:g} x {sizes[1][row]:g} pixels",
            number,
        )
        for number, row in enumerate(rows)
    )
    finding = Finding(
        "frame",
        "alarm",
        "The dimensions of the images differ between identities: "
        f"{clue(QUESTION, shortcut_features.title(survey, name), alarming[name]).words} tells same "
        "from different pairs before anything is looked at, and resizing leaves its traces "
        "(sharpness, shape).",
        evidence,
        "Crop or resample all images to one size by one method, from originals of one resolution "
        "where there are any.",
        {"auc": alarming[name].value},
    )
    return told, [finding]


def _words(
    survey: Survey, cases: Cases, names: tuple[str, ...], kind: str
) -> tuple[list[Clue], list[Finding]]:
    """Format and mode."""
    told, alarming = [], {}
    for name in names:
        words = survey.headers[name]
        if len(np.unique(words)) < 2:
            continue
        one = auc(shortcut_features.other_word(words, cases), cases)
        if NUISANCE.passed(one):
            alarming[name] = one
        told.append(clue(QUESTION, f"file {name}", one, alarm=name in alarming))
    if not alarming:
        return told, []
    name = max(alarming, key=lambda one: alarming[one].value)
    finding = Finding(
        kind,
        "alarm",
        f"The {' and the '.join(alarming)} of the files differ between identities: "
        f"{clue(QUESTION, f'file {name}', alarming[name]).words} tells same from different pairs, "
        "and a compression leaves its traces in the pixels.",
        shortcut_features.by_word(survey, survey.headers[name]),
        "Take all items from originals of one format, or bring all to the worse one the same way.",
        {"auc": alarming[name].value},
    )
    return told, [finding]


def _file_size(
    survey: Survey, cases: Cases, random: np.random.Generator
) -> tuple[list[Clue], list[Finding]]:
    """File size, and what it adds to what the pixels themselves explain of it."""
    sizes = shortcut_features.numbers_of(survey, ("bytes",)).get("bytes")
    if sizes is None:
        return [], []
    whole = auc(shortcut_features.unlike(sizes, cases), cases)
    _, codes = np.unique(survey.items.identities, return_inverse=True)
    beyond = shortcut_features.size_beyond_pixels(
        survey, association_folds(cases.units, random)[codes]
    )
    if beyond is None:
        return [clue(QUESTION, "file size", whole, remark=NOT_READ)], []
    rest = auc(shortcut_features.unlike(beyond, cases), cases)
    means = np.bincount(codes, beyond) / np.bincount(codes)
    reach = float(np.diff(np.percentile(means, [10, 90]))[0])
    alarm = SIZE_BAR.passed(rest) and reach >= SIZE_REACH
    remark = f"beyond what the pixels explain, AUC {rest.value:.3f}"
    remark = remark if alarm else f"{NOT_READ}; {remark}"
    told = [clue(QUESTION, "file size", whole, alarm=alarm, remark=remark)]
    if not alarm:
        return told, []
    return told, [_size_finding(survey, beyond, rest)]


def _size_finding(survey: Survey, beyond: Float[Array, "n"], rest: Auc) -> Finding:
    names, codes = np.unique(survey.items.identities, return_inverse=True)
    counts = np.bincount(codes)
    means = np.bincount(codes, beyond) / counts
    evidence = []
    for number, code in enumerate((int(means.argmin()), int(means.argmax()))):
        rows = np.flatnonzero(codes == code)
        row = int(rows[np.abs(beyond[rows] - means[code]).argmin()])
        evidence.append(
            evidence_of(
                survey.items,
                row,
                f"{names[code]}: {survey.numbers['bytes'][row]:,.0f} bytes, "
                f"{np.exp(beyond[row]):.2f} times what its pixels explain",
                number,
            )
        )
    return Finding(
        "file_size",
        "alarm",
        "The files of different identities were packed differently: their size beyond what their "
        f"own pixels explain tells same from different pairs "
        f"({clue(QUESTION, 'file size beyond the pixels', rest).words}).",
        tuple(evidence),
        "Find out what parts them (another quality of compression, another program, another "
        "source), and pack all items anew the same way from originals.",
        {"auc": rest.value},
    )


def _read_or_not(
    survey: Survey, cases: Cases, transform: Transform
) -> tuple[list[Clue], list[Finding]]:
    """Metadata and names: alarms only where the transform reads them."""
    told: list[Clue] = []
    found: list[Finding] = []
    if not survey.encoded.all():
        return told, found
    gaps = {"names": shortcut_features.other_name(survey, cases)}
    words = survey.headers["metadata"]
    if len(np.unique(words)) > 1:
        gaps["metadata"] = shortcut_features.other_word(words, cases)
    for what, gap in gaps.items():
        one = auc(gap, cases)
        tells = NUISANCE.passed(one)
        alarm = tells and shortcut_features.is_read(survey, transform, what)
        title = "words in the file's name" if what == "names" else "metadata"
        if one.value == 0.5 and not tells:
            continue
        told.append(clue(QUESTION, title, one, alarm=alarm, remark="" if alarm else NOT_READ))
        if alarm:
            found.append(read_finding(survey, what, told[-1]))
    return told, found


def read_finding(survey: Survey, what: str, told: Clue) -> Finding:
    """The alarm that the transform reads names or metadata that tell the answer."""
    shown = survey.headers["metadata"] if what == "metadata" else survey.items.places
    return Finding(
        "metadata" if what == "metadata" else "names",
        "alarm",
        f"{told.words} tells {told.question}, and the transform reads it: an item comes out of it "
        "differently when nothing else is changed.",
        shortcut_features.by_word(survey, shown),
        "Strip the metadata from all files, after turning their pixels upright."
        if what == "metadata"
        else "Use a transform that reads the content alone.",
        {"auc": told.auc},
    )


def _together(columns: dict[str, Float[Array, "n"]], survey: Survey, cases: Cases) -> list[Clue]:
    told = []
    together = shortcut_features.probed(shortcut_features.gaps(columns, cases), cases)
    if together is not None:
        told.append(clue(QUESTION, f"these {len(columns)} numbers together (probe)", together))
    small = survey.thumbnails.astype(np.float32)
    gap = np.abs(small[cases.first] - small[cases.second])
    coarse = shortcut_features.probed(gap, cases, strength=0.01)
    if coarse is not None:
        told.append(clue(QUESTION, thumbnail_title(survey), coarse))
    return told


def thumbnail_title(survey: Survey) -> str:
    """What the coarse look is called."""
    return f"{survey.kind.glance} (probe)"


def _baselines(told: list[Clue]) -> list[Finding]:
    """What a model must beat: the best of what it could read."""
    fair = [one for one in told if not one.alarm and not one.remark.startswith(NOT_READ)]
    if not fair:
        return []
    best = max(fair, key=lambda one: one.auc)
    probes = [one for one in fair if "(probe)" in one.name and one is not best]
    more = f" Also: {', '.join(one.words for one in probes)}." if probes else ""
    return [
        Finding(
            "baselines",
            "baseline",
            f"Trivial looks tell same from different pairs, which is legitimate: {best.words} the "
            f"most. A model must beat it to be worth having.{more}",
            (),
            "",
            {"auc": best.auc},
        )
    ]
