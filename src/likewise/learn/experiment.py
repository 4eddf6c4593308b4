"""The whole path: train, export, calibrate, measure, save, report."""

import logging
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.torch import save as save_tensors

from likewise.auditing import (
    Audit,
    audit_decoded,
    embedding_findings,
    margin_of,
    some_identities,
    worst_first,
)
from likewise.calibration import to_json
from likewise.data import Decoded
from likewise.evaluation import Fitting
from likewise.io import atomic
from likewise.learn.loop import checkpoint
from likewise.learn.loop.data import Splitter
from likewise.learn.loop.run import OnStep, Run
from likewise.learn.loop.train import begin_run
from likewise.learn.loop.validation import embedded
from likewise.learn.network.export import export_matcher, export_network
from likewise.model import (
    LeakageRecord,
    Model,
    check_model_folder,
    dump_transform,
    save_model,
    to_bytes,
)
from likewise.recipe import Recipe
from likewise.report import examples_of, report_of, training_json, write_report
from likewise.results import Cell, Epoch, Evaluation, Result, Training, plot_training
from likewise.sources.base import Source
from likewise.tasks.calibrate import calibrate_comparators, with_test_rates
from likewise.types import Claim, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOG = logging.getLogger(__name__)
MOST_AUDITED = 512


class _Stages:
    """How long each stage of a run took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def end(self, name: str) -> None:
        """Note that a stage has come to its end, and the next begins."""
        now = time.perf_counter()
        self.seconds[name] = now - self._began
        self._began = now
        _LOG.info("%s took %.1f s", name, self.seconds[name])


@dataclass(frozen=True, repr=False)
class Experiment(Result):
    """What a whole run made.

    Attributes:
        model: The saved model, loaded from its folder.
        evaluation: What was measured on *test*.
        recipe: What was followed, with the steps really taken.
        epochs: The training curve.
        stopped: Whether it was stopped before its end; then it can be gone on with.
        parts: Each role with its counts in words.
        audit: What was found in the data before; None where nobody looked.
        seconds: How long each stage took: `reading` (with decoding), `audit`, `training`, which
            alone a budget is of, `export`, and `measuring` (with the report).
    """

    model: Model
    evaluation: Evaluation
    recipe: Recipe
    epochs: tuple[Epoch, ...]
    stopped: bool
    parts: Mapping[str, str]
    audit: Audit | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def summary(self) -> str:
        """Return where the model is, and the error rates that it decides by."""
        stopped = ", stopped before its end" if self.stopped else ""
        return f"{str(self.model.folder)!r}, {self.evaluation.summary()}{stopped}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each epoch of training."""
        return [
            {
                "epoch": one.number,
                "steps": one.steps,
                "seconds": one.seconds,
                "loss": one.loss,
                "validation_error": one.figure,
            }
            for one in self.epochs
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation, as `likewise train --json` prints it."""
        return self.evaluation.to_dict()

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the training curve: the loss of every epoch, and the validation error if there is.

        Args:
            ax: Where to draw; a new figure if None.

        Raises:
            MissingExtra: If matplotlib is not installed.
        """
        return plot_training(self.epochs, ax)


def run_experiment(
    recipe: Recipe,
    source: Source | None = None,
    *,
    out: str | Path,
    overwrite: bool = False,
    resume: bool = False,
    strict: bool = False,
    examples: bool = True,
    device: str = "auto",
    checkpoint_seconds: float = 60.0,
    parts: Splitter | None = None,
    audit: bool = True,
    private: bool = False,
    on_decode: Callable[[int, int], None] | None = None,
    on_start: Callable[[Run], None] | None = None,
    on_audit: Callable[[Audit], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: OnStep | None = None,
    on_stopped: Callable[[Run], None] | None = None,
    on_measured: Callable[[Model, Decoded], None] | None = None,
) -> Experiment:
    """Train, export, calibrate and measure a model, and save it with its report.

    Now and then, and when the run is asked to stop, what is needed to go on is kept in a file
    beside the model's folder (`OUT.checkpoint`); it is removed when training came to its end. A
    run that was asked to stop gives the best model so far.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        out: The model's folder.
        overwrite: Replace the model that is there, or an unfinished run.
        resume: Go on with the unfinished run that is there; it must be of this recipe and data.
        strict: Stop at the first item that cannot be read.
        examples: Show some mistakes in the report.
        device: Where to train: `auto`, `cpu` or `cuda`.
        checkpoint_seconds: How often what is needed to go on is written.
        parts: Gives every item its role, when not what the recipe says.
        audit: Whether to look for what is wrong with the data first, in seconds.
        private: Keep no names, no reference embeddings and no examples in the model's folder. Then
            `monitor` has nothing to compare with, and only items, not identities, that the model
            learned from are noticed where it is measured.
        on_decode: Called with how many items are decoded, of how many.
        on_start: Called with the run once its data are read.
        on_audit: Called with what was found in them.
        on_epoch: Called after each epoch.
        on_step: Called after each step with the share done and the loss.
        on_stopped: Called when the run was stopped and its checkpoint written, before the best
            model so far is measured and saved; what it raises is let through.
        on_measured: Called with the saved model and the decoded *test* items at the end.

    Raises:
        ModelExists: If there is a model at `out`, and `overwrite` is not asked for.
        UnfinishedRun: If one is there, and neither `overwrite` nor `resume` is asked for.
        NothingToResume: If there is none, or of another recipe or other data.
        SourceError: If the data cannot be used.
        SplitError: If the data cannot carry the claim.
        TrainingError: If training diverges.
        SaveFailed: If the model cannot be written; what was there before still stands.
    """
    folder = Path(out)
    kept = checkpoint.checkpoint_path(folder)
    checkpoint.check_resume(kept, resume=resume, overwrite=overwrite)
    check_model_folder(folder, overwrite=overwrite or resume)
    stages = _Stages()
    run = begin_run(
        recipe,
        source,
        strict=strict,
        on_step=on_step,
        on_decode=on_decode,
        device=device,
        checkpoint_path=kept,
        checkpoint_seconds=checkpoint_seconds,
        resume=resume,
        parts=parts,
    )
    try:
        stages.end("reading")
        if on_start is not None:
            on_start(run)
        found = audit_run(run) if audit else None
        if found is not None and on_audit is not None:
            on_audit(found)
        stages.end("audit")
        for epoch in run:
            if on_epoch is not None:
                on_epoch(epoch)
        if run.stopped and on_stopped is not None:
            on_stopped(run)
        stages.end("training")
        if run.precision is not None:
            _LOG.info("computed in %s: %s", run.precision.name, run.precision.why)
        memory = remembered(run)
        files = model_files(run, memory.without_names() if private else memory)
        stages.end("export")
        evaluation = _measured(run, files)
        if private:
            del files["reference"]
            evaluation = replace(evaluation, hardest={})
            examples, found = False, None
        save_run(folder, run, files, overwrite=overwrite or resume)
        model = Model(folder)
        report = report_of(
            model,
            evaluation,
            examples_of(evaluation, run.data.parts[Role.TEST]) if examples else (),
            data=run.data.sentences(),
            rerun=_rerun(model),
            choice=model.calibration().choice,
            audit=_facts_of(found),
        )
        write_report(report, folder / "report.html", folder / "card.md")
        if on_measured is not None:
            on_measured(model, run.data.parts[Role.TEST])
        if not run.stopped:
            atomic.discard_path(kept)
        stages.end("measuring")
    finally:
        run.data.close()
    return Experiment(
        model,
        evaluation,
        run.recipe,
        tuple(run.epochs),
        run.stopped,
        run.data.sentences(),
        found,
        stages.seconds,
    )


def audit_run(run: Run) -> Audit:
    """Audit the decoded items of a run that has not begun, and the embedding it begins with.

    Copies are looked for among all items, in two roles too; shortcuts are asked of 2,000 of them,
    and the margin is held against the distances of 512 training items in the untrained network.
    """
    whole, begin_run = run.data.whole, run.data.parts[Role.TRAIN]
    roles = np.full(len(whole), "", dtype="U9")
    for role, rows in run.data.split:
        roles[rows] = role.value
    found = audit_decoded(whole, run.data.transform, roles, seed=run.recipe.seed)
    rows = some_identities(begin_run.items, MOST_AUDITED, np.random.default_rng(run.recipe.seed))
    part = begin_run.take(rows)
    device = next(run.network.parameters()).device
    vectors = embedded(run.network, part, np.arange(len(part)), run.data.transform, device)
    run.network.train()
    if len(vectors) < 2 or not np.isfinite(vectors).all():
        return found
    bounded = run.recipe.normalize and run.recipe.distance.partition("(")[0] in (
        "euclidean",
        "cosine",
    )
    more = embedding_findings(
        vectors,
        part.items,
        run.distance,
        margin=margin_of(run.recipe.loss),
        trained=False,
        unit=bounded,
        seed=run.recipe.seed,
    )
    return replace(found, findings=worst_first([*found.findings, *more]))


def _facts_of(found: Audit | None) -> Mapping[str, str]:
    """The audit as the report and the card show it; nothing where there was none."""
    return {} if found is None else found.facts()


def _rerun(model: Model) -> tuple[str, ...]:
    """The command that makes the model again; none where the items came from Python."""
    recipe = Recipe.from_toml(model.read("recipe").decode())
    if not recipe.source:
        return ()
    path = shlex.quote(str(model.folder / model.manifest.files["recipe"].path))
    return (f"likewise train {path} --out again/",)


def remembered(run: Run) -> LeakageRecord:
    """Return the record of what a run learns from and fits on; it reads the items."""
    parts = run.data.parts
    learned = (Role.TRAIN, Role.SELECT, Role.CALIBRATE)
    return LeakageRecord.of(
        Claim(run.recipe.claim),
        {role: (parts[role].items, iter(parts[role])) for role in learned if role in parts},
    )


def model_files(run: Run, memory: LeakageRecord) -> dict[str, bytes]:
    """Return the files of the best network so far, by role; no calibration is among them.

    Args:
        run: That was trained.
        memory: As `remembered` gave it.
    """
    network = run.model()
    weights = {
        **network.state_dict(),
        **{k: v for k, v in run.best.items() if k.startswith("loss.")},
    }
    tensors = {name: value.cpu().contiguous() for name, value in weights.items()}
    files = {}
    if network.matcher is not None:
        sizes = network.matcher.matcher.sizes or (network.encoder.dim,)
        files["matcher"] = export_matcher(network.matcher, *sizes)
    return files | {
        "recipe": run.recipe.to_toml().encode(),
        "transform": dump_transform(run.recipe.transform, run.data.state),
        "encoder.main": export_network(network, run.data.transform.shape),
        "weights": save_tensors(tensors),
        "trained_on": memory.to_json(),
        "training": training_json(_training(run)),
    }


def save_run(folder: Path, run: Run, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write the files of a run as a model folder."""
    save_model(
        folder,
        inputs={"main": run.data.transform.kind},
        claim=Claim(run.recipe.claim),
        distance=run.recipe.distance,
        files=files,
        overwrite=overwrite,
    )


def _training(run: Run) -> Training:
    precision = run.precision
    words = "" if precision is None else f"{precision.name} ({precision.why})"
    return Training(tuple(run.epochs), run.device.type, words, run.stopped)


def _measured(run: Run, files: dict[str, bytes]) -> Evaluation:
    """Calibrate and measure what will be saved, as it will be loaded, before it is saved."""
    with tempfile.TemporaryDirectory(prefix="likewise-") as place:
        draft = Path(place) / "model"
        save_run(draft, run, files, overwrite=False)
        model, parts = Model(draft), run.data.parts
        claim = Claim(run.recipe.claim)
        fitting, impostors = Fitting(run.recipe.calibrator), run.recipe.impostors
        made, kept = calibrate_comparators(
            model, parts[Role.CALIBRATE], claim, fitting, impostors=impostors
        )
        source = run.recipe.source or run.data.namespace
        made, evaluation = with_test_rates(model, made, parts[Role.TEST], source)
    files["calibration"] = to_json(made)
    files["reference"] = to_bytes({"default": kept})
    return evaluation
