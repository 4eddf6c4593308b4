"""What every store promises, whoever adds one."""

import copy
import pickle
import threading
import time

import numpy as np
import pytest

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import (
    BadArgument,
    ForeignEmbedding,
    GalleryBusy,
    GalleryClosed,
    GalleryNotFound,
    SaveFailed,
    WrongDimension,
)
from likewise.stores import FAMILY
from likewise.stores.base import Store
from likewise.stores.rows import Change, Match, Moved, Pin, Rows, Written
from likewise.stores.where import condition_holds, parse_condition
from tests.places import DIM, place_of


@pytest.fixture(params=FAMILY.names())
def place(request, tmp_path):
    made = place_of(request.param, tmp_path, request)
    yield made
    made.close()


def drawn(count: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)


def rows(count: int, seed: int = 0, *, first: int = 0, dim: int = DIM) -> Rows:
    names = [f"row {i}" for i in range(first, first + count)]
    metadata = [{"season": "winter" if i % 3 else "summer", "price": i / 4} for i in range(count)]
    return Rows.of(names, [f"who {i % 5}" for i in range(count)], drawn(count, seed, dim), metadata)


def settled(store: Store, written: Written) -> None:
    """Wait until reads show a change; at once where they promise it."""
    if store.state().reads == "fresh":
        assert store.state().generation >= written.generation
    until = time.monotonic() + 30
    while store.state().generation < written.generation:
        assert time.monotonic() < until
        time.sleep(0.01)


def put(store: Store, some: Rows, taken: str = "new") -> np.ndarray:
    done = store.write(Change(some, taken=taken))
    settled(store, done)
    return done.put


def everything(store: Store, **asked: object) -> dict[str, tuple[str, bytes, dict, bytes | None]]:
    found = {}
    for part in store.read(**asked):
        columns = (part.ids, part.identities, part.vectors, part.metadata, part.items)
        for name, identity, vector, metadata, item in zip(*columns, strict=True):
            assert name not in found
            found[name] = (identity, vector.tobytes(), dict(metadata), item)
    return found


def expected(some: Rows) -> dict[str, tuple[str, bytes, dict, bytes | None]]:
    columns = (some.ids, some.identities, some.vectors, some.metadata, some.items)
    return {
        name: (identity, vector.tobytes(), dict(metadata), item)
        for name, identity, vector, metadata, item in zip(*columns, strict=True)
    }


def scanned(some: Rows, query: np.ndarray, distance: str, where: str = "") -> list[tuple]:
    """What a plain scan finds: every distance by its definition, nearest first."""
    fields = (
        {"id": name, "identity": who, **metadata}
        for name, who, metadata in zip(some.ids, some.identities, some.metadata, strict=True)
    )
    kept = [not where or condition_holds(parse_condition(where), one) for one in fields]
    queries = np.repeat(query[None], len(some), axis=0)
    distances = DISTANCES.build(distance).rows(queries, some.vectors).tolist()
    return sorted(
        (far, name) for far, name, one in zip(distances, some.ids, kept, strict=True) if one
    )


def as_pairs(matches: list[Match]) -> list[tuple]:
    return [(match.distance, match.id) for match in matches]


def test_what_is_put_is_there_again_whole(place):
    some = rows(40)
    some = Rows.of(some.ids, some.identities, some.vectors, some.metadata, [b"\0item", None] * 20)
    with place.open() as store:
        assert put(store, some).all()
        assert everything(store, items=True) == expected(some)
        assert store.state().count == 40
    with place.open() as again:
        assert everything(again, items=True) == expected(some)
        part = next(again.read(vectors=False))
        assert part.vectors.shape == (40, 0)
        assert part.items == [None] * 40


def test_identities_are_those_of_the_rows_that_are_left(place):
    with place.open(dim=2) as store:
        assert store.identities() == set()
        names = [f"row {at}" for at in range(6)]
        who = ["ann", "bob", "ann", "名前", "bob", "eve"]
        vectors = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
        store.write(Change(Rows.of(names, who, vectors)))
        assert store.identities() == {"ann", "bob", "名前", "eve"}
        store.write(Change(remove=["row 5", "row 1"]))
        assert store.identities() == {"ann", "bob", "名前"}


