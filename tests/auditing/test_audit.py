"""Each fault is planted in clean data and found, and nothing else is."""

import io
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likewise.auditing import shortcut_features
from likewise.auditing.collect import survey
from likewise.auditing.findings import Audit, Finding, worst_first
from likewise.auditing.run import audit_items, some_identities
from likewise.errors import BadArgument, EmptySource, SplitError
from likewise.sources.arrays import Arrays
from likewise.sources.characters import Characters
from likewise.sources.folder import Folder
from likewise.transforms.base import Transform
from likewise.transforms.image import ImageTransform
from likewise.types import Form, InputShape, Items, Pairs
from tests.conftest import glyphs, pictures, waves

IDENTITIES, EACH = 24, 5


@dataclass
class Bench:
    """Files in memory with their labels, to plant faults in."""

    names: list[str]
    identities: list[str]
    data: list[bytes]
    origins: list[str]
    parts: list[str]
    pairs: Pairs | None = None

    def __post_init__(self) -> None:
        self.names, self.identities = [*self.names], [*self.identities]
        self.data, self.origins, self.parts = [*self.data], [*self.origins], [*self.parts]

    def items(self) -> Items:
        table = Items.build(
            "bench",
            self.identities,
            "image",
            self.names,
            lambda row: self.data[row],
            origins=self.origins,
            parts=self.parts,
            pairs=self.pairs,
        )
        return replace(table)

    def pixels(self, row: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.data[row])).convert("L"))

    def change(self, wanted: Callable[[int], bool], how: Callable[[int], bytes]) -> None:
        for row in range(len(self.data)):
            if wanted(row):
                self.data[row] = how(row)

    def odd(self, row: int) -> bool:
        """Whether a row shows one of half of the identities."""
        return int(self.identities[row][-3:]) % 2 == 1


def packed(pixels: np.ndarray, form: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **more)
    return file.getvalue()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Bench:
    table = Folder(
        str(glyphs(tmp_path_factory.mktemp("clean"), count=IDENTITIES, each=EACH))
    ).items()
    return Bench(
        [f"{i:03}.png" for i in range(len(table))],
        [str(name).rpartition("/")[2] for name in table.identities],
        [bytes(table.read(row)) for row in range(len(table))],
        [""] * len(table),
        [""] * len(table),
    )


@pytest.fixture
def bench(drawn) -> Bench:
    return replace(drawn)


@pytest.fixture
def forged(bench) -> Bench:
    """The same drawings, of which some are said to be forged although they are drawn alike."""
    bench.origins = ["forged" if row % EACH < 2 else "genuine" for row in range(len(bench.data))]
    return bench


def looked(bench: Bench, transform: Transform | None = None, *, quick: bool = True) -> Audit:
    return audit_items(bench.items(), transform, most_pairs=800, quick=quick, threads=1)


def kinds(found: Audit, *severities: str) -> set[str]:
    return {one.kind for one in found.findings if one.severity in (severities or ("alarm", "note"))}


def only(found: Audit, kind: str) -> Finding:
    assert kinds(found) == {kind}, found.lines()
    (one,) = (each for each in found.findings if each.kind == kind)
    return one


# ── nothing is wrong ──────────────────────────────────────────────────────────────────────────


def test_clean_drawings_raise_nothing_and_show_what_a_model_must_beat(bench):
    found = looked(bench, quick=False)
    assert kinds(found) == set()
    assert kinds(found, "baseline") == {"baselines"}
    assert found.verdict == "Nothing alarming was found."
    assert {one.name for one in found.clues} >= {"mean grey", "file size"}
    assert all(one.low <= one.auc <= one.high for one in found.clues)


@pytest.mark.slow
def test_clean_forgeries_raise_nothing(forged):
    found = looked(forged, quick=False)
    assert kinds(found) == set(), found.lines()
    assert {one.question for one in found.clues} == {"genuine from forged", "same from different"}


@pytest.mark.slow
def test_the_characters_raise_nothing():
    items = Characters().items()
    names = np.unique(items.identities)[::5]
    found = audit_items(
        items.take(np.flatnonzero(np.isin(items.identities, names))), most_pairs=1000, quick=True
    )
    assert kinds(found) == set(), found.lines()


def test_series_raise_nothing():
    series, names = waves(count=24, each=5)
    found = audit_items(
        Arrays.of(series, names, namespace="waves").items(), most_pairs=800, quick=True
    )
    assert kinds(found) == set(), found.lines()
    assert "length" in {one.name for one in found.clues}


