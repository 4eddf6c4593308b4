"""Vectors: a fixed number of numbers an item."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import numpy as np

from likewise.kinds.base import Kind
from likewise.kinds.look import Look, Number, coarse
from likewise.kinds.numbers import as_floats
from likewise.shapes import Array, Float
from likewise.types import Raw


@final
class Vector(Kind):
    """A vector of numbers [d], as many for every item: measurements, or somebody's features."""

    name = "vector"
    one = "a vector"
    many = "vectors"
    expected = "real numbers [d] for each item, as many for all"
    width = "numbers"
    transform = "vector"
    plain = "vector(normalize='none')"
    encoder = "mlp"
    numbers: ClassVar[Mapping[str, Number]] = {
        "bytes": Number("file size", "file", logarithmic=True),
        "mean": Number("mean"),
        "spread": Number("spread"),
        "lowest": Number("lowest value"),
        "highest": Number("highest value"),
        "length": Number("length of the vector"),
        "zeros": Number("share of zeros"),
    }
    glance = "its numbers in 64 steps"

    def recognises(self, raw: Raw) -> bool:
        """Say whether an array is one; a source that is not told takes floats for series."""
        return (
            isinstance(raw, np.ndarray)
            and raw.size > 0
            and raw.dtype.kind in "biuf"
            and raw.ndim == 1
        )

    def resembles(self, item: Array) -> bool:  # noqa: ARG002 - nothing tells it from a series
        """Say no: floats [d] are taken for a series unless somebody says that they are vectors."""
        return False

    def adopt(self, items: Sequence[Array]) -> tuple[Sequence[Array], str]:
        """Turn arrays of any numbers into float32 [d]."""
        return as_floats(items, self, (1,))

    def look(self, item: Float[Array, "d"]) -> Look:
        """Measure a vector."""
        values = item.astype(np.float64)
        numbers = {
            "mean": float(values.mean()),
            "spread": float(values.std()),
            "lowest": float(values.min()),
            "highest": float(values.max()),
            "length": float(np.linalg.norm(values)),
            "zeros": float((values == 0).mean()),
        }
        return Look(numbers, coarse(values[:, None]))

    def picture(
        self,
        item: Float[Array, "d"],
        longest: int = 0,  # noqa: ARG002 - a line is as long as its page
    ) -> Float[Array, "d 1"]:
        """Draw a line through its numbers."""
        return item[:, None]

    def altered(self, item: Float[Array, "d"], random: np.random.Generator) -> Float[Array, "d"]:
        """Make a copy of a vector with a little noise and another gain."""
        spread = float(item.std()) * 0.05
        noise = random.normal(0, spread or 1e-6, item.shape)
        copy: Array = (item * random.uniform(0.95, 1.05) + noise).astype(item.dtype)
        return copy
