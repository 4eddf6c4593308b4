"""What has lost its content on its way to the network is not compared."""

import io

import numpy as np
import pytest
from PIL import Image

from likewise.errors import UnreadableItem
from likewise.recipe.start import started_from
from likewise.transforms import FAMILY

GREY = {"mean": [0.5], "std": [0.25]}


def drawing(seed: int, size: int = 96) -> np.ndarray:
    """Strokes, 0 on 1."""
    random = np.random.default_rng(seed)
    page = np.ones((size, size))
    for _ in range(6):
        row, column = random.integers(0, size - 12, 2)
        page[row : row + 3, column : column + 30] = 0
        page[row : row + 30, column : column + 3] = 0
    return page


def saved(pixels: np.ndarray, form: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **more)
    return file.getvalue()


def deep(page: np.ndarray, low: int, high: int) -> bytes:
    return saved((low + page * (high - low)).astype(np.uint16))


def transparent(page: np.ndarray) -> bytes:
    """White strokes on nothing, which are white on white once it lies over white."""
    pixels = np.full((*page.shape, 4), 255, np.uint8)
    pixels[..., 3] = np.where(page == 0, 255, 0)
    return saved(pixels)


LOST = {
    "of a part of 16 bits": lambda: deep(drawing(1), 100, 500),
    "12 bits in 16": lambda: deep(drawing(1), 0, 4095),
    "a TIFF of a part of 16 bits": lambda: saved((drawing(1) * 400).astype(np.uint16), "TIFF"),
    "floats of a part of 0 to 255": lambda: saved((2 * drawing(1)).astype(np.float32), "TIFF"),
    "a blank page": lambda: saved(np.full((50, 50), 255, np.uint8)),
    "a black frame": lambda: saved(np.zeros((50, 50, 3), np.uint8)),
    "a blank page as JPEG": lambda: saved(
        (254 + np.random.default_rng(0).integers(0, 2, (50, 50))).astype(np.uint8), "JPEG"
    ),
    "white ink on nothing": lambda: transparent(drawing(1)),
    "a line too thin for the size": lambda: saved(
        np.where(np.arange(4000)[:, None] == 2000, 0, 255).astype(np.uint8)
        * np.ones((1, 20), np.uint8)
    ),
}


@pytest.mark.parametrize("what", LOST)
def test_an_image_of_which_nothing_is_left(what):
    transform = FAMILY.build("image(size=28)", state=GREY)
    with pytest.raises(
        UnreadableItem, match=r"holds nothing to compare: its pixels differ"
    ) as caught:
        transform.acquire(LOST[what](), "it")
    assert ("image(stretch=True) would keep it" in str(caught.value)) == (
        "of 16" in what or "in 16" in what or "of 0 to" in what
    )
    transform.acquire(saved((255 * drawing(1)).astype(np.uint8)), "it")


def test_what_is_faint_is_kept_where_it_was_learned_from():
    faint = saved((200 + 20 * drawing(1)).astype(np.uint8))
    learned = FAMILY.build("image(size=28)", state={"mean": [0.85], "std": [0.02]})
    learned.acquire(faint, "it")
    FAMILY.build("image(size=28)").acquire(faint, "it")


@pytest.mark.parametrize(("low", "high"), [(100, 500), (0, 4095), (0, 65535)])
def test_decoding_better_saves_deep_images(low, high):
    transform = FAMILY.build("image(size=96, stretch=True)", state=GREY)
    decoded = transform.acquire(deep(drawing(1), low, high), "it")
    assert np.array_equal(decoded[0], (255 * drawing(1)).astype(np.uint8))


def test_a_recipe_says_that_it_stretches(tmp_path):
    for name, high in (("narrow", 4095), ("whole", 65535)):
        for person in range(8):
            folder = tmp_path / name / f"p{person}"
            folder.mkdir(parents=True)
            for at in range(3):
                (folder / f"{at}.png").write_bytes(deep(drawing(3 * person + at), 0, high))
    narrow = started_from(str(tmp_path / "narrow"))
    assert "stretch=True" in narrow.recipe.transform
    assert "16 of 16 files looked at use less than an eighth of their 16 bits" in narrow.told
    assert "stretch" not in started_from(str(tmp_path / "whole")).recipe.transform
    own = started_from(str(tmp_path / "narrow"), {"transform": "image(size=28)"})
    assert own.recipe.transform == "image(size=28)"


def test_series_of_which_nothing_is_left():
    for normalize in ("none", "series", "train"):
        state = {"channels": 2} | (
            {"mean": [0.0, 0.0], "std": [1.0, 1.0]} if normalize == "train" else {}
        )
        series = FAMILY.build(f"series(normalize={normalize!r})", state=state)
        flat = np.ones((40, 2), np.float32) * [3.0, -1.0]
        with pytest.raises(UnreadableItem, match="in 40 steps no channel of it varies"):
            series.acquire(flat, "it")
        flat[7, 1] = 4.0
        series.acquire(flat, "it")
        series.acquire(np.ones((2, 2), np.float32), "it")
    # Nothing bought is an answer too: a vector of zeros is not lost on its way.
    FAMILY.build("vector(normalize='none')", state={"dim": 3}).acquire(
        np.zeros(3, np.float32), "it"
    )
