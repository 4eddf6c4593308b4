"""`likewise dedupe`: what is there twice?"""

from typing import TYPE_CHECKING

import typer

from likewise.cli import options
from likewise.cli.help import DECIDING

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.sources.base import Source


def command(
    what: list[str] | None = typer.Argument(
        None,
        metavar="[MODEL] SOURCE",
        show_default=False,
        help="A model's folder, and what to look through: a folder or .zip of items, an .npz or "
        ".ts file, a table, or a source's spec. Without a model, images are compared by a "
        "perceptual hash.",
    ),
    threshold: float | None = typer.Option(
        None,
        metavar="DISTANCE",
        rich_help_panel=DECIDING,
        show_default="the model's, as verify uses it; without a model 8 of 64 bits",
        help="Two items are a pair when they are at most so far apart.",
    ),
    far: float | None = typer.Option(
        None,
        metavar="RATE",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the threshold that was fitted for this false-accept rate.",
    ),
    at: str = typer.Option(
        "",
        "--operating-point",
        "--at",
        metavar="POINT",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the operating point of this name: eer, balanced, 'far<=0.01'.",
    ),
    expect_false: float | None = typer.Option(
        None,
        "--expect-false",
        metavar="K",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the threshold at which K pairs of different items are expected among all pairs "
        "of the collection.",
    ),
    overlay: bool = typer.Option(
        False,
        "--overlay",
        rich_help_panel=DECIDING,
        help="Without a model: lay images over one another, which also finds what was cut. The "
        "threshold, .25 if left out, is what the correlation of their details lacks of 1.",
    ),
    groups: str = typer.Option(
        "complete",
        metavar="HOW",
        rich_help_panel=DECIDING,
        help="complete: all items of a group are within the threshold; components: they hang "
        "together, and the ends of a chain may be far apart.",
    ),
    prior: float = typer.Option(
        0.5,
        metavar="SHARE",
        rich_help_panel=DECIDING,
        help="The share of same pairs that the probabilities assume, between 0 and 1.",
    ),
    calibration: str = typer.Option(
        "default",
        metavar="NAME",
        rich_help_panel=DECIDING,
        help="Which of the model's calibrations: likewise list MODEL names them.",
    ),
    comparator: str = typer.Option(
        "",
        metavar="WHICH",
        rich_help_panel=DECIDING,
        show_default="matcher where the model has one, else distance",
        help="What compares: distance or matcher, which is slow over many items.",
    ),
    train: str = typer.Option(
        "",
        metavar="TIME",
        show_default=False,
        help="Make MODEL first, which must not be there, by training so long (90s, 2min) on items "
        "of SOURCE and altered copies of them; no label is needed.",
    ),
    out: str = typer.Option(
        "",
        metavar="FILE",
        show_default=False,
        help="Write every pair to this .csv; beside it stands FILE.cache.npz, so that next time "
        "only new and changed items are embedded.",
    ),
    report: str = typer.Option(
        "", metavar="FILE", show_default=False, help="Write a page with pictures of the groups."
    ),
    no_examples: options.NoExamples = False,
    review: int = typer.Option(
        0,
        min=0,
        metavar="N",
        show_default=False,
        help="With --out: draw N pairs from all distances, and write them to FILE.review.csv; "
        "write yes or no into its column `same`.",
    ),
    reviewed: str = typer.Option(
        "",
        metavar="FILE",
        show_default=False,
        help="Say what a labelled review shows, and stop: the share of the pairs that are the "
        "same, with its interval. Nothing else is needed.",
    ),
    threads: options.Threads = None,
    strict: options.Strict = False,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
) -> None:
    """Find what is there twice, by its bytes or by its looks.

    Every item is compared with every other, exactly, without a matrix of all pairs. N items make
    N (N - 1) / 2 pairs: a false-accept rate of .01 is 500,000 false pairs among 10,000 items, so
    take --expect-false for a large collection. Nothing is ever deleted.

    Examples:
        likewise dedupe model/ others/ --out twice.csv --report twice.html
        likewise dedupe others/ --threshold 6 --groups components
        likewise dedupe others/ --overlay --report twice.html
        likewise dedupe new/ photos/ --train 2min --expect-false 10
        likewise dedupe model/ others.zip --at eer --out twice.csv --review 50 --json

    Writes:
        FILE.csv         a line a pair: group, items, distance, probability
        FILE.cache.npz   beside it, vectors by the hash of what they are of
        FILE.review.csv  with --review, the pairs to label
        All of them with --out only.

    Exit codes:
        0  looked through, whatever was found
        2  bad input; nothing is written

    Next:
        likewise verify model/ a.png b.png
    """
    import shlex
    import sys
    from pathlib import Path

    from likewise.calibration import DecisionRequest
    from likewise.cli.text.duplicates import duplicate_lines
    from likewise.cli.text.output import as_json_line
    from likewise.data import levelled, source_named
    from likewise.duplicates import ThresholdRequest, write_pairs, write_sample
    from likewise.io.display import printable
    from likewise.io.progress import Counting
    from likewise.model import Model
    from likewise.report import write_duplicates
    from likewise.tasks.dedupe import check_options, dedupe

    if reviewed:
        _reviewed(reviewed, what or [], as_json=as_json)
        return
    model, source = _named(what or [])
    # It refuses what no threshold can be asked for by.
    ThresholdRequest(
        threshold, DecisionRequest(far=far, operating_point=at, prior=prior), expect_false
    )
    table = Path(out) if out else None
    _check_places(table, report, review)
    built = source_named(levelled(source, identity_level))
    if train:
        # Found out now, and not when training is over.
        check_options(groups, overlay=overlay)
        _teach(built, model, train, quiet=as_json)
    with Counting(quiet=as_json) as count:
        found = dedupe(
            Model(model) if model else None,
            built,
            threshold=threshold,
            far=far,
            operating_point=at,
            expect_false=expect_false,
            overlay=overlay,
            groups=groups,
            prior=prior,
            calibration=calibration,
            comparator=comparator,
            cache=None if table is None else table.with_suffix(".cache.npz"),
            strict=strict,
            threads=threads,
            progress=count.show,
        )
    files = []
    if table is not None:
        write_pairs(table, found)
        files.append(table)
    if review and table is not None:
        files.append(table.with_suffix(".review.csv"))
        write_sample(files[-1], found, review)
    if report:
        again = shlex.join(["likewise", *sys.argv[1:]])
        files.append(Path(report))
        write_duplicates(found, built.items(), files[-1], examples=not no_examples, rerun=(again,))
    if as_json:
        print(as_json_line(found, files=[str(path) for path in files]))
        return
    lines = duplicate_lines(found) + [f"written: {path}" for path in files]
    print("\n".join(printable(line) for line in lines))


