"""What happens between two epochs: the classes are looked at, and the network is measured."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.learn.averaging import reestimate
from likewise.learn.objective import on_device
from likewise.learn.state import State
from likewise.learn.validation import class_centres, sample_error, validated
from likewise.learn.watch import LOOK, Watch, diverged, faults, norm_of
from likewise.results import Epoch
from likewise.types import Role

if TYPE_CHECKING:
    from likewise.learn.training import Run


def before(run: "Run", state: State) -> None:
    """Look at the network before its first step, so that what training does can be told."""
    part = run.data.parts.get(Role.SELECT, run.data.parts[Role.TRAIN])
    error = sample_error(state.trained, part, run.data.transform, run.distance, run.device)
    state.watch = Watch(norm_of(run.network), error)


def begin(run: "Run", state: State) -> None:
    """Show the sampler where the classes are now, if it looks; from the second epoch on."""
    if not run.sampler.looks:
        return
    if state.epochs and not state.batches:
        train = run.data.parts[Role.TRAIN]
        random = np.random.default_rng([run.recipe.seed, len(state.epochs)])
        state.centres = torch.from_numpy(
            class_centres(
                state.trained, train, run.sampler.looks, run.data.transform, run.device, random
            )
        )
    run.sampler.see(None if state.centres is None else state.centres.numpy())


def end(run: "Run", state: State) -> Epoch:
    """Measure the network, and keep it if it is the best so far.

    A budget that ended within the first epoch is said in words, not refused: nobody knows how long
    an epoch takes before it was tried, and what was learned by then is the user's.
    """
    part, train = run.data.parts.get(Role.SELECT), run.data.parts[Role.TRAIN]
    if part is None and not _due(state):
        return state.report(None, state.epochs[-1].note)
    # Where nobody chooses among epochs, only the last one's network is kept for good.
    if run.recipe.reestimate and (part is not None or state.clock.over()):
        # The random state of torch stays as it was, whatever a layer draws.
        with torch.random.fork_rng(devices=[run.device] if run.device.type == "cuda" else []):
            reestimate(state.trained, _batches(run, len(state.epochs)))
    transform = run.data.transform
    seen = validated(
        state.trained,
        part,
        train,
        transform,
        run.distance,
        run.device,
        doubted=state.watch is not None and state.watch.doubted,
    )
    if not seen.finite:
        raise diverged(run.recipe, "The embedding is not of finite numbers")
    note = ""
    clock = state.clock
    if clock.budget and clock.over() and clock.steps < clock.per_epoch:
        note = (
            f"The budget of {clock.budget:g} s ended after {clock.steps} of the {clock.per_epoch} "
            "batches of the first epoch: most items were never seen. Give more time, or a faster "
            "encoder or smaller transform.size."
        )
    report = state.report(seen.figure, note)
    if state.watch is None:
        return report
    state.watch.looked = clock.steps
    if seen.error is not None:
        state.watch.errors.append(seen.error)
    wrong = faults(
        run.recipe,
        state.epochs,
        state.watch,
        run.network,
        seen.note,
        clock.share,
        lambda: sample_error(state.trained, train, transform, run.distance, run.device),
    )
    state.epochs[-1] = replace(report, note=f"{note} {wrong}".strip())
    return state.epochs[-1]


def _due(state: State) -> bool:
    """Whether it is time to look at the network again: first, at the end, and now and then."""
    if state.clock.over() or state.watch is None or not state.watch.looked:
        return True
    return state.clock.steps - state.watch.looked >= LOOK


def _batches(run: "Run", epoch: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Some batches of the training items, augmented as in training, other ones each epoch."""
    generator = torch.Generator(device=run.device).manual_seed(run.recipe.seed + epoch)
    random = np.random.default_rng([run.recipe.seed, epoch])
    for batch in islice(run.batches(random), run.recipe.reestimate):
        train = run.data.parts[Role.TRAIN]
        inputs, lengths = on_device(train.batch(batch.rows), run.device)
        # Which copy of its class an item becomes does not matter here.
        classes = torch.arange(len(inputs), device=run.device)
        for augmentation in run.objective.augmentations:
            inputs, lengths, _ = augmentation.apply(inputs, lengths, classes, generator)
        yield run.data.transform.finish(inputs), lengths
