"""What `evaluate --folds` does with a recipe or a source: train, calibrate and test in folds."""

import shlex
from pathlib import Path
from typing import Any

import typer

from likewise.errors import BadArgument

FOLDING = "Of a recipe or source in folds"
BUDGET: str = typer.Option(
    "",
    metavar="TIME",
    rich_help_panel=FOLDING,
    show_default="as the recipe says",
    help="Train so long in each fold: 90s, 2min, 1.5h.",
)
SETTINGS: list[str] = typer.Option(
    [],
    "--set",
    metavar="FIELD=VALUE",
    rich_help_panel=FOLDING,
    show_default=False,
    help="Any field of the recipe, or an argument of a component, as in loss.margin=0.2; once for "
    "each.",
)
NAMED: str = typer.Option(
    "",
    "--recipe",
    metavar="NAME",
    rich_help_panel=FOLDING,
    show_default="the one that fits the items and the time",
    help="Where fields that nobody gives come from: likewise list recipes; or plain.",
)
NOT_HERE = "In folds a model is trained for each; leave it out."
ONLY_HERE = "It is for a recipe or a source that is trained in folds. Leave it out."


def trains(target: str) -> bool:
    """Whether what was given alone is to be learned from: a recipe or a source, and no model."""
    path = Path(target)
    if path.is_dir():
        return not (path / "model.toml").is_file()
    if path.is_file():
        return path.suffix.lower() in {".toml", ".zip", ".ts"}
    return target.endswith(".toml") or target.isidentifier() or "(" in target or ":" in target


def evaluate(
    target: str,
    *,
    folds: int | None,
    budget: str,
    settings: list[str],
    named: str,
    comparator: str,
    prior: float,
    strict: bool,
    report: str,
    json: bool,
) -> None:
    """Train and measure a recipe or a source in folds, write the page, and print what was found."""
    from likewise.cli.extra import needs
    from likewise.cli.text.evaluation import as_json
    from likewise.recipe import seconds_of, started_from

    if folds is None:
        raise BadArgument(
            f"{target} is no model. To train and measure it in folds, say how many, as in --folds "
            "5; or give a model's folder first."
        )
    with needs("Training in folds", "learn"):
        from likewise.cli.progress import Progress
        from likewise.learn.folds import cross_validate
        from likewise.report import page_of, write_folds
    page = page_of(report, target)
    given = {"budget_seconds": seconds_of(budget)} if budget else {}
    recipe, told = started_from(target, given, settings, recipe=named)
    with Progress(quiet=json) as progress:
        progress.recipe(told)
        found = cross_validate(
            recipe,
            folds=folds,
            comparators=(comparator,),
            prior=prior,
            strict=strict,
            on_fold=progress.fold,
            on_decode=progress.decode,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_step=progress.step,
        )[comparator]
    again = ["likewise", "evaluate", target, "--folds", str(folds)]
    again += ["--budget", budget] if budget else []
    again += [word for one in settings for word in ("--set", one)]
    again += ["--recipe", named] if named else []
    again += ["--comparator", comparator] if comparator else []
    again += ["--prior", f"{prior:g}"] if prior != 0.5 else []
    write_folds(found, page, recipe=recipe.to_toml(), rerun=(shlex.join(again),))
    if json:
        print(as_json(found))
        return
    print("\n".join(lines(found)))
    print(f"report: {page}")


def lines(found: Any) -> list[str]:
    """A folded evaluation as the lines that a person reads."""
    from likewise.cli.precomputed import accuracy_words
    from likewise.cli.text.evaluation import probability_lines
    from likewise.cli.text.rates import claim_words, failure_lines, rate_lines

    told = [
        (
            f"{len(found.folds)} folds of {found.source}, each trained, calibrated and tested on "
            f"{found.unit} of its own; decisions are pooled, never distances"
        ),
        (
            f"{found.items:,} items in {found.identities:,} {found.unit}: {found.same_pairs:,} "
            f"same and {found.different_pairs:,} different pairs, {claim_words(found)}"
        ),
        f"equal error rate {found.eer:.4f} (mean of the folds){_by(found.population_eers)}",
    ]
    dealt = [_dealt(fold) for fold in found.folds]
    for fold, parts in zip(found.folds, dealt, strict=True):
        one = fold.evaluation.verification
        eers = _by(one.population_eers)
        what = f" on {one.counted}" if len(set(dealt)) == 1 else f"; {parts}"
        told.append(f"  fold {fold.number}: equal error rate {one.eer:.4f}{eers}{what}")
    if len(set(dealt)) == 1:
        told.append(f"  each fold: {dealt[0]}")
    for point in found.points:
        ends = f"{min(point.thresholds):.4f} to {max(point.thresholds):.4f}"
        told.append(f"{point.name}: thresholds {ends}")
        if not point.supported:
            told.append(f"  not supported. {point.reason}")
            continue
        told += rate_lines(point.rates, point.populations, found.against, found.unit)
        right = accuracy_words(point.balanced_accuracy, found.unit, balanced=True)
        told.append(f"  balanced accuracy {right}")
    if found.probability is not None:
        told.append("what each fold's own calibration said of its test items:")
        told += probability_lines(found.probability)
    if found.one_shot is not None:
        told.append(f"one-shot accuracy {found.one_shot:.4f} (mean of the folds)")
    return [*told, *failure_lines(found.failed, None)]


def _dealt(fold: Any) -> str:
    return ", ".join(f"{role} {words}" for role, words in fold.parts.items())


def _by(eers: Any) -> str:
    told = ", ".join(f"{name} {value:.4f}" for name, value in eers.items())
    return f" ({told})" if told else ""
