"""The abstract class of the encoders."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from likewise.shapes import Float, Int
from likewise.types import Kind


class Encoder(nn.Module, ABC):
    """One network that looks at every item: inputs in, embeddings out.

    Padding never changes an embedding, and in evaluation one row never changes another. The
    shape of the input comes from the house as `shape`.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    dim: int

    @abstractmethod
    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed images [n c h w], or sequences [n t d] with their true lengths."""
