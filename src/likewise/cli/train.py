"""`likewise train`: from examples to a model with a stated error rate."""

import shlex
import sys
from typing import Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.help import GIVEN, INTERRUPTED, LEARNING, RUNNING

MORE_FIELDS = (
    " chunk=256 trains a large batch in the memory of 256 items (batch normalisation then takes "
    "its statistics from each chunk); memory=2048 compares with the embeddings of earlier batches "
    "too."
)


def command(
    source: str = typer.Argument(
        "",
        metavar="SOURCE",
        show_default=False,
        help="A folder or .zip with one sub-folder an identity; a table (.csv, .tsv, .parquet, "
        ".jsonl) of items with labels, or of pairs; an .npz or .ts file; a source's spec; or a "
        "recipe.toml, whose choices the options below then change. Left out with --resume.",
    ),
    out: str = typer.Option(
        ...,
        metavar="FOLDER",
        rich_help_panel=GIVEN,
        help="The folder to make the model in; it must be empty, or not there.",
    ),
    transform: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="From a raw item to the network's input, as in 'image(size=28, invert=True)'.",
    ),
    encoder: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="The network: likewise list encoders.",
    ),
    distance: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="How far apart two embeddings are: likewise list distances.",
    ),
    matcher: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="none",
        help="A learned comparison, which then decides: likewise list matchers.",
    ),
    loss: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="What learning makes small: likewise list losses.",
    ),
    sampler: str = typer.Option(
        "",
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="What a batch is made of: likewise list samplers.",
    ),
    augment: list[str] = typer.Option(
        [],
        metavar="SPEC",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="A change that leaves an item what it is; once for each, or 'none': likewise list "
        "augmentations.",
    ),
    claim: str = typer.Option(
        "",
        "--claim",  # typer 0.27 takes a metavar that is the argument in capitals for its name
        metavar="CLAIM",
        rich_help_panel=LEARNING,
        show_default="new_identities",
        help="What the rates are about: new_identities (none that it learned from), or "
        "known_classes (other items of the same).",
    ),
    named: Annotated[str, options.recipe_name(LEARNING)] = "",
    epochs: int = typer.Option(
        0,
        metavar="N",
        rich_help_panel=LEARNING,
        show_default="as in the recipe",
        help="How often every training item is seen, 1 or more.",
    ),
    budget: str = typer.Option(
        "",
        metavar="TIME",
        rich_help_panel=LEARNING,
        show_default="none",
        help="Train so long instead of --epochs: 90s, 2min, 1.5h.",
    ),
    seed: options.LearningSeed = -1,
    settings: Annotated[list[str] | None, options.recipe_fields(LEARNING, MORE_FIELDS)] = None,
    device: options.Device = "auto",
    precision: str = typer.Option(
        "",
        "--precision",
        metavar="PRECISION",
        rich_help_panel=RUNNING,
        show_default="auto",
        help="float32, bf16, or auto, which takes bf16 where it measures faster.",
    ),
    checkpoint_every: str = typer.Option(
        "60s",
        metavar="TIME",
        rich_help_panel=RUNNING,
        help="How often what --resume needs is written, beside --out.",
    ),
    resume: bool = typer.Option(
        False,
        "--resume",
        rich_help_panel=RUNNING,
        help="Go on with the run that was stopped on its way to --out.",
    ),
    overwrite: bool = typer.Option(
        False,
        "--overwrite",
        rich_help_panel=RUNNING,
        help="Replace the model or the unfinished run that is there.",
    ),
    strict: options.StrictLearning = False,
    no_audit: bool = typer.Option(
        False, "--no-audit", rich_help_panel=RUNNING, help="Do not look for faults in the data."
    ),
    no_examples: options.NoExamples = False,
    private: bool = typer.Option(
        False,
        "--private",
        rich_help_panel=RUNNING,
        help="Keep no names, no reference embeddings and no examples in the model's folder. Then "
        "monitor has nothing to compare with, and a leak is noticed by items alone.",
    ),
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
) -> None:
    """Train a model from examples, and measure it.

    The items are dealt into parts that share no identity: the network learns from one, thresholds
    are fitted on another, and the error rates come from a third. The model is a folder that
    decides whether two items are the same, and says how often it errs.

    A SPEC is a component's name, with arguments in brackets where you want others than its own:
    triplet, or 'triplet(margin=0.3)'. Of --epochs and --budget, give one.

    Examples:
        likewise train faces/ --encoder convnet4 --loss triplet --out model/
        likewise train gestures.npz --budget 2min --out model/
        likewise train pairs.csv --matcher mlp --out model/
        likewise train model/recipe.toml --set loss.margin=0.3 --out again/
        likewise train --out model/ --resume

    Writes:
        FOLDER/             the model; its model.toml names every file of it
        FOLDER/report.html  what it is good for, to look at; card.md says it in short
        FOLDER.checkpoint   beside the model until training has ended, for --resume

    Exit codes:
        0    the model is made and measured
        2    bad input; no model is written
        130  stopped by Ctrl-C; the best model so far is saved, and --resume goes on
        143  stopped by SIGTERM; no model is written, and --resume goes on

    Next:
        likewise verify model/ a.png b.png
    """
    from likewise.cli.text.evaluation import evaluation_lines
    from likewise.cli.text.output import as_json_line
    from likewise.data import levelled
    from likewise.learn import train
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
    }
    fields = {key: value for key, value in given.items() if value}
    if seed >= 0:
        fields["seed"] = seed
    if augment:
        fields["augmentations"] = () if augment == ["none"] else tuple(augment)
    made = train(
        levelled(source, identity_level) if source or not resume else None,
        out=out,
        budget=budget or None,
        recipe=named,
        settings=settings or (),
        overwrite=overwrite,
        resume=resume,
        strict=strict,
        examples=not no_examples,
        audit=not no_audit,
        private=private,
        device=device,
        checkpoint_seconds=seconds_of(checkpoint_every),
        ends=True,
        progress=not as_json,
        **fields,
    )
    folder = made.model.folder
    lines = evaluation_lines(made.evaluation)
    lines += [f"model:  {folder}", f"report: {folder / 'report.html'}"]
    print(as_json_line(made.evaluation) if as_json else "\n".join(lines))
    if made.stopped:
        print(f"Go on with: likewise train --out {shlex.quote(out)} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
