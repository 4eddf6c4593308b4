"""The whole path: train, export, calibrate, measure, save, report."""

import json
import shlex
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save as save_tensors

from likewise import calibration, manifest
from likewise.calibration import Calibration
from likewise.evaluation import Comparisons, calibrate
from likewise.learn.export import export
from likewise.learn.training import OnStep, Run, train
from likewise.model import Model, transform_toml
from likewise.presentation import examples_of, report_of, write
from likewise.recipe import Recipe
from likewise.results import Epoch, Evaluation
from likewise.sources.base import Source
from likewise.tasks.evaluate import measure
from likewise.trained_on import TrainedOn
from likewise.types import Claim, Role


@dataclass(frozen=True)
class Experiment:
    """What a whole run made.

    Attributes:
        model: The saved model, loaded from its folder.
        evaluation: What was measured on *test*.
        recipe: What was followed, with the steps really taken.
        epochs: The training curve.
    """

    model: Model
    evaluation: Evaluation
    recipe: Recipe
    epochs: tuple[Epoch, ...]


def learn(
    recipe: Recipe,
    source: Source | None = None,
    *,
    out: str | Path,
    overwrite: bool = False,
    strict: bool = False,
    examples: bool = True,
    on_start: Callable[[Run], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: OnStep | None = None,
) -> Experiment:
    """Train, export, calibrate and measure a model, and save it with its report.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        out: The model's folder.
        overwrite: Replace the model that is there.
        strict: Stop at the first item that cannot be read.
        examples: Show some mistakes in the report.
        on_start: Called with the run once its data are read.
        on_epoch: Called after each epoch.
        on_step: Called after each step with the share done and the loss.

    Raises:
        ModelExists: If there is a model at `out`, and `overwrite` is not asked for.
        SourceError: If the data cannot be used.
        SplitError: If the data cannot carry the claim.
        TrainingError: If training diverges.
        SaveFailed: If the model cannot be written; what was there before still stands.
    """
    folder = Path(out)
    manifest.check_target(folder, overwrite=overwrite)
    run = train(recipe, source, strict=strict, on_step=on_step)
    try:
        if on_start is not None:
            on_start(run)
        for epoch in run:
            if on_epoch is not None:
                on_epoch(epoch)
        files = _files(run)
        fitted, evaluation = _measured(run, files)
        files["calibration"] = calibration.to_json({"default": fitted})
        _save(folder, run, files, overwrite=overwrite)
        model = Model(folder)
        test = run.data.parts[Role.TEST]
        report = report_of(
            model,
            evaluation,
            examples_of(model, evaluation, test) if examples else (),
            data=run.data.sentences(),
            rerun=_rerun(model),
        )
        write(report, folder / "report.html", folder / "card.md")
    finally:
        run.data.close()
    return Experiment(model, evaluation, run.recipe, tuple(run.epochs))


def _rerun(model: Model) -> tuple[str, ...]:
    """The command that makes the model again; none where the items came from Python."""
    recipe = Recipe.from_toml(model.read("recipe").decode())
    if not recipe.source:
        return ()
    path = shlex.quote(str(model.folder / model.manifest.files["recipe"].path))
    return (f"likewise train {path} --out again/",)


def _files(run: Run) -> dict[str, bytes]:
    parts = run.data.parts
    learned = (Role.TRAIN, Role.SELECT, Role.CALIBRATE)
    memory = TrainedOn.of(
        Claim(run.recipe.claim),
        {role: (parts[role].items, iter(parts[role])) for role in learned if role in parts},
    )
    network = run.model()
    tensors = {k: v.contiguous() for k, v in network.state_dict().items()}
    return {
        "recipe": run.recipe.to_toml().encode(),
        "transform": transform_toml(run.recipe.transform, run.data.state),
        "encoder.main": export(network, run.data.transform.shape),
        "weights": save_tensors(tensors),
        "trained_on": memory.to_json(),
        "training": json.dumps([asdict(epoch) for epoch in run.epochs], indent=1).encode(),
    }


def _save(folder: Path, run: Run, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    manifest.save(
        folder,
        kind=run.data.transform.kind,
        claim=Claim(run.recipe.claim),
        distance=run.recipe.distance,
        files=files,
        overwrite=overwrite,
    )


def _measured(run: Run, files: dict[str, bytes]) -> tuple[Calibration, Evaluation]:
    """Calibrate and measure what will be saved, as it will be loaded, before it is saved."""
    with tempfile.TemporaryDirectory(prefix="likewise-") as place:
        draft = Path(place) / "model"
        _save(draft, run, files, overwrite=False)
        model = Model(draft)
        part = run.data.parts[Role.CALIBRATE]
        comparisons = Comparisons.of(
            model.embed_decoded(part), part.items.identities, model.distance
        )
        fitted = calibrate(comparisons, Claim(run.recipe.claim), run.recipe.calibrator)
        manifest.update(draft, {"calibration": calibration.to_json({"default": fitted})})
        source = run.recipe.source or run.data.namespace
        evaluation = measure(Model(draft), run.data.parts[Role.TEST], source)
    return fitted.measured(evaluation.verification.points), evaluation
