"""What pgvector can do for a distance of the house, and how far its numbers may be from ours."""

from dataclasses import dataclass

import numpy as np
from psycopg import sql

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.distances.manhattan import Manhattan
from likewise.shapes import Array, Float
from likewise.stores.postgres.wire import blank

MOST_INDEXED = 2000
"""The length of a vector that pgvector can index, at most."""
_ROUNDING = 2.0**-24


@dataclass(frozen=True)
class Operator:
    """A distance as pgvector computes it.

    Attributes:
        sign: Between two vectors.
        index: The name of its operator class.
        scan: What rises with the distance of `embedding` to a bound vector, for every row; no
            index fits it, so that it is computed for each.
    """

    sign: sql.SQL
    index: sql.SQL
    scan: sql.SQL


_OPERATORS: dict[type[Distance], Operator] = {
    Euclidean: Operator(
        sql.SQL("<->"), sql.SQL("vector_l2_ops"), sql.SQL("(embedding <-> %s::vector) + 0.0")
    ),
    Manhattan: Operator(
        sql.SQL("<+>"), sql.SQL("vector_l1_ops"), sql.SQL("(embedding <+> %s::vector) + 0.0")
    ),
    # What has no direction is at a right angle to all that have one.
    Cosine: Operator(
        sql.SQL("<=>"),
        sql.SQL("vector_cosine_ops"),
        sql.SQL("CASE WHEN blank THEN 1.0 ELSE embedding <=> %s::vector END"),
    ),
}


def operator_for(distance: Distance) -> Operator | None:
    """How pgvector computes a distance; None where it does not."""
    return _OPERATORS.get(type(distance))


def can_scan(distance: Distance, query: Float[Array, "1 dim"]) -> bool:
    """Whether the server's distances to this query rise with those of the house."""
    return type(distance) in _OPERATORS and not (isinstance(distance, Cosine) and blank(query)[0])


def beyond(least: float, dim: int, distance: Distance) -> float:
    """Up to where the server's distance may be, of a row that is nearer than another by ours.

    Args:
        least: The server's distance of that other.
        dim: The length of the vectors.
        distance: What compares.

    Both add in float32, so that each is off by at most (dim + 8) roundings, relative to the sum
    (of lengths, for the cosine); twice that for both, and twice again for two rows.
    """
    wrong = 4 * (dim + 8) * _ROUNDING
    if isinstance(distance, Cosine):
        return least + 2 * wrong
    # Squares below the least number of float32 are lost.
    return least * (1 + wrong) + (dim**0.5) * 1e-18 if np.isfinite(least) else least
