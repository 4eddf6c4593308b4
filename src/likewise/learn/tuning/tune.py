"""A small search over the fields of a recipe, by the validation error, within a total budget.

Nothing that calibrates or tests is learned from or measured on. Where the recipe gives some
identities the role *select*, these measure every trial; where they are too few for that, every
trial is cross-validated inside *train*.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from likewise.errors import BadArgument, TrainingError
from likewise.io import atomic
from likewise.learn.loop.data import prepare
from likewise.learn.loop.train import run_on
from likewise.learn.tuning.default_space import default_space
from likewise.learn.tuning.search import Search
from likewise.learn.tuning.space import parse_space
from likewise.learn.tuning.study import Study, require_place
from likewise.learn.tuning.study_id import StudyId, Trial, require_same, study_path
from likewise.learn.tuning.trial import learned_part, timed, trial_folds, trial_words
from likewise.recipe import Recipe
from likewise.results import Cell, Result
from likewise.sources.base import Source

LEAST_SECONDS = 0.5
"""Below which a network has learned nothing in a fold that could be compared."""

_MARGIN = 0.9
_RESERVE_SECONDS = 2.0


@dataclass(frozen=True, repr=False)
class Tuning(Result):
    """What a search found.

    Attributes:
        recipe: The best that was tried; how long to train is as it was given.
        output: The file that holds it.
        trials: All that came to an end, in their order; the first is the recipe as it was given.
        best: Of them the one with the least validation error.
        search: What was changed, as it is written.
        measured_on: The identities that measured, in words.
        folds: Inside *train*; 1 where *select* measured.
        fold_seconds: How long every trial trained in each.
        budget_seconds: For all trials together.
        seconds: Spent, earlier calls included.
        stopped: Whether Ctrl-C ended it before the budget did.
    """

    recipe: Recipe
    output: Path
    trials: tuple[Trial, ...]
    best: Trial
    search: tuple[str, ...]
    measured_on: str
    folds: int
    fold_seconds: float
    budget_seconds: float
    seconds: float
    stopped: bool

    def summary(self) -> str:
        """Return how many recipes were tried, and what the best was worth."""
        first, best = self.trials[0].figure, self.best.figure
        return f"{len(self.trials)} trials, validation error {best:.4f} ({first:.4f} as given)"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each trial."""
        return [
            {
                "trial": one.number,
                "error": one.figure,
                "ended": one.ended,
                "seconds": one.seconds,
                "settings": ", ".join(one.settings),
            }
            for one in self.trials
        ]

    @property
    def better_by(self) -> float:
        """How much less the best errs than the recipe as it was given; 0 where nothing did."""
        first, best = self.trials[0].figure, self.best.figure
        return 0.0 if first is None or best is None else first - best

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as `--json` prints it, the recipe as TOML."""
        return {**super().to_dict(), "recipe": self.recipe.to_toml(), "better_by": self.better_by}


def search_recipes(
    recipe: Recipe | None,
    source: Source | None = None,
    *,
    output: str | Path,
    budget_seconds: float = 0.0,
    search: Sequence[str] = (),
    trials: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    device: str = "auto",
    on_decode: Callable[[int, int], None] | None = None,
    on_plan: Callable[[StudyId, str], None] | None = None,
    on_trial: Callable[[Trial], None] | None = None,
) -> Tuning:
    """Search for a better recipe, and write the best that was tried.

    The first trial is the recipe as it was given, so that what is written is never worse than it
    on the identities that measured. Every trial trains equally long. What was tried stands in a
    file beside the output (`OUTPUT.study`), and is kept.

    Args:
        recipe: What is changed; None with `resume` for the one that the search began with.
        source: Where the items come from, when not what the recipe names.
        output: The TOML file to write.
        budget_seconds: For everything together; with `resume` 0 is what it was.
        search: What may be changed, as in `loss=supcon|triplet`; empty for what is usual.
        trials: To how many the budget is shared out, 2 or more; 0 for what suits the budget.
        resume: Go on with the search that is there, of the same recipe, data and search.
        overwrite: Replace what is there.
        strict: Stop at the first item that cannot be read.
        device: Where to train: `auto`, `cpu` or `cuda`.
        on_decode: Called with how many items are decoded, of how many.
        on_plan: Called with what is planned before the first trial, and the identities that
            measure in words.
        on_trial: Called after each trial.

    Raises:
        MissingExtra: If Optuna is not installed.
        UnfinishedRun: If a search is there, and neither `overwrite` nor `resume` is asked for.
        NothingToResume: If there is none, or one of something else.
        RecipeError: If something cannot be searched.
        BadArgument: If the output, the budget or the number of trials cannot be used.
        SplitError: If the identities are too few.
        TrainingError: If the recipe as it was given cannot be trained.
    """
    started, target = time.perf_counter(), Path(output)
    _check(target, budget_seconds, trials, resume=resume, overwrite=overwrite)
    held = Study.id_in(study_path(target)) if resume else None
    if recipe is None:
        if held is None:
            raise BadArgument("There is no recipe to change. Give one; only resume does without.")
        recipe = Recipe.from_toml(held.recipe)
    recipe = recipe.checked()
    data = prepare(recipe, source, strict=strict, progress=on_decode)
    with closing(data):
        learned = learned_part(data, recipe)
        folds = trial_folds(learned, recipe)
        run_on(learned, timed(recipe, 1.0), device=device)  # refuses what `train` would refuse
        chosen = tuple(search) or (held.search if held is not None else ())
        if not chosen:
            pairs = learned.whole.items.pairs is not None
            chosen = default_space(recipe, data.transform.kind, pairs=pairs)
        dimensions = parse_space(chosen, recipe)
        study_id = StudyId(
            recipe.to_toml(),
            tuple(map(str, dimensions)),
            learned.digest(),
            budget_seconds,
            trials,
            len(folds),
            0.0,
        )
        words = trial_words(learned, len(folds))
        opened = _study(target, study_id, started, resume=resume, overwrite=overwrite)
        with closing(opened) as study:
            if on_plan is not None:
                on_plan(study.id, words)
            search_on = Search(recipe, dimensions, folds, study, started, device)
            stopped = search_on.run(on_trial)
            return _written(search_on, target, words, stopped=stopped)


def _study(
    target: Path, study_id: StudyId, started: float, *, resume: bool, overwrite: bool
) -> Study:
    """The study that is gone on with, or a new one, which knows how long a trial may take."""
    study = Study(study_path(target), resume=resume, overwrite=overwrite)
    try:
        if resume:
            require_same(study.id, study_id, study.path)
            budget = study_id.budget_seconds or study.id.budget_seconds
            study.keep(replace(study.id, budget_seconds=budget))
        else:
            left = study_id.budget_seconds - (time.perf_counter() - started)
            study.keep(_shared_out(study_id, left))
    except BaseException:
        study.close()
        if not resume:
            atomic.discard_path(study.path)
        raise
    return study


def _check(
    target: Path, budget_seconds: float, trials: int, *, resume: bool, overwrite: bool
) -> None:
    """Refuse, before anything is read, what cannot be written or followed."""
    if target.suffix != ".toml":
        raise BadArgument(
            f"{target} does not end in .toml, and a recipe is such a file. Name it so."
        )
    if not target.parent.is_dir():
        raise BadArgument(f"There is no folder {target.parent} for {target.name}. Make it first.")
    if target.is_dir() or (target.exists() and not (resume or overwrite)):
        raise BadArgument(
            f"{target} is there already. Name another output, or replace it with --overwrite."
        )
    if trials < 0 or trials == 1:
        raise BadArgument(
            f"trials is {trials}, and at least 2 are expected: the recipe as it was given, and one "
            "to compare it with."
        )
    if not budget_seconds and not resume:
        raise BadArgument("A search needs a budget of time for all trials together. Give one.")
    require_place(study_path(target), resume=resume, overwrite=overwrite)
    atomic.probe_folder(target.parent)


def _shared_out(study: StudyId, left: float) -> StudyId:
    """The same study with its trials and what each may take.

    Raises:
        BadArgument: If not two of them can be had.
    """
    usable = _MARGIN * (left - _RESERVE_SECONDS)
    most = int(usable / (study.folds * LEAST_SECONDS))
    # More trials for longer budgets, but each longer too.
    wanted = study.trials or max(2, min(most, 40, max(4, round((study.budget_seconds / 6) ** 0.5))))
    if most < wanted:
        least = wanted * study.folds * LEAST_SECONDS
        need = study.budget_seconds + (least - usable) / _MARGIN
        raise BadArgument(
            f"The budget of {study.budget_seconds:g} s is too short for {wanted} trials in "
            f"{study.folds} folds each, with {max(0.0, usable):.1f} s left for them. Give "
            f"{math.ceil(need)} s at the very least, and a hundred times that for something to be "
            "learned."
        )
    return replace(study, trials=wanted, fold_seconds=usable / (wanted * study.folds))


def _written(searched: Search, target: Path, words: str, *, stopped: bool) -> Tuning:
    """Write the best, and say what was found."""
    trials, study_id = searched.study.trials(), searched.id
    if len(trials) < 2 and not stopped:
        raise TrainingError(
            f"The recipe as it was given took {trials[0].seconds:.0f} s, and of the budget of "
            f"{study_id.budget_seconds:g} s too little is left for a second trial. Go on with "
            "--resume and a larger budget."
        )
    best = min((one for one in trials if one.figure is not None), key=_by_figure)
    recipe = searched.recipe.with_settings(best.settings)
    heading = (
        f"# The best of {len(trials)} trials of {study_id.folds * study_id.fold_seconds:.0f} s "
        f"each: validation error {best.figure:.4f},\n# and {trials[0].figure:.4f} of the recipe "
        f"it was made from; measured on {words}.\n"
    )
    atomic.replace(target, (heading + recipe.to_toml()).encode())
    return Tuning(
        recipe,
        target,
        trials,
        best,
        study_id.search,
        words,
        study_id.folds,
        study_id.fold_seconds,
        study_id.budget_seconds,
        searched.seconds,
        stopped,
    )


def _by_figure(trial: Trial) -> tuple[float, int]:
    return (trial.figure if trial.figure is not None else float("inf"), trial.number)
