"""Every item is decoded once, in threads, and kept where it fits."""

import errno
import io
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likewise.data.cache import Decoded, decode_all
from likewise.errors import BadArgument, EmptySource, SaveFailed, UnreadableItem, WrongKind
from likewise.transforms.image import ImageTransform
from likewise.transforms.series import SeriesTransform
from likewise.types import Items, Raw


def png(value: int) -> bytes:
    file = io.BytesIO()
    image = Image.new("L", (12, 12), value)
    image.paste(255, (9, 9, 12, 12))  # so that it is no blank page
    image.save(file, "PNG")
    return file.getvalue()


def table(raws: list[Any], kind: str = "image", reader: Any = None) -> Items:
    return Items.build(
        "box",
        [f"id{index % 7}" for index in range(len(raws))],
        kind,
        [f"box/{index}.x" for index in range(len(raws))],
        reader or (lambda row: raws[row]),
    )


IMAGES: list[Any] = [png(value) for value in range(100)]
SERIES = [np.full((1 + index % 5, 2), index, np.float32) for index in range(100)]
for one in SERIES:
    one[-1] += 1


def handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(params=[10**9, 0], ids=["in memory", "on disk"])
def large_bytes(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("threads", [None, 1, 5])
def test_images_come_in_order_and_once(threads: int | None, large_bytes: int) -> None:
    read: list[int] = []

    def reader(row: int) -> Raw:
        read.append(row)
        return IMAGES[row]

    items = table(IMAGES, reader=reader).take(np.arange(99, -1, -1))
    with decode_all(items, ImageTransform(4), threads=threads, large_bytes=large_bytes) as decoded:
        assert len(decoded) == 100
        assert [int(image[0, 0, 0]) for image in decoded] == list(range(99, -1, -1))
        assert decoded.items.places.tolist() == items.places.tolist()
        assert decoded.failed == ()
        for _ in range(3):
            batch, lengths = decoded.batch(np.array([3, 0, 3]))
        assert batch[:, 0, 0, 0].tolist() == [96, 99, 96]
        assert lengths is None
    assert read == list(range(99, -1, -1))


def test_a_batch_is_what_the_transform_collates(large_bytes: int) -> None:
    indices = np.array([50, 7, 7, 0])
    for items, transform in (
        (table(IMAGES), ImageTransform(4, color=True)),
        (table(SERIES, "series"), SeriesTransform("none")),
    ):
        decoded = decode_all(items, transform, large_bytes=large_bytes)
        batch, lengths = decoded.batch(indices)
        expected, expected_lengths = transform.collate([decoded[i] for i in indices.tolist()])
        np.testing.assert_array_equal(batch, expected)
        np.testing.assert_array_equal(lengths, expected_lengths)  # type: ignore[arg-type]
        assert batch.dtype == expected.dtype
        batch[:] = 0
        assert decoded[50].max() > 0
        with pytest.raises(ValueError, match="read-only"):
            decoded[0][:] = 1
        with pytest.raises(BadArgument, match="batch of no"):
            decoded.batch(np.zeros(0, dtype=np.int64))
        with pytest.raises(IndexError, match="out of bounds"):
            _ = decoded[100]
        assert (decoded[-1] == decoded[99]).all()


def test_parts_share_what_they_are_parts_of(large_bytes: int) -> None:
    whole = decode_all(table(IMAGES), ImageTransform(4), large_bytes=large_bytes)
    part = whole.take(np.array([90, 20, 30]))
    smaller = part.take(np.array([2, 0]))
    assert len(smaller) == 2
    assert [int(image[0, 0, 0]) for image in smaller] == [30, 90]
    assert smaller.items.places.tolist() == ["box/30.x", "box/90.x"]
    assert smaller.batch(np.array([1]))[0][0, 0, 0, 0] == 90
    assert np.shares_memory(smaller[1], whole[90])
    whole.close()
    whole.close()
    for closed in (whole, part, smaller):
        with pytest.raises(BadArgument, match="are closed"):
            closed.batch(np.array([0]))
        with pytest.raises(BadArgument, match="are closed"):
            _ = closed[0]


def spoiled() -> list[Any]:
    raws = list(IMAGES)
    raws[3] = b"no image"
    raws[40] = raws[40][:45]
    raws[99] = b""
    return raws


def test_failures_are_named_and_left_out(large_bytes: int) -> None:
    decoded = decode_all(table(spoiled()), ImageTransform(4), large_bytes=large_bytes)
    assert [place for place, _ in decoded.failed] == ["box/3.x", "box/40.x", "box/99.x"]
    reasons = [reason for _, reason in decoded.failed]
    assert reasons[0].startswith("cannot be read as an image: it is in no image format")
    assert "truncated" in reasons[1]
    assert "empty (0 bytes)" in reasons[2]
    assert len(decoded) == len(decoded.items) == 97
    for index, place in enumerate(decoded.items.places):
        assert decoded[index][0, 0, 0] == int(place[4:-2])
    assert decoded.take(np.array([0])).failed == decoded.failed


def test_strict_raises_the_first_failure(large_bytes: int) -> None:
    with pytest.raises(UnreadableItem, match=r"box/3\.x cannot be read as an image"):
        decode_all(table(spoiled()), ImageTransform(4), strict=True, large_bytes=large_bytes)


def test_a_failing_reader_is_a_failure_of_its_item() -> None:
    def reader(row: int) -> Raw:
        if row == 5:
            raise PermissionError(errno.EACCES, "Permission denied")
        if row == 6:
            raise UnreadableItem("box/6.x: its part of the archive is damaged.")
        return IMAGES[row]

    decoded = decode_all(table(IMAGES, reader=reader), ImageTransform(4))
    assert decoded.failed == (
        ("box/5.x", "cannot be read: [Errno 13] Permission denied. Replace or remove it."),
        ("box/6.x", "its part of the archive is damaged."),
    )

    def broken(row: int) -> Raw:
        raise EmptySource(f"the archive is gone at row {row}")

    with pytest.raises(EmptySource, match="gone at row 0"):
        decode_all(table(IMAGES, reader=broken), ImageTransform(4))


def test_nothing_decoded_is_an_error_that_names_three(large_bytes: int) -> None:
    with pytest.raises(
        EmptySource,
        match=r"box: none of its 9 items .*box/0\.x cannot.*box/1\.x cannot.*box/2\.x cannot",
    ) as caught:
        decode_all(table([b"x"] * 9), ImageTransform(4), large_bytes=large_bytes)
    assert "box/3.x" not in str(caught.value)
    with pytest.raises(EmptySource, match="box holds no items"):
        decode_all(table([]), ImageTransform(4))


def test_another_kind_is_raised_at_once() -> None:
    with pytest.raises(WrongKind, match="box holds series, and the transform takes images"):
        decode_all(table(SERIES, "series"), ImageTransform(4))
    mixed = list(SERIES)
    mixed[2] = png(0)
    with pytest.raises(WrongKind, match=r"box/2\.x is an image, and a series is expected"):
        decode_all(table(mixed, "series"), SeriesTransform())


def test_progress_counts_every_item_in_the_calling_thread() -> None:
    seen: list[tuple[int, int, int]] = []
    decode_all(
        table(spoiled()),
        ImageTransform(4),
        progress=lambda done, total: seen.append((done, total, threading.get_ident())),
    )
    assert seen == [(done, 100, threading.get_ident()) for done in range(1, 101)]


class Slow(ImageTransform):  # type: ignore[misc]
    """Records what is decoded, by which thread."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__(2)
        self.before = before
        self.threads: set[int] = set()

    def decode(self, raw: Raw, place: str) -> Any:
        self.before()
        self.threads.add(threading.get_ident())
        return super().decode(raw, place)


def test_reading_runs_only_a_little_ahead_in_one_thread() -> None:
    gate = threading.Event()
    ahead: list[int] = []
    readers: set[int] = set()

    def reader(row: int) -> Raw:
        ahead.append(row)
        readers.add(threading.get_ident())
        if row == 95:  # 2 threads x 2 waiting chunks of 16, and one more: 80 are read at most
            pytest.fail("read too far ahead")
        return IMAGES[row % 100]

    def open_late() -> None:
        time.sleep(0.2)
        gate.set()

    opener = threading.Thread(target=open_late)
    opener.start()
    slow = Slow(lambda: None if gate.wait(5) else pytest.fail("never opened"))
    items = table(IMAGES * 20, reader=lambda row: reader(row) if not gate.is_set() else IMAGES[0])
    assert len(decode_all(items, slow, threads=2)) == 2000
    opener.join()
    assert 64 <= len(ahead) <= 95
    assert readers == {threading.get_ident()}
    assert len(slow.threads) == 2
    assert threading.get_ident() not in slow.threads


def test_an_interrupt_stops_the_threads() -> None:
    def progress(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        decode_all(table(IMAGES * 10), ImageTransform(4), progress=progress, large_bytes=0)
    assert threading.active_count() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts handles as Linux does")
def test_the_temporary_file_never_outlives_its_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    decode_all(table(IMAGES), ImageTransform(4))
    before = handles()
    decoded = decode_all(table(IMAGES), ImageTransform(4), large_bytes=0)
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    assert list(tmp_path.iterdir()) == []
    decoded.close()
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
    with pytest.raises(UnreadableItem, match=r"box/3\.x cannot"):
        decode_all(table(spoiled()), ImageTransform(4), strict=True, large_bytes=0)
    with pytest.raises(EmptySource, match="none of its"):
        decode_all(table([b"x"] * 5), ImageTransform(4), large_bytes=0)
    assert handles() == before
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    """A disk with room for a thousand bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(SaveFailed, match=r"1600 bytes, .*No space left on device.*TMPDIR"):
        decode_all(table(IMAGES), ImageTransform(4), large_bytes=0)


def test_a_missing_temporary_folder_is_an_error_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SaveFailed, match=r"gone\) could not be written.*TMPDIR"):
        decode_all(table(IMAGES), ImageTransform(4), large_bytes=0)


def test_only_large_images_go_to_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prefix: str) -> None:
        raise OSError("no file is needed")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert len(decode_all(table(IMAGES), ImageTransform(4), large_bytes=1600)) == 100
    decode_all(table(SERIES, "series"), SeriesTransform(), large_bytes=0)
    with pytest.raises(SaveFailed, match="no file is needed"):
        decode_all(table(IMAGES), ImageTransform(4), large_bytes=1599)


def test_it_can_be_fitted_on() -> None:
    with decode_all(table(SERIES, "series"), SeriesTransform()) as decoded:
        assert isinstance(decoded, Decoded)
        state = SeriesTransform().fit(decoded.take(np.array([10, 20])))
    assert state["mean"] == [16.0, 16.0]


def test_threads_are_positive() -> None:
    with pytest.raises(BadArgument, match="threads is 0, and at least 1"):
        decode_all(table(IMAGES), ImageTransform(4), threads=0)
