"""A store of another package joins through the entry point, and runs the contract of the stores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# It keeps its rows as the house's own store does: what is tested is that it is found and held to
# the contract, not how one keeps rows.
STORE = '''
from contextlib import ExitStack
from typing import final
from likewise.stores.again import opened_again
from likewise.stores.base import Store
from likewise.stores.sqlite.store import Sqlite

@final
class Elsewhere(Store):
    """Rows that another package keeps."""

    def __init__(self, path: str, *, pin=None, writing=True):
        self._inner = Sqlite(path, pin=pin, writing=writing)
        self._writing = writing
        self._path = path
        self.resources = ExitStack()
        self.resources.callback(self._inner.close)

    def __reduce__(self):
        return (opened_again, (Elsewhere, (self._path,), self.state().pin, self._writing))

    def write(self, change):
        return self._inner.write(change)

    def read(self, ids=None, where=None, *, vectors=True, items=False):
        return self._inner.read(ids, where, vectors=vectors, items=items)

    def nearest(self, queries, k, where=None, *, approximate=False):
        return self._inner.nearest(queries, {k}, where)

    def state(self, where=None, *, log=0):
        return self._inner.state(where, log=log)
'''


def contract(folder: Path, k: str, only: str) -> str:
    """What the contract tests say of a store that was installed in a folder."""
    (folder / "elsewhere.py").write_text(STORE.replace("{k}", k))
    installed = folder / "elsewhere-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "[likewise.components]\nstores.elsewhere = elsewhere:Elsewhere\n"
    )
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", tests / "contracts" / "test_stores.py", "-n", "0",
         "-k", f"elsewhere and ({only})", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return done.stdout


def test_a_store_of_another_package_is_held_to_the_contract(tmp_path):
    said = contract(tmp_path, "k", "empty or conditions or log or pickled")
    assert "5 passed" in said, said


def test_one_that_breaks_it_is_found_out(tmp_path):
    said = contract(tmp_path, "1", "removed_is_found")
    assert "1 failed" in said, said


@pytest.mark.slow
def test_it_passes_the_whole_contract(tmp_path):
    said = contract(tmp_path, "k", "elsewhere")
    assert "passed" in said, said
    assert "failed" not in said, said
    assert "error" not in said, said
