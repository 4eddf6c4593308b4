"""The page is parsed, not searched, wherever its structure matters."""

import base64
import hashlib
import io
import json
import re
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likewise.errors import BadArgument, MissingExtra
from likewise.report import Example, Report, card, figures, pictures, render
from likewise.results import Criterion
from likewise.results.curves import Histogram
from likewise.results.evaluation import Epoch, Evaluation, OneShot, OperatingPoint, Verification
from likewise.results.rates import ErrorRates, Promise, Rate
from likewise.types import Claim

EVIL = "<script>alert('a&b')</script>"
PLOTLY_SCRIPT = figures.plotly_script
VOID = {"meta", "img", "wbr", "br", "input", "link", "hr"}
FAR = Rate(0.052, 9048, 174000, 30, 0.031, 0.080)
FRR = Rate(0.034, 194, 5700, 30, 0.019, 0.060)
REASON = "It needs at least 30000 different pairs, and there are 17400 to calibrate on."


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: "list[Node | str]" = field(default_factory=list)

    def all(self, tag: str, **wanted: str) -> "list[Node]":
        found = [] if self.tag != tag else [self]
        found = [n for n in found if all(n.attributes.get(k) == v for k, v in wanted.items())]
        return found + [
            n for c in self.children if isinstance(c, Node) for n in c.all(tag, **wanted)
        ]

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)


class Tree(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root], "an element is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def point(name: str, threshold: float, **changes: Any) -> OperatingPoint:
    rates = ErrorRates(FAR, FRR)
    made = OperatingPoint(Criterion.parse(name), threshold, True, "", rates, rates)
    return replace(made, **changes)


POINTS = (
    point("far=0.001", 0.41, supported=False, reason=REASON),
    point("far=0.05", 0.70),
    point("eer", 0.68),
)
EDGES = np.linspace(0, 2, 5)
HISTOGRAM = Histogram(EDGES, np.array([0.7, 0.2, 0.1, 0.0]), np.array([0.0, 0.1, 0.3, 0.6]))
VERIFICATION = Verification(
    Claim.NEW_IDENTITIES, 30, 600, 5700, 174000, 0.043, 0.991, POINTS, HISTOGRAM
)
EVALUATION = Evaluation(
    source="characters",
    verification=VERIFICATION,
    one_shot=OneShot(20, 2000, 0.926, 30, 0.901, 0.946),
    mistakes=(),
    failed=tuple((f"broken{i}.png", "is no image") for i in range(12)),
    hardest={"Latin/7": 0.2, "Latin/8": 0.1, "Latin/9": 0.0},
)
random = np.random.default_rng(0)
GREY = random.integers(0, 256, (1, 28, 21), dtype=np.uint8)
COLOUR = random.integers(0, 256, (3, 200, 90), dtype=np.uint8)
LONG = random.normal(size=(40, 3)).astype(np.float32)
SHORT = random.normal(size=(25, 3)).astype(np.float32)


def example(first: Any = GREY, second: Any = COLOUR, **changes: Any) -> Example:
    made = Example(first, second, "Latin/7", "Greek/2", "a.png", "b.png", False, 0.2, 0.7)
    return replace(made, **changes)


def epoch(number: int, figure: float | None = 0.5) -> Epoch:
    return Epoch(number, number * 10, number * 2.0, 1 / number, figure, 100.0, 0.0, number == 2)


REPORT = Report(
    title="Characters",
    evaluation=EVALUATION,
    default_point="far=0.05",
    epochs=tuple(epoch(i) for i in range(1, 4)),
    examples=(example(), example(LONG, SHORT, same=True, distance=0.9)),
    recipe='source = "characters"\nseed = 0\n',
    data={"train": "76 characters.", "test": "30 characters."},
    rerun=("likewise train characters", "likewise evaluate model/"),
    environment={"likewise": "0.1.0"},
)


