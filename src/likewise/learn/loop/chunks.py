"""A large batch in the memory of a small one."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from likewise.shapes import Float, Int


def embedded_in_chunks(
    embed: nn.Module,
    inputs: Float[Tensor, "n ..."],
    lengths: Int[Tensor, "n"] | None,
    chunk: int,
) -> Tensor | tuple[Tensor, Tensor]:
    """The embeddings of a batch, whose gradient needs the memory of a chunk.

    Where the network gives feature maps, too, they come with them.

    Chunks of nearly one size go through the network one after the other, and nothing but their
    embeddings is kept. When the gradient of the loss comes back to a chunk, it goes through again,
    with the random state (of dropout, say) that it had before. So the gradient is that of the whole
    batch, in a third more time. Batch normalisation alone makes a difference: it takes its
    statistics from each chunk, and counts each chunk once.

    Args:
        embed: The network, as it is to be called.
        inputs: The whole batch.
        lengths: Of series.
        chunk: At most so many items at a time; 0 for the whole batch, as it is.

    References:
        Gao, Zhang, Han, Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
        Setup", 2021, section 3.2. Departure: torch's checkpoint of each chunk does the same steps
        (forward without a graph, the loss and its gradient at the embeddings, then each chunk
        forward and backward), so that a loss may have parameters and a matcher of its own.
    """
    if not chunk or len(inputs) <= chunk:
        embedded: Tensor | tuple[Tensor, Tensor] = embed(inputs, lengths)
        return embedded
    count = math.ceil(len(inputs) / chunk)
    parts = inputs.tensor_split(count)
    times = [None] * count if lengths is None else list(lengths.tensor_split(count))

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _counted_before(embed)

    found = [
        checkpoint(embed, part, time, use_reentrant=False, context_fn=contexts)
        for part, time in zip(parts, times, strict=True)
    ]
    if isinstance(found[0], tuple):
        vectors, maps = zip(*found, strict=True)
        return torch.cat(vectors), torch.cat(maps)
    return torch.cat(found)


@contextmanager
def _counted_before(network: nn.Module) -> Iterator[None]:
    """Keep batch normalisation from counting a chunk that goes through a second time."""
    norms = [part for part in network.modules() if isinstance(part, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked = norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, counted) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, counted
