"""What every augmentation promises, whoever adds one."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from likewise.learn.augmentations import FAMILY
from likewise.learn.augmentations.base import Augmentation
from likewise.types import Form

CLASSES = torch.arange(12) // 3
# Other ways of one than that of its defaults, or stronger, so that a dozen items show it.
WAYS = {
    "rotated_classes": (
        "rotated_classes",
        "rotated_classes(mirrored=True)",
        "rotated_classes(together=True)",
    ),
    "time_crop": ("time_crop(share=0.5)",),
    "channel_drop": ("channel_drop(probability=0.5)",),
}
# How many of 30 copies of one item differ at least, where a coin, a rectangle that is not there, a
# stretch or the channels left can come twice.
FEW = {"flip": 2, "erase": 10, "blur": 15, "time_crop": 20, "channel_drop": 4}
SPECS = [spec for name in FAMILY.names() for spec in WAYS.get(name, (name,))]


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def augmentation(spec: str) -> Augmentation:
    return FAMILY.build(spec)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(augmentation: Augmentation, count: int = 12) -> tuple[Tensor, Tensor | None]:
    """Items of its form, those of any length padded with zeros."""
    if Form.IMAGES in augmentation.forms:
        rough = torch.rand(count, 3, 5, 5, generator=generator(9)) * 255
        return functional.interpolate(rough, (16, 16), mode="bicubic").clamp(0, 255), None
    lengths = torch.arange(count) % 9 + 3
    items = torch.randn(count, 12, 3, generator=generator()) + 5
    return items * (torch.arange(12) < lengths[:, None])[:, :, None], lengths


def test_its_forms_are_forms_and_its_copies_are_counted(augmentation: Augmentation) -> None:
    assert augmentation.forms
    assert all(isinstance(form, Form) for form in augmentation.forms)
    assert augmentation.copies >= 1


def test_all_chance_comes_from_the_generator(augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation)
    before, state = items.clone(), torch.random.get_rng_state()
    first, again, other = (
        augmentation.apply(items, lengths, CLASSES, generator(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[2], again[2])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(items, before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_shapes_types_and_the_number_of_items_stay(augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation)
    out, after, classes = augmentation.apply(items, lengths, CLASSES, generator(1))
    assert (out.shape, out.dtype) == (items.shape, items.dtype)
    assert (classes.shape, classes.dtype) == (CLASSES.shape, CLASSES.dtype)
    assert out.isfinite().all()
    assert (after is None) == (lengths is None)
    double = augmentation.apply(items.double(), lengths, CLASSES, generator(1))[0]
    assert double.dtype == torch.float64


def test_a_class_becomes_one_of_its_copies(augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation)
    seen = set()
    for seed in range(8):
        _, _, classes = augmentation.apply(items, lengths, CLASSES, generator(seed))
        assert torch.equal(classes // augmentation.copies, CLASSES)
        seen |= set((classes % augmentation.copies).tolist())
    assert seen == set(range(augmentation.copies))


def test_pixels_stay_in_range_and_padding_stays_zero(augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation)
    out, after, _ = augmentation.apply(items, lengths, CLASSES, generator(3))
    if lengths is None or after is None:
        assert out.min() >= 0
        assert out.max() <= 255
        return
    assert after.dtype == torch.int64
    assert (after >= 1).all()
    assert (after <= lengths).all()
    assert not out[torch.arange(out.shape[1]) >= after[:, None]].any()


def test_every_item_draws_its_own_chance(spec: str, augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation, 1)
    items = items.expand(30, *items.shape[1:]).contiguous()
    if lengths is not None:  # a whole series, which has the most to draw from
        items = torch.randn(1, 20, 3, generator=generator()).expand(30, 20, 3).contiguous() + 5
        lengths = torch.full((30,), 20)
    else:
        items = items / 2 + 60
    out = augmentation.apply(items, lengths, torch.zeros(30).long(), generator())[0]
    different = {row.numpy().tobytes() for row in out}
    # What makes other classes does to all items of one what it does to the first.
    alike = augmentation.copies > 1
    assert len(different) >= (1 if alike else FEW.get(spec.partition("(")[0], 30))


def test_one_item_alone_is_a_batch(augmentation: Augmentation) -> None:
    items, lengths = drawn(augmentation, 1)
    out, after, classes = augmentation.apply(items, lengths, CLASSES[:1], generator(1))
    assert len(out) == len(classes) == 1
    assert after is None or len(after) == 1
