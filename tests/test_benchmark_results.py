"""A benchmark keeps its figures in a file, and the page of benchmarks is made of these files."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_page_of_benchmarks_equals_what_makes_it(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.page import PAGE, page
    from benchmarks.results import read

    assert PAGE.read_text() == page(read()), "run `make tables`"


def test_a_benchmark_leaves_its_figures_in_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import results
    from benchmarks.page import page

    monkeypatch.setattr(results, "_tables", [])
    monkeypatch.setattr(results, "_notes", [])
    monkeypatch.setenv("LIKEWISE_RESULTS", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["x", "--budget", "2s", "--keep", "/somewhere/private/kept"])

    def main():
        results.row("", {"encoder": "koch", "FAR": 0.012345})
        results.row("", {"encoder": "vgg", "FAR": 0.5, "seconds": 1234})
        results.note("measured once")

    results.run("choose", main)
    (written,) = tmp_path.iterdir()
    assert written.name == "choose-budget-2s-keep-kept.json"
    found = json.loads(written.read_text())
    assert found["command"] == ["python -m benchmarks.choose --budget 2s --keep kept"]
    assert found["figures"] == [
        {
            "title": "",
            "columns": ["encoder", "FAR", "seconds"],
            "rows": [["koch", 0.012345, None], ["vgg", 0.5, 1234]],
        }
    ]
    assert found["machine"]["processor"]
    assert found["date"].startswith("20")
    assert "| vgg | 0.5 | 1,234 |" in capsys.readouterr().out
    shown = page(results.read(tmp_path))
    assert "| koch | 0.01235 |  |" in shown
    assert "measured once" in shown
    with pytest.raises(SystemExit, match="2"):
        results.run("failed", lambda: sys.exit(2))
    assert list(tmp_path.iterdir()) == [written]
