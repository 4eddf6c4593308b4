"""The README tells the truth: its tables equal the registries, and its code runs."""

import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.recipe.presets import rows
from likewise.registry import families
from likewise.sources.characters import Characters
from likewise.tasks import TASKS
from tests.conftest import glyphs

README = Path(__file__).parents[1] / "README.md"


def component_table() -> str:
    """The table that the README must hold."""
    lines = ["| family | component | what it is |", "|---|---|---|"]
    for name, family in families().items():
        for component in family.names():
            found = family.describe(component)
            lines.append(f"| {name} | `{component}` | {found.summary} |")
    return "\n".join(lines)


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)[1]


def test_the_component_table_equals_the_registries():
    between = re.search(
        r"<!-- components -->\n(.*?)\n<!-- /components -->", README.read_text(), re.DOTALL
    )
    assert between, "the README lacks its component table"
    assert between[1] == component_table()


def recipe_table() -> str:
    """The table of recipes that the README must hold."""
    lines = ["| recipe | for | time | what it says | measured |", "|---|---|---|---|---|"]
    for row in rows():
        says = "; ".join(f"`{key} = {value!r}`" for key, value in row.fields.items())
        time = row.time if row.kind else "by name alone"
        lines.append(f"| `{row.name}` | {row.suits} | {time} | {says} | {row.measured} |")
    return "\n".join(lines)


def test_the_recipe_table_equals_the_file():
    between = re.search(
        r"<!-- recipes -->\n(.*?)\n<!-- /recipes -->", README.read_text(), re.DOTALL
    )
    assert between, "the README lacks its table of recipes"
    assert between[1] == recipe_table()


def test_the_task_table_equals_the_tasks():
    table = README.read_text().partition("## Tasks")[2].partition("## ")[0]
    assert re.findall(r"^\| (\w+) \| `likewise \1 ", table, re.MULTILINE) == list(TASKS)


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    items = Characters().items()
    for name, row in (("a", 0), ("b", 1)):
        Image.fromarray(items.read(row)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    code = block("python")
    assert "budget_seconds=60" in code
    exec(code.replace("budget_seconds=60", "steps=20"), {})  # noqa: S102 - our own README
    out = capsys.readouterr().out
    assert re.search(r"^(same|different) ", out, re.MULTILINE)
    assert "Rate(value=" in out


def test_the_shell_lines_run(tmp_path, monkeypatch, likewise):
    glyphs(tmp_path / "faces", count=60, each=6)
    glyphs(tmp_path / "other", first=500, count=22, each=4)
    picture = next((tmp_path / "other").glob("*/*/0.png"))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture.read_bytes())
    glyphs(tmp_path / "clinic", first=600, count=24, each=4)
    random = np.random.default_rng(0)
    rows = [f"{i},{i + 300},{i % 2},{random.random() + 1 - i % 2}" for i in range(300)]
    (tmp_path / "comparisons.csv").write_text("\n".join(["id1,id2,same,distance", *rows]))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(picture.read_bytes())
    monkeypatch.chdir(tmp_path)
    lines = [line.partition("#")[0] for line in block("sh").strip().splitlines()]
    assert len(lines) == 7
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "likewise"
        code, out, err = likewise(*words[1:], *(["--epochs", "3"] if "train" in words else []))
        assert code == 0, err
        assert out
    assert (tmp_path / "e.npz").is_file()
    assert (tmp_path / "audit.html").is_file()
    assert (tmp_path / "model" / "evaluation-other.html").is_file()


@pytest.mark.parametrize("path", sorted((README.parent / "examples").glob("*.py")))
def test_examples_run(path, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("sys.argv", [str(path), "--out", str(tmp_path / "out"), "--budget", "2s"])
    monkeypatch.delenv("LIKEWISE_CHECK_SHAPES", raising=False)
    runpy.run_path(str(path), run_name="__main__")
    assert "report" in capfd.readouterr().out
