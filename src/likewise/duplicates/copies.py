"""Items beside altered copies of themselves, from which a model learns what a copy is.

No label is needed: an item and its copies are one identity, two items are two. What the model is
measured on are items, and copies of them, that it never saw.
"""

import io
from typing import final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from likewise.errors import BadArgument, EmptySource
from likewise.shapes import Array, Float, UInt8
from likewise.sources.base import Source
from likewise.transforms.image import open_image
from likewise.types import Items, Kind, Raw

VIEWS = 4
MOST_ITEMS = 4000
_LONGEST_SIDE = 256
_LETTERS = "THE QUICK BROWN FOX 0123456789"


@final
class Copies(Source):
    """Every item of a table with three altered copies, as one identity.

    Of an image: cut at its edges, made smaller, recompressed as JPEG, made brighter or darker, of
    more or less contrast and colour, blurred, written on; two of these for each copy. Of a series:
    cut at its ends, noise, another gain.

    Args:
        items: At most 4,000 of them, drawn at random, are taken.
        seed: Where chance comes from.

    Raises:
        EmptySource: If there are fewer than two items.
    """

    def __init__(self, items: Items, seed: int = 0) -> None:
        if len(items) < 2:
            raise EmptySource(
                f"{items.namespace} holds {len(items)} items, and at least two are needed to learn "
                "what a copy is. Give more."
            )
        count = min(len(items), MOST_ITEMS)
        self._items = items.take(
            np.sort(np.random.default_rng(seed).choice(len(items), count, replace=False))
        )
        self._seed = seed

    def items(self) -> Items:
        """The table: the copies of an item stand behind it."""
        places = [str(place) for place in self._items.places for _ in range(VIEWS)]
        views = [view for _ in range(len(self._items)) for view in range(VIEWS)]
        return Items.build(
            f"{self._items.namespace} and copies",
            places,
            self._items.kind,
            [f"{place}, copy {view}" if view else place
             for place, view in zip(places, views, strict=True)],
            self._read,
        )  # fmt: skip

    def _read(self, row: int) -> Raw:
        at, view = divmod(row, VIEWS)
        raw = self._items.read(at)
        if view == 0:
            return raw
        random = np.random.default_rng([self._seed, at, view])
        if self._items.kind is Kind.IMAGE:
            return altered(open_image(raw, str(self._items.places[at])), random)
        if not isinstance(raw, np.ndarray):
            raise BadArgument(
                f"{self._items.places[at]} is a series in a file, whose copies cannot be made. "
                "Give arrays: .npy files, or an .npz."
            )
        return shaken(raw, random)


def altered(image: Image.Image, random: np.random.Generator) -> UInt8[Array, "h w c"]:
    """A copy of an image with two alterations."""
    page = image.convert("RGB")
    page.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    for number in sorted(random.choice(len(_ALTERATIONS), 2, replace=False).tolist()):
        page = _ALTERATIONS[number](page, random)
    return np.asarray(page)


def shaken(series: Float[Array, "..."], random: np.random.Generator) -> Float[Array, "..."]:
    """A copy of a series, cut at its ends, with noise and another gain."""
    count = len(series)
    start, stop = (int(random.integers(0, max(1, count // 20 + 1))) for _ in range(2))
    kept = series[start : count - stop] if count - stop - start > 1 else series
    spread = float(kept.std()) * 0.02
    changed = kept * random.uniform(0.95, 1.05) + random.normal(0, spread or 1e-6, kept.shape)
    copy: Array = changed.astype(series.dtype)
    return copy


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
