"""What a threshold was fitted for, and the operating points that thresholds make."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from likewise.errors import BadArgument
from likewise.results.rates import ErrorRates


def check_rate(rate: float) -> None:
    """Refuse what is no false-accept rate to fit a threshold for.

    Raises:
        BadArgument: If it is not above 0 and at most 1.
    """
    if not 0 < rate <= 1:
        raise BadArgument(
            f"The false-accept rate (FAR) asked for is {rate}, and one above 0 and at most 1 is "
            "expected: no threshold of finitely many pairs promises 0. Give one such as 0.01."
        )


def check_prior(prior: float) -> None:
    """Refuse what is no share of same pairs.

    Raises:
        BadArgument: If it is not between 0 and 1.
    """
    if not 0 < prior < 1:
        raise BadArgument(
            f"The prior is {prior}, and a share of same pairs between 0 and 1 is expected."
        )


@dataclass(frozen=True)
class Criterion:
    """What the threshold of an operating point was fitted for; it prints as the point's name.

    Attributes:
        sort: `far` for a false-accept rate, `eer` where both errors are equal, `balanced` where
            their mean is least, `cost` where what both errors cost is least.
        target: The false-accept rate; None for other sorts.
        guaranteed: Whether the target is a limit that the rate keeps, 95% sure.
        costs: What a false accept and what a false reject costs; None for other sorts.
        prior: The share of same pairs where the costs arise.

    Raises:
        BadArgument: If the target, a cost or the prior is not one.

    Example:
        >>> print(Criterion.of_rate(0.01), Criterion.of_rate(0.01, guaranteed=True))
        far=0.01 far<=0.01
        >>> print(Criterion.of_costs((10, 1), prior=0.2))
        cost=10:1 prior=0.2
        >>> Criterion.parse("far<=0.01").guaranteed
        True
    """

    sort: Literal["far", "eer", "balanced", "cost"]
    target: float | None = None
    guaranteed: bool = False
    costs: tuple[float, float] | None = None
    prior: float = 0.5

    def __post_init__(self) -> None:
        if self.target is not None:
            check_rate(self.target)
        if self.costs is not None and not all(0 < cost < math.inf for cost in self.costs):
            raise BadArgument(
                f"The costs of a false accept and of a false reject are {self.costs[0]} and "
                f"{self.costs[1]}, and two numbers above 0 are expected."
            )
        check_prior(self.prior)

    @classmethod
    def of_rate(cls, target: float, *, guaranteed: bool = False) -> "Criterion":
        """Name a false-accept rate, or with `guaranteed` a limit of it."""
        return cls("far", float(target), guaranteed)

    @classmethod
    def of_costs(cls, costs: tuple[float, float], prior: float = 0.5) -> "Criterion":
        """Name the least cost, where a false accept and a false reject cost so much."""
        return cls("cost", costs=costs, prior=prior)

    @classmethod
    def parse(cls, name: str) -> "Criterion":
        """Read a name: `far=0.01`, `far<=0.01`, `eer`, `balanced`, `cost=10:1 prior=0.2`.

        Raises:
            BadArgument: If it is none.
        """
        try:
            if name in {"eer", "balanced"}:
                return cls("eer" if name == "eer" else "balanced")
            if found := re.fullmatch(r"far(<?)=(\S+)", name):
                return cls.of_rate(float(found[2]), guaranteed=bool(found[1]))
            if found := re.fullmatch(r"cost=([^\s:]+):([^\s:]+)(?: prior=(\S+))?", name):
                costs = (float(found[1]), float(found[2]))
                return cls.of_costs(costs, float(found[3] or 0.5))
        except ValueError as error:
            raise BadArgument(f"{name!r} is the name of no operating point: {error}") from error
        raise BadArgument(
            f"{name!r} is the name of no operating point. Write eer, balanced, far=0.01, "
            "far<=0.01 or cost=10:1."
        )

    def __str__(self) -> str:
        if self.sort == "far":
            return f"far{'<' if self.guaranteed else ''}={self.target}"
        return f"cost={self.terms}" if self.sort == "cost" else self.sort

    @property
    def terms(self) -> str:
        """The costs, and the prior unless it is even, as in `10:1 prior=0.2`; empty without."""
        if self.costs is None:
            return ""
        where = "" if self.prior == 0.5 else f" prior={self.prior:g}"
        return f"{self.costs[0]:g}:{self.costs[1]:g}{where}"

    @property
    def weights(self) -> tuple[float, float] | None:
        """How much FAR and FRR weigh in the mean that is least; None where no mean is."""
        if self.costs is not None:
            return self.costs[0] * (1 - self.prior), self.costs[1] * self.prior
        return (0.5, 0.5) if self.sort == "balanced" else None


EQUAL_ERROR = Criterion("eer")
BALANCED = Criterion("balanced")


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, what it was fitted for, and what it was seen to do.

    Attributes:
        criterion: What it was fitted for; files and `--json` hold it as `name` and `target`.
        threshold: A pair is accepted when its distance is at most this.
        supported: Whether the data can support a rate at this target.
        reason: Why not, and what would be needed; empty when supported.
        calibrate: The rates on the identities that the threshold was fitted on.
        test: The rates on the test identities, which is what a user is shown.
    """

    criterion: Criterion
    threshold: float
    supported: bool
    reason: str
    calibrate: ErrorRates
    test: ErrorRates | None

    @property
    def name(self) -> str:
        """How the criterion prints: `far=0.01`, `far<=0.01`, `eer`, `balanced`, `cost=10:1`."""
        return str(self.criterion)

    @property
    def target(self) -> float | None:
        """The false-accept rate that it was fitted for; None for those without one."""
        return self.criterion.target

    @property
    def guaranteed(self) -> bool:
        """Whether the target is a limit that the false-accept rate keeps, 95% sure."""
        return self.criterion.guaranteed
