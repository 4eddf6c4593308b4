"""Images laid over one another: which are copies, and how many of these by chance."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from likewise.duplicates import overlap, overlay
from likewise.duplicates.overlap import likeness, look
from likewise.duplicates.overlay import Overlaid, _limit, overlaid, pair_candidates
from likewise.errors import BadArgument, UnsupportedRate, WrongKind
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.tasks.dedupe import dedupe


def scene(seed: int, side: int = 96) -> Image.Image:
    """A picture of its own, in which there is something everywhere."""
    random = np.random.default_rng(seed)
    page = Image.new("RGB", (side, side), tuple(random.integers(0, 256, 3).tolist()))
    drawing = ImageDraw.Draw(page)
    for _ in range(40):
        corner, size = random.integers(0, side, 2), random.integers(4, side // 3, 2)
        tone = tuple(random.integers(0, 256, 3).tolist())
        drawing.rectangle([*corner.tolist(), *(corner + size).tolist()], fill=tone)
    return page.filter(ImageFilter.GaussianBlur(0.6))


def written_on(page: Image.Image) -> Image.Image:
    page = page.copy()
    ImageDraw.Draw(page).text((8, 70), "SAMPLE", fill=(255, 255, 255), font_size=13)
    return page


ALTERED = {
    "cut": lambda page: page.crop((8, 4, 90, 84)),
    "cut unevenly": lambda page: page.crop((0, 9, 96, 90)),
    "smaller": lambda page: page.resize((50, 40)),
    "brighter": lambda page: ImageEnhance.Contrast(ImageEnhance.Brightness(page).enhance(1.2)).enhance(0.6),  # noqa: E501
    "blurred": lambda page: page.filter(ImageFilter.GaussianBlur(1.5)),
    "written on": written_on,
}  # fmt: skip


@pytest.mark.parametrize("how", sorted(ALTERED))
def test_a_copy_is_like_its_original_and_unlike_others(how):
    pages = [scene(seed) for seed in range(12)]
    looks = np.stack([look(page) for page in [*pages, *map(ALTERED[how], pages)]])
    rows = np.arange(12)
    right = likeness(looks, rows, rows + 12)
    wrong = likeness(looks, rows, np.roll(rows, 5) + 12)
    assert right.min() > 0.7
    assert right.min() > wrong.max() + 0.1


def test_it_is_the_largest_correlation_of_a_plain_loop(monkeypatch):
    monkeypatch.setattr(overlap, "_SIDES", (32, 27))
    looks = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    looks[2] = np.asarray(Image.fromarray(looks[0][3:30, 2:29]).resize((32, 32)))
    found = likeness(looks, np.array([0, 0]), np.array([1, 2]))
    wide = np.pad(looks.astype(np.float64), [(0, 0), (2, 2), (2, 2)], mode="edge")
    details = looks - np.lib.stride_tricks.sliding_window_view(wide, (5, 5), (1, 2)).mean((3, 4))

    def plain(host: np.ndarray, part: np.ndarray) -> float:
        best = -1.0
        for side in (32, 27):
            shrunk = Image.fromarray(part.astype(np.float32), mode="F").resize(
                (side, side), Image.Resampling.BILINEAR
            )
            small = np.asarray(shrunk, dtype=np.float64)
            for top in range(33 - side):
                for left in range(33 - side):
                    cut = host[top : top + side, left : left + side]
                    lengths = np.linalg.norm(cut) * np.linalg.norm(small)
                    best = max(best, float((cut * small).sum() / lengths))
        return best

    for at, other in enumerate((1, 2)):
        both = plain(details[0], details[other]), plain(details[other], details[0])
        assert found[at] == pytest.approx(max(both), abs=1e-4)
    assert found[1] > found[0] + 0.3


def test_both_orders_and_any_order_of_pairs_agree():
    looks = np.stack([look(scene(seed)) for seed in range(8)])
    first, second = np.triu_indices(8, 1)
    found = likeness(looks, first, second)
    np.testing.assert_allclose(likeness(looks, second, first), found, atol=1e-5)
    mixed = np.random.default_rng(0).permutation(len(first))
    np.testing.assert_allclose(
        likeness(looks, first[mixed], second[mixed]), found[mixed], atol=1e-5
    )


def test_blank_images_are_like_nothing():
    looks = np.stack([np.full((32, 32), 9, np.uint8), look(scene(0))])
    pairs = np.array([0, 0]), np.array([1, 0])
    np.testing.assert_array_equal(likeness(looks, *pairs), [0, 0])
    assert len(likeness(looks, np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0


def test_a_distance_is_what_the_correlation_lacks_of_1():
    looks = np.stack([look(scene(seed)) for seed in range(5)])
    flat = looks.reshape(5, -1).astype(np.float32)
    matrix = Overlaid().matrix(flat[:2], flat)
    first, second = np.indices((2, 5)).reshape(2, -1)
    np.testing.assert_allclose(matrix.reshape(-1), 1 - likeness(looks, first, second), atol=1e-5)
    np.testing.assert_allclose(np.diag(matrix), 0, atol=1e-5)
    np.testing.assert_allclose(Overlaid().rows(flat[:2], flat[3:]), [matrix[0, 3], matrix[1, 4]])


# ── which are laid over one another ───────────────────────────────────────────────────────────


def looks_of(pages: list[Image.Image]) -> np.ndarray:
    return np.stack([look(page) for page in pages]).reshape(len(pages), -1).astype(np.float32)


def test_copies_are_candidates_and_so_are_as_many_as_were_asked_for():
    pages = [scene(seed, 48) for seed in range(300)]
    cuts = [page.crop((1, 3, 42, 44)) for page in pages[:40]]
    first, second = pair_candidates(looks_of(pages + cuts), 4)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(found) == len(first)
    assert (first < second).all()
    assert 0.8 * 340 * 4 / 2 < len(found) < 1.2 * 340 * 4 / 2
    assert {(at, 300 + at) for at in range(40)} <= found


def test_blocks_change_nothing(monkeypatch):
    looks = looks_of([scene(seed, 48) for seed in range(130)])
    whole = pair_candidates(looks, 4)
    monkeypatch.setattr(overlay, "_ROWS", 32)
    monkeypatch.setattr(overlay, "_COLUMNS", 48)
    parts = pair_candidates(looks, 4)
    assert set(zip(*whole, strict=True)) == set(zip(*parts, strict=True))


def test_of_a_few_all_pairs_are_given():
    first, second = pair_candidates(looks_of([scene(seed) for seed in range(3)]), 1)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert len(pair_candidates(looks_of([scene(0)]), 1)[0]) == 0


# ── how many are false by chance ──────────────────────────────────────────────────────────────


def untold(_: str) -> None:
    return None


def test_cut_copies_are_found_and_hardly_more_than_were_expected(monkeypatch):
    monkeypatch.setattr("likewise.duplicates.overlay.FEWEST_ITEMS", 400)
    pages = [scene(seed, 48) for seed in range(400)]
    cuts = [page.crop((2, 3, 46, 45)) for page in pages[:60]]
    near, taken = overlaid(looks_of(pages + cuts), None, 3, untold)
    truth = {(at, 400 + at) for at in range(60)}
    found = set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    assert len(truth & found) >= 57
    assert len(found - truth) <= 8  # a Poisson count of 3 passes 8 in .4% of runs
    assert (np.diff(near.distances) >= 0).all()
    assert (near.distances <= taken.value).all()
    assert (taken.how, taken.expected_false) == ("extrapolated", 3)
    assert taken.low < 3 < taken.high


def test_the_expectation_holds_for_a_tail_that_is_known():
    """Correlations whose tail is an exponential on Fisher's scale, and copies beyond it."""
    counts = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        plain = np.tanh(0.2 + random.exponential(0.06, 10_000))
        copies = np.full(400 if seed % 2 else 0, 0.97)
        first = random.integers(0, 2000, 10_000 + len(copies))
        taken = _limit(20, 2000, first, np.concatenate([plain, copies]))
        assert taken.low < 20 < taken.high
        assert taken.value >= 1 - 0.97
        counts.append(int((1 - plain <= taken.value).sum()))
    assert 16 < np.mean(counts) < 24


