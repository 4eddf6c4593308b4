"""Folds: who is tested when, what is pooled, and the command that trains them."""

import re

import numpy as np
import pytest

from likewise.errors import BadArgument, RecipeError, SplitError
from likewise.learn.folds import deal_folds, splitter, train_folds
from likewise.metrics.tally import Tally
from likewise.recipe.recipe import Recipe
from likewise.sources.folder import Folder
from likewise.types import Items, Pairs, Role
from tests.conftest import glyphs


def table(sizes, *, origins=None, pairs=None, names=None):
    names = names or [f"who{i:03}" for i, size in enumerate(sizes) for _ in range(size)]
    return Items.build(
        "table",
        names,
        "image",
        [f"place{i}" for i in range(len(names))],
        lambda _: np.zeros((4, 4), np.uint8),
        origins=origins,
        pairs=pairs,
    )


def linked(groups):
    """A table of components, each given as (same, different) pairs along a chain."""
    names, first, second, same = [], [], [], []
    for number, (alike, apart) in enumerate(groups):
        start = len(names)
        names += [f"group{number:03}"] * (alike + apart + 1)
        for step, sort in enumerate([1] * alike + [0] * apart):
            first.append(start + step)
            second.append(start + step + 1)
            same.append(sort)
    pairs = Pairs(np.array(first), np.array(second), np.array(same))
    return table((), names=names, pairs=pairs)


# ── who is in which fold ──────────────────────────────────────────────────────────────────────


def test_every_identity_is_tested_once_and_shares_no_fold():
    items = table([3] * 55)
    recipe = Recipe(fractions={"train": 30 / 55, "calibrate": 14 / 55, "test": 11 / 55}, seed=3)
    fold_of = deal_folds(items, 5, recipe.seed)
    tested = []
    for number in range(5):
        drawn = splitter(fold_of, number, 5, recipe)(items)
        who = {role: set(items.identities[rows].tolist()) for role, rows in drawn if len(rows)}
        assert {role: len(names) for role, names in who.items()} == {
            Role.TRAIN: 30, Role.CALIBRATE: 14, Role.TEST: 11
        }  # fmt: skip
        assert not set.intersection(*who.values())
        assert drawn.how.startswith(f"Fold {number + 1} of 5: ")
        tested += sorted(who[Role.TEST])
    assert sorted(tested) == sorted(set(items.identities.tolist()))
    assert deal_folds(items, 5, 3) == fold_of
    assert deal_folds(items, 5, 4) != fold_of


def test_identities_with_pairs_and_with_forgeries_are_dealt_evenly():
    sizes = [1] * 31 + [4] * 19
    names = [f"who{i:03}" for i, size in enumerate(sizes) for _ in range(size)]
    forged = {f"who{i:03}" for i in range(31, 41)}
    seen, origins = set(), []
    for name in names:
        origins.append("forged" if name in forged and name in seen else "genuine")
        if name in seen:
            seen.discard(name)
            seen.add(name + "!")
        else:
            seen.add(name)
    items = table((), names=names, origins=origins)
    fold_of = deal_folds(items, 5, 0)
    own = items.take(np.flatnonzero(~items.forged))
    names, counts = np.unique(own.identities, return_counts=True)
    for wanted in (names[counts >= 2], names, np.unique(items.identities[items.forged])):
        dealt = np.bincount([fold_of[name] for name in wanted.tolist()], minlength=5)
        assert dealt.max() - dealt.min() <= 1 + (len(wanted) == len(names))


def test_pairs_that_hang_together_by_nothing_are_stratified_to_a_pair():
    items = linked([(1, 0)] * 25 + [(0, 1)] * 25)
    fold_of = deal_folds(items, 5, 1)
    folds = np.array([fold_of[name] for name in items.identities[items.pairs.first].tolist()])
    for sort in (0, 1):
        assert np.bincount(folds[items.pairs.same == sort]).tolist() == [5] * 5


