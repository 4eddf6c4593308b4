"""The nouns of the stores: what is kept, what changes, what is found."""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from likewise.errors import (
    BadArgument,
    ForeignEmbedding,
    GalleryBusy,
    GalleryClosed,
    WrongDimension,
)
from likewise.io.display import shortened
from likewise.shapes import Array, Bool, Float, Shaped
from likewise.stores.index.indexing import Indexed, IndexRequest
from likewise.stores.keepable import check_field, check_text, check_value

Value: TypeAlias = str | int | float | bool
Metadata: TypeAlias = Mapping[str, Value]

LARGEST_METADATA = 2**16
_BETWEEN = ",\n"
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(_BETWEEN, ": "))
# The squares of larger numbers are infinite in float32.
LARGEST_ENTRY = 1e15


@dataclass(frozen=True)
class Pin:
    """What a store's vectors are of; it never changes.

    Attributes:
        fingerprint: Of the model that made them.
        distance: Spec of what compares them.
        dim: Length of each.
    """

    fingerprint: str
    distance: str
    dim: int


@dataclass(frozen=True)
class Rows:
    """Some rows, column by column.

    Attributes:
        ids: Different strings.
        identities: Who or what each shows.
        vectors: Float32; without columns where nobody asked for them.
        metadata: Of each; strings, numbers and booleans by name.
        items: The raw item of each that was kept, else None.
    """

    ids: Sequence[str]
    identities: Sequence[str]
    vectors: Float[Array, "n dim"]
    metadata: Sequence[Metadata]
    items: Sequence[bytes | None]

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        identities: Sequence[str],
        vectors: Float[Array, "n dim"],
        metadata: Sequence[Metadata] | None = None,
        items: Sequence[bytes | None] | None = None,
    ) -> "Rows":
        """Rows that can be kept; columns left out are empty.

        Raises:
            BadArgument: If there are not as many of each, or one cannot be kept.
        """
        count = len(ids)
        made = cls(
            list(ids),
            list(identities),
            np.ascontiguousarray(vectors, dtype=np.float32),
            [{}] * count if metadata is None else list(metadata),
            [None] * count if items is None else list(items),
        )
        lengths = {
            "identities": len(made.identities),
            "vectors": len(made.vectors),
            "metadata": len(made.metadata),
            "items": len(made.items),
        }
        for name, length in lengths.items():
            if length != count:
                raise BadArgument(f"{count} ids came with {length} {name}. Give as many of each.")
        for name, texts in (("id", made.ids), ("identity", made.identities)):
            for text in texts:
                check_text(name, text)
        # The largest is not a number if any is none.
        largest = np.abs(made.vectors).max(axis=1, initial=0.0)
        if not (largest <= LARGEST_ENTRY).all():
            row = int(np.flatnonzero(~(largest <= LARGEST_ENTRY))[0])
            raise BadArgument(
                f"The vector of {shortened(made.ids[row], 100)} holds a number that is not finite "
                f"or beyond {LARGEST_ENTRY:g}. Look at what made it."
            )
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, which: Bool[Array, "n"]) -> "Rows":
        """The rows that are marked."""
        at = np.flatnonzero(which).tolist()
        return Rows(
            [self.ids[one] for one in at],
            [self.identities[one] for one in at],
            self.vectors[which],
            [self.metadata[one] for one in at],
            [self.items[one] for one in at],
        )