def _named(what: list[str]) -> tuple[str, str]:
    """The model's folder, empty for none, and the source.

    Raises:
        BadArgument: If there is no source, or more than the two.
    """
    from pathlib import Path

    from likewise.errors import BadArgument

    if len(what) == 1:
        if (Path(what[0]) / "model.toml").is_file():
            raise BadArgument(
                f"{what[0]} is a model, and what it is to look through is missing. Write likewise "
                "dedupe MODEL SOURCE."
            )
        return "", what[0]
    if len(what) != 2:
        given = " ".join(what) or "nothing"
        raise BadArgument(f"{given} was given, and SOURCE, or MODEL SOURCE, is expected.")
    return what[0], what[1]


def _teach(source: "Source", out: str, budget: str, *, quiet: bool) -> None:
    """Make the model from the items themselves."""
    from likewise.errors import BadArgument
    from likewise.learn.extra import needs

    if not out:
        raise BadArgument(
            "--train makes a model, and its folder is missing. Write likewise dedupe MODEL SOURCE "
            "--train 2min."
        )
    with needs("Training", "learn"):
        from likewise.learn import teach
        from likewise.learn.progress import Progress
    with Progress(quiet=quiet) as progress:
        teach(
            source,
            out,
            budget,
            on_decode=progress.decode,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_step=progress.step,
        )


def _check_places(table: "Path | None", report: str, review: int) -> None:
    """Refuse what could not be written, before any work is done."""
    from pathlib import Path

    from likewise.duplicates import check_sample, check_table_path
    from likewise.errors import BadArgument
    from likewise.io import atomic

    if table is not None:
        check_table_path(table)
    if review:
        check_sample(review)
        if table is None:
            raise BadArgument("--review writes beside --out. Give --out FILE.csv, too.")
    if report:
        atomic.check_page(Path(report))


def _reviewed(path: str, what: list[str], *, as_json: bool) -> None:
    """Print what a labelled review shows."""
    from pathlib import Path

    from likewise.cli.text.duplicates import precision_lines
    from likewise.cli.text.output import as_json_line
    from likewise.duplicates import read_sample
    from likewise.errors import BadArgument

    if what:
        raise BadArgument(
            f"--reviewed reads {path} alone, and {' '.join(what)} was given beside it. "
            "Leave one out."
        )
    shown = read_sample(Path(path))
    print(as_json_line(shown) if as_json else "\n".join(precision_lines(shown)))
