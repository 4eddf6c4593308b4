"""What the command line and Python call to learn: from what a person gave to what was measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.errors import BadArgument
from likewise.evaluation import PooledEvaluation
from likewise.io.progress import is_watched
from likewise.learn.extra import needs
from likewise.learn.stopping import Stopping
from likewise.recipe import Recipe, Start, seconds_of, started_from
from likewise.report import check_report, write_folds

if TYPE_CHECKING:  # these load torch, which is needed only when something here is called
    from likewise.learn.experiment import Experiment
    from likewise.learn.loop.run import Run
    from likewise.learn.progress import Progress
    from likewise.learn.tuning.study_id import StudyId, Trial
    from likewise.learn.tuning.tune import Tuning


def train(
    source: object = None,
    *,
    out: str | Path,
    budget: str | float | None = None,
    recipe: str = "",
    settings: Sequence[str] = (),
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    strict: bool = False,
    examples: bool = True,
    audit: bool = True,
    private: bool = False,
    device: str = "auto",
    checkpoint_seconds: float = 60.0,
    ends: bool = False,
    progress: "bool | Progress | None" = None,
    **fields: Any,
) -> "Experiment":
    """Train a model from examples, measure it on identities that it never saw, and save it.

    Args:
        source: The examples: a path, a spec, a list of paths, PIL images or arrays with labels, as
            (X, y), a pandas or polars frame, pairs, as (first, second, same), or a `Source`; or
            the path of a recipe.toml, or a `Recipe`. None with `resume`.
        out: The folder of the model, which must be empty or not there.
        budget: How long to train: `"90s"`, `"2min"`, or seconds. Reading, audit and measuring come
            beside it.
        recipe: The name of a preset (`likewise list recipes`); `plain` for none; empty for the one
            that fits the items and the budget.
        settings: Fields and arguments of components, as in `"loss.margin=0.3"`.
        kind: What the items are (`image`, `series`, `vector`), where their form does not tell.
        columns: Of a frame or a table, the column of each part, as in `{"label": "who"}`.
        overwrite: Replace the model, or the unfinished run, that is there.
        resume: Go on with the run that was stopped on its way to `out`.
        strict: Stop at the first item that cannot be read.
        examples: Show some mistakes in the report.
        audit: Look for what is wrong with the data first, in seconds.
        private: Keep no names, no reference embeddings and no examples in the model's folder; then
            `monitor` has nothing to compare with, and a leak is noticed by items alone.
        device: Where to train: `auto`, `cpu` or `cuda`.
        checkpoint_seconds: How often what `resume` needs is written.
        ends: Whether SIGTERM stops it too, and ends the process: of a program of one's own. Ctrl-C
            stops it always; what was learned until then is measured and saved.
        progress: Whether to show how it goes, on standard error: True, False, or None for where
            somebody looks, a terminal or a notebook.
        fields: Any field of a `Recipe`: `encoder="resnet"`, `loss="triplet(margin=0.2)"`, `seed=1`.

    Returns:
        The model, its evaluation, and the recipe that was followed.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If the source is nothing that holds items.
        UnknownName: If a field, a component or a preset has no such name.
        SplitError: If the data cannot carry the claim.
        ModelExists: If there is a model at `out`, and `overwrite` is not asked for.
        UnfinishedRun: If an unfinished run is there, and neither `overwrite` nor `resume` is asked
            for.
        TrainingError: If training diverges.

    Example:
        >>> import likewise
        >>> trained = likewise.train("characters", out="new", steps=2, precision="float32")
        >>> trained.model.kind, trained.evaluation.verification.identities
        ('image', 30)
    """
    with needs("Training", "learn"):
        from likewise.learn.experiment import run_experiment
        from likewise.learn.loop.checkpoint import resumed_recipe
    given = _with_budget(fields, budget)
    if source is not None or not resume:
        start = started_from(source, given, settings, recipe=recipe, kind=kind, columns=columns)
    elif recipe:
        raise BadArgument(
            f"The preset {recipe} (--recipe) fills what nobody gave, and the run that is gone on "
            "with has all of its recipe. Leave it out."
        )
    else:
        followed = resumed_recipe(Path(out)).with_fields(given).with_settings(settings)
        start = Start(followed, None, "")
    with shown(progress) as told, Stopping(told.told, ends=ends) as stopping:
        told.recipe(start)

        def started(run: "Run") -> None:
            stopping.start(run)
            told.start(run)

        made = run_experiment(
            start.recipe,
            start.source,
            out=out,
            overwrite=overwrite,
            resume=resume,
            strict=strict,
            examples=examples,
            device=device,
            checkpoint_seconds=checkpoint_seconds,
            audit=audit,
            private=private,
            on_decode=told.decode,
            on_start=started,
            on_audit=told.audit,
            on_epoch=told.epoch,
            on_step=told.step,
            on_stopped=stopping.stopped,
        )
        told.stages(made.seconds)
    return made


def cross_validate(
    source: object,
    *,
    folds: int = 5,
    budget: str | float | None = None,
    recipe: str = "",
    settings: Sequence[str] = (),
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    comparator: str = "",
    prior: float = 0.5,
    strict: bool = False,
    device: str = "auto",
    report: str | Path = "",
    rerun: Sequence[str] = (),
    progress: "bool | Progress | None" = None,
    **fields: Any,
) -> PooledEvaluation:
    """Train and measure once for each fold, so that every identity is tested once.

    Args:
        source: As `train` takes it.
        folds: How many, 2 to 100.
        budget: How long to train each, as `train` takes it.
        recipe: The name of a preset, as `train` takes it.
        settings: As `train` takes them.
        kind: As `train` takes it.
        columns: As `train` takes them.
        comparator: What to measure: `matcher`, `distance`, or empty for the one that decides.
        prior: The share of same pairs where this is used, for what is measured of probabilities.
        strict: Stop at the first item that cannot be read.
        device: Where to train: `auto`, `cpu` or `cuda`.
        report: Where to write the page; empty for none.
        rerun: Commands that make it again, for the page.
        progress: Whether to show how it goes, on standard error: True, False, or None for where
            somebody looks, a terminal or a notebook.
        fields: Any field of a `Recipe`.

    Returns:
        What was measured, the decisions of all folds pooled.

    Raises:
        BadArgument: If there are not 2 to 100 folds, or the prior is not between 0 and 1.
        RecipeError: If the recipe claims known classes, or splits by other parts than identities.
        SplitError: If the data cannot carry so many folds, with what stands in the way.
        SourceError: If the data cannot be used.

    Example:
        >>> import likewise
        >>> found = likewise.cross_validate("features.npz", folds=2, steps=2, precision="float32")
        >>> len(found.folds)
        2
    """
    with needs("Training in folds", "learn"):
        from likewise.learn.folds import train_folds
    given = _with_budget(fields, budget)
    start = started_from(source, given, settings, recipe=recipe, kind=kind, columns=columns)
    if report:
        check_report(Path(report))
    with shown(progress) as told:
        told.recipe(start)
        found = train_folds(
            start.recipe,
            start.source,
            folds=folds,
            comparators=(comparator,),
            prior=prior,
            strict=strict,
            device=device,
            on_fold=told.fold,
            on_decode=told.decode,
            on_start=told.start,
            on_epoch=told.epoch,
            on_step=told.step,
        )[comparator]
    if report:
        write_folds(found, Path(report), recipe=start.recipe.to_toml(), rerun=rerun)
    return found


def tune(
    source: object = None,
    *,
    output: str | Path,
    budget: str | float | None = None,
    search: Sequence[str] = (),
    trials: int = 0,
    recipe: str = "",
    settings: Sequence[str] = (),
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    device: str = "auto",
    progress: "bool | Progress | None" = None,
    on_plan: "Callable[[StudyId, str], None] | None" = None,
    on_trial: "Callable[[Trial], None] | None" = None,
    **fields: Any,
) -> "Tuning":
    """Search for a better recipe within a time, and write the best that was tried.

    Args:
        source: As `train` takes it; None with `resume` for what the search began with.
        output: The recipe to write, a .toml; what was tried stands beside it, in OUTPUT.study.
        budget: How long all trials together may take: `"15min"`, or seconds; with `resume` None is
            what it was.
        search: What may be changed, as in `"loss=supcon|triplet"`; empty for what is usual.
        trials: To how many the budget is shared out, 2 or more; 0 for what suits the budget.
        recipe: The name of a preset, as `train` takes it.
        settings: As `train` takes them; all trials share them.
        kind: As `train` takes it.
        columns: As `train` takes them.
        resume: Go on with the search that is there, of the same recipe, data and search.
        overwrite: Replace what is there.
        strict: Stop at the first item that cannot be read.
        device: Where to train: `auto`, `cpu` or `cuda`.
        progress: Whether to show how it goes, on standard error: True, False, or None for where
            somebody looks, a terminal or a notebook.
        on_plan: Called with what is planned, and the identities that measure in words.
        on_trial: Called after each trial.
        fields: Any field of a `Recipe`.

    Returns:
        The best recipe, and all trials.

    Raises:
        MissingExtra: If Optuna is not installed.
        UnfinishedRun: If a search is there, and neither `overwrite` nor `resume` is asked for.
        NothingToResume: If there is none, or one of something else.
        BadArgument: If the output, the budget or the number of trials cannot be used.
        SplitError: If the identities are too few.

    Example:
        >>> import likewise
        >>> found = likewise.tune("features.npz", output="tuned.toml", budget=9, trials=2)
        >>> len(found.trials) >= 2
        True
    """
    with needs("Tuning", "tune"):
        from likewise.learn.tuning.tune import search_recipes
    if source is not None or not resume:
        start = started_from(
            source,
            fields,
            settings,
            recipe=recipe,
            kind=kind,
            columns=columns,
        )
        followed: Recipe | None = start.recipe
    elif settings or fields or recipe:
        raise BadArgument(
            "Settings, fields and a preset make a recipe, and with resume alone it is the one that "
            "the search began with. Leave them out, or give the source, too."
        )
    else:
        start, followed = Start(Recipe(), None, ""), None
    with shown(progress) as told:
        told.recipe(start)

        def planned(plan: "StudyId", measured_on: str) -> None:
            told.end()
            if on_plan is not None:
                on_plan(plan, measured_on)

        return search_recipes(
            followed,
            start.source,
            output=output,
            budget_seconds=_seconds(budget) or 0.0,
            search=search,
            trials=trials,
            resume=resume,
            overwrite=overwrite,
            strict=strict,
            device=device,
            on_decode=told.decode,
            on_plan=planned,
            on_trial=on_trial,
        )


@contextmanager
def shown(wanted: "bool | Progress | None") -> "Iterator[Progress]":
    """Show how a run goes, as a person said; what was begun by somebody else goes on."""
    from likewise.learn.progress import Progress

    if isinstance(wanted, Progress):
        yield wanted
        return
    with Progress(quiet=not is_watched(wanted)) as told:
        yield told


def _with_budget(fields: Mapping[str, Any], budget: str | float | None) -> dict[str, Any]:
    seconds = _seconds(budget)
    return {**fields} if seconds is None else {**fields, "budget_seconds": seconds}


def _seconds(budget: str | float | None) -> float | None:
    return seconds_of(budget) if isinstance(budget, str) else budget
