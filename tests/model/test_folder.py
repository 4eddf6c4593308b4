import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from likewise import __version__
from likewise.errors import (
    BadArgument,
    BadSpec,
    DamagedModel,
    ModelError,
    ModelExists,
    ModelNotFound,
    NewerFormat,
    SaveFailed,
    UnknownName,
)
from likewise.io import atomic
from likewise.model import folder as manifest
from likewise.model import manifest as manifest_text
from likewise.model.folder import Manifest
from likewise.types import Claim

Snapshot = dict[str, bytes | None]


def files(version: str) -> dict[str, bytes]:
    return {role: f"{role} {version}\n".encode() for role in manifest.ROLES}


def save(folder: Path, version: str = "one", **changes: Any) -> Manifest:
    given: dict[str, Any] = {
        "inputs": {"main": "image"},
        "claim": Claim.NEW_IDENTITIES,
        "distance": "euclidean",
        "files": files(version),
    }
    return manifest.save_model(folder, **{**given, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    found = manifest.load_manifest(folder)
    return {role: manifest.read_file(folder, found, role) for role in found.files}


def snapshot(folder: Path) -> Snapshot | None:
    if not folder.exists():
        return None
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table = tomllib.loads((folder / "model.toml").read_text())
    change(table)
    (folder / "model.toml").write_text(tomli_w.dumps(table))


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here loses power, and a flush takes longer than all else together."""
    monkeypatch.setattr(atomic, "_sync", lambda _: None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save(tmp_path / "model")
    return tmp_path / "model"


# ---- what is saved is what is loaded


def test_a_fresh_folder_has_plain_names_and_loads_as_saved(tmp_path: Path) -> None:
    saved = save(tmp_path / "model", distance="cosine")
    assert set(snapshot(tmp_path / "model") or {}) == {
        "model.toml",
        "encoders",
        *manifest.ROLES.values(),
    }
    assert manifest.load_manifest(tmp_path / "model") == saved
    assert contents(tmp_path / "model") == files("one")
    assert (saved.format, saved.likewise, saved.kind, saved.claim, saved.distance) == (
        2,
        __version__,
        "image",
        Claim.NEW_IDENTITIES,
        "cosine",
    )


def test_the_first_format_is_read_as_one_input_that_is_compared() -> None:
    old = Path(__file__).parents[1] / "golden" / "series"
    assert tomllib.loads((old / "model.toml").read_text())["kind"] == "sequence"
    found = manifest.load_manifest(old)
    assert (found.format, found.task, found.inputs) == (1, "compare", {"main": "series"})


def test_a_model_may_have_several_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(manifest_text.TASKS, "change", ("first", "second"))
    roles = {
        "transform.first": "transform-first.toml",
        "transform.second": "transform-second.toml",
        "encoder.first": "encoders/first.onnx",
        "encoder.second": "encoders/second.onnx",
    }
    for role, name in roles.items():
        monkeypatch.setitem(manifest_text.ROLES, role, name)
    given: dict[str, Any] = {"task": "change", "inputs": {"first": "image", "second": "series"}}
    given["files"] = {role: role.encode() for role in roles}
    saved = save(tmp_path / "model", **given)
    assert manifest.load_manifest(tmp_path / "model") == saved
    assert contents(tmp_path / "model") == given["files"]
    assert saved.inputs == given["inputs"]
    with pytest.raises(BadArgument, match=r"no model is without .*encoder\.second"):
        save(tmp_path / "other", **{**given, "files": {"encoder.first": b"e"}})
    with pytest.raises(BadArgument, match="'change' with the inputs main was to be saved"):
        save(tmp_path / "other", **{**given, "inputs": {"main": "image"}})
    with pytest.raises(UnknownName, match="no kind of item is named 'smell'"):
        save(tmp_path / "other", **{**given, "inputs": {"first": "image", "second": "smell"}})


def test_the_fingerprint_covers_transform_encoder_and_comparator_only(tmp_path: Path) -> None:
    def print_of(distance: str = "euclidean", **changes: bytes) -> str:
        changed = {
            **files("one"),
            **{key.replace("_main", ".main"): v for key, v in changes.items()},
        }
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        return save(folder, distance=distance, files=changed).fingerprint

    first = print_of()
    same = [print_of(recipe=b"x"), print_of(weights=b"x"), print_of(calibration=b"x")]
    others = [
        print_of(transform=b"x"),
        print_of(encoder_main=b"x"),
        print_of(matcher=b"x"),
        print_of("cosine"),
    ]
    assert same == [first] * 3
    assert len({first, *others}) == 5


def test_an_overwrite_takes_new_names_and_removes_the_old_files(model: Path) -> None:
    old = set(manifest.ROLES.values())
    (model / "card.md").write_text("a card")
    saved = save(model, "two", overwrite=True)
    assert contents(model) == files("two")
    names = {entry.path for entry in saved.files.values()}
    assert not names & old
    assert set(snapshot(model) or {}) == {"model.toml", "card.md", "encoders", *names}
    entry = saved.files["encoder.main"]
    assert entry.path == f"encoders/main-{entry.sha256[:6]}.onnx"


def test_an_overwrite_with_the_same_bytes_twice(model: Path) -> None:
    for _ in range(3):
        save(model, "one", overwrite=True)
    assert contents(model) == files("one")
    assert len(snapshot(model) or {}) == len(manifest.ROLES) + 2


def test_an_update_keeps_the_other_files(model: Path) -> None:
    before = manifest.load_manifest(model)
    after = manifest.update_model(model, {"calibration": b"{}"})
    assert contents(model) == {**files("one"), "calibration": b"{}"}
    assert after.fingerprint == before.fingerprint
    assert after.files["weights"] == before.files["weights"]
    assert not (model / "calibration.json").exists()
    assert manifest.update_model(model, {"encoder.main": b"x"}).fingerprint != before.fingerprint


def test_an_update_adds_a_role(tmp_path: Path) -> None:
    given = {role: data for role, data in files("one").items() if role != "calibration"}
    save(tmp_path / "model", files=given)
    manifest.update_model(tmp_path / "model", {"calibration": b"calibration one\n"})
    assert contents(tmp_path / "model") == files("one")


def test_a_name_that_another_content_has_is_never_taken(model: Path) -> None:
    digest = manifest.update_model(model, {"calibration": b"{}"}).files["calibration"].sha256
    assert manifest.update_model(model, {"calibration": b"[]"}).files["calibration"].path not in (
        "calibration.json",
        f"calibration-{digest[:6]}.json",
    )
    (model / f"calibration-{digest[:6]}.json").write_bytes(b"something else")
    entry = manifest.update_model(model, {"calibration": b"{}"}).files["calibration"]
    assert entry.path == f"calibration-{digest[:16]}.json"
    assert contents(model)["calibration"] == b"{}"


def test_files_that_are_not_ours_are_not_removed(model: Path) -> None:
    (model / "card.md").write_bytes(b"a card")
    listed = manifest.load_manifest(model)
    entry = manifest.FileEntry("card.md", "0" * 64)
    stranger = manifest_text.dump_manifest(
        Manifest(**{**vars(listed), "files": {**listed.files, "recipe": entry}})
    )
    (model / "model.toml").write_bytes(stranger)
    save(model, "two", overwrite=True)
    assert (model / "card.md").read_bytes() == b"a card"
    assert not (model / "weights.safetensors").exists()


# ---- what is refused


def test_wrong_arguments_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(
        UnknownName, match=r"has the role 'calibratoin'. Did you mean 'calibration'"
    ):
        save(folder, files={**files("one"), "calibratoin": b""})
    with pytest.raises(BadArgument, match=r"no model is without \['encoder.main'\]. Add them"):
        save(folder, files={"transform": b""})
    with pytest.raises(BadSpec, match=r"'1 \+' is no spec"):
        save(folder, distance="1 +")
    with pytest.raises(BadSpec, match="has 1001 characters, and at most 1000 are expected"):
        save(folder, distance="e" * 1001)
    assert not folder.exists()


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likewise.model.files.FILE_BYTES", 20)
    with pytest.raises(SaveFailed, match="weights has 21 bytes, and at most 20 can be saved"):
        save(tmp_path / "model", files={**files("one"), "weights": bytes(21)})
    assert not (tmp_path / "model").exists()


def test_a_model_is_replaced_only_when_asked(model: Path) -> None:
    before = snapshot(model)
    with pytest.raises(ModelExists, match=r"holds a model already.*--overwrite"):
        save(model, "two")
    with pytest.raises(ModelExists, match=r"holds a model already.*--overwrite"):
        manifest.check_model_folder(model, overwrite=False)
    assert snapshot(model) == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["thesis.docx", "encoders/thesis.docx", "recipe-xyz.toml"])
def test_a_folder_with_other_things_is_never_a_target(
    name: str, overwrite: bool, tmp_path: Path
) -> None:
    (tmp_path / "encoders").mkdir()
    (tmp_path / name).write_bytes(b"years of work")
    before = snapshot(tmp_path)
    with pytest.raises(ModelExists, match=f"is no model and not empty: it holds '{name}'. Choose"):
        manifest.check_model_folder(tmp_path, overwrite=overwrite)
    with pytest.raises(ModelExists, match="is no model and not empty"):
        save(tmp_path, overwrite=overwrite)
    assert snapshot(tmp_path) == before


def test_a_file_or_a_lost_link_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(ModelExists, match=f"{name} is no folder, and one is expected"):
            manifest.check_model_folder(tmp_path / name, overwrite=True)
        with pytest.raises(ModelExists, match=f"{name} is no folder, and one is expected"):
            save(tmp_path / name)


def test_a_good_target_is_left_as_it_was(tmp_path: Path, model: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = snapshot(tmp_path)
    manifest.check_model_folder(tmp_path / "new", overwrite=False)
    manifest.check_model_folder(tmp_path / "empty", overwrite=False)
    manifest.check_model_folder(model, overwrite=True)
    assert snapshot(tmp_path) == before


def test_a_target_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaveFailed, match=r"there is no folder .*lost\. Make that first"):
        manifest.check_model_folder(tmp_path / "lost" / "model", overwrite=False)
    with pytest.raises(SaveFailed, match="there is no folder"):
        save(tmp_path / "lost" / "model")
    (tmp_path / "model").mkdir()
    Disk(monkeypatch, at=0, moment="before", number=errno.EROFS)
    for name in ("model", "new"):
        with pytest.raises(SaveFailed, match="the file system is read-only"):
            manifest.check_model_folder(tmp_path / name, overwrite=False)
    assert snapshot(tmp_path) == {"model": None}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(model: Path) -> None:
    before = snapshot(model)
    model.chmod(0o555)
    for act in (
        lambda: manifest.check_model_folder(model, overwrite=True),
        lambda: save(model, "two", overwrite=True),
        lambda: manifest.update_model(model, {"calibration": b"{}"}),
    ):
        with pytest.raises(SaveFailed, match="you may not write there"):
            act()
    assert snapshot(model) == before


# ---- faults: the old model or the new one


class Disk:
    """The seams, with every call written down; one call fails, and all after it."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        at: int | None = None,
        moment: str = "before",
        number: int = errno.ENOSPC,
    ) -> None:
        self.events: list[str] = []
        self.at, self.moment = at, moment
        self.error = OSError(number, os.strerror(number))
        for name in ("_write", "_sync", "_rename"):
            self._wrap(monkeypatch, name, getattr(atomic, name))

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, name: str, real: Callable[..., None]) -> None:
        def seam(*args: Any) -> None:
            index = len(self.events)
            self.events.append(f"_rename {args[1].name}" if name == "_rename" else name)
            failing = self.at is not None and index >= self.at
            if failing and (self.moment == "before" or index > self.at):
                raise self.error
            if failing and self.moment == "half" and name == "_write":
                real(args[0], args[1][: len(args[1]) // 2])
            else:
                real(*args)
            if failing:
                raise self.error

        monkeypatch.setattr(atomic, name, seam)


def damage(folder: Path) -> None:
    save(folder)
    (folder / "model.toml").write_bytes(b"not a manifest")


def act_save(folder: Path) -> None:
    save(folder, "two", overwrite=True)


def act_update(folder: Path) -> None:
    manifest.update_model(folder, {"calibration": b"new", "training": b"new too"})


def updated(folder: Path) -> None:
    save(folder)
    act_update(folder)


def act_again(folder: Path) -> None:
    manifest.update_model(folder, {"calibration": b"new", "training": b"newer"})


SMALL = {"transform": b"three", "encoder.main": b"three"}
UPDATED = {**files("one"), "calibration": b"new", "training": b"new too"}
SCENES: dict[str, tuple[Callable[[Path], object], Callable[[Path], None], Mapping[str, bytes]]] = {
    "fresh": (lambda _: None, act_save, files("two")),
    "empty": (lambda folder: folder.mkdir(), act_save, files("two")),
    "overwrite": (save, act_save, files("two")),
    "damaged": (damage, act_save, files("two")),
    "update": (save, act_update, UPDATED),
    "same bytes": (updated, act_again, {**UPDATED, "training": b"newer"}),
}


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("scene", SCENES)
def test_a_fault_at_any_point_leaves_the_old_model_or_the_new(
    scene: str, killed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, act, new = SCENES[scene]
    prepare(tmp_path / "clean")
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        act(tmp_path / "clean")
    turn = disk.events.index("_rename model.toml")
    assert turn == len(disk.events) - 2
    written = {"update": 2, "same bytes": 1}.get(scene, len(manifest.ROLES))
    assert disk.events.count("_write") == 1 + written
    for at in range(len(disk.events)):
        for moment in ("before", "half", "after")[:: 1 if disk.events[at] == "_write" else 2]:
            folder = tmp_path / f"{at}-{moment}"
            prepare(folder)
            old = snapshot(folder)
            whole = scene in ("overwrite", "update", "same bytes")
            old_contents = contents(folder) if whole else None
            with monkeypatch.context() as patch:
                Disk(patch, at, moment)
                if killed:  # whoever is killed tidies nothing up
                    patch.setattr(atomic, "discard_path", lambda _: None)
                with pytest.raises(SaveFailed, match="the disk is full"):
                    act(folder)
            if at > turn or (at == turn and moment != "before"):
                assert contents(folder) == new, (at, moment)
            elif not killed:
                assert snapshot(folder) == old, (at, moment)
            elif old_contents is not None:
                assert contents(folder) == old_contents, (at, moment)
            elif scene != "damaged":
                with pytest.raises(ModelNotFound, match="holds no model"):
                    manifest.load_manifest(folder)
            if killed:
                manifest.check_model_folder(folder, overwrite=True)
                save(folder, files=SMALL, overwrite=True)
                assert contents(folder) == SMALL, (at, moment)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("scene", SCENES)
def test_a_disk_that_is_really_full(
    scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, act, _ = SCENES[scene]
    prepare(tmp_path / "model")
    before = snapshot(tmp_path / "model")
    real = atomic._write

    def full(file: int, data: memoryview) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            real(device.fileno(), data)

    monkeypatch.setattr(atomic, "_write", full)
    with pytest.raises(SaveFailed, match="the disk is full"):
        act(tmp_path / "model")
    assert snapshot(tmp_path / "model") == before


def test_a_key_press_while_saving_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(source: Path, target: Path) -> None:
        if target.name == "calibration.json":
            raise KeyboardInterrupt
        source.replace(target)

    monkeypatch.setattr(atomic, "_rename", press)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "model")
    assert snapshot(tmp_path) == {}


def test_a_model_that_another_process_saved_meanwhile_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    real = atomic._rename
    other: list[bool] = []

    def rename(source: Path, target: Path) -> None:
        real(source, target)
        if target.name == "training.json" and not other:
            other.append(True)
            save(folder, "theirs")

    monkeypatch.setattr(atomic, "_rename", rename)
    with pytest.raises(SaveFailed, match="was saved by another process meanwhile"):
        save(folder, "mine")
    assert contents(folder) == files("theirs")


def test_an_old_file_that_cannot_be_removed_is_no_failure(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    manifest.update_model(model, {"calibration": b"{}"})
    assert contents(model)["calibration"] == b"{}"
    assert (model / "calibration.json").exists()


SAVER = """
import os, sys, time
from pathlib import Path
from likewise.model import folder as manifest
from likewise.types import Claim

root = Path(sys.argv[1])

def save(folder, number):
    files = {role: f"{role} {number} ".encode() * 3000 for role in manifest.ROLES}
    manifest.save_model(folder, inputs={"main": "image"}, claim=Claim.NEW_IDENTITIES,
                        distance="cosine", files=files, overwrite=True)

def forever(number):
    began = time.perf_counter()
    save(root / "model", number)
    print(os.getpid(), time.perf_counter() - began, flush=True)
    while True:
        fresh = f"calibration {number}+ ".encode() * 3000
        manifest.update_model(root / "model", {"calibration": fresh})
        save(root / f"fresh-{number}", number)
        number += 1
        save(root / "model", number)

for line in sys.stdin:
    saver = os.fork()
    if saver == 0:
        try:
            forever(int(line))
        finally:
            os._exit(1)
    print(os.waitpid(saver, 0)[1], flush=True)
"""


def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    draw = random.Random(3)
    seen = set()
    environment = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        bufsize=1,
    ) as forker:
        assert forker.stdin is not None
        assert forker.stdout is not None
        try:
            for start in range(0, 20_000, 1000):
                forker.stdin.write(f"{start}\n")
                saver, seconds = forker.stdout.readline().split()
                time.sleep(draw.uniform(0, 4) * min(float(seconds), 0.1))
                os.kill(int(saver), signal.SIGKILL)
                assert int(forker.stdout.readline()) == signal.SIGKILL
                seen.add(check_survivors(tmp_path, start))
        finally:
            forker.kill()
    assert len(seen) > 1, "the kills all came at the same moment"


def check_survivors(root: Path, start: int) -> tuple[int, bool]:
    """How far the killed saver came, once it is sure that what it left is whole."""
    whole = contents(root / "model")
    assert whole.keys() == manifest.ROLES.keys()
    assert all(len(set(data.split())) == 2 for data in whole.values())
    numbers = {role: data.split()[1].decode() for role, data in whole.items()}
    calibration = numbers.pop("calibration")
    (number,) = set(numbers.values())
    assert calibration in (number, f"{number}+")
    assert int(number) >= start
    for fresh in root.glob("fresh-*"):
        try:
            assert contents(fresh).keys() == manifest.ROLES.keys()
        except ModelNotFound:
            save(fresh, "again")
            assert contents(fresh) == files("again")
        shutil.rmtree(fresh)
    return int(number) - start, calibration.endswith("+")


# ---- what a folder may hold


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for name in ("", "nowhere", "file"):
        with pytest.raises(ModelNotFound, match=r"holds no model: .*model.toml is not there. Give"):
            manifest.load_manifest(tmp_path / name)
    with pytest.raises(ModelNotFound, match="holds no model"):
        manifest.update_model(tmp_path, {"calibration": b"{}"})


def test_leftovers_of_a_killed_save_are_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "encoders").mkdir(parents=True)
    for name in (
        "transform.toml",
        "encoders/main-0123ab.onnx",
        ".likewise-0123456789abcdef.part",
        "encoders/.likewise-0123456789abcdef.part",
    ):
        (folder / name).write_bytes(b"half of someth")
    manifest.check_model_folder(folder, overwrite=False)
    saved = save(folder)
    assert contents(folder) == files("one")
    assert saved.files["transform"].path.startswith("transform-")
    assert saved.files["recipe"].path == "recipe.toml"


def test_a_damaged_model_is_replaced_when_asked(model: Path) -> None:
    (model / "model.toml").write_bytes(b"\xff\x00 = [")
    manifest.check_model_folder(model, overwrite=True)
    save(model, "two", overwrite=True)
    assert contents(model) == files("two")


@pytest.mark.parametrize("role", manifest.ROLES)
def test_an_altered_file_is_noticed(role: str, model: Path) -> None:
    found = manifest.load_manifest(model)
    path = model / found.files[role].path
    for data in (b"", path.read_bytes()[:-1], path.read_bytes() + b"x"):
        path.write_bytes(data)
        with pytest.raises(DamagedModel, match=f"{path.name} is altered: its SHA-256 .* Copy the"):
            manifest.read_file(model, found, role)
    path.unlink()
    with pytest.raises(DamagedModel, match=f"{path.name} is missing. Copy the model again"):
        manifest.read_file(model, found, role)
    with pytest.raises(DamagedModel, match=f"{path.name} is missing. Copy the model again"):
        manifest.load_manifest(model)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    found = save(tmp_path / "m", files={"transform": b"t", "encoder.main": b"e"})
    with pytest.raises(
        DamagedModel, match=r"no file for 'weights'.*it has transform, encoder.main"
    ):
        manifest.read_file(tmp_path / "m", found, "weights")
    with pytest.raises(UnknownName, match=r"has the role 'weigths'. Did you mean 'weights'"):
        manifest.read_file(tmp_path / "m", found, "weigths")


def test_a_newer_format_is_named_with_who_wrote_it(model: Path) -> None:
    edit(model, lambda table: table.update(format=3, likewise="7.1.0", surprise=[1]))
    with pytest.raises(NewerFormat, match=r"has format 3, .*reads up to 2. Likewise 7\.1\.0 wrote"):
        manifest.load_manifest(model)
    with pytest.raises(NewerFormat, match="pip install --upgrade likewise"):
        manifest.update_model(model, {"calibration": b"{}"})
    edit(model, lambda table: table.pop("likewise"))
    with pytest.raises(NewerFormat, match="A later Likewise wrote it"):
        manifest.load_manifest(model)


TOP = (
    "format", "likewise", "task", "claim", "distance", "fingerprint", "checksum", "inputs", "files"
)  # fmt: skip


@pytest.mark.parametrize("value", [True, 1.5, "no value", [], {}, -1, 0, 10**30, "", "\x1b[2J\n"])
@pytest.mark.parametrize("key", [*TOP, "transform", "transform.path", "transform.sha256"])
def test_a_wrong_value_names_its_key(key: str, value: object, model: Path) -> None:
    def change(table: dict[str, Any]) -> None:
        *way, last = [key] if key in TOP else ["files", *key.split(".")]
        for part in way:
            table = table[part]
        table[last] = value

    edit(model, change)
    with pytest.raises(DamagedModel, match=f"(: |')(files.)?{key}") as caught:
        manifest.load_manifest(model)
    assert "\x1b" not in str(caught.value)
    assert "Copy the model again" in str(caught.value)


@pytest.mark.parametrize("key", TOP)
def test_a_missing_key_is_named(key: str, model: Path) -> None:
    edit(model, lambda table: table.pop(key))
    with pytest.raises(DamagedModel, match=f"lacks '{key}'"):
        manifest.load_manifest(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(extra=1), "has 'extra', and only format, likewise"),
        (lambda t: t["files"].update({"tail": t["files"]["recipe"]}), "has 'files.tail'"),
        (lambda t: t["files"].pop("transform"), "lacks 'files.transform'"),
        (lambda t: t["files"]["recipe"].pop("sha256"), "lacks 'files.recipe.sha256'"),
        (lambda t: t["files"]["recipe"].update(size=3), "has 'files.recipe.size'"),
        (lambda t: t["files"].pop("recipe"), "checksum is"),
        (lambda t: t.update(claim="known_classes"), "checksum is"),
        (lambda t: t.update(task="guess"), "task is 'guess', and one of compare is"),
        (lambda t: t.update(inputs={"first": {"kind": "image"}}), "lacks 'inputs.main'"),
        (lambda t: t["inputs"].update(second={"kind": "image"}), "has 'inputs.second', and only"),
        (lambda t: t["inputs"].update(main=3), "inputs.main is a int, and a table"),
        (lambda t: t["inputs"]["main"].update(size=3), "has 'inputs.main.size'"),
        (
            lambda t: t["inputs"]["main"].update(kind="video"),
            "inputs.main.kind is 'video', and one of image, series, vector is",
        ),
        (lambda t: t["inputs"]["main"].update(kind="series"), "checksum is"),
        (lambda t: t.update(distance="cosine"), "fingerprint is"),
        (lambda t: t.update(distance="import os; x"), "distance is 'import os; x', and a spec"),
        (lambda t: t.update(distance="e" * 1001), "distance is 'eeee"),
        (lambda t: t["files"]["transform"].update(sha256="0" * 64), "fingerprint is"),
    ],
)
def test_other_contents_are_refused(
    change: Callable[[dict[str, Any]], object], message: str, model: Path
) -> None:
    edit(model, change)
    with pytest.raises(DamagedModel, match=message):
        manifest.load_manifest(model)


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "encoders/../../secret",
        "/etc/passwd",
        "C:/secret",
        "encoders\\main.onnx",
        ".hidden",
        "./recipe.toml",
        "encoders//main.onnx",
        "encoders/",
        "a" * 300,
        "re\x00cipe.toml",
        "récipe.toml",
        "recipe.toml\n",
    ],
)
def test_a_path_that_is_not_plain_is_refused(path: str, model: Path) -> None:
    (model.parent / "secret").write_bytes(b"recipe one\n")
    edit(model, lambda table: table["files"]["recipe"].update(path=path))
    with pytest.raises(DamagedModel, match=r"files\.recipe\.path is .* a plain relative path is"):
        manifest.load_manifest(model)


