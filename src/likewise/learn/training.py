"""The loop: a Siamese network is one encoder applied to every item of a batch.

`run = train(recipe, source)` prepares the data; iterating over the run trains, one report an
epoch; `run.model()` is the best network so far.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from likewise.distances import FAMILY as DISTANCES
from likewise.distances.base import Distance
from likewise.errors import TrainingError
from likewise.learn.augmentations import FAMILY as AUGMENTATIONS
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.data import Data, prepare, require_kind
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.network import Network
from likewise.learn.samplers import FAMILY as SAMPLERS
from likewise.metrics.identification import one_shot
from likewise.recipe import Recipe
from likewise.results import Epoch
from likewise.shapes import Array
from likewise.sources.base import Source
from likewise.types import Kind, Labels, Role

OnStep = Callable[[float, float], None]
"""Called after each step with the share of training done and the loss."""

_EMBED_BATCH = 512
Tensors: TypeAlias = "tuple[Tensor, ...] | list[Tensor]"


class Run:
    """A training run; iterating over it trains.

    Attributes:
        recipe: What is followed; after a budget it holds the steps really taken.
        data: The decoded items by role.
        network: What is trained.
        best: The weights of the best network so far.
        epochs: The reports so far.
    """

    def __init__(self, recipe: Recipe, data: Data, on_step: OnStep | None = None) -> None:
        self.recipe = recipe
        self.data = data
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self._on_step = on_step
        torch.manual_seed(recipe.seed)
        self.distance: Distance = DISTANCES.build(recipe.distance)
        encoder = ENCODERS.build(recipe.encoder, shape=data.transform.shape)
        require_kind(recipe.encoder, encoder.kinds, data.transform)
        self.network = Network(encoder, unit=recipe.unit)
        if data.transform.kind is Kind.IMAGE:
            # Convolutions over channels-last memory measured 1.5 times as fast on a processor.
            _layout(self.network, torch.channels_last)
        self.loss = LOSSES.build(recipe.loss, distance=self.distance)
        self.sampler = SAMPLERS.build(recipe.sampler)
        self.augmentations: list[Augmentation] = []
        for spec in recipe.augmentations:
            augmentation = AUGMENTATIONS.build(spec)
            require_kind(spec, augmentation.kinds, data.transform)
            self.augmentations.append(augmentation)

    def __iter__(self) -> Iterator[Epoch]:
        return _loop(self, self._on_step)

    def model(self) -> Network:
        """A copy of the best network so far, on the processor, ready to embed.

        Raises:
            TrainingError: If no epoch is over yet.
        """
        if not self.best:
            raise TrainingError("No epoch is over yet. Iterate over the run first.")
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.best)
        _layout(network, torch.contiguous_format)
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
) -> Run:
    """Prepare a training run; iterate over it to train.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        strict: Stop at the first item that cannot be read.
        on_step: Called after each step with the share done and the loss.

    Raises:
        SpecError: If a component is asked for in words that cannot be followed.
        SourceError: If the data cannot be used.
        SplitError: If the data cannot carry the claim.
    """
    return Run(recipe.checked(), prepare(recipe, source, strict=strict), on_step)


def _loop(run: Run, on_step: OnStep | None) -> Iterator[Epoch]:
    recipe, decoded = run.recipe, run.data.parts[Role.TRAIN]
    _, labels = np.unique(decoded.items.identities, return_inverse=True)
    fabric = Fabric(accelerator="auto", devices=1, precision="32-true")
    parameters = [*run.network.parameters(), *run.loss.parameters()]
    run.loss.to(fabric.device)
    network, optimizer = fabric.setup(
        run.network,
        torch.optim.AdamW(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True
        ),
    )
    average = _average(run.network, recipe.averaging)
    random = np.random.default_rng(recipe.seed)
    generator = torch.Generator(device=fabric.device).manual_seed(recipe.seed)
    per_epoch = sum(1 for _ in run.sampler.batches(labels, decoded.items.groups, random))
    clock = _Clock(recipe, per_epoch)
    best = math.inf

    while True:
        network.train()
        losses: list[float] = []
        items, started = 0, time.perf_counter()
        for indices in run.sampler.batches(labels, decoded.items.groups, random):
            inputs, lengths = _on_device(decoded.batch(indices), fabric.device)
            classes = fabric.to_device(torch.from_numpy(labels[indices]))
            for augmentation in run.augmentations:
                inputs, lengths, classes = augmentation.apply(inputs, lengths, classes, generator)
            _set_rate(optimizer, recipe.learning_rate * schedule(clock.share, recipe.warmup))
            embeddings = network(run.data.transform.finish(inputs), lengths)
            loss = run.loss(embeddings, Labels(classes))
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            optimizer.step()
            if average is not None:
                average.update_parameters(run.network)
            losses.append(_finite(loss, clock.steps + 1))
            items += len(indices)
            clock.step()
            if on_step is not None:
                on_step(clock.share, losses[-1])
            if clock.done:
                break
        trained = run.network if average is None else average.module
        rate = items / (time.perf_counter() - started)
        figure = _figure(run, trained, fabric.device)
        improved = figure is None or figure <= best
        if improved:
            best = math.inf if figure is None else figure
            run.best = {key: value.detach().clone() for key, value in trained.state_dict().items()}
        run.epochs.append(
            Epoch(
                number=len(run.epochs) + 1,
                steps=clock.steps,
                seconds=clock.seconds,
                loss=float(np.mean(losses)),
                figure=figure,
                items_per_second=rate,
                seconds_left=clock.seconds_left,
                best=improved,
            )
        )
        yield run.epochs[-1]
        if clock.done:
            break

    if recipe.budget_seconds:
        run.recipe = replace(recipe, steps=clock.steps, budget_seconds=0.0)


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


class _Clock:
    """How much of training is done, by steps or by a budget of seconds."""

    def __init__(self, recipe: Recipe, per_epoch: int) -> None:
        self.steps = 0
        self.total = recipe.steps or recipe.epochs * per_epoch
        self.budget = 0.0 if recipe.steps else recipe.budget_seconds
        self._started = time.perf_counter()

    def step(self) -> None:
        self.steps += 1

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    @property
    def share(self) -> float:
        if self.budget:
            return min(1.0, self.seconds / self.budget)
        return self.steps / self.total

    @property
    def seconds_left(self) -> float:
        if self.budget:
            return max(0.0, self.budget - self.seconds)
        return self.seconds * (1 - self.share) / max(self.share, 1e-9)

    @property
    def done(self) -> bool:
        # A budget too short for one step still takes one: an untrained model is never saved.
        return self.share >= 1 and self.steps > 0


def _on_device(
    batch: tuple[Array, Array | None], device: torch.device
) -> tuple[Tensor, Tensor | None]:
    inputs, lengths = batch
    on_device = None if lengths is None else torch.from_numpy(lengths).to(device)
    return torch.from_numpy(inputs).to(device).float(), on_device


def _layout(network: Network, layout: torch.memory_format) -> None:
    network.to(memory_format=layout)  # type: ignore[call-overload]


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _average(network: Network, decay: float) -> AveragedModel | None:
    if not decay:
        return None

    def average(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        # The first steps are forgotten sooner, else a short run would keep its random start.
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - kept)
            else:
                mean.copy_(value)

    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def _finite(loss: Tensor, step: int) -> float:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss is {value} at step {step}: training diverged. Set a smaller learning_rate."
        )
    return value


def _figure(run: Run, network: torch.nn.Module, device: torch.device) -> float | None:
    """One-shot error on *select*; None where there is none."""
    part = run.data.parts.get(Role.SELECT)
    if part is None:
        return None
    network.eval()
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(part), _EMBED_BATCH):
            rows = np.arange(start, min(start + _EMBED_BATCH, len(part)))
            inputs, lengths = _on_device(part.batch(rows), device)
            vectors.append(network(run.data.transform.finish(inputs), lengths).cpu().numpy())
    _, codes = np.unique(part.items.identities, return_inverse=True)
    measured = one_shot(np.concatenate(vectors), codes, run.distance.rows, episodes=1000)
    return None if measured is None else 1 - measured.accuracy
