"""What is there twice? By the same bytes first, then by embedding; nothing is ever deleted."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from likewise.calibration import Calibration, DecisionRequest
from likewise.data import as_source
from likewise.duplicates import (
    GROUPINGS,
    Duplicates,
    Maker,
    NearPairs,
    ScannedItems,
    Threshold,
    ThresholdRequest,
    calibration_of,
    embedding,
    grouped,
    hashing,
    overlaid,
    overlaying,
    pairs_within,
    scan_items,
    threshold_of,
)
from likewise.errors import BadArgument
from likewise.io.progress import watched_parts
from likewise.metrics.probability import probabilities_at
from likewise.model import Model, as_model
from likewise.registry import unknown
from likewise.renamed import renamed_arguments
from likewise.types import Items


@renamed_arguments(at="operating_point")
def dedupe(
    model: Model | str | Path | None,
    source: object,
    *,
    threshold: float | None = None,
    far: float | None = None,
    operating_point: str = "",
    expect_false: float | None = None,
    overlay: bool = False,
    groups: str = "complete",
    prior: float = 0.5,
    calibration: str = "default",
    comparator: str = "",
    cache: Path | None = None,
    strict: bool = False,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | bool | None = None,
) -> Duplicates:
    """Find the items of a source that are there twice, by their bytes and by what they show.

    Items with the same bytes are the same. What is left is compared with all others, exactly:
    every pair within the threshold is found, and only those. Without a model, images are compared
    by a perceptual hash of 64 bits, or laid over one another; then of the pairs that are coarsely
    alike, ten neighbours of an image on average, every one within the threshold is found.

    Args:
        model: What embeds and compares, or the path of its folder; None for the perceptual hash,
            or an overlay.
        source: The items: a path, a spec, a list of paths, PIL images or arrays, one array of all
            items, (X, y) with labels, a frame, pairs, or a `Source`.
        threshold: The largest distance of a pair; of a hash, in bits (8 if None); of an overlay,
            what the correlation of details lacks of 1 (.25 if None).
        far: Take the threshold of the operating point for this false-accept rate.
        operating_point: Take that of the operating point of this name.
        expect_false: Take the threshold at which so many pairs of different items are expected
            among all pairs of the collection.
        overlay: Lay images over one another, without a model, to find what was cut, too.
        groups: `complete`, where all of a group are within the threshold, or `components`.
        prior: The share of same pairs that probabilities assume.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        cache: A file that keeps the vectors, so that next time only new items are embedded.
        strict: Stop at the first item that cannot be read.
        threads: How many read and embed; as many as there are cores (at most 16) if None.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with what is done, and how many items it is done to, of how many.

    Raises:
        BadArgument: If an argument is not one, or far too many pairs are within the threshold.
        MissingExtra: If there is no model, and ImageHash is not installed.
        WrongKind: If the items are of another kind than the model, or than a hash needs.
        EmptySource: If there is no item, or none can be read.
        NotCalibrated: If the threshold is the model's, and it has none.
        UnsupportedRate: If the data do not support the threshold asked for.
        DamagedSource: If the cache is none.
        SaveFailed: If the cache cannot be written.

    Example:
        >>> import likewise
        >>> found = likewise.dedupe(
        ...     "model", ["a.png", "b.png", "a.png"], comparator="distance", threshold=0.01
        ... )
        >>> found.first.tolist(), found.second.tolist(), found.same_bytes.tolist()
        ([0], [2], [True])
    """
    request = DecisionRequest(
        far=far,
        operating_point=operating_point,
        prior=prior,
        calibration=calibration,
        comparator=comparator,
    )
    wanted = ThresholdRequest(threshold, request, expect_false)
    check_options(groups, overlay=overlay and model is not None)
    model = None if model is None else as_model(model)
    items = as_source(source, kind="" if model is None else model.kind).items()
    fitted = None
    if model is not None:
        fitted = calibration_of(model, wanted)
        maker = embedding(model, items, comparator)
    elif comparator or calibration != "default":
        raise BadArgument(
            f"comparator is {comparator!r} and calibration {calibration!r}, which are parts of "
            "a model, and there is none. Give a model, or leave them out."
        )
    elif overlay:
        wanted.of_overlay()  # what cannot be followed is refused before any work
        maker = overlaying(items)
    else:
        wanted.of_hashes()
        maker = hashing(items)

    with watched_parts(progress) as counted:

        def told(what: str) -> Callable[[int, int], None] | None:
            return None if counted is None else partial(counted, what)

        scanned = scan_items(items, maker, cache, strict, threads, told)
        if overlay:
            near, taken = overlaid(scanned.vectors, threshold, expect_false, told)
        else:
            taken = (
                wanted.of_hashes()
                if model is None
                else threshold_of(wanted, model, fitted, maker, scanned.vectors)
            )
            within, compares = taken.value, maker.comparator
            near = pairs_within(scanned.vectors, compares, within, progress=told("comparing"))
    return _assembled(items, scanned, near, taken, fitted, maker, groups, prior)


def check_options(groups: str, *, overlay: bool) -> None:
    """Refuse what cannot be followed whatever the items are.

    Args:
        groups: See `dedupe`.
        overlay: Whether an overlay was asked for beside a model.

    Raises:
        BadArgument: If one is none of what is expected.
    """
    if groups not in GROUPINGS:
        raise unknown("no way to group is named", groups, GROUPINGS)
    if overlay:
        raise BadArgument(
            "Images are laid over one another without a model, and one was given. Leave the model "
            "or --overlay (overlay=True) out."
        )


def _assembled(
    items: Items,
    scanned: ScannedItems,
    near: NearPairs,
    taken: Threshold,
    fitted: Calibration | None,
    maker: Maker,
    grouping: str,
    prior: float,
) -> Duplicates:
    """Everything that was found, by the rows of the items."""
    near = NearPairs(scanned.rows[near.first], scanned.rows[near.second], near.distances)
    likely = np.full(len(near.first), np.nan)
    if fitted is not None:
        likely = probabilities_at(fitted.ratios(near.distances), prior)
    again = np.flatnonzero(scanned.contents != np.arange(len(items)))
    compared = np.zeros(len(items), dtype=np.bool_)
    compared[scanned.rows] = True
    return Duplicates(
        source=items.namespace,
        places=items.places,
        read=compared[scanned.contents],
        first=np.concatenate([scanned.contents[again], near.first]),
        second=np.concatenate([again, near.second]),
        distances=np.concatenate([np.zeros(len(again), np.float32), near.distances]),
        same_bytes=np.arange(len(again) + len(near.first)) < len(again),
        probabilities=np.concatenate([np.full(len(again), np.nan), likely]),
        prior=prior,
        groups=grouped(scanned.contents, near, grouping),
        grouping=grouping,
        threshold=taken,
        compared_by=maker.words,
        failed=scanned.failed,
        embedded=scanned.embedded,
        remembered=scanned.remembered,
    )
