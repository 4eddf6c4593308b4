"""Items and sources from a stranger are refused by name, or read as what they are."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.hostile import archives, images, series
from tests.hostile.items import Case
from tests.hostile.run_folders import snapshot
from tests.hostile.run_items import Outcome, run, table


@pytest.fixture
def world(tmp_path) -> Path:
    (tmp_path / "secret.bin").write_bytes(bytes(range(256)))
    (tmp_path / "outside").mkdir()
    return tmp_path


def checked(cases: Iterable[Case], world: Path) -> list[Outcome]:
    outside = snapshot(world)
    outcomes = run(cases, world)
    wrong = [
        f"{o.case.sort}, {o.case.name}: {'; '.join(o.problems)}" for o in outcomes if o.problems
    ]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}:\n" + "\n".join(wrong)
    assert not (world / "canary").exists()
    (world / "items").rmdir()
    assert snapshot(world) == outside
    return outcomes


def test_some_of_each_sort(world) -> None:
    canary = world / "canary"
    every = [*images.depths(), *images.turned(), *images.transparent(), *images.no_images()]
    every += [*series.npy(canary), *series.ts(), *archives.names(), *archives.folders()]
    some = [case for case in every if "million" not in case.name]
    assert len(checked(some[::3], world)) >= 100


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_item(world, capsys) -> None:
    canary = world / "canary"
    every = [*images.every(), *series.every(canary), *archives.every(canary)]
    start = time.monotonic()
    outcomes = checked(every, world)
    with capsys.disabled():
        sys.stdout.write(f"\n{table(outcomes)}\n{time.monotonic() - start:.0f} seconds\n")
    assert len(outcomes) >= 200
