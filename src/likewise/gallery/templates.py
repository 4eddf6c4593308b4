"""All templates of a gallery in memory, and the distance of a probe to every identity."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.shapes import Array, Float, Int
from likewise.stores import exact
from likewise.stores.rows import Rows

Rule: TypeAlias = Literal["nearest", "mean", "centroid"]
RULES: tuple[Rule, ...] = ("nearest", "mean", "centroid")
MOST_ASKED = 5_000
_AT_ONCE = 64


@dataclass(frozen=True)
class Templates:
    """The vectors of a gallery, one identity after the other.

    Attributes:
        identities: Their names.
        vectors: Of all.
        starts: Where the vectors of each identity start.
        distance: What compares.
    """

    identities: tuple[str, ...]
    vectors: Float[Array, "n dim"]
    starts: Int[Array, "identities"]
    distance: Distance

    @classmethod
    def of(cls, parts: Iterable[Rows], dim: int, distance: Distance) -> "Templates":
        """Gather the rows of a store."""
        names: list[str] = []
        found = [np.zeros((0, dim), dtype=np.float32)]
        for part in parts:
            names += part.identities
            found.append(part.vectors)
        places: dict[str, int] = {}
        codes = np.array([places.setdefault(name, len(places)) for name in names], dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        sizes = np.bincount(codes, minlength=len(places))
        vectors = np.concatenate(found)
        return cls(tuple(places), vectors[order], np.cumsum(sizes) - sizes, distance)

    def __len__(self) -> int:
        return len(self.identities)

    @property
    def sizes(self) -> Int[Array, "identities"]:
        """How many vectors each identity has."""
        return np.diff(np.append(self.starts, len(self.vectors)))

    @cached_property
    def centroids(self) -> Float[Array, "identities dim"]:
        """The mean vector of each identity."""
        sums = np.add.reduceat(self.vectors.astype(np.float64), self.starts, axis=0)
        means: Array = (sums / self.sizes[:, None]).astype(np.float32)
        return means

    def distances(self, probes: Float[Array, "n dim"], rule: str) -> Float[Array, "n identities"]:
        """The distance of every probe to every identity, its templates fused by a rule.

        Args:
            probes: Vectors.
            rule: `nearest` template, the `mean` of the distances to the templates, or the distance
                to their `centroid`.

        Raises:
            BadArgument: If there is no such rule.
        """
        check_rule(rule)
        if not len(self):
            return np.zeros((len(probes), 0), dtype=np.float32)
        if rule == "centroid":
            return self.distance.matrix(probes, self.centroids)
        each = self.distance.matrix(probes, self.vectors)
        if rule == "nearest":
            nearest: Array = np.minimum.reduceat(each, self.starts, axis=1)
            return nearest
        mean: Array = np.add.reduceat(each.astype(np.float64), self.starts, axis=1) / self.sizes
        return mean.astype(np.float32)

    def left_out(self, rule: str, seed: int = 0) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
        """Every identity left out in turn: the distance of one of its items to the nearest other.

        Of more than 5,000 identities, 5,000 are drawn; each is asked for by an item drawn by lot.

        Args:
            rule: How templates are fused.
            seed: Of the draws.

        Returns:
            The distances, and which of those drawn the nearest is, or -1.
        """
        check_rule(rule)
        random = np.random.default_rng(seed)
        count = len(self)
        drawn = np.sort(random.permutation(count)[:MOST_ASKED])
        if count < 2:
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        sizes = self.sizes[drawn]
        asked = self.starts[drawn] + (random.random(len(drawn)) * sizes).astype(np.int64)
        distances = np.empty(len(drawn), dtype=np.float32)
        nearest = np.empty(len(drawn), dtype=np.int64)
        place = np.full(count, -1, dtype=np.int64)
        place[drawn] = np.arange(len(drawn))
        step = self._nearest_others if rule != "mean" else self._nearest_means
        for start in range(0, len(drawn), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            distances[part], who = step(self.vectors[asked[part]], drawn[part], rule)
            nearest[part] = place[who]
        return distances, nearest

    def _nearest_means(
        self, probes: Float[Array, "n dim"], own: Int[Array, "n"], rule: str
    ) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
        each = self.distances(probes, rule)
        each[np.arange(len(own)), own] = np.inf
        return each.min(axis=1), each.argmin(axis=1)

    def _nearest_others(
        self, probes: Float[Array, "n dim"], own: Int[Array, "n"], rule: str
    ) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
        """By exact search: among so many of the nearest, one is not of the own identity."""
        vectors, k = self.vectors, int(self.sizes[own].max()) + 1
        if rule == "centroid":
            vectors, k = self.centroids, 2
        found = exact.nearest_rows(probes, vectors, self._squares[rule], k, self.distance)
        distances = np.empty(len(own), dtype=np.float32)
        who = np.empty(len(own), dtype=np.int64)
        for at, (rows, far) in enumerate(found):
            of = rows if rule == "centroid" else self._identity_of[rows]
            first = int(np.flatnonzero(of != own[at])[0])
            distances[at], who[at] = far[first], of[first]
        return distances, who

    @cached_property
    def _squares(self) -> dict[str, Array]:
        return {
            "nearest": exact.squares_of(self.vectors),
            "centroid": exact.squares_of(self.centroids),
        }

    @cached_property
    def _identity_of(self) -> Int[Array, "n"]:
        return np.repeat(np.arange(len(self)), self.sizes)


def check_rule(rule: str) -> Rule:
    """A rule, once it is one.

    Raises:
        BadArgument: If it is none.
    """
    for known in RULES:
        if rule == known:
            return known
    raise BadArgument(f"The rule is {rule!r}, and one of {', '.join(RULES)} is expected.")
