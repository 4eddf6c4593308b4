"""Items beside altered copies of themselves, from which a model learns what a copy is.

No label is needed: an item and its copies are one identity, two items are two. What the model is
measured on are items, and copies of them, that it never saw.
"""

from typing import final

import numpy as np

from likewise.errors import EmptySource
from likewise.kinds import FAMILY as KINDS
from likewise.sources.base import Source
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Items, Raw

VIEWS = 4
MOST_ITEMS = 4000


@final
class Copies(Source):
    """Every item of a table with three altered copies, as one identity.

    Of an image: cut at its edges, made smaller, recompressed as JPEG, made brighter or darker, of
    more or less contrast and colour, blurred, written on; two of these for each copy. Of a series:
    cut at its ends, noise, another gain. Each kind says how its copies differ.

    Args:
        items: At most 4,000 of them, drawn at random, are taken.
        seed: Where chance comes from.

    Raises:
        EmptySource: If there are fewer than two items.
    """

    def __init__(self, items: Items, seed: int = 0) -> None:
        if len(items) < 2:
            raise EmptySource(
                f"{items.namespace} holds {len(items)} items, and at least two are needed to learn "
                "what a copy is. Give more."
            )
        count = min(len(items), MOST_ITEMS)
        self._items = items.take(
            np.sort(np.random.default_rng(seed).choice(len(items), count, replace=False))
        )
        self._seed = seed
        self._kind = KINDS.build(items.kind)
        self._plain = TRANSFORMS.build(self._kind.plain, state=None)

    def items(self) -> Items:
        """The table: the copies of an item stand behind it."""
        places = [str(place) for place in self._items.places for _ in range(VIEWS)]
        views = [view for _ in range(len(self._items)) for view in range(VIEWS)]
        return Items.build(
            f"{self._items.namespace} and copies",
            places,
            self._items.kind,
            [f"{place}, copy {view}" if view else place
             for place, view in zip(places, views, strict=True)],
            self._read,
        )  # fmt: skip

    def _read(self, row: int) -> Raw:
        at, view = divmod(row, VIEWS)
        raw = self._items.read(at)
        if view == 0:
            return raw
        random = np.random.default_rng([self._seed, at, view])
        whole = self._plain.original(raw, str(self._items.places[at]))
        return self._kind.altered(whole, random)
