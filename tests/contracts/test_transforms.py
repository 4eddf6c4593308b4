"""What every transform promises, whoever adds one."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from likewise.errors import LikewiseError, UnreadableItem, WrongKind
from likewise.kinds import FAMILY as KINDS
from likewise.transforms import FAMILY
from likewise.transforms.base import Transform
from likewise.types import Form, Raw
from tests.contracts.examples import raw_items

DECODED = {
    Form.IMAGES: (np.uint8, 3),
    Form.FRAMES: (np.float32, 2),
    Form.TOKENS: (np.int64, 1),
    Form.VECTORS: (np.float32, 1),
}


@pytest.fixture(params=FAMILY.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def blank(name: str) -> Transform:
    """It before it has learned anything."""
    return FAMILY.build(name, state=None)


@pytest.fixture
def raws(blank: Transform) -> list[Raw]:
    """Items of one shape of its kind, unequal in length where they have one."""
    kind = KINDS.build(blank.kind)
    alike = [[items[at] for items in map(raw_items, range(6))] for at in range(len(raw_items(0)))]
    found = [column for column in alike if all(map(kind.recognises, column))]
    assert found, f"tests/contracts/examples.py has no raw item of the kind {kind.name}"
    # Of a vector and a series, both floats, the one that is not a row alone.
    return found[-1] if kind.timed else found[0]


def decoded_by(transform: Transform, raws: list[Raw]) -> list[np.ndarray]:
    return [transform.decode(raw, f"item {row}") for row, raw in enumerate(raws)]


@pytest.fixture
def state(blank: Transform, raws: list[Raw]) -> Mapping[str, Any]:
    return blank.fit(decoded_by(blank, raws))


@pytest.fixture
def fitted(name: str, state: Mapping[str, Any]) -> Transform:
    return FAMILY.build(name, state=state)


def fed(transform: Transform, decoded: list[np.ndarray]) -> np.ndarray:
    """What the encoder is fed for some decoded items."""
    return transform.finish(transform.collate(decoded)[0])


def test_decoding_gives_its_form_the_same_each_time_and_writes_nothing(
    blank: Transform, raws: list[Raw]
) -> None:
    dtype, axes = DECODED[blank.form]
    for raw in raws:
        before = raw.copy() if isinstance(raw, np.ndarray) else raw
        one, again = blank.decode(raw, "an item"), blank.decode(raw, "an item")
        assert (one.dtype, one.ndim) == (dtype, axes)
        assert one.size
        np.testing.assert_array_equal(one, again)
        np.testing.assert_array_equal(raw, before)


def test_what_it_decodes_does_not_hang_on_what_it_learned(
    blank: Transform, fitted: Transform, raws: list[Raw]
) -> None:
    """The cache of decoded items is kept from one recipe to the next."""
    for one, other in zip(decoded_by(blank, raws), decoded_by(fitted, raws), strict=True):
        np.testing.assert_array_equal(one, other)


def test_its_state_is_plain_and_read_back(
    name: str, fitted: Transform, state: Mapping[str, Any], raws: list[Raw]
) -> None:
    again = json.loads(json.dumps(state, allow_nan=False))
    assert again == state
    decoded = decoded_by(fitted, raws)
    np.testing.assert_array_equal(
        fed(FAMILY.build(name, state=again), decoded), fed(fitted, decoded)
    )
    assert not fitted.sized or fitted.sized in state


def test_fitting_does_not_hang_on_the_order(
    blank: Transform, state: Mapping[str, Any], raws: list[Raw]
) -> None:
    backwards = blank.fit(iter(decoded_by(blank, raws)[::-1]))
    assert backwards.keys() == state.keys()
    for key, value in state.items():
        if isinstance(value, str):
            assert backwards[key] == value
        else:
            np.testing.assert_allclose(backwards[key], value, rtol=1e-6)


def test_what_it_feeds_is_the_shape_and_form_that_it_says(
    fitted: Transform, raws: list[Raw]
) -> None:
    batch, lengths = fitted.collate(decoded_by(fitted, raws))
    inputs = fitted.finish(batch)
    assert fitted.shape.form is fitted.form
    assert inputs.dtype == np.dtype(fitted.form.dtype)
    assert len(inputs) == len(raws)
    sizes = fitted.shape.sizes
    assert inputs.ndim == len(sizes) + 1
    for found, said in zip(inputs.shape[1:], sizes, strict=True):
        assert said is None or found == said
    assert np.isfinite(inputs).all()
    assert (lengths is not None) == fitted.form.has_lengths


def test_lengths_are_kept_and_padding_is_zero(fitted: Transform, raws: list[Raw]) -> None:
    decoded = decoded_by(fitted, raws)
    batch, lengths = fitted.collate(decoded)
    if lengths is None:
        for row, one in zip(batch, decoded, strict=True):
            np.testing.assert_array_equal(row, one)
        return
    assert lengths.tolist() == [len(one) for one in decoded]
    assert len(set(lengths.tolist())) > 1
    for row, one in zip(batch, decoded, strict=True):
        np.testing.assert_array_equal(row[: len(one)], one)
        assert not row[len(one) :].any()


def test_one_row_never_changes_another(fitted: Transform, raws: list[Raw]) -> None:
    decoded = decoded_by(fitted, raws)
    together = fed(fitted, decoded)
    for row, one in enumerate(decoded):
        alone = fed(fitted, [one])[0]
        part = together[row][: len(alone)] if fitted.form.has_lengths else together[row]
        np.testing.assert_allclose(part, alone, rtol=1e-5, atol=1e-6)


def test_finishing_is_the_same_in_torch_and_writes_nothing(
    fitted: Transform, raws: list[Raw]
) -> None:
    batch, _ = fitted.collate(decoded_by(fitted, raws))
    before = batch.copy()
    ours, theirs = fitted.finish(batch), fitted.finish(torch.from_numpy(batch.copy()))
    np.testing.assert_array_equal(batch, before)
    assert isinstance(theirs, torch.Tensor)
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-5, atol=1e-5)


def test_an_item_as_it_is_is_what_its_kind_describes(blank: Transform, raws: list[Raw]) -> None:
    kind = KINDS.build(blank.kind)
    for raw in raws:
        item = blank.original(raw, "an item")
        assert kind.look(item).numbers
        assert kind.recognises(item)


def test_what_is_no_item_of_its_kind_is_refused_with_its_place(blank: Transform) -> None:
    for raw in (b"", b"\x00\x01\x02", np.zeros((0, 3), np.float32), np.zeros((2, 2, 2, 2, 2, 2))):
        with pytest.raises((UnreadableItem, WrongKind), match=r"row 12 of it"):
            blank.decode(raw, "row 12 of it")


def test_without_what_it_learns_it_finishes_nothing_or_all(
    name: str, blank: Transform, state: Mapping[str, Any], raws: list[Raw]
) -> None:
    """A transform that learns something says so, and one that learns nothing needs no state."""
    decoded = decoded_by(blank, raws)
    if not state:
        np.testing.assert_array_equal(
            fed(blank, decoded), fed(FAMILY.build(name, state=state), decoded)
        )
        return
    with pytest.raises(LikewiseError):
        fed(blank, decoded)
