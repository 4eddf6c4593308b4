"""How far training is, and the learning rate that belongs there."""

import math
import time
from collections.abc import Sequence

import torch

from likewise.errors import TrainingError
from likewise.recipe import Recipe
from likewise.results import Epoch


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, share: float) -> None:
    """Give an optimiser the learning rate of this share of training, times each group's factor."""
    rate = recipe.learning_rate * schedule(share, recipe.warmup)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


def schedule(share: float, warmup: float) -> float:
    """The learning rate's factor: a linear rise, then half a cosine down to 0.

    Args:
        share: Of training done, 0 to 1.
        warmup: Share of training in which it rises.

    References:
        Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, eq. 5,
        without the restarts.
    """
    if share < warmup:
        return max(0.01, share / warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - warmup) / max(1e-9, 1 - warmup))))


def waited(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the figure on *select* has not fallen for so many epochs; never, with 0 of them.

    References:
        Prechelt, "Early Stopping - But When?", 1998, its third criterion (UP), counted from the
        best epoch.
    """
    figures = [math.inf if epoch.figure is None else epoch.figure for epoch in epochs]
    if not patience or not figures:
        return False
    return len(figures) - 1 - figures.index(min(figures)) >= patience


class Clock:
    """How much of training is done, by steps or by a budget of seconds.

    Args:
        recipe: Says how long to train.
        per_epoch: Steps of an epoch.
        steps: Taken before, by a run that this one goes on with.
        seconds: Spent before, likewise.
    """

    def __init__(
        self, recipe: Recipe, per_epoch: int, *, steps: int = 0, seconds: float = 0.0
    ) -> None:
        self.steps = steps
        self.per_epoch = per_epoch
        self.total = recipe.steps or recipe.epochs * per_epoch
        self.budget = 0.0 if recipe.steps else recipe.budget_seconds
        self._started = time.perf_counter() - seconds

    def step(self) -> None:
        """Count one step.

        Raises:
            TrainingError: If the first one took longer than the whole budget.
        """
        self.steps += 1
        if self.budget and self.steps == 1 and self.seconds > self.budget:
            raise TrainingError(
                f"The budget of {self.budget:g} s is too short for one step, which took "
                f"{self.seconds:.2g} s. Give at least a hundred times that."
            )

    @property
    def seconds(self) -> float:
        """Training time so far."""
        return time.perf_counter() - self._started

    @property
    def share(self) -> float:
        """Of training done, 0 to 1."""
        if self.budget:
            return min(1.0, self.seconds / self.budget)
        return min(1.0, self.steps / self.total)

    @property
    def planned(self) -> int:
        """Steps of the whole schedule at this pace, also where training ends before it does."""
        return round(self.steps / self.share) if self.share else 0

    @property
    def seconds_left(self) -> float:
        """Until training ends, at this pace."""
        if self.budget:
            return max(0.0, self.budget - self.seconds)
        return self.seconds * (1 - self.share) / max(self.share, 1e-9)

    def over(self) -> bool:
        """Whether training is over."""
        return self.share >= 1 and self.steps > 0