def test_rows_come_in_order_in_parts_and_by_id(place):
    store = place.open(dim=2)
    put(store, rows(5000, dim=2))
    put(store, rows(4000, first=5000, dim=2, seed=1))
    names = [name for part in store.read() for name in part.ids]
    assert names == [f"row {i}" for i in range(9000)]
    asked = ["row 8000", "nobody", "row 3", "row 3"]
    assert sorted(everything(store, ids=asked)) == ["row 3", "row 8000"]
    assert list(everything(store, ids=[])) == []


@pytest.mark.parametrize("distance", DISTANCES.names())
@pytest.mark.parametrize("where", ["", 'season = "winter"', "price < 3 and not id = 'row 4'"])
def test_the_nearest_are_those_of_a_scan(place, distance, where):
    some = rows(300)
    store = place.open(distance)
    put(store, some)
    queries = np.concatenate([drawn(3, seed=9), some.vectors[:2]])
    condition = parse_condition(where) if where else None
    for k in (1, 10, 400):
        found = store.nearest(queries, k, condition)
        for query, matches in zip(queries, found, strict=True):
            truth = scanned(some, query, distance, where)[:k]
            assert [far for far, _ in as_pairs(matches)] == [far for far, _ in truth]
            assert sorted(as_pairs(matches)) == truth
    match = store.nearest(some.vectors[5:6], 1)[0][0]
    assert match == Match("row 5", "who 0", 0.0, some.metadata[5])


@pytest.mark.parametrize("distance", DISTANCES.names())
def test_approximate_search_tells_true_distances_of_rows_that_are_there(place, distance):
    """Whatever index a store has; where it has none of use, the answer is exact."""
    store, some = place.open(distance), rows(300)
    put(store, some)
    settled(store, store.write(Change(remove=some.ids[:30])))
    kept = rows(300).take(np.arange(300) >= 30)
    for query in drawn(3, seed=9):
        for where in ("", 'season = "winter"'):
            truth = dict(map(reversed, scanned(kept, query, distance, where)))
            condition = parse_condition(where) if where else None
            found = store.nearest(query[None], 10, condition, approximate=True)[0]
            assert len(found) == 10
            assert [(m.id, m.distance) for m in found] == [(m.id, truth[m.id]) for m in found]
            assert [m.distance for m in found] == sorted(m.distance for m in found)
            if store.state().index is None:
                assert found == store.nearest(query[None], 10, condition)[0]


def test_neighbours_are_the_nearest_in_arrays(place):
    store = place.open()
    put(store, rows(30))
    queries = drawn(4, seed=9)
    for k in (1, 10, 50):
        found = store.neighbours(queries, k)
        assert found.ids.shape == found.distances.shape == (4, min(k, 30))
        for ids, far, matches in zip(
            found.ids, found.distances, store.nearest(queries, k), strict=True
        ):
            assert ids.tolist() == [match.id for match in matches]
            assert far.tolist() == [match.distance for match in matches]


def test_new_and_known_rows_are_told_apart(place):
    store = place.open()
    first, more = rows(10), rows(20, seed=3)
    put(store, first)
    assert put(store, more).tolist() == [False] * 10 + [True] * 10
    held = everything(store)
    assert held == {**expected(more), **expected(first)}
    changed = rows(30, seed=4)
    assert put(store, changed, "known").tolist() == [True] * 20 + [False] * 10
    assert everything(store) == dict(list(expected(changed).items())[:20])
    assert store.nearest(more.vectors[15:16], 1)[0][0].distance > 0


def test_of_two_rows_with_one_id_the_first_counts(place):
    store = place.open()
    twice = Rows.of(["a", "a"], ["one", "two"], drawn(2))
    assert put(store, twice).tolist() == [True, False]
    assert everything(store)["a"][0] == "one"
    assert put(store, twice, "known").tolist() == [True, False]
    assert store.state().count == 1


