"""What is wrong with data, before anything is learned from them?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from likewise.auditing import (
    Audit,
    Finding,
    audit_comparisons,
    audit_embeddings,
    audit_items,
    check_labels,
    embedding_findings,
    margin_of,
    some_identities,
    worst_first,
)
from likewise.data import as_source
from likewise.distances import FAMILY as DISTANCES
from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument
from likewise.io import atomic
from likewise.io.progress import Watch, watched
from likewise.model import Model, as_model
from likewise.precomputed import Columns, RawEmbeddings, is_precomputed, read_raw
from likewise.recipe import Recipe
from likewise.report import write_audit
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Items

MOST_ITEMS = 5_000


def audit(
    source: object,
    *,
    model: Model | str | Path | None = None,
    transform: str = "",
    distance: str = "",
    margin: float | None = None,
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    compared: Columns | None = None,
    quick: bool = False,
    seed: int = 0,
    report: str | Path = "",
    examples: bool = True,
    rerun: Sequence[str] = (),
    progress: Watch = None,
) -> Audit:
    """Find what is wrong with data: copies, contradictions, shortcuts, and what a model must beat.

    Args:
        source: What to audit: a path, a spec, a list of paths, PIL images or arrays with labels, as
            (X, y), a frame, pairs, or a `Source`; or the path of embeddings with labels (.npz), or
            of a table of comparisons, which need no model and no item.
        model: Or the path of its folder: is its embedding of these items collapsed, and does its
            margin fit its distances?
        transform: Spec: audit what comes out of it; empty for the items as they are.
        distance: Spec of what compares embeddings; that of the model, or cosine, if empty.
        margin: To hold against the distances; that of the model's loss if None.
        kind: What the items are, where their form does not tell.
        columns: Of a frame or a table of items, the column of each part.
        compared: The columns of a table of comparisons.
        quick: Leave out the probes, which take most of the time on small data.
        seed: Where chance comes from.
        report: Where to write the page; empty for none.
        examples: Show items that findings name on the page.
        rerun: Commands that make it again, for the page.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Returns:
        What was found, the worst first.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If the source is nothing that holds items, or an option is of something else.
        SplitError: If nothing is labelled, or all show one identity.
        WrongKind: If they are another kind of item than the model or the transform takes.
        SaveFailed: If the page cannot be written.

    Example:
        >>> import likewise
        >>> found = likewise.audit("faces/", quick=True)
        >>> found.items, found.identities
        (84, 28)
    """
    if report:
        atomic.check_page(Path(report))
    items = None
    if compared is not None or (isinstance(source, str | Path) and is_precomputed(str(source))):
        found = _audit_precomputed(str(source), distance, compared, margin, seed)
    elif (distance or margin is not None) and model is None:
        raise BadArgument(
            "A distance and a margin are held against embeddings, and no model was given that "
            "makes some of these items. Name one (--model), or leave them out."
        )
    else:
        items = as_source(source, kind=kind, columns=columns).items()
        check_labels(items)
        seen = TRANSFORMS.build(transform, state=None) if transform else None
        # What the model refuses is refused before the long look.
        more = (
            []
            if model is None
            else audit_model(model, items, distance=distance, margin=margin, seed=seed)
        )
        with watched(progress, "auditing") as told:
            found = audit_items(items, seen, seed=seed, quick=quick, progress=told)
        found = replace(found, findings=worst_first([*found.findings, *more]))
    if report:
        write_audit(found, items, Path(report), examples=examples, rerun=rerun)
    return found


def _audit_precomputed(
    path: str, distance: str, compared: Columns | None, margin: float | None, seed: int
) -> Audit:
    held = read_raw(path, distance=distance, columns=compared)
    if isinstance(held, RawEmbeddings):
        return audit_embeddings(held, margin=margin, seed=seed)
    return audit_comparisons(held, margin=margin)


def audit_model(
    model: Model | str | Path,
    items: Items,
    *,
    distance: str = "",
    margin: float | None = None,
    seed: int = 0,
) -> list[Finding]:
    """Look at a model's embedding of items, of which at most 5,000 are embedded.

    Args:
        model: A model, or its folder.
        items: With identities or pairs.
        distance: Spec of what compares the embeddings; that of the model if empty.
        margin: To hold against the distances; that of the model's loss if None.
        seed: Where chance comes from.

    Raises:
        WrongKind: If they are another kind of item than the model was trained on.
        BadArgument: If the margin is not positive.
    """
    loaded = as_model(model)
    # An encoder that was wrapped was not trained here, and has no recipe.
    wrapped = "recipe" not in loaded.manifest.files
    recipe = Recipe() if wrapped else Recipe.from_toml(loaded.read("recipe").decode())
    compares: Comparator = DISTANCES.build(distance) if distance else loaded.comparator("distance")
    known = None if wrapped else margin_of(recipe.loss)
    rows = some_identities(items, MOST_ITEMS, np.random.default_rng(seed))
    embedded = loaded.embed(items.take(rows))
    return embedding_findings(
        embedded.vectors,
        embedded.items,
        compares,
        margin=known if margin is None else margin,
        trained=True,
        seed=seed,
    )
