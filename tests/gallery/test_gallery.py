"""A gallery: what a person asks of it, and how it stands beside a plain dictionary."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from likewise.errors import (
    BadArgument,
    BadCondition,
    ForeignEmbedding,
    NotEnrolled,
    UnsupportedRate,
)
from likewise.gallery import Gallery
from likewise.gallery.request import IdentificationRequest, changed
from likewise.gallery.result import Entry
from likewise.results import Embeddings
from likewise.stores import FAMILY as STORES
from likewise.stores.rows import Pin
from likewise.tasks.identify import identify
from likewise.tasks.search import search
from likewise.types import Items
from tests.places import Place, place_of

DIM = 4
PIN = Pin("a" * 64, "euclidean", DIM)


def embedded(vectors: object, names: list[str], who: list[str], model: str = "a") -> Embeddings:
    items = Items.build("made", who, "image", names, lambda _: b"")
    return Embeddings(np.asarray(vectors, dtype=np.float32), model * 64, items)


def drawn(count: int, first: int = 0, seed: int = 0) -> Embeddings:
    vectors = np.random.default_rng([seed, first]).standard_normal((count, DIM))
    names = [f"row {i}" for i in range(first, first + count)]
    return embedded(vectors, names, [f"who {i}" for i in range(first, first + count)])


def one(vector: object, model: str = "a") -> Embeddings:
    return embedded([vector], ["probe"], ["?"], model)


@pytest.fixture(params=STORES.names())
def place(request, tmp_path):
    made = place_of(request.param, tmp_path, request)
    yield made
    made.close()


@pytest.fixture
def gallery(place):
    return Gallery(place.pinned(PIN))


def test_what_is_enrolled_is_found_changed_and_removed(gallery):
    some = drawn(30)
    done = gallery.enrol(some, metadata=[{"age": i} for i in range(30)])
    assert (done.added, done.known) == (30, ())
    assert gallery.enrol(drawn(32)).known == tuple(f"row {i}" for i in range(30))
    assert gallery.count() == 32
    assert gallery.count("age >= 28 or identity = 'who 31'") == 3
    entry = gallery.get("row 3")
    assert (entry.identity, entry.metadata, entry.item) == ("who 3", {"age": 3}, None)
    np.testing.assert_array_equal(entry.vector, some.vectors[3])
    assert gallery.search(one(some.vectors[3]))[0].id == "row 3"
    assert [match.id for match in gallery.search(one(some.vectors[3]), 1, "age > 3")] != ["row 3"]
    assert [match.id for match in gallery.like("row 3", 5)] == [
        match.id for match in gallery.search(one(some.vectors[3]), 6)[1:]
    ]
    changed = gallery.update("row 3", identity="ada", metadata={"age": 36})
    assert gallery.get("row 3").identity == changed.identity == "ada"
    np.testing.assert_array_equal(gallery.get("row 3").vector, some.vectors[3])
    gallery.update("row 3", embedding=one(np.ones(DIM)))
    np.testing.assert_array_equal(gallery.get("row 3").vector, np.ones(DIM))
    assert gallery.get("row 3").metadata == {"age": 36}
    assert gallery.remove("row 3", "nobody") == 1
    with pytest.raises(NotEnrolled, match="Nothing is enrolled under the id 'row 3'"):
        gallery.get("row 3")
    with pytest.raises(NotEnrolled, match="under the id 'row 3'"):
        gallery.update("row 3", identity="x")
    assert gallery.remove_identity("who 7") == 1
    assert gallery.remove_identity("who 7") == 0
    gallery.compact()
    assert sum(len(part) for part in gallery.rows()) == gallery.count() == 30


def test_kept_items_come_back_and_go_with_a_new_vector(gallery):
    gallery.enrol(drawn(2), items=[b"raw", None])
    assert gallery.get("row 0").item == b"raw"
    gallery.update("row 0", identity="ada")
    assert gallery.get("row 0").item == b"raw"
    gallery.update("row 0", embedding=one(np.ones(DIM)))
    assert gallery.get("row 0").item is None


def test_vectors_of_another_model_are_refused(gallery, tmp_path):
    gallery.enrol(drawn(3))
    stranger = one(np.ones(DIM), model="b")
    told = "made by model bbbbbbbbbbbb, and the gallery holds those of aaaaaaaaaaaa"
    for refused in (
        lambda: gallery.enrol(stranger),
        lambda: gallery.search(stranger),
        lambda: gallery.identify(stranger),
        lambda: gallery.update("row 1", embedding=stranger),
    ):
        with pytest.raises(ForeignEmbedding, match=told):
            refused()
    assert gallery.count() == 3


def test_what_cannot_be_asked_is_refused(gallery):
    gallery.enrol(drawn(3))
    with pytest.raises(BadCondition, match="cannot be read"):
        gallery.count("drop table rows")
    with pytest.raises(BadArgument, match="was opened without its model"):
        gallery.search(b"raw")
    with pytest.raises(BadArgument, match="is 3 vectors, and one is expected"):
        gallery.search(drawn(3))
    with pytest.raises(BadArgument, match="was to get 3 vectors"):
        gallery.update("row 1", embedding=drawn(3))
    with pytest.raises(BadArgument, match="3 ids came with 1 metadata"):
        gallery.enrol(drawn(3), metadata=[{}])
    with pytest.raises(BadArgument, match="row 1 holds a number that is not finite"):
        gallery.enrol(embedded([[0] * DIM, [np.nan] * DIM], ["row 0", "row 1"], ["a", "b"]))
    with pytest.raises(BadArgument, match="The id is ''"):
        gallery.enrol(embedded([[0] * DIM], [""], ["a"]))
    with pytest.raises(BadArgument, match="0 candidates were asked for"):
        gallery.identify(one(np.ones(DIM)), candidates=0)


def test_an_empty_gallery_knows_nobody(gallery):
    with pytest.raises(NotEnrolled, match="The gallery is empty"):
        gallery.identify(one(np.ones(DIM)))


# ── identify ──────────────────────────────────────────────────────────────────────────────────


def test_known_and_unknown_are_told_apart_and_the_rate_is_restated(gallery):
    gallery.enrol(drawn(300))
    vectors = gallery.get("row 5").vector
    found = gallery.identify(one(vectors + 0.001))
    assert (found.verdict, found.identity, found.enrolled) == ("identified", "who 5", 300)
    assert (found.limit.target, found.limit.asked) == (0.05, 300)
    assert found.candidates[0].distance <= found.limit.threshold
    assert found.candidates[0].prior == pytest.approx(0.5 / 300)
    assert len(found.candidates) == 5
    assert found.candidates[0].probability is None  # no model, no calibration
    stranger = gallery.identify(one(np.full(DIM, 9.0)), fpir=0.1, candidates=2)
    assert (stranger.verdict, stranger.identity) == ("unknown", "")
    assert len(stranger.candidates) == 2
    gallery.enrol(drawn(700, first=300))
    again = gallery.identify(one(vectors + 0.001))
    assert (again.limit.target, again.limit.asked) == (0.01, 1000)
    at_5 = gallery.limit(0.05).threshold
    assert at_5 < found.limit.threshold  # a larger gallery is denser
    gallery.remove_identity("who 5")
    assert gallery.identify(one(vectors)).candidates[0].identity != "who 5"


def test_a_rate_that_the_gallery_cannot_support_is_refused_or_undecided(gallery):
    gallery.enrol(drawn(40))
    probe = one(gallery.get("row 5").vector)
    with pytest.raises(
        UnsupportedRate,
        match=r"within 0.01, 95% sure, with 40 identities. It "
        "needs at least 598 identities in the gallery",
    ):
        gallery.identify(probe, fpir=0.01)
    found = gallery.identify(probe)
    assert (found.verdict, found.identity) == ("undecided", "")
    assert found.candidates[0].identity == "who 5"
    assert "at least" in found.limit.reason


def test_many_are_answered_as_each_alone(gallery, monkeypatch):
    gallery.enrol(drawn(300))
    near = np.concatenate([rows.vectors for rows in gallery.rows()]) + 0.001
    asked = np.concatenate([near, np.full((1, DIM), 9.0)])
    probes = embedded(asked, [f"probe {i}" for i in range(301)], ["?"] * 301)
    monkeypatch.setattr("likewise.gallery.identifying._NUMBERS", 300 * 7)  # seven at once
    found = gallery.identify_many(probes, fpir=0.1, candidates=2)
    assert found == [gallery.identify(one(each), fpir=0.1, candidates=2) for each in asked]
    assert {each.verdict for each in found[:300]} == {"identified"}
    assert len({each.identity for each in found[:300]}) == 300
    assert found[300].verdict == "unknown"


def test_many_of_another_model_or_of_an_empty_gallery_are_refused(gallery):
    with pytest.raises(NotEnrolled, match="is empty"):
        gallery.identify_many(drawn(3))
    gallery.enrol(drawn(40))
    with pytest.raises(ForeignEmbedding, match="made by model bbbb"):
        gallery.identify_many(embedded(np.ones((2, DIM)), ["a", "b"], ["?", "?"], "b"))
    with pytest.raises(UnsupportedRate, match="at least 598 identities"):
        gallery.identify_many(drawn(3), fpir=0.01)


def test_threads_ask_while_others_enrol(gallery):
    import threading

    gallery.enrol(drawn(200))
    errors = []

    def ask() -> None:
        try:
            for turn in range(4):
                found = gallery.identify(one(gallery.get(f"row {turn}").vector))
                assert found.candidates[0].identity == f"who {turn}"
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    def enrol() -> None:
        for turn in range(3):
            gallery.enrol(drawn(20, first=1000 + 20 * turn))

    threads = [threading.Thread(target=ask) for _ in range(3)] + [threading.Thread(target=enrol)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert gallery.count() == 260


# ── any sequence of changes, beside a dictionary ──────────────────────────────────────────────

# Where nothing waits for a disk, if there is such a place.
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder in it
IDS = st.sampled_from([f"id {i}" for i in range(12)])
WHO = st.sampled_from(["ada", "bob", "cyd"])
GRID = st.tuples(*[st.integers(-3, 3)] * DIM)
ROW = st.tuples(WHO, GRID, st.integers(0, 3))


class Beside(RuleBasedStateMachine):
    """A gallery and a dictionary, to which the same is done."""

    place: Place  # of the first; each has a folder, and so a place, of its own

    @initialize()
    def start(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory(dir=QUICK)
        self.here = self.place.at(Path(self.folder.name))
        self.gallery = Gallery(self.here.pinned(PIN))
        self.held: dict[str, tuple[str, tuple[int, ...], int]] = {}

    @rule(some=st.dictionaries(IDS, ROW, min_size=1, max_size=6))
    def enrol(self, some: dict) -> None:
        made = embedded(
            [row[1] for row in some.values()], list(some), [row[0] for row in some.values()]
        )
        done = self.gallery.enrol(made, metadata=[{"n": row[2]} for row in some.values()])
        assert done.known == tuple(name for name in some if name in self.held)
        self.held = {**some, **self.held}

    @rule(name=IDS, row=ROW)
    def update(self, name: str, row: tuple) -> None:
        def change() -> None:
            self.gallery.update(
                name, embedding=one(row[1]), identity=row[0], metadata={"n": row[2]}
            )

        if name in self.held:
            change()
            self.held[name] = row
        else:
            with pytest.raises(NotEnrolled, match="Nothing is enrolled"):
                change()

    @rule(names=st.lists(IDS, max_size=4, unique=True))
    def remove(self, names: list[str]) -> None:
        assert self.gallery.remove(*names) == sum(name in self.held for name in names)
        self.held = {name: row for name, row in self.held.items() if name not in names}

    @rule()
    def compact(self) -> None:
        self.gallery.compact()

    @rule()
    def open_again(self) -> None:
        self.gallery.close()
        self.gallery = Gallery(self.here.pinned(PIN))

    @rule(probe=GRID, k=st.integers(1, 6), n=st.integers(0, 4))
    def search(self, probe: tuple, k: int, n: int) -> None:
        found = self.gallery.search(one(probe), k, f"n < {n}")
        apart = {
            name: float(
                np.float32(
                    np.sqrt(
                        np.float32(sum((a - b) ** 2 for a, b in zip(row[1], probe, strict=True)))
                    )
                )
            )
            for name, row in self.held.items()
            if row[2] < n
        }
        assert [match.distance for match in found] == pytest.approx(sorted(apart.values())[:k])
        for match in found:
            assert match.distance == pytest.approx(apart[match.id])
            assert (match.identity, match.metadata) == (
                self.held[match.id][0],
                {"n": self.held[match.id][2]},
            )

    @invariant()
    def they_are_equal(self) -> None:
        if not hasattr(self, "gallery"):
            return
        found = {
            name: (who, tuple(map(int, vector)), metadata["n"])
            for part in self.gallery.rows()
            for name, who, vector, metadata in zip(
                part.ids, part.identities, part.vectors, part.metadata, strict=True
            )
        }
        assert found == self.held
        assert self.gallery.count() == len(self.held)

    def teardown(self) -> None:
        if hasattr(self, "gallery"):
            self.here.close()
            self.folder.cleanup()


def beside(place: Place, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        type("Machine", (Beside,), {"place": place}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_sequence_is_that_of_a_dictionary(place):
    beside(place, 8, 12)


@pytest.mark.slow
def test_many_sequences_are_those_of_a_dictionary(place):
    beside(place, 150, 40)


# ── several processes ─────────────────────────────────────────────────────────────────────────

PROGRAM = """
import json, sys, time
import numpy as np
from likewise.stores import FAMILY
from likewise.stores.rows import Change, Pin, Rows
sort, spec, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
PIN = Pin("a" * 64, "euclidean", 4)
def opened(pin=None): return FAMILY.build(spec, pin=pin, writing=pin is not None)
def vector(number, version):
    return np.random.default_rng([number, version]).standard_normal(4).astype(np.float32)
