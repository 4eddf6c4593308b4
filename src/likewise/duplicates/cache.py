"""The vectors that were made before, in a file, by the hash of what they were made of.

The file is an .npz without objects: `digests` (uint8 [n 32], SHA-256), `vectors` (float32
[n dim]) and `maker`, the fingerprint of the model or the name of the hash that made them.
"""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import Chunk, reason, worked
from likewise.errors import DamagedSource, UnreadableItem
from likewise.io import atomic
from likewise.shapes import Array, Float
from likewise.sources.npz import read_npz
from likewise.types import Items, Raw

KEYS = ("digests", "vectors", "maker")
DIGEST_BYTES = 32


@dataclass(frozen=True)
class Cache:
    """Vectors by the hash of what they were made of.

    Attributes:
        rows: The row of each hash.
        vectors: One a hash.
    """

    rows: dict[bytes, int]
    vectors: Float[Array, "n dim"]


def read_cache(path: Path, maker: str, dim: int) -> Cache:
    """What a file holds of this maker; nothing where there is no file, or one of another maker.

    Args:
        path: Of the file.
        maker: The fingerprint of the model, or the name of the hash.
        dim: Length of a vector.

    Raises:
        DamagedSource: If there is another file, or a damaged one.
    """
    if not path.exists():
        return Cache({}, np.zeros((0, dim), np.float32))
    try:
        found = read_npz(path, str(path), KEYS[:2], KEYS)
        digests, vectors, made = (found.get(name, np.zeros(0)) for name in KEYS)
        if made.ndim or made.dtype.kind != "U":
            raise DamagedSource("its maker is no name")  # noqa: TRY301 - one refusal
        if str(made) != maker:
            return Cache({}, np.zeros((0, dim), np.float32))
        _check(digests, vectors, dim)
    except DamagedSource as error:
        raise DamagedSource(
            f"{path} is no cache that likewise dedupe wrote, or a damaged one ({error}). Remove "
            "it, or name another --out, beside which it is kept."
        ) from error
    names = [row.tobytes() for row in digests]
    return Cache(dict(zip(names, range(len(names)), strict=True)), vectors)


def _check(digests: Array, vectors: Array, dim: int) -> None:
    if digests.dtype != np.uint8 or digests.shape != (len(digests), DIGEST_BYTES):
        raise DamagedSource(f"its digests are {digests.dtype} {list(digests.shape)}")
    if vectors.dtype != np.float32 or vectors.shape != (len(digests), dim):
        raise DamagedSource(
            f"its vectors are {vectors.dtype} {list(vectors.shape)}, and float32 "
            f"{[len(digests), dim]} is expected"
        )
    if not np.isfinite(vectors).all():
        raise DamagedSource("its vectors are not finite")


def write_cache(
    path: Path, maker: str, digests: Sequence[bytes], vectors: Float[Array, "n dim"]
) -> None:
    """Keep vectors, and no others.

    Args:
        path: Of the file.
        maker: As in `read_cache`.
        digests: Of what each vector was made of.
        vectors: One a digest.

    Raises:
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    names = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, DIGEST_BYTES)
    columns: dict[str, Array] = {
        "digests": names,
        "vectors": vectors.astype(np.float32),
        "maker": np.array(maker),
    }
    with atomic.replacing(path) as (file,), zipfile.ZipFile(file, "w") as archive:
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, column, allow_pickle=False)


def digest_items(
    items: Items,
    *,
    strict: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[bytes], list[tuple[str, str]]]:
    """The SHA-256 of every item's bytes.

    Args:
        items: What to read.
        strict: Whether the first item that cannot be read is raised.
        threads: How many hash.
        progress: Called with how many items are read, of how many.

    Returns:
        One digest an item, empty for those that cannot be read; and these by place and reason.

    Raises:
        UnreadableItem: If `strict` and an item cannot be read.
    """
    found: list[bytes] = []
    failed: list[tuple[str, str]] = []
    with closing(worked(items, _hashed, threads)) as chunks:
        for chunk in chunks:
            for outcome, place in chunk:
                if isinstance(outcome, UnreadableItem):
                    if strict:
                        raise outcome
                    failed.append((place, reason(outcome, place)))
                    found.append(b"")
                else:
                    found.append(outcome)
            if progress is not None:
                progress(len(found), len(items))
    return found, failed


def _hashed(chunk: Chunk) -> list[tuple[bytes | UnreadableItem, str]]:
    return [
        (raw if isinstance(raw, UnreadableItem) else item_digest(raw), place)
        for raw, place in chunk
    ]


def item_digest(raw: Raw) -> bytes:
    """The SHA-256 of an item; of an array, its type and shape count too."""
    if isinstance(raw, np.ndarray):
        found = hashlib.sha256(f"{raw.dtype.str}{raw.shape}".encode())
        found.update(np.ascontiguousarray(raw).data)
        return found.digest()
    return hashlib.sha256(raw.encode() if isinstance(raw, str) else raw).digest()
