"""Views of an image in use: each beside PIL or numpy, and their mean in the exported graph."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument, SpecError
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.train import begin_run
from likewise.learn.network.export import export_network
from likewise.learn.network.network import Network
from likewise.learn.views import FAMILY
from likewise.learn.views.base import View
from likewise.model.model import Model
from likewise.model.onnx_check import check_onnx
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Form, InputShape
from tests.conftest import waves

SHAPE = InputShape(Form.IMAGES, 2, 12, 16)


def images(count: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, 12, 16, generator=generator)


def seen(spec: str, inputs: Tensor) -> Tensor:
    """The views by view and item."""
    view = FAMILY.build(spec, shape=SHAPE)
    out = view(inputs)
    assert out.shape[0] == view.copies * len(inputs)
    return out.view(view.copies, *inputs.shape)


def test_shifted_moves_whole_pixels_and_continues_the_border() -> None:
    inputs = images()
    out = seen("shifted(share=0.15)", inputs)
    padded = np.pad(inputs.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    places = [(0, 2), (4, 2), (2, 0), (2, 4)]
    expected = {(top, left): padded[:, :, top : top + 12, left : left + 16] for top, left in places}
    found = [[k for k, v in expected.items() if np.array_equal(v, one)] for one in out.numpy()]
    assert sorted(match for (match,) in found) == sorted(places)


@pytest.mark.parametrize("degrees", [8.0, 30.0])
def test_turned_is_pillows_rotation_inside(degrees: float) -> None:
    inputs = functional.interpolate(images(), (12, 16), mode="bicubic") * 20
    out = seen(f"turned(degrees={degrees})", inputs)
    for sign, turned in zip((1, -1), out, strict=True):
        for image, result in zip(inputs.flatten(0, 1), turned.flatten(0, 1), strict=True):
            page = Image.fromarray(image.numpy())
            expected = np.asarray(page.rotate(sign * degrees, Image.Resampling.BILINEAR))
            # Pillow leaves black what comes from outside; this is the middle.
            inner = (slice(4, 8), slice(5, 11))
            np.testing.assert_allclose(result[inner], expected[inner], atol=0.02)


def test_affine_views_are_those_of_pillow_inside_and_pairs_of_opposites() -> None:
    inputs = functional.interpolate(images(1), (12, 16), mode="bicubic") * 20
    out = seen("affine(copies=4, scale=0.0, shear=0.0, degrees=0.0, translate=0.1)", inputs)
    random = torch.Generator().manual_seed(0)
    shifts = (torch.rand(7, 2, generator=random) * 2 - 1)[5:] * 0.1
    for sign, first in ((1, 0), (-1, 2)):
        for way in range(2):
            across, down = (sign * shifts[:, way] * torch.tensor([16.0, 12.0])).tolist()
            page = Image.fromarray(inputs[0, 0].numpy())
            data = (1, 0, across, 0, 1, down)
            expected = page.transform(
                page.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
            )
            inner = (slice(3, 9), slice(4, 12))
            np.testing.assert_allclose(
                out[first + way, 0, 0][inner], np.asarray(expected)[inner], atol=0.05
            )


def test_mirrored_is_a_mirror() -> None:
    inputs = images()
    np.testing.assert_array_equal(seen("mirrored", inputs)[0], inputs.numpy()[:, :, :, ::-1])


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("shifted(share=0.0)", r"share is 0\.0, and above 0 to below 1"),
        ("shifted(share=1.0)", r"share is 1\.0"),
        ("shifted(share=0.01)", r"0\.01 of 12x16 pixels is no whole pixel. Give a larger"),
        ("turned(degrees=0.0)", r"degrees is 0\.0, and above 0 to 180"),
        ("turned(degrees=181.0)", r"degrees is 181\.0"),
        ("affine(copies=3)", r"copies is 3, and an even number from 2 to 256"),
        ("affine(scale=1.0)", r"affine: scale is 1\.0, and a fraction"),
    ],
)
def test_bad_arguments_are_named(spec: str, match: str) -> None:
    with pytest.raises(BadArgument, match=match):
        FAMILY.build(spec, shape=SHAPE)


def test_series_have_no_views_and_unknown_views_are_named() -> None:
    recipe = Recipe.for_kind("series").with_settings(["views=mirrored"])
    with pytest.raises(BadArgument, match=r"mirrored takes images, .* makes frames"):
        begin_run(recipe, Arrays.of(*waves(count=40, each=4), namespace="waves"))
    with pytest.raises(SpecError, match="Did you mean 'mirrored'"):
        Recipe().with_settings(["views=mirored"])
    both = Recipe().with_settings(["views=('shifted', 'turned(degrees=5.0)')"])
    assert Recipe.from_toml(both.to_toml()) == both


def network(*specs: str, unit: bool = True) -> Network:
    torch.manual_seed(0)
    encoder = ENCODERS.build("convnet4(width=8, dim=6)", shape=SHAPE)
    views: list[View] = [FAMILY.build(spec, shape=SHAPE) for spec in specs]
    made = Network(encoder, normalize=unit, views=views)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
    return made


ALL = ["shifted(share=0.1)", "turned", "mirrored", "affine(copies=4)"]


@pytest.mark.parametrize("specs", [["mirrored"], ["shifted(share=0.1)", "turned"], ALL])
@pytest.mark.parametrize("unit", [True, False])
def test_the_embedding_is_the_mean_over_all_views(specs: list[str], unit: bool) -> None:
    made = network(*specs, unit=unit).eval()
    inputs = images(5)
    with torch.no_grad():
        found = made(inputs)
        each = [made.encoder(inputs)]
        for spec in specs:
            each += [made.encoder(view) for view in seen(spec, inputs)]
        if unit:
            each = [one / one.norm(dim=1, keepdim=True) for one in each]
        expected = sum(each) / len(each)
        if unit:
            expected = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(found, network(unit=unit).eval()(inputs), atol=1e-3)
    assert list(made.state_dict()) == list(network().state_dict())


def test_while_training_the_item_alone_is_embedded() -> None:
    plain, viewed = network().train(), network(*ALL).train()
    assert torch.equal(plain(images(4)), viewed(images(4)))


@pytest.mark.exported_anew
@pytest.mark.parametrize("specs", [["mirrored"], ["shifted(share=0.1)"], ["turned"], ALL])
def test_the_exported_graph_holds_the_views(specs: list[str]) -> None:
    made = network(*specs).eval()
    data = export_network(made, SHAPE)
    check_onnx(data, "the encoder")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        inputs = images(count, seed=count)
        (theirs,) = session.run(["embedding"], {"inputs": inputs.numpy()})
        with torch.no_grad():
            ours = made(inputs).numpy()
            alone = network().eval()(inputs).numpy()
        np.testing.assert_allclose(theirs, ours, atol=1e-4)
        assert np.abs(theirs - alone).max() > 1e-3


@pytest.mark.slow
def test_views_are_part_of_the_fingerprint(drawings: Path, tmp_path: Path) -> None:
    settings = [
        f"source=folder({str(drawings)!r})",
        "transform=image(size=16, invert=True)",
        "encoder=convnet4(width=8)",
        "precision=float32",
        "steps=2",
    ]
    plain, viewed = (
        run_experiment(
            Recipe().with_settings([*settings, *more]), out=tmp_path / name, audit=False
        ).model
        for name, more in (("plain", []), ("viewed", ["views=('shifted(share=0.07)', 'turned')"]))
    )
    assert plain.manifest.fingerprint != viewed.manifest.fingerprint
    weights = [model.folder / model.manifest.files["weights"].path for model in (plain, viewed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    item = next(drawings.glob("*/*/0.png"))
    first, second = (Model(m.folder).embed_one(item.read_bytes(), "it") for m in (plain, viewed))
    assert np.linalg.norm(second) == pytest.approx(1, abs=1e-5)
    assert np.abs(first - second).max() > 1e-4
