"""The manifest `model.toml`: which files are the model, and that they are what was saved.

It is the one file that is ever replaced. Every other file is written once, under a name that no
earlier manifest uses, before the new manifest names it; so a kill at any moment leaves the old
model or the new one, and what the manifest does not name does not exist.
"""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from likewise import __version__
from likewise.errors import (
    BadArgument,
    BadSpec,
    DamagedModel,
    ModelError,
    ModelExists,
    ModelNotFound,
    ReplacedModel,
    SaveFailed,
)
from likewise.io import atomic
from likewise.io.bounded import check_plain, read_plain
from likewise.kinds import FAMILY as KINDS
from likewise.model.files import foreign_file, inside, most_bytes, ours, unreadable_file, write_file
from likewise.model.manifest import (
    AGAIN,
    FORMAT,
    ROLES,
    SPEC_LENGTH,
    TASKS,
    FileEntry,
    Manifest,
    check_role,
    dump_manifest,
    fingerprint,
    needed_roles,
    parse_manifest,
)
from likewise.registry import Spec
from likewise.types import Claim

__all__ = [
    "FORMAT",
    "ROLES",
    "FileEntry",
    "Manifest",
    "check_model_folder",
    "check_not_replaced",
    "load_manifest",
    "read_file",
    "save_model",
    "update_model",
]

MANIFEST = "model.toml"
UNWRAPPED = ("recipe", "weights", "training")
"""What a model has that was trained, and one of a wrapped encoder has not."""
MANIFEST_BYTES = 1 << 20


def check_model_folder(folder: Path, *, overwrite: bool) -> None:
    """Find out, before any work is done, whether a model can be saved there; leave nothing.

    Raises:
        ModelExists: If a model is there and may not be replaced, or something that is no model.
        DamagedModel: If a link in it leads elsewhere.
        SaveFailed: If the folder cannot be written.
    """
    with atomic.saving(folder):
        if os.path.lexists(folder):
            _standing(folder, overwrite=overwrite)
            for place in (folder, inside(folder, "encoders")):
                if place.is_dir():
                    atomic.probe_folder(place)
        else:
            atomic.make_folder(folder)
            try:
                atomic.probe_folder(folder)
            finally:
                atomic.discard_path(folder)


def save_model(
    folder: Path,
    *,
    inputs: Mapping[str, str],
    claim: Claim,
    distance: str,
    files: Mapping[str, bytes],
    task: str = "compare",
    overwrite: bool = False,
) -> Manifest:
    """Save a model; when that fails, what was there before still stands.

    Args:
        folder: Made if it is not there; its parent must be.
        inputs: The name of each input of the task → its kind; `{"main": "image"}` to compare.
        claim: What its rates are a promise about.
        distance: The spec of the distance.
        files: Role → bytes; the roles are those of `ROLES`.
        task: What the model answers.
        overwrite: Whether a model that is there may be replaced.

    Raises:
        UnknownName: If there is no such role or kind.
        BadArgument: If a role that every model needs is missing.
        BadSpec: If the distance is no spec.
        ModelExists: As in `check_model_folder`.
        SaveFailed: If the model could not be written.
    """
    if inputs.keys() != set(TASKS.get(task, ())):
        known = "; ".join(f"{one} of {', '.join(names)}" for one, names in TASKS.items())
        raise BadArgument(
            f"a model for {task!r} with the inputs {', '.join(inputs)} was to be saved, and "
            f"expected is {known}. Name the task and its inputs so."
        )
    inputs = {name: KINDS.canonical(inputs[name]) for name in TASKS[task]}
    missing = [role for role in needed_roles(inputs) if role not in files]
    if missing:
        raise BadArgument(
            f"files have the roles {sorted(files)}, and no model is without {missing}. Add them."
        )
    if len(distance) > SPEC_LENGTH:
        raise BadSpec(
            f"the distance's spec has {len(distance)} characters, and at most {SPEC_LENGTH} are "
            "expected. Shorten it."
        )
    Spec.parse(distance)
    before = None
    old: Mapping[str, FileEntry] = {}
    with atomic.saving(folder):
        if os.path.lexists(folder):
            before = _standing(folder, overwrite=overwrite)
    if before is not None:
        # A damaged model may be replaced too; then nobody knows what its files were.
        with contextlib.suppress(ModelError):
            old = parse_manifest(before, folder / MANIFEST).files
    draft = Manifest(FORMAT, __version__, task, inputs, claim, distance, "", {})
    return _commit(folder, draft, files, before, old)


def update_model(
    folder: Path, files: Mapping[str, bytes], *, standing: Manifest | None = None
) -> Manifest:
    """Give a model new files for some roles and keep the others; a failure is as in `save_model`.

    A calibration belongs to a fingerprint: whoever gives a new encoder gives a calibration too.

    Args:
        folder: Of the model.
        files: Role → bytes.
        standing: The manifest that the files were made for; refused if another stands there now.

    Raises:
        UnknownName: If there is no such role.
        ModelNotFound: If there is no model; also what else `load_manifest` raises.
        SaveFailed: If the files could not be written.
    """
    before = _manifest_bytes(folder)
    manifest = _checked(folder, before)
    if standing is not None and manifest != standing:
        raise _overtaken(folder)
    draft = dataclasses.replace(manifest, format=FORMAT, likewise=__version__)
    return _commit(folder, draft, files, before, manifest.files)


