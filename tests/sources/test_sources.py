"""The sources that bring their own data: characters, digits, omniglot."""

import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.errors import BadArgument, DamagedSource, EmptySource, MissingExtra, SourceNotFound
from likewise.sources import FAMILY, characters
from likewise.sources.characters import Characters
from likewise.sources.digits import Digits
from likewise.sources.omniglot import Omniglot, drawer_of, official_runs
from likewise.types import Items

real = pytest.mark.skipif(
    not os.environ.get("LIKEWISE_DATA"), reason="LIKEWISE_DATA is not set: no research data"
)


@pytest.fixture(autouse=True)
def _unpacked_anew() -> Iterator[None]:
    caches = (characters._parts, characters._bits)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def pixels(items: Items, row: int) -> np.ndarray:
    raw = items.read(row)
    assert isinstance(raw, bytes)
    return np.asarray(Image.open(io.BytesIO(raw)).convert("L"))


def test_every_source_is_listed_with_a_sentence() -> None:
    own = ["folder", "table", "arrays", "characters", "digits", "omniglot", "ucr"]
    own += ["lfw", "cedar"]
    assert FAMILY.names() == own
    for name in FAMILY.names():
        assert FAMILY.describe(name).summary.endswith(".")


def test_characters() -> None:
    items = Characters().items()
    assert len(items) == 2720
    assert items.kind == "image"
    names, counts = np.unique(items.identities, return_counts=True)
    assert (len(names), set(counts.tolist())) == (136, {20})
    assert names[0] == "Balinese/character01"
    assert len(set(items.groups.tolist())) == 5
    assert all(i.startswith(f"{g}/") for i, g in zip(items.identities, items.groups, strict=True))
    assert items.places[6] == "characters/Balinese/character01/0108_07.png"
    assert drawer_of(str(items.places[6])) == 7
    for row in (0, 1000, 2719):
        raw = items.read(row)
        assert isinstance(raw, np.ndarray)
        assert (raw.shape, raw.dtype) == ((105, 105), np.uint8)
        assert set(np.unique(raw).tolist()) == {0, 255}
        assert 0.8 < (raw == 255).mean() < 0.99


def test_characters_unpacks_nothing_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("an item was read")

    monkeypatch.setattr(characters, "_bits", refuse)
    items = Characters().items()
    with pytest.raises(AssertionError, match="an item was read"):
        items.read(0)


def test_characters_ship_small_and_with_their_notice() -> None:
    data = files("likewise.sources") / "data"
    assert len((data / "characters.bin").read_bytes()) < 410_000
    notice = (data / "NOTICE").read_text(encoding="utf-8")
    assert "Copyright (c) 2015 Brenden Lake" in notice
    assert "Permission is hereby granted, free of charge" in notice
    assert "Science, 350" in notice


@pytest.mark.parametrize("data", [b"", b"no json\nx", b"[1]\nx", b'{"drawers": 1}\nx'])
def test_broken_characters_are_told(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: data)
    with pytest.raises(DamagedSource, match=r"are broken .*\. Install likewise again"):
        Characters().items()


def test_cut_characters_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    header, packed = characters._parts()
    items = Characters().items()
    monkeypatch.setattr(characters, "_parts", lambda: (header, packed[:-50]))
    with pytest.raises(DamagedSource, match=r"are broken .*\. Install likewise again"):
        items.read(0)


@real
def test_characters_equal_their_source() -> None:
    own, given = Characters().items(), Omniglot("small1").items()
    assert own.identities.tolist() == given.identities.tolist()
    assert own.groups.tolist() == given.groups.tolist()
    assert own.namespace == given.namespace
    ends = [place.rpartition("/")[2] for place in given.places.tolist()]
    assert [place.rpartition("/")[2] for place in own.places.tolist()] == ends
    for row in range(len(own)):
        np.testing.assert_array_equal(np.asarray(own.read(row)), pixels(given, row))


