"""The one seam through which data come in: `as_source` for many items, `as_item` for one.

Whatever a person has in Python is taken: paths, specs, arrays, PIL images, frames, labels beside
them, pairs. What cannot be taken is refused here, in one error that names the forms.
"""

import logging
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any

import numpy as np

from likewise.data.given import Given, files_given, held, pairs_given
from likewise.data.item import is_picture, numbers_in, picture_of, words_for
from likewise.data.spec import graded_spec, grouped_spec, source_spec
from likewise.errors import BadArgument
from likewise.io.display import printable, shortened
from likewise.kinds import FAMILY as KINDS
from likewise.registry import Spec
from likewise.shapes import Array
from likewise.sources import FAMILY as SOURCES
from likewise.sources.arrays import Arrays
from likewise.sources.base import Source
from likewise.sources.table import Table
from likewise.sources.tabular.grades import Grading
from likewise.types import Items

_LOG = logging.getLogger(__name__)
FORMS = (
    "the path of a folder or file, a source's spec, a list of paths, PIL images or arrays, one "
    "array of all items, (X, y) with labels, a pandas or polars frame, or (first, second, same) "
    "for pairs"
)


def as_source(given: object, *, kind: str = "", columns: Mapping[str, str] | None = None) -> Source:
    """Return the source of what somebody gave as many items.

    Args:
        given: A path, a source's spec, a list of paths, PIL images, arrays or encoded files, one
            array of all items, a pandas or polars frame, a `Source`, an `Items` table; any of them
            with labels, as (X, y); or pairs, as (first, second, same) or a list of such triples.
        kind: What the items are, where the form does not tell; that of the model, where one is.
        columns: Of a frame or a table, the column of each part: `item`, `label`, `first`,
            `second`, `same`, `group`, `origin`, `part` or `grade`.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If it is nothing that holds items; names what does.
        DamagedSource: If its form is broken.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((4, 28, 28), dtype=np.uint8)
        >>> len(as_source((images, ["a", "a", "b", "b"])).items())
        4
    """
    if isinstance(given, str | Path):
        spec = spec_given(given, kind=kind, columns=columns)
        return files_given([given], kind) if spec is None else SOURCES.build(spec)
    if _is_frame(given):
        return _of_frame(given, kind, columns or {})
    if columns:
        raise BadArgument(
            f"columns were given for {words_for(given)}, and they are those of a frame, or of a "
            "table in a file. Leave them out."
        )
    if isinstance(given, Source | Items):
        return given if isinstance(given, Source) else Given(given)
    if isinstance(given, tuple) and _is_labelled(given):
        return _labelled(given[0], given[1], kind)
    if isinstance(given, tuple) and _is_pairs(given):
        return _pairs(*given, kind=kind)
    return _of_many(given, kind)


def source_named(given: str, *, by: str = "", grading: Grading | None = None) -> Source:
    """Return the source that words of a command line name.

    Args:
        given: A path, the name of a source, or a spec.
        by: A column of a table, or `group` for the source's own groups; empty for none.
        grading: From which grade on two are the same; None where pairs are not graded.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If the source has no such column or grades.
    """
    spec = source_spec(given)
    if spec is None and not by and grading is None:
        return files_given([given])
    return SOURCES.build(graded_spec(grouped_spec(spec or "folder", by), grading))


def spec_given(
    given: str | Path, *, kind: str = "", columns: Mapping[str, str] | None = None
) -> str | None:
    """Return the spec of a path or of words; None for the path of a file that is one item.

    Args:
        given: A path, the name of a source, or a spec.
        kind: What the items are, for a source of arrays that do not say it.
        columns: Of a table, the column of each part.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If columns are given, and it is no table.
    """
    spec = source_spec(given)
    if not columns:
        return spec if spec is None or not kind else str(_told(SOURCES.check(spec), kind))
    named = Spec("file") if spec is None else SOURCES.named(SOURCES.check(spec))
    if named.name != "table":
        raise BadArgument(f"columns were given, and {str(given)!r} is no table. Leave them out.")
    return str(named.replaced(**columns))


def _told(spec: Spec, kind: str) -> Spec:
    """The spec of a source, told a kind that it would guess from arrays."""
    arguments = SOURCES.describe(spec.name).arguments
    guesses = any(one.name == "kind" and one.default == "''" for one in arguments)
    named = SOURCES.named(spec)
    return named.replaced(kind=kind) if guesses and not named.kwargs.get("kind") else spec


def _of_frame(frame: Any, kind: str, columns: Mapping[str, str]) -> Source:
    """The source of a frame; without a column of labels, its items have none."""
    told = {"kind": kind or "auto", **columns}
    names = [str(name) for name in getattr(frame, "column_names", frame.columns)]
    if "label" not in columns and "label" not in names and told.get("item", "item") in names:
        told["label"] = ""
    return Table.of_frame(frame, **told)


def _is_frame(given: object) -> bool:
    """Whether it is a pandas or polars frame, an Arrow table or the like."""
    return hasattr(given, "__arrow_c_stream__") and hasattr(given, "columns")


