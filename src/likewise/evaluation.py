"""Protocols that measure a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from likewise.calibration import TARGETS, Calibration, fit_points
from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.distances.base import Distance
from likewise.errors import SplitError
from likewise.metrics import verification
from likewise.results import ErrorRates, Histogram, Mistake, OperatingPoint, Verification
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.types import Claim

_BLOCK_ELEMENTS = 4_000_000


@dataclass(frozen=True)
class Comparisons:
    """All pairs of a set of embeddings, compared block by block.

    Attributes:
        vectors: Sorted by identity.
        codes: The identity of each row, 0 to identities - 1, ascending.
        rows: Where each row stood before sorting.
        names: The identity of each code.
        distance: What compares them.
    """

    vectors: Float[Array, "n dim"]
    codes: Int[Array, "n"]
    rows: Int[Array, "n"]
    names: Shaped[Array, "identities"]
    distance: Distance

    @classmethod
    def of(
        cls, vectors: Float[Array, "n dim"], identities: Shaped[Array, "n"], distance: Distance
    ) -> "Comparisons":
        """Sort embeddings by identity.

        Raises:
            SplitError: If there are not two identities, or none has two items.
        """
        names, codes = np.unique(identities, return_inverse=True)
        sizes = np.bincount(codes, minlength=len(names))
        if len(names) < 2 or not (sizes >= 2).any():
            raise SplitError(
                f"{len(names)} identities, of which {int((sizes >= 2).sum())} have two items or "
                "more: two identities and one with two items are the least that error rates can "
                "be measured on. Give more items."
            )
        order = np.argsort(codes, kind="stable")
        return cls(vectors[order], codes[order], order, names, distance)

    def blocks(self) -> Iterator[tuple[slice, Float[Array, "rows n"]]]:
        """Some rows at a time, with their distances to all items."""
        step = max(1, _BLOCK_ELEMENTS // len(self.vectors))
        for start in range(0, len(self.vectors), step):
            part = slice(start, min(start + step, len(self.vectors)))
            yield part, self.distance.matrix(self.vectors[part], self.vectors)

    def upper(self, part: slice) -> Bool[Array, "rows n"]:
        """Where a block holds each pair once, and no item with itself."""
        own = np.arange(part.start, part.stop)
        upper: Array = np.arange(len(self.codes))[None, :] > own[:, None]
        return upper

    def spread(self) -> verification.Spread:
        """The histograms of all distances."""
        spread = verification.Spread.empty()
        for part, distances in self.blocks():
            same, different = self._weights(part)
            spread.add(verification.keys(distances), same, different)
        return spread

    def _weights(self, part: slice) -> tuple[Float[Array, "rows n"], Float[Array, "rows n"]]:
        sizes = np.bincount(self.codes).astype(np.float64)
        count = len(sizes)
        paired = (sizes >= 2).sum()
        upper = self.upper(part)
        alike = self.codes[part][:, None] == self.codes[None, :]
        one = 1 / (paired * np.maximum(sizes * (sizes - 1) / 2, 1))
        same = np.where(alike & upper, one[self.codes][None, :], 0.0)
        scale = 1 / (count * (count - 1) / 2)
        each = 1 / sizes[self.codes]
        different = np.where(alike | ~upper, 0.0, scale * each[part][:, None] * each[None, :])
        return same, different

    def inside(
        self, wanted: Sequence[int]
    ) -> dict[int, tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]]:
        """All pairs whose distances fall in these bins: distances, weights as same, different."""
        found: dict[int, list[tuple[Array, Array, Array]]] = {key: [] for key in wanted}
        for part, distances in self.blocks():
            keys = verification.keys(distances)
            near = np.isin(keys, list(found)) & self.upper(part)
            if not near.any():
                continue
            same, different = self._weights(part)
            hit = (keys[near], distances[near], same[near], different[near])
            for key, parts in found.items():
                here = hit[0] == key
                parts.append((hit[1][here], hit[2][here], hit[3][here]))
        empty = np.zeros(0)
        return {
            key: (
                np.concatenate([p[0] for p in parts] or [empty]),
                np.concatenate([p[1] for p in parts] or [empty]),
                np.concatenate([p[2] for p in parts] or [empty]),
            )
            for key, parts in found.items()
        }

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""
        sizes = np.bincount(self.codes)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        accepted = np.zeros((len(thresholds), len(self.codes), len(sizes)), dtype=np.int32)
        for part, distances in self.blocks():
            for index, threshold in enumerate(thresholds):
                within = (distances <= threshold).view(np.uint8)
                accepted[index, part] = np.add.reduceat(within, starts, axis=1, dtype=np.int32)
        for one in accepted:
            one[np.arange(len(self.codes)), self.codes] -= 1
        return [verification.error_rates(one, self.codes, claim) for one in accepted]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs an identity."""
        wrong = np.zeros(len(self.names))
        worst: list[Mistake] = []
        for part, distances in self.blocks():
            alike = self.codes[part][:, None] == self.codes[None, :]
            bad = (distances <= threshold) != alike
            np.fill_diagonal(bad[:, part], val=False)
            wrong += np.bincount(self.codes[part], bad.sum(1), minlength=len(self.names))
            bad &= self.upper(part)
            for same in (False, True):
                where = np.argwhere(bad & (alike == same))
                found = distances[where[:, 0], where[:, 1]]
                order = np.argsort(-found if same else found, kind="stable")[:most]
                worst += [
                    Mistake(
                        int(self.rows[part.start + where[i, 0]]),
                        int(self.rows[where[i, 1]]),
                        same,
                        float(found[i]),
                    )
                    for i in order
                ]
        accepts = sorted((m for m in worst if not m.same), key=lambda m: m.distance)[:most]
        rejects = sorted((m for m in worst if m.same), key=lambda m: -m.distance)[:most]
        each = np.bincount(self.codes) * (len(self.codes) - 1)
        share = wrong / each
        shares = {str(self.names[i]): float(share[i]) for i in np.argsort(-share, kind="stable")}
        return (*accepts, *rejects), shares


