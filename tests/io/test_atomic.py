import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from likewise.errors import SaveFailed
from likewise.io import atomic

SEAMS = ("_write", "_sync", "_rename")


def fail_at(
    monkeypatch: pytest.MonkeyPatch, at: int, moment: str, error: BaseException
) -> list[str]:
    """Let the seam call number `at` fail before or after it has done its work."""
    calls: list[str] = []

    def wrap(name: str) -> None:
        real: Callable[..., None] = getattr(atomic, name)

        def seam(*args: object) -> None:
            calls.append(name)
            if len(calls) - 1 == at and moment == "before":
                raise error
            real(*args)
            if len(calls) - 1 == at:
                raise error

        monkeypatch.setattr(atomic, name, seam)

    for name in SEAMS:
        wrap(name)
    return calls


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_file_is_there_alone(tmp_path: Path) -> None:
    atomic.write_new(tmp_path / "a", b"one")
    assert contents(tmp_path) == {"a": b"one"}


def test_a_new_file_may_be_there_with_the_same_bytes_only(tmp_path: Path) -> None:
    atomic.write_new(tmp_path / "a", b"one")
    atomic.write_new(tmp_path / "a", b"one")
    with pytest.raises(SaveFailed, match="is there already with other content"):
        atomic.write_new(tmp_path / "a", b"two")
    assert contents(tmp_path) == {"a": b"one"}


def test_a_link_to_the_same_bytes_is_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"one")
    (tmp_path / "a").symlink_to("target")
    with pytest.raises(SaveFailed, match="is there already"):
        atomic.write_new(tmp_path / "a", b"one")


def test_replace_makes_and_replaces(tmp_path: Path) -> None:
    atomic.replace(tmp_path / "a", b"one")
    atomic.replace(tmp_path / "a", b"two")
    assert contents(tmp_path) == {"a": b"two"}


def test_large_data_are_written_in_several_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    sizes: list[int] = []

    def short(file: int, data: memoryview) -> int:
        sizes.append(real(file, data[:7]))
        return sizes[-1]

    monkeypatch.setattr(os, "write", short)
    atomic.write_new(tmp_path / "a", b"twenty bytes of text")
    assert sizes == [7, 7, 6]
    assert contents(tmp_path) == {"a": b"twenty bytes of text"}


@pytest.mark.parametrize("write", [atomic.write_new, atomic.replace])
def test_the_file_is_flushed_before_its_name_and_the_folder_after(
    write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, int]] = []
    write_, sync, rename = (getattr(atomic, name) for name in SEAMS)

    def spy_write(file: int, data: memoryview) -> None:
        write_(file, data)
        events.append(("write", os.fstat(file).st_ino))

    def spy_sync(file: int) -> None:
        sync(file)
        events.append(("sync", os.fstat(file).st_ino))

    def spy_rename(source: Path, target: Path) -> None:
        assert not target.exists()
        events.append(("rename", source.stat().st_ino))
        rename(source, target)

    for name, spy in zip(SEAMS, (spy_write, spy_sync, spy_rename), strict=True):
        monkeypatch.setattr(atomic, name, spy)
    write(tmp_path / "a", b"one")
    file, folder = (tmp_path / "a").stat().st_ino, tmp_path.stat().st_ino
    assert events == [("write", file), ("sync", file), ("rename", file), ("sync", folder)]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_fault_leaves_the_old_file_or_the_new(
    at: int,
    moment: str,
    error: BaseException,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    calls = fail_at(monkeypatch, at, moment, error)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else SaveFailed
    match = None if expected is KeyboardInterrupt else "a could not be written: Input/output error"
    with pytest.raises(expected, match=match):
        atomic.replace(tmp_path / "a", b"new")
    assert len(calls) == at + 1
    landed = at > 2 or (at == 2 and moment == "after")
    assert contents(tmp_path) == {"a": b"new" if landed else b"old"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "your quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "you may not write there"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_the_cause_and_the_path_are_named(
    number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, 0, "before", OSError(number, os.strerror(number)))
    with pytest.raises(SaveFailed, match=f"model.toml could not be written: {words}"):
        atomic.replace(tmp_path / "model.toml", b"x")
    assert contents(tmp_path) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = atomic._write

    def full(file: int, data: memoryview) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            real(device.fileno(), data)

    monkeypatch.setattr(atomic, "_write", full)
    with pytest.raises(SaveFailed, match="the disk is full"):
        atomic.write_new(tmp_path / "a", b"one")
    with pytest.raises(SaveFailed, match="the disk is full"):
        atomic.probe_folder(tmp_path)
    assert contents(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    for refused in (atomic.write_new, atomic.replace):
        with pytest.raises(SaveFailed, match="you may not write there"):
            refused(tmp_path / "a", b"one")


def test_a_probe_leaves_nothing_and_sees_a_missing_folder(tmp_path: Path) -> None:
    atomic.probe_folder(tmp_path)
    assert contents(tmp_path) == {}
    with pytest.raises(SaveFailed, match="nowhere could not be written: No such file"):
        atomic.probe_folder(tmp_path / "nowhere")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_a_place_that_refuses_even_root() -> None:
    with pytest.raises(SaveFailed, match="/proc could not be written"):
        atomic.probe_folder(Path("/proc"))
    with pytest.raises(SaveFailed, match="/proc/model could not be written"):
        atomic.make_folder(Path("/proc/model"))


def test_a_folder_is_made_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atomic.make_folder(tmp_path / "good")
    assert (tmp_path / "good").is_dir()
    with pytest.raises(SaveFailed, match=r"there is no folder .*no\. Make that first"):
        atomic.make_folder(tmp_path / "no" / "model")
    with pytest.raises(SaveFailed, match="good could not be written: File exists"):
        atomic.make_folder(tmp_path / "good")
    fail_at(monkeypatch, 0, "after", OSError(errno.EIO, "Input/output error"))
    with pytest.raises(SaveFailed, match="bad could not be written"):
        atomic.make_folder(tmp_path / "bad")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good"]


def test_a_file_system_that_cannot_flush_folders_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, 3, "before", OSError(errno.EINVAL, "Invalid argument"))
    atomic.write_new(tmp_path / "a", b"one")
    assert contents(tmp_path) == {"a": b"one"}


def test_temporary_files_are_named_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(atomic, "_rename", lambda source, _: seen.append(source.name))
    atomic.write_new(tmp_path / "a", b"one")
    assert [bool(atomic.PART.fullmatch(name)) for name in seen] == [True]