@dataclass(frozen=True)
class Moved:
    """Other vectors for all rows at once, of another model; all else of the rows stays.

    Attributes:
        pin: What the vectors are of.
        generation: Of the rows that they were made for; if others were written since, nothing is
            moved.
        vectors: Gives those of some ids.
        left_out: Ids of rows that are removed, since there are no vectors for them.
    """

    pin: Pin
    generation: int
    vectors: Callable[[Sequence[str]], Float[Array, "n dim"]]
    left_out: Sequence[str] = ()

    def check(self, name: object, generation: int) -> None:
        """Refuse a gallery whose rows were written since.

        Raises:
            GalleryBusy: If they were.
        """
        if generation != self.generation:
            raise GalleryBusy(
                f"{name} was changed while its vectors were made. Make those of the rows that are "
                "new, and try again."
            )

    def of(self, ids: Sequence[str]) -> Float[Array, "n dim"]:
        """The vectors of some ids.

        Raises:
            WrongDimension: If they are not as many, or not as long, as the pin says.
        """
        made = self.vectors(ids)
        if made.shape != (len(ids), self.pin.dim):
            raise WrongDimension(
                f"{len(ids)} rows were to get vectors of {self.pin.dim} numbers, and got "
                f"{list(made.shape)}."
            )
        return made


@dataclass(frozen=True)
class Change:
    """What is written at once.

    Attributes:
        put: Rows to write; of two with one id the first counts.
        taken: Which of them: the `new` ones, whose ids are not there yet, or the `known` ones,
            which then replace the rows that are there.
        remove: Ids of rows to remove; this comes first.
        reclaim: Give the place of removed rows back to the disk, which takes time.
        moved: Vectors of another model for all rows, in place of all that is above; see
            `Store.staging`. Whoever has the store open then is refused with `ForeignEmbedding`, and
            an index is made again where the new vectors can have one.
        index: The index to make for approximate search, which takes time; this comes last, and is
            no change of rows.
    """

    put: Rows | None = None
    taken: Literal["new", "known"] = "new"
    remove: Sequence[str] = ()
    reclaim: bool = False
    moved: Moved | None = None
    index: IndexRequest | None = None


@dataclass(frozen=True)
class Written:
    """What a change did.

    Attributes:
        generation: What `State.generation` is, once reads show it.
        put: Which rows were written; the others were known (or, to replace, were not).
        removed: Which ids were removed; the others were not there.
    """

    generation: int
    put: Bool[Array, "n"]
    removed: Bool[Array, "m"]


@dataclass(frozen=True)
class Line:
    """A line of the log.

    Attributes:
        at: When, in seconds since 1970.
        action: `enrolled`, `updated` or `removed`.
        digest: The keyed hash of the id; `State.digest` gives that of an id.
    """

    at: int
    action: str
    digest: bytes


@dataclass(frozen=True)
class StoreState:
    """What a store holds at a moment.

    Attributes:
        pin: What its vectors are of.
        count: How many rows (that fulfil the condition that was given).
        generation: Of the last change that reads show; it rises with every change.
        removals: How many rows were ever removed or replaced.
        reads: `fresh` if every read shows every change that was acknowledged before it, else
            `eventual`.
        bytes_used: By its files.
        erases: When what was removed is gone from the store's files, too: `written` if the change
            that removes it sees to that, else `reclaimed`, by a change that reclaims.
        log_key: The key of the log's hashes, a secret of the store.
        log: The newest lines of the log, newest first; as many as were asked for.
        index: That of approximate search; None where there is none.
        checksums: Whether every row and vector has a checksum; None where the server sees to that.
        damaged: The ids of entries that were found damaged, and are left out of every answer.
    """

    pin: Pin
    count: int
    generation: int
    removals: int
    reads: Literal["fresh", "eventual"]
    bytes_used: int
    log_key: bytes
    erases: Literal["written", "reclaimed"] = "written"
    log: tuple[Line, ...] = ()
    index: Indexed | None = None
    checksums: bool | None = None
    damaged: tuple[str, ...] = ()

    def digest(self, given: str) -> bytes:
        """What stands for an id in the log."""
        return digest(self.log_key, given)


@dataclass(frozen=True)
class Match:
    """A row that was found.

    Attributes:
        id: Of the row.
        identity: Who or what it shows.
        distance: From the query.
        metadata: Of the row.
    """

    id: str
    identity: str
    distance: float
    metadata: Metadata


