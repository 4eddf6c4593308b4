"""The text of `transform.toml`: which transform a model has, and what it learned."""

import tomllib
from collections.abc import Mapping
from typing import Any

from likewise.errors import DamagedModel, LikewiseError
from likewise.io.display import shortened
from likewise.model.manifest import SPEC_LENGTH
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform

TRANSFORM_BYTES = 2**20
# The reader of TOML takes quadratic time for a key of very many parts.
_DOTS = 100


def dump_transform(spec: str, transform_state: Mapping[str, Any]) -> bytes:
    """The bytes of `transform.toml`."""
    import tomli_w

    return tomli_w.dumps({"spec": spec, "state": dict(transform_state)}).encode()


def parse_transform(data: bytes, kind: str) -> Transform:
    """The transform that the bytes of `transform.toml` tell of.

    Args:
        data: The bytes.
        kind: What the model's input takes, by its name.

    Raises:
        DamagedModel: If they tell of none for this kind.
    """
    try:
        longest = max(line.count(b".") for line in [*data.splitlines(), b""])
        if len(data) > TRANSFORM_BYTES or longest > _DOTS:
            raise ValueError("it is too large")  # noqa: TRY301 - one refusal for all
        plain = tomllib.loads(data.decode("utf-8"))
        spec = plain["spec"]
        if not isinstance(spec, str) or len(spec) > SPEC_LENGTH:
            raise TypeError("its spec is no short string")  # noqa: TRY301 - as above
        transform = TRANSFORMS.build(spec, state=plain["state"])
        _ = transform.shape  # which a state may not say
        if transform.kind != kind:
            raise ValueError(f"it is no transform for {kind}")  # noqa: TRY301 - as above
    except (LikewiseError, ArithmeticError, AttributeError, LookupError) as error:
        raise _unread(error) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise _unread(error) from error
    return transform


def _unread(error: Exception) -> DamagedModel:
    return DamagedModel(
        f"transform.toml cannot be read ({shortened(error, 300)}). Restore the model from where it "
        "came."
    )
