"""What `evaluate` and `calibrate` do with data alone: no model, but embeddings or comparisons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from likewise.cli.help import ALONE
from likewise.errors import BadArgument

DISTANCE: str = typer.Option(
    "",
    metavar="SPEC",
    rich_help_panel=ALONE,
    show_default="cosine",
    help="What compares embeddings (likewise list distances).",
)
COLUMNS: str = typer.Option(
    "",
    metavar="NAMES",
    rich_help_panel=ALONE,
    show_default="id1,id2,same,distance",
    help="What a table calls the two items, whether they are the same, and how far apart they "
    "are. The first two may be empty: then every row stands alone.",
)
SIMILARITY: str = typer.Option(
    "",
    metavar="COLUMN",
    rich_help_panel=ALONE,
    show_default=False,
    help="The column of similarities, larger when closer and at most 1, instead of distances; "
    "1 - similarity is then the distance.",
)
FOLDS_OPTION: int | None = typer.Option(
    None,
    min=2,
    metavar="N",
    rich_help_panel=ALONE,
    show_default="5",
    help="Into how many parts to deal the data; each is decided by what the others fit.",
)

UNKNOWN_TRAINING = (
    "Whether the encoder behind these distances learned from these items, nothing here can tell."
)
NO_ITEMS = (
    "It is for items, and embeddings or comparisons alone were given, which show none. Leave it "
    "out."
)
WITH_MODEL = "It is for data alone, and a model was given. Leave one of the two out."
WITHOUT_MODEL = "It is for a model, and data were given alone. Leave it out."


def refuse(options: Mapping[str, object], why: str) -> None:
    """Refuse options that say nothing here.

    Args:
        options: Name → what was given; what is empty or false was not.
        why: What to do, as a sentence.

    Raises:
        BadArgument: Naming the first.
    """
    for name, value in options.items():
        if value:
            raise BadArgument(f"{name} was given. {why}")


def columns_of(text: str, similarity: str, grading: Any = None) -> Any:
    """The columns that a person named; None where none was.

    Args:
        text: `id1,id2,same,distance`, as the table calls them; the last may be left out.
        similarity: The column of similarities instead of distances.
        grading: Where the same begins among grades, which stand in `same`'s place; None without.

    Raises:
        BadArgument: If they are not three or four names.
    """
    from likewise.precomputed import Columns

    if not text and not similarity and grading is None:
        return None
    if not text:
        return Columns(similarity=similarity, grading=grading)
    names = [name.strip() for name in text.split(",")]
    if len(names) not in (3, 4):
        raise BadArgument(
            f"--columns is {text!r}, and four names in this order are expected: those of the "
            "columns id1,id2,same,distance. The first two may be empty, as in ,,same,distance."
        )
    first, second, same, distance = [*names, "distance"][:4]
    return Columns(first, second, same, distance, similarity, grading)


def read(path: str, *, distance: str, columns: str, similarity: str, grading: Any = None) -> Any:
    """The data that a person named alone, without a model.

    Raises:
        BadArgument: If it is a model, or anything that needs one.
        LikewiseError: As `likewise.precomputed.files.read_precomputed` raises.
    """
    from likewise.precomputed import read_precomputed

    if (Path(path) / "model.toml").is_file():
        raise BadArgument(
            f"{path} is a model, and the items to measure it on are missing. Write: likewise "
            f"evaluate {path} SOURCE"
        )
    return read_precomputed(
        path, distance=distance, columns=columns_of(columns, similarity, grading)
    )


def evaluate(
    given: Any,
    *,
    folds: int | None,
    calibration: str,
    prior: float,
    page: Path,
    rerun: str,
    json: bool,
) -> None:
    """Measure embeddings or comparisons, write the page, and print what was found."""
    from likewise.calibration import DecisionRequest
    from likewise.cli.precomputed_page import cross_fitted
    from likewise.cli.precomputed_page import frozen as frozen_page
    from likewise.cli.text.evaluation import as_json, probability_lines
    from likewise.cli.text.grades import grade_lines
    from likewise.evaluation import Fitting
    from likewise.precomputed import FOLDS
    from likewise.report import write_precomputed
    from likewise.tasks.precomputed import (
        evaluate_precomputed,
        evaluate_precomputed_at,
        load_calibration,
    )

    if calibration:
        refuse({"--folds": folds}, "The thresholds of --calibration are fitted already. Give one.")
        measure, frozen = load_calibration(Path(calibration))
        check_measure(calibration, measure, given)
        measured = evaluate_precomputed_at(given, frozen, prior)
        write_precomputed(frozen_page(given, measured, frozen, calibration, rerun), page)
        if json:
            print(as_json(measured))
            return
        found = measured.verification
        print("\n".join([counted(given, found), f"thresholds as {calibration} has them"]))
        if frozen.source == given.place:
            print(f"they were fitted on {frozen.source}: on the same data no rate is a promise")
        print("\n".join([*grade_lines(measured.grades), *point_lines(found)]))
        print("\n".join(probability_lines(measured.probability)))
        print(f"report: {page}")
        return
    cross = evaluate_precomputed(
        given, folds=folds or FOLDS, fitting=Fitting(request=DecisionRequest(prior=prior))
    )
    write_precomputed(cross_fitted(given, cross, rerun), page)
    if json:
        print(as_json(cross))
        return
    print("\n".join(evaluation_lines(given, cross)))
    print(f"report: {page}")


def check_measure(path: str, measure: str, given: Any) -> None:
    """Refuse a calibration of other distances than these.

    Raises:
        BadArgument: Saying what either is of.
    """
    if measure != given.measure:
        raise BadArgument(
            f"{path} was fitted on {measure!r} and {given.place} gives {given.measure!r}: a "
            "threshold of the one means nothing for the other. Choose the same (--distance, "
            "--similarity), or calibrate again."
        )


def calibrate(
    given: Any, *, out: str, folds: int | None, seed: int, fitting: Any, json: bool
) -> None:
    """Calibrate on embeddings or comparisons, write it, and print what it is.

    Raises:
        BadArgument: If nobody said where to write it.
    """
    from likewise.cli.text.evaluation import as_json, calibration_lines
    from likewise.precomputed import FOLDS
    from likewise.tasks.precomputed import (
        calibrate_precomputed,
        check_calibration_path,
        save_calibration,
    )

    if not out:
        raise BadArgument(
            f"{given.place} was given alone, and where to write its calibration was not said. Add "
            "--out calibration.json."
        )
    target = Path(out)
    check_calibration_path(target)
    made = calibrate_precomputed(given, folds=folds or FOLDS, seed=seed, fitting=fitting)
    save_calibration(made, target)
    if json:
        print(as_json(made))
        return
    print("\n".join(calibration_lines(made.measure, made.calibration)))
    if made.unmeasured:
        print(f"its rates were not measured on other data. {made.unmeasured}")
    else:
        print(f"rates measured in {made.folds} folds, each by thresholds fitted on the others")
    print(UNKNOWN_TRAINING)
    print(f"written to {out}")


def counted(given: Any, found: Any) -> str:
    """What was compared, in a line."""
    pairs = f"{found.same_pairs:,} same and {found.different_pairs:,} different pairs"
    what = f"{found.identities:,} {found.unit}"
    if getattr(given, "linked", True):
        what = f"{found.items:,} items in {what}" if found.unit != "identities" else what
    else:
        what = "rows that nobody linked by items, so that each is taken to stand alone"
    repeated = getattr(given, "repeated", 0)
    more = f"; rows that only repeat others, left out: {repeated:,}" if repeated else ""
    return f"{given.place}: {pairs}, {what} ({given.measure}){more}"


def evaluation_lines(given: Any, found: Any) -> list[str]:
    """A cross-fitted evaluation as the lines that a person reads."""
    from likewise.cli.text.evaluation import probability_lines
    from likewise.cli.text.grades import grade_lines

    measured = found.verification
    lines = [
        counted(given, measured),
        *grade_lines(found.grades),
        (
            f"{found.folds} folds: thresholds are fitted on all others and applied to each, and "
            "decisions are pooled"
        ),
    ]
    if found.accuracy is not None:
        lines.append(f"accuracy {accuracy_words(found.accuracy, measured.unit)}")
    elif words := stratified_words(found):
        lines.append(words)
    right = accuracy_words(found.balanced_accuracy, measured.unit, balanced=True)
    lines.append(f"balanced accuracy {right}")
    lines += point_lines(measured)
    lines.append(f"calibrated by {found.calibration.calibrator}, each fold by the others:")
    return [*lines, *probability_lines(found.probability), UNKNOWN_TRAINING]


def stratified_words(found: Any) -> str:
    """Why no plain accuracy is shown, where it could be expected; empty where it is shown."""
    if found.accuracy is not None or found.verification.unit == "identities":
        return ""
    return (
        "Accuracy is not shown: the groups cannot be dealt so that each fold has its share of same "
        "pairs, without which it would be biased; balanced accuracy is."
    )


def point_lines(measured: Any) -> list[str]:
    """What describes the distances, and every operating point."""
    from likewise.cli.text.grades import equal_lines
    from likewise.cli.text.rates import promise_lines

    lines = [
        (
            f"AUC {measured.auc:.4f}, equal error rate {measured.eer:.4f} (its threshold is chosen "
            "on these very pairs: optimistic)"
        )
    ]
    lines += equal_lines(measured)
    if measured.auc < 0.5:
        lines.append(
            "same pairs are farther apart than different ones; if yours is larger when two items "
            "are closer, name its column with --similarity"
        )
    for point in measured.points:
        lines += [*_point(point, measured.unit), *promise_lines(measured, point)]
    return lines


def _point(point: Any, unit: str) -> list[str]:
    from likewise.cli.text.evaluation import rate_words

    lines = [f"{point.name}: threshold {point.threshold:.4f}"]
    if not point.supported:
        return [*lines, f"  not supported. {point.reason}"]
    if point.test is None:
        return [*lines, "  not measured on other data"]
    lines.append(f"  false accepts {rate_words(point.test.far, unit)}")
    return [*lines, f"  false rejects {rate_words(point.test.frr, unit)}"]


def accuracy_words(found: Any, unit: str, *, balanced: bool = False) -> str:
    """An accuracy with its interval and the counts behind it; balanced, both sorts weigh half."""
    counts = f"{found.right:,} of {found.trials:,} pairs"
    counts = f"same and different pairs weigh half each, {counts} right" if balanced else counts
    if found.low is None:
        return f"{found.value:.4f} ({counts}; too few {unit} for an interval)"
    return f"{found.value:.4f} (95% interval {found.low:.4f} to {found.high:.4f}; {counts})"
