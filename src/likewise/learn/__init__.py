"""Everything that imports torch: importing this package alone does not.

`learn` goes the whole path and saves a model; `train` is the training run alone.
"""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.learn.experiment import learn
    from likewise.learn.loop.checkpoint import resumed_recipe
    from likewise.learn.loop.train import train
    from likewise.learn.unsupervised import teach

__getattr__, __dir__ = lazy_face(__name__, __file__)
