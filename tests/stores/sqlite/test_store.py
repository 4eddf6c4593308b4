"""What is particular to the SQLite store: its files, what it refuses, what a kill leaves."""

import contextlib
import inspect
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.errors import (
    BadArgument,
    DamagedGallery,
    GalleryBusy,
    GalleryNotFound,
    NewerGallery,
    NotAGallery,
    SaveFailed,
)
from likewise.io import atomic
from likewise.registry import Spec
from likewise.stores.base import Store
from likewise.stores.rows import Change, Pin, Rows
from likewise.stores.sqlite import database as database_
from likewise.stores.sqlite import vectors
from likewise.stores.sqlite.database import safe_with_wal
from likewise.stores.sqlite.store import Sqlite

DIM = 8
PIN = Pin("a" * 64, "euclidean", DIM)


def made(path: Path, **more: object) -> Sqlite:
    return Sqlite(str(path), pin=PIN, **more)


def rows(count: int, *, first: int = 0, seed: int = 0) -> Rows:
    drawn = np.random.default_rng([seed, first]).standard_normal((count, DIM)).astype(np.float32)
    names = [f"row {i}" for i in range(first, first + count)]
    return Rows.of(names, [f"who {i % 7}" for i in range(count)], drawn)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def gallery(tmp_path) -> Path:
    path = tmp_path / "things.db"
    with made(path) as store:
        store.write(Change(rows(200)))
    return path


@pytest.fixture(params=[False, True], ids=["journal", "wal"])
def wal(request, monkeypatch):
    """Both journal modes, whatever this SQLite is safe with: there is one writer at a time here."""
    monkeypatch.setattr(database_, "safe_with_wal", lambda: request.param)
    return request.param


def test_wal_is_taken_where_it_is_safe_alone():
    safe = [(3, 51, 3), (3, 52, 0), (4, 0, 0), (3, 50, 7), (3, 50, 9), (3, 44, 6)]
    unsafe = [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 0), (3, 51, 2)]
    assert [safe_with_wal(one) for one in safe + unsafe] == [True] * 6 + [False] * 6


def test_the_journal_is_what_was_chosen(tmp_path, wal):
    with made(tmp_path / "a.db") as store:
        connection = store._database.connection()
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        assert mode == ("wal" if wal else "truncate")
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 1


def test_threads_that_ended_hold_nothing_open(gallery):
    with made(gallery) as store:
        for _ in range(5):
            thread = threading.Thread(target=store.state)
            thread.start()
            thread.join()
        assert len(store._database._open) <= 2


def test_traces_that_a_reader_keeps_in_the_log_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(database_, "safe_with_wal", lambda: True)
    with made(tmp_path / "a.db", timeout_seconds=0.2) as store:
        store.write(Change(rows(5)))
        reader = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM rows").fetchall()
        with pytest.raises(GalleryBusy, match="a reader keeps traces of it"):
            store.write(Change(remove=["row 1"]))
        reader.execute("ROLLBACK")
        reader.close()
        assert store.state().count == 4
        store.write(Change(remove=["row 2"]))
    assert b"row 1" not in b"".join(contents(tmp_path).values())


def test_vectors_are_on_the_disk_before_their_rows(tmp_path, monkeypatch, wal):
    """At the moment of each flush of the vectors, their rows are not committed yet."""
    path = tmp_path / "a.db"
    with made(path) as store:
        seen = []
        sync = atomic._sync_data

        def spy(file: int) -> None:
            sync(file)
            with sqlite3.connect(path) as other:
                seen.append(other.execute("SELECT count(*) FROM rows").fetchone()[0])

        monkeypatch.setattr(atomic, "_sync_data", spy)
        store.write(Change(rows(3)))
        store.write(Change(rows(3, first=3)))
    assert seen == [0, 3]


