"""What training makes small, for one batch: the loss, and the matcher's own."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from likewise.data import Decoded
from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument, TrainingError
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.loop.chunks import embedded_in_chunks
from likewise.learn.loop.diagnostics import diverged
from likewise.learn.loop.memory import Memory
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.losses.base import Loss
from likewise.learn.network.matching import matching_cost
from likewise.learn.network.network import Network, parted
from likewise.learn.samplers.base import Sampler
from likewise.recipe import Recipe
from likewise.shapes import Array, Float, Int
from likewise.transforms.base import Transform
from likewise.types import Batch, Items, Labels, Pairs


class Objective(nn.Module):
    """The cost of a batch: of its embeddings, and of the matcher where there is one.

    It is a module so that what the loss has learned itself, and what is remembered, is kept with
    the rest of a run. With a memory, the loss of the batch and the loss of the batch compared with
    the memory are added.

    Args:
        loss: Of the embeddings.
        augmentations: Applied in this order.
        transform: Finishes what they made.
        device: Where it is computed.
        chunk: At most so many items go through the network at a time; 0 for all of a batch.
        memory: Of earlier batches; None where a batch is compared with itself alone.
        memory_start: Share of training after which batches are remembered.
    """

    def __init__(
        self,
        loss: Loss,
        augmentations: Sequence[Augmentation],
        transform: Transform,
        device: torch.device,
        *,
        chunk: int = 0,
        memory: Memory | None = None,
        memory_start: float = 0.0,
    ) -> None:
        super().__init__()
        self.loss = loss.to(device)
        self.memory = None if memory is None else memory.to(device)
        self.memory_start = memory_start
        self.chunk = chunk
        self._last: tuple[Tensor, Tensor] | None = None
        self.augmentations = augmentations
        self.transform = transform
        self.device = device

    def own_parameters(self) -> list[dict[str, Any]]:
        """What the loss learns itself, as a group for an optimiser, where it learns anything."""
        own = list(self.loss.parameters())
        return [{"params": own, "factor": self.loss.rate}] if own else []

    def of(
        self,
        embed: torch.nn.Module,
        network: Network,
        data: Decoded,
        batch: Batch,
        random: torch.Generator,
    ) -> Float[Tensor, ""]:
        """The cost of one batch, through which gradients flow.

        Args:
            embed: The network as it is to be called (wrapped for a precision, say).
            network: The network itself, whose matcher compares.
            data: Decoded training items.
            batch: Some of them.
            random: Where augmentations come from.

        Raises:
            TrainingError: If an augmentation makes classes where there are pairs, or there are
                pairs and a memory.
        """
        inputs, lengths, aim = self.augmented(data, batch, random)
        embeddings, maps = parted(embedded_in_chunks(embed, inputs, lengths, self.chunk))
        # Sums and logarithms of a loss keep float32, whatever the encoder computes in.
        with torch.autocast(self.device.type, enabled=False):
            cost: Tensor = self.loss(embeddings.float(), aim)
            if self.memory is not None:
                cost = cost + self._beyond_the_batch(self.memory, embeddings.float(), aim)
            if network.matcher is not None:
                seen = embeddings if maps is None else maps
                cost = cost + matching_cost(network.matcher, seen.float(), aim)
        return cost

    def augmented(
        self,
        data: Decoded,
        batch: Batch,
        random: torch.Generator,
        *,
        classes_alone: bool = False,
    ) -> tuple[Float[Tensor, "n ..."], Int[Tensor, "n"] | None, Labels | Pairs]:
        """A batch as the encoder takes it, with lengths where it is of series, and what it is of.

        Args:
            data: See `of`.
            batch: See `of`.
            random: See `of`.
            classes_alone: Whether only what makes classes of their own is done to the items, which
                else are as they will be in use.

        Raises:
            TrainingError: If an augmentation makes classes where there are pairs.
        """
        inputs, lengths = on_device(data.batch(batch.rows), self.device)
        target = batch.target
        plain = np.arange(len(batch.rows)) if isinstance(target, Pairs) else target.labels
        classes = torch.from_numpy(np.ascontiguousarray(plain)).to(self.device)
        for augmentation in self.augmentations:
            if classes_alone and augmentation.copies == 1:
                continue
            if isinstance(target, Pairs) and augmentation.copies > 1:
                raise TrainingError(
                    f"{type(augmentation).__name__} makes new classes, and a batch of pairs has "
                    "none. Leave it out, or set sampler=classes_by_items."
                )
            inputs, lengths, classes = augmentation.apply(inputs, lengths, classes, random)
        aim: Labels | Pairs = Labels(classes)
        if isinstance(target, Pairs):
            columns = (target.first, target.second, np.asarray(target.same))
            aim = Pairs(*(torch.from_numpy(column).to(self.device) for column in columns))
        return self.transform.finish(inputs), lengths, aim

    def _beyond_the_batch(
        self, memory: Memory, embeddings: Float[Tensor, "n dim"], target: Labels | Pairs
    ) -> Float[Tensor, ""]:
        """The loss of a batch compared with the memory; zero while that is empty."""
        if isinstance(target, Pairs):
            raise TrainingError(
                "memory holds the classes of earlier items, and a batch of pairs has none. Set "
                "memory=0, or sampler=classes_by_items."
            )
        self._last = (embeddings.detach(), target.labels)
        references, classes = memory.held()
        if not len(references):
            return embeddings.new_zeros(())
        cost: Tensor = self.loss(embeddings, target, references, classes)
        return cost

    def remember(self, share: float) -> None:
        """Put the batch that was learned from last into the memory, where there is one.

        Args:
            share: Of training done.
        """
        if self.memory is not None and self._last is not None and share >= self.memory_start:
            self.memory.put(*self._last)
        self._last = None


def objective_of(
    recipe: Recipe,
    items: Items,
    dim: int,
    sampler: Sampler,
    augmentations: Sequence[Augmentation],
    transform: Transform,
    device: torch.device,
) -> Objective:
    """The objective of a recipe.

    Args:
        recipe: Names the loss and the distance.
        items: The training items, whose classes a loss may have to know.
        dim: The length of an embedding.
        sampler: Makes the batches.
        augmentations: Applied in this order; each may make several classes of one.
        transform: Finishes what they made.
        device: Where it is computed.

    Raises:
        BadArgument: If the loss cannot learn from such items or batches.
    """
    distance = DISTANCES.build(recipe.distance)
    copies = math.prod(augmentation.copies for augmentation in augmentations)
    classes = len(np.unique(items.classes)) * copies
    loss = LOSSES.build(recipe.loss, distance=distance, classes=classes, dim=dim)
    if loss.by_class and items.pairs is not None:
        raise BadArgument(
            f"{recipe.loss} needs the class of every item, and the source gives pairs. Set "
            "loss=contrastive, or give a source with labels."
        )
    if loss.by_class and sampler.views > 1:
        raise BadArgument(
            f"{recipe.loss} learns the classes of the training items, and {recipe.sampler} reads "
            "no labels. Set sampler=classes_by_items, or loss=nt_xent."
        )
    memory = None
    if recipe.memory:
        _check_memory(recipe, loss, len(items), sampler)
        memory = Memory(recipe.memory, dim)
    return Objective(
        loss,
        augmentations,
        transform,
        device,
        chunk=recipe.chunk,
        memory=memory,
        memory_start=recipe.memory_start,
    )


def _check_memory(recipe: Recipe, loss: Loss, count: int, sampler: Sampler) -> None:
    if loss.by_class:
        raise BadArgument(
            f"{recipe.loss} compares every item with a row for each class, and memory is "
            f"{recipe.memory}, which only a loss of pairs compares with. Set memory=0."
        )
    if sampler.views > 1:
        raise BadArgument(
            f"memory is {recipe.memory}, and {recipe.sampler} counts its classes anew in every "
            "batch, so that those of other batches mean nothing. Set memory=0."
        )
    if recipe.memory > count:
        raise BadArgument(
            f"memory is {recipe.memory}, and there are {count} training items: it would hold some "
            f"of them several times, from long ago. Set memory to {count} at most."
        )


def on_device(
    batch: tuple[Array, Array | None], device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """A collated batch as tensors."""
    inputs, lengths = batch
    moved = None if lengths is None else torch.from_numpy(lengths).to(device)
    found = torch.from_numpy(inputs).to(device)
    # Tokens stay whole numbers.
    return found if found.dtype is torch.int64 else found.float(), moved


@contextmanager
def enough_memory(step: int) -> Iterator[None]:
    """Say in words what to do when memory runs out.

    Raises:
        TrainingError: In place of torch's error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = str(error).lower()
        short = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")
        if isinstance(error, MemoryError) or any(word in words for word in short):
            raise TrainingError(
                f"Memory ran out at step {step}. Set a smaller batch (as in --set "
                "sampler.items=2), a smaller transform.size or a smaller encoder."
            ) from error
        if "primitive" in words:  # the processor's library has no such operation
            raise TrainingError(
                f"An operation of this encoder does not run here in this precision ({error}). "
                "Set precision=float32."
            ) from error
        raise


def finite(loss: Float[Tensor, ""], step: int, recipe: Recipe) -> float:
    """The loss as a number.

    Raises:
        TrainingError: If it is none, naming the learning rate.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise diverged(recipe, f"The loss is {value} at step {step}")
    return value
