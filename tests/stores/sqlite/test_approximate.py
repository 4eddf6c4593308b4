"""The index of a gallery: what it finds, what it may not be believed, and what it never holds."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument, DamagedGallery, MissingExtra, SaveFailed
from likewise.io import atomic
from likewise.stores.index import faiss_index
from likewise.stores.index.indexing import IndexRequest, index_method
from likewise.stores.index.sidecar import HnswGraph, Lists, as_bytes, index_from_bytes, starts_of
from likewise.stores.rows import Change, Pin, Rows
from likewise.stores.sqlite import approximate, deriving
from likewise.stores.sqlite.store import Sqlite
from likewise.stores.where import parse_condition

DIM = 16
KINDS = ("hnsw", "ivf")

pytestmark = pytest.mark.skipif(not faiss_index.installed(), reason="FAISS is not installed")


def clustered(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIM))
    made = centres[random.integers(40, size=count)] + 0.4 * random.standard_normal((count, DIM))
    return made.astype(np.float32)


def rows(count: int, *, first: int = 0, seed: int = 0) -> Rows:
    names = [f"row {i}" for i in range(first, first + count)]
    metadata = [{"n": i % 100} for i in range(first, first + count)]
    who = [f"who {i % 7}" for i in range(count)]
    return Rows.of(names, who, clustered(count, seed), metadata)


def made(path: Path, distance: str = "euclidean") -> Sqlite:
    return Sqlite(str(path), pin=Pin("a" * 64, distance, DIM))


def recall(store: Sqlite, queries: np.ndarray, where: str = "", k: int = 10) -> float:
    condition = parse_condition(where) if where else None
    truth = store.neighbours(queries, k, condition)
    found = store.neighbours(queries, k, condition, approximate=True)
    return float(np.mean(found.distances <= truth.distances[:, -1:]))


def asks_the_index(store: Sqlite, monkeypatch) -> list[int]:
    """How many queries the index was asked, search by search."""
    seen: list[int] = []
    search = faiss_index.Searcher.search

    def spy(self, queries, *more):
        seen.append(len(queries))
        return search(self, queries, *more)

    monkeypatch.setattr(faiss_index.Searcher, "search", spy)
    return seen


def the_sidecar(folder: Path) -> Path:
    (found,) = folder.glob("*-index-*")
    return found


@pytest.fixture
def gallery(tmp_path):
    with made(tmp_path / "a.db") as store:
        store.write(Change(rows(3000)))
        yield store


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_what_it_promises_and_tells_the_exact_distance(
    tmp_path, monkeypatch, kind, distance
):
    with made(tmp_path / "a.db", distance) as store:
        store.write(Change(rows(3000)))
        store.write(Change(index=IndexRequest(kind, 0.95)))
        told = store.state().index
        assert (told.method, told.status, told.rows) == (kind, "used", 3000)
        assert (told.newer, told.removed, told.asked, told.wanted) == (0, 0, 750, 0.95)
        assert 0.95 <= told.recall <= 1
        assert told.bytes_used == the_sidecar(tmp_path).stat().st_size
        seen, queries = asks_the_index(store, monkeypatch), clustered(400, seed=5)
        assert recall(store, queries) >= 0.93
        assert seen == [400]
        for query, matches in zip(
            queries[:20], store.nearest(queries[:20], 10, approximate=True), strict=True
        ):
            assert len(matches) == 10
            one = rows(3000)
            places = [int(match.id[4:]) for match in matches]
            exactly = DISTANCES.build(distance).rows(
                np.repeat(query[None], 10, 0), one.vectors[places]
            )
            assert [match.distance for match in matches] == exactly.tolist()
            assert [match.metadata["n"] for match in matches] == [at % 100 for at in places]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_measured_is_what_a_plain_loop_measures(tmp_path, kind):
    """The recall that is told, again: rows drawn by lot, asked for among the others."""
    with made(tmp_path / "a.db") as store:
        store.write(Change(rows(1200)))
        store.write(Change(index=IndexRequest(kind, 0.5)))
        told, breadth = store.state().index, int(store.state().index.settings.partition("=")[2])
        drawn = np.random.default_rng(0).permutation(1200)
        held = drawn[900:]
        vectors = rows(1200).vectors
        there = drawn[:900] if kind == "hnsw" else drawn
        import faiss

        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(DIM, 16)
            index.hnsw.efConstruction = 100
            index.hnsw.efSearch = breadth
            index.add(vectors[there])
        else:
            lists = index_from_bytes(the_sidecar(tmp_path).read_bytes(), _token(store), DIM, 1200)
            assert isinstance(lists, Lists)
            place = np.empty(1200, dtype=np.int64)
            place[lists.slots] = lists.lists
        hits = 0
        for one in held:
            apart = np.sqrt(((vectors - vectors[one]) ** 2).sum(1))
            others = [row for row in there if row != one]
            truth = sorted(others, key=lambda row: apart[row])[:10]
            if kind == "hnsw":
                found = there[index.search(vectors[one : one + 1], 11)[1][0]][:10]
            else:
                far = ((lists.centroids - vectors[one]) ** 2).sum(1)
                looked = set(np.argsort(far)[:breadth].tolist())
                some = [row for row in others if place[row] in looked]
                found = sorted(some, key=lambda row: apart[row])[:10]
            hits += len(set(truth) & {int(row) for row in found})
        assert told.recall == pytest.approx(hits / (10 * len(held)), abs=0.002)
        assert told.asked == 300


def _token(store: Sqlite) -> bytes:
    return store._database.connection().execute("SELECT token FROM gallery").fetchone()[0]


@pytest.mark.parametrize("kind", KINDS)
def test_newer_rows_are_found_and_removed_ones_are_not(gallery, monkeypatch, kind):
    gallery.write(Change(index=IndexRequest(kind, 1.0)))
    new = Rows.of(["new"], ["n"], np.full((1, DIM), 9.0, np.float32), [{"n": 1}])
    gallery.write(Change(new))
    gallery.write(Change(remove=["row 3", "row 4"]))
    moved = Rows.of(["row 5"], ["m"], np.full((1, DIM), -9.0, np.float32), [{"n": 5}])
    gallery.write(Change(moved, taken="known"))
    seen, old = asks_the_index(gallery, monkeypatch), rows(3000).vectors
    asked = np.concatenate([new.vectors, moved.vectors, old[3:6]])
    found = gallery.nearest(asked, 10, approximate=True)
    assert seen == [5]
    assert [matches[0].id for matches in found[:2]] == ["new", "row 5"]
    assert not {match.id for matches in found[2:] for match in matches} & {"row 3", "row 4"}
    assert all(match.id != "row 5" for match in found[4])
    told = gallery.state().index
    assert (told.rows, told.newer, told.removed, told.status) == (3000, 2, 3, "used")
    assert recall(gallery, clustered(200, seed=5)) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_costs_no_neighbour(gallery, monkeypatch, kind):
    gallery.write(Change(index=IndexRequest(kind)))
    seen, queries = asks_the_index(gallery, monkeypatch), clustered(100, seed=5)
    assert recall(gallery, queries, "n = 7") == 1.0
    assert recall(gallery, queries, "n < 40") == 1.0
    assert seen == []
    assert recall(gallery, queries, "n < 80") >= 0.98
    assert seen == [100]
    found = gallery.nearest(queries, 10, parse_condition("n < 80"), approximate=True)
    assert all(match.metadata["n"] < 80 for matches in found for match in matches)


def test_without_an_index_the_answer_is_exact(gallery, tmp_path):
    assert gallery.state().index is None
    assert recall(gallery, clustered(50, seed=5)) == 1.0
    gallery.write(Change(index=IndexRequest("ivf")))
    before = gallery.state()
    gallery.write(Change(index=IndexRequest("none")))
    assert gallery.state().index is None
    assert list(tmp_path.glob("*-index-*")) == []
    assert gallery.state().generation == before.generation


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_there_are_and_more_than_an_index_is_good_for(gallery, kind):
    gallery.write(Change(index=IndexRequest(kind, 1.0)))
    queries = clustered(3, seed=5)
    assert recall(gallery, queries, k=500) >= 0.99
    assert len(gallery.nearest(queries, 5000, approximate=True)[0]) == 3000


@pytest.mark.parametrize("kind", KINDS)
def test_the_sidecar_holds_no_vector_and_nothing_of_what_is_removed(tmp_path, kind):
    some = rows(2000)
    with made(tmp_path / "a.db") as store:
        store.write(Change(some))
        store.write(Change(index=IndexRequest(kind)))
        sidecar = the_sidecar(tmp_path).read_bytes()
        assert not any(vector.tobytes() in sidecar for vector in some.vectors)
        assert not any(name.encode() in sidecar for name in some.ids[1000:])
        store.nearest(some.vectors[:2], 3, approximate=True)
        store.write(Change(remove=["row 1000"]))
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert some.vectors[1000].tobytes() not in everything
        assert b"row 1000" not in everything
        assert some.vectors[1001].tobytes() in everything


def test_a_list_is_the_mean_of_eight_vectors_at_least(tmp_path):
    """Also where some vectors stand alone."""
    vectors = np.concatenate([clustered(1000), 50 * np.eye(DIM, dtype=np.float32)])
    lists = faiss_index._lists(np.arange(len(vectors)), vectors)
    assert np.bincount(lists.lists).min() >= 8
    for at, centroid in enumerate(lists.centroids):
        np.testing.assert_allclose(
            centroid, vectors[lists.lists == at].mean(0), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("kind", KINDS)
def test_compacting_makes_it_again(gallery, tmp_path, kind):
    gallery.write(Change(index=IndexRequest(kind, 0.9)))
    gallery.write(Change(remove=[f"row {i}" for i in range(200)]))
    gallery.write(Change(reclaim=True))
    told = gallery.state().index
    assert (told.method, told.wanted, told.status) == (kind, 0.9, "used")
    assert (told.rows, told.newer, told.removed) == (2800, 0, 0)
    assert the_sidecar(tmp_path).name.endswith("-index-2")
    assert recall(gallery, clustered(100, seed=5)) >= 0.9


def test_an_index_that_lost_a_quarter_is_passed_over(gallery, monkeypatch):
    gallery.write(Change(index=IndexRequest("ivf")))
    gallery.write(Change(remove=[f"row {i}" for i in range(751)]))
    seen = asks_the_index(gallery, monkeypatch)
    assert recall(gallery, clustered(50, seed=5)) == 1.0
    assert seen == []
    assert "more than a quarter" in gallery.state().index.status


def damage(sidecar: Path, how: str) -> None:
    data = bytearray(sidecar.read_bytes())
    if how == "missing":
        sidecar.unlink()
        return
    if how == "shorter":
        data = data[:-7]
    elif how == "longer":
        data += b"\0" * 9
    elif how == "one bit":
        data[-30] ^= 1
    elif how == "noise":
        data[:] = os.urandom(len(data))
    sidecar.write_bytes(data)


@pytest.mark.parametrize("how", ["missing", "shorter", "longer", "one bit", "noise"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sidecar_that_is_not_as_it_was_written_is_passed_over(tmp_path, monkeypatch, kind, how):
    path = tmp_path / "a.db"
    with made(path) as store:
        store.write(Change(rows(800)))
        store.write(Change(index=IndexRequest(kind)))
    damage(the_sidecar(tmp_path), how)
    with made(path) as store:
        seen = asks_the_index(store, monkeypatch)
        assert recall(store, clustered(50, seed=5)) == 1.0
        assert seen == []
        status = store.state().index.status
        assert status != "used"
        assert "likewise gallery rebuild" in status
        store.write(Change(index=IndexRequest(kind)))
        assert store.state().index.status == "used"
        seen.clear()
        recall(store, clustered(50, seed=5))
        assert seen == [50]


def test_another_gallerys_sidecar_is_passed_over(tmp_path):
    for name in "ab":
        with made(tmp_path / f"{name}.db") as store:
            store.write(Change(rows(400)))
            store.write(Change(index=IndexRequest("ivf")))
    (tmp_path / "a.db-index-1").write_bytes((tmp_path / "b.db-index-1").read_bytes())
    with made(tmp_path / "a.db") as store:
        assert recall(store, clustered(50, seed=5)) == 1.0
        assert store.state().index.status != "used"


def structures() -> list[HnswGraph | Lists]:
    vectors, slots = clustered(900), np.random.default_rng(1).permutation(1000)[:900]
    return [faiss_index.made(kind, slots, vectors, 0, lambda _: None)[0] for kind in KINDS]


@pytest.mark.parametrize("at", [0, 1])
def test_a_structure_comes_back_from_its_bytes(at):
    structure = structures()[at]
    again = index_from_bytes(as_bytes(structure, b"t" * 16), b"t" * 16, DIM, 1000)
    for name, value in vars(structure).items():
        np.testing.assert_array_equal(getattr(again, name), value)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("slots", lambda a: np.where(a == a[0], 1000, a)),
        ("slots", lambda a: np.where(a == a[0], -1, a)),
        ("slots", lambda a: np.where(a == a[0], a[1], a)),
        ("links", lambda a: np.where(np.arange(len(a)) == 40, 900, a)),
        ("links", lambda a: np.where(np.arange(len(a)) == 40, -2, a)),
        ("links", lambda a: a[:-1]),
        ("levels", lambda a: np.where(np.arange(len(a)) == 3, a + 1, a)),
        ("levels", lambda a: a * 0),
        ("levels", lambda a: a + 100),
        ("entry", lambda _: 900),
        ("entry", lambda _: -1),
        ("lists", lambda a: a + 1000),
        ("lists", lambda a: a - 1),
        ("centroids", lambda a: a * np.nan),
    ],
)
def test_a_number_that_leads_nowhere_is_refused_whoever_wrote_it(field, change):
    """Also where the checksum is right: a gallery may come from a stranger, sidecar and all."""
    structure = structures()[0 if field in ("links", "levels", "entry") else 1]
    bad = type(structure)(**{**vars(structure), field: change(getattr(structure, field))})
    with pytest.raises(DamagedGallery, match="likewise gallery rebuild"):
        index_from_bytes(as_bytes(bad, b"t" * 16), b"t" * 16, DIM, 1000)


def test_a_link_that_leads_below_its_level_is_refused():
    graph = structures()[0]
    tall = int(np.flatnonzero(graph.levels > 1)[0])
    low = int(np.flatnonzero(graph.levels == 1)[0])
    links = graph.links.copy()
    links[starts_of(graph.levels)[tall] + 32] = low
    bad = HnswGraph(graph.slots, graph.levels, links, graph.entry)
    with pytest.raises(DamagedGallery, match="below its level"):
        index_from_bytes(as_bytes(bad, b"t" * 16), b"t" * 16, DIM, 1000)


def test_damaged_bytes_never_do_worse_than_an_error():
    random = np.random.default_rng(0)
    for structure in structures():
        whole = as_bytes(structure, b"t" * 16)
        vectors = np.zeros((900, DIM), np.float32)
        for _ in range(150):
            data = bytearray(whole)
            for at in random.integers(len(data) if random.random() < 0.5 else 200, size=3):
                data[at] = random.integers(256)
            try:
                read = index_from_bytes(bytes(data), b"t" * 16, DIM, 1000)
            except DamagedGallery:
                continue
            faiss_index.searcher_of(read, vectors).search(vectors[:5], 3, 50)


@pytest.mark.parametrize(
    "column",
    ["kind = 'x'", "breadth = 'wide'", "breadth = -1", "sha256 = 5", "size = 'x'", "slots = 1e9"],
)
def test_what_the_database_says_of_it_is_not_believed_either(gallery, column):
    gallery.write(Change(index=IndexRequest("ivf")))
    gallery._database.connection().execute(f"UPDATE indexed SET {column}")
    assert recall(gallery, clustered(50, seed=5)) == 1.0
    assert gallery.state().index.status != "used"
    gallery.write(Change(rows(2, first=9000)))
    gallery.write(Change(index=IndexRequest("ivf")))
    assert gallery.state().index.status == "used"


def test_a_table_of_another_form_is_no_index(gallery):
    connection = gallery._database.connection()
    connection.execute("CREATE TABLE indexed (one INTEGER)")
    assert recall(gallery, clustered(50, seed=5)) == 1.0
    assert gallery.state().index.status != "used"
    gallery.write(Change(index=IndexRequest("ivf")))
    assert gallery.state().index.status == "used"


def test_manhattan_has_no_index(tmp_path):
    with made(tmp_path / "a.db", "manhattan") as store:
        store.write(Change(rows(50)))
        with pytest.raises(BadArgument, match="no sound index for this gallery's distance"):
            store.write(Change(index=IndexRequest()))
        assert recall(store, clustered(5, seed=5)) == 1.0


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(BadArgument, match="one of hnsw, ivf, none is expected"):
        index_method("flat")
    with pytest.raises(BadArgument, match="at most 1 is expected"):
        IndexRequest("ivf", 1.5)
    with made(tmp_path / "a.db") as store, pytest.raises(BadArgument, match="no vectors to index"):
        store.write(Change(index=IndexRequest()))


def test_without_faiss_it_says_how_to_install_it_and_searches_exactly(tmp_path, monkeypatch):
    with made(tmp_path / "a.db") as store:
        store.write(Change(rows(400)))
        store.write(Change(index=IndexRequest("ivf")))
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(approximate, "installed", lambda: False)
    with made(tmp_path / "a.db") as store:
        assert recall(store, clustered(20, seed=5)) == 1.0
        assert "pip install" in store.state().index.status
        with pytest.raises(MissingExtra, match=r"pip install 'likewise\[faiss\]'"):
            store.write(Change(index=IndexRequest("ivf")))


@pytest.mark.parametrize("count", [1, 2, 3, 9, 60])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_few_rows_and_those_without_direction(tmp_path, count, kind, distance):
    some = rows(count)
    blank = Rows.of(["blank"], ["b"], np.zeros((1, DIM), np.float32), [{"n": 0}])
    with made(tmp_path / "a.db", distance) as store:
        store.write(Change(some))
        store.write(Change(blank))
        store.write(Change(index=IndexRequest(kind, 1.0)))
        queries = np.concatenate([clustered(5, seed=5), np.zeros((1, DIM), np.float32)])
        for asked in (queries, queries[:5]):
            assert store.nearest(asked, 99, approximate=True) == store.nearest(asked, 99)


def test_a_full_disk_leaves_the_old_index(gallery, tmp_path, monkeypatch):
    gallery.write(Change(index=IndexRequest("ivf", 0.9)))

    def full(file, data):
        raise OSError(28, "no space")

    monkeypatch.setattr(atomic, "_write", full)
    with pytest.raises(SaveFailed, match="disk is full"):
        gallery.write(Change(index=IndexRequest("hnsw")))
    monkeypatch.undo()
    told = gallery.state().index
    assert (told.method, told.status) == ("ivf", "used")
    assert recall(gallery, clustered(50, seed=5)) >= 0.9


def test_a_kill_before_the_stamp_leaves_a_file_that_the_next_writer_removes(gallery, tmp_path):
    gallery.write(Change(index=IndexRequest("ivf")))
    (tmp_path / "a.db-index-2").write_bytes((tmp_path / "a.db-index-1").read_bytes())
    with made(tmp_path / "a.db") as other:
        other.write(Change(rows(1, first=5000)))
    assert the_sidecar(tmp_path).name == "a.db-index-1"


def test_a_gallery_compacted_while_its_index_is_made_is_indexed_again(
    gallery, tmp_path, monkeypatch
):
    put, turns = deriving._put, []

    def compacted_first(*given):
        if not turns:
            with made(tmp_path / "a.db") as other:
                other.write(Change(remove=["row 0"]))
                other.write(Change(reclaim=True))
        turns.append(1)
        return put(*given)

    monkeypatch.setattr(deriving, "_put", compacted_first)
    gallery.write(Change(index=IndexRequest("ivf")))
    assert len(turns) == 2
    assert (gallery.state().index.rows, gallery.state().index.status) == (2999, "used")


# ── any sequence of changes ───────────────────────────────────────────────────────────────────

QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder in it
IDS = st.integers(0, 25)
GRID = st.tuples(*[st.integers(-3, 3)] * 4)
# Twice the error of the squared distance of two unit vectors of 5 numbers; whole numbers have none.
ROUNDING = 2 * (5 + 8) * 2**-24 * 4


class Any(RuleBasedStateMachine):
    """A gallery whose index looks everywhere answers as exact search does, whatever was done."""

    @initialize(distance=st.sampled_from(["euclidean", "cosine"]))
    def start(self, distance: str) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory(dir=QUICK)
        pin = Pin("a" * 64, distance, 4)
        self.open = lambda: Sqlite(f"{self.folder.name}/a.db", pin=pin)
        self.store, self.reader = self.open(), self.open()

    def put(self, some: dict, taken: str) -> None:
        vectors = np.array(list(some.values()), dtype=np.float32)
        names = [f"id {at}" for at in some]
        made = Rows.of(names, names, vectors, [{"n": at % 5} for at in some])
        self.store.write(Change(made, taken=taken))

    @rule(some=st.dictionaries(IDS, GRID, min_size=1, max_size=20))
    def enrol(self, some: dict) -> None:
        self.put(some, "new")

    @rule(some=st.dictionaries(IDS, GRID, min_size=1, max_size=3))
    def update(self, some: dict) -> None:
        self.put(some, "known")

    @rule(some=st.lists(IDS, max_size=4))
    def remove(self, some: list) -> None:
        self.store.write(Change(remove=[f"id {at}" for at in some]))

    @rule(kind=st.sampled_from(["ivf", "hnsw", "none"]))
    def index(self, kind: str) -> None:
        if self.store.state().count or kind == "none":
            try:
                self.store.write(Change(index=IndexRequest(kind, 1.0)))
            except BadArgument as error:  # nothing with a direction is enrolled
                assert "no vectors to index" in str(error)

    @rule()
    def compact(self) -> None:
        try:
            self.store.write(Change(reclaim=True))
        except BadArgument as error:
            assert "no vectors to index" in str(error)

    @rule()
    def lose(self) -> None:
        for path in Path(self.folder.name).glob("*-index-*"):
            path.unlink()

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = self.open()

    @rule(probe=GRID, k=st.integers(1, 12), n=st.integers(0, 6))
    def search(self, probe: tuple, k: int, n: int) -> None:
        query = np.array([probe], dtype=np.float32)
        for where in (None, parse_condition(f"n < {n}")):
            truth = self.store.nearest(query, k, where)
            for store in (self.store, self.reader):
                found = store.nearest(query, k, where, approximate=True)
                # FAISS rounds otherwise than the definition, so that of two rows which are equally
                # far but for a rounding either may be the k-th.
                near, expected = ([m.distance for m in one[0]] for one in (found, truth))
                np.testing.assert_allclose(near, expected, rtol=0, atol=ROUNDING)
                arrays = store.neighbours(query, k, where, approximate=True)
                # Where there are fewer than k, an array may hold empty names.
                named = [one for one in arrays.ids[0].tolist() if one]
                assert named == [m.id for m in found[0]]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.reader.close()
            self.folder.cleanup()


def sequences(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Any,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_sequence_is_that_of_exact_search(monkeypatch):
    everywhere(monkeypatch)
    sequences(8, 15)


@pytest.mark.slow
def test_many_sequences_are_those_of_exact_search(monkeypatch):
    everywhere(monkeypatch)
    sequences(150, 40)


def everywhere(monkeypatch) -> None:
    """Let every index look as broadly as it can."""
    monkeypatch.setattr(deriving, "_breadths", lambda _, widest: [widest])


# ── several processes ─────────────────────────────────────────────────────────────────────────

READER = """
import json, sys, time
import numpy as np
sys.path.insert(0, sys.argv[3])
from tests.stores.sqlite.test_approximate import clustered
from likewise.stores.sqlite.store import Sqlite
queries, end, worst, asked = clustered(30, seed=5), time.time() + float(sys.argv[2]), 1.0, 0
kinds = set()
with Sqlite(sys.argv[1], writing=False) as store:
    while time.time() < end:
        found = store.neighbours(queries, 10, approximate=True)
        truth = store.neighbours(queries, 10)
        worst = min(worst, float(np.mean(found.distances <= truth.distances[:, -1:])))
        loaded = store._approximate._loaded
        kinds.add(None if loaded is None else loaded.stamp.number)
        asked += 1
