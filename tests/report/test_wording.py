"""Sentences that somebody decides by, in every situation they can meet."""

from dataclasses import replace

import numpy as np
import pytest

from likewise.cli.text.evaluation import evaluation_lines
from likewise.report import wording
from likewise.results import BALANCED, EQUAL_ERROR, Criterion
from likewise.results.evaluation import Evaluation, Histogram, OneShot, OperatingPoint, Verification
from likewise.results.rates import ErrorRates, Promise, Rate
from likewise.types import Claim

FRR = Rate(0.034, 194, 5700, 30, 0.019, 0.060)


def fitted_for(target: float | None) -> Criterion:
    return Criterion("eer") if target is None else Criterion.of_rate(target)


def evaluation(
    far: Rate,
    *,
    target: float | None = 0.05,
    claim: Claim = Claim.NEW_IDENTITIES,
    frr: Rate = FRR,
    unit: str = "identities",
) -> Evaluation:
    rates = ErrorRates(far, frr)
    point = OperatingPoint(fitted_for(target), 0.7, True, "", rates, rates)
    histogram = Histogram(np.array([0.0, 1.0]), np.ones(1), np.ones(1))
    found = Verification(claim, 30, 600, 5700, 174000, 0.04, 0.99, (point,), histogram, unit)
    return Evaluation("characters", found, None, (), (), {})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.052, "0.052"),
        (0.5, "0.500"),
        (0.00123, "0.0012"),
        (0.99962, "0.99962"),
        (2e-6, "0.0000020"),
    ],
)
def test_a_fraction_is_told_from_nothing_and_from_all(value: float, said: str) -> None:
    assert wording.fraction(value) == said


def test_a_rate_with_an_interval_is_counted_of_a_round_number() -> None:
    said = wording.verdict(evaluation(Rate(0.0012, 208, 174000, 30, 0.0004, 0.0036)), "far=0.05")
    assert "of 10,000 pairs of different things about 12 (between 4 and 36)" in said
    assert said.endswith("Measured on 30 identities never trained on.")


def test_no_error_at_all_is_no_promise_of_none() -> None:
    said = wording.verdict(evaluation(Rate(0.0, 0, 4350, 30, 0.0, 0.181)), "far=0.05")
    assert (
        "none of the 4,350 pairs of different things was taken for the same (in the long run at "
        "most 181 of 1,000)" in said
    )


OTHERS = (
    " These items are not like those that the threshold was fitted on, or this is the one case in "
    "twenty."
)


@pytest.mark.parametrize(
    ("ends", "kept", "said"),
    [
        (
            (0.05, 0.071, 0.021, 0.112),
            True,
            "FAR 0.05 is kept within what chance explains: 0.071 was measured, of 0.021 to 0.112.",
        ),
        (
            (0.05, 0.099, 0.02, 0.08),
            False,
            "FAR 0.05 is not kept: 0.099 was measured, more than chance explains (0.020 to 0.080)."
            + OTHERS,
        ),
        (
            (0.05, 0.0009, 0.002, 0.08),
            False,
            "FAR 0.05 is not kept: 0.00090 was measured, less than chance explains (0.0020 to "
            "0.080)." + OTHERS,
        ),
        ((0.03, 0.041, 0.0, 0.06), True, "FAR at most 0.05 is kept: 0.041 was measured."),
        (
            (0.03, 0.055, 0.0, 0.06),
            True,
            (
                "FAR at most 0.05 is kept within what chance explains: 0.055 was measured, of up "
                "to 0.060."
            ),
        ),
        (
            (0.03, 0.09, 0.0, 0.06),
            False,
            "FAR at most 0.05 is not kept: 0.090 was measured, more than chance explains (up to "
            "0.060)." + OTHERS,
        ),
    ],
)
def test_whether_a_promise_is_kept_is_said_aloud(
    ends: tuple[float, float, float, float], kept: bool, said: str
) -> None:
    promise, said = Promise(0.05, "at most" in said, *ends, kept), f"The promise of {said}"
    measured = evaluation(Rate(promise.test, 17400, 174000, 30, 0.07, 0.14))
    found = replace(measured.verification, promises={"far=0.05": promise})
    measured = replace(measured, verification=found)
    assert wording.verdict(measured, "far=0.05").endswith(f" {said}")
    assert wording.promises(found) == [f"far=0.05: {said}"]
    assert f"  {said}" in evaluation_lines(measured)
    nothing = replace(measured, verification=replace(found, promises={}))
    assert "promise" not in wording.verdict(nothing, "far=0.05")
    assert not any("promise of" in line for line in evaluation_lines(nothing))


