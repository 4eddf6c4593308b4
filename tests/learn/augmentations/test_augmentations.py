"""Augmentations change what they say, for the whole batch, from the generator alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.augmentations import FAMILY
from likewise.learn.augmentations.affine import Affine
from likewise.learn.augmentations.jitter import Jitter
from likewise.learn.augmentations.rotated_classes import RotatedClasses
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from tests.conftest import waves


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, height: int, width: int, channels: int = 1) -> Tensor:
    rough = torch.rand(count, channels, 5, 5, generator=generator(9)) * 255
    return functional.interpolate(rough, (height, width), mode="bicubic").clamp(0, 255)


def blobs(count: int, height: int, width: int) -> Tensor:
    """One smooth bright spot, at the same place in every image, with mean and spread to measure."""
    y = torch.arange(height)[:, None] - (height - 1) / 2
    x = torch.arange(width)[None, :] - (width - 1) / 2
    spot = 255 * torch.exp(-(x**2 / 72 + y**2 / 8))
    return spot.expand(count, 1, height, width).contiguous()


def moments(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre of mass [n 2] (x, y) and covariance [n 2 2] of each image, and its mass."""
    height, width = images.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height) - (height - 1) / 2,
        torch.arange(width) - (width - 1) / 2,
        indexing="ij",
    )
    places = torch.stack([x, y]).double()
    weights = images[:, 0].double()
    mass = weights.sum((1, 2))
    centre = torch.einsum("nhw,chw->nc", weights, places) / mass[:, None]
    square = torch.einsum("nhw,chw,dhw->ncd", weights, places, places) / mass[:, None, None]
    return centre, square - centre[:, :, None] * centre[:, None, :], mass


CLASSES = torch.arange(12) // 3


@pytest.mark.parametrize("spec", ["crop", "erase", "rotated_classes"])
def test_series_are_refused_by_what_takes_images(spec: str) -> None:
    series = Arrays.of(*waves(count=40, each=4), namespace="waves")
    recipe = Recipe.for_kind("series").with_settings([f"augmentations={spec}"])
    with pytest.raises(BadArgument, match=f"{spec} takes images, .* makes frames"):
        begin_run(recipe, series)


@pytest.mark.parametrize("spec", ["time_crop", "scale", "channel_drop"])
def test_images_are_refused_by_what_takes_series(spec: str) -> None:
    recipe = Recipe(source="characters", augmentations=(spec,))
    with pytest.raises(BadArgument, match=f"{spec} takes frames, .* makes images"):
        begin_run(recipe)


# ── affine ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(28, 28), (20, 33), (1, 7)])
def test_affine_with_nothing_to_do_changes_nothing(shape: tuple[int, int]) -> None:
    items = smooth(5, *shape, channels=3)
    moved, _, classes = Affine(0.0, 0.0, 0.0, 0.0).apply(items, None, CLASSES[:5], generator())
    torch.testing.assert_close(moved, items, atol=0.01, rtol=0)
    assert torch.equal(classes, CLASSES[:5])


def test_affine_stays_in_range_and_continues_the_border() -> None:
    flat = torch.full((50, 1, 15, 15), 255.0)
    assert torch.allclose(Affine().apply(flat, None, torch.zeros(50).long(), generator())[0], flat)
    sharp = (torch.rand(50, 3, 15, 15, generator=generator()) > 0.5).float() * 255
    moved = Affine(180.0, 0.9, 0.9, 0.9).apply(sharp, None, torch.zeros(50).long(), generator())[0]
    assert moved.min() >= 0
    assert moved.max() <= 255


def spread(augmentation: Affine, height: int = 41, width: int = 61) -> tuple[Tensor, Tensor, Any]:
    items = blobs(2000, height, width)
    moved = augmentation.apply(items, None, torch.zeros(2000).long(), generator(3))[0]
    return moments(moved)


def test_translate_is_uniform_over_its_fraction_of_each_side() -> None:
    centre, covariance, _ = spread(Affine(0.0, 0.0, 0.0, 0.1))
    for axis, side in ((0, 61), (1, 41)):
        assert centre[:, axis].abs().max() <= 0.1 * side + 0.05
        assert centre[:, axis].abs().max() > 0.097 * side
        assert centre[:, axis].mean().abs() < 0.1 * side * 0.05
        assert centre[:, axis].std() == pytest.approx(0.1 * side / 3**0.5, rel=0.05)
    # A spot that is between pixels is a little wider, and no more.
    assert covariance[:, 0, 0].mean() == pytest.approx(36, abs=0.6)
    assert covariance[:, 1, 1].mean() == pytest.approx(4, abs=0.4)
    assert abs(np.corrcoef(centre.T.numpy())[0, 1]) < 0.08


