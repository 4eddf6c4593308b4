"""How well the network does on the items that choose the best one, and whether it collapsed."""

from typing import Any, NamedTuple

import numpy as np
import torch

from likewise.auditing import spread_of
from likewise.data import Decoded
from likewise.distances.base import Distance
from likewise.learn.loop.objective import on_device
from likewise.learn.network.matching import SymmetricMatcher
from likewise.learn.network.network import Network, parted
from likewise.metrics.identification import one_shot
from likewise.metrics.verification import equal_error
from likewise.model import FeatureMaps, vectors_of
from likewise.shapes import Array, Float
from likewise.transforms.base import Transform

_BATCH = 512
_CLASSES, _EACH, _PAIRS = 40, 4, 200
# Pairs of feature maps that are compared at once.
_AT_ONCE = 256


class Validated(NamedTuple):
    """How well a network does now.

    Attributes:
        figure: The validation error; None if no items choose.
        note: That the embedding has collapsed, in words; empty if not.
        error: The error on a sample of the items that choose, or where there are none of those
            that are learned from; None where it is not wanted, or cannot be measured.
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
    *,
    doubted: bool = True,
) -> Validated:
    """How well the network does, and whether its embedding has collapsed.

    Args:
        network: What is trained.
        part: The items that choose; None if there are none.
        train: Items that it learns from, of which some are looked at where none choose.
        transform: Finishes them.
        distance: Compares, where the network has no matcher.
        device: Where the network is.
        doubted: Whether the error on the sample is wanted.
    """
    of = train if part is None else part
    rows = sample_of(of)
    figure = None
    if part is None:
        with network.alone():
            seen = some = _features(network, of.take(rows), transform, device)
    else:
        seen = _features(network, part, transform, device)
        some = seen[rows]
    vectors = vectors_of(seen)
    if not np.isfinite(vectors).all():
        return Validated(None, "", None, finite=False)
    if part is not None:
        figure = validation_error(network, part, seen, distance, device)
    error = None
    if doubted:
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
    with network.alone():
        seen = _features(network, some, transform, device)
    if not np.isfinite(vectors_of(seen)).all():
        return None
    return validation_error(network, some, seen, distance, device)


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
    with network.alone():
        parts = [embedded(network, train, rows, transform, device) for rows in blocks]
    vectors = np.concatenate(parts)
    sums = np.zeros((len(counts), vectors.shape[1]), dtype=vectors.dtype)
    np.add.at(sums, labels[chosen], vectors)
    centres: Array = sums / np.minimum(counts, each)[:, None].astype(vectors.dtype)
    return centres


def validation_error(
    network: Network,
    part: Decoded,
    vectors: Float[Any, "n dim"],
    distance: Distance,
    device: torch.device,
) -> float | None:
    """One-shot error on *select*, or the equal error rate where it holds pairs.

    Args:
        network: What is trained.
        part: The items that choose.
        vectors: Their embeddings, with feature maps where the matcher reads them.
        distance: Compares, where the network has no matcher.
        device: Where the network is.
    """

    def compare(first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Array:
        if network.matcher is None:
            return np.asarray(distance.rows(first, second))
        step = _AT_ONCE if network.gives_maps else max(1, len(first))
        parts = [slice(at, at + step) for at in range(0, len(first), step)]
        found = [_matched(network.matcher, first[one], second[one], device) for one in parts]
        return np.concatenate(found)

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


def _matched(
    matcher: SymmetricMatcher,
    first: Float[Any, "n dim"],
    second: Float[Any, "n dim"],
    device: torch.device,
) -> Float[Array, "n"]:
    sides = (side.maps if isinstance(side, FeatureMaps) else side for side in (first, second))
    with torch.inference_mode():
        logits = matcher(*(torch.from_numpy(side).to(device) for side in sides))
        return np.asarray(torch.nn.functional.softplus(-logits).cpu().numpy())


def _features(
    network: Network, part: Decoded, transform: Transform, device: torch.device
) -> Float[Any, "n dim"]:
    blocks = [np.arange(at, min(at + _BATCH, len(part))) for at in range(0, len(part), _BATCH)]
    sizes = network.matcher.matcher.sizes if network.matcher is not None else None
    if sizes is None:
        return np.concatenate([embedded(network, part, rows, transform, device) for rows in blocks])
    pairs = (_features_at(network, part, rows, transform, device) for rows in blocks)
    both = ((vectors, maps) for vectors, maps in pairs if maps is not None)
    return FeatureMaps.of(both, len(part), sizes)


def embedded(
    network: Network, part: Decoded, rows: Array, transform: Transform, device: torch.device
) -> Float[Array, "n dim"]:
    """The embeddings of the items at these rows, as the network gives them in use."""
    return _features_at(network, part, rows, transform, device)[0]


def _features_at(
    network: Network, part: Decoded, rows: Array, transform: Transform, device: torch.device
) -> tuple[Float[Array, "n dim"], Float[Array, "n c h w"] | None]:
    """Embeddings, and feature maps where the matcher reads them, as they are in use."""
    network.eval()
    with torch.inference_mode():
        inputs, lengths = on_device(part.batch(rows), device)
        vectors, maps = parted(network(transform.finish(inputs), lengths))
        seen = None if maps is None else np.asarray(maps.float().cpu().numpy())
        return np.asarray(vectors.float().cpu().numpy()), seen
