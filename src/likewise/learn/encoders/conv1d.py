"""Residual convolutions along time, for series."""

from itertools import pairwise
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.masking import mask_of
from likewise.learn.encoders.pooling import Pooling
from likewise.learn.encoders.sizes import check_sizes
from likewise.shapes import Bool, Float, Int
from likewise.types import Form, InputShape

_KERNELS = (7, 5, 3)


@final
class Conv1D(Encoder):
    """Residual blocks of three convolutions along time, pooled over each true length.

    Padding is set to zero after every layer, as if the series stood alone, and does not count in
    the normalisation.

    Args:
        dim: Length of the embedding.
        width: Channels of the first block; the later ones have twice as many.
        blocks: How many blocks of three convolutions; 3 as published.
        pooling: `mean` as published, `last` (the state at the last step), or `attention`.
        stride: How many steps a first convolution takes in one, of kernel 2 stride + 1; 1 for none,
            as published. Time and memory of long series fall with it.

    Raises:
        BadArgument: If an argument is not positive or not one of these, or the items are no series.

    References:
        Wang, Yan, Oates, "Time Series Classification from Scratch with Deep Neural Networks: A
        Strong Baseline", 2017, section II.C (the residual network). Departures: the first kernel
        is 7 long and not 8, so that it has a middle; no classifier; masks for unequal lengths.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(
        self,
        dim: int = 64,
        width: int = 64,
        blocks: int = 3,
        pooling: Literal["mean", "last", "attention"] = "mean",
        stride: int = 1,
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        check_sizes("conv1d", dim=dim, width=width, blocks=blocks, stride=stride)
        if shape.form not in self.forms:
            raise BadArgument(
                f"conv1d takes series, and these are {shape.form}. Try convnet4 or mlp."
            )
        self.dim = dim
        self.stride = stride
        given = shape.channels
        if stride > 1:
            self.stem = nn.Conv1d(given, width, 2 * stride + 1, stride, padding=stride, bias=False)
            self.stem_norm = _MaskedNorm(width)
            given = width
        sizes = [given, width] + [2 * width] * (blocks - 1)
        self.blocks = nn.ModuleList(_Block(given, taken) for given, taken in pairwise(sizes))
        self.pool = Pooling(pooling, sizes[-1])
        self.head = nn.Linear(sizes[-1], dim)

    def forward(
        self, inputs: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed series."""
        mask = mask_of(inputs, lengths)
        states = torch.where(mask[:, :, None], inputs, 0.0).transpose(1, 2)
        if self.stride > 1:
            # What is behind the end is zero, as if each series stood alone.
            mask = mask[:, :: self.stride]
            states = self.stem_norm(self.stem(states), mask).relu()
        for block in self.blocks:
            states = block(states, mask)
        embedding: Tensor = self.head(self.pool(states.transpose(1, 2), mask))
        return embedding


class _Block(nn.Module):
    """Three convolutions beside a shortcut; each is normalised over the real steps."""

    def __init__(self, given: int, taken: int) -> None:
        super().__init__()
        sizes = (given, taken, taken)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, taken, kernel, padding=kernel // 2, bias=False)
            for size, kernel in zip(sizes, _KERNELS, strict=True)
        )
        self.norms = nn.ModuleList(_MaskedNorm(taken) for _ in _KERNELS)
        self.shortcut: nn.Module = nn.Identity()
        self.shortcut_norm = _MaskedNorm(taken)
        if given != taken:
            self.shortcut = nn.Conv1d(given, taken, 1, bias=False)

    def forward(
        self, states: Float[Tensor, "n c t"], mask: Bool[Tensor, "n t"]
    ) -> Float[Tensor, "n d t"]:
        changed = states
        for index, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            if index > 0:
                changed = changed.relu()
            changed = norm(convolution(changed), mask)
        total: Tensor = changed + self.shortcut_norm(self.shortcut(states), mask)
        return total.relu()


class _MaskedNorm(nn.Module):
    """Batch normalisation by the mean and deviation of the real steps; the rest is zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(
        self, states: Float[Tensor, "n c t"], mask: Bool[Tensor, "n t"]
    ) -> Float[Tensor, "n c t"]:
        if self.training:
            steps = states.transpose(1, 2)
            normed = torch.zeros_like(steps)
            normed[mask] = self.norm(steps[mask]).to(steps.dtype)
            return normed.transpose(1, 2)
        kept: Tensor = self.norm(states) * mask[:, None, :].to(states.dtype)
        return kept