@pytest.mark.parametrize("name", ["recipe.toml", "encoders", "model.toml"])
def test_a_link_that_leads_out_is_refused(name: str, model: Path) -> None:
    found = manifest.load_manifest(model)
    (model / name).rename(model.parent / "outside")
    (model / name).symlink_to("../outside")
    with pytest.raises(DamagedModel, match=r"is a link that leads out of the folder, to .*outside"):
        manifest.load_manifest(model)
    role = {"recipe.toml": "recipe", "encoders": "encoder.main"}.get(name)
    if role:
        with pytest.raises(DamagedModel, match="is a link that leads out of the folder"):
            manifest.read_file(model, found, role)


def test_nothing_is_written_through_a_link_that_leads_out(model: Path) -> None:
    (model / "encoders").rename(model.parent / "outside")
    (model / "encoders").symlink_to("../outside")
    before = snapshot(model.parent)
    with pytest.raises(DamagedModel, match="is a link that leads out"):
        manifest.check_model_folder(model, overwrite=True)
    with pytest.raises(DamagedModel, match="is a link that leads out"):
        save(model, "two", overwrite=True)
    assert snapshot(model.parent) == before


def test_links_inside_and_to_the_folder_are_followed(model: Path) -> None:
    (model / "recipe.toml").rename(model / "kept.toml")
    (model / "recipe.toml").symlink_to("kept.toml")
    (model.parent / "link").symlink_to("model")
    assert contents(model.parent / "link") == files("one")


