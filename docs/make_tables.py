"""Make the tables of docs/components.md and docs/recipes.md anew.

    python docs/make_tables.py

What stands between the markers `<!-- NAME -->` and `<!-- /NAME -->` is replaced, and nothing else.
"""  # noqa: INP001 - a script

import re
from collections.abc import Callable
from pathlib import Path

from likewise.recipe.presets import rows
from likewise.registry import families

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


def main() -> None:
    """Write both pages."""
    for name in TABLES:
        (DOCS / f"{name}.md").write_text(made_anew(name), encoding="utf-8")


if __name__ == "__main__":
    main()
