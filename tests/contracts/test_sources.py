"""What every source promises, whoever adds one; each over a small collection of its own."""

import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from likewise.kinds import FAMILY as KINDS
from likewise.sources import FAMILY
from likewise.sources.base import Source
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Items, Raw
from tests.conftest import glyphs
from tests.contracts.examples import encoded

TS = "@problemName toy\n@timeStamps false\n@classLabel true up down\n@data\n"


def picture(seed: int) -> bytes:
    return encoded(np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8))


def written(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(seed))
    return folder


def folder(place: Path) -> str:
    return f"folder({str(glyphs(place / 'drawings', count=4, each=2))!r})"


def table(place: Path) -> str:
    written(place, "a.png", "b.png", "c.png", "d.png")
    rows = "a.png,x,one\nb.png,x,one\nc.png,y,two\nd.png,y,two\n"
    (place / "items.csv").write_text(f"item,label,site\n{rows}")
    return f"table({str(place / 'items.csv')!r}, group='site')"


def arrays(place: Path) -> str:
    random = np.random.default_rng(0)
    items = random.integers(0, 256, (6, 8, 8), dtype=np.uint8)
    np.savez(place / "items.npz", items=items, identities=np.array(["a", "a", "b", "b", "c", "c"]))
    return f"arrays({str(place / 'items.npz')!r})"


def omniglot(place: Path) -> str:
    names = [f"Greek/character0{one}/000{one}_0{n}.png" for one in (1, 2) for n in (1, 2)]
    written(place / "omniglot" / "images_evaluation", *names)
    return "omniglot(part='evaluation')"


def ucr(place: Path) -> str:
    with zipfile.ZipFile(place / "ucr_uea.zip", "w") as archive:
        archive.writestr("toy_TRAIN.ts", f"{TS}1,2,3:4,5,6:up\n7,8:8,9.5:down\n")
        archive.writestr("toy_TEST.ts", f"{TS}1:2:down\n")
    return "ucr:toy"


def lfw(place: Path) -> str:
    people = [f"Person_{number}" for number in range(10)]
    names = [f"{who}/{who}_{n:04}.jpg" for who in people for n in (1, 2)]
    root = place / "lfw-deepfunneled"
    written(root / "lfw-deepfunneled", *names)
    (root / "people.txt").write_text("10\n" + "".join(f"1\n{who}\t2\n" for who in people))
    return "lfw"


def cedar(place: Path) -> str:
    with zipfile.ZipFile(place / "cedar.zip", "w") as archive:
        for number, who in enumerate((7, 7, 8, 8)):
            made = f"full_org/original_{who}_{number}.png"
            archive.writestr(f"cedar/{made}", picture(number))
            archive.writestr(f"cedar/full_forg/forgeries_{who}_{number}.png", picture(number + 9))
    return "cedar"


# What a source reads is made here, in a folder that is also LIKEWISE_DATA. One that brings its own
# data is not here.
MADE: dict[str, Callable[[Path], str]] = {
    "folder": folder,
    "table": table,
    "arrays": arrays,
    "omniglot": omniglot,
    "ucr": ucr,
    "lfw": lfw,
    "cedar": cedar,
}


@pytest.fixture(params=FAMILY.names())
def source(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    make = MADE.get(request.param)
    return FAMILY.build(request.param if make is None else make(tmp_path))


def some(items: Items) -> list[int]:
    """Rows from the first to the last, few enough to read."""
    return np.unique(np.linspace(0, len(items) - 1, 12).astype(int)).tolist()


def same(one: Raw, other: Raw) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=True)
    return one == other


def test_the_columns_of_its_table_are_as_long_as_it_is(source: Source) -> None:
    items = source.items()
    assert len(items) >= 2
    columns = ("identities", "kinds", "groups", "origins", "parts", "places", "rows")
    assert {name: len(getattr(items, name)) for name in columns} == dict.fromkeys(
        columns, len(items)
    )
    assert items.rows.tolist() == list(range(len(items)))
    assert items.namespace
    assert items.kind in KINDS.names()
    assert set(items.parts.tolist()) <= {"", "train", "test"}
    assert set(items.origins.tolist()) <= {"", "genuine", "forged"}
    assert len(set(items.places.tolist())) == len(items)
    assert all(items.places.tolist())


def test_its_table_is_the_same_each_time(source: Source) -> None:
    one, again = source.items(), source.items()
    for name in ("identities", "kinds", "groups", "origins", "parts", "places"):
        assert getattr(one, name).tolist() == getattr(again, name).tolist()
    assert one.namespace == again.namespace
    rows = some(one)
    assert all(same(one.read(row), again.read(row)) for row in rows)


def test_its_table_is_made_without_decoding_an_item(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an item was decoded")

    monkeypatch.setattr("PIL.Image.open", refuse)
    for name in TRANSFORMS.names():
        monkeypatch.setattr(TRANSFORMS.type_of(name), "decode", refuse)
    assert len(source.items())


def test_its_reader_repeats_itself_in_any_order_and_from_any_thread(source: Source) -> None:
    items = source.items()
    rows = some(items)
    read = [items.read(row) for row in rows]
    assert all(isinstance(raw, bytes | str | np.ndarray) for raw in read)
    backwards = [items.read(row) for row in reversed(rows)][::-1]
    with ThreadPoolExecutor(4) as threads:
        beside = [*threads.map(items.read, rows)]
    for once, again, other in zip(read, backwards, beside, strict=True):
        assert same(once, again)
        assert same(once, other)


def test_what_is_taken_of_its_table_reads_what_it_names(source: Source) -> None:
    items = source.items()
    rows = some(items)[::-1]
    taken = items.take(np.array(rows))
    assert taken.places.tolist() == items.places[rows].tolist()
    assert all(same(taken.read(at), items.read(row)) for at, row in enumerate(rows))


def test_its_items_are_decoded_by_the_transform_of_their_kind(source: Source) -> None:
    items = source.items()
    transform = TRANSFORMS.build(KINDS.build(items.kind).transform, state=None)
    for row in some(items):
        assert transform.decode(items.read(row), str(items.places[row])).size


def test_pairs_are_rows_of_its_table(source: Source) -> None:
    items = source.items()
    if items.pairs is None:
        assert len(set(items.identities.tolist())) > 1
        return
    ends = np.concatenate([items.pairs.first, items.pairs.second])
    assert ends.min() >= 0
    assert ends.max() < len(items)
    assert (items.pairs.first != items.pairs.second).all()


def test_every_source_that_reads_something_is_made_here() -> None:
    assert set(MADE) <= set(FAMILY.names())
