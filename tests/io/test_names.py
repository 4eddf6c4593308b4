"""Names that are one to the eye are one for the program, or are told."""

import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

import likewise as house
from likewise.errors import BadArgument
from likewise.io.names import confusable, skeleton
from likewise.sources.folder import Folder
from likewise.sources.table import Table
from likewise.types import composed

TAKEN_APART = unicodedata.normalize("NFD", "Zoé Ñandú")
TOGETHER = unicodedata.normalize("NFC", "Zoé Ñandú")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ann", "ann"),
        (TAKEN_APART, TOGETHER),
        (" ann ", "ann"),
        ("ann\u00a0lee", "ann lee"),
        ("ann \t lee", "ann lee"),
        ("   ", "   "),
        ("Ann", "Ann"),
    ],
)
def test_one_rule_for_names(given, name):
    assert composed(given) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "аnn"),  # noqa: RUF001 - a Cyrillic a
        ("ann", "ann\u200b"),
        ("ann", "a\u00adnn"),
        ("ann lee", "ann\u2003lee"),
        ("ann-lee", "ann‐lee"),  # noqa: RUF001 - another hyphen
        ("o'neill", "o’neill"),  # noqa: RUF001 - a curly apostrophe
        ("ﬁona", "fiona"),
        ("ann2", "ann２"),  # noqa: RUF001 - a wide digit
        ("Anna", "Αnna"),  # noqa: RUF001 - a Greek A
    ],
)
def test_what_is_one_to_the_eye_has_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)
    assert confusable([one, other, one]) == [(other, one)]
    assert confusable([other], known=[one]) == [(other, one)]


def test_what_the_eye_tells_apart_is_no_finding():
    assert confusable(["ann", "Ann", "anne", "ann1", "annl", "é", "e", "名前", "名"]) == []


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize((24, 24)).save(path)


def test_every_source_follows_the_rule(tmp_path):
    for name, file in ((TAKEN_APART, "a"), (TOGETHER, "b")):
        picture(tmp_path / "faces" / name / f"{file}.png")
    assert set(Folder(str(tmp_path / "faces")).items().identities.tolist()) == {TOGETHER}
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as out:
        for path in (tmp_path / "faces").rglob("*.png"):
            out.write(path, f"{path.parent.name}/{path.name}")
    assert set(Folder(str(tmp_path / "packed.zip")).items().identities.tolist()) == {TOGETHER}
    lines = [
        f"{path.relative_to(tmp_path)},{path.parent.name} " for path in tmp_path.rglob("*.png")
    ]
    (tmp_path / "t.csv").write_text("\n".join(["item,label", *lines]), encoding="utf-8")
    assert set(Table(str(tmp_path / "t.csv")).items().identities.tolist()) == {TOGETHER}
    from likewise.data import as_source

    arrays = as_source((np.zeros((2, 24, 24), np.uint8), [TAKEN_APART, f" {TOGETHER}"]))
    assert set(arrays.items().identities.tolist()) == {TOGETHER}


def test_a_second_name_that_looks_alike_is_refused(image_model, tmp_path, likewise):
    picture(tmp_path / "one" / "ann" / "a.png")
    picture(tmp_path / "two" / "аnn" / "a.png")  # noqa: RUF001 - a Cyrillic a
    model, database = image_model.folder, tmp_path / "people.db"
    assert likewise("enrol", model, database, tmp_path / "one")[0] == 0
    code, out, err = likewise("enrol", model, database, tmp_path / "two")
    assert (code, out) == (2, "")
    assert r"The identities '\u0430nn' and 'ann' look the same, and are spelt differently." in err
    with house.Gallery(database, image_model) as people:
        assert people.identities() == 1
        embedded = house.embed(image_model, Folder(str(tmp_path / "two")))
        with pytest.raises(BadArgument, match="are spelt differently"):
            people.enrol(embedded)
    assert likewise("enrol", model, database, tmp_path / "two", "--force")[0] == 0
    with house.Gallery(database, image_model) as people:
        assert people.identities() == 2


def test_an_audit_tells_of_such_names(tmp_path):
    for name in ("ann", "аnn", "bob"):  # noqa: RUF001 - a Cyrillic a
        for at in range(3):
            picture(tmp_path / "faces" / name / f"{at}.png")
    found = house.audit(tmp_path / "faces", quick=True)
    (one,) = [finding for finding in found.findings if finding.kind == "confusable_names"]
    assert one.severity == "alarm"
    assert r"'\u0430nn'" in one.evidence[0].place + one.evidence[0].detail
