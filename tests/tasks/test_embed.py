"""The vectors of many items: some at a time, and into a file whole or not at all."""

import csv
import errno
import os
import resource
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likewise.data.cache import decode_all
from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    MissingExtra,
    OutOfMemory,
    SaveFailed,
    UnreadableItem,
    WrongKind,
)
from likewise.io import atomic
from likewise.model import batching
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.tasks import vectors
from likewise.tasks.embed import embed, embed_to, save_embeddings
from likewise.transforms.image import ImageTransform
from likewise.transforms.series import SeriesTransform
from likewise.types import Items

ENDINGS = [".npz", ".npy", ".parquet"]
STATE = {"mean": [0.5], "std": [0.5]}


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory) -> Path:
    """Three good pictures, one with an odd name, among fourteen files that are none."""
    folder = tmp_path_factory.mktemp("data") / "spoiled"
    for name in ("group/a", 'group/b, "c"', "other/ü"):
        (folder / name).mkdir(parents=True)
        Image.linear_gradient("L").resize((20, 20)).save(folder / name / "good.png")
    for number in range(14):
        (folder / "group" / "a" / f"{number}.png").write_bytes(b"junk")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_back(path: Path) -> dict[str, Any]:
    """What any reader of the format sees, under the names of the .npz."""
    if path.suffix == ".npz":
        with np.load(path) as data:
            return {name: data[name].tolist() for name in data}
    if path.suffix == ".npy":
        with path.with_suffix(".rows.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with path.with_suffix(".failed.csv").open(newline="", encoding="utf-8") as file:
            failed = list(csv.DictReader(file))
        (fingerprint,) = {row["fingerprint"] for row in rows}
        return {
            "vectors": np.load(path).tolist(),
            "identities": [row["identity"] for row in rows],
            "places": [row["place"] for row in rows],
            "groups": [row["group"] for row in rows],
            "fingerprint": fingerprint,
            "failed_places": [row["place"] for row in failed],
            "failed_reasons": [row["reason"] for row in failed],
        }
    import json

    from pyarrow import parquet

    table = parquet.read_table(path)
    failed = json.loads(table.schema.metadata[b"likewise.failed"])
    return {
        "vectors": table["vector"].to_pylist(),
        "identities": table["identity"].to_pylist(),
        "places": table["place"].to_pylist(),
        "groups": table["group"].to_pylist(),
        "fingerprint": table.schema.metadata[b"likewise.fingerprint"].decode(),
        "failed_places": [place for place, _ in failed],
        "failed_reasons": [why for _, why in failed],
    }


# ── blocks ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("threads", [None, 1, 5])
def test_blocks_are_the_vectors_of_the_encoder_in_order(image_model, strangers, threads) -> None:
    items = Folder(str(strangers)).items()
    with decode_all(items, image_model.transform) as decoded:
        expected = image_model.embed_decoded(decoded)
    blocks = list(image_model.blocks(items, threads=threads))
    np.testing.assert_allclose(
        np.concatenate([block.vectors for block in blocks]), expected, atol=1e-5
    )
    assert np.concatenate([block.rows for block in blocks]).tolist() == [*range(150)]
    assert [block.done for block in blocks] == [*range(16, 150, 16), 150]
    together = embed(image_model, Folder(str(strangers)))
    np.testing.assert_allclose(together.vectors, expected, atol=1e-5)
    assert together.items is not None
    assert together.failed == ()


def test_series_are_cut_into_batches_by_what_padding_makes_of_them() -> None:
    lengths = [5, 60, 7, 50, 3, 2, 2, 1]
    series = [np.full((length, 2), length, np.float32) for length in lengths]
    for one in series:
        one[0] -= 1
    items = Arrays.of(series, [str(length) for length in lengths]).items()
    seen: list[tuple[int, ...]] = []

    def encode(batch: Any, ends: Any) -> Any:
        seen.append(batch.shape)
        assert ends.tolist() == [int(row[0, 0]) + 1 for row in batch]
        return np.stack([row[:end].sum(0) for row, end in zip(batch, ends, strict=True)])

    batching.BATCH_VALUES, kept = 200, batching.BATCH_VALUES
    try:
        (block,) = batching.embed_blocks(items, SeriesTransform("none"), encode, 2)
    finally:
        batching.BATCH_VALUES = kept
    assert seen == [(1, 5, 2), (1, 60, 2), (2, 50, 2), (4, 3, 2)]
    assert block.vectors[:, 0].tolist() == [length**2 - 1 for length in lengths]


def test_no_more_items_are_decoded_than_are_under_way() -> None:
    """Five hundred decoded images would take five megabytes."""
    pixels = np.eye(100, dtype=np.uint8) * np.uint8(255)
    places = [str(row) for row in range(500)]
    items = Items.build("box", places, "image", places, lambda _: pixels)
    transform = ImageTransform(100, state=STATE)
    tracemalloc.start()
    try:
        found = batching.embed_blocks(
            items, transform, lambda b, _: np.zeros((len(b), 1)), 1, threads=2
        )
        assert sum(len(block.rows) for block in found) == 500
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000


def test_what_cannot_be_embedded_is_refused_before_and_in_between(
    image_model, strangers, spoiled
) -> None:
    with pytest.raises(WrongKind, match="holds series, and the transform takes images"):
        embed(image_model, Arrays.of([np.eye(5, 2)] * 2, ["a", "b"]))
    with pytest.raises(BadArgument, match="threads is 0, and at least 1"):
        list(image_model.blocks(Folder(str(strangers)).items(), threads=0))
    with pytest.raises(UnreadableItem, match=r"spoiled/group/a/0\.png cannot be read"):
        embed(image_model, Folder(str(spoiled)), strict=True)
    items = Folder(str(spoiled)).items()
    bad = items.take(np.flatnonzero(~np.char.endswith(items.places, "good.png")))
    with pytest.raises(EmptySource, match=r"none of its 14 items .*0\.png.*1\.png.*2\.png"):
        image_model.embed(bad)


def test_no_memory_for_a_batch_names_its_last_item() -> None:
    items = Arrays.of(
        np.tile(np.eye(4, dtype=np.uint8) * np.uint8(255), (40, 1, 1)), ["a"] * 40, namespace="box"
    ).items()

    def encode(batch: Any, lengths: Any) -> Any:
        raise MemoryError("Failed to allocate memory for requested buffer of size 603979776")

    with pytest.raises(OutOfMemory, match=r"16 items up to box\[15\] cannot be embedded: there is"):
        list(batching.embed_blocks(items, ImageTransform(4, state=STATE), encode, 1))


# ── files ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_holds_vectors_table_failures_and_fingerprint(
    ending, image_model, spoiled, tmp_path
) -> None:
    seen: list[tuple[int, int]] = []
    path = tmp_path / f"e{ending}"
    made = embed_to(
        image_model, Folder(str(spoiled)), path, progress=lambda *count: seen.append(count)
    )
    memory = embed(image_model, Folder(str(spoiled)))
    assert (made.items, made.dim, len(made.failed)) == (3, 64, 14)
    assert seen[-1] == (17, 17)
    assert sorted(contents(tmp_path)) == sorted(path.name for path in made.paths)
    assert made.paths[0] == path
    found = read_back(path)
    np.testing.assert_array_equal(np.array(found["vectors"], np.float32), memory.vectors)
    assert found["identities"] == ["group/a", 'group/b, "c"', "other/ü"]
    assert found["groups"] == ["group", "group", "other"]
    assert found["places"] == memory.items.places.tolist()
    assert found["fingerprint"] == image_model.fingerprint
    assert [*zip(found["failed_places"], found["failed_reasons"], strict=True)] == [*made.failed]
    assert made.failed == memory.failed
    save_embeddings(memory, tmp_path / f"f{ending}")
    assert read_back(tmp_path / f"f{ending}") == found


