"""Everything that imports torch: importing this package alone does not.

`learn` goes the whole path and saves a model; `train` is the training run alone.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from likewise.learn.experiment import learn
    from likewise.learn.loop.train import train

_WHERE = {"learn": "likewise.learn.experiment", "train": "likewise.learn.loop.train"}

__all__ = ["learn", "train"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'likewise.learn' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