@pytest.fixture(autouse=True)
def _short_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plotly's megabytes are left out, but where a test is about them."""
    monkeypatch.setattr(figures, "plotly_script", lambda: "/* plotly */")


def tree(report: Report = REPORT) -> Node:
    return Tree(render(report)).root


def section(page: Node, name: str) -> Node:
    (found,) = page.all("section", id=name)
    return found


def sections(page: Node) -> list[str | None]:
    return [node.attributes["id"] for node in page.all("section")]


def with_points(*points: OperatingPoint, default: str = "", **changes: Any) -> Report:
    verification = replace(VERIFICATION, points=points, **changes)
    evaluation = replace(EVALUATION, verification=verification)
    return replace(REPORT, evaluation=evaluation, default_point=default)


def test_all_sections_stand_in_their_order() -> None:
    first = ["summary", "points", "distances", "training", "mistakes", "hardest", "failed"]
    assert sections(tree()) == [*first, "data", "recipe", "rerun", "environment"]


def test_sections_without_content_are_left_out() -> None:
    evaluation = replace(EVALUATION, failed=(), hardest={"Latin/9": 0.0}, one_shot=None)
    bare = replace(REPORT, evaluation=evaluation, epochs=(), examples=(), recipe="", data={})
    page = tree(replace(bare, rerun=(), environment={}))
    assert sections(page) == ["summary", "points", "distances"]
    assert "right one" not in page.text
    assert page.all("img") == []


def test_the_summary_says_what_a_manager_must_know() -> None:
    text = section(tree(), "summary").text
    assert (
        "At the threshold fitted for 1 false accept in 20, of 1,000 pairs of different things "
        "about 52 (between 31 and 80) are taken for the same, and of 1,000 pairs of the same "
        "thing about 34 (between 19 and 60) are taken for different. Measured on 30 identities "
        "never trained on." in text
    )
    assert "0.926" in text
    assert "about 926 of 1,000 new items (between 901 and 946; 2,000 questions" in text


def test_the_table_shows_each_point_with_its_counts() -> None:
    rows = [
        [cell.text for cell in [*row.all("th"), *row.all("td")]]
        for row in section(tree(), "points").all("tbody")[0].all("tr")
    ]
    far = "0.0520.031 to 0.0809,048 of 174,000pooled 0.052"
    frr = "0.0340.019 to 0.060194 of 5,700pooled 0.034"
    assert rows == [
        # A rate that the data cannot support is not printed: its counts are.
        ["far=0.001", "0.001", "0.41", *["9,048 of 174,000"] * 2, "194 of 5,700", "no"],
        ["far=0.05used by verify", "0.05", "0.7", far, far, frr, "yes"],
        ["eer", "—", "0.68", far, far, frr, "yes"],
    ]
    assert f"far=0.001 is not supported. {REASON}" in section(tree(), "points").text


def test_too_few_identities_leave_counts_and_no_rate() -> None:
    few = ErrorRates(Rate(0.03, 12, 450, 6, None, None), Rate(0.02, 1, 45, 6, None, None))
    page = tree(with_points(point("far=0.05", 0.7, test=few), default="far=0.05"))
    text = section(page, "summary").text
    assert "12 of the 450 pairs of different things were taken for the same" in text
    assert "1 of the 45 pairs of the same thing was taken for different" in text
    assert "12 of 450pairs; too few identities for an interval" in text
    assert "0.03" not in text
    cells = [cell.text for cell in section(page, "points").all("tbody")[0].all("td")]
    assert cells[3] == "12 of 450too few identities for an interval"


def test_a_point_without_test_rates_says_so() -> None:
    page = tree(with_points(point("far=0.05", 0.7, test=None), default="far=0.05"))
    assert "has not been measured" in section(page, "summary").text
    assert "not measured" in section(page, "points").text


