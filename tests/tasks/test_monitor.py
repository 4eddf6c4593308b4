"""Do today's items look like those calibrated on? On vectors of a known answer, and pictures."""

import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from likewise.errors import (
    BadArgument,
    DamagedModel,
    NoReference,
    NotCalibrated,
    SplitError,
)
from likewise.metrics.shift import two_samples
from likewise.model.drift_reference import (
    MOST,
    DriftReference,
    evenly,
    reference_from_bytes,
    to_bytes,
)
from likewise.model.folder import load_manifest, read_file, save_model, update_model
from likewise.model.model import Model
from likewise.sources.arrays import Arrays
from likewise.sources.characters import Characters
from likewise.tasks.calibrate import calibrate
from likewise.tasks.monitor import _LEAST_EXTREME, monitor
from likewise.types import Claim


def drawn(random, count, each, shift=0.0, dim=6):
    centres = random.normal(size=(count, dim))
    vectors = np.repeat(centres, each, axis=0) + 0.5 * random.normal(size=(count * each, dim))
    vectors[:, 0] += shift
    return vectors.astype(np.float32), np.repeat(np.arange(count), each)


def both(seed=0, shift=0.0, sizes=((12, 4), (9, 4))):
    random = np.random.default_rng(seed)
    (first, one), (second, other) = (
        drawn(random, *size, shift=moved) for size, moved in zip(sizes, (0.0, shift), strict=True)
    )
    counts = [count for count, _ in sizes]
    units = np.concatenate([one, counts[0] + other])
    return np.concatenate([first, second]), units, np.repeat([0, 1], counts)


# ── the test itself ───────────────────────────────────────────────────────────────────────────


def means_of(vectors, units):
    return np.stack([vectors[units == unit].astype(float).mean(0) for unit in np.unique(units)])


def kernel_of(vectors, units):
    """Of Mahalanobis' distance, by scipy; the ridge is a hundredth of the mean variance."""
    means = means_of(vectors, units)
    covariance = np.cov(means.T, bias=True)
    inverse = np.linalg.inv(covariance + 0.01 * means.var(0).mean() * np.eye(len(covariance)))
    apart = cdist(vectors, vectors, "mahalanobis", VI=inverse)
    median = np.median(apart[np.triu_indices(len(units), 1)])
    return np.exp(-(apart**2) / (2 * median**2))


def test_the_discrepancy_is_that_of_a_loop_over_pairs_of_identities():
    vectors, units, second = both(shift=0.7)
    kernel = kernel_of(vectors, units)
    total = {(0, 0): [], (1, 1): [], (0, 1): []}
    for a in range(len(second)):
        for b in range(len(second)):
            if a != b:
                like = kernel[np.ix_(units == a, units == b)].mean()
                total[min(second[a], second[b]), max(second[a], second[b])].append(like)
    expected = sum(np.mean(total[side, side]) for side in (0, 1)) - 2 * np.mean(total[0, 1])
    found = two_samples(vectors, units, second).statistics["discrepancy"]
    assert found == pytest.approx(expected)


def ridge(means, second) -> Ridge:
    """The regression of the sets on the means of the units, by scikit-learn."""
    alpha = 0.01 * len(means) * means.var(0).mean()
    return Ridge(alpha=alpha).fit(means, second)


def test_the_discriminant_is_what_the_ridge_of_scikit_learn_explains():
    vectors, units, second = both(shift=0.7)
    means = means_of(vectors, units)
    explained = (second - second.mean()) @ ridge(means, second).predict(means)
    count, other = len(second), second.sum()
    expected = explained * count**3 / (other * (count - other)) ** 2
    found = two_samples(vectors, units, second).statistics["discriminant"]
    assert found == pytest.approx(expected)


def test_a_shift_is_found_and_its_size_told():
    sizes = ((30, 4), (25, 4))
    alike = two_samples(*both(sizes=sizes))
    assert alike.p_value > 0.1
    assert abs(alike.effect - 0.5) < 0.15
    effects = []
    for shift in (1.0, 2.0, 4.0):
        moved = two_samples(*both(shift=shift, sizes=sizes))
        effects.append(moved.effect)
    for name, statistic in moved.statistics.items():
        assert statistic > 5 * abs(alike.statistics[name])
    assert moved.p_value == pytest.approx(0.001)
    assert effects == sorted(effects)
    assert effects[-1] > 0.95


def halves(random):
    """Sixty units of either set, dealt into halves that hold as many of both."""
    for _ in range(30):
        half = np.concatenate([random.permutation(60)[:30], 60 + random.permutation(60)[:30]])
        yield half, np.setdiff1d(np.arange(120), half)


