"""A learned matcher, run in ONNX Runtime."""

import math
from pathlib import Path
from typing import Any, final

import numpy as np

from likewise.distances.comparator import Comparator
from likewise.distances.inputs import vectors
from likewise.errors import BadArgument, DamagedModel
from likewise.model.feature_maps import FeatureMaps
from likewise.model.onnx_session import OnnxSession
from likewise.model.onnx_worker import ApartSession, session_of
from likewise.shapes import Array, Float, Int

# Numbers in memory at once while pairs are compared: 32 MB, of which each pair takes 16 times what
# is read of one item, for both items and what the matcher computes between them; and 8 for every
# place of a feature map and place of the other, which may be held against each other.
_NUMBERS = 2**23


@final
class OnnxMatcher:
    """The dissimilarity that a learned matcher gives: softplus(-logit).

    It is smaller when the two are more alike, never negative, and the same when they are
    exchanged. It is not zero for an item and itself. It runs in ONNX Runtime, without torch. It
    compares embeddings, or feature maps if that is what its graph takes.

    Args:
        exported: The bytes of `matcher.onnx`.
        dim: Length of an embedding of this model.
        folder: Of the model, for errors.
        maps: Channels, height and width of a feature map of this model; None if it gives none.

    Attributes:
        uses_feature_maps: Whether it compares feature maps: then it is given `FeatureMaps` rows.

    Raises:
        DamagedModel: If the matcher does not load, or compares something else.
    """

    def __init__(
        self,
        exported: bytes,
        dim: int,
        folder: Path,
        maps: tuple[int, int, int] | None = None,
        *,
        apart: bool = False,
    ) -> None:
        self.dim = dim
        self._folder = folder
        self._graph, self._sizes = _graph(exported, dim, maps, folder, apart=apart)
        self.uses_feature_maps = len(self._sizes) > 1

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Array, "n"]:
        """The dissimilarity of each row of `first` and the same row of `second`, in float32.

        Raises:
            BadArgument: If they are not two sets of as many embeddings of this model's length, or
                lack the feature maps that it reads.
            DamagedModel: If the matcher does not give one number a pair.
        """
        first, second = self._checked(first, second, paired=True)
        step = self._pairs_at_once
        result = np.empty(len(first), dtype=np.float32)
        for start in range(0, len(first), step):
            part = slice(start, start + step)
            result[part] = self._run(self._read(first[part]), self._read(second[part]))
        return result

    def matrix(
        self, first: Float[Any, "n dim"], second: Float[Any, "m dim"]
    ) -> Float[Array, "n m"]:
        """The dissimilarity of every row of `first` and every row of `second`, in float32.

        Raises:
            BadArgument: If they are not two sets of embeddings of this model's length, or lack the
                feature maps that it reads.
            DamagedModel: If the matcher does not give one number a pair.
        """
        first, second = self._checked(first, second, paired=False)
        result = np.empty((len(first), len(second)), dtype=np.float32)
        across = max(1, min(len(second), self._pairs_at_once))
        down = max(1, self._pairs_at_once // across)
        for top in range(0, len(first), down):
            above = self._read(first[top : top + down])
            for start in range(0, len(second), across):
                beside = self._read(second[start : start + across])
                row, column = np.divmod(np.arange(len(above) * len(beside)), len(beside))
                found = self._run(above[row], beside[column])
                block = result[top : top + down, start : start + across]
                block[...] = found.reshape(block.shape)
        return result

    @property
    def _pairs_at_once(self) -> int:
        places = math.prod(self._sizes[1:]) if self.uses_feature_maps else 0
        return max(1, _NUMBERS // (16 * math.prod(self._sizes) + 8 * places**2))

    def _read(self, some: Any) -> Float[Array, "n ..."]:
        """What the graph takes of some rows."""
        read: Array = some.maps if self.uses_feature_maps else some
        return read

    def _checked(self, first: Any, second: Any, *, paired: bool) -> tuple[Any, Any]:
        if self.uses_feature_maps:
            return self._with_maps(first), self._with_maps(second)
        _, first, second = vectors("the matcher", first, second, paired=paired)
        if first.shape[1] != self.dim:
            raise BadArgument(
                f"the matcher compares embeddings of length {self.dim}, and was given length "
                f"{first.shape[1]}. Embed the items with this model."
            )
        return np.ascontiguousarray(first, np.float32), np.ascontiguousarray(second, np.float32)

    def _with_maps(self, some: Any) -> FeatureMaps:
        if not isinstance(some, FeatureMaps):
            raise BadArgument(
                "The matcher reads feature maps, and was given embeddings alone, as galleries and "
                "files of embeddings hold them. Compare those by the distance: comparator=distance."
            )
        return some

    def _run(
        self, first: Float[Array, "n ..."], second: Float[Array, "n ..."]
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


@final
class ComparedOnce:
    """A matcher that reads feature maps, and compares no pair of these items twice.

    Rates, thresholds and lists are each found by going through the pairs again, which a distance
    does faster than it could be remembered. What was found is kept as one number a pair: 4 bytes
    for each of n * n.

    Args:
        matcher: What compares, the same in both orders.
        every: The items; what is compared are selections of its rows.
    """

    def __init__(self, matcher: Comparator, every: FeatureMaps) -> None:
        self._matcher = matcher
        self._every = every
        self._found = np.full((len(every), len(every)), np.nan, dtype=np.float32)

    def rows(self, first: FeatureMaps, second: FeatureMaps) -> Float[Array, "n"]:
        """The dissimilarity of each row of `first` and the same row of `second`."""
        return self._of(first.rows, second.rows)

    def matrix(self, first: FeatureMaps, second: FeatureMaps) -> Float[Array, "n m"]:
        """The dissimilarity of every row of `first` and every row of `second`."""
        return self._of(*np.broadcast_arrays(first.rows[:, None], second.rows[None, :]))

    def _of(self, rows: Int[Array, "*pairs"], others: Int[Array, "*pairs"]) -> Array:
        unknown = np.isnan(self._found[rows, others])
        if unknown.any():
            ends = np.stack([rows[unknown], others[unknown]])
            count = len(self._every)
            low, high = np.divmod(np.unique(ends.min(0) * count + ends.max(0)), count)
            apart = self._matcher.rows(self._every[low], self._every[high])
            self._found[low, high] = self._found[high, low] = apart
        found: Array = self._found[rows, others]
        return found


def _graph(
    exported: bytes, dim: int, maps: tuple[int, int, int] | None, folder: Path, *, apart: bool
) -> tuple[OnnxSession | ApartSession, tuple[int, ...]]:
    """The graph, and the sizes of what it reads of an item."""
    graph = session_of(exported, f"The matcher in {folder}", single=False, apart=apart)
    takes = {name: (kind, len(axes), axes[1:]) for name, (kind, axes) in graph.inputs.items()}
    gives = {name: (kind, len(axes)) for name, (kind, axes) in graph.outputs.items()}
    readable: list[tuple[int, ...]] = [(dim,)] if maps is None else [(dim,), maps]
    for sizes in readable:
        one = ("tensor(float)", 1 + len(sizes), list(sizes))
        if takes == {"first": one, "second": one} and gives == {"logit": ("tensor(float)", 1)}:
            return graph, sizes
    or_maps = "" if maps is None else f" or {['n', *maps]}"
    raise DamagedModel(
        f"The matcher in {folder} takes {takes} and gives {gives}, and it should take `first` "
        f"and `second` [n {dim}]{or_maps} and give `logit` [n], float32. Restore the model."
    )
