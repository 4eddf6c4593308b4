"""Models, galleries, sources and results go to other processes, and arrive there as they were."""

import copy
import inspect
import pickle
import re
import shutil
import zipfile
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import likewise
from likewise import errors
from likewise.calibration import to_json
from likewise.data.cache import decode_all
from likewise.data.inputs import as_source
from likewise.errors import ModelNotFound, ReplacedModel, UnreadableItem
from likewise.io.cores import cores, in_pool
from likewise.model import update_model
from likewise.results import Embeddings
from likewise.sources import FAMILY as SOURCES
from likewise.sources.arrays import Arrays
from likewise.sources.base import Source
from likewise.sources.folder import Folder
from likewise.types import Items
from tests.conftest import waves


def sent(thing):
    """What arrives in a process of one's own."""
    return pickle.loads(pickle.dumps(thing))


def raw_of(items: Items, row: int) -> bytes:
    raw = items.read(row)
    return raw.tobytes() if isinstance(raw, np.ndarray) else raw


def check_same(one: Items, other: Items) -> None:
    for name in ("identities", "kinds", "groups", "origins", "parts", "places", "rows"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert [raw_of(one, row) for row in range(len(one))] == [
        raw_of(other, row) for row in range(len(other))
    ]


# What the other processes do.


def vectors_there(model, items: Items) -> tuple[np.ndarray, bool, int, int]:
    threads = model._encoder._graph._session.get_session_options().intra_op_num_threads
    return model.embed(items).vectors, in_pool(), cores(), threads


def enrolled_there(gallery, probe: Embeddings) -> tuple[list[str], str, int]:
    return [match.id for match in gallery.search(probe, 3)], str(gallery.store), gallery.count()


def which_there(model) -> tuple[int, str, list[str]]:
    return id(model.inputs), model.fingerprint, [*model.calibrations]


def refusal_there(model, path: str) -> None:
    likewise.verify(model, path, path)


@pytest.fixture
def gallery(image_model, strangers, tmp_path):
    embeddings = image_model.embed(Folder(str(strangers)).items())
    with likewise.Gallery(tmp_path / "people.db", image_model) as opened:
        opened.enrol(embeddings)
        yield opened


# ── models ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("send", [sent, copy.copy, copy.deepcopy])
def test_a_model_is_read_again_from_its_folder(image_model, strangers, send):
    arrived = send(image_model)
    items = Folder(str(strangers)).items().take(np.arange(20))
    assert (arrived.fingerprint, arrived.kind) == (image_model.fingerprint, image_model.kind)
    assert arrived.calibrations.keys() == image_model.calibrations.keys()
    assert np.array_equal(arrived.embed(items).vectors, image_model.embed(items).vectors)


def test_a_pickle_of_a_model_is_a_path_and_holds_nothing_else(image_model):
    image_model.embed_one(np.eye(24, dtype=np.uint8) * np.uint8(255), "a page")
    data = pickle.dumps(image_model)
    assert len(data) < 1000
    assert str(image_model.folder.absolute()).encode() in data
    assert image_model.fingerprint.encode() in data


def test_a_model_of_a_relative_path_arrives_in_another_folder(image_model, tmp_path, monkeypatch):
    monkeypatch.chdir(image_model.folder.parent)
    data = pickle.dumps(likewise.Model(image_model.folder.name))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(data).fingerprint == image_model.fingerprint


def test_a_model_that_is_gone_or_another_is_refused_where_it_arrives(
    image_model, series_experiment, tmp_path
):
    place = tmp_path / "model"
    shutil.copytree(image_model.folder, place)
    data = pickle.dumps(likewise.Model(place))
    shutil.rmtree(place)
    arrived = pickle.loads(data)
    assert repr(arrived) == (
        f"Model({str(place)!r}, fingerprint={image_model.fingerprint[:12]}, not read yet)"
    )
    for use in (
        lambda: arrived.dim,
        lambda: arrived.calibrations,
        lambda: arrived.embed_one(b"", ""),
    ):
        with pytest.raises(ModelNotFound, match="holds no model"):
            use()
    shutil.copytree(series_experiment.model.folder, place)
    with pytest.raises(ReplacedModel) as caught:
        arrived.embed_one(b"", "a")
    assert str(caught.value) == (
        f"{place} held the model {image_model.fingerprint[:12]} when it was sent to this process, "
        f"and holds {series_experiment.model.fingerprint[:12]} now. Load it again where it is "
        "sent from."
    )


# ── galleries ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("send", [sent, copy.copy, copy.deepcopy])
def test_a_gallery_opens_itself_again(gallery, strangers, send):
    items = Folder(str(strangers)).items().take(np.array([7]))
    probe = gallery.model.embed(items)
    with send(gallery) as arrived:
        assert arrived.model.fingerprint == gallery.model.fingerprint
        assert arrived.pin == gallery.pin
        assert arrived.search(probe) == gallery.search(probe)
        assert arrived.remove(items.places[0]) == 1
        assert gallery.count() == arrived.count() == 149


def test_a_gallery_that_may_not_be_written_stays_so(gallery):
    with likewise.Gallery(str(gallery.store._database.path), writing=False) as reader:
        arrived = sent(reader)
    assert arrived.model is None
    with arrived, pytest.raises(errors.SaveFailed, match="opened for reading alone"):
        arrived.remove("x")


def test_a_gallery_that_is_gone_is_not_made_anew(gallery, tmp_path):
    place = tmp_path / "kept" / "people.db"
    place.parent.mkdir()
    with likewise.Gallery(place, gallery.model) as opened:
        arrived, again = sent(opened), sent(sent(opened))
        assert again.count() == 0
        again.close()
    shutil.rmtree(place.parent)
    with pytest.raises(errors.GalleryNotFound, match="There is no gallery"):
        arrived.count()
    arrived.close()
    with pytest.raises(AttributeError, match="'Gallery' object has no attribute 'size'"):
        _ = arrived.size


def test_no_password_is_in_a_pickle(postgres, image_model):
    plain = postgres.address()
    secret = plain.replace("postgres@", "postgres:open%20sesame@")
    url = f"{plain.replace('@', ':open%20sesame@')}?sslpassword=sesame"
    words = f"host=127.0.0.1 port={postgres.port} dbname=postgres user=postgres password=sesame"
    specs = [f"{secret}#travelling"]
    specs += [f"pgvector({address!r}, 'travelling')" for address in (url, words)]
    for spec in specs:
        with likewise.Gallery(spec, image_model) as opened:
            data = pickle.dumps(opened)
            assert b"sesame" not in data
            assert b"travelling" in data
            assert "sesame" not in repr(opened.store)
            with pickle.loads(data) as arrived, copy.deepcopy(opened) as copied:
                assert "sesame" not in arrived.store._server._address
                assert "sesame" in copied.store._server._address
                assert arrived.count() == copied.count() == opened.count() == 0


# ── sources and tables of items ───────────────────────────────────────────────────────────────


def sources(folder: Path) -> dict[str, Source]:
    """One of each sort that needs no research data."""
    import pandas as pd

    drawings = sorted(folder.rglob("*.png"))[:12]
    archive = folder.parent / "few.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in drawings:
            opened.write(path, path.relative_to(folder))
    who = [path.parent.name for path in drawings]
    table = folder.parent / "labels.csv"
    rows = (f"{path},{name}\n" for path, name in zip(drawings, who, strict=True))
    table.write_text("item,label\n" + "".join(rows))
    listed = folder.parent / "series.jsonl"
    listed.write_text(
        "".join(f'{{"item": [{n}.5, 2, {n}], "label": "{n % 2}"}}\n' for n in range(4))
    )
    pairs = folder.parent / "pairs.csv"
    ends = pairwise(drawings)
    pairs.write_text("first,second,same\n" + "".join(f"{a},{b},1\n" for a, b in ends))
    series, names = waves(count=3)
    padded = np.zeros((3, 5, 1), dtype=np.float32)
    np.savez(
        folder.parent / "held.npz",
        items=padded,
        identities=np.array(["a", "b", "c"]),
        lengths=np.array([2, 3, 5]),
    )
    frame = pd.DataFrame({"item": list(map(str, drawings)), "label": who})
    found = {
        "folder": Folder(str(folder)),
        "pattern": Folder(str(folder), pattern="{group}/{identity}/{}.png"),
        "zip": Folder(str(archive)),
        "table": SOURCES.build(f"table({str(table)!r})"),
        "series": SOURCES.build(f"table({str(listed)!r})"),
        "pairs": SOURCES.build(f"table({str(pairs)!r})"),
        "arrays": Arrays.of(series, names),
        "npz": Arrays(str(folder.parent / "held.npz")),
        "digits": SOURCES.build("digits"),
        "characters": SOURCES.build("characters"),
    }
    given = {
        "paths": (drawings, who),
        "frame": frame,
        "bytes": [path.read_bytes() for path in drawings],
        "array": (np.zeros((4, 8, 8), dtype=np.uint8), ["a", "a", "b", "b"]),
        "triples": [(drawings[0], drawings[1], True), (drawings[0], drawings[6], False)],
    }
    return found | {name: as_source(one) for name, one in given.items()}


def test_sources_and_their_tables_arrive_as_they_were(strangers, tmp_path):
    folder = tmp_path / "drawings"
    shutil.copytree(strangers / "group1", folder / "group1")
    for name, source in sources(folder).items():
        table = source.items()
        few = table.take(np.arange(len(table))[:: max(1, len(table) // 30)])
        arrived = sent(few)
        check_same(arrived, few)
        assert (arrived.pairs is None) == (few.pairs is None), name
        again = sent(source).items()
        assert again.places.tolist() == table.places.tolist(), name
        check_same(copy.deepcopy(few), few)


def test_tables_of_research_data_arrive_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    for name in (
        "omniglot/images_background_small1/Greek/character01/0394_01.png",
        "omniglot/images_background_small1/Greek/character02/0395_01.png",
        "cedar/full_org/original_7_12.png",
        "cedar/full_forg/forgeries_7_1.png",
        "lfw/Abel_Pacheco/Abel_Pacheco_0001.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "lfw" / "people.txt").write_text("1\n1\nAbel_Pacheco\t1\n")
    series = tmp_path / "toy.ts"
    series.write_text("@univariate true\n@classLabel true up down\n@data\n1,2,3:up\n2,1:down\n")
    for spec in ("omniglot('small1')", "cedar", "lfw", f"ucr({str(series)!r})"):
        items = SOURCES.build(spec).items()
        check_same(sent(items), items)


def test_a_file_that_an_archive_lost_on_the_way_is_named(tmp_path, strangers):
    def packed(*names: str) -> None:
        with zipfile.ZipFile(tmp_path / "few.zip", "w") as archive:
            for name in names:
                archive.write(next(strangers.rglob("*.png")), name)

    packed("a/1.png", "a/2.png", "b/1.png")
    data = pickle.dumps(Folder(str(tmp_path / "few.zip")).items())
    packed("a/1.png", "b/1.png")
    arrived = pickle.loads(data)
    assert arrived.read(0)
    with pytest.raises(UnreadableItem, match=r"a/2\.png is not in the archive any more"):
        arrived.read(1)


# ── results and errors ────────────────────────────────────────────────────────────────────────


def test_results_arrive_by_value(image_model, image_experiment, strangers, gallery):
    first, second = sorted(strangers.rglob("*.png"))[:2]
    decision = likewise.verify(image_model, first, second)
    embeddings = likewise.embed(image_model, strangers)
    probe = image_model.embed(Folder(str(strangers)).items().take(np.array([3])))
    who = gallery.identify(probe)
    for thing in (decision, who, gallery.search(probe), image_experiment.evaluation):
        arrived = sent(thing)
        assert type(arrived) is type(thing)
        assert repr(arrived) == repr(thing)
    arrived = sent(embeddings)
    assert np.array_equal(arrived.vectors, embeddings.vectors)
    assert arrived.fingerprint == embeddings.fingerprint
    check_same(arrived.items.take(np.arange(3)), embeddings.items.take(np.arange(3)))
    assert sent(image_experiment.recipe) == image_experiment.recipe
    whole = sent(image_experiment)
    assert whole.model.fingerprint == image_model.fingerprint
    assert whole.to_dict() == image_experiment.to_dict()
    assert sent(image_model.calibration()).decide(0.3) == image_model.calibration().decide(0.3)


def test_what_is_measured_and_found_arrives_by_value(image_model, strangers):
    measured = likewise.evaluate(image_model, strangers)
    arrived = sent(measured)
    assert arrived.to_dict() == measured.to_dict()
    assert repr(arrived) == repr(measured)
    for found in (likewise.audit(strangers), likewise.dedupe(image_model, strangers)):
        assert sent(found).to_dict() == found.to_dict()
    decoded = decode_all(Folder(str(strangers)).items(), image_model.transform, large_bytes=0)
    with decoded, sent(decoded) as there:
        rows = np.array([5, 149])
        assert np.array_equal(there.batch(rows)[0], decoded.batch(rows)[0])
        assert there.items.places.tolist() == decoded.items.places.tolist()


def test_every_error_arrives_with_its_words():
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.LikewiseError):
            arrived = sent(kind("there is no such thing. Write another."))
            assert type(arrived) is kind
            assert str(arrived) == "there is no such thing. Write another."


# ── in processes of one's own ─────────────────────────────────────────────────────────────────


def test_they_go_to_spawned_processes(image_model, gallery, strangers, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    items = Folder(str(strangers)).items().take(np.arange(12))
    expected = image_model.embed(items)
    probe = image_model.embed(items.take(np.array([5])))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        vectors, pooled, threads, used = pool.submit(vectors_there, image_model, items).result()
        assert np.allclose(vectors, expected.vectors, atol=1e-6)
        assert (pooled, threads, used) == (True, 1, 1)
        found = pool.submit(enrolled_there, gallery, probe).result()
        assert found == enrolled_there(gallery, probe)
        with pytest.raises(errors.SourceNotFound, match=r"nowhere\.png"):
            pool.submit(refusal_there, image_model, "nowhere.png").result()
    with get_context("spawn").Pool(1) as pool:
        # It would wait for ever if what is unpickled raised.
        shutil.copytree(image_model.folder, tmp_path / "model")
        gone = likewise.load(tmp_path / "model")
        shutil.rmtree(tmp_path / "model")
        with pytest.raises(ModelNotFound, match="holds no model"):
            pool.apply_async(which_there, (gone,)).get(60)
    assert not in_pool()


def test_a_pool_reads_a_model_once_until_another_stands_there(
    image_model, series_experiment, tmp_path
):
    shutil.copytree(image_model.folder, tmp_path / "model")
    model, other = likewise.load(tmp_path / "model"), series_experiment.model
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        first, again = (pool.submit(which_there, model).result() for _ in range(2))
        assert first == again
        named = to_json({"clinic": model.calibration(), **model.calibrations})
        update_model(model.folder, {"calibration": named})
        _, fingerprint, calibrations = pool.submit(which_there, model).result()
        assert (fingerprint, calibrations) == (model.fingerprint, ["clinic", "default"])
        assert pool.submit(which_there, other).result()[1] == other.fingerprint
        assert pool.submit(which_there, model).result()[1:] == (fingerprint, calibrations)
        shutil.rmtree(model.folder)
        with pytest.raises(ModelNotFound, match="holds no model"):
            pool.submit(which_there, model).result()


def test_they_go_through_joblib(image_model, gallery, strangers):
    joblib = pytest.importorskip("joblib")
    items = Folder(str(strangers)).items().take(np.arange(12))
    probe = image_model.embed(items.take(np.array([5])))
    with joblib.parallel_config("loky", inner_max_num_threads=3):
        run = joblib.Parallel(n_jobs=2)
        first, second = run(
            [
                joblib.delayed(vectors_there)(image_model, items),
                joblib.delayed(enrolled_there)(gallery, probe),
            ]
        )
    assert np.allclose(first[0], image_model.embed(items).vectors, atol=1e-6)
    assert first[1:] == (True, 3, 3)
    assert second == enrolled_there(gallery, probe)


def test_they_go_through_dask(image_model, gallery, strangers):
    dask = pytest.importorskip("dask")
    items = Folder(str(strangers)).items().take(np.arange(12))
    probe = image_model.embed(items.take(np.array([5])))
    vectors, found = dask.compute(
        dask.delayed(vectors_there)(image_model, items),
        dask.delayed(enrolled_there)(gallery, probe),
        scheduler="processes",
        num_workers=1,
    )
    assert np.allclose(vectors[0], image_model.embed(items).vectors, atol=1e-6)
    assert found == enrolled_there(gallery, probe)


def test_what_the_page_says_runs(image_model, gallery, strangers, tmp_path, monkeypatch, capsys):
    pytest.importorskip("joblib")
    page = Path(__file__).parents[1] / "docs" / "processes.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copytree(image_model.folder, tmp_path / "model")
    shutil.copytree(strangers, tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks), {})  # noqa: S102 - our own page
    decided, count = capsys.readouterr().out.splitlines()
    assert decided.count("same") + decided.count("different") + decided.count("undecided") == 8
    assert count == "150"
