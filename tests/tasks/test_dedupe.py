"""`likewise dedupe`: planted copies and chains found, by a model or a hash; nothing is deleted."""

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import pdist

import likewise as front
from likewise.calibration import DecisionRequest
from likewise.duplicates import perceptual
from likewise.duplicates.cache import item_digest
from likewise.duplicates.copies import VIEWS, Copies
from likewise.duplicates.hamming import Hamming
from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    MissingExtra,
    NotCalibrated,
    SaveFailed,
    SourceNotFound,
    UnknownName,
    UnreadableItem,
    UnsupportedRate,
    WrongKind,
)
from likewise.kinds import image_alterations
from likewise.kinds.image_alterations import altered_image
from likewise.kinds.series import Series
from likewise.sources.arrays import Arrays
from likewise.sources.base import Source
from likewise.sources.folder import Folder
from likewise.tasks.dedupe import dedupe
from likewise.types import Items
from tests.conftest import glyphs, pictures, waves


@pytest.fixture
def photos(tmp_path) -> Path:
    """Twenty drawings, each of its own; two exact copies of one, one with another corner."""
    folder = tmp_path / "photos"
    glyphs(folder, first=3000, count=20, each=1)
    flat = tmp_path / "flat"
    flat.mkdir()
    for place in sorted(folder.glob("*/*/0.png")):
        shutil.copy(place, flat / f"{place.parent.name}.png")
    shutil.copy(flat / "glyph3004.png", flat / "copy.png")
    shutil.copy(flat / "glyph3004.png", flat / "zz-copy.png")
    cornered(flat / "glyph3007.png", flat / "near.png")
    return flat


def cornered(of: Path, path: Path) -> None:
    """A copy with a grey corner."""
    with Image.open(of) as image:
        page = np.array(image)
    page[0, 0] = 200
    Image.fromarray(page).save(path)


def names(found, rows) -> list[str]:
    return sorted(Path(found.places[row]).name for row in rows)


def grouped(found) -> list[list[str]]:
    return sorted(names(found, members) for members in found.members)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


PLANTED = [
    ["copy.png", "glyph3004.png", "zz-copy.png"],
    ["glyph3007.png", "near.png"],
]


# ── what is found ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("grouping", ["complete", "components"])
def test_copies_and_near_copies_are_found_by_a_model(image_model, photos, grouping):
    before = contents(photos)
    found = front.dedupe(image_model, Folder(str(photos)), threshold=0.1, groups=grouping)
    assert grouped(found) == PLANTED
    assert found.same_bytes.sum() == 2
    assert (found.distances[found.same_bytes] == 0).all()
    assert np.isnan(found.probabilities[found.same_bytes]).all()
    # The near copy, held against what the model itself says of the two.
    (at,) = np.flatnonzero(~found.same_bytes)
    says = front.verify(image_model, photos / "glyph3007.png", photos / "near.png")
    assert found.distances[at] == pytest.approx(says.distance, abs=1e-5)
    assert found.probabilities[at] == pytest.approx(says.probability, abs=1e-4)
    assert (found.embedded, found.remembered, found.failed) == (21, 0, ())
    assert contents(photos) == before


def test_every_pair_is_that_of_a_plain_loop(image_model, strangers):
    source = Folder(str(strangers))
    vectors = image_model.embed(source.items()).vectors
    threshold = nearest(vectors, 300)
    found = dedupe(image_model, source, threshold=threshold)
    pairs = [
        (i, j)
        for i, j in combinations(range(len(vectors)), 2)
        if np.sqrt(((vectors[i] - vectors[j]) ** 2).sum(dtype=np.float64)) <= threshold
    ]
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == set(pairs)
    assert len(pairs) == 300
    # Within each group all are within the threshold; linking pairs are those between groups.
    for members, inside in zip(found.members, found.pairs_of, strict=True):
        assert len(inside) == len(members) * (len(members) - 1) // 2
    assert found.linking == len(pairs) - sum(map(len, found.pairs_of)) > 0
    order = [(row[0] == "", int(row[0] or 0), float(row[3])) for row in found.cells()]
    assert order == sorted(order)
    assert order[-1][0]
    chained = dedupe(image_model, source, threshold=threshold, groups="components")
    assert chained.linking == 0
    assert max(map(len, chained.members)) > max(map(len, found.members))