def test_where_nothing_is_supported_no_rate_is_promised() -> None:
    refused = [replace(p, supported=False, reason=REASON) for p in POINTS]
    summary = section(tree(with_points(*refused, identities=6)), "summary")
    assert "No error rate is promised" in summary.text
    assert f"Even far=0.05, the easiest to support, is refused. {REASON}" in summary.text
    assert "equal errors (0.68), marked unsupported" in summary.text
    assert "0.052" not in summary.text
    assert [dt.text for dt in summary.all("dt")] == ["One-shot accuracy among 20"]


def test_known_classes_are_never_called_new_identities() -> None:
    page = tree(with_points(*POINTS, default="far=0.05", claim=Claim.KNOWN_CLASSES))
    text = page.text
    assert "Measured on 600 new items of the 30 classes trained on; this says nothing" in text
    assert "measured on new items of the classes trained on" in page.all("header")[0].text
    assert "never trained on" not in text


def test_the_page_asks_for_nothing_from_outside() -> None:
    page = tree()
    assert not re.search(r"https?://|url\(|@import|src=\"//", render(REPORT))
    assert page.all("link") == []
    assert all("src" not in node.attributes for node in page.all("script"))
    assert all(str(node.attributes["src"]).startswith("data:") for node in page.all("img"))
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert str(policy.attributes["content"]).startswith("default-src 'none';")


def test_plotly_stands_in_the_page_once_and_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "plotly_script", PLOTLY_SCRIPT)
    page = tree()
    script = PLOTLY_SCRIPT()
    bodies = [node.text for node in page.all("script") if "type" not in node.attributes]
    assert [body == script for body in bodies] == [True, False]
    assert "http" not in bodies[1]
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    allowed = re.findall(r"'sha256-([^']+)'", str(policy.attributes["content"]))
    hashes = [hashlib.sha256(body.encode()).digest() for body in bodies]
    assert allowed == [base64.b64encode(value).decode() for value in hashes]


def test_without_plotly_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'likewise[evaluate]'")):
        render(REPORT)
    assert card(REPORT).startswith("# Characters")


def test_what_comes_from_outside_stays_text() -> None:
    evil = example(first_label=EVIL, second_place=EVIL)
    evaluation = replace(
        EVALUATION,
        source=EVIL,
        failed=((EVIL, EVIL),),
        hardest={EVIL: 0.2},
        verification=replace(
            VERIFICATION, points=(point("far=0.05", 0.7), replace(POINTS[0], reason=EVIL))
        ),
    )
    report = Report(
        EVIL, evaluation, "far=0.05", (), (evil,), EVIL, {EVIL: EVIL}, (EVIL,), {EVIL: EVIL}
    )
    page = tree(report)
    kinds = [node.attributes.get("type") for node in page.all("script")]
    assert kinds == ["application/json", None, None]
    assert all(not key.startswith("on") for n in page.all("img") for key in n.attributes)
    (caption, other) = section(page, "mistakes").all("figcaption")
    assert caption.text == f"{EVIL}a.png"
    assert other.text == f"Greek/2{EVIL}"
    for name in ("failed", "hardest", "data", "recipe", "rerun", "environment", "points"):
        assert EVIL in section(page, name).text
    # Between fences Markdown reads no HTML; anywhere else it would.
    outside = "".join(card(report).split("```")[::2])
    assert outside.count("&lt;script") >= 4
    assert "<script" not in outside


def test_images_decode_back_to_the_input() -> None:
    small, large = section(tree(), "mistakes").all("img")
    for node, image in ((small, GREY), (large, COLOUR)):
        data = str(node.attributes["src"]).removeprefix("data:image/png;base64,")
        decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        expected = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
        np.testing.assert_array_equal(decoded, expected)
    assert small.attributes["class"] == "crisp"
    assert (small.attributes["width"], small.attributes["height"]) == ("105", "140")
    assert "class" not in large.attributes
    assert small.attributes["alt"] == "An item of Latin/7"


