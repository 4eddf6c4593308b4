"""The text of a manifest: to TOML, and back with every key checked.

A folder may come from a stranger, so nothing in it is taken on trust, and whatever is wrong is
said as `DamagedModel` that names the key.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from likewise import __version__
from likewise.errors import BadSpec, DamagedModel, NewerFormat, UnknownName
from likewise.kinds import FAMILY as KINDS
from likewise.registry import Spec, unknown
from likewise.types import Claim

E = TypeVar("E", bound=StrEnum)

FORMAT = 2
TASKS: dict[str, tuple[str, ...]] = {"compare": ("main",)}
"""Each task, and the names of its inputs."""
SPEC_LENGTH = 1000
AGAIN = "Copy the model again from where it came, or train it anew."

_SAME = ("format", "likewise", "claim", "distance", "fingerprint", "checksum", "files")
_KEYS = {1: (*_SAME, "kind"), 2: (*_SAME, "task", "inputs")}
"""Format → its keys. The first knew one input, and what it was called."""
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMATS = 10_000
# The reader of TOML takes quadratic time and memory for a key of very many parts.
_DOTS = 2000


def input_role(what: str, name: str) -> str:
    """Return the role of an input's file.

    Args:
        what: `transform` or `encoder`.
        name: Of the input.
    """
    return what if (what, name) == ("transform", "main") else f"{what}.{name}"


def needed_roles(inputs: Iterable[str]) -> tuple[str, ...]:
    """Return the roles without which there is no model of these inputs."""
    return tuple(input_role(what, name) for what in ("transform", "encoder") for name in inputs)


_OF_INPUTS = {
    input_role(what, name): path.format(name)
    for name in dict.fromkeys(name for names in TASKS.values() for name in names)
    for what, path in (
        ("transform", "transform.toml" if name == "main" else "transform-{}.toml"),
        ("encoder", "encoders/{}.onnx"),
    )
}
_OTHERS = {
    "matcher": "matcher.onnx",
    "weights": "weights.safetensors",
    "calibration": "calibration.json",
    "reference": "reference.bin",
    "trained_on": "trained_on.json",
    "training": "training.json",
}
ROLES = {"recipe": "recipe.toml", **_OF_INPUTS, **_OTHERS}
"""Each role, and the plain name of its file."""


@dataclass(frozen=True)
class FileEntry:
    """One file of a model.

    Attributes:
        path: Relative to the model's folder, with forward slashes.
        sha256: Of its bytes, as 64 hex digits.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a model folder holds.

    Attributes:
        format: Of the folder; this version writes `FORMAT`.
        likewise: The version that wrote it.
        task: What the model answers, one of `TASKS`.
        inputs: The name of each input → its kind.
        claim: What its rates are a promise about.
        distance: The spec of the distance.
        fingerprint: SHA-256 over transform, encoders and comparator; vectors of models with
            different fingerprints are never compared.
        files: Role → file.
    """

    format: int
    likewise: str
    task: str
    inputs: Mapping[str, str]
    claim: Claim
    distance: str
    fingerprint: str
    files: Mapping[str, FileEntry]

    @property
    def kind(self) -> str:
        """What the first input takes, which of one that compares is the only one."""
        return next(iter(self.inputs.values()))


def check_role(role: str) -> None:
    """Refuse a role that no file of a model has.

    Raises:
        UnknownName: With the nearest known role.
    """
    if role not in ROLES:
        raise unknown("no file of a model has the role", role, ROLES)


def fingerprint(distance: str, files: Mapping[str, FileEntry]) -> str:
    """SHA-256 over the hashes of transform, encoders and matcher, and the distance's spec."""
    lines = [
        f"{role} {files[role].sha256}"
        for role in sorted(files)
        if role in ("transform", "matcher") or role.startswith(("encoder.", "transform."))
    ]
    return hashlib.sha256("\n".join([*lines, f"distance {distance}"]).encode()).hexdigest()


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as TOML."""
    import tomli_w  # whoever only reads a model does without it

    table = {
        "format": manifest.format,
        "likewise": manifest.likewise,
        "task": manifest.task,
        "claim": manifest.claim.value,
        "distance": manifest.distance,
        "fingerprint": manifest.fingerprint,
        "checksum": _checksum(_head(manifest), manifest.files),
        "inputs": {name: {"kind": kind} for name, kind in manifest.inputs.items()},
        "files": {
            role: {"path": manifest.files[role].path, "sha256": manifest.files[role].sha256}
            for role in ROLES
            if role in manifest.files
        },
    }
    return tomli_w.dumps(table).encode()


def _head(manifest: Manifest) -> list[Any]:
    """What the checksum covers beside the files."""
    inputs = sorted(manifest.inputs.items())
    first = [manifest.format, manifest.likewise, manifest.task, inputs]
    return [*first, manifest.claim, manifest.distance]


def _checksum(head: list[Any], files: Mapping[str, FileEntry]) -> str:
    """SHA-256 over all of it; without that, one cut off between two files would go unnoticed."""
    listed = [(role, entry.path, entry.sha256) for role, entry in sorted(files.items())]
    return hashlib.sha256(json.dumps([*head, listed]).encode()).hexdigest()


def parse_manifest(data: bytes, where: Path) -> Manifest:
    """Read a manifest and check everything in it that can be checked without its files.

    Args:
        data: The bytes of the file.
        where: The file, for errors.

    Raises:
        DamagedModel: If it is not as `dump_manifest` writes it.
        NewerFormat: If a later version of Likewise wrote it.
    """
    table = _table(data, where)
    _check_format(table, where)
    first = table["format"] == 1
    _check_keys(table, _KEYS[table["format"]], "", where)
    task = "compare" if first else _task(table, where)
    inputs = {"main": _kind(table, where, "")} if first else _inputs(table["inputs"], task, where)
    files = _files(table["files"], inputs, where)
    manifest = Manifest(
        format=table["format"],
        likewise=_matching(table, "likewise", _VERSION, "a version", where),
        task=task,
        inputs=inputs,
        claim=_member(table, "claim", Claim, where),
        distance=_distance(table, where),
        fingerprint=_matching(table, "fingerprint", _SHA256, "64 hex digits", where),
        files=files,
    )
    expected = fingerprint(manifest.distance, files)
    if manifest.fingerprint != expected:
        raise _wrong(
            where, "fingerprint", f"is {manifest.fingerprint}", f"that of its files, {expected},"
        )
    given = _matching(table, "checksum", _SHA256, "64 hex digits", where)
    head = _head(manifest)
    if first:  # with the word for the kind as it was written
        head = [1, manifest.likewise, table["kind"], manifest.claim, manifest.distance]
    expected = _checksum(head, files)
    if given != expected:
        raise _wrong(where, "checksum", f"is {given}", f"that of the other keys, {expected},")
    return manifest


def _table(data: bytes, where: Path) -> dict[str, Any]:
    try:
        text = data.decode()
        if text.count(".") > _DOTS:
            raise ValueError(f"more than {_DOTS} dots")  # noqa: TRY301 - one refusal for all
        return tomllib.loads(text)
    except (ValueError, RecursionError, OverflowError) as error:
        raise DamagedModel(
            f"{where} cannot be read as a manifest: {str(error)[:200]}. {AGAIN}"
        ) from error


def _check_format(table: Mapping[str, Any], where: Path) -> None:
    _check_keys({"format"} & table.keys(), ("format",), "", where)
    number = table["format"]
    if type(number) is not int or not 1 <= number < _FORMATS:
        raise _wrong(where, "format", "is another thing", "a number from 1")
    if number > FORMAT:
        version = table.get("likewise")
        known = isinstance(version, str) and _VERSION.fullmatch(version)
        raise NewerFormat(
            f"{where} has format {number}, and this Likewise ({__version__}) reads up to {FORMAT}. "
            f"{f'Likewise {version}' if known else 'A later Likewise'} wrote it: upgrade with "
            "pip install --upgrade likewise."
        )


def _task(table: Mapping[str, Any], where: Path) -> str:
    task = _text(table, "task", where)
    if task not in TASKS:
        raise _wrong(where, "task", f"is {_short(task)}", f"one of {', '.join(TASKS)}")
    return task


def _inputs(value: Any, task: str, where: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _wrong(where, "inputs", f"is a {type(value).__name__}", "a table")
    _check_keys(value, TASKS[task], "inputs.", where)
    found = {}
    for name in TASKS[task]:
        entry = value[name]
        if not isinstance(entry, dict):
            raise _wrong(where, f"inputs.{name}", f"is a {type(entry).__name__}", "a table")
        _check_keys(entry, ("kind",), f"inputs.{name}.", where)
        found[name] = _kind(entry, where, f"inputs.{name}.")
    return found


def _kind(table: Mapping[str, Any], where: Path, prefix: str) -> str:
    """The name of a kind, or what that was called before."""
    value = _text(table, "kind", where, prefix)
    try:
        return KINDS.canonical(value)
    except UnknownName:
        known = f"one of {', '.join(KINDS.names())}"
        raise _wrong(where, f"{prefix}kind", f"is {_short(value)}", known) from None


def _files(value: Any, inputs: Iterable[str], where: Path) -> dict[str, FileEntry]:
    if not isinstance(value, dict):
        raise _wrong(where, "files", f"is a {type(value).__name__}", "a table")
    needed = needed_roles(inputs)
    _check_keys(value, needed, "files.", where, ("recipe", *needed, *_OTHERS))
    files = {}
    for role, entry in value.items():
        key = f"files.{role}"
        if not isinstance(entry, dict):
            raise _wrong(where, key, f"is a {type(entry).__name__}", "a table")
        _check_keys(entry, ("path", "sha256"), f"{key}.", where)
        path = _matching(entry, "path", _PATH, "a plain relative path", where, f"{key}.")
        sha256 = _matching(entry, "sha256", _SHA256, "64 hex digits", where, f"{key}.")
        files[role] = FileEntry(path, sha256)
    return files


def _check_keys(
    table: Any, needed: tuple[str, ...], prefix: str, where: Path, known: tuple[str, ...] = ()
) -> None:
    missing = [key for key in needed if key not in table]
    if missing:
        raise DamagedModel(f"{where} lacks {prefix + missing[0]!r}. {AGAIN}")
    extra = [key for key in table if key not in (known or needed)]
    if extra:
        raise DamagedModel(
            f"{where} has {_short(prefix + extra[0])}, and only "
            f"{', '.join(known or needed)} are expected there. {AGAIN}"
        )


def _text(table: Mapping[str, Any], key: str, where: Path, prefix: str = "") -> str:
    value = table[key]
    if not isinstance(value, str):
        raise _wrong(where, prefix + key, f"is a {type(value).__name__}", "a string")
    return value


def _matching(
    table: Mapping[str, Any],
    key: str,
    pattern: re.Pattern[str],
    expected: str,
    where: Path,
    prefix: str = "",
) -> str:
    value = _text(table, key, where, prefix)
    if len(value) > 255 or not pattern.fullmatch(value):
        raise _wrong(where, prefix + key, f"is {_short(value)}", expected)
    return value


def _member(table: Mapping[str, Any], key: str, enum: type[E], where: Path) -> E:
    value = _text(table, key, where)
    if value not in list(enum):
        raise _wrong(where, key, f"is {_short(value)}", f"one of {', '.join(enum)}")
    return enum(value)


def _distance(table: Mapping[str, Any], where: Path) -> str:
    value = _text(table, "distance", where)
    try:
        if len(value) <= SPEC_LENGTH:
            Spec.parse(value)
            return value
    except BadSpec:
        pass
    raise _wrong(where, "distance", f"is {_short(value)}", "a spec")


def _wrong(where: Path, key: str, given: str, expected: str) -> DamagedModel:
    return DamagedModel(f"{where}: {key} {given}, and {expected} is expected. {AGAIN}")


def _short(value: str) -> str:
    return repr(value[:80])
