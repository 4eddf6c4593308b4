"""A learned comparator against its matcher in torch, in blocks, and damaged."""

import inspect
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch.nn import functional

from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, DamagedModel
from likewise.learn.matchers.mlp import MlpMatcher
from likewise.learn.matchers.weighted_l1 import WeightedL1
from likewise.learn.network.export import export_matcher
from likewise.learn.network.matching import SymmetricMatcher
from likewise.model import onnx_matcher as comparator_module
from likewise.model.onnx_matcher import OnnxMatcher
from likewise.pairs.all_pairs import AllPairs

DIM = 6
FOLDER = Path("some/model")


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)


@pytest.fixture(scope="module")
def matcher() -> SymmetricMatcher:
    torch.manual_seed(0)
    return SymmetricMatcher(MlpMatcher(hidden=8, dim=DIM))


@pytest.fixture(scope="module")
def exported(matcher: SymmetricMatcher) -> bytes:
    return export_matcher(matcher, DIM)


@pytest.fixture
def learned(exported: bytes) -> OnnxMatcher:
    return OnnxMatcher(exported, DIM, FOLDER)


@pytest.mark.parametrize("numbers", [2**23, 1, 16 * DIM * 5, 16 * DIM * 23])
def test_rows_and_matrix_are_softplus_of_the_matcher(
    learned: OnnxMatcher,
    matcher: SymmetricMatcher,
    numbers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparator_module, "_NUMBERS", numbers)
    first, second = drawn(13), drawn(11, 1)
    upper, lower = np.repeat(first, 11, axis=0), np.tile(second, (13, 1))
    with torch.no_grad():
        logits = matcher(torch.from_numpy(upper), torch.from_numpy(lower))
    expected = functional.softplus(-logits).numpy()
    found = learned.matrix(first, second)
    assert found.dtype == np.float32
    assert found.min() > 0
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-5)
    np.testing.assert_allclose(learned.rows(upper, lower), expected, rtol=1e-5)


def test_it_is_the_same_when_the_two_are_exchanged(learned: OnnxMatcher) -> None:
    first, second = drawn(20), drawn(20, 1)
    np.testing.assert_allclose(learned.rows(first, second), learned.rows(second, first), rtol=1e-6)


