"""Other views of an item that a model embeds beside it, in use."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.views.base import View

FAMILY: "Family[View]" = Family(
    "view",
    __name__,
    {
        "shifted": "shifted:Shifted",
        "turned": "turned:Turned",
        "mirrored": "mirrored:Mirrored",
        "affine": "affine:AffineViews",
    },
    context=("shape",),
)
