"""Milliseconds of an augmentation for a batch of images, beside kornia's of the same ranges.

    pip install kornia
    python -m benchmarks.augmentations --rounds 5

Both augment every image of a batch by its own random amounts, as float32 tensors on the processor,
in turns in one run: 128 drawings of 1x28x28, and 128 photographs of 3x96x96.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.learn.augmentations import FAMILY

COUNT = 128
SHAPES = ((1, 28), (3, 96))
# Ours, and the name and arguments of kornia's, for a side in pixels.
Arguments = dict[str, object]
PAIRS: dict[str, tuple[str, Callable[[int], Arguments]]] = {
    "affine": (
        "RandomAffine",
        lambda _: {"degrees": 10, "translate": (0.1, 0.1), "scale": (0.9, 1.1), "shear": 5.7},
    ),
    "elastic": (
        "RandomElasticTransform",
        lambda side: {"kernel_size": (odd(0.84 * side),) * 2, "sigma": (0.14 * side,) * 2},
    ),
    "crop": ("RandomResizedCrop", lambda side: {"size": (side, side), "scale": (0.6, 1.0)}),
    "flip": ("RandomHorizontalFlip", lambda _: {"p": 0.5}),
    "colour": (
        "ColorJitter",
        lambda _: {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.02},
    ),
    "noise": ("RandomGaussianNoise", lambda _: {"std": 0.1}),
    "blur": (
        "RandomGaussianBlur",
        lambda side: {"kernel_size": (odd(0.18 * side),) * 2, "sigma": (0.01, 0.03 * side)},
    ),
    "erase(fill='mean')": ("RandomErasing", lambda _: {"p": 0.5, "scale": (0.02, 0.2)}),
}


def odd(width: float) -> int:
    """The whole odd number next to a width."""
    return 2 * round((width - 1) / 2) + 1


def ours(spec: str) -> Callable[[Tensor], Tensor]:
    """The house's augmentation of images from 0 to 255."""
    augmentation = FAMILY.build(spec)
    random = torch.Generator().manual_seed(0)
    classes = torch.arange(COUNT)
    return lambda images: augmentation.apply(images, None, classes, random)[0]


def kornias(name: str, arguments: Arguments) -> Callable[[Tensor], Tensor]:
    """kornia's, of images from 0 to 1."""
    try:
        import kornia.augmentation as other
    except ImportError as error:
        raise SystemExit("kornia is missing: pip install kornia") from error
    # Always, as the house's are, where nothing else is said.
    made: Callable[[Tensor], Tensor] = getattr(other, name)(**{"p": 1.0, **arguments})
    return made


def milliseconds(change: Callable[[Tensor], Tensor], images: Tensor, seconds: float) -> float:
    """Of one batch, over so many seconds."""
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        change(images)
        done += 1
    return 1000 * (time.perf_counter() - started) / done


def main() -> None:
    """Print a row for each augmentation and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each, each round")
    given = parser.parse_args()
    torch.manual_seed(0)
    print(machine_line())
    for channels, side in SHAPES:
        images = torch.rand(COUNT, channels, side, side)
        for spec, (name, arguments) in PAIRS.items():
            if spec == "colour" and channels == 1:
                continue  # kornia's needs three channels
            own, other = ours(spec), kornias(name, arguments(side))
            times = np.array(
                [
                    (
                        milliseconds(own, 255 * images, given.seconds),
                        milliseconds(other, images, given.seconds),
                    )
                    for _ in range(given.rounds)
                ]
            )
            ratios = times[:, 1] / times[:, 0]
            results.row(
                f"{COUNT}x{channels}x{side}x{side}",
                {
                    "augmentation": spec,
                    "ms": float(np.median(times[:, 0])),
                    "kornia's": name,
                    "kornia's, ms": float(np.median(times[:, 1])),
                    "kornia's, of it": (
                        f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
                    ),
                },
            )


if __name__ == "__main__":
    results.run("augmentations", main)