# ── labels ────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_under_another_label(bench):
    bench.data[7] = bench.data[23]
    one = only(looked(bench), "same_content_other_label")
    assert {each.place for each in one.evidence} == {"007.png", "023.png"}
    assert {each.detail for each in one.evidence} == {bench.identities[7], bench.identities[23]}
    assert one.figures == {"contents": 1.0, "items": 2.0}


def test_a_copy_under_the_same_label_is_a_note(bench):
    bench.data[7] = bench.data[8]
    assert only(looked(bench), "same_content_same_label").severity == "note"


@pytest.mark.parametrize("how", ["recompressed", "larger", "brighter"])
def test_a_near_copy_under_another_label(how, bench):
    pixels = bench.pixels(23)
    bench.data[7] = {
        "recompressed": packed(pixels, "JPEG", quality=85),
        "larger": packed(np.asarray(Image.fromarray(pixels).resize((60, 60)))),
        "brighter": packed((40 + pixels * 0.8).astype(np.uint8)),
    }[how]
    one = only(looked(bench), "near_content_other_label")
    assert {each.place for each in one.evidence} == {"007.png", "023.png"}


def test_a_copy_in_two_parts(bench):
    bench.parts = ["train" if row % EACH < 3 else "test" for row in range(len(bench.data))]
    bench.data[4] = bench.data[0]
    one = only(looked(bench), "same_content_other_part")
    assert [(each.place, each.detail) for each in one.evidence] == [
        ("000.png", "train"),
        ("004.png", "test"),
    ]


@pytest.mark.slow
def test_a_copy_that_is_genuine_and_forged(forged):
    forged.data[0] = forged.data[4]
    one = only(looked(forged), "same_content_other_label")
    assert {each.detail for each in one.evidence} == {
        f"{forged.identities[0]}, forged",
        f"{forged.identities[0]}, genuine",
    }


def test_identities_with_one_item(bench):
    kept = [row for row in range(len(bench.data)) if bench.odd(row) or row % EACH == 0]
    found = audit_items(bench.items().take(np.array(kept)), most_pairs=800, quick=True)
    one = only(found, "single_items")
    assert one.figures == {"identities": 12.0, "of": 24.0}


