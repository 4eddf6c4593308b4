"""Each augmentation of images, beside an independent reference: PIL, scipy or a plain loop."""

import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import ndimage
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations import FAMILY
from likewise.learn.augmentations.blur import Blur
from likewise.learn.augmentations.colour import Colour
from likewise.learn.augmentations.crop import Crop
from likewise.learn.augmentations.elastic import Elastic
from likewise.learn.augmentations.erase import Erase
from likewise.learn.augmentations.flip import Flip
from likewise.learn.augmentations.noise import Noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rough(count: int, height: int, width: int, channels: int = 1) -> Tensor:
    return torch.rand(count, channels, height, width, generator=generator(7)) * 255


def applied(spec: str, items: Tensor, seed: int = 0) -> Tensor:
    classes = torch.arange(len(items))
    out, lengths, after = FAMILY.build(spec).apply(items, None, classes, generator(seed))
    assert lengths is None
    assert torch.equal(after, classes)
    return out


@pytest.mark.parametrize(
    "spec",
    [
        "elastic(shift=0.0)",
        "crop(area=1.0, aspect=1.0)",
        "flip(across=0.0)",
        "colour(0.0, 0.0, 0.0, 0.0)",
        "noise(strength=0.0)",
        "blur(width=0.0)",
        "erase(probability=0.0)",
        "erase(area=0.0)",
    ],
)
@pytest.mark.parametrize("shape", [(14, 14, 3), (9, 17, 1), (1, 5, 1)])
def test_with_nothing_to_do_nothing_changes(spec: str, shape: tuple[int, int, int]) -> None:
    items = rough(4, *shape)
    torch.testing.assert_close(applied(spec, items), items, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    "spec",
    [
        "elastic(shift=1.0)",
        "crop(area=0.01, aspect=9.0)",
        "flip(1.0, 1.0)",
        "colour(1.0, 1.0, 1.0, 0.5)",
        "noise(strength=1.0)",
        "blur(width=1.0)",
        "erase(1.0, 1.0)",
    ],
)
def test_pixels_stay_in_range_at_full_strength(spec: str) -> None:
    out = applied(spec, (rough(40, 11, 15, 3) > 128).float() * 255)
    assert out.isfinite().all()
    assert out.min() >= 0
    assert out.max() <= 255


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("elastic(shift=-0.1)", r"elastic: shift is -0\.1, and 0 to 1"),
        ("elastic(smooth=0.0)", r"smooth is 0\.0, and above 0 to 1"),
        ("crop(area=0.0)", r"crop: area is 0\.0, and above 0 to 1"),
        ("crop(aspect=0.5)", r"aspect is 0\.5, and at least 1"),
        ("flip(across=1.5)", r"flip: across is 1\.5, and 0 to 1"),
        ("flip(down=-1.0)", r"down is -1\.0"),
        ("colour(brightness=2.0)", r"colour: brightness is 2\.0"),
        ("colour(hue=0.6)", r"hue is 0\.6, and 0 to 0\.5"),
        ("noise(strength=-0.1)", r"noise: strength is -0\.1"),
        ("blur(width=1.1)", r"blur: width is 1\.1"),
        ("erase(probability=2.0)", r"erase: probability is 2\.0"),
        ("erase(area=-0.1)", r"area is -0\.1"),
        ("erase(aspect=0.9)", r"aspect is 0\.9, and at least 1"),
        ("erase(fill='black')", r"fill is 'black', and Literal"),
    ],
)
def test_bad_arguments_are_named(spec: str, match: str) -> None:
    with pytest.raises(BadArgument, match=match):
        FAMILY.build(spec)


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(BadArgument, match="noise: strength is nan"):
        Noise(float("nan"))
    with pytest.raises(BadArgument, match="elastic: smooth is nan"):
        Elastic(smooth=float("nan"))
    with pytest.raises(BadArgument, match="crop: aspect is inf"):
        Crop(aspect=float("inf"))


# ── elastic ─────────────────────────────────────────────────────────────────


