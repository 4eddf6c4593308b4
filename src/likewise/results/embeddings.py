"""The embeddings of items: vectors, and who or what each shows."""

from dataclasses import dataclass

import numpy as np

from likewise.results.result import SCHEMA, Cell, Result
from likewise.shapes import Array, Float, Shaped
from likewise.types import Items


@dataclass(frozen=True, repr=False)
class Embeddings(Result):
    """Vectors, and the fingerprint of the model that made them.

    It has a length, and `embeddings[:10]`, `embeddings[3]` or `embeddings[labels == "ann"]` are the
    embeddings of these items.

    Attributes:
        vectors: Float32 [n dim].
        fingerprint: Of the model; vectors of two models are never compared.
        items: The table of what was embedded, row for row.
        failed: Place and reason of each item that could not be read.
    """

    vectors: Float[Array, "n dim"]
    fingerprint: str
    items: Items
    failed: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, at: int | slice | list[int] | Shaped[Array, "m"]) -> "Embeddings":
        rows = np.atleast_1d(np.arange(len(self))[at])
        return Embeddings(self.vectors[rows], self.fingerprint, self.items.take(rows))

    @property
    def labels(self) -> Shaped[Array, "n"]:
        """Who or what each shows; empty strings where nobody said it."""
        return self.items.identities

    def summary(self) -> str:
        """Return how many there are, and how long each is."""
        failed = f", {len(self.failed):,} failed" if self.failed else ""
        return f"{len(self):,} x {self.vectors.shape[1]} of {self.items.namespace!r}{failed}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each item: its place, who it shows, and its numbers."""
        return [
            {"place": str(place), "label": str(label)}
            | {str(at): number for at, number in enumerate(vector.tolist())}
            for place, label, vector in zip(
                self.items.places, self.labels, self.vectors, strict=True
            )
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the vectors with their places and labels as lists."""
        return {
            "schema": SCHEMA,
            "fingerprint": self.fingerprint,
            "places": self.items.places.tolist(),
            "labels": self.labels.tolist(),
            "vectors": self.vectors.tolist(),
            "failed": [list(one) for one in self.failed],
        }
