"""The plan of the house: where things stand, and through which door others come to them."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import likewise

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "likewise"
FACES = "results data recipe pairs calibration model precomputed evaluation auditing duplicates"
FACES += " gallery wrapping report"
PATHS = sorted(SOURCE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PATHS}


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    words = ("likewise", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(words).removesuffix(".__init__")


MODULES = {module_of(path): path for path in PATHS}
FOLDERS = {path.parent.relative_to(SOURCE).as_posix() for path in PATHS} - {"."}


def typed_only(tree: ast.Module) -> set[int]:
    """The nodes under `if TYPE_CHECKING`, which import nothing."""
    blocks = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CH" in ast.dump(node)
    ]
    return {id(part) for block in blocks for part in ast.walk(block)}


def house_imports(path: Path) -> Iterator[tuple[ast.ImportFrom, ast.alias, str]]:
    """Each name that a file imports of the house, and the module that it comes from or is."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("likewise"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield node, alias, whole if whole in MODULES else str(node.module)


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"


def test_few_modules_lie_at_the_top() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 14


def test_every_folder_of_the_tests_is_one_of_the_package() -> None:
    tests = ROOT / "tests"
    own = {"contracts", "golden", "hostile"}
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    assert {name for name in folders - {"."} if name.split("/")[0] not in own} <= FOLDERS


@pytest.mark.parametrize("package", FACES.split())
def test_others_come_to_a_concept_by_its_face(package: str) -> None:
    inside = f"likewise.{package}"
    found = [
        f"{where(path, node)}: from {node.module} import {alias.name}"
        for path in PATHS
        if not f"{module_of(path)}.".startswith(f"{inside}.")
        for node, alias, module in house_imports(path)
        if module.startswith(f"{inside}.")
    ]
    assert found == []


@pytest.mark.parametrize("package", [*FACES.split(), "learn"])
def test_a_face_gives_what_it_lists(package: str) -> None:
    if package == "learn":
        pytest.importorskip("torch")
    face = __import__(f"likewise.{package}", fromlist=["face"])
    listed = {
        alias.name
        for node in ast.walk(TREES[SOURCE / package / "__init__.py"])
        if isinstance(node, ast.ImportFrom) and node.module != "likewise.lazy"
        for alias in node.names
    } - {"TYPE_CHECKING"}
    assert sorted(listed) == dir(face)
    assert [name for name in listed if getattr(face, name, None) is None] == []
    # Else the sub-module, once imported, would stand where the name was.
    assert [name for name in listed if f"likewise.{package}.{name}" in MODULES] == []
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = face.nothing


def test_nothing_is_imported_under_another_name() -> None:
    """Two things of one name are named apart where they are made; a family is `FAMILY` anywhere."""
    found = [
        f"{where(path, node)}: {alias.name} as {alias.asname}"
        for path in PATHS
        for node, alias, _ in house_imports(path)
        if alias.asname and alias.name != "FAMILY"
    ]
    assert found == []


def test_a_public_name_is_given_once() -> None:
    """But for `command`, which each file of the command line has."""
    given = defaultdict(list)
    for path, tree in TREES.items():
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and node.name != "command":
                given[node.name].append(module_of(path))
    assert {name: places for name, places in given.items() if len(places) > 1} == {}


def test_no_public_name_is_that_of_a_package() -> None:
    packages = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    assert set(likewise.__all__) & packages == set()


def test_no_files_import_each_other_in_a_circle() -> None:
    needs: dict[str, set[str]] = {}
    for path in PATHS:
        typed = typed_only(TREES[path])
        needs[module_of(path)] = {
            module for node, _, module in house_imports(path) if id(node) not in typed
        } - {module_of(path)}
    while True:
        free = {name for name, others in needs.items() if not others & needs.keys()}
        if not free:
            break
        needs = {name: others for name, others in needs.items() if name not in free}
    # What is left is a circle, or stands above one.
    above = {name for name in needs if not any(name in others for others in needs.values())}
    assert needs.keys() - above == set()


def test_the_contract_of_the_house_has_few_rows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["id"]: one for one in project["tool"]["importlinter"]["contracts"]}
    assert len(contracts["house"]["layers"]) <= 24


def test_architecture_has_one_page_and_names_tests_that_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.encode()) <= 8192
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) >= 15
    for place, test in named:
        assert (ROOT / place).is_file(), place
        assert not test or f"def {test}(" in (ROOT / place).read_text(encoding="utf-8"), test


def test_architecture_lists_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tops = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    listed = set(re.findall(r"`(\w+)/`", text))
    assert tops - listed == set()
