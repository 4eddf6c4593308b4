"""A gallery goes over to another model: nothing is lost, whenever it is stopped."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from likewise import Gallery, Model, enrol, migrate, search
from likewise.errors import ForeignEmbedding, MissingItems
from likewise.sources.folder import Folder
from likewise.stores.rows import Change, Pin
from likewise.stores.sqlite import rewriting, vectors
from likewise.stores.sqlite.store import Sqlite
from likewise.tasks import migrate as task
from tests.places import place_of


@pytest.fixture(scope="session")
def newer(drawings, tmp_path_factory):
    """Another model, of shorter embeddings."""
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe

    recipe = Recipe().with_settings(
        [
            f"source=folder({str(drawings)!r})",
            "transform=image(size=16, invert=True)",
            "encoder=convnet4(width=8, dim=24)",
            "sampler=classes_by_items(classes=10, items=4)",
            "epochs=1",
        ]
    )
    return run_experiment(recipe, out=tmp_path_factory.mktemp("models") / "newer").model


@pytest.fixture
def things(image_model, strangers, tmp_path):
    """A gallery of 150 drawings, and the folder that they are in."""
    shutil.copytree(strangers, tmp_path / "things")
    path = tmp_path / "people.db"
    enrol(image_model, path, Folder(str(tmp_path / "things")), metadata={"at": 1})
    return path


def contents(path: Path) -> dict[str, tuple[str, dict, bytes | None]]:
    with Gallery(path, writing=False) as gallery:
        return {
            name: (who, dict(metadata), item)
            for rows in gallery.rows(items=True)
            for name, who, metadata, item in zip(
                rows.ids, rows.identities, rows.metadata, rows.items, strict=True
            )
        }


def vectors_of(path: Path) -> dict[str, np.ndarray]:
    with Gallery(path, writing=False) as gallery:
        return {
            name: vector
            for rows in gallery.rows()
            for name, vector in zip(rows.ids, rows.vectors, strict=True)
        }


def is_of(path: Path, model: Model, folder: Path) -> None:
    """The vectors are those that the model makes of the files."""
    known = model.embed(Folder(str(folder)).items())
    found = vectors_of(path)
    assert sorted(found) == sorted(known.items.places.tolist())
    held = np.stack([found[name] for name in known.items.places.tolist()])
    np.testing.assert_allclose(held, known.vectors, atol=1e-5)


def test_all_but_the_vectors_stays(things, newer, image_model):
    before, log = contents(things), log_of(things)
    done = migrate(things, newer)
    assert (done.entries, done.embedded, done.resumed, done.left_out) == (150, 150, 0, ())
    assert contents(things) == before
    assert log_of(things) == log
    is_of(things, newer, things.parent / "things")
    assert not list(things.parent.glob("*migration*"))
    assert [limit.target for limit in done.after] == [limit.target for limit in done.before]
    with Gallery(things, newer) as gallery:
        assert gallery.limit(0.1) == next(one for one in done.after if one.target == 0.1)
        assert (gallery.pin.dim, gallery.pin.fingerprint) == (24, newer.fingerprint)
    probe = next(iter(before))
    assert search(newer, things, probe, k=1)[0].id == probe
    with pytest.raises(ForeignEmbedding):
        search(image_model, things, probe)
    again = migrate(things, newer)
    assert (again.entries, again.embedded) == (150, 0)


def log_of(path: Path) -> list[tuple[int, str, bytes]]:
    with Sqlite(str(path), writing=False) as store:
        return [(line.at, line.action, line.digest) for line in store.state(log=1000).log]


def test_the_thresholds_are_those_of_the_new_model(newer, image_model, tmp_path):
    """With identities enough for one."""
    from tests.conftest import glyphs

    folder = glyphs(tmp_path / "many", first=3000, count=70, each=2)
    enrol(image_model, tmp_path / "a.db", Folder(str(folder)))
    done = migrate(tmp_path / "a.db", newer)
    old, new = done.before[-1], done.after[-1]
    assert old.threshold is not None
    assert new.threshold is not None
    assert old.threshold != new.threshold
    enrol(newer, tmp_path / "b.db", Folder(str(folder)))
    with Gallery(tmp_path / "b.db") as fresh:
        assert fresh.limit(0.1).threshold == pytest.approx(new.threshold, rel=1e-5)


def test_kept_items_need_no_file(newer, image_model, strangers, tmp_path):
    shutil.copytree(strangers, tmp_path / "things")
    path = tmp_path / "kept.db"
    enrol(image_model, path, Folder(str(tmp_path / "things")), keep_items=True, paths=False)
    assert all("path" not in metadata for _, metadata, _ in contents(path).values())
    (tmp_path / "things").rename(tmp_path / "elsewhere")
    before = contents(path)
    assert migrate(path, newer).embedded == 150
    assert contents(path) == before


def test_what_is_missing_or_changed_is_named_before_anything_is_embedded(
    things, newer, monkeypatch
):
    names = list(contents(things))
    Path(names[3]).unlink()
    shutil.copy(names[0], names[7])
    embedded = []
    monkeypatch.setattr(task._Work, "_embed", lambda *_: embedded.append(1))
    with pytest.raises(MissingItems, match="2 entries cannot be embedded again") as error:
        migrate(things, newer)
    assert f"{names[3]}: " in str(error.value)
    assert f"{names[7]} has changed since it was enrolled" in str(error.value)
    assert "Nothing was embedded yet" in str(error.value)
    assert embedded == []
    monkeypatch.undo()
    assert list(contents(things)) == names
    with pytest.raises(MissingItems):
        migrate(things, newer)
    done = migrate(things, newer, leave_out=True)
    assert (done.entries, done.embedded) == (148, 148)
    assert {name for name, _ in done.left_out} == {names[3], names[7]}
    assert set(contents(things)) == set(names) - {names[3], names[7]}
    with Sqlite(str(things), writing=False) as store:
        state = store.state(log=2)
        assert {line.digest for line in state.log} == {
            state.digest(names[3]),
            state.digest(names[7]),
        }


def test_a_source_gives_what_no_path_leads_to(things, newer, image_model, tmp_path):
    folder = tmp_path / "things"
    shutil.make_archive(str(tmp_path / "things"), "zip", tmp_path, "things")
    path = tmp_path / "zipped.db"
    source = Folder(str(tmp_path / "things.zip"))
    enrol(image_model, path, source)
    assert all("path" not in metadata for _, metadata, _ in contents(path).values())
    with pytest.raises(MissingItems, match="it was not kept, and no path of it was noted"):
        migrate(path, newer)
    shutil.rmtree(folder)
    assert migrate(path, newer, source=source).embedded == 150


def test_an_item_that_the_new_model_cannot_read_is_named_and_nothing_changes(
    things, newer, image_model, tmp_path
):
    with Gallery(things, image_model) as gallery:
        name = next(iter(contents(things)))
        entry = gallery.get(name)
        gallery.store.write(Change(remove=[name]))
        from likewise.stores.rows import Rows

        bad = Rows.of([name], ["x"], entry.vector[None], [{}], [b"no image"])
        gallery.store.write(Change(bad))
    before = contents(things)
    with pytest.raises(MissingItems, match="What was embedded is kept"):
        migrate(things, newer)
    assert contents(things) == before
    done = migrate(things, newer, leave_out=True)
    assert (done.embedded, done.resumed, done.entries) == (0, 149, 149)


class Stopped(Exception):
    pass


def test_after_a_stop_nothing_is_embedded_twice(things, newer, monkeypatch):
    monkeypatch.setattr(task, "_AT_ONCE", 40)
    real, count = task._Work._embed, []

    def stops(self, rows):
        if len(count) == 2:
            raise Stopped
        count.append(len(rows))
        real(self, rows)

    monkeypatch.setattr(task._Work, "_embed", stops)
    with pytest.raises(Stopped):
        migrate(things, newer)
    monkeypatch.setattr(task._Work, "_embed", real)
    done = migrate(things, newer)
    assert (done.resumed, done.embedded) == (sum(count), 150 - sum(count))
    is_of(things, newer, things.parent / "things")


def test_what_is_enrolled_removed_and_updated_meanwhile_is_right(
    things, newer, image_model, monkeypatch
):
    """The old gallery serves and takes changes until the switch."""
    names = list(contents(things))
    real, turns = task._Work._embed, []

    def meanwhile(self, rows):
        real(self, rows)
        turns.append(1)
        with Gallery(things, image_model) as other:
            assert search(image_model, other, names[9], k=1)[0].id == names[9]
            if len(turns) == 1:
                other.remove(names[0], names[140])
                other.update(names[1], metadata={"n": 1})
                shutil.copy(names[2], things.parent / "new.png")
                (things.parent / "more").mkdir()
                shutil.copy(names[2], things.parent / "more" / "new.png")
                enrol(image_model, other, Folder(str(things.parent / "more")))

    monkeypatch.setattr(task._Work, "_embed", meanwhile)
    done = migrate(things, newer)
    found = contents(things)
    assert done.entries == len(found) == 149
    assert names[0] not in found
    assert found[names[1]][1]["n"] == 1
    one = vectors_of(things)
    new = next(name for name in found if name.endswith("more/new.png"))
    np.testing.assert_allclose(one[new], one[names[2]], atol=1e-6)


def test_whoever_has_it_open_is_refused(things, newer, image_model):
    names = list(contents(things))
    with Gallery(things, image_model) as old, Gallery(things, writing=False) as reader:
        probe = old.get(names[0]).vector[None]
        old.identities()
        migrate(things, newer)
        for ask in (
            lambda: old.store.nearest(probe, 1),
            lambda: old.store.write(Change(remove=[names[0]])),
            lambda: old.get(names[0]),
            reader.identities,
            lambda: old.store.neighbours(probe, 1, approximate=True),
        ):
            with pytest.raises(ForeignEmbedding, match="it was migrated"):
                ask()
    assert len(contents(things)) == 150


def test_what_is_removed_leaves_an_unfinished_migration_too(
    things, newer, image_model, monkeypatch
):
    def stops(*_):
        raise Stopped

    monkeypatch.setattr(task, "Moved", stops)
    with pytest.raises(Stopped):
        migrate(things, newer)
    monkeypatch.undo()
    name = list(contents(things))[5]
    with Sqlite(str(things) + "-migration", writing=False) as staged:
        secret = next(staged.read([name])).vectors[0].tobytes()

    def written() -> bytes:
        return b"".join(path.read_bytes() for path in things.parent.glob("people.db*"))

    assert secret in written()
    with Gallery(things, image_model) as gallery:
        gallery.remove(name)
    assert secret not in written()
    assert name.encode() not in written()
    done = migrate(things, newer)
    assert (done.resumed, done.embedded, done.entries) == (149, 0, 149)


def test_another_migration_that_is_unfinished_is_named(
    things, newer, image_model, drawings, tmp_path
):
    Sqlite(str(things) + "-migration", pin=Pin("c" * 64, "euclidean", 24)).close()
    with pytest.raises(ForeignEmbedding, match="an unfinished migration to another model"):
        migrate(things, newer)


def test_an_index_is_made_again(things, newer, image_model):
    pytest.importorskip("faiss")
    with Gallery(things, image_model) as gallery:
        gallery.index("ivf", 0.9)
    migrate(things, newer)
    with Gallery(things, newer) as gallery:
        told = gallery.store.state().index
        assert (told.method, told.wanted, told.rows, told.status) == ("ivf", 0.9, 150, "used")


@pytest.mark.parametrize("moment", ["append", "commit"])
def test_a_failure_at_the_switch_leaves_the_old_gallery(things, newer, monkeypatch, moment):
    before, old = contents(things), vectors_of(things)

    def fails(*_, **__):
        raise Stopped

    if moment == "append":
        append = vectors.append
        monkeypatch.setattr(
            vectors,
            "append",
            lambda path, *more, **named: (
                fails() if "migration" not in path.name else append(path, *more, **named)
            ),
        )
    else:
        note = rewriting.log_sqlite_change
        monkeypatch.setattr(
            rewriting,
            "log_sqlite_change",
            # Where nothing is left out, the switch alone has nothing to note.
            lambda connection, head, log, freed: (
                note(connection, head, log, freed) if log else fails()
            ),
        )
    with pytest.raises(Stopped):
        migrate(things, newer)
    monkeypatch.undo()
    assert contents(things) == before
    assert all((vectors_of(things)[name] == vector).all() for name, vector in old.items())
    assert migrate(things, newer).resumed == 150


RUN = """
import sys
from likewise import Model, migrate
from likewise.tasks import migrate as task
task._AT_ONCE = 10
print("begins", flush=True)
done = migrate(sys.argv[1], Model(sys.argv[2]))
print("done", done.embedded, flush=True)
"""


def killed(path: Path, model: Model, after: float) -> bool:
    """Whether the migration was over before it was killed."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(path), str(model.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LIKEWISE_CHECK_SHAPES": ""},
    )
    assert run.stdout.readline() == "begins\n"
    time.sleep(after)
    run.send_signal(signal.SIGKILL)
    out, _ = run.communicate()
    return "done" in out


