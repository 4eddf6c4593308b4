"""Small probes: what several trivial things tell together, on identities not fitted on."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.auditing.association import Cases
from likewise.errors import MissingExtra
from likewise.shapes import Array, Bool, Float, Int


def logistic(
    features: Float[Array, "m f"], cases: Cases, *, strength: float = 1.0
) -> Float[Array, "m"] | None:
    """What a logistic regression says of each case, fitted on identities of other folds.

    Args:
        features: Of each case.
        cases: The true answers, and the folds.
        strength: Of the fit against its penalty (scikit-learn's C).

    Returns:
        One value a case, comparable within its fold only; None where there are too few identities
        for folds, or a fold lacks one of the answers.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    folds = np.unique(cases.folds)
    if len(folds) < 2:
        return None
    said = np.zeros(len(cases))
    for fold in folds:
        test = cases.folds == fold
        train = ~test
        if not 0 < cases.positive[train].sum() < train.sum():
            return None
        said[test] = _fitted(features[train], cases.positive[train], features[test], strength)
    return said


def _fitted(
    features: Float[Array, "m f"], positive: Bool[Array, "m"], asked: Float[Array, "k f"], c: float
) -> Float[Array, "k"]:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtra(
            "The probes of an audit need scikit-learn, which is not installed. Run: "
            "pip install 'likewise[evaluate]'"
        ) from error
    center, scale = features.mean(0), features.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    probe: Any = LogisticRegression(C=c, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stopped early is a probe still
        probe.fit((features - center) / scale, positive)
    said: Array = probe.decision_function((asked - center) / scale)
    return said


def by_words(words: Sequence[frozenset[str]], cases: Cases) -> Float[Array, "m"] | None:
    """What the words of each case say, by their counts in identities of other folds.

    Args:
        words: Of each case.
        cases: The true answers, and the folds; cases are items.

    Returns:
        The sum of the log odds of each case's words, each count enlarged by one half; None where
        there are too few identities for folds.
    """
    folds = np.unique(cases.folds)
    if len(folds) < 2:
        return None
    known = {word: number for number, word in enumerate(sorted(set().union(*words)))}
    at = [np.fromiter((known[word] for word in each), np.int64) for each in words]
    every = np.concatenate([*at, np.zeros(0, np.int64)])
    of = np.repeat(np.arange(len(at)), [len(each) for each in at])
    said = np.zeros(len(cases))
    for fold in folds:
        test = cases.folds == fold
        odds = _odds(every, of, cases.positive, ~test, len(known))
        total = np.bincount(of, odds[every], minlength=len(at))
        said[test] = total[test]
    return said


def _odds(
    every: Int[Array, "k"],
    of: Int[Array, "k"],
    positive: Bool[Array, "m"],
    train: Bool[Array, "m"],
    count: int,
) -> Float[Array, "words"]:
    totals = []
    for sort in (positive & train, ~positive & train):
        used = np.bincount(every[sort[of]], minlength=count)
        totals.append(np.log((used + 0.5) / (sort.sum() + 1.0)))
    odds: Array = totals[0] - totals[1]
    return odds


def explained(
    target: Float[Array, "n"], by: Float[Array, "n f"], fold: Int[Array, "n"]
) -> Float[Array, "n"]:
    """What is left of a number that other numbers of the same item do not explain.

    Least squares on these numbers, their squares and products, fitted on items of other folds.

    Args:
        target: The number.
        by: The others.
        fold: Of each item; of identities, so that none is in two.
    """
    scale = by.std(0)
    plain = (by - by.mean(0)) / np.where(scale > 0, scale, 1.0)
    one, other = np.triu_indices(plain.shape[1])
    design = np.concatenate([np.ones((len(plain), 1)), plain, plain[:, one] * plain[:, other]], 1)
    left = np.zeros(len(target))
    for each in np.unique(fold):
        test = fold == each
        train = ~test if (~test).any() else test
        # A little ridge, since some numbers are constant or repeat others.
        gram = design[train].T @ design[train] + 1e-6 * train.sum() * np.eye(design.shape[1])
        weights = np.linalg.solve(gram, design[train].T @ target[train])
        left[test] = target[test] - design[test] @ weights
    return left