def nearest(vectors: np.ndarray, count: int) -> float:
    """A distance that so many pairs are within."""
    far = np.sort(pdist(vectors.astype(np.float64)))
    return float((far[count - 1] + far[count]) / 2)


def test_the_prior_moves_the_probabilities(image_model, photos):
    source = Folder(str(photos))
    even, rare = (dedupe(image_model, source, threshold=0.1, prior=prior) for prior in (0.5, 0.001))
    at = ~even.same_bytes
    odds = [p / (1 - p) for p in (even.probabilities[at], rare.probabilities[at])]
    np.testing.assert_allclose(odds[1], odds[0] * (0.001 / 0.999), rtol=1e-6)


def test_the_threshold_is_the_one_that_verify_uses(image_model, strangers):
    found = dedupe(image_model, Folder(str(strangers)))
    point = image_model.calibration().default()
    assert found.threshold.value == point.threshold
    assert found.threshold.expected_false == pytest.approx(point.test.far.value * 150 * 149 / 2)
    assert found.threshold.low < found.threshold.expected_false < found.threshold.high
    assert "false pairs expected (95% interval" in found.threshold.expectation
    other = dedupe(image_model, Folder(str(strangers)), operating_point="balanced")
    assert (
        other.threshold.value
        == image_model.calibration().point(DecisionRequest(operating_point="balanced")).threshold
    )


def test_so_many_false_pairs_are_expected(image_model, strangers):
    found = dedupe(image_model, Folder(str(strangers)), expect_false=200)
    assert found.threshold.how == "measured"
    assert found.threshold.expected_false == pytest.approx(200, rel=0.1)
    owners = np.array([Path(place).parent.name for place in found.places])
    false = int((owners[found.first] != owners[found.second]).sum())
    assert 40 < false < 600
    with pytest.raises(UnsupportedRate, match=r"supports \d+ false pairs or more"):
        dedupe(image_model, Folder(str(strangers)), expect_false=1)


def test_series_are_compared(series_experiment):
    series, owners = waves(first=500, count=10, each=1)
    again = [*series, series[3].copy(), series[5] + np.float32(1e-4)]
    found = dedupe(series_experiment.model, Arrays.of(again, [*owners, "a", "b"]), threshold=0.01)
    assert sorted(map(sorted, found.members)) == [[3, 10], [5, 11]]
    assert found.same_bytes.tolist() == [True, False]


def test_a_matcher_decides_unless_the_distance_is_asked_for(photos, tmp_path_factory):
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe

    drawings = glyphs(tmp_path_factory.mktemp("matched") / "drawings", count=30)
    recipe = Recipe().with_settings(
        [
            f"source=folder({str(drawings)!r})",
            "transform=image(size=16, invert=True)",
            "encoder=convnet4(width=8)",
            "matcher=weighted_l1",
            "epochs=1",
        ]
    )
    model = run_experiment(recipe, out=tmp_path_factory.mktemp("matched") / "model").model
    source = Folder(str(photos))
    vectors = model.embed(source.items()).vectors
    for name, words in (("", "matcher"), ("distance", "euclidean")):
        found = dedupe(model, source, threshold=0.4, comparator=name)
        assert found.compared_by == words
        at = ~found.same_bytes
        far = model.comparator(name).rows(vectors[found.first[at]], vectors[found.second[at]])
        np.testing.assert_allclose(found.distances[at], far, rtol=1e-5, atol=1e-6)
        assert (far <= 0.4 + 1e-5).all()


# ── without a model ───────────────────────────────────────────────────────────────────────────


