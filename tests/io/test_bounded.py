"""Plain files of bounded size, .npy bytes that are not believed, names that can be shown."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from likewise.io.bounded import check_plain, memory_bytes, read_named, read_plain
from likewise.io.display import printable, shortened
from likewise.io.npy import from_npy


def test_a_plain_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    for read in (read_plain, read_named):
        assert read(tmp_path / "a", 5) == b"12345"
        with pytest.raises(OSError, match="it has 5 bytes, at most 4 are expected"):
            read(tmp_path / "a", 4)


def test_a_pipe_is_waited_for_only_when_a_person_named_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for refuse in (read_plain, check_plain):
        with pytest.raises(OSError, match="it is no plain file"):
            refuse(tmp_path / "pipe", 100)
    for sent, limit in ((b"12345", 5), (b"123456", 5)):
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(sent,))
        writer.start()
        if len(sent) <= limit:
            assert read_named(tmp_path / "pipe", limit) == sent
        else:
            with pytest.raises(OSError, match="it has more than 5 bytes"):
                read_named(tmp_path / "pipe", limit)
        writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_file_without_end_is_read_up_to_the_limit() -> None:
    with pytest.raises(OSError, match="it has more than 1000 bytes"):
        read_named(Path("/dev/zero"), 1000)


def test_the_memory_of_this_machine_is_known() -> None:
    assert 2**28 < memory_bytes() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0),
        np.asfortranarray(np.eye(3)),
        np.zeros((0, 2)),
        np.array(["a", "é"]),
        np.float32(1),
    ],
)
def test_what_numpy_wrote_is_read(array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    for data in (buffer.getvalue(), np.frombuffer(buffer.getvalue(), np.uint8)):
        np.testing.assert_array_equal(from_npy(data, 10), array)
    if np.size(array) > 1:
        with pytest.raises(ValueError, match=f"it declares {np.size(array)} values, and 1 are"):
            from_npy(buffer.getvalue(), 1)


def test_what_a_terminal_obeys_is_written_out() -> None:
    assert printable("é 漢 \U0001f600 a\\b") == "é 漢 \U0001f600 a\\b"
    assert printable("a\nb\x1b[31m\u202e\udcff\x00") == "a\\nb\\x1b[31m\\u202e\\udcff\\x00"
    assert shortened("a \n b\t c") == "a b c"
    assert shortened("x" * 50, 10) == "xxxxxxx..."
