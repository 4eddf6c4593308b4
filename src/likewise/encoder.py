"""The encoder in a model's folder: from a batch to embeddings, in ONNX Runtime."""

from collections.abc import Sequence

import numpy as np

from likewise.errors import DamagedModel
from likewise.graph import Graph
from likewise.printable import shortened
from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import InputShape, Kind

LONGEST_EMBEDDING = 65_536


class Encoder:
    """What turns items into embeddings.

    Args:
        data: The bytes of the ONNX file.
        shape: What the model's transform feeds it.
        what: What it is, for errors: `The encoder in model`.
        single: Whether it is run by several threads at once, each on one core.

    Raises:
        DamagedModel: If it cannot be loaded, or takes or gives something else.
    """

    def __init__(self, data: bytes, shape: InputShape, what: str, *, single: bool = False) -> None:
        self._graph = Graph(data, what, single=single)
        takes: dict[str, tuple[str, list[int | None]]] = {
            "inputs": ("tensor(float)", [None, shape.channels, shape.height, shape.width])
        }
        if shape.kind is Kind.SEQUENCE:
            takes = {
                "inputs": ("tensor(float)", [None, None, shape.channels]),
                "lengths": ("tensor(int64)", [None]),
            }
        given = self._graph.inputs
        fits = given.keys() == takes.keys() and all(
            given[name][0] == kind and _fits(given[name][1], sizes)
            for name, (kind, sizes) in takes.items()
        )
        kind, sizes = self._graph.outputs.get("embedding", ("nothing of that name", []))
        dim = sizes[1] if len(sizes) == 2 else None
        if (
            not fits
            or kind != "tensor(float)"
            or not isinstance(dim, int)
            or not 1 <= dim <= LONGEST_EMBEDDING
            or isinstance(sizes[0], int)
        ):
            raise DamagedModel(
                f"{what} takes {shortened(given, 300)} and gives {kind} {shortened(sizes, 100)} as "
                f"its embedding. By its transform it should take {takes}, where None is any "
                f"length, and give float32 [n dim] of at most {LONGEST_EMBEDDING} numbers. Restore "
                "the model."
            )
        self.dim = dim

    def run(
        self, inputs: Float[Array, "n ..."], lengths: Int[Array, "n"] | None
    ) -> Float[Array, "n dim"]:
        """The embeddings of a batch.

        Raises:
            OutOfMemory: If there is not enough memory for it.
            DamagedModel: If it cannot run, takes too long, or gives something else.
        """
        feed: dict[str, Shaped[Array, "..."]] = {"inputs": inputs}
        if lengths is not None:
            feed["lengths"] = lengths
        embedding = self._graph.run("embedding", feed)
        if embedding.dtype != np.float32 or embedding.shape != (len(inputs), self.dim):
            raise DamagedModel(
                f"{self._graph.what} gave {embedding.dtype} {list(embedding.shape)} for "
                f"{len(inputs)} items, and float32 {[len(inputs), self.dim]} is expected. Restore "
                "the model."
            )
        finite = np.isfinite(embedding).all(1)
        if not finite.all():
            raise DamagedModel(
                f"{self._graph.what} gave no finite numbers for {int((~finite).sum())} of "
                f"{len(inputs)} items. Leave out items of extreme values, or restore the model."
            )
        return embedding


def _fits(given: Sequence[int | str | None], expected: Sequence[int | None]) -> bool:
    """Whether a shape takes the expected sizes; an axis of any length must not be of one."""
    return len(given) == len(expected) and all(
        not isinstance(size, int) or size == wanted
        for size, wanted in zip(given, expected, strict=True)
    )