def test_a_hash_finds_copies_without_a_model(photos):
    found = front.dedupe(None, Folder(str(photos)), threshold=2)
    assert grouped(found) == PLANTED
    assert found.compared_by == "perceptual hash"
    assert np.isnan(found.probabilities).all()
    assert dedupe(None, Folder(str(photos))).threshold.value == 8


def test_a_hash_is_that_of_the_library(photos):
    import imagehash

    items = Folder(str(photos)).items()
    (block,) = [b for b in perceptual.hash_blocks(items) if len(b.rows) == 7 or b.done == 23][-1:]
    place = Path(items.places[block.rows[0]])
    with Image.open(place) as image:
        expected = imagehash.phash(image)
    assert block.vectors[0].tolist() == expected.hash.reshape(-1).astype(float).tolist()


def test_without_the_library_the_line_to_install_it_is_named(photos, monkeypatch):
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(MissingExtra, match=r"pip install 'likewise\[dedupe\]', or give a model"):
        dedupe(None, Folder(str(photos)))


@pytest.mark.parametrize("asked", [{"far": 0.01}, {"operating_point": "eer"}, {"expect_false": 3}])
def test_no_rate_of_a_hash_is_known(photos, asked):
    with pytest.raises(BadArgument, match="Without a model there is no calibration"):
        dedupe(None, Folder(str(photos)), **asked)


def test_series_need_a_model():
    series, owners = waves(count=2, each=1)
    with pytest.raises(WrongKind, match="holds series, and without a model only images"):
        dedupe(None, Arrays.of(series, owners))


# ── what cannot be read, and what cannot be asked ─────────────────────────────────────────────


@pytest.mark.parametrize("by_hash", [True, False])
def test_unreadable_items_are_named_and_stop_nothing(image_model, photos, by_hash):
    for name in ("bad.png", "bad-again.png"):
        (photos / name).write_bytes(b"no picture")
    (photos / "gone.png").symlink_to("nowhere")
    model = None if by_hash else image_model
    found = dedupe(model, Folder(str(photos)), threshold=2 if by_hash else 0.1)
    # Their bytes are the same, whatever they show.
    assert grouped(found) == [["bad-again.png", "bad.png"], *PLANTED]
    failed = {Path(place).name: why for place, why in found.failed}
    assert failed.keys() == {"bad.png", "bad-again.png", "gone.png"}
    assert "in no image format" in failed["bad.png"] == failed["bad-again.png"]
    assert "cannot be read" in failed["gone.png"]
    assert names(found, np.flatnonzero(~found.read)) == ["bad-again.png", "bad.png", "gone.png"]
    with pytest.raises(UnreadableItem, match=r"gone\.png|bad"):
        dedupe(model, Folder(str(photos)), strict=True, threshold=1)


