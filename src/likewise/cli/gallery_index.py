"""`likewise gallery index` and `rebuild`: the index of approximate search."""

from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.text.output import say


def index(
    gallery: options.GalleryPlace,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="hnsw, a graph of neighbours; ivf, inverted lists, made sooner (not in "
            "PostgreSQL); none takes the index away.",
        ),
    ] = "hnsw",
    recall: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="The share of the 10 nearest that a search should find, 95% sure.",
        ),
    ] = 0.99,
    as_json: options.AsJson = False,
) -> None:
    """Make an index for search --approximate, and measure it.

    How many of their 10 nearest it finds is measured on rows drawn by lot, and its search is made
    as broad as --recall needs. Its file may be deleted at any time; rebuild makes it again from
    the rows.

    Examples:
        likewise gallery index people.db --kind ivf --recall 0.95

    Writes:
        GALLERY-index-N beside the gallery, or an index in the database

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise search model/ people.db a.png --approximate
    """
    from likewise.cli.text.gallery import index_of
    from likewise.gallery import Gallery
    from likewise.stores.index.indexing import index_method

    with Gallery(gallery, writing=True) as opened:
        made = opened.index(index_method(kind), recall)
    say(index_of(made), as_json=as_json)


def rebuild(gallery: options.GalleryPlace, as_json: options.AsJson = False) -> None:
    """Make the index again, from the rows.

    Examples:
        likewise gallery rebuild people.db

    Writes:
        GALLERY-index-N beside the gallery, or an index in the database

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise search model/ people.db a.png --approximate
    """
    from likewise.cli.text.gallery import index_of
    from likewise.gallery import Gallery

    with Gallery(gallery, writing=True) as opened:
        there = opened.store.state().index
        again = None if there is None else there.again
        if again is not None:
            found = index_of(opened.index(again.method, again.recall))
        elif there is not None:
            found = index_of(opened.index())
        else:
            none = "nothing, since nothing is derived from the rows"
            found = {"index": "none", "rebuilt": none}
    say(found, as_json=as_json)