def test_more_alike_is_smaller_and_never_negative_however_sure() -> None:
    matcher = WeightedL1(dim=DIM)
    with torch.no_grad():
        matcher.alpha.fill_(-1.0)
        matcher.bias.fill_(90.0)
    learned = OnnxMatcher(export_matcher(SymmetricMatcher(matcher), DIM), DIM, FOLDER)
    apart = np.array([0.0, 0.1, 1.0, 5.0, 15.0, 100.0, 1e6], dtype=np.float32)
    others = np.tile(apart[:, None], (1, DIM))
    found = learned.rows(np.zeros_like(others), others)
    assert found[0] == pytest.approx(np.exp(-90.0), rel=1e-3)
    assert (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(6e6 - 90)


def test_there_may_be_no_rows(learned: OnnxMatcher) -> None:
    none, some = drawn(0), drawn(3)
    assert learned.rows(none, none).shape == (0,)
    assert learned.matrix(none, some).shape == (0, 3)
    assert learned.matrix(some, none).shape == (3, 0)


def test_it_compares_in_place_of_a_distance(learned: OnnxMatcher) -> None:
    vectors, names = drawn(30), np.repeat(np.arange(10), 3).astype(str)
    ours = AllPairs.of(vectors, names, learned).spread()
    theirs = AllPairs.of(vectors, names, Euclidean()).spread()
    assert ours.same.sum() == pytest.approx(1)
    assert ours.different.sum() == pytest.approx(1)
    assert ours.auc != theirs.auc


def test_the_matrix_takes_little_memory(learned: OnnxMatcher) -> None:
    first, second = drawn(400), drawn(3000, 1)
    learned.matrix(first[:2], second[:2])
    tracemalloc.start()
    learned.matrix(first, second)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400 * 3000 * 4 + 40e6


def graph(inputs: str, outputs: dict[str, list[int | str]], *operations: tuple) -> bytes:
    """An ONNX file of these inputs, outputs and operations (kind, takes, gives, attributes)."""
    info, number = helper.make_tensor_value_info, TensorProto.FLOAT
    made = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(kind, takes.split(), [gives], **attributes)
                for kind, takes, gives, attributes in operations
            ],
            "matcher",
            [info(name, number, ["n", DIM]) for name in inputs.split()],
            [info(name, number, shape) for name, shape in outputs.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


LOGIT = {"logit": ["n"]}
SUB = ("Sub", "first second", "d", {})
MOST = {"axes": [1], "keepdims": 0}
FLAT = ("Constant", "", "flat", {"value_ints": [-1]})
NO_MATCHERS = {
    "nothing": b"",
    "no model": b"not a model" * 30,
    "another name": graph(
        "first other", LOGIT, ("Sub", "first other", "d", {}), ("ReduceMax", "d", "logit", MOST)
    ),
    "an encoder": graph("inputs", {"embedding": ["n", DIM]}, ("Abs", "inputs", "embedding", {})),
    "one more": graph(
        "first second", {**LOGIT, "d": ["n", DIM]}, SUB, ("ReduceMax", "d", "logit", MOST)
    ),
    "a matrix": graph("first second", {"logit": ["n", DIM]}, ("Sub", "first second", "logit", {})),
}


@pytest.mark.parametrize("name", NO_MATCHERS)
def test_what_is_no_matcher_is_refused(name: str) -> None:
    with pytest.raises(DamagedModel, match="The matcher in some/model"):
        OnnxMatcher(NO_MATCHERS[name], DIM, FOLDER)


def test_another_length_is_refused(exported: bytes) -> None:
    with pytest.raises(DamagedModel, match=rf"should take `first` and `second` \[n {DIM + 1}\]"):
        OnnxMatcher(exported, DIM + 1, FOLDER)


def test_every_truncation_is_refused(exported: bytes) -> None:
    for length in np.linspace(0, len(exported) - 1, 40).astype(int):
        with pytest.raises(DamagedModel, match=r"cannot be loaded|takes"):
            OnnxMatcher(exported[:length], DIM, FOLDER)


@pytest.mark.parametrize(
    "operations",
    [
        [FLAT, ("Reshape", "d flat", "logit", {})],
        [("Sqrt", "d", "r", {}), ("ReduceSum", "r one", "logit", {"keepdims": 0})],
    ],
    ids=["a number for each dimension", "no number"],
)
def test_a_matcher_that_does_not_give_one_number_a_pair_is_refused(operations: list) -> None:
    one = ("Constant", "", "one", {"value_ints": [1]})
    learned = OnnxMatcher(graph("first second", LOGIT, SUB, one, *operations), DIM, FOLDER)
    with pytest.raises(DamagedModel, match="4 pairs and did not give one number for each"):
        learned.rows(drawn(4), drawn(4, 1))


def test_a_matcher_that_cannot_run_is_refused() -> None:
    shape = ("Constant", "", "shape", {"value_ints": [7]})
    learned = OnnxMatcher(
        graph("first second", LOGIT, SUB, shape, ("Reshape", "d shape", "logit", {})),
        DIM,
        FOLDER,
    )
    with pytest.raises(DamagedModel, match="cannot run"):
        learned.matrix(drawn(2), drawn(2, 1))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (drawn(3), drawn(2), "3 and 2 rows"),
        (np.zeros((3, DIM + 1), np.float32), np.zeros((3, DIM + 1), np.float32), "of length 6"),
        (drawn(3), np.zeros((3, DIM), np.int64), "vectors of floats"),
    ],
)
def test_what_it_cannot_compare_is_refused(
    learned: OnnxMatcher, first: np.ndarray, second: np.ndarray, message: str
) -> None:
    rows = inspect.unwrap(OnnxMatcher.rows)
    with pytest.raises(BadArgument, match=message):
        rows(learned, first, second)