def test_components_of_every_size_are_dealt_by_both_sorts():
    random = np.random.default_rng(0)
    items = linked([*random.integers(0, 5, size=(60, 2)).tolist(), (7, 1), (1, 8)])
    fold_of = deal_folds(items, 4, 1)
    folds = np.array([fold_of[name] for name in items.identities[items.pairs.first].tolist()])
    for sort in (0, 1):
        held = np.bincount(folds[items.pairs.same == sort], minlength=4)
        assert held.max() - held.min() <= 5


def test_a_component_too_large_to_split_is_named():
    items = linked([(40, 40), (1, 1), (1, 1), (2, 2)])
    with pytest.raises(SplitError, match=r"that of group000, holds 80 of 88 pairs.*place1 is in"):
        deal_folds(items, 4, 0)


def test_too_few_identities_are_refused():
    with pytest.raises(SplitError, match=r"7 identities, 7 of them.*4 folds need 8"):
        deal_folds(table([3] * 7), 4, 0)
    with pytest.raises(SplitError, match=r"2 of them with two items or more, and 4 folds"):
        deal_folds(table([1] * 20 + [2, 2]), 4, 0)
    with pytest.raises(SplitError, match="some items have no identity"):
        deal_folds(table((), names=["", "a"]), 2, 0)


@pytest.mark.parametrize(
    ("settings", "error", "why"),
    [
        (["claim=known_classes"], RecipeError, "share out whole identities"),
        (["split_by=group"], RecipeError, "split_by is 'group'"),
        (["seed=1"], BadArgument, "1 folds were asked for"),
    ],
)
def test_recipes_that_cannot_be_folded(drawings, settings, error, why):
    recipe = Recipe(source=f"folder({str(drawings)!r})").with_settings(settings)
    with pytest.raises(error, match=why):
        train_folds(recipe, folds=1 if "seed=1" in settings else 3)


# ── what is measured ──────────────────────────────────────────────────────────────────────────

QUICK = [
    "transform=image(size=16, invert=True)",
    "encoder=convnet4(width=8)",
    "sampler=classes_by_items(classes=8, items=4)",
    "precision=float32",
    "epochs=2",
    "fractions={'train': 0.3, 'calibrate': 0.45, 'test': 0.25}",
]


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    place = glyphs(tmp_path_factory.mktemp("folds") / "glyphs", count=48, each=6)
    started = []
    found = train_folds(
        Recipe().with_settings(QUICK),
        Folder(str(place)),
        folds=2,
        on_fold=lambda number, of: started.append((number, of)),
    )[""]
    assert started == [(1, 2), (2, 2)]
    return found


