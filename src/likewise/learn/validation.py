"""How well the network does on the items that choose the best one, and whether it collapsed."""

from typing import NamedTuple

import numpy as np
import torch

from likewise.audit.margins import spread_of
from likewise.decoded import Decoded
from likewise.distances.base import Distance
from likewise.learn.network import Network
from likewise.learn.objective import on_device
from likewise.metrics.identification import one_shot
from likewise.metrics.verification import equal_error
from likewise.shapes import Array, Float
from likewise.transforms.base import Transform

_BATCH = 512
_CLASSES, _EACH, _PAIRS = 40, 4, 200


class Validated(NamedTuple):
    """How well a network does now.

    Attributes:
        figure: The validation error; None if no items choose.
        note: That the embedding has collapsed, in words; empty if not.
        error: The error on a sample of the items that choose, or where there are none of those
            that are learned from; None where it cannot be measured.
        finite: Whether all embeddings are of finite numbers.
    """

    figure: float | None
    note: str
    error: float | None
    finite: bool


def validated(
    network: Network,
    part: Decoded | None,
    train: Decoded,
    transform: Transform,
    distance: Distance,
    device: torch.device,
) -> Validated:
    """How well the network does, and whether its embedding has collapsed.

    Args:
        network: What is trained.
        part: The items that choose; None if there are none.
        train: Items that it learns from, of which some are looked at where none choose.
        transform: Finishes them.
        distance: Compares, where the network has no matcher.
        device: Where the network is.
    """
    of = train if part is None else part
    rows = sample_of(of)
    figure = None
    if part is None:
        vectors = some = _embedded(network, of.take(rows), transform, device)
    else:
        vectors = _embedded(network, part, transform, device)
        some = vectors[rows]
    if not np.isfinite(vectors).all():
        return Validated(None, "", None, finite=False)
    if part is not None:
        figure = validation_error(network, part, vectors, distance, device)
    error = validation_error(network, of.take(rows), some, distance, device)
    note = spread_of(vectors).sentence if len(vectors) > 1 else ""
    return Validated(figure, note, error, finite=True)


def sample_error(
    network: Network,
    part: Decoded,
    transform: Transform,
    distance: Distance,
    device: torch.device,
) -> float | None:
    """The error on a few items of a part; None where it cannot be measured."""
    some = part.take(sample_of(part))
    vectors = _embedded(network, some, transform, device)
    if not np.isfinite(vectors).all():
        return None
    return validation_error(network, some, vectors, distance, device)


def sample_of(part: Decoded) -> Array:
    """The rows of a few items of many classes, from all over; or of the ends of some pairs."""
    pairs = part.items.pairs
    if pairs is not None:
        step = max(1, len(pairs.first) // _PAIRS)
        ends = [np.asarray(end)[::step][:_PAIRS] for end in (pairs.first, pairs.second)]
        return np.unique(np.concatenate(ends))
    _, labels, counts = np.unique(part.items.classes, return_inverse=True, return_counts=True)
    chosen = np.arange(len(counts))[:: max(1, len(counts) // _CLASSES)][:_CLASSES]
    order = np.argsort(labels, kind="stable")
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: Array = np.sort(order[(place < _EACH) & np.isin(labels[order], chosen)])
    return rows


def class_centres(
    network: Network,
    train: Decoded,
    each: int,
    transform: Transform,
    device: torch.device,
    random: np.random.Generator,
) -> Float[Array, "classes dim"]:
    """The mean embedding of each class, in the order of their sorted names.

    Args:
        network: What is trained.
        train: The items that it learns from.
        each: How many items of a class are embedded.
        transform: Finishes them.
        device: Where the network is.
        random: Which items.
    """
    _, labels = np.unique(train.items.classes, return_inverse=True)
    order = np.lexsort((random.random(len(labels)), labels))
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, counts)
    chosen = order[place < each]
    blocks = (chosen[at : at + _BATCH] for at in range(0, len(chosen), _BATCH))
    vectors = np.concatenate([embedded(network, train, rows, transform, device) for rows in blocks])
    sums = np.zeros((len(counts), vectors.shape[1]), dtype=vectors.dtype)
    np.add.at(sums, labels[chosen], vectors)
    centres: Array = sums / np.minimum(counts, each)[:, None].astype(vectors.dtype)
    return centres


def validation_error(
    network: Network,
    part: Decoded,
    vectors: Float[Array, "n dim"],
    distance: Distance,
    device: torch.device,
) -> float | None:
    """One-shot error on *select*, or the equal error rate where it holds pairs.

    Args:
        network: What is trained.
        part: The items that choose.
        vectors: Their embeddings.
        distance: Compares, where the network has no matcher.
        device: Where the network is.
    """

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
    network: Network, part: Decoded, transform: Transform, device: torch.device
) -> Float[Array, "n dim"]:
    blocks = (np.arange(at, min(at + _BATCH, len(part))) for at in range(0, len(part), _BATCH))
    return np.concatenate([embedded(network, part, rows, transform, device) for rows in blocks])


def embedded(
    network: Network, part: Decoded, rows: Array, transform: Transform, device: torch.device
) -> Float[Array, "n dim"]:
    """The embeddings of the items at these rows, as the network gives them in use."""
    network.eval()
    with torch.inference_mode():
        inputs, lengths = on_device(part.batch(rows), device)
        return np.asarray(network(transform.finish(inputs), lengths).float().cpu().numpy())
