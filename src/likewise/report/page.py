"""The page a person looks at, and the card beside a model: given plain results, computing none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from likewise.errors import BadArgument
from likewise.report import document, figures, growth, pictures, sections, shares, wording
from likewise.report.grades import grades
from likewise.results import Choice, Epoch, Evaluation, Rate, Verification
from likewise.shapes import Array
from likewise.types import Claim


@dataclass(frozen=True)
class Example:
    """One mistake, to be shown.

    Attributes:
        first: One item, decoded: an image as uint8 [c h w], a series as float [t d].
        second: The other.
        first_label: Its identity.
        second_label: That of the other.
        first_place: Its file or row.
        second_place: That of the other.
        same: Whether the two are truly the same.
        distance: How far apart they are.
        threshold: What the distance was held against.

    Raises:
        BadArgument: If the two are not both images or both series of one width.
    """

    first: Array
    second: Array
    first_label: str
    second_label: str
    first_place: str
    second_place: str
    same: bool
    distance: float
    threshold: float

    def __post_init__(self) -> None:
        both = (self.first, self.second)
        images = all(item.dtype == np.uint8 and item.ndim == 3 for item in both)
        series = all(np.issubdtype(item.dtype, np.floating) and item.ndim == 2 for item in both)
        if not images and not (series and self.first.shape[1] == self.second.shape[1]):
            given = " and ".join(f"{item.dtype} {list(item.shape)}" for item in both)
            raise BadArgument(
                f"{self.first_place} and {self.second_place} are {given}; two uint8 images "
                "[c h w] or two float series [t d] are expected. Hand over decoded items."
            )

    @property
    def is_image(self) -> bool:
        """Whether images are shown, and not series."""
        return self.first.ndim == 3


@dataclass(frozen=True)
class Report:
    """Everything that the page shows.

    Attributes:
        title: Of the page.
        evaluation: What was measured.
        default_point: Name of the operating point that `verify` uses; empty if none is supported.
        epochs: The training curve; empty when only evaluated.
        examples: Mistakes to show; empty with `--no-examples`.
        recipe: The TOML text.
        data: Role → a sentence with counts.
        rerun: Shell commands that make it again.
        environment: Versions and processor by name.
        choice: How the calibrator was chosen; None if somebody named it.
        audit: What an audit of the data found, in words; empty if there was none.

    Raises:
        BadArgument: If the default point is not among the supported ones.
    """

    title: str
    evaluation: Evaluation
    default_point: str
    epochs: tuple[Epoch, ...]
    examples: tuple[Example, ...]
    recipe: str
    data: Mapping[str, str]
    rerun: tuple[str, ...]
    environment: Mapping[str, str]
    choice: Choice | None = None
    audit: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = self.evaluation.verification.points
        supported = [point.name for point in points if point.supported]
        if self.default_point and self.default_point not in supported:
            raise BadArgument(
                f"The default point is {self.default_point!r}, and one of the supported points "
                f"({', '.join(supported) or 'there is none'}) or '' is expected. Name one of them."
            )


def render(report: Report) -> str:
    """The whole page: one HTML file that opens without a network.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    return document.html_page(
        report.title,
        f"Likewise, {report.evaluation.verification.sentence}",
        document.path(report.evaluation.source),
        _sections(report),
        rerun=report.rerun,
        environment=report.environment,
    )


def _sections(report: Report) -> list[document.Section]:
    evaluation, found = report.evaluation, report.evaluation.verification
    measure, (_, kinds) = wording.measure_words(evaluation), wording.kinds(found)
    certain = sections.probability_section(evaluation.probability, report.choice)
    spread = {"distance": "Distances", "dissimilarity": "Dissimilarities"}[measure]
    return [
        ("summary", "Summary", sections.summary(evaluation, report.default_point)),
        ("points", "Operating points", sections.points(evaluation, report.default_point)),
        ("populations", "Populations", shares.populations(found, report.default_point)),
        ("groups", "Groups", shares.groups(evaluation)),
        ("distances", spread, sections.distances(evaluation, report.default_point)),
        ("errors", "Both errors", sections.errors(found, report.default_point)),
        ("probability", "Probabilities", certain),
        ("grades", "Grades", grades(evaluation.grades)),
        ("growth", "As the gallery grows", growth.growth(evaluation)),
        ("training", "Training", _training(report.epochs)),
        ("mistakes", "The worst mistakes", _mistakes(report.examples, measure)),
        ("hardest", f"Hardest {kinds}", sections.hardest(evaluation)),
        ("failed", "Items that failed to read", document.failed(evaluation.failed)),
        ("data", "Data", document.facts(report.data)),
        ("audit", "Audit", document.facts(report.audit)),
        ("recipe", "Recipe", document.code(report.recipe, "Recipe")),
    ]


def _mistakes(examples: Sequence[Example], measure: str) -> str:
    if not examples:
        return ""
    top = pictures.round_up(max(max(one.distance, one.threshold) for one in examples))
    return (
        f'<ul class="mistakes">{"".join(_mistake(one, top, measure) for one in examples)}</ul>'
        f'<p class="note">Under each pair stands its {measure} on a scale that all share; '
        "the dashed line is the threshold.</p>"
    )