def test_a_change_that_all_share_is_found_where_identities_hardly_differ():
    """Its effect is what a regression of one half tells of the other, by scikit-learn."""
    vectors, units, second = both(1, sizes=((60, 1), (60, 1)))
    vectors[:, 0] = 0.3 * vectors[:, 0] + np.where(second == 1, 0.25, 0.0)
    found = two_samples(vectors, units, second)
    assert found.p_value < 0.01
    assert found.rule == "discriminant"
    assert found.p_values["discriminant"] <= found.p_values["discrepancy"]
    told = []
    for half, rest in halves(np.random.default_rng(5)):
        values = ridge(vectors[half].astype(float), second[half]).predict(vectors[rest])
        told.append(roc_auc_score(second[rest], values))
    assert found.effect == pytest.approx(np.mean(told), abs=0.02)
    assert found.effect > 0.65


def test_a_wider_spread_is_found_where_no_mean_moves():
    """Its effect is that of the witness of one half, ranked on the other, by scikit-learn."""
    vectors, units, second = both(sizes=((60, 1), (60, 1)))
    for side, wider in ((0, 1.0), (1, 3.0)):
        part = vectors[second == side]
        vectors[second == side] = wider * (part - part.mean(0))
    found = two_samples(vectors, units, second)
    assert found.p_value < 0.01
    assert found.rule == "discrepancy"
    assert found.p_values["discriminant"] > 0.9
    kernel = kernel_of(vectors, units)
    told = []
    for half, rest in halves(np.random.default_rng(5)):
        known = second[half]
        witness = kernel[rest][:, half] @ (known / 30 - (1 - known) / 30)
        told.append(roc_auc_score(second[rest], witness))
    assert found.effect == pytest.approx(np.mean(told), abs=0.03)


def test_two_tests_raise_no_more_alarms_than_one():
    alarms = 0
    for seed in range(300):
        found = two_samples(*both(seed, sizes=((8, 2), (7, 2))), permutations=99, seed=seed)
        alarms += found.p_value <= 0.05
        least = min(found.p_values.values())
        assert least <= found.p_value <= 2 * least
    assert stats.binom.ppf(0.001, 300, 0.05) <= alarms <= stats.binom.ppf(0.999, 300, 0.05)


@pytest.mark.parametrize(("counts", "enough"), [((3, 3), False), ((4, 5), True)])
def test_fewer_units_than_the_task_asks_for_cannot_raise_an_alarm(counts, enough):
    """With 3 and 3 there are 20 ways to deal them, and sets of one size may change places."""
    vectors, units, second = both(shift=100.0, sizes=[(count, 2) for count in counts])
    assert (two_samples(vectors, units, second).p_value <= 0.05) == enough
    assert (math.comb(sum(counts), counts[0]) * 0.05 >= _LEAST_EXTREME) == enough


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_neither_scale_nor_origin_nor_order_matters(seed, scale):
    vectors, units, second = both(seed, shift=1.0)
    plain = two_samples(vectors, units, second, permutations=49)
    moved = two_samples((scale * (vectors + 1)).astype(np.float32), units, second, permutations=49)
    order = np.random.default_rng(seed).permutation(len(units))
    mixed = two_samples(vectors[order], units[order], second, permutations=49)
    for name, statistic in plain.statistics.items():
        assert moved.statistics[name] == pytest.approx(statistic, rel=1e-2, abs=1e-4)
        assert mixed.statistics[name] == pytest.approx(statistic)
    assert mixed.p_value == plain.p_value


def test_items_that_are_all_alike_show_nothing():
    found = two_samples(np.zeros((20, 3), np.float32), np.arange(20), np.repeat([0, 1], 10))
    assert (found.p_value, found.effect) == (1.0, 0.5)
    assert found.statistics == {"discriminant": 0.0, "discrepancy": 0.0}


def test_identities_are_what_is_exchanged():
    """Many items of few: items taken for independent alarm far too often, identities do not."""
    alarms = np.zeros(2)
    for seed in range(60):
        vectors, units, second = both(seed, sizes=((6, 20), (6, 20)))
        alarms[0] += two_samples(vectors, units, second, permutations=99).p_value <= 0.05
        each = np.arange(len(units))
        alarms[1] += two_samples(vectors, each, second[units], permutations=99).p_value <= 0.05
    assert alarms[0] <= 9  # binomial: more than 9 of 60 at .05 happen once in 600
    assert alarms[1] > 30