def test_nothing_readable_is_refused(image_model, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(EmptySource, match="none of its 1 items could be decoded"):
        dedupe(image_model, Folder(str(tmp_path)))
    with pytest.raises(EmptySource, match="holds no items"):
        dedupe(None, Nothing())


class Nothing(Source):
    """A source of no items."""

    def items(self) -> Items:
        return Items.build("box", [], "image", [], lambda _: b"")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"threshold": 0.1, "far": 0.01}, BadArgument, "asked for in two ways"),
        ({"operating_point": "eer", "expect_false": 3}, BadArgument, "asked for in two ways"),
        ({"threshold": -1}, BadArgument, "threshold is -1, and a number of at least 0"),
        ({"expect_false": 0}, BadArgument, "expect_false is 0, and a number of pairs above 0"),
        ({"groups": "chains"}, UnknownName, "no way to group is named 'chains'"),
        ({"prior": 1.0}, BadArgument, "The prior is 1.0"),
        ({"far": 0.02}, UnsupportedRate, r"No threshold was fitted for FAR 0\.02"),
        ({"operating_point": "nowhere"}, UnknownName, "no operating point is named 'nowhere'"),
        ({"calibration": "clinic"}, NotCalibrated, "no calibration named 'clinic'"),
        ({"comparator": "matcher"}, UnknownName, "has no matcher"),
        ({"threads": 0}, BadArgument, "threads is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(image_model, photos, asked, error, message):
    with pytest.raises(error, match=message):
        dedupe(image_model, Folder(str(photos)), **asked)


# ── what was computed is kept ─────────────────────────────────────────────────────────────────


def test_only_new_and_changed_items_are_embedded(image_model, photos, tmp_path):
    kept = tmp_path / "twice.cache.npz"
    source = Folder(str(photos))
    first = dedupe(image_model, source, threshold=0.1, cache=kept)
    again = dedupe(image_model, source, threshold=0.1, cache=kept)
    assert (first.embedded, first.remembered) == (21, 0)
    assert (again.embedded, again.remembered) == (0, 21)
    assert list(again.rows()) == list(first.rows())
    # One changes, one comes, one goes; a copy of what is known costs nothing.
    shutil.copy(photos / "glyph3011.png", photos / "near.png")
    cornered(photos / "glyph3012.png", photos / "new.png")
    (photos / "glyph3000.png").unlink()
    later = dedupe(image_model, source, threshold=0.1, cache=kept)
    assert (later.embedded, later.remembered) == (1, 19)
    fresh = dedupe(image_model, source, threshold=0.1)
    assert list(later.rows()) == list(fresh.rows())
    with np.load(kept) as held:  # what is gone is not kept
        assert len(held["digests"]) == 20
        assert held["vectors"].dtype == np.float32
        gone = item_digest((photos / "glyph3011.png").read_bytes())
        assert gone in {row.tobytes() for row in held["digests"]}


def test_another_model_embeds_anew(image_model, photos, tmp_path):
    kept = tmp_path / "twice.cache.npz"
    dedupe(None, Folder(str(photos)), cache=kept)
    found = dedupe(image_model, Folder(str(photos)), threshold=0.1, cache=kept)
    assert (found.embedded, found.remembered) == (21, 0)
    assert dedupe(image_model, Folder(str(photos)), threshold=0.1, cache=kept).embedded == 0


def save(path: Path, **arrays: np.ndarray) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path, _: path.write_bytes(b"somebody's own file"),
        lambda path, _: path.write_bytes(path.read_bytes()[:-200]),
        lambda path, held: save(path, vectors=held["vectors"], maker=held["maker"]),
        lambda path, held: save(path, **{**held, "digests": held["digests"][:, :8]}),
        lambda path, held: save(path, **{**held, "vectors": held["vectors"][:-1]}),
        lambda path, held: save(path, **{**held, "vectors": held["vectors"].astype(np.float64)}),
        lambda path, held: save(path, **{**held, "vectors": held["vectors"] * np.float32(np.inf)}),
        lambda path, held: save(path, **{**held, "maker": np.array(["a", "b"])}),
    ],
)
def test_what_is_no_cache_is_refused_and_left_as_it_is(image_model, photos, tmp_path, spoil):
    kept = tmp_path / "twice.cache.npz"
    dedupe(image_model, Folder(str(photos)), threshold=0.1, cache=kept)
    with np.load(kept) as file:
        held = dict(file)
    with np.errstate(invalid="ignore"):
        spoil(kept, held)
    before = kept.read_bytes()
    with pytest.raises(DamagedSource, match=r"twice\.cache\.npz is no cache that likewise dedupe"):
        dedupe(image_model, Folder(str(photos)), threshold=0.1, cache=kept)
    assert kept.read_bytes() == before


