"""Images laid over one another: which are copies of others, cut, shrunk, blurred or written on.

No model is needed. What is coarse chooses candidates (`pair_candidates`), ten neighbours of an
image on average, and how the details of two lie over one another decides (`overlap`). The distance
of two images is what their correlation lacks of 1.
"""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias, final

import numpy as np

from likewise.duplicates.image_reader import image_measures, require_images
from likewise.duplicates.overlap import SIDE, likeness, look
from likewise.duplicates.pair_search import MOST_PAIRS, NearPairs
from likewise.duplicates.result import Threshold
from likewise.errors import BadArgument, UnsupportedRate
from likewise.metrics.intervals import NORMAL_QUANTILE, jackknife_error
from likewise.model import Block
from likewise.shapes import Array, Float, Int
from likewise.types import Items

NAME = f"overlay {SIDE}"
DIM = SIDE**2
THRESHOLD = 0.25
"""How far apart two images may be where nobody says."""
NEIGHBOURS = 10
FEWEST_ITEMS = 1000
FARTHEST = 1e4
"""How many times fewer false pairs than candidates of an image can be foreseen."""
# The tail is followed between the likest so many candidates of an image, on average.
_INNER, _OUTER = 1, 3
_LARGEST = 0.9999
# The whole, and parts of .85 of its sides in the middle and in the corners: top, left and side.
_WINDOWS = ((0, 0, 32), (2, 2, 27), (0, 0, 27), (0, 5, 27), (5, 0, 27), (5, 5, 27))
_WAVES = 8
_FEW = 64
_ROWS, _COLUMNS = 512, 4096
_SAMPLE = 400
# Where many images are equal, rounding does not choose among them.
_ROUNDING = 1e-5

Told: TypeAlias = Callable[[str], Callable[[int, int], None] | None]


@final
class Overlaid:
    """What the correlation of details lacks of 1, one image laid over a part of the other."""

    def rows(
        self, first: Float[Array, "n dim"], second: Float[Array, "n dim"]
    ) -> Float[Array, "n"]:
        """The distance of each look of `first` and the same row of `second`."""
        both = np.concatenate([first, second]).reshape(-1, SIDE, SIDE).astype(np.uint8)
        at = np.arange(len(first))
        return 1 - likeness(both, at, at + len(first))

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The distance of every look of `first` and every look of `second`."""
        both = np.concatenate([first, second]).reshape(-1, SIDE, SIDE).astype(np.uint8)
        row, column = np.indices((len(first), len(second))).reshape(2, -1)
        found: Array = 1 - likeness(both, row, column + len(first))
        return found.reshape(len(first), len(second))


def check_overlay(items: Items) -> None:
    """Refuse what cannot be laid over one another.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
    """
    require_images(
        items, "only images can be laid over one another. Leave --overlay (overlay=True) out."
    )


def grey_blocks(
    items: Items, *, strict: bool = False, threads: int | None = None
) -> Iterator[Block]:
    """The look of every image, some at a time and in order, as 1,024 grey values.

    Args:
        items: Images.
        strict: Whether the first that cannot be read is raised, instead of left out.
        threads: How many decode.

    Raises:
        UnreadableItem: If `strict` and an item cannot be read.
    """
    return image_measures(items, look, DIM, strict=strict, threads=threads)


def overlaid(
    looks: Float[Array, "n 1024"], threshold: float | None, expect_false: float | None, told: Told
) -> tuple[NearPairs, Threshold]:
    """The pairs of images that lie over one another.

    Args:
        looks: Of the collection, the same bytes once.
        threshold: How far apart two may be; .25 if None.
        expect_false: In its place, how many pairs of different images may be expected.
        told: Gives what is called with how many are done, of how many, for what is done.

    Raises:
        UnsupportedRate: If so many false pairs cannot be foreseen in this collection.
        BadArgument: If most images look alike.
    """
    count = len(looks)
    if expect_false is not None:
        _check_number(expect_false, count)
    first, second = pair_candidates(looks, NEIGHBOURS, told("comparing"))
    pixels = looks.reshape(-1, SIDE, SIDE).astype(np.uint8)
    alike = likeness(pixels, first, second, told("laying over"))
    if expect_false is not None:
        taken = _limit(expect_false, count, first, alike)
    elif threshold is not None:
        taken = Threshold(threshold, "given", "as it was given")
    else:
        taken = Threshold(THRESHOLD, "given", "as nobody said otherwise")
    far = (1 - alike).astype(np.float32)
    kept = np.flatnonzero(far.astype(np.float64) <= taken.value)
    kept = kept[np.lexsort((second[kept], first[kept], far[kept]))]
    return NearPairs(first[kept], second[kept], far[kept]), taken


def _check_number(wanted: float, count: int) -> None:
    if count < FEWEST_ITEMS:
        raise UnsupportedRate(
            f"How many of {count:,} images lie over another by chance cannot be foreseen, and "
            f"{FEWEST_ITEMS:,} are expected. Give a threshold in place of --expect-false."
        )
    most = _INNER * count / 2
    if not most / FARTHEST <= wanted < most:
        raise UnsupportedRate(
            f"{wanted:g} false pairs of {count:,} images cannot be foreseen: {most / FARTHEST:g} "
            f"or more can, and fewer than {most:g}. Give such a number, or a threshold."
        )


def _limit(wanted: float, count: int, first: Array, alike: Float[Array, "m"]) -> Threshold:
    """How alike two must be so that so many false pairs are expected.

    On Fisher's scale (the inverse hyperbolic tangent) the correlations of different images have a
    tail that thins out at least as fast as an exponential. It is followed from the likest 3 to the
    likest candidate of an image, on average. What is found is taken for copies and out of the tail,
    until no more is found. As the tail thins out faster farther out, mostly fewer false pairs are
    found than were expected; more where many images are of one scene, a moment apart, and nobody
    calls these copies.

    References:
        Fisher, "On the probable error of a coefficient of correlation", 1921, for the scale.
        Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5: the interval is that
        of the delete-one jackknife of the logarithm, over images.
    """
    scaled = np.arctanh(np.clip(alike.astype(np.float64), -_LARGEST, _LARGEST))
    order = np.sort(scaled)[::-1]
    inner, outer = _INNER * count // 2, _OUTER * count // 2
    steps = math.log(inner / wanted) / math.log(outer / inner)
    copies, known = 0, -1
    while copies > known:
        known = copies
        high, low = (float(order[min(known + at, len(order) - 1)]) for at in (inner, outer))
        if known + outer >= len(order) or not low < high:
            raise UnsupportedRate(
                f"Of {len(order):,} pairs that were laid over one another, most are equally alike, "
                "so that nothing can be followed. Give a threshold in place of --expect-false."
            )
        value = high + steps * (high - low)
        copies = int(np.searchsorted(-order, -value, side="right"))
    different = scaled < value
    beyond = [
        np.bincount(first[different & (scaled >= end)], minlength=count) for end in (high, low)
    ]
    near, far = (np.log((one.sum() - one) / one.sum()) for one in beyond)
    left_out = near + steps * (near - far)
    reach = NORMAL_QUANTILE * jackknife_error(left_out)
    least = math.tanh(value)
    words = (
        f"extrapolated from the {len(order):,} pairs that were laid over one another: without "
        f"those found, {inner:,} correlate by {math.tanh(high):.3f} or more and {outer:,} by "
        f"{math.tanh(low):.3f}, which leaves {wanted:g} at {least:.3f}"
    )
    low_end, high_end = (wanted * math.exp(sign * reach) for sign in (-1, 1))
    return Threshold(1 - least, "extrapolated", words, wanted, low_end, high_end)


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
