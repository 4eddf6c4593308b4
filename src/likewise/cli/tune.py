"""`likewise tune`: a small search over the fields of a recipe, within a budget."""

import shlex
import sys
from typing import TYPE_CHECKING, Any

import typer

from likewise.cli.help import GIVEN, INTERRUPTED, LEARNING, RUNNING

if TYPE_CHECKING:
    from likewise.learn.tuning.study_id import Plan, Trial
    from likewise.recipe import Recipe


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
    settings: list[str] = typer.Option(
        [],
        "--set",
        metavar="FIELD=VALUE",
        rich_help_panel=LEARNING,
        show_default=False,
        help="A field of the recipe that all trials share, or an argument of a component; once "
        "for each.",
    ),
    named: str = typer.Option(
        "",
        "--recipe",
        metavar="NAME",
        rich_help_panel=LEARNING,
        show_default="the one that fits the items",
        help="Where fields that nobody gives come from: likewise list recipes; or plain.",
    ),
    trials: int = typer.Option(
        0,
        metavar="N",
        rich_help_panel=RUNNING,
        show_default="more for longer budgets",
        help="To how many trials the budget is shared out, 2 or more; hopeless ones end early, "
        "and make room for others.",
    ),
    seed: int = typer.Option(
        -1,
        metavar="N",
        rich_help_panel=LEARNING,
        show_default="0",
        help="Where all chance comes from, 0 to 2147483647; it decides who has which part.",
    ),
    device: str = typer.Option(
        "auto",
        "--device",
        metavar="DEVICE",
        rich_help_panel=RUNNING,
        help="Where to train: cpu, cuda, or auto, which takes CUDA where there is one.",
    ),
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
    strict: bool = typer.Option(
        False,
        "--strict",
        rich_help_panel=RUNNING,
        help="Stop at the first item that cannot be read, instead of leaving it out.",
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object, and no progress."),
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
    from likewise.errors import MissingExtra
    from likewise.recipe import seconds_of

    try:
        from likewise.cli.progress import Progress
        from likewise.learn.tuning.tune import search_recipes
    except ImportError as error:
        if (error.name or "").startswith("likewise"):
            raise
        raise MissingExtra(
            f"Tuning needs {error.name}, which is not installed. Run: pip install 'likewise[tune]'"
        ) from error
    recipe, told = _start(source, settings, seed, named, resume=resume)
    with Progress(quiet=json) as progress:
        progress.recipe(told)

        def planned(plan: "Plan", measured_on: str) -> None:
            progress.end()
            if not json:
                print("\n".join(plan_lines(plan, measured_on)), file=sys.stderr)

        def tried(trial: "Trial") -> None:
            if not json:
                print(trial_line(trial), file=sys.stderr, flush=True)

        found = search_recipes(
            recipe,
            output=output,
            budget_seconds=seconds_of(budget) if budget else 0.0,
            search=search,
            trials=trials,
            resume=resume,
            overwrite=overwrite,
            strict=strict,
            device=device,
            on_decode=progress.decode,
            on_plan=planned,
            on_trial=tried,
        )
    print(as_json(found) if json else "\n".join(lines(found)))
    if found.stopped:
        again = f"likewise tune --output {shlex.quote(output)} --resume"
        print(f"Go on with: {again}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)


def _start(
    source: str, settings: list[str], seed: int, named: str, *, resume: bool
) -> "tuple[Recipe | None, str]":
    from likewise.cli.start import started_from
    from likewise.errors import BadArgument

    if source or not resume:
        return started_from(source, {"seed": seed} if seed >= 0 else {}, settings, recipe=named)
    if settings or seed >= 0 or named:
        raise BadArgument(
            "--set, --seed and --recipe make a recipe, and with --resume alone it is the one that "
            "the search began with. Leave them out, or give the source, too."
        )
    return None, ""


def plan_lines(plan: "Plan", measured_on: str) -> list[str]:
    """What is going to be tried, for a person."""
    each = plan.folds * plan.fold_seconds
    return [
        f"{plan.trials} trials of {each:.1f} s, {plan.budget_seconds:g} s in all",
        f"measured on {measured_on}; searched:",
        *(f"  {one}" for one in plan.search),
    ]


def trial_line(trial: "Trial") -> str:
    """A trial as a row of the table."""
    figure = "  ----" if trial.figure is None else f"{trial.figure:.4f}"
    what = ", ".join(trial.settings) or "as it was given"
    why = f" [{trial.why}]" if trial.why else ""
    return f"{trial.number:>5}  {figure}  {trial.ended:<8}  {trial.seconds:>5.0f} s  {what}{why}"


def lines(found: Any) -> list[str]:
    """What was found, for a person."""
    first, best = found.trials[0], found.best
    told = [f"{'trial':>5}  {'error':<6}  {'ended':<8}  {'took':>7}  what was changed"]
    told += [trial_line(one) for one in found.trials]
    told.append(
        f"validation error {best.figure:.4f} of trial {best.number}, and {first.figure:.4f} of the "
        f"recipe as it was given, on {found.measured_on}"
    )
    if best.number == 0:
        told.append("nothing that was tried is better there; the recipe stands as it was given")
    else:
        told.append(
            f"that is {first.figure - best.figure:.4f} better, and optimistic: the best of "
            f"{len(found.trials)} was chosen by this very figure. train measures on others"
        )
    told.append(f"recipe: {found.output}")
    return told


def as_json(found: Any) -> str:
    """What was found, as one JSON object."""
    import json
    from dataclasses import asdict

    plain = {
        **asdict(found),
        "recipe": found.recipe.to_toml(),
        "output": str(found.output),
        "better_by": found.trials[0].figure - found.best.figure,
    }
    return json.dumps(plain, allow_nan=False)