def kills(things: Path, image_model: Model, newer: Model, rounds: int, seed: int) -> None:
    before, folder = contents(things), things.parent / "things"
    lots, staged, over = random.Random(seed), 0, False
    for _ in range(rounds):
        over = killed(things, newer, lots.uniform(0.0, 1.5))
        assert contents(things) == before
        with Gallery(things, writing=False) as gallery:
            pin = gallery.pin
            assert pin.fingerprint in (image_model.fingerprint, newer.fingerprint)
        if pin.fingerprint == newer.fingerprint:
            break
        staging = Path(f"{things}-migration")
        if staging.exists() and staging.stat().st_size:
            with Sqlite(str(staging), writing=False) as store:
                now = store.state().count
            assert now >= staged
            staged = now
    done = migrate(things, newer)
    assert done.resumed >= staged or over or done.embedded == 0
    assert contents(things) == before
    is_of(things, newer, folder)
    assert not list(things.parent.glob("*migration*"))


def test_a_kill_at_any_moment_leaves_the_old_gallery_or_the_new(things, image_model, newer):
    kills(things, image_model, newer, 3, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_many_kills_leave_the_old_gallery_or_the_new(things, image_model, newer, seed):
    kills(things, image_model, newer, 20, seed)


def test_a_gallery_in_postgres_goes_over(
    likewise_json, image_model, newer, strangers, tmp_path, monkeypatch, request
):
    """Stopped once, by its URL with a password, and resumed."""
    folder = tmp_path / "things"
    shutil.copytree(strangers, folder)
    place = place_of("pgvector", tmp_path, request)
    try:
        address = place.address
        enrol(image_model, address, Folder(str(folder)), metadata={"at": 1})
        before = contents(address)

        def stops(*_):
            raise Stopped

        monkeypatch.setattr(task, "Moved", stops)
        with pytest.raises(Stopped):
            migrate(address, newer)
        monkeypatch.undo()
        assert contents(address) == before
        gone = next(iter(before))
        with Gallery(address, image_model) as gallery:
            gallery.remove(gone)
        del before[gone]
        secret = address.replace("postgres@", "postgres:sesame@")
        told = likewise_json("gallery", "migrate", secret, newer.folder)
        assert (told["entries"], told["embedded"], told["resumed"]) == (149, 0, 149)
        assert "sesame" not in told["gallery"]
        assert contents(address) == before
        Path(gone).unlink()
        is_of(address, newer, folder)
        assert place.ask("SELECT name FROM likewise._galleries WHERE name LIKE '%migration'") == []
        assert migrate(address, newer).embedded == 0
    finally:
        place.close()


def test_the_command(likewise, likewise_json, things, newer):
    names = list(contents(things))
    Path(names[3]).rename(things.parent / "moved.png")
    code, out, err = likewise("gallery", "migrate", things, newer.folder)
    assert (code, out) == (2, "")
    assert "MissingItems" in err
    assert names[3] in err
    told = likewise_json("gallery", "migrate", things, newer.folder, "--leave-out")
    assert (told["entries"], told["embedded"]) == (149, 149)
    assert told["left_out"][0][0] == names[3]
    code, out, _ = likewise("gallery", "migrate", things, newer.folder)
    assert code == 0
    assert "were of that model already" in out
    assert json.dumps(told)
