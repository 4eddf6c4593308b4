"""A small Transformer, for series and for images cut into patches."""

import math
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.masking import mask_of
from likewise.learn.encoders.pooling import Pooling, map_tokens
from likewise.shapes import Bool, Float, Int
from likewise.types import Form, InputShape


@final
class Transformer(Encoder):
    """A pre-norm Transformer, pooled over the tokens that are no padding.

    A token is one step of a series, or one square patch of an image. Positions are sinusoids, so
    a series may be longer than any seen in training.

    Args:
        dim: Length of the embedding.
        width: Length of a token; a multiple of twice the heads.
        layers: How many blocks.
        heads: How many attention heads.
        patch: Side of an image's patches in pixels; not used for series.
        dropout: Share of activations dropped when learning.
        pooling: `mean` of the tokens; `last`, for series; or `attention`.

    Raises:
        BadArgument: If a number is out of range, or patches do not cut the image evenly.

    References:
        Vaswani et al., "Attention Is All You Need", 2017, eq. 1 and section 3.5; Dosovitskiy et
        al., "An Image Is Worth 16x16 Words", 2021, for the patches. Departures: normalisation
        comes first in a block (Xiong et al. 2020), and tokens are averaged, with no class token.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES, Form.FRAMES)

    def __init__(
        self,
        dim: int = 64,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        patch: int = 4,
        dropout: float = 0.1,
        pooling: Literal["mean", "last", "attention"] = "mean",
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        if min(dim, width, layers, heads, patch) < 1 or width % (2 * heads):
            raise BadArgument(
                f"transformer: dim {dim}, width {width}, layers {layers}, heads {heads} and patch "
                f"{patch} must be positive, and width a multiple of twice the heads."
            )
        if not 0 <= dropout < 1:
            raise BadArgument(f"transformer: dropout is {dropout}, and [0, 1) is expected.")
        if shape.form not in self.forms:
            raise BadArgument(
                f"transformer takes images or series, and these are {shape.form}. Try mlp."
            )
        if pooling == "last" and shape.form is Form.IMAGES:
            raise BadArgument("transformer: images have no last step; give 'mean' or 'attention'.")
        self.dim = dim
        self.width = width
        self.stem: nn.Module
        if shape.height is not None and shape.width is not None:
            if shape.height % patch or shape.width % patch:
                raise BadArgument(
                    f"transformer: patches of {patch} pixels do not cut {shape.height}x"
                    f"{shape.width} evenly. Set encoder.patch to a divisor, or transform.size."
                )
            self.stem = nn.Conv2d(shape.channels, width, patch, stride=patch)
        else:
            self.stem = nn.Linear(shape.channels, width)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.pool = Pooling(pooling, width)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))

    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed series, or images as patches."""
        tokens = self.stem(inputs)
        if tokens.ndim == 4:
            tokens = map_tokens(tokens)
        mask = mask_of(tokens, lengths)
        tokens = tokens + self._positions(tokens)
        for block in self.blocks:
            tokens = block(tokens, mask)
        embedding: Tensor = self.head(self.pool(tokens, mask))
        return embedding

    def _positions(self, tokens: Tensor) -> Tensor:
        half = self.width // 2
        steps = torch.arange(tokens.shape[1], device=tokens.device, dtype=torch.float32)
        rates = torch.arange(half, device=tokens.device, dtype=torch.float32)
        angles = steps[:, None] * torch.exp(rates * (-math.log(10_000.0) / half))[None, :]
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(tokens.dtype)


class _Block(nn.Module):
    """Attention, then a two-layer network over each token, both beside a shortcut."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.before_network = nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Float[Tensor, "n t d"], mask: Bool[Tensor, "n t"]
    ) -> Float[Tensor, "n t d"]:
        n, t, d = tokens.shape
        together = self.queries_keys_values(self.before_attention(tokens))
        parts = together.reshape(n, t, 3, self.heads, d // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask[:, None, None, :]
        )
        tokens = tokens + self.dropout(self.mix(seen.transpose(1, 2).reshape(n, t, d)))
        changed: Tensor = tokens + self.dropout(self.network(self.before_network(tokens)))
        return changed