def test_what_is_removed_leaves_no_trace(tmp_path, wal):
    path, some = tmp_path / "a.db", rows(50)
    secret = Rows.of(["secret-id"], ["secret-name"], rows(1, seed=9).vectors, [{"a": "secret-a"}])
    with made(path) as store, made(path, writing=False) as reader:
        store.write(Change(some))
        store.write(Change(secret))
        assert reader.nearest(secret.vectors, 1)[0][0].id == "secret-id"
        # The journal keeps what stood in the file before this.
        store.write(Change(rows(3, first=900)))
        traces = [name for name, held in contents(tmp_path).items() if b"secret-id" in held]
        assert f"{path.name}-{'wal' if wal else 'journal'}" in traces
        store.write(Change(remove=["secret-id"]))
        everything = b"".join(contents(tmp_path).values())
        assert b"secret" not in everything
        assert secret.vectors.tobytes() not in everything
        assert some.vectors[3].tobytes() in everything
        assert reader.nearest(secret.vectors, 1)[0][0].id != "secret-id"


def test_what_a_kill_left_to_overwrite_is_overwritten_by_the_next_writer(tmp_path, monkeypatch):
    path, some = tmp_path / "a.db", rows(20)
    with made(path) as store:
        store.write(Change(some))
        monkeypatch.setattr(vectors, "wipe", lambda *_: None)  # as if killed just before it
        store.write(Change(remove=["row 4"]))
        monkeypatch.undo()
    assert some.vectors[4].tobytes() in contents(tmp_path)["a.db-vectors-1"]
    with made(path) as store:
        store.write(Change(rows(1, first=30)))
    assert some.vectors[4].tobytes() not in contents(tmp_path)["a.db-vectors-1"]


def test_what_a_killed_compaction_left_is_removed_by_the_next_writer(gallery):
    half_a_copy = gallery.parent / "things.db-vectors-7"
    half_a_copy.write_bytes((gallery.parent / "things.db-vectors-1").read_bytes()[:100])
    with made(gallery) as store:
        store.write(Change(rows(1, first=900)))
    assert not half_a_copy.exists()


def test_what_the_gallery_did_not_make_is_never_removed(gallery):
    folder = gallery.parent
    with made(folder / "other.db") as other:
        other.write(Change(rows(3)))
    own = (folder / "things.db-vectors-1").read_bytes()
    (folder / "others").write_bytes((folder / "other.db-vectors-1").read_bytes())
    kept = {
        "things.db-vectors-1.bak": own,
        "things.db-vectors-01": own,
        "things.db-vectors-": own,
        "things.db-vectors-1-old": own,
        "things.db-index-1.bak": b"somebody's",
        "things.db-index-3": b"somebody's",
        "things.db-reserve": b"somebody's",
        "things.db-migration-notes.txt": b"somebody's",
        "things.db-vectors-5": b"somebody's",
        "things.db-vectors-8": (folder / "other.db-vectors-1").read_bytes(),
    }
    for name, data in kept.items():
        (folder / name).write_bytes(data)
    (folder / "things.db-vectors-6").symlink_to("others")
    (folder / "things.db-vectors-9").mkdir()
    with made(gallery) as store:
        store.write(Change(rows(1, first=900)))
        store.write(Change(remove=["row 3"]))
        store.write(Change(reclaim=True))
        store.discard_staging()
    for name, data in kept.items():
        assert (folder / name).read_bytes() == data
    assert (folder / "things.db-vectors-6").is_symlink()
    assert (folder / "others").exists()
    assert (folder / "things.db-vectors-9").is_dir()
    assert (folder / "things.db-vectors-2").exists()


