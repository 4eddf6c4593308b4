"""Genuine and forged items: three populations of pairs, each with its own rates.

A same pair is two genuine items of one identity. A different pair is *skilled*, a genuine item with
a forgery of its identity, or *random*, two genuine items of two identities. Forgeries are compared
with nothing else: nobody would ask whether two of them are the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from likewise.distances.comparator import Comparator
from likewise.errors import BadDistance, SplitError
from likewise.metrics import verification
from likewise.metrics.tally import Tally
from likewise.pairs.all_pairs import AllPairs
from likewise.registry import unknown
from likewise.results import ErrorRates, Mistake
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.types import Claim, Items

SKILLED, RANDOM, BOTH = AGAINST = ("skilled", "random", "both")


@dataclass(frozen=True)
class ForgeryPairs:
    """Pairs of genuine and forged items, compared block by block.

    Attributes:
        vectors: Of all items.
        genuine: All pairs of the genuine items.
        forgeries: For each identity that has forgeries, the rows of these in `vectors`.
        against: Which different pairs a false-accept rate is of: `skilled`, `random`, or `both`,
            each weighing half.
    """

    vectors: Float[Any, "n dim"]
    genuine: AllPairs
    forgeries: Mapping[int, Int[Array, "_"]]
    against: str

    @classmethod
    def of(
        cls,
        vectors: Float[Any, "n dim"],
        items: Items,
        comparator: Comparator,
        against: str = SKILLED,
    ) -> "ForgeryPairs":
        """Sort the items of a table that says what is forged.

        Raises:
            UnknownName: If there is no such population.
            SplitError: If some items have no origin, no identity has two genuine items, or there
                are no pairs of the population.
        """
        if against not in AGAINST:
            raise unknown("no population of different pairs is named", against, AGAINST)
        forged = items.forged
        if unsaid := int((items.origins == "").sum()):
            raise SplitError(
                f"{items.namespace}: {unsaid} of {len(items)} items have no origin, and "
                f"{int(forged.sum())} are forged. Say genuine or forged of every item."
            )
        rows = np.flatnonzero(~forged)
        own, sizes = np.unique(items.identities[rows], return_counts=True)
        imitated = np.intersect1d(items.identities[forged], own)
        lacking = {
            "two identities with genuine items": len(own) < 2,
            "an identity with two genuine items": not (sizes >= 2).any(),
            "an identity with genuine and with forged items": not len(imitated),
        }
        if missing := [what for what, lacks in lacking.items() if lacks]:
            raise SplitError(
                f"{items.namespace}: {len(own)} identities have genuine items ({len(rows)} in "
                f"all), and {len(imitated)} of them forgeries: {' and '.join(missing)} is missing. "
                "Add items."
            )
        genuine = AllPairs.of(vectors[rows], items.identities[rows], comparator)
        code = {str(name): at for at, name in enumerate(genuine.names)}
        forgeries = {
            code[str(name)]: np.flatnonzero(forged & (items.identities == name))
            for name in imitated
        }
        return cls(vectors, replace(genuine, rows=rows[genuine.rows]), forgeries, against)

    @property
    def names(self) -> Shaped[Array, "identities"]:
        """The identities that have genuine items."""
        return self.genuine.names

    @property
    def _shares(self) -> tuple[float, float]:
        """What skilled and random pairs weigh."""
        return {SKILLED: (1.0, 0.0), RANDOM: (0.0, 1.0), BOTH: (0.5, 0.5)}[self.against]

    @property
    def counts(self) -> tuple[int, int]:
        """How many same and how many different pairs."""
        same, random = self.genuine.counts
        sizes = np.bincount(self.genuine.codes)
        skilled = sum(int(sizes[code]) * len(rows) for code, rows in self.forgeries.items())
        share = self._shares
        return same, skilled * (share[0] > 0) + random * (share[1] > 0)

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:
        """How many units, what they are called, independent same and different trials."""
        units, name, same, random = self.genuine.trials(claim)
        skilled = len(self.forgeries)
        if self.against == RANDOM:
            return units, name, same, random
        different = float(skilled) if self.against == SKILLED else min(float(skilled), random)
        return units, name, same, different

    def among(self, units: Bool[Array, "units"], claim: Claim) -> "ForgeryPairs":
        """The pairs whose both items are of these identities.

        Raises:
            SplitError: If they make no pair of one of the populations.
        """
        code = np.cumsum(units) - 1
        forgeries = {int(code[of]): rows for of, rows in self.forgeries.items() if units[of]}
        if not forgeries:
            raise SplitError(
                f"None of {int(units.sum())} identities has genuine and forged items. Add some."
            )
        genuine = self.genuine.among(units, claim)
        rows = [self.genuine.rows[units[self.genuine.codes]], *forgeries.values()]
        vectors = self.vectors[np.concatenate(rows)]
        ends = np.cumsum([len(part) for part in rows])
        moved = zip(forgeries, ends[:-1], ends[1:], strict=True)
        places = {of: np.arange(start, end) for of, start, end in moved}
        return ForgeryPairs(vectors, genuine, places, self.against)

    def skilled(self) -> Iterator[tuple[int, Float[Array, "genuine forged"]]]:
        """For each identity with forgeries, its genuine items against them.

        Raises:
            BadDistance: If a distance is not a number.
        """
        starts = np.searchsorted(self.genuine.codes, np.arange(len(self.names) + 1))
        for code, rows in self.forgeries.items():
            own = self.genuine.vectors[starts[code] : starts[code + 1]]
            distances = np.asarray(self.genuine.distance.matrix(own, self.vectors[rows]))
            if np.isnan(distances).any():
                raise BadDistance(
                    f"A distance between genuine and forged items of {str(self.names[code])!r} is "
                    "not a number, and every pair needs one. Look for values that are not finite "
                    "in these items or their embeddings."
                )
            yield code, distances

    def spread(self) -> verification.DistanceHistograms:
        """The histograms of all distances."""
        spread, (skilled, random) = self.genuine.spread(), self._shares
        spread.different[:] *= random
        for _, distances in self.skilled() if skilled else ():
            each = skilled / (len(self.forgeries) * distances.size)
            weights = np.full(distances.shape, each)
            spread.add(verification.keys(distances), np.zeros_like(weights), weights)
        return spread

    def inside(self, wanted: Sequence[int]) -> Mapping[int, tuple[Array, Array, Array]]:
        """The distances that fall in these bins, with their weights as same and as different."""
        skilled, random = self._shares
        found = {
            key: [(distances, same, random * different)]
            for key, (distances, same, different) in self.genuine.inside(wanted).items()
        }
        for _, distances in self.skilled() if skilled else ():
            keys, each = verification.keys(distances), skilled / len(self.forgeries)
            for key, parts in found.items():
                near = distances[keys == key]
                weight = np.full(len(near), each / distances.size)
                parts.append((near, np.zeros(len(near)), weight))
        return {key: _joined(parts) for key, parts in found.items()}

    def tallies(self, thresholds: Sequence[float], claim: Claim) -> list[tuple[Tally, Tally]]:
        """What each threshold decided: of different pairs (FAR) and of same pairs (FRR)."""
        return self.each(thresholds, claim)[self.against]

    def each(
        self, thresholds: Sequence[float], claim: Claim
    ) -> Mapping[str, list[tuple[Tally, Tally]]]:
        """The tallies of every population by its name, and of both together."""
        random = self.genuine.tallies(thresholds, claim)
        skilled, both = self._skilled_tallies(thresholds, [far for far, _ in random])
        frr = [tally for _, tally in random]
        return {
            SKILLED: list(zip(skilled, frr, strict=True)),
            RANDOM: random,
            BOTH: list(zip(both, frr, strict=True)),
        }

    def _skilled_tallies(
        self, thresholds: Sequence[float], random: Sequence[Tally]
    ) -> tuple[list[Tally], list[Tally]]:
        count, imitated = len(self.names), len(self.forgeries)
        shares = np.zeros((len(thresholds), count))
        errors = np.zeros(len(thresholds), dtype=np.int64)
        trials = 0
        for code, distances in self.skilled():
            for at, threshold in enumerate(thresholds):
                accepted = int((distances <= threshold).sum())
                shares[at, code] = accepted / distances.size
                errors[at] += accepted
            trials += distances.size
        has = np.isin(np.arange(count), list(self.forgeries))
        skilled, both = [], []
        for share, wrong, other in zip(shares, errors.tolist(), random, strict=True):
            total = float(share.sum())
            own = share[has]
            less = np.full(imitated, imitated - 1.0)
            skilled.append(
                Tally(total, float(imitated), total - own, less, wrong, trials, float(imitated))
            )
            # Scaled by identities, so that tallies of several sets join by their sizes.
            without = (total - share) / np.maximum(imitated - has, 1)
            both.append(
                Tally(
                    total=count * (total / imitated + other.total / other.weight) / 2,
                    weight=float(count),
                    total_without=(count - 1) * (without + other.without) / 2,
                    weight_without=np.full(count, count - 1.0),
                    errors=wrong + other.errors,
                    trials=trials + other.trials,
                    independent=min(float(imitated), other.independent),
                )
            )
        return skilled, both

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""
        return [ErrorRates(far.rate(), frr.rate()) for far, frr in self.tallies(thresholds, claim)]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of every sort, and the share of wrong pairs an identity."""
        worst, shares = self.genuine.mistakes(threshold, most)
        sizes = np.bincount(self.genuine.codes)
        starts = np.searchsorted(self.genuine.codes, np.arange(len(sizes)))
        forged: list[Mistake] = []
        for code, distances in self.skilled():
            first, second = np.nonzero(distances <= threshold)
            near = distances[first, second]
            name = str(self.names[code])
            before = int(sizes[code]) * (len(self.genuine.codes) - 1)
            wrong = shares[name] * before + len(near)
            shares[name] = float(wrong / (before + distances.size))
            for at in np.argsort(near, kind="stable")[:most].tolist():
                row = int(self.genuine.rows[starts[code] + first[at]])
                other = int(self.forgeries[code][second[at]])
                forged.append(Mistake(row, other, same=False, distance=float(near[at])))
        closest = sorted(forged, key=lambda mistake: mistake.distance)[:most]
        hardest = sorted(shares.items(), key=lambda one: -one[1])
        return (*closest, *worst), dict(hardest)


def _joined(
    parts: Sequence[tuple[Array, Array, Array]],
) -> tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]:
    distances, same, different = (
        np.concatenate([np.asarray(p[i], np.float64) for p in parts]) for i in range(3)
    )
    used = (same > 0) | (different > 0)
    return distances[used], same[used], different[used]
