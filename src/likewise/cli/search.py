"""`likewise search`: what is like this?"""

import typer

from likewise.cli import options


def command(
    model: options.ModelFolder,
    gallery: options.GalleryPlace,
    probe: str = typer.Argument(
        metavar="PROBE", help="A file; with --id, the id of what is enrolled."
    ),
    k: int = typer.Option(10, "-k", min=1, metavar="N", help="How many to find."),
    where: str = typer.Option(
        "",
        metavar="CONDITION",
        show_default=False,
        help="What metadata must be: names against texts in quotes, numbers, true or false by = "
        "!= < <= > >= or in (...), joined by and, or, not. id and identity are names, too.",
    ),
    by_id: bool = typer.Option(False, "--id", help="Search by what is enrolled under an id."),
    approximate: bool = typer.Option(
        False,
        "--approximate",
        help="Let the gallery's index answer, which may miss some of the nearest; gallery info "
        "says how many. What it does not hold is searched exactly.",
    ),
    as_json: options.AsJson = False,
) -> None:
    """Find what is most like an item among those enrolled.

    Prints the nearest first, each with its distance, identity and id. A condition leaves out
    what does not fulfil it before anything is compared, so that it costs no neighbour. With
    --approximate and no index of use, the search is exact, which is said. Nothing is written.

    Examples:
        likewise search model/ people.db a.png
        likewise search model/ people.db a.png -k 3 --where 'group = "group1"'
        likewise search model/ people.db others/group0/glyph1005/0.png --id --json
        likewise search model/ people.db a.png --approximate

    Exit codes:
        0  searched, also where nothing fulfils the condition
        2  bad input

    Next:
        likewise gallery info people.db
    """
    import sys

    from likewise.cli.text.gallery import match_line, why_exact
    from likewise.cli.text.output import as_json_line
    from likewise.gallery import Gallery
    from likewise.model import Model
    from likewise.tasks.search import search

    loaded = Model(model)
    with Gallery(gallery, loaded, writing=False) as opened:
        found = (
            opened.like(probe, k, where or None, approximate=approximate)
            if by_id
            else search(loaded, opened, probe, k=k, where=where, approximate=approximate)
        )
        why = why_exact(opened.store.state().index) if approximate else ""
    if why:
        print(why, file=sys.stderr)
    if as_json:
        print(as_json_line(found))
        return
    for match in found:
        print(match_line(match))
    if not found:
        print("nothing was found")
