"""The network that is trained and exported: an encoder, and what follows and compares it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.learn.encoders.base import Encoder
from likewise.learn.network.matching import SymmetricMatcher
from likewise.learn.network.whitening import Whitening
from likewise.learn.views.base import View
from likewise.shapes import Float, Int

NetworkOutput: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""The embeddings of a batch; with its feature maps, where a matcher reads them."""


class Network(nn.Module):
    """An encoder whose embeddings may be scaled to length one.

    Where the matcher reads feature maps, they come with the embeddings, prepared for it: those of
    the items alone, whatever is embedded beside them.

    Args:
        encoder: Looks at each item.
        normalize: Whether embeddings are scaled to length one.
        matcher: Compares two embeddings; None where a distance alone does.
        views: What is embedded beside each item when it is used, for the mean of all; when it is
            trained, the item alone is.
        whitened: Whether embeddings are mapped once more, in use, as `whitening` was fitted.

    References:
        Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
        Networks", 2012, section 4.1, for the mean over views of an image. Departure: embeddings are
        averaged, not predictions.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        normalize: bool,
        matcher: SymmetricMatcher | None = None,
        views: Sequence[View] = (),
        whitened: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.whitening = Whitening(encoder.dim, encoder.parts) if whitened else None
        self.normalize = normalize
        self.matcher = matcher
        self.views = nn.ModuleList(views)
        self.copies = 1 + sum(view.copies for view in views)
        self._viewing = True

    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> NetworkOutput:
        """The embeddings of a batch, with its feature maps where the matcher reads them."""
        viewed = self._viewing and not self.training and len(self.views) > 0
        seen = torch.cat([inputs, *(view(inputs) for view in self.views)]) if viewed else inputs
        if self.gives_maps:
            maps = self.encoder.mapped(seen)
            each = self._followed(self.encoder.pooled(maps))
        else:
            each = self._followed(self.encoder(seen, None if viewed else lengths))
        if viewed:
            each = self._scaled(each.reshape(self.copies, -1, each.shape[1]).mean(0))
        if self.matcher is None or not self.matcher.uses_feature_maps:
            return each
        # Its length, asked for by `len`, would be fixed in the export.
        return each, self.matcher.matcher.prepared(maps[: inputs.shape[0]] if viewed else maps)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within it an item is embedded without its views, which is as many times faster."""
        before, self._viewing = self._viewing, False
        try:
            yield
        finally:
            self._viewing = before

    @property
    def gives_maps(self) -> bool:
        """Whether feature maps come with the embeddings."""
        return self.matcher is not None and self.matcher.uses_feature_maps

    def _followed(self, embedding: Float[Tensor, "n dim"]) -> Float[Tensor, "n dim"]:
        # What is trained is what goes in: the map is fitted to it afterwards.
        if self.whitening is not None and not self.training:
            embedding = self.whitening(embedding)
        return self._scaled(embedding)

    def _scaled(self, embedding: Float[Tensor, "n dim"]) -> Float[Tensor, "n dim"]:
        return functional.normalize(embedding.float(), dim=1) if self.normalize else embedding


def parted(output: NetworkOutput) -> tuple[Tensor, Tensor | None]:
    """The embeddings, and the feature maps where there are any."""
    return output if isinstance(output, tuple) else (output, None)


def without_loss(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network, without those that the loss had beside it (`loss.`)."""
    return {name: value for name, value in weights.items() if not name.startswith("loss.")}


def set_layout(network: Network, layout: torch.memory_format) -> None:
    """Put the weights of a network into memory in another order."""
    network.to(memory_format=layout)  # type: ignore[call-overload]
