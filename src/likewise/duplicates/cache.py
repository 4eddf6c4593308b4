"""The vectors that were made before, in a file, by the hash of what they were made of.

The file is an .npz without objects: `digests` (uint8 [n 32], SHA-256), `vectors` (float32
[n dim]) and `maker`, the fingerprint of the model or the name of the hash that made them.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.duplicates.content import DIGEST_BYTES
from likewise.errors import DamagedSource
from likewise.io import atomic
from likewise.shapes import Array, Float
from likewise.sources.npz import read_npz

KEYS = ("digests", "vectors", "maker")


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