def test_parquet_holds_vectors_of_fixed_length(image_model, spoiled, tmp_path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    embed_to(image_model, Folder(str(spoiled)), tmp_path / "e.parquet")
    assert parquet.read_schema(tmp_path / "e.parquet").field("vector").type == pa.list_(
        pa.float32(), 64
    )


def test_more_rows_than_a_slice_are_written_in_full(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(vectors, "SLICE_ROWS", 10)
    count = 205
    rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    names = [f"name{row}" * (1 + row % 3) for row in range(count)]
    items = Arrays.of(
        np.tile(np.eye(2, dtype=np.uint8) * np.uint8(255), (count, 1, 1)), names
    ).items()
    for ending in ENDINGS:
        path = tmp_path / f"e{ending}"
        with vectors.Spool(path, 2) as spool:
            spool.add(rows[:7])
            spool.add(rows[7:])
            vectors.write_vectors(spool, items, (), "f" * 64)
        found = read_back(path)
        np.testing.assert_array_equal(np.array(found["vectors"]), rows)
        assert found["identities"] == names
        assert found["failed_places"] == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_stops_in_between_leaves_what_was_there(
    ending, image_model, strangers, tmp_path
) -> None:
    path = tmp_path / f"e{ending}"
    path.write_bytes(b"old")

    def interrupt(done: int, total: int) -> None:
        # What is kept on the disk has no name, so that not even a kill leaves it behind.
        assert contents(tmp_path) == {path.name: b"old"}
        if done > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        embed_to(image_model, Folder(str(strangers)), path, progress=interrupt)
    assert contents(tmp_path) == {path.name: b"old"}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("room", "moment"), [(8_000, "spooled"), (38_700, "written")])
def test_a_file_that_may_not_grow_leaves_what_was_there(
    ending, room, moment, image_model, strangers, tmp_path
) -> None:
    """The vectors take 38,400 bytes: they do not fit, or fit and what is made of them does not."""
    items = Folder(str(strangers)).items()
    long = Items(**{**vars(items), "places": np.char.add("x" * 300, items.places)})
    memory = image_model.embed(long)
    path = tmp_path / f"e{ending}"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(SaveFailed, match=rf"could not be written: {os.strerror(errno.EFBIG)}"):
            save_embeddings(memory, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == {path.name: b"old"}


def test_beside_the_vectors_nothing_new_is_named_before_all_is_there(
    image_model, spoiled, tmp_path, monkeypatch
) -> None:
    named: list[str] = []
    rename = atomic._rename

    def spy(source: Path, target: Path) -> None:
        parts = [part for part in tmp_path.iterdir() if atomic.PART.fullmatch(part.name)]
        assert len(parts) == 3 - len(named)
        assert all(part.stat().st_size for part in parts)
        named.append(target.name)
        rename(source, target)

    monkeypatch.setattr(atomic, "_rename", spy)
    embed_to(image_model, Folder(str(spoiled)), tmp_path / "e.npy")
    assert named == ["e.rows.csv", "e.failed.csv", "e.npy"]


def test_bad_paths_are_refused_before_any_work(image_model, tmp_path, monkeypatch) -> None:
    nowhere = Folder(str(tmp_path / "nothing"))  # which would fail, if it were read
    for name, match in (
        ("e.txt", r"e\.txt does not end in \.npz, \.npy or \.parquet"),
        ("no/e.npz", r"no is no folder\. Make it first"),
        ("folder.npz", r"folder\.npz is a folder\. Name a file"),
    ):
        (tmp_path / "folder.npz").mkdir(exist_ok=True)
        with pytest.raises(BadArgument, match=match):
            embed_to(image_model, nowhere, tmp_path / name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"pip install 'likewise\[evaluate\]'"):
        embed_to(image_model, nowhere, tmp_path / "e.parquet")


def test_embeddings_are_no_items(image_model, spoiled, tmp_path) -> None:
    embed_to(image_model, Folder(str(spoiled)), tmp_path / "e.npz")
    with pytest.raises(DamagedSource, match="It holds embeddings: give the items they were made"):
        Arrays(str(tmp_path / "e.npz")).items()


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_all_failures_are_counted_and_ten_named(likewise, image_model, spoiled, tmp_path) -> None:
    code, out, err = likewise("embed", image_model.folder, spoiled, "--out", tmp_path / "e.npy")
    assert code == 0
    assert f"3 items, 64 numbers each, written to {tmp_path / 'e.npy'}" in out
    assert "14 items failed to read:" in out
    assert out.count("cannot be read as an image") == 10
    assert f"and 4 more, all named in {tmp_path / 'e.failed.csv'}" in out
    assert err.startswith("embedding: 17 of 17 items, ")
    assert err.count("\n") == 1


def test_json_is_all_that_json_prints(likewise_json, likewise, image_model, spoiled, tmp_path):
    out = tmp_path / "e.npz"
    found = likewise_json("embed", image_model.folder, spoiled, "--out", out, "--threads", 1)
    assert (found["exit"], found["items"], found["dim"]) == (0, 3, 64)
    assert found["files"] == [str(out)]
    assert len(found["failed"]) == 14
    code, _, err = likewise("embed", image_model.folder, spoiled, "--out", out, "--json")
    assert (code, err) == (0, "")


def test_the_command_refuses_what_it_should(likewise, image_model, spoiled, tmp_path) -> None:
    model = image_model.folder
    code, _, err = likewise("embed", model, spoiled, "--out", tmp_path / "e.npz", "--strict")
    assert code == 2
    assert "UnreadableItem" in err
    assert contents(tmp_path) == {}
    packed = tmp_path / "items.npz"
    np.savez(
        packed,
        items=np.tile(np.eye(20, dtype=np.uint8) * np.uint8(255), (2, 1, 1)),
        identities=["a", "b"],
    )
    before = contents(tmp_path)
    code, _, err = likewise("embed", model, packed, "--out", packed)
    assert code == 2
    assert "is the source itself" in err
    assert contents(tmp_path) == before
    code, _, _ = likewise("embed", model, packed, "--out", tmp_path / "e.npz", "--threads", "0")
    assert code == 2


def test_on_a_terminal_there_is_a_bar(image_model, strangers, tmp_path) -> None:
    import pty
    import subprocess

    ours, theirs = pty.openpty()
    program = "from likewise.cli import main; main()"
    words = ["embed", image_model.folder, strangers, "--out", tmp_path / "e.npz"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LIKEWISE_CHECK_SHAPES": "0"},
        text=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # what Linux says when the other end is closed
            break
        if not part:
            break
        shown += part
    out, _ = process.communicate()
    os.close(ours)
    assert process.returncode == 0
    assert "150 items, 64 numbers each" in out
    text = shown.decode()
    assert "embedding" in text
    assert "150/150" in text
    assert "of 150 items" not in text