# ── what is kept ──────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=40),
    most=st.integers(1, 60),
    each=st.none() | st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_rows_are_drawn_evenly(sizes, most, each, seed):
    names = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = evenly(names, most, each, seed)
    assert len(set(rows.tolist())) == len(rows)
    assert names[rows].tolist() == sorted(names[rows].tolist())
    counts = np.bincount(names[rows], minlength=len(sizes))
    full = np.minimum(sizes, each or max(sizes))
    assert len(rows) == min(most, full.sum())
    # None has two more than another that could have had more.
    assert all(counts.max() - counts[i] <= 1 for i in range(len(sizes)) if counts[i] < full[i])


def test_a_reference_is_bounded_and_says_nobody_s_name():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(3000, 8)).astype(np.float32)
    names = np.repeat([f"person{i}" for i in range(100)], 30)
    kept = DriftReference.of(vectors, names, Claim.NEW_IDENTITIES)
    assert kept.vectors.shape == (MOST, 8)
    assert np.bincount(kept.units).tolist() == [10] * 100
    data = to_bytes({"default": kept, "Nord Süd": kept})
    assert b"person" not in data
    again = reference_from_bytes(data, 8)
    assert [*again] == ["default", "Nord Süd"]
    for one in again.values():
        np.testing.assert_array_equal(one.vectors, kept.vectors)
        np.testing.assert_array_equal(one.units, kept.units)
    items = DriftReference.of(vectors, names, Claim.KNOWN_CLASSES)
    assert np.bincount(items.units).tolist() == [1] * MOST


def sample() -> bytes:
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    return to_bytes({"default": DriftReference(vectors, np.array([0, 0, 1, 1, 2, 2]))})


def headed(**changes) -> bytes:
    line, _, rest = sample().partition(b"\n")
    plain = json.loads(line)
    plain["default"] |= changes
    return json.dumps(plain).encode() + b"\n" + rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        sample()[:-1],
        sample() + b"\0",
        sample().replace(b"\n", b"", 1),
        b"[" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"\n",
        b"\x80\x04\x95\n",
        b"[]\n",
        b"{}\nmore",
        b'{"default": 1}\n',
        headed(sizes=[]),
        headed(sizes=[0, 6]),
        headed(sizes=[-6, 12]),
        headed(sizes=[2.0, 2, 2]),
        headed(sizes=[True] * 6),
        headed(sizes=[2, 2, 3]),
        headed(sizes=[10**400]),
        headed(sizes=[1] * 1001),
        headed(sizes=[600, 600]),
        headed(sizes="222"),
        headed(dim=3),
        headed(dim=True),
        headed(dim="2"),
        sample()[:-4] + np.float32("nan").tobytes(),
        sample()[:-4] + np.float32("inf").tobytes(),
    ],
)
def test_a_reference_of_another_form_is_damage(data):
    with pytest.raises(DamagedModel, match=r"reference\.bin cannot be read"):
        reference_from_bytes(data, 2)


def test_any_damage_of_a_reference_is_named():
    good, random = sample(), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
        try:
            reference_from_bytes(bytes(data), 2)
        except DamagedModel as error:
            assert "reference.bin" in str(error)


# ── the task and its command, on the characters that ship with the package ────────────────────


def pictures(names, ink=1.0):
    """Five drawings of each, with so much of their ink left: a planted change of light."""
    items = Characters().items()
    rows = np.flatnonzero(np.isin(items.identities, names))[::4].tolist()
    images = [255 - np.round(ink * (255.0 - items.read(row))).astype(np.uint8) for row in rows]
    return Arrays.of(images, items.identities[rows].tolist(), namespace="today")


NAMES = np.random.default_rng(0).permutation(np.unique(Characters().items().identities))


@pytest.fixture(scope="module")
def model(image_model, tmp_path_factory):
    """Trained on other drawings, and calibrated on forty of the characters (and measured)."""
    place = tmp_path_factory.mktemp("monitored") / "model"
    leave = shutil.ignore_patterns("*.html", "card.md")
    shutil.copytree(image_model.folder, place, ignore=leave)
    calibrate(Model(place), pictures(NAMES[:60]), name="characters", share=2 / 3)
    return Model(place)


def test_other_characters_are_no_shift_and_other_light_is(model):
    assert len(model.references["characters"].vectors) == 200
    same = monitor(model, pictures(NAMES[60:90]), calibration="characters")
    assert not same.shifted
    assert same.p_value > 0.05
    assert abs(same.effect - 0.5) < 0.15
    assert (same.unit, same.units, same.items) == ("identities", 30, 150)
    assert (same.reference_units, same.reference_items) == (40, 200)
    assert same.sentence.startswith("No difference was found")
    assert same.calibrated_on == "today"
    dim = monitor(model, pictures(NAMES[60:90], ink=0.5), calibration="characters")
    assert dim.shifted
    assert dim.p_value == pytest.approx(0.001)
    assert dim.effect > 0.7
    assert "look different" in dim.sentence
    assert f"{dim.effect:.2f}" in dim.sentence
    # A few are enough for a change as large as that.
    few = monitor(model, pictures(NAMES[60:66], ink=0.5), calibration="characters")
    assert few.shifted


