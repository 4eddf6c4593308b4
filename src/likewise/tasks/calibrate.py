"""Fit decision and probability again, for another population, without training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from likewise.calibration import (
    AUTO,
    USUAL,
    Calibration,
    DecisionRequest,
    check_calibrator,
    fit_calibration,
    graded_distances,
    to_json,
)
from likewise.data import Decoded, as_source, decode_all, split
from likewise.errors import BadArgument, CalibrationExists, SaveFailed
from likewise.evaluation import Fitting
from likewise.io.display import printable
from likewise.io.progress import Watch, watched
from likewise.model import DriftReference, Model, as_model, beside, to_bytes, update_model
from likewise.pairs import choose_pairs
from likewise.registry import unknown
from likewise.renamed import renamed_arguments
from likewise.results import Cell, Evaluation, Result
from likewise.tasks.evaluate import measure_model
from likewise.tasks.features import features_for
from likewise.types import Claim, Items, Role, Split

LONGEST_NAME = 64
SHARE = 0.5


@dataclass(frozen=True, repr=False)
class NamedCalibration(Result):
    """A named calibration, as it now stands in the model.

    Attributes:
        name: What it is called.
        calibration: That of the comparator that decides.
        evaluation: What it does on the test part of the source.
        split: How the source was shared out, in a sentence.
    """

    name: str
    calibration: Calibration
    evaluation: Evaluation
    split: str

    def summary(self) -> str:
        """Return the name, and the error rates that `verify` decides by."""
        return f"{self.name!r}, {self.evaluation.summary()}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each operating point."""
        return self.evaluation.rows()


@renamed_arguments(against="impostors")
def calibrate(
    model: Model | str | Path,
    source: object,
    *,
    name: str = "default",
    calibrator: str = AUTO,
    share: float = SHARE,
    seed: int = 0,
    claim: str = "",
    limit: Literal["plain", "guarantee"] = "plain",
    far: float | None = None,
    costs: tuple[float, float] | None = None,
    prior: float = 0.5,
    impostors: str = "",
    overwrite: bool = False,
    allow_overlap: bool = False,
    strict: bool = False,
    progress: Watch = None,
) -> NamedCalibration:
    """Calibrate a model on a source, and keep that in the model under a name.

    The identities of the source are dealt into two parts that share none: one fits thresholds and
    probabilities, the other measures them. Both the matcher and the distance of a model that has
    both are calibrated. The model's folder changes as a whole or not at all; a `Model` that was
    loaded before still knows the old calibrations only.

    Args:
        model: What to calibrate, or the path of its folder.
        source: Items that it was not trained on: a path, a spec, a list of paths, PIL images or
            arrays with labels, as (X, y), a frame, pairs, or a `Source`.
        name: Of the calibration.
        calibrator: Spec; `auto` chooses, see `probabilities.choose`.
        share: The fraction of the identities that calibrate; the rest tests.
        seed: Of the split.
        claim: `new_identities` or `known_classes`; the model's when left out.
        limit: Which points are used where nobody says, see `Calibration`.
        far: A false-accept rate, above 0 and at most 1, to fit a threshold for beside the usual
            ones; it is used where nobody says. .01 is used if None.
        costs: What a false accept and what a false reject costs; adds the point of least cost.
        prior: The share of same pairs where this is used, for the costs and for what is measured of
            the probabilities.
        impostors: Which different pairs thresholds are fitted for, where some items are forged:
            `skilled` (also if empty), `random` or `both`.
        overwrite: Replace the calibration of that name.
        allow_overlap: Calibrate on what trained the model, too.
        strict: Stop at the first item that cannot be read.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.

    Raises:
        BadArgument: If the name, the share, a rate, a cost or the prior is not one.
        CalibrationExists: If there is one of that name, and `overwrite` is not asked for.
        SpecError: If the calibrator is none.
        Leak: If the model was trained on any of it.
        SplitError: If the items cannot be dealt into two parts with same and different pairs.
        SaveFailed: If it cannot be written; what was there before still stands.

    Example:
        >>> import likewise
        >>> found = likewise.calibrate("model", "faces/", name="mine", share=0.5)
        >>> sorted(likewise.load("model").calibrations)
        ['clinic', 'clinic/distance', 'default', 'default/distance', 'mine', 'mine/distance']
    """
    check_name(name)
    model = _standing(as_model(model))
    _check_free(model, name, overwrite=overwrite)
    if claim and claim not in list(Claim):
        raise unknown("no claim is named", claim, [one.value for one in Claim])
    request = DecisionRequest(
        far=far, guaranteed=limit == "guarantee", costs=costs, prior=prior, calibration=name
    )
    fitting = Fitting(check_calibrator(calibrator), request)
    claimed = Claim(claim) if claim else model.manifest.claim
    items = as_source(source, kind=model.kind).items()
    if impostors and not items.forged.any():
        raise BadArgument(
            f"impostors is {impostors!r}, and nothing of {items.namespace} is forged. Leave it "
            "out, or say which items are forged, in a column `origin` of a table for example."
        )
    # Nothing is decoded for a split that the items cannot carry.
    _indices(items, claimed, share, seed)
    with watched(progress, "reading") as told:
        held = decode_all(items, model.transform, strict=strict, progress=told)
    with held as decoded:
        if not allow_overlap:
            model.trained_on.check(decoded.items, iter(decoded), purpose="calibrate")
        dealt = _indices(decoded.items, claimed, share, seed)
        known, test = (decoded.take(dealt.indices[r]) for r in (Role.CALIBRATE, Role.TEST))
        made, kept = calibrate_comparators(model, known, claimed, fitting, impostors=impostors)
        made, evaluation = with_test_rates(model, made, test, items.namespace, request)
        # Somebody may have calibrated the model, too, since it was loaded.
        standing = _standing(model)
        _check_free(standing, name, overwrite=overwrite)
        memory = standing.trained_on.and_calibrated(known.items, iter(known))
    files = {
        "calibration": to_json({**standing.calibrations, **made}),
        "reference": to_bytes({**standing.references, name: kept}),
        "trained_on": memory.to_json(),
    }
    if memory.is_private:
        del files["reference"]
    update_model(model.folder, files, standing=standing.manifest)
    return NamedCalibration(name, made[name], evaluation, dealt.how)