def test_series_are_lines_on_shared_axes() -> None:
    first, second = section(tree(), "mistakes").all("svg", **{"class": "series"})
    both = np.concatenate([LONG, SHORT])
    low, high = both.min(0), both.max(0)
    for drawing, values in ((first, LONG), (second, SHORT)):
        lines = [
            np.array([p.split(",") for p in str(line.attributes["points"]).split()], float)
            for line in drawing.all("polyline")
        ]
        assert [len(line) for line in lines] == [len(values)] * 3
        # Each channel fills a band of 36, and has a scale of its own.
        upward = 36 * np.arange(1, 4) - 4 - 28 * (values - low) / (high - low)
        np.testing.assert_allclose(np.stack([line[:, 1] for line in lines], 1), upward, atol=0.06)
        steps = np.arange(len(values)) * 320 / 39
        np.testing.assert_allclose(lines[0][:, 0], steps, atol=0.06)
        assert drawing.attributes["viewbox"] == "0 0 320 108"
        assert len(drawing.all("line")) == 2
    assert second.attributes["aria-label"] == "A series of 25 steps and 3 channels"


def test_one_channel_of_many_steps_or_of_one() -> None:
    high, dot, axes = pictures.series_drawing(
        np.array([[0], [2], [1]], np.float32), np.ones((1, 1))
    )
    assert (
        Tree(high).root.all("polyline")[0].attributes["points"] == "0.0,116.0 160.0,4.0 320.0,60.0"
    )
    # A line of one point would be drawn nowhere.
    assert Tree(dot).root.all("polyline")[0].attributes["points"] == "0.0,60.0 0.0,60.0"
    assert axes == "3 steps across, 0 to 2 upward, in both"


def test_of_many_channels_the_first_twelve_are_drawn() -> None:
    values = np.random.default_rng(0).normal(size=(5, 15)).astype(np.float32)
    drawing, _, axes = pictures.series_drawing(values, values)
    assert len(Tree(drawing).root.all("polyline")) == 12
    assert axes.endswith(
        "12 of 15 channels below one another, each on a scale of its own, the same in both"
    )
    _, _, few = pictures.series_drawing(values[:, :4], values[:, :4])
    assert few.count(" to ") == 4


def test_a_long_series_keeps_its_extremes() -> None:
    values = np.zeros((50_000, 1), np.float32)
    values[31_234], values[7] = 9.0, -3.0
    drawing, _, axes = pictures.series_drawing(values, values[:1])
    (line,) = Tree(drawing).root.all("polyline")
    heights = [float(p.split(",")[1]) for p in str(line.attributes["points"]).split()]
    assert len(heights) <= 1000
    assert (min(heights), max(heights)) == (4.0, 116.0)
    assert axes == "50,000 steps across, -3 to 9 upward, in both"


def test_mistakes_say_what_kind_they_are() -> None:
    accepted, rejected = section(tree(), "mistakes").all("li")
    assert accepted.all("h3")[0].text == "Different, taken for the same"
    assert "distance 0.2, at most the threshold 0.7" in accepted.text
    assert rejected.all("h3")[0].text == "The same, taken for different"
    assert "distance 0.9, above the threshold 0.7" in rejected.text


def plot(page: Node, name: str) -> tuple[dict[str, Any], Node]:
    (content,) = section(page, name).all("script", type="application/json")
    (drawn,) = section(page, name).all("div", role="img")
    return json.loads(content.text), drawn


