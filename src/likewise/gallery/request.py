"""What a gallery is asked with, from what a person gave; and what it refuses."""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from likewise.data import as_item
from likewise.errors import BadArgument, ForeignEmbedding, NotEnrolled
from likewise.gallery.open_set import check_prior_unknown
from likewise.gallery.result import DIGEST, PATH, Entry
from likewise.gallery.templates import Rule, check_rule
from likewise.io.display import is_address, shortened
from likewise.model import Model
from likewise.registry import Spec
from likewise.results import Embeddings
from likewise.shapes import Array, Float
from likewise.stores import FAMILY as STORES
from likewise.stores.base import Store
from likewise.stores.rows import Metadata, Pin, Rows
from likewise.stores.where import Condition, parse_condition


@dataclass(frozen=True)
class IdentificationRequest:
    """How to say who a probe shows; every part may be left out.

    Attributes:
        fpir: The share of strangers that may be taken for somebody; None for .01 where the gallery
            supports it, else the smallest that it does.
        prior_unknown: How often a probe shows nobody of the gallery.
        fusion: How several templates are fused: `nearest`, `mean` or `centroid`.
        calibration: Which of the model's calibrations gives the probabilities.
        candidates: How many to name.

    Raises:
        BadArgument: If the prior or the fusion is none, or no candidate is asked for.
    """

    fpir: float | None = None
    prior_unknown: float = 0.5
    fusion: Rule = "nearest"
    calibration: str = "default"
    candidates: int = 5

    def __post_init__(self) -> None:
        check_prior_unknown(self.prior_unknown)
        check_rule(self.fusion)
        if self.candidates < 1:
            raise BadArgument(
                f"{self.candidates} candidates were asked for, and 1 at least is expected."
            )


def store_spec(text: str | Path) -> str:
    """The spec of a store; a path stands for the store in that file.

    So does a URL of PostgreSQL, or another connection string, for the gallery in that database
    whose name follows a `#`: `postgresql://user@host/database#people`.
    """
    name = str(text)
    if isinstance(text, str) and is_address(text) and not _SPEC.match(name) and not _is_file(name):
        address, _, table = text.strip().rpartition("#")
        if not re.fullmatch(r"\w{1,40}", table) or not address:
            address, table = text.strip(), ""
        # As SQLAlchemy and people write it; libpq knows small letters alone.
        address = re.sub(
            r"^postgres(ql)?(\+\w+)?://", "postgresql://", address, flags=re.IGNORECASE
        )
        return str(Spec("pgvector", (address,), {"table": table} if table else {}))
    if isinstance(text, Path) or not _SPEC.match(name):
        return str(Spec("sqlite", (name,)))
    return name


_SPEC = re.compile(rf"({'|'.join(STORES.names())})\s*[:(]")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def open_store(
    store: str | Path | Store, model: Model | None, pin: Pin | None, *, writing: bool
) -> tuple[Store, Pin]:
    """A store, and what its vectors are of; see `Gallery`.

    Raises:
        GalleryError: If there is none and none can be made, or it is something else.
        ForeignEmbedding: If it is another model's.
    """
    if model is not None:
        pin = Pin(model.fingerprint, model.manifest.distance, model.dim)
    with ExitStack() as refused:
        if not isinstance(store, Store):
            store = STORES.build(store_spec(store), pin=pin, writing=writing)
            refused.callback(store.close)
        there = store.state().pin
        if pin is not None and pin != there:
            raise foreign_embedding(pin.fingerprint, there)
        refused.pop_all()
    return store, there


def rows_of(
    embeddings: Embeddings,
    ids: Sequence[str] | None,
    metadata: Sequence[Metadata] | None,
    items: Sequence[bytes | None] | None,
) -> Rows:
    """Embedded items as rows; their ids are their places where none were given.

    Raises:
        BadArgument: If one cannot be kept.
    """
    table = embeddings.items
    return Rows.of(
        table.places.tolist() if ids is None else ids,
        table.identities.tolist(),
        embeddings.vectors,
        metadata,
        items,
    )


def condition_of(where: str | Condition | None) -> Condition | None:
    """A condition from its text.

    Raises:
        BadCondition: If it cannot be read.
    """
    return parse_condition(where) if isinstance(where, str) else where


def ratios_of(model: Model, calibration: str) -> Callable[[Array], Array] | None:
    """What gives the likelihood ratios of the plain distance; None in a model without any."""
    if not model.calibrations:
        return None
    return model.calibration(calibration, "distance").ratios


def vector_of(probe: object, model: Model | None, pin: Pin) -> Float[Array, "1 dim"]:
    """The one vector that is asked about.

    Args:
        probe: The embedding of one item; or an item, as the path of a file, its bytes, a PIL image
            or an array.
        model: What embeds items; None where there is none.
        pin: What the gallery's vectors are of.

    Raises:
        ForeignEmbedding: If another model made the embedding.
        BadArgument: If it is not of one item, or is an item and there is no model.
    """
    if isinstance(probe, Embeddings):
        check_fingerprint(probe, pin)
        if len(probe.vectors) != 1:
            raise BadArgument(
                f"The probe is {len(probe.vectors)} vectors, and one is expected. Ask for one at a "
                "time."
            )
        return probe.vectors
    if model is None:
        raise no_model()
    return model.embed_one(*as_item(probe, model.kind, "the probe"))


def no_model() -> BadArgument:
    """The error for an item where nothing can embed it."""
    return BadArgument(
        "An item was given to a gallery that was opened without its model. Open it with the "
        "model, or give the item's embedding."
    )


def check_fingerprint(embeddings: Embeddings, pin: Pin) -> None:
    """Refuse embeddings of another model.

    Raises:
        ForeignEmbedding: If they are.
    """
    if embeddings.fingerprint != pin.fingerprint:
        raise foreign_embedding(embeddings.fingerprint, pin)


def changed(
    entry: Entry,
    pin: Pin,
    embedding: Embeddings | None,
    identity: str | None,
    metadata: Metadata | None,
) -> Entry:
    """An entry with what was given in the place of what it has; see `Gallery.update`.

    Raises:
        ForeignEmbedding: If another model made the embedding.
        BadArgument: If it is not of one item.
    """
    if embedding is not None:
        check_fingerprint(embedding, pin)
        if len(embedding.vectors) != 1:
            raise BadArgument(
                f"{entry.id} was to get {len(embedding.vectors)} vectors, and one is expected."
            )
        # Where the old item came from says nothing of the new one.
        left = {name: one for name, one in entry.metadata.items() if name not in (PATH, DIGEST)}
        entry = replace(entry, vector=embedding.vectors[0], item=None, metadata=left)
    if identity is not None:
        entry = replace(entry, identity=identity)
    if metadata is not None:
        # Where the item came from stays true of it.
        origin = {name: one for name, one in entry.metadata.items() if name in (PATH, DIGEST)}
        entry = replace(entry, metadata={**origin, **metadata})
    return entry


def foreign_embedding(fingerprint: str, pin: Pin) -> ForeignEmbedding:
    """The error for vectors of another model than the gallery's."""
    return ForeignEmbedding(
        f"These vectors were made by model {fingerprint[:12]}, and the gallery holds those of "
        f"{pin.fingerprint[:12]}: distances between them mean nothing. Use the model that the "
        "gallery was made with."
    )


def not_enrolled(given: str) -> NotEnrolled:
    """The error for an id under which nothing is enrolled."""
    return NotEnrolled(
        f"Nothing is enrolled under the id {shortened(given, 200)!r}. Look for it: likewise "
        "gallery list GALLERY."
    )
