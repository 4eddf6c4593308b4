"""`likewise data`: the research data that sources read, and fetching it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from likewise.cli import options

if TYPE_CHECKING:
    from likewise.data import DataSet, File, Place, Tell


def command(
    name: str = typer.Argument(
        "", metavar="SET", show_default="list all", help="The set to fetch, as in omniglot."
    ),
    to: str = typer.Option(
        "",
        metavar="FOLDER",
        show_default="the cache",
        help="Fetch into this folder, which LIKEWISE_DATA may then name.",
    ),
    mirror: str = typer.Option(
        "",
        metavar="ADDRESS",
        show_default="the authors' own",
        help="Fetch from this address instead. The checksums stay the same.",
    ),
    as_json: options.AsJson = False,
) -> None:
    """List the research data that sources read, or fetch a set.

    The list says for each set its licence, its size, where it is now, and how to get it. A set is
    fetched from its authors, if its licence allows that, and every file is held against its
    published SHA-256 before it is kept. What is there already is not fetched again.

    Downloads need one more package: pip install 'likewise[data]'

    Examples:
        likewise data
        likewise data omniglot
        likewise data omniglot --to research/

    Writes:
        the files of the set, in the cache or in FOLDER; nothing when it lists

    Environment:
        LIKEWISE_DATA  the folder where sources look first, before the cache; what
                       you put there is not checked, so that it may be unpacked

    Exit codes:
        0  listed, or all files of the set are there
        2  bad input, or a file did not arrive as it was published

    Next:
        likewise train omniglot --out model/
    """
    import json
    from pathlib import Path

    from likewise.data import data_set, fetch
    from likewise.errors import BadArgument

    if not name:
        if to or mirror:
            raise BadArgument(
                "--to and --mirror are for fetching, and no set is named. "
                "Write for example: likewise data omniglot --to FOLDER"
            )
        _list(as_json=as_json)
        return
    wanted = data_set(name)
    with _shown(quiet=as_json) as tell:
        there = fetch(wanted, Path(to).expanduser() if to else None, base=mirror, tell=tell)
    if as_json:
        print(json.dumps({"name": name, "files": [_file(wanted, place) for place in there]}))
        return
    new = sum(place.fetched for place in there)
    print(f"{name}: {_where(there)}" + (f"; {new} of {len(there)} files fetched" if new else ""))
    if to:
        print(f"sources find it there with LIKEWISE_DATA={to}")


def _list(*, as_json: bool) -> None:
    import json

    from likewise.data import SETS, places
    from likewise.sources import FAMILY
    from likewise.sources.data_folder import VARIABLE, cache_folder, named_folder

    found = {one: places(one) for one in SETS.values()}
    folder, cache = named_folder(), cache_folder()
    if as_json:
        sets = [
            {
                "name": one.name,
                "licence": one.licence,
                "bytes": one.size_bytes or None,
                "home": one.home,
                "download": bool(one.files),
                "advice": one.advice or None,
                "files": [_file(one, place) for place in there],
            }
            for one, there in found.items()
        ]
        roots = {VARIABLE: folder and str(folder), "cache": cache and str(cache)}
        print(json.dumps({**roots, "sets": sets}))
        return
    for one, there in found.items():
        size = f", {_megabytes(one.size_bytes)}" if one.size_bytes else ""
        print(f"{one.name}: {_where(there)}")
        print(f"    {FAMILY.describe(one.name).summary}")
        print(f"    {one.licence}{size}. {one.home}")
        if not all(place.where in {"LIKEWISE_DATA", "cache", "shipped"} for place in there):
            print(f"    {one.advice or f'Run: likewise data {one.name}'}")
    print(f"LIKEWISE_DATA: {folder or 'not set'}")
    print(f"cache: {cache or 'not known without pooch'}")


def _file(of: "DataSet", place: "Place") -> dict[str, object]:
    published = {file.name: file for file in of.files}.get(place.name)
    return {
        "name": place.name,
        "where": place.where,
        "path": place.path or None,
        "fetched": place.fetched,
        "bytes": published and published.size_bytes,
        "sha256": published and published.sha256,
    }


def _where(there: tuple["Place", ...]) -> str:
    """Where a set is; if not all of it is in one place, which file is where."""
    groups: dict[str, list[str]] = {}
    for place in there:
        groups.setdefault(place.where, []).append(place.name)
    if len(groups) == 1:
        return next(iter(groups))
    return ", ".join(f"{' '.join(names)}: {where}" for where, names in groups.items())


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


@contextmanager
def _shown(*, quiet: bool) -> "Iterator[Tell | None]":
    """Show what arrives on standard error: a bar on a terminal, plain lines elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TransferSpeedColumn,
    )

    from likewise.io.progress import takes_bars

    console = Console(file=sys.stderr, highlight=False)
    if quiet:
        yield None
        return
    if not takes_bars(console):

        def line(file: "File", count: int) -> None:
            if count == 0:
                text = f"fetching {file.name} ({_megabytes(file.size_bytes)})"
                console.print(text, markup=False, soft_wrap=True)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def bar(file: "File", count: int) -> None:
            if file.name not in tasks:
                tasks[file.name] = progress.add_task(file.name, total=file.size_bytes)
            progress.update(tasks[file.name], completed=count)

        yield bar
