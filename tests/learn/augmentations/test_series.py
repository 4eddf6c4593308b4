"""Each augmentation of series, beside a plain loop over its true length."""

import numpy as np
import pytest
import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations import FAMILY
from likewise.learn.augmentations.channel_drop import ChannelDrop
from likewise.learn.augmentations.scale import Scale
from likewise.learn.augmentations.time_crop import TimeCrop
from likewise.learn.augmentations.timeline import interpolate
from likewise.learn.augmentations.warp import Warp

STRONG = {
    "scale": "scale(factor=0.5, shift=0.5)",
    "warp": "warp(strength=1.0)",
    "time_crop": "time_crop(share=0.3)",
    "channel_drop": "channel_drop(probability=0.5)",
}
NOTHING = ["scale(factor=0.0, shift=0.0)", "warp(strength=0.0)", "time_crop(share=1.0)"]
NOTHING += ["channel_drop(probability=0.0)"]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(count: int = 40, steps: int = 30, channels: int = 3) -> tuple[Tensor, Tensor]:
    lengths = torch.randint(1, steps + 1, (count,), generator=generator(5))
    lengths[:3] = torch.tensor([1, 2, steps])
    items = torch.randn(count, steps, channels, generator=generator(6)).cumsum(1) + 10
    mask = torch.arange(steps)[None, :, None] < lengths[:, None, None]
    return torch.where(mask, items, 0), lengths


def applied(spec: str, items: Tensor, lengths: Tensor | None, seed: int = 0) -> tuple[Tensor, ...]:
    classes = torch.arange(len(items))
    out, after, same = FAMILY.build(spec).apply(items, lengths, classes, generator(seed))
    assert torch.equal(same, classes)
    assert after is not None or lengths is None
    return out, after


@pytest.mark.parametrize("dirt", [7.0, float("nan")])
@pytest.mark.parametrize("name", STRONG)
def test_padding_stays_zero_and_is_not_read(name: str, dirt: float) -> None:
    items, lengths = padded()
    mask = torch.arange(30)[None, :, None] < lengths[:, None, None]
    clean, after = applied(STRONG[name], items, lengths)
    dirty, _ = applied(STRONG[name], torch.where(mask, items, dirt), lengths)
    assert torch.equal(clean, dirty)
    outside = torch.arange(30)[None, :, None] >= after[:, None, None]
    assert (torch.where(outside, clean, 0) == 0).all()
    assert after.dtype == lengths.dtype


@pytest.mark.parametrize("spec", NOTHING)
def test_with_nothing_to_do_nothing_changes(spec: str) -> None:
    items, lengths = padded()
    out, after = applied(spec, items, lengths)
    assert torch.equal(out, items)
    assert torch.equal(after, lengths)


@pytest.mark.parametrize("name", STRONG)
def test_without_lengths_all_steps_are_the_series(name: str) -> None:
    items, _ = padded()
    items = items + 1
    full = torch.full((len(items),), 30)
    out, after = applied(STRONG[name], items, None)
    expected, lengths = applied(STRONG[name], items, full)
    assert torch.equal(out, expected)
    assert after is None if name != "time_crop" else torch.equal(after, lengths)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("scale(factor=-0.1)", r"scale: factor is -0\.1, and a finite number of at least 0"),
        ("scale(shift=-1.0)", r"shift is -1\.0"),
        ("warp(strength=-0.1)", r"warp: strength is -0\.1"),
        ("warp(knots=1)", "warp: knots is 1, and at least 2"),
        ("time_crop(share=0.0)", r"time_crop: share is 0\.0, and above 0 to 1"),
        ("time_crop(share=1.1)", r"share is 1\.1"),
        ("channel_drop(probability=1.5)", r"channel_drop: probability is 1\.5, and 0 to 1"),
    ],
)
def test_bad_arguments_are_named(spec: str, match: str) -> None:
    with pytest.raises(BadArgument, match=match):
        FAMILY.build(spec)


# ── scale ───────────────────────────────────────────────────────────────────


def test_scale_is_one_factor_and_one_shift_a_channel() -> None:
    items, lengths = padded(1500)
    out, _ = applied("scale(factor=0.2, shift=0.3)", items, lengths)
    factors, shifts = [], []
    for before, after, length in zip(items, out, lengths.tolist(), strict=True):
        if length < 5:
            continue
        for channel in range(3):
            x, y = before[:length, channel].numpy(), after[:length, channel].numpy()
            factor, shift = np.polyfit(x.astype(float), y.astype(float), 1)
            np.testing.assert_allclose(y, factor * x + shift, atol=0.02)
            factors.append(factor)
            shifts.append(shift / x.std())
    assert np.mean(np.log(factors)) == pytest.approx(0, abs=0.02)
    assert np.std(np.log(factors)) == pytest.approx(0.2, rel=0.05)
    assert np.mean(shifts) == pytest.approx(0, abs=0.03)
    assert np.std(shifts) == pytest.approx(0.3, rel=0.05)
    assert abs(np.corrcoef(factors[::3], factors[1::3])[0, 1]) < 0.1


def test_a_factor_of_a_constant_is_all_that_scale_does_to_it() -> None:
    flat = torch.full((50, 4, 1), 3.0)
    out, _, _ = Scale().apply(flat, None, torch.arange(50), generator())
    assert (out.std(1) < 1e-6).all()
    assert out.std() > 0.1


# ── warp ────────────────────────────────────────────────────────────────────