def test_elastic_takes_pixels_from_where_its_field_says() -> None:
    items = rough(3, 20, 26, 2)
    augmentation = Elastic(shift=0.1, smooth=0.2)
    out = applied("elastic(shift=0.1, smooth=0.2)", items, seed=4)
    field = 0.1 * augmentation.field(items, generator(4)).numpy()
    y, x = np.mgrid[:20, :26].astype(float)
    for image, moved, away in zip(items.numpy(), out.numpy(), field, strict=True):
        places = [y + away[:, :, 1] * 20, x + away[:, :, 0] * 26]
        for channel, result in zip(image, moved, strict=True):
            expected = ndimage.map_coordinates(channel, places, order=1, mode="nearest")
            np.testing.assert_allclose(result, expected, atol=0.05)


@pytest.mark.parametrize(("side", "smooth"), [(28, 0.14), (40, 0.05), (12, 0.02)])
def test_the_field_is_smoothed_noise_of_the_strength_asked(side: int, smooth: float) -> None:
    field = Elastic(smooth=smooth).field(torch.zeros(600, 1, side, side), generator()).numpy()
    sigma = smooth * side
    random = np.random.default_rng(0)
    border = math.ceil(4 * sigma)
    noise = random.normal(size=(600, side + 2 * border, side + 2 * border))
    reference = ndimage.gaussian_filter(noise, (0, sigma, sigma), mode="constant")
    reference = reference[:, border : border + side, border : border + side]
    reference /= reference.std()
    assert field.std() == pytest.approx(1, abs=0.03)
    assert abs(field.mean()) < 0.03
    # As strong at the border as in the middle, and as smooth along both sides as scipy's.
    assert field[:, 0].std() == pytest.approx(1, abs=0.05)
    for away in (1, 2, 5):
        for values in (field[:, :, :, 0], field[:, :, :, 1].transpose(0, 2, 1)):
            ours = (values[:, away:] * values[:, :-away]).mean()
            theirs = (reference[:, away:] * reference[:, :-away]).mean()
            assert ours == pytest.approx(theirs, abs=0.05)
    assert abs(np.corrcoef(field[..., 0].ravel(), field[..., 1].ravel())[0, 1]) < 0.05


# ── crop ────────────────────────────────────────────────────────────────────


def test_a_crop_is_pillows_resize_of_a_box() -> None:
    # Ramps along both sides tell from the result itself where the box was.
    height, width = 18, 24
    y, x = torch.meshgrid(torch.arange(18.0), torch.arange(24.0), indexing="ij")
    picture = rough(1, height, width)[0, 0]
    items = torch.stack([x * 10, y * 10, picture])[None].expand(50, -1, -1, -1).contiguous()
    out = applied("crop(area=0.3, aspect=2.0)", items, seed=3)
    shares, aspects = [], []
    for across, down, found in out.numpy():
        step_x = (across[9, 18] - across[9, 6]) / 120
        step_y = (down[12, 12] - down[6, 12]) / 60
        left = across[9, 12] / 10 + 0.5 - 12.5 * step_x
        top = down[9, 12] / 10 + 0.5 - 9.5 * step_y
        shares.append(step_x * step_y)
        aspects.append(step_y / step_x)
        assert left >= -0.01
        assert top >= -0.01
        right, bottom = left + step_x * width, top + step_y * height
        assert right <= width + 0.01
        assert bottom <= height + 0.01
        box = (max(0.0, left), max(0.0, top), min(right, width), min(bottom, height))
        page = Image.fromarray(picture.numpy())
        expected = page.resize((width, height), Image.Resampling.BILINEAR, box=box)
        np.testing.assert_allclose(found, np.asarray(expected), atol=1.5)
    assert 0.29 < min(shares) < 0.45
    assert 0.8 < max(shares) < 1.001
    assert 0.49 < min(aspects) < 0.8
    assert 1.25 < max(aspects) < 2.01


