"""README and pages tell the truth: tables equal what makes them, links lead, code runs."""

import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.sources.characters import Characters
from likewise.tasks import TASKS
from tests.conftest import glyphs

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
TASKS_PAGE = DOCS / "tasks.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]


def block(language: str, page: Path = README) -> str:
    return re.search(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)[1]


def without_code(text: str) -> str:
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", outside)


def anchors(page: Path) -> set[str]:
    """What a link to a page may name: its headings as a forge makes anchors of them, and ids."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def test_the_readme_is_one_screen():
    assert len(README.read_bytes()) <= 8192


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


def test_every_page_is_listed():
    listed = set(re.findall(r"\]\(([\w./-]+\.md)", (DOCS / "index.md").read_text()))
    assert {page.name for page in DOCS.glob("*.md")} - listed == {"index.md"}
    listed = set(re.findall(r"\]\(([\w-]+\.md)", (DOCS / "decisions" / "README.md").read_text()))
    assert {page.name for page in (DOCS / "decisions").glob("*.md")} - listed == {"README.md"}


@pytest.mark.parametrize("name", ["components", "recipes"])
def test_the_tables_equal_what_makes_them(name):
    made = runpy.run_path(str(DOCS / "make_tables.py"))["made_anew"](name)
    assert (DOCS / f"{name}.md").read_text() == made, "run `make tables`"


def test_the_task_table_equals_the_tasks():
    rows = re.findall(r"^\| (\w+) \| `likewise \1 ", TASKS_PAGE.read_text(), re.MULTILINE)
    assert rows == list(TASKS)
    told = README.read_text().partition("## What it does")[2]
    assert set(TASKS) <= set(re.findall(r"^\| \[(\w+)\]", told, re.MULTILINE))


@pytest.mark.documents
@pytest.mark.parametrize("page", [README, DOCS / "training.md"], ids=lambda page: page.stem)
def test_the_python_runs(page, tmp_path, monkeypatch, capsys):
    items = Characters().items()
    for name, row in (("a", 0), ("b", 1)):
        Image.fromarray(items.read(row)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    code = block("python", page)
    assert 'budget="1min"' in code
    exec(code.replace('budget="1min"', "steps=5"), {})  # noqa: S102 - our own page
    out = capsys.readouterr().out
    assert re.search(r"^(same|different) ", out, re.MULTILINE)
    assert page == README or "Rate(value=" in out


@pytest.mark.documents
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
    lines = block("sh", TASKS_PAGE).strip().splitlines()
    assert len(lines) == 7
    assert block("sh").strip().splitlines() == lines[:3]
    for line in lines:
        words = shlex.split(line.partition("#")[0])
        assert words[0] == "likewise"
        code, out, err = likewise(*words[1:], *(["--epochs", "3"] if "train" in words else []))
        assert code == 0, err
        assert out
    assert (tmp_path / "e.npz").is_file()
    assert (tmp_path / "audit.html").is_file()
    assert (tmp_path / "model" / "evaluation-other.html").is_file()


@pytest.mark.documents
@pytest.mark.parametrize("path", sorted((README.parent / "examples").glob("*.py")))
def test_examples_run(path, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("sys.argv", [str(path), "--out", str(tmp_path / "out"), "--budget", "2s"])
    monkeypatch.delenv("LIKEWISE_CHECK_SHAPES", raising=False)
    runpy.run_path(str(path), run_name="__main__")
    assert "report" in capfd.readouterr().out
