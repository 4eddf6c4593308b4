"""Go over to another model: every item of a gallery is embedded again."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import as_source
from likewise.errors import DamagedGallery, EmptySource, GalleryBusy, MissingItems, UnreadableItem
from likewise.gallery import TARGETS, Gallery, Limit
from likewise.io.display import printable, shortened
from likewise.io.progress import Watch, watched
from likewise.model import Model, as_model
from likewise.results import Result
from likewise.shapes import Array, Float
from likewise.stores.base import Store
from likewise.stores.rows import Change, Moved, Pin, Rows
from likewise.tasks.origins import Origins
from likewise.types import Items, Raw

_AT_ONCE = 256
_TRIES = 100
_SHOWN = 10
# Which of the gallery's vectors a new one stands for.
_OF = "of"


@dataclass(frozen=True, repr=False)
class Migration(Result):
    """What became of a gallery.

    Attributes:
        entries: How many it holds, of the new model.
        embedded: How many were embedded now.
        resumed: How many had been embedded before a stop.
        left_out: Id and reason of each that was removed, since it could not be embedded again.
        before: The thresholds of the old model, for the rates that a gallery may be asked for.
        after: Those of the new one; distances of two models are on two scales.
    """

    entries: int
    embedded: int
    resumed: int
    left_out: tuple[tuple[str, str], ...]
    before: tuple[Limit, ...]
    after: tuple[Limit, ...]

    def summary(self) -> str:
        """Return how many entries are of the new model now."""
        return f"{self.entries:,} entries, {self.embedded:,} embedded now"


def migrate(
    gallery: str | Path,
    model: Model | str | Path,
    *,
    source: object = None,
    leave_out: bool = False,
    threads: int | None = None,
    progress: Watch = None,
) -> Migration:
    """Give a gallery the embeddings of another model; all else of its entries stays.

    The items are those that were kept, else those of a source at the same places, else the files
    whose paths were noted, if they have not changed. All are looked for before the first is
    embedded. The new embeddings stand beside the gallery (in GALLERY-migration, or in another
    table of the database) until all are there, and the old gallery serves meanwhile; then one
    transaction changes over. After a stop, the same call goes on, and embeds nothing twice.
    Whoever has the gallery open when it changes over is refused.

    Args:
        gallery: Its path, or its URL.
        model: The new one, or the path of its folder.
        source: Where items are, if not where they were: a path, a spec or a `Source`.
        leave_out: Remove the entries that cannot be embedded again, at the change, in place of
            refusing all.
        threads: How many decode and embed; as many as there are cores (at most 16) if None.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        BadArgument: If its store, one of another package, cannot go over.
        MissingItems: If items are not there, have changed or cannot be read; nothing is changed.
        ForeignEmbedding: If another migration is unfinished.
        GalleryError: If the gallery cannot be used.
        SaveFailed: If something cannot be written; the gallery is as it was.

    Example:
        >>> import likewise
        >>> likewise.migrate("people.db", "model")  # it is of this model already
        Migration(126 entries, 0 embedded now)
    """
    model = as_model(model)
    built = None if source is None else as_source(source, kind=model.kind)
    pin = Pin(model.fingerprint, model.manifest.distance, model.dim)
    with Gallery(gallery) as old:
        before = tuple(old.limit(target) for target in TARGETS)
        if old.pin == pin:
            old.store.discard_staging()
            return Migration(old.count(), 0, 0, (), before, before)
        if damaged := old.store.state().damaged:
            raise DamagedGallery(
                f"{len(damaged):,} entries are damaged, {shortened(damaged[0], 60)} first, and "
                "would be lost. Mend them first: likewise gallery check GALLERY OLD_MODEL."
            )
        with old.store.staging(pin) as staged:
            work = _Work(old, staged, model, Origins(built), threads)
            lost = work.missing()
            if lost and not leave_out:
                raise _refusal(lost, "Nothing was embedded yet.")
            resumed = work.ready
            with watched(progress, "embedding") as told:
                work.go_over(leave_out=leave_out, progress=told)
        old.store.discard_staging()
    with Gallery(gallery, model, writing=False) as new:
        after = tuple(new.limit(target) for target in TARGETS)
        left = tuple(work.left_out.items())
        return Migration(new.count(), work.embedded, resumed, left, before, after)


class _Work:
    """One migration."""

    def __init__(
        self,
        old: Gallery,
        staged: Store,
        model: Model,
        origins: Origins,
        threads: int | None,
    ) -> None:
        self.old = old
        self.staged = staged
        self.model = model
        self.origins = origins
        self.threads = threads
        self.embedded = 0
        self.ready = 0
        self.left_out: dict[str, str] = {}

    def missing(self) -> dict[str, str]:
        """The entries whose items are not there, and why; those that are embedded need none."""
        lost = {}
        self.ready = 0
        for rows in self._pending(self.old.rows(vectors=False)):
            for name, metadata, kept in zip(rows.ids, rows.metadata, rows.items, strict=True):
                try:
                    self.origins.read(name, metadata, kept)
                except UnreadableItem as error:
                    lost[name] = str(error)
        return lost

    def _pending(self, parts: Iterator[Rows]) -> Iterator[Rows]:
        """The rows that no new embedding stands for, some at a time, with their items."""
        for part in parts:
            for start in range(0, len(part), _AT_ONCE):
                ids = part.ids[start : start + _AT_ONCE]
                done = {
                    name: metadata[_OF]
                    for some in self.staged.read(ids, vectors=False)
                    for name, metadata in zip(some.ids, some.metadata, strict=True)
                }
                for rows in self.old.store.read(ids):
                    wanted = np.array(
                        [
                            done.get(name) != _mark(vector)
                            for name, vector in zip(rows.ids, rows.vectors, strict=True)
                        ],
                        dtype=np.bool_,
                    )
                    self.ready += int((~wanted).sum())
                    if not wanted.any():
                        continue
                    yield from self.old.store.read(rows.take(wanted).ids, items=True)

    def go_over(
        self,
        *,
        leave_out: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """Embed what is not embedded yet, and change over once nothing is left."""
        for _ in range(_TRIES):
            state = self.old.store.state()
            self._forget()
            # What could not be embedded a moment ago may have been enrolled again.
            self.left_out, self.ready, before = {}, 0, self.embedded
            for rows in self._pending(self.old.rows(vectors=False)):
                self._embed(rows)
                if progress is not None:
                    done = self.ready + self.embedded - before + len(self.left_out)
                    progress(min(done, state.count), state.count)
            if self.left_out and not leave_out:
                raise _refusal(self.left_out, "What was embedded is kept; nothing was changed.")
            moved = Moved(
                self.staged.state().pin, state.generation, self._vectors, tuple(self.left_out)
            )
            try:
                self.old.store.write(Change(moved=moved))
            except GalleryBusy:
                # Others enrolled, or removed, meanwhile.
                continue
            return
        raise GalleryBusy(
            f"Others changed the gallery while it was migrated, {_TRIES} times in a row. Run it "
            "again: what was embedded is kept."
        )

    def _embed(self, rows: Rows) -> None:
        wanted = [at for at, name in enumerate(rows.ids) if name not in self.left_out]
        raw: list[Raw] = []
        names = []
        for at in wanted:
            try:
                raw.append(self.origins.read(rows.ids[at], rows.metadata[at], rows.items[at]))
                names.append(at)
            except UnreadableItem as error:
                self.left_out[rows.ids[at]] = str(error)
        if not names:
            return
        ids = [rows.ids[at] for at in names]
        table = Items.build("gallery", ids, self.model.kind, ids, raw.__getitem__)
        # Where none of these few can be read, all of them are named already.
        with contextlib.suppress(EmptySource):
            for block in self.model.blocks(table, threads=self.threads):
                self._stage(rows, [names[row] for row in block.rows.tolist()], block.vectors)
                self.left_out |= dict(block.failed)

    def _stage(self, rows: Rows, at: Sequence[int], vectors: Float[Array, "n dim"]) -> None:
        if not at:
            return
        ids = [rows.ids[one] for one in at]
        made = Rows.of(
            ids,
            ["?"] * len(at),
            vectors,
            [{_OF: _mark(rows.vectors[one])} for one in at],
        )
        self.staged.write(Change(made, remove=ids))
        self.embedded += len(at)

    def _forget(self) -> None:
        """Forget the new embeddings of what is enrolled no more."""
        for part in self.staged.read(vectors=False):
            known = {
                name for some in self.old.store.read(part.ids, vectors=False) for name in some.ids
            }
            if gone := [name for name in part.ids if name not in known]:
                self.staged.write(Change(remove=gone))

    def _vectors(self, ids: Sequence[str]) -> Float[Array, "n dim"]:
        found = {
            name: vector
            for some in self.staged.read(ids)
            for name, vector in zip(some.ids, some.vectors, strict=True)
        }
        if len(found) < len(ids):
            raise GalleryBusy("An entry has no new embedding yet.")
        return np.stack([found[name] for name in ids]) if ids else np.zeros((0, self.model.dim))


def _mark(vector: Float[Array, "dim"]) -> str:
    """What tells an old vector from another, and says nothing of it."""
    return hashlib.sha256(vector.tobytes()).hexdigest()


def _refusal(lost: dict[str, str], done: str) -> MissingItems:
    shown = [printable(f"{name}: {why}") for name, why in list(lost.items())[:_SHOWN]]
    more = f"; and {len(lost) - _SHOWN:,} more" if len(lost) > _SHOWN else ""
    return MissingItems(
        f"{len(lost):,} entries cannot be embedded again: {'; '.join(shown)}{more}. {done} Put the "
        "files back, name a source that holds them (--from), or leave these entries out "
        "(--leave-out)."
    )
