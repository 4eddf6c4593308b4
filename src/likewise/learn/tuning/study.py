"""The trials of a search, in one SQLite file that Optuna reads and writes.

What was found stands there after every epoch, so that a search can be gone on with after Ctrl-C,
SIGTERM or `kill -9`. A trial that was cut off is tried again.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.errors import MissingExtra, NothingToResume, UnfinishedRun
from likewise.learn.tuning.space import Dimension, Value
from likewise.learn.tuning.study_id import StudyId, Trial
from likewise.recipe import Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asked

_NAME = "likewise"
_ID, _SPENT, _WORDS = "plan", "seconds", "words"
_UNPRUNED = 4


class Study:
    """A study in its file; close it when done.

    Args:
        path: Of the file.
        resume: Whether to go on with the one that is there.
        overwrite: Whether to replace it.

    Attributes:
        path: Of the file.
        id: What it is of; a new one has none until it is kept.

    Raises:
        MissingExtra: If Optuna is not installed.
        UnfinishedRun: If one is there, and neither was asked for.
        NothingToResume: If none is there that can be gone on with.
    """

    def __init__(self, path: Path, *, resume: bool, overwrite: bool = False) -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingExtra(
                f"Tuning needs {error.name}, which is not installed. Run: "
                "pip install 'likewise[tune]'"
            ) from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna: Any = optuna
        self.path = path
        self._id: StudyId | None = None
        require_place(path, resume=resume, overwrite=overwrite)
        if resume:
            _require_study(path)
        else:
            path.unlink(missing_ok=True)
        self._storage = optuna.storages.RDBStorage(
            # By a function, since in a path any letter may stand.
            "sqlite://",
            engine_kwargs={
                "creator": lambda: sqlite3.connect(path, timeout=60, check_same_thread=False)
            },
        )
        try:
            if not resume:
                self._study = optuna.create_study(study_name=_NAME, storage=self._storage)
                return
            self._study = optuna.load_study(study_name=_NAME, storage=self._storage)
            self._id = _study_id(self._study.user_attrs[_ID])
        except (optuna.exceptions.OptunaError, KeyError, TypeError, ValueError) as error:
            self.close()
            raise _damaged(path, error) from error
        except BaseException:
            self.close()
            raise

    def keep(self, study_id: StudyId) -> None:
        """Write down what it is of."""
        self._study.set_user_attr(_ID, asdict(study_id))
        self._id = study_id

    @classmethod
    def id_in(cls, path: Path) -> StudyId:
        """What the study in a file is of.

        Raises:
            MissingExtra: If Optuna is not installed.
            NothingToResume: If there is none.
        """
        with closing(cls(path, resume=True)) as study:
            return study.id

    @property
    def id(self) -> StudyId:
        """What it is of.

        Raises:
            NothingToResume: If nobody has written it down.
        """
        if self._id is None:
            raise _damaged(self.path, "nobody wrote down what it is of")
        return self._id

    def close(self) -> None:
        """Close the file."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def begin(self, seed: int) -> None:
        """Get ready to ask: what was cut off will be tried again.

        Args:
            seed: Where the search draws from, with the number of trials that are there.
        """
        optuna, frozen = self._optuna, self._study.get_trials(deepcopy=False)
        states = optuna.trial.TrialState
        for one in frozen:
            if one.state is states.RUNNING:
                self._study.tell(one.number, state=states.FAIL)
                self._study.enqueue_trial(one.params)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seed + len(frozen), n_startup_trials=max(4, self.id.trials // 3)
        )
        # Rates fall to zero at the end of every trial, so that early figures say little.
        self._study.pruner = optuna.pruners.MedianPruner(
            n_startup_trials=_UNPRUNED, n_warmup_steps=5
        )

    @property
    def spent(self) -> float:
        """Seconds that were spent on it."""
        return float(self._study.user_attrs.get(_SPENT, 0.0))

    @spent.setter
    def spent(self, seconds: float) -> None:
        self._study.set_user_attr(_SPENT, seconds)

    def trials(self) -> tuple[Trial, ...]:
        """Those that came to an end, numbered from 0 as they did."""
        kept = [one for one in self._study.get_trials(deepcopy=False) if _WORDS in one.user_attrs]
        return tuple(_trial(number, one) for number, one in enumerate(kept))

    def add(
        self,
        figure: float,
        reports: Mapping[int, float],
        values: Mapping[Dimension, Value],
        seconds: float,
    ) -> None:
        """Add what was measured of the recipe as it was given.

        Args:
            figure: The validation error.
            reports: What it was on the way.
            values: Of what is searched, as far as it could have been drawn.
            seconds: It took.
        """
        self._study.add_trial(
            self._optuna.trial.create_trial(
                value=figure,
                params={one.name: value for one, value in values.items()},
                distributions={one.name: self._distribution(one) for one in values},
                intermediate_values=dict(reports),
                user_attrs={_WORDS: _words((), "", seconds)},
            )
        )

    def ask(self, dimensions: Sequence[Dimension], recipe: Recipe) -> tuple["Asked", list[str]]:
        """A trial, and what it sets in the recipe."""
        asked, settings, current = self._study.ask(), [], recipe
        for one in dimensions:
            if one.applies(current):
                value = self._drawn(asked, one)
                settings.append(one.setting(value))
                current = recipe.with_settings(settings)
        return asked, settings

    def tell(
        self,
        asked: "Asked",
        settings: Sequence[str],
        seconds: float,
        *,
        figure: float | None = None,
        pruned: str = "",
        failed: str = "",
    ) -> None:
        """Say how a trial ended: by its figure, pruned, or failed."""
        states = self._optuna.trial.TrialState
        asked.set_user_attr(_WORDS, _words(settings, pruned or failed, seconds))
        state = states.PRUNED if pruned else states.FAIL if failed else states.COMPLETE
        self._study.tell(asked, figure if state is states.COMPLETE else None, state=state)

    def _drawn(self, asked: "Asked", one: Dimension) -> Value:
        if one.values:
            return asked.suggest_categorical(one.name, one.values)
        if one.whole:
            return asked.suggest_int(one.name, int(one.low), int(one.high), log=one.log)
        return asked.suggest_float(one.name, one.low, one.high, log=one.log)

    def _distribution(self, one: Dimension) -> "BaseDistribution":
        made = self._optuna.distributions
        found: BaseDistribution
        if one.values:
            found = made.CategoricalDistribution(one.values)
        elif one.whole:
            found = made.IntDistribution(int(one.low), int(one.high), log=one.log)
        else:
            found = made.FloatDistribution(one.low, one.high, log=one.log)
        return found