def test_degrees_turn_rigidly_also_where_images_are_not_square() -> None:
    centre, covariance, mass = spread(Affine(30.0, 0.0, 0.0, 0.0))
    assert centre.abs().max() < 0.05
    values, vectors = torch.linalg.eigh(covariance)
    torch.testing.assert_close(values.mean(0), torch.tensor([4.0, 36.0]).double(), atol=0.4, rtol=0)
    assert values[:, 1].std() < 0.2
    long = vectors[:, :, 1] * vectors[:, :1, 1].sign()
    angle = torch.rad2deg(torch.atan2(long[:, 1], long[:, 0]))
    assert angle.abs().max() <= 30.3
    assert angle.abs().max() > 29
    assert angle.mean().abs() < 1
    assert angle.std() == pytest.approx(30 / 3**0.5, rel=0.05)
    assert mass.std() / mass.mean() < 0.01


def test_scale_changes_each_side_by_its_own_fraction() -> None:
    _, covariance, _ = spread(Affine(0.0, 0.2, 0.0, 0.0))
    # The result is taken from 1 - scale to 1 + scale times as far out.
    for axis, variance in ((0, 36.0), (1, 4.0)):
        factor = (variance / covariance[:, axis, axis]).sqrt()
        assert factor.min() == pytest.approx(0.8, abs=0.02)
        assert factor.max() == pytest.approx(1.2, abs=0.05)
    both = torch.corrcoef(torch.stack([covariance[:, 0, 0], covariance[:, 1, 1]]))
    assert both[0, 1].abs() < 0.08
    assert covariance[:, 0, 1].abs().max() < 0.02


def test_shear_leans_by_its_tangent() -> None:
    _, covariance, _ = spread(Affine(0.0, 0.0, 0.2, 0.0))
    # With x' = x + a y and y' = y + b x as where pixels are taken from, the spot's inverse
    # covariance is that of the original seen through the same matrix.
    inverse = torch.linalg.inv(covariance)
    ratio = inverse[:, 0, 1]
    expected = 0.2 * (1 / 36 + 1 / 4)
    assert ratio.abs().max() <= expected * 1.02
    assert ratio.abs().max() > expected * 0.85
    assert ratio.mean().abs() < expected * 0.05


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("affine(degrees=-1.0)", r"degrees is -1\.0, and 0 to 180"),
        ("affine(degrees=181.0)", r"degrees is 181\.0"),
        ("affine(scale=1.0)", r"scale is 1\.0, and a fraction"),
        ("affine(shear=-0.1)", r"shear is -0\.1"),
        ("affine(translate=1.5)", r"translate is 1\.5"),
        ("rotated_classes(copies=3)", "copies is 3, and 1, 2 or 4"),
        ("jitter(noise=-0.1)", r"noise is -0\.1, and a finite number of at least 0"),
        ("jitter(scale=-1.0)", r"scale is -1\.0"),
    ],
)
def test_bad_arguments_are_named(spec: str, match: str) -> None:
    with pytest.raises(BadArgument, match=match):
        FAMILY.build(spec)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    for name in ("degrees", "scale", "shear", "translate"):
        with pytest.raises(BadArgument, match=f"affine: {name} is {value}"):
            Affine(**{name: value})
    for name in ("noise", "scale"):
        with pytest.raises(BadArgument, match=f"jitter: {name} is {value}"):
            Jitter(**{name: value})


# ── rotated classes ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("copies", [1, 2, 4])
def test_a_class_turns_as_one_and_becomes_another(copies: int, mirrored: bool) -> None:
    items = torch.rand(60, 2, 7, 7, generator=generator()) * 255
    classes = torch.randint(0, 9, (60,), generator=generator(1)) * 5 - 3
    seen = set()
    total = copies * (2 if mirrored else 1)
    for seed in range(40):
        turned, lengths, renamed = RotatedClasses(copies, mirrored).apply(
            items, None, classes, generator(seed)
        )
        assert lengths is None
        quarters = renamed - classes * total
        assert quarters.min() >= 0
        assert quarters.max() < total
        same = classes[:, None] == classes[None, :]
        assert torch.equal(renamed[:, None] == renamed[None, :], same)
        for index, quarter in enumerate(quarters.tolist()):
            original = items[index].numpy()
            original = original[:, :, ::-1] if quarter >= copies else original
            expected = np.rot90(original, quarter % copies, (1, 2))
            np.testing.assert_array_equal(turned[index].numpy(), expected)
        seen |= {(int(c), int(q)) for c, q in zip(classes, quarters, strict=True)}
    assert len(seen) == 9 * total
    assert RotatedClasses(copies, mirrored).copies == total


def test_together_all_classes_of_a_batch_turn_alike() -> None:
    items, classes = torch.zeros(40, 1, 2, 2), torch.arange(40) // 4
    seen = set()
    for seed in range(30):
        renamed = RotatedClasses(together=True).apply(items, None, classes, generator(seed))[2]
        (quarter,) = set((renamed - classes * 4).tolist())
        seen.add(quarter)
    assert seen == {0, 1, 2, 3}


