"""The tables of rates by population and by group."""

from dataclasses import replace

from likewise.report import render
from likewise.results.rates import ErrorRates, Extremes, GroupRates, Groups
from tests.report.test_page import EVALUATION, FAR, FRR, POINTS, REPORT, VERIFICATION, Tree

SKILLED = replace(FAR, value=0.3, errors=300, trials=1000, low=0.21, high=0.4)
FOUND = replace(
    VERIFICATION,
    against="skilled",
    populations={
        "skilled": tuple(ErrorRates(SKILLED, FRR) for _ in POINTS),
        "random": tuple(ErrorRates(FAR, FRR) for _ in POINTS),
    },
    population_eers={"skilled": 0.21, "random": 0.04},
)
GROUPS = Groups(
    by="site",
    threshold=0.7,
    groups=(
        GroupRates("north<b>", 300, 15, ErrorRates(FAR, FRR), ""),
        GroupRates("south", 20, 1, None, "It has one identity."),
    ),
    far_ratio=Extremes("north<b>", 0.05, "west", 0.02, 2.5),
    frr_ratio=None,
)


def section(name, **changes):
    page = render(replace(REPORT, evaluation=replace(EVALUATION, **changes)))
    (found,) = Tree(page).root.all("section", id=name)
    return found


def test_each_population_has_its_own_rates_at_every_point():
    found = section("populations", verification=FOUND)
    rows = found.all("tr")[1:]
    assert [row.all("th")[0].text for row in rows] == [point.name for point in POINTS]
    chosen = rows[1].all("td")
    assert "0.300" in chosen[0].text
    assert "0.210 to 0.400" in chosen[0].text
    assert "0.052" in chosen[1].text
    assert "fitted against skilled" in found.text
    assert "random 0.040" in found.text


def test_a_rate_that_is_not_supported_shows_its_counts_only():
    row = section("populations", verification=FOUND).all("tr")[1]
    assert row.all("td")[0].text == "300 of 1,000"


def test_groups_stand_at_one_threshold_with_their_extremes():
    found = section("groups", groups=GROUPS)
    assert "north<b>" in found.text
    assert "300 of 15" in found.text
    assert "It has one identity." in found.text
    assert "FAR is highest for north<b> (0.050, 2.5 times as much)" in found.text
    assert "FRR is highest" not in found.text


def test_without_them_neither_section_stands():
    page = Tree(render(REPORT)).root
    assert not page.all("section", id="populations")
    assert not page.all("section", id="groups")
