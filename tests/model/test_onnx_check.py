"""What an ONNX file may hold."""

import time

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from likewise.errors import DamagedModel
from likewise.model.onnx_check import check_onnx
from tests.hostile import onnx_files


def test_an_encoder_that_was_exported_passes(image_model, series_experiment) -> None:
    for model in (image_model, series_experiment.model):
        check_onnx(model.read("encoder.main"), "The encoder")


@pytest.mark.parametrize("case", [*onnx_files.loops(), *onnx_files.domains()], ids=lambda c: c[0])
def test_other_than_plain_operators_are_refused(case: tuple[str, onnx.ModelProto]) -> None:
    if case[0] == "unknown operator":
        pytest.skip("which operators there are, ONNX Runtime knows")
    with pytest.raises(DamagedModel, match=r"^The encoder in m cannot be loaded: it .*Restore"):
        check_onnx(case[1].SerializeToString(), "The encoder in m")


def test_a_tensor_outside_is_refused_in_any_order_of_fields(tmp_path) -> None:
    for _, data in onnx_files.as_bytes(onnx_files.outside(tmp_path / "secret.bin")):
        with pytest.raises(DamagedModel, match="a tensor that lies outside the file"):
            check_onnx(data, "It")
    # Where a field stands twice the last one counts, so a later one does not make up for it.
    tensor = onnx.TensorProto(dims=[1], data_type=1, raw_data=bytes(4)).SerializeToString()
    outside, inside = b"\x70\x01", b"\x70\x00"
    for more in (outside, outside + inside, inside + outside):
        graph = b"\x2a" + bytes([len(tensor + more)]) + tensor + more
        with pytest.raises(DamagedModel, match="a tensor that lies outside the file"):
            check_onnx(b"\x3a" + bytes([len(graph)]) + graph, "It")


def test_an_attribute_holds_no_tensor_outside() -> None:
    tensor = onnx.TensorProto(dims=[1], data_type=1, data_location=1)
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(1)))
    node.attribute[0].t.CopyFrom(tensor)
    with pytest.raises(DamagedModel, match="a tensor that lies outside the file"):
        check_onnx(onnx_files.encoder([node]).SerializeToString(), "It")


def test_weights_are_stepped_over() -> None:
    weights = {"large": np.zeros(10_000_000, np.float32)}
    data = onnx_files.encoder(weights=weights).SerializeToString()
    start = time.perf_counter()
    check_onnx(data, "It")
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has 0 bytes"),
        (b"\x3a\x05ab", "cut off or damaged at byte 2"),
        (b"\x08" + b"\x80" * 11, "cut off or damaged at byte 1"),
        (b"\x0b\x0c", "cut off or damaged"),
        (b"\x00\x01", "no field of a protobuf"),
        (b"\x38\x01", "field 7 in its model is damaged"),
        (b"\xca\x01\x00", "functions of its own"),
        (b"\xfa\x07\x00", "field 127 in its model"),
    ],
)
def test_what_is_no_such_protobuf_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(DamagedModel, match=f"The encoder cannot be loaded: .*{why}"):
        check_onnx(data, "The encoder")
