"""Series: rows of numbers, one a time step."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, final

import numpy as np

from likewise.kinds.base import Kind
from likewise.kinds.look import Look, Number, coarse
from likewise.kinds.numbers import as_floats
from likewise.shapes import Array, Float
from likewise.types import Raw

LONG_STEPS = 500
USUAL_STEPS = 250
LARGEST_STRIDE = 16


@final
class Series(Kind):
    """A series of any length: floats [t] or [t d], one row a time step, one column a channel."""

    name = "series"
    one = "a series"
    many = "series"
    expected = "floats [t] or [t d] for each item"
    endings = (".npy", ".csv", ".tsv")
    timed = True
    width = "channels"
    transform = "series"
    plain = "series(normalize='none')"
    encoder = "lstm"
    augmentations = ("jitter",)
    searched = (
        ("jitter(noise=0.1, scale=0.3)",),
        ("jitter", "time_crop"),
        ("jitter", "warp"),
    )
    sorts = ("series",)
    numbers: ClassVar[Mapping[str, Number]] = {
        "bytes": Number("file size", "file", logarithmic=True),
        "steps": Number("length", "frame", logarithmic=True),
        "mean": Number("mean"),
        "spread": Number("spread"),
        "lowest": Number("lowest value"),
        "highest": Number("highest value"),
        "first": Number("first value"),
        "last": Number("last value"),
        "roughness": Number("roughness", "form", advice="form"),
    }
    glance = "the course in 64 steps"

    def recognises(self, raw: Raw) -> bool:
        """Say whether an array is one; rows of numbers in a file have no mark."""
        return (
            isinstance(raw, np.ndarray)
            and raw.size > 0
            and raw.dtype.kind == "f"
            and raw.ndim in {1, 2}
        )

    def resembles(self, item: Array) -> bool:
        """Say whether an array of any numbers has the axes of a series."""
        return item.size > 0 and item.dtype.kind in "buif" and item.ndim in {1, 2}

    def adopt(self, items: Sequence[Array]) -> tuple[Sequence[Array], str]:
        """Turn arrays of any numbers into float32 [t] or [t d]."""
        return as_floats(items, self, (1, 2))

    def of_row(self, row: Array) -> Array:
        """Return a series with its axis of channels."""
        return row[:, None] if row.ndim == 1 else row

    def look(self, item: Float[Array, "t d"]) -> Look:
        """Measure a series; numbers are means over its channels."""
        values = item.astype(np.float64)
        rough = np.abs(np.diff(values, axis=0)).mean() if len(values) > 1 else 0.0
        numbers = {
            "steps": float(len(values)),
            "mean": float(values.mean()),
            "spread": float(values.std(0).mean()),
            "lowest": float(values.min(0).mean()),
            "highest": float(values.max(0).mean()),
            "first": float(values[0].mean()),
            "last": float(values[-1].mean()),
            "roughness": float(rough),
        }
        return Look(numbers, coarse(values))

    def encoder_settings(
        self, name: str, items: Iterable[Array]
    ) -> tuple[Mapping[str, object], str]:
        """Let convolutions take several steps in one where series are long."""
        lengths = [len(item) for item in items] if name == "conv1d" else []
        steps = int(np.median(lengths)) if lengths else 0
        if steps <= LONG_STEPS:
            return {}, ""
        stride = min(LARGEST_STRIDE, -(-steps // USUAL_STEPS))
        why = f"series of {steps:,} steps are long, so that {stride} steps become one"
        return {"stride": stride}, f"{why}: conv1d(stride={stride})"

    def picture(
        self,
        item: Float[Array, "t d"],
        longest: int = 0,  # noqa: ARG002 - a line is as long as its page
    ) -> Array:
        """Draw a line for each channel."""
        return item

    def altered(
        self, item: Float[Array, "t d"], random: np.random.Generator
    ) -> Float[Array, "u d"]:
        """Make a copy of a series, cut at its ends, with noise and another gain."""
        count = len(item)
        start, stop = (int(random.integers(0, max(1, count // 20 + 1))) for _ in range(2))
        kept = item[start : count - stop] if count - stop - start > 1 else item
        spread = float(kept.std()) * 0.02
        changed = kept * random.uniform(0.95, 1.05) + random.normal(0, spread or 1e-6, kept.shape)
        copy: Array = changed.astype(item.dtype)
        return copy
