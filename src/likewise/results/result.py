"""What every task gives back: it prints short, and turns into a dict, a frame or a picture."""

import html
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from likewise.errors import MissingExtra
from likewise.results.plain import to_json_values

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""The number of the form of `to_dict` and `--json`; it rises when a key changes or goes."""
MOST_ROWS = 12
"""How many rows a notebook shows."""
Cell: TypeAlias = str | int | float | bool | None


class Result:
    """What a task gives back.

    A result is data: a frozen dataclass whose fields `to_dict` gives as they are.

    Example:
        >>> from likewise.gallery import Enrolled
        >>> Enrolled(added=12, known=())
        Enrolled(12 added, 0 known already)
        >>> Enrolled(added=12, known=()).to_dict()
        {'schema': 1, 'added': 12, 'known': []}
    """

    headline: ClassVar[tuple[str, ...]] = ()
    """Fields that `summary` shows where a class says nothing better."""

    def summary(self) -> str:
        """Return in one line what a person wants to know first."""
        shown = self.headline or tuple(name for name in _names(self) if name != "failed")[:4]
        return ", ".join(f"{name}={_short(getattr(self, name))}" for name in shown)

    def rows(self) -> list[dict[str, Cell]]:
        """Return the rows of `to_frame`: one of all plain fields, where a class has no list."""
        plain = {name: getattr(self, name) for name in _names(self)}
        return [
            {name: one for name, one in plain.items() if isinstance(one, str | int | float | None)}
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as `--json` prints it: dicts, lists, strings and numbers.

        Returns:
            Its fields by name, behind `schema`, the number of this form.
        """
        return {"schema": SCHEMA, **to_json_values(self)}

    def to_frame(self) -> "pd.DataFrame":
        """Return the result as a pandas frame.

        Raises:
            MissingExtra: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra(
                "A frame is pandas's, which is not installed. Run: pip install 'likewise[frames]'"
            ) from error
        return pd.DataFrame(self.rows())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary()})"

    def _repr_html_(self) -> str:
        """Return the result for a notebook: its summary, and its rows as a small table."""
        rows = self.rows()
        columns = list(rows[0]) if rows else []
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_short(row[c]))}</td>" for c in columns) + "</tr>"
            for row in rows[:MOST_ROWS]
        )
        more = f"<p>and {len(rows) - MOST_ROWS:,} more</p>" if len(rows) > MOST_ROWS else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<p><b>{html.escape(type(self).__name__)}</b> {html.escape(self.summary())}</p>" + (
            f"{table}{more}" if columns else ""
        )


def _names(result: Result) -> list[str]:
    # Each result is a dataclass; the base itself has no fields.
    return [one.name for one in fields(result)]  # type: ignore[arg-type]


def _short(value: object) -> str:
    """A value in a few letters."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    if isinstance(value, Mapping | list | tuple):
        return f"{len(value):,}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
