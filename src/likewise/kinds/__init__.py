"""What an item can be: how to recognise, show and describe one."""

from likewise.kinds.base import Kind
from likewise.registry import Family

FAMILY: Family[Kind] = Family(
    "kind of item",
    __name__,
    {"image": "image:Image", "series": "series:Series", "vector": "vector:Vector"},
    aliases={"sequence": "series"},
)
