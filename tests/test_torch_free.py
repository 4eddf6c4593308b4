"""Using a model loads no torch, and nothing heavy before it is asked for."""

from pathlib import Path

import likewise
from likewise.registry import FAMILIES
from tests.processes import answer_of

SOURCE = Path(likewise.__file__).parent
HEAVY = {"torch", "lightning_fabric", "scipy", "sklearn", "pyarrow", "plotly", "pandas"}

# Imports one after the other, so that each package is blamed on the module that first loads it.
PROGRAM = """
import importlib, json, sys
heavy, blamed = {heavy!r}, {{}}
for module in {modules!r}:
    before = heavy & set(sys.modules)
    importlib.import_module(module)
    blamed[module] = sorted(heavy & set(sys.modules) - before)
print(json.dumps(blamed))
"""


def using() -> list[str]:
    """Every module that a machine without torch may import."""
    modules = []
    for path in sorted(SOURCE.rglob("*.py")):
        words = ("likewise", *path.relative_to(SOURCE).with_suffix("").parts)
        modules.append(".".join(words).removesuffix(".__init__"))
    tables = {"likewise.learn", *FAMILIES.values()}
    # The estimators are scikit-learn's own, and import it; torch they load when they fit.
    other = ("likewise.learn.", "likewise.sklearn")
    return [name for name in modules if name in tables or not name.startswith(other)]


def blamed(modules: list[str], **environment: str) -> dict[str, list[str]]:
    program = PROGRAM.format(heavy=HEAVY, modules=modules)
    found = answer_of(program, LIKEWISE_CHECK_SHAPES="0", **environment)
    assert list(found) == modules
    return {module: heavy for module, heavy in found.items() if heavy}


def test_using_loads_nothing_heavy() -> None:
    modules = using()
    assert {"likewise", "likewise.registry", "likewise.cli", "likewise.learn.losses"} <= {*modules}
    assert blamed(modules) == {}


def test_estimators_load_no_torch_before_they_fit() -> None:
    program = (
        "import json, sys, likewise.sklearn\n"
        "print(json.dumps(sorted({'torch', 'lightning_fabric', 'onnxruntime'} & set(sys.modules))))"
    )
    assert "torch" not in answer_of(program, LIKEWISE_CHECK_SHAPES="0")


def test_every_public_name_loads_nothing_heavy() -> None:
    program = (
        "import json, sys, likewise\n"
        "for name in likewise.__all__: getattr(likewise, name)\n"
        f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    )
    assert answer_of(program, LIKEWISE_CHECK_SHAPES="0") == []


def test_what_loads_torch_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "leaking.py").write_text("import torch\n")
    (tmp_path / "behind.py").write_text("import leaking\n")
    modules = ["likewise", "leaking", "behind"]
    assert blamed(modules, PYTHONPATH=str(tmp_path)) == {"leaking": ["torch"]}
