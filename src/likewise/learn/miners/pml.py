"""The miners of pytorch-metric-learning."""

from typing import Any, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.miners.all import All
from likewise.learn.miners.base import Miner
from likewise.learn.ops.pml_adapter import build_pml, pml_names
from likewise.registry import unknown
from likewise.shapes import Bool, Float, Int
from likewise.types import Pairs, Triplets

# These look at the embeddings themselves, of which a miner here is not told.
_LOOK = {"AngularMiner", "DistanceWeightedMiner", "EmbeddingsAlreadyPackagedAsTriplets"}


@final
class PmlMiner(Miner):
    """Takes what a miner of pytorch-metric-learning takes, by its name there.

    It is given the house's distance matrix, so that margins among its options are in units of the
    house's distance. Triplets of a miner of pairs are all that its pairs make; pairs of a miner of
    triplets are all that are in one.

    Args:
        name: Of its class, `TripletMarginMiner` say.
        options: Its arguments by name, those that are numbers, words or lists.

    Raises:
        MissingExtra: If pytorch-metric-learning is not installed.
        UnknownName: If it has no such miner, or the miner no such option.
        BadArgument: If an option is refused, or the miner looks at embeddings, not at distances.

    References:
        Musgrave, Belongie, Lim, "PyTorch Metric Learning", 2020.
    """

    def __init__(self, name: str, options: dict[str, Any] | None = None) -> None:
        names = pml_names("miners")
        if name in _LOOK:
            raise BadArgument(
                f"pml: {name} looks at embeddings, and a miner here at distances. Choose "
                "distance_weighted, every or hard, or one of: "
                f"{', '.join(one for one in names if one not in _LOOK)}."
            )
        if name not in names:
            known = [one for one in names if one not in _LOOK]
            raise unknown("pytorch-metric-learning has no miner", name, known)
        from pytorch_metric_learning.distances import LpDistance

        self._distance = LpDistance(normalize_embeddings=False)
        self._miner = build_pml("miners", name, options or {}, {"distance": self._distance})

    def pairs(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """The pairs that it takes, or those of its triplets, each once."""
        near, far = self._chosen(distances, same, different)
        first, second = (near | far).nonzero(as_tuple=True)
        return Pairs(first, second, same[first, second])

    def triplets(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,  # noqa: ARG002 - its own options say it
    ) -> Triplets:
        """The triplets that it takes, or all that its pairs make."""
        taken = self._mined(distances, same, different)
        if len(taken) == 3:
            return Triplets(*taken)
        near, far = self._chosen(distances, same, different)
        return All().triplets(distances, near, far, 0.0)

    def _chosen(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> tuple[Bool[Tensor, "n m"], Bool[Tensor, "n m"]]:
        """Masks of the same and of the different pairs that it takes."""
        first, near, *rest = self._mined(distances, same, different)
        second, far = rest if len(rest) == 2 else (first, *rest)
        masks = (torch.zeros_like(same), torch.zeros_like(different))
        masks[0][first, near] = True
        masks[1][second, far] = True
        return masks[0] & same, masks[1] & different

    def _mined(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> tuple[Tensor, ...]:
        """The columns of indices that it gives: three of triplets, four of pairs."""
        if not (bool(same.any()) and bool(different.any())):
            # Several of them fail where one sort is absent; all pairs there are is what is left.
            return (*same.nonzero(as_tuple=True), *different.nonzero(as_tuple=True))
        rows, columns = (
            torch.arange(size, dtype=distances.dtype, device=distances.device)[:, None]
            for size in distances.shape
        )

        def known(query: Tensor, other: Tensor | None = None) -> Tensor:
            places = query if other is None else other
            return distances[query[:, 0].long()][:, places[:, 0].long()]

        self._distance.forward = known
        labels, other_labels = _classes(same, different)
        itself = other_labels is labels
        found = self._miner(rows, labels, *(() if itself else (columns, other_labels)))
        return tuple(part.long() for part in found)


def _classes(
    same: Bool[Tensor, "n m"], different: Bool[Tensor, "n m"]
) -> tuple[Int[Tensor, "n"], Int[Tensor, "m"]]:
    """Classes of the rows and columns that make these masks; one tensor where they are the same."""
    n, m = same.shape
    itself = n == m and not bool((same | different).diagonal().any())
    alike = same | torch.eye(n, m, dtype=torch.bool, device=same.device) if itself else same
    # A row's class is the first column that is the same, or where there is none a new one.
    count = torch.arange(n, device=same.device)
    rows = torch.where(alike.any(dim=1), alike.int().argmax(dim=1), m + count)
    if itself:
        return rows, rows
    owner = alike.int().argmax(dim=0)
    columns = torch.where(
        alike.any(dim=0), rows[owner], m + n + torch.arange(m, device=same.device)
    )
    return rows, columns
