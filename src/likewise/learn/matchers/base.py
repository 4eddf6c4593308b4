"""The abstract class of the matchers."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from likewise.shapes import Float


class Matcher(nn.Module, ABC):
    """A learned comparison of two embeddings, in place of a rigid distance.

    A larger logit says surer that the two are the same. It promises neither zero to itself nor the
    same answer when the two are exchanged; whoever uses one takes the mean of both orders. The
    length of an embedding comes from the house as `dim`.
    """

    @abstractmethod
    def forward(
        self, first: Float[Tensor, "n dim"], second: Float[Tensor, "n dim"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
