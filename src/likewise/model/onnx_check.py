"""What an ONNX file may hold, found out before ONNX Runtime sees it.

A model may come from a stranger, and an ONNX file can ask for more than arithmetic: for tensors in
other files (which ONNX Runtime looks up from the current directory when it is given bytes), for
operators of other libraries, for loops that never end, for tensors far larger than the file. This
walk over the file's protobuf fields allows what the house's encoders and matchers are made of, and
refuses by name whatever it does not know. Weights are stepped over, so that it takes milliseconds
whatever the size of the file.

Where a field stands twice the last one counts, or both are merged; here each must be allowed. A
field of another wire type than its own would be passed over, and is refused here.

References:
    onnx/onnx.proto of ONNX 1.23, from which the numbers of the fields are; the wire format of
    protobuf (protobuf.dev, "Encoding").
"""

from collections.abc import Iterator
from typing import TypeAlias

from likewise.errors import DamagedModel

LARGEST_BYTES = 2**31 - 1
MOST_FIELDS = 500_000
MOST_NODES = 20_000
MOST_ELEMENTS = 2**31
DOMAINS = (b"", b"ai.onnx")
"""The operators of ONNX itself; those of other libraries are other code."""
CHANCE = frozenset(
    {b"Bernoulli", b"Multinomial", b"RandomNormal", b"RandomNormalLike"}
    | {b"RandomUniform", b"RandomUniformLike"}
)
"""Operators that draw random numbers: one item would have many embeddings."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TYPE_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""TensorProto.DataType → bytes of an element; neither texts, complex numbers nor half bytes."""

# Message → field → its wire type, or the message that it holds. A field that may be packed has
# both wire types; texts are bytes.
_Form: TypeAlias = int | str | tuple[int, int]
_ATTRIBUTE: dict[int, _Form] = {1: 2, 2: 5, 3: 0, 4: 2, 5: "tensor", 7: (5, 2), 8: (0, 2), 9: 2}
_TENSOR: dict[int, _Form] = {1: (0, 2), 2: 0, 4: (5, 2), 5: (0, 2), 7: (0, 2), 8: 2, 9: 2}
_FIELDS: dict[str, dict[int, _Form]] = {
    "model": {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: "graph", 8: "opset", 14: 2},
    "opset": {1: 2, 2: 0},
    "graph": {1: "node", 2: 2, 5: "tensor", 10: 2, 11: 2, 12: 2, 13: 2, 16: 2},
    "node": {1: 2, 2: 2, 3: 2, 4: 2, 5: "attribute", 6: 2, 7: 2, 8: 2, 9: 2},
    "attribute": {**_ATTRIBUTE, 10: "tensor", 13: 2, 20: 0},
    "tensor": {**_TENSOR, 10: (1, 2), 11: (0, 2), 12: 2, 14: 0, 16: 2},
}
_PAYLOAD = (4, 5, 7, 10, 11)
_EXPECTED = "only operators of ONNX with their weights"
_REFUSED = {
    ("model", 20): "a graph for training",
    ("model", 25): "functions of its own",
    ("model", 26): "a choice of devices",
    ("graph", 14): "quantization notes",
    ("graph", 15): "sparse tensors",
    ("node", 10): "a choice of devices",
    ("attribute", 6): "an operator that holds a graph, as loops and branches do",
    ("attribute", 11): "an operator that holds graphs, as loops and branches do",
    ("attribute", 14): "an operator on sequences or optional values",
    ("attribute", 15): "an operator on sequences or optional values",
    ("attribute", 21): "an operator of a function of its own",
    ("attribute", 22): "sparse tensors",
    ("attribute", 23): "sparse tensors",
    ("tensor", 3): "a tensor in segments",
    ("tensor", 6): "a tensor of texts",
    ("tensor", 13): "a tensor that lies outside the file",
}


def check_onnx(data: bytes, what: str) -> None:
    """Refuse an ONNX file that holds anything else than operators of ONNX and their weights.

    Args:
        data: The bytes of the file.
        what: What it is, for errors: `the encoder in model/`.

    Raises:
        DamagedModel: Saying what it holds.
    """
    try:
        _Walk(data).message("model", 0, len(data))
    except _Unfit as error:
        raise DamagedModel(
            f"{what} cannot be loaded: {error}. Restore the model from where it came, and do not "
            "trust it if it came like this."
        ) from error


class _Unfit(ValueError):
    """Why a file is refused."""


