"""Parts of a large work done by several threads, in their order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from likewise.io.cores import cores

P = TypeVar("P")
R = TypeVar("R")

# Threads hold a block each, and the memory of all blocks is to stay small on large machines too.
_MOST = 4
# Fewer parts than this are done before threads would have begun.
_FEWEST_PARTS = 4
_LIMITED = threading.Lock()


def in_order(
    work: Callable[[P], R], parts: Sequence[P], *, alone: bool = False
) -> Iterator[tuple[P, R]]:
    """Each part with what became of it, in the order of the parts, whichever was done first.

    NumPy works outside Python's lock nearly all of the time, so that threads are enough. At most
    two parts a thread are under way. An error of a part is raised in its turn.

    Args:
        work: Called in a thread with a part.
        parts: What is to be done.
        alone: Whether the work may not be done by several threads at once.
    """
    threads = min(_MOST, cores())
    if alone or threads < 2 or len(parts) < _FEWEST_PARTS:
        for part in parts:
            yield part, work(part)
        return
    waiting: deque[tuple[P, Future[R]]] = deque()
    with _one_thread_each(), ThreadPoolExecutor(threads, "likewise-blocks") as pool:
        try:
            for part in parts:
                waiting.append((part, pool.submit(work, part)))
                if len(waiting) > 2 * threads:
                    first, done = waiting.popleft()
                    yield first, done.result()
            while waiting:
                first, done = waiting.popleft()
                yield first, done.result()
        finally:
            for _, undone in waiting:
                undone.cancel()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """BLAS with one thread for each of ours: threads of its own only wait for one another.

    Measured on two cores, a block a thread: half to a third of the processor time.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # It comes with scikit-learn; without it the result is the same, later.
        yield
        return
    # The limit is one of the whole process: who comes second would find it, and put it back late.
    if not _LIMITED.acquire(blocking=False):
        yield
        return
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _LIMITED.release()
