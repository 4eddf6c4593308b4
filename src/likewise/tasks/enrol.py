"""Put the items of a source into a gallery."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import as_source
from likewise.errors import BadArgument
from likewise.gallery import Gallery
from likewise.io.display import printable
from likewise.io.progress import Watch, watched
from likewise.model import Model, as_model
from likewise.results import Embeddings, Result
from likewise.shapes import Array, Float
from likewise.sources.base import Source
from likewise.sources.table import Table
from likewise.sources.tabular.notes import Notes
from likewise.stores.keepable import can_be_asked
from likewise.stores.rows import Metadata, metadata_texts
from likewise.tasks.origins import origin_of
from likewise.types import Items

# Written at once: each change waits for the disk a few times, and is lost as a whole by a kill.
_AT_ONCE = 1024


@dataclass(frozen=True, repr=False)
class EnrolledSource(Result):
    """What became of the items of a source.

    Attributes:
        added: How many were enrolled.
        known: The ids that were enrolled already; they were replaced if that was asked for.
        failed: Place and reason of each item that could not be read, or is forged.
        trained: Identities that the model was trained on. A threshold for strangers that is found
            among them is too wide, since training pushed them apart.
        passed: Columns of the source's table that could not become metadata.
    """

    added: int
    known: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    trained: tuple[str, ...]
    passed: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return how many were enrolled."""
        failed = f", {len(self.failed):,} failed" if self.failed else ""
        return f"{self.added:,} added, {len(self.known):,} known already{failed}"


def enrol(
    model: Model | str | Path,
    gallery: str | Path | Gallery,
    source: object,
    *,
    metadata: Metadata | None = None,
    keep_items: bool = False,
    paths: bool = True,
    replace: bool = False,
    strict: bool = False,
    force: bool = False,
    threads: int | None = None,
    progress: Watch = None,
) -> EnrolledSource:
    """Enrol every item of a source, under its place as its id; identities are those of the source.

    What was enrolled before a stop stays enrolled, and the same call goes on from there.

    Args:
        model: What embeds them, or the path of its folder.
        gallery: Its path, or the gallery; made where there is none.
        source: The items: a path, a spec, a list of paths, PIL images or arrays, one array of all
            items, (X, y) with labels, a frame, pairs, or a `Source`.
        metadata: Of every item, beside its `group` where the source has groups, and what the
            other columns of a table say of it.
        keep_items: Keep the bytes of every file in the gallery.
        paths: Note the path of every file, and the SHA-256 of what is in it, in its metadata: what
            `migrate` embeds again. Items in archives and arrays have no path.
        replace: Put items in the place of those that are enrolled under the same ids.
        strict: Stop at the first item that cannot be read.
        force: Enrol identities, too, whose names cannot be told by eye from others'.
        threads: How many decode and embed; as many as there are cores (at most 16) if None.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        ForeignEmbedding: If the gallery is another model's.
        BadArgument: If metadata or an item cannot be kept, or a name cannot be told by eye from
            that of another identity.
        WrongKind: If they are another kind of item than the model was trained on.
        SaveFailed: If they cannot be written; what was enrolled before stays.

    Example:
        >>> import likewise
        >>> likewise.enrol("model", "new.db", (["a.png", "c.png"], ["ann", "bob"]))
        EnrolledSource(2 added, 0 known already)
    """
    metadata_texts([metadata or {}])
    model = as_model(model)
    source = as_source(source, kind=model.kind)
    items = source.items()
    if not isinstance(gallery, Gallery):
        with Gallery(gallery, model) as opened:
            return enrol(
                model,
                opened,
                source,
                metadata=metadata,
                keep_items=keep_items,
                paths=paths,
                replace=replace,
                strict=strict,
                force=force,
                threads=threads,
                progress=progress,
            )
    if not force:
        gallery.check_names(items.identities.tolist())
    failed = [
        (str(place), "it is forged, and shows nobody") for place in items.places[items.forged]
    ]
    items = items.take(np.flatnonzero(~items.forged))
    notes, passed = _notes_of(source)
    spooled = _Spooled(gallery, items, dict(metadata or {}), notes, keep_items, paths, replace)
    try:
        with watched(progress, "enrolling") as told:
            for block in model.blocks(items, strict=strict, threads=threads):
                spooled.add(block.rows, block.vectors)
                failed += block.failed
                if told is not None:
                    told(block.done, len(items))
    finally:
        # What is embedded is not lost when a later item stops the rest.
        spooled.write()
    trained = tuple(map(printable, model.trained_on.trained(items)))
    return EnrolledSource(spooled.added, tuple(spooled.known), tuple(failed), trained, passed)


def _notes_of(source: Source) -> tuple[Notes, tuple[str, ...]]:
    """What a table says of its items beside their labels, and the columns that cannot be kept."""
    if not isinstance(source, Table):
        return Notes({}, ()), ()
    notes = source.notes()
    named = {name: column for name, column in notes.columns.items() if can_be_asked(name)}
    unnamed = tuple(name for name in notes.columns if name not in named)
    return Notes(named, ()), tuple(map(printable, (*notes.passed, *unnamed)))


class _Spooled:
    """Embedded items on their way into a gallery."""

    def __init__(
        self,
        gallery: Gallery,
        items: Items,
        metadata: Metadata,
        notes: Notes,
        keep: bool,
        paths: bool,
        replace: bool,
    ) -> None:
        self.gallery = gallery
        self.items = items
        self.metadata = metadata
        self.notes = notes
        self.keep = keep
        self.paths = paths
        self.replace = replace
        self.rows: list[Array] = []
        self.vectors: list[Array] = []
        self.added = 0
        self.known: list[str] = []

    def add(self, rows: Array, vectors: Float[Array, "n dim"]) -> None:
        """Take some, and write when there are many."""
        self.rows.append(rows)
        self.vectors.append(vectors)
        if sum(map(len, self.rows)) >= _AT_ONCE:
            self.write()

    def write(self) -> None:
        """Enrol what is there."""
        if not self.rows:
            return
        rows, vectors = np.concatenate(self.rows), np.concatenate(self.vectors)
        self.rows, self.vectors = [], []
        table = self.items.take(rows)
        ids = [printable(place) for place in table.places.tolist()]
        # An item without an identity is nobody but itself.
        pairs = zip(table.identities.tolist(), ids, strict=True)
        named = np.array([printable(who) or name for who, name in pairs])
        plain = Items.build(table.namespace, named.tolist(), table.kind, ids, table.reader)
        done = self.gallery.enrol(
            Embeddings(vectors, self._fingerprint, plain),
            metadata=[self._metadata(table, at) for at in range(len(rows))],
            items=[self._kept(table, at) for at in range(len(rows))] if self.keep else None,
            replace_known=self.replace,
            force=True,  # they were looked at before the first was embedded
        )
        self.added += done.added
        self.known += done.known

    def _metadata(self, table: Items, at: int) -> Metadata:
        group = printable(str(table.groups[at]))
        found = origin_of(str(table.places[at])) if self.paths else {}
        found |= {"group": group} if group else {}
        return {**found, **self.notes.of(int(table.rows[at])), **self.metadata}

    @property
    def _fingerprint(self) -> str:
        return self.gallery.pin.fingerprint

    def _kept(self, table: Items, at: int) -> bytes:
        raw = table.read(at)
        if not isinstance(raw, bytes):
            raise BadArgument(
                f"{printable(str(table.places[at]))} is no file, and only the bytes of files are "
                "kept. Enrol without keeping items."
            )
        return raw
