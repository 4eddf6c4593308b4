"""The abstract class of the matchers."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from likewise.shapes import Float


class Matcher(nn.Module, ABC):
    """A learned comparison of two items, in place of a rigid distance.

    A larger logit says surer that the two are the same. It promises neither zero to itself nor the
    same answer when the two are exchanged; whoever uses one takes the mean of both orders.

    It compares embeddings, whose length comes from the house as `dim`; or feature maps, whose
    channels, height and width come from it as `maps`. Then `sizes` are those of what it compares,
    which `prepared` makes of the encoder's map: once for an item, whatever pairs that is in, and
    exported with the encoder as its output `features`.

    Example:
        >>> import torch
        >>> from likewise.learn.matchers import FAMILY
        >>> matcher = FAMILY.build("weighted_l1", dim=4)
        >>> tuple(matcher(torch.zeros(3, 4), torch.ones(3, 4)).shape)
        (3,)
    """

    sizes: tuple[int, int, int] | None = None

    @abstractmethod
    def forward(
        self, first: Float[Tensor, "n ..."], second: Float[Tensor, "n ..."]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""

    def prepared(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """What is compared of the encoder's feature maps; the maps themselves where nobody says."""
        return maps
