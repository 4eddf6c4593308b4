"""Somebody's ONNX encoder as a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument, DamagedModel, SourceNotFound, UnfitEncoder
from likewise.io.bounded import read_plain
from likewise.io.display import shortened
from likewise.model import (
    LeakageRecord,
    Model,
    OnnxEncoder,
    check_model_folder,
    dump_transform,
    most_bytes,
    save_model,
)
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.types import Claim, Form, InputShape
from likewise.wrapping import WrapRequest, adapt_encoder, probe_encoder

DEFAULT_STATE = {"mean": 0.0, "std": 1.0}


def wrap(
    encoder: str | Path,
    out: str | Path,
    *,
    transform: str,
    distance: str = "cosine",
    inputs: str = "",
    lengths: str = "",
    output: str = "",
    layout: Literal["nchw", "nhwc"] = "nchw",
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    channels: int = 1,
    overwrite: bool = False,
) -> Model:
    """Make a model folder of an ONNX encoder; it is calibrated afterwards.

    Args:
        encoder: The ONNX file.
        out: The model's folder.
        transform: Spec of what makes the encoder's input of an item.
        distance: Spec of what compares two embeddings.
        inputs: The name of its input; empty if it has one.
        lengths: The name of the input of lengths, of series.
        output: The name of the output to take; empty if it has one.
        layout: Where its channels stand, of images.
        mean: What is subtracted from each channel (of pixels in 0 to 1), or from all; 0 if empty.
        std: What each is then divided by; 1 if empty.
        channels: Of series; or how many numbers a vector has.
        overwrite: Whether a model that is there may be replaced.

    Raises:
        SourceNotFound: If there is no such file.
        UnfitEncoder: If it is no encoder that can be wrapped, saying what to do.
        SpecError: If transform or distance are none, or mean and std do not fit.
        MissingExtra: If onnx is not installed.
        OutOfMemory: If there is not enough memory to run it.
        ModelExists: If a model is there already.
        SaveFailed: If it could not be written.

    Example:
        >>> import likewise
        >>> made = likewise.wrap(
        ...     "encoder.onnx", "wrapped", transform="image(size=16)", output="embedding"
        ... )
        >>> made.kind
        'image'
    """
    if layout not in ("nchw", "nhwc"):
        raise BadArgument(f"the layout is {layout!r}; give 'nchw' or 'nhwc'.")
    spec, compared = str(TRANSFORMS.check(transform)), str(DISTANCES.check(distance))
    DISTANCES.build(compared)
    folder, what = Path(out), str(encoder)
    check_model_folder(folder, overwrite=overwrite)
    built, state = _with_state(spec, mean, std, channels)
    shape = built.shape
    if layout == "nhwc" and shape.form is not Form.IMAGES:
        raise BadArgument(f"the layout nhwc is of images, and the transform makes {shape.form}.")
    data = adapt_encoder(
        _read(Path(encoder)), what, WrapRequest(shape, spec, inputs, lengths, output, layout)
    )
    _try(data, what, shape)
    save_model(
        folder,
        inputs={"main": built.kind},
        claim=Claim.NEW_IDENTITIES,
        distance=compared,
        files={
            "transform": dump_transform(spec, state),
            "encoder.main": data,
            # What the encoder learned from nobody knows; what it is calibrated on is remembered.
            "trained_on": LeakageRecord.of(Claim.NEW_IDENTITIES, {}).to_json(),
        },
        overwrite=overwrite,
    )
    return Model(folder)


def _read(path: Path) -> bytes:
    try:
        return read_plain(path, most_bytes("encoder.main"))
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"there is no file {str(path)!r}. Check its path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnfitEncoder(
            f"{shortened(path, 300)} cannot be read: {shortened(error, 200)}. Give an ONNX file."
        ) from error


def _with_state(
    spec: str, mean: Sequence[float], std: Sequence[float], channels: int
) -> tuple[Transform, Mapping[str, Any]]:
    """The transform with the mean and deviation that were said, and that state."""
    plain = TRANSFORMS.build(spec)
    count = channels if plain.sized else plain.shape.channels
    state: dict[str, Any] = {plain.sized: count} if plain.sized else {}
    for name, given in (("mean", mean), ("std", std)):
        values = [float(value) for value in given] or [DEFAULT_STATE[name]]
        if len(values) not in (1, count) or (name == "std" and min(values) <= 0):
            raise BadArgument(
                f"{name} is {', '.join(f'{v:g}' for v in values)}, and one number or {count}, one "
                f"for each channel{' and all positive' if name == 'std' else ''}, are expected."
            )
        state[name] = values * (count if len(values) == 1 else 1)
    return TRANSFORMS.build(spec, state=state), state


def _try(data: bytes, what: str, shape: InputShape) -> None:
    try:
        probe_encoder(OnnxEncoder(data, shape, what), what, shape)
    except DamagedModel as error:
        raise UnfitEncoder(f"{what} cannot be wrapped: {shortened(error, 500)}") from error
