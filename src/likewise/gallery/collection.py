"""A gallery: a store of one model's embeddings, and what is asked of it."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import BadArgument
from likewise.gallery.identifying import Snapshot, identified
from likewise.gallery.open_set import Limit
from likewise.gallery.request import (
    IdentificationRequest,
    changed,
    check_fingerprint,
    condition_of,
    no_model,
    not_enrolled,
    open_store,
    rows_of,
    vector_of,
)
from likewise.gallery.result import Enrolled, Entry, Identified, Matches
from likewise.gallery.templates import Rule
from likewise.io.names import confusable, spelt
from likewise.model import Model, as_model
from likewise.renamed import renamed_arguments
from likewise.results import Embeddings
from likewise.stores.base import Store
from likewise.stores.index.indexing import Indexed, IndexMethod, IndexRequest
from likewise.stores.rows import Change, Metadata, Pin, Rows
from likewise.stores.where import Comparison, Condition


class Gallery:
    """Things that are known, each by the embeddings of one model; every thread may use it.

    A gallery knows the fingerprint of the model that its vectors were made by, and refuses those
    of every other. It compares by the model's plain distance, also where the model has a matcher.

    Close it, or open it in a `with` statement; one that is left open warns (`ResourceWarning`) when
    nobody needs it any more. A pickle or a copy of it holds where the gallery and the model are and
    whether anything may be written, but no password (PGPASSWORD or ~/.pgpass has it there); it is
    opened again when it is first used. That is for processes of your own: Likewise reads no pickle
    from a file.

    Args:
        store: The path of a gallery, a store's spec, or a store.
        model: What embeds, or the path of its folder; it makes the gallery where there is none.
            Without it, embeddings and ids can be asked about, and no items.
        pin: What its vectors are of, in place of a model.
        writing: Whether anything may be written.

    Raises:
        GalleryError: If there is none and none can be made, or it is something else.
        ForeignEmbedding: If it is another model's.

    Example:
        >>> import likewise
        >>> with likewise.Gallery("people.db", "model") as people:
        ...     people.count(), people.identities()
        (126, 63)
    """

    # How one that was sent here is opened: a function, and its arguments.
    _place: tuple[Any, ...] | None = None

    def __init__(
        self,
        store: str | Path | Store,
        model: Model | str | Path | None = None,
        *,
        pin: Pin | None = None,
        writing: bool = True,
    ) -> None:
        self.model = None if model is None else as_model(model)
        self.store, self.pin = open_store(store, self.model, pin, writing=writing)
        self._known = Snapshot(self.store, self.pin)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in ("store", "pin", "_known") or self._place is None:
                raise AttributeError(f"'Gallery' object has no attribute {name!r}")
            open_again, arguments = self._place
            Gallery.__init__(self, open_again(*arguments), self.model)
            return vars(self)[name]

    def __reduce__(self) -> tuple[Callable[..., "Gallery"], tuple[Any, ...]]:
        # The store's own would open it where it is unpickled.
        place = self._place or self.store.__reduce__()
        return (_sent_here, (place, self.model))

    def __copy__(self) -> "Gallery":
        return Gallery(copy(self.store), self.model)

    def __deepcopy__(self, known: dict[int, object]) -> "Gallery":
        return self.__copy__()

    def close(self) -> None:
        """Give back what is held open; what is asked after that raises `GalleryClosed`."""
        if "store" in vars(self):  # one that was sent here is opened when it is first used
            self.store.close()

    def __enter__(self) -> "Gallery":  # noqa: PYI034 - beartype cannot check Self
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def count(self, where: str | Condition | None = None) -> int:
        """How many entries fulfil a condition; how many there are without one.

        Raises:
            BadCondition: If it cannot be read.
        """
        return self.store.state(condition_of(where)).count

    def enrol(
        self,
        embeddings: object,
        *,
        ids: Sequence[str] | None = None,
        metadata: Sequence[Metadata] | None = None,
        items: Sequence[bytes | None] | None = None,
        replace_known: bool = False,
        force: bool = False,
    ) -> Enrolled:
        """Enrol items; when this returns they are on the disk, all of them.

        Args:
            embeddings: Of the items, with their identities; or the items, in any form that
                `likewise.enrol` takes.
            ids: Of each; the places of the items if None.
            metadata: Of each.
            items: The raw items, to keep them too.
            replace_known: Put them in the place of what is enrolled under the same ids, which
                otherwise stays as it was.
            force: Enrol an identity, too, whose name cannot be told by eye from another's.

        Raises:
            ForeignEmbedding: If another model made the embeddings.
            BadArgument: If an id, an identity or metadata cannot be kept, or a name cannot be told
                by eye from that of another identity.
            SaveFailed: If they cannot be written; the gallery is as it was.
        """
        embeddings = self._embedded(embeddings)
        if not force:
            self.check_names(embeddings.items.identities.tolist())
        rows = rows_of(embeddings, ids, metadata, items)
        put = self.store.write(Change(rows)).put
        known = tuple(rows.ids[at] for at in np.flatnonzero(~put).tolist())
        if replace_known and known:
            self.store.write(Change(rows.take(~put), taken="known"))
        return Enrolled(int(put.sum()), known)

    def check_names(self, names: Sequence[str]) -> None:
        """Refuse identities whose names cannot be told by eye from others.

        Args:
            names: Of identities that are to be enrolled.

        Raises:
            BadArgument: Naming them as they are spelt.
        """
        if found := confusable(names, self.store.identities()):
            one, other = found[0]
            more = f" So are {len(found) - 1} more." if len(found) > 1 else ""
            raise BadArgument(
                f"The identities {spelt(one)} and {spelt(other)} look the same, and are spelt "
                f"differently.{more} Spell them the same if they are one, or enrol them as two "
                "with --force (force=True)."
            )

    def update(
        self,
        id: str,  # noqa: A002 - as it is called everywhere else
        *,
        embedding: Embeddings | None = None,
        identity: str | None = None,
        metadata: Metadata | None = None,
    ) -> Entry:
        """Change an entry; what is left out stays. The old vector is overwritten.

        Args:
            id: Of the entry.
            embedding: Of one item; an item that was kept is then forgotten.
            identity: Who it shows.
            metadata: All of its metadata, but for where a file that it still shows came from.

        Raises:
            NotEnrolled: If there is none of that id.
            ForeignEmbedding: If another model made the embedding.
            BadArgument: If it is not of one item, or something cannot be kept.
        """
        entry = changed(self.get(id), self.pin, embedding, identity, metadata)
        rows = Rows.of([id], [entry.identity], entry.vector[None], [entry.metadata], [entry.item])
        if not self.store.write(Change(rows, taken="known")).put.all():
            raise not_enrolled(id)
        return entry

    def remove(self, *ids: str) -> int:
        """Remove entries for good, and say how many were there; their vectors are overwritten."""
        return int(self.store.write(Change(remove=ids)).removed.sum())

    def remove_identity(self, identity: str) -> int:
        """Remove all entries of an identity for good, and say how many there were."""
        removed, condition = 0, Comparison("identity", "=", identity)
        while ids := [one for part in self.rows(condition, vectors=False) for one in part.ids]:
            removed += self.remove(*ids)
        return removed

    def compact(self) -> None:
        """Give the place of removed entries back to the disk.

        Raises:
            SaveFailed: If there is no space for the copy; the gallery is as it was.
        """
        self.store.write(Change(reclaim=True))

    def index(self, kind: IndexMethod = "hnsw", recall: float = 0.99) -> Indexed | None:
        """Make an index for approximate search, and say what it is worth; see `IndexRequest`.

        It may be deleted or fall behind; rows that it lacks are searched exactly beside it.

        Raises:
            BadArgument: If there is none of that kind for the gallery, or nothing is enrolled.
            MissingExtra: If what makes it, FAISS, is not installed.
            SaveFailed: If it cannot be written; the old one stands.
        """
        self.store.write(Change(index=IndexRequest(kind, recall)))
        return self.store.state().index

    def get(self, id: str) -> Entry:  # noqa: A002 - as above
        """What is enrolled under an id.

        Raises:
            NotEnrolled: If nothing is.
        """
        for rows in self.store.read([id], items=True):
            if len(rows):
                return Entry(
                    id, rows.identities[0], rows.vectors[0], rows.metadata[0], rows.items[0]
                )
        raise not_enrolled(id)

    def rows(
        self, where: str | Condition | None = None, *, vectors: bool = True, items: bool = False
    ) -> Iterator[Rows]:
        """All entries that fulfil a condition, some at a time."""
        return self.store.read(where=condition_of(where), vectors=vectors, items=items)

    def search(
        self,
        probe: object,
        k: int = 10,
        where: str | Condition | None = None,
        *,
        approximate: bool = False,
    ) -> Matches:
        """The nearest entries to an item, nearest first.

        Args:
            probe: The path of a file, its bytes, a PIL image, an array, or the embedding of one
                item.
            k: How many; fewer where there are fewer.
            where: What their metadata must be: `season = "winter"`.
            approximate: Whether the gallery's index may answer; see `index`. Where it has none of
                use, the answer is exact.

        Raises:
            BadCondition: If the condition cannot be read.
            ForeignEmbedding: If another model made the embedding.
            UnreadableItem: If the item cannot be decoded.
        """
        vector = vector_of(probe, self.model, self.pin)
        found = self.store.nearest(vector, k, condition_of(where), approximate=approximate)
        return Matches(tuple(found[0]))

    def like(
        self,
        id: str,  # noqa: A002 - as above
        k: int = 10,
        where: str | Condition | None = None,
        *,
        approximate: bool = False,
    ) -> Matches:
        """The nearest entries to one that is enrolled, without itself.

        Raises:
            NotEnrolled: If there is none of that id.
        """
        vector, condition = self.get(id).vector[None], condition_of(where)
        found = self.store.nearest(vector, k + 1, condition, approximate=approximate)[0]
        return Matches(tuple(match for match in found if match.id != id)[:k])

    @renamed_arguments(rule="fusion")
    def identify(
        self,
        probe: object,
        *,
        fpir: float | None = None,
        prior_unknown: float = 0.5,
        fusion: Rule = "nearest",
        calibration: str = "default",
        candidates: int = 5,
    ) -> Identified:
        """Who an item shows, or that it shows nobody of the gallery.

        The threshold is that of the gallery as it now is; see `limit_for`. The probabilities come
        from the model's calibration of single pairs.

        Args:
            probe: The path of a file, its bytes, a PIL image, an array, or the embedding of one
                item.
            fpir: The share of strangers that may be taken for somebody; by default .01 where the
                gallery supports it, else the smallest that it does.
            prior_unknown: How often a probe shows nobody of the gallery.
            fusion: How several templates are fused: `nearest`, `mean` or `centroid`.
            calibration: Which of the model's calibrations gives the probabilities.
            candidates: How many to name.

        Raises:
            UnsupportedRate: If a rate was asked for that the gallery cannot support.
            NotCalibrated: If the model has no calibration of that name.
            NotEnrolled: If the gallery is empty.
        """
        vector = vector_of(probe, self.model, self.pin)
        request = IdentificationRequest(fpir, prior_unknown, fusion, calibration, candidates)
        return identified(self._known, vector, self.model, request)[0]

    @renamed_arguments(rule="fusion")
    def identify_many(
        self,
        probes: object,
        *,
        fpir: float | None = None,
        prior_unknown: float = 0.5,
        fusion: Rule = "nearest",
        calibration: str = "default",
        candidates: int = 5,
    ) -> list[Identified]:
        """Who each of many items shows, in their order; see `identify`.

        All are held against the same state of the gallery, which is looked at once. This is
        for probes that nobody waits for one by one: 12,000 against 700 identities take seconds.
        """
        request = IdentificationRequest(fpir, prior_unknown, fusion, calibration, candidates)
        return self.answer(self._embedded(probes), request)

    def _embedded(self, items: object) -> Embeddings:
        """The embeddings of items, by the gallery's model where they are not embedded yet."""
        if not isinstance(items, Embeddings):
            if self.model is None:
                raise no_model()
            items = self.model.embed(items)
        check_fingerprint(items, self.pin)
        return items

    def answer(self, probes: Embeddings, request: IdentificationRequest) -> list[Identified]:
        """Say who each of many items shows by a request; see `identify_many`."""
        check_fingerprint(probes, self.pin)
        return identified(self._known, probes.vectors, self.model, request)

    def identities(self) -> int:
        """How many different identities are enrolled."""
        return len(self._known.templates())

    @renamed_arguments(rule="fusion")
    def limit(self, fpir: float, fusion: Rule = "nearest") -> Limit:
        """The threshold for a false-identification rate among those that are now enrolled.

        Args:
            fpir: The rate.
            fusion: How templates are fused.

        Raises:
            BadArgument: If the rate is not between 0 and 1, or the fusion is none.
        """
        return self._known.limit(fpir, fusion)


def _sent_here(place: tuple[Any, ...], model: Model | None) -> Gallery:
    # Opened when it is first used: a pool hangs where an argument cannot be unpickled, and tells
    # what a task raises.
    gallery = Gallery.__new__(Gallery)
    vars(gallery).update(model=model, _place=place)
    return gallery
