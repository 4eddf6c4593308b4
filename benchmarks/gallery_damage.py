"""What a gallery answers once its files are damaged.

python -m benchmarks.gallery_damage
python -m benchmarks.gallery_damage --count 2000 --seed 7

A gallery of 314 entries, with items, metadata, removed entries and an index, is copied, and one of
its three files is damaged at random: a bit, a byte, zeros, noise, bytes moved from elsewhere, or
the end cut off. Then it is asked for its nearest (exactly and by its index), with a condition, for
all entries and their items. An answer that is not as it was, without a word of it, is silent.

refused  an error of the house, which says that it is damaged
named    the damaged entries are named, and left out of every answer; all others are as they were
none     nothing that was asked for had changed
silent   an entry, a vector, a distance or metadata that are not as they were, and nothing is said
"""

import argparse
import tempfile
import warnings
from pathlib import Path

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.io.warned import LikewiseWarning
from tests.stores.sqlite.test_damage import damages, make_whole


def main() -> None:
    """Print how damaged galleries answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(machine_line())
    warnings.simplefilter("ignore", LikewiseWarning)
    with tempfile.TemporaryDirectory() as folder:
        whole = make_whole(Path(folder) / "whole")
        # It ends with the damage, by its kind and place, where one is silent.
        counts = damages(whole, Path(folder) / "copy", given.count, given.seed)
    results.row("", {"damages": given.count, "seed": given.seed, **counts, "silent": 0})


if __name__ == "__main__":
    results.run("gallery_damage", main)
