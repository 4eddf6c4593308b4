"""How recognition falls as a gallery grows: rank-1 and FNIR in random galleries of many sizes."""

from collections.abc import Callable

import numpy as np

from likewise.metrics.identification import probe_ranks, rejecting
from likewise.metrics.intervals import FEWEST_UNITS, share_of
from likewise.results import AtSize
from likewise.shapes import Array, Float, Int

GALLERIES = 20
# Distances of one sort (known ones, strangers) that are computed for a size, and items of a gallery
# that are asked for at most.
_DISTANCES = 10**8
_ITEMS = 2000
_FEWEST = 100


def by_size(
    vectors: Float[Array, "n dim"],
    codes: Int[Array, "n"],
    matrix: Callable[[Array, Array], Array],
    *,
    fpir: float = 0.1,
    galleries: int = GALLERIES,
    alone: bool = False,
    seed: int = 0,
) -> tuple[AtSize, ...]:
    """Rank-1 and FNIR in random galleries of 2, 5, 10, 20, 50, ... identities, and of all.

    A gallery of some size is that many identities drawn by lot, each enrolled by one item drawn by
    lot. The other items of these are asked for; the items of all other identities are strangers'.
    For the FNIR the threshold is the largest at which at most `fpir` of the strangers' items are
    taken for somebody, in that gallery: it describes the distances and promises nothing. Where a
    gallery has many items, some are drawn by lot, so that the time is bounded.

    Args:
        vectors: Embeddings.
        codes: The identity of each, 0 to identities - 1.
        matrix: The distances of some rows to others.
        fpir: At which false-identification rate the FNIR is given.
        galleries: How many of each size.
        alone: Whether `matrix` may not be called by several threads at once.
        seed: Of the lots.

    Returns:
        One of each size; identities weigh equally over all galleries they are in, and are the
        trials of the intervals. No FNIR where fewer than 20 identities would be strangers. Empty
        where there are not two identities of two items.

    References:
        ISO/IEC 19795-1:2021 for rank-1, FPIR and FNIR; Grother, Ngan, "Face Recognition Vendor
        Test: Performance of Face Identification Algorithms", NIST IR 8009, 2014, for both against
        the size of the gallery.
    """
    counts = np.bincount(codes)
    identities = np.flatnonzero(counts)
    if np.count_nonzero(counts >= 2) < 2:
        return ()
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(counts) - counts
    sizes = [size for size in _steps(len(identities)) if size < len(identities)]
    found = []
    for size in (*sizes, len(identities)):
        random = np.random.default_rng([seed, size])
        most = max(_FEWEST, min(_ITEMS, _DISTANCES // (galleries * size)))
        parts = []
        for _ in range(galleries):
            known = random.permutation(identities)[:size]
            drawn = (random.random(size) * counts[known]).astype(np.int64)
            enrolled = order[starts[known] + drawn]
            inside = np.isin(codes, known)
            outside = ~inside
            inside[enrolled] = False
            mates, strangers = (
                np.sort(random.permutation(np.flatnonzero(some))[:most])
                for some in (inside, outside)
            )
            parts.append(_gallery(vectors, codes, matrix, enrolled, mates, strangers, fpir, alone))
        of, rank_1, fnir = (np.concatenate(column) for column in zip(*parts, strict=True))
        if not len(of):
            continue
        enough = len(identities) - size >= FEWEST_UNITS
        found.append(
            AtSize(
                size=size,
                galleries=galleries,
                rank_1=share_of(rank_1, of),
                fpir=fpir,
                fnir=share_of(fnir, of) if enough else None,
                strangers=len(identities) - size,
            )
        )
    return tuple(found)


def _gallery(
    vectors: Float[Array, "n dim"],
    codes: Int[Array, "n"],
    matrix: Callable[[Array, Array], Array],
    enrolled: Int[Array, "k"],
    mates: Int[Array, "m"],
    strangers: Int[Array, "s"],
    fpir: float,
    alone: bool,
) -> tuple[Int[Array, "m"], Float[Array, "m"], Float[Array, "m"]]:
    """In one gallery: whose each probe is, its share of the first place, and whether it is lost."""
    nothing = np.zeros(0)
    if not len(mates):
        return mates, nothing, nothing
    ahead, tied, own, _ = probe_ranks(vectors, codes, mates, enrolled, matrix, alone=alone)
    first = np.where(ahead == 0, 1 / (tied + 1), 0.0)
    if not len(strangers):
        return codes[mates], first, np.ones(len(mates))
    *_, closest = probe_ranks(vectors, codes, strangers, enrolled, matrix, alone=alone)
    each = 1 / np.bincount(codes[strangers])[codes[strangers]]
    lost = 1 - first * (own <= rejecting(closest, each, fpir))
    return codes[mates], first, lost


def _steps(most: int) -> list[int]:
    """2, 5, 10, 20, 50, ... up to the most."""
    return [
        one * 10**power for power in range(12) for one in (1, 2, 5) if 2 <= one * 10**power <= most
    ]