class _Walk:
    """One walk through a file; each part of it is looked at once."""

    def __init__(self, data: bytes) -> None:
        if not 0 < len(data) <= LARGEST_BYTES:
            raise _Unfit(f"it has {len(data)} bytes, and 1 to {LARGEST_BYTES} are expected")
        self.data = data
        self.fields_left = MOST_FIELDS
        self.nodes_left = MOST_NODES

    def message(self, name: str, start: int, end: int) -> None:
        """Check the message between two places in the file, and those within it."""
        for number, wire, value, stop in self.fields(start, end):
            inner = self.known(name, number, wire)
            if inner == "tensor":
                self.tensor(value, stop)
            elif inner:
                self.message(inner, value, stop)
            elif name in ("node", "opset"):
                self.operator(name, number, value, stop)

    def known(self, name: str, number: int, wire: int) -> str:
        """Refuse a field that is not expected; the message that it holds, if it holds one."""
        held = _FIELDS[name].get(number)
        if held is None:
            refused = _REFUSED.get((name, number), f"field {number} in its {name}")
            raise _Unfit(f"it holds {refused}, and {_EXPECTED} are expected")
        wires = (_BYTES,) if isinstance(held, str) else held if isinstance(held, tuple) else (held,)
        if wire not in wires:
            raise _Unfit(f"field {number} in its {name} is damaged")
        return held if isinstance(held, str) else ""

    def operator(self, name: str, number: int, value: int, stop: int) -> None:
        """Check the name and the domain of an operator."""
        if (name, number) in (("node", 7), ("opset", 1)):
            domain = self.data[value : min(stop, value + 80)]
            if domain not in DOMAINS:
                raise _Unfit(
                    f"it asks for operators of the domain {domain.decode(errors='replace')!r}, and "
                    "only those of ONNX itself are expected"
                )
        elif (name, number) == ("node", 4):
            self.nodes_left -= 1
            operator = self.data[value : min(stop, value + 80)]
            if operator in CHANCE:
                raise _Unfit(
                    f"it draws random numbers ({operator.decode()}), and the same embedding for "
                    "the same item is expected"
                )
            if self.nodes_left < 0:
                raise _Unfit(f"it has more than {MOST_NODES} operators")

    def tensor(self, start: int, end: int) -> None:
        """Check that a tensor holds the elements that it declares."""
        elements, kind, raw, held = 1, 0, -1, 0
        for number, wire, value, stop in self.fields(start, end):
            self.known("tensor", number, wire)
            if number == 1:
                for size in [value] if wire == _VARINT else self.packed(value, stop):
                    elements *= size
                    if max(size, elements) > MOST_ELEMENTS:
                        raise _Unfit(f"a tensor declares more than {MOST_ELEMENTS} elements")
            elif number == 2:
                kind = value
            elif number == 14 and value != 0:
                raise _Unfit(f"it holds {_REFUSED['tensor', 13]}, and {_EXPECTED} are expected")
            elif number == 9:
                raw = stop - value
            elif number in _PAYLOAD:
                held += stop - value if wire == _BYTES else 1
        if kind not in _TYPE_BYTES:
            raise _Unfit(f"a tensor is of the type {kind}, and numbers are expected")
        # Numbers that are not raw take at least a byte each.
        if (elements > held) if raw < 0 else (elements * _TYPE_BYTES[kind] != raw):
            raise _Unfit(
                f"a tensor declares {elements} elements, and {max(raw, held)} bytes are there"
            )

    def packed(self, start: int, end: int) -> Iterator[int]:
        """The whole numbers in a packed field."""
        while start < end:
            self._count()
            value, start = self._varint(start, end)
            yield value

    def fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type and value of each field; of bytes, where they begin and end."""
        while start < end:
            self._count()
            key, start = self._varint(start, end)
            number, wire = key >> 3, key & 7
            if not 0 < number < 2**29:
                raise _Unfit(f"byte {start} is no field of a protobuf")
            if wire == _VARINT:
                value, start = self._varint(start, end)
                yield number, wire, value, 0
                continue
            if wire == _BYTES:
                size, start = self._varint(start, end)
            else:
                size = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
            if not 0 <= size <= end - start:
                raise _Unfit(f"it is cut off or damaged at byte {start}")
            yield number, wire, start, start + size
            start += size

    def _count(self) -> None:
        self.fields_left -= 1
        if self.fields_left < 0:
            raise _Unfit(f"it has more than {MOST_FIELDS} parts")

    def _varint(self, start: int, end: int) -> tuple[int, int]:
        data = self.data
        value = shift = 0
        for place in range(start, min(end, start + 10)):
            byte = data[place]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (2**64 - 1), place + 1
            shift += 7
        raise _Unfit(f"it is cut off or damaged at byte {start}")
