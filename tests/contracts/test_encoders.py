"""What every encoder of the registry promises.

Each is built small, and exported once for all that is asked of its export.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from likewise.errors import BadArgument, TrainingError
from likewise.learn.encoders import FAMILY
from likewise.learn.network import export as export_module
from likewise.learn.network.export import export_network
from likewise.learn.network.network import Network
from likewise.types import Form, InputShape
from tests.exports import shared

pytestmark = pytest.mark.exported_anew
SHAPES = {
    Form.IMAGES: InputShape(Form.IMAGES, 1, 28, 28),
    Form.FRAMES: InputShape(Form.FRAMES, 3),
    Form.VECTORS: InputShape(Form.VECTORS, 6),
}
# Small ones, with every way of pooling among them; what is not here is built with its defaults.
SMALL = {
    ("convnet4", Form.IMAGES): "convnet4(dim=8, width=4)",
    ("koch", Form.IMAGES): "koch(dim=8)",
    ("resnet", Form.IMAGES): "resnet(dim=8, width=4, pooling='attention')",
    ("vgg", Form.IMAGES): "vgg(dim=8, width=4)",
    ("transformer", Form.IMAGES): "transformer(dim=8, width=8, layers=1, heads=2)",
    ("ensemble", Form.IMAGES): "ensemble('convnet4(dim=4, width=4)', members=3)",
    ("ensemble", Form.FRAMES): "ensemble('lstm(dim=4, hidden=4)', normalize=False)",
    ("linear", Form.VECTORS): "linear(dim=8)",
    ("mlp", Form.VECTORS): "mlp(dim=8, hidden=4, layers=2, dropout=0.5)",
    ("ensemble", Form.VECTORS): "ensemble('mlp(dim=4, hidden=4)')",
    ("conv1d", Form.FRAMES): "conv1d(dim=8, width=4, blocks=1, pooling='last')",
    ("lstm", Form.FRAMES): "lstm(dim=8, hidden=4)",
    ("transformer", Form.FRAMES): (
        "transformer(dim=8, width=8, layers=1, heads=2, pooling='attention')"
    ),
}
LARGER = {"koch": InputShape(Form.IMAGES, 1, 65, 65)}  # what does not take 28x28


@dataclass(frozen=True)
class Case:
    """An encoder for one kind of input."""

    name: str
    spec: str
    shape: InputShape

    @property
    def form(self):
        return self.shape.form


def cases():
    for name in FAMILY.names():
        for form, usual in SHAPES.items():
            shape = LARGER.get(name, usual) if form is Form.IMAGES else usual
            case = Case(name, SMALL.get((name, form), name), shape)
            try:
                encoder_of(case)
            except BadArgument:
                continue
            yield case


@cache
def encoder_of(case):
    torch.manual_seed(0)
    return FAMILY.build(case.spec, shape=case.shape)


@cache
def exported(case):
    """The network, its graph, and the session that runs it; images are scaled to length one."""
    network = Network(encoder_of(case), normalize=case.form is Form.IMAGES)
    graph = export_network(network, case.shape)
    return network, graph, onnxruntime.InferenceSession(graph)


@pytest.fixture(scope="module", autouse=True)
def an_lstm_was_exported_before():
    """Torch remembers its kernel, which would fix the time axis of every LSTM exported here."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.export.export(torch.nn.LSTM(3, 2, batch_first=True).eval(), (torch.zeros(2, 3, 3),))


CASES = list(cases())
SERIES = [case for case in CASES if case.form is Form.FRAMES]
# Koch's is exported whole, in a slow test of its own.
EXPORTED = [case for case in CASES if case.name != "koch"]


def the(name, form):
    return next(case for case in CASES if (case.name, case.form) == (name, form))


def named(cases):
    return [pytest.param(case, id=f"{case.name}-{case.form}") for case in cases]