print(json.dumps([asked, worst, sorted(map(str, kinds))]))
"""


@pytest.mark.slow
def test_one_makes_indexes_while_others_read(gallery, tmp_path):
    gallery.write(Change(index=IndexRequest("ivf", 1.0)))
    root = str(Path(__file__).parents[3])
    words = [sys.executable, "-c", READER, str(tmp_path / "a.db"), "3", root]
    readers = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    end = time.time() + 4
    turn = 0
    while time.time() < end:
        gallery.write(Change(index=IndexRequest(KINDS[turn % 2], 1.0)))
        turn += 1
    for reader in readers:
        out, _ = reader.communicate(timeout=60)
        asked, worst, seen = json.loads(out)
        assert reader.returncode == 0
        assert asked > 3
        assert worst >= 0.97
        assert len(seen) > 1


def test_threads_share_an_index(gallery):
    gallery.write(Change(index=IndexRequest("hnsw", 1.0)))
    queries, errors = clustered(40, seed=5), []
    truth = gallery.neighbours(queries, 10).distances

    def ask() -> None:
        try:
            for _ in range(5):
                found = gallery.neighbours(queries, 10, approximate=True).distances
                assert float(np.mean(found <= truth[:, -1:])) >= 0.98
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def first_ids(store: Sqlite, query: np.ndarray) -> set[str]:
    """What both ways of asking find first."""
    one = store.nearest(query, 1, approximate=True)[0][0].id
    many = store.neighbours(query, 1, approximate=True).ids[0, 0]
    return {one, many}


@pytest.mark.parametrize("own", [True, False])
def test_what_was_asked_before_hides_no_change(gallery, tmp_path, own):
    gallery.write(Change(index=IndexRequest("hnsw", 0.95)))
    query = clustered(1, seed=77)
    with Sqlite(str(tmp_path / "a.db"), writing=False) as other:
        reader = gallery if own else other
        before = first_ids(reader, query)
        for turn in range(3):
            # The query itself is enrolled, replaced by a vector elsewhere, and removed.
            new = Rows.of(["new"], ["who"], query, [{"turn": turn}])
            gallery.write(Change(new))
            assert first_ids(reader, query) == {"new"}
            assert reader.nearest(query, 1, approximate=True)[0][0].metadata == {"turn": turn}
            if turn:
                gallery.write(Change(Rows.of(["new"], ["who"], query + 50), taken="known"))
                assert first_ids(reader, query) == before
            gallery.write(Change(remove=["new"]))
            assert first_ids(reader, query) == before
        gallery.write(Change(reclaim=True))
        assert first_ids(reader, query) == before


@pytest.mark.parametrize("ask", ["nearest", "neighbours"])
def test_a_change_while_the_index_is_asked_is_seen(gallery, tmp_path, monkeypatch, ask):
    gallery.write(Change(index=IndexRequest("hnsw", 0.95)))
    query = clustered(1, seed=77)
    with Sqlite(str(tmp_path / "a.db"), writing=False) as reader:
        assert first_ids(reader, query) != {"new"}
        search, searches = faiss_index.Searcher.search, []

        def slow(self, *asked):
            found = search(self, *asked)
            if not searches:
                gallery.write(Change(Rows.of(["new"], ["who"], query)))
            searches.append(len(asked[0]))
            return found

        monkeypatch.setattr(faiss_index.Searcher, "search", slow)
        found = getattr(reader, ask)(query, 1, approximate=True)
        assert searches == [1, 1]
        assert (found[0][0].id if ask == "nearest" else found.ids[0, 0]) == "new"


def test_an_unchanged_gallery_is_looked_at_once_a_search(gallery, monkeypatch):
    gallery.write(Change(index=IndexRequest("hnsw", 0.95)))
    query = clustered(1, seed=77)
    first_ids(gallery, query)
    looked, now = [], type(gallery._moments).now

    def spy(self, *asked, **more):
        looked.append(more)
        return now(self, *asked, **more)

    monkeypatch.setattr(type(gallery._moments), "now", spy)
    first_ids(gallery, query)
    gallery.nearest(query, 3)
    first_ids(gallery, query)
    # Only the exact search needed a moment; it did not cost the others theirs.
    assert looked == [{"stamp": False}]


def test_one_who_asked_an_older_index_asks_the_new_one(gallery, tmp_path):
    gallery.write(Change(index=IndexRequest("hnsw", 0.95)))
    query = clustered(1, seed=77)
    with Sqlite(str(tmp_path / "a.db"), writing=False) as reader:
        first_ids(reader, query)
        gallery.write(Change(index=IndexRequest("ivf", 0.95)))
        first_ids(reader, query)
        assert reader._approximate._loaded.stamp.method == "ivf"
