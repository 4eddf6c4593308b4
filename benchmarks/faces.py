"""AT&T faces by four folds over the 40 people, for one encoder or another.

The folds are disjoint: 20 people train, 10 calibrate, 10 test. Every fold applies its own
threshold; the decisions of the four are pooled, never the distances. Needs LIKEWISE_DATA.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from likewise.decoded import decode_all
from likewise.learn.experiment import Experiment, learn
from likewise.recipe import Recipe
from likewise.shapes import Array
from likewise.sources.data_folder import find_data
from likewise.sources.folder import Folder
from likewise.types import Claim, Items, Role, Split

FOLDS = 4


@dataclass(frozen=True)
class Pooled:
    """What four folds measured together.

    Attributes:
        far: Of each person, as one of the two in a pair of people, at the fold's own threshold.
        frr: Of each person.
        eer: Of each fold.
        shot: One-shot accuracy of each fold.
        pace: Items a second of training.
    """

    far: tuple[float, ...]
    frr: tuple[float, ...]
    eer: tuple[float, ...]
    shot: tuple[float, ...]
    pace: float


def faces() -> Folder:
    """The 400 pictures of 40 people."""
    return Folder(str(find_data("the AT&T faces", "att_faces.zip")))


def fold(number: int) -> Callable[[Items], Split]:
    """The split of one fold; the folds' test people are disjoint."""

    def split(items: Items) -> Split:
        people = np.random.default_rng(0).permutation(np.unique(items.identities))
        quarters = np.array_split(people, FOLDS)
        who = {
            Role.TEST: quarters[number],
            Role.CALIBRATE: quarters[(number + 1) % FOLDS],
        }
        indices = {r: np.flatnonzero(np.isin(items.identities, p)) for r, p in who.items()}
        rest = np.setdiff1d(np.arange(len(items)), np.concatenate([*indices.values()]))
        how = f"fold {number + 1} of {FOLDS} over all {len(people)} people"
        return Split(Claim.NEW_IDENTITIES, {Role.TRAIN: rest, **indices}, how)

    return split


def pooled(
    recipe: Recipe, point: str = "far=0.05", comparators: Sequence[str] = ("",)
) -> Mapping[str, Pooled]:
    """Train the four folds and pool their decisions, for each comparator of the model."""
    found: dict[str, list[tuple[Array, Array, float, float]]] = {name: [] for name in comparators}
    paces = []
    for number in range(FOLDS):
        with tempfile.TemporaryDirectory() as place:
            made = learn(recipe, faces(), out=Path(place) / "model", parts=fold(number))
            paces.append(np.mean([epoch.items_per_second for epoch in made.epochs]))
            for name in comparators:
                found[name].append(_measured(made, fold(number), name, point))
    return {
        name: Pooled(
            far=tuple(np.concatenate([f[0] for f in folds]).tolist()),
            frr=tuple(np.concatenate([f[1] for f in folds]).tolist()),
            eer=tuple(f[2] for f in folds),
            shot=tuple(f[3] for f in folds),
            pace=float(np.mean(paces)),
        )
        for name, folds in found.items()
    }


def _measured(
    made: Experiment, split: Callable[[Items], Split], comparator: str, point: str
) -> tuple[Array, Array, float, float]:
    """FAR and FRR of each person of a fold, its equal error rate and one-shot accuracy."""
    from likewise.tasks.evaluate import measure

    model = made.model
    items = faces().items()
    test = items.take(split(items).indices[Role.TEST])
    with decode_all(test, model.transform) as decoded:
        evaluation = measure(model, decoded, "test", comparator=comparator)
        vectors = model.embed_decoded(decoded)
    calibration = model.calibration(comparator=comparator)
    threshold = next(p.threshold for p in calibration.points if p.name == point)
    within = model.comparator(comparator).matrix(vectors, vectors) <= threshold
    people, codes = np.unique(test.identities, return_inverse=True)
    alike = codes[:, None] == codes[None, :]
    off = ~np.eye(len(codes), dtype=bool)
    far = [within[codes == i][:, codes != i].mean() for i in range(len(people))]
    frr = [
        1 - within[codes == i][:, codes == i][off[codes == i][:, codes == i]].mean()
        for i in range(len(people))
    ]
    assert alike.sum() == sum((codes == i).sum() ** 2 for i in range(len(people)))  # noqa: S101
    shot = evaluation.one_shot
    return np.array(far), np.array(frr), evaluation.verification.eer, shot.accuracy if shot else 0.0


def interval(values: Sequence[float]) -> str:
    """The mean of units that count equally, with its 95% t interval."""
    mean = float(np.mean(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return f"{mean:.4f} ({max(0.0, mean - half):.4f} to {min(1.0, mean + half):.4f})"
