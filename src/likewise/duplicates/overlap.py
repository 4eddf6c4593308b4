"""How alike two images are where one lies over the other: cut, made smaller, blurred, written on.

Two faces agree in all that is coarse, and so do two photographs of a sky. What tells a copy is that
its details lie where those of the original lie, once it is laid over the right part of it.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from likewise.shapes import Array, Float, Int, UInt8

SIDE = 32
"""Pixels of the side of a look: every image is made a square of these."""
# A copy is looked for in parts of these sides, 1 to .75 of the whole, of nearly its proportions.
_SIDES = (32, 30, 29, 27, 26, 24)
_SKEW = 3
_REACH = 2
_LEAST = 1e-6


def look(image: Image.Image) -> UInt8[Array, "32 32"]:
    """An image as it is compared here: grey, small, and square whatever its proportions."""
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=3))


def likeness(
    looks: UInt8[Array, "n 32 32"],
    first: Int[Array, "m"],
    second: Int[Array, "m"],
    progress: Callable[[int, int], None] | None = None,
) -> Float[Array, "m"]:
    """The largest correlation of the details of each pair, one laid over a part of the other.

    Details are the departures of pixels from the mean of the 5x5 around them. Each of the two is
    taken for a part of the other: made smaller, to sides of 1 to .75 of the whole, and laid
    wherever it fits. What is brighter, of more contrast or of other colours correlates as before.

    Args:
        looks: Of every image; see `look`.
        first: Of each pair one row.
        second: The other.
        progress: Called with how many images were laid over others, of how many.

    Returns:
        Between -1 and 1; 0 where an image has no details.

    References:
        Lewis, "Fast Normalized Cross-Correlation", 1995, eq. 2. Departures: the means are those
        around each pixel, and sums over a few places are products, not transforms.
    """
    best = np.full(len(first), -1, dtype=np.float32)
    # Both of a pair are hosts; all pairs of a host are laid over it at once.
    hosts, parts = np.concatenate([first, second]), np.concatenate([second, first])
    pairs = np.tile(np.arange(len(first)), 2)
    order = np.argsort(hosts, kind="stable")
    starts = np.flatnonzero(np.diff(hosts[order], prepend=-1))
    for done, here in enumerate(np.split(order, starts[1:]) if len(order) else [], start=1):
        found = _laid_over(looks[hosts[here[0]]], looks[parts[here]])
        # A pair comes once under each of its hosts.
        best[pairs[here]] = np.maximum(best[pairs[here]], found)
        if progress is not None and (done % 256 == 0 or done == len(starts)):
            progress(done, len(starts))
    return best


def _laid_over(host: UInt8[Array, "32 32"], parts: UInt8[Array, "k 32 32"]) -> Float[Array, "k"]:
    """The largest correlation of each part, whole, with a part of the host."""
    detailed = _details(np.concatenate([host[None], parts]))
    whole, parts = detailed[0], detailed[1:]
    squares = np.zeros((SIDE + 1, SIDE + 1))
    squares[1:, 1:] = (whole.astype(np.float64) ** 2).cumsum(0).cumsum(1)
    best = np.full(len(parts), -1, dtype=np.float32)
    for high in _SIDES:
        lower = _SHRINKING[high] @ parts
        for wide in _SIDES:
            if abs(high - wide) > _SKEW:
                continue
            small = (lower @ _SHRINKING[wide].T).reshape(len(parts), -1)
            length = np.sqrt(np.einsum("ij,ij->i", small, small))
            energy = (
                squares[high:, wide:] - squares[:-high, wide:]
                - squares[high:, :-wide] + squares[:-high, :-wide]
            ).reshape(-1)  # fmt: skip
            lengths = np.sqrt(np.maximum(energy, 0)).astype(np.float32)[:, None] * length
            places = np.lib.stride_tricks.sliding_window_view(whole, (high, wide))
            found = places.reshape(-1, high * wide) @ small.T
            found[lengths <= _LEAST] = 0
            best = np.maximum(best, (found / np.maximum(lengths, _LEAST)).max(axis=0))
    return np.clip(best, -1, 1)


def _details(looks: UInt8[Array, "k 32 32"]) -> Float[Array, "k 32 32"]:
    """What is left when the mean of the square around each pixel is taken away."""
    side = 2 * _REACH + 1
    wide = np.pad(looks, [(0, 0), (_REACH, _REACH), (_REACH, _REACH)], mode="edge")
    sums = wide.astype(np.float32)
    sums = np.stack([sums[:, at : at + SIDE] for at in range(side)]).sum(axis=0)
    sums = np.stack([sums[:, :, at : at + SIDE] for at in range(side)]).sum(axis=0)
    rest: Array = looks - sums / np.float32(side * side)
    return rest


def _shrinking(side: int) -> Float[Array, "side 32"]:
    """The matrix that makes a row of pixels shorter, as Pillow does it."""
    unit = Image.fromarray(np.eye(SIDE, dtype=np.float32), mode="F")
    return np.asarray(unit.resize((side, SIDE), Image.Resampling.BILINEAR)).T.copy()


_SHRINKING = {side: _shrinking(side) for side in _SIDES}
