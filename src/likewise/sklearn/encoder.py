"""An embedding as a transformer of scikit-learn."""

from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from likewise.shapes import Array
from likewise.sklearn.inputs import classes_of
from likewise.sklearn.siamese import Siamese, Trained, trained_on


class SiameseEncoder(TransformerMixin, Siamese):  # type: ignore[misc] # as above
    """Learns an embedding in which the items of one class lie close, and turns items into it.

    Args:
        encoder: Spec of the network; what is usual for the items if empty.
        loss: Spec; likewise.
        budget: How long to train, as `"30s"` or seconds; None for `steps`.
        steps: How many steps to train where no budget is given.
        settings: Other fields of a recipe, as in `("loss.margin=0.3",)`.
        kind: What the items are; rows of a table are vectors if empty.
        random_state: A seed, or numpy's random state; None for 0.

    Attributes:
        classes_: The classes that were learned from.

    Example:
        >>> import numpy as np
        >>> from likewise.sklearn import SiameseEncoder
        >>> X = np.random.default_rng(0).normal(size=(40, 5)); y = np.arange(40) % 4
        >>> SiameseEncoder(steps=5).fit(X, y).transform(X).shape
        (40, 64)
    """

    def fit(self, X: Any, y: Any) -> "SiameseEncoder":  # noqa: N803 - scikit-learn's name
        """Train on items and their classes.

        Args:
            X: Rows of numbers [n d]; or images [n h w], a list of paths, series, and whatever
                `likewise.train` takes.
            y: The class of each [n].

        Raises:
            ValueError: If there are not two classes with two items each.
        """
        names = classes_of(y)
        source = self.source_of(X, names, reset=True)
        self.classes_ = np.unique(names)
        self.trained_ = trained_on(self.recipe_for(source), source)
        return self

    def transform(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the embedding of each item, float32 [n dim].

        Raises:
            NotFittedError: If `fit` was not called yet.
        """
        check_is_fitted(self, "trained_")
        trained: Trained = self.trained_
        return trained.embed(self.source_of(X, reset=False).items())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