print("ready", flush=True)
sys.stdin.readline()
until, turn, version = time.monotonic() + seconds, 0, {}
if sort == "write":
    with opened(PIN) as store:
        while time.monotonic() < until:
            turn += 1
            names = [str(i) for i in range(8 * turn, 8 * turn + 8)]
            told = [{"version": 0}] * 8
            made = np.stack([vector(int(i), 0) for i in names])
            assert store.write(Change(Rows.of(names, ["x"] * 8, made, told))).put.all()
            if turn > 3:
                old = str(8 * turn - 16)
                again = Rows.of([old], ["x"], vector(int(old), 1)[None], [{"version": 1}])
                store.write(Change(again, taken="known"))
                store.write(Change(remove=[str(8 * turn - 23)]))
            if turn % 10 == 0: store.write(Change(reclaim=True))
elif sort == "read":
    with opened() as store:
        while time.monotonic() < until:
            turn += 1
            last, count = None, 0
            for part in store.read():
                count += len(part)
                for at, name in enumerate(part.ids):
                    told = part.metadata[at]
                    wanted = vector(int(name), told["version"])
                    assert np.array_equal(part.vectors[at], wanted), name
                    last = (name, told, part.vectors[at])
            if last:
                match = store.nearest(last[2][None], 1)[0][0]
                assert match.distance == 0 or match.id != last[0], match
