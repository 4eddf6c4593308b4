"""Which images may show the same, in the whole or in a part: by what is coarse in them.

An image that was cut resembles a window of its original. So the coarse look of every whole is held
against that of every window of every other, and the nearest pairs are candidates.
"""

from collections.abc import Callable, Iterator

import numpy as np

from likewise.duplicates.overlap import SIDE
from likewise.duplicates.pair_search import MOST_PAIRS
from likewise.errors import BadArgument
from likewise.shapes import Array, Float, Int

# The whole, and parts of .85 of its sides in the middle and in the corners: top, left and side.
_WINDOWS = ((0, 0, 32), (2, 2, 27), (0, 0, 27), (0, 5, 27), (5, 0, 27), (5, 5, 27))
_WAVES = 8
_FEW = 64
_ROWS, _COLUMNS = 512, 4096
_SAMPLE = 400
# Where many images are equal, rounding does not choose among them.
_ROUNDING = 1e-5


def pair_candidates(
    looks: Float[Array, "n 1024"],
    neighbours: float,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Int[Array, "m"], Int[Array, "m"]]:
    """The pairs that are coarsely alike, so many neighbours an item on average.

    Args:
        looks: Of every image, its 32x32 grey values.
        neighbours: How many an item has, on average; of 64 images or fewer all pairs are given.
        progress: Called with how many images are held against all after them, of how many.

    Returns:
        The smaller and the larger row of each pair.

    Raises:
        BadArgument: If they are far too many, since most images look alike.
    """
    count = len(looks)
    if count <= _FEW:
        first, second = np.triu_indices(count, 1)
        return first, second
    views = _views(looks)
    # The largest correlations of some images with all tell which is reached by so many.
    some = np.random.default_rng(0).permutation(count)[:_SAMPLE]
    beside = np.sort(np.concatenate([_alike(views, some, part) for part in _parts(count)], axis=1))
    # An image is its own nearest, and does not count.
    share = neighbours / (count - 1)
    least = float(np.quantile(beside[:, :-1], max(0.0, 1 - share))) - _ROUNDING
    found: list[tuple[Array, Array]] = []
    total = 0
    for start in range(0, count, _ROWS):
        rows = np.arange(start, min(start + _ROWS, count))
        for part in _parts(count, start):
            row, column = np.nonzero(_alike(views, rows, part) >= least)
            row, column = row + start, column + part.start
            once = column > row
            found.append((row[once], column[once]))
            total += int(once.sum())
            if total > MOST_PAIRS:
                raise BadArgument(
                    f"More than {MOST_PAIRS:,} pairs of {count:,} images are coarsely alike, and "
                    "to lay them over one another would take hours. Leave out what is blank."
                )
        if progress is not None:
            progress(int(rows[-1]) + 1, count)
    return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


def _parts(count: int, start: int = 0) -> Iterator[slice]:
    for left in range(start, count, _COLUMNS):
        yield slice(left, min(left + _COLUMNS, count))


def _alike(
    views: list[Float[Array, "n waves"]], rows: Int[Array, "m"], part: slice
) -> Float[Array, "m k"]:
    """The largest correlation of some images with others, one whole and the other in a window."""
    whole = views[0]
    best = whole[rows] @ whole[part].T
    for view in views[1:]:
        np.maximum(best, whole[rows] @ view[part].T, out=best)
        np.maximum(best, view[rows] @ whole[part].T, out=best)
    return best


def _views(looks: Float[Array, "n 1024"]) -> list[Float[Array, "n waves"]]:
    """The coarse look of each window: its lowest waves, each by its spread, of length one.

    By its spread, since nearly everything in images is of the lowest waves, which tell little.
    """
    found = []
    spread: Array | None = None
    for top, left, side in _WINDOWS:
        down, across = _waves(top, side), _waves(left, side)
        both = np.einsum("ky,lx->klyx", down, across).reshape(_WAVES**2, SIDE**2)
        view = looks @ both[1:].T.astype(np.float32)
        view -= view.mean(axis=0)
        if spread is None:
            # Below one grey value there is nothing but rounding, which would be made large.
            spread = np.maximum(view.std(axis=0), 1)
        view /= spread
        view /= np.maximum(np.linalg.norm(view, axis=1, keepdims=True), 0.1)
        found.append(view)
    return found


def _waves(start: int, side: int) -> Float[Array, "8 32"]:
    """Cosines over a part of a line, of length one, as in the discrete cosine transform."""
    places = np.arange(SIDE)
    inside = (places >= start) & (places < start + side)
    waves = np.cos(np.pi * np.arange(_WAVES)[:, None] * (places - start + 0.5) / side) * inside
    unit: Array = waves / np.linalg.norm(waves, axis=1, keepdims=True)
    return unit