@pytest.mark.slow
def test_an_identity_that_owns_most(bench):
    random = np.random.default_rng(5)
    for number in range(60):
        bench.names.append(f"more{number}.png")
        bench.identities.append("glyph000")
        moved = np.roll(bench.pixels(number % EACH), random.integers(-3, 4, 2), (0, 1))
        moved[number // 24, number % 24] = 0
        bench.data.append(packed(moved))
    bench.origins = bench.parts = [""] * len(bench.data)
    one = only(looked(bench), "class_imbalance")
    assert one.figures["items"] == 65
    assert one.figures["share_of_same_pairs"] == pytest.approx(2080 / (2080 + 23 * 10))


def test_no_identity_with_two_items(bench):
    found = audit_items(bench.items().take(np.arange(0, 120, EACH)))
    assert only(found, "no_same_pairs").severity == "alarm"


def test_items_that_cannot_be_read(bench):
    for row in (3, 50, 110):
        bench.data[row] = b"no image at all"
    found = looked(bench)
    one = only(found, "unreadable")
    assert [each.place for each in one.evidence] == ["003.png", "050.png", "110.png"]
    assert found.items == 117
    assert len(found.failed) == 3


# ── listed pairs ──────────────────────────────────────────────────────────────────────────────


def listed(bench: Bench, rows: Sequence[tuple[int, int, int]] = ()) -> Bench:
    """Pairs of blocks of ten drawings: same ones within an identity, different ones across two."""
    triples = []
    for block in range(0, len(bench.data), 2 * EACH):
        triples += [(block + a, block + b, 1) for a, b in ((0, 1), (1, 2), (3, 4))]
        triples += [(block + 5 + a, block + 5 + b, 1) for a, b in ((0, 1), (2, 3))]
        triples += [(block + a, block + 5 + a, 0) for a in range(EACH)]
    first, second, same = np.array([*triples, *rows]).T
    bench.identities = [f"component{row // (2 * EACH):02}" for row in range(len(bench.data))]
    bench.pairs = Pairs(first, second, same.astype(bool))
    return bench


def test_pairs_without_a_fault(bench):
    found = looked(listed(bench))
    assert "contradictory_pairs" not in kinds(found)
    assert found.unit == "groups of linked pairs"


def test_a_pair_that_is_listed_both_ways(bench):
    (one,) = (
        o for o in looked(listed(bench, [(1, 0, 0)])).findings if o.kind == "contradictory_pairs"
    )
    assert one.figures == {"pairs": 1.0, "directly": 1.0, "by_chain": 0.0}
    assert [each.place for each in one.evidence] == ["001.png", "000.png"]


def test_a_pair_that_contradicts_a_chain(bench):
    (one,) = (
        o for o in looked(listed(bench, [(0, 2, 0)])).findings if o.kind == "contradictory_pairs"
    )
    assert one.figures == {"pairs": 1.0, "directly": 0.0, "by_chain": 1.0}
    assert [each.place for each in one.evidence] == ["000.png", "001.png", "002.png"]


def test_different_pairs_on_darker_paper(bench):
    first, second = (row for row in (np.arange(0, 120, 2), np.arange(1, 120, 2)))
    same = np.arange(60) % 2 == 0
    bench.identities = [f"pair{row // 2:02}" for row in range(120)]
    bench.pairs = Pairs(first, second, same)
    dark = {int(row) for side in (first, second) for row in side[~same]}
    bench.change(lambda row: row in dark, lambda row: packed(bench.pixels(row) // 255 * 200))
    found = looked(bench)
    one = next(each for each in found.alarms if each.kind == "appearance")
    assert "background, of both" in " ".join(c.name for c in found.clues if c.alarm)
    assert one.figures["auc"] == 1.0


@pytest.mark.slow
def test_many_more_same_pairs_than_different_ones(bench):
    more = [
        (block + a, block + b, 1) for block in range(0, 120, 5) for a in range(5) for b in range(a)
    ]
    assert "pair_imbalance" in kinds(looked(listed(bench, more)))


# ── shortcuts of classes ──────────────────────────────────────────────────────────────────────


def larger(bench: Bench) -> None:
    bench.change(
        bench.odd, lambda row: packed(np.kron(bench.pixels(row), np.ones((2, 2), np.uint8)))
    )


def other_format(bench: Bench) -> None:
    bench.change(bench.odd, lambda row: packed(bench.pixels(row), "BMP"))


def other_packing(bench: Bench) -> None:
    bench.change(bench.odd, lambda row: packed(bench.pixels(row), compress_level=0))


def turned_by_exif(bench: Bench) -> None:
    exif = Image.Exif()
    exif[274] = 6
    bench.change(
        bench.odd, lambda row: packed(np.rot90(bench.pixels(row)).copy(), exif=exif.tobytes())
    )


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (larger, "frame"),
        (other_format, "encoding"),
        (other_packing, "file_size"),
        (turned_by_exif, "metadata"),
    ],
)
def test_what_half_of_the_identities_have(plant, kind, bench):
    plant(bench)
    one = only(looked(bench), kind)
    assert one.severity == "alarm"
    assert one.advice
    assert one.evidence


def test_metadata_that_are_not_read_are_no_alarm(bench):
    exif = Image.Exif()
    exif[271] = "a maker"
    bench.change(bench.odd, lambda row: packed(bench.pixels(row), exif=exif.tobytes()))
    found = looked(bench)
    assert kinds(found) == set(), found.lines()
    (told,) = (one for one in found.clues if one.name == "metadata")
    assert told.auc > 0.7
    assert told.remark == "the transform does not read it"


class NameReader(Transform):
    """Writes the name's length into the image, as no transform should."""

    kind = "image"
    form = Form.IMAGES

    @property
    def shape(self) -> InputShape:
        return InputShape(Form.IMAGES, 1, 24, 24)

    def decode(self, raw, place):
        pixels = ImageTransform(size=24).decode(raw, place).copy()
        pixels[0, 0, 0] = len(place) * 5
        return pixels

    fit = collate = finish = lambda _, batch: batch


def test_names_are_an_alarm_where_the_transform_reads_them(bench):
    bench.names = [f"{name}_{row}.png" for row, name in enumerate(bench.identities)]
    assert kinds(looked(bench)) == set()
    assert only(looked(bench, NameReader()), "names").severity == "alarm"


def test_what_is_read_is_found_out_by_trying(bench):
    turned_by_exif(bench)
    seen = survey(bench.items())
    assert shortcut_features.is_read(seen, ImageTransform(), "metadata")
    assert not shortcut_features.is_read(seen, ImageTransform(), "names")
    assert shortcut_features.is_read(seen, NameReader(), "names")


# ── shortcuts of forgeries ────────────────────────────────────────────────────────────────────


def is_forged(bench: Bench) -> Callable[[int], bool]:
    return lambda row: bench.origins[row] == "forged"


def test_darker_paper_of_the_forged(forged):
    forged.change(is_forged(forged), lambda row: packed(forged.pixels(row) // 255 * 240))
    found = looked(forged)
    one = only(found, "appearance")
    assert one.figures["auc"] == 1.0
    assert (one.figures["median_genuine"], one.figures["median_forged"]) == (255, 240)
    assert "binarise" in one.advice
    (left,) = (each for each in found.findings if each.kind == "left_after_binarising")
    assert left.figures["auc"] < 0.65
    assert kinds(looked(forged, ImageTransform(size=24, binarise=True))) == set()


@pytest.mark.slow
def test_larger_forgeries(forged):
    grown = np.ones((2, 2), np.uint8)
    forged.change(is_forged(forged), lambda row: packed(np.kron(forged.pixels(row), grown)))
    assert "frame" in kinds(looked(forged))


@pytest.mark.slow
def test_forgeries_of_another_format(forged):
    forged.change(is_forged(forged), lambda row: packed(forged.pixels(row), "BMP"))
    assert only(looked(forged), "encoding").figures["auc"] == 1.0


@pytest.mark.slow
def test_forgeries_packed_otherwise(forged):
    forged.change(is_forged(forged), lambda row: packed(forged.pixels(row), compress_level=0))
    assert only(looked(forged), "file_size").figures["auc"] > 0.9


def test_a_mark_that_nobody_listed(forged):
    def marked(row: int) -> bytes:
        pixels = forged.pixels(row).copy()
        place = slice(0, 2) if forged.origins[row] == "forged" else slice(22, 24)
        pixels[:2, :2] = pixels[22:, 22:] = 255
        pixels[place, place] = 0
        return packed(pixels)

    forged.change(lambda _: True, marked)
    one = only(looked(forged, quick=False), "unlisted")
    assert one.figures["auc"] > 0.95


# ── what is drawn, and what is refused ────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_same_seed_finds_the_same(bench):
    assert looked(bench) == looked(bench)


def test_whole_identities_are_drawn(bench):
    items = bench.items()
    rows = some_identities(items, 60, np.random.default_rng(1))
    names, counts = np.unique(items.identities[rows], return_counts=True)
    assert len(rows) == 60
    assert set(counts.tolist()) == {EACH}
    assert len(names) == 12


def test_findings_are_ranked_and_named():
    made = [Finding("single_items", "note", "b."), Finding("frame", "alarm", "a.")]
    made.append(Finding("same_content_other_label", "alarm", "c."))
    assert [one.sentence for one in worst_first(made)] == ["c.", "a.", "b."]
    with pytest.raises(BadArgument, match="kind 'odd' and severity 'alarm' was made"):
        Finding("odd", "alarm", "")


def test_what_cannot_be_audited_is_refused(bench):
    items = bench.items()
    with pytest.raises(EmptySource, match="bench holds no items"):
        audit_items(items.take(np.zeros(0, dtype=np.int64)))
    with pytest.raises(SplitError, match="all 5 items show 'glyph000'"):
        audit_items(items.take(np.arange(EACH)))
    with pytest.raises(SplitError, match="nothing is labelled"):
        audit_items(replace(items, identities=np.array([""] * len(items))))
    with pytest.raises(BadArgument, match="most_pairs is 1"):
        audit_items(items, most_pairs=1)
    bench.data = [b"nothing"] * len(bench.data)
    with pytest.raises(EmptySource, match="none of its 120 items could be decoded"):
        audit_items(bench.items())


def test_one_identity_that_can_be_read_is_refused(bench):
    bench.change(lambda row: row >= EACH, lambda _: b"nothing")
    with pytest.raises(SplitError, match="all 5 items show 'glyph000'"):
        audit_items(bench.items())


# ── the command and its page ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    folder = glyphs(tmp_path_factory.mktemp("few") / "drawn", count=24, each=4)
    copied = folder / "group0" / "glyph000" / "0.png"
    (folder / "group1" / "glyph001" / "<b>.png").write_bytes(copied.read_bytes())
    return folder


def test_the_command_writes_a_page_with_the_items(few, likewise, tmp_path):
    page = tmp_path / "found.html"
    code, out, err = likewise("audit", few, "--out", page)
    assert code == 0, err
    assert "alarm: 1 content (2 items) stands under two labels or more." in out
    assert f"page: {page}" in out
    text = page.read_text()
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "&lt;b&gt;.png" in text
    assert "<b>.png" not in text
    assert pictures(page) == 2
    assert all(re.search(r'alt="[^"]+"', tag) for tag in re.findall(r"<img[^>]*>", text))
    assert "Copies under other labels" in text
    code, _, _ = likewise("audit", few, "--out", page, "--no-examples")
    assert (code, pictures(page)) == (0, 0)


def test_the_command_prints_one_object(few, likewise_json, tmp_path):
    found = likewise_json(
        "audit", few, "--out", tmp_path / "a.html", "--transform", "image(size=12)"
    )
    assert found["exit"] == 0
    assert found["items"] == 97
    assert found["findings"][0]["kind"] == "same_content_other_label"
    assert found["findings"][0]["evidence"][0]["place"].endswith(".png")
    json.dumps(found, allow_nan=False)


def test_the_command_audits_a_model(image_model, strangers, likewise_json, tmp_path):
    found = likewise_json(
        "audit", strangers, "--model", image_model.folder, "--margin", "0.3", "--out",
        tmp_path / "a.html",
    )  # fmt: skip
    (one,) = (each for each in found["findings"] if each["kind"] == "margin")
    assert one["figures"]["margin"] == 0.3
    assert 0 < one["figures"]["triplets_satisfied"] <= 1
    assert "After training" in one["sentence"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "nowhere/"), "there is no file or folder 'nowhere/'"),
        (("audit", "charakters"), "did you mean 'characters'"),
        (
            ("audit", "characters", "--margin", "0.2"),
            "Name one (--model)",
        ),
        (("audit", "characters", "--transform", "image(size=0)"), "size is 0"),
        (
            ("audit", "characters", "--transform", "sequence"),
            "holds images, and the transform takes series",
        ),
    ],
)
def test_bad_input_is_refused(words, message, likewise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = likewise(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_trained_model_says_what_was_found(image_experiment):
    assert image_experiment.audit is not None
    page = (image_experiment.model.folder / "report.html").read_text()
    assert '<section id="audit"><h2>Audit</h2>' in page
    assert "## Audit of the data" in (image_experiment.model.folder / "card.md").read_text()
    assert image_experiment.audit.alarms == ()
    (one,) = (each for each in image_experiment.audit.findings if each.kind == "margin")
    assert "Before training" in one.sentence


# ── real data ─────────────────────────────────────────────────────────────────────────────────


def data(name: str) -> Path:
    path = Path(os.environ.get("LIKEWISE_DATA", "/nowhere")) / name
    if not path.exists():
        pytest.skip(f"LIKEWISE_DATA holds no {name}")
    return path


@pytest.mark.slow
def test_faces_raise_nothing():
    found = audit_items(Folder(str(data("att_faces.zip"))).items())
    assert kinds(found) == set(), found.lines()
    (told,) = (one for one in found.clues if one.name == "mean grey")
    assert told.auc > 0.75


@pytest.mark.slow
def test_omniglot_raises_nothing():
    from likewise.sources.omniglot import Omniglot

    data("omniglot")
    found = audit_items(Omniglot().items())
    assert kinds(found, "alarm") == set(), found.lines()
    (told,) = (one for one in found.clues if one.name == "file size")
    assert 0.7 < told.auc < 0.75


@pytest.mark.slow
def test_the_paper_of_cedar_is_found_and_named():
    from likewise.sources.cedar import Cedar

    data("cedar.zip")
    found = audit_items(Cedar().items())
    told = {one.name: one for one in found.clues if one.question == "genuine from forged"}
    assert told["median grey"].auc == pytest.approx(0.996, abs=0.002)
    assert told["spread of the ink's greys (Otsu)"].auc == pytest.approx(0.80, abs=0.01)
    one = next(each for each in found.alarms if each.kind == "appearance")
    medians = (one.figures["median_genuine"], one.figures["median_forged"])
    assert medians == pytest.approx((239, 254), abs=0.5)
    assert "binarise" in one.advice
    left = next(each for each in found.findings if each.kind == "left_after_binarising")
    assert 0.6 < left.figures["auc"] < 0.8
    after = audit_items(Cedar().items(), ImageTransform(size=64, binarise=True, crop=True))
    (rest,) = (each for each in after.alarms if each.kind == "appearance")
    assert 0.6 < rest.figures["auc"] < 0.7
    assert "background" not in rest.sentence


def test_a_page_that_cannot_be_written_is_refused_before_the_look(likewise, tmp_path):
    code, out, err = likewise("audit", "characters", "--out", tmp_path / "absent" / "page.html")
    assert (code, out) == (2, "")
    assert "is no folder" in err
