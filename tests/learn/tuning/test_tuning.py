"""A search for a better recipe: within its budget, on its own identities, and resumed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from likewise.data.cache import Decoded
from likewise.errors import (
    BadArgument,
    MissingExtra,
    NothingToResume,
    RecipeError,
    SplitError,
    TrainingError,
    UnfinishedRun,
    UnknownName,
)
from likewise.learn.loop.data import prepare
from likewise.learn.tuning import tune as module
from likewise.learn.tuning.search import Search
from likewise.learn.tuning.space import parse_space
from likewise.learn.tuning.study import Study
from likewise.learn.tuning.study_id import StudyId, study_path
from likewise.learn.tuning.trial import learned_part, run_trial, trial_folds
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Role
from tests.conftest import glyphs, waves

pytest.importorskip("optuna")
tune = module.search_recipes

SEARCH = ("learning_rate=1e-4..1e-2:log", "loss=triplet|supcon", "loss.supcon.temperature=.05...5")
QUICK = [
    "transform=image(size=8, invert=True)",
    "encoder=convnet4(width=4, dim=8)",
    "sampler=classes_by_items(classes=8, items=4)",
    "precision=float32",
]


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory) -> None:
    """What Optuna imports on first use takes seconds, which no short budget should pay for."""
    Study(tmp_path_factory.mktemp("warm") / "a.study", resume=False).close()


@pytest.fixture(scope="module")
def forty(tmp_path_factory) -> Path:
    return glyphs(tmp_path_factory.mktemp("tuning") / "forty", count=40, each=4)


@pytest.fixture(scope="module")
def recipe(forty) -> Recipe:
    return Recipe(augmentations=("affine",)).with_settings(
        [f"source=folder({str(forty)!r})", *QUICK]
    )


# So short are the trials of a minute that is shared out to so many.
MINUTE = {"budget_seconds": 60, "trials": 24}


@pytest.fixture
def at_most(monkeypatch):
    """Ends a search after so many trials, on machines of any speed, long before its budget."""

    def end(count: int) -> None:
        fits = Search._fits
        monkeypatch.setattr(
            Search, "_fits", lambda self: len(self.study.trials()) < count and fits(self)
        )

    return end


@pytest.fixture(scope="module")
def tuned(recipe, tmp_path_factory):
    """A search of three trials."""
    output = tmp_path_factory.mktemp("tuned") / "tuned.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "_fits", lambda self: len(self.study.trials()) < 3)
        return tune(recipe, output=output, **MINUTE, search=SEARCH)


@pytest.mark.slow
def test_it_ends_on_time(recipe, tmp_path):
    started = time.perf_counter()
    found = tune(recipe, output=tmp_path / "a.toml", budget_seconds=20, search=SEARCH, trials=5)
    assert time.perf_counter() - started < 20 + 2
    assert found.seconds > 20 - 2 * 3 * found.fold_seconds
    assert len(found.trials) >= 3


def test_the_recipe_as_it_was_given_is_the_first_trial(tuned):
    found = tuned
    first = found.trials[0]
    assert first.settings == ()
    assert first.ended == "complete"
    assert len(found.trials) == 3
    assert [one.number for one in found.trials] == list(range(len(found.trials)))
    figures = [one.figure for one in found.trials if one.figure is not None]
    assert found.best.figure == min(figures) <= first.figure
    assert 0 < found.seconds < 60
    assert (found.folds, found.measured_on) == (3, "22 identities of train, in 3 folds")


def test_what_is_written_is_the_best_that_was_tried(tuned, recipe):
    found = tuned
    written = Recipe.from_toml(found.output.read_text())
    assert written == found.recipe == recipe.with_settings(found.best.settings)
    assert f"validation error {found.best.figure:.4f}" in found.output.read_text()
    kept = ("source", "epochs", "budget_seconds", "precision", "seed", "encoder", "transform")
    assert all(getattr(written, key) == getattr(recipe, key) for key in kept)
    assert [path for path in found.output.parent.iterdir() if path.suffix == ".part"] == []


@pytest.mark.slow
def test_going_on_keeps_what_was_tried(tuned, recipe, tmp_path, at_most):
    found = tuned
    output = tmp_path / "tuned.toml"
    study_path(output).write_bytes(study_path(found.output).read_bytes())
    at_most(4)
    more = tune(None, output=output, resume=True)
    assert more.trials[:3] == found.trials
    assert len(more.trials) == 4
    assert more.seconds > found.seconds
    assert more.fold_seconds == found.fold_seconds
    assert len({one.settings for one in more.trials}) == len(more.trials)
    spent = tune(recipe, output=output, resume=True, search=SEARCH, budget_seconds=1)
    assert spent.trials == more.trials  # no time is left


def test_going_on_with_something_else_is_refused(tuned, recipe, strangers):
    found = tuned
    for wrong, search, message in (
        (recipe.with_settings(["warmup=0.2"]), SEARCH, "warmup is 0.1 there and 0.2 here"),
        (recipe, SEARCH[:1], "searches something else: .* is there only"),
        (
            recipe,
            (*SEARCH, "normalize=true|false"),
            r"searches something else: normalize=true\|false is her",
        ),
        (
            recipe.with_settings([f"source=folder({str(strangers)!r})"]),
            SEARCH,
            "of another recipe: source is",
        ),
    ):
        with pytest.raises(NothingToResume, match=message):
            tune(wrong, output=found.output, resume=True, search=search)


def test_going_on_with_other_data_is_refused(tuned, recipe):
    found = tuned
    series, names = waves(count=40, each=4)
    images = [np.eye(8, dtype=np.uint8) * np.uint8(80) + index for index, _ in enumerate(series)]
    source = Arrays.of(np.stack(images), names, namespace="others")
    with pytest.raises(NothingToResume, match="measured on other data"):
        tune(recipe, source, output=found.output, resume=True, search=SEARCH)


def test_a_search_that_is_there_is_not_lost(tuned, recipe, tmp_path):
    found = tuned
    with pytest.raises(BadArgument, match="is there already"):
        tune(recipe, output=found.output, budget_seconds=9)
    alone = tmp_path / "alone.toml"
    study_path(alone).write_bytes(study_path(found.output).read_bytes())
    with pytest.raises(UnfinishedRun, match="Go on with them by --resume"):
        tune(recipe, output=alone, budget_seconds=9)
    with pytest.raises(NothingToResume, match="There is no study"):
        tune(recipe, output=tmp_path / "none.toml", resume=True)


@pytest.mark.parametrize("content", [b"", b"no study at all", b"SQLite format 3\x00" + bytes(99)])
def test_a_file_that_is_no_study_is_refused(content, tmp_path):
    output = tmp_path / "a.toml"
    study_path(output).write_bytes(content)
    with pytest.raises(NothingToResume, match="is no study that can be gone on with"):
        tune(None, output=output, resume=True)
    assert study_path(output).read_bytes() == content


def test_somebody_elses_database_is_left_alone(tmp_path):
    output = tmp_path / "a.toml"
    with closing(sqlite3.connect(study_path(output))) as file:
        file.execute("CREATE TABLE mine (x)")
    before = study_path(output).read_bytes()
    with pytest.raises(NothingToResume, match="no such table"):
        tune(None, output=output, resume=True)
    assert study_path(output).read_bytes() == before


# ── who is looked at ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("selects", [False, True])
def test_nobody_who_calibrates_or_tests_is_looked_at(
    selects, recipe, tmp_path, monkeypatch, at_most
):
    at_most(2)
    shares = {"train": 0.4, "select": 0.2, "calibrate": 0.2, "test": 0.2}
    recipe = recipe.with_fields({"seed": 5, **({"fractions": shares} if selects else {})})
    with closing(prepare(recipe)) as data:  # what `train` would do
        who = {role: set(part.items.identities.tolist()) for role, part in data.parts.items()}
    seen: set[str] = set()
    batch, one = Decoded.batch, Decoded.__getitem__

    def spied_batch(self, indices):
        seen.update(self.items.identities[indices].tolist())
        return batch(self, indices)

    def spied_one(self, index):
        seen.add(str(self.items.identities[index]))
        return one(self, index)

    monkeypatch.setattr(Decoded, "batch", spied_batch)
    monkeypatch.setattr(Decoded, "__getitem__", spied_one)
    found = tune(recipe, output=tmp_path / "a.toml", search=SEARCH[:1], **MINUTE)
    assert seen == who[Role.TRAIN] | who.get(Role.SELECT, set())
    assert not seen & (who[Role.CALIBRATE] | who[Role.TEST])
    assert found.folds == (1 if selects else 3)
    after = Recipe.from_toml(found.output.read_text())
    with closing(prepare(after)) as data:
        later = {role: set(part.items.identities.tolist()) for role, part in data.parts.items()}
    assert later == who


def test_folds_share_out_the_training_identities(recipe):
    with closing(prepare(recipe)) as data:
        learned = learned_part(data, recipe)
        whole = set(learned.whole.items.identities.tolist())
        assert whole == set(data.parts[Role.TRAIN].items.identities.tolist())
        folds = trial_folds(learned, recipe)
        left_out = [set(fold.parts[Role.SELECT].items.identities.tolist()) for fold in folds]
        assert sum(map(len, left_out)) == len(set().union(*left_out)) == len(whole)
        for fold, out in zip(folds, left_out, strict=True):
            assert set(fold.parts) == {Role.TRAIN, Role.SELECT}
            assert set(fold.parts[Role.TRAIN].items.identities.tolist()) == whole - out
            # The state of the transform comes from what the fold learns from.
            pixels = np.stack([*fold.parts[Role.TRAIN]]).astype(float) / 255
            mean = np.atleast_1d(fold.state["mean"])[0]
            assert min(abs(pixels.mean() - mean), abs(1 - pixels.mean() - mean)) < 1e-3


def test_known_classes_are_measured_on_other_items_of_them():
    recipe = Recipe.for_kind("series").with_settings(
        ["encoder=lstm(hidden=4)", "claim=known_classes", "sampler.classes=4", "precision=float32"]
    )
    series, names = waves(count=10, each=6)
    with closing(prepare(recipe, Arrays.of(series, names, namespace="waves"))) as data:
        learned = learned_part(data, recipe)
    with pytest.raises(SplitError, match="0 classes of 4 items or more, and 2 are needed"):
        trial_folds(learned, recipe)
    series, names = waves(count=10, each=12)
    with closing(prepare(recipe, Arrays.of(series, names, namespace="waves"))) as data:
        folds = trial_folds(learned_part(data, recipe), recipe)
        parts = [set(fold.parts[Role.SELECT].items.places.tolist()) for fold in folds]
        assert len(folds) == 2
        assert not parts[0] & parts[1]
        assert len(set(folds[0].parts[Role.SELECT].items.identities.tolist())) == 10
        until = time.perf_counter() + 60
        figure = run_trial(recipe, folds, 0.5, until=until, device="cpu", on_report=lambda *_: True)
        assert figure is not None
        assert 0 <= figure <= 1


# ── what a trial is worth ─────────────────────────────────────────────────────────────────────


def test_a_fold_counts_with_its_last_epoch_and_select_with_its_best(recipe, monkeypatch):
    from dataclasses import replace

    from likewise.learn.tuning import trial as trying

    def told(*given, **more):
        run = run_on(*given, **more)
        training = run.training

        def epochs(run):
            for epoch, figure in zip(training(run), (0.5, 0.2, 0.4), strict=False):
                yield replace(epoch, figure=figure)

        run.training = epochs
        return run

    run_on = trying.run_on
    monkeypatch.setattr(trying, "run_on", told)
    with closing(prepare(recipe)) as data:
        folds = trial_folds(learned_part(data, recipe), recipe)
        wanted = {"until": time.perf_counter() + 60, "device": "cpu"}
        means = []
        figure = run_trial(
            recipe, folds, 3.0, **wanted, on_report=lambda *told: means.append(told[2]) or True
        )
        assert figure == pytest.approx(0.4)
        assert means[0] == 0.5
        assert run_trial(
            recipe, folds[:1], 3.0, **wanted, on_report=lambda *_: True
        ) == pytest.approx(0.2)
        assert run_trial(recipe, folds, 3.0, **wanted, on_report=lambda *_: False) is None
        wanted["until"] = time.perf_counter()
        assert run_trial(recipe, folds, 3.0, **wanted, on_report=lambda *_: True) is None


@pytest.mark.slow
def test_a_trial_that_cannot_be_trained_is_told_and_passed_over(recipe, tmp_path):
    search = ["sampler=classes_by_items(classes=8)|source_pairs"]
    found = tune(recipe, output=tmp_path / "a.toml", budget_seconds=12, search=search, trials=4)
    failed = [one for one in found.trials if one.ended == "failed" and "budget" not in one.why]
    assert failed
    assert all("source_pairs" in one.settings[0] and one.figure is None for one in failed)
    assert all("source_pairs" in one.why for one in failed)
    assert "source_pairs" not in found.recipe.sampler


def test_what_train_would_refuse_is_refused_at_once(recipe, tmp_path):
    wrong = recipe.with_settings(["patience=3"])
    with pytest.raises(TrainingError, match="patience is 3, and no items have the role select"):
        tune(wrong, output=tmp_path / "a.toml", budget_seconds=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"budget_seconds": 1}, BadArgument, "too short for 2 trials in 3 folds each"),
        ({"budget_seconds": 60, "trials": 99}, BadArgument, "too short for 99 trials"),
        ({"budget_seconds": 60, "trials": 1}, BadArgument, "trials is 1, and at least 2"),
        ({"budget_seconds": 0}, BadArgument, "needs a budget"),
        ({"budget_seconds": 60, "search": ["los=a|b"]}, UnknownName, "Did you mean 'loss'"),
        ({"budget_seconds": 60, "search": ["warmup=1..0"]}, RecipeError, "smaller end comes"),
        ({"budget_seconds": 60, "output": "a.txt"}, BadArgument, "does not end in .toml"),
        ({"budget_seconds": 60, "output": "no/a.toml"}, BadArgument, "There is no folder no"),
    ],
)
def test_what_cannot_be_followed_is_refused(given, kind, message, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message):
        tune(recipe, **{"output": "a.toml", **given})
    assert list(tmp_path.iterdir()) == []


def test_too_few_identities_are_refused(recipe, tmp_path):
    few = glyphs(tmp_path / "few", count=8, each=4)
    few_recipe = recipe.with_settings([f"source=folder({str(few)!r})"])
    with pytest.raises(SplitError, match=r"train has \d identities of 2 items or more, and 6 are"):
        tune(few_recipe, output=tmp_path / "a.toml", budget_seconds=60)


@pytest.mark.slow
def test_a_budget_without_time_for_a_second_trial_is_refused(recipe, tmp_path, monkeypatch):
    from likewise.learn.tuning import search as searching
    from likewise.learn.tuning import trial

    slow = trial.run_trial

    def slower(*args, **kwargs):
        figure = slow(*args, **kwargs)
        time.sleep(4)
        return figure

    monkeypatch.setattr(searching, "run_trial", slower)
    output = tmp_path / "a.toml"
    with pytest.raises(TrainingError, match="too little is left for a second trial"):
        tune(recipe, output=output, budget_seconds=8, trials=2, search=SEARCH)
    assert not output.exists()
    monkeypatch.undo()
    found = tune(None, output=output, budget_seconds=25, resume=True)
    assert len(found.trials) >= 2


# ── the study ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def study(recipe, tmp_path):
    made = Study(tmp_path / "a.study", resume=False)
    made.keep(StudyId(recipe.to_toml(), SEARCH, "digest", 60.0, 4, 3, 5.0))
    made.begin(0)
    with closing(made):
        yield made


def test_a_trial_that_was_cut_off_is_tried_again(study, recipe):
    dimensions = parse_space(SEARCH, recipe)
    study.add(0.5, {9: 0.5}, {one: v for one in dimensions if (v := one.of(recipe))}, 1.0)
    _, settings = study.ask(dimensions, recipe)
    study.spent = 7.5
    study.close()  # as if it were killed here
    with closing(Study(study.path, resume=True)) as again:
        assert again.spent == 7.5
        assert again.id == study.id
        assert len(again.trials()) == 1
        again.begin(0)
        asked, same = again.ask(dimensions, recipe)
        assert same == settings
        again.tell(asked, same, 2.0, figure=0.25)
        assert [one.figure for one in again.trials()] == [0.5, 0.25]
        assert again.trials()[1].settings == tuple(settings)


def test_what_is_hopeless_half_way_is_pruned(study, recipe):
    dimensions = parse_space(SEARCH[:1], recipe)
    for figure in (0.2, 0.21, 0.22, 0.23):
        study.add(figure, dict.fromkeys(range(30), figure), {}, 1.0)
    asked, settings = study.ask(dimensions, recipe)
    assert not study_prunes(asked, 3, 0.9)  # too early to tell
    assert not study_prunes(asked, 15, 0.2)
    worse, _ = study.ask(dimensions, recipe)
    assert study_prunes(worse, 15, 0.9)
    study.tell(worse, settings, 1.0, pruned="given up")
    assert study.trials()[-1].ended == "pruned"
    assert study.trials()[-1].figure is None


def study_prunes(asked, step, figure) -> bool:
    asked.report(figure, step)
    return bool(asked.should_prune())


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_so_far(recipe, tmp_path, at_most):
    def stop(trial) -> None:
        if trial.number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    output = tmp_path / "a.toml"
    found = tune(recipe, output=output, **MINUTE, search=SEARCH, on_trial=stop)
    assert found.stopped
    assert len(found.trials) == 2
    assert Recipe.from_toml(output.read_text()) == found.recipe
    at_most(3)
    more = tune(recipe, output=output, search=SEARCH, resume=True)
    assert not more.stopped
    assert more.trials[:2] == found.trials
    assert len(more.trials) == 3


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on(recipe, tmp_path):
    start, output = tmp_path / "start.toml", tmp_path / "tuned.toml"
    start.write_text(recipe.to_toml())
    command = [sys.executable, "-m", "likewise", "tune", start, "--output", output]
    more = ["--budget", "60s", "--trials", "12", "--search", SEARCH[0], "--device", "cpu"]
    clean = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    run = subprocess.Popen(
        [*map(str, command), *more], stderr=subprocess.PIPE, text=True, env=clean
    )
    with run, run.stderr as lines:
        seen = []
        for line in lines:
            seen.append(line)
            if line.split()[:1] == ["1"]:
                break
        time.sleep(1)  # into the next trial
        run.kill()
    assert not output.exists(), seen
    with closing(Study(study_path(output), resume=True)) as left:
        before, spent = left.trials(), left.spent
    assert len(before) >= 2
    assert spent > 0
    found = tune(None, output=output, budget_seconds=spent + 12, resume=True)
    assert found.trials[: len(before)] == before
    assert len(found.trials) > len(before)
    assert Recipe.from_toml(output.read_text()) == found.recipe


def test_without_optuna(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"Tuning needs optuna.*pip install 'likewise\[tune\]'"):
        tune(recipe, output=tmp_path / "a.toml", budget_seconds=60)
    assert list(tmp_path.iterdir()) == []


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_a_table(recipe, tmp_path, likewise, likewise_json, at_most):
    at_most(2)
    start, output = tmp_path / "start.toml", tmp_path / "tuned.toml"
    start.write_text(recipe.to_toml())
    words = ["--budget", "60s", "--trials", "24", "--search", SEARCH[0], "--set", "warmup=0.2"]
    code, out, err = likewise("tune", start, "--output", output, *words)
    assert code == 0, err
    assert "searched:\n  learning_rate=0.0001..0.01:log\n" in err
    lines = out.splitlines()
    assert lines[0].split() == ["trial", "error", "ended", "took", "what", "was", "changed"]
    assert lines[1].endswith("as it was given")
    assert any("learning_rate=" in line for line in lines[2:])
    assert "of the recipe as it was given, on 22 identities of train, in 3 folds" in out
    assert "optimistic" in out or "nothing that was tried is better" in out
    written = Recipe.from_toml(output.read_text())
    assert written.warmup == 0.2
    found = likewise_json("tune", "--output", output, "--resume")
    assert found["exit"] == 0
    assert found["better_by"] == found["trials"][0]["figure"] - found["best"]["figure"] >= 0
    assert Recipe.from_toml(found["recipe"]) == written
    assert json.dumps(found)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "No source was given"),
        (("--resume", "--set", "warmup=0.2"), "Settings, fields and a preset make a recipe"),
        (("characters", "--budget", "soon"), "no duration"),
        (("characters",), "needs a budget"),
        (("characters", "--budget", "9min", "--search", "lss=a|b"), "Did you mean 'loss'"),
    ],
)
def test_the_command_refuses(words, message, tmp_path, likewise):
    code, out, err = likewise("tune", *words, "--output", tmp_path / "a.toml")
    assert (code, out) == (2, "")
    assert message in err


def test_what_was_found_trains(tuned, tmp_path, likewise):
    found = tuned
    code, out, err = likewise(
        "train", found.output, "--set", "steps=3", "--no-audit", "--out", tmp_path / "model"
    )
    assert code == 0, err
    assert "report:" in out