@pytest.mark.parametrize("name", ["model.toml", "recipe.toml"])
def test_a_pipe_a_folder_and_a_loop_are_no_files(name: str, model: Path) -> None:
    target = model / name
    target.unlink()
    os.mkfifo(target)
    with pytest.raises(DamagedModel, match=f"{name} cannot be read: it is no plain file"):
        manifest.load_manifest(model)
    if name == "model.toml":
        with pytest.raises(SaveFailed, match="it is no plain file"):
            manifest.check_model_folder(model, overwrite=True)
    target.unlink()
    target.mkdir()
    with pytest.raises(DamagedModel, match=f"{name} cannot be read: it is no plain file"):
        manifest.load_manifest(model)
    target.rmdir()
    target.symlink_to(name)
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        manifest.load_manifest(model)


def test_what_is_too_large_is_not_read(model: Path) -> None:
    os.truncate(model / "weights.safetensors", (4 << 30) + 1)
    with pytest.raises(DamagedModel, match="has 4294967297 bytes, at most 4294967296"):
        manifest.load_manifest(model)
    os.truncate(model / "model.toml", (1 << 20) + 1)
    with pytest.raises(DamagedModel, match="has 1048577 bytes, at most 1048576"):
        manifest.load_manifest(model)


def test_rights_and_memory_are_the_houses_errors(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = manifest.load_manifest(model)
    for error, words in (
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (MemoryError(), "it does not fit into memory"),
    ):

        def refuse(_: Path, _limit: int, error: BaseException = error) -> bytes:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(manifest, "read_plain", refuse)
            with pytest.raises(DamagedModel, match=f"weights.safetensors cannot be read: {words}"):
                manifest.read_file(model, found, "weights")
            if isinstance(error, OSError):
                with pytest.raises(DamagedModel, match=f"model.toml cannot be read: {words}"):
                    manifest.load_manifest(model)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_folder_that_may_not_be_read(model: Path) -> None:
    (model / "model.toml").chmod(0)
    with pytest.raises(DamagedModel, match=r"model.toml cannot be read: Permission denied"):
        manifest.load_manifest(model)
    model.chmod(0)
    with pytest.raises(DamagedModel, match=r"model.toml cannot be read: Permission denied"):
        manifest.load_manifest(model)
    model.chmod(0o700)


def test_a_manifest_cut_off_anywhere_is_refused(model: Path) -> None:
    target = model / "model.toml"
    whole = target.read_bytes()
    expected = manifest.load_manifest(model)
    ends = {at + 1 for at, byte in enumerate(whole) if byte == ord("\n")}
    for length in sorted({*range(0, len(whole), 3), *ends} - {len(whole)}):
        target.write_bytes(whole[:length])
        if whole[length:].strip():
            with pytest.raises(DamagedModel, match=r"model.toml"):
                manifest.load_manifest(model)
        else:
            assert manifest.load_manifest(model) == expected


def test_a_flipped_bit_is_refused_or_changes_nothing(model: Path) -> None:
    target = model / "model.toml"
    whole = target.read_bytes()
    expected = manifest.load_manifest(model)
    draw = random.Random(5)
    refused = 0
    for _ in range(500):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        target.write_bytes(flipped)
        try:
            assert manifest.load_manifest(model) == expected
        except (DamagedModel, NewerFormat):
            refused += 1
    assert refused > 400


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" + "format = 1".encode("utf-16-le"),
        b"format = " + b"[" * 100_000,
        b"x = " + b"{a=" * 100_000,
        b".".join([b"a"] * 300_000) + b" = 1",
        b"[" + b".".join([b"a"] * 300_000) + b"]",
        b"format = " + b"9" * 5000,
        b"format = 0x" + b"f" * 5000,
        b"format = nan",
        b"format = 1979-05-27",
        b"format = 1\nlikewise = 0x" + b"f" * 5000,
        b"format = 2\nlikewise = 0x" + b"f" * 5000,
        b'format = 1\n"' + b"k" * 100_000 + b'" = 1',
        b"format = 1\nformat = 1",
    ],
    ids=range(15),
)
def test_hostile_manifests_are_refused_at_once(data: bytes, model: Path) -> None:
    (model / "model.toml").write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"model.toml") as caught:
        manifest.load_manifest(model)
    assert time.perf_counter() - start < 2
    assert len(str(caught.value)) < 1000


def test_random_bytes_are_refused(model: Path) -> None:
    draw = random.Random(7)
    for _ in range(300):
        (model / "model.toml").write_bytes(draw.randbytes(draw.randrange(200)))
        with pytest.raises(DamagedModel, match=r"model.toml"):
            manifest.load_manifest(model)


def test_reading_a_manifest_imports_little() -> None:
    code = (
        "import sys; import likewise.model.folder, likewise.model.leakage; "
        "print(*({'torch', 'onnxruntime', 'scipy', 'sklearn', 'pyarrow', 'plotly', 'tomli_w'} "
        "& set(sys.modules)))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == ""