def load_manifest(folder: Path) -> Manifest:
    """Read and check the manifest, and check that its files are there.

    Raises:
        ModelNotFound: If there is none.
        DamagedModel: If it is not as it was written, or a file that it names is missing.
        NewerFormat: If a later version of Likewise wrote it.
    """
    return _checked(folder, _manifest_bytes(folder))


def check_not_replaced(folder: Path, manifest: Manifest, fingerprint: str) -> None:
    """Refuse a folder that held a model of another fingerprint when it was sent to this process.

    Raises:
        ReplacedModel: If it did.
    """
    if manifest.fingerprint != fingerprint:
        raise ReplacedModel(
            f"{folder} held the model {fingerprint[:12]} when it was sent to this process, and "
            f"holds {manifest.fingerprint[:12]} now. Load it again where it is sent from."
        )


def read_file(folder: Path, manifest: Manifest, role: str) -> bytes:
    """The bytes of one file, which are those that were saved.

    Raises:
        UnknownName: If there is no such role.
        DamagedModel: If the model has no such file, or another than was saved.
    """
    check_role(role)
    entry = manifest.files.get(role)
    if entry is None:
        wrapped = " A wrapped encoder has none; train one for that." if role in UNWRAPPED else ""
        raise DamagedModel(
            f"{folder} has no file for {role!r}, and one is expected; it has "
            f"{', '.join(manifest.files)}.{wrapped} {AGAIN}"
        )
    path = inside(folder, entry.path)
    try:
        data = read_plain(path, most_bytes(role))
    except (OSError, MemoryError) as error:
        raise unreadable_file(path, error) from error
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise DamagedModel(
            f"{path} is altered: its SHA-256 is {found}, and {MANIFEST} expects {entry.sha256}. "
            f"{AGAIN}"
        )
    return data


def _manifest_bytes(folder: Path) -> bytes:
    target = inside(folder, MANIFEST)
    try:
        return read_plain(target, MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFound(
            f"{folder} holds no model: {target} is not there. Give the folder that a model was "
            "saved in; a save that was cut off leaves one without it."
        ) from None
    except OSError as error:
        raise unreadable_file(target, error) from error


def _checked(folder: Path, data: bytes) -> Manifest:
    manifest = parse_manifest(data, folder / MANIFEST)
    for role, entry in manifest.files.items():
        path = inside(folder, entry.path)
        try:
            check_plain(path, most_bytes(role))
        except OSError as error:
            raise unreadable_file(path, error) from error
    return manifest


def _check_unchanged(folder: Path, before: bytes | None) -> None:
    if _peek(folder) != before:
        raise _overtaken(folder)


def _overtaken(folder: Path) -> SaveFailed:
    return SaveFailed(
        f"{folder} was saved by another process meanwhile, and what that saved stands. "
        "Save again if yours shall replace it."
    )


def _peek(folder: Path) -> bytes | None:
    try:
        return read_plain(folder / MANIFEST, MANIFEST_BYTES)
    except FileNotFoundError:
        return None


def _standing(folder: Path, *, overwrite: bool) -> bytes | None:
    """The manifest that is there and may be replaced; None if nothing is in the way."""
    if not folder.is_dir():
        raise ModelExists(f"{folder} is no folder, and one is expected. Choose another path.")
    target = inside(folder, MANIFEST)
    if os.path.lexists(target):
        if not overwrite:
            raise ModelExists(
                f"{folder} holds a model already. Choose another folder, or replace the model "
                "with --overwrite (overwrite=True)."
            )
        return read_plain(target, MANIFEST_BYTES)
    other = foreign_file(folder)
    if other is not None:
        raise ModelExists(
            f"{folder} is no model and not empty: it holds {other!r}. Choose a new or an empty "
            "folder."
        )
    return None


def _commit(
    folder: Path,
    draft: Manifest,
    files: Mapping[str, bytes],
    before: bytes | None,
    old: Mapping[str, FileEntry],
) -> Manifest:
    """Write the files, then the manifest that names them; then remove what only `old` names."""
    for role in files:
        check_role(role)
    entries = dict(draft.files)
    made: list[Path] = []
    text = b""
    try:
        with atomic.saving(folder):
            if not folder.exists():
                atomic.make_folder(folder)
                made.append(folder)
            for role, data in files.items():
                entries[role] = write_file(
                    folder, role, data, fresh=before is None, old=old, made=made
                )
            manifest = dataclasses.replace(
                draft, fingerprint=fingerprint(draft.distance, entries), files=entries
            )
            text = dump_manifest(manifest)
            _check_unchanged(folder, before)
            atomic.replace(folder / MANIFEST, text)
    except BaseException:
        # Once the manifest has its name the model is the new one, whatever failed after that. The
        # old files stay too then, since a power cut might still bring the old manifest back.
        with contextlib.suppress(OSError):
            if _peek(folder) != text:
                for path in reversed(made):
                    atomic.discard_path(path)
        raise
    kept = {entry.path for entry in entries.values()}
    for entry in old.values():
        if entry.path not in kept and ours(entry.path):
            with contextlib.suppress(DamagedModel):
                atomic.discard_path(inside(folder, entry.path))
    return manifest
