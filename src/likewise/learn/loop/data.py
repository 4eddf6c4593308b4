"""What a run learns from and is measured on: every item decoded once, in the part it plays."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from likewise.data import Decoded, decode_all, split
from likewise.errors import BadArgument, RecipeError
from likewise.learn.samplers.base import Sampler
from likewise.recipe import Recipe
from likewise.registry import Spec
from likewise.shapes import Array
from likewise.sources import FAMILY as SOURCES
from likewise.sources.base import Source
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.types import Batch, Claim, Form, InputShape, Items, Role, Split

Splitter: TypeAlias = Callable[[Items], Split]
"""Gives every item of a table its role."""


@dataclass(frozen=True)
class Data:
    """Decoded items by role.

    Attributes:
        namespace: What the source calls itself.
        parts: The decoded items of each role; *select* may be absent.
        split: How they were parted.
        transform: With the state learned from *train*.
        failed: Place and reason of each item that could not be read.
        whole: All decoded items, to close when done.
    """

    namespace: str
    parts: dict[Role, Decoded]
    split: Split
    transform: Transform
    state: dict[str, object]
    failed: tuple[tuple[str, str], ...]
    whole: Decoded

    def close(self) -> None:
        """Give back the memory and any temporary file."""
        self.whole.close()

    def digest(self) -> str:
        """A hash of what is learned from, and of who has which part."""
        digest = hashlib.sha256()
        for role, part in self.parts.items():
            table = part.items
            named = [role.value, *table.identities.tolist(), *table.places.tolist()]
            digest.update(json.dumps(named).encode())
            if table.pairs is not None:
                every = table.pairs.every
                for column in (every.first, every.second, every.same, every.grades):
                    if column is not None:
                        digest.update(np.ascontiguousarray(column).tobytes())
        for item in self.parts[Role.TRAIN]:
            digest.update(np.ascontiguousarray(item).data)
        return digest.hexdigest()

    def sentences(self) -> dict[str, str]:
        """Each role with its counts in words."""
        return {role.value: _counts(part.items) for role, part in self.parts.items()}


def prepare(
    recipe: Recipe,
    source: Source | None = None,
    *,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
    parts: Splitter | None = None,
) -> Data:
    """Read, decode and split the items of a recipe.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        strict: Stop at the first item that cannot be read.
        progress: Called with how many items are decoded, of how many.
        parts: Gives every item its role, when not what the recipe says.

    Raises:
        SplitError: If the data cannot carry the claim.
        SourceError: If the data cannot be used.
    """
    if source is None:
        if not recipe.source:
            raise RecipeError("The recipe names no source. Set source, or give one in Python.")
        source = SOURCES.build(recipe.source)
    items = source.items()
    raw_transform = TRANSFORMS.build(recipe.transform, state=None)
    claim = Claim(recipe.claim)
    share_out = parts or (lambda table: _splits(table, recipe, claim))
    share_out(items)
    whole = decode_all(items, raw_transform, strict=strict, progress=progress)
    try:
        # Items that cannot be read are in no part, so the split is drawn over the others.
        drawn = share_out(whole.items)
        return dealt(items.namespace, whole, drawn, recipe.transform)
    except BaseException:
        whole.close()
        raise


def dealt(namespace: str, whole: Decoded, drawn: Split, transform: str) -> Data:
    """Decoded items in the parts of a split.

    Args:
        namespace: What the source calls itself.
        whole: Every decoded item.
        drawn: The rows of each role.
        transform: Spec; its state is learned from *train*.
    """
    parts = {role: whole.take(rows) for role, rows in drawn if len(rows)}
    state = dict(TRANSFORMS.build(transform, state=None).fit(parts[Role.TRAIN]))
    fitted = TRANSFORMS.build(transform, state=state)
    return Data(namespace, parts, drawn, fitted, state, whole.failed, whole)


def _splits(items: Items, recipe: Recipe, claim: Claim) -> Split:
    return split(
        items,
        claim,
        fractions={Role(role): share for role, share in recipe.fractions.items()} or None,
        by=cast(Any, recipe.split_by),  # the recipe has checked the word
        seed=recipe.seed,
    )


def _counts(items: Items) -> str:
    identities, sizes = np.unique(items.identities, return_counts=True)
    groups = len(set(items.groups.tolist()) - {""})
    within = f" in {groups} groups" if groups else ""
    each = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    if items.pairs is not None:
        linked = f"{len(identities)} groups of linked pairs"
        return f"{len(items)} items in {linked}, {len(items.pairs.first)} pairs{within}"
    return f"{len(items)} items of {len(identities)} identities{within}, {each} items each"


def batches_of(sampler: Sampler, items: Items, random: np.random.Generator) -> Iterator[Batch]:
    """One epoch of batches of these items."""
    names, labels = np.unique(items.classes, return_inverse=True)
    imitates: Array | None = None
    if items.forged.any():
        # A forgery of somebody who has no genuine item here imitates none of these classes.
        place = {str(name): code for code, name in enumerate(names)}
        found = [place.get(str(name), len(names)) for name in items.identities]
        imitates = np.where(items.forged, found, -1)
    return sampler.batches(labels, items.groups, random, items.pairs, imitates)


def require_form(spec: str, forms: tuple[Form, ...], shape: InputShape) -> None:
    """Refuse a component that takes another form of input.

    Args:
        spec: Of the component.
        forms: What it takes.
        shape: What the transform makes.

    Raises:
        BadArgument: Naming both forms.
    """
    if shape.form not in forms:
        raise BadArgument(
            f"{Spec.parse(spec).name} takes {' or '.join(forms)}, and the transform makes "
            f"{shape.form}. `likewise list` says what each takes: choose another, or another "
            "transform."
        )
