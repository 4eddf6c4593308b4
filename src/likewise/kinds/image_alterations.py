"""Altered copies of images, from which a model learns what a copy is."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from likewise.shapes import Array, UInt8

_LONGEST_SIDE = 256
_LETTERS = "THE QUICK BROWN FOX 0123456789"


def altered_image(image: Image.Image, random: np.random.Generator) -> UInt8[Array, "h w c"]:
    """Make a copy of an image with two alterations."""
    page = image.convert("RGB")
    page.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    for number in sorted(random.choice(len(_ALTERATIONS), 2, replace=False).tolist()):
        page = _ALTERATIONS[number](page, random)
    return np.asarray(page)


def _cut(page: Image.Image, random: np.random.Generator) -> Image.Image:
    width, height = page.size
    left, right = (int(width * random.uniform(0, 0.1)) for _ in range(2))
    top, bottom = (int(height * random.uniform(0, 0.1)) for _ in range(2))
    return page.crop((left, top, max(left + 1, width - right), max(top + 1, height - bottom)))


def _smaller(page: Image.Image, random: np.random.Generator) -> Image.Image:
    share = random.uniform(0.4, 0.9)
    return page.resize((max(1, int(page.width * share)), max(1, int(page.height * share))))


def _recompressed(page: Image.Image, random: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    page.save(file, "JPEG", quality=int(random.integers(15, 70)))
    return Image.open(file).convert("RGB")


def _toned(page: Image.Image, random: np.random.Generator) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        page = enhance(page).enhance(random.uniform(0.6, 1.4))
    return page


def _blurred(page: Image.Image, random: np.random.Generator) -> Image.Image:
    return page.filter(ImageFilter.GaussianBlur(random.uniform(0.005, 0.02) * max(page.size)))


def _written_on(page: Image.Image, random: np.random.Generator) -> Image.Image:
    page = page.copy()
    start = int(random.integers(0, len(_LETTERS) - 8))
    tone = tuple(int(one) for one in random.integers(0, 256, 3))
    place = (int(random.uniform(0, 0.5) * page.width), int(random.uniform(0, 0.9) * page.height))
    size = max(6, page.height / 8)
    ImageDraw.Draw(page).text(place, _LETTERS[start : start + 8], fill=tone, font_size=size)
    return page


_ALTERATIONS = (_cut, _smaller, _toned, _blurred, _written_on, _recompressed)
