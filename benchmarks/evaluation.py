"""Error rates and retrieval of many embeddings, exactly: time and peak memory.

    python -m benchmarks.evaluation
    python -m benchmarks.evaluation --items 20000 --identities 2000

Clustered embeddings: identities have a centre each, and items lie around it. Every pair is
compared; no matrix of all pairs is held. The peak is VmHWM, that of the whole process with all it
imports. `--check` compares the figures with those of a plain matrix of all pairs, which takes few
items.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.calibration.fit import fit_calibration
from likewise.distances.euclidean import Euclidean
from likewise.evaluation.verification import verify_all
from likewise.metrics.identification import identification
from likewise.metrics.retrieval import retrieval
from likewise.pairs.all_pairs import AllPairs
from likewise.shapes import Array
from likewise.types import Claim

T = TypeVar("T")


def clustered(items: int, identities: int, dim: int, seed: int = 0) -> tuple[Array, Array]:
    """Embeddings of length about 1 of identities with unequal numbers of items, two at least."""
    random = np.random.default_rng(seed)
    extra = random.multinomial(items - 2 * identities, random.dirichlet(np.full(identities, 2.0)))
    codes = np.repeat(np.arange(identities), 2 + extra)
    vectors = random.normal(size=(identities, dim)).astype(np.float32)[codes]
    spread = np.exp(random.normal(-0.2, 0.3, identities))[codes]
    for start in range(0, items, 10_000):
        part = slice(start, start + 10_000)
        noise = random.normal(size=vectors[part].shape)
        vectors[part] += spread[part, None] * noise.astype(np.float32)
    vectors /= np.sqrt(dim)
    return vectors, codes


def peak_megabytes() -> float:
    """The most memory this process ever held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def timed(name: str, work: Callable[[], T]) -> T:
    """Do the work, and say how long it took and what the peak is by now."""
    start, busy = time.perf_counter(), time.process_time()
    done = work()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    cells = {"": name, "seconds": round(seconds, 1), "seconds of processor": round(busy, 1)}
    results.row("", {**cells, "peak so far, MB": round(peak_megabytes())})
    return done


def plain(vectors: Array, codes: Array) -> tuple[float, float]:
    """The equal error rate and MAP@R from a matrix of all pairs."""
    apart = Euclidean().matrix(vectors, vectors)
    sizes = np.bincount(codes)
    first, second = np.triu_indices(len(codes), 1)
    distances, same = apart[first, second], codes[first] == codes[second]
    weight = np.where(
        same,
        1 / (sizes * (sizes - 1))[codes[first]],
        1 / (sizes[codes[first]] * sizes[codes[second]]),
    )
    order = np.argsort(distances, kind="stable")
    far, frr = (np.cumsum(np.where(sort, weight, 0)[order]) for sort in (~same, same))
    far, frr = far / far[-1], 1 - frr / frr[-1]
    best = int(np.argmin(np.abs(far - frr)))
    np.fill_diagonal(apart, np.inf)
    right = codes[np.argsort(apart, axis=1)] == codes[:, None]
    others = sizes[codes] - 1
    place = np.arange(1, len(codes) + 1)
    precision = np.cumsum(right, axis=1) / place * right * (place <= others[:, None])
    means = np.bincount(codes, precision.sum(1) / others) / sizes
    return float((far[best] + frr[best]) / 2), float(means.mean())


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--identities", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--check", action="store_true", help="compare with a plain matrix")
    parser.add_argument("--calibrate", action="store_true", help="fit thresholds, too")
    given = parser.parse_args()
    print(machine_line())
    vectors, codes = clustered(given.items, given.identities, given.dim)
    compared = AllPairs.of(vectors, codes, Euclidean())
    same, different = compared.counts
    results.note(
        f"{given.items:,} x {given.dim} of {given.identities:,} identities: {same:,} same and "
        f"{different:,} different pairs; {peak_megabytes():.0f} MB before anything is measured"
    )
    claim = Claim.NEW_IDENTITIES
    if given.calibrate:
        timed("thresholds", lambda: fit_calibration(compared, claim))
    found = timed("EER, AUC, minDCF", lambda: verify_all(compared, (), claim))
    (rates,) = timed(
        "rates at one threshold", lambda: compared.rates([float(found.histogram.edges[12])], claim)
    )
    matrix = Euclidean().matrix
    lists = timed("retrieval", lambda: retrieval(vectors, codes, matrix, approximate=Euclidean()))
    who = timed("identification", lambda: identification(vectors, codes, matrix, 1.0))
    if lists is None or who is None:
        raise SystemExit("every identity has one item")
    results.note(f"EER {found.eer:.6f}, AUC {found.auc:.6f}, MAP@R {lists.map_at_r.value:.6f}")
    results.note(f"P@1 {lists.precision_at_1.value:.6f}, rank 1 {who.rank_1.value:.6f}")
    results.note(f"FAR {rates.far.value:.3g} ({rates.far.low:.3g} to {rates.far.high:.3g})")
    if given.check:
        eer, average = plain(compared.vectors, compared.codes)
        results.note(f"plain matrix: EER {eer:.6f}, MAP@R {average:.6f}")


if __name__ == "__main__":
    results.run("evaluation", main)
