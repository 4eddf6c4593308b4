"""Where items come from: each source gives a table of items that are read lazily."""

from likewise.registry import Family
from likewise.sources.base import Source

FAMILY: Family[Source] = Family(
    "source",
    __name__,
    {
        "folder": "folder:Folder",
        "table": "table:Table",
        "arrays": "arrays:Arrays",
        "characters": "characters:Characters",
        "digits": "digits:Digits",
        "omniglot": "omniglot:Omniglot",
        "ucr": "ucr:Ucr",
        "lfw": "lfw:Lfw",
        "cedar": "cedar:Cedar",
    },
)
