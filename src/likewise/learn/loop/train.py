"""The loop: a Siamese network is one encoder applied to every item of a batch.

`run = train(recipe, source)` prepares the data; iterating over the run trains, one report an
epoch; `run.model()` is the best network so far.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from likewise.data import Decoded
from likewise.distances import FAMILY as DISTANCES
from likewise.distances.base import Distance
from likewise.errors import BadArgument, NothingToResume, TrainingError
from likewise.learn.augmentations import FAMILY as AUGMENTATIONS
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop import checkpoint, epochs
from likewise.learn.loop.data import Data, Splitter, batches_of, prepare, require_form
from likewise.learn.loop.objective import enough_memory, finite, objective_of
from likewise.learn.loop.optimizer import optimizer_of
from likewise.learn.loop.precision import ComputePrecision, choose_precision, pick_device
from likewise.learn.loop.requirements import validate
from likewise.learn.loop.schedule import set_rate
from likewise.learn.loop.state import TrainingState
from likewise.learn.network.matching import matcher_of
from likewise.learn.network.network import Network, set_layout, without_loss
from likewise.learn.samplers import FAMILY as SAMPLERS
from likewise.learn.views import FAMILY as VIEWS
from likewise.recipe import Recipe
from likewise.results import Epoch
from likewise.sources.base import Source
from likewise.types import Batch, Role

OnStep = Callable[[float, float], None]
"""Called after each step with the share of training done and the loss."""


class Run:
    """A training run; iterating over it trains.

    Attributes:
        recipe: What is followed; it ends with the precision, and after a budget the steps, that
            were really taken.
        data: The decoded items by role.
        network: What is trained.
        best: The weights of the best network so far, and under `loss.` those of the loss beside it.
        epochs: The reports so far.
        device: Where it trains.
        precision: What it computes in, and why; None before the first step.
        stopped: Whether it was asked to stop before its end, and did.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Data,
        on_step: OnStep | None = None,
        *,
        device: str = "auto",
        checkpoint_path: Path | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
    ) -> None:
        self.recipe = recipe
        self.data = data
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.device = pick_device(device)
        self.precision: ComputePrecision | None = None
        self.stopped = False
        self.on_step = on_step
        self.checkpoint_path = checkpoint_path
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume
        self._stop_asked = False
        torch.manual_seed(recipe.seed)
        self.distance: Distance = DISTANCES.build(recipe.distance)
        shape = data.transform.shape
        encoder = ENCODERS.build(recipe.encoder, shape=shape)
        require_form(recipe.encoder, encoder.forms, shape)
        matcher = None
        if recipe.matcher:
            matcher = matcher_of(recipe.matcher, encoder, recipe.encoder)
        for spec in recipe.views:
            require_form(spec, VIEWS.type_of(spec).forms, shape)
        views = [VIEWS.build(spec, shape=shape) for spec in recipe.views]
        self.network = Network(
            encoder,
            normalize=recipe.normalize,
            matcher=matcher,
            views=views,
            whitened=recipe.whiten > 0,
        )
        if shape.form.channels_last:
            set_layout(self.network, torch.channels_last)
        self.sampler = SAMPLERS.build(recipe.sampler)
        augmentations: list[Augmentation] = []
        for spec in recipe.augmentations:
            augmentation = AUGMENTATIONS.build(spec)
            require_form(spec, augmentation.forms, shape)
            augmentations.append(augmentation)
        items = data.parts[Role.TRAIN].items
        self.objective = objective_of(
            recipe, items, encoder.dim, self.sampler, augmentations, data.transform, self.device
        )
        if self.sampler.views > 1 and not augmentations:
            raise TrainingError(
                f"{recipe.sampler} shows every item {self.sampler.views} times a batch, and "
                "without an augmentation these are equal. Set augmentations."
            )
        validate(self)

    def __iter__(self) -> Iterator[Epoch]:
        return _loop(self)

    def batches(self, random: np.random.Generator) -> Iterator[Batch]:
        """One epoch of batches of the training items."""
        return batches_of(self.sampler, self.data.parts[Role.TRAIN].items, random)

    def stop(self) -> None:
        """Ask it to stop after the step that it is in; the checkpoint is written then."""
        self._stop_asked = True

    @property
    def stop_asked(self) -> bool:
        """Whether somebody did."""
        return self._stop_asked

    def model(self) -> Network:
        """A copy of the best network so far, on the processor, ready to embed.

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


def train(
    recipe: Recipe,
    source: Source | None = None,
    *,
    strict: bool = False,
    on_step: OnStep | None = None,
    on_decode: Callable[[int, int], None] | None = None,
    device: str = "auto",
    checkpoint_path: Path | None = None,
    checkpoint_seconds: float = 60.0,
    resume: bool = False,
    parts: Splitter | None = None,
) -> Run:
    """Prepare a training run; iterate over it to train.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        strict: Stop at the first item that cannot be read.
        on_step: Called after each step with the share done and the loss.
        on_decode: Called with how many items are decoded, of how many.
        device: Where it trains; `auto` is CUDA where there is one, else the processor.
        checkpoint_path: Where to keep what is needed to go on after a stop.
        checkpoint_seconds: How often it is written.
        resume: Go on with the run in that file, which must be of the same recipe and data.
        parts: Gives every item its role, when not what the recipe says.

    Raises:
        SpecError: If a component is asked for in words that cannot be followed.
        SourceError: If the data cannot be used.
        SplitError: If the data cannot carry the claim.
    """
    if resume and checkpoint_path is None:
        raise BadArgument("resume was asked for without a checkpoint_path. Name its file.")
    data = prepare(recipe.checked(), source, strict=strict, progress=on_decode, parts=parts)
    try:
        return Run(
            recipe.checked(),
            data,
            on_step,
            device=device,
            checkpoint_path=checkpoint_path,
            checkpoint_seconds=checkpoint_seconds,
            resume=resume,
        )
    except BaseException:
        data.close()
        raise


def _loop(run: Run) -> Iterator[Epoch]:
    data, digest = run.data.parts[Role.TRAIN], run.data.digest()
    fabric, network, state = _begin(run, data, digest)
    recipe, clock, written = run.recipe, state.clock, time.perf_counter()

    while not state.over:
        epochs.begin(run, state)
        network.train()
        for batch in islice(run.batches(state.rewound()), state.batches, None):
            started = time.perf_counter()
            with enough_memory(clock.steps + 1):
                set_rate(state.optimizer, recipe, clock.share)
                loss = run.objective.of(network, run.network, data, batch, state.generator)
                state.optimizer.zero_grad(set_to_none=True)
                fabric.backward(loss)
                state.optimizer.step()
            value = finite(loss, clock.steps + 1, recipe)
            state.step(value, len(batch.rows), time.perf_counter() - started)
            run.objective.remember(clock.share)
            if run.on_step is not None:
                run.on_step(clock.share, value)
            if clock.over() or run.stop_asked:
                break
            if run.checkpoint_path and time.perf_counter() - written >= run.checkpoint_seconds:
                checkpoint.write_checkpoint(run.checkpoint_path, state.checkpoint(digest))
                written = time.perf_counter()
        if run.stop_asked and not clock.over():
            run.stopped = True
            if run.checkpoint_path:
                checkpoint.write_checkpoint(run.checkpoint_path, state.checkpoint(digest))
            epochs.halt(run, state)
            run.best = state.best
            return
        report = epochs.end(run, state)
        run.best = state.best
        yield report

    if recipe.budget_seconds:
        run.recipe = replace(recipe, steps=clock.planned, budget_seconds=0.0)


def _begin(run: Run, data: Decoded, digest: str) -> tuple[Fabric, _FabricModule, TrainingState]:
    """Everything that training needs, as it was in the checkpoint where it goes on."""
    saved = None
    if run.resume and run.checkpoint_path:
        saved = checkpoint.read_checkpoint(run.checkpoint_path)
        run.recipe = checkpoint.recipe_of(saved, run.recipe)
        if saved.data != digest:
            raise NothingToResume(
                f"{run.checkpoint_path} was learning from other data than these. Give the data it "
                "began with, or train anew with --overwrite."
            )
    if saved is None:
        run.precision = _precision(run, data)
    else:
        run.precision = ComputePrecision(run.recipe.precision, "as when the run began")
    run.recipe = recipe = replace(run.recipe, precision=run.precision.name)
    # As a plugin, since Fabric announces the name of a mixed precision on the terminal.
    bf16 = recipe.precision == "bf16"
    mixed = MixedPrecision("bf16-mixed", run.device.type) if bf16 else None
    fabric = Fabric(accelerator=run.device.type, devices=1, plugins=mixed)
    network, optimizer = fabric.setup(run.network, optimizer_of(recipe, run.network, run.objective))
    counted = sum(1 for _ in run.batches(np.random.default_rng(recipe.seed)))
    state = TrainingState(run.network, run.objective, optimizer, recipe, counted)
    run.epochs = state.epochs
    if saved is None:
        epochs.before(run, state)
    else:
        state.restore(saved)
        run.best = state.best
    return fabric, network, state


def _precision(run: Run, data: Decoded) -> ComputePrecision:
    batch = next(run.batches(np.random.default_rng(run.recipe.seed)))

    def cost(network: Network) -> Tensor:
        generator = torch.Generator(device=run.device).manual_seed(run.recipe.seed)
        return run.objective.of(network, network, data, batch, generator)

    with enough_memory(1):
        return choose_precision(run.recipe.precision, run.network, cost, run.device)
