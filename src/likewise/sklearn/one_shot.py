"""Recognition from one example as a classifier of scikit-learn."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument
from likewise.shapes import Array
from likewise.sklearn.inputs import classes_of
from likewise.sklearn.siamese import Siamese, trained_on
from likewise.sources.base import Source


class OneShotClassifier(ClassifierMixin, Siamese):  # type: ignore[misc] # as above
    """Recognises the class of an item by the nearest example; one example adds a class.

    Classes that are added later are not trained on: their examples are embedded and kept. Where no
    class has two items, nothing can be learned, and the items themselves are compared.

    Args:
        encoder: Spec of the network; what is usual for the items if empty.
        loss: Spec; likewise.
        budget: How long to train, as `"30s"` or seconds; None for `steps`.
        steps: How many steps to train where no budget is given.
        settings: Other fields of a recipe, as in `("loss.margin=0.3",)`.
        kind: What the items are; rows of a table are vectors if empty.
        random_state: A seed, or numpy's random state; None for 0.

    Attributes:
        classes_: The classes that are known.
        examples_: Their vectors [n dim].
        codes_: The class of each example, by its place in `classes_`.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015,
        section 4: the class of the nearest of the examples.

    Example:
        >>> import numpy as np
        >>> from likewise.sklearn import OneShotClassifier
        >>> X = np.random.default_rng(0).normal(size=(40, 5)); y = np.arange(40) % 4
        >>> known = OneShotClassifier(steps=5).fit(X, y)
        >>> known.partial_fit([[9.0, 9, 9, 9, 9]], [7]).predict([[9.0, 9, 9, 9, 8]])
        array([7])
    """

    def fit(self, X: Any, y: Any) -> "OneShotClassifier":  # noqa: N803 - scikit-learn's name
        """Train on items and their classes, and keep all of them as examples.

        Args:
            X: Items, as `SiameseEncoder.fit` takes them.
            y: The class of each [n].

        Raises:
            ValueError: If there is 1 class only.
        """
        names = classes_of(y)
        source = self.source_of(X, names, reset=True)
        check_classification_targets(names)
        self.classes_, self.codes_ = np.unique(names, return_inverse=True)
        if len(self.classes_) < 2:
            raise BadArgument(
                "The items are of 1 class, and two classes at least are expected: nothing differs."
            )
        learnable = (np.bincount(self.codes_) >= 2).sum() >= 2
        self.trained_ = trained_on(self.recipe_for(source), source) if learnable else None
        self.examples_ = self._embedded(source)
        return self

    def partial_fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        classes: Any = None,  # noqa: ARG002 - of scikit-learn's API
    ) -> "OneShotClassifier":
        """Keep more examples, of classes that are known or new, without training.

        Args:
            X: Items; one is enough for a class.
            y: The class of each.
            classes: Not used: a class is known by its examples. It stands for scikit-learn's API.
        """
        if not hasattr(self, "classes_"):
            return self.fit(X, y)
        source = self.source_of(X, reset=False)
        names = classes_of(y)
        if len(names) != len(source.items()):
            raise BadArgument(f"{len(source.items())} items and {len(names)} classes were given.")
        every = np.concatenate([self.classes_[self.codes_], names])
        self.classes_, self.codes_ = np.unique(every, return_inverse=True)
        self.examples_ = np.concatenate([self.examples_, self._embedded(source)])
        return self

    def decision_function(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return how near each item is to each class: minus the distance to its nearest example.

        Returns:
            [n classes]; of two classes [n], above 0 for the second.
        """
        check_is_fitted(self, "classes_")
        vectors = self._embedded(self.source_of(X, reset=False))
        distance = DISTANCES.build("euclidean") if self.trained_ is None else self.trained_.distance
        apart = np.asarray(distance.matrix(vectors, self.examples_), dtype=np.float64)
        near = np.full((len(vectors), len(self.classes_)), -np.inf)
        for code in range(len(self.classes_)):
            near[:, code] = -apart[:, self.codes_ == code].min(1)
        return near[:, 1] - near[:, 0] if len(self.classes_) == 2 else near

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the class of each item [n]."""
        near = self.decision_function(X)
        places = (near > 0).astype(np.int64) if near.ndim == 1 else near.argmax(1)
        found: Array = self.classes_[places]
        return found

    def _embedded(self, source: Source) -> Array:
        items = source.items()
        if self.trained_ is not None:
            return self.trained_.embed(items)
        rows = [np.asarray(items.read(row), dtype=np.float32).ravel() for row in range(len(items))]
        return np.stack(rows)