def test_decisions_are_pooled_and_never_distances(folded):
    assert (len(folded.folds), folded.identities, folded.items) == (2, 48, 288)
    assert folded.same_pairs == 48 * 15
    # Pairs of two folds are never compared.
    assert folded.different_pairs == 2 * (24 * 23 // 2) * 36
    point = next(p for p in folded.points if p.name == "eer")
    assert len(set(point.thresholds)) == 2
    each = [
        next(p for p in fold.evaluation.verification.points if p.name == "eer")
        for fold in folded.folds
    ]
    assert [p.threshold for p in each] == list(point.thresholds)
    for sort in ("far", "frr"):
        rates = [getattr(p.test, sort) for p in each]
        pooled = getattr(point.rates, sort)
        assert pooled.value == pytest.approx(np.mean([rate.value for rate in rates]))
        assert pooled.errors == sum(rate.errors for rate in rates)
        assert pooled.trials == sum(rate.trials for rate in rates)
        assert pooled.units == 48
        assert pooled.low < pooled.value < pooled.high
    right = point.balanced_accuracy
    assert right.value == pytest.approx(1 - (point.rates.far.value + point.rates.frr.value) / 2)
    assert right.low < right.value < right.high
    assert (right.units, right.trials) == (48, folded.same_pairs + folded.different_pairs)
    assert folded.eer == pytest.approx(
        np.mean([fold.evaluation.verification.eer for fold in folded.folds])
    )


def test_the_point_told_first_is_one_that_all_folds_support(folded):
    assert folded.default_point == "far=0.01"
    assert next(p for p in folded.points if p.name == "far=0.01").supported


def test_probabilities_of_folds_are_pooled_pair_by_pair(folded):
    found = folded.probability
    each = [fold.evaluation.probability for fold in folded.folds]
    # Folds of the same size weigh equally.
    assert found.brier == pytest.approx(np.mean([one.brier for one in each]))
    assert found.log_loss == pytest.approx(np.mean([one.log_loss for one in each]))
    assert found.minimum_cllr == pytest.approx(np.mean([one.minimum_cllr for one in each]))
    counted = [sum(b.same_pairs for b in one.reliability) for one in (found, *each)]
    assert counted[0] == sum(counted[1:]) == folded.same_pairs
    assert any(one.seen_low is not None for one in found.reliability)


def test_ten_identities_calibrate_at_least_where_thirty_are_left():
    """As on AT&T's 40 people in four folds: the usual shares would leave eight."""
    for sizes, shares, expected in (
        ([3] * 40, {}, (20, 10, 10)),
        ([3] * 36, {}, (19, 8, 9)),
        ([3] * 52, {}, (28, 11, 13)),
        ([3] * 40, {"train": 0.6, "calibrate": 0.15, "test": 0.25}, (24, 6, 10)),
    ):
        items, recipe = table(sizes), Recipe(fractions=shares)
        drawn = splitter(deal_folds(items, 4, 0), 0, 4, recipe)(items)
        who = [
            len(set(items.identities[drawn.indices[role]].tolist()))
            for role in (Role.TRAIN, Role.CALIBRATE, Role.TEST)
        ]
        assert tuple(who) == expected


def test_a_point_that_a_fold_cannot_support_is_not_pooled(folded):
    point = next(p for p in folded.points if p.name == "far=0.001")
    assert not point.supported
    assert point.rates is None
    assert point.reason.startswith("In every fold: It needs at least")


def test_a_point_that_one_fold_cannot_support_says_why_by_that_fold():
    from likewise.evaluation.pooled import Decided, _pooled
    from likewise.results import Criterion, ErrorRates, OperatingPoint, Rate

    rate = Rate(0.1, 3, 30, 20, None, None)
    criterion, rates = Criterion("eer"), ErrorRates(rate, rate)

    def fold(reason):
        point = OperatingPoint(criterion, 0.5, not reason, reason, rates, None)
        return Decided((point,), {}, ())

    decided = [fold(""), fold("Too few."), fold("Other."), fold("")]
    assert _pooled("eer", decided).reason == "In fold 2, 3 of 4: Too few."


def test_folds_are_told_by_their_default_point(folded):
    rates = next(p.rates for p in folded.points if p.name == folded.default_point)
    assert folded.summary() == (
        f"{len(folded.folds)} folds, {folded.identities} identities: FAR {rates.far.value:.4f}, "
        f"FRR {rates.frr.value:.4f} at {folded.default_point}"
    )
    assert [row["point"] for row in folded.rows()] == [p.name for p in folded.points]


@pytest.mark.slow
def test_the_command(tmp_path, likewise, likewise_json, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = glyphs(tmp_path / "glyphs", count=40, each=4)
    settings = [word for one in QUICK for word in ("--set", one)]
    found = likewise_json("evaluate", place, "--folds", 2, *settings)
    assert found["exit"] == 0
    assert found["identities"] == 40
    recipe = tmp_path / "recipe.toml"
    started = Recipe(source=f"folder({str(place)!r})").with_settings([*QUICK, "epochs=1"])
    recipe.write_text(started.to_toml())
    code, out, err = likewise("evaluate", recipe, "--folds", "2", "--report", "mine.html")
    assert code == 0, err
    assert "2 folds of glyphs, each trained" in out
    assert out.rstrip().endswith("report: mine.html")
    page = (tmp_path / "mine.html").read_text()
    assert f"likewise evaluate {recipe} --folds 2</code>" in page
    assert "epochs = 1" in page
    assert "fold 2: equal error rate" in out
    assert re.search(r"balanced accuracy \d\.\d+ \(95% interval .*weigh half each", out)
    assert "what each fold's own calibration said" in out
    assert "fold 1 of 2\ntrain" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["glyphs"], "say how many, as in --folds 5"),
        (["glyphs", "--folds", "2", "--report", "x.txt"], "x.txt does not end in .html"),
        (["glyphs", "--folds", "2", "--report", "none/x.html"], "none is no folder"),
        (["glyphs", "--folds", "2", "--prior", "1"], "The prior is 1.0"),
        (["glyphs", "--folds", "2", "--by", "site"], "--by was given"),
        (["glyphs", "--folds", "200"], "200 folds were asked for"),
        (["none.toml", "--folds", "2"], "recipe 'none.toml' cannot be read"),
    ],
)
def test_words_that_make_no_folds(tmp_path, monkeypatch, likewise, words, why):
    glyphs(tmp_path / "glyphs", count=4, each=2)
    monkeypatch.chdir(tmp_path)
    code, _, err = likewise("evaluate", *words)
    assert code == 2
    assert why in err


