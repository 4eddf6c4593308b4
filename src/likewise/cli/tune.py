"""`likewise tune`: a small search over the fields of a recipe, within a budget."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.help import GIVEN, INTERRUPTED, LEARNING, RUNNING

if TYPE_CHECKING:
    from likewise.learn.tuning.study_id import StudyId, Trial


def command(
    source: str = typer.Argument(
        "",
        metavar="SOURCE",
        show_default=False,
        help="What train takes: a folder, .zip, table, .npz or .ts file, a source's spec, or a "
        "recipe.toml to start from. Left out with --resume.",
    ),
    output: str = typer.Option(
        ...,
        "--output",
        "--out",
        metavar="FILE",
        rich_help_panel=GIVEN,
        help="The recipe to write, a .toml; what was tried stands beside it, in FILE.study.",
    ),
    budget: str = typer.Option(
        "",
        metavar="TIME",
        rich_help_panel=RUNNING,
        show_default="none; with --resume, what it was",
        help="How long all trials together may take, as in 15min; with --resume what was spent "
        "before is part of it.",
    ),
    search: list[str] = typer.Option(
        [],
        metavar="FIELD=WHERE",
        rich_help_panel=LEARNING,
        show_default="what is usual for the encoder and the loss",
        help="A field to search, or an argument of a component: a range, as in "
        "learning_rate=1e-4..1e-2:log, or choices, as in 'loss=supcon|triplet'. "
        "loss.supcon.temperature=0.05..0.5 is for that loss alone. Once for each.",
    ),
    settings: Annotated[
        list[str] | None, options.recipe_fields(LEARNING, " All trials share it.")
    ] = None,
    named: Annotated[str, options.recipe_name(LEARNING, "the one that fits the items")] = "",
    trials: int = typer.Option(
        0,
        metavar="N",
        rich_help_panel=RUNNING,
        show_default="more for longer budgets",
        help="To how many trials the budget is shared out, 2 or more; hopeless ones end early, "
        "and make room for others.",
    ),
    seed: options.LearningSeed = -1,
    device: options.Device = "auto",
    resume: bool = typer.Option(
        False,
        "--resume",
        rich_help_panel=RUNNING,
        help="Go on with the search in FILE.study, which must be of the same recipe, data and "
        "search.",
    ),
    overwrite: bool = typer.Option(
        False,
        "--overwrite",
        rich_help_panel=RUNNING,
        help="Replace the recipe and the search that are there.",
    ),
    strict: options.StrictLearning = False,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
) -> None:
    """Search for a better recipe within a time, and write it.

    The first trial is the recipe as it was given, so that what is written is never worse than it
    on the identities that measure. Those have the role select where there are enough identities;
    else the training identities measure one another in folds. Identities that calibrate or test
    are not looked at, as long as train is given the same source, seed and fractions. The figure of
    the best is optimistic, since it was chosen by it: train measures on others.

    Examples:
        likewise tune faces/ --budget 15min --output tuned.toml
        likewise tune faces/ --budget 1h --search 'loss=supcon|triplet' --out a.toml
        likewise tune --output tuned.toml --resume --budget 30min

    Writes:
        FILE        a recipe that train takes, whole or not at all
        FILE.study  what was tried, an SQLite file; it is kept, for --resume

    Exit codes:
        0    the best recipe is written
        2    bad input, or too little time; no recipe is written
        130  stopped by Ctrl-C; the best so far is written, and --resume goes on

    Next:
        likewise train tuned.toml --budget 5min --out model/
    """
    from likewise.cli.text.output import as_json_line
    from likewise.cli.text.tuning import plan_lines, trial_line, tuning_lines
    from likewise.data import levelled
    from likewise.learn import tune

    fields: dict[str, Any] = {"seed": seed} if seed >= 0 else {}

    def planned(plan: "StudyId", measured_on: str) -> None:
        if not as_json:
            print("\n".join(plan_lines(plan, measured_on)), file=sys.stderr)

    def tried(trial: "Trial") -> None:
        if not as_json:
            print(trial_line(trial), file=sys.stderr, flush=True)

    found = tune(
        levelled(source, identity_level) if source or not resume else None,
        output=output,
        budget=budget or None,
        recipe=named,
        settings=settings or (),
        search=search,
        trials=trials,
        resume=resume,
        overwrite=overwrite,
        strict=strict,
        device=device,
        progress=not as_json,
        on_plan=planned,
        on_trial=tried,
        **fields,
    )
    print(as_json_line(found) if as_json else "\n".join(tuning_lines(found)))
    if found.stopped:
        again = f"likewise tune --output {shlex.quote(output)} --resume"
        print(f"Go on with: {again}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