def _mistake(one: Example, top: float, measure: str) -> str:
    if one.is_image:
        images = (one.first, one.first_label), (one.second, one.second_label)
        drawn = [pictures.picture(image, f"An item of {label}") for image, label in images]
        axes = ""
    else:
        *drawn, axes = pictures.series_drawing(one.first, one.second)
    labels = (one.first_label, one.first_place), (one.second_label, one.second_place)
    shown = "".join(
        f"<figure>{item}<figcaption><b>{document.path(label)}</b>{document.path(place)}</figcaption></figure>"
        for item, (label, place) in zip(drawn, labels, strict=True)
    )
    far, held = wording.distance(one.distance), wording.distance(one.threshold)
    kind, heading, against = (
        ("rejected", "The same, taken for different", "above")
        if one.same
        else ("accepted", "Different, taken for the same", "at most")
    )
    gauge = pictures.strip(None, one.distance, None, top, one.threshold)
    return (
        f'<li class="{kind}"><h3>{heading}</h3>'
        f'<div class="pair{"" if one.is_image else " stack"}">{shown}</div>'
        + (f'<p class="small">{axes}</p>' if axes else "")
        + f"<div><p>{measure} {far}, {against} the threshold {held}</p>{gauge}</div></li>"
    )


REVEALED = (
    (
        "Who has the folder can compare people with it: it is as personal as what it learned "
        "from. Its files are their owner's alone (0600), unless somebody chose otherwise."
    ),
    (
        "`reference.bin` holds embeddings of items that it was calibrated on; whoever has "
        "photographs of these people finds them again. `trained_on.json` holds hashes of "
        "their names: a name that can be guessed can be tried, at a third of a millisecond "
        "each. `--private` keeps neither."
    ),
    (
        "An embedding can be turned back into a likeness of what it shows, and linked with "
        "others of the same model. Of ISO/IEC 24745, references can be renewed (train anew, "
        "and migrate the gallery); they are neither irreversible nor unlinkable."
    ),
)


def card(report: Report) -> str:
    """The model card: what it is good for, on whom it was measured, and its limits; Markdown."""
    evaluation = report.evaluation
    found = evaluation.verification
    lines = [
        f"# {_plain(report.title)}",
        "## What it is good for",
        _plain(wording.verdict(evaluation, report.default_point)),
        _plain(wording.recognition(evaluation)),
        "## On whom it was measured",
        _measured(evaluation),
        _points_in_markdown(found),
        _listed(report.data),
        *(["## Audit of the data", _listed(report.audit)] if report.audit else []),
        "## What this folder reveals",
        "\n".join(f"- {line}" for line in REVEALED),
        "## Limits",
        "\n".join(f"- {line}" for line in _limits(report)),
        *(["## How to rerun", _fenced("\n".join(report.rerun))] if report.rerun else []),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _listed(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- **{_plain(name)}**: {_plain(said)}" for name, said in facts.items())


def _measured(evaluation: Evaluation) -> str:
    found = evaluation.verification
    return (
        f"{_plain(evaluation.source)}: {found.counted}, "
        f"{found.same_pairs:,} same and {found.different_pairs:,} different pairs; "
        f"{found.sentence}. Ranges are 95% intervals whose trials are "
        f"{found.unit}."
    )


def _points_in_markdown(found: Verification) -> str:
    rows = ["| point | threshold | FAR on test | FRR on test |", "|---|---|---|---|"]
    for point in found.points:
        cells = ["not supported", "not supported"]
        if point.supported:
            rates = (point.test.far, point.test.frr) if point.test else ()
            cells = [_rate_in_words(rate, found.unit) for rate in rates] or ["not measured"] * 2
        name, threshold = _plain(point.name), wording.distance(point.threshold)
        rows.append(f"| {name} | {threshold} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows)


def _rate_in_words(rate: Rate, unit: str) -> str:
    words = wording.interval(rate, unit)
    if rate.low is None:
        return f"{wording.counts(rate)} ({words})"
    return f"{wording.fraction(rate.value)} ({words}); {wording.counts(rate)}"


def _limits(report: Report) -> list[str]:
    evaluation = report.evaluation
    found = evaluation.verification
    limits = [
        "The rates hold for items like those measured: gathered, cut and recorded the same way.",
        f"They say nothing about items of the {found.unit} trained on."
        if found.claim is Claim.NEW_IDENTITIES
        else "They hold for the classes trained on, and say nothing about any other.",
    ]
    limits += [_plain(refusal) for refusal in wording.refusals(found)]
    if evaluation.failed:
        limits.append(f"Items that failed to read, and took no part: {len(evaluation.failed):,}.")
    worst = [name for name, share in evaluation.hardest.items() if share > 0][:3]
    if worst:
        limits.append(f"It errs most on {_plain(', '.join(worst))}.")
    return limits


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    escaped = re.sub(r"([\\`*_\[\]|#~!])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;")


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}"


def _training(epochs: Sequence[Epoch]) -> str:
    """The training curve."""
    if not epochs:
        return ""
    last = epochs[-1]
    best = [epoch.number for epoch in epochs if epoch.best]
    kept = f" The best checkpoint (dotted line) is of epoch {best[-1]:,}." if best else ""
    warned = next((_warned(one, last) for one in reversed(epochs) if one.note), "")
    below = ""
    if any(epoch.figure is not None for epoch in epochs):
        below = " Below, the validation figure: smaller is better."
    return document.drawn(
        figures.training_figure(epochs),
        f"{last.number:,} epochs, {last.steps:,} steps, {last.seconds:,.0f} seconds."
        f"{below}{kept}{warned}",
        kind="plot tall" if below else "plot",
    )


def _warned(epoch: Epoch, last: Epoch) -> str:
    """What was wrong at an epoch, and that it was not at the last one."""
    return f" {epoch.note}" if epoch is last else f" At epoch {epoch.number:,}: {epoch.note}"
