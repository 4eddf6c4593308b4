"""`likewise train`: from examples to a model with a stated error rate."""

import shlex
import sys
from typing import TYPE_CHECKING, Any, cast

import typer

from likewise.cli.stopping import Stopping

if TYPE_CHECKING:
    from likewise.recipe import Recipe


INTERRUPTED = 130
"""The exit code after Ctrl-C, although the best model so far was saved."""


def train(
    source: str = typer.Argument(
        "",
        help="A folder or .zip with one sub-folder an identity, a .csv, .npz or .ts file, a "
        "source's spec, or a recipe.toml. Not needed with --resume.",
    ),
    out: str = typer.Option(..., help="The folder to make the model in."),
    transform: str = typer.Option("", help="Spec, as in 'image(size=28, invert=True)'."),
    encoder: str = typer.Option("", help="Spec; likewise list encoders."),
    distance: str = typer.Option("", help="Spec; likewise list distances."),
    matcher: str = typer.Option(
        "", help="Spec of a learned comparison, which then decides; likewise list matchers."
    ),
    loss: str = typer.Option("", help="Spec; likewise list losses."),
    sampler: str = typer.Option("", help="Spec; likewise list samplers."),
    augment: list[str] = typer.Option(
        [], help="Spec, once for each; 'none' for none; likewise list augmentations."
    ),
    claim: str = typer.Option("", help="new_identities or known_classes."),
    epochs: int = typer.Option(0, help="How often every training item is seen."),
    budget: str = typer.Option("", help="Train this long instead: 90s, 2min, 1h."),
    seed: int = typer.Option(-1, help="Where all chance comes from."),
    settings: list[str] = typer.Option(
        [], "--set", help="Any field of the recipe, as in loss.margin=0.2."
    ),
    device: str = typer.Option("auto", help="Where to train: auto, cpu or cuda."),
    precision: str = typer.Option(
        "", help="float32, bf16, or auto, which takes bf16 where it measures faster."
    ),
    checkpoint_every: str = typer.Option(
        "60s", help="How often what --resume needs is written, beside --out."
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Go on with the run that was stopped on its way to --out."
    ),
    overwrite: bool = typer.Option(
        False, "--overwrite", help="Replace the model or the unfinished run that is there."
    ),
    no_examples: bool = typer.Option(False, "--no-examples", help="Show no items in the report."),
    strict: bool = typer.Option(
        False, "--strict", help="Stop at the first item that cannot be read."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Train a model, calibrate it, measure it on identities never trained on, and report.

    Example: likewise train faces/ --encoder convnet4 --loss triplet --out model/
    """
    from likewise.errors import MissingExtra
    from likewise.recipe import seconds_of

    given: dict[str, Any] = {
        "transform": transform,
        "encoder": encoder,
        "distance": distance,
        "matcher": matcher,
        "precision": precision,
        "loss": loss,
        "sampler": sampler,
        "claim": claim,
        "epochs": epochs,
        "budget_seconds": seconds_of(budget) if budget else 0.0,
    }
    fields = {key: value for key, value in given.items() if value}
    if seed >= 0:
        fields["seed"] = seed
    if augment:
        fields["augmentations"] = () if augment == ["none"] else tuple(augment)
    try:
        from likewise.cli.progress import Progress
        from likewise.learn.experiment import learn
    except ImportError as error:
        if (error.name or "").startswith("likewise"):
            raise
        raise MissingExtra(
            f"Training needs {error.name}, which is not installed. Run: "
            "pip install 'likewise[learn]'"
        ) from error
    recipe = _start(source, out, resume=resume).with_fields(fields).with_settings(settings)
    with Progress(quiet=json) as progress, Stopping() as stopping:

        def started(run: Any) -> None:
            stopping.start(run)
            progress.start(run)

        def stopped(run: Any) -> None:
            progress.end()
            stopping.stopped(run)

        made = learn(
            recipe,
            out=out,
            overwrite=overwrite,
            resume=resume,
            strict=strict,
            examples=not no_examples,
            device=cast(Any, device),  # checked where it is used
            checkpoint_seconds=seconds_of(checkpoint_every),
            on_decode=progress.decode,
            on_start=started,
            on_epoch=progress.epoch,
            on_step=progress.step,
            on_stopped=stopped,
        )
    _print(made, as_json=json)
    if made.stopped:
        print(f"Go on with: likewise train --out {shlex.quote(out)} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)


def _start(source: str, out: str, *, resume: bool) -> "Recipe":
    """The recipe of a file, of a stopped run, or what is tried first for a source's kind."""
    from pathlib import Path

    from likewise.cli.words import source_spec
    from likewise.errors import SourceNotFound
    from likewise.recipe import Recipe
    from likewise.sources import FAMILY

    if not source and resume:
        from likewise.learn import checkpoint

        return Recipe.from_toml(checkpoint.read(checkpoint.path_of(Path(out))).recipe)
    if not source:
        raise SourceNotFound(
            "No source was given. Name a folder, a file, a source's spec or a recipe.toml to learn "
            "from; only --resume does without."
        )
    if source.endswith(".toml"):
        try:
            return Recipe.from_toml(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SourceNotFound(f"The recipe {source!r} cannot be read ({error}).") from error
    spec = source_spec(source)
    items = FAMILY.build(spec).items()
    started = Recipe.for_kind(items.kind, pairs=items.pairs is not None)
    return started.with_fields({"source": spec})


def _print(made: Any, *, as_json: bool) -> None:
    from likewise.cli import words

    if as_json:
        print(words.as_json(made.evaluation))
        return
    print("\n".join(words.evaluation_lines(made.evaluation)))
    print(f"model:  {made.model.folder}")
    print(f"report: {made.model.folder / 'report.html'}")
