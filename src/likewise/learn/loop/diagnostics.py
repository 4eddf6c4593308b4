"""What goes wrong while training, in words that name the choice behind it and what to set.

The words of a run stay the same from one epoch to the next while the fault does, so that a person
reads them once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import nn

from likewise.errors import TrainingError
from likewise.recipe import Recipe
from likewise.results import Epoch

GROWN = 100.0
"""Weights this many times as large as they began are a fault of the learning rate.

Adam moves a weight by about the rate a step, in whatever direction: at the default of 0.001 that
takes millions of steps.
"""
LONGEST_STEP = 0.3
"""A learning rate above this moves the matrices of muon by more than their own length a step.

A step is 0.2 * sqrt(9 i o) of the rate for a convolution of i by o channels, and its weights begin
with a length of sqrt(2 i) (He et al. 2015): at o = 64 the rate where both are equal is 0.3. Weights
of such steps need not grow, since the decay of weights holds them.
"""
LOOK = 50
"""Steps between two looks at the network where no items choose the best epoch.

A look takes as long as a step of a small batch, and an epoch of few items is over in a few of them.
"""
EASY = 0.1
"""Where an untrained network errs less often than this, training need not better it."""
_SETTLED, _FEWEST_STEPS = 0.5, 100
_FEWEST_EPOCHS = 3
_WORSE, _APART = 0.2, 0.02


@dataclass
class Diagnostics:
    """What a run began with, and what was seen of it since.

    Attributes:
        norm: The length of all weights before the first step.
        untrained: The error on a sample before the first step; None where none can be measured.
        errors: On the same sample at each look, until one was better than untrained.
        looked: How many steps were done at the last look.
    """

    norm: float
    untrained: float | None
    errors: list[float] = field(default_factory=list)
    looked: int = 0

    @property
    def doubted(self) -> bool:
        """Whether no epoch was better than the untrained network yet, where that tells anything."""
        return (
            self.untrained is not None and min(self.errors, default=1.0) >= self.untrained >= EASY
        )


def norm_of(network: nn.Module) -> float:
    """The length of all weights together."""
    return math.sqrt(sum(float(one.detach().square().sum()) for one in network.parameters()))


def diverged(recipe: Recipe, what: str) -> TrainingError:
    """That training has ended in numbers that are none.

    Args:
        recipe: What was followed.
        what: Is not finite, as the beginning of a sentence.
    """
    return TrainingError(f"{what}: training diverged. {_smaller(recipe)}")


def faults(
    recipe: Recipe,
    epochs: Sequence[Epoch],
    diagnostics: Diagnostics,
    network: nn.Module,
    collapse: str,
    share: float,
    train_error: Callable[[], float | None],
) -> str:
    """What is wrong with a run now; empty if nothing is.

    Args:
        recipe: What is followed.
        epochs: Its reports so far, the last one just made.
        diagnostics: What was seen of it.
        network: What is trained, as the last step left it.
        collapse: That the embedding has collapsed, in words; empty if not.
        share: Of training done.
        train_error: Measures the error on some of the items that are learned from.
    """
    found = []
    norm = norm_of(network)
    if not math.isfinite(norm):
        raise diverged(recipe, "The weights are not finite numbers")
    if norm > GROWN * diagnostics.norm:
        found.append(
            f"The weights are more than {GROWN:g} times as large as they began, so that "
            f"training learns badly. {_smaller(recipe)}"
        )
    elif recipe.optimizer == "muon" and recipe.learning_rate > LONGEST_STEP:
        found.append(
            "Every step of muon moves the weights by more than their own length, so that "
            f"training learns badly. {_smaller(recipe)}"
        )
    if collapse:
        found.append(
            f"{collapse} {_smaller(recipe)} Or take another loss or miner (all instead of hard), "
            "or a larger margin."
        )
    late = share >= _SETTLED and epochs[-1].steps >= _FEWEST_STEPS
    if late and diagnostics.doubted and diagnostics.errors and not found:
        found.append(
            "Training has not made the network better than it was untrained (it erred at "
            f"{diagnostics.untrained:.3f} of what it is tried on, and has not erred less since). "
            f"{_smaller(recipe)} If that does not help, train longer, or look whether the items "
            "show what tells them apart (likewise audit SOURCE)."
        )
    if not found and (words := _overfitted(recipe, epochs, train_error)):
        found.append(words)
    return " ".join(found)


def _smaller(recipe: Recipe) -> str:
    default = Recipe().learning_rate
    told = f"The learning_rate is {recipe.learning_rate:g}"
    if recipe.learning_rate > default:
        return f"{told}: set a smaller one (the default is {default:g})."
    return f"{told}: set another, ten times smaller or larger."


def _overfitted(
    recipe: Recipe, epochs: Sequence[Epoch], train_error: Callable[[], float | None]
) -> str:
    """That *select* has got worse for three epochs while what is learned from got ever better.

    References:
        Prechelt, "Early Stopping - But When?", 1998, for the generalisation loss, here of the mean
        of the last three epochs against the best one, and of a fifth and .02 at the least.
    """
    figures = [epoch.figure for epoch in epochs if epoch.figure is not None]
    if len(figures) < len(epochs) or len(epochs) <= _FEWEST_EPOCHS:
        return ""
    # Of equal figures the last one's network is kept.
    best = max(range(len(figures)), key=lambda at: (-figures[at], at))
    last = figures[-_FEWEST_EPOCHS:]
    if best >= len(figures) - _FEWEST_EPOCHS or not epochs[-1].loss < epochs[best].loss:
        return ""
    now = sum(last) / len(last)
    if min(last) <= figures[best] or now < figures[best] + max(_APART, _WORSE * figures[best]):
        return ""
    on_train = train_error()
    if on_train is None or on_train > now / 2:
        return ""
    advice = [] if recipe.patience else ["patience=5, which ends training then"]
    given = ", ".join(recipe.augmentations)
    advice.append(f"more augmentations (now {given})" if given else "augmentations (now none)")
    return (
        f"Overfitting since epoch {epochs[best].number}: the validation error was "
        f"{figures[best]:.3f} there and has got worse, while the loss went on falling and items "
        "learned from are told apart far better. The network of that epoch is kept. Set "
        f"{', and '.join(advice)}; or give more identities, or take a smaller encoder."
    )
