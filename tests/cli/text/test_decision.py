"""What a person reads of one decision: which of the rates, and what stands beside each."""

from dataclasses import replace

from likewise.cli.text.decision import decision_lines
from likewise.results import Criterion, Decision, ErrorRates, OperatingPoint, Rate, claim_sentence
from likewise.types import Claim

FITTED = ErrorRates(
    Rate(0.0101, 41, 4059, 60, 0.0061, 0.0166), Rate(0.1102, 33, 299, 60, 0.0704, 0.1684)
)
SEEN = ErrorRates(
    Rate(0.0203, 9, 443, 20, 0.0092, 0.0441), Rate(0.2304, 14, 61, 20, 0.1205, 0.3956)
)
POINT = OperatingPoint(Criterion.of_rate(0.01), 0.5, True, "", FITTED, SEEN)
DECIDED = Decision("same", 0.25, 0.5, 1.5, 0.3, 0.6575, POINT, Claim.NEW_IDENTITIES)


def printed(decision: Decision) -> list[str]:
    sentence = claim_sentence(decision.claim, decision.unit)
    return decision_lines(decision, "distance     0.2500", sentence)


def test_the_rates_measured_on_identities_never_trained_on_are_those_of_the_test_identities():
    lines = printed(DECIDED)
    told = [line.split(maxsplit=1) for line in lines]
    far, frr = (next(rest for name, *rest in told if name == noun) for noun in ("FAR", "FRR"))
    assert far == ["0.0203 (95% interval 0.0092 to 0.0441; 9 of 443 pairs)"]
    assert frr == ["0.2304 (95% interval 0.1205 to 0.3956; 14 of 61 pairs)"]
    assert lines[-1].strip() == "measured on identities never trained on"


def test_a_threshold_that_was_measured_on_nothing_else_prints_no_rate():
    lines = printed(replace(DECIDED, point=replace(POINT, test=None)))
    assert not [line for line in lines if "FAR  " in line or "FRR" in line or "never" in line]
    assert lines[0] == "same"


def test_the_probability_stands_with_its_prior_and_the_threshold_with_its_aim():
    verdict, held, threshold, probability, *_ = printed(DECIDED)
    assert (verdict, held) == ("same", "  distance     0.2500")
    assert threshold == "  threshold    0.5000, fitted for FAR 0.01"
    assert probability == "  probability  0.657 that they are the same, where 0.3 of all pairs are"


def test_an_unsupported_rate_prints_why_and_neither_rate_nor_probability():
    point = replace(POINT, criterion=Criterion("eer"), supported=False, reason="It needs more.")
    lines = printed(replace(DECIDED, verdict="undecided", point=point))
    assert lines == [
        "undecided",
        "  distance     0.2500",
        "  threshold    0.5000, where both errors were equal; unsupported: It needs more.",
    ]
