"""A training run as data: what is trained, on what, and how far it has come."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from likewise.distances.base import Distance
from likewise.errors import TrainingError
from likewise.learn.loop.data import Data, batches_of
from likewise.learn.loop.objective import Objective
from likewise.learn.loop.precision import ComputePrecision
from likewise.learn.network.network import Network, set_layout, without_loss
from likewise.learn.samplers.base import Sampler
from likewise.recipe import Recipe
from likewise.results import Epoch
from likewise.types import Batch, Role

OnStep = Callable[[float, float], None]
"""Called after each step with the share of training done and the loss."""


@dataclass(eq=False)
class Run:
    """A training run; iterating over it trains.

    Attributes:
        recipe: What is followed; it ends with the precision, and after a budget the steps, that
            were really taken.
        data: The decoded items by role.
        network: What is trained.
        sampler: Makes the batches.
        objective: What training makes small.
        distance: Compares two embeddings, where the network has no matcher.
        device: Where it trains.
        training: Makes the generator that trains it, an epoch at a time.
        on_step: Called after each step.
        checkpoint_path: Where what is needed to go on is kept; None where nowhere.
        checkpoint_seconds: How often that is written.
        resume: Whether to go on with the run that is kept there.
        epochs: The reports so far.
        best: The weights of the best network so far, and under `loss.` those of the loss beside it.
        precision: What it computes in, and why; None before the first step.
        stop_asked: Whether somebody asked it to stop.
        stopped: Whether it was asked to stop before its end, and did.
    """

    recipe: Recipe
    data: Data
    network: Network
    sampler: Sampler
    objective: Objective
    distance: Distance
    device: torch.device
    training: "Callable[[Run], Iterator[Epoch]]"
    on_step: OnStep | None = None
    checkpoint_path: Path | None = None
    checkpoint_seconds: float = 60.0
    resume: bool = False
    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    precision: ComputePrecision | None = None
    stop_asked: bool = False
    stopped: bool = False

    def __iter__(self) -> Iterator[Epoch]:
        return self.training(self)

    def batches(self, random: np.random.Generator) -> Iterator[Batch]:
        """Return one epoch of batches of the training items."""
        return batches_of(self.sampler, self.data.parts[Role.TRAIN].items, random)

    def stop(self) -> None:
        """Ask it to stop after the step that it is in; the checkpoint is written then."""
        self.stop_asked = True

    def model(self) -> Network:
        """Return a copy of the best network so far, on the processor, ready to embed.

        Raises:
            TrainingError: If no step was taken yet.
        """
        if not self.best:
            raise TrainingError("Nothing was trained yet. Iterate over the run first.")
        network = copy.deepcopy(self.network)
        network.load_state_dict(without_loss(self.best))
        set_layout(network, torch.contiguous_format)
        return network.to("cpu").eval()

    def finish(self) -> "Run":
        """Train to the end."""
        for _ in self:
            pass
        return self
