"""Array shapes are checked when a test asks for it, and cost nothing otherwise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from likewise.results import Embeddings
from likewise.results.evaluation import Histogram
from likewise.types import Items, Labels
from tests.processes import answer_of


def items(count: int) -> Items:
    names = [str(index) for index in range(count)]
    return Items.build("things", names, "image", names, lambda row: names[row])


def vectors(*shape: int) -> Any:
    return np.zeros(shape, dtype=np.float32)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Embeddings(vectors(3), "f", items(3)),
        lambda: Embeddings(vectors(3, 2).astype(np.int64), "f", items(3)),
        lambda: Labels(np.zeros((2, 2), dtype=np.int64)),
        lambda: Labels(np.zeros(2)),
        lambda: items(3).take(np.zeros((2, 2), dtype=np.int64)),
        lambda: items(3).take([0, 1]),
        lambda: Histogram(vectors(4), vectors(3), vectors(2)),
    ],
    ids=["too few axes", "not float", "too many axes", "not int", "argument", "list", "unequal"],
)
def test_a_wrong_shape_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeCheckError, match="Type-check error whilst"):
        wrong()


def test_right_shapes_pass() -> None:
    assert len(items(3).take(np.array([2, 0]))) == 2
    assert Embeddings(vectors(3, 2), "f", items(3)).vectors.shape == (3, 2)
    assert Labels(np.zeros(0, dtype=np.int32)).labels.size == 0
    assert len(Histogram(vectors(4), vectors(3), vectors(3)).edges) == 4


INERT = """
import json, sys
import numpy as np
from likewise import shapes
from likewise.types import Labels

names = [name for name in shapes.__all__ if name not in ("Array", "namespace_of")]
bare = [getattr(shapes, name)[np.ndarray, "n dim"] is np.ndarray for name in names]
wrong = Labels(np.zeros((2, 2))).labels.shape
print(json.dumps([names, bare, wrong, sorted({"jaxtyping", "beartype"} & set(sys.modules))]))
"""


def test_unchecked_shapes_are_the_bare_array_and_load_nothing() -> None:
    names, bare, wrong, loaded = answer_of(INERT, LIKEWISE_CHECK_SHAPES="0")
    assert {"Float", "Int", "Bool", "Shaped"} <= set(names)
    assert bare == [True] * len(names)
    assert wrong == [2, 2]
    assert loaded == []


def test_the_namespace_is_that_of_the_library() -> None:
    import torch

    from likewise.shapes import namespace_of

    assert namespace_of(np.zeros(2), np.ones(3)) is np
    tensors = namespace_of(torch.zeros(2))
    assert tensors.sum(torch.ones(3)).item() == 3
    with pytest.raises(TypeError, match=r"(?i)multiple|namespace"):
        namespace_of(np.zeros(2), torch.zeros(2))
    with pytest.raises(TypeError, match=r"(?i)array"):
        namespace_of([1.0])
