"""Items are read ahead by one thread and worked on by others; what memory lacks ends the run."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likewise.data.cache import decode_all
from likewise.data.loader import CHUNK_BYTES, Chunk, decode, worked
from likewise.errors import OutOfMemory, UnreadableItem, WrongKind
from likewise.transforms.image import ImageTransform
from likewise.transforms.series import SeriesTransform
from likewise.types import Items


def table(raws: list[Any], kind: str = "image", reader: Any = None) -> Items:
    places = [f"box/{index}.x" for index in range(len(raws))]
    return Items.build("box", ["a"] * len(raws), kind, places, reader or (lambda row: raws[row]))


IMAGES = [np.full((4, 4), value, np.uint8) for value in range(100)]
for image in IMAGES:
    image[-1, -1] = 255  # so that none is a blank page


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_chunks_come_in_order_whatever_thread_is_first(threads: int) -> None:
    met: set[int] = set()

    def work(chunk: Chunk) -> list[str]:
        met.add(threading.get_ident())
        return [place for _, place in chunk]

    chunks = list(worked(table(IMAGES), work, threads))
    assert [place for chunk in chunks for place in chunk] == [f"box/{i}.x" for i in range(100)]
    assert [len(chunk) for chunk in chunks] == [16] * 6 + [4]
    assert threading.get_ident() not in met
    assert len(met) <= threads


def test_large_items_come_in_small_chunks() -> None:
    raws = [b"x" * (CHUNK_BYTES // 3)] * 9
    sizes = list(worked(table(raws), len, 2))
    assert sizes == [4, 4, 1]


def test_a_consumer_that_stops_leaves_no_thread() -> None:
    before = threading.active_count()
    chunks = worked(table(IMAGES * 20), len, 3)
    assert next(chunks) == 16
    assert threading.active_count() > before
    chunks.close()
    assert threading.active_count() == before


class Hungry(ImageTransform):  # type: ignore[misc]
    """Has no memory for one item."""

    def decode(self, raw: Any, place: str) -> Any:
        if place == "box/40.x":
            raise MemoryError
        return super().decode(raw, place)


def test_no_memory_in_a_thread_names_the_item_and_what_to_do() -> None:
    before = threading.active_count()
    with pytest.raises(
        OutOfMemory,
        match=r"box/40\.x cannot be decoded: there is not enough memory\. .*smaller .*--threads 1",
    ):
        decode_all(table(IMAGES), Hungry(4))
    assert threading.active_count() == before


def test_no_memory_for_a_raw_item_names_it() -> None:
    def reader(row: int) -> Any:
        if row == 3:
            raise MemoryError
        return IMAGES[row]

    with pytest.raises(OutOfMemory, match=r"box/3\.x cannot be read: there is not enough memory"):
        decode_all(table(IMAGES, reader=reader), ImageTransform(4))


STARVED = """
import resource, sys
import numpy as np
from likewise.data.cache import decode_all
from likewise.sources.folder import Folder
from likewise.transforms.image import ImageTransform

items, transform = Folder(sys.argv[1]).items(), ImageTransform(8)
decode_all(items.take(np.array([0, 1])), transform, threads=1)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
# Room for threads and for what is small, none for the one large image.
resource.setrlimit(resource.RLIMIT_AS, (held + 90 * 2**20,) * 2)
try:
    decode_all(items, transform, threads=1)
except MemoryError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures memory as Linux does")
def test_an_allocation_that_really_fails(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        Image.effect_noise((8, 8), 99).convert("RGB").save(tmp_path / f"{number}.png")
    # 35 million pixels of four bytes each, of which the file says little.
    Image.new("RGB", (7000, 5000)).save(tmp_path / "2.png", compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", STARVED, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OutOfMemory"), done.stdout
    assert "2.png cannot be decoded: there is not enough memory" in done.stdout


def test_an_outcome_is_an_array_or_why_there_is_none() -> None:
    chunk: Any = [
        (IMAGES[7], "a"),
        (b"junk", "b"),
        (UnreadableItem("c is gone"), "c"),
    ]
    seven, junk, gone = decode(ImageTransform(4), chunk)
    assert isinstance(seven, np.ndarray)
    assert (seven[0, :3, :3] == 7).all()
    assert "b cannot be read as an image" in str(junk)
    assert str(gone) == "c is gone"


def test_series_of_mixed_channels_are_refused_by_name() -> None:
    series = [np.eye(5, 2), np.eye(9, 2), np.eye(5, 3)]
    with pytest.raises(WrongKind, match=r"box/2\.x has 3 channels, and box/0\.x has 2"):
        decode_all(table(series, "series"), SeriesTransform())