@pytest.mark.parametrize(
    ("looks", "wanted", "message"),
    [
        (999, 3, "How many of 999 images lie over another by chance cannot be foreseen"),
        (1000, 1e-9, "0.05 or more can, and fewer than 500"),
        (1000, 500, "0.05 or more can, and fewer than 500"),
    ],
)
def test_what_cannot_be_foreseen_is_refused(looks, wanted, message):
    blank = np.full((looks, 1024), 9, np.float32)
    with pytest.raises(UnsupportedRate, match=message):
        overlaid(blank, None, wanted, untold)


def test_where_all_are_equally_alike_nothing_is_followed():
    with pytest.raises(UnsupportedRate, match=r"Of 5,000 pairs .* most are equally alike"):
        _limit(3, 1000, np.arange(5000) % 1000, np.zeros(5000))


def test_far_too_many_candidates_are_refused(monkeypatch):
    monkeypatch.setattr(overlay, "MOST_PAIRS", 1000)
    with pytest.raises(BadArgument, match="More than 1,000 pairs of 70 images are coarsely alike"):
        pair_candidates(np.full((70, 1024), 9, np.float32), 4)


# ── through the front ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def few(tmp_path) -> Path:
    """Twelve scenes; of three there is a cut copy, of one the same bytes."""
    folder = tmp_path / "few"
    folder.mkdir()
    for seed in range(12):
        page = scene(seed)
        page.save(folder / f"{seed:02}.png")
        if seed < 3:
            page.crop((8, 4, 90, 84)).save(folder / f"{seed:02}-cut.png")
    (folder / "11-same.png").write_bytes((folder / "11.png").read_bytes())
    return folder


