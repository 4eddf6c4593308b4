"""`likewise gallery check` and `backup`: whether a gallery is whole, and copies of it."""

from typing import Annotated

import typer

from likewise.cli import options


def check(
    gallery: options.GalleryPlace,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help="The gallery's model, to embed damaged entries again.",
        ),
    ] = "",
    source: options.ItemsFrom = "",
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Remove the entries that cannot be mended.")
    ] = False,
    upgrade: Annotated[
        bool,
        typer.Option(
            "--upgrade", help="Give a gallery of the last version checksums, of what it now holds."
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare a gallery with its checksums, and mend what can be mended.

    Counts and SQLite's indexes are made again from the entries. Entries whose vectors are damaged
    are embedded again by MODEL, from the items that were kept, else from --from, else from the
    files whose paths were noted. What stays damaged is named, and never answered.

    Examples:
        likewise gallery check people.db
        likewise gallery check people.db model/

    Writes:
        the gallery's own files, where something is mended

    Exit codes:
        0  it is whole
        2  bad input, or something stays damaged

    Next:
        likewise gallery info people.db
    """
    from likewise.cli.text.gallery import checked_lines
    from likewise.cli.text.output import as_json_line
    from likewise.data import source_named
    from likewise.io.display import shown_place
    from likewise.tasks.check_gallery import check_gallery

    built = source_named(source) if source else None
    found = check_gallery(
        gallery, model or None, source=built, leave_out=leave_out, upgrade=upgrade
    )
    print(as_json_line(found) if as_json else "\n".join(checked_lines(shown_place(gallery), found)))
    if found.damaged:
        raise typer.Exit(2)


def backup(
    gallery: options.GalleryPlace,
    copy: Annotated[str, typer.Argument(metavar="COPY", help="A new file.")],
    as_json: options.AsJson = False,
) -> None:
    """Copy a gallery that may be in use, whole, to another file.

    Others can read it meanwhile, and wait to write. To copy its files one by one is right only
    while nobody writes.

    Examples:
        likewise gallery backup people.db people-copy.db

    Writes:
        COPY, and COPY-vectors-N beside it; whole or not at all

    Exit codes:
        0  copied
        2  bad input; nothing is left of the copy

    Next:
        likewise gallery check people-copy.db
    """
    from likewise.cli.text.output import say
    from likewise.tasks.check_gallery import back_up_gallery

    say({"copied": back_up_gallery(gallery, copy), "file": copy}, as_json=as_json)