def test_what_is_removed_is_found_no_more(place):
    store, some = place.open(), rows(30)
    put(store, some)
    done = store.write(Change(remove=["row 3", "nobody", "row 4"]))
    settled(store, done)
    assert done.removed.tolist() == [True, False, True]
    assert set(everything(store)) == set(some.ids) - {"row 3", "row 4"}
    assert store.state().count == 28
    assert store.nearest(some.vectors[3:4], 30)[0][0].distance > 0
    assert len(store.nearest(some.vectors[3:4], 30)[0]) == 28
    put(store, some)
    assert everything(store)["row 3"] == expected(some)["row 3"]
    assert store.nearest(some.vectors[3:4], 1)[0][0].id == "row 3"


def test_reclaiming_loses_nothing_and_gives_place_back(place):
    store, some = place.open(dim=64), rows(6000, dim=64)
    put(store, some)
    settled(store, store.write(Change(remove=some.ids[:5500])))
    before = store.state()
    other = place.open(dim=64)
    assert other.nearest(some.vectors[5600:5601], 1)[0][0].id == "row 5600"
    settled(store, store.write(Change(reclaim=True)))
    after = store.state()
    assert after.count == before.count == 500
    assert after.bytes_used < before.bytes_used - 5500 * 64 * 4
    kept = Rows.of(
        *(column[5500:] for column in (some.ids, some.identities, some.vectors)),
        some.metadata[5500:],
    )
    for each in (store, other):
        assert everything(each) == expected(kept)
        assert each.nearest(some.vectors[5600:5601], 1)[0][0].id == "row 5600"
    put(store, rows(10, first=9000, dim=64, seed=5))
    assert other.nearest(drawn(10, 5, 64)[7:8], 1)[0][0].id == "row 9007"


def test_what_is_removed_is_in_no_file(place):
    """The identity, the id, the metadata, the item and the vector's bytes."""
    secret, other = drawn(2, seed=77)
    store = place.open()
    put(store, rows(300))
    told = {"told": "metadata-of-the-secret"}
    columns = (["id-of-the-secret"], ["name-of-the-secret"], secret[None], [told], [b"raw-secret"])
    put(store, Rows.of(*columns))
    put(store, rows(300, first=300, seed=1))
    traces = [b"of-the-secret", b"raw-secret", secret.tobytes(), secret[4:].tobytes()]

    def erased() -> bytes:
        """What is written once what was removed is to be gone."""
        if store.state().erases == "reclaimed":
            settled(store, store.write(Change(reclaim=True)))
        return place.written()

    assert all(trace in place.written() for trace in traces)
    put(store, Rows.of(columns[0], ["somebody"], other[None]), "known")
    left = erased()
    assert secret[4:].tobytes() not in left
    assert b"raw-secret" not in left
    settled(store, store.write(Change(remove=["id-of-the-secret"])))
    left = erased()
    assert not any(trace in left for trace in traces)
    assert other[4:].tobytes() not in left
    store.close()
    assert not any(trace in place.written() for trace in traces)


def test_the_log_names_nobody_and_forgets_nothing(place):
    store = place.open()
    put(store, rows(3))
    put(store, rows(1, seed=2), "known")
    settled(store, store.write(Change(remove=["row 2", "nobody"])))
    state = store.state(log=10)
    wanted = [("removed", "row 2"), ("updated", "row 0")]
    wanted += [("enrolled", f"row {i}") for i in (2, 1, 0)]
    assert [(line.action, line.digest) for line in state.log] == [
        (action, state.digest(name)) for action, name in wanted
    ]
    assert abs(state.log[0].at - time.time()) < 60
    assert len(store.state(log=2).log) == 2
    assert place.open().state().digest("row 2") == state.digest("row 2")
    another = place.another()
    with another.open() as stranger:
        assert stranger.state().digest("row 2") != state.digest("row 2")
    another.close()


def test_one_that_is_pickled_opens_itself_where_it_was(place):
    store = place.open()
    put(store, rows(3))
    for sent in (pickle.loads(pickle.dumps(store)), copy.copy(store), copy.deepcopy(store)):
        with sent:
            assert everything(sent) == everything(store)
            put(sent, rows(1, first=9))
            assert len(everything(store)) == 4
            settled(sent, sent.write(Change(remove=["row 9"])))
    reader = place.pinned(None, writing=False)
    sent = pickle.loads(pickle.dumps(reader))
    with sent, pytest.raises(SaveFailed, match="was opened for reading alone"):
        sent.write(Change(rows(1, first=9)))


