"""What the estimators share: their parameters, the training, and what was trained."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from likewise.data import as_source
from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.model import Model
from likewise.recipe import Recipe, started_from
from likewise.shapes import Array
from likewise.sklearn.inputs import identities_of, is_other, length_of
from likewise.sources.arrays import Arrays
from likewise.sources.base import Source
from likewise.types import Items

if TYPE_CHECKING:
    from likewise.learn.embedder import Embedder

STEPS = 40


class Trained:
    """An encoder that was trained, in memory or in a model folder; it is pickled as the folder.

    Args:
        held: What was just trained, or a model.
    """

    def __init__(self, held: "Embedder | Model") -> None:
        self.held = held

    def embed(self, items: Items) -> Array:
        """Return the vectors of items."""
        held = self.held
        if isinstance(held, Model):
            return held.embed(items, strict=True).vectors
        return held.embed(items)

    @property
    def distance(self) -> Distance:
        """What compares two vectors."""
        held = self.held
        return held.distance if isinstance(held, Model) else held.run.distance

    def saved(self, folder: str | Path) -> Model:
        """Return the model in that folder, saved there unless it is a model already."""
        if not isinstance(self.held, Model):
            self.held = self.held.save(folder)
        return self.held

    def __getstate__(self) -> dict[str, str]:
        # It lasts as long as the machine keeps its temporary files; `save` names another folder.
        where = Path(tempfile.mkdtemp(prefix="likewise-estimator-")) / "model"
        return {"folder": str(self.saved(where).folder.absolute())}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.held = Model(state["folder"])


class Siamese(BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """What the estimators share: their parameters, what they take, and the training.

    Args:
        encoder: Spec of the network; what is usual for the items if empty.
        loss: Spec; likewise.
        budget: How long to train, as `"30s"` or seconds; None for `steps`.
        steps: How many steps to train where no budget is given.
        settings: Other fields of a recipe, as in `("loss.margin=0.3",)`.
        kind: What the items are (`image`, `series`, `vector`); rows of a table are vectors, and
            anything else is told by its form, if empty.
        random_state: A seed, or numpy's random state; None for 0.
    """

    # Any: scikit-learn sets what it likes, and `fit` refuses what cannot be followed.
    def __init__(
        self,
        encoder: Any = "",
        loss: Any = "",
        budget: Any = None,
        steps: Any = STEPS,
        settings: Any = (),
        kind: Any = "",
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.loss = loss
        self.budget = budget
        self.steps = steps
        self.settings = settings
        self.kind = kind
        self.random_state = random_state

    def source_of(self, X: Any, y: Any = None, *, reset: bool) -> Source:  # noqa: N803 - scikit-learn's
        """The source of rows of a table, or of anything that Likewise takes."""
        if is_other(X):
            return as_source(X if y is None else (X, y), kind=self.kind)
        checked = validate_data(
            self,
            X,
            **({} if y is None else {"y": y}),
            reset=reset,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2 if reset else 1,
        )
        rows, labels = (checked, None) if y is None else checked
        if self.kind in ("", "vector"):
            return Arrays.of(np.asarray(rows), identities_of(labels), "vector")
        return Arrays.of(np.asarray(rows), identities_of(labels), self.kind)

    def recipe_for(self, source: Source) -> Recipe:
        """The recipe that is followed, of a seed that `random_state` draws."""
        seed = 0
        if self.random_state is not None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        given = {"encoder": self.encoder, "loss": self.loss}
        fields: dict[str, Any] = {name: spec for name, spec in given.items() if spec}
        # Timing both precisions takes longer than training on a few rows.
        fields |= {"seed": seed, "precision": "float32", **length_of(self.budget, self.steps)}
        recipe = started_from(source, fields, self.settings).recipe
        if recipe.sampler == "classes_by_items":
            recipe = recipe.with_settings(["sampler.allow_fewer=True"])
        return recipe

    def save(self, folder: str | Path) -> Model:
        """Save what was trained as a model folder, and return that; no threshold is in it.

        Args:
            folder: Which must be empty, or not there.

        Raises:
            NotFittedError: If nothing was trained yet.
            ModelExists: If there is a model already.
        """
        check_is_fitted(self, "trained_")
        trained: Trained = self.trained_
        return trained.saved(folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def trained_on(recipe: Recipe, source: Source, rows: Array | None = None) -> Trained:
    """Train an encoder on these rows of a source, or on all of it.

    Raises:
        BadArgument: If the data cannot give what the recipe asks.
    """
    from likewise.errors import TrainingError
    from likewise.learn.embedder import train_embedder

    try:
        return Trained(train_embedder(recipe, source, rows))
    except TrainingError as error:
        # What data cannot give is a ValueError for scikit-learn.
        raise BadArgument(str(error)) from error
