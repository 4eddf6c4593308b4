"""How well the network does on the items that choose the best one."""

import numpy as np
import torch

from likewise.decoded import Decoded
from likewise.distances.base import Distance
from likewise.learn.network import Network
from likewise.learn.objective import on_device
from likewise.metrics.identification import one_shot
from likewise.metrics.verification import equal_error
from likewise.shapes import Array, Float
from likewise.transforms.base import Transform

_BATCH = 512


def validation_error(
    network: Network,
    part: Decoded | None,
    transform: Transform,
    distance: Distance,
    device: torch.device,
) -> float | None:
    """One-shot error on *select*, or the equal error rate where it holds pairs.

    Args:
        network: What is trained.
        part: The items that choose; None if there are none.
        transform: Finishes them.
        distance: Compares, where the network has no matcher.
        device: Where the network is.
    """
    if part is None:
        return None
    network.eval()
    vectors = np.concatenate(
        [
            _embedded(network, part, np.arange(at, min(at + _BATCH, len(part))), transform, device)
            for at in range(0, len(part), _BATCH)
        ]
    )

    def compare(first: Float[Array, "n dim"], second: Float[Array, "n dim"]) -> Array:
        if network.matcher is None:
            return np.asarray(distance.rows(first, second))
        with torch.inference_mode():
            sides = (torch.from_numpy(side).to(device) for side in (first, second))
            logits = network.matcher(*sides)
            return np.asarray(torch.nn.functional.softplus(-logits).cpu().numpy())

    pairs = part.items.pairs
    if pairs is None:
        own = ~part.items.forged
        _, codes = np.unique(part.items.identities[own], return_inverse=True)
        measured = one_shot(vectors[own], codes, compare, episodes=1000)
        return None if measured is None else 1 - measured.accuracy
    same = np.asarray(pairs.same, dtype=np.float64)
    if not 0 < same.sum() < len(same):
        return None
    distances = compare(vectors[pairs.first], vectors[pairs.second])
    _, error = equal_error(distances, same / same.sum(), (1 - same) / (1 - same).sum(), 0.0, 0.0)
    return error


def _embedded(
    network: Network, part: Decoded, rows: Array, transform: Transform, device: torch.device
) -> Float[Array, "n dim"]:
    with torch.inference_mode():
        inputs, lengths = on_device(part.batch(rows), device)
        return np.asarray(network(transform.finish(inputs), lengths).float().cpu().numpy())