# ── flip ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("across", "down"), [(0.5, 0.0), (0.2, 0.7), (1.0, 1.0), (0.0, 0.0)])
def test_flips_come_as_often_as_asked_and_independently(across: float, down: float) -> None:
    items = rough(1, 5, 7, 2).expand(3000, -1, -1, -1)
    out = Flip(across, down).apply(items, None, torch.arange(3000), generator())[0].numpy()
    original = items[0].numpy()
    ways = {
        (False, False): original,
        (True, False): original[:, :, ::-1],
        (False, True): original[:, ::-1],
        (True, True): original[:, ::-1, ::-1],
    }
    for (x, y), expected in ways.items():
        share = np.mean([np.array_equal(one, expected) for one in out])
        probability = (across if x else 1 - across) * (down if y else 1 - down)
        assert share == pytest.approx(probability, abs=0.03)


# ── colour ──────────────────────────────────────────────────────────────────

ENHANCERS = {
    "colour(0.3, 0.0, 0.0, 0.0)": ImageEnhance.Brightness,
    "colour(0.0, 0.3, 0.0, 0.0)": ImageEnhance.Contrast,
    "colour(0.0, 0.0, 0.3, 0.0)": ImageEnhance.Color,
}


@pytest.mark.parametrize(
    ("spec", "channels"),
    [(spec, 3) for spec in ENHANCERS] + [(spec, 1) for spec in list(ENHANCERS)[:2]],
)
def test_light_changes_as_pillow_changes_it(spec: str, channels: int) -> None:
    # Far enough from black and white that nothing is clamped.
    picture = (rough(1, 12, 12, channels) / 3 + 80).round()
    out = applied(spec, picture.expand(200, -1, -1, -1).contiguous(), seed=1)
    pixels = picture[0].permute(1, 2, 0).squeeze(2).numpy().astype(np.uint8)
    enhancer = ENHANCERS[spec](Image.fromarray(pixels))
    factors = []
    for one in out.numpy():
        neutral = np.asarray(enhancer.enhance(0.0), dtype=float).reshape(12, 12, channels)
        full = picture[0].permute(1, 2, 0).numpy()
        mine = one.transpose(1, 2, 0)
        factor = ((mine - neutral) * (full - neutral)).sum() / ((full - neutral) ** 2).sum()
        factors.append(factor)
        expected = np.asarray(enhancer.enhance(factor), dtype=float).reshape(12, 12, channels)
        np.testing.assert_allclose(mine, expected, atol=1.6)
    assert 0.68 < min(factors) < 0.73
    assert 1.27 < max(factors) < 1.32


def test_hue_turns_the_colours_about_grey() -> None:
    picture = rough(1, 6, 6, 3) / 3 + 80
    out = applied("colour(0.0, 0.0, 0.0, 0.1)", picture.expand(100, -1, -1, -1).contiguous())
    before = np.array([colorsys.rgb_to_yiq(*p) for p in picture[0].flatten(1).T.tolist()])
    angles = []
    for one in out:
        after = np.array([colorsys.rgb_to_yiq(*pixel) for pixel in one.flatten(1).T.tolist()])
        # colorsys rounds its matrix to two digits.
        np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1)
        np.testing.assert_allclose(
            np.hypot(after[:, 1], after[:, 2]), np.hypot(before[:, 1], before[:, 2]), atol=3
        )
        turned = (after[:, 1] + 1j * after[:, 2]) / (before[:, 1] + 1j * before[:, 2])
        angles.append(np.angle(turned.mean()) / (2 * np.pi))
    assert -0.103 < min(angles) < -0.08
    assert 0.08 < max(angles) < 0.103


def test_grey_stays_grey_and_other_channels_are_refused() -> None:
    grey = rough(9, 6, 6).expand(-1, 3, -1, -1)
    out = applied("colour(saturation=1.0, hue=0.5)", grey)
    assert (out.amax(1) - out.amin(1)).max() < 0.05
    with pytest.raises(BadArgument, match=r"images have 2 channels, and 1 or 3 .* Leave colour"):
        Colour().apply(rough(2, 5, 5, 2), None, torch.arange(2), generator())


# ── noise ───────────────────────────────────────────────────────────────────


