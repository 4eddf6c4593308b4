"""`likewise train`: from examples to a model with a stated error rate."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from likewise.recipe import Recipe


def train(
    source: str = typer.Argument(
        help="A folder or .zip with one sub-folder an identity, a source's spec, or a recipe.toml."
    ),
    out: str = typer.Option(..., help="The folder to make the model in."),
    transform: str = typer.Option("", help="Spec, as in 'image(size=28, invert=True)'."),
    encoder: str = typer.Option("", help="Spec; likewise list encoders."),
    distance: str = typer.Option("", help="Spec; likewise list distances."),
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
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the model that is there."),
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
    recipe = _start(source).with_fields(fields).with_settings(settings)
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
    with Progress(quiet=json) as progress:
        made = learn(
            recipe,
            out=out,
            overwrite=overwrite,
            strict=strict,
            examples=not no_examples,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_step=progress.step,
        )
    _print(made, as_json=json)


def _start(source: str) -> "Recipe":
    """The recipe that a recipe file holds, or what is tried first for a source's kind."""
    from pathlib import Path

    from likewise.cli.words import source_spec
    from likewise.errors import SourceNotFound
    from likewise.recipe import Recipe
    from likewise.sources import FAMILY

    if source.endswith(".toml"):
        try:
            return Recipe.from_toml(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SourceNotFound(f"The recipe {source!r} cannot be read ({error}).") from error
    spec = source_spec(source)
    kind = FAMILY.build(spec).items().kind
    return Recipe.for_kind(kind).with_fields({"source": spec})


def _print(made: Any, *, as_json: bool) -> None:
    from likewise.cli import words

    if as_json:
        print(words.as_json(made.evaluation))
        return
    default = made.model.calibration().default()
    print("\n".join(words.evaluation_lines(made.evaluation, default.name if default else "")))
    print(f"model:  {made.model.folder}")
    print(f"report: {made.model.folder / 'report.html'}")