def test_a_file_in_the_way_of_a_new_gallery_is_left_as_it_is(gallery):
    folder = gallery.parent
    vectors_of = folder / "things.db-vectors-1"
    held = vectors_of.read_bytes()
    gallery.rename(folder / "moved.db")
    (folder / "things.db-journal").unlink()
    for _ in range(2):
        with pytest.raises(SaveFailed, match=r"things\.db-vectors-1 is there already"):
            made(gallery)
        assert vectors_of.read_bytes() == held
    (folder / "moved.db").rename(gallery)
    with made(gallery) as store:
        assert store.state().count == 200
    (folder / "target").write_bytes(b"somebody's")
    (folder / "planted.db-vectors-1").symlink_to("target")
    with pytest.raises(SaveFailed, match=r"planted\.db-vectors-1 is there already"):
        made(folder / "planted.db")
    assert (folder / "target").read_bytes() == b"somebody's"


def test_a_gallery_whose_making_was_killed_is_made_by_the_next(gallery):
    folder = gallery.parent
    with made(folder / "new.db"):
        pass
    os.truncate(folder / "new.db", 0)
    with made(folder / "new.db") as store:
        store.write(Change(rows(3)))
        assert store.state().count == 3


# ── what is refused, by name, with the data untouched ─────────────────────────────────────────


def refused(path: Path, error: type[Exception], message: str, **more: object) -> None:
    before = contents(path.parent)
    for writing in (False, True):
        with pytest.raises(error, match=message):
            made(path, writing=writing, **more)
    assert contents(path.parent) == before


def test_a_file_that_is_no_gallery(tmp_path):
    for name, data in {"picture.png": b"\x89PNG" * 500, "short": b"x"}.items():
        path = tmp_path / name
        path.write_bytes(data)
        refused(path, NotAGallery, f"{name} is no gallery: it is (no|another) SQLite file")


def test_another_sqlite_file(tmp_path, wal):
    path = tmp_path / "bookmarks.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE gallery (a)")
    other.close()
    refused(path, NotAGallery, "it is another SQLite file")


def test_a_folder(tmp_path):
    with pytest.raises(GalleryNotFound, match="cannot be opened as a gallery"):
        made(tmp_path)


def test_a_truncated_file_of_vectors(gallery):
    path = gallery.parent / "things.db-vectors-1"
    os.truncate(path, 64 + 4 * DIM * 200)
    made(gallery).close()
    os.truncate(path, 64 + 4 * DIM * 200 - 1)
    refused(gallery, DamagedGallery, "is truncated: it has 6,463 bytes, and 200 vectors of 8")


def test_vectors_that_are_truncated_while_they_are_used(gallery):
    with made(gallery) as store:
        os.truncate(gallery.parent / "things.db-vectors-1", 1000)
        with pytest.raises(DamagedGallery, match="is truncated"):
            store.nearest(rows(1).vectors, 1)


def test_missing_and_foreign_vectors(gallery, tmp_path):
    path = gallery.parent / "things.db-vectors-1"
    kept = path.read_bytes()
    path.unlink()
    refused(gallery, DamagedGallery, "is missing")
    with made(tmp_path / "other.db"):
        pass
    path.write_bytes((tmp_path / "other.db-vectors-1").read_bytes())
    refused(gallery, DamagedGallery, "is not the file of vectors of this gallery")
    path.write_bytes(kept)
    made(gallery).close()


@pytest.mark.parametrize("keep", [100, 5000, 20000])
def test_a_truncated_database(gallery, keep):
    os.truncate(gallery, keep)
    before = contents(gallery.parent)
    with (
        pytest.raises((DamagedGallery, NotAGallery), match=r"damaged|no gallery"),
        made(gallery, writing=False) as store,
    ):
        list(store.read())
    assert contents(gallery.parent) == before


def test_a_newer_schema(gallery):
    with sqlite3.connect(gallery) as other:
        other.execute("PRAGMA user_version = 3")
    other.close()
    refused(gallery, NewerGallery, "has schema 3, and this Likewise knows 2 at most")