def test_today_s_items_need_no_labels(model):
    source = pictures(NAMES[60:120])
    images = [source.items().read(row) for row in range(0, len(source.items()), 5)]
    nobody = Arrays.of(images, ["x"] * len(images), namespace="today")
    with pytest.raises(SplitError, match="today shows 1 identities, and the calibration kept 40"):
        monitor(model, nobody, calibration="characters")
    found = monitor(model, nobody, calibration="characters", unlabelled=True)
    assert not found.shifted
    assert (found.unit, found.items, found.units) == ("items", 60, 60)
    # One item of each that was calibrated on, since nobody knows whom today's show.
    assert (found.reference_items, found.reference_units) == (40, 40)


def test_what_cannot_be_said_is_refused(model, image_model, tmp_path):
    source = pictures(NAMES[60:70])
    with pytest.raises(NotCalibrated, match="no calibration named 'clinic'"):
        monitor(model, source, calibration="clinic")
    for level in (0.0, 1.0, 1e-4, float("nan")):
        with pytest.raises(BadArgument, match="The level is"):
            monitor(model, source, level=level)
    old = shutil.copytree(model.folder, tmp_path / "old")
    text = load_manifest(old)
    kept = {role: read_file(old, text, role) for role in text.files if role != "reference"}
    save_model(old, inputs=text.inputs, claim=text.claim, distance=text.distance, files=kept,
                  overwrite=True)  # fmt: skip
    assert Model(old).references == {}
    with pytest.raises(
        NoReference, match=r"keeps nothing of what its calibration 'default'.*Calibr"
    ):
        monitor(Model(old), source)
    made = calibrate(Model(old), source, name="again")
    assert [*Model(old).references] == ["again"]
    assert made.name == "again"


def test_a_hostile_reference_is_refused_by_the_task(model, tmp_path):
    folder = shutil.copytree(model.folder, tmp_path / "model")
    update_model(folder, {"reference": b"{}" * 100})
    with pytest.raises(DamagedModel, match=r"reference\.bin cannot be read"):
        monitor(Model(folder), pictures(NAMES[60:70]))


@pytest.fixture
def places(tmp_path):
    """Folders of drawings as they were, and in another light, in one folder without labels too."""
    from PIL import Image

    for name, ink in (("same", 1.0), ("dim", 0.5)):
        source = pictures(NAMES[60:80], ink).items()
        for row in range(len(source)):
            for place in (tmp_path / name / source.identities[row], tmp_path / f"{name}-flat"):
                if place.parent == tmp_path and row % 2:
                    continue
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(source.read(row)).save(place / f"{row}.png")
    return tmp_path


def test_the_command_says_it_in_words_in_json_and_by_its_exit_code(
    model, places, likewise, likewise_json
):
    words = ("monitor", model.folder, "--calibration", "characters")
    code, out, err = likewise(*words, places / "same", "--exit-code")
    assert code == 0, err
    assert out.startswith("No difference was found")
    assert "100 items of 20 identities of same, with 200 items of 40 identities of today" in out
    code, out, _ = likewise(*words, places / "dim", "--exit-code")
    assert code == 10
    assert out.startswith("These items look different")
    found = likewise_json(*words, places / "dim")
    assert (found["exit"], found["shifted"], found["unit"]) == (0, True, "identities")
    found = likewise_json(*words, places / "dim-flat", "--exit-code")
    assert (found["exit"], found["shifted"], found["unit"]) == (10, True, "items")
    found = likewise_json(*words, places / "same-flat", "--exit-code")
    assert (found["exit"], found["shifted"]) == (0, False)
    code, out, err = likewise(*words, places / "same", "--level", "2")
    assert (code, out) == (2, "")
    assert "BadArgument: The level is 2" in err


def test_an_item_that_cannot_be_read_is_named(model, places, likewise):
    (places / "same-flat" / "cut.png").write_bytes(b"\x89PNG")
    code, out, _ = likewise(
        "monitor", model.folder, places / "same-flat", "--calibration", "characters"
    )
    assert code == 0
    assert "1 items failed to read" in out
    assert "cut.png" in out
