"""The rules of the house that no linter knows."""

import ast
import importlib
import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import likewise
from likewise import errors
from likewise.registry import FAMILIES, Family, families

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "likewise"
PUBLIC = [
    "Gallery",
    "Model",
    "Recipe",
    "__version__",
    "audit",
    "calibrate",
    "cross_validate",
    "decide",
    "dedupe",
    "embed",
    "enrol",
    "evaluate",
    "identify",
    "load",
    "migrate",
    "monitor",
    "search",
    "train",
    "tune",
    "verify",
    "wrap",
]

MODULES = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
LISTED = [(family, name) for family in families().values() for name in family._table]
Functions = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of these kinds in the package, and where it stands."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield f"{name}:{getattr(node, 'lineno', 0)}", node


def dotted(node: ast.AST) -> str:
    """A name with its attributes, as in `np.load`; empty for anything else."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


# ── size and names ────────────────────────────────────────────────────────────────────────────


def test_no_module_is_longer_than_400_lines() -> None:
    places = [*MODULES.values(), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("examples/*.py")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in places}
    assert {path.name: count for path, count in lengths.items() if count > 400} == {}


def test_no_function_has_more_than_50_statements() -> None:
    long = {}
    for place, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, Functions)
        inside = [part for line in node.body for part in ast.walk(line)]
        count = sum(isinstance(part, ast.stmt) for part in inside)
        count -= ast.get_docstring(node) is not None
        if count > 50:
            long[f"{place} {node.name}"] = count
    assert long == {}


def test_no_module_is_named_for_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
    words = {name: set(Path(name).with_suffix("").parts) for name in MODULES}
    assert [name for name, parts in words.items() if parts & empty] == []


def own_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that a module gives: of functions, classes, arguments, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, Documented):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def test_nothing_of_ours_is_called_a_score() -> None:
    """A distance, a similarity or a probability; texts, columns and other libraries may say it."""
    word = re.compile(r"(?<![A-Za-z])scor(e|es|ed|ing)(?![A-Za-z])", re.IGNORECASE)
    found = [
        f"{name}:{row}: {given}"
        for name, tree in TREES.items()
        for row, given in own_names(tree)
        if word.search(given)
    ]
    assert found == []


# ── components ────────────────────────────────────────────────────────────────────────────────


def base_of(family: Family[object]) -> type:
    """The abstract class of a family: the one class in its `base.py`."""
    path = f"{family.package.removeprefix('likewise.').replace('.', '/')}/base.py"
    classes = [node.name for node in TREES[path].body if isinstance(node, ast.ClassDef)]
    assert len(classes) == 1, f"{path} holds {classes}, and one class is expected"
    base: type = getattr(importlib.import_module(f"{family.package}.base"), classes[0])
    return base


def class_of(family: Family[object], name: str) -> type:
    module, _, attribute = family.target(name).partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found


@pytest.mark.parametrize("package", FAMILIES.values())
def test_base_holds_the_abstract_class_alone(package: str) -> None:
    family = importlib.import_module(package).FAMILY
    tree = TREES[f"{package.removeprefix('likewise.').replace('.', '/')}/base.py"]
    rest = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert [type(node) for node in rest] == [ast.Expr, ast.ClassDef]
    assert inspect.isabstract(base_of(family))


@pytest.mark.parametrize(("family", "name"), LISTED, ids=lambda part: getattr(part, "name", part))
def test_a_component_is_final_and_extends_its_family_alone(
    family: Family[object], name: str
) -> None:
    found = class_of(family, name)
    assert found.__bases__ == (base_of(family),)
    assert found.__dict__.get("__final__") is True, f"{found} is not decorated with @final"
    assert not inspect.isabstract(found)


@pytest.mark.parametrize(("family", "name"), LISTED, ids=lambda part: getattr(part, "name", part))
def test_a_component_says_what_it_does_and_what_it_takes(family: Family[object], name: str) -> None:
    found = class_of(family, name)
    text = inspect.cleandoc(found.__dict__["__doc__"] or "")
    first = text.splitlines()[0]
    assert first.endswith(".")
    assert len(first.split()) >= 3
    assert family.describe(name).summary == first
    section = re.search(r"^Args:\n((?: .*\n?|\n)+)", text, flags=re.MULTILINE)
    told = re.findall(r"^    (\w+):", section[1] if section else "", flags=re.MULTILINE)
    takes = [argument.name for argument in family.describe(name).arguments]
    assert [argument for argument in takes if argument not in told] == []
    parameters = [*inspect.signature(found).parameters] if "__init__" in vars(found) else []
    assert [argument for argument in told if argument not in parameters] == []


@pytest.mark.parametrize(("family", "name"), LISTED, ids=lambda part: getattr(part, "name", part))
def test_what_is_read_from_the_source_is_what_the_class_takes(
    family: Family[object], name: str
) -> None:
    found = class_of(family, name)
    parameters = inspect.signature(found).parameters if "__init__" in vars(found) else {}
    kinds = {parameter.kind for parameter in parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    described = [argument.name for argument in family.describe(name).arguments]
    assert described == [argument for argument in parameters if argument not in family.context]


@pytest.mark.parametrize("package", FAMILIES.values())
def test_no_component_is_left_out_of_its_table(package: str) -> None:
    family = importlib.import_module(package).FAMILY
    base = base_of(family).__name__
    folder = package.removeprefix("likewise.").replace(".", "/")
    written = {
        f"likewise.{name.removesuffix('.py').replace('/', '.')}:{node.name}"
        for name, tree in TREES.items()
        if Path(name).is_relative_to(folder)
        for node in tree.body
        if isinstance(node, ast.ClassDef) and base in map(dotted, node.bases)
    }
    assert written == set(family._table.values())


# ── what stands in no library code ────────────────────────────────────────────────────────────


def test_only_commands_print() -> None:
    found = [
        place
        for place, node in nodes(ast.Call)
        if isinstance(node, ast.Call)
        and dotted(node.func) in {"print", "sys.stdout.write", "sys.stderr.write"}
        and not place.startswith("cli/")
    ]
    assert found == []


def test_nothing_is_pickled() -> None:
    pickling = {
        "pickle",
        "cPickle",
        "_pickle",
        "dill",
        "cloudpickle",
        "joblib",
        "shelve",
        "marshal",
    }
    found = []
    for place, node in nodes(ast.Import, ast.ImportFrom, ast.Call):
        if isinstance(node, ast.Import):
            wrong = any(alias.name.partition(".")[0] in pickling for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            wrong = (node.module or "").partition(".")[0] in pickling
            wrong |= node.module == "torch" and bool(names & {"load", "save"})
            wrong |= node.module == "numpy" and bool(names & {"load", "save", "savez"})
        else:
            assert isinstance(node, ast.Call)
            called = dotted(node.func)
            told = {key.arg: key.value for key in node.keywords}
            allowed = told.get("allow_pickle")
            refused = isinstance(allowed, ast.Constant) and allowed.value is False
            wrong = called in {"np.load", "numpy.load"} and not refused
            wrong |= re.fullmatch(r"(.*\.)?(torch|fabric)\.(load|save)", called) is not None
        if wrong:
            found.append(f"{place} {ast.unparse(node)}")
    assert found == []


def undocumented(node: ast.Module | ast.ClassDef, place: str) -> Iterator[str]:
    for part in node.body:
        if not isinstance(part, Documented) or part.name.startswith("_"):
            continue
        setter = any(dotted(decorator).endswith(".setter") for decorator in part.decorator_list)
        if ast.get_docstring(part) is None and not setter:
            yield f"{place}:{part.lineno} {part.name}"
        if isinstance(part, ast.ClassDef):
            yield from undocumented(part, place)


def test_everything_public_is_documented() -> None:
    found = [name for name, tree in TREES.items() if ast.get_docstring(tree) is None]
    found += [place for name, tree in TREES.items() for place in undocumented(tree, name)]
    assert found == []


# ── the front door, the errors, the project ───────────────────────────────────────────────────


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(likewise.__all__) == PUBLIC
    seen = [
        name
        for name in dir(likewise)
        if name == "__version__"
        or not (name.startswith("_") or isinstance(getattr(likewise, name), ModuleType))
    ]
    assert sorted(seen) == PUBLIC


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert likewise.__version__ == project["version"]


def test_the_docstring_of_errors_is_the_tree_of_errors() -> None:
    told: dict[str, tuple[str, str | None]] = {}
    above = ["LikewiseError"]
    for row in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ((?:│   |    )*)[├└]── (\w+) +(?:\((\w+)\) +)?\S", row)
        if found:
            depth = len(found[1]) // 4 + 1
            told[found[2]] = (above[depth - 1], found[3])
            above[depth:] = [found[2]]
    written = {}
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value is not errors.LikewiseError:
            parent, *builtin = (base.__name__ for base in value.__bases__)
            written[name] = (parent, builtin[0] if builtin else None)
    assert told == written
    assert len(told) > 20


def test_every_error_that_is_raised_is_also_a_builtin() -> None:
    for name, value in vars(errors).items():
        if inspect.isclass(value) and not value.__subclasses__():
            others = [base for base in value.__bases__ if base.__module__ == "builtins"]
            assert issubclass(value, errors.LikewiseError), name
            assert len(others) == 1, f"{name} is no builtin"
            assert str(value("what was given")) == "what was given"


OUTSIDE_ALL: dict[str, str] = {}
"""Extras that `all` leaves out, and why; what they install is pinned by nobody."""


def test_every_extra_is_in_all_or_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    (everything,) = extras.pop("all")
    named = set(re.findall(r"\w+", everything.partition("[")[2]))
    assert extras.keys() - named == OUTSIDE_ALL.keys()
    assert all(OUTSIDE_ALL.values())


def test_the_constraints_are_names_and_versions_of_all_that_is_installed() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    # A local version, as in 1.0+cpu, would be found on one machine only.
    pins = [re.fullmatch(r"([\w.-]+)==\d[\w.]*", line) for line in lines]
    assert [line for line, pin in zip(lines, pins, strict=True) if pin is None] == []
    assert lines == sorted(lines, key=str.upper)
    known = {plain_name(pin[1]) for pin in pins if pin}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].items()
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    asked += [one for extra, needs in extras if extra not in OUTSIDE_ALL for one in needs]
    names = {plain_name(re.split(r"[^\w.-]", requirement)[0]) for requirement in asked}
    assert names - known == {"likewise"}


def plain_name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_no_file_of_the_project_names_a_package_host() -> None:
    """Names and versions only: where packages come from is the machine's affair.

    Documents may lead to a project's own pages, never to where its packages lie.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone, so that there is no list of its files")
    hosts = "pypi|pythonhosted|debian|ubuntu|npmjs|yarnpkg|anaconda|conda|crates"
    options = r"--(extra-)?index-url|--find-links[ =]"
    packages = re.compile(rf"https?://[^\s/]*\b({hosts}|download\.pytorch)\b|{options}")
    anything = re.compile(rf"https?://[^\s/]*\b({hosts}|pytorch)\b|{options}")
    own = Path(__file__)
    found = []
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    assert own in paths
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        address = packages if path.suffix == ".md" else anything
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in address.finditer(text)]
    assert found == []
