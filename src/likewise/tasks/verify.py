"""Are these two the same?"""

from pathlib import Path

from likewise.calibration import Calibration
from likewise.data import place_of, raw_of
from likewise.errors import BadArgument, UnsupportedRate
from likewise.model import Model
from likewise.results import Decision
from likewise.types import Raw, renamed_arguments


@renamed_arguments(at="operating_point")
def verify(
    model: Model,
    first: str | Path | Raw,
    second: str | Path | Raw,
    *,
    far: float | None = None,
    prior: float = 0.5,
    calibration: str = "default",
    comparator: str = "",
    operating_point: str = "",
    guarantee: bool | None = None,
    costs: tuple[float, float] | None = None,
) -> Decision:
    """Decide whether two items are the same, with the error rate measured for that decision.

    Args:
        model: What compares them.
        first: A file's path, the bytes of one, or an array.
        second: Likewise.
        far: Use the threshold fitted for this false-accept rate; by default .01 where the data
            support it, else the smallest that they do.
        prior: The share of same pairs where this is used, which the probability assumes, and the
            costs if given.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        operating_point: Use the operating point of this name, such as `eer` or `balanced`, instead.
        guarantee: Use a threshold whose false-accept rate is within the target with 95% confidence,
            not one whose rate on the items calibrated on is; as the calibration says if None.
        costs: What a false accept and what a false reject costs: use the threshold of least cost
            at this prior, which must have been fitted.

    Raises:
        BadArgument: If a cost is not above 0, or more than one of `far`, `operating_point` and
            `costs` is given.
        NotCalibrated: If the model has no such calibration.
        UnknownName: If the model has no such comparator.
        UnsupportedRate: If that rate has no threshold.
        UnreadableItem: If an item cannot be decoded.
        WrongKind: If it is another kind of item than the model was trained on.
    """
    fitted = model.calibration(calibration, comparator)
    if costs is not None:
        if far is not None or operating_point:
            raise BadArgument(
                "A threshold was asked for in two ways. Give far, operating_point or costs alone."
            )
        operating_point = _of_least_cost(fitted, calibration, costs, prior)
    vectors = [
        model.see_one(raw_of(item), place_of(item, name), comparator)
        for item, name in ((first, "the first item"), (second, "the second item"))
    ]
    distance = float(model.comparator(comparator).rows(*vectors)[0])
    return fitted.decide(
        distance, far=far, prior=prior, name=operating_point or None, guarantee=guarantee
    )


def _of_least_cost(fitted: Calibration, name: str, costs: tuple[float, float], prior: float) -> str:
    """The name of the point that was fitted for these costs.

    Raises:
        UnsupportedRate: If there is none; the rates of a threshold that nobody fitted are unknown.
    """
    # Only here, since fitting thresholds needs what a decision does not, and takes time to load.
    from likewise.calibration import cost_name

    wanted = cost_name(costs, prior)
    known = [point.name for point in fitted.points]
    if wanted not in known:
        others = ", ".join(one for one in known if one.startswith("cost="))
        raise UnsupportedRate(
            f"The calibration {name!r} has no threshold for {wanted}, so its error rates are not "
            f"known (for costs it has: {others or 'none'}). Fit one: likewise calibrate MODEL "
            f"SOURCE --name NAME --cost-false-accept {costs[0]:g} --cost-false-reject "
            f"{costs[1]:g}{'' if prior == 0.5 else f' --prior {prior:g}'}"
        )
    return wanted
