"""Make the tables of docs/components.md and docs/recipes.md anew, and the schemas of results.

    python docs/make_tables.py

What stands between the markers `<!-- NAME -->` and `<!-- /NAME -->` is replaced, and nothing else.
"""  # noqa: INP001 - a script

import json
import re
from collections.abc import Callable
from pathlib import Path

from likewise.auditing import Audit
from likewise.duplicates import ReviewedPrecision
from likewise.evaluation import CrossFitted, Measured, PooledEvaluation
from likewise.gallery import Identified, Matches
from likewise.recipe.presets import rows
from likewise.registry import families
from likewise.results import Decision, Evaluation, json_schema
from likewise.tasks.calibrate import NamedCalibration
from likewise.tasks.enrol import EnrolledSource
from likewise.tasks.migrate import Migration
from likewise.tasks.monitor import Monitored
from likewise.tasks.precomputed import PrecomputedCalibration

DOCS = Path(__file__).resolve().parent


def components() -> str:
    """Every component of every family, with its first sentence."""
    lines = ["| family | component | what it is |", "|---|---|---|"]
    for name, family in families().items():
        for component in family.names():
            found = family.describe(component)
            lines.append(f"| {name} | `{component}` | {found.summary} |")
    return "\n".join(lines)


def recipes() -> str:
    """Every row of the table of recipes."""
    lines = ["| recipe | for | time | what it says | measured |", "|---|---|---|---|---|"]
    for row in rows():
        says = "; ".join(f"`{key} = {value!r}`" for key, value in row.fields.items())
        time = row.time if row.kind else "by name alone"
        lines.append(f"| `{row.name}` | {row.suits} | {time} | {says} | {row.measured} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"components": components, "recipes": recipes}


def made_anew(name: str) -> str:
    """The text of a page with its table made anew."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.DOTALL)
    text, count = pattern.subn(lambda _: TABLES[name](), text)
    if count != 1:
        raise SystemExit(f"docs/{name}.md has {count} tables between the markers '{name}'.")
    return text


RESULTS = (
    Audit,
    CrossFitted,
    Decision,
    EnrolledSource,
    Evaluation,
    Identified,
    Matches,
    Measured,
    Migration,
    Monitored,
    NamedCalibration,
    PooledEvaluation,
    PrecomputedCalibration,
    ReviewedPrecision,
)


def schemas() -> dict[str, str]:
    """The JSON Schema of each result, by the name of its file in docs/schemas."""
    return {
        f"{one.__name__}.json": json.dumps(json_schema(one), indent=1) + "\n" for one in RESULTS
    }


def main() -> None:
    """Write both pages, and the schemas."""
    (DOCS / "schemas").mkdir(exist_ok=True)
    for name, text in schemas().items():
        (DOCS / "schemas" / name).write_text(text, encoding="utf-8")
    for name in TABLES:
        (DOCS / f"{name}.md").write_text(made_anew(name), encoding="utf-8")


if __name__ == "__main__":
    main()
