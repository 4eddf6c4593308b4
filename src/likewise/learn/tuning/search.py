"""Trials, one after another, until the budget ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from likewise.errors import LikewiseError, TrainingError
from likewise.learn.loop.data import Data
from likewise.learn.loop.run import Run
from likewise.learn.tuning.space import Dimension
from likewise.learn.tuning.study import Study
from likewise.learn.tuning.study_id import Trial
from likewise.learn.tuning.trial import run_trial
from likewise.recipe import Recipe

_FAILURES = 10
_SECONDS_BETWEEN_NOTES = 2.0
_ENDED = "the budget ended within it"


class Search:
    """A search that goes on with whatever its study holds.

    Args:
        recipe: What is changed.
        dimensions: What may be changed in it.
        folds: In which each trial is measured.
        study: Where the trials stand, and how long each may take.
        started: When the command began, as `time.perf_counter` tells it.
        device: Where to train.
    """

    def __init__(
        self,
        recipe: Recipe,
        dimensions: Sequence[Dimension],
        folds: list[Data],
        study: Study,
        started: float,
        device: str,
    ) -> None:
        self.recipe, self.dimensions, self.folds = recipe, dimensions, folds
        self.id, self.study, self.device = study.id, study, device
        # As if it had begun earlier by what was spent before.
        self._began = started - study.spent
        self._noted = time.perf_counter()
        self._precision = recipe.precision

    @property
    def seconds(self) -> float:
        """Spent so far, earlier calls included."""
        return time.perf_counter() - self._began

    def run(self, on_trial: Callable[[Trial], None] | None) -> bool:
        """Try until no further trial fits; whether Ctrl-C came before that."""
        failures = 0
        self.study.begin(self.recipe.seed)
        try:
            while failures < _FAILURES:
                if not self.study.trials():
                    self._default()
                elif self._fits():
                    self._next()
                else:
                    return False
                last = self.study.trials()[-1]
                failures = failures + 1 if last.ended == "failed" else 0
                if on_trial is not None:
                    on_trial(last)
        except KeyboardInterrupt:
            if not self.study.trials():
                raise
            return True
        finally:
            self.study.spent = self.seconds
        raise TrainingError(
            f"{failures} trials one after another failed; the last: {last.why} Search something "
            "else, or look at the recipe."
        )

    def _fits(self) -> bool:
        """Whether there is time for one more."""
        planned = self.id.folds * self.id.fold_seconds
        whole = [one.seconds for one in self.study.trials()[1:] if one.ended == "complete"]
        return self.id.budget_seconds - self.seconds >= max([planned * 1.03, *whole])

    def _default(self) -> None:
        """The recipe as it was given."""
        began, reports = time.perf_counter(), dict[int, float]()

        def report(step: int, figure: float) -> bool:
            reports[step] = figure
            return True

        figure = self._measure(self.recipe, report)
        if figure is None:
            raise TrainingError(
                f"The budget of {self.id.budget_seconds:g} s ended before the recipe as it was "
                "given was measured. Give more, or a faster encoder or smaller transform.size."
            )
        drawn = {one: one.of(self.recipe) for one in self.dimensions}
        known = {one: value for one, value in drawn.items() if value is not None}
        self.study.add(figure, reports, known, time.perf_counter() - began)

    def _next(self) -> None:
        """A recipe that the study asks for."""
        began = time.perf_counter()
        asked, settings = self.study.ask(self.dimensions, self.recipe)
        pruned = failed = ""
        figure = None

        def report(step: int, current: float) -> bool:
            nonlocal pruned
            asked.report(current, step)
            if asked.should_prune():
                pruned = f"given up at {current:.4f}"
            return not pruned

        try:
            figure = self._measure(self.recipe.with_settings(settings), report)
            if figure is None and not pruned:
                failed = _ENDED
        except LikewiseError as error:
            failed = str(error)
        seconds = time.perf_counter() - began
        self.study.tell(asked, settings, seconds, figure=figure, pruned=pruned, failed=failed)

    def _measure(self, recipe: Recipe, report: Callable[[int, float], bool]) -> float | None:
        def noted(run: Run, step: int, figure: float) -> bool:
            self._precision = run.recipe.precision
            if time.perf_counter() - self._noted > _SECONDS_BETWEEN_NOTES:
                self.study.spent, self._noted = self.seconds, time.perf_counter()
            return report(step, figure)

        return run_trial(
            replace(recipe, precision=self._precision),
            self.folds,
            self.id.fold_seconds,
            until=self._began + self.id.budget_seconds,
            device=self.device,
            on_report=noted,
        )
