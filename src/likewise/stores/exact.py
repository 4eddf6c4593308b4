"""Exact search: the nearest of many vectors, block by block through BLAS, in float32.

The product gives each distance with a rounding error whose bound is known. What is within twice
that bound of the k-th nearest is a candidate; the candidates, a few more than k, are computed by
`Distance.rows`, the definition. So the answer is that of a plain scan, at the speed of the product.

References:
    Higham, "Accuracy and Stability of Numerical Algorithms", 2002, eq. 3.5: the error of a product
    of two vectors is at most d u |a||b| (to first order), whatever the order of summation.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.shapes import Array, Float, Int

# Pairs of a block (4 MB in float32), its rows at most, and numbers gathered at once.
_PAIRS = 2**20
_ROWS = 2**16
# How many values of a query are looked at by the least of them, and how many such leasts for each
# of the nearest there should be: of few, the k-th would say little.
_TOGETHER = 32
_SPREAD = 4
_NUMBERS = 2**21
_ROUNDING = 2.0**-24
# What is below this, squared, may have no direction (see `Cosine`).
_BLANK = 1e-12

Found: TypeAlias = tuple[Int[Array, "found"], Float[Array, "found"]]
Ranked: TypeAlias = tuple[Int[Array, "q k"], Float[Array, "q k"]]
"""Rows and distances of every query, nearest first; -1 and infinity where there are fewer."""
Form: TypeAlias = Callable[[Array, Array], Array]
"""From vectors [b dim] and their squares [b] to what rises with the distance, [queries b]."""
Slack: TypeAlias = Callable[[Array], Array]
"""From the k-th least of a form's values [queries] to how far beyond it another may be less."""


