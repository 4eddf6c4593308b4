"""What was measured with no model, in sentences."""

from likewise.evaluation import CrossFitted
from likewise.precomputed import Precomputed, PrecomputedComparisons
from likewise.results import Verification

NAMELESS = (
    "The model was trained with --private, and keeps no names: whether it learned from these "
    "identities, by other items than these, cannot be told."
)
UNKNOWN_TRAINING = (
    "Whether the encoder behind these distances learned from these items, nothing here can tell."
)


def counted(given: Precomputed, found: Verification) -> str:
    """Return what was compared, in a line."""
    pairs = f"{found.same_pairs:,} same and {found.different_pairs:,} different pairs"
    what = f"{found.identities:,} {found.unit}"
    more = ""
    if isinstance(given, PrecomputedComparisons) and not given.linked:
        what = "rows that nobody linked by items, so that each is taken to stand alone"
    elif found.unit != "identities":
        what = f"{found.items:,} items in {what}"
    if isinstance(given, PrecomputedComparisons) and given.repeated:
        more = f"; rows that only repeat others, left out: {given.repeated:,}"
    if isinstance(given, PrecomputedComparisons) and given.rounded:
        more += f"; a rounding below distance 0, taken as 0: {given.rounded:,}"
    return f"{given.place}: {pairs}, {what} ({given.measure}){more}"


def stratified_words(found: CrossFitted) -> str:
    """Return why no plain accuracy is shown, where one is expected; empty where it is shown."""
    if found.accuracy is not None or found.verification.unit == "identities":
        return ""
    return (
        "Accuracy is not shown: the groups cannot be dealt so that each fold has its share of same "
        "pairs, without which it would be biased; balanced accuracy is."
    )
