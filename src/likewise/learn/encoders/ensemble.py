"""Several networks of one kind, whose embeddings stand side by side."""

from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.encoders import FAMILY
from likewise.learn.encoders.base import Encoder
from likewise.shapes import Float, Int
from likewise.types import InputShape


@final
class Ensemble(Encoder):
    """Several encoders of one kind, each from other first weights; their embeddings in a row.

    What one of them gets wrong by chance, the others often get right: where more steps of one
    encoder no longer help, several in the same time may. Each costs its own time, in training and
    in use. With the loss `by_member` each learns as if it were alone; with any other loss all learn
    together, as one wide encoder.

    Args:
        of: What each member is: the spec of another encoder.
        members: How many there are, at least 2.
        normalize: Whether each member's embedding is scaled to length one, so that all count alike
            in the distance.

    Raises:
        BadArgument: If `members` is below 2, or a member would be an ensemble itself.

    References:
        Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty Estimation
        using Deep Ensembles", 2017, section 2.4: members from different first weights, all trained
        on all data. Departure: embeddings stand side by side (squared distances add up), where the
        paper averages predictions.
    """

    def __init__(
        self, of: str = "resnet", members: int = 2, normalize: bool = True, *, shape: InputShape
    ) -> None:
        super().__init__()
        if members < 2:
            raise BadArgument(f"ensemble: members is {members}, and at least 2 are expected.")
        if FAMILY.type_of(of) is Ensemble:
            raise BadArgument(
                "ensemble: of is an ensemble itself. Name the encoder of its members, and more "
                "members."
            )
        built = [FAMILY.build(of, shape=shape) for _ in range(members)]
        self.members = nn.ModuleList(built)
        first = built[0]
        self.forms = first.forms  # type: ignore[misc]
        self.normalize = normalize
        self.dim = members * first.dim
        self.parts = members
        if first.maps is not None:
            channels, high, wide = first.maps
            self.maps = (members * channels, high, wide)

    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed images [n c h w], or sequences [n t d] with their true lengths."""
        return self._in_a_row([member(inputs, lengths) for member in self._encoders()])

    def mapped(self, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, "n channels high wide"]:
        """The feature maps of all members, one behind the other."""
        return torch.cat([member.mapped(inputs) for member in self._encoders()], dim=1)

    def pooled(self, maps: Float[Tensor, "n channels high wide"]) -> Float[Tensor, "n dim"]:
        """The embeddings that follow from feature maps."""
        parts = maps.chunk(len(self.members), dim=1)
        return self._in_a_row(
            [member.pooled(part) for member, part in zip(self._encoders(), parts, strict=True)]
        )

    def _encoders(self) -> list[Encoder]:
        return cast(list[Encoder], list(self.members))

    def _in_a_row(self, parts: list[Tensor]) -> Float[Tensor, "n dim"]:
        if self.normalize:
            parts = [functional.normalize(part.float(), dim=1) for part in parts]
        return torch.cat(parts, dim=1)