def test_noise_is_normal_and_of_each_images_own_strength() -> None:
    items = torch.full((800, 1, 20, 20), 127.5)
    out = Noise(0.1).apply(items, None, torch.arange(800), generator())[0]
    deviations = (out - items).std((1, 2, 3)) / 255
    assert deviations.min() < 0.004
    assert 0.095 < deviations.max() < 0.11
    assert deviations.mean() == pytest.approx(0.05, rel=0.06)
    strongest = ((out - items)[deviations.argmax()] / 255 / deviations.max()).flatten()
    kurtosis = (strongest**4).mean()
    assert kurtosis == pytest.approx(3, abs=0.8)
    assert abs(np.corrcoef(strongest[:-1], strongest[1:])[0, 1]) < 0.15


# ── blur ────────────────────────────────────────────────────────────────────


def test_blur_is_scipys_gaussian_of_a_width_of_its_own() -> None:
    items = rough(40, 20, 24, 2)
    out = Blur(0.1).apply(items, None, torch.arange(40), generator(5))[0].numpy()
    widths = torch.rand(40, generator=generator(5)).numpy() * 0.1 * 20
    assert widths.min() < 0.1
    assert widths.max() > 1.9
    inside = np.ones((20, 24))
    for image, blurred, width in zip(items.numpy(), out, widths.clip(0.05), strict=True):
        whole = ndimage.gaussian_filter(inside, width, mode="constant", truncate=30)
        for channel, result in zip(image, blurred, strict=True):
            spread = ndimage.gaussian_filter(channel, width, mode="constant", truncate=30)
            np.testing.assert_allclose(result, spread / whole, atol=0.02)


# ── erase ───────────────────────────────────────────────────────────────────


def rectangles(out: Tensor, items: Tensor) -> list[tuple[int, int, int, int]]:
    """Top, left, height and width of what changed in each image; it must be a whole rectangle."""
    found = []
    for changed in (out != items).any(1).numpy():
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if len(rows) == 0:
            found.append((0, 0, 0, 0))
            continue
        top, left = int(rows[0]), int(columns[0])
        height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
        assert changed[top : top + height, left : left + width].all()
        found.append((top, left, height, width))
    return found


def test_a_rectangle_is_hidden_of_the_share_and_shape_asked() -> None:
    items = torch.full((3000, 2, 40, 60), -1.0)
    out = Erase(0.6, 0.3, 2.0).apply(items, None, torch.arange(3000), generator())[0]
    found = np.array(rectangles(out, items), dtype=float)
    there = found[:, 2] > 0
    assert there.mean() == pytest.approx(0.6, abs=0.03)
    top, left, height, width = found[there].T
    share, aspect = height * width / 2400, height / width
    assert 0.015 < share.min() < 0.03
    assert 0.28 < share.max() < 0.32
    assert share.mean() == pytest.approx(0.16, abs=0.01)
    assert 0.4 < aspect.min() < 0.55
    assert 1.8 < aspect.max() < 2.4
    assert np.log(aspect).mean() == pytest.approx(0, abs=0.03)
    assert top.min() == left.min() == 0
    assert (top + height).max() == 40
    assert (left + width).max() == 60
    # Uniform over all places where it fits.
    assert (top / np.maximum(40 - height, 1)).mean() == pytest.approx(0.5, abs=0.03)
    noise = out[out >= 0]
    assert noise.mean() == pytest.approx(127.5, rel=0.02)
    assert noise.std() == pytest.approx(255 / 12**0.5, rel=0.02)


def test_what_is_hidden_may_be_the_mean() -> None:
    items = rough(200, 8, 8, 3)
    out = Erase(1.0, fill="mean").apply(items, None, torch.arange(200), generator())[0]
    for image, result in zip(items, out, strict=True):
        for channel, hidden in zip(image, result, strict=True):
            assert hidden[hidden != channel].unique().tolist() in ([], [channel.mean().item()])
    assert (out != items).any((1, 2, 3)).float().mean() > 0.8


def test_a_rectangle_that_would_not_fit_is_cut() -> None:
    items = torch.full((200, 1, 10, 10), -1.0)
    out = Erase(1.0, 1.0, 50.0).apply(items, None, torch.arange(200), generator())[0]
    found = rectangles(out, items)
    assert max(height for _, _, height, _ in found) == 10
    assert max(width for _, _, _, width in found) == 10