def _is_labelled(given: tuple[object, ...]) -> bool:
    if len(given) != 2 or isinstance(given[1], str | bytes) or not isinstance(given[1], Sized):
        return False
    many, labels = given
    if np.ndim(_column(labels)) != 1 or isinstance(many, str | bytes | Path):
        return isinstance(many, str | Path) and np.ndim(_column(labels)) == 1
    # Two arrays of one axis are two items; labels stand beside a table of items.
    array = None if isinstance(many, list | tuple | Source | Items) else numbers_in(many)
    return array is None or array.ndim > 1


def _is_pairs(given: tuple[object, ...]) -> bool:
    plain = all(isinstance(one, Sized) and not isinstance(one, str | bytes) for one in given)
    return len(given) == 3 and plain and np.ndim(_column(given[2])) == 1


def _labelled(many: object, labels: object, kind: str) -> Source:
    source = as_source(many, kind=kind)
    table = source.items()
    names = _names(labels)
    if table.pairs is not None:
        raise BadArgument("Labels were given beside pairs, which need none. Leave them out.")
    if len(names) != len(table):
        raise BadArgument(f"{len(table)} items and {len(names)} labels were given. Give one each.")
    return Given(table, getattr(source, "note", "")).labelled(names)


def _names(labels: object) -> list[str]:
    """Labels as strings, whole floats without their point."""
    values = _column(labels)
    if (
        np.issubdtype(values.dtype, np.floating)
        and np.isfinite(values).all()
        and (values == values.round()).all()
    ):
        values = values.astype(np.int64)
    if np.issubdtype(values.dtype, np.floating) or any(value is None for value in values.tolist()):
        raise BadArgument(
            f"The labels are {values.dtype}, and one name or whole number an item is expected: who "
            "or what it shows."
        )
    return [printable(str(value)) for value in values.tolist()]


def _pairs(first: object, second: object, said: object, *, kind: str) -> Source:
    truths = _column(said).tolist()
    sides = [_listed(first), _listed(second)]
    if {len(side) for side in sides} != {len(truths)}:
        raise BadArgument(
            f"{len(sides[0])} first items, {len(sides[1])} second items and {len(truths)} answers "
            "were given. Give one of each a pair."
        )
    return pairs_given(as_source([*sides[0], *sides[1]], kind=kind), truths)


def _of_many(given: object, kind: str) -> Source:
    """The source of a list, or of one array, of items."""
    array = None if isinstance(given, list | tuple) else numbers_in(given)
    if array is not None and array.ndim > 1:
        return _arrays(array, kind)
    items = _listed(given)
    if not items:
        raise _no_source(given, "an empty list")
    if all(isinstance(one, tuple) and _is_answered(one) for one in items):
        first, second, said = zip(*items, strict=True)
        return _pairs(list(first), list(second), list(said), kind=kind)
    if all(isinstance(one, str | Path) for one in items):
        return files_given(items, kind)
    if all(is_picture(one) for one in items):
        return held([picture_of(one) for one in items], kind or "image", "images")
    if all(isinstance(one, bytes) for one in items):
        return held(items, kind or _kind_of_bytes(items[0]), "files")
    arrays = [numbers_in(one) for one in items]
    if any(one is None or one.ndim == 0 for one in arrays):
        sorts = " and ".join(sorted({type(one).__name__ for one in items}))
        alone = " (a list of numbers is one item: write [item])" if _is_number(items[0]) else ""
        raise _no_source(given, f"a list of {sorts}{alone}")
    return _arrays([one for one in arrays if one is not None], kind)


def _arrays(items: Array | list[Array], kind: str) -> Arrays:
    """The source of arrays; what they were taken for where nobody said it is logged."""
    source = Arrays.of(items, None, kind or None)
    if source.note:
        _LOG.info(source.note)
    return source


def _is_number(one: object) -> bool:
    return isinstance(one, int | float | np.number)


def _is_answered(pair: tuple[object, ...]) -> bool:
    """Whether it is two items and whether they are the same, not a series of three numbers."""
    said = isinstance(pair[-1], bool | np.bool_) or (pair[-1] in (0, 1) and np.ndim(pair[-1]) == 0)
    return len(pair) == 3 and said and not isinstance(pair[0], int | float)


def _listed(given: object) -> list[Any]:
    if isinstance(given, list | tuple):
        return list(given)
    if is_picture(given):
        return [given]
    if hasattr(given, "__array__") and isinstance(given, Sized):
        return list(np.asarray(given))
    raise _no_source(given, words_for(given))


def _no_source(given: object, what: str) -> BadArgument:
    told = "" if isinstance(given, list | tuple) else f" ({shortened(repr(given), 60)})"
    return BadArgument(f"{what}{told} was given as items, and one of these is expected: {FORMS}.")


def _column(given: object) -> Array:
    try:
        column: Array = np.asarray(given)
    except ValueError:  # rows of unequal lengths
        return np.empty((0, 0))
    return column


def _kind_of_bytes(data: bytes) -> str:
    found = (name for name in KINDS.names() if KINDS.build(name).recognises(data))
    return next(found, "image")