def require_place(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse to begin where a study is, and to go on where none is.

    Raises:
        UnfinishedRun: If one is there, and nobody asked to go on or to begin anew.
        NothingToResume: If none is there to go on with.
    """
    if resume and not path.is_file():
        raise NothingToResume(
            f"There is no study {path} to go on with. Leave --resume out to begin one."
        )
    if path.exists() and not resume and not overwrite:
        raise UnfinishedRun(
            f"{path} holds the trials of an earlier search. Go on with them by --resume, or begin "
            "anew with --overwrite."
        )


def _words(settings: Sequence[str], why: str, seconds: float) -> dict[str, Any]:
    return {"settings": [*settings], "why": why, "seconds": seconds}


def _trial(number: int, one: "FrozenTrial") -> Trial:
    words = one.user_attrs[_WORDS]
    ended = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(one.state.name, "failed")
    figure = float(one.values[0]) if ended == "complete" and one.values else None
    settings = tuple(map(str, words["settings"]))
    return Trial(number, settings, figure, ended, str(words["why"]), float(words["seconds"]))


def _study_id(held: Mapping[str, Any]) -> StudyId:
    """From what was read; of other types it is none."""
    return StudyId(
        recipe=str(held["recipe"]),
        search=tuple(map(str, held["search"])),
        data=str(held["data"]),
        budget_seconds=float(held["budget_seconds"]),
        trials=int(held["trials"]),
        folds=int(held["folds"]),
        fold_seconds=float(held["fold_seconds"]),
    )


def _require_study(path: Path) -> None:
    """Refuse what is no study before Optuna writes its tables into it."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            file.execute("SELECT study_name FROM studies").fetchone()
    except sqlite3.Error as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, why: object) -> NothingToResume:
    return NothingToResume(
        f"{path} is no study that can be gone on with ({why}). Begin anew with --overwrite."
    )