def test_the_thresholds_are_drawn_and_labelled() -> None:
    figure, drawn = plot(tree(), "distances")
    same, different = figure["data"]
    assert (same["name"], different["name"]) == ("same pairs", "different pairs")
    assert same["x"] == EDGES.tolist()
    assert same["y"] == [0.7, 0.2, 0.1, 0.0, 0.0]
    lines = [(s["x0"], s["line"]["dash"], s["line"]["width"]) for s in figure["layout"]["shapes"]]
    assert lines == [(0.41, "dot", 1), (0.68, "solid", 1), (0.70, "solid", 2)]
    labels = [(a["x"], a["text"]) for a in figure["layout"]["annotations"]]
    assert labels == [(0.41, "far=0.001"), (0.68, "eer"), (0.70, "<b>far=0.05</b>")]
    # Labels stand at falling heights, so that no later line crosses one.
    heights = [a["y"] for a in figure["layout"]["annotations"]]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3
    assert "far=0.05 at 0.7" in str(drawn.attributes["aria-label"])
    assert "same pairs are most often 0 to 0.5 apart" in str(drawn.attributes["aria-label"])


def test_the_training_curve_shows_a_validation_figure_only_where_there_is_one() -> None:
    figure, drawn = plot(tree(), "training")
    assert [trace["name"] for trace in figure["data"]] == ["loss", "validation"]
    assert figure["data"][0]["y"] == [1, 1 / 2, 1 / 3]
    assert figure["layout"]["shapes"][0]["x0"] == 2
    assert "1 at first, 0.333 at last" in str(drawn.attributes["aria-label"])
    alone, _ = plot(tree(replace(REPORT, epochs=(epoch(1, None),))), "training")
    assert [trace["name"] for trace in alone["data"]] == ["loss"]
    assert "shapes" not in alone["layout"]


def test_colours_are_stand_ins_that_the_style_defines() -> None:
    figure, _ = plot(tree(), "distances")
    style = tree().all("style")[0].text
    assert figure["tokens"] == figures.TOKENS
    dark = style[style.index("prefers-color-scheme: dark") :]
    for name in figures.TOKENS:
        assert style.count(f" --{name}:") == 2
        assert f" --{name}:" in dark


def test_no_more_than_ten_failures_and_no_faultless_identity_are_named() -> None:
    page = tree()
    failed = section(page, "failed")
    assert failed.text.count("broken") == 10
    assert "12 items failed to read" in failed.text
    assert [th.text for th in section(page, "hardest").all("tbody")[0].all("th")] == [
        "Latin/7",
        "Latin/8",
    ]


@pytest.mark.parametrize(
    ("unit", "one", "title"),
    [
        ("identities", "identity", "Hardest identities"),
        ("items", "class", "Hardest classes"),
        ("groups of linked pairs", "group of linked pairs", "Hardest groups of linked pairs"),
    ],
)
def test_the_hardest_are_called_what_they_are(unit: str, one: str, title: str) -> None:
    evaluation = replace(EVALUATION, verification=replace(VERIFICATION, unit=unit))
    hardest = section(tree(replace(REPORT, evaluation=evaluation)), "hardest")
    assert hardest.all("h2")[0].text == title
    assert hardest.all("th")[0].text == one
    assert "Of 3 " in hardest.text
    assert "2 took part in a wrong decision" in hardest.text


def test_a_matchers_page_speaks_of_dissimilarity() -> None:
    page = tree(replace(REPORT, evaluation=replace(EVALUATION, comparator="matcher")))
    assert section(page, "distances").all("h2")[0].text == "Dissimilarities"
    assert "dissimilarity 0.2, at most the threshold 0.7" in section(page, "mistakes").text
    figure, drawn = plot(page, "distances")
    assert figure["layout"]["xaxis"]["title"]["text"] == "dissimilarity of the matcher"
    assert str(drawn.attributes["aria-label"]).startswith("Histogram of the dissimilarity")
    assert "when its dissimilarity is at most" in section(page, "points").text


def test_linked_pairs_are_not_called_identities() -> None:
    unit = "groups of linked pairs"
    few = Rate(0.0, 0, 450, 6, None, None)
    report = with_points(point("far=0.05", 0.7, test=ErrorRates(few, few)), unit=unit)
    report = replace(report, evaluation=replace(report.evaluation, one_shot=None, hardest={}))
    page = tree(replace(report, default_point="far=0.05"))
    said = "".join(node.text for node in page.all("section") + page.all("header"))
    assert f"too few {unit} for an interval" in said
    assert f"Measured on 30 {unit} never trained on" in said
    assert "identit" not in said
    assert "pooled" not in said
    assert f"600 items in 30 {unit}" in card(replace(report, default_point="far=0.05"))


