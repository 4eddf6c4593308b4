"""What every calibrator promises, whoever adds one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.calibrators import FAMILY
from likewise.errors import BadArgument

UNITS = (40.0, 60.0)


def drawn(seed: int = 0, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    same = np.repeat([True, False], count)
    centre, width = random.uniform(0.2, 1.0), random.uniform(0.05, 0.8)
    distances = np.abs(np.where(same, centre, 1.5) + width * random.normal(size=2 * count))
    return distances, same, np.full(2 * count, 1 / count)


def fitted(name: str, scale: float = 1.0, seed: int = 0):
    distances, same, weights = drawn(seed)
    parameters = FAMILY.build(name, parameters=None).fit(scale * distances, same, weights, UNITS)
    return FAMILY.build(name, parameters=parameters), parameters


@pytest.mark.parametrize("name", FAMILY.names())
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_the_ratio_never_rises_with_the_distance_and_is_bounded(name: str, seed: int) -> None:
    calibrator, _ = fitted(name, seed=seed)
    distances = np.concatenate([[0.0, 1e-45, 1e-20], np.geomspace(1e-6, 1e6, 400), [3e38]])
    ratios = calibrator.apply(distances)
    assert np.isfinite(ratios).all()
    assert (np.diff(ratios) <= 1e-9).all()
    assert ratios.min() >= -np.log(UNITS[0] + 1) - 1e-9
    assert ratios.max() <= np.log(UNITS[1] + 1) + 1e-9


@pytest.mark.parametrize("name", FAMILY.names())
def test_what_it_learned_is_plain_numbers_that_give_it_back(name: str) -> None:
    calibrator, parameters = fitted(name)
    again = FAMILY.build(name, parameters=json.loads(json.dumps(parameters, allow_nan=False)))
    distances = np.linspace(0, 4, 50)
    np.testing.assert_array_equal(again.apply(distances), calibrator.apply(distances))


@pytest.mark.parametrize("name", FAMILY.names())
@pytest.mark.parametrize("scale", [1e-4, 1e5])
def test_the_scale_of_the_distances_says_nothing(name: str, scale: float) -> None:
    plain, scaled = fitted(name)[0], fitted(name, scale)[0]
    distances = np.linspace(0.05, 3, 40)
    np.testing.assert_allclose(
        scaled.apply(scale * distances), plain.apply(distances), rtol=2e-3, atol=2e-3
    )


@pytest.mark.parametrize("name", FAMILY.names())
def test_a_pair_counts_by_its_weight(name: str) -> None:
    distances, same, weights = drawn()
    twice = np.concatenate([distances, distances[same]])
    halved = np.concatenate([np.where(same, weights / 2, weights), weights[same] / 2])
    build = FAMILY.build(name, parameters=None).fit
    one = build(distances, same, weights, UNITS)
    other = build(twice, np.concatenate([same, same[same]]), halved, UNITS)
    at = np.linspace(0, 3, 30)
    np.testing.assert_allclose(
        FAMILY.build(name, parameters=one).apply(at),
        FAMILY.build(name, parameters=other).apply(at),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", FAMILY.names())
def test_parameters_of_another_form_are_refused_by_name(name: str) -> None:
    _, parameters = fitted(name)
    for key in parameters:
        without = {other: value for other, value in parameters.items() if other != key}
        for wrong in (without, {**parameters, "program": 1.0}, {}):
            with pytest.raises(
                BadArgument, match=rf"^{name}: the parameters are .* exactly .*{key}"
            ):
                FAMILY.build(name, parameters=wrong)
        for value in (float("nan"), float("inf"), "1", None, [], [float("nan")], 10**400, [[1.0]]):
            with pytest.raises(BadArgument, match=rf"^{name}: .*Calibrate again"):
                FAMILY.build(name, parameters={**parameters, key: value})


@pytest.mark.parametrize(
    ("name", "key"), [("logistic", "slope"), ("beta", "a"), ("beta", "b"), ("beta", "scale")]
)
def test_a_ratio_that_would_rise_is_refused(name: str, key: str) -> None:
    _, parameters = fitted(name)
    with pytest.raises(BadArgument, match=f"{key} is -1, and a finite number from 0 is expected"):
        FAMILY.build(name, parameters={**parameters, key: -1})
    with pytest.raises(BadArgument, match="bounds on both sides of 0"):
        FAMILY.build(name, parameters={**parameters, "low": 1.0})