def test_a_cache_that_cannot_be_written_is_an_error(image_model, photos, tmp_path):
    with pytest.raises(SaveFailed, match=r"no\.cache\.npz could not be written"):
        dedupe(image_model, Folder(str(photos)), cache=tmp_path / "nowhere" / "no.cache.npz")


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_command_writes_a_table_a_page_and_a_sample(
    image_model, photos, tmp_path, likewise, likewise_json
):
    (photos / "bad.png").write_bytes(b"no picture")
    out, page = tmp_path / "twice.csv", tmp_path / "twice.html"
    words = ("dedupe", image_model.folder, photos, "--threshold", 0.1, "--out", out)
    code, said, err = likewise(*words, "--report", page, "--review", 5)
    assert (code, "21 items" in err) == (0, True), err
    assert "2 groups of 5 items: all items of a group are within the threshold" in said
    assert "2 copies byte for byte, 1 pairs that look alike" in said
    assert "1 items failed to read:\n  " in said
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["group"] for row in rows] == ["1", "1", "2"]
    assert [row["compared_by"] for row in rows] == ["same bytes", "same bytes", "euclidean"]
    assert [row["probability"] != "" for row in rows] == [False, False, True]
    assert {Path(row["first"]).name for row in rows} == {"copy.png", "glyph3007.png"}
    text = page.read_text()
    assert pictures(page) == 5
    assert "<script" not in text
    assert "byte for byte the same" in text
    assert "bad.png" in text
    assert "likewise dedupe" in text
    found = likewise_json(*words)
    assert found["exit"] == 0, found
    assert found["groups"] == [[str(photos / name) for name in group] for group in PLANTED]
    assert (found["embedded"], found["remembered"]) == (0, 21)
    assert [pair["distance"] for pair in found["pairs"][:2]] == [0.0, 0.0]
    assert found["files"] == [str(out)]
    # The sample, labelled and read back.
    sample = tmp_path / "twice.review.csv"
    text = sample.read_text()
    assert text.splitlines()[1].endswith(",")
    sample.write_text(
        "".join(f"{line}yes\n" if line.endswith(",") else f"{line}\n" for line in text.splitlines())
    )
    code, said, _ = likewise("dedupe", "--reviewed", sample)
    assert (code, said.splitlines()[0][:36]) == (0, "1.0000 of 1 pairs are the same (95% ")
    assert likewise_json("dedupe", "--reviewed", sample)["value"] == 1.0


def test_a_page_without_examples_names_them_only(photos, tmp_path, likewise):
    page = tmp_path / "twice.html"
    words = ("dedupe", photos, "--threshold", 2, "--report", page, "--no-examples")
    assert likewise(*words)[0] == 0
    assert pictures(page) == 0
    assert "glyph3007.png" in page.read_text().replace("<wbr>", "")


def test_nothing_twice_is_said_and_written(tmp_path, likewise):
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "one.png")
    out = tmp_path / "twice.csv"
    code, said, _ = likewise("dedupe", tmp_path, "--out", out, "--review", 5)
    assert code == 0
    assert "nothing is there twice" in said
    assert len(out.read_text().splitlines()) == 1
    assert len((tmp_path / "twice.review.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing was given, and SOURCE, or MODEL SOURCE, is expected"),
        (("a", "b", "c"), "a b c was given"),
        (("MODEL",), "is a model, and what it is to look through is missing"),
        (("PHOTOS", "--review", "9"), "--review writes beside --out"),
        (("PHOTOS", "--review", "3", "--out", "x.csv"), "at least 5 are expected"),
        (("PHOTOS", "--out", "x.txt"), "does not end in .csv"),
        (("PHOTOS", "--out", "nowhere/x.csv"), "is no folder"),
        (("--reviewed", "nowhere.csv"), "There is no file 'nowhere.csv'"),
        (("PHOTOS", "--reviewed", "a.csv"), "--reviewed reads a.csv alone"),
        (("PHOTOS", "--comparator", "matcher"), "are parts of a model, and there is none"),
        (("PHOTOS", "--calibration", "clinic"), "are parts of a model, and there is none"),
    ],
)
def test_what_cannot_be_followed_is_refused(image_model, photos, likewise, words, message):
    told = {"MODEL": image_model.folder, "PHOTOS": photos}
    code, out, err = likewise("dedupe", *(told.get(word, word) for word in words))
    assert (code, out) == (2, "")
    assert message in err


# ── reviews ───────────────────────────────────────────────────────────────────────────────────


