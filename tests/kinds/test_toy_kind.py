"""A kind of item of another package: this module alone brings the kind and its transform.

It is found through the entry points `likewise.components`, as an installed package's is, and goes
the whole path: it is trained on, verified, enrolled and identified, audited and reported.
"""

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest

from likewise.errors import DamagedModel
from likewise.kinds import FAMILY as KINDS
from likewise.kinds import endings
from likewise.kinds.base import Kind
from likewise.kinds.look import Look, Number, coarse
from likewise.model.folder import save_model
from likewise.model.manifest import parse_manifest
from likewise.model.model import Model
from likewise.shapes import namespace_of
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.types import Form, InputShape

LETTERS = 26
IMAGES = Path(__file__).parents[1] / "golden" / "images"


@final
class Word(Kind):
    """A word of small letters, in a file of its own."""

    name = "word"
    one = "a word"
    many = "words"
    expected = "bytes of small letters"
    endings = (".word",)
    transform = "letters"
    plain = "letters"
    encoder = "mlp(dim=8, hidden=16)"
    numbers: ClassVar[Mapping[str, Number]] = {
        "letters": Number("number of letters", "frame"),
        "vowels": Number("number of vowels", "form"),
    }

    def recognises(self, raw: Any) -> bool:
        """Say whether it is bytes of letters."""
        return isinstance(raw, bytes) and raw.isalpha()

    def look(self, item: Any) -> Look:
        """Count letters and vowels."""
        vowels = float(sum(item[ord(vowel) - ord("a")] for vowel in "aeiou"))
        return Look({"letters": float(item.sum()), "vowels": vowels}, coarse(item[:, None]))

    def picture(self, item: Any, longest: int = 0) -> Any:  # noqa: ARG002 - a line is as wide
        """Draw how often each letter comes."""
        return item[:, None]


@final
class Letters(Transform):
    """How often each letter comes."""

    kind = "word"
    form = Form.VECTORS

    def __init__(self, *, state: Mapping[str, Any] | None = None) -> None:
        self.state = state

    @property
    def shape(self) -> InputShape:
        """One number a letter."""
        return InputShape(Form.VECTORS, LETTERS)

    def decode(self, raw: Any, place: str) -> Any:  # noqa: ARG002 - every word can be read
        """Count the letters."""
        letters = np.frombuffer(raw, dtype=np.uint8) - ord("a")
        return np.bincount(letters, minlength=LETTERS).astype(np.float32)

    def fit(self, decoded: Iterable[Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as it says
        """Nothing is learned."""
        return {}

    def collate(self, decoded: Sequence[Any]) -> tuple[Any, None]:
        """One row a word."""
        return np.stack(decoded), None

    def finish(self, batch: Any) -> Any:
        """Counts as they are."""
        xp = namespace_of(batch)
        return xp.astype(batch, xp.float32, copy=False)


def words(folder: Path, *, first: int = 0, count: int = 90, each: int = 5) -> Path:
    """A folder of words: whoever writes them has letters of their own."""
    for writer in range(first, first + count):
        liked = np.random.default_rng(writer).dirichlet(np.full(LETTERS, 0.2))
        place = folder / f"writer{writer:03}"
        place.mkdir(parents=True)
        for item in range(each):
            drawn = np.random.default_rng([writer, item]).choice(LETTERS, 150, p=liked)
            (place / f"{item}.word").write_bytes(bytes((drawn + ord("a")).astype(np.uint8)))
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """This module as an installed package: its entry points lie in a folder that is looked in."""
    place = tmp_path / "site"
    info = place / "words-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[likewise.components]\n"
        f"kinds.word = {__name__}:Word\n"
        f"transforms.letters = {__name__}:Letters\n"
    )
    monkeypatch.syspath_prepend(place)
    importlib.invalidate_caches()
    for family in (KINDS, TRANSFORMS):
        monkeypatch.setattr(family, "_foreign", None)
    endings.known_endings.cache_clear()
    yield
    endings.known_endings.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_kind_of_another_package_goes_the_whole_path(likewise, likewise_json, tmp_path):
    assert sys.modules[__name__].Word is KINDS.type_of("word")
    source, out = words(tmp_path / "words"), tmp_path / "model"
    code, _, err = likewise(
        "train", source, "--out", out, "--epochs", "12", "--sampler",
        "classes_by_items(classes=10, items=4)", "--set", "learning_rate=0.005",
    )  # fmt: skip
    assert code == 0, err
    model = Model(out)
    assert (model.kind, model.transform.form, model.manifest.inputs) == (
        "word",
        Form.VECTORS,
        {"main": "word"},
    )
    assert 'kind = "word"' in (out / "model.toml").read_text()

    strangers = words(tmp_path / "strangers", first=500, count=8, each=4)
    (mine, again), (other, _) = (
        sorted((strangers / f"writer{writer}").iterdir())[:2] for writer in (500, 501)
    )
    same = likewise_json("verify", out, mine, again)
    different = likewise_json("verify", out, mine, other)
    assert same["distance"] < different["distance"]
    assert (same["verdict"], different["verdict"]) == ("same", "different")

    gallery = tmp_path / "writers.db"
    enrolled = tmp_path / "enrolled"
    for writer in range(500, 508):
        kept = enrolled / f"writer{writer}"
        kept.mkdir(parents=True)
        for file in sorted((strangers / kept.name).iterdir())[1:]:
            (kept / file.name).write_bytes(file.read_bytes())
    code, _, err = likewise("enrol", out, gallery, enrolled)
    assert code == 0, err
    found = likewise_json("identify", out, gallery, mine)
    assert found["candidates"][0]["identity"] == "writer500"

    page = tmp_path / "audit.html"
    audited = likewise_json("audit", source, "--out", page)
    assert "number of vowels" in {clue["name"] for clue in audited["clues"]}
    assert 'class="series"' in (out / "report.html").read_text()
    assert page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("installed")
def test_its_words_are_in_the_errors(likewise, tmp_path):
    source = words(tmp_path / "words", count=2)
    code, _, err = likewise("embed", IMAGES, source, "--out", tmp_path / "e.npz")
    assert code == 2
    assert "holds words, and the transform takes images" in err


def test_a_model_of_a_kind_that_is_not_installed_is_refused_in_words(tmp_path):
    old = Model(IMAGES)
    saved = save_model(
        tmp_path / "model",
        inputs={"main": "image"},
        claim=old.manifest.claim,
        distance=old.manifest.distance,
        files={role: old.read(role) for role in old.manifest.files},
    )
    assert saved.kind == "image"
    text = (tmp_path / "model" / "model.toml").read_bytes()
    with pytest.raises(DamagedModel, match=r"inputs\.main\.kind is 'word', and one of image"):
        parse_manifest(text.replace(b'kind = "image"', b'kind = "word"'), tmp_path / "model.toml")
