"""The vectors of many items, in memory or in a file."""

from pathlib import Path

import numpy as np

from likewise.data import as_source
from likewise.io.progress import Watch, watched
from likewise.model import Model, as_model
from likewise.results import Embeddings
from likewise.tasks.vectors import Spool, WrittenVectors, check_vectors_path, write_vectors


def embed(
    model: Model | str | Path, source: object, *, strict: bool = False, progress: Watch = None
) -> Embeddings:
    """Embed every item of a source; those that cannot be read are named in `failed`.

    Args:
        model: What embeds them, or the path of its folder.
        source: The items: a path, a spec, a list of paths, PIL images or arrays, one array of all
            items, (X, y) with labels, a frame, pairs, or a `Source`.
        strict: Stop at the first item that cannot be read.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If the source is nothing that holds items.
        WrongKind: If they are another kind of item than the model was trained on.
        OutOfMemory: If there is no memory for an item.

    Example:
        >>> import likewise
        >>> found = likewise.embed("model", ["a.png", "b.png"])
        >>> found.vectors.shape
        (2, 8)
    """
    with watched(progress, "embedding") as told:
        return as_model(model).embed(source, strict=strict, progress=told)


def embed_to(
    model: Model | str | Path,
    source: object,
    path: Path,
    *,
    strict: bool = False,
    threads: int | None = None,
    progress: Watch = None,
) -> WrittenVectors:
    """Embed every item of a source into a file; memory does not grow with their vectors.

    The file is written at the end, whole or not at all.

    Args:
        model: What embeds them.
        source: Where they come from.
        path: Ends in .npz, .npy or .parquet; see `vectors.py`.
        strict: Stop at the first item that cannot be read.
        threads: How many decode and embed; as many as there are cores (at most 16) if None.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        BadArgument: If the path does not name a format, or its folder is not there.
        MissingExtra: If Parquet is asked for and pyarrow is not installed.
        WrongKind: If they are another kind of item than the model was trained on.
        OutOfMemory: If there is no memory for an item.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    check_vectors_path(path)
    model = as_model(model)
    items = as_source(source, kind=model.kind).items()
    read = np.zeros(len(items), dtype=np.bool_)
    failed: list[tuple[str, str]] = []
    with watched(progress, "embedding") as told, Spool(path, model.dim) as spool:
        for block in model.blocks(items, strict=strict, threads=threads):
            spool.add(block.vectors)
            read[block.rows] = True
            failed += block.failed
            if told is not None:
                told(block.done, len(items))
        table = items if read.all() else items.take(np.flatnonzero(read))
        return write_vectors(spool, table, failed, model.fingerprint)


def save_embeddings(embeddings: Embeddings, path: Path) -> WrittenVectors:
    """Write embeddings that are in memory, in the formats of `embed_to`.

    Raises:
        BadArgument: If the path does not name a format, or its folder is not there.
        MissingExtra: If Parquet is asked for and pyarrow is not installed.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    check_vectors_path(path)
    with Spool(path, embeddings.vectors.shape[1]) as spool:
        spool.add(embeddings.vectors)
        return write_vectors(spool, embeddings.items, embeddings.failed, embeddings.fingerprint)