def check_name(name: str) -> None:
    """Refuse a name that a calibration cannot have.

    Raises:
        BadArgument: If it is empty or long, or holds a slash, an outer space or what cannot be
            printed.
    """
    fits = 0 < len(name) <= LONGEST_NAME and name == name.strip() and "/" not in name
    if not fits or not name.isprintable() or printable(name) != name:
        raise BadArgument(
            f"The calibration's name is {printable(name)[:100]!r}, and 1 to {LONGEST_NAME} "
            "printable characters without a slash or outer spaces are expected. Choose one such as "
            "clinic."
        )


def _standing(model: Model) -> Model:
    """The model as it now is in its folder, where others may have calibrated it, too."""
    now = Model(model.folder)
    if now.fingerprint != model.fingerprint:
        raise SaveFailed(
            f"{model.folder} holds another model than the one that was given. Load it and "
            "calibrate again."
        )
    return now


def _check_free(model: Model, name: str, *, overwrite: bool) -> None:
    if name in model.calibrations and not overwrite:
        raise CalibrationExists(
            f"{model.folder} has a calibration named {name!r} already. Choose another name, or "
            "replace it with --overwrite (overwrite=True)."
        )


def _indices(items: Items, claim: Claim, share: float, seed: int) -> Split:
    if not 0 < share < 1:
        raise BadArgument(
            f"The share is {share}, and the fraction of the identities that calibrate, between 0 "
            "and 1, is expected."
        )
    fractions = {Role.CALIBRATE: share, Role.TEST: 1 - share}
    return split(items, claim, fractions=fractions, by="random", seed=seed, trained=True)


def calibrate_comparators(
    model: Model, known: Decoded, claim: Claim, fitting: Fitting, *, impostors: str = ""
) -> tuple[dict[str, Calibration], DriftReference]:
    """Calibrate every comparator of a model on decoded items; arguments as in `calibrate`.

    Returns:
        The calibrations by the names under which the model keeps them, that of the comparator
        which decides under the name that is requested; and some of the embeddings.
    """
    made, plain = {}, features_for(model, known, "distance")
    for comparator, called in comparators(model, fitting.request.calibration).items():
        if model.uses_feature_maps(comparator):
            features = features_for(model, known, comparator)
        else:
            features = replace(plain, comparator=model.comparator(comparator))
        compared = choose_pairs(features.vectors, features.items, features.comparator, impostors)
        fitted = fit_calibration(compared, claim, fitting.calibrator, fitting.request)
        graded = graded_distances(features.vectors, features.items, features.comparator)
        source = known.items.namespace + (f" ({features.drawn})" if features.drawn else "")
        made[called] = replace(
            fitted,
            source=printable(source),
            grades=None if graded is None else graded.calibrated(),
        )
    return made, DriftReference.of(plain.vectors, plain.items.identities, claim)


def with_test_rates(
    model: Model,
    made: Mapping[str, Calibration],
    test: Decoded,
    source: str,
    request: DecisionRequest = USUAL,
) -> tuple[dict[str, Calibration], Evaluation]:
    """Calibrations with what their points do on a test part, and all else that was measured.

    Args:
        model: Whose they are.
        made: As `calibrate_comparators` gave them.
        test: The decoded test part.
        source: Where it comes from, in words.
        request: The name of the calibration, and the share of same pairs, for what is measured of
            the probabilities.

    Returns:
        The calibrations, and the evaluation of the comparator that decides.
    """
    found: dict[str, Calibration] = {}
    evaluation = None
    for comparator, called in comparators(model, request.calibration).items():
        asked = replace(request, comparator=comparator)
        evaluation = measure_model(model, test, source, asked, fitted=made[called])
        found[called] = made[called].with_points(evaluation.verification.points)
    assert evaluation is not None  # noqa: S101 - a model has a comparator
    return found, evaluation


def comparators(model: Model, name: str) -> dict[str, str]:
    """What compares in a model, the one that decides last; and what its calibration is called."""
    if model.matcher is None:
        return {"distance": name}
    return {"distance": beside(name), "matcher": name}
