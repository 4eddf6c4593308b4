"""What is damaged is named and left out, or refused: it is never answered.

Every damage is done to a copy of one gallery, which then answers each of several questions. Its
answers may lack entries that it names, or it may refuse; all else must be as it was.
"""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import (
    BadArgument,
    DamagedGallery,
    GalleryError,
    NotAGallery,
    SaveFailed,
)
from likewise.io.warned import LikewiseWarning
from likewise.stores.index.indexing import IndexRequest
from likewise.stores.rows import Change, Pin, Rows
from likewise.stores.sqlite import vectors as vectors_
from likewise.stores.sqlite.checking import (
    check_sqlite_gallery,
    copy_sqlite_gallery,
    mend_sqlite_gallery,
    upgrade_sqlite_gallery,
)
from likewise.stores.sqlite.checksums import BLOCK, read_sums, vector_sums, write_sums
from likewise.stores.sqlite.store import Sqlite
from likewise.stores.where import parse_condition

DIM = 8
pytestmark = pytest.mark.filterwarnings("ignore::likewise.io.warned.LikewiseWarning")
PIN = Pin("a" * 64, "euclidean", DIM)
COUNT = 300
WHERE = parse_condition("n < 5")


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)


def rows(count: int, *, first: int = 0, seed: int = 0, items: bool = True) -> Rows:
    names = [f"row {i}" for i in range(first, first + count)]
    kept = [f"item of {name}".encode() for name in names] if items else None
    metadata = [{"n": i % 10, "text": f"é{i}"} for i in range(count)]
    return Rows.of(
        names, [f"who {i % 7}" for i in range(count)], drawn(count, seed), metadata, kept
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_whole(tmp_path_factory.mktemp("whole"))


def make_whole(folder: Path) -> Path:
    """Make a gallery in a folder; return that."""
    folder.mkdir(exist_ok=True)
    with Sqlite(str(folder / "a.db"), pin=PIN) as store:
        store.write(Change(rows(COUNT)))
        store.write(Change(remove=[f"row {i}" for i in range(3, 40, 7)]))
        store.write(Change(index=IndexRequest("ivf", 1.0)))
        store.write(Change(rows(20, first=COUNT, seed=1)))
        store._database.connection().execute("PRAGMA journal_mode = DELETE")
    return folder


QUESTIONS = drawn(12, seed=7)


def answers(path: Path) -> dict[str, dict[str, object]]:
    """What a gallery says to each question, by id of the entry."""
    with Sqlite(str(path), writing=False) as store:
        said: dict[str, dict[str, object]] = {}
        for approximate in (False, True):
            for number, found in enumerate(store.nearest(QUESTIONS, 400, approximate=approximate)):
                said[f"nearest {number} {approximate}"] = {
                    one.id: (one.identity, one.distance, one.metadata) for one in found
                }
        said["where"] = {
            one.id: one.distance for one in store.nearest(QUESTIONS[:1], 400, WHERE)[0]
        }
        arrays = store.neighbours(QUESTIONS[:1], 400)
        named = zip(arrays.ids[0].tolist(), arrays.distances[0].tolist(), strict=True)
        said["neighbours"] = {name: far for name, far in named if name}
        said["read"] = {
            name: (
                part.identities[at],
                part.vectors[at].tobytes(),
                part.metadata[at],
                part.items[at],
            )
            for part in store.read(items=True)
            for at, name in enumerate(part.ids)
        }
        said["count"] = {"count": store.state().count}
        # Those that were damaged from the first question on, by what a person is told.
        said["damaged"] = dict.fromkeys(store.state().damaged, 0)
    return said


def judged(path: Path, truth: dict[str, dict[str, object]]) -> str:
    """How a damaged gallery answers: refused, named, none, or what it said wrongly."""
    try:
        said = answers(path)
    except GalleryError:
        return "refused"
    damaged = said.pop("damaged")
    missing: set[str] = set()
    for question, right in truth.items():
        if question == "damaged":
            continue
        for name, value in said[question].items():
            if right.get(name) != value:
                return f"silent: {question} says {name}: {value}"
        missing |= set(right) - set(said[question])
    if len(missing) > len(damaged):
        return f"silent: {sorted(missing)[:5]} are missing, and {sorted(damaged)[:5]} are named"
    return "named" if damaged else "none"


def copied(whole: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    return folder / "a.db"


def altered(path: Path, random: np.random.Generator) -> str:
    """Damage a file, and say how."""
    data = bytearray(path.read_bytes())
    used = len(bytes(data).rstrip(b"\0"))
    place = int(random.integers(used))
    how = str(random.choice(["bit", "byte", "zeros", "noise", "moved", "short"]))
    length = int(random.integers(1, 600))
    if how == "bit":
        data[place] ^= 1 << int(random.integers(8))
    elif how == "byte":
        data[place] = int(random.integers(256))
    elif how == "zeros":
        data[place : place + length] = bytes(len(data[place : place + length]))
    elif how == "noise":
        data[place : place + length] = random.bytes(len(data[place : place + length]))
    elif how == "moved":
        source = int(random.integers(used))
        data[place : place + length] = data[source : source + len(data[place : place + length])]
    else:
        del data[place:]
    path.write_bytes(data)
    return f"{how} at {place} of {path.name}"


def damages(whole: Path, folder: Path, number: int, seed: int) -> dict[str, int]:
    truth = answers(whole / "a.db")
    assert len(truth["read"]) == COUNT + 14
    assert judged(whole / "a.db", truth) == "none"
    random = np.random.default_rng(seed)
    counts = {"refused": 0, "named": 0, "none": 0}
    for at in range(number):
        path = copied(whole, folder)
        names = ["a.db", "a.db-vectors-1", "a.db-index-1"]
        name = names[int(random.choice(3, p=[0.45, 0.45, 0.1]))]
        how = altered(folder / name, random)
        found = judged(path, truth)
        assert found in counts, f"{at}: {how}: {found}"
        counts[found] += 1
    return counts


def test_forty_damages_are_named_or_refused(whole, tmp_path):
    counts = damages(whole, tmp_path / "copy", 40, seed=0)
    assert counts["refused"] + counts["named"] > 10


@pytest.mark.slow
def test_five_hundred_damages_are_named_or_refused(whole, tmp_path, capsys):
    counts = damages(whole, tmp_path / "copy", 500, seed=1)
    with capsys.disabled():
        print(f"\n500 damages of a gallery: {counts}, 0 silent")  # noqa: T201 - the figure that was asked for


# ── files out of step ─────────────────────────────────────────────────────────────────────────


def test_a_file_of_vectors_of_another_moment_is_noticed(tmp_path):
    folder = tmp_path / "now"
    folder.mkdir()
    older = tmp_path / "older"
    with Sqlite(str(folder / "a.db"), pin=PIN) as store:
        store.write(Change(rows(30)))
        older.write_bytes((folder / "a.db-vectors-1").read_bytes())
        store.write(Change(rows(5, first=30, seed=1)))
        store.write(Change(remove=["row 3"]))
        newer = (folder / "a.db-vectors-1").read_bytes()
    (folder / "a.db-vectors-1").write_bytes(older.read_bytes())
    with pytest.warns(LikewiseWarning, match="row 30, row 31"):
        store = Sqlite(str(folder / "a.db"), writing=False)
    with store:
        found = store.nearest(drawn(1), 50)[0]
        assert {one.id for one in found} == {f"row {i}" for i in range(30)} - {"row 3"}
        assert set(store.state().damaged) == {f"row {i}" for i in range(30, 35)}
    # Vectors that are newer than the rows: row 3, which was removed later, is zeros in them.
    with Sqlite(str(tmp_path / "b.db"), pin=PIN) as store:
        store.write(Change(rows(30)))
        shutil.copy(tmp_path / "b.db", tmp_path / "kept.db")
        store.write(Change(remove=["row 3"]))
    shutil.copy(tmp_path / "kept.db", tmp_path / "b.db")
    with Sqlite(str(tmp_path / "b.db"), writing=False) as store:
        assert store.state().damaged == ("row 3",)
        assert len(store.nearest(drawn(1), 50)[0]) == 29
    assert len(newer) == len(older.read_bytes())


def test_two_galleries_that_parted_do_not_take_each_others_vectors(tmp_path):
    with Sqlite(str(tmp_path / "a.db"), pin=PIN) as store:
        store.write(Change(rows(10)))
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        for path in tmp_path.glob("a.db*"):
            shutil.copy(path, tmp_path / name)
        with Sqlite(str(tmp_path / name / "a.db")) as store:
            seed = len(name) + ord(name[0])
            store.write(Change(Rows.of([name], [name], drawn(1, seed=seed))))
    shutil.copy(tmp_path / "bob" / "a.db-vectors-1", tmp_path / "ann")
    with Sqlite(str(tmp_path / "ann" / "a.db"), writing=False) as store:
        assert store.state().damaged == ("ann",)
        assert "ann" not in {one.id for one in store.nearest(drawn(1), 50)[0]}


def test_vectors_from_before_a_compaction_are_refused(tmp_path):
    with Sqlite(str(tmp_path / "a.db"), pin=PIN) as store:
        store.write(Change(rows(30)))
        store.write(Change(remove=["row 3"]))
        before = (tmp_path / "a.db-vectors-1").read_bytes()
        store.write(Change(reclaim=True))
    (tmp_path / "a.db-vectors-2").write_bytes(before)
    with Sqlite(str(tmp_path / "a.db"), writing=False) as store:
        assert set(store.state().damaged) == {f"row {i}" for i in range(4, 30)}


def test_a_damaged_vector_stays_damaged_when_the_gallery_is_compacted(tmp_path):
    path = tmp_path / "a.db"
    with Sqlite(str(path), pin=PIN) as store:
        store.write(Change(rows(30)))
        store.write(Change(remove=["row 3"]))
    with (tmp_path / "a.db-vectors-1").open("r+b") as file:
        file.seek(64 + 4 * DIM * 7)
        file.write(b"1234")
    with sqlite3.connect(path) as other:
        other.execute("UPDATE rows SET identity = 'somebody' WHERE id = 'row 9'")
    other.close()
    with Sqlite(str(path)) as store:
        store.write(Change(reclaim=True))
    with Sqlite(str(path), writing=False) as store:
        assert len(next(iter(store.read()))) == 27
        assert set(store.state().damaged) == {"row 7", "row 9"}


# ── traces of a kill ──────────────────────────────────────────────────────────────────────────


def test_what_a_killed_enrolment_left_is_overwritten_when_a_writer_opens(tmp_path):
    path = tmp_path / "a.db"
    with Sqlite(str(path), pin=PIN) as store:
        store.write(Change(rows(5)))
    secret = drawn(3, seed=9)
    vectors_.append(tmp_path / "a.db-vectors-1", 5, secret)
    with Sqlite(str(path), writing=False) as store:
        assert store.state().count == 5
    assert secret[1].tobytes() in (tmp_path / "a.db-vectors-1").read_bytes()
    with Sqlite(str(path)) as store:
        assert secret[1].tobytes() not in (tmp_path / "a.db-vectors-1").read_bytes()
        # While another writes, what stands there is its own.
        with store._database.changing():
            vectors_.append(tmp_path / "a.db-vectors-1", 5, secret)
            Sqlite(str(path), timeout_seconds=0.1).close()
            assert secret[1].tobytes() in (tmp_path / "a.db-vectors-1").read_bytes()


# ── check, upgrade, backup ────────────────────────────────────────────────────────────────────


def test_a_check_names_everything_that_is_damaged(whole, tmp_path):
    path = copied(whole, tmp_path / "copy")
    found = check_sqlite_gallery(path)
    assert found.checksums
    assert found.entries == COUNT + 14
    assert found == replace(found, counts="", indexes=(), texts={}, vectors={}, items={})
    assert found.search_index == ""
    with sqlite3.connect(path) as other:
        other.execute("UPDATE rows SET metadata = '{' WHERE id = 'row 1'")
        other.execute("UPDATE rows SET item = x'00' WHERE id = 'row 2'")
        (slot,) = other.execute("SELECT slot FROM rows WHERE id = 'row 4'").fetchone()
        other.execute("INSERT INTO holes SELECT slot, 1 FROM rows WHERE id = 'row 5'")
    other.close()
    with (path.parent / "a.db-vectors-1").open("r+b") as file:
        file.seek(64 + 4 * DIM * slot)
        file.write(b"1234")
    (path.parent / "a.db-index-1").write_bytes(b"")
    found = check_sqlite_gallery(path)
    assert list(found.texts.values()) == ["row 1"]
    assert list(found.vectors.values()) == ["row 4"]
    assert list(found.items.values()) == ["row 2"]
    assert found.counts == "1 entries stand in places that are said to be empty"
    assert found.search_index == "its file is not as it was written"
    with pytest.raises(DamagedGallery):
        answers(path)
    mend_sqlite_gallery(path, without=list(found.texts))
    after = check_sqlite_gallery(path)
    assert (after.counts, after.texts, after.entries) == ("", {}, COUNT + 13)
    with Sqlite(str(path), writing=False) as store:
        assert store.state().damaged == ("row 4",)
        assert len(store.nearest(drawn(1), 400)[0]) == COUNT + 12


def test_indexes_of_sqlite_are_made_again_from_the_rows(whole, tmp_path):
    path = copied(whole, tmp_path / "copy")
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA writable_schema = ON")
        kept = other.execute("SELECT sql FROM sqlite_master WHERE name = 'rows_by_slot'").fetchone()
        other.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX rows_by_slot ON rows (key)' "
            "WHERE name = 'rows_by_slot'"
        )
        other.commit()
    other.close()
    with sqlite3.connect(path) as other:
        other.execute("REINDEX rows_by_slot")
        other.execute("PRAGMA writable_schema = ON")
        other.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'rows_by_slot'", kept)
        other.commit()
    other.close()
    truth = answers(whole / "a.db")
    assert judged(path, truth) in {"refused", "named"}
    found = check_sqlite_gallery(path)
    assert found.indexes
    mend_sqlite_gallery(path, without=[])
    assert judged(path, truth) == "none"


def test_a_gallery_of_the_last_version_gets_checksums(tmp_path, old_gallery):
    path = old_gallery
    with Sqlite(str(path)) as store:
        before = dict(answers(path)["read"])
        assert store.state().checksums is False
        store.write(Change(rows(2, first=900, seed=3)))
        assert store.nearest(drawn(2, seed=3)[:1], 1)[0][0].id == "row 900"
    other = path.with_name("other.db")
    shutil.copy(path, other)
    for file in path.parent.glob(f"{path.name}-vectors-*"):
        shutil.copy(file, path.with_name(file.name.replace(path.name, other.name)))
    assert upgrade_sqlite_gallery(path)
    assert not upgrade_sqlite_gallery(path)
    with Sqlite(str(other)) as store:
        store.write(Change(reclaim=True))
    for one in (path, other):
        found = check_sqlite_gallery(one)
        assert found.checksums
        assert found == replace(found, counts="", texts={}, vectors={}, items={})
        with Sqlite(str(one)) as store:
            assert store.state().checksums is True
            read = answers(one)["read"]
            assert {name: read[name] for name in before} == before
            store.write(Change(remove=["row 900"]))
            assert store.state().damaged == ()


def test_a_failed_upgrade_leaves_the_gallery_as_it_was(old_gallery, monkeypatch):
    from likewise.stores.sqlite import rewriting

    before = old_gallery.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(rewriting, "write_head", full)
    with pytest.raises(SaveFailed, match="the disk is full"):
        upgrade_sqlite_gallery(old_gallery)
    monkeypatch.undo()
    assert old_gallery.read_bytes() == before
    assert not check_sqlite_gallery(old_gallery).checksums


@pytest.fixture
def old_gallery(tmp_path) -> Path:
    """A gallery as the last version made it, with its schema."""
    path = tmp_path / "old.db"
    with Sqlite(str(path), pin=PIN) as store:
        store.write(Change(rows(30)))
        store.write(Change(remove=["row 3"]))
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        for table, column in (("gallery", "head_sum"), ("rows", "row_sum"), ("rows", "item_sum")):
            other.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        other.execute("DROP TABLE sums")
        other.execute("PRAGMA user_version = 1")
    other.close()
    return path


def test_a_copy_of_a_living_gallery_is_whole(whole, tmp_path):
    path, copy = copied(whole, tmp_path / "copy"), tmp_path / "backup" / "b.db"
    with pytest.raises(BadArgument, match="no folder"):
        copy_sqlite_gallery(path, copy)
    copy.parent.mkdir()
    truth = answers(path)
    with Sqlite(str(path)) as store:
        assert copy_sqlite_gallery(path, copy) == COUNT + 14
        store.write(Change(remove=["row 1"]))
    assert {one.name for one in copy.parent.iterdir()} == {"b.db", "b.db-vectors-1", "b.db-index-1"}
    assert judged(copy, truth) == "none"
    assert (
        copy.stat().st_mode & 0o777,
        (copy.parent / "b.db-vectors-1").stat().st_mode & 0o777,
    ) == (
        0o600,
        0o600,
    )
    with pytest.raises(SaveFailed, match="is there already"):
        copy_sqlite_gallery(path, copy)
    (tmp_path / "backup" / "c.db-vectors-1").write_bytes(b"somebody's")
    with pytest.raises(SaveFailed, match=r"c\.db-vectors-1 is there already"):
        copy_sqlite_gallery(path, tmp_path / "backup" / "c.db")
    assert (tmp_path / "backup" / "c.db-vectors-1").read_bytes() == b"somebody's"
    assert not (tmp_path / "backup" / "c.db").exists()


# ── checksums ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dim", [1, 2, 7, 64])
def test_every_bit_of_a_vector_is_in_its_checksum(dim):
    some = np.random.default_rng(0).standard_normal((1, dim)).astype(np.float32)
    before = vector_sums(some)[0]
    for bit in range(32 * dim):
        other = some.copy().view(np.uint32)
        other[0, bit // 32] ^= np.uint32(1 << (bit % 32))
        assert vector_sums(other.view(np.float32))[0] != before
    assert vector_sums(-some)[0] != before
    assert vector_sums(np.zeros((1, dim), np.float32))[0] != 0
    # By a plain loop.
    from likewise.stores.sqlite.checksums import _factors

    first, *rest = _factors(dim).tolist()
    words = some.view(np.uint32)[0].tolist()
    assert before == (first + sum(a * b for a, b in zip(words, rest, strict=True))) % 2**64


def test_checksums_are_noted_by_slot():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE sums (block INTEGER PRIMARY KEY, sums BLOB NOT NULL)")
    truth = np.random.default_rng(0).integers(1, 2**63, 3 * BLOCK + 8).astype(np.uint64)
    start = 0
    for length in (1, 2, BLOCK - 3, BLOCK, 7, BLOCK, 1):
        write_sums(connection, start, truth[start : start + length])
        start += length
    for first, last in ((0, start), (5, 9), (BLOCK - 1, 2 * BLOCK + 1), (start, start)):
        assert read_sums(connection, first, last).tolist() == truth[first:last].tolist()
    assert read_sums(connection, start, start + 2 * BLOCK).tolist() == [0] * (2 * BLOCK)


def test_what_is_no_gallery_is_not_checked(tmp_path):
    (tmp_path / "a.db").write_bytes(b"somebody's" * 100)
    with pytest.raises(NotAGallery):
        check_sqlite_gallery(tmp_path / "a.db")
