"""How a rate reads: its interval from the lower end to the upper, and the counts."""

from likewise.cli.text.rates import rate_words, right_words
from likewise.results import Accuracy, Rate


def test_an_interval_reads_from_its_lower_end_to_its_upper():
    words = rate_words(Rate(0.05, 12, 240, 30, 0.0208, 0.1153), "identities")
    assert words == "0.0500 (95% interval 0.0208 to 0.1153; 12 of 240 pairs)"


def test_too_few_trials_print_counts_and_no_interval():
    words = rate_words(Rate(0.05, 12, 240, 8, None, None), "items")
    assert words == "0.0500 (12 of 240 pairs; too few items for an interval)"


def test_an_accuracy_reads_likewise():
    found = Accuracy(0.9, 216, 240, 30, 0.8123, 0.9489)
    assert right_words(found, "identities") == (
        "0.9000 (95% interval 0.8123 to 0.9489; 216 of 240 pairs)"
    )
    assert "same and different pairs weigh half each" in right_words(
        found, "identities", balanced=True
    )
