"""Everything of a run that changes while it trains, to a checkpoint and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from likewise.errors import NothingToResume
from likewise.learn.loop import averaging, checkpoint
from likewise.learn.loop.checkpoint import Checkpoint, prefixed, under
from likewise.learn.loop.diagnostics import Diagnostics
from likewise.learn.loop.schedule import Clock, waited
from likewise.learn.network.network import Network
from likewise.recipe import Recipe
from likewise.results import Epoch


class TrainingState:
    """What changes at every step.

    Args:
        network: What is trained.
        objective: Of which the loss's own parameters are trained too.
        optimizer: Of both.
        recipe: What is followed.
        per_epoch: Steps of an epoch.

    Attributes:
        optimizer: Of both.
        average: Its averaged weights; None where none are kept.
        centres: Where the classes were when this epoch began, for a sampler that looks; else None.
        random: Where batches come from.
        generator: Where augmentations come from.
        clock: How far training is.
        epochs: The reports so far.
        best: The weights of the best network so far, and under `loss.` those of the loss beside it.
        best_figure: Its figure on *select*; None where there is none.
        diagnostics: What the run began with, and was seen to do since; None before the first look.
        batches: Done in this epoch.
        items: That went through the encoder in this epoch.
        losses: Of this epoch's steps.
        seconds: Spent in this epoch's steps.
    """

    def __init__(
        self,
        network: Network,
        objective: nn.Module,
        optimizer: torch.optim.Optimizer,
        recipe: Recipe,
        per_epoch: int,
    ) -> None:
        self._recipe, self._per_epoch = recipe, per_epoch
        self._network, self._objective, self.optimizer = network, objective, optimizer
        self._device = next(network.parameters()).device
        self.average = averaging.averaged(network, recipe)
        self.centres: Tensor | None = None
        self.random = np.random.default_rng(recipe.seed)
        self.generator = torch.Generator(device=self._device).manual_seed(recipe.seed)
        self.clock = Clock(recipe, per_epoch)
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.best_figure: float | None = None
        self.diagnostics: Diagnostics | None = None
        self._start = self.random.bit_generator.state
        self._begin_epoch()

    @property
    def trained(self) -> Network:
        """The network that is worth keeping: the average where there is one."""
        return self._network if self.average is None else cast(Network, self.average.module)

    @property
    def over(self) -> bool:
        """Whether training is over, by the clock or since it got no better for long enough."""
        return self.clock.over() or waited(self.epochs, self._recipe.patience)

    def report(self, figure: float | None, note: str = "") -> Epoch:
        """End an epoch: keep the network if it is the best so far, and count anew from here."""
        best = self.best_figure
        improved = figure is None or best is None or figure <= best
        if improved:
            self.keep(figure)
        self.epochs.append(
            Epoch(
                number=len(self.epochs) + 1,
                steps=self.clock.steps,
                seconds=self.clock.seconds,
                loss=float(np.mean(self.losses)),
                figure=figure,
                items_per_second=self.items / max(self.seconds, 1e-9),
                seconds_left=self.clock.seconds_left,
                best=improved,
                note=note,
            )
        )
        self._begin_epoch()
        return self.epochs[-1]

    def _begin_epoch(self) -> None:
        self._start = self.random.bit_generator.state
        self.batches = self.items = 0
        self.losses: list[float] = []
        self.seconds = 0.0

    def rewound(self) -> np.random.Generator:
        """The generator as it was when this epoch began, so that its batches come again."""
        self.random.bit_generator.state = self._start
        return self.random

    def step(self, loss: float, items: int, seconds: float) -> None:
        """Count one step."""
        if self.average is not None:
            averaging.update_average(self.average, self._recipe, self.clock.share)
        self.losses.append(loss)
        self.items += items
        self.batches += 1
        self.seconds += seconds
        self.clock.step()

    def keep(self, figure: float | None) -> None:
        """Keep the trained network, and what the loss has learned, as the best one."""
        self.best_figure = figure
        weights = {**self.trained.state_dict(), **dict(self._objective.named_parameters())}
        self.best = {name: value.detach().clone() for name, value in weights.items()}

    def checkpoint(self, data: str) -> Checkpoint:
        """All of it, for the data with this digest."""
        tensors = {
            **prefixed("network", self._network.state_dict()),
            **prefixed("objective", self._objective.state_dict()),
            **prefixed("optimizer", checkpoint.optimizer_tensors(self.optimizer)),
            **prefixed("best", self.best),
            "random/torch": torch.get_rng_state(),
            "random/augmentations": self.generator.get_state(),
        }
        if self.average is not None:
            tensors |= prefixed("average", self.average.state_dict())
        if self.centres is not None:
            tensors["sampler/centres"] = self.centres
        if self._device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self._device)
        state = {
            "random": self._start,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best_figure": self.best_figure,
            "diagnostics": None if self.diagnostics is None else asdict(self.diagnostics),
            "batches": self.batches,
            "items": self.items,
            "losses": self.losses,
            "seconds": self.seconds,
            "clock_steps": self.clock.steps,
            "clock_seconds": self.clock.seconds,
            "device": self._device.type,
        }
        return Checkpoint(tensors, state, self._recipe.to_toml(), data)

    def restore(self, saved: Checkpoint) -> None:
        """Go on from a checkpoint of the same recipe.

        Raises:
            NothingToResume: If it does not fit this run.
        """
        try:
            self._restore(saved.tensors, saved.state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise NothingToResume(
                f"The checkpoint does not fit this run ({type(error).__name__}: {error}). "
                "Train anew with --overwrite."
            ) from error

    def _restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        if state["device"] != self._device.type:
            raise ValueError(f"it was written on {state['device']}, this is {self._device.type}")
        self._network.load_state_dict(under("network", tensors))
        self._objective.load_state_dict(under("objective", tensors))
        checkpoint.load_optimizer(self.optimizer, under("optimizer", tensors))
        if self.average is not None:
            self.average.load_state_dict(under("average", tensors))
        self.centres = under("sampler", tensors).get("centres")
        self.best = {k: v.to(self._device) for k, v in under("best", tensors).items()}
        torch.set_rng_state(tensors["random/torch"])
        self.generator.set_state(tensors["random/augmentations"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random/cuda"], self._device)
        self._start = state["random"]
        self.random.bit_generator.state = self._start
        self.epochs[:] = [Epoch(**plain) for plain in state["epochs"]]
        self.best_figure = state["best_figure"]
        diagnostics = state["diagnostics"]
        self.diagnostics = None if diagnostics is None else Diagnostics(**diagnostics)
        self.batches, self.items = int(state["batches"]), int(state["items"])
        self.losses, self.seconds = list(state["losses"]), float(state["seconds"])
        self.clock = Clock(
            self._recipe,
            self._per_epoch,
            steps=int(state["clock_steps"]),
            seconds=float(state["clock_seconds"]),
        )