def test_digits() -> None:
    from sklearn.datasets import load_digits

    items = Digits().items()
    assert len(items) == 1797
    assert items.kind == "image"
    assert sorted(set(items.identities.tolist())) == [str(digit) for digit in range(10)]
    raw, loaded = items.read(3), load_digits()
    assert isinstance(raw, np.ndarray)
    assert raw.dtype == np.uint8
    assert items.identities[3] == str(loaded.target[3])
    assert np.abs(raw - loaded.images[3] * 255 / 16).max() <= 0.5
    assert max(int(np.asarray(items.read(row)).max()) for row in range(50)) == 255


def test_digits_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'likewise[evaluate]'")):
        Digits().items()


def test_the_folder_of_data_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("LIKEWISE_DATA", raising=False)
    with pytest.raises(SourceNotFound, match=r"LIKEWISE_DATA is not set.*likewise data omniglot"):
        Omniglot().items()
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    with pytest.raises(SourceNotFound, match=r"holds no omniglot/images_background\.zip"):
        Omniglot("background").items()
    with pytest.raises(SourceNotFound, match=r"holds no omniglot/all_runs\.zip"):
        official_runs()


def test_omniglot_from_an_unpacked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    root = tmp_path / "omniglot" / "images_evaluation"
    for name in ("Greek/character10/0002_01.png", "Greek/character2/0001_12.png", "notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    items = Omniglot("evaluation").items()
    assert items.identities.tolist() == ["Greek/character2", "Greek/character10"]
    assert items.parts.tolist() == ["test", "test"]
    assert items.read(0) == b"Greek/character2/0001_12.png"
    assert [drawer_of(place) for place in items.places.tolist()] == [12, 1]


def test_omniglot_refuses_what_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    (tmp_path / "omniglot").mkdir()
    archive = tmp_path / "omniglot" / "images_background_small2.zip"
    archive.write_bytes(b"cut")
    with pytest.raises(DamagedSource, match=r"cannot be opened as a \.zip"):
        Omniglot("small2").items()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.txt", "x")
    with pytest.raises(EmptySource, match="holds no drawings"):
        Omniglot("small2").items()
    with zipfile.ZipFile(tmp_path / "omniglot" / "all_runs.zip", "w") as out:
        out.writestr("run01/class_labels.txt", "run01/test/item01.png run01/training/class01.png\n")
    with pytest.raises(DamagedSource, match=r"run01 is not complete .*1 lines"):
        official_runs()
    with pytest.raises(BadArgument, match="no place of an Omniglot drawing"):
        drawer_of("photo.png")
    with pytest.raises(BadArgument, match="part is 'test'"):
        FAMILY.build("omniglot('test')")


@real
def test_omniglot_whole() -> None:
    items = Omniglot().items()
    assert len(items) == 32460
    counts = {part: int((items.parts == part).sum()) for part in ("train", "test")}
    assert counts == {"train": 964 * 20, "test": 659 * 20}
    assert len(set(items.identities.tolist())) == 1623
    assert len(set(items.groups.tolist())) == 50
    drawers = {drawer_of(place) for place in items.places.tolist()}
    assert drawers == set(range(1, 21))
    assert pixels(items, 20_000).shape == (105, 105)


@real
@pytest.mark.parametrize(("part", "characters"), [("small1", 136), ("small2", 156)])
def test_omniglot_small(part: str, characters: int) -> None:
    items = Omniglot(part).items()
    assert len(items) == 20 * characters
    assert set(items.parts.tolist()) == {""}


@real
def test_official_runs() -> None:
    runs = official_runs()
    assert len(runs) == 20
    for run in runs:
        assert (len(run.training), len(run.test)) == (20, 20)
        assert sorted(run.answers) == list(range(20))
    assert runs[0].answers[:3] == (7, 8, 1)
    # Even the overlap of ink is right far more often than 1 in 20, which a wrong order of the
    # answers would bring it down to.
    right = 0
    for run in runs:
        train, test = (
            np.stack([np.asarray(Image.open(io.BytesIO(raw))) for raw in part])
            for part in (run.training, run.test)
        )
        apart = np.logical_xor(test[:, None], train[None]).mean((2, 3))
        right += int((apart.argmin(1) == np.asarray(run.answers)).sum())
    assert right / 400 > 0.12
