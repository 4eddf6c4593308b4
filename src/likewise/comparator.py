"""What compares two embeddings: a distance, or a matcher that was learned."""

from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable

import numpy as np

from likewise.distances.inputs import vectors
from likewise.errors import BadArgument, DamagedModel
from likewise.graph import Graph
from likewise.shapes import Array, Float

# Numbers in memory at once while pairs are compared: 32 MB, of which each pair takes 16 * dim, for
# its two embeddings and what the matcher computes between them.
_NUMBERS = 2**23


@runtime_checkable
class Comparator(Protocol):
    """How far apart two embeddings are, by whatever means; never negative."""

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """The dissimilarity of each row of `first` and the same row of `second`."""

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The dissimilarity of every row of `first` and every row of `second`."""


@final
class LearnedComparator:
    """The dissimilarity that a learned matcher gives: softplus(-logit).

    It is smaller when the two are more alike, never negative, and the same when they are
    exchanged. It is not zero for an item and itself. It runs in ONNX Runtime, without torch.

    Args:
        exported: The bytes of `matcher.onnx`.
        dim: Length of an embedding of this model.
        folder: Of the model, for errors.

    Raises:
        DamagedModel: If the matcher does not load, or compares something else.
    """

    def __init__(self, exported: bytes, dim: int, folder: Path) -> None:
        self.dim = dim
        self._folder = folder
        self._graph = _graph(exported, dim, folder)

    def rows(
        self, first: Float[Array, "n dim"], second: Float[Array, "n dim"]
    ) -> Float[Array, "n"]:
        """The dissimilarity of each row of `first` and the same row of `second`, in float32.

        Raises:
            BadArgument: If they are not two sets of as many embeddings of this model's length.
            DamagedModel: If the matcher does not give one number a pair.
        """
        first, second = self._checked(first, second, paired=True)
        step = self._pairs_at_once
        result = np.empty(len(first), dtype=np.float32)
        for start in range(0, len(first), step):
            part = slice(start, start + step)
            result[part] = self._run(first[part], second[part])
        return result

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The dissimilarity of every row of `first` and every row of `second`, in float32.

        Raises:
            BadArgument: If they are not two sets of embeddings of this model's length.
            DamagedModel: If the matcher does not give one number a pair.
        """
        first, second = self._checked(first, second, paired=False)
        result = np.empty((len(first), len(second)), dtype=np.float32)
        across = max(1, min(len(second), self._pairs_at_once))
        down = max(1, self._pairs_at_once // across)
        for top in range(0, len(first), down):
            above = first[top : top + down]
            for start in range(0, len(second), across):
                beside = second[start : start + across]
                found = self._run(
                    np.repeat(above, len(beside), axis=0), np.tile(beside, (len(above), 1))
                )
                block = result[top : top + down, start : start + across]
                block[...] = found.reshape(block.shape)
        return result

    @property
    def _pairs_at_once(self) -> int:
        return max(1, _NUMBERS // (16 * self.dim))

    def _checked(self, first: Any, second: Any, *, paired: bool) -> tuple[Array, Array]:
        _, first, second = vectors("the matcher", first, second, paired=paired)
        if first.shape[1] != self.dim:
            raise BadArgument(
                f"the matcher compares embeddings of length {self.dim}, and was given length "
                f"{first.shape[1]}. Embed the items with this model."
            )
        return np.ascontiguousarray(first, np.float32), np.ascontiguousarray(second, np.float32)

    def _run(
        self, first: Float[Array, "n dim"], second: Float[Array, "n dim"]
    ) -> Float[Array, "n"]:
        logit = self._graph.run("logit", {"first": first, "second": second})
        if logit.shape != (len(first),) or np.isnan(logit).any():
            raise DamagedModel(
                f"The matcher in {self._folder} was given {len(first)} pairs and did not give one "
                "number for each. Restore the model."
            )
        # log(1 + exp(-logit)) without overflow
        dissimilarity: Array = np.logaddexp(np.float32(0), -logit)
        return dissimilarity


def _graph(exported: bytes, dim: int, folder: Path) -> Graph:
    graph = Graph(exported, f"The matcher in {folder}")
    takes = {name: (kind, len(axes), axes[-1:]) for name, (kind, axes) in graph.inputs.items()}
    gives = {name: (kind, len(axes)) for name, (kind, axes) in graph.outputs.items()}
    pair = ("tensor(float)", 2, [dim])
    if takes != {"first": pair, "second": pair} or gives != {"logit": ("tensor(float)", 1)}:
        raise DamagedModel(
            f"The matcher in {folder} takes {takes} and gives {gives}, and it should take `first` "
            f"and `second` [n {dim}] and give `logit` [n], float32. Restore the model."
        )
    return graph
