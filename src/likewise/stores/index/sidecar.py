"""The structure of an index as plain arrays, in a file that nothing but this module reads.

Nothing of the file is given to FAISS's own reader, which trusts what it reads: every number that
leads somewhere is checked against where it may lead. No vector is in it, so that what is removed
from the gallery is not left here: a graph is who is near whom, inverted lists are the means of many
vectors (eight at least) and who belongs to which. A search takes the vectors from the gallery.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import DamagedGallery
from likewise.shapes import Array, Float, Int

MAGIC = b"LikewiseIndex\x00\x00\x01"
LINKS = 16
"""Of a node of a graph in every level above the lowest; there, twice as many."""
MOST_LEVELS = 8
_FRONT = struct.Struct("<16sI")
_LARGEST_HEADER = 4096


@dataclass(frozen=True)
class HnswGraph:
    """A navigable graph in levels (HNSW).

    Attributes:
        slots: Of the gallery, one a node.
        levels: In how many levels each node is.
        links: The neighbours of each node, level by level, -1 where there are fewer.
        entry: The node where a search begins.
    """

    slots: Int[Array, "n"]
    levels: Int[Array, "n"]
    links: Int[Array, "links"]
    entry: int


@dataclass(frozen=True)
class Lists:
    """Inverted lists.

    Attributes:
        slots: Of the gallery.
        lists: Which list each is in.
        centroids: The mean vector of every list.
    """

    slots: Int[Array, "n"]
    lists: Int[Array, "n"]
    centroids: Float[Array, "lists dim"]


Structure = HnswGraph | Lists


def links_before(levels: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """How many links a node has in so many levels, from the lowest on."""
    counts: Array = np.where(levels > 0, LINKS * (levels.astype(np.int64) + 1), 0)
    return counts


def starts_of(levels: Int[Array, "n"]) -> Int[Array, "n+1"]:
    """Where the links of each node start, and where the last end."""
    starts = np.zeros(len(levels) + 1, dtype=np.int64)
    np.cumsum(links_before(levels), out=starts[1:])
    return starts


def as_bytes(structure: Structure, token: bytes) -> bytes:
    """A structure as what is in its file.

    Args:
        structure: To keep.
        token: Of the gallery that it belongs to.
    """
    head: dict[str, Any] = {"token": token.hex(), "count": len(structure.slots)}
    if isinstance(structure, HnswGraph):
        head |= {"kind": "hnsw", "entry": structure.entry, "links": len(structure.links)}
        arrays = (structure.levels.astype("<i4"), structure.links.astype("<i4"))
    else:
        head |= {"kind": "ivf", "lists": len(structure.centroids)}
        arrays = (structure.lists.astype("<i4"), structure.centroids.astype("<f4"))
    text = json.dumps(head).encode()
    front = _FRONT.pack(MAGIC, len(text)) + text
    slots = structure.slots.astype("<i8")
    return b"".join([front, *(array.tobytes() for array in (slots, *arrays))])


def sidecar_token(path: Path) -> bytes | None:
    """The token of the gallery that an index was made for; None if the file is no index."""
    try:
        if path.is_symlink():
            return None
        with path.open("rb") as file:
            magic, length = _FRONT.unpack(file.read(_FRONT.size))
            head = json.loads(file.read(min(length, _LARGEST_HEADER)))
            return bytes.fromhex(head["token"]) if magic == MAGIC else None
    except (OSError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return None


def index_from_bytes(data: bytes, token: bytes, dim: int, slots: int) -> Structure:
    """The structure in a file, once it can be followed without leaving it.

    Args:
        data: All of the file.
        token: Of the gallery that it should belong to.
        dim: Length of the gallery's vectors.
        slots: How many slots the gallery had when it was made.

    Raises:
        DamagedGallery: If it is something else, or a number in it leads nowhere.
    """
    try:
        return _read(memoryview(data), token, dim, slots)
    except (ValueError, KeyError, TypeError, struct.error, OverflowError) as error:
        if isinstance(error, DamagedGallery):
            raise
        raise _wrong("it is no file of an index") from error


def _read(data: memoryview, token: bytes, dim: int, slots: int) -> Structure:
    magic, length = _FRONT.unpack_from(data)
    _must(magic == MAGIC and length <= _LARGEST_HEADER, "it is no file of an index")
    head = json.loads(bytes(data[_FRONT.size : _FRONT.size + length]))
    _must(head["token"] == token.hex(), "it is another gallery's")
    count = head["count"]
    graph = head["kind"] == "hnsw"
    more = head["links"] if graph else head["lists"]
    _must(type(count) is int and 0 < count <= slots, "its count is none")
    _must(type(more) is int and more > 0, "its count is none")
    shapes = [("<i8", count), ("<i4", count), ("<i4", more) if graph else ("<f4", more * dim)]
    start = _FRONT.size + length
    sizes = [np.dtype(dtype).itemsize * number for dtype, number in shapes]
    _must(start + sum(sizes) == len(data), "it has another length than its parts")
    parts: list[Array] = []
    for (dtype, number), size in zip(shapes, sizes, strict=True):
        parts.append(np.frombuffer(data[start : start + size], dtype, number))
        start += size
    _within(parts[0], 0, slots)
    _must(int(np.bincount(parts[0]).max()) == 1, "it holds a slot twice")
    if graph:
        return _graph(parts[0], parts[1], parts[2], head["entry"])
    centroids = parts[2].reshape(more, dim)
    _within(parts[1], 0, more)
    _must(bool(np.isfinite(centroids).all()), "a centroid is no vector")
    return Lists(parts[0], parts[1], centroids)


def _graph(slots: Array, levels: Array, links: Array, entry: object) -> HnswGraph:
    count = len(slots)
    _within(levels, 1, MOST_LEVELS + 1)
    starts = starts_of(levels)
    _must(int(starts[-1]) == len(links), "its links are not as many as its levels say")
    _within(links, -1, count)
    if type(entry) is not int or not 0 <= entry < count or levels[entry] != levels.max():
        raise _wrong("a search would begin nowhere")
    for level in range(1, int(levels.max())):
        there = starts[:-1][levels > level] + links_before(np.array(level))
        some = links[there[:, None] + np.arange(LINKS)]
        _must(bool((levels[some[some >= 0]] > level).all()), "a link leads below its level")
    return HnswGraph(slots, levels, links, entry)


def _within(numbers: Array, least: int, beyond: int) -> None:
    _must(least <= int(numbers.min()) and int(numbers.max()) < beyond, "a number leads nowhere")


def _must(fine: bool, why: str) -> None:
    if not fine:
        raise _wrong(why)


def _wrong(why: str) -> DamagedGallery:
    return DamagedGallery(
        f"The index cannot be used: {why}. Make it again: likewise gallery rebuild GALLERY."
    )
