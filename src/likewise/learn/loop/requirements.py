"""What a recipe asks that its data cannot give, refused before anything is learned."""

import numpy as np
import torch

from likewise.errors import BadArgument, TrainingError
from likewise.learn.loop.averaging import keeps_statistics
from likewise.learn.loop.run import Run
from likewise.learn.samplers import FAMILY as SAMPLERS
from likewise.types import Labels, Pairs, Role


def validate(run: Run) -> None:
    """Refuse what a recipe asks and its data cannot give.

    What a recipe leaves to its components they fit to the data without a word: batches of fewer
    classes than a sampler's default, for example. What somebody asked for by name is not lowered
    in silence, but refused.

    Raises:
        TrainingError: Saying what to set instead.
        BadArgument: If the loss or the matcher does not take what the batches are of, likewise.
    """
    recipe = run.recipe
    if recipe.patience and Role.SELECT not in run.data.parts:
        raise TrainingError(
            f"patience is {recipe.patience}, and no items have the role select, by which training "
            "would be found to get no better. Set fractions.select, or patience=0."
        )
    if recipe.update_bn_batches and not keeps_statistics(run.network):
        raise TrainingError(
            f"update_bn_batches is {recipe.update_bn_batches}, and {recipe.encoder} keeps no batch "
            "statistics that could be measured anew. Set update_bn_batches=0."
        )
    if recipe.whiten and recipe.matcher:
        raise TrainingError(
            f"whiten is {recipe.whiten}, and {recipe.matcher} learns to compare embeddings as they "
            "are before that. Set whiten=0, or leave out the matcher."
        )
    parts, members = run.objective.loss.parts, run.network.encoder.parts
    if parts not in (1, members):
        raise TrainingError(
            f"{recipe.loss} learns {parts} members, and {recipe.encoder} has {members}. Set "
            f"encoder=ensemble(of=..., members={parts}), or another loss."
        )
    _require_batches(run)
    _require_target(run)


def _require_batches(run: Run) -> None:
    """Refuse a batch larger than the data, where somebody said how large it is to be."""
    given = SAMPLERS.named(SAMPLERS.check(run.recipe.sampler))
    items = run.data.parts[Role.TRAIN].items
    _, labels = np.unique(items.classes, return_inverse=True)
    for name, (most, of) in run.sampler.most(labels, items.pairs).items():
        asked = given.kwargs.get(name, most)
        if asked > most:
            raise TrainingError(
                f"{given.name}: {name} is {asked}, and the training part has {most} {of}, so that "
                f"no batch could be so large. Set sampler.{name}={most} or less, or leave it out."
            )


def _require_target(run: Run) -> None:
    """Refuse a loss of classes where batches are of pairs, and one of pairs where of classes."""
    recipe, loss = run.recipe, run.objective.loss
    batch = next(run.batches(np.random.default_rng(recipe.seed)))
    target: Labels | Pairs
    between = np.zeros(0)
    if isinstance(batch.target, Pairs):
        # A pair that is graded, where one is: a loss of yes or no refuses it.
        same = np.asarray(batch.target.same, dtype=np.float64)
        between = same[(same > 0) & (same < 1)]
        told = torch.tensor([float(between[0])] if len(between) else [1.0])
        target = Pairs(torch.tensor([0]), torch.tensor([1]), told)
    else:
        target = Labels(torch.tensor([0, 0]))
    device = run.device
    # The random state of torch stays as it was, whatever a miner draws.
    with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        two = torch.eye(2, run.network.encoder.dim, device=device)
        try:
            loss(two, target)
        except BadArgument as error:
            if len(between):
                raise
            raise BadArgument(_other(run, error, pairs=isinstance(target, Pairs))) from error
    if len(between) and recipe.matcher:
        raise BadArgument(
            f"{recipe.matcher} learns from pairs that are the same or different, and "
            f"{recipe.sampler} brings the grade {between[0]:g}. Leave out grades, and grades are "
            "told by what it then finds; or leave out the matcher."
        )


def _other(run: Run, error: BadArgument, *, pairs: bool) -> str:
    """What to set where a loss does not take the target of the batches."""
    recipe = run.recipe
    if not pairs:
        return str(error)
    if run.data.parts[Role.TRAIN].items.pairs is not None:
        return (
            f"{recipe.loss} needs the class of every item, and the source gives pairs. Set "
            "loss=contrastive, or give a source with labels."
        )
    return (
        f"{recipe.loss} needs the class of every item, and {recipe.sampler} makes batches of "
        "pairs. Set sampler=classes_by_items, or loss=contrastive."
    )
