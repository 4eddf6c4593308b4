"""The commands of the gallery, and the same from Python."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from likewise import Gallery, Model, enrol, identify, search
from likewise.errors import (
    BadArgument,
    DamagedSource,
    ForeignEmbedding,
    NotEnrolled,
    SourceNotFound,
)
from likewise.gallery.exchange import bring_in, export_rows, pin_of
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.stores.rows import Change, Pin, Rows
from likewise.stores.sqlite.store import Sqlite
from tests.places import place_of


@pytest.fixture(scope="session")
def enrolled(image_model, strangers, tmp_path_factory):
    """A gallery of 25 strangers, all but the last drawing of each, and where those are."""
    folder = tmp_path_factory.mktemp("gallery")
    shutil.copytree(strangers, folder / "known")
    probes = {}
    for place in sorted((folder / "known").glob("*/*")):
        probe = folder / f"{place.name}.png"
        (place / "5.png").rename(probe)
        probes[f"{place.parent.name}/{place.name}"] = probe
    enrol(image_model, folder / "people.db", Folder(str(folder / "known")), metadata={"at": 1})
    return folder, probes


@pytest.fixture
def people(enrolled, tmp_path, monkeypatch):
    folder, probes = enrolled
    for path in folder.glob("people.db*"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return "people.db", probes


def test_python_and_the_nearest_by_hand(image_model, enrolled):
    folder, probes = enrolled
    probe = next(iter(probes.values()))
    known = image_model.embed(Folder(str(folder / "known")).items())
    vector = image_model.embed_one(probe.read_bytes(), "probe")
    distances = image_model.distance.matrix(vector, known.vectors)[0]
    order = np.argsort(distances, kind="stable")[:7]
    found = search(image_model, folder / "people.db", probe, k=7)
    assert [match.id for match in found] == known.items.places[order].tolist()
    np.testing.assert_allclose([match.distance for match in found], distances[order], rtol=1e-6)
    raw = Path(found[0].id).read_bytes()
    assert found[0].metadata == {
        "path": found[0].id,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "group": found[0].identity.partition("/")[0],
        "at": 1,
    }
    who = identify(image_model, folder / "people.db", probe, candidates=25)
    nearest = {}
    for far, identity in zip(distances, known.items.identities, strict=True):
        nearest[identity] = min(far, nearest.get(identity, np.inf))
    assert [one.identity for one in who.candidates] == sorted(nearest, key=nearest.__getitem__)
    # 25 identities support no rate.
    assert who.verdict == "undecided"
    # The probabilities, from the model's ratios by hand.
    ratios = np.exp(
        image_model.calibration("default", "distance").ratios(
            np.array([one.distance for one in who.candidates])
        )
    )
    total = 0.5 + (0.5 / 25 * ratios).sum()
    np.testing.assert_allclose(
        [one.probability for one in who.candidates], 0.5 / 25 * ratios / total, rtol=1e-6
    )
    assert who.probability_unknown == pytest.approx(0.5 / total)


def test_most_probes_are_recognised(image_model, enrolled):
    folder, probes = enrolled
    with Gallery(folder / "people.db", image_model, writing=False) as gallery:
        found = {name: gallery.identify(probe.read_bytes()) for name, probe in probes.items()}
    right = sum(one.candidates[0].identity == name for name, one in found.items())
    assert right >= 15  # by chance 1


def test_enrolling_again_goes_on_and_update_replaces(
    likewise, likewise_json, image_model, people, enrolled
):
    database, _ = people
    model, known = image_model.folder, enrolled[0] / "known"
    code, out, err = likewise("enrol", model, database, known)
    assert code == 0, err
    assert "0 items enrolled in people.db, which holds 125" in out
    assert "125 were enrolled already, and left as they are (--update replaces them)" in out
    assert out.count("\n  ") == 11
    told = likewise_json(
        "enrol", model, database, known, "--update", "--note", "season=winter", "--note", "n=2"
    )
    assert (told["added"], len(told["known"]), told["entries"]) == (0, 125, 125)
    code, out, _ = likewise("gallery", "list", database, "--where", 'season = "winter" and n < 3')
    assert out.count("\n") == 125
    assert '"season": "winter", "n": 2}' in out


def test_what_cannot_be_read_is_named_and_the_rest_enrolled(
    likewise, image_model, strangers, tmp_path
):
    folder = tmp_path / "some"
    shutil.copytree(next(strangers.glob("*/*")).parent, folder)
    bad = next(folder.glob("*")) / "9.png"
    bad.write_bytes(b"no image")
    code, out, err = likewise("enrol", image_model.folder, tmp_path / "a.db", folder)
    assert code == 0, err
    assert "1 items failed to read:" in out
    assert str(bad.name) in out
    assert err.startswith("enrolling: ")


def test_identities_that_trained_the_model_are_named(likewise, image_model, drawings, tmp_path):
    code, out, _ = likewise("enrol", image_model.folder, tmp_path / "a.db", drawings)
    assert code == 0
    assert re.search(r"\d+ of the identities trained the model: thresholds .* too wide", out)


def test_kept_items_are_the_files(image_model, people, enrolled, tmp_path):
    folder = enrolled[0] / "known"
    enrol(image_model, tmp_path / "kept.db", Folder(str(folder)), keep_items=True)
    with Gallery(tmp_path / "kept.db") as gallery:
        rows = next(gallery.rows(items=True))
        assert rows.items[3] == (folder.parent / rows.ids[3]).read_bytes()
    array = Arrays.of(
        np.tile(np.eye(20, dtype=np.uint8) * np.uint8(255), (2, 1, 1)), ["a", "b"], namespace="made"
    )
    with pytest.raises(BadArgument, match="is no file, and only the bytes of files are kept"):
        enrol(image_model, tmp_path / "more.db", array, keep_items=True)


def test_identify_says_why(likewise, likewise_json, image_model, people):
    database, probes = people
    model, probe = image_model.folder, next(iter(probes.values()))
    code, out, err = likewise("identify", model, database, probe, "--exit-code")
    assert code == 11, err
    assert out.startswith("undecided\n  distance     ")
    assert "  threshold    none. No threshold keeps the false-identification rate within" in out
    assert re.search(r"probability  0\.\d{3} that it is none of them, where 0.5 of all probes", out)
    assert "(before it was seen, each was 0.02)" in out
    told = likewise_json("identify", model, database, probe, "-k", 2, "--fuse", "mean")
    assert (told["verdict"], told["rule"], len(told["candidates"])) == ("undecided", "mean", 2)
    code, out, err = likewise("identify", model, database, probe, "--fpir", 0.1)
    assert (code, out) == (2, "")
    assert "UnsupportedRate" in err
    assert "at least 58 identities" in err
    code, _, err = likewise("identify", model, database, probe, "--fusion", "best")
    assert code == 2
    assert "one of nearest, mean, centroid is expected" in err


def test_known_and_unknown_with_enough_identities(
    likewise, image_model, drawings, enrolled, tmp_path
):
    """95 identities support .1; a drawing that is enrolled is at distance 0."""
    model, database = image_model.folder, tmp_path / "a.db"
    assert likewise("enrol", model, database, drawings)[0] == 0
    code, out, _ = likewise(
        "identify", model, database, drawings / "group1" / "glyph001" / "0.png", "--exit-code"
    )
    assert code == 0
    assert out.startswith("group1/glyph001\n  distance     0.0000")
    assert "false-identification rate at most 0.1, 95% sure" in out
    verdicts = [
        likewise("identify", model, database, probe, "--exit-code")[0]
        for probe in list(enrolled[1].values())[:4]
    ]
    assert 10 in verdicts


def test_search_filters(likewise, likewise_json, image_model, people):
    database, probes = people
    model, probe = image_model.folder, next(iter(probes.values()))
    code, out, _ = likewise(
        "search",
        model,
        database,
        probe,
        "-k",
        4,
        "--where",
        'group in ("group1", "group2") and at = 1',
    )
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 4
    assert all(re.match(r"\d\.\d{4}  group[12]/glyph\d+  \S+/known/", line) for line in lines)
    told = likewise_json("search", model, database, lines[0].split()[2], "--id", "-k", 3)
    assert len(told["matches"]) == 3
    assert all(match["id"] != lines[0].split()[2] for match in told["matches"])
    code, out, _ = likewise("search", model, database, probe, "--where", "at = 2")
    assert (code, out) == (0, "nothing was found\n")
    code, _, err = likewise("search", model, database, probe, "--where", "at = 1; drop table rows")
    assert code == 2
    assert "BadCondition" in err


def test_a_gallery_is_shown_and_cared_for(likewise, likewise_json, image_model, people):
    database, _ = people
    told = likewise_json("gallery", "info", database)
    assert (told["entries"], told["identities"], told["dim"]) == (125, 25, 64)
    assert told["model"] == image_model.fingerprint
    assert "at least 58 identities" in told["rates"]
    entries = likewise_json("gallery", "list", database)["entries"]
    assert len(entries) == 125
    assert likewise_json("gallery", "export", database, "p.parquet")["exported"] == 125
    told = likewise_json("gallery", "import", "copy.db", "p.parquet")
    assert (told["imported"], told["known_already"]) == (125, 0)
    assert likewise_json("gallery", "import", "copy.db", "p.parquet")["imported"] == 0
    assert likewise_json("gallery", "list", "copy.db")["entries"] == entries
    first = entries[0]
    told = likewise_json("gallery", "remove", database, first["id"], "nobody")
    assert (told["removed"], told["not_there"]) == (1, 1)
    who = entries[-1]["identity"]
    assert likewise_json("gallery", "remove", database, "--identity", who)["removed"] == 5
    code, _, err = likewise("gallery", "remove", database, first["id"])
    assert code == 2
    assert "NotEnrolled" in err
    assert likewise_json("gallery", "info", database)["removed"] == 6
    assert likewise("gallery", "compact", database)[0] == 0
    assert likewise_json("gallery", "info", database)["entries"] == 119


@pytest.fixture
def there(request, tmp_path):
    """A gallery that may be made in PostgreSQL."""
    made = place_of("pgvector", tmp_path, request)
    yield made
    made.close()


def test_a_gallery_in_postgres_is_used_alike(
    likewise, likewise_json, image_model, people, enrolled, there
):
    model, (database, probes) = image_model.folder, people
    secret = there.address.replace("postgres@", "postgres:sesame@")
    code, out, err = likewise("enrol", model, secret, enrolled[0] / "known", "--note", "at=1")
    assert code == 0, err
    assert "sesame" not in out + err
    assert f"125 items enrolled in {there.address.replace('postgres@', 'postgres:***@')}" in out
    probe = next(iter(probes.values()))
    asked = ("search", model, database, probe, "-k", 7, "--where", 'group in ("group1", "group2")')
    found = likewise_json(*asked)
    assert len(found["matches"]) == 7
    assert likewise_json(*asked[:2], there.address, *asked[3:]) == found
    assert likewise_json("identify", model, there.address, probe) == likewise_json(
        "identify", model, database, probe
    )
    told, other = (likewise_json("gallery", "info", one) for one in (there.address, database))
    differ = {"bytes": 0, "checksums": ""}
    assert told | differ == other | differ
    assert (told["checksums"], other["checksums"]) == ("the server's", "yes")
    told = likewise_json("gallery", "index", there.address, "--recall", "0.9")
    assert (told["index"], told["index_rows"], told["index_asked"]) == ("hnsw", 125, 125)
    assert told["index_recall"] >= 0.9
    assert told["index_status"].startswith("passed over: exact search of less than 10,000 rows")
    assert told == likewise_json("gallery", "rebuild", there.address)
    assert told.items() <= likewise_json("gallery", "info", there.address).items()
    code, out, err = likewise(*asked[:2], there.address, *asked[3:], "--approximate", "--json")
    assert (code, json.loads(out)["matches"]) == (0, found["matches"])
    assert "searched exactly. The index is passed over: exact search" in err
    code, _, err = likewise("gallery", "index", there.address, "--kind", "ivf")
    assert code == 2
    assert "in PostgreSQL there is 'hnsw'" in err
    assert likewise_json("gallery", "index", there.address, "--kind", "none")["index"] == "none"
    one = found["matches"][0]["id"]
    told = likewise_json("gallery", "remove", there.address, one)
    assert (told["removed"], told["erased"].split(";")[0]) == (
        1, "by likewise gallery compact GALLERY"
    )  # fmt: skip
    assert likewise("gallery", "compact", there.address)[0] == 0
    entries = likewise_json("gallery", "list", there.address)["entries"]
    assert [entry for entry in likewise_json("gallery", "list", database)["entries"]
            if entry["id"] != one] == entries  # fmt: skip
    code, _, err = likewise("gallery", "info", there.address.replace("#t", "#absent"))
    assert code == 2
    assert "There is no gallery 'absent" in err
    code, _, err = likewise("gallery", "info", "postgresql://ada:sesame@127.0.0.1:1/b")
    assert code == 2
    assert "GalleryUnreachable" in err
    assert "sesame" not in err


def test_there_and_back_again_is_equal(likewise_json, people, there, tmp_path):
    """From a file to PostgreSQL and back, by the commands."""
    pytest.importorskip("pyarrow")
    pin = Pin("a" * 64, "cosine", 3)
    made = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    made[:3] = [[0, -0.0, 1e-45], [1e15, 1e-38, 0.1], [0, 0, 0]]
    names = [f"é {i}" for i in range(5000)]
    told = [{"z": i, "x": i / 7, "t": "ü", "b": i % 2 == 0, "e": 1e16} for i in range(5000)]
    items = [b"\0raw", None] * 2500
    with Sqlite(str(tmp_path / "a.db"), pin=pin) as store:
        store.write(Change(Rows.of(names, ["who"] * 5000, made, told, items)))
        store.write(Change(remove=names[7:9]))
        changed = Rows.of(names[5:6], ["changed"], made[9:10])
        store.write(Change(changed, taken="known"))
    steps = (("a.db", "a.parquet", there.address), (there.address, "b.parquet", "b.db"))
    for source, file, target in steps:
        assert likewise_json("gallery", "export", source, file)["exported"] == 4998
        assert likewise_json("gallery", "import", target, file)["imported"] == 4998
    first, second = (Sqlite(str(tmp_path / name), writing=False) for name in ("a.db", "b.db"))
    with first, second:
        assert first.state().pin == second.state().pin
        for one, other in zip(first.read(items=True), second.read(items=True), strict=True):
            assert one.vectors.tobytes() == other.vectors.tobytes()
            assert (one.ids, one.identities, one.items) == (
                other.ids, other.identities, other.items
            )  # fmt: skip
            assert list(map(repr, one.metadata)) == list(map(repr, other.metadata))


def test_an_index_is_made_told_and_made_again(likewise, likewise_json, image_model, people):
    pytest.importorskip("faiss")
    database, probes = people
    probe = next(iter(probes.values()))
    assert likewise_json("gallery", "info", database)["index"] == "none"
    asked = ("search", image_model.folder, database, probe, "--approximate")
    exact = {"schema": 1, "matches": likewise_json(*asked[:-1])["matches"]}
    code, out, err = likewise(*asked, "--json")
    assert (code, json.loads(out)) == (0, exact)
    assert "searched exactly: the gallery has no index" in err
    told = likewise_json("gallery", "index", database, "--kind", "ivf", "--recall", "1")
    assert (told["index"], told["index_status"], told["index_rows"]) == ("ivf", "used", 125)
    assert told["index_recall"] == 1.0
    assert told["index_asked"] == 31
    code, out, err = likewise(*asked, "--json")
    assert (code, json.loads(out), err) == (0, exact, "")
    assert {**likewise_json("gallery", "info", database), **told} == likewise_json(
        "gallery", "info", database
    )
    with open(f"{database}-index-1", "r+b") as file:  # noqa: PTH123 - where the test stands
        file.seek(-5, 2)
        file.write(b"xx")
    assert "not the index" in likewise_json("gallery", "info", database)["index_status"]
    code, out, err = likewise(*asked, "--json")
    assert (code, json.loads(out)) == (0, exact)
    assert "likewise gallery rebuild" in err
    assert likewise_json("gallery", "rebuild", database)["index_status"] == "used"
    assert likewise_json("gallery", "index", database, "--kind", "none")["index"] == "none"
    assert "nothing" in likewise_json("gallery", "rebuild", database)["rebuilt"]


def test_approximate_search_from_python(image_model, people):
    pytest.importorskip("faiss")
    database, probes = people
    probe = next(iter(probes.values()))
    with Gallery(database, image_model) as gallery:
        assert gallery.index("hnsw", 1.0).method == "hnsw"
        exact = gallery.search(probe.read_bytes(), 5)
        assert gallery.search(probe.read_bytes(), 5, approximate=True) == exact
        like = gallery.like(exact[0].id, 5)
        assert gallery.like(exact[0].id, 5, approximate=True) == like
    assert search(image_model, database, probe, k=5, approximate=True) == exact


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("index", "people.db", "--kind", "tree"), "one of hnsw, ivf, none"),
        (("index", "people.db", "--recall", "2"), "at most 1 is expected"),
        (("rebuild", "people.db", "--kind", "ivf"), "No such option: --kind"),
        (("lst", "people.db"), "Did you mean 'list'?"),
        (("remove", "people.db"), "remove takes ids or --identity"),
        (("export", "people.db"), "Missing argument 'FILE'"),
        (("export", "people.db", "a.csv"), "a file that ends in .parquet"),
        (("info", "people.db", "x"), "unexpected extra argument(s) (x)"),
        (("info", "people.db", "--where", "a = 1"), "No such option: --where"),
        (("list", "people.db", "--identity", "x"), "No such option: --identity"),
        (("info", "absent.db"), "There is no gallery"),
        (("import", "new.db", "absent.parquet"), "There is no file"),
    ],
)
def test_what_the_command_cannot_do_is_refused(likewise, people, words, message):
    code, out, err = likewise("gallery", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_another_model_is_refused(likewise, image_model, people, tmp_path):
    path = tmp_path / "other.db"
    Sqlite(str(path), pin=Pin("b" * 64, image_model.manifest.distance, 64)).close()
    probe = next(iter(people[1].values()))
    for words in (("identify",), ("search",)):
        code, _, err = likewise(*words, image_model.folder, path, probe)
        assert code == 2
        assert "ForeignEmbedding" in err
    with pytest.raises(ForeignEmbedding, match="bbbbbbbbbbbb"):
        Gallery(path, Model(image_model.folder))


def test_export_and_import_are_equal_and_other_files_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    pin = Pin("a" * 64, "cosine", 3)
    made = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    names = [f"é {i}" for i in range(5000)]
    told = [{"n": i, "x": i / 7, "t": "ü", "b": i % 2 == 0} for i in range(5000)]
    items = [b"\0raw", None] * 2500
    with Sqlite(str(tmp_path / "a.db"), pin=pin) as store:
        store.write(Change(Rows.of(names, ["who"] * 5000, made, told, items)))
        assert export_rows(store, tmp_path / "a.parquet") == 5000
    assert pin_of(tmp_path / "a.parquet") == pin
    seen = []
    with Sqlite(str(tmp_path / "b.db"), pin=pin) as other:
        assert bring_in(other, tmp_path / "a.parquet", seen.append) == (5000, 0)
        assert bring_in(other, tmp_path / "a.parquet") == (0, 5000)
        parts = list(other.read(items=True))
    assert seen[-1] == 5000
    assert [name for part in parts for name in part.ids] == names
    assert [one for part in parts for one in part.metadata] == told
    assert [one for part in parts for one in part.items] == items
    np.testing.assert_array_equal(np.concatenate([part.vectors for part in parts]), made)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" * 10)
    with pytest.raises(DamagedSource, match="is no exported gallery that can be read"):
        pin_of(tmp_path / "bad.parquet")
    with pytest.raises(SourceNotFound, match="There is no file"):
        pin_of(tmp_path / "absent.parquet")


def test_json_errors_are_objects(likewise_json, image_model, people):
    told = likewise_json("search", image_model.folder, "absent.db", next(iter(people[1].values())))
    assert (told["exit"], told["error"]) == (2, "GalleryNotFound")
    assert json.dumps(told)


def test_nothing_like_it_is_enrolled(image_model, people):
    with (
        Gallery(people[0], image_model, writing=False) as gallery,
        pytest.raises(NotEnrolled, match="under the id 'nobody'"),
    ):
        gallery.like("nobody")
