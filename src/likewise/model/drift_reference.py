"""Some embeddings of the items that a model was calibrated on, kept to compare later ones with.

The file is a line of JSON, which says how many vectors of how many units each calibration has, and
then the vectors as little-endian float32, in the order of that line.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.errors import DamagedModel
from likewise.io.display import printable, shortened
from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import Claim

MOST = 1000
"""How many vectors of one calibration are kept at most."""
_CALIBRATIONS = 1000
_LONGEST_LINE = 1 << 23


@dataclass(frozen=True)
class DriftReference:
    """Embeddings of what a calibration was fitted on, spread evenly over its units.

    Attributes:
        vectors: Sorted by unit.
        units: The number of the unit (identity, item of known classes, group of linked pairs) that
            each shows, from 0 on; who it is is not kept.
    """

    vectors: Float[Array, "n dim"]
    units: Int[Array, "n"]

    @classmethod
    def of(
        cls, vectors: Float[Array, "n dim"], identities: Shaped[Array, "n"], claim: Claim
    ) -> "DriftReference":
        """A bounded sample of embeddings.

        Args:
            vectors: Of all items that were calibrated on.
            identities: Of each.
            claim: Under `known_classes` every item is a unit.
        """
        names = np.arange(len(vectors)) if claim is Claim.KNOWN_CLASSES else identities
        rows = evenly(names, MOST)
        _, units = np.unique(names[rows], return_inverse=True)
        return cls(np.ascontiguousarray(vectors[rows], dtype=np.float32), units)


def evenly(
    names: Shaped[Array, "n"], most: int, each: int | None = None, seed: int = 0
) -> Int[Array, "m"]:
    """At most so many rows, as many of each name as can be, drawn at random; sorted by name.

    Args:
        names: Of each row.
        most: How many rows.
        each: How many of one name at most; as many as there are if None.
        seed: Of the draw.
    """
    random = np.random.default_rng(seed)
    _, codes = np.unique(names, return_inverse=True)
    drawn = random.permutation(len(codes))
    drawn = drawn[np.argsort(codes[drawn], kind="stable")]
    ordered = codes[drawn]
    starts = np.searchsorted(ordered, ordered, side="left")
    # The first of every name come first, names in a random order, then the second of every name.
    turn = np.arange(len(ordered)) - starts
    lots = random.permutation(int(codes.max(initial=-1)) + 1)[ordered]
    first = np.lexsort((lots, turn))[
        : most if each is None else min(most, int((turn < each).sum()))
    ]
    rows: Array = drawn[np.sort(first)]
    return rows


def to_bytes(references: Mapping[str, DriftReference]) -> bytes:
    """References by the name of their calibration, as the bytes of the file."""
    told = {
        name: {"dim": one.vectors.shape[1], "sizes": np.bincount(one.units).tolist()}
        for name, one in references.items()
    }
    line = json.dumps(told, separators=(",", ":")).encode()
    return (
        line + b"\n" + b"".join(one.vectors.astype("<f4").tobytes() for one in references.values())
    )


def reference_from_bytes(data: bytes, dim: int) -> dict[str, DriftReference]:
    """Read what `to_bytes` wrote.

    Args:
        data: The bytes.
        dim: Length of an embedding of the model.

    Raises:
        DamagedModel: If it did not write that.
    """
    try:
        return _read(data, dim)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise DamagedModel(
            f"reference.bin cannot be read ({type(error).__name__}: {shortened(error, 300)}). "
            "Calibrate again, or restore the model from where it came."
        ) from error


def _read(data: bytes, dim: int) -> dict[str, DriftReference]:
    line, end, _ = data[:_LONGEST_LINE].partition(b"\n")
    if not end or line.count(b"[") + line.count(b"{") > 3 * _CALIBRATIONS:
        raise ValueError("its first line is none that was written")
    told = json.loads(line)
    at, found = len(line) + 1, {}
    for name, plain in told.items():
        sizes = _sizes(plain, dim)
        count = int(sizes.sum())
        held = np.frombuffer(data, dtype="<f4", count=count * dim, offset=at)
        at += held.nbytes
        vectors = held.reshape(count, dim).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError(f"a vector of {name!r} holds what is no finite number")
        found[printable(name)] = DriftReference(vectors, np.repeat(np.arange(len(sizes)), sizes))
    if at != len(data):
        raise ValueError(f"it has {len(data)} bytes, and its first line says {at}")
    return found


def _sizes(plain: Mapping[str, Any], dim: int) -> Int[Array, "units"]:
    if plain["dim"] != dim or type(plain["dim"]) is not int:
        raise ValueError(
            f"its vectors have {str(plain['dim'])[:20]} numbers, and the model's {dim}"
        )
    sizes = plain["sizes"]
    fits = isinstance(sizes, list) and 0 < len(sizes) <= MOST
    if not fits or any(type(size) is not int or not 0 < size <= MOST for size in sizes):
        raise ValueError(f"its sizes are no list of 1 to {MOST} counts")
    if sum(sizes) > MOST:
        raise ValueError(f"it says {sum(sizes)} vectors, and {MOST} are the most")
    return np.array(sizes, dtype=np.int64)