def batch(shape, rows=5, steps=11, seed=0):
    random = torch.Generator().manual_seed(seed)
    if shape.form is Form.IMAGES:
        return torch.randn(rows, shape.channels, shape.height, shape.width, generator=random), None
    if not shape.form.has_lengths:
        return torch.randn(rows, shape.channels, generator=random), None
    lengths = torch.tensor([steps, 1, steps // 2, 2, steps - 1])[:rows]
    inputs = torch.randn(rows, steps, shape.channels, generator=random)
    return inputs * (torch.arange(steps)[None, :, None] < lengths[:, None, None]), lengths


def run(session, inputs, lengths):
    feed = {"inputs": inputs.numpy()}
    if lengths is not None:
        feed["lengths"] = lengths.numpy()
    return session.run(["embedding"], feed)[0]


def test_every_encoder_takes_some_form():
    assert {case.name for case in CASES} == set(FAMILY.names())
    assert {(case.name, case.form) for case in CASES} >= set(SMALL)


@pytest.mark.parametrize("case", named(CASES))
def test_it_says_what_it_takes_and_gives(case):
    encoder = encoder_of(case).eval()
    assert case.form in encoder.forms
    assert encoder(*batch(case.shape)).shape == (5, encoder.dim)


@pytest.mark.parametrize("case", named(CASES))
def test_one_row_never_changes_another(case):
    encoder = encoder_of(case).eval()
    inputs, lengths = batch(case.shape)
    with torch.no_grad():
        together = encoder(inputs, lengths)
        for row in range(len(inputs)):
            alone = encoder(
                inputs[row : row + 1], None if lengths is None else lengths[row : row + 1]
            )
            torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", named(SERIES))
@pytest.mark.parametrize("filling", [0.0, 7.0])
def test_padding_never_changes_an_embedding(case, filling):
    encoder = encoder_of(case).eval()
    inputs, lengths = batch(case.shape)
    padding = torch.full((5, 9, case.shape.channels), filling)
    with torch.no_grad():
        plain = encoder(inputs, lengths)
        padded = encoder(torch.cat([inputs, padding], 1), lengths)
        torch.testing.assert_close(padded, plain, atol=1e-5, rtol=1e-5)
        for row, length in enumerate(lengths):
            alone = encoder(inputs[row : row + 1, :length])
            torch.testing.assert_close(alone[0], plain[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", named(SERIES))
def test_the_order_of_steps_matters(case):
    encoder = encoder_of(case).eval()
    inputs, _ = batch(case.shape)
    with torch.no_grad():
        ahead, behind = encoder(inputs), encoder(inputs.flip(1))
    assert not torch.allclose(ahead, behind, atol=1e-3)


@pytest.mark.parametrize("case", named(CASES))
def test_every_parameter_learns(case):
    encoder = FAMILY.build(case.spec, shape=case.shape).train()
    (encoder(*batch(case.shape)) ** 2).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("case", named(EXPORTED))
def test_export_agrees_with_torch_on_free_axes(case):
    network, _, session = exported(case)
    for rows, steps in ((1, 3), (4, 40)):
        inputs, lengths = batch(case.shape, rows=rows, steps=steps, seed=rows)
        with torch.no_grad():
            ours = network(inputs, lengths)
        theirs = run(session, inputs, lengths)
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-4)
        if network.normalize:
            np.testing.assert_allclose(np.linalg.norm(theirs, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("case", named(EXPORTED))
def test_in_an_export_no_row_and_no_padding_changes_an_embedding(case):
    _, _, session = exported(case)
    inputs, lengths = batch(case.shape)
    together = run(session, inputs, lengths)
    for row in range(len(inputs)):
        alone = inputs[row : row + 1]
        length = None if lengths is None else lengths[row : row + 1]
        if length is not None:
            alone = alone[:, : length[0]]
        np.testing.assert_allclose(run(session, alone, length)[0], together[row], atol=1e-5)


@pytest.mark.parametrize("case", named([the("convnet4", Form.IMAGES), the("lstm", Form.FRAMES)]))
def test_the_weights_of_another_in_a_graph_traced_once_are_an_export(case, tmp_path, monkeypatch):
    """So the other tests take them: see tests/exports.py."""
    network, graph, _ = exported(case)
    torch.manual_seed(1)
    other = Network(FAMILY.build(case.spec, shape=case.shape), normalize=network.normalize)
    once = shared(export_module._exported, tmp_path)
    monkeypatch.setattr(export_module, "_exported", once)
    export_network(other, case.shape)
    assert len([*tmp_path.iterdir()]) == 1
    filled = export_network(network, case.shape)
    assert len([*tmp_path.iterdir()]) == 1
    kinds = [
        [node.op_type for node in onnx.load_from_string(one).graph.node] for one in (filled, graph)
    ]
    assert kinds[0] == kinds[1]
    inputs, lengths = batch(case.shape)
    found, expected = (
        run(onnxruntime.InferenceSession(one), inputs, lengths) for one in (filled, graph)
    )
    np.testing.assert_array_equal(found, expected)


def test_an_export_that_differs_is_refused():
    case = the("convnet4", Form.IMAGES)
    _, graph, _ = exported(case)
    torch.manual_seed(1)
    other = Network(FAMILY.build(case.spec, shape=case.shape).eval(), normalize=True)
    with pytest.raises(TrainingError, match="differs from torch"):
        export_module._compare(other, graph, case.shape)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        ("koch", InputShape(Form.IMAGES, 1, 105, 105)),
        ("convnet4", SHAPES[Form.IMAGES]),
        ("resnet", SHAPES[Form.IMAGES]),
        ("resnet(stem='pooled')", SHAPES[Form.IMAGES]),
        ("resnet(depth=8, stem='strided', pooling='flatten')", SHAPES[Form.IMAGES]),
        ("resnet(depth=18, stem='large')", SHAPES[Form.IMAGES]),
        ("resnet(depth=50, width=4)", SHAPES[Form.IMAGES]),
        ("vgg", SHAPES[Form.IMAGES]),
        ("vgg(depth=16, batch_norm=False, pooling='attention')", SHAPES[Form.IMAGES]),
        ("vgg(pooling='mean')", SHAPES[Form.IMAGES]),
        ("transformer", SHAPES[Form.IMAGES]),
        ("transformer(pooling='last')", SHAPES[Form.FRAMES]),
        ("conv1d", SHAPES[Form.FRAMES]),
        ("conv1d(pooling='attention')", SHAPES[Form.FRAMES]),
        ("lstm(layers=2, pooling='last')", SHAPES[Form.FRAMES]),
        ("lstm(pooling='attention')", SHAPES[Form.FRAMES]),
    ],
)
def test_the_defaults_and_every_variant_export(spec, shape):
    """`export_network` itself compares the graph with torch, on batches of several sizes."""
    network = Network(FAMILY.build(spec, shape=shape), normalize=False)
    graph = export_network(network, shape)
    inputs, lengths = batch(shape)
    theirs = run(onnxruntime.InferenceSession(graph), inputs, lengths)
    assert theirs.shape == (5, network.encoder.dim)
    assert np.isfinite(theirs).all()