def test_one_that_is_pickled_is_refused_where_another_is_now(place):
    first = place.open(model="a")
    put(first, rows(3))
    data = pickle.dumps(first)
    first.close()
    place.discard()
    # What is gone is not made anew.
    with pytest.raises(GalleryNotFound, match="There is no gallery"):
        pickle.loads(data)
    assert place.nothing()
    place.open(model="b")
    with pytest.raises(ForeignEmbedding, match="aaaaaaaaaaaa"):
        pickle.loads(data)


def test_one_that_is_left_open_warns_and_one_that_is_closed_is_refused(place):
    put(place.open(), rows(3))
    left = FAMILY.build(place.spec, pin=None, writing=False)
    with pytest.warns(ResourceWarning, match="unclosed gallery .*with statement"):
        del left
    store = place.open()
    assert store.nearest(drawn(1), 1)
    store.close()
    store.close()
    for ask in (
        store.state,
        lambda: store.nearest(drawn(1), 1),
        lambda: store.nearest(drawn(1), 1, approximate=True),
        lambda: [*store.read()],
        lambda: store.write(Change(rows(1, first=9))),
    ):
        with pytest.raises(GalleryClosed, match="is used after it was closed"):
            ask()


def test_a_change_that_changes_nothing_is_no_generation(place):
    store = place.open()
    put(store, rows(3))
    before = store.state()
    put(store, rows(3))
    store.write(Change(remove=["nobody"]))
    store.write(Change())
    assert store.state() == before
    put(store, rows(1, seed=1), "known")
    assert store.state().generation > before.generation
    assert store.state().removals == before.removals + 1


def test_another_reader_sees_every_change(place):
    writer, reader = place.open(), place.open()
    for at in range(5):
        some = rows(20, seed=at, first=20 * at)
        settled(reader, writer.write(Change(some)))
        assert reader.nearest(some.vectors[7:8], 1)[0][0].id == some.ids[7]
        assert reader.state().count == 20 * (at + 1)


def test_threads_share_a_store(place):
    store = place.open()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                some = rows(5, first=1000 * number + 10 * turn, seed=1000 * number + turn)
                settled(store, store.write(Change(some)))
                assert store.nearest(some.vectors[2:3], 1)[0][0].id == some.ids[2]
                assert sorted(everything(store, ids=some.ids)) == sorted(some.ids)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.state().count == 4 * 4 * 5


def test_an_empty_store_answers(place):
    store = place.open()
    assert store.nearest(drawn(2), 3) == [[], []]
    assert everything(store) == {}
    assert store.state().count == 0
    assert store.state().pin == Pin("a" * 64, "euclidean", DIM)
    store.write(Change(reclaim=True))
    put(store, rows(1))
    assert store.nearest(drawn(2), 3, parse_condition('identity = "nobody"')) == [[], []]


def test_conditions_count(place):
    store, some = place.open(), rows(50)
    put(store, some)
    for text in ('season = "winter"', "price >= 5", 'identity in ("who 1", "who 2")', "gone = 1"):
        wanted = sum(
            condition_holds(parse_condition(text), {"identity": who, **metadata})
            for who, metadata in zip(some.identities, some.metadata, strict=True)
        )
        assert store.state(parse_condition(text)).count == wanted
        assert len(everything(store, where=parse_condition(text))) == wanted


def test_what_does_not_fit_is_refused_and_nothing_is_changed(place):
    store = place.open()
    put(store, rows(5))
    before = everything(store)
    with pytest.raises(WrongDimension, match=f"holds vectors of {DIM} numbers, and 3 were given"):
        store.write(Change(rows(2, dim=3, first=100)))
    with pytest.raises(WrongDimension, match="and 3 were given"):
        store.nearest(drawn(1, dim=3), 1)
    with pytest.raises(BadArgument, match="at least 1 is expected"):
        store.nearest(drawn(1), 0)
    bad = Rows.of(["x"], ["y"], drawn(1), [{"not a name": 1}])
    with pytest.raises(BadArgument, match="cannot be asked for in a condition"):
        store.write(Change(bad))
    assert everything(store) == before