def test_images_that_are_not_square_can_be_mirrored() -> None:
    items = torch.rand(30, 1, 4, 6, generator=generator())
    mirror = RotatedClasses(copies=1, mirrored=True)
    out, _, renamed = mirror.apply(items, None, torch.arange(30), generator())
    odd = renamed % 2 == 1
    assert 5 < odd.sum() < 25
    assert torch.equal(out[odd], items[odd].flip(3))
    assert torch.equal(out[~odd], items[~odd])


def test_turns_are_equally_likely_and_independent_of_each_other() -> None:
    items = torch.zeros(4000, 1, 2, 2)
    renamed = RotatedClasses(4).apply(items, None, torch.arange(4000), generator())[2]
    quarters = (renamed % 4).numpy()
    assert np.abs(np.bincount(quarters, minlength=4) / 4000 - 0.25).max() < 0.03
    assert abs(np.corrcoef(quarters[:-1], quarters[1:])[0, 1]) < 0.06


def test_only_squares_can_be_turned() -> None:
    with pytest.raises(BadArgument, match="images are 4 x 6 pixels, and only square"):
        RotatedClasses().apply(torch.zeros(2, 1, 4, 6), None, CLASSES[:2], generator())


# ── jitter ──────────────────────────────────────────────────────────────────


def padded(count: int = 3000) -> tuple[Tensor, Tensor]:
    lengths = torch.randint(20, 61, (count,), generator=generator(5))
    ramp = torch.arange(60.0)
    wave = torch.stack([torch.sin(ramp * 0.7), 1000 + 50 * torch.cos(ramp * 1.1)], dim=1)
    mask = ramp[None, :, None] < lengths[:, None, None]
    return torch.where(mask, wave[None], 0), lengths


@pytest.mark.parametrize("dirt", [0.0, 7.0, float("nan")])
def test_jitter_leaves_padding_zero_and_does_not_read_it(dirt: float) -> None:
    items, lengths = padded(50)
    mask = torch.arange(60)[None, :, None] < lengths[:, None, None]
    dirty = torch.where(mask, items, dirt)
    out, kept, classes = Jitter().apply(dirty, lengths, lengths, generator(1))
    assert (torch.where(mask, 0.0, out) == 0).all()
    assert torch.equal(out, Jitter().apply(items, lengths, lengths, generator(1))[0])
    assert kept is lengths
    assert classes is lengths


def own(items: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each series over its true length, by a plain loop."""
    pairs = [
        (one[:length].mean(0), one[:length].std(0, correction=0))
        for one, length in zip(items, lengths.tolist(), strict=True)
    ]
    return torch.stack([mean for mean, _ in pairs]), torch.stack([std for _, std in pairs])


def test_noise_is_relative_to_the_series_itself() -> None:
    items, lengths = padded()
    out = Jitter(noise=0.05, scale=0.0).apply(items, lengths, lengths, generator())[0]
    _, std = own(items, lengths)
    noise = ((out - items) / std[:, None, :])[:, :20]
    assert noise.mean().abs() < 0.001
    assert noise.std() == pytest.approx(0.05, rel=0.01)
    for channel in range(2):
        assert noise[:, :, channel].std() == pytest.approx(0.05, rel=0.02)
    steps = torch.corrcoef(torch.stack([noise[:, 3, 0], noise[:, 4, 0], noise[:, 3, 1]]))
    assert (steps - torch.eye(3)).abs().max() < 0.08


def test_gain_is_one_for_each_item_and_channel_about_the_mean() -> None:
    items, lengths = padded()
    out = Jitter(noise=0.0, scale=0.1).apply(items, lengths, lengths, generator())[0]
    (mean, std), (mean_out, std_out) = own(items, lengths), own(out, lengths)
    torch.testing.assert_close(mean_out, mean, atol=1e-2, rtol=0)
    gain = std_out / std
    assert gain.mean() == pytest.approx(1, abs=0.01)
    assert gain.std() == pytest.approx(0.1, rel=0.05)
    assert torch.corrcoef(gain.T)[0, 1].abs() < 0.08
    stretched = mean[:, None] + gain[:, None] * (items - mean[:, None])
    torch.testing.assert_close(out[:, :20], stretched[:, :20], atol=2e-2, rtol=0)


def test_jitter_without_lengths_takes_all_steps() -> None:
    items, _ = padded(40)
    items = items[:, :20]
    full = torch.full((40,), 20)
    out, lengths, _ = Jitter().apply(items, None, full, generator(2))
    assert lengths is None
    assert torch.equal(out, Jitter().apply(items, full, full, generator(2))[0])


def test_constant_and_short_series_stay_as_they_are() -> None:
    flat = torch.full((4, 8, 1), 5.0)
    lengths = torch.tensor([1, 2, 7, 8])
    out = Jitter().apply(flat, lengths, lengths, generator())[0]
    mask = torch.arange(8)[None, :, None] < lengths[:, None, None]
    assert torch.equal(out, torch.where(mask, flat, 0))
