"""The encoder in a model's folder: from a batch to embeddings, in ONNX Runtime."""

import math
from collections.abc import Sequence

import numpy as np

from likewise.errors import DamagedModel
from likewise.io.display import shortened
from likewise.model.onnx_worker import session_of
from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import InputShape

LONGEST_EMBEDDING = 65_536
LONGEST_MAP = 2**22
_TENSORS = {"float32": "tensor(float)", "int64": "tensor(int64)"}


class OnnxEncoder:
    """What turns items into embeddings.

    Args:
        data: The bytes of the ONNX file.
        shape: What the model's transform feeds it.
        what: What it is, for errors: `The encoder in model`.
        single: Whether it is run by several threads at once, each on one core.
        apart: Whether it is run in a process of its own, which can be ended.

    Attributes:
        dim: Length of an embedding.
        maps: Channels, height and width of the feature maps that it gives as `features`; None if it
            gives none.

    Raises:
        DamagedModel: If it cannot be loaded, or takes or gives something else.
    """

    def __init__(
        self,
        data: bytes,
        shape: InputShape,
        what: str,
        *,
        single: bool = False,
        apart: bool = False,
    ) -> None:
        self._graph = session_of(data, what, single=single, apart=apart)
        takes: dict[str, tuple[str, list[int | None]]] = {
            "inputs": (_TENSORS[shape.form.dtype], [None, *shape.sizes])
        }
        if shape.form.has_lengths:
            takes["lengths"] = ("tensor(int64)", [None])
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
        self.maps = _maps(*self._graph.outputs.get("features", ("", [])))

    def run(
        self, inputs: Shaped[Array, "n ..."], lengths: Int[Array, "n"] | None
    ) -> Float[Array, "n dim"]:
        """The embeddings of a batch.

        Raises:
            OutOfMemory: If there is not enough memory for it.
            DamagedModel: If it cannot run, takes too long, or gives something else.
        """
        (embedding,) = self._run(["embedding"], inputs, lengths)
        return self._checked(embedding, inputs)

    def look(
        self, inputs: Shaped[Array, "n ..."]
    ) -> tuple[Float[Array, "n dim"], Float[Array, "n c h w"]]:
        """The embeddings and the feature maps of a batch; of an encoder that has `maps`.

        Raises:
            OutOfMemory: If there is not enough memory for it.
            DamagedModel: If it cannot run, takes too long, or gives something else.
        """
        embedding, maps = self._run(["embedding", "features"], inputs, None)
        if maps.dtype != np.float32 or maps.shape != (len(inputs), *(self.maps or ())):
            raise DamagedModel(
                f"{self._graph.what} gave feature maps of {maps.dtype} {list(maps.shape)} for "
                f"{len(inputs)} items, and float32 {[len(inputs), *(self.maps or ())]} is "
                "expected. Restore the model."
            )
        if not np.isfinite(maps).all():
            raise DamagedModel(
                f"{self._graph.what} gave feature maps that are not of finite numbers. Leave out "
                "items of extreme values, or restore the model."
            )
        return self._checked(embedding, inputs), maps

    def _run(
        self,
        outputs: Sequence[str],
        inputs: Shaped[Array, "n ..."],
        lengths: Int[Array, "n"] | None,
    ) -> list[Array]:
        feed: dict[str, Shaped[Array, "..."]] = {"inputs": inputs}
        if lengths is not None:
            feed["lengths"] = lengths
        return self._graph.run_all(outputs, feed)

    def _checked(
        self, embedding: Shaped[Array, "..."], inputs: Shaped[Array, "n ..."]
    ) -> Float[Array, "n dim"]:
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


def _maps(kind: str, sizes: Sequence[int | str | None]) -> tuple[int, int, int] | None:
    """Channels, height and width of feature maps, if an output of this type and shape is one."""
    fixed = [size for size in sizes[1:] if isinstance(size, int) and size > 0]
    if kind != "tensor(float)" or len(sizes) != 4 or isinstance(sizes[0], int) or len(fixed) != 3:
        return None
    if math.prod(fixed) > LONGEST_MAP:
        return None
    return fixed[0], fixed[1], fixed[2]


def _fits(given: Sequence[int | str | None], expected: Sequence[int | None]) -> bool:
    """Whether a shape takes the expected sizes; an axis of any length must not be of one."""
    return len(given) == len(expected) and all(
        not isinstance(size, int) or size == wanted
        for size, wanted in zip(given, expected, strict=True)
    )
