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
        "elastic": "elastic:Elastic",
        "crop": "crop:Crop",
        "flip": "flip:Flip",
        "colour": "colour:Colour",
        "noise": "noise:Noise",
        "blur": "blur:Blur",
        "erase": "erase:Erase",
        "rotated_classes": "rotated_classes:RotatedClasses",
        "jitter": "jitter:Jitter",
        "scale": "scale:Scale",
        "warp": "warp:Warp",
        "time_crop": "time_crop:TimeCrop",
        "channel_drop": "channel_drop:ChannelDrop",
    },
)
