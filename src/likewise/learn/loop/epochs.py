"""What happens between two epochs: the classes are looked at, and the network is measured."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from likewise.learn.loop.averaging import update_bn
from likewise.learn.loop.chunks import embedded_in_chunks
from likewise.learn.loop.diagnostics import LOOK, Diagnostics, diverged, faults, norm_of
from likewise.learn.loop.run import Run
from likewise.learn.loop.state import TrainingState
from likewise.learn.loop.validation import class_centres, sample_error, validated
from likewise.learn.network.network import Network, parted
from likewise.learn.network.whitening import Whitening
from likewise.results import Epoch
from likewise.types import Labels, Pairs, Role

# How often the training items are gone through at most, to measure what belongs to the weights.
_ROUNDS = 10


def before(run: Run, state: TrainingState) -> None:
    """Look at the network before its first step, so that what training does can be told."""
    part = run.data.parts.get(Role.SELECT, run.data.parts[Role.TRAIN])
    error = sample_error(state.trained, part, run.data.transform, run.distance, run.device)
    state.diagnostics = Diagnostics(norm_of(run.network), error)


def begin(run: Run, state: TrainingState) -> None:
    """Show the sampler where the classes are now, if it looks; from the second epoch on.

    What was fitted to the weights of the epoch before is forgotten.
    """
    if state.trained.whitening is not None:
        state.trained.whitening.reset()
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


def end(run: Run, state: TrainingState) -> Epoch:
    """Measure the network, and keep it if it is the best so far.

    A budget that ended within the first epoch is said in words, not refused: nobody knows how long
    an epoch takes before it was tried, and what was learned by then is the user's.
    """
    part, train = run.data.parts.get(Role.SELECT), run.data.parts[Role.TRAIN]
    if part is None and not _due(state):
        return state.report(None, state.epochs[-1].note)
    # Where nobody chooses among epochs, only the last one's network is kept for good.
    if part is not None or state.clock.over():
        _settle(run, state)
    transform = run.data.transform
    seen = validated(
        state.trained,
        part,
        train,
        transform,
        run.distance,
        run.device,
        doubted=state.diagnostics is not None and state.diagnostics.doubted,
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
    if state.diagnostics is None:
        return report
    state.diagnostics.looked = clock.steps
    if seen.error is not None:
        state.diagnostics.errors.append(seen.error)
    wrong = faults(
        run.recipe,
        state.epochs,
        state.diagnostics,
        run.network,
        seen.note,
        clock.share,
        lambda: sample_error(state.trained, train, transform, run.distance, run.device),
    )
    state.epochs[-1] = replace(report, note=f"{note} {wrong}".strip())
    return state.epochs[-1]


def _due(state: TrainingState) -> bool:
    """Whether it is time to look at the network again: first, at the end, and now and then."""
    if state.clock.over() or state.diagnostics is None or not state.diagnostics.looked:
        return True
    return state.clock.steps - state.diagnostics.looked >= LOOK


def halt(run: Run, state: TrainingState) -> None:
    """Keep what there is of a run that was stopped, where nothing better was kept of it.

    Where nobody chooses among epochs, what is kept of one that was not the last lacks what is
    measured at the end alone.
    """
    unsettled = Role.SELECT not in run.data.parts and (
        run.recipe.update_bn_batches or run.recipe.whiten
    )
    if unsettled or not state.best:
        _settle(run, state)
        state.keep(None)


def _settle(run: Run, state: TrainingState) -> None:
    """Measure what belongs to the weights as they now are, where the recipe asks for it."""
    # The random state of torch stays as it was, whatever a layer draws.
    with torch.random.fork_rng(devices=[run.device] if run.device.type == "cuda" else []):
        if run.recipe.update_bn_batches:
            batches = islice(_batches(run, len(state.epochs)), run.recipe.update_bn_batches)
            update_bn(state.trained, ((inputs, lengths) for inputs, lengths, _ in batches))
        if state.trained.whitening is not None:
            _whiten(run, state.trained, state.trained.whitening, len(state.epochs))


def _whiten(run: Run, network: Network, whitening: Whitening, epoch: int) -> None:
    """Fit the map behind the encoder to how it spreads the training items."""
    # Items as they are in use; but of two views of an item, what is done to them is the spread.
    alone = run.sampler.views == 1
    network.eval()
    with torch.no_grad():
        seen = (
            (parted(embedded_in_chunks(network.encoder, inputs, lengths, run.recipe.chunk))[0], aim)
            for inputs, lengths, aim in _batches(run, epoch, classes_alone=alone)
        )
        whitening.fit(seen, run.recipe.whiten)


def _batches(
    run: Run, epoch: int, *, classes_alone: bool = False
) -> Iterator[tuple[Tensor, Tensor | None, Labels | Pairs]]:
    """Batches of the training items as `Objective.augmented` gives them, others each epoch."""
    generator = torch.Generator(device=run.device).manual_seed(run.recipe.seed + epoch)
    random = np.random.default_rng([run.recipe.seed, epoch])
    train = run.data.parts[Role.TRAIN]
    for _ in range(_ROUNDS):
        for batch in run.batches(random):
            yield run.objective.augmented(train, batch, generator, classes_alone=classes_alone)
