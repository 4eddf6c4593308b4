"""Puts a report together from a model and what was measured, and writes it."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from likewise.data import Decoded
from likewise.errors import DamagedModel
from likewise.evaluation import PooledEvaluation
from likewise.io import atomic
from likewise.io.display import printable, shortened
from likewise.kinds import FAMILY as KINDS
from likewise.model import Model
from likewise.report import Example, Report, card, render
from likewise.report.cross_validation import FoldsReport, render_folds
from likewise.report.figures import check_plotly
from likewise.results import Choice, Epoch, Evaluation, Training
from likewise.types import Items

_PACKAGES = ("likewise", "numpy", "onnxruntime", "torch", "scikit-learn")


def examples_of(evaluation: Evaluation, decoded: Decoded) -> tuple[Example, ...]:
    """The mistakes of an evaluation as pictures or lines.

    Args:
        evaluation: Whose mistakes to show.
        decoded: The items it was measured on, row for row.
    """
    items = decoded.items
    if not len(evaluation.mistakes):
        return ()
    kind = KINDS.build(items.kind)
    return tuple(
        Example(
            first=kind.picture(kind.shown(decoded[mistake.first])),
            second=kind.picture(kind.shown(decoded[mistake.second])),
            first_label=_label(items, mistake.first),
            second_label=_label(items, mistake.second),
            first_place=str(items.places[mistake.first]),
            second_place=str(items.places[mistake.second]),
            same=mistake.same,
            distance=mistake.distance,
            threshold=evaluation.threshold,
        )
        for mistake in evaluation.mistakes
    )


def _label(items: Items, row: int) -> str:
    forged = " (forged)" if items.forged[row] else ""
    return f"{items.identities[row]}{forged}"


def report_of(
    model: Model,
    evaluation: Evaluation,
    examples: Sequence[Example],
    *,
    data: Mapping[str, str],
    rerun: Sequence[str],
    choice: Choice | None = None,
    audit: Mapping[str, str] | None = None,
) -> Report:
    """Everything that the page shows.

    Args:
        model: What was measured.
        evaluation: What was measured.
        examples: Mistakes to show; empty to show none.
        data: What each part of the data was, in words.
        rerun: Commands that make it again.
        choice: How the calibrator was chosen; None if somebody named it.
        audit: What an audit of the data found, in words; None if there was none.
    """
    trained = _training(model)
    return Report(
        title=f"{model.folder.resolve().name}, measured on {evaluation.source}",
        evaluation=evaluation,
        default_point=evaluation.default_point,
        epochs=trained.epochs,
        examples=tuple(examples),
        recipe=_recipe(model),
        data=data,
        rerun=tuple(rerun),
        environment={"compared by": evaluation.comparator, **_how(trained), **made_with()},
        choice=choice,
        audit=audit or {},
    )


def training_json(training: Training) -> bytes:
    """The bytes of `training.json`."""
    return json.dumps(asdict(training), indent=1).encode()


def _training(model: Model) -> Training:
    if "training" not in model.manifest.files:
        return Training((), "elsewhere: the encoder was wrapped", "", stopped=False)
    try:
        plain = json.loads(model.read("training"))
        return Training(
            epochs=tuple(_epoch(epoch) for epoch in plain["epochs"]),
            device=shortened(plain["device"]),
            precision=shortened(plain["precision"]),
            stopped=bool(plain["stopped"]),
        )
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        why = f"{type(error).__name__}: {shortened(error, 300)}"
        raise DamagedModel(f"training.json cannot be read ({why}). Restore the model.") from error


def _epoch(plain: Mapping[str, Any]) -> Epoch:
    for key, value in plain.items():
        whole = key in ("number", "steps")
        if key == "best":
            fits = isinstance(value, bool)
        elif key == "note":
            fits = isinstance(value, str)
        elif key == "figure" and value is None:
            fits = True
        else:
            fits = type(value) is int or (type(value) is float and not whole)
            fits = fits and abs(value) < 2**63
        if not fits:
            raise TypeError(f"{key} is {value!r}")
    return Epoch(**{**plain, "note": shortened(plain.get("note", ""))})


def _recipe(model: Model) -> str:
    if "recipe" not in model.manifest.files:
        return "# There is none: the encoder was made elsewhere, and wrapped.\n"
    try:
        text = model.read("recipe").decode()
    except UnicodeDecodeError as error:
        raise DamagedModel(
            f"The recipe in {model.folder} is no text ({error}). Restore the model."
        ) from error
    return "\n".join(printable(line) for line in text.splitlines()) + "\n"


def _how(training: Training) -> dict[str, str]:
    how = {"trained on": training.device}
    if training.precision:
        how["precision"] = training.precision
    if training.stopped:
        steps = training.epochs[-1].steps if training.epochs else 0
        how["stopped early"] = f"by hand, after the {steps} steps of the epochs that were over"
    return how


def write_report(report: Report, page: Path, summary: Path | None = None) -> None:
    """Write the page, and the card where asked; each is replaced as a whole.

    Raises:
        SaveFailed: If one cannot be written.
    """
    atomic.replace(page, render(report).encode())
    if summary is not None:
        atomic.replace(summary, card(report).encode())


def check_report(page: Path) -> None:
    """Refuse a place where no page with figures could be written, before any work is done.

    Raises:
        BadArgument: As `durable.check_page` raises.
        MissingExtra: If plotly, which draws the page, is not installed.
    """
    atomic.check_page(page)
    check_plotly()


def evaluation_page(report: Path, source: str) -> Path:
    """Return the page of an evaluation: in a folder it is called `evaluation-NAME.html`.

    Args:
        report: The page, or the folder that it goes to.
        source: What the items call themselves.
    """
    if not report.is_dir():
        return report
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in source)
    return report / f"evaluation-{name}.html"


def page_of(report: str, source: str) -> Path:
    """Return where a page goes: where a person said, else `evaluation-NAME.html` in this folder.

    Args:
        report: What a person said; empty for nothing.
        source: What is measured: a path, or a source's spec.

    Raises:
        BadArgument: If it cannot be written there.
        MissingExtra: If what draws it is not installed.
    """
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(source).stem)
    page = Path(report) if report else Path(f"evaluation-{name.strip('-') or 'data'}.html")
    check_report(page)
    return page


def write_folds(found: PooledEvaluation, page: Path, *, recipe: str, rerun: Sequence[str]) -> None:
    """Write the page of folds, replaced as a whole.

    Args:
        found: What the folds measured.
        page: The file.
        recipe: The TOML text.
        rerun: Commands that make it again.

    Raises:
        SaveFailed: If it cannot be written.
    """
    environment = {"compared by": found.comparator, **made_with()}
    shown = FoldsReport(found, recipe, tuple(rerun), environment)
    atomic.replace(page, render_folds(shown).encode())


def made_with() -> dict[str, str]:
    """Return the versions and the processor that a page is made with."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    versions["processor"] = f"{_processor()}, {os.cpu_count()} cores"
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
