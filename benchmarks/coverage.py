"""How often a 95% interval holds the truth, and a guaranteed threshold its promise.

    python -m benchmarks.coverage --runs 2000
    python -m benchmarks.coverage --runs 2000 --world hubs
    python -m benchmarks.coverage --guarantee --runs 2000

The world has identities of unequal difficulty with unequal numbers of items: centres are normal in
three dimensions, items normal around them with a spread of the identity's own, so that both error
rates at a threshold are known in closed form. In the world `hubs` a fifth of the identities lie
near the middle, where they are taken for each other, and their items are spread wider.

A run draws so many identities, and every method gives an interval for the false-accept rates .01
and .05 and for the false-reject rate at the latter. `below` and `above` are the shares of runs in
which the truth lay outside at that end; `width` is the median ratio of the upper end to the truth.
A cell is marked where its coverage is
significantly (one-sided, 5%) below .93, or above .99 at FAR .01.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.calibration.thresholds import guaranteed
from likewise.distances.euclidean import Euclidean
from likewise.metrics.tally import Tally
from likewise.pairs.all_pairs import AllPairs
from likewise.shapes import Array
from likewise.types import Claim

DIM = 3
SIZES = (20, 40, 100, 300)
Interval = tuple[float, float]


@dataclass(frozen=True)
class World:
    """Identities whose error rates are known.

    Attributes:
        spreads: The standard deviations of items around their centre that identities may have.
        centres: With each of these, the standard deviation of the identity's centre.
        shares: How frequent each is among identities.
        items: Fewest and most items of an identity.
    """

    spreads: tuple[float, ...] = (0.15, 0.25, 0.4)
    centres: tuple[float, ...] = (1.0, 1.0, 1.0)
    shares: tuple[float, ...] = (0.4, 0.4, 0.2)
    items: tuple[int, int] = (2, 10)

    def far(self, threshold: float) -> float:
        """The true false-accept rate: two items differ by a normal vector of known spread."""
        squares = np.square(self.spreads) + np.square(self.centres)
        variance = squares[:, None] + squares[None, :]
        accepted = stats.chi2.cdf(threshold**2 / variance, DIM)
        return float(np.asarray(self.shares) @ accepted @ np.asarray(self.shares))

    def frr(self, threshold: float) -> float:
        """The true false-reject rate, identities weighing equally."""
        rejected = stats.chi2.sf(threshold**2 / (2 * np.square(self.spreads)), DIM)
        return float(np.asarray(self.shares) @ rejected)

    def threshold(self, far: float) -> float:
        """The threshold of a true false-accept rate."""
        low, high = 0.0, 100.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if self.far(middle) < far else (low, middle)
        return low

    def draw(self, identities: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Items of so many identities, and the number of the identity that each is of."""
        sizes = random.integers(self.items[0], self.items[1] + 1, identities)
        codes = np.repeat(np.arange(identities), sizes)
        sort = random.choice(len(self.shares), identities, p=self.shares)
        scale = np.asarray(self.centres)[sort]
        centres = (scale[:, None] * random.normal(size=(identities, DIM)))[codes]
        spread = np.asarray(self.spreads)[sort][codes]
        vectors = centres + spread[:, None] * random.normal(size=(len(codes), DIM))
        return vectors.astype(np.float32), codes


WORLDS = {"even": World(), "hubs": World((0.15, 0.25, 0.5), (1.2, 1.0, 0.4))}


@dataclass(frozen=True)
class Seen:
    """What a threshold did, as shares: of every two identities, or of every identity's own pairs.

    Attributes:
        shares: k x k, zero on the diagonal, for FAR; k for FRR.
        tally: The same in the house's form.
    """

    shares: Array
    tally: Tally


def seen(vectors: Array, codes: Array, thresholds: Sequence[float]) -> list[tuple[Seen, Seen]]:
    """FAR and FRR of each threshold, counted here anew."""
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    squared = lengths[:, None] + lengths[None, :] - 2 * vectors @ vectors.T
    found = []
    for threshold in thresholds:
        within = (squared <= threshold**2).view(np.uint8)
        rows = np.add.reduceat(within, starts, axis=1, dtype=np.int32)
        counts = np.add.reduceat(rows, starts, axis=0).astype(np.float64)
        trials = sizes * (sizes - 1) / 2
        rejected = 1 - (np.diag(counts) - sizes) / 2 / trials
        np.fill_diagonal(counts, 0)
        shares = counts / np.outer(sizes, sizes)
        found.append((_far(shares, counts), _frr(rejected, trials)))
    return found


def _far(shares: Array, counts: Array) -> Seen:
    count = len(shares)
    total = shares.sum() / 2
    tally = Tally(
        total,
        count * (count - 1) / 2,
        total - shares.sum(1),
        np.full(count, (count - 1) * (count - 2) / 2),
        round(counts.sum() / 2),
        10**6,
        count / 2,
    )
    return Seen(shares, tally)


def _frr(rejected: Array, trials: Array) -> Seen:
    count, total = len(rejected), rejected.sum()
    errors = round(float((rejected * trials).sum()))
    without = np.full(count, count - 1.0)
    return Seen(rejected, Tally(total, count, total - rejected, without, errors, 10**6, count))


def house(found: Seen, random: np.random.Generator) -> Interval:  # noqa: ARG001
    """The method of `likewise.metrics.intervals`."""
    rate = found.tally.rate()
    return (rate.low or 0.0, 1.0 if rate.high is None else rate.high)


def _no_error(tally: Tally) -> Interval:
    return 0.0, 1 - 0.05 ** (1 / tally.independent)


def wilson(found: Seen, random: np.random.Generator) -> Interval:  # noqa: ARG001
    """Wilson's interval with the size that gives the U-statistic its jackknife variance."""
    return _wilson(found.tally, float(stats.norm.ppf(0.975)))