def verify_all(
    comparisons: Comparisons, points: Sequence[OperatingPoint], claim: Claim
) -> Verification:
    """Measure the frozen operating points, and describe the distances."""
    spread = comparisons.spread()
    key = spread.eer_bin()
    distances, same, different = comparisons.inside([key])[key]
    _, eer = verification.equal_error(
        distances,
        same,
        different,
        float(spread.same[:key].sum()),
        float(spread.different[:key].sum()),
    )
    rates = comparisons.rates([point.threshold for point in points], claim)
    sizes = np.bincount(comparisons.codes).astype(np.int64)
    total = int(sizes.sum())
    same_pairs = int((sizes * (sizes - 1) // 2).sum())
    return Verification(
        claim=claim,
        identities=len(sizes),
        items=total,
        same_pairs=same_pairs,
        different_pairs=total * (total - 1) // 2 - same_pairs,
        eer=eer,
        auc=spread.auc,
        points=tuple(replace(p, test=r) for p, r in zip(points, rates, strict=True)),
        histogram=_histogram(spread),
    )


def _histogram(spread: verification.Spread, bins: int = 60) -> Histogram:
    values = verification.bin_values()
    used = np.flatnonzero(spread.same + spread.different)
    edges = np.linspace(0.0, float(values[used[-1]]) * 1.001 + 1e-12, bins + 1)
    place = np.searchsorted(edges, values[used], side="right") - 1
    make: Callable[[Array], Array] = lambda w: np.bincount(  # noqa: E731
        place, w[used], minlength=bins
    )
    return Histogram(edges, make(spread.same), make(spread.different))


def calibrate(comparisons: Comparisons, claim: Claim, calibrator: str = "logistic") -> Calibration:
    """Fit thresholds and probabilities on *calibrate* items.

    Args:
        comparisons: Of the calibrate items.
        claim: What rates measured later will claim.
        calibrator: Spec.
    """
    spread = comparisons.spread()
    bins = {f"far={target}": spread.far_bin(target) for target in TARGETS}
    eer_bin = spread.eer_bin()
    inside = comparisons.inside(sorted({*bins.values(), eer_bin}))
    thresholds = {
        name: _far_threshold(spread, inside[key], key, float(name.removeprefix("far=")))
        for name, key in bins.items()
    }
    thresholds["eer"], _ = verification.equal_error(
        *inside[eer_bin],
        float(spread.same[:eer_bin].sum()),
        float(spread.different[:eer_bin].sum()),
    )
    rates = comparisons.rates(list(thresholds.values()), claim)
    identities = claim is Claim.NEW_IDENTITIES
    units = len(comparisons.names) if identities else len(comparisons.codes)
    points = fit_points(
        thresholds,
        dict(zip(thresholds, rates, strict=True)),
        units,
        "identities" if identities else "items",
    )
    paired = int((np.bincount(comparisons.codes) >= 2).sum()) if identities else units
    used = np.flatnonzero(spread.same + spread.different)
    values = verification.bin_values()[used]
    parameters = CALIBRATORS.build(calibrator, parameters=None).fit(
        np.concatenate([values, values]),
        np.repeat([True, False], len(used)),
        np.concatenate([spread.same[used], spread.different[used]]),
        (float(paired), units / 2),
    )
    return Calibration(claim, calibrator, parameters, points, units)


def _far_threshold(
    spread: verification.Spread, inside: tuple[Array, Array, Array], key: int, target: float
) -> float:
    """The largest threshold within the target, from the bin in which it is passed."""
    distances, _, different = inside
    below = float(spread.different[:key].sum())
    real = different > 0
    found = verification.far_threshold(distances[real], different[real], below, target)
    if found is not None:
        return found
    # Not even the bin's first different pair may be accepted: stay just below it.
    first = float(distances[real].min()) if real.any() else 0.0
    return float(np.nextafter(np.float32(first), np.float32(0.0))) if first > 0 else 0.0
