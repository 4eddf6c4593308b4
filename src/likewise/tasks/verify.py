"""Are these two the same?"""

from pathlib import Path

from likewise.bounds import LARGEST_ITEM_BYTES, read_named
from likewise.errors import SourceNotFound, UnreadableItem
from likewise.model import Model
from likewise.printable import printable, shortened
from likewise.results import Decision
from likewise.types import Raw


def verify(
    model: Model,
    first: str | Path | Raw,
    second: str | Path | Raw,
    *,
    far: float | None = None,
    prior: float = 0.5,
    calibration: str = "default",
    comparator: str = "",
    at: str = "",
) -> Decision:
    """Decide whether two items are the same, with the error rate measured for that decision.

    Args:
        model: What compares them.
        first: A file's path, the bytes of one, or an array.
        second: Likewise.
        far: Use the threshold fitted for this false-accept rate; by default .01 where the data
            support it, else the smallest that they do.
        prior: The share of same pairs where this is used, which the probability assumes.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        at: Use the operating point of this name, such as `eer` or `balanced`, instead.

    Raises:
        NotCalibrated: If the model has no such calibration.
        UnknownName: If the model has no such comparator.
        UnsupportedRate: If that rate has no threshold.
        UnreadableItem: If an item cannot be decoded.
        WrongKind: If it is another kind of item than the model was trained on.
    """
    fitted = model.calibration(calibration, comparator)
    vectors = [
        model.embed_one(_raw(item), _place(item, name))
        for item, name in ((first, "the first item"), (second, "the second item"))
    ]
    distance = float(model.comparator(comparator).rows(*vectors)[0])
    return fitted.decide(distance, far=far, prior=prior, name=at or None)


def _raw(item: str | Path | Raw) -> Raw:
    if not isinstance(item, str | Path):
        return item
    try:
        return read_named(Path(item), LARGEST_ITEM_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"There is no file {str(item)!r}. Check its path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise UnreadableItem(
            f"{shortened(item, 300)} cannot be read: {why}. Give a file that can."
        ) from error


def _place(item: str | Path | Raw, name: str) -> str:
    return printable(str(item)) if isinstance(item, str | Path) else name
