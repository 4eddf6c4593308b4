"""How to decide: declared once, for Python, command line and files."""

from dataclasses import dataclass

from likewise.results import Criterion, check_prior, check_rate


@dataclass(frozen=True)
class DecisionRequest:
    """How to decide whether two items are the same; every part may be left out.

    At most one of `far`, `operating_point` and `costs` chooses a threshold that was fitted. Where
    thresholds are fitted, `far` and `costs` each add one, and `far` and `guaranteed` say which is
    used where nobody says.

    Attributes:
        far: A false-accept rate; None for .01 where the data support it, else the smallest that
            they do.
        operating_point: The name of a point instead: `eer`, `balanced`, `far<=0.01`.
        guaranteed: Whether the rate is a limit that is kept with 95% confidence; as the
            calibration says if None.
        costs: What a false accept and what a false reject costs, in any unit.
        prior: The share of same pairs where this is used: the probabilities assume it, and so do
            the costs.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.

    Raises:
        BadArgument: If the rate, a cost or the prior is not one.
    """

    far: float | None = None
    operating_point: str = ""
    guaranteed: bool | None = None
    costs: tuple[float, float] | None = None
    prior: float = 0.5
    calibration: str = "default"
    comparator: str = ""

    def __post_init__(self) -> None:
        check_prior(self.prior)
        if self.far is not None:
            check_rate(self.far)
        if self.costs is not None:
            Criterion.of_costs(self.costs, self.prior)

    @property
    def asked(self) -> int:
        """In how many ways a threshold is asked for."""
        return sum([self.far is not None, bool(self.operating_point), self.costs is not None])


USUAL = DecisionRequest()
"""What is used where nobody says anything."""
