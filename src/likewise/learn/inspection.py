"""The short audit before training: seconds, and it never stops what can be trained."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from likewise.auditing import (
    Audit,
    audit_decoded,
    embedding_findings,
    margin_of,
    some_identities,
    worst_first,
)
from likewise.learn.loop.train import Run
from likewise.learn.loop.validation import embedded
from likewise.types import Role

MOST_ITEMS = 512


def inspect(run: Run) -> Audit:
    """Audit the decoded items of a run that has not begun, and the embedding it begins with.

    Copies are looked for among all items, in two roles too; shortcuts are asked of 2,000 of them,
    and the margin is held against the distances of 512 training items in the untrained network.
    """
    whole, train = run.data.whole, run.data.parts[Role.TRAIN]
    roles = np.full(len(whole), "", dtype="U9")
    for role, rows in run.data.split:
        roles[rows] = role.value
    found = audit_decoded(whole, run.data.transform, roles, seed=run.recipe.seed)
    rows = some_identities(train.items, MOST_ITEMS, np.random.default_rng(run.recipe.seed))
    part = train.take(rows)
    device = next(run.network.parameters()).device
    vectors = embedded(run.network, part, np.arange(len(part)), run.data.transform, device)
    run.network.train()
    if len(vectors) < 2 or not np.isfinite(vectors).all():
        return found
    bounded = run.recipe.normalize and run.recipe.distance.partition("(")[0] in (
        "euclidean",
        "cosine",
    )
    more = embedding_findings(
        vectors,
        part.items,
        run.distance,
        margin=margin_of(run.recipe.loss),
        trained=False,
        unit=bounded,
        seed=run.recipe.seed,
    )
    return replace(found, findings=worst_first([*found.findings, *more]))


def facts_of(found: Audit | None) -> Mapping[str, str]:
    """The audit as the report and the card show it; nothing where there was none."""
    return {} if found is None else found.facts()
