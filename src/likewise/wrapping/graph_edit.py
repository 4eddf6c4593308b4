"""Small changes to an ONNX graph: names of tensors, and nodes before and behind it.

The graph is parsed by `onnx`, which looks up no other file as long as it is given bytes.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from likewise.errors import MissingExtra, UnfitEncoder
from likewise.io.display import shortened

Axes: TypeAlias = list[int | None]
Steps: TypeAlias = Sequence[tuple[str, dict[str, Any]]]


def parse_onnx(data: bytes, what: str) -> Any:
    """The protobuf of an ONNX file, without what is of no use to run it.

    What `onnx_check` refuses is dropped where nothing depends on it: declared operator sets that
    no node uses, notes on quantization, on devices and on training.

    Raises:
        MissingExtra: If onnx is not installed.
        UnfitEncoder: If it is no ONNX file.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra(
            "Encoders are wrapped with onnx, which is not installed. "
            "Run: pip install 'likewise[wrap]'"
        ) from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's own, of several classes
        raise UnfitEncoder(
            f"{what} is no ONNX file that can be read ({shortened(error, 200)}). Export it again."
        ) from error
    for field in ("training_info", "configuration"):
        if field in model.DESCRIPTOR.fields_by_name:
            model.ClearField(field)
    model.graph.ClearField("quantization_annotation")
    used = {"", "ai.onnx", *(node.domain for node in model.graph.node)}
    called = {(node.domain, node.op_type) for node in model.graph.node}
    weights = {tensor.name for tensor in model.graph.initializer}
    _keep(model.opset_import, lambda one: one.domain in used)
    _keep(model.functions, lambda one: (one.domain, one.name) in called)
    _keep(model.graph.input, lambda one: one.name not in weights)
    for node in model.graph.node:
        if "device_configurations" in node.DESCRIPTOR.fields_by_name:
            node.ClearField("device_configurations")
    # Since this version weights need not stand among the inputs.
    model.ir_version = max(model.ir_version, 4)
    # They tell of the axes as they were.
    model.graph.ClearField("value_info")
    return model


def axes_of(value: Any) -> Axes | None:
    """The sizes of an input's or output's axes, None for one of any size; None if not declared."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim]


def rename(graph: Any, old: str, new: str) -> None:
    """Call a tensor by another name, wherever it stands."""
    if old == new:
        return
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
    for named in (*graph.initializer, *graph.input, *graph.output):
        if named.name == old:
            named.name = new


def free(graph: Any, name: str) -> dict[str, str]:
    """Let no tensor have this name; what had it is called otherwise: old name → new name."""
    taken = {one for node in graph.node for one in (*node.input, *node.output)}
    taken |= {one.name for one in (*graph.initializer, *graph.input, *graph.output)}
    if name not in taken:
        return {}
    other = next(f"{name}_{i}" for i in range(len(taken) + 1) if f"{name}_{i}" not in taken)
    rename(graph, name, other)
    return {name: other}


def free_reshapes(graph: Any) -> int:
    """Let shapes that begin with a batch of one begin with whatever batch comes.

    Exporters write `x.view(1, -1)` so. Whether the batch is meant, a run on several items tells.

    Returns:
        How many operators now take another shape.
    """
    from onnx import numpy_helper

    fixed = {one.name: one for one in graph.initializer}
    fixed |= {
        node.output[0]: part.t
        for node in graph.node
        for part in node.attribute
        if node.op_type == "Constant" and part.name == "value"
    }
    changed = 0
    for node in list(graph.node):
        shape = fixed.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is None or node.input[0] in fixed:
            continue
        sizes = numpy_helper.to_array(shape).copy()
        if sizes.ndim != 1 or len(sizes) < 2 or sizes[0] != 1:
            continue
        sizes[0] = 0  # as the input has it
        name = f"{node.input[1]}_of_{changed}"
        free(graph, name)
        graph.initializer.append(numpy_helper.from_array(sizes, name))
        node.input[1] = name
        changed += 1
    return changed


def lead_in(graph: Any, name: str, value: Any, steps: Steps) -> None:
    """Let an input be another, from which steps lead to what the graph takes.

    Args:
        graph: To change; no tensor in it is called as the new input is.
        name: Of the input.
        value: The new input.
        steps: Operator and attributes of each step.
    """
    place = [one.name for one in graph.input].index(name)
    graph.input[place].CopyFrom(value)
    if not steps:
        rename(graph, name, value.name)
    for node in reversed(_chain(value.name, name, steps)):
        graph.node.insert(0, node)


def lead_out(graph: Any, name: str, value: Any, steps: Steps) -> None:
    """Let an output, after some steps, be the only one.

    Args:
        graph: To change; no tensor in it is called as the new output is.
        name: Of the output.
        value: The new output.
        steps: Operator and attributes of each step.
    """
    if not steps:
        rename(graph, name, value.name)
    graph.node.extend(_chain(name, value.name, steps))
    graph.ClearField("output")
    graph.output.append(value)


def _chain(first: str, last: str, steps: Steps) -> list[Any]:
    from onnx import helper

    names = [first, *(f"{first}_to_{last}_{i}" for i in range(1, len(steps))), last]
    return [
        helper.make_node(kind, [names[i]], [names[i + 1]], **attributes)
        for i, (kind, attributes) in enumerate(steps)
    ]


def _keep(entries: Any, wanted: Callable[[Any], bool]) -> None:
    for place in reversed(range(len(entries))):
        if not wanted(entries[place]):
            del entries[place]
