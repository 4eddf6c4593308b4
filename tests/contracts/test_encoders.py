"""What every encoder of the registry promises."""

import numpy as np
import onnxruntime
import pytest
import torch

from likewise.errors import BadArgument, TrainingError
from likewise.learn import export as export_module
from likewise.learn.encoders import FAMILY
from likewise.learn.export import export
from likewise.learn.network import Network
from likewise.types import InputShape, Kind

SHAPES = {
    Kind.IMAGE: InputShape(Kind.IMAGE, 1, 28, 28),
    Kind.SEQUENCE: InputShape(Kind.SEQUENCE, 3),
}


def built():
    for name in FAMILY.names():
        for kind, shape in SHAPES.items():
            try:
                yield pytest.param(FAMILY.build(name, shape=shape), shape, id=f"{name}-{kind}")
            except BadArgument:
                continue


CASES = list(built())


def batch(shape, rows=5, steps=11, seed=0):
    random = torch.Generator().manual_seed(seed)
    if shape.kind is Kind.IMAGE:
        return torch.randn(rows, shape.channels, shape.height, shape.width, generator=random), None
    lengths = torch.tensor([steps, 1, steps // 2, 2, steps - 1])[:rows]
    inputs = torch.randn(rows, steps, shape.channels, generator=random)
    return inputs * (torch.arange(steps)[None, :, None] < lengths[:, None, None]), lengths


def test_every_encoder_takes_some_kind():
    tested = {case.id.rpartition("-")[0] for case in CASES}
    assert tested == set(FAMILY.names())


@pytest.mark.parametrize(("encoder", "shape"), CASES)
def test_it_says_what_it_takes_and_gives(encoder, shape):
    assert shape.kind in encoder.kinds
    assert encoder(*batch(shape)).shape == (5, encoder.dim)


@pytest.mark.parametrize(("encoder", "shape"), CASES)
def test_one_row_never_changes_another(encoder, shape):
    encoder.eval()
    inputs, lengths = batch(shape)
    with torch.no_grad():
        together = encoder(inputs, lengths)
        for row in range(len(inputs)):
            alone = encoder(
                inputs[row : row + 1], None if lengths is None else lengths[row : row + 1]
            )
            torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "shape"), [case for case in CASES if case.values[1].kind is Kind.SEQUENCE]
)
@pytest.mark.parametrize("filling", [0.0, 7.0])
def test_padding_never_changes_an_embedding(encoder, shape, filling):
    encoder.eval()
    inputs, lengths = batch(shape)
    padding = torch.full((5, 9, shape.channels), filling)
    with torch.no_grad():
        plain = encoder(inputs, lengths)
        padded = encoder(torch.cat([inputs, padding], 1), lengths)
        torch.testing.assert_close(padded, plain, atol=1e-5, rtol=1e-5)
        for row, length in enumerate(lengths):
            alone = encoder(inputs[row : row + 1, :length])
            torch.testing.assert_close(alone[0], plain[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "shape"), [case for case in CASES if case.values[1].kind is Kind.SEQUENCE]
)
def test_the_order_of_steps_matters(encoder, shape):
    encoder.eval()
    inputs, _ = batch(shape)
    with torch.no_grad():
        ahead, behind = encoder(inputs), encoder(inputs.flip(1))
    assert not torch.allclose(ahead, behind, atol=1e-3)


@pytest.mark.parametrize(("encoder", "shape"), CASES)
def test_every_parameter_learns(encoder, shape):
    encoder.train()
    (encoder(*batch(shape)) ** 2).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    encoder.zero_grad()


@pytest.mark.parametrize(("encoder", "shape"), CASES)
def test_export_agrees_with_torch_on_free_axes(encoder, shape):
    unit = shape.kind is Kind.IMAGE  # both ways are exported
    network = Network(encoder, unit=unit)
    session = onnxruntime.InferenceSession(export(network, shape))
    for rows, steps in ((1, 3), (4, 40)):
        inputs, lengths = batch(shape, rows=rows, steps=steps, seed=rows)
        feed = {"inputs": inputs.numpy()}
        if lengths is not None:
            feed["lengths"] = lengths.clamp(max=steps).numpy()
        with torch.no_grad():
            ours = network(inputs, None if lengths is None else lengths.clamp(max=steps))
        (theirs,) = session.run(["embedding"], feed)
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-4)
        if unit:
            np.testing.assert_allclose(np.linalg.norm(theirs, axis=1), 1, atol=1e-5)


def test_a_second_lstm_in_one_process_keeps_its_time_axis_free():
    shape = SHAPES[Kind.SEQUENCE]
    network = Network(FAMILY.build("lstm(hidden=4)", shape=shape), unit=False)
    export(Network(FAMILY.build("lstm(hidden=3)", shape=shape), unit=False), shape)
    session = onnxruntime.InferenceSession(export(network, shape))
    for rows, steps in ((2, 9), (5, 16), (3, 41)):
        inputs, _ = batch(shape, rows=rows, steps=steps)
        feed = {"inputs": inputs.numpy(), "lengths": np.full(rows, steps)}
        assert session.run(["embedding"], feed)[0].shape == (rows, 64)


def test_an_export_that_differs_is_refused(monkeypatch):
    shape = SHAPES[Kind.IMAGE]
    network = Network(FAMILY.build("convnet4", shape=shape), unit=True)
    exported = export(network, shape)
    with torch.no_grad():
        network.encoder.head.weight.add_(1.0)
    with pytest.raises(TrainingError, match="differs from torch"):
        export_module._compare(network, exported, shape)


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("lstm", Kind.IMAGE, "takes series"),
        ("convnet4", Kind.SEQUENCE, "takes images"),
        ("convnet4(dim=0)", Kind.IMAGE, "must be positive"),
        ("lstm(layers=0)", Kind.SEQUENCE, "must be positive"),
        ("transformer(patch=5)", Kind.IMAGE, "do not cut 28x28 evenly"),
        ("transformer(width=30)", Kind.IMAGE, "multiple of twice the heads"),
        ("transformer(dropout=1.0)", Kind.SEQUENCE, "dropout"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(spec, kind, message):
    with pytest.raises(BadArgument, match=message):
        FAMILY.build(spec, shape=SHAPES[kind])