def squares_of(vectors: Float[Array, "n dim"]) -> Float[Array, "n"]:
    """The squared length of each vector, right to the last digit of float32."""
    result = np.empty(len(vectors), dtype=np.float32)
    step = max(1, _NUMBERS // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step].astype(np.float64)
        result[start : start + step] = np.einsum("ij,ij->i", part, part)
    return result


def least_square(dim: int) -> float:
    """The squared length above which a vector of so many numbers has a direction for sure."""
    return dim * 4 * _BLANK**2


def nearest_rows(
    queries: Float[Array, "q dim"],
    vectors: Float[Array, "n dim"],
    squares: Float[Array, "n"],
    k: int,
    distance: Distance,
    *,
    among: Int[Array, "m"] | None = None,
    holes: Int[Array, "h"] | None = None,
) -> list[Found]:
    """The k nearest rows to each query and their distances, nearest first; ties by row.

    Args:
        queries: Float32.
        vectors: Float32, in memory or mapped from a file.
        squares: Of the vectors, as from `squares_of`.
        k: How many; fewer where there are fewer.
        distance: What compares.
        among: The only rows to look at, in order; all if None.
        holes: Rows not to look at, in order, where all are looked at.
    """
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    form, slack = _form(queries, squares, distance)
    count = len(vectors) if among is None else len(among)
    search = _Search(len(queries), k, slack)
    step = max(1, min(_ROWS, _PAIRS // len(queries)))
    if among is not None:
        step = max(1, min(step, _NUMBERS // vectors.shape[1]))
    for start in range(0, count, step):
        stop = min(start + step, count)
        rows = slice(start, stop) if among is None else among[start:stop]
        values = form(vectors[rows], squares[rows])
        if holes is not None and among is None:
            first, last = np.searchsorted(holes, (start, stop))
            values[:, holes[first:last] - start] = np.inf
        search.add(values, start)
    return [
        _sure(query[None], vectors, rows if among is None else among[rows], k, distance)
        for query, rows in zip(queries, search.candidates(), strict=True)
    ]


class _Search:
    """The candidates of every query so far.

    Args:
        queries: How many there are.
        k: How many rows each wants.
        slack: See `Slack`.
    """

    def __init__(self, queries: int, k: int, slack: Slack) -> None:
        self.k = k
        self.slack = slack
        self.bound = np.full(queries, np.inf, dtype=np.float32)
        self.rows: list[list[Array]] = [[] for _ in range(queries)]
        self.values: list[list[Array]] = [[] for _ in range(queries)]
        self.held = np.zeros(queries, dtype=np.int64)

    def add(self, values: Float[Array, "q b"], start: int) -> None:
        """Take what may be among the nearest of these rows, which begin at `start`."""
        least, parts = _leasts(values, self.k)
        first = np.flatnonzero(np.isinf(self.bound))
        if len(first) and least.shape[1] >= self.k:
            # Each least is of other rows, so that k rows are no farther than the k-th of them.
            near = np.partition(least[first], self.k - 1, axis=1)[:, self.k - 1]
            self.bound[first] = self._beyond(near, first)
        query, row = np.nonzero(least <= self.bound[:, None])
        query, row, chosen = _spelt_out(values, query, row, least.shape[1], parts)
        real = np.isfinite(chosen) & (chosen <= self.bound[query])
        query, row, chosen = query[real], row[real], chosen[real]
        ends = np.searchsorted(query, np.arange(len(self.rows) + 1))
        for one in np.unique(query).tolist():
            part = slice(ends[one], ends[one + 1])
            self.rows[one].append(row[part] + start)
            self.values[one].append(chosen[part])
            self.held[one] += ends[one + 1] - ends[one]
            if self.held[one] > 8 * self.k + 256:
                self._tighten(one)

    def _beyond(self, least: Float[Array, "q"], which: Int[Array, "q"]) -> Float[Array, "q"]:
        """How large a value of these queries may be that is among the nearest for all we know."""
        wide = np.zeros(len(self.rows))
        wide[which] = least
        beyond = (wide + self.slack(wide))[which].astype(np.float32)
        return np.nextafter(beyond, np.float32(np.inf))

    def _tighten(self, one: int) -> None:
        values = np.concatenate(self.values[one])
        rows = np.concatenate(self.rows[one])
        if len(values) >= self.k:
            least = np.partition(values, self.k - 1)[self.k - 1 : self.k].astype(np.float64)
            self.bound[one] = self._beyond(least, np.array([one]))[0]
            kept = values <= self.bound[one]
            values, rows = values[kept], rows[kept]
        self.values[one], self.rows[one] = [values], [rows]
        self.held[one] = len(rows)

    def candidates(self) -> list[Int[Array, "some"]]:
        """The rows of every query that may be among its nearest."""
        found = []
        for one, parts in enumerate(self.rows):
            if parts:
                self._tighten(one)
            found.append(self.rows[one][0] if parts else np.zeros(0, dtype=np.int64))
        return found


def _leasts(values: Float[Array, "q b"], k: int) -> tuple[Float[Array, "q w"], int]:
    """The least of several values each, and of how many: the w-th of every w is in one.

    To compare all values with a bound, and list those within it, takes as long as the product.
    """
    queries, count = values.shape
    parts = max(1, min(_TOGETHER, count // (_SPREAD * k), math.isqrt(count)))
    if parts == 1:
        return values, 1
    width = count // parts
    whole = parts * width
    # What is not a number is passed over, and does not hide the others.
    least = np.fmin.reduce(values[:, :whole].reshape(queries, parts, width), axis=1)
    # There are as many parts as columns at most, so that what is left over fits.
    left = least[:, : count - whole]
    np.fmin(left, values[:, whole:], out=left)
    return least, parts


def _spelt_out(
    values: Float[Array, "q b"],
    query: Int[Array, "h"],
    column: Int[Array, "h"],
    width: int,
    parts: int,
) -> tuple[Int[Array, "some"], Int[Array, "some"], Float[Array, "some"]]:
    """Queries, rows and values that are behind some leasts, query by query."""
    if parts > 1:
        rows = column[:, None] + width * np.arange(parts + 1)
        there = rows < values.shape[1]
        query, column = np.repeat(query, there.sum(axis=1)), rows[there]
    return query, column, values[query, column]


def _form(
    queries: Float[Array, "q dim"], squares: Float[Array, "n"], distance: Distance
) -> tuple[Form, Slack]:
    """What rises with the distance, fast, and how wrong it may be."""
    own = squares_of(queries)
    unit = (queries.shape[1] + 8) * _ROUNDING
    most = float(squares.max(initial=0.0))
    if isinstance(distance, Euclidean):
        twice = -2 * queries

        def euclidean(vectors: Array, theirs: Array) -> Array:
            values: Array = _product(twice, vectors)
            values += theirs
            return values

        wrong = unit * (own.astype(np.float64) + most) + 1e-37
        return euclidean, lambda _: 2 * wrong
    least = least_square(queries.shape[1])
    if isinstance(distance, Cosine) and own.min(initial=1.0) > least:
        directions = -queries / np.sqrt(own)[:, None]

        def cosine(vectors: Array, theirs: Array) -> Array:
            values: Array = _product(directions, vectors)
            with np.errstate(divide="ignore", invalid="ignore"):
                values /= np.sqrt(theirs)
            # One that is too short to have a direction for sure is looked at by the definition.
            doubtful = theirs <= least
            if doubtful.any():
                values[:, doubtful] = distance.matrix(queries, vectors[doubtful]) - 1
            return values

        return cosine, lambda _: np.full(len(queries), 4 * unit)
    # The matrix agrees with rows to 1e-6 (relative) or 1e-7 (absolute).
    return (lambda vectors, _: distance.matrix(queries, vectors)), (lambda at: 4e-6 * at + 4e-7)


def _product(queries: Float[Array, "q dim"], vectors: Float[Array, "b dim"]) -> Float[Array, "q b"]:
    result: Array = (vectors @ queries[0])[None] if len(queries) == 1 else queries @ vectors.T
    return result


def _sure(
    query: Float[Array, "1 dim"],
    vectors: Float[Array, "n dim"],
    rows: Int[Array, "some"],
    k: int,
    distance: Distance,
) -> Found:
    """The k nearest of the candidates, by the definition."""
    step = max(1, _NUMBERS // vectors.shape[1])
    parts = [
        distance.rows(np.repeat(query, len(part), axis=0), vectors[part])
        for part in (rows[start : start + step] for start in range(0, len(rows), step))
    ]
    distances = np.concatenate([np.zeros(0, np.float32), *parts])
    order = np.lexsort((rows, distances))[:k]
    return rows[order], distances[order]


def rank_rows(
    queries: Float[Array, "q dim"],
    vectors: Float[Array, "n dim"],
    rows: Int[Array, "q m"],
    k: int,
    distance: Distance,
) -> Ranked:
    """The k nearest of given rows to each query, by the definition, nearest first; ties by row.

    Args:
        queries: Float32.
        vectors: Float32.
        rows: Which to look at, of each query; -1 is none.
        k: How many.
        distance: What compares.
    """
    width = rows.shape[1]
    far = np.empty(rows.shape, dtype=np.float32)
    step = max(1, _NUMBERS // max(1, width * vectors.shape[1]))
    for start in range(0, len(rows), step):
        part = rows[start : start + step].reshape(-1)
        asked = queries[start : start + step].repeat(width, axis=0)
        held = vectors.take(part, axis=0)
        far[start : start + step] = distance.rows(asked, held).reshape(-1, width)
    none = rows < 0
    if none.any():
        far[none] = np.inf
    if width > k or not (far[:, 1:] > far[:, :-1]).all():
        order = np.lexsort((rows, far), axis=-1)[:, :k]
        rows, far = np.take_along_axis(rows, order, 1), np.take_along_axis(far, order, 1)
    return rows, far


def padded(found: list[Found], k: int) -> Ranked:
    """What was found for each query, in arrays; -1 and infinity where there are fewer."""
    width = min(k, max((len(rows) for rows, _ in found), default=0))
    slots = np.full((len(found), width), -1, dtype=np.int64)
    far = np.full((len(found), width), np.inf, dtype=np.float32)
    for at, (rows, distances) in enumerate(found):
        slots[at, : len(rows)], far[at, : len(rows)] = rows, distances
    return slots, far
