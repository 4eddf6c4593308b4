"""An image in a mirror."""

from typing import ClassVar, final

from torch import Tensor

from likewise.learn.views.base import View
from likewise.shapes import Float
from likewise.types import Form, InputShape


@final
class Mirrored(View):
    """An image with left and right exchanged: one view.

    For things that stay what they are in a mirror, as in the augmentation `flip`; not for writing.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)
    copies: int = 1

    def __init__(self, *, shape: InputShape) -> None:  # noqa: ARG002 - any shape has a mirror image
        super().__init__()

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c h w"]:
        """The mirror image."""
        return inputs.flip(3)
