"""Splits that the data cannot carry: each is refused with what would be needed."""

from collections.abc import Sequence

import pytest

from likewise.data.splits import Shares, split
from likewise.errors import RecipeError, SplitError
from likewise.types import Claim, Items, Role

NEW, KNOWN = Claim.NEW_IDENTITIES, Claim.KNOWN_CLASSES


def table(identities: Sequence[str], parts: Sequence[str] | None = None) -> Items:
    places = [f"{row}.png" for row in range(len(identities))]
    return Items.build("toy", identities, "image", places, lambda _: b"", parts=parts)


def many(count: int, items: int) -> list[str]:
    return [f"p{who}" for who in range(count) for _ in range(items)]


@pytest.mark.parametrize(
    ("names", "claim", "why"),
    [
        ([], NEW, "toy holds no items"),
        (["a", "", "b", ""], NEW, "2 of 4 items have no identity"),
        (["a"] * 9, NEW, "one identity only, 'a'"),
        (["a"] * 9, KNOWN, "one identity only, 'a'"),
        (many(9, 1), NEW, "every one of the 9 identities has a single item"),
        (many(9, 1), KNOWN, "every one of the 9 identities has a single item"),
        (many(5, 4), NEW, "5 identities, 5 of them .*6 identities in all, 3 of them with two"),
        ([*many(9, 1), "p0", "p1"], NEW, "9 identities, 2 of them with two items or more, cannot"),
        (many(9, 5), KNOWN, "calibrate gets 9 classes, 0 of them .*classes of 6 items or more"),
        (["a"] * 9 + ["b"] * 5, KNOWN, "calibrate gets 2 classes, 1 of .*2 of them with two"),
        (["a"] * 9 + ["b"] * 2, KNOWN, "calibrate gets [12] classes, 1 of them"),
    ],
)
def test_refusals(names: list[str], claim: Claim, why: str) -> None:
    with pytest.raises(SplitError, match=why):
        split(table(names), claim)


def test_two_classes_need_pairs_of_both_in_the_sources_own_test() -> None:
    parts = [*["train"] * 8, "test", "test", *["train"] * 8, "test"]
    items = table(["a"] * 10 + ["b"] * 9, parts=parts)
    with pytest.raises(SplitError, match="test gets 2 classes, 1 of them with two items"):
        split(items, KNOWN)


def test_one_single_among_others_is_fine() -> None:
    items = table([*many(9, 4), "single"])
    assert sum(len(rows) for _, rows in split(items, NEW)) == len(items)
    known = table([*many(3, 6), "single"])
    assert known.identities[split(known, KNOWN).indices[Role.TRAIN]].tolist().count("single") == 1


@pytest.mark.parametrize(
    "shares",
    [
        {},
        {Role.TRAIN: 0.5, Role.TEST: 0.5},
        {Role.TRAIN: 0.5, Role.CALIBRATE: 0.3, Role.TEST: 0.3},
        {Role.TRAIN: 0.5, Role.CALIBRATE: 0.5, Role.TEST: 0.0},
        {Role.TRAIN: 1.2, Role.CALIBRATE: -0.4, Role.TEST: 0.2},
        {Role.TRAIN: float("nan"), Role.CALIBRATE: 0.5, Role.TEST: 0.5},
    ],
)
def test_shares_that_cannot_be_followed(shares: Shares) -> None:
    with pytest.raises(RecipeError, match="Expected are positive ones of train, calibrate and"):
        split(table(many(9, 4)), NEW, fractions=shares)


def test_shares_need_not_sum_to_the_last_digit() -> None:
    shares = {Role.TRAIN: 1 / 3, Role.CALIBRATE: 1 / 3, Role.TEST: 0.3333333}
    made = split(table(many(9, 2)), NEW, fractions=shares)
    assert [len(made.indices[role]) for role in shares] == [6, 6, 6]


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"seed -1\. Expected is"):
        split(table(many(9, 4)), NEW, seed=-1)
