"""Fields of a recipe that had another name, and the number of the file's format.

A file without a number is of the first format. Its names are read for good: a model's recipe is
written once.
"""

from collections.abc import Mapping
from typing import Any

from likewise.errors import RecipeError

FORMAT = 2
"""What `Recipe.to_toml` writes as `format`."""

RENAMED_FIELDS = {
    "unit": "normalize",
    "averaging": "ema_decay",
    "average_last": "swa_fraction",
    "reestimate": "update_bn_batches",
    "shares": "fractions",
    "against": "impostors",
}
"""The name that a field had in the first format, and the one that it has."""


def field_name(name: str) -> str:
    """Return the name that a field has now, whichever of its names is given."""
    return RENAMED_FIELDS.get(name, name)


def with_present_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same fields under the names that they have now.

    Raises:
        RecipeError: If a field is given under both of its names.
    """
    for old, new in RENAMED_FIELDS.items():
        if old in fields and new in fields:
            raise RecipeError(
                f"{old} and {new} are both given, and {old} is only the earlier name of {new}. "
                f"Leave out {old}."
            )
    return {field_name(name): value for name, value in fields.items()}


def check_format(number: object) -> None:
    """Refuse a recipe of a format that this version does not know.

    Raises:
        RecipeError: If the number is none, or larger than it can be.
    """
    if type(number) is not int or number < 1:
        raise RecipeError(
            f"format is {number!r}, and a number from 1 to {FORMAT} is expected. Leave it out."
        )
    if number > FORMAT:
        raise RecipeError(
            f"The recipe has format {number}, which a later version of Likewise wrote; this one "
            f"reads formats up to {FORMAT}. Run: pip install --upgrade likewise"
        )