def test_all_rows_go_over_to_another_model_at_once(place):
    store, some = place.open(dim=2), rows(4200, dim=2)
    put(store, some)
    pin = Pin("b" * 64, "cosine", 3)
    try:
        staged = store.staging(pin)
    except BadArgument as error:
        assert "cannot go over to another model. Export it" in str(error)
        return
    with staged:
        made = rows(4200, dim=3, seed=1)
        put(staged, made)
        removed = store.write(Change(remove=["row 7"]))
        settled(store, removed)
        replaced = rows(1, dim=2, seed=2)
        put(store, replaced, "known")
        assert list(staged.read(["row 7", "row 0"])) == []
        put(staged, made.take(np.arange(4200) == 0))
    before = everything(store)
    with pytest.raises(ForeignEmbedding, match="an unfinished migration to another model"):
        store.staging(Pin("c" * 64, "cosine", 3))

    def vectors(ids) -> np.ndarray:
        with store.staging(pin) as again:
            there = {
                name: vector
                for part in again.read(ids)
                for name, vector in zip(part.ids, part.vectors, strict=True)
            }
        return np.stack([there[name] for name in ids])

    state = store.state(log=9000)
    for refused, moved in (
        (GalleryBusy, Moved(pin, state.generation - 1, vectors, ["row 9"])),
        (WrongDimension, Moved(pin, state.generation, lambda ids: drawn(len(ids), dim=2), [])),
    ):
        with pytest.raises(refused):
            store.write(Change(moved=moved))
        assert everything(store) == before
        assert store.state(log=9000) == state
    done = store.write(Change(moved=Moved(pin, state.generation, vectors, ["row 9", "nobody"])))
    store.discard_staging()
    assert done.generation > state.generation
    for ask in (store.state, lambda: store.nearest(drawn(1, dim=2), 1), lambda: list(store.read())):
        with pytest.raises(ForeignEmbedding, match="it was migrated"):
            ask()
    with pytest.raises(ForeignEmbedding, match="it was migrated"):
        store.write(Change(remove=["row 1"]))
    with place.open("cosine", dim=3, model="b") as new:
        found = everything(new)
        wanted = {name: made.vectors[i].tobytes() for i, name in enumerate(some.ids)}
        assert list(found) == [name for name in before if name != "row 9"]
        for name, (who, vector, told, item) in found.items():
            assert (who, told, item) == (before[name][0], *before[name][2:])
            assert vector == wanted[name]
        after = new.state(log=9000)
        assert (after.pin, after.count, after.generation) == (pin, 4198, done.generation)
        assert after.removals == state.removals + 4199
        assert [line.action for line in after.log] == ["removed", *[x.action for x in state.log]]
        assert as_pairs(new.nearest(made.vectors[3:4], 2)[0])[0][1] == "row 3"
        put(new, rows(1, dim=3, first=9000))
        with new.staging(Pin("c" * 64, "euclidean", 5)) as another:
            assert another.state().count == 0
        new.discard_staging()
        new.discard_staging()


def test_another_models_store_is_refused(place):
    place.open().close()
    with pytest.raises(ForeignEmbedding, match="of the model aaaaaaaaaaaa, and those of bbbb"):
        place.open(model="b")
    with pytest.raises(ForeignEmbedding, match=r"euclidean.*cosine"):
        place.open("cosine")
    with pytest.raises(WrongDimension, match=f"vectors of {DIM} numbers, and 3 were given"):
        place.open(dim=3)


def test_without_a_pin_nothing_is_made(place):
    with pytest.raises(GalleryNotFound, match="There is no gallery"):
        place.pinned(None)
    with pytest.raises(GalleryNotFound, match="There is no gallery"):
        place.pinned(Pin("a" * 64, "euclidean", DIM), writing=False)
    assert place.nothing()