@pytest.mark.parametrize(
    ("claim", "units"),
    [
        (Claim.NEW_IDENTITIES, "identities"),
        (Claim.KNOWN_CLASSES, "items"),
        (Claim.NEW_IDENTITIES, "groups of linked pairs"),
    ],
)
def test_too_few_trials_leave_counts(claim: Claim, units: str) -> None:
    none, some = Rate(0.0, 0, 450, 6, None, None), Rate(0.04, 2, 45, 6, None, None)
    said = wording.verdict(evaluation(none, claim=claim, frr=some, unit=units), "far=0.05")
    assert (
        "none of the 450 pairs of different things was taken for the same, and 2 of the 45 pairs "
        f"of the same thing were taken for different (too few {units} for an interval)." in said
    )
    assert "promise" not in said


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (0.001, "fitted for 1 false accept in 1,000,"),
        (0.03, "fitted for a false-accept rate of 0.03,"),
        (None, "fitted for false accepts as frequent as false rejects,"),
    ],
)
def test_the_aim_is_said_in_words(target: float | None, said: str) -> None:
    assert said in wording.verdict(evaluation(FRR, target=target), str(fitted_for(target)))


def test_the_balanced_point_is_not_taken_for_that_of_equal_errors() -> None:
    measured = evaluation(FRR, target=None)
    (equal,) = measured.verification.points
    points = (
        replace(equal, criterion=BALANCED, threshold=0.3, supported=False),
        replace(equal, criterion=EQUAL_ERROR, threshold=0.9, supported=False),
    )
    measured = replace(measured, verification=replace(measured.verification, points=points))
    said = wording.verdict(measured, "balanced")
    assert "fitted for the least mean of both error rates," in said
    assert "the threshold of equal errors (0.9), marked unsupported" in wording.verdict(
        measured, ""
    )


def test_no_pairs_are_no_rate() -> None:
    said = wording.verdict(evaluation(FRR, frr=Rate(0.0, 0, 0, 0, None, None)), "far=0.05")
    assert "and there was no pair of the same thing to try." in said


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (OneShot(20, 2000, 0.926, 30, 0.901, 0.946), "about 926 of 1,000 new items (between 901"),
        (OneShot(20, 2000, 0.9982, 30, 0.9961, 0.9991), "about 9,982 of 10,000 new items"),
        (OneShot(20, 2000, 1.0, 30, 0.9, 1.0), "about 1,000 of 1,000 new items (between 900 and"),
        (OneShot(6, 60, 0.95, 6, None, None), "0.950 of 60 questions about 6 identities (too few"),
    ],
)
def test_recognition_from_one_example_is_a_sentence(one: OneShot, said: str) -> None:
    measured = replace(evaluation(FRR, claim=Claim.KNOWN_CLASSES), one_shot=one)
    assert said in wording.recognition(measured)
    assert "too few items" not in wording.recognition(measured)


def test_recognition_that_was_not_asked_for_is_not_mentioned() -> None:
    assert wording.recognition(evaluation(FRR)) == ""


@pytest.mark.parametrize(
    ("claim", "unit", "counted", "sentence"),
    [
        (
            Claim.NEW_IDENTITIES,
            "identities",
            "600 items of 30 identities",
            "measured on identities never trained on",
        ),
        (
            Claim.KNOWN_CLASSES,
            "items",
            "600 items of 30 classes",
            "measured on new items of the classes trained on",
        ),
        (
            Claim.NEW_IDENTITIES,
            "groups of linked pairs",
            "600 items in 30 groups of linked pairs",
            "measured on groups of linked pairs never trained on",
        ),
    ],
)
def test_units_are_called_what_they_are(
    claim: Claim, unit: str, counted: str, sentence: str
) -> None:
    found = evaluation(FRR, claim=claim, unit=unit).verification
    assert found.counted == counted
    assert found.sentence == sentence


def test_the_terminal_names_the_units_too() -> None:
    few = Rate(0.0, 0, 4500, 6, None, None)
    measured = evaluation(few, frr=few, unit="groups of linked pairs")
    lines = "\n".join(evaluation_lines(measured))
    assert "600 items in 30 groups of linked pairs: 5,700 same and 174,000 different" in lines
    assert lines.count("0 of 4,500 pairs; too few groups of linked pairs for an interval") == 2
    assert "identities" not in lines


def test_a_matcher_gives_no_distance() -> None:
    assert wording.measure_words(evaluation(FRR)) == "distance"
    learned = replace(evaluation(FRR), comparator="matcher")
    assert "shows the dissimilarity beside the threshold" in wording.verdict(learned, "")


@pytest.mark.parametrize(
    ("value", "told"), [(6.7e-15, "0"), (1 - 1e-15, "1"), (-1e-17, "-0"), (1e-10, "0.00000000010")]
)
def test_no_residue_of_rounding_is_printed(value, told):
    assert wording.fraction(value) == told.lstrip("-")
