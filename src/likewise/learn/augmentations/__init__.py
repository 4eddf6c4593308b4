"""Changes to an item that leave what it is, or make another class of it."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.augmentations.base import Augmentation

FAMILY: "Family[Augmentation]" = Family(
    "augmentation",
    __name__,
    {
        "affine": "affine:Affine",
        "rotated_classes": "rotated_classes:RotatedClasses",
        "jitter": "jitter:Jitter",
    },
)