def test_a_sample_takes_the_same_number_of_every_range_of_distances(
    image_model, strangers, tmp_path
):
    from likewise.duplicates.review import read_sample, write_sample

    source = Folder(str(strangers))
    threshold = nearest(image_model.embed(source.items()).vectors, 300)
    found = dedupe(image_model, source, threshold=threshold)
    path = tmp_path / "review.csv"
    assert write_sample(path, found, 52) == 52
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = np.array([int(row["stratum"]) for row in rows])
    far = np.array([float(row["distance"]) for row in rows])
    assert np.bincount(numbers).tolist() == [0, 11, 11, 10, 10, 10]
    sizes = {int(row["stratum"]): int(row["pairs_in_stratum"]) for row in rows}
    assert sum(sizes.values()) == len(found.first)
    for number in range(1, 5):
        assert far[numbers == number].max() <= far[numbers == number + 1].min()
    # Labelled by the truth, it says what share of all pairs is the same.
    owners = np.array([Path(place).parent.name for place in found.places])
    truth = (owners[found.first] == owners[found.second]).mean()
    for row in rows:
        same = Path(row["first"]).parent.name == Path(row["second"]).parent.name
        row["same"] = "yes" if same else "No"
    _write(path, rows)
    shown = read_sample(path)
    assert shown.low <= truth <= shown.high
    assert shown.unlabelled == 0
    rows[0]["same"] = ""
    _write(path, rows)
    assert read_sample(path).unlabelled == 1


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


HEAD = "stratum,pairs_in_stratum,distance,first,second,same\n"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a,b\n1,2\n", DamagedSource, "has not the columns stratum, pairs_in_stratum"),
        ("", DamagedSource, "has not the columns"),
        (HEAD + "1,5,0.1,a,b,perhaps\n", DamagedSource, "line 2: same is 'perhaps'"),
        (HEAD + "1,5,0.1,a,b,yes\n1,6,0.1,a,c,no\n", DamagedSource, "line 3: stratum 1 has 6"),
        (HEAD + "x,5,0.1,a,b,yes\n", DamagedSource, "line 2: stratum is 'x'"),
        (HEAD + "1,0,0.1,a,b,yes\n", DamagedSource, "line 2: pairs_in_stratum is '0'"),
        (HEAD + "1,1,0.1,a,b,yes\n1,1,0.1,a,c,no\n", DamagedSource, "2 pairs of stratum 1"),
        (HEAD + "1,5,0.1,a,b,\n", UnsupportedRate, "No pair of stratum 1 is labelled"),
        (HEAD + "1,5\n", UnsupportedRate, "No pair of stratum 1 is labelled"),
    ],
)
def test_a_table_that_is_no_labelled_sample_is_refused(tmp_path, text, error, message):
    from likewise.duplicates.review import read_sample

    path = tmp_path / "review.csv"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_sample(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedSource, match="cannot be read as a table"):
        read_sample(path)
    with pytest.raises(SourceNotFound, match="There is no file"):
        read_sample(tmp_path / "nowhere.csv")


def test_json_holds_no_word_that_is_no_json(photos, likewise_json):
    found = likewise_json("dedupe", photos, "--threshold", 2)
    json.dumps(found, allow_nan=False)
    assert {pair["probability"] for pair in found["pairs"]} == {None}


# ── a model learned from the collection itself ────────────────────────────────────────────────


def test_an_item_and_its_copies_are_one_identity(photos):
    source = Folder(str(photos)).items()
    made = Copies(source).items()
    assert len(made) == VIEWS * len(source)
    assert sorted(set(made.identities)) == sorted(source.places)
    first = [made.read(row) for row in range(VIEWS)]
    assert first[0] == source.read(0)
    again = Copies(source).items()
    for row in range(1, VIEWS):
        assert first[row].dtype == np.uint8
        assert (first[row] == again.read(row)).all()
    assert made.places[1] == f"{source.places[0]}, copy 1"
    bits = [block.vectors for block in perceptual.hash_blocks(made.take(np.arange(2 * VIEWS)))]
    far = Hamming().matrix(bits[0], bits[0])
    assert far[:VIEWS, :VIEWS].mean() < far[:VIEWS, VIEWS:].mean()


