"""ONNX files that ask for more than arithmetic, or for more of it than a machine can do.

Each is a small encoder that would pass, but for one thing. All take `inputs` [n 1 16 16] and give
`embedding` [n 64], as the image model of the tests does.
"""

import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIM = 64
BIG = 2_000_000_000


def _info(name: str, shape: list[int | str | None], kind: int = TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


INPUT = _info("inputs", ["batch", 1, 16, 16])
OUTPUT = _info("embedding", ["batch", DIM])


def encoder(
    nodes: list = (),
    weights: dict[str, object] | None = None,
    *,
    inputs: list | None = None,
    outputs: list | None = None,
    opsets: dict[str, int] | None = None,
    functions: list = (),
    extra: object = "zero",
) -> onnx.ModelProto:
    """The mean of each image, spread over 64 numbers, plus `extra`, which hostile nodes make."""
    body = [
        helper.make_node("ReduceMean", ["inputs", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Mul", ["column", "ramp"], ["spread"]),
        helper.make_node("Add", ["spread", extra], ["embedding"]),
    ]
    held = {
        "axes": np.array([1, 2, 3]),
        "one": np.array([1]),
        "ramp": np.linspace(0.1, 1, DIM, dtype=np.float32)[None],
        "zero": np.zeros(1, np.float32),
    }
    held |= {name: np.asarray(value) for name, value in (weights or {}).items()}
    graph = helper.make_graph(
        [*nodes, *body],
        "main",
        inputs or [INPUT],
        outputs or [OUTPUT],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    return helper.make_model(
        graph,
        ir_version=10,
        functions=functions,
        opset_imports=[helper.make_opsetid(k, v) for k, v in (opsets or {"": 20}).items()],
    )


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: object):
    return helper.make_node(kind, inputs, outputs, **attributes)


def _summed(nodes: list, weights: dict[str, object]) -> onnx.ModelProto:
    """An encoder that needs the sum of `big`."""
    total = [
        node("Cast", ["big"], ["floats"], to=TensorProto.FLOAT),
        node("ReduceSum", ["floats"], ["total"], keepdims=0),
    ]
    return encoder([*nodes, *total], weights, extra="total")


def giants() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Small files that make large tensors, or take for ever."""
    scalar = node("ReduceMean", ["inputs"], ["scalar"], keepdims=0)
    yield "constant of shape", _summed([node("ConstantOfShape", ["n"], ["big"])], {"n": [BIG]})
    yield (
        "constant of a shape that is computed",
        _summed(
            [
                node("Shape", ["inputs"], ["shape"]),
                node("Gather", ["shape", "first"], ["rows"]),
                node("Mul", ["rows", "n"], ["size"]),
                node("ConstantOfShape", ["size"], ["big"]),
            ],
            {"n": [BIG], "first": [0]},
        ),
    )
    yield "expand", _summed([scalar, node("Expand", ["scalar", "n"], ["big"])], {"n": [BIG]})
    yield (
        "expand beyond 64 bits",
        _summed([scalar, node("Expand", ["scalar", "n"], ["big"])], {"n": [2**40, 2**40]}),
    )
    yield "tile", _summed([node("Tile", ["inputs", "n"], ["big"])], {"n": [1, 1, 4000, 4000]})
    yield (
        "range",
        _summed(
            [node("Range", ["start", "n", "step"], ["big"])],
            {"start": np.int64(0), "n": np.int64(BIG), "step": np.int64(1)},
        ),
    )
    yield (
        "resize",
        _summed(
            [node("Resize", ["inputs", "", "scale"], ["big"])],
            {"scale": np.array([1, 1, 3000, 3000], np.float32)},
        ),
    )
    yield (
        "resize beyond 64 bits",
        _summed(
            [node("Resize", ["inputs", "", "scale"], ["big"])],
            {"scale": np.array([1, 1, 1e18, 1e18], np.float32)},
        ),
    )
    yield (
        "pad",
        _summed(
            [node("Pad", ["inputs", "pads"], ["big"])], {"pads": [0, 0, 0, 0, 0, 0, 50_000, 50_000]}
        ),
    )
    yield (
        "pads of a convolution",
        _summed(
            [node("Conv", ["inputs", "kernel"], ["big"], pads=[50_000] * 4)],
            {"kernel": np.ones((1, 1, 1, 1), np.float32)},
        ),
    )
    yield (
        "one hot",
        _summed(
            [node("OneHot", ["rows", "depth", "values"], ["big"])],
            {"rows": [0] * 100, "depth": np.int64(10**8), "values": np.array([0, 1], np.float32)},
        ),
    )
    yield (
        "outer product",
        _summed(
            [
                scalar,
                node("Expand", ["scalar", "n"], ["row"]),
                node("Unsqueeze", ["row", "at"], ["upright"]),
                node("Mul", ["row", "upright"], ["big"]),
            ],
            {"n": [200_000], "at": [1]},
        ),
    )
    yield (
        "places of what is not zero",
        _summed(
            [
                scalar,
                node("Expand", ["scalar", "n"], ["large"]),
                node("NonZero", ["large"], ["big"]),
            ],
            {"n": [60_000_000]},
        ),
    )
    doubled = [node("Concat", [f"x{i}", f"x{i}"], [f"x{i + 1}"], axis=0) for i in range(60)]
    doubled[0].input[:] = ["inputs", "inputs"]
    yield "doubled sixty times", _summed([*doubled, node("Identity", ["x60"], ["big"])], {})
    yield (
        "product of large matrices",
        _summed(
            [
                scalar,
                node("Expand", ["scalar", "n"], ["large"]),
                node("MatMul", ["large", "large"], ["big"]),
            ],
            {"n": [7000, 7000]},
        ),
    )
    powers = [node("MatMul", [f"m{i}", f"m{i}"], [f"m{i + 1}"]) for i in range(3000)]
    yield (
        "product of many matrices",
        _summed(
            [
                scalar,
                node("Expand", ["scalar", "n"], ["m0"]),
                *powers,
                node("Identity", ["m3000"], ["big"]),
            ],
            {"n": [1000, 1000]},
        ),
    )


def loops() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Operators that hold graphs, and functions."""
    body = helper.make_graph(
        [
            node("Identity", ["on"], ["still"]),
            node("Add", ["carried", "carried"], ["next"]),
        ],
        "body",
        [
            _info("i", [], TensorProto.INT64),
            _info("on", [], TensorProto.BOOL),
            _info("carried", []),
        ],
        [_info("still", [], TensorProto.BOOL), _info("next", [])],
    )
    start = {"true": np.bool_(True), "start": np.float32(0), "most": np.int64(2**62)}
    loop = node("Loop", ["most", "true", "start"], ["end"], body=body)
    yield "loop without end", encoder([loop], start, extra="end")
    branch = helper.make_graph([node("Identity", ["zero"], ["a"])], "then", [], [_info("a", [1])])
    other = helper.make_graph([node("Identity", ["zero"], ["b"])], "else", [], [_info("b", [1])])
    choice = node("If", ["true"], ["end"], then_branch=branch, else_branch=other)
    yield "branches", encoder([choice], start, extra="end")
    nested = helper.make_graph([loop], "nested", [], [_info("end", [])])
    for depth in range(25):
        kept = node("If", ["true"], ["end"], then_branch=nested, else_branch=nested)
        if depth > 6:  # each level holds the one below twice
            kept.attribute.pop()
        nested = helper.make_graph([kept], f"nested{depth}", [], [_info("end", [])])
    yield "loop in branches that are 25 deep", encoder(list(nested.node), start, extra="end")
    scan_body = helper.make_graph(
        [node("Identity", ["x"], ["y"])],
        "scan",
        [_info("x", [1, 16, 16])],
        [_info("y", [1, 16, 16])],
    )
    yield "scan", encoder([node("Scan", ["inputs"], ["s"], body=scan_body, num_scan_inputs=1)])
    mapped = node("SequenceMap", ["seq"], ["out"], body=scan_body)
    yield "sequence map", encoder([node("SequenceConstruct", ["inputs"], ["seq"]), mapped])
    function = helper.make_function(
        "mine",
        "Twice",
        ["x"],
        ["y"],
        [node("Add", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 20)],
    )
    call = node("Twice", ["zero"], ["end"], domain="mine")
    yield (
        "function of its own",
        encoder([call], extra="end", functions=[function], opsets={"": 20, "mine": 1}),
    )
    again = helper.make_function(
        "", "Again", ["x"], ["y"], [node("Again", ["x"], ["y"])], [helper.make_opsetid("", 20)]
    )
    yield (
        "function that calls itself",
        encoder([node("Again", ["zero"], ["end"])], extra="end", functions=[again]),
    )


def domains() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Operators of other libraries, and those that draw random numbers."""
    gelu = node("Gelu", ["zero"], ["end"], domain="com.microsoft")
    yield "com.microsoft", encoder([gelu], extra="end", opsets={"": 20, "com.microsoft": 1})
    yield "com.microsoft declared only", encoder(opsets={"": 20, "com.microsoft": 1})
    yield "com.microsoft used only", encoder([gelu], extra="end")
    custom = node("Run", ["zero"], ["end"], domain="evil.example")
    yield "custom", encoder([custom], extra="end", opsets={"": 20, "evil.example": 1})
    scaler = node("Scaler", ["column"], ["end"], domain="ai.onnx.ml", scale=[1.0], offset=[0.0])
    yield "ai.onnx.ml", encoder([scaler], opsets={"": 20, "ai.onnx.ml": 3})
    context = node("EPContext", ["zero"], ["end"], domain="com.microsoft")
    context.attribute.append(helper.make_attribute("ep_cache_context", "../../secret.bin"))
    context.attribute.append(helper.make_attribute("embed_mode", 0))
    yield (
        "context in another file",
        encoder([context], extra="end", opsets={"": 20, "com.microsoft": 1}),
    )
    yield "unknown operator", encoder([node("NoSuchOperator", ["zero"], ["end"])], extra="end")
    yield "random numbers", encoder([node("RandomNormal", [], ["end"], shape=[1])], extra="end")
    like = node("RandomUniformLike", ["zero"], ["end"])
    yield "random numbers like others", encoder([like], extra="end")


def outside(secret: Path) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Tensors that lie in other files; `secret` is one."""
    places = {
        "above": f"../{secret.name}",
        "far above": "../" * 20 + "etc/hostname",
        "absolute": str(secret),
        "beside": secret.name,
        "the model itself": "model.toml",
        "device": "/dev/zero",
        "address of memory": "*/_ORT_MEM_ADDR_/*",
        "nothing": "",
    }
    for name, place in places.items():
        made = encoder()
        tensor = made.graph.initializer[2]
        _put_outside(tensor, place)
        yield f"weights: {name}", made
    constant = helper.make_tensor("value", TensorProto.FLOAT, [DIM], bytes(4 * DIM), raw=True)
    _put_outside(constant, secret.name)
    yield "constant", encoder([node("Constant", [], ["end"], value=constant)], extra="end")
    made = encoder()
    made.graph.initializer[2].data_location = TensorProto.EXTERNAL
    yield "said and not given", made
    made = encoder()
    entry = made.graph.initializer[2].external_data.add()
    entry.key, entry.value = "location", secret.name
    yield "given and not said", made


def _put_outside(tensor: onnx.TensorProto, place: str) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("offset", "0"), ("length", str(4 * DIM))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def lying() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Tensors whose shapes and sizes are not what they say."""
    shapes = {
        "huge": [1, 10**12],
        "overflowing": [2**32, 2**32],
        "negative": [1, -64],
        "larger than it is": [2, 64],
        "smaller than it is": [1, 32],
        "huge and empty": [0, 2**62],
        "of very many axes": [1] * 5000 + [64],
    }
    for name, shape in shapes.items():
        made = encoder()
        made.graph.initializer[2].dims[:] = shape
        yield f"shape that is {name}", made
    for name, kind in {"texts": 8, "complex": 14, "undefined": 0, "unknown": 999}.items():
        made = encoder()
        made.graph.initializer[2].data_type = kind
        yield f"type that is {name}", made
    made = encoder()
    made.graph.initializer[2].ClearField("raw_data")
    made.graph.initializer[2].float_data.extend([1.0] * 3)
    yield "too few floats", made
    made = encoder()
    made.graph.initializer[2].float_data.extend([1.0] * DIM)
    yield "two payloads", made
    made = encoder()
    sparse = made.graph.sparse_initializer.add()
    sparse.values.name = "more"
    sparse.dims.extend([10**9, 10**9])
    yield "sparse", made
    made = encoder([node("Constant", [], ["end"], value_ints=[0] * 3)])
    made.graph.node[0].attribute[0].type = onnx.AttributeProto.GRAPH
    yield "attribute of another type", made


def interfaces() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Inputs and outputs that are not those of the model."""
    double = TensorProto.DOUBLE
    pixels = ["batch", 1, 16, 16]
    yield "no such input", _renamed("inputs", "pixels")
    yield "no such output", _renamed("embedding", "result")
    yield "one more input", encoder(inputs=[INPUT, _info("more", ["batch"])])
    yield "lengths", encoder(inputs=[INPUT, _info("lengths", ["batch"], TensorProto.INT64)])
    yield (
        "input of doubles",
        encoder([node("Cast", ["wide"], ["inputs"], to=1)], inputs=[_info("wide", pixels, double)]),
    )
    yield "other height", encoder(inputs=[_info("inputs", ["batch", 1, 17, 16])])
    yield "other channels", encoder(inputs=[_info("inputs", ["batch", 3, 16, 16])])
    yield "huge input", encoder(inputs=[_info("inputs", ["batch", 1, 10**9, 10**9])])
    yield "fixed batch", encoder(inputs=[_info("inputs", [1, 1, 16, 16])])
    yield "other rank", encoder(inputs=[_info("inputs", ["batch", 1, 256])])
    for name, shape in {
        "huge": ["batch", 10**12],
        "free": ["batch", "dim"],
        "empty": ["batch", 0],
        "another": ["batch", 32],
        "three axes": ["batch", 1, DIM],
        "one axis": ["batch"],
        "fixed batch": [1, DIM],
    }.items():
        yield f"embedding declared: {name}", encoder(outputs=[_info("embedding", shape)])
    for name, kind in {"doubles": double, "whole numbers": 7, "texts": 8}.items():
        made = _renamed("embedding", "narrow", declared="embedding")
        made.graph.node.append(node("Cast", ["narrow"], ["embedding"], to=kind))
        made.graph.output[0].CopyFrom(_info("embedding", ["batch", DIM], kind))
        yield f"embedding of {name}", made
    for name, value in {"NaN": np.nan, "infinite": np.inf}.items():
        yield f"embedding that is {name}", encoder(weights={"zero": np.float32([value])})
    # What it declares passes; what it gives does not.
    made = _renamed("embedding", "all", declared="embedding")
    made.graph.node.append(node("ReduceMean", ["all", "first"], ["embedding"], keepdims=1))
    made.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
    yield "one embedding for a batch", made
    made = _renamed("embedding", "all", declared="embedding")
    made.graph.node.append(node("Concat", ["all", "all"], ["embedding"], axis=1))
    yield "embedding of twice the length", made


def _renamed(old: str, new: str, declared: str = "") -> onnx.ModelProto:
    made = encoder()
    for one in (*made.graph.input, *made.graph.output):
        one.name = declared or new if one.name == old else one.name
    for one in made.graph.node:
        one.input[:] = [new if name == old else name for name in one.input]
        one.output[:] = [new if name == old else name for name in one.output]
    return made


def forms() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Graphs that no encoder has: in circles, of thousands of parts, of another age."""
    loop = [node("Add", ["b", "zero"], ["a"]), node("Add", ["a", "zero"], ["b"])]
    yield "circle", encoder(loop, extra="b")
    yield "input from nowhere", encoder(extra="nowhere")
    yield "two of one name", encoder([node("Add", ["zero", "zero"], ["mean"])])
    many = [node("Add", [f"c{i}", "zero"], [f"c{i + 1}"]) for i in range(25_000)]
    many[0].input[0] = "zero"
    yield "25,000 operators", encoder(many, extra="c25000")
    made = encoder()
    for _ in range(1_100_000):
        made.opset_import.add().version = 20
    yield "a million versions", made
    for name, version in {"version 0": 0, "version 9999": 9999, "version -1": -1}.items():
        yield name, encoder(opsets={"": version})
    made = encoder()
    made.opset_import.clear()
    yield "no version", made
    made = encoder()
    made.ir_version = 2**40
    yield "age of the form", made
    made = encoder()
    made.training_info.add().algorithm.name = "train"
    yield "training", made
    made = encoder([node("Dropout", ["zero"], ["end"])], extra="end")
    made.graph.node[0].op_type = "\x1b[31mred\n" + "x" * 5000
    yield "operator with a long coloured name", made


def raw_forms(intact: bytes) -> dict[str, bytes]:
    """Bytes that are no ONNX file, or one with odd fields; `intact` is one."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("main.onnx", intact)
    return {
        "nothing": b"",
        "text": b"import os; os.system('true')\n" * 10,
        "zip": zipped.getvalue(),
        "nulls": bytes(10_000),
        "ones": b"\xff" * 10_000,
        "unknown field": intact + b"\xf2\x07\x04evil",
        "a group": intact + b"\x0b\x0c",
        "field zero": intact + b"\x02\x00",
        "second graph": intact + b"\x3a\x04\x0a\x02\x22\x00",
        "length beyond the end": intact + b"\x3a\xff\xff\xff\xff\x0f\x00",
        "length beyond 64 bits": intact + b"\x3a" + b"\xff" * 9 + b"\x01",
        "number without end": intact + b"\x08" + b"\xff" * 40,
        "graph as a number": intact + b"\x38\x01",
        "lengths of lengths": b"".join([b"\x3a\x7f"] * 5000),
    }


def equal_forms(intact: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that say the same as `intact` in other words."""
    model = onnx.load_from_string(intact)
    model.doc_string = "A model that changed its words.\n" * 1000
    yield "doc string", model.SerializeToString()
    model = onnx.load_from_string(intact)
    helper.set_model_props(model, {"x" * 1000: "y" * 5_000_000})
    yield "five megabytes of notes", model.SerializeToString()
    model = onnx.load_from_string(intact)
    model.graph.name = "\x1b[31m<script>"
    model.producer_name = "nobody"
    yield "names", model.SerializeToString()
    model = onnx.load_from_string(intact)
    for number, one in enumerate(model.graph.node):
        one.name = f"renamed {number}"
    yield "names of operators", model.SerializeToString()
    model = onnx.load_from_string(intact)
    model.graph.value_info.clear()
    yield "no notes on shapes", model.SerializeToString()
    yield "ages", intact + b"\x08\x0a"


def as_bytes(models: Iterator[tuple[str, onnx.ModelProto]]) -> Iterator[tuple[str, bytes]]:
    """The same as bytes."""
    for name, model in models:
        yield name, model.SerializeToString()


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, (str(self.path), "w")


def pickled(path: Path) -> bytes:
    """A pickle that would make the file at this path."""
    return pickle.dumps(Canary(path))


def matcher(
    nodes: list | None = None,
    weights: dict[str, object] | None = None,
    *,
    inputs: list | None = None,
    outputs: list | None = None,
) -> onnx.ModelProto:
    """A matcher: two embeddings [n 64] → a logit [n], the larger the nearer they are."""
    body = [
        node("Sub", ["first", "second"], ["off"]),
        node("ReduceL2", ["off", "axis"], ["far"], keepdims=0),
        node("Sub", ["one", "far"], ["logit"]),
    ]
    held = {"axis": np.array([1]), "one": np.float32(1)}
    held |= {name: np.asarray(value) for name, value in (weights or {}).items()}
    pair = [_info(name, ["n", DIM]) for name in ("first", "second")]
    graph = helper.make_graph(
        body if nodes is None else nodes,
        "main",
        inputs or pair,
        outputs or [_info("logit", ["n"])],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def matchers(secret: Path) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Matchers that are none, or mean harm."""
    yield "NaN", matcher(weights={"one": np.float32(np.nan)})
    yield "of another length", matcher(inputs=[_info(n, ["n", 32]) for n in ("first", "second")])
    yield (
        "of one input",
        matcher(
            [node("ReduceL2", ["first", "axis"], ["logit"], keepdims=0)],
            inputs=[_info("first", ["n", DIM])],
        ),
    )
    yield (
        "a matrix",
        matcher(
            [node("Sub", ["first", "second"], ["logit"])], outputs=[_info("logit", ["n", DIM])]
        ),
    )
    yield (
        "one for all",
        matcher(
            [
                node("ReduceL2", ["first"], ["sum"], keepdims=0),
                node("Unsqueeze", ["sum", "zero"], ["logit"]),
            ],
            {"zero": [0]},
        ),
    )
    yield (
        "giant",
        matcher(
            [
                node("ReduceL2", ["first"], ["sum"], keepdims=0),
                node("Expand", ["sum", "n"], ["big"]),
                node("ReduceSum", ["big", "axes"], ["logit"], keepdims=0),
            ],
            {"n": [1, BIG], "axes": [1]},
        ),
    )
    made = matcher()
    _put_outside(made.graph.initializer[1], secret.name)
    yield "data outside", made
    made = matcher()
    made.graph.node[0].domain = "com.microsoft"
    yield "other domain", made
