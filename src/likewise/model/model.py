"""The artefact: a folder that turns items into embeddings and distances into decisions.

Using a model needs numpy and ONNX Runtime, and never torch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.calibration import Calibration, from_json
from likewise.data import Decoded, as_source
from likewise.distances import FAMILY as DISTANCES
from likewise.distances.base import Distance
from likewise.distances.comparator import Comparator
from likewise.errors import (
    DamagedModel,
    ForeignEmbedding,
    LikewiseError,
    NotCalibrated,
    UnknownName,
)
from likewise.io.cores import in_pool
from likewise.io.progress import Told
from likewise.model.batching import Block, embed_blocks, memory_for
from likewise.model.drift_reference import DriftReference, reference_from_bytes
from likewise.model.feature_maps import FeatureMaps
from likewise.model.folder import Manifest, check_not_replaced, load_manifest, read_file
from likewise.model.leakage import LeakageRecord
from likewise.model.manifest import input_role
from likewise.model.onnx_encoder import OnnxEncoder
from likewise.model.onnx_matcher import OnnxMatcher
from likewise.model.transform_text import parse_transform
from likewise.registry import unknown
from likewise.renamed import warn_renamed
from likewise.results import Embeddings
from likewise.shapes import Array, Float
from likewise.transforms.base import Transform
from likewise.types import Items, Raw

COMPARATORS = ("distance", "matcher")
_BATCH = 256
_READ = ("manifest", "inputs", "distance")
_RENAMED = {
    "looks_closer": "uses_feature_maps",
    "see_decoded": "features_for",
    "see_one": "features_for_one",
}


@dataclass(frozen=True)
class Input:
    """What a model takes under one name.

    Attributes:
        kind: By its name in the family of kinds.
        transform: What makes the encoder's input of an item.
        encoder: What embeds it.
    """

    kind: str
    transform: Transform
    encoder: OnnxEncoder


class Model:
    """A trained model, read from its folder; every file is checked against its hash.

    A pickle or a copy of it is its path and fingerprint; it reads the folder again when it is first
    used, and raises `ReplacedModel` where another model is there now. That is for processes of your
    own: Likewise reads no pickle from a file, and a model is given away as a folder.

    Args:
        folder: Where it is.
        apart: Whether its graphs are run in processes of their own, which are ended where a run
            takes too long: for models that nobody here made. `LIKEWISE_APART=1` asks for that
            everywhere. Each call costs a few hundredths of a second more.

    Attributes:
        inputs: What it takes, by name: `main`, of one that compares.

    Raises:
        ModelNotFound: If there is no model there.
        DamagedModel: If a file is altered, truncated or missing.
        NewerFormat: If a later version of Likewise wrote it.

    Example:
        >>> import likewise
        >>> likewise.Model("model").kind
        'image'
    """

    _apart = False
    _sent = ""  # the fingerprint of one that was sent here and is not read yet

    def __init__(self, folder: str | Path, *, apart: bool = False) -> None:
        self.folder = Path(folder)
        self._apart = apart
        self.manifest: Manifest = load_manifest(self.folder)
        self.inputs: Mapping[str, Input] = {
            name: self._input(name, kind) for name, kind in self.manifest.inputs.items()
        }
        try:
            self.distance: Distance = DISTANCES.build(self.manifest.distance)
        except LikewiseError as error:
            raise DamagedModel(f"{self.folder / 'model.toml'}: {error}") from error

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _READ and self._sent:
                vars(self).update(vars(_as_sent(self.folder, self._sent, self._apart)))
                return vars(self)[name]
            if name not in _RENAMED:
                raise AttributeError(f"'Model' object has no attribute {name!r}")
            warn_renamed(name, _RENAMED[name])
            return getattr(self, _RENAMED[name])

    def __reduce__(self) -> tuple[Callable[..., "Model"], tuple[str, str, bool]]:
        place = str(self.folder.absolute())
        return (_sent_here, (place, self._sent or self.fingerprint, self._apart))

    def _input(self, name: str, kind: str) -> Input:
        transform = parse_transform(self.read(input_role("transform", name)), kind)
        return Input(kind, transform, self._load_encoder(name, transform, single=False))

    def _load_encoder(self, name: str, transform: Transform, *, single: bool) -> OnnxEncoder:
        what = f"The encoder in {self.folder}"
        data = self.read(input_role("encoder", name))
        return OnnxEncoder(data, transform.shape, what, single=single, apart=self._apart)

    @property
    def main(self) -> Input:
        """The input of items that are compared."""
        return next(iter(self.inputs.values()))

    @property
    def kind(self) -> str:
        """What it compares, by its name in the family of kinds."""
        return self.main.kind

    @property
    def transform(self) -> Transform:
        """What decodes the items that are compared."""
        return self.main.transform

    @property
    def _encoder(self) -> OnnxEncoder:
        return self.main.encoder

    @cached_property
    def matcher(self) -> OnnxMatcher | None:
        """The learned comparison; None where a distance alone compares."""
        if "matcher" not in self.manifest.files:
            return None
        maps = self._encoder.maps
        return OnnxMatcher(self.read("matcher"), self.dim, self.folder, maps, apart=self._apart)

    def comparator(self, name: str = "") -> Comparator:
        """What compares two embeddings; or, for a matcher that reads them, their feature maps.

        Args:
            name: `matcher` or `distance`; the matcher, where there is one, when left out.

        Raises:
            UnknownName: If the model has none of that name.
        """
        if name not in ("", *COMPARATORS):
            raise unknown("no comparator is named", name, COMPARATORS)
        if name == "distance" or (not name and self.matcher is None):
            return self.distance
        if self.matcher is None:
            raise UnknownName(
                f"{self.folder} has no matcher: it compares by {self.manifest.distance}. Leave the "
                "comparator out, or train with a matcher (likewise list matchers)."
            )
        return self.matcher

    def comparator_name(self, name: str = "") -> str:
        """What `comparator` gives, in a word: `matcher`, or the spec of the distance."""
        return self.manifest.distance if self.comparator(name) is self.distance else "matcher"

    def __repr__(self) -> str:
        if "manifest" not in vars(self):
            return f"Model({str(self.folder)!r}, fingerprint={self._sent[:12]}, not read yet)"
        return (
            f"Model({str(self.folder)!r}, {self.kind}, dim={self.dim}, "
            f"fingerprint={self.fingerprint[:12]})"
        )

    def read(self, role: str) -> bytes:
        """The bytes of one of its files, checked against the manifest's hash."""
        return read_file(self.folder, self.manifest, role)

    @property
    def fingerprint(self) -> str:
        """Covers transform, encoder and comparator; vectors carry it."""
        return self.manifest.fingerprint

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._encoder.dim

    @cached_property
    def calibrations(self) -> Mapping[str, Calibration]:
        """Named calibrations; empty if there is none."""
        if "calibration" not in self.manifest.files:
            return {}
        return from_json(self.read("calibration"))

    @cached_property
    def references(self) -> Mapping[str, DriftReference]:
        """Some embeddings of what each calibration was fitted on; empty if there are none."""
        if "reference" not in self.manifest.files:
            return {}
        return reference_from_bytes(self.read("reference"), self.dim)

    @cached_property
    def trained_on(self) -> LeakageRecord:
        """Salted hashes of what it learned from."""
        return LeakageRecord.from_json(self.read("trained_on"))

    def calibration(self, name: str = "default", comparator: str = "") -> Calibration:
        """One calibration.

        Args:
            name: Of the calibration.
            comparator: Whose distances it is for, as in `comparator`.

        Raises:
            NotCalibrated: If there is none of that name.
            UnknownName: If the model has no such comparator.
        """
        self.comparator(comparator)
        if comparator == "distance" and self.matcher is not None:
            name = beside(name)
        if name not in self.calibrations:
            known = ", ".join(self.calibrations) or "none"
            raise NotCalibrated(
                f"{self.folder} has no calibration named {name!r} (it has: {known}), so a distance "
                "is no decision yet. Make one: likewise calibrate MODEL SOURCE --name NAME."
            )
        return self.calibrations[name]

    def decode(self, raw: Raw, place: str) -> Array:
        """Decode one item as this model needs it; see `Transform.decode`."""
        return self.transform.acquire(raw, place)

    def embed(
        self, items: object, *, strict: bool = False, progress: Told | None = None
    ) -> Embeddings:
        """Embed items; those that cannot be read are named in `failed`.

        Args:
            items: What to embed, in any form that `likewise.embed` takes.
            strict: Stop at the first item that cannot be read.
            progress: Called with how many items are done, of how many.

        Raises:
            BadArgument: If it is nothing that holds items.
            WrongKind: If they are another kind of item than the model was trained on.
            OutOfMemory: If there is no memory for an item.
        """
        if not isinstance(items, Items):
            items = as_source(items, kind=self.kind).items()
        vectors = np.zeros((len(items), self.dim), dtype=np.float32)
        rows: list[int] = []
        failed: list[tuple[str, str]] = []
        for block in self.blocks(items, strict=strict):
            vectors[len(rows) : len(rows) + len(block.rows)] = block.vectors
            rows += block.rows.tolist()
            failed += block.failed
            if progress is not None:
                progress(block.done, len(items))
        read = items if not failed else items.take(np.array(rows))
        return Embeddings(vectors[: len(rows)], self.fingerprint, read, tuple(failed))

    def blocks(
        self, items: Items, *, strict: bool = False, threads: int | None = None
    ) -> Iterator[Block]:
        """Embed a table of any length some items at a time, in order; see `embedding.blocks`."""
        run = partial(self._run, encoder=self._single)
        return embed_blocks(items, self.transform, run, self.dim, strict=strict, threads=threads)

    @cached_property
    def _single(self) -> OnnxEncoder:
        """The encoder for many threads that run it at once, each on one core."""
        name = next(iter(self.inputs))
        return self._load_encoder(name, self.transform, single=True)

    def embed_decoded(self, decoded: Decoded) -> Float[Array, "n dim"]:
        """The vectors of decoded items."""
        vectors = np.zeros((len(decoded), self.dim), dtype=np.float32)
        for part in _parts(len(decoded)):
            vectors[part] = self._run(*decoded.batch(np.arange(part.start, part.stop)))
        return vectors

    def embed_one(self, raw: Raw, place: str) -> Float[Array, "1 dim"]:
        """The vector of one raw item."""
        with memory_for(place):
            return self._run(*self.transform.collate([self.decode(raw, place)]))

    def uses_feature_maps(self, comparator: str = "") -> bool:
        """Tell whether that comparator reads feature maps, which embeddings alone do not hold."""
        found = self.comparator(comparator)
        return isinstance(found, OnnxMatcher) and found.uses_feature_maps

    def features_for(self, decoded: Decoded, comparator: str = "") -> Array | FeatureMaps:
        """Return what that comparator compares of decoded items: vectors, or `FeatureMaps`."""
        if not self.uses_feature_maps(comparator) or self._encoder.maps is None:
            return self.embed_decoded(decoded)
        parts = (
            self._look(decoded.batch(np.arange(part.start, part.stop))[0])
            for part in _parts(len(decoded))
        )
        return FeatureMaps.of(parts, len(decoded), self._encoder.maps)

    def features_for_one(self, raw: Raw, place: str, comparator: str = "") -> Array | FeatureMaps:
        """Return what that comparator compares of one raw item."""
        if not self.uses_feature_maps(comparator):
            return self.embed_one(raw, place)
        with memory_for(place):
            return FeatureMaps(*self._look(self.transform.collate([self.decode(raw, place)])[0]))

    def _look(self, batch: Array) -> tuple[Array, Array]:
        return self._encoder.look(self._finished(batch))

    def _finished(self, batch: Array) -> Array:
        """What the encoder is fed of a batch: of the numbers that its form is made of."""
        dtype = self.transform.form.dtype
        return np.ascontiguousarray(self.transform.finish(batch), dtype=dtype)

    def _run(
        self,
        batch: Array,
        lengths: Array | None,
        *,
        encoder: OnnxEncoder | None = None,
    ) -> Float[Array, "n dim"]:
        return (encoder or self._encoder).run(self._finished(batch), lengths)

    def distances(self, first: Embeddings, second: Embeddings) -> Float[Array, "n m"]:
        """The distance of every embedding of one set to every one of another.

        Raises:
            ForeignEmbedding: If either was made by another model.
            BadArgument: If the matcher reads feature maps; the distance compares embeddings.
        """
        for embeddings in (first, second):
            if embeddings.fingerprint != self.fingerprint:
                raise ForeignEmbedding(
                    f"These vectors were made by model {embeddings.fingerprint[:12]}, and this is "
                    f"{self.fingerprint[:12]}: distances between them mean nothing. Embed the "
                    "items again with this model."
                )
        return self.comparator().matrix(first.vectors, second.vectors)


_ARRIVED: dict[str, Model] = {}
"""In a process of a pool, the model that was read last, by its folder."""


def _sent_here(folder: str, fingerprint: str, apart: bool = False) -> Model:
    # Read when it is first used: a pool hangs where an argument cannot be unpickled, and tells what
    # a task raises.
    model = Model.__new__(Model)
    vars(model).update(folder=Path(folder), _sent=fingerprint, _apart=apart)
    return model


def _as_sent(folder: Path, fingerprint: str, apart: bool) -> Model:
    """The model in a folder, if it is the one that was sent; read once for the tasks of a pool."""
    manifest = load_manifest(folder)
    check_not_replaced(folder, manifest, fingerprint)
    known = _ARRIVED.get(str(folder))
    if known is None or known.manifest != manifest or known._apart != apart:  # noqa: SLF001 - ours
        known = Model(folder, apart=apart)
        check_not_replaced(folder, known.manifest, fingerprint)
        if in_pool():
            _ARRIVED.clear()
            _ARRIVED[str(folder)] = known
    return known


def beside(name: str) -> str:
    """What the plain distance's calibration is called in a model whose matcher has `name`."""
    return f"{name}/distance"


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _BATCH):
        yield slice(start, min(start + _BATCH, count))
