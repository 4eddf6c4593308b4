"""The figures of an audit against independent references; collapse and margins."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from likewise.auditing import copies
from likewise.auditing.association import Auc, Cases, association_pairs, auc, difference
from likewise.auditing.margins import embedding_findings, margin_of, spread_of
from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument
from likewise.kinds import image_statistics
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Items, Pairs, Role
from tests.conftest import waves

EUCLIDEAN = DISTANCES.build("euclidean")


def cases(positive: np.ndarray, units: np.ndarray, folds: np.ndarray | None = None) -> Cases:
    rows = np.arange(len(positive))
    folds = np.zeros(len(rows), dtype=np.int64) if folds is None else folds
    return Cases(rows, rows, positive, units, units, folds, int(units.max()) + 1)


def plain_auc(values: np.ndarray, positive: np.ndarray) -> float:
    return auc(values, cases(positive, np.arange(len(positive)) % 30)).value


def test_the_auc_is_that_of_scikit_learn_with_ties():
    random = np.random.default_rng(0)
    positive = random.random(400) < 0.3
    values = np.round(random.normal(size=400) + positive, 1)
    assert plain_auc(values, positive) == pytest.approx(roc_auc_score(positive, values))
    assert plain_auc(np.ones(400), positive) == 0.5
    assert plain_auc(values, np.ones(400, dtype=bool)) == 0.5


def test_the_jackknife_leaves_out_identities():
    random = np.random.default_rng(1)
    units = np.repeat(np.arange(30), 8)
    positive = random.random(240) < 0.5
    values = random.normal(size=240) + positive + random.normal(size=30)[units]
    found = auc(values, cases(positive, units))
    plain = {roc_auc_score(positive[units != one], values[units != one]) for one in range(30)}
    assert np.sort(found.leave_out) == pytest.approx(np.array(sorted(plain)))
    assert found.low < found.value < found.high
    turned = auc(-values, cases(positive, units), two_sided=True)
    assert turned.value == pytest.approx(found.value)


def test_probes_are_compared_within_folds_only():
    units, positive = np.repeat(np.arange(24), 4), np.tile([True, False], 48)
    folds = (units >= 12).astype(np.int64)
    values = positive + 100.0 * folds
    assert auc(values, cases(positive, units, folds), by_fold=True).value == 1.0
    assert auc(values, cases(positive, units, folds)).value == 0.75


def test_the_interval_covers_chance():
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        units = np.repeat(np.arange(40), 5)
        own = random.normal(size=40)[units]
        positive = random.random(200) < 0.5
        found = auc(own + random.normal(size=200), cases(positive, units))
        covered += found.low <= 0.5 <= found.high
    assert covered >= 180  # .95 of 200, less three deviations


def test_too_few_identities_have_no_interval():
    found = auc(np.arange(8.0), cases(np.arange(8) > 3, np.arange(8)))
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert difference(found, found) == (0.0, None)


def test_a_certain_clue_has_a_bound_by_the_identities():
    units = np.arange(40)
    found = auc(units % 2 + 0.0, cases(units % 2 == 1, units))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.05 ** (1 / 20))
    gain, least = difference(found, Auc(0.5, 0.4, 0.6, np.full(40, 0.5)))
    assert (gain, least) == (0.5, 0.5)


def test_pairs_are_of_one_fold_and_identities_have_equal_chances():
    names = np.repeat([f"n{i:02}" for i in range(30)], [2] * 15 + [40] * 15)
    drawn = association_pairs(names, 600, np.random.default_rng(0))
    same = ~drawn.positive
    assert (names[drawn.first] == names[drawn.second]).tolist() == same.tolist()
    assert same.sum() == drawn.positive.sum()
    assert (drawn.first != drawn.second).all()
    counts = np.bincount(drawn.unit_first[same], minlength=30)
    assert counts.tolist() == [1] * 15 + [10] * 15
    fold = {}
    for side, unit in ((drawn.first, drawn.unit_first), (drawn.second, drawn.unit_second)):
        for one, other in zip(unit.tolist(), drawn.folds.tolist(), strict=True):
            assert fold.setdefault(one, other) == other
        assert len(side) == len(drawn)


def test_otsu_is_the_greatest_variance_between_classes():
    random = np.random.default_rng(3)
    for _ in range(5):
        greys = np.concatenate([random.normal(60, 20, 300), random.normal(170, 25, 500)])
        greys = greys.clip(0, 255).astype(np.uint8)
        between = {}
        for threshold in range(greys.min(), greys.max()):
            dark, light = greys[greys <= threshold], greys[greys > threshold]
            gap = dark.mean() - light.mean()
            between[threshold] = len(dark) * len(light) * gap**2
        best = max(between.values())
        found = image_statistics.histogram_threshold(np.bincount(greys, minlength=256))
        assert between[found] == pytest.approx(best)


def test_a_look_tells_paper_from_ink():
    page = np.full((40, 40), 240, dtype=np.uint8)
    page[10:20, 10:30] = 30
    numbers = image_statistics.of_image(page).numbers
    assert numbers["background"] == numbers["paper"] == numbers["median"] == 240
    assert (numbers["ink_grey"], numbers["ink_spread"]) == (30, 0)
    assert numbers["ink_share"] == pytest.approx(200 / 1600)
    inverse = image_statistics.of_image(255 - page).numbers
    assert inverse["ink_share"] == pytest.approx(200 / 1600)
    assert set(np.unique(image_statistics.binarised(page))) == {0, 255}
    for grey in (7, 200):
        flat = image_statistics.of_image(np.full((5, 5), grey, dtype=np.uint8)).numbers
        assert (flat["ink_share"], flat["spread"], flat["paper"]) == (0.0, 0.0, grey)


def test_candidates_are_those_of_a_plain_loop():
    random = np.random.default_rng(4)
    base = random.integers(0, 256, size=(12, 256))
    noisy = base[random.integers(12, size=40)] + random.integers(-25, 25, size=(40, 256))
    thumbs = noisy.clip(0, 255).astype(np.uint8)
    labels = np.array([f"l{i % 7}" for i in range(40)])
    found = copies.copy_candidates(thumbs, np.arange(40), (labels,))
    plain = np.corrcoef(thumbs.astype(float))
    expected = {
        (i, j)
        for i in range(40)
        for j in range(i + 1, 40)
        if plain[i, j] >= copies.COARSE and labels[i] != labels[j]
    }
    assert set(found) == expected
    likeness = [plain[pair] for pair in found]
    assert likeness == sorted(likeness, reverse=True)


# ── the embedding ─────────────────────────────────────────────────────────────────────────────


def table(count: int = 30, each: int = 4) -> Items:
    names = [f"n{i // each}" for i in range(count * each)]
    return Items.build("made", names, "image", names, lambda _: b"")


@pytest.mark.parametrize("used", [1, 3, 8])
def test_the_effective_rank_of_even_directions_is_their_number(used):
    vectors = np.zeros((2 * used, 16))
    vectors[np.arange(used), np.arange(used)] = 1
    vectors[used + np.arange(used), np.arange(used)] = -1
    assert spread_of(vectors).rank == pytest.approx(used)


def test_the_effective_rank_of_uneven_directions():
    vectors = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    p = np.array([0.75, 0.25])
    assert spread_of(vectors).rank == pytest.approx(np.exp(-(p * np.log(p)).sum()))


def test_a_collapse_is_told_from_a_near_one():
    random = np.random.default_rng(0)
    one = 1 + 1e-5 * random.normal(size=(120, 16))
    line = random.normal(size=(120, 1)) * np.ones(16) + 1e-3 * random.normal(size=(120, 16))
    (found,) = embedding_findings(one, table(), EUCLIDEAN, margin=0.2, trained=True)
    assert (found.kind, found.severity) == ("collapsed_embedding", "alarm")
    assert "nearly the same vector" in found.sentence
    near, *_ = embedding_findings(line, table(), EUCLIDEAN, margin=0.2, trained=True)
    assert "nearly collapsed: it spreads in 1.0 of 16 directions" in near.sentence
    assert not spread_of(random.normal(size=(120, 16))).sentence


def clustered(far: float) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = far * random.normal(size=(30, 16))
    return np.repeat(centres, 4, axis=0) + 0.01 * random.normal(size=(120, 16))


def test_a_margin_that_is_satisfied_before_training_is_an_alarm():
    (found,) = embedding_findings(clustered(3), table(), EUCLIDEAN, margin=0.2, trained=False)
    assert (found.kind, found.severity) == ("margin", "alarm")
    assert found.figures["triplets_satisfied"] == 1.0
    (trained,) = embedding_findings(clustered(3), table(), EUCLIDEAN, margin=0.2, trained=True)
    assert trained.severity == "note"


def test_a_margin_that_cannot_be_reached_is_an_alarm():
    vectors = clustered(3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    (found,) = embedding_findings(unit, table(), EUCLIDEAN, margin=2.5, trained=False, unit=True)
    assert found.severity == "alarm"
    assert "never farther apart than 2" in found.sentence


def test_shares_are_those_of_plain_loops():
    random = np.random.default_rng(5)
    vectors, items = random.normal(size=(120, 3)), table()
    (found,) = embedding_findings(vectors, items, EUCLIDEAN, margin=1.0, trained=False)
    every = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    apart = items.identities[:, None] != items.identities[None]
    assert found.figures["different_beyond_margin"] == pytest.approx(
        (every[apart] >= 1.0).mean(), abs=0.05
    )
    satisfied = [
        every[a, n] >= every[a, p] + 1.0
        for a in range(0, 120, 5)
        for p in np.flatnonzero(~apart[a])
        if p != a
        for n in np.flatnonzero(apart[a])
    ]
    assert found.figures["triplets_satisfied"] == pytest.approx(np.mean(satisfied), abs=0.06)


def test_listed_pairs_have_no_triplets():
    pairs = Pairs(np.array([0, 1, 4]), np.array([1, 2, 8]), np.array([True, True, False]))
    items = table()
    linked = Items.build(
        "made", items.identities.tolist(), "image", items.places.tolist(), items.reader,
        pairs=pairs,
    )  # fmt: skip
    (found,) = embedding_findings(clustered(3), linked, EUCLIDEAN, margin=None, trained=False)
    assert found.figures["triplets"] == 0
    assert found.figures["pairs"] == 3


def test_what_is_no_embedding_is_refused():
    with pytest.raises(BadArgument, match="1 vectors were given"):
        spread_of(np.ones((1, 4)))
    with pytest.raises(BadArgument, match="1 of them not finite"):
        spread_of(np.array([[1.0, 2], [np.nan, 1]]))
    with pytest.raises(BadArgument, match="margin is 0"):
        embedding_findings(clustered(3), table(), EUCLIDEAN, margin=0.0, trained=True)


@pytest.mark.parametrize(
    ("loss", "margin"),
    [("triplet", 0.2), ("triplet(margin=0.3)", 0.3), ("triplet(0.4)", 0.4), ("supcon", None)],
)
def test_the_margin_of_a_loss(loss, margin):
    assert margin_of(loss) == margin


@pytest.mark.parametrize("count", [12, 120])
def test_a_collapse_is_noticed_while_training(count, tmp_path):
    import torch

    from likewise.learn.loop.train import begin_run
    from likewise.learn.loop.validation import validated

    series, names = waves(count=count, each=3)
    recipe = Recipe.for_kind("series").with_settings(["encoder=lstm(hidden=8)", "steps=1"])
    run = begin_run(recipe, Arrays.of(series, names, namespace="waves"))
    parts = run.data.parts
    assert (Role.SELECT in parts) == (count == 120)

    def note() -> str:
        return validated(
            run.network, parts.get(Role.SELECT), parts[Role.TRAIN], run.data.transform,
            run.distance, run.device,
        )[1]  # fmt: skip

    assert "has collapsed" not in note()
    with torch.no_grad():
        for parameter in run.network.parameters():
            parameter.zero_()
    assert "has collapsed" in note()
    run.data.close()