# ── groups, and failures to enrol ─────────────────────────────────────────────────────────────


def test_rates_by_group_equal_those_of_the_group_alone(image_model, tmp_path, likewise_json):
    place = glyphs(tmp_path / "glyphs", first=2000, count=24, each=4)
    found = likewise_json("evaluate", image_model.folder, place, "--by", "group")
    groups = found["groups"]["groups"]
    assert [group["name"] for group in groups] == ["group0", "group1", "group2"]
    point = next(
        (p for p in found["verification"]["points"] if p["name"] == found["default_point"]), None
    )
    assert found["groups"]["threshold"] == found["threshold"] == point["threshold"]
    for number, group in enumerate(groups):
        alone = likewise_json("evaluate", image_model.folder, place / f"group{number}")
        same = next(p for p in alone["verification"]["points"] if p["name"] == point["name"])
        for sort in ("far", "frr"):
            assert group["rates"][sort] == same["test"][sort]
    far = {group["name"]: group["rates"]["far"]["value"] for group in groups}
    extremes = found["groups"]["far_ratio"]
    assert extremes["high"] == max(far.values())
    assert far[extremes["lowest"]] == min(far.values())


def test_rates_by_a_column_of_a_table(image_model, tmp_path, likewise):
    place = glyphs(tmp_path / "glyphs", first=2000, count=24, each=3)
    paths = sorted(place.rglob("*.png"))
    rows = [f"{path},{path.parent.name},{'ab'[i % 2]}" for i, path in enumerate(paths)]
    csv = tmp_path / "t.csv"
    csv.write_text("item,label,site\n" + "\n".join(rows) + "\n")
    code, out, err = likewise("evaluate", image_model.folder, csv, "--by", "site")
    assert code == 0, err
    assert "by site, at the threshold" in out
    assert "  a: 36 items in 24 identities" in out
    assert "FAR" in out
    code, _, err = likewise("evaluate", image_model.folder, csv, "--by", "clinic")
    assert code == 2
    assert "no column 'clinic'" in err
    code, _, err = likewise("evaluate", image_model.folder, place, "--by", "site")
    assert code == 2
    assert "folder is no table with a column of that name" in err
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in paths:
        (flat / path.parent.name).mkdir(exist_ok=True)
        (flat / path.parent.name / path.name).write_bytes(path.read_bytes())
    code, _, err = likewise("evaluate", image_model.folder, flat, "--by", "group")
    assert code == 2
    assert "flat has 0 groups" in err


