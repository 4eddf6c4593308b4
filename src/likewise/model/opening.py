"""A model from what somebody gave: the path of its folder, or the model itself."""

from pathlib import Path

from likewise.errors import BadArgument
from likewise.io.display import shortened
from likewise.model.model import Model


def load(folder: str | Path, *, apart: bool = False) -> Model:
    """Return the model in a folder; every file is checked against its hash.

    Args:
        folder: Where it is.
        apart: Whether its graphs are run in processes of their own, as of a model from a stranger.

    Raises:
        ModelNotFound: If there is no model there.
        DamagedModel: If a file is altered, truncated or missing.
        NewerFormat: If a later version of Likewise wrote it.

    Example:
        >>> load("model")
        Model('model', image, dim=8, fingerprint=...)
    """
    return Model(folder, apart=apart)


def as_model(given: Model | str | Path) -> Model:
    """Return the model that somebody gave, or the one in the folder of that path.

    Raises:
        BadArgument: If it is neither.
        ModelNotFound: If there is no model there.
        DamagedModel: If a file is altered, truncated or missing.

    Example:
        >>> as_model("model").dim
        8
    """
    if isinstance(given, Model):
        return given
    if isinstance(given, str | Path):
        return load(given)
    raise BadArgument(
        f"A model is {type(given).__name__} {shortened(repr(given), 60)}, and a Model, or the path "
        "of a model's folder, is expected."
    )