PAIRS = [["00-cut.png", "00.png"], ["01-cut.png", "01.png"], ["02-cut.png", "02.png"],
         ["11-same.png", "11.png"]]  # fmt: skip


def test_the_command_finds_what_was_cut(few, tmp_path, likewise, likewise_json):
    (few / "bad.png").write_bytes(b"no picture")
    out, page = tmp_path / "twice.csv", tmp_path / "twice.html"
    words = ("dedupe", few, "--overlay", "--out", out)
    code, said, err = likewise(*words, "--report", page)
    assert code == 0, err
    assert "compared by laying them over one another (15 new)" in said
    assert "threshold 0.25, as nobody said otherwise" in said
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(sorted((Path(r["first"]).name, Path(r["second"]).name)) for r in rows) == PAIRS
    assert "bad.png" in page.read_text()
    again = likewise_json(*words)
    assert (again["embedded"], again["remembered"]) == (0, 15)
    assert len(again["groups"]) == 4


def test_the_page_shows_the_surest_first_and_names_the_folder_once(few, tmp_path, likewise):
    page = tmp_path / "twice.html"
    assert likewise("dedupe", few, "--overlay", "--report", page)[0] == 0
    text = page.read_text().replace("<wbr>", "")
    groups = text.split('<ul class="findings">')[1].split("</ul>")[0]
    assert str(few) not in groups
    assert f"{few}/" in text.split('<ul class="findings">')[0]
    assert groups.index("11-same.png") < groups.index("00-cut.png")
    found = dedupe(None, Folder(str(few)), overlay=True)
    far = [float(found.distances[pairs].max()) for pairs in found.pairs_of]
    assert [far[number] for number in found.surest] == sorted(far)
    assert "<table" not in groups  # a pair is said in the heading


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"far": 0.01}, "have no calibration, so that far and operating_point are not known"),
        ({"operating_point": "eer"}, "so that far and operating_point are not known"),
        ({"comparator": "distance"}, "there is none. Give a model"),
    ],
)
def test_what_an_overlay_cannot_follow_is_refused(few, asked, message):
    with pytest.raises(BadArgument, match=message):
        dedupe(None, Folder(str(few)), overlay=True, **asked)


def test_a_model_and_other_kinds_are_refused(few, image_model, tmp_path):
    with pytest.raises(BadArgument, match="without a model, and one was given"):
        dedupe(image_model, Folder(str(few)), overlay=True)
    path = tmp_path / "series.npz"
    np.savez(path, items=np.zeros((4, 9), np.float32), identities=np.array(list("aabb")))
    with pytest.raises(WrongKind, match="only images can be laid over one another"):
        dedupe(None, Arrays(str(path)), overlay=True)
