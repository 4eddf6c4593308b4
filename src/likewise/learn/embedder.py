"""A trained encoder in memory, of which nothing was measured: what estimators of others hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from likewise.data import decode_all
from likewise.learn.experiment import model_files, remembered, save_run
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import begin_run
from likewise.learn.loop.validation import embedded
from likewise.learn.network.network import Network
from likewise.model import LeakageRecord, Model
from likewise.recipe import Recipe
from likewise.shapes import Array, Float, Int
from likewise.sources.base import Source
from likewise.types import Claim, Items, Role, Split

_BATCH = 1024


@dataclass(frozen=True, eq=False)
class Embedder:
    """An encoder that was trained on all that it was given.

    Attributes:
        run: That trained it; its items are given back.
        network: The best network, on the processor.
        memory: What it learned from, as salted hashes.
    """

    run: Run
    network: Network
    memory: LeakageRecord

    def embed(self, items: Items) -> Float[Array, "n dim"]:
        """Return the vectors of items.

        Raises:
            UnreadableItem: If one cannot be read.
            WrongKind: If they are another kind of item than it was trained on.
        """
        transform = self.run.data.transform
        found = np.zeros((len(items), self.network.encoder.dim), dtype=np.float32)
        with decode_all(items, transform, strict=True) as decoded:
            for start in range(0, len(decoded), _BATCH):
                rows = np.arange(start, min(start + _BATCH, len(decoded)))
                device = torch.device("cpu")
                found[rows] = embedded(self.network, decoded, rows, transform, device)
        return found

    def save(self, folder: str | Path) -> Model:
        """Save it as a model folder, which no threshold was fitted for, and load that.

        Raises:
            ModelExists: If there is a model already.
            SaveFailed: If it could not be written.
        """
        files = model_files(self.run, self.memory)
        save_run(Path(folder), self.run, files, overwrite=False)
        return Model(folder)


def train_embedder(
    recipe: Recipe, source: Source, rows: Sequence[int] | Int[Array, "m"] | None = None
) -> Embedder:
    """Train an encoder on items, all of which it learns from: nothing is measured.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from.
        rows: Those to learn from; all if None.

    Raises:
        SourceError: If the data cannot be used.
        TrainingError: If the data cannot give what the recipe asks.
    """

    def all_train(items: Items) -> Split:
        taken = np.arange(len(items)) if rows is None else np.asarray(rows)
        return Split(Claim(recipe.claim), {Role.TRAIN: taken}, "all items are learned from")

    run = begin_run(recipe, source, strict=True, device="cpu", parts=all_train)
    try:
        run.finish()
        return Embedder(run, run.model(), remembered(run))
    finally:
        run.data.close()
