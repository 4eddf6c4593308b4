"""Listed protocols, genuine and forged items, and patterns of file names."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import BadArgument, DamagedSource, EmptySource, SourceNotFound
from likewise.sources import FAMILY
from likewise.sources.cedar import Cedar
from likewise.sources.folder import Folder
from likewise.sources.lfw import Lfw
from likewise.sources.pattern import Pattern
from likewise.sources.table import Table

real = pytest.mark.skipif(
    not os.environ.get("LIKEWISE_DATA"), reason="LIKEWISE_DATA is not set: no research data"
)


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


# ── patterns ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("{origin}_{identity}_{}.png", "genuine_7_12.png", {"origin": "genuine", "identity": "7"}),
        ("{origin}_{identity}_{}.png", "deep/down/forged_a_b_c.png", {"identity": "a"}),
        ("{identity}-{}.png", "a-b-c.png", {"identity": "a"}),
        ("{identity}.png", "a.b.png", {"identity": "a.b"}),
        ("{group}/{identity}/{}.png", "x/site/one/3.png", {"group": "site", "identity": "one"}),
        ("org/{identity}_{}.png", "org/1_2.png", {"identity": "1"}),
        ("org/{identity}_{}.png", "forg/1_2.png", None),
        ("{identity}_{}.png", "1.png", None),
        ("{identity}_{}.png", "_2.png", None),
        ("{identity}_{}.png", "1_.png", None),
        ("{identity}/{}.png", "1.png", None),
        ("a{identity}b", "aab", {"identity": "a"}),
        ("(.*){identity}", "(.*)x", {"identity": "x"}),
        ("(.*){identity}", "abcx", None),
    ],
)
def test_what_a_pattern_reads(pattern: str, name: str, found: dict[str, str] | None) -> None:
    read = Pattern.parse(pattern).match(name)
    assert (read is None) == (found is None)
    assert found is None or {**(read or {}), **found} == read


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{origin}.png", "needs {identity}"),
        ("{identity}_{identity}", "each name once"),
        ("{identity}{}.png", "nothing stands between"),
        ("{identity}_{writer}", r"{writer} is no name"),
        ("{identity}_{.png", "left open"),
        ("{identity}" + "_{}" * 30, "needs {identity}"),
    ],
)
def test_patterns_that_cannot_be_followed(pattern: str, why: str) -> None:
    with pytest.raises(BadArgument, match=why):
        Folder("x", pattern=pattern)


def test_no_name_makes_a_pattern_slow() -> None:
    pattern = Pattern.parse("_".join(["{identity}", *["{}"] * 18]) + "x.png")
    assert pattern.match("_" * 200_000 + ".png") is None


def test_a_folder_whose_file_names_say_it(tmp_path: Path) -> None:
    root = files(tmp_path / "sigs", *(f"{o}_{i}_{n}.png" for o in ("real", "fake") for i in "ab"
                                      for n in (1, 2)))  # fmt: skip
    spec = f"folder({str(root)!r}, pattern='{{origin}}_{{identity}}_{{}}.png', genuine='real', forged='fake')"  # noqa: E501 - one spec
    items = FAMILY.build(spec).items()
    assert items.identities.tolist() == ["a", "a", "b", "b"] * 2
    assert items.origins.tolist() == ["forged"] * 4 + ["genuine"] * 4
    assert items.forged.sum() == 4
    assert len(set(items.classes.tolist())) == 4
    with pytest.raises(DamagedSource, match=r"origin of 8 files is neither of 'genuine' and"):
        Folder(str(root), pattern="{origin}_{identity}_{}.png").items()
    files(root, *(f"other{n:02}.png" for n in range(12)))
    with pytest.raises(DamagedSource, match=r"12 of 20 files do not follow .*other09\.png, \.\.\."):
        Folder(str(root), pattern="{}_{identity}_{}.png").items()


def test_words_of_origin_that_contradict_the_pattern() -> None:
    with pytest.raises(BadArgument, match="two different ones"):
        Folder("x", pattern="{origin}_{identity}", genuine="a", forged="a")
    with pytest.raises(BadArgument, match=r"no \{origin\}"):
        Folder("x", pattern="{identity}", genuine="a", forged="b")


# ── tables ────────────────────────────────────────────────────────────────────────────────────


def test_the_column_of_origins(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "b.png", "c.png")
    table = tmp_path / "t.csv"
    table.write_text("item,label,origin\na.png,x,genuine\nb.png,x,forged\nc.png,y,genuine\n")
    items = Table(str(table), origin="origin").items()
    assert items.origins.tolist() == ["genuine", "forged", "genuine"]
    table.write_text("item,label,origin\na.png,x,genuine\nb.png,x,fake\n")
    with pytest.raises(DamagedSource, match=r"row 2 \(line 3\): 'origin' is 'fake'"):
        Table(str(table), origin="origin").items()


def test_contradictions_are_counted_and_named(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "b.png", "c.png", "d.png")
    table = tmp_path / "t.csv"
    table.write_text(
        "first,second,same\na.png,b.png,1\nc.png,d.png,0\nb.png,a.png,0\nc.png,d.png,1\n"
    )
    with pytest.raises(
        DamagedSource, match=r"rows 1 and 3.*So do 1 more rows with others: 4 and 2"
    ):
        Table(str(table)).items()
    rows = [f"{one}.png,{label}\n" for label in "xy" for one in "abcd"]
    table.write_text("item,label\n" + "".join(rows))
    with pytest.raises(DamagedSource, match=r"rows 1 and 5.*3 more rows with others: 6 and 2, 7"):
        Table(str(table)).items()


# ── LFW ───────────────────────────────────────────────────────────────────────────────────────

SETS, SAME, DIFFERENT = 10, 2, 2


def faces(root: Path, *, ending: str = "txt") -> Path:
    """Ten sets of four people with two photographs each, and the lists as they are published."""
    people = [[f"P{s}_{i}" for i in range(4)] for s in range(SETS)]
    names = [f"{who}/{who}_{n:04}.jpg" for part in people for who in part for n in (1, 2)]
    files(root / "lfw-deepfunneled", *names)
    mark = "\t" if ending == "txt" else ","
    pairs, sets = [f"{SETS}{mark}{SAME}"], [f"{SETS}"] if ending == "txt" else ["name,images"]
    for part in people:
        pairs += [f"{part[i]}{mark}1{mark}2" for i in range(SAME)]
        pairs += [f"{part[i]}{mark}1{mark}{part[i + 1]}{mark}2" for i in range(DIFFERENT)]
        sets += [f"{len(part)}" if ending == "txt" else ","]
        sets += [f"{who}{mark}2" for who in part]
    every = [who for part in people for who in part]
    lists = {
        "pairs": pairs,
        "people": sets,
        "peopleDevTrain": ["20", *(f"{who}{mark}2" for who in every[:20])],
        "peopleDevTest": ["20", *(f"{who}{mark}2" for who in every[20:])],
    }
    for name, lines in lists.items():
        (root / f"{name}.{ending}").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_the_views_of_lfw(tmp_path: Path, monkeypatch, ending: str) -> None:
    faces(tmp_path / "lfw-deepfunneled", ending=ending)
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    every = Lfw().items()
    assert (len(every), len(set(every.identities.tolist()))) == (80, 40)
    assert np.unique(every.groups, return_counts=True)[1].tolist() == [8] * 10
    assert every.groups[every.identities == "P3_1"].tolist() == ["4", "4"]
    parts = Lfw(view=1).items().parts
    assert np.unique(parts, return_counts=True)[1].tolist() == [40, 40]
    pairs = Lfw(view=2).items().pairs
    assert (len(pairs.first), int(pairs.same.sum())) == (40, 20)
    fold = Lfw(view=2, fold=3).items()
    assert set(fold.groups.tolist()) == {"3"}
    told = zip(fold.pairs.first, fold.pairs.second, fold.pairs.same, strict=True)
    ends = [(Path(fold.places[a]).stem, Path(fold.places[b]).stem, int(s)) for a, b, s in told]
    assert ends[0] == ("P2_0_0001", "P2_0_0002", 1)
    assert ends[3] == ("P2_1_0001", "P2_2_0002", 0)
    # What hangs together by pairs is one component.
    assert len(set(fold.identities.tolist())) == 1


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("pairs", "10\t2\nP0_0\t1\n", r"pairs\.txt, line 2: a name and two numbers"),
        ("pairs", "10\t2\nP0_0\t1\t1\n", "not one and itself"),
        ("pairs", "10\t2\nP0_0\t1\t2\n", "10 sets of equal size"),
        ("pairs", "10\t2\n" + "P0_0\t1\t9\n" * 10, r"1 that are not there: P0_0_0009"),
        ("people", "10\n4\nNobody\t3\n", "names 1 that are not there: Nobody"),
        ("people", "10\n4\nP0_0\t2\n", "names 39 of its people not"),
        ("people", "10\n", "names nobody"),
    ],
)
def test_lists_that_are_broken(tmp_path: Path, monkeypatch, name: str, text: str, why: str) -> None:
    root = faces(tmp_path / "lfw-deepfunneled")
    (root / f"{name}.txt").write_text(text)
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    with pytest.raises(DamagedSource, match=why):
        Lfw(view=2 if name == "pairs" else 0).items()


def test_lfw_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    with pytest.raises(SourceNotFound, match="lfw-deepfunneled"):
        Lfw().items()
    files(tmp_path / "lfw", "one.txt")
    with pytest.raises(EmptySource, match=r"Abel_Pacheco_0001\.jpg"):
        Lfw().items()
    files(tmp_path / "lfw", "A/A_0001.jpg")
    with pytest.raises(DamagedSource, match="no list people"):
        Lfw().items()
    for wrong in ({"view": 3}, {"view": 2, "fold": 11}, {"fold": 2}):
        with pytest.raises(BadArgument, match="a fold from 1 to 10"):
            Lfw(**wrong)


@real
def test_lfw_itself() -> None:
    items = Lfw(view=1).items()
    assert (len(items), len(set(items.identities.tolist()))) == (13_233, 5_749)
    assert np.unique(items.parts[np.unique(items.identities, return_index=True)[1]],
                     return_counts=True)[1].tolist() == [1711, 4038]  # fmt: skip
    pairs = Lfw(view=2, fold=1).items().pairs
    assert (len(pairs.first), int(pairs.same.sum())) == (600, 300)


# ── CEDAR ─────────────────────────────────────────────────────────────────────────────────────


def test_cedar(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    with pytest.raises(SourceNotFound, match=r"cedar\.zip"):
        Cedar().items()
    with zipfile.ZipFile(tmp_path / "cedar.zip", "w") as archive:
        archive.writestr("cedar/Thumbs.db", b"")
    with pytest.raises(EmptySource, match=r"original_7_12\.png"):
        Cedar().items()
    with zipfile.ZipFile(tmp_path / "cedar.zip", "a") as archive:
        for name in ("full_org/original_7_12.png", "full_forg/forgeries_7_3.png"):
            archive.writestr(f"cedar/{name}", name.encode())
    items = Cedar().items()
    assert items.identities.tolist() == ["writer07", "writer07"]
    assert items.origins.tolist() == ["forged", "genuine"]
    assert items.read(1) == b"full_org/original_7_12.png"


@real
def test_cedar_itself() -> None:
    items = Cedar().items()
    names, counts = np.unique(items.identities, return_counts=True)
    assert (len(names), set(counts.tolist()), int(items.forged.sum())) == (55, {48}, 1320)
