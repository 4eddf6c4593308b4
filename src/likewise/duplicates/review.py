"""A stratified sample of pairs to label, and the precision that the labels show.

The pairs that were found are cut by distance into strata of about equal numbers; of each the same
number is drawn at random. What somebody then says of the sample is an estimate for all pairs,
however they hang together, since the chance is in the draw.
"""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.duplicates.result import Duplicates
from likewise.errors import BadArgument, DamagedSource, SourceNotFound, UnsupportedRate
from likewise.io import atomic
from likewise.io.bounded import read_named
from likewise.results import Result

STRATA = 5
COLUMNS = ("stratum", "pairs_in_stratum", "distance", "first", "second", "same")
WORDS: Mapping[str, bool] = {
    "1": True, "yes": True, "y": True, "true": True, "same": True,
    "0": False, "no": False, "n": False, "false": False, "different": False,
}  # fmt: skip
_LARGEST_BYTES = 64 * 2**20
_QUANTILE = 1.959964


@dataclass(frozen=True)
class Stratum:
    """Pairs of a range of distances.

    Attributes:
        pairs: How many there are.
        labelled: How many of them were labelled.
        same: How many of these are the same.
    """

    pairs: int
    labelled: int
    same: int


@dataclass(frozen=True, repr=False)
class ReviewedPrecision(Result):
    """Which share of the pairs that were found are the same, as far as a sample tells.

    Attributes:
        value: The share.
        low: Lower end of its 95% interval.
        high: Upper end.
        strata: What was labelled, from the nearest pairs to the farthest.
        unlabelled: How many pairs of the sample nobody labelled.
    """

    value: float
    low: float
    high: float
    strata: tuple[Stratum, ...]
    unlabelled: int

    def summary(self) -> str:
        """Return the share of the pairs that are the same, with its interval."""
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f}), {self.unlabelled} unlabelled"


def check_sample(most: int) -> None:
    """Refuse a sample that could not show anything.

    Raises:
        BadArgument: If fewer pairs are asked for than there are strata.
    """
    if most < STRATA:
        raise BadArgument(
            f"{most} pairs are to be drawn for the review, and at least {STRATA} are expected."
        )


def write_sample(path: Path, found: Duplicates, most: int, seed: int = 0) -> int:
    """Draw pairs by strata of distance, and write them to be labelled.

    Pairs of the same bytes are left out: there is nothing to say of them.

    Args:
        path: Of the table; its column `same` is empty.
        found: The pairs.
        most: How many are drawn.
        seed: Of the draw.

    Returns:
        How many were drawn; none where only the same bytes were found.

    Raises:
        BadArgument: If fewer are asked for than there are strata.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    check_sample(most)
    order = np.flatnonzero(~found.same_bytes)
    order = order[np.argsort(found.distances[order], kind="stable")]
    random = np.random.default_rng(seed)
    strata = [part for part in np.array_split(order, STRATA) if len(part)]
    lines = []
    for number, part in enumerate(strata, 1):
        share = most // len(strata) + (number <= most % len(strata))
        drawn = part if share >= len(part) else random.choice(part, share, replace=False)
        for at in np.sort(drawn).tolist():
            ends = (str(found.places[one[at]]) for one in (found.first, found.second))
            lines.append((number, len(part), f"{float(found.distances[at]):.9g}", *ends, ""))
    with atomic.replacing(path) as (file,):
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(lines)
        text.detach()
    return len(lines)


def read_sample(path: Path) -> ReviewedPrecision:
    """The precision that a labelled sample shows.

    Args:
        path: Of a table that `write_sample` wrote and somebody labelled: yes or no in `same`.

    Raises:
        SourceNotFound: If there is no such file.
        DamagedSource: If it is no such table; with the line.
        UnsupportedRate: If pairs of a stratum were not labelled at all.
    """
    try:
        text = read_named(path, _LARGEST_BYTES).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        raise SourceNotFound(f"There is no file {str(path)!r}. Check its path.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DamagedSource(f"{path} cannot be read as a table ({error}).") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise DamagedSource(
            f"{path} has not the columns {', '.join(COLUMNS)}. Give a table that --review wrote."
        )
    sizes: dict[int, int] = {}
    labels: dict[int, list[bool]] = {}
    unlabelled = 0
    for line, row in enumerate(rows, 2):
        number, size = (_whole(row[name], f"{path}, line {line}: {name}") for name in COLUMNS[:2])
        if sizes.setdefault(number, size) != size:
            raise DamagedSource(
                f"{path}, line {line}: stratum {number} has {size} pairs here and "
                f"{sizes[number]} before. Restore what --review wrote, but for the labels."
            )
        said = (row["same"] or "").strip().lower()
        if said and said not in WORDS:
            raise DamagedSource(
                f"{path}, line {line}: same is {said[:40]!r}, and yes, no or nothing is expected."
            )
        labels.setdefault(number, [])
        if said:
            labels[number].append(WORDS[said])
        unlabelled += not said
    strata = []
    for number in sorted(sizes):
        if len(labels[number]) > sizes[number]:
            raise DamagedSource(
                f"{path}: {len(labels[number])} pairs of stratum {number} are labelled, which has "
                f"{sizes[number]}. Restore what --review wrote, but for the labels."
            )
        strata.append(Stratum(sizes[number], len(labels[number]), sum(labels[number])))
    return precision(tuple(strata), unlabelled)


def _whole(text: str | None, what: str) -> int:
    try:
        number = int(text or "")
    except ValueError:
        number = 0
    if number < 1:
        raise DamagedSource(f"{what} is {(text or '')[:40]!r}, and a whole number is expected.")
    return number


def precision(strata: tuple[Stratum, ...], unlabelled: int = 0) -> ReviewedPrecision:
    """The share of all pairs that are the same, each stratum weighing as its pairs.

    The interval joins Wilson's intervals of the strata by the method of variance estimates
    recovery. A stratum that was labelled to the last pair is known, and adds nothing to it.

    Args:
        strata: What was labelled.
        unlabelled: How many pairs of the sample were not.

    Raises:
        UnsupportedRate: If a stratum has no label.

    References:
        Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927;
        Zou, Donner, "Construction of confidence limits about effect measures", 2008, eq. 3. The
        labels of n out of N count as n (N - 1) / (N - n), Cochran, "Sampling Techniques", 1977,
        eq. 3.8.
    """
    bare = [str(number) for number, one in enumerate(strata, 1) if not one.labelled]
    if bare:
        raise UnsupportedRate(
            f"No pair of stratum {', '.join(bare)} is labelled, and pairs of every range of "
            "distances are needed. Label some of each."
        )
    total = sum(one.pairs for one in strata)
    value = below = above = 0.0
    for one in strata:
        weight, share = one.pairs / total, one.same / one.labelled
        low, high = _wilson(one)
        value += weight * share
        below += (weight * (share - low)) ** 2
        above += (weight * (high - share)) ** 2
    return ReviewedPrecision(
        value, max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above)), strata,
        unlabelled,
    )  # fmt: skip


def _wilson(one: Stratum) -> tuple[float, float]:
    share = one.same / one.labelled
    if one.labelled == one.pairs:
        return share, share
    trials = one.labelled * (one.pairs - 1) / (one.pairs - one.labelled)
    square = _QUANTILE**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = _QUANTILE / (1 + square / trials)
    half *= math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)
