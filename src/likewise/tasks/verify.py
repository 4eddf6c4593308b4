"""Are these two the same?"""

from pathlib import Path

from likewise.calibration import DecisionRequest
from likewise.data import as_item
from likewise.model import Model, as_model
from likewise.renamed import renamed_arguments
from likewise.results import Decision


@renamed_arguments(at="operating_point")
def verify(
    model: Model | str | Path,
    first: object,
    second: object,
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
        model: What compares them, or the path of its folder.
        first: An item: the path of a file, the bytes of one, a PIL image, or an array.
        second: The other item, in the same forms.
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

    Example:
        >>> import likewise
        >>> decision = likewise.verify("model", "a.png", "b.png")
        >>> decision.verdict
        'same'
        >>> bool(likewise.verify("model", "a.png", "c.png"))
        False
    """
    request = DecisionRequest(
        far=far,
        operating_point=operating_point,
        guaranteed=guarantee,
        costs=costs,
        prior=prior,
        calibration=calibration,
        comparator=comparator,
    )
    return decide_pair(as_model(model), first, second, request)


def decide_pair(model: Model, first: object, second: object, request: DecisionRequest) -> Decision:
    """Decide whether two items are the same; see `verify`."""
    fitted = model.calibration(request.calibration, request.comparator)
    fitted.point(request)  # what no threshold answers is refused before any work
    vectors = [
        model.features_for_one(*as_item(item, model.kind, name), request.comparator)
        for item, name in ((first, "the first item"), (second, "the second item"))
    ]
    distance = float(model.comparator(request.comparator).rows(*vectors)[0])
    return fitted.decide(distance, request)
