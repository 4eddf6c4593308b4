"""The estimators compose with scikit-learn, and keep its contract."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from likewise.errors import BadArgument
from likewise.model import Model
from likewise.sklearn import (
    EXPECTED_FAILURES,
    OneShotClassifier,
    SiameseEncoder,
    SiameseVerifier,
)

ESTIMATORS = (SiameseEncoder, OneShotClassifier, SiameseVerifier)
QUICK = (
    "check_estimator_cloneable",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_n_features_in_after_fitting",
    "check_estimators_nan_inf",
    "check_fit1d",
    "check_dict_unchanged",
    "check_requires_y_none",
)


@pytest.fixture(scope="module")
def people():
    """Sixty identities of four noisy vectors each."""
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 4)
    return random.normal(size=(60, 6))[who] + random.normal(scale=0.15, size=(240, 6)), who


def pairs_of(items, who, count=200):
    """As many same as different pairs; an identity differs from its neighbour alone.

    So pairs hang together by two identities, and some of these can be kept from training.
    """
    random = np.random.default_rng(1)
    first = random.integers(0, len(items), 400 * count)
    second = random.integers(0, len(items), 400 * count)
    same = who[first] == who[second]
    keep = np.flatnonzero((first != second) & (who[first] // 2 == who[second] // 2))
    alike, apart = keep[same[keep]][: count // 2], keep[~same[keep]][: count // 2]
    rows = np.concatenate([alike, apart])
    return np.stack([items[first[rows]], items[second[rows]]], axis=1), same[rows].astype(int)


@pytest.mark.parametrize("kind", [SiameseEncoder, OneShotClassifier])
def test_checks_that_are_quick(kind):
    done = set()
    for estimator, check in estimator_checks_generator(kind(steps=3)):
        name = check.func.__name__
        if name in QUICK:
            check(estimator)
            done.add(name)
    assert len(done) >= 7


@pytest.mark.slow
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_check_estimator(kind):
    expected = EXPECTED_FAILURES.get(kind.__name__, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that are skipped, and of few identities
        found = check_estimator(kind(), expected_failed_checks=expected, on_fail=None)
    failed = [one["check_name"] for one in found if one["status"] == "failed"]
    assert failed == []
    assert sum(map(len, EXPECTED_FAILURES.values())) <= 8


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_parameters_are_kept_as_they_are_given(kind):
    made = kind(steps=7, loss="supcon", settings=("learning_rate=0.01",))
    again = clone(made)
    assert again.get_params() == made.get_params()
    assert again.set_params(steps=9).steps == 9
    with pytest.raises(NotFittedError):
        (made.transform if kind is SiameseEncoder else made.predict)(np.zeros((2, 2, 3)))


def test_an_encoder_brings_classes_together(people):
    items, who = people
    found = SiameseEncoder(steps=80, random_state=0).fit_transform(items, who)
    assert found.shape == (240, 64)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)
    same = who[:, None] == who[None]
    np.fill_diagonal(same, val=False)
    assert apart[same].mean() < 0.5 * apart[~same].mean()
    again = SiameseEncoder(steps=80, random_state=0).fit_transform(items, who)
    assert np.array_equal(found, again)
    other = SiameseEncoder(steps=80, random_state=1).fit_transform(items, who)
    assert not np.array_equal(found, other)


def test_estimators_compose(people):
    items, who = people
    steps = [SiameseEncoder(steps=10), KNeighborsClassifier(1)]
    piped = make_pipeline(StandardScaler(), *steps)
    assert piped.fit(items[::2], who[::2]).score(items[1::2], who[1::2]) > 0.5
    pairs, same = pairs_of(items, who)
    groups = np.arange(len(same)) % 3
    figures = cross_val_score(
        SiameseVerifier(steps=10), pairs, same, groups=groups, cv=GroupKFold(3)
    )
    assert figures.shape == (3,)
    assert figures.mean() > 0.7
    tried = GridSearchCV(OneShotClassifier(steps=5), {"loss": ["triplet", "contrastive"]}, cv=2)
    tried.fit(items, who)
    assert tried.best_params_["loss"] in {"triplet", "contrastive"}


def test_one_example_adds_a_class(people):
    items, who = people
    known = OneShotClassifier(steps=60, random_state=0).fit(items[who < 50], who[who < 50])
    new = [np.flatnonzero(who == one)[0] for one in range(50, 60)]
    rest = np.setdiff1d(np.flatnonzero(who >= 50), new)
    for row in new:
        known.partial_fit(items[row : row + 1], who[row : row + 1])
    assert known.classes_.tolist() == list(range(60))
    assert (known.predict(items[rest]) == who[rest]).mean() > 0.7
    assert known.decision_function(items[:3]).shape == (3, 60)
    with pytest.raises(ValueError, match="expecting 6 features"):
        known.partial_fit(np.zeros((1, 5)), [3])


def test_where_nothing_can_be_learned_items_are_compared_as_they_are():
    known = OneShotClassifier().fit([[0.0, 0], [4, 4], [9, 9]], ["a", "b", "c"])
    assert known.trained_ is None
    assert known.predict([[1.0, 0], [5, 5], [8, 9]]).tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="1 class"):
        OneShotClassifier().fit([[0.0], [1.0]], ["a", "a"])


@pytest.mark.parametrize("told", ["pairs", "identities"])
def test_a_verifier_decides_about_identities_it_never_saw(people, told):
    items, who = people
    old = who < 40
    pairs, same = pairs_of(items[old], who[old])
    others, truth = pairs_of(items[~old], who[~old])
    made = SiameseVerifier(steps=80, random_state=0)
    made.fit(*((pairs, same) if told == "pairs" else (items[old], who[old])))
    assert made.calibrated_on_ in {"held out", "train"}
    said = made.predict(others)
    assert (said == truth).mean() > 0.85
    chances = made.predict_proba(others)
    assert np.allclose(chances.sum(1), 1)
    assert chances[truth == 1, 1].mean() > 0.7
    assert chances[truth == 0, 1].mean() < 0.3
    within = made.decision_function(others)
    assert np.array_equal(within >= 0, said == 1)
    assert np.allclose(within, made.threshold_ - made.distances(others))
    rare = clone(made).set_params(prior=0.01)
    rare.trained_, rare.calibration_, rare.classes_ = (
        made.trained_,
        made.calibration_,
        made.classes_,
    )
    assert (rare.predict_proba(others)[:, 1] <= chances[:, 1]).all()
    # One pair by itself is as it is among others.
    assert np.allclose(made.distances(others[:1]), made.distances(others)[:1], atol=1e-5)
    turned = made.distances(others[:, ::-1])
    assert np.allclose(turned, made.distances(others), atol=1e-5)


def test_few_identities_are_said_to_be_few():
    random = np.random.default_rng(0)
    items, who = random.normal(size=(6, 3)), np.repeat([0, 1], 3)
    with pytest.warns(UserWarning, match="has too few identities to keep some from training"):
        made = SiameseVerifier(steps=3).fit(items, who)
    assert made.calibrated_on_ == "train"


def test_what_is_no_pairs_is_refused(people):
    items, who = people
    pairs, same = pairs_of(items, who, 40)
    made = SiameseVerifier(steps=3, point="far=0.5").fit(items, who)
    with pytest.raises(BadArgument, match=r"X is ndarray of shape \(240, 6\), and pairs"):
        made.predict(items)
    with pytest.raises(BadArgument, match=r"point is 'far=0\.5', and one of far="):
        made.predict(pairs)
    with pytest.raises(BadArgument, match="The pairs are of 1 class, and two are expected"):
        SiameseVerifier().fit(pairs, np.ones(len(same)))
    with pytest.raises(ValueError, match="NaN"):
        made.distances(np.full((2, 2, 6), np.nan))


def test_images_are_taken_as_they_are():
    random = np.random.default_rng(0)
    drawn = random.integers(0, 256, (10, 16, 16)).astype(np.uint8)
    images = np.repeat(drawn, 4, axis=0)
    images ^= random.integers(0, 8, images.shape).astype(np.uint8)
    who = np.repeat([f"p{one}" for one in range(10)], 4)
    known = OneShotClassifier(
        "convnet4(width=8)", steps=5, settings=("transform=image(size=16)",)
    ).fit(images, who)
    assert known.predict(images[:5]).tolist() == who[:5].tolist()


def test_estimators_are_pickled_as_a_model_folder(people):
    items, who = people
    known = OneShotClassifier(steps=5).fit(items, who)
    before = known.predict(items)
    data = pickle.dumps(known)
    assert len(data) < 200_000
    assert b"likewise-estimator-" in data
    again = pickle.loads(data)
    assert isinstance(again.trained_.held, Model)
    assert np.array_equal(again.predict(items), before)
    assert np.array_equal(copy.deepcopy(again).predict(items), before)


def test_what_was_trained_is_saved_as_a_model(people, tmp_path):
    items, who = people
    made = SiameseEncoder(steps=5).fit(items, who)
    before = made.transform(items)
    model = made.save(tmp_path / "model")
    assert np.allclose(model.embed(items).vectors, before, atol=1e-5)
    assert model.calibrations == {}
    assert model.trained_on.trained is not None
