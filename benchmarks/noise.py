"""Random distances are worth a coin: what `evaluate` says of comparisons that tell nothing.

    python -m benchmarks.noise
    python -m benchmarks.noise --repeats 500 --command 10 --pairs 50

The truth is half same and half different, or a coin's (`--coins`); distances are uniform and know
nothing of it, so every true accuracy is .5. "ours" is what `likewise evaluate comparisons.csv`
shows: stratified folds, each decided by the threshold that the others fit. Beside it stand what a
threshold says of the very pairs that it was fitted on, and what folds say whose pairs were dealt
without regard to the truth, with the threshold of most right decisions. The statistic is measured
by the library; through the command, a table is written, read, calibrated and measured each time,
and must give the accuracy that the library gives.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.cli import main as likewise
from likewise.evaluation.accuracy import accuracy
from likewise.evaluation.cross_validation import ACCURACY_POINT, decide_folds
from likewise.metrics.verification import least_cost
from likewise.pairs.all_pairs import PairSet
from likewise.pairs.listed_pairs import ListedPairs
from likewise.precomputed import PrecomputedComparisons
from likewise.precomputed.folds import FOLDS, deal
from likewise.results.rates import Accuracy
from likewise.shapes import Array

WITHIN = 0.005
COVERED = (0.93, 0.99)


def noise(pairs: int, seed: int, *, coins: bool) -> PrecomputedComparisons:
    """Comparisons that tell nothing; every pair has items of its own."""
    random = np.random.default_rng([pairs, seed])
    same = random.random(pairs) < 0.5 if coins else random.permutation(pairs) < pairs // 2
    ids = np.arange(pairs).astype(np.str_)
    return PrecomputedComparisons.of(
        same, random.random(pairs), np.char.add("a", ids), np.char.add("b", ids)
    )


def balanced(known: PairSet) -> dict[str, float]:
    """The threshold of the point `balanced`, by one sort."""
    if not isinstance(known, ListedPairs):
        raise TypeError(f"{known} are no listed pairs.")
    same, different = known.same / known.same.sum(), ~known.same / (~known.same).sum()
    threshold, _ = least_cost(known.distances, same, different, 0.0, 0.0)
    return {ACCURACY_POINT: threshold}


def ours(given: PrecomputedComparisons) -> Accuracy:
    """What the command shows, without what else it measures."""
    (decided,) = decide_folds(given, deal(given), balanced).values()
    return accuracy(decided, balanced=False)


def most_right(same: Array, distances: Array) -> float:
    """The threshold of most right decisions."""
    order = np.argsort(distances)
    gained = np.concatenate([[0], np.cumsum(np.where(same[order], 1, -1))])
    best = int(np.argmax(gained))
    return float(distances[order][best - 1]) if best else -1.0


def on_itself(given: PrecomputedComparisons) -> float:
    """The accuracy of a threshold on the pairs that it was fitted on."""
    threshold = most_right(given.same, given.distances)
    return float(((given.distances <= threshold) == given.same).mean())


def unstratified(given: PrecomputedComparisons, seed: int) -> float:
    """The accuracy pooled over folds that were dealt without regard to the truth."""
    folds = np.random.default_rng(seed).permutation(len(given.same)) % FOLDS
    right = 0
    for fold in range(FOLDS):
        out = folds == fold
        threshold = most_right(given.same[~out], given.distances[~out])
        right += int(((given.distances[out] <= threshold) == given.same[out]).sum())
    return right / len(given.same)


def through_command(given: PrecomputedComparisons, folder: Path) -> Accuracy:
    """The same through `likewise evaluate`, with everything that it does."""
    path = folder / "noise.csv"
    columns = zip(
        given.items[given.first],
        given.items[given.second],
        given.same.astype(int),
        given.distances.tolist(),
        strict=True,
    )
    rows = [",".join(map(str, row)) for row in columns]
    path.write_text("\n".join(["id1,id2,same,distance", *rows]) + "\n", encoding="utf-8")
    page = str(folder / "noise.html")
    sys.argv = ["likewise", "evaluate", str(path), "--report", page, "--json"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        likewise()
    found = json.loads(said.getvalue())
    if "accuracy" not in found:
        raise SystemExit(found.get("message", said.getvalue()))
    return Accuracy(**found["accuracy" if found["accuracy"] else "balanced_accuracy"])


def row(pairs: int, name: str, found: list[Accuracy]) -> bool:
    """Print the mean and the coverage; whether both are as they should be."""
    values = np.array([one.value for one in found])
    covered = np.mean([one.low is not None and one.low <= 0.5 <= (one.high or 0) for one in found])
    widths = np.array([(one.high or 1) - (one.low or 0) for one in found])
    error = values.std(ddof=1) / np.sqrt(len(values))
    cells = {"pairs": pairs, "": name, "mean": float(values.mean()), "standard error": error}
    told = {"the interval covers .5": float(covered), "of": len(found)}
    results.row("", {**cells, **told, "mean width": float(widths.mean())})
    return bool(abs(values.mean() - 0.5) <= WITHIN and COVERED[0] <= covered <= COVERED[1])


def main() -> None:
    """Print what is said of noise; exit 1 where the statistic is not worth a coin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, nargs="*", default=[50, 200, 1000])
    parser.add_argument("--repeats", type=int, default=5000)
    parser.add_argument("--command", type=int, default=100, help="repeats through the command")
    parser.add_argument("--coins", action="store_true", help="the truth is a coin's, too")
    given = parser.parse_args()
    print(machine_line())
    good = True
    for pairs in given.pairs:
        started = time.perf_counter()
        tables = [noise(pairs, seed, coins=given.coins) for seed in range(given.repeats)]
        good &= row(pairs, "ours", [ours(table) for table in tables])
        means = [np.mean([on_itself(table) for table in tables])]
        means.append(np.mean([unstratified(table, i) for i, table in enumerate(tables)]))
        names = ("fitted and measured on the same pairs", "folds dealt blindly")
        for name, mean in zip(names, means, strict=True):
            results.row("", {"pairs": pairs, "": name, "mean": float(mean)})
        if given.command:
            with tempfile.TemporaryDirectory() as folder:
                shown = [through_command(table, Path(folder)) for table in tables[: given.command]]
            row(pairs, "ours, through the command", shown)
            library = [ours(table).value for table in tables[: given.command]]
            apart = max(abs(one.value - other) for one, other in zip(shown, library, strict=True))
            results.note(
                f"{pairs} pairs: the command and the library differ by {apart:.2g} at most"
            )
            good &= apart < 1e-9 or given.coins
        print(f"  {time.perf_counter() - started:.0f} s", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    results.run("noise", main)