def digest(key: bytes, given: str) -> bytes:
    """The keyed hash that stands for an id in a log."""
    return hmac.digest(key, given.encode(), "sha256")


def metadata_texts(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The metadata of each row as the JSON object that is kept.

    Raises:
        BadArgument: If a name or a value is none that can be kept.
    """
    checked: set[str] = set()
    for metadata in rows:
        for name, value in metadata.items():
            if name not in checked:
                check_field(name)
                checked.add(name)
            check_value(name, value)
    # All at once is several times as fast as one by one. Between values alone is there a line's
    # end, which JSON escapes in texts.
    whole = _JSON.encode([dict(metadata) for metadata in rows])
    each = whole[2:-2].split(f"}}{_BETWEEN}{{") if len(rows) else []
    found = [f"{{{text.replace(_BETWEEN, ', ')}}}" for text in each]
    for text in found:
        if len(text) > LARGEST_METADATA:
            raise BadArgument(
                f"Metadata of {len(text):,} characters were given; at most {LARGEST_METADATA:,} "
                "are kept of a row. Keep large things elsewhere, under the row's id."
            )
    return found


def check_same_pin(path: Path | str, there: Pin, given: Pin) -> None:
    """Refuse a gallery whose vectors are of something else.

    Raises:
        ForeignEmbedding: If another model made them.
        WrongDimension: If they have another length.
    """
    if there.dim != given.dim and there.fingerprint == given.fingerprint:
        raise WrongDimension(
            f"{path} holds vectors of {there.dim} numbers, and {given.dim} were given. Use the "
            "model that it was made with."
        )
    if there != given:
        raise ForeignEmbedding(
            f"{path} holds vectors ({there.distance}, {there.dim} numbers) of the model "
            f"{there.fingerprint[:12]}, and those of {given.fingerprint[:12]} ({given.distance}, "
            f"{given.dim} numbers) were given: distances between them mean nothing. Use the model "
            "that it was made with, or make another gallery."
        )


def closed_gallery(path: Path | str) -> GalleryClosed:
    """The error where a gallery is used after it was closed."""
    return GalleryClosed(
        f"{path} is used after it was closed. Open it again, or ask within the with statement that "
        "opens it."
    )


def unfinished_migration(
    staging: Path | str, error: ForeignEmbedding, discard: str
) -> ForeignEmbedding:
    """The error where the vectors of yet another model stand beside a gallery."""
    return ForeignEmbedding(
        f"{staging} is an unfinished migration to another model. Go on with that one, or {discard} "
        f"({error})"
    )


def check_not_migrated(path: Path | str, there: Pin, opened: Pin | None) -> None:
    """Refuse a gallery that went over to another model since it was opened.

    Raises:
        ForeignEmbedding: If it did.
    """
    if opened is not None and there != opened:
        raise ForeignEmbedding(
            f"{path} was opened with the vectors of the model {opened.fingerprint[:12]}, and holds "
            f"those of {there.fingerprint[:12]} now: it was migrated, or made anew. Open it again, "
            "with that model."
        )


@dataclass(frozen=True)
class Neighbours:
    """The ids that were found for every query, nearest first.

    Attributes:
        ids: Strings; empty where there are fewer.
        distances: Of each; infinite where there are fewer.
    """

    ids: Shaped[Array, "n k"]
    distances: Float[Array, "n k"]

    @classmethod
    def of(cls, found: Sequence[tuple[Sequence[str], Sequence[float]]], k: int) -> "Neighbours":
        """What was found for every query, in arrays of so many columns at most."""
        k = min(k, max((len(names) for names, _ in found), default=0))
        ids = np.full((len(found), k), "", dtype=object)
        distances = np.full((len(found), k), np.inf, dtype=np.float32)
        for at, (names, far) in enumerate(found):
            ids[at, : len(names)] = names
            distances[at, : len(far)] = far
        return cls(ids, distances)
