"""What commands do with data alone, without a model: read them, and calibrate on them."""

from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import BadArgument

if TYPE_CHECKING:
    from likewise.evaluation import Fitting
    from likewise.precomputed import Columns, Precomputed
    from likewise.sources.tabular.grades import Grading


def columns_of(text: str, similarity: str, grading: "Grading | None") -> "Columns | None":
    """Return the columns that a person named; None where none was.

    Args:
        text: `id1,id2,same,distance`, as the table calls them; the last may be left out.
        similarity: The column of similarities instead of distances.
        grading: Where the same begins among grades; None where pairs are not graded.

    Raises:
        BadArgument: If there are not three or four names.
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


def read_alone(path: str, distance: str, columns: "Columns | None") -> "Precomputed":
    """Return the data that a person named alone, without a model.

    Raises:
        BadArgument: If it is a model, or anything that needs one.
        LikewiseError: As `likewise.precomputed.read_precomputed` raises.
    """
    from likewise.precomputed import read_precomputed

    if (Path(path) / "model.toml").is_file():
        raise BadArgument(
            f"{path} is a model, and the items to measure it on are missing. Write: likewise "
            f"evaluate {path} SOURCE"
        )
    return read_precomputed(path, distance=distance, columns=columns)


def calibrate_alone(
    given: "Precomputed",
    *,
    out: str,
    folds: int | None,
    seed: int,
    fitting: "Fitting",
    as_json: bool,
) -> None:
    """Calibrate on embeddings or comparisons, write it, and print what it is.

    Raises:
        BadArgument: If nobody said where to write it.
    """
    from likewise.cli.text.output import as_json_line
    from likewise.cli.text.precomputed import calibrated_lines
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
    lines = [*calibrated_lines(made), f"written to {out}"]
    print(as_json_line(made) if as_json else "\n".join(lines))
