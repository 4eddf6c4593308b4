"""Arguments and options that several commands share, each declared once.

A command writes `strict: options.Strict = False`: what it is called, and what its help says, stand
here; what it is where nobody gives it stands in the command.
"""

from collections.abc import Mapping
from typing import Annotated

import typer
from typer.models import OptionInfo

from likewise.cli.help import ALONE, LEARNING, RUNNING
from likewise.errors import BadArgument

# ── what a command is about ───────────────────────────────────────────────────────────────────

ModelFolder = Annotated[str, typer.Argument(metavar="MODEL", help="A model's folder.")]
GalleryPlace = Annotated[
    str, typer.Argument(metavar="GALLERY", help="A gallery's file, or its postgresql:// URL.")
]

# ── how it answers ────────────────────────────────────────────────────────────────────────────

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AsJsonAlone = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and no progress.")
]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Say the decision by the exit code, too.")
]
DIFFERENT, UNDECIDED, NOT_ACQUIRED = 10, 11, 12
"""Exit codes of answers, which no crash has; different is unknown or shifted, too."""

NoExamples = Annotated[bool, typer.Option("--no-examples", help="Show no items in the report.")]

ItemsFrom = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="SOURCE",
        show_default=False,
        help="Where the items are, if not where they were: a source that has the same places.",
    ),
]
IdentityLevel = Annotated[
    int,
    typer.Option(
        "--identity-level",
        metavar="N",
        min=0,
        show_default="found out, and said",
        help="In a folder of folders, how many from the top name an identity.",
    ),
]

# ── how it reads and draws ────────────────────────────────────────────────────────────────────

_STRICT = "Stop at the first item that cannot be read, instead of leaving it out."
Strict = Annotated[bool, typer.Option("--strict", help=_STRICT)]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        show_default="as many as there are cores",
        help="How many threads read and decode.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Where all chance comes from.")]

# ── what is learned, and how: `train`, `tune` and `evaluate --folds` ──────────────────────────

LearningSeed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        rich_help_panel=LEARNING,
        show_default="0",
        help="Where all chance comes from, 0 to 2147483647; it decides who has which part.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE",
        rich_help_panel=RUNNING,
        help="Where to train: cpu, cuda, or auto, which takes CUDA where there is one.",
    ),
]
StrictLearning = Annotated[bool, typer.Option("--strict", rich_help_panel=RUNNING, help=_STRICT)]


def recipe_name(panel: str, fits: str = "the one that fits the items and the time") -> OptionInfo:
    """Declare `--recipe`.

    Args:
        panel: The group of options that it stands in.
        fits: Which row is taken where nobody names one.
    """
    found: OptionInfo = typer.Option(
        "--recipe",
        metavar="NAME",
        rich_help_panel=panel,
        show_default=fits,
        help="Where fields that nobody gives come from: likewise list recipes; or plain.",
    )
    return found


def recipe_fields(panel: str, more: str = "") -> OptionInfo:
    """Declare `--set`.

    Args:
        panel: The group of options that it stands in.
        more: What else its help says, as sentences.
    """
    found: OptionInfo = typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        rich_help_panel=panel,
        show_default=False,
        help="Any field of the recipe, or an argument of a component, as in loss.margin=0.2; once "
        f"for each.{more}",
    )
    return found


# ── data alone, without a model: `evaluate`, `calibrate` and `audit` ──────────────────────────

Distance = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        rich_help_panel=ALONE,
        show_default="cosine",
        help="What compares embeddings (likewise list distances).",
    ),
]
ColumnNames = Annotated[
    str,
    typer.Option(
        "--columns",
        metavar="NAMES",
        rich_help_panel=ALONE,
        show_default="id1,id2,same,distance",
        help="What a table calls the two items, whether they are the same, and how far apart they "
        "are. The first two may be empty: then every row stands alone.",
    ),
]
Similarity = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        rich_help_panel=ALONE,
        show_default=False,
        help="The column of similarities, larger when closer and at most 1, instead of distances; "
        "1 - similarity is then the distance.",
    ),
]
FoldCount = Annotated[
    int | None,
    typer.Option(
        "--folds",
        min=2,
        metavar="N",
        rich_help_panel=ALONE,
        show_default="5",
        help="Into how many parts to deal the data; each is decided by what the others fit.",
    ),
]
SameFrom = Annotated[
    float | None,
    typer.Option(
        "--same-from",
        metavar="GRADE",
        show_default=False,
        help="Pairs of a table are graded, in a column grade instead of same, larger when more "
        "alike: from this grade on two are the same.",
    ),
]
DifferentTo = Annotated[
    float | None,
    typer.Option(
        "--different-to",
        metavar="GRADE",
        show_default="all below --same-from",
        help="To this grade two are different; pairs between are in no error rate.",
    ),
]

# ── options that say nothing here ─────────────────────────────────────────────────────────────

WITH_MODEL = "It is for data alone, and a model was given. Leave one of the two out."
WITHOUT_MODEL = "It is for a model, and data were given alone. Leave it out."


def refuse(options: Mapping[str, object], why: str) -> None:
    """Refuse options that say nothing here.

    Args:
        options: Name → what was given; what is empty, false or None was not.
        why: What to do, as a sentence.

    Raises:
        BadArgument: Naming the first.
    """
    for name, value in options.items():
        if value not in ("", None) and value is not False and value != []:
            raise BadArgument(f"{name} was given. {why}")