def as_nobody(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program as a user who owns nothing, if this is one who may become another."""
    if os.getuid() != 0:
        pytest.skip("only root may become somebody else, and only others heed a file's mode")
    drop = "import os, sys; os.setgid(65534); os.setuid(65534)\n"
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + drop + program, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LIKEWISE_CHECK_SHAPES": "0"},
    )


# Imported before another user, who may read none of it, takes over.
PRELUDE = """
import sys, json
import numpy as np
from likewise.stores import FAMILY
from likewise.stores.sqlite.store import Sqlite
from likewise.stores.rows import Change, Pin, Rows
from likewise.errors import LikewiseError
import likewise.distances.euclidean
PIN = Pin("a" * 64, "euclidean", 8)
"""


def test_a_read_only_gallery_can_be_read_and_not_written(gallery):
    # The folder of the tests may be closed to others.
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        for path in gallery.parent.iterdir():
            shutil.copy(path, folder)
            (folder / path.name).chmod(0o444)
        folder.chmod(0o755)
        before = contents(folder)
        said = _written_by_nobody(folder / gallery.name)
        assert contents(folder) == before
    assert said.startswith("SaveFailed")
    assert "read-only" in said or "may not write" in said


def _written_by_nobody(path: Path) -> str:
    program = (
        "store = Sqlite(sys.argv[1], writing=False)\n"
        "print(store.state().count)\n"
        "try:\n"
        "    with Sqlite(sys.argv[1], pin=PIN) as store:\n"
        "        store.write(Change(remove=['row 1']))\n"
        "except LikewiseError as error: print(type(error).__name__, error)\n"
    )
    done = as_nobody(program, path)
    assert done.returncode == 0, done.stderr
    count, said = done.stdout.splitlines()
    assert count == "200"
    return said


def test_a_store_opened_for_reading_writes_nothing(gallery):
    with made(gallery, writing=False) as store:
        with pytest.raises(SaveFailed, match="was opened for reading alone"):
            store.write(Change(rows(1, first=900)))
        with pytest.raises(SaveFailed, match="was opened for reading alone"):
            store.write(Change(reclaim=True))


@pytest.mark.parametrize("full", ["vectors", "rows"])
def test_a_full_disk(gallery, monkeypatch, full):
    before = contents(gallery.parent)
    with made(gallery) as store:
        held = {name for part in store.read() for name in part.ids}
        if full == "vectors":
            write = atomic._write

            def half(file: int, data: memoryview) -> None:
                write(file, data[: len(data) // 2])
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(atomic, "_write", half)
        else:
            store._database.connection().execute("PRAGMA max_page_count = 1")
        with pytest.raises(SaveFailed, match=r"the disk is full.*still stands"):
            store.write(Change(rows(2000, first=500)))
        monkeypatch.undo()
        store._database.connection().execute("PRAGMA max_page_count = 1000000")
        assert {name for part in store.read() for name in part.ids} == held
        vectors_now = contents(gallery.parent)["things.db-vectors-1"]
        start = before["things.db-vectors-1"][: 64 + 4 * DIM * 200]
        assert vectors_now.startswith(start)
        assert store.write(Change(rows(2000, first=500))).put.all()
        assert store.nearest(rows(2000, first=500).vectors[9:10], 1)[0][0].id == "row 509"


def test_a_real_full_disk(gallery):
    """A limit on the size of files, which the system enforces."""
    program = PRELUDE + (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Sqlite(sys.argv[1], pin=PIN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))\n"
        "made = np.ones((60_000, 8), np.float32)\n"
        "names = [f'x{i}' for i in range(60_000)]\n"
        "try: store.write(Change(Rows.of(names, ['y'] * 60_000, made)))\n"
        "except LikewiseError as error: print(type(error).__name__, error)\n"
        "print(store.state().count)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, gallery],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LIKEWISE_CHECK_SHAPES": "0"},
    )
    said, count = done.stdout.splitlines()
    assert said.startswith("SaveFailed")
    assert "could not be written" in said
    assert count == "200"


def test_a_timeout_that_is_none(tmp_path):
    with pytest.raises(BadArgument, match="timeout_seconds is 0, and a time above 0"):
        made(tmp_path / "a.db", timeout_seconds=0)


def test_a_gallery_that_others_hold_is_busy(gallery, wal):
    with made(gallery, timeout_seconds=0.2) as store:
        other = sqlite3.connect(gallery, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(GalleryBusy, match=r"in use by others for 0\.2 seconds"):
            store.write(Change(rows(1, first=900)))
        assert time.monotonic() - started >= 0.2
        assert store.nearest(rows(1).vectors, 1)[0][0].id == "row 0"
        other.execute("ROLLBACK")
        other.close()
        assert store.write(Change(rows(1, first=900))).put.all()


# ── a kill at any moment ──────────────────────────────────────────────────────────────────────


def drawn(numbers, versions):
    """A vector for each version of each row, of eight numbers that look like chance."""
    mixed = (
        np.array(numbers, np.uint64)[:, None] << 32 ^ np.array(versions, np.uint64)[:, None] << 8
    )
    mixed = mixed ^ np.arange(8, dtype=np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> shift) * np.uint64(factor)
    return (mixed >> 40).astype(np.float32) / 2**24 - 0.5


WORKER = (
    PRELUDE
    + inspect.getsource(drawn)
    + """
import os
name, seed = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(seed)
store = FAMILY.build(name, pin=PIN, writing=True)
turn = 0
versions = json.loads(sys.stdin.read())
while True:
    turn += 1
    kind = random.integers(6)
    known = sorted(versions, key=int)
    if kind < 3 or len(known) < 10:
        first = max(map(int, versions), default=0) + 1
        some = {str(i): 0 for i in range(first, first + int(random.integers(1, 400)))}
        change = {"put": some, "taken": "new"}
        versions.update(some)
    elif kind == 3:
        one = known[int(random.integers(len(known)))]
        versions[one] += 1
        change = {"put": {one: versions[one]}, "taken": "known"}
    elif kind == 4:
        some = [known[int(i)] for i in random.integers(len(known), size=3)]
        change = {"remove": some}
        for one in some: versions.pop(one, None)
    else:
        change = {"reclaim": bool(turn % 3 == 0)}
    put = change.get("put", {})
    rows = Rows.of(list(put), ["who " + i for i in put],
                   drawn([int(i) for i in put], list(put.values())),
                   [{"version": v} for v in put.values()]) if put else None
    print(json.dumps(["asked", change]), flush=True)
    store.write(Change(rows, change.get("taken", "new"), change.get("remove", []),
                       change.get("reclaim", False)))
    print(json.dumps(["done"]), flush=True)
"""
)


def writing(place: Path | str, seed: int, versions: dict[str, int]) -> subprocess.Popen[bytes]:
    """A process that changes a store, in a file or of a spec, until somebody stops it."""
    spec = str(Spec("sqlite", (str(place),))) if isinstance(place, Path) else place
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, spec, str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LIKEWISE_CHECK_SHAPES": "0"},
    )
    with worker.stdin as told:  # more than the words of a command may hold
        told.write(json.dumps(versions).encode())
    return worker


def applied(versions: dict[str, int], change: dict) -> dict[str, int]:
    gone = set(change.get("remove", []))
    return {k: v for k, v in {**versions, **change.get("put", {})}.items() if k not in gone}


def held(store: Store) -> dict[str, int]:
    """The version of every row; each row is whole, and found by its vector."""
    found, ids, every = {}, [], []
    for part in store.read():
        versions = [int(metadata["version"]) for metadata in part.metadata]
        assert np.array_equal(part.vectors, drawn([int(name) for name in part.ids], versions))
        assert list(part.identities) == [f"who {name}" for name in part.ids]
        found.update(zip(part.ids, versions, strict=True))
        ids += part.ids
        every.append(part.vectors)
    assert store.state().count == len(found)
    if ids:
        sample = np.random.default_rng(0).integers(len(ids), size=20)
        matches = store.nearest(np.concatenate(every)[sample], 1)
        assert [match[0].id for match in matches] == [ids[at] for at in sample]
    return found


def killed(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGKILL)


def kill_and_look(
    path: Path | str,
    turns: int,
    seed: int,
    opened: Callable[[Any], Store] = made,
    kill: Callable[[subprocess.Popen[bytes]], None] = killed,
) -> dict[str, int]:
    """Kill a writer at random moments; what it said was done is there, and nothing by half."""
    chance, versions, counts = random.Random(seed), {}, {"acknowledged": 0, "rows": 0, "open": 0}
    for turn in range(turns):
        worker = writing(path, seed + turn, versions)
        with worker.stdout as out:
            lines = [out.readline() for _ in range(1 + turn % 2)]  # once it writes, or has written
            time.sleep(chance.uniform(0, 0.25))
            kill(worker)
            lines += out.read().splitlines()
        assert worker.wait() != 0
        pending = None
        for line in lines:
            try:
                sort, *rest = json.loads(line)
            except ValueError:  # cut off by the kill
                continue
            if sort == "asked":
                pending = rest[0]
            else:
                versions = applied(versions, pending)
                counts["acknowledged"] += 1
                pending = None
        with opened(path) as store:
            there = held(store)
        if pending is not None:
            counts["open"] += 1
            assert there in (versions, applied(versions, pending))
        assert pending is not None or there == versions
        versions = there
    return {**counts, "rows": len(versions)}


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path):
    counts = kill_and_look(tmp_path / "a.db", 6, seed=1)
    assert counts["acknowledged"] >= 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_kills(tmp_path, capsys):
    counts = kill_and_look(tmp_path / "a.db", 200, seed=1000)
    with capsys.disabled():
        sys.stdout.write(f"\n200 kills: {counts}")
    assert counts["acknowledged"] >= 100
    assert counts["open"] >= 50


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(words, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_removing_works_on_a_full_disk(small_disk, wal):
    path = small_disk / "a.db"
    with made(path) as store:
        store.write(Change(rows(2000)))
        filler = small_disk / "filler"
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        assert shutil.disk_usage(small_disk).free == 0
        with pytest.raises(SaveFailed, match="still stands"):
            store.write(Change(rows(2000, first=5000)))
        for start in range(0, 300, 20):
            gone = [f"row {at}" for at in range(start, start + 20)]
            assert store.write(Change(remove=gone)).removed.all()
            # Whoever is first takes what was given free.
            with filler.open("ab") as file, contextlib.suppress(OSError):
                os.write(file.fileno(), bytes(4096))
        assert store.state().count == 1700
        assert store.nearest(rows(2000).vectors[40:41], 1)[0][0].id != "row 40"
    with made(path) as store:
        assert store.state().count == 1700
        assert store.state().damaged == ()


def test_new_files_are_their_owners_alone(tmp_path, monkeypatch, wal):
    with made(tmp_path / "a.db") as store:
        store.write(Change(rows(20)))
        store.write(Change(remove=["row 3"]))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert set(modes.values()) == {0o600}, modes
    monkeypatch.setenv("LIKEWISE_MODE", "0660")
    with made(tmp_path / "b.db") as store:
        store.write(Change(rows(20)))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("b.db*")}
        assert set(modes.values()) == {0o660}, modes
    for wrong in ("777", "0466", "rw", ""):
        monkeypatch.setenv("LIKEWISE_MODE", wrong)
        with pytest.raises(BadArgument, match="The mode of new files is"):
            made(tmp_path / "c.db")
    (tmp_path / "page.html").write_text("", encoding="utf-8")
    (tmp_path / "page.html").chmod(0o644)
    monkeypatch.delenv("LIKEWISE_MODE")
    atomic.replace(tmp_path / "page.html", b"new")
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644
