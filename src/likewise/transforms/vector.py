"""Vectors: a fixed number of numbers an item, as float32."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np

from likewise.errors import BadArgument, EmptySource, UnreadableItem, WrongKind
from likewise.shapes import Array, Float, Int, Shaped
from likewise.transforms.base import Transform
from likewise.transforms.rows import parse_rows
from likewise.transforms.standardise import checked_state, moments, standardised
from likewise.types import Form, InputShape, Raw

MAX_DIM = 1_000_000


@final
class VectorTransform(Transform):
    """A vector of as many numbers for every item, each number normalised by the training set.

    Decoding takes an array [d] of real numbers, or the bytes of an .npy file of one, or text with
    the numbers in one line or one a line, separated by commas or by tabs. Finishing is
    (x - mean) / std for each of the d numbers.

    Args:
        normalize: `none` leaves the numbers; `train` brings each of them to mean 0 and deviation 1
            over the training set (one that never varies to 0).
        state: What `fit` learned: `dim`, and for `train` the `mean` and `std` of each number.

    Raises:
        BadArgument: If `normalize` is none of these, or the state is not this transform's.
    """

    kind: ClassVar[str] = "vector"
    form: ClassVar[Form] = Form.VECTORS
    sized: ClassVar[str] = "dim"

    def __init__(
        self,
        normalize: Literal["none", "train"] = "train",
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if normalize not in ("none", "train"):
            raise BadArgument(f"vector: normalize is {normalize!r}; give 'none' or 'train'.")
        self.normalize = normalize
        self.state = (
            None
            if state is None
            else checked_state("vector", state, "dim", MAX_DIM, learned=normalize == "train")
        )

    @property
    def shape(self) -> InputShape:
        """What the encoder will be fed; known once there is a state."""
        return InputShape(Form.VECTORS, self._known()["dim"])

    def _known(self) -> Mapping[str, Any]:
        if self.state is None:
            raise BadArgument(
                "vector: the transform has no state yet, so the length is unknown. Build it with "
                "state=transform.fit(decoded training vectors), or load it from a model."
            )
        return self.state

    def decode(self, raw: Raw, place: str) -> Float[Array, "d"]:
        """Decode one vector to float32 [d]; see the class."""
        values = raw
        if isinstance(values, bytes | str):
            values = parse_rows(values, place, "vector", _unreadable)
            # One row or one column is a vector.
            values = values.reshape(-1) if 1 in values.shape else values
        if values.dtype.kind not in "biuf" or values.ndim != 1:
            raise WrongKind(
                f"{place} is an array of {values.dtype} {list(values.shape)}, and a vector of real "
                "numbers [d] is expected. Give vectors, or choose the series transform for [t d]."
            )
        if not 1 <= values.size <= MAX_DIM:
            raise _unreadable(place, f"it holds {values.size} numbers; 1 to {MAX_DIM} are read")
        with np.errstate(over="ignore"):
            vector = np.array(values, dtype=np.float32)
        finite = np.isfinite(vector)
        if not finite.all():
            at = int(np.argmin(finite))
            raise _unreadable(
                place,
                f"number {at} (counted from 0) is {values[at]}, and finite numbers within float32 "
                "are expected",
            )
        if self.state is not None and len(vector) != self.state["dim"]:
            raise WrongKind(
                f"{place} has {len(vector)} numbers, and the vectors learned from have "
                f"{self.state['dim']}. Give vectors of the same length."
            )
        return vector

    def fit(self, decoded: Iterable[Array]) -> Mapping[str, Any]:
        """The length, and for `train` the mean and deviation of each number.

        Raises:
            EmptySource: If there is no vector.
            WrongKind: If the vectors differ in length.
        """
        count, mean, spread, largest = 0, np.zeros(0), np.zeros(0), np.zeros(0)
        for vector in decoded:
            values = vector.astype(np.float64)
            if count == 0:
                mean, spread, largest = np.zeros((3, len(values)))
            if len(values) != len(mean):
                raise WrongKind(
                    f"training vector {count} (counted from 0) has {len(values)} numbers, and "
                    f"those before it have {len(mean)}. Give vectors of the same length."
                )
            # Welford's update: raw sums of squares lose all digits where the mean is far from 0.
            count += 1
            delta = values - mean
            mean += delta / count
            spread += delta * (values - mean)
            largest = np.maximum(largest, np.abs(values))
        if count == 0:
            raise EmptySource("vector: there is nothing to fit. Give at least one training vector.")
        state: dict[str, Any] = {"dim": len(mean)}
        if self.normalize == "train":
            state |= moments(mean, np.sqrt(spread / count), largest)
        return state

    def collate(
        self, decoded: Sequence[Array]
    ) -> tuple[Float[Array, "n d"], Int[Array, "n"] | None]:
        """Stack vectors; they have no lengths."""
        if not decoded:
            raise BadArgument("vector: a batch of no vectors was asked for. Give at least one.")
        sizes = sorted({len(vector) for vector in decoded})
        if len(sizes) > 1:
            raise WrongKind(
                f"vectors of {sizes[0]} and of {sizes[-1]} numbers came into one batch. Give "
                "vectors of the same length."
            )
        return np.stack(decoded), None

    def finish(self, batch: Shaped[Any, "n d"]) -> Float[Any, "n d"]:
        """The encoder's float32 input from stacked vectors, numpy or torch.

        Raises:
            BadArgument: If the transform has no state, or the vectors another length.
        """
        state = self._known()
        if batch.shape[1] != state["dim"]:
            raise BadArgument(
                f"vector: the batch has {batch.shape[1]} numbers an item, and {state['dim']} are "
                "expected. Decode it with this transform."
            )
        return standardised(batch, state, learned=self.normalize == "train")


def _unreadable(place: str, reason: str) -> UnreadableItem:
    return UnreadableItem(
        f"{place} cannot be read as a vector: {reason}. Mend or remove it; numbers between commas "
        "or tabs, and .npy files of shape [d], are read."
    )
