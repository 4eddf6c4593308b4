"""What goes to a temporary file leaves nothing behind, also where nobody closes it."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest

from likewise.data.cache import decode_all
from likewise.io.spill import SpillBuffer
from likewise.transforms.vector import VectorTransform
from likewise.types import Items


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def held(folder: Path) -> tuple[int, int]:
    """How many files this process has open, and how many maps of files of the folder."""
    gc.collect()
    if not Path("/proc/self/fd").exists():
        return 0, 0
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return len([*Path("/proc/self/fd").iterdir()]), maps.count(str(folder))


def test_a_file_of_decoded_items_goes_with_them(room):
    vectors = [np.full(8, n, dtype=np.float32) for n in range(6)]
    names = [f"v{n}" for n in range(6)]
    items = Items.build("box", names, "vector", names, vectors.__getitem__)
    before = held(room)
    decoded = decode_all(items, VectorTransform(), large_bytes=0)
    part = decoded.take(np.array([4]))
    assert held(room)[1] == before[1] + 1 or not Path("/proc").exists()
    del decoded
    # A part keeps what it is a part of.
    assert part[0].tolist() == [4] * 8
    del part
    assert held(room) == before
    assert list(room.iterdir()) == []


def test_a_buffer_that_nobody_closes_leaves_no_file(room):
    before = held(room)
    buffer = SpillBuffer(64, 0, "numbers")
    buffer.add(np.arange(8))
    content = buffer.content(np.int64)
    with pytest.warns(ResourceWarning, match="unclosed file"):
        del buffer
    assert content.ravel().tolist() == [*range(8)]
    del content
    assert held(room) == before
    assert list(room.iterdir()) == []