else:
    with opened(PIN) as store:
        while turn < 10:
            names = [str(i) for i in range(10 * turn, 10 * turn + 10)]
            made = np.stack([vector(int(i), 0) for i in names])
            version[turn] = int(store.write(Change(Rows.of(names, ["x"] * 10, made))).put.sum())
            turn += 1
print(json.dumps([turn, sum(version.values())]))
"""


def together(place: Place, sorts: list[str], seconds: float) -> list[list[float]]:
    """Run programs at the same time, and what each says at its end."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, sort, place.spec, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LIKEWISE_CHECK_SHAPES": "0"},
        )
        for sort in sorts
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=seconds + 120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(sorts)
    return [json.loads(text) for text in said]


def test_one_writer_and_four_readers(place):
    place.pinned(PIN).close()
    writer, *readers = together(place, ["write"] + ["read"] * 4, 2.0)
    assert writer[0] >= 1
    assert all(turns >= 1 for turns, *_ in readers)


@pytest.mark.slow
def test_one_writer_and_four_readers_for_a_minute(place, capsys):
    place.pinned(PIN).close()
    found = together(place, ["write"] + ["read"] * 4, 60.0)
    with capsys.disabled():
        sys.stdout.write(
            f"\na minute: {found[0][0]} rounds written; read {[turns for turns, *_ in found[1:]]}"
        )


