"""What every kind of item promises, whoever adds one."""

import importlib

import numpy as np
import pytest

from likewise.errors import BadArgument
from likewise.kinds import FAMILY
from likewise.kinds.base import Kind
from likewise.learn.augmentations import FAMILY as AUGMENTATIONS
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from tests.contracts.examples import raw_items


@pytest.fixture(params=FAMILY.names())
def kind(request: pytest.FixtureRequest) -> Kind:
    return FAMILY.build(request.param)


def own(kind: Kind, seed: int = 0) -> list[object]:
    """Raw items that the kind takes for its own; a new kind adds one to `examples`."""
    found = [raw for raw in raw_items(seed) if kind.recognises(raw)]
    assert found, f"tests/contracts/examples.py has no raw item of the kind {kind.name}"
    return found


def as_they_are(kind: Kind, seed: int = 0) -> list[np.ndarray]:
    """The same items as the kind shows and describes them."""
    transform = TRANSFORMS.build(kind.plain, state=None)
    return [transform.original(raw, "an item") for raw in own(kind, seed)]


def test_its_words_are_there(kind: Kind) -> None:
    assert FAMILY.describe(kind.name).name == kind.name
    assert kind.one.split()[0] in {"a", "an"}
    assert kind.many
    assert not kind.many.startswith(("a ", "an "))
    assert kind.expected
    assert kind.glance.split()[0] in {"a", "an", "its", "the"}
    assert kind.numbers
    titles = [number.title for number in kind.numbers.values()]
    assert len(set(titles)) == len(titles)
    module = importlib.import_module(type(kind).__module__)
    assert module.__doc__


def test_no_two_kinds_take_one_ending_or_one_word(kind: Kind) -> None:
    assert all(ending.startswith(".") and ending == ending.lower() for ending in kind.endings)
    for other in map(FAMILY.build, FAMILY.names()):
        if other.name != kind.name:
            assert not set(kind.endings) & set(other.endings)
            assert kind.one != other.one


def test_what_is_tried_first_fits_it(kind: Kind) -> None:
    for spec in (kind.transform, kind.plain):
        assert TRANSFORMS.type_of(spec).kind == kind.name
    form = TRANSFORMS.type_of(kind.transform).form
    ENCODERS.check(kind.encoder)
    for spec in (*kind.augmentations, *(one for group in kind.searched for one in group)):
        assert form in AUGMENTATIONS.build(spec).forms


def test_it_says_yes_or_no_of_anything(kind: Kind) -> None:
    random = np.random.default_rng(0)
    strange = [b"", b"\x00" * 40, "", "words", np.zeros(0), np.zeros((0, 3), np.float32)]
    strange += [np.array(1.5), np.array(["a", "b"]), np.zeros((2, 2, 2, 2, 2))]
    strange += [random.normal(size=(3, 4)) + 1j]
    for raw in [*strange, *raw_items(0)]:
        assert kind.recognises(raw) in {True, False}
    assert not any(kind.recognises(raw) for raw in (b"", np.zeros(0), np.zeros((0, 3), np.float32)))


def test_a_look_has_numbers_that_it_names_and_is_repeated(kind: Kind) -> None:
    for item in as_they_are(kind):
        before = item.copy()
        look, again = kind.look(item), kind.look(item)
        assert set(look.numbers) <= set(kind.numbers)
        assert all(isinstance(value, float) for value in look.numbers.values())
        assert np.isfinite(list(look.numbers.values())).all()
        assert (look.thumbnail.shape, look.thumbnail.dtype) == ((256,), np.uint8)
        assert look.numbers == again.numbers
        np.testing.assert_array_equal(look.thumbnail, again.thumbnail)
        np.testing.assert_array_equal(item, before)


def test_unlike_items_look_unlike(kind: Kind) -> None:
    for item, other in zip(as_they_are(kind, 0), as_they_are(kind, 1), strict=True):
        assert kind.look(item).numbers != kind.look(other).numbers
        assert (kind.look(item).thumbnail != kind.look(other).thumbnail).any()


def test_what_files_and_frames_measure_has_a_name(kind: Kind) -> None:
    for raw, item in zip(own(kind), as_they_are(kind), strict=True):
        frame = kind.frame(item)
        assert set(frame) <= {name for name, one in kind.numbers.items() if one.sort == "frame"}
        if isinstance(raw, bytes):
            numbers, header = kind.file_look(raw, item)
            assert set(numbers) <= {
                name for name, one in kind.numbers.items() if one.sort == "file"
            }
            assert numbers.get("bytes", len(raw)) == len(raw)
            assert header is None or header.form


def test_a_picture_is_pixels_or_lines(kind: Kind) -> None:
    for item in as_they_are(kind):
        before = item.copy()
        whole, small = kind.picture(item), kind.picture(item, longest=8)
        if whole.dtype == np.uint8:
            assert (whole.ndim, whole.shape[0] in {1, 3, 4}) == (3, True)
            assert max(small.shape[1:]) <= 8
        else:
            assert (whole.dtype.kind, whole.ndim) == ("f", 2)
            assert np.isfinite(whole).all()
        np.testing.assert_array_equal(item, before)


def test_a_row_of_a_stack_is_an_item_that_it_recognises(kind: Kind) -> None:
    for raw in own(kind):
        if isinstance(raw, np.ndarray):
            row = kind.of_row(raw)
            assert kind.recognises(row)
            np.testing.assert_array_equal(np.ravel(row), np.ravel(raw))


def test_items_are_of_one_of_its_sorts_with_a_reason(kind: Kind) -> None:
    sort, reason = kind.sort(as_they_are(kind))
    assert sort in (kind.sorts or (kind.many,))
    assert reason


def test_a_copy_is_another_item_of_the_kind_or_refused(kind: Kind) -> None:
    transform: Transform = TRANSFORMS.build(kind.plain, state=None)
    for item in as_they_are(kind):
        before = item.copy()
        try:
            copy = kind.altered(item, np.random.default_rng(3))
        except BadArgument as error:
            assert f"No copies can be made of {kind.many}" in str(error)
            continue
        np.testing.assert_array_equal(item, before)
        np.testing.assert_array_equal(copy, kind.altered(item, np.random.default_rng(3)))
        other = kind.altered(item, np.random.default_rng(4))
        assert copy.shape != other.shape or (copy != other).any()
        transform.decode(copy, "a copy")
