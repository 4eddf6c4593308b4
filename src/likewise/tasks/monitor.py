"""Do today's items still look like those that the model was calibrated on?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import as_source
from likewise.errors import BadArgument, NoReference, SplitError
from likewise.io.display import printable
from likewise.io.progress import Watch, watched
from likewise.metrics.shift import two_samples
from likewise.model import MOST, Model, as_model, evenly
from likewise.results import Result
from likewise.shapes import Array, Int, Shaped
from likewise.types import Claim, Items

LEVEL = 0.05
LEAST_LEVEL = 0.001
_PERMUTATIONS = 999
_LEAST_EXTREME = 4


@dataclass(frozen=True, repr=False)
class Monitored(Result):
    """Whether items look like those of a calibration.

    Attributes:
        shifted: Whether they look different: the p-value is at most the level.
        p_value: How often chance alone makes so large a difference.
        level: How often an alarm is false where nothing changed.
        effect: The probability that a simple rule ranks an item of today above one calibrated on:
            .5 where they look alike, 1 where each is told.
        rule: Whose that is: of the test that sees the most, see `metrics.shift`.
        p_values: Of each test alone; the alarm is raised by `p_value`, which takes both together.
        permutations: How many random exchanges the p-value counts.
        calibration: The name of the calibration.
        calibrated_on: The name of what held the items that it was fitted on; may be empty.
        source: The name of what holds today's.
        unit: What is exchanged: `identities`, or `items` where nobody said who they show.
        items: How many of today's items were compared.
        units: How many identities they show.
        reference_items: How many of those calibrated on they were compared with.
        reference_units: How many identities those show.
        failed: Place and reason of each item that could not be read.
        sentence: The same in words.
    """

    shifted: bool
    p_value: float
    level: float
    effect: float
    rule: str
    p_values: Mapping[str, float]
    permutations: int
    calibration: str
    calibrated_on: str
    source: str
    unit: str
    items: int
    units: int
    reference_items: int
    reference_units: int
    failed: tuple[tuple[str, str], ...]
    sentence: str

    def summary(self) -> str:
        """Return whether today's items look different, and how surely."""
        told = "shifted" if self.shifted else "no shift found"
        return f"{told}, p={self.p_value:.3g} at level {self.level:g}, {self.items:,} items"


def monitor(
    model: Model | str | Path,
    source: object,
    *,
    calibration: str = "default",
    unlabelled: bool = False,
    level: float = LEVEL,
    seed: int = 0,
    strict: bool = False,
    progress: Watch = None,
) -> Monitored:
    """Compare a source with what a calibration was fitted on, item by item, not pair by pair.

    At most 1,000 items are drawn, evenly over the identities, and as many of an identity on both
    sides. They need no labels: without any, each counts by itself, and then many items of one
    person, or of one day, may pass for a shift. See `metrics.shift` for the test.

    Args:
        model: What embeds them, or the path of its folder.
        source: Today's items: a path, a spec, a list of paths, PIL images or arrays, one array of
            all items, a frame, or a `Source`.
        calibration: Which of the model's calibrations.
        unlabelled: Take every item by itself, whatever the source says.
        level: How often an alarm may be false where nothing changed.
        seed: Of all draws.
        strict: Stop at the first item that cannot be read.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        NotCalibrated: If the model has no such calibration.
        NoReference: If nothing was kept of what it was fitted on.
        BadArgument: If the level is not one.
        SplitError: If the identities are too few for any answer.
        WrongKind: If they are another kind of item than the model was trained on.

    Example:
        >>> import likewise
        >>> likewise.monitor("model", "faces/").shifted
        False
    """
    if not LEAST_LEVEL <= level < 1:
        raise BadArgument(
            f"The level is {level}, and a share of false alarms from {LEAST_LEVEL} to below 1 is "
            "expected."
        )
    model = as_model(model)
    fitted = model.calibration(calibration)
    kept = model.references.get(calibration)
    if kept is None:
        raise NoReference(
            f"{model.folder} keeps nothing of what its calibration {calibration!r} was fitted on, "
            + (
                "since it was trained with --private. Train it without, to be monitored."
                if model.trained_on.is_private
                else "as models saved by Likewise before it did. Calibrate again: likewise "
                "calibrate MODEL SOURCE --name NAME."
            )
        )
    table = as_source(source, kind=model.kind).items()
    alone = unlabelled or fitted.claim is Claim.KNOWN_CLASSES
    names = _names(table, alone=alone)
    each = max(1, round(min(_typical(kept.units), _typical(names))))
    drawn = table.take(evenly(names, MOST, each, seed))
    with watched(progress, "embedding") as told:
        embedded = model.embed(drawn, strict=strict, progress=told)
    today, units = np.unique(_names(embedded.items, alone=alone), return_inverse=True)
    rows = evenly(kept.units, MOST, each, seed)
    before, others = np.unique(kept.units[rows], return_inverse=True)
    unit = "items" if alone or not (table.identities != "").any() else "identities"
    _check_enough(len(before), len(today), unit, level, table.namespace)
    # Two exchanges may be the most extreme, each by another of the two tests.
    permutations = max(_PERMUTATIONS, math.ceil(2 / level) - 1)
    found = two_samples(
        np.concatenate([kept.vectors[rows], embedded.vectors]),
        np.concatenate([others, len(before) + units]),
        np.repeat([0, 1], [len(before), len(today)]),
        permutations=permutations,
        seed=seed,
    )
    shifted = found.p_value <= level
    return Monitored(
        shifted=shifted,
        p_value=found.p_value,
        level=level,
        effect=found.effect,
        rule=found.rule,
        p_values=found.p_values,
        permutations=permutations,
        calibration=calibration,
        calibrated_on=fitted.source,
        source=printable(table.namespace),
        unit=unit,
        items=len(units),
        units=len(today),
        reference_items=len(rows),
        reference_units=len(before),
        failed=embedded.failed,
        sentence=_sentence(shifted, found.p_value, found.effect),
    )


def _names(table: Items, *, alone: bool) -> Shaped[Array, "n"]:
    """What each item belongs to; one that nobody named stands by itself."""
    rows = np.char.add("item ", table.rows.astype(np.str_))
    named: Array = np.char.add("of ", table.identities)
    return rows if alone else np.where(table.identities == "", rows, named)


def _typical(names: Shaped[Array, "n"] | Int[Array, "n"]) -> float:
    """The median number of rows of a name."""
    return float(np.median(np.unique(names, return_counts=True)[1]))


def _check_enough(before: int, today: int, unit: str, level: float, where: str) -> None:
    ways = math.comb(before + today, today) if min(before, today) >= 2 else 0
    # Sets of one size may change places, and each of two tests may have its own extreme.
    if ways * level < _LEAST_EXTREME:
        raise SplitError(
            f"{where} shows {today} {unit}, and the calibration kept {before}: too few to tell a "
            f"shift from chance at level {level}. Give more; where its folders are no identities, "
            "take every item by itself with --unlabelled (unlabelled=True)."
        )


def _sentence(shifted: bool, p_value: float, effect: float) -> str:
    told = (
        f"a simple rule ranks one of today above one calibrated on with probability {effect:.2f} "
        "(0.50 is a coin)"
    )
    if shifted:
        return (
            f"These items look different from those it was calibrated on (p = {p_value:.3g}); "
            f"{told}. The error rates measured then need not hold for them: look for what changed, "
            "or calibrate again on such items."
        )
    return (
        f"No difference was found from the items it was calibrated on (p = {p_value:.3g}); {told}."
    )
