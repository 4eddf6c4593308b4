"""Other light."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share, uniform
from likewise.shapes import Float, Int
from likewise.types import Form

_GREY = (0.299, 0.587, 0.114)
# Rows: luminance, and the two axes of colour that are at right angles to it (YIQ).
_YIQ = (_GREY, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@final
class Colour(Augmentation):
    """Changes brightness, contrast, saturation and hue of each image by its own random amounts.

    An image of one channel has no saturation and no hue, and is changed in the other two.

    Args:
        brightness: Every pixel is multiplied by up to one plus or minus this.
        contrast: So is its difference from the image's mean luminance.
        saturation: So is the difference of each colour from the pixel's luminance.
        hue: Colours are turned by at most this fraction of the whole circle, either way.

    Raises:
        BadArgument: If an argument is out of its range, or an image has neither one channel nor
            three.

    References:
        Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
        Networks", 2012, section 4.1, for changing the light; the four changes and their ranges as
        in Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations",
        2020, appendix A. Departures: always in the order of the arguments; the hue turns about the
        grey axis (YIQ), which is linear; pixels are clamped once, at the end.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.02,
    ) -> None:
        require_share("colour", brightness=brightness, contrast=contrast, saturation=saturation)
        if not 0 <= hue <= 0.5:
            raise BadArgument(f"colour: hue is {hue}, and 0 to 0.5 is expected.")
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Images in other light; classes stay."""
        channels = items.shape[1]
        if channels not in (1, 3):
            raise BadArgument(
                f"colour: images have {channels} channels, and 1 or 3 are expected. Leave colour "
                "out."
            )

        def factor(most: float) -> Tensor:
            return uniform(1 - most, 1 + most, items, random)[:, None, None, None]

        lit = items * factor(self.brightness)
        middle = _luminance(lit).mean((2, 3), keepdim=True)
        lit = middle + factor(self.contrast) * (lit - middle)
        if channels == 3:
            grey = _luminance(lit)
            lit = grey + factor(self.saturation) * (lit - grey)
            lit = torch.einsum("nij,njhw->nihw", self._turn(items, random), lit)
        return lit.clamp(0, 255), lengths, classes

    def _turn(
        self, items: Float[Tensor, "n c h w"], random: torch.Generator
    ) -> Float[Tensor, "n 3 3"]:
        """The matrix that turns the colours of each image."""
        angle = 2 * torch.pi * uniform(-self.hue, self.hue, items, random)
        turn = torch.zeros(len(items), 3, 3, device=items.device, dtype=items.dtype)
        turn[:, 0, 0] = 1
        turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
        turn[:, 2, 1] = angle.sin()
        turn[:, 1, 2] = -angle.sin()
        forth = torch.tensor(_YIQ, device=items.device, dtype=items.dtype)
        turned: Tensor = torch.linalg.inv(forth) @ turn @ forth
        return turned


def _luminance(items: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    if items.shape[1] == 1:
        return items
    weights = torch.tensor(_GREY, device=items.device, dtype=items.dtype)
    return (items * weights[:, None, None]).sum(1, keepdim=True)
