"""A simulated power cut: the disk as it is at a moment, without what was only in memory."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.sqlite.test_store import applied, held, made, writing

MEGABYTES = 96


def system(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    done = system("mount", "-o", "loop", image, folder)
    if done.returncode:
        pytest.skip(f"an image cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        assert system("umount", folder).returncode == 0


@pytest.fixture
def image(tmp_path) -> Path:
    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("only root may mount an image")
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("there is no mkfs.ext4 to make an image with")
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(MEGABYTES * 2**20)
    done = system("mkfs.ext4", "-q", "-F", path)
    assert done.returncode == 0, done.stderr
    return path


def cut(image: Path, room: Path, versions: dict[str, int], seed: int) -> tuple[dict[str, int], int]:
    """Let a writer work, stop it, and look at the disk as it is; how many changes were done."""
    with mounted(image, room / "disk") as disk:
        worker = writing(disk / "a.db", seed, versions)
        with worker.stdout as out:
            lines = [out.readline(), out.readline()]
            time.sleep(random.Random(seed).uniform(0, 0.5))
            worker.send_signal(signal.SIGSTOP)
            copied = room / "copied.img"
            shutil.copy(image, copied)
            worker.send_signal(signal.SIGKILL)
            lines += out.read().splitlines()
        worker.wait()
    pending, done = None, 0
    for line in lines:
        with contextlib.suppress(ValueError):
            sort, *rest = json.loads(line)
            if sort == "asked":
                pending = rest[0]
            else:
                versions, pending, done = applied(versions, pending), None, done + 1
    with mounted(copied, room / "after") as after, made(after / "a.db") as store:
        there = held(store)
    possible = [versions] if pending is None else [versions, applied(versions, pending)]
    assert there in possible
    shutil.copy(copied, image)
    return there, done


@pytest.mark.slow
def test_ten_power_cuts_lose_nothing_that_was_acknowledged(image, tmp_path, capsys):
    versions: dict[str, int] = {}
    acknowledged = 0
    for turn in range(10):
        versions, done = cut(image, tmp_path, versions, seed=turn)
        acknowledged += done
    with capsys.disabled():
        sys.stdout.write(f"\n10 power cuts: {acknowledged} changes kept, {len(versions)} rows\n")
    assert acknowledged >= 10


@pytest.mark.slow
def test_what_is_not_flushed_is_lost_in_such_a_cut(image, tmp_path):
    """So that the test above can fail."""
    with mounted(image, tmp_path / "disk") as disk:
        (disk / "flushed").write_bytes(b"kept")
        os.sync()
        (disk / "not").write_bytes(b"lost")
        shutil.copy(image, tmp_path / "copied.img")
    with mounted(tmp_path / "copied.img", tmp_path / "after") as after:
        assert (after / "flushed").read_bytes() == b"kept"
        assert not (after / "not").exists() or (after / "not").read_bytes() != b"lost"
