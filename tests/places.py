"""Where the stores of a test live: a folder, or a table of the server that the tests start."""

import hashlib
from copy import copy
from pathlib import Path

from likewise.registry import Spec
from likewise.stores import FAMILY
from likewise.stores.base import Store
from likewise.stores.rows import Pin
from tests.postgres import Postgres

DIM = 12


class Place:
    """The store of one test, in a file of its folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.opened: list[Store] = []

    @property
    def spec(self) -> str:
        """Which store."""
        return str(Spec(self.name, (str(self.folder / "things.db"),)))

    @property
    def address(self) -> str:
        """What stands for it on the command line."""
        return str(self.folder / "things.db")

    def open(self, distance: str = "euclidean", *, dim: int = DIM, model: str = "a") -> Store:
        """Open it, or make it."""
        return self.pinned(Pin(model * 64, distance, dim))

    def pinned(self, pin: Pin | None, *, writing: bool = True) -> Store:
        """Open it with this pin."""
        store = FAMILY.build(self.spec, pin=pin, writing=writing)
        self.opened.append(store)
        return store

    def another(self) -> "Place":
        """Another, where nothing is yet."""
        folder = self.folder / "other"
        folder.mkdir()
        return self.at(folder)

    def at(self, folder: Path) -> "Place":
        """One like it, in another folder."""
        made = copy(self)
        made.folder, made.opened = folder, []
        return made

    def written(self) -> bytes:
        """All bytes that the store keeps."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def nothing(self) -> bool:
        """Whether nothing was made."""
        return list(self.folder.iterdir()) == []

    def discard(self) -> None:
        """Delete what was made, once it is closed."""
        for path in self.folder.iterdir():
            path.unlink()

    def close(self) -> None:
        """Close what was opened."""
        for store in self.opened:
            store.close()


class Table(Place):
    """The store of one test, in a table of the server."""

    server: Postgres

    @property
    def table(self) -> str:
        """Its name, another for each test."""
        return f"t{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"

    @property
    def spec(self) -> str:
        return str(Spec(self.name, (self.server.address(),), {"table": self.table}))

    @property
    def address(self) -> str:
        return f"{self.server.address()}#{self.table}"

    def ask(self, *words: str) -> list[tuple]:
        """What the database answers to the last of these."""
        import psycopg

        with psycopg.connect(self.server.address(), autocommit=True) as connection:
            for one in words:
                answer = connection.execute(one)
            return answer.fetchall() if answer.description else []

    def written(self) -> bytes:
        ((paths,),) = self.ask(
            "CHECKPOINT",
            f"""SELECT json_agg(pg_relation_filepath(oid)) FROM pg_class,
            (SELECT reltoastrelid toast FROM pg_class
             WHERE oid = 'likewise.{self.table}'::regclass) one
            WHERE oid IN ('likewise.{self.table}'::regclass, 'likewise._log'::regclass, toast)
            OR oid IN (SELECT indexrelid FROM pg_index
                       WHERE indrelid IN ('likewise.{self.table}'::regclass, toast))""",
        )
        # Vectors are kept as this machine keeps numbers.
        return b"".join((self.server.data / path).read_bytes() for path in paths)

    def nothing(self) -> bool:
        return self.ask(f"SELECT to_regclass('likewise.{self.table}')") == [(None,)]

    def discard(self) -> None:
        named = f"= '{self.table}'"
        self.ask(
            f"DROP TABLE likewise.{self.table}",
            f"DELETE FROM likewise._log WHERE gallery {named}",
            f"DELETE FROM likewise._galleries WHERE name {named}",
        )

    def close(self) -> None:
        super().close()
        if not self.nothing():
            self.discard()


def place_of(name: str, folder: Path, request) -> Place:
    """Where the store of this name lives in a test."""
    if name != "pgvector":
        return Place(name, folder)
    made = Table(name, folder)
    made.server = request.getfixturevalue("postgres")
    return made
