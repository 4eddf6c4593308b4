"""Verification of pairs as a classifier of scikit-learn."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from likewise.calibration import Calibration, fit_calibration
from likewise.data import as_source
from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument
from likewise.metrics.probability import probabilities_at
from likewise.pairs import choose_pairs
from likewise.shapes import Array
from likewise.sklearn.inputs import are_pairs, classes_of, sides_of
from likewise.sklearn.siamese import STEPS, Siamese, Trained, trained_on
from likewise.types import Claim, Items

CALIBRATE = 0.3
"""The fraction of the identities that a verifier fits its threshold on."""


class SiameseVerifier(ClassifierMixin, Siamese):  # type: ignore[misc] # as above
    """Decides whether the two items of a pair are of one class, also of classes never seen.

    A part of the identities is kept from training, and the threshold and the probability are
    fitted on it. Where they are too few for that, both are fitted on what was trained on, which is
    warned of: the probabilities are then too sure.

    Args:
        encoder: Spec of the network; what is usual for the items if empty.
        loss: Spec; likewise.
        budget: How long to train, as `"30s"` or seconds; None for `steps`.
        steps: How many steps to train where no budget is given.
        settings: Other fields of a recipe, as in `("loss.margin=0.3",)`.
        kind: What the items are; rows of a table are vectors if empty.
        random_state: A seed, or numpy's random state; None for 0.
        point: What the threshold of `predict` is fitted for: `balanced`, `eer`, or `far=0.01`.
        prior: The share of same pairs where it is used, which `predict_proba` assumes.

    Attributes:
        classes_: What pairs are called, different first: `[0 1]` where y told identities.
        calibration_: The thresholds, and what makes a probability of a distance.
        calibrated_on_: `held out`, or `train` where there were too few identities.

    Example:
        >>> import numpy as np
        >>> from likewise.sklearn import SiameseVerifier
        >>> who = np.repeat(np.arange(30), 4); random = np.random.default_rng(0)
        >>> X = random.normal(size=(30, 6))[who] + random.normal(scale=0.1, size=(120, 6))
        >>> pairs = np.stack([X[[0, 0]], X[[1, 8]]], axis=1)
        >>> SiameseVerifier(steps=20).fit(X, who).predict(pairs)
        array([1, 0])
    """

    def __init__(
        self,
        encoder: Any = "",
        loss: Any = "",
        budget: Any = None,
        steps: Any = STEPS,
        settings: Any = (),
        kind: Any = "",
        random_state: Any = None,
        point: Any = "balanced",
        prior: Any = 0.5,
    ) -> None:
        super().__init__(encoder, loss, budget, steps, settings, kind, random_state)
        self.point = point
        self.prior = prior

    def fit(self, X: Any, y: Any) -> "SiameseVerifier":  # noqa: N803 - scikit-learn's name
        """Train on pairs, or on items and their identities.

        Args:
            X: Pairs [n 2 d], [n 2 h w] or a list of (first, second); or items, as
                `SiameseEncoder.fit` takes them.
            y: Of pairs, whether the two are the same: two values, of which the larger means yes;
                of items, the identity of each.

        Raises:
            ValueError: If nothing is the same, or nothing differs.
        """
        if are_pairs(X):
            self.classes_, said = np.unique(classes_of(y), return_inverse=True)
            if len(self.classes_) != 2:
                raise BadArgument(
                    f"The pairs are of {len(self.classes_)} class, and two are expected: same, and "
                    "different."
                )
            first, second = sides_of(X)
            self.n_features_in_ = int(np.prod(np.shape(first)[1:])) if hasattr(X, "shape") else 0
            source = as_source((first, second, said), kind=self._kind_of(first))
        else:
            source = self.source_of(X, classes_of(y), reset=True)
            self.classes_ = np.array([0, 1])
        items = source.items()
        known, held = _parted(items, self.recipe_for(source).seed)
        self.calibrated_on_ = "held out"
        if held is None:
            warnings.warn(
                f"{items.namespace} has too few identities to keep some from training: the "
                "threshold and the probabilities are fitted on what was learned from, and are too "
                "sure.",
                stacklevel=2,
            )
            known, held, self.calibrated_on_ = np.arange(len(items)), np.arange(len(items)), "train"
        self.trained_ = trained_on(self.recipe_for(source), source, known)
        self.calibration_ = self._calibrated(items.take(held))
        return self

    def _calibrated(self, items: Items) -> Calibration:
        trained: Trained = self.trained_
        compares: Comparator = trained.distance
        compared = choose_pairs(trained.embed(items), items, compares)
        return fit_calibration(compared, Claim.NEW_IDENTITIES)

    def _kind_of(self, side: Any) -> str:
        table = hasattr(side, "ndim") and side.ndim == 2
        return self.kind or ("vector" if table else "")

    def distances(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return how far apart the two items of each pair are [n], smaller when closer.

        Raises:
            NotFittedError: If `fit` was not called yet.
            ValueError: If X is no pairs.
        """
        check_is_fitted(self, "trained_")
        if not are_pairs(X):
            raise BadArgument(
                f"X is {type(X).__name__} of shape {np.shape(X)}, and pairs [n 2 ...] or a list of "
                "(first, second) are expected."
            )
        trained: Trained = self.trained_
        sides = sides_of(X)
        kind = self._kind_of(sides[0])
        vectors = [trained.embed(as_source(side, kind=kind).items()) for side in sides]
        return np.asarray(trained.distance.rows(vectors[0], vectors[1]), dtype=np.float64)

    def decision_function(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return how far within the threshold each pair is [n]: at least 0 means the same."""
        apart = self.distances(X)
        return self.threshold_ - apart

    @property
    def threshold_(self) -> float:
        """The largest distance of a pair that is called the same."""
        calibration: Calibration = self.calibration_
        named = {one.name: one.threshold for one in calibration.points}
        if self.point not in named:
            raise BadArgument(
                f"point is {self.point!r}, and one of {', '.join(named)} is expected."
            )
        return named[self.point]

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return what each pair is called [n], of `classes_`."""
        within = self.decision_function(X) >= 0
        found: Array = self.classes_[within.astype(np.int64)]
        return found

    def predict_proba(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the probability that each pair is different, and that it is the same [n 2].

        It assumes `prior`, and comes from the calibration, not from the threshold of `predict`.
        """
        apart = self.distances(X)
        calibration: Calibration = self.calibration_
        same = probabilities_at(calibration.ratios(apart), self.prior)
        return np.stack([1 - same, same], axis=1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_class = False
        return tags


def _parted(items: Items, seed: int) -> tuple[Array, Array | None]:
    """The rows to train on and those to calibrate on; None where too few identities are there."""
    names, codes = np.unique(items.identities, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    kept = order[: round(CALIBRATE * len(names))]
    held = np.isin(codes, kept)
    for part in (held, ~held):
        table = items.take(np.flatnonzero(part))
        if not _has_both(table):
            return np.arange(len(items)), None
    return np.flatnonzero(~held), np.flatnonzero(held)


def _has_both(table: Items) -> bool:
    """Whether some pairs of a table are the same and some different, two identities of each."""
    if table.pairs is not None:
        same = np.asarray(table.pairs.same) > 0
        return bool(same.sum() >= 2 and (~same).sum() >= 2)
    counts = np.unique(table.identities, return_counts=True)[1]
    return bool((counts >= 2).sum() >= 2)
