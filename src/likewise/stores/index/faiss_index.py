"""Indexes that FAISS makes and searches: the only module that imports it.

References:
    Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
    Navigable Small World graphs", 2018. Sivic, Zisserman, "Video Google", 2003, for inverted
    lists; Douze et al., "The Faiss library", 2024, for both as they are here.
"""

import importlib.util
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np

from likewise.errors import MissingExtra
from likewise.shapes import Array, Bool, Float, Int
from likewise.stores.index.sidecar import LINKS, HnswGraph, Lists, Structure, starts_of

Found = TypeVar("Found")

# Of a graph: efConstruction, and how narrow and how broad a search may be.
_EFFORT = 100
_BREADTHS = (12, 2048)
_ROUNDS = 10
_SAMPLE = 64
_LEAST = 39
# A mean of fewer vectors would say too much of each.
_MEMBERS = 8


def faiss() -> Any:
    """The library.

    Raises:
        MissingExtra: If it is not installed.
    """
    try:
        import faiss as found
    except ImportError as error:
        raise MissingExtra(
            "Approximate search needs FAISS, which is not installed. Run: pip install "
            "'likewise[faiss]'"
        ) from error
    return found


def installed() -> bool:
    """Whether the library is there; it is not loaded."""
    return importlib.util.find_spec("faiss") is not None


def made(
    kind: Literal["hnsw", "ivf"],
    slots: Int[Array, "n"],
    vectors: Float[Array, "n dim"],
    held: int,
    measure: "Callable[[Searcher], Found]",
) -> "tuple[Structure, Found]":
    """The structure of an index of these vectors, and what somebody measured of it.

    A node of a graph is found more easily than what is none. So a graph is measured before the
    last vectors are put into it; these can be asked as others will be. In inverted lists a vector
    that is there is as hard to find as another.

    Args:
        kind: A graph, or inverted lists; compared by euclidean distance.
        slots: Where the vectors are from.
        vectors: Float32, one at least.
        held: How many come into a graph only when it was measured; fewer than there are.
        measure: What measures it.

    Raises:
        MissingExtra: If FAISS is not installed.
    """
    if kind != "hnsw":
        lists = _lists(slots, vectors)
        return lists, measure(searcher_of(lists, vectors))
    lib, first = faiss(), len(vectors) - held
    index = lib.IndexHNSWFlat(vectors.shape[1], LINKS)
    index.hnsw.efConstruction = _EFFORT
    index.add(vectors[:first])
    found = measure(Searcher(lib, index, "efSearch", *_BREADTHS))
    if held:
        index.add(vectors[first:])
    levels = lib.vector_to_array(index.hnsw.levels)
    links = lib.vector_to_array(index.hnsw.neighbors)
    return HnswGraph(slots, levels, links, int(index.hnsw.entry_point)), found


def _lists(slots: Int[Array, "n"], vectors: Float[Array, "n dim"]) -> Lists:
    lib = faiss()
    count, dim = vectors.shape
    number = max(1, min(int(4 * count**0.5), count // _LEAST))
    centroids = vectors.mean(axis=0, keepdims=True)
    if number > 1:
        means = lib.Kmeans(dim, number, niter=_ROUNDS, max_points_per_centroid=_SAMPLE, seed=1)
        means.train(vectors)
        centroids = means.centroids[np.isfinite(means.centroids).all(axis=1)]
    lists = _nearest_of(lib, vectors, centroids)
    large = np.bincount(lists, minlength=len(centroids)) >= _MEMBERS
    if not large.all() and large.any():
        centroids = centroids[large]
        lists = _nearest_of(lib, vectors, centroids)
    order = np.argsort(lists, kind="stable")
    there, starts, sizes = np.unique(lists[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64)
    places = np.searchsorted(there, lists).astype(np.int32)
    return Lists(slots, places, (sums / sizes[:, None]).astype(np.float32))


def _nearest_of(lib: Any, vectors: Array, centroids: Array) -> Array:
    flat = lib.IndexFlatL2(vectors.shape[1])
    flat.add(np.ascontiguousarray(centroids))
    nearest: Array = flat.search(vectors, 1)[1][:, 0]
    return nearest


class Searcher:
    """Searches an index; every thread may.

    Args:
        lib: FAISS.
        index: Its index.
        setting: What it calls the breadth of a search.
        narrowest: The least breadth that makes sense.
        widest: The largest.
        kept: What the index needs and does not hold itself.
    """

    def __init__(
        self,
        lib: Any,
        index: Any,
        setting: Literal["efSearch", "nprobe"],
        narrowest: int,
        widest: int,
        kept: Any = None,
    ) -> None:
        self.narrowest, self.widest = narrowest, widest
        self._lib, self._index, self._setting, self._kept = lib, index, setting, kept
        graph = setting == "efSearch"
        self._parameters = lib.SearchParametersHNSW if graph else lib.SearchParametersIVF
        self._last: tuple[int, Any] = (0, None)

    def search(
        self,
        queries: Float[Array, "q dim"],
        k: int,
        breadth: int,
        allowed: Bool[Array, "n"] | None = None,
    ) -> Int[Array, "q k"]:
        """The places, in the index, of about the k nearest to each query; -1 where there are fewer.

        Args:
            queries: Float32.
            k: How many.
            breadth: How many nodes are kept in view (of a graph), or how many lists are looked
                through.
            allowed: Which may be found; all if None.
        """
        if allowed is not None:
            selected = self._lib.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            parameters = self._parameters(**{self._setting: breadth, "sel": selected})
        else:
            known, parameters = self._last
            if known != breadth:
                parameters = self._parameters(**{self._setting: breadth})
                self._last = (breadth, parameters)
        # faiss.contrib.torch_utils, which pytorch-metric-learning loads, replaces `search` by one
        # that takes no parameters, and keeps this one under another name.
        search = getattr(self._index, "search_numpy", self._index.search)
        found: Array = search(queries, k, params=parameters)[1]
        return found


def searcher_of(structure: Structure, vectors: Float[Array, "n dim"]) -> Searcher:
    """What searches an index.

    Args:
        structure: Of the index, checked.
        vectors: Of its slots, float32; they are copied.

    Raises:
        MissingExtra: If FAISS is not installed.
    """
    lib, (count, dim) = faiss(), vectors.shape
    vectors = np.ascontiguousarray(vectors)
    if isinstance(structure, HnswGraph):
        index = lib.IndexHNSWFlat(dim, LINKS)
        lib.downcast_index(index.storage).add(vectors)
        put = lib.copy_array_to_vector
        put(starts_of(structure.levels).astype(np.uint64), index.hnsw.offsets)
        put(np.ascontiguousarray(structure.levels), index.hnsw.levels)
        put(np.ascontiguousarray(structure.links), index.hnsw.neighbors)
        index.hnsw.entry_point = structure.entry
        index.hnsw.max_level = int(structure.levels.max()) - 1
        index.ntotal = count
        return Searcher(lib, index, "efSearch", *_BREADTHS)
    finder = lib.IndexFlatL2(dim)
    finder.add(np.ascontiguousarray(structure.centroids))
    number = len(structure.centroids)
    index = lib.IndexIVFFlat(finder, dim, number)
    index.is_trained = True
    places = np.arange(count, dtype=np.int64)
    lists = np.ascontiguousarray(structure.lists, dtype=np.int64)
    index.add_core(count, *map(lib.swig_ptr, (vectors, places, lists)))
    return Searcher(lib, index, "nprobe", 1, number, finder)