def test_two_writers_of_the_same_ids_wait_for_each_other(place):
    found = together(place, ["twin", "twin"], 0)
    assert sum(put for *_, put in found) == 100
    with place.pinned(None, writing=False) as store:
        ids = [name for part in store.read() for name in part.ids]
    assert sorted(ids, key=int) == [str(i) for i in range(100)]


def test_a_reader_sees_a_write_within_a_second(place):
    with place.pinned(PIN) as store, Gallery(place.pinned(None, writing=False)) as reader:
        for turn in range(5):
            Gallery(store).enrol(drawn(10, first=10 * turn))
            acknowledged = time.monotonic()
            assert reader.count() == 10 * turn + 10
            assert time.monotonic() - acknowledged < 1


def test_every_door_asks_for_the_same_where_nothing_is_said():
    import inspect

    usual = IdentificationRequest()
    assert usual.candidates == 5
    doors = (Gallery.identify, Gallery.identify_many, identify)
    for door in doors:
        told = inspect.signature(door).parameters
        for name in ("fpir", "prior_unknown", "fusion", "calibration", "candidates"):
            assert told[name].default == getattr(usual, name)
    assert inspect.signature(Gallery.index).parameters["recall"].default == 0.99
    for asking in (Gallery.search, Gallery.like, search):
        assert inspect.signature(asking).parameters["approximate"].default is False


def test_what_an_entry_came_from_stays_with_its_item():
    vector = np.ones(3, np.float32)
    noted = {"path": "/a.png", "sha256": "f" * 64, "season": "winter"}
    entry = Entry("a", "ann", vector, noted, b"item")
    pin = Pin("f" * 64, "euclidean", 3)
    told = changed(entry, pin, None, None, {"season": "spring"})
    assert told.metadata == {"path": "/a.png", "sha256": "f" * 64, "season": "spring"}
    assert told.item == b"item"
    items = Items.build("x", ["bob"], "image", ["b.png"], lambda _: b"")
    other = changed(entry, pin, Embeddings(2 * vector[None], "f" * 64, items), "bob", None)
    assert other.metadata == {"season": "winter"}
    assert (other.identity, other.item, other.vector.tolist()) == ("bob", None, [2, 2, 2])
