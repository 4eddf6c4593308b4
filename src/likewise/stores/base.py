"""The abstract class of the stores."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import final

from likewise.errors import BadArgument
from likewise.shapes import Array, Float
from likewise.stores.rows import Change, Match, Neighbours, Pin, Rows, StoreState, Written
from likewise.stores.where import Condition


class Store(ABC):
    """Rows (id, identity, metadata, vector) of one model, kept; every thread may use it.

    What a store promises, and its contract tests hold it to:

    * A change is taken as a whole or not at all, and when `write` returns it is on the disk.
    * Two writers never lose each other's change: one waits.
    * Reads never show half a change, nor a vector that is not its row's.
    * What is removed is found no more, and gone from the store's files when `write` returns; where
      `state().erases` is `reclaimed`, when a change that reclaims does.
    * It can be pickled, to be sent to processes of one's own, and opens itself again there: what
      it holds (and a password) is no part of the pickle.
    * `state().generation` is the last change that reads show. Where it is that of the last `write`
      at once, `state().reads` is `fresh`. An engine that indexes later says `eventual`, and
      whoever must see a change waits until the generation is reached.

    Attributes:
        resources: What the store holds open; `close` gives it back.
        closed: Whether it was closed.
        unpickled: Whether it came in a pickle, or is a copy, so that nobody has it to close: it
            closes itself when nobody needs it, and says nothing.

    Example:
        >>> import numpy as np
        >>> from likewise.stores import FAMILY
        >>> from likewise.stores.rows import Change, Pin, Rows
        >>> pin = Pin("f" * 64, "euclidean", 2)
        >>> with FAMILY.build("sqlite('kept.db')", pin=pin, writing=True) as store:
        ...     done = store.write(Change(Rows.of(["a"], ["ann"], np.ones((1, 2), np.float32))))
        ...     store.nearest(np.ones((1, 2), np.float32), 1)[0][0].identity
        'ann'
    """

    resources: ExitStack
    closed: bool = False
    unpickled: bool = False

    @abstractmethod
    def write(self, change: Change) -> Written:
        """Put and remove rows, durably, as a whole or not at all.

        Raises:
            BadArgument: If a row cannot be kept as it is.
            SaveFailed: If it cannot be written; the rows are as they were.
            GalleryBusy: If other writers did not let it.
            DamagedGallery: If what is there is not as it was written.
        """

    @abstractmethod
    def read(
        self,
        ids: Sequence[str] | None = None,
        where: Condition | None = None,
        *,
        vectors: bool = True,
        items: bool = False,
    ) -> Iterator[Rows]:
        """Some rows at a time, in the order in which their ids were first put.

        Each part is of one moment. A row that is there from beginning to end comes exactly once.

        Args:
            ids: Of the rows; all if None. Those that nobody put are left out.
            where: What their metadata must be.
            vectors: Whether to read vectors; else they have no columns.
            items: Whether to read kept items; else they are None.
        """

    @abstractmethod
    def nearest(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None = None,
        *,
        approximate: bool = False,
    ) -> list[list[Match]]:
        """The k rows nearest to each query among those that fulfil a condition, nearest first.

        The distances are those of the definition (`Distance.rows`).

        Args:
            queries: Vectors.
            k: How many; fewer where there are fewer.
            where: What the rows' metadata must be.
            approximate: Whether the store's index may answer, which can miss some of the nearest
                (`State.index` says how many). Where it has none of use the answer is exact.

        Raises:
            WrongDimension: If the queries have another length than the vectors.
            GalleryBusy: If others change the rows faster than they can be read.
        """

    def neighbours(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None = None,
        *,
        approximate: bool = False,
    ) -> Neighbours:
        """The ids and distances of `nearest` alone, for many queries; a store may be faster at it.

        The arguments, and what is raised, are those of `nearest`.
        """
        found = self.nearest(queries, k, where, approximate=approximate)
        return Neighbours.of(
            [([one.id for one in some], [one.distance for one in some]) for some in found], k
        )

    @abstractmethod
    def state(self, where: Condition | None = None, *, log: int = 0) -> StoreState:
        """What the store holds now.

        Args:
            where: Which rows to count; all if None.
            log: How many of the newest lines of the log to read.
        """

    def identities(self) -> set[str]:
        """Every identity of which something is kept."""
        return {name for part in self.read(vectors=False) for name in part.identities}

    def staging(self, pin: Pin) -> "Store":  # noqa: ARG002 - those that can go over need it
        """A store of its own that goes with this one, for the vectors of another model.

        They stand there until all are made and a change `moved` brings them in. What is removed
        from this store, or replaced, is removed from there, too.

        Raises:
            BadArgument: If such a store cannot go over to another model.
            ForeignEmbedding: If those of yet another model stand there.
        """
        raise self._stays()

    def discard_staging(self) -> None:
        """Remove what `staging` made, once it is closed; nothing where there is none.

        Raises:
            BadArgument: If such a store cannot go over to another model.
        """
        raise self._stays()

    def _stays(self) -> BadArgument:
        return BadArgument(
            f"A gallery in {type(self).__name__} cannot go over to another model. Export it, "
            "import it to a file, and migrate that."
        )

    @final
    def close(self) -> None:
        """Give back what is held open; a store that is closed is not used again."""
        self.closed = True
        self.resources.close()

    @final
    def __del__(self) -> None:
        # One whose constructor refused its arguments holds nothing yet.
        if self.closed or not hasattr(self, "resources"):
            return
        try:
            if not self.unpickled:
                warnings.warn(
                    f"unclosed gallery {self}: close it, or open it in a with statement",
                    ResourceWarning,
                    stacklevel=2,
                    source=self,
                )
        finally:
            self.close()

    @final
    def __enter__(self) -> "Store":  # noqa: PYI034 - beartype cannot check Self
        return self

    @final
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
