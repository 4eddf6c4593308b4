"""The text of a manifest: to TOML, and back with every key checked.

A folder may come from a stranger, so nothing in it is taken on trust, and whatever is wrong is
said as `DamagedModel` that names the key.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from likewise import __version__
from likewise.errors import BadSpec, DamagedModel, NewerFormat
from likewise.registry import Spec, unknown
from likewise.types import Claim, Kind

E = TypeVar("E", bound=StrEnum)

FORMAT = 1
ROLES = {
    "recipe": "recipe.toml",
    "transform": "transform.toml",
    "encoder.main": "encoders/main.onnx",
    "matcher": "matcher.onnx",
    "weights": "weights.safetensors",
    "calibration": "calibration.json",
    "reference": "reference.bin",
    "trained_on": "trained_on.json",
    "training": "training.json",
}
"""Each role, and the plain name of its file."""
NEEDED = ("transform", "encoder.main")
"""The roles without which there is no model."""
SPEC_LENGTH = 1000
AGAIN = "Copy the model again from where it came, or train it anew."

_KEYS = ("format", "likewise", "kind", "claim", "distance", "fingerprint", "checksum", "files")
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMATS = 10_000
# The reader of TOML takes quadratic time and memory for a key of very many parts.
_DOTS = 2000


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
        kind: What the model compares.
        claim: What its rates are a promise about.
        distance: The spec of the distance.
        fingerprint: SHA-256 over transform, encoders and comparator; vectors of models with
            different fingerprints are never compared.
        files: Role → file.
    """

    format: int
    likewise: str
    kind: Kind
    claim: Claim
    distance: str
    fingerprint: str
    files: Mapping[str, FileEntry]


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
        if role in ("transform", "matcher") or role.startswith("encoder.")
    ]
    return hashlib.sha256("\n".join([*lines, f"distance {distance}"]).encode()).hexdigest()


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as TOML."""
    import tomli_w  # whoever only reads a model does without it

    table = {
        "format": manifest.format,
        "likewise": manifest.likewise,
        "kind": manifest.kind.value,
        "claim": manifest.claim.value,
        "distance": manifest.distance,
        "fingerprint": manifest.fingerprint,
        "checksum": _checksum(manifest),
        "files": {
            role: {"path": manifest.files[role].path, "sha256": manifest.files[role].sha256}
            for role in ROLES
            if role in manifest.files
        },
    }
    return tomli_w.dumps(table).encode()


def _checksum(manifest: Manifest) -> str:
    """SHA-256 over all of it; without that, one cut off between two files would go unnoticed."""
    head = (manifest.likewise, manifest.kind, manifest.claim, manifest.distance)
    files = [(role, entry.path, entry.sha256) for role, entry in sorted(manifest.files.items())]
    return hashlib.sha256(json.dumps([manifest.format, *head, files]).encode()).hexdigest()


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
    _check_keys(table, _KEYS, "", where)
    files = _files(table["files"], where)
    manifest = Manifest(
        format=table["format"],
        likewise=_matching(table, "likewise", _VERSION, "a version", where),
        kind=_member(table, "kind", Kind, where),
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
    expected = _checksum(manifest)
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


def _files(value: Any, where: Path) -> dict[str, FileEntry]:
    if not isinstance(value, dict):
        raise _wrong(where, "files", f"is a {type(value).__name__}", "a table")
    _check_keys(value, NEEDED, "files.", where, (*ROLES,))
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
