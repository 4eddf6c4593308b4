"""The vectors of many items, in a file."""

import io
from pathlib import Path

import numpy as np

from likewise import durable
from likewise.errors import BadArgument
from likewise.model import Model
from likewise.sources.base import Source
from likewise.types import Embeddings


def embed(model: Model, source: Source, *, strict: bool = False) -> Embeddings:
    """Embed every item of a source; those that cannot be read are named in `failed`.

    Args:
        model: What embeds them.
        source: Where they come from.
        strict: Stop at the first item that cannot be read.

    Raises:
        WrongKind: If they are another kind of item than the model was trained on.
    """
    return model.embed(source.items(), strict=strict)


def check_path(path: Path) -> None:
    """Refuse a path that `save` could not write, before any work is done.

    Raises:
        BadArgument: If it does not end in .npz, or its folder is not there.
    """
    if path.suffix != ".npz":
        raise BadArgument(f"{path} does not end in .npz, the format written. Name it so.")
    if not path.parent.is_dir():
        raise BadArgument(f"{path.parent} is no folder. Make it first.")


def save(embeddings: Embeddings, path: Path) -> None:
    """Write embeddings as .npz: vectors, identities, places, fingerprint.

    Raises:
        BadArgument: If the path does not end in .npz, or its folder is not there.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    check_path(path)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vectors=embeddings.vectors,
        identities=embeddings.items.identities,
        places=embeddings.items.places,
        fingerprint=np.asarray(embeddings.fingerprint),
    )
    durable.replace(path, buffer.getvalue())