def test_cells_name_their_columns_for_a_phone() -> None:
    (table,) = section(tree(), "points").all("table")
    columns = [head.text for head in table.all("thead")[0].all("th")[1:]]
    assert "FRR on test" in columns
    for row in table.all("tbody")[0].all("tr"):
        assert [cell.attributes["data-name"] for cell in row.all("td")] == columns


def test_rates_are_fractions_and_nothing_is_a_score() -> None:
    page = tree()
    body = page.all("body")[0]
    shown = "".join(node.text for node in body.all("section")) + card(REPORT)
    assert set(re.findall(r"\w*%\w*", re.sub(r"%\{y[^}]*\}", "", shown))) == {"95%"}
    assert "score" not in shown.lower()


def test_the_card_says_what_it_is_good_for_on_whom_and_its_limits() -> None:
    text = card(REPORT)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Characters",
        "## What it is good for",
        "## On whom it was measured",
        "## What this folder reveals",
        "## Limits",
        "## How to rerun",
    ]
    assert "about 52 (between 31 and 80) are taken for the same" in text
    assert "600 items of 30 identities" in text
    assert "| far=0.05 | 0.7 | 0.052 (0.031 to 0.080); 9,048 of 174,000 pairs | 0.034 " in text
    assert "| far=0.001 | 0.41 | not supported | not supported |" in text
    assert f"- far=0.001 is not supported. {REASON}" in text
    assert "took no part: 12." in text
    assert "It errs most on Latin/7, Latin/8." in text
    assert "```sh\nlikewise train characters\nlikewise evaluate model/\n```" in text


def test_the_card_keeps_markdown_out_of_names() -> None:
    text = card(replace(REPORT, title="a|b\n# *c* [d](e)", rerun=("```",)))
    assert text.startswith("# a\\|b \\# \\*c\\* \\[d\\](e)\n")
    assert "````sh\n```\n````" in text


def test_a_default_point_that_is_not_supported_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"'far=0.001', and one of the supported points \(far="):
        replace(REPORT, default_point="far=0.001")


@pytest.mark.parametrize("second", [LONG, GREY.astype(np.float32), GREY[0]])
def test_examples_that_cannot_be_shown_side_by_side_are_refused(second: Any) -> None:
    with pytest.raises(BadArgument, match=r"a\.png and b\.png are uint8 \[1, 28, 21\] and "):
        example(GREY, second)


def test_an_image_of_two_channels_is_refused() -> None:
    with pytest.raises(BadArgument, match="1, 3 or 4 channels is expected"):
        pictures.picture(np.zeros((2, 8, 8), np.uint8), "two channels")


def test_whether_promises_are_kept_stands_below_the_points() -> None:
    kept = Promise(0.05, False, 0.05, 0.052, 0.021, 0.112, kept=True)
    found = replace(VERIFICATION, promises={"far=0.05": kept})
    page = Tree(render(replace(REPORT, evaluation=replace(EVALUATION, verification=found)))).root
    (listed,) = page.all("ul", **{"class": "promises"})
    (line,) = listed.all("li")
    said = (
        "The promise of FAR 0.05 is kept within what chance explains: 0.052 was measured, of "
        "0.021 to 0.112."
    )
    assert line.text == f"far=0.05: {said}"
    (lede,) = page.all("p", **{"class": "lede"})
    assert lede.text.endswith(said)
    assert said in card(replace(REPORT, evaluation=replace(EVALUATION, verification=found)))
    assert Tree(render(REPORT)).root.all("ul", **{"class": "promises"}) == []
