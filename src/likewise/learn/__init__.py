"""Everything that imports torch: importing this package alone does not.

`train` goes from what a person has to a measured model; `run_experiment` follows a whole recipe,
and `begin_run` is the training run alone.
"""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.learn.doors import cross_validate, train, tune
    from likewise.learn.experiment import Experiment, run_experiment
    from likewise.learn.folds import train_folds
    from likewise.learn.loop.checkpoint import resumed_recipe
    from likewise.learn.loop.train import begin_run
    from likewise.learn.unsupervised import teach

__getattr__, __dir__ = lazy_face(__name__, __file__, {"learn": "run_experiment"})
