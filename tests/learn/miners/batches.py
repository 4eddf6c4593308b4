"""Batches to mine: distances, and masks of the same and of the different pairs."""

import torch
from torch import Tensor
from torch.nn import functional

MARGIN = 0.6


def case(seed: int, rows: int = 14, columns: int | None = None, classes: int = 4) -> list[Tensor]:
    """Distances, and masks of same and different; square without the diagonal."""
    generator = torch.Generator().manual_seed(seed)
    points = functional.normalize(torch.randn(rows, 3, generator=generator))
    labels = torch.randint(classes, (rows,), generator=generator)
    others, other_labels = points, labels
    if columns is not None:
        others = functional.normalize(torch.randn(columns, 3, generator=generator))
        other_labels = torch.randint(classes, (columns,), generator=generator)
    same = labels[:, None] == other_labels
    different = ~same
    if columns is None:
        same.fill_diagonal_(False)
    return [torch.cdist(points, others), same, different]


CASES = {
    "square": case(0),
    "many": case(1, rows=40, classes=6),
    "wide": case(2, rows=6, columns=15),
    "tall": case(3, rows=15, columns=4),
    "few classes": case(4, classes=2),
    "one class": case(5, classes=1),
    "all distinct": [torch.rand(6, 6), torch.zeros(6, 6).bool(), ~torch.eye(6).bool()],
    "one row": case(6, rows=1),
    "no row": case(7, rows=0),
    "no column": case(8, rows=5, columns=0),
}
