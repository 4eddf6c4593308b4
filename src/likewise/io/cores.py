"""How many threads this process may use: all cores, unless it is one of a pool of processes."""

import os
import sys


def in_pool() -> bool:
    """Whether `multiprocessing`, joblib or Dask started this process, perhaps beside others."""
    # Whoever was started so has loaded it; nobody else need to.
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def cores() -> int:
    """The threads that this process may use.

    A pool of processes, each with as many threads as there are cores, is slower than one process.
    So a process of a pool uses as many as OMP_NUM_THREADS says, which joblib sets for its own, and
    one where that says nothing.
    """
    if in_pool():
        said = os.environ.get("OMP_NUM_THREADS", "")
        return max(1, int(said)) if said.isdecimal() else 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
