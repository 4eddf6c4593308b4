"""Series: from rows of numbers to float32, one row a time step and one column a channel."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np

from likewise.errors import BadArgument, EmptySource, UnreadableItem, WrongKind
from likewise.shapes import Array, Float, Int, Shaped
from likewise.transforms.base import Transform
from likewise.transforms.rows import MAX_VALUES, parse_rows
from likewise.transforms.standardise import CONSTANT, checked_state, moments, standardised
from likewise.types import Form, InputShape, Raw

MAX_CHANNELS = 100_000
FEW_STEPS = 2
# Of the deviation of the training set.
NEARLY_CONSTANT = 0.01


@final
class SeriesTransform(Transform):
    """A series of any length, with its channels normalised.

    Decoding takes an array [t] or [t d] of real numbers, or the bytes of an .npy file, or text
    with one time step a line, its channels separated by commas, or by tabs. The first line may
    name the channels: it is left out if none of its cells is a number. Batches are padded with
    zeros at the end and come with the true lengths; padding is not data, and encoders leave it out
    by the lengths.

    Args:
        normalize: `none` leaves the values; `series` brings each channel of each series to mean
            0 and deviation 1 (a constant one to zeros) when it is decoded; `train` does so with
            the mean and deviation of the training set when it is finished.
        state: What `fit` learned: `channels`, and for `train` the `mean` and `std` of each.

    Raises:
        BadArgument: If `normalize` is none of these, or the state is not this transform's.
    """

    kind: ClassVar[str] = "series"
    form: ClassVar[Form] = Form.FRAMES
    sized: ClassVar[str] = "channels"

    def __init__(
        self,
        normalize: Literal["none", "series", "train"] = "train",
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if normalize not in ("none", "series", "train"):
            raise BadArgument(
                f"series: normalize is {normalize!r}; give 'none', 'series' or 'train'."
            )
        self.normalize = normalize
        self.state = (
            None
            if state is None
            else checked_state(
                "series", state, "channels", MAX_CHANNELS, learned=normalize == "train"
            )
        )

    @property
    def shape(self) -> InputShape:
        """What the encoder will be fed; known once there is a state."""
        return InputShape(Form.FRAMES, self._known()["channels"])

    def _known(self) -> Mapping[str, Any]:
        if self.state is None:
            raise BadArgument(
                "series: the transform has no state yet, so its channels are unknown. Build it "
                "with state=transform.fit(decoded training series), or load it from a model."
            )
        return self.state

    def decode(self, raw: Raw, place: str) -> Float[Array, "t d"]:
        """Decode one series to float32 [t d]; see the class."""
        series = self.original(raw, place)
        return _standardised(series) if self.normalize == "series" else series

    def lost(self, decoded: Array) -> str:
        """Say that no channel varies; a series of one or two steps need not."""
        if len(decoded) <= FEW_STEPS:
            return ""
        spread = decoded.max(axis=0) - decoded.min(axis=0)
        least = CONSTANT * np.abs(decoded).max(axis=0)
        if self.state is not None and self.normalize == "train":
            least = np.maximum(least, NEARLY_CONSTANT * np.array(self.state["std"]))
        if (spread > least).any():
            return ""
        what = "no channel of it varies" if decoded.shape[1] > 1 else "it does not vary"
        return f"in {len(decoded):,} steps {what}, or next to nothing of what those learned from do"

    def original(self, raw: Raw, place: str) -> Float[Array, "t d"]:
        """Open one series as it is, float32 [t d]."""
        values = raw
        if isinstance(values, bytes | str):
            values = parse_rows(values, place, "series", _unreadable)
        if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
            raise WrongKind(
                f"{place} is an array of {values.dtype} {list(values.shape)}, and a series of real "
                "numbers [t] or [t d] is expected. Give series, or choose the image transform."
            )
        if values.size == 0:
            raise _unreadable(place, f"it is empty (shape {list(values.shape)})")
        if values.size > MAX_VALUES:
            raise _unreadable(place, f"it holds {values.size} values; {MAX_VALUES} are the most")
        steps = values[:, None] if values.ndim == 1 else values
        with np.errstate(over="ignore"):
            series = np.array(steps, dtype=np.float32, order="C")
        finite = np.isfinite(series)
        if not finite.all():
            step, channel = np.argwhere(~finite)[0].tolist()
            raise _unreadable(
                place,
                f"step {step}, channel {channel} (counted from 0) is {steps[step, channel]}, and "
                "finite numbers within float32 are expected",
            )
        if self.state is not None and series.shape[1] != self.state["channels"]:
            raise WrongKind(
                f"{place} has {series.shape[1]} channels, and the series learned from have "
                f"{self.state['channels']}. Give series of the same channels."
            )
        return series

    def fit(self, decoded: Iterable[Array]) -> Mapping[str, Any]:
        """The number of channels, and for `train` the mean and deviation of each over all steps.

        Raises:
            EmptySource: If there is no series.
            WrongKind: If the series differ in their number of channels.
        """
        count, mean, spread, largest = 0, np.zeros(0), np.zeros(0), np.zeros(0)
        for number, series in enumerate(decoded):
            values = series.astype(np.float64)
            if count == 0:
                mean, spread, largest = np.zeros((3, values.shape[1]))
            if values.shape[1] != len(mean):
                raise WrongKind(
                    f"training series {number} (counted from 0) has {values.shape[1]} channels, "
                    f"and those before it have {len(mean)}. Give series of the same channels."
                )
            # Means and squared deviations are merged (Chan et al. 1979): raw sums of squares lose
            # all digits where the mean is far from zero.
            own = values.mean(0)
            total = count + len(values)
            delta = own - mean
            spread += ((values - own) ** 2).sum(0) + delta**2 * (count * len(values) / total)
            mean += delta * (len(values) / total)
            largest = np.maximum(largest, np.abs(values).max(0))
            count = total
        if count == 0:
            raise EmptySource("series: there is nothing to fit. Give at least one training series.")
        state: dict[str, Any] = {"channels": len(mean)}
        if self.normalize == "train":
            state |= moments(mean, np.sqrt(spread / count), largest)
        return state

    def collate(
        self, decoded: Sequence[Array]
    ) -> tuple[Float[Array, "n t d"], Int[Array, "n"] | None]:
        """Stack series, padded with zeros at the end; with their int64 lengths."""
        if not decoded:
            raise BadArgument("series: a batch of no series was asked for. Give at least one.")
        lengths = np.array([len(series) for series in decoded], dtype=np.int64)
        batch = np.zeros((len(decoded), lengths.max(), decoded[0].shape[1]), dtype=np.float32)
        for row, series in zip(batch, decoded, strict=True):
            if series.shape[1] != row.shape[1]:
                raise WrongKind(
                    f"series of {row.shape[1]} and of {series.shape[1]} channels came into one "
                    "batch. Give series of the same channels."
                )
            row[: len(series)] = series
        return batch, lengths

    def finish(self, batch: Shaped[Any, "n t d"]) -> Float[Any, "n t d"]:
        """The encoder's float32 input from a padded batch, numpy or torch.

        Under `train` padding becomes whatever zero becomes; encoders leave it out.

        Raises:
            BadArgument: If the transform has no state, or the batch other channels.
        """
        state = self._known()
        if batch.shape[2] != state["channels"]:
            raise BadArgument(
                f"series: the batch has {batch.shape[2]} channels, and {state['channels']} are "
                "expected. Decode it with this transform."
            )
        return standardised(batch, state, learned=self.normalize == "train")


def _unreadable(place: str, reason: str) -> UnreadableItem:
    return UnreadableItem(
        f"{place} cannot be read as a series: {reason}. Mend or remove it; rows of numbers between "
        "commas or tabs, one time step a line, and .npy files are read."
    )


def _standardised(series: Float[Array, "t d"]) -> Float[Array, "t d"]:
    values = series.astype(np.float64)
    centred = values - values.mean(0)
    std = np.sqrt((centred**2).mean(0))
    varies = std > CONSTANT * np.abs(values).max(0)
    normal: Array = np.where(varies, centred / np.where(varies, std, 1.0), 0.0).astype(np.float32)
    return normal
