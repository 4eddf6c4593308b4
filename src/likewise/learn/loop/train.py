"""The loop: a Siamese network is one encoder applied to every item of a batch.

`run = train(recipe, source)` prepares the data; iterating over the run trains, one report an
epoch; `run.model()` is the best network so far.
"""

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
from likewise.errors import BadArgument, NothingToResume, TrainingError
from likewise.learn.augmentations import FAMILY as AUGMENTATIONS
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop import checkpoint, epochs
from likewise.learn.loop.data import Data, Splitter, prepare, require_form
from likewise.learn.loop.objective import enough_memory, finite, objective_of
from likewise.learn.loop.optimizers import optimizer_of
from likewise.learn.loop.precision import ComputePrecision, choose_precision, pick_device
from likewise.learn.loop.requirements import validate
from likewise.learn.loop.run import OnStep, Run
from likewise.learn.loop.schedule import set_rate
from likewise.learn.loop.state import TrainingState
from likewise.learn.network.matching import matcher_of
from likewise.learn.network.network import Network, set_layout
from likewise.learn.samplers import FAMILY as SAMPLERS
from likewise.learn.views import FAMILY as VIEWS
from likewise.recipe import Recipe
from likewise.results import Epoch
from likewise.sources.base import Source
from likewise.types import Role


def begin_run(
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
        return run_on(
            data,
            recipe.checked(),
            on_step=on_step,
            device=device,
            checkpoint_path=checkpoint_path,
            checkpoint_seconds=checkpoint_seconds,
            resume=resume,
        )
    except BaseException:
        data.close()
        raise


def run_on(
    data: Data,
    recipe: Recipe,
    *,
    on_step: OnStep | None = None,
    device: str = "auto",
    checkpoint_path: Path | None = None,
    checkpoint_seconds: float = 60.0,
    resume: bool = False,
) -> Run:
    """Prepare a run on data that are decoded and split already; see `train`.

    Args:
        data: The decoded items by role.
        recipe: Every choice of the run.
        on_step: See `train`.
        device: See `train`.
        checkpoint_path: See `train`.
        checkpoint_seconds: See `train`.
        resume: See `train`.

    Raises:
        SpecError: If a component is asked for in words that cannot be followed.
        TrainingError: If the data cannot give what the recipe asks.
    """
    place = pick_device(device)
    torch.manual_seed(recipe.seed)
    shape = data.transform.shape
    encoder = ENCODERS.build(recipe.encoder, shape=shape)
    require_form(recipe.encoder, encoder.forms, shape)
    matcher = matcher_of(recipe.matcher, encoder, recipe.encoder) if recipe.matcher else None
    for spec in recipe.views:
        require_form(spec, VIEWS.type_of(spec).forms, shape)
    views = [VIEWS.build(spec, shape=shape) for spec in recipe.views]
    network = Network(
        encoder,
        normalize=recipe.normalize,
        matcher=matcher,
        views=views,
        whitened=recipe.whiten > 0,
    )
    if shape.form.channels_last:
        set_layout(network, torch.channels_last)
    sampler = SAMPLERS.build(recipe.sampler)
    augmentations: list[Augmentation] = []
    for spec in recipe.augmentations:
        augmentation = AUGMENTATIONS.build(spec)
        require_form(spec, augmentation.forms, shape)
        augmentations.append(augmentation)
    items = data.parts[Role.TRAIN].items
    objective = objective_of(
        recipe, items, encoder.dim, sampler, augmentations, data.transform, place
    )
    if sampler.views > 1 and not augmentations:
        raise TrainingError(
            f"{recipe.sampler} shows every item {sampler.views} times a batch, and "
            "without an augmentation these are equal. Set augmentations."
        )
    run = Run(
        recipe,
        data,
        network,
        sampler,
        objective,
        DISTANCES.build(recipe.distance),
        place,
        _epochs,
        on_step,
        checkpoint_path,
        checkpoint_seconds,
        resume,
    )
    validate(run)
    return run


def _epochs(run: Run) -> Iterator[Epoch]:
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
