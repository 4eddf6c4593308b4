"""From the graph of somebody's encoder to one that takes and gives what a model's encoder does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.errors import DamagedModel, UnfitEncoder
from likewise.io.display import printable, shortened
from likewise.model import LONGEST_EMBEDDING, OnnxEncoder, OnnxSession, check_onnx
from likewise.shapes import Array
from likewise.types import Form, InputShape
from likewise.wrapping import graph_edit
from likewise.wrapping.graph_edit import Axes, Steps

FLOAT, INT32, INT64, FLOAT16, DOUBLE = 1, 6, 7, 10, 11
"""Of TensorProto.DataType."""
FLOATS = {FLOAT: "float32", FLOAT16: "float16", DOUBLE: "float64"}
WHOLE = {INT32: "int32", INT64: "int64"}
TO_NHWC = ("Transpose", {"perm": [0, 2, 3, 1]})


@dataclass(frozen=True)
class WrapRequest:
    """What a person said of the encoder.

    Attributes:
        shape: What the transform feeds it.
        transform: The spec of the transform, for errors.
        inputs: The name of its input; empty if it has one.
        lengths: The name of the input of lengths, of series; empty if there is one of whole
            numbers.
        output: The name of the output to take; empty if it has one.
        layout: `nchw` or `nhwc`: where its channels stand.
    """

    shape: InputShape
    transform: str
    inputs: str = ""
    lengths: str = ""
    output: str = ""
    layout: str = "nchw"


def adapt_encoder(data: bytes, what: str, wanted: WrapRequest) -> bytes:
    """The same encoder with the inputs, the output and the free axes of a model's.

    Args:
        data: The bytes of an ONNX file.
        what: What it is, for errors.
        wanted: What a person said of it.

    Raises:
        MissingExtra: If onnx is not installed.
        UnfitEncoder: If it is no such encoder, or holds what `onnx_check` refuses.
        OutOfMemory: If there is not enough memory to run it.
    """
    model = graph_edit.parse_onnx(data, what)
    _check(model, what)
    graph = model.graph
    inputs, lengths = _inputs(graph, what, wanted)
    output = _chosen(graph.output, wanted.output, f"{what} gives", "--output")
    moved: dict[str, str] = {}
    for name in ("inputs", "lengths", "embedding"):
        moved |= graph_edit.free(graph, name)
    _lead_in(graph, moved.get(inputs.name, inputs.name), what, wanted)
    if lengths is not None:
        _lead_lengths(graph, moved.get(lengths.name, lengths.name), what)
    _lead_out(graph, moved.get(output.name, output.name), what)
    _check(model, what)
    try:
        found = _first_run(model, what, wanted.shape)
    except UnfitEncoder:
        if not graph_edit.free_reshapes(graph):
            raise
        found = _first_run(model, what, wanted.shape)
    graph.output[0].CopyFrom(_value("embedding", FLOAT, ["batch", found]))
    return bytes(model.SerializeToString())


def _check(model: Any, what: str) -> None:
    try:
        check_onnx(model.SerializeToString(), what)
    except DamagedModel as error:
        raise UnfitEncoder(
            f"{what} cannot be wrapped: {error.__cause__}. Export it again as plain operators of "
            "ONNX in one file: by torch.onnx.export(..., dynamo=True), with weights inside, and "
            "without operators of a runtime's own."
        ) from error


def _chosen(values: Sequence[Any], name: str, subject: str, option: str) -> Any:
    """The input or output of this name, or the only one."""
    names = [value.name for value in values]
    shown = printable(", ".join(map(repr, names[:20])))
    if name and name not in names:
        raise UnfitEncoder(f"{subject} {shown}, and none is {name!r}. Name one with {option}.")
    if not name and len(names) != 1:
        raise UnfitEncoder(f"{subject} {shown or 'nothing'}. Name one with {option}.")
    return values[names.index(name)] if name else values[0]


def _inputs(graph: Any, what: str, wanted: WrapRequest) -> tuple[Any, Any | None]:
    """The input of items, and that of lengths where series are taken; all others are refused."""
    rest = list(graph.input)
    lengths = None
    if wanted.shape.form.has_lengths:
        whole = [one for one in rest if one.type.tensor_type.elem_type in WHOLE]
        if not whole:
            raise UnfitEncoder(
                f"{what} takes no lengths (whole numbers [n]), so the padding of a batch of series "
                "would be part of them. Export it with an input of lengths that it leaves padding "
                "out by."
            )
        lengths = _chosen(whole, wanted.lengths, f"{what} takes the whole numbers", "--lengths")
        rest = [one for one in rest if one.name != lengths.name]
    elif wanted.lengths:
        raise UnfitEncoder(
            f"--lengths {wanted.lengths} is for series, and {wanted.transform} makes "
            f"{wanted.shape.form}. Leave it out."
        )
    inputs = _chosen(rest, wanted.inputs, f"{what} takes", "--input")
    if len(rest) > 1:
        others = ", ".join(repr(one.name) for one in rest if one.name != inputs.name)
        raise UnfitEncoder(
            f"{what} takes {inputs.name!r} and also {printable(others)}, and nobody would feed "
            "that. Export it with one input."
        )
    return inputs, lengths


def _lead_in(graph: Any, name: str, what: str, wanted: WrapRequest) -> None:
    value = next(one for one in graph.input if one.name == name)
    kind, axes = value.type.tensor_type.elem_type, graph_edit.axes_of(value)
    shape = wanted.shape
    taken, fed = (WHOLE, INT64) if shape.form.dtype == "int64" else (FLOATS, FLOAT)
    if kind not in taken:
        words = "whole numbers" if fed == INT64 else "floats"
        raise UnfitEncoder(
            f"{what} takes numbers of the type {kind} (of ONNX's TensorProto.DataType), and "
            f"{words} are expected. Export it so that it takes {shape.form.dtype}."
        )
    steps: list[tuple[str, dict[str, Any]]] = []
    sizes = ["batch", *("time" if size is None else size for size in shape.sizes)]
    expected = [None, *shape.sizes]
    if wanted.layout == "nhwc":
        expected = [None, *shape.sizes[1:], shape.channels]
        steps.append(TO_NHWC)
    _check_axes(axes, expected, what, wanted)
    if kind != fed:
        steps.append(("Cast", {"to": kind}))
    graph_edit.lead_in(graph, name, _value("inputs", fed, sizes), steps)


def _check_axes(axes: Axes | None, expected: Sequence[Any], what: str, wanted: WrapRequest) -> None:
    # A batch of one is what exporters fix; whether others run too is tried.
    if axes is None or (
        len(axes) == len(expected)
        and all(None in (a, e) or a == e for a, e in zip(axes[1:], expected[1:], strict=True))
    ):
        return
    said = f"{what} takes {_shown(axes)}, and {wanted.transform} gives {_shown(expected)}."
    if wanted.shape.form is not Form.IMAGES or len(axes) != 4:
        raise UnfitEncoder(
            f"{said} Images are [n c h w] (or [n h w c] with --layout nhwc), series [n t d] with "
            "time free, vectors [n d]. Export it so, or choose the transform that fits."
        )
    _, *one = axes
    if wanted.layout == "nchw" and one[2] in (1, 3) and one[0] not in (1, 3):
        raise UnfitEncoder(f"{said} Its channels stand last: add --layout nhwc.")
    channels, height, width = one if wanted.layout == "nchw" else (one[2], one[0], one[1])
    if height != width or channels not in (1, 3, None):
        raise UnfitEncoder(
            f"{said} Likewise makes square images of one or three channels. Export it for such."
        )
    size = f"size={height or wanted.shape.height}"
    color = ", color=True" if (channels or wanted.shape.channels) == 3 else ""
    raise UnfitEncoder(f"{said} Write --transform 'image({size}{color})'.")


def _shown(axes: Sequence[Any]) -> str:
    return f"[{' '.join('n' if size is None else str(size) for size in axes)}]"


def _lead_lengths(graph: Any, name: str, what: str) -> None:
    value = next(one for one in graph.input if one.name == name)
    kind, axes = value.type.tensor_type.elem_type, graph_edit.axes_of(value)
    if axes is not None and len(axes) != 1:
        raise UnfitEncoder(f"{what} takes lengths {_shown(axes)}, and [n] is expected.")
    steps: Steps = [("Cast", {"to": kind})] if kind != INT64 else []
    graph_edit.lead_in(graph, name, _value("lengths", INT64, ["batch"]), steps)


def _lead_out(graph: Any, name: str, what: str) -> None:
    value = next(one for one in graph.output if one.name == name)
    kind, axes = value.type.tensor_type.elem_type, graph_edit.axes_of(value)
    if kind not in FLOATS:
        raise UnfitEncoder(
            f"{what} gives numbers of the type {kind} (of ONNX's TensorProto.DataType) as "
            f"{name!r}, and floats are expected. Name another output with --output."
        )
    if axes is not None and (len(axes) < 2 or any((size or 1) != 1 for size in axes[2:])):
        raise UnfitEncoder(
            f"{what} gives {_shown(axes)} as {name!r}, and one row of numbers an item, [n dim], "
            "is expected. Export it with its pooling, or name another output with --output."
        )
    steps: list[tuple[str, dict[str, Any]]] = []
    if axes is None or len(axes) > 2:
        steps.append(("Flatten", {"axis": 1}))
    if kind != FLOAT:
        steps.append(("Cast", {"to": FLOAT}))
    graph_edit.lead_out(graph, name, _value("embedding", FLOAT, ["batch", "dim"]), steps)


def _value(name: str, kind: int, sizes: Sequence[str | int]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, list(sizes))


def _first_run(model: Any, what: str, shape: InputShape) -> int:
    """How long an embedding is, by one batch of two."""
    try:
        graph = OnnxSession(bytes(model.SerializeToString()), what)
        found = graph.run("embedding", batch(shape, rows=2, steps=16, seed=0))
    except DamagedModel as error:
        raise UnfitEncoder(
            f"{what} does not run on a batch of two items: {shortened(error, 300)} If it was "
            "exported for a batch of one, export it with a free batch axis."
        ) from error
    if found.ndim != 2 or len(found) != 2 or not 1 <= found.shape[1] <= LONGEST_EMBEDDING:
        raise UnfitEncoder(
            f"{what} gave {list(found.shape)} for two items, and two rows of at most "
            f"{LONGEST_EMBEDDING} numbers are expected. Export it with its pooling and a free "
            "batch axis."
        )
    return int(found.shape[1])


def batch(shape: InputShape, *, rows: int, steps: int, seed: int) -> dict[str, Array]:
    """Random items, as an encoder is fed them."""
    inputs = shape.random_batch(np.random.default_rng(seed), rows, steps)
    if not shape.form.has_lengths:
        return {"inputs": inputs}
    return {"inputs": inputs, "lengths": np.full(rows, steps, dtype=np.int64)}


def probe_encoder(
    encoder: OnnxEncoder, what: str, shape: InputShape, tolerance: float = 1e-3
) -> None:
    """Refuse an encoder in which one item, or padding, changes the embedding of another.

    Args:
        encoder: To be tried.
        what: What it is, for errors.
        shape: What it is fed.
        tolerance: How far two embeddings of one item may be apart, as a part of their length.

    Raises:
        UnfitEncoder: Saying which.
        DamagedModel: If it does not run.
    """
    feed = batch(shape, rows=3, steps=16, seed=1)
    together = encoder.run(feed["inputs"], feed.get("lengths"))
    alone = np.concatenate(
        [
            encoder.run(feed["inputs"][i : i + 1], _part(feed.get("lengths"), i))
            for i in range(len(together))
        ]
    )
    _same(
        together,
        alone,
        f"{what}: an item's embedding depends on what it is embedded with, as "
        "batch statistics do. Export it in evaluation mode.",
        tolerance,
    )
    if "lengths" in feed:
        ends = [(0, 0)] * feed["inputs"].ndim
        ends[1] = (0, 5)
        padded = np.pad(feed["inputs"], ends)
        _same(
            together,
            encoder.run(padded, feed["lengths"]),
            f"{what}: padding behind a series "
            "changes its embedding. Let the encoder leave it out by the lengths.",
            tolerance,
        )


def _part(lengths: Array | None, row: int) -> Array | None:
    return None if lengths is None else lengths[row : row + 1]


def _same(one: Array, other: Array, why: str, tolerance: float) -> None:
    scale = max(float(np.abs(one).max()), 1e-6)
    if not float(np.abs(one - other).max()) <= tolerance * scale:
        raise UnfitEncoder(why)