def test_what_cannot_be_read_is_a_failure_to_enrol(image_model, tmp_path, likewise, likewise_json):
    place = glyphs(tmp_path / "glyphs", first=2000, count=22, each=3)
    broken = sorted(place.rglob("*.png"))[:4]
    for path in broken:
        path.write_bytes(b"no image")
    found = likewise_json("evaluate", image_model.folder, place)
    assert found["enrolment"] == {
        "failed": 4, "items": 66, "rate": pytest.approx(4 / 66), "identities_lost": 1
    }  # fmt: skip
    assert found["verification"]["items"] == 62
    _, out, _ = likewise("evaluate", image_model.folder, place)
    assert "4 items failed to read or embed of 66 (failures to enrol, rate 0.0606)" in out
    assert "of 1 identities nothing is left" in out


def test_an_embedding_that_is_not_finite_is_a_failure_to_enrol(image_model, strangers, monkeypatch):
    from likewise.model.model import Model
    from likewise.tasks.evaluate import evaluate

    whole = evaluate(image_model, Folder(str(strangers)))
    embed = Model.embed_decoded

    def lacking(self, decoded):
        vectors = embed(self, decoded)
        vectors[::7] = np.nan
        return vectors

    monkeypatch.setattr(Model, "embed_decoded", lacking)
    found = evaluate(image_model, Folder(str(strangers)))
    items = Folder(str(strangers)).items()
    kept = len(items) - len(range(0, len(items), 7))
    assert found.verification.items == kept
    assert found.enrolment.failed == len(found.failed) == len(items) - kept
    assert found.failed[0] == (items.places[0], "its embedding is not of finite numbers")
    for mistake in found.mistakes:
        assert mistake.first % 7
        assert mistake.second % 7
        alike = items.identities[[mistake.first, mistake.second]]
        assert mistake.same == (alike[0] == alike[1])
    assert whole.enrolment.rate == 0


def test_the_interval_of_joined_folds_is_that_of_all_units():
    values = [np.array([0.0, 0.5, 0.25]), np.array([1.0, 0.0])]
    tallies = [
        Tally(v.sum(), len(v), v.sum() - v, np.full(len(v), len(v) - 1.0), 1, 4, float(len(v)))
        for v in values
    ]
    every = np.concatenate(values)
    joined = Tally.join(tallies)
    np.testing.assert_allclose(joined.without, (every.sum() - every) / (len(every) - 1))


def test_the_rates_of_forgeries_are_told_apart(image_model, tmp_path, likewise, likewise_json):
    place = glyphs(tmp_path / "glyphs", first=3000, count=22, each=6)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in place.rglob("*.png"):
        origin = "fake" if int(path.stem) >= 4 else "real"
        (flat / f"{origin}_{path.parent.name}_{path.stem}.png").write_bytes(path.read_bytes())
    pattern = "{origin}_{identity}_{}.png"
    spec = f"folder({str(flat)!r}, pattern={pattern!r}, genuine='real', forged='fake')"
    found = likewise_json("evaluate", image_model.folder, spec)["verification"]
    assert found["against"] == "skilled"
    assert found["different_pairs"] == 22 * 4 * 2
    assert found["same_pairs"] == 22 * 6
    for point, skilled in zip(found["points"], found["populations"]["skilled"], strict=True):
        assert point["test"] == skilled
    # Here the forgeries are as good as genuine: they are accepted as often.
    eer = next(i for i, point in enumerate(found["points"]) if point["name"] == "eer")
    rates = {name: each[eer]["far"]["value"] for name, each in found["populations"].items()}
    assert rates["random"] < 0.5 < rates["skilled"]
    assert found["population_eers"]["random"] < 0.3 < found["population_eers"]["skilled"]
    code, out, _ = likewise("evaluate", image_model.folder, spec)
    assert code == 0
    assert "false accepts of skilled forgeries " in out
    assert "false accepts of genuine items of others " in out
    assert "(forged)" in (image_model.folder / "evaluation-flat.html").read_text()