def test_values_lie_between_the_steps_as_numpy_says() -> None:
    items, _ = padded(6)
    places = torch.rand(6, 11, generator=generator(1)) * 29
    places[0] = torch.arange(11)
    out = interpolate(items, places)
    for series, at, found in zip(items.numpy(), places.numpy(), out.numpy(), strict=True):
        for channel in range(3):
            expected = np.interp(at, np.arange(30), series[:, channel])
            np.testing.assert_allclose(found[:, channel], expected, atol=1e-4)


def test_warped_time_rises_from_the_first_step_to_the_last() -> None:
    items, lengths = padded(300)
    places = Warp(0.5).places(items, lengths, generator())
    ramp = torch.arange(30)
    for at, length in zip(places, lengths.tolist(), strict=True):
        assert at[0] == 0
        assert at[length - 1] == pytest.approx(length - 1, abs=1e-4)
        assert (at[length - 1 :] == at[length - 1]).all()
        assert (at[:length].diff() > 0).all()
        assert at.max() <= length - 1
    full = places[lengths == 30]
    assert (full - ramp).abs().max() > 2


def test_warp_follows_speeds_between_knots() -> None:
    items, lengths = padded(8)
    augmentation = Warp(0.7, knots=4)
    places = augmentation.places(items, lengths, generator(3))
    drawn = torch.randn(8, 4, 1, generator=generator(3)).numpy()[:, :, 0]
    out, _ = applied("warp(strength=0.7, knots=4)", items, lengths, seed=3)
    for row, length in enumerate(lengths.tolist()):
        expected = [0.0]
        for step in range(length - 1):
            place = (step + 0.5) / max(length - 1, 1) * 3
            expected.append(expected[-1] + np.interp(place, range(4), np.exp(0.7 * drawn[row])))
        expected = np.array(expected) / max(expected[-1], 1e-9) * (length - 1)
        np.testing.assert_allclose(places[row, :length].numpy(), expected, atol=1e-4)
        for channel in range(3):
            series = items[row, :length, channel].numpy()
            values = np.interp(expected, np.arange(length), series)
            np.testing.assert_allclose(out[row, :length, channel].numpy(), values, atol=1e-3)


def test_a_series_of_one_step_stays() -> None:
    one = torch.full((5, 1, 2), 4.0)
    for spec in ("warp", "time_crop", "channel_drop"):
        out, _ = applied(spec, one, torch.ones(5, dtype=torch.int64))
        assert torch.equal(out, one)


# ── time crop ───────────────────────────────────────────────────────────────


def test_a_crop_in_time_is_a_stretch_of_the_series() -> None:
    steps = torch.arange(40.0)[None, :, None].expand(3000, -1, 2) + 1
    lengths = torch.randint(1, 41, (3000,), generator=generator(2))
    mask = torch.arange(40)[None, :, None] < lengths[:, None, None]
    items = torch.where(mask, steps, 0)
    out, after, _ = TimeCrop(0.5).apply(items, lengths, lengths, generator())
    starts = []
    for row, (length, kept) in enumerate(zip(lengths.tolist(), after.tolist(), strict=True)):
        start = int(out[row, 0, 0]) - 1
        expected = items[row, start : start + kept]
        assert torch.equal(out[row, :kept], expected)
        assert start + kept <= length
        assert round(0.5 * length) <= kept + 1
        assert 1 <= kept <= length
        if length - kept > 4:
            starts.append(start / (length - kept))
    assert np.mean(starts) == pytest.approx(0.5, abs=0.03)
    assert min(starts) == 0
    assert max(starts) == 1
    long = after[lengths == 40] / 40
    assert 0.49 < long.min() < 0.56
    assert long.max() > 0.94


# ── channel drop ────────────────────────────────────────────────────────────


def test_dropped_channels_stay_at_their_mean_and_one_always_stays() -> None:
    items, lengths = padded(4000)
    lengths = lengths.clamp(min=3)
    items = torch.randn(4000, 30, 3, generator=generator(8))
    mask = torch.arange(30)[None, :, None] < lengths[:, None, None]
    items = torch.where(mask, items, 0)
    out, _ = applied("channel_drop(probability=0.3)", items, lengths)
    silent = np.zeros((4000, 3), dtype=bool)
    for row, length in enumerate(lengths.tolist()):
        for channel in range(3):
            before, after = items[row, :length, channel], out[row, :length, channel]
            if torch.equal(before, after):
                continue
            silent[row, channel] = True
            np.testing.assert_allclose(after.numpy(), before.mean().item(), atol=1e-5)
    assert silent.sum(1).max() == 2
    # Each of three goes with .3, but the last to go stays: .3 less a third of .3 cubed.
    assert silent.mean(0) == pytest.approx(0.3 - 0.3**3 / 3, abs=0.025)
    two = (silent.sum(1) == 2).mean()
    assert two == pytest.approx(3 * 0.3**2 * 0.7 + 0.3**3, abs=0.025)


def test_channel_drop_always_leaves_one_and_refuses_a_single_channel() -> None:
    items = torch.randn(200, 9, 4, generator=generator())
    out = ChannelDrop(1.0).apply(items, None, torch.arange(200), generator())[0]
    assert (((out == items).all(1)).sum(1) == 1).all()
    with pytest.raises(BadArgument, match="a single channel, and without it nothing is left"):
        ChannelDrop().apply(items[:, :, :1], None, torch.arange(200), generator())