def wilson_t(found: Seen, random: np.random.Generator) -> Interval:  # noqa: ARG001
    """The same with a t quantile."""
    return _wilson(found.tally, float(stats.t.ppf(0.975, len(found.tally.without) - 1)))


def _wilson(tally: Tally, quantile: float) -> Interval:
    value, count = tally.value, len(tally.without)
    variance = (count - 1) / count * float(np.sum((tally.without - tally.without.mean()) ** 2))
    if not 0 < value < 1 or variance <= 0:
        return _no_error(tally)
    square = quantile**2 * variance / (value * (1 - value))
    centre = (value + square / 2) / (1 + square)
    half = np.sqrt(square * value * (1 - value) + square**2 / 4) / (1 + square)
    return float(centre - half), float(centre + half)


def bootstrap(found: Seen, random: np.random.Generator, times: int = 400) -> Interval:
    """Percentiles over resampled identities; two copies of one make no pair."""
    count = len(found.shares)
    if not 0 < found.tally.value < 1:
        return _no_error(found.tally)
    drawn = random.multinomial(count, np.full(count, 1 / count), times).astype(np.float64)
    if found.shares.ndim == 1:
        values = drawn @ found.shares / count
    else:
        pairs = count**2 - (drawn**2).sum(1)
        values = ((drawn @ found.shares) * drawn).sum(1) / pairs
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


METHODS: dict[str, Callable[[Seen, np.random.Generator], Interval]] = {
    "logit jackknife, t (house)": house,
    "Wilson, effective size": wilson,
    "Wilson, effective size, t": wilson_t,
    "vertex bootstrap": bootstrap,
}


def coverage(
    identities: int, runs: int, methods: Sequence[str], world: World, seed: int = 0
) -> dict[tuple[str, str], Array]:
    """For every method and rate: shares of runs below, above, and the median relative upper end."""
    random = np.random.default_rng([seed, identities])
    thresholds = [world.threshold(0.01), world.threshold(0.05)]
    truths = {"FAR .01": 0.01, "FAR .05": 0.05, "FRR": world.frr(thresholds[1])}
    ends: dict[tuple[str, str], list[Interval]] = {(m, r): [] for m in methods for r in truths}
    for _ in range(runs):
        (strict, _), (far, frr) = seen(*world.draw(identities, random), thresholds)
        for rate, found in zip(truths, (strict, far, frr), strict=True):
            for method in methods:
                ends[method, rate].append(METHODS[method](found, random))
    result = {}
    for (method, rate), intervals in ends.items():
        low, high = np.array(intervals).T
        truth = truths[rate]
        result[method, rate] = np.array(
            [np.mean(truth < low), np.mean(truth > high), np.median(high) / truth]
        )
    return result


def allowed(rate: str, runs: int) -> tuple[float, float]:
    """Coverage outside of this is significantly too small or too large (one-sided, 5%)."""
    low = stats.binom.ppf(0.05, runs, 0.93) / runs
    high = stats.binom.ppf(0.95, runs, 0.99) / runs if rate == "FAR .01" else 1.0
    return float(low), float(high)


def show_coverage(runs: int, sizes: Sequence[int], methods: Sequence[str], world: World) -> None:
    """Print the table of coverages."""
    for identities in sizes:
        for (method, rate), (below, above, width) in coverage(
            identities, runs, methods, world
        ).items():
            covers = 1 - below - above
            low, high = allowed(rate, runs)
            wrong = "too small" if covers < low else "too large" if covers > high else None
            cells = {"identities": identities, "rate": rate, "method": method}
            found = {"covers": covers, "below": below, "above": above, "width": width}
            found = {name: round(float(value), 4) for name, value in found.items()}
            results.row("", {**cells, **found, "mark": wrong})


def promises(
    identities: int, items: tuple[int, int], target: float, runs: int, seed: int = 0
) -> tuple[float, float, float]:
    """The share of guaranteed thresholds that keep their promise, the refused, the median FAR."""
    world = replace(World(), items=items)
    random = np.random.default_rng([seed, identities])
    rates = []
    for _ in range(runs):
        vectors, codes = world.draw(identities, random)
        compared = AllPairs.of(vectors, codes, Euclidean())
        found = guaranteed(compared, compared.spread(), Claim.NEW_IDENTITIES, [target])[target]
        rates.append(np.nan if found is None else world.far(found))
    kept = np.array(rates)
    given = ~np.isnan(kept)
    held = float(np.mean(kept[given] <= target)) if given.any() else np.nan
    return held, float(1 - given.mean()), float(np.median(kept[given])) if given.any() else np.nan


def show_promises(runs: int) -> None:
    """Print how often a guaranteed threshold keeps its promise, is refused, and what it gives."""
    worlds = ((100, (10, 10), 0.05), (60, (2, 10), 0.1), (300, (2, 10), 0.01))
    for identities, items, target in worlds:
        kept, refused, median = promises(identities, items, target, runs)
        wrong = None if kept >= stats.binom.ppf(0.05, runs, 0.95) / runs else "too seldom"
        cells = {"identities": identities, "items": f"{items[0]}-{items[1]}", "target": target}
        found = {"kept": kept, "refused": refused, "median FAR": median, "mark": wrong}
        results.row("", {**cells, **found})


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000, help="draws of identities a size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of identities")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--world", choices=WORLDS, default="even", help="what identities are like")
    parser.add_argument("--guarantee", action="store_true", help="test thresholds instead")
    given = parser.parse_args()
    print(machine_line())
    if given.guarantee:
        show_promises(given.runs)
    else:
        show_coverage(given.runs, given.sizes, given.methods, WORLDS[given.world])


if __name__ == "__main__":
    results.run("coverage", main)
