"""Is a model's embedding of some items collapsed, and does its margin fit its distances?"""

import numpy as np

from likewise.auditing import Finding, embedding_findings, margin_of, some_identities
from likewise.distances import FAMILY as DISTANCES
from likewise.distances.comparator import Comparator
from likewise.model import Model
from likewise.recipe import Recipe
from likewise.types import Items

MOST_ITEMS = 5_000


def audit_model(
    model: str | Model,
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
    loaded = Model(model) if isinstance(model, str) else model
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