@pytest.mark.parametrize("number", range(6))
def test_every_alteration_leaves_an_image_what_it_is(number):
    coarse = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    page = Image.fromarray(coarse).resize((70, 90), Image.Resampling.NEAREST)
    for seed in range(20):
        changed = image_alterations._ALTERATIONS[number](page, np.random.default_rng(seed))
        assert changed.mode == "RGB"
        assert changed.tobytes() != page.tobytes()
        pair = [
            np.asarray(one.resize((16, 16)).convert("L"), np.float64).ravel()
            for one in (page, changed)
        ]
        assert np.corrcoef(pair)[0, 1] > 0.5


def test_the_smallest_image_and_series_have_copies():
    for seed in range(30):
        random = np.random.default_rng(seed)
        assert altered_image(Image.new("RGB", (1, 1)), random).size >= 3
        series = np.ones((1, 2), np.float32)
        copy = Series().altered(series, random)
        assert (copy.shape, copy.dtype) == ((1, 2), np.float32)
        longer = Series().altered(np.sin(np.arange(100.0))[:, None], random)
        assert 90 <= len(longer) <= 100


def test_one_item_has_nothing_to_be_told_from():
    items = Arrays.of([np.zeros((4, 4), np.uint8)], ["a"]).items()
    with pytest.raises(EmptySource, match="at least two are needed to learn what a copy is"):
        Copies(items)


def test_a_model_is_learned_from_the_collection_and_then_used(tmp_path, likewise, likewise_json):
    """Its error rates are of items that it never saw, and planted copies are found by it."""
    photos = glyphs(tmp_path / "photos", first=7000, count=70, each=1)
    place = next(photos.glob("*/*/0.png"))
    with Image.open(place) as image:
        image.convert("RGB").save(place.parent / "copy.jpg", quality=60)
    model = tmp_path / "model"
    found = likewise_json("dedupe", model, photos, "--train", "4s")
    assert found["exit"] == 0, found
    assert found["compared_by"] == "euclidean"
    made = front.Model(model)
    assert made.calibration().unit == "identities"
    assert made.calibration().points[0].test is not None
    pairs = {frozenset((pair["first"], pair["second"])) for pair in found["pairs"]}
    assert frozenset((str(place), str(place.parent / "copy.jpg"))) in pairs
    code, _, err = likewise("dedupe", model, photos, "--train", "4s")
    assert code == 2
    assert "ModelExists" in err
    code, _, err = likewise("dedupe", photos, "--train", "4s")
    assert code == 2
    assert "--train makes a model, and its folder is missing" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prior", "1.5"], "The prior is 1.5"),
        (["--groups", "all"], "no way to group is named"),
        (["--overlay"], "Leave the model"),
        (["--far", ".01", "--threshold", "1"], "asked for in two ways"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_a_model_is_learned(
    words, said, photos, tmp_path, likewise
):
    code, _, err = likewise("dedupe", tmp_path / "model", photos, "--train", "1h", *words)
    assert code == 2
    assert said in err
    assert not (tmp_path / "model").exists()


def test_training_without_torch_names_the_line_to_install_it(photos, tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['likewise', *sys.argv[1:]]; "
        "from likewise.cli import main; main()"
    )
    words = ["dedupe", str(tmp_path / "model"), str(photos), "--train", "4s"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'likewise[learn]'" in done.stderr


def test_a_page_that_cannot_be_written_is_refused_before_any_work(likewise, tmp_path):
    table = tmp_path / "twice.csv"
    for page, words in (
        ("absent/page.html", "is no folder"),
        ("page.txt", "does not end in .html"),
    ):
        code, _, err = likewise("dedupe", "characters", "--out", table, "--report", tmp_path / page)
        assert (code, words in err) == (2, True), err
        assert not table.exists()
