"""The folder source: labels from paths, directories and archives alike, bad input by name."""

import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    SourceNotFound,
    UnreadableItem,
    WrongKind,
)
from likewise.sources import FAMILY, files
from likewise.sources.folder import Folder
from likewise.types import Items


def picture(value: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (4, 4), value).save(out, "PNG")
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


TREE = {f"s{who}/{item}.png": picture(10 * who + item) for who in (1, 2, 10) for item in (1, 2, 11)}

Make = Callable[[dict[str, bytes]], str]


@pytest.fixture(params=["directory", "zip"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def directory(tree: dict[str, bytes]) -> str:
        root = tmp_path / "faces"
        root.mkdir()
        for name, data in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return str(root)

    def archive(tree: dict[str, bytes]) -> str:
        path = tmp_path / "faces.zip"
        with zipfile.ZipFile(path, "w") as out:
            for name, data in tree.items():
                out.writestr(name, data)
        return str(path)

    return directory if request.param == "directory" else archive


def rows(items: Items) -> list[tuple[str, str]]:
    names = [place.rpartition("/")[2] for place in items.places.tolist()]
    return list(zip(items.identities.tolist(), names, strict=True))


def test_labels_order_and_bytes(make: Make) -> None:
    items = Folder(make(TREE)).items()
    assert rows(items) == [(f"s{who}", f"{item}.png") for who in (1, 2, 10) for item in (1, 2, 11)]
    assert items.namespace == "faces"
    assert items.kind == "image"
    assert set(items.groups.tolist()) == set(items.parts.tolist()) == {""}
    assert items.read(8) == TREE["s10/11.png"]
    assert items.take(np.array([4])).read(0) == TREE["s2/2.png"]


def test_a_path_is_an_identity_and_its_first_part_the_group(make: Make) -> None:
    tree = {f"{a}/character0{c}/1.png": picture(c) for a in ("Greek", "Latin") for c in (1, 2)}
    items = Folder(make(tree)).items()
    assert items.identities.tolist() == [
        "Greek/character01",
        "Greek/character02",
        "Latin/character01",
        "Latin/character02",
    ]
    assert items.groups.tolist() == ["Greek", "Greek", "Latin", "Latin"]


def test_the_folder_that_an_archive_packs_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "att.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name, data in TREE.items():
            out.writestr(f"att/{name}", data)
    source = Folder(str(path))
    items = source.items()
    assert items.identities.tolist()[::3] == ["s1", "s2", "s10"]
    assert set(items.groups.tolist()) == {""}
    assert source.note == ""


def test_one_folder_that_holds_all_others_is_never_left_out_in_silence(make: Make) -> None:
    source = Folder(make({f"att/{name}": data for name, data in TREE.items()}))
    assert source.items().identities.tolist()[::3] == ["att/s1", "att/s2", "att/s10"]
    assert "3 folders, 2 levels: identity = levels 1 to 2, as in att/s1" in source.note


def many(*folders: str) -> dict[str, bytes]:
    return {f"{one}/{at}.png": picture(40 * at) for one in folders for at in range(2)}


@pytest.mark.parametrize(
    ("folders", "identities"),
    [
        (["ann/2024-01", "ann/2024-02"], ["ann"]),
        (["ann/2024-01", "bob/2024-01", "bob/2024-02-03"], ["ann", "bob"]),
        (["ann/session1/cam1", "ann/session2/cam2", "bob/session1/cam1"], ["ann", "bob"]),
        (["x/ann/visit 1", "y/ann/visit 1"], ["x/ann", "y/ann"]),
        (["Greek/character01", "Latin/character01"], ["Greek/character01", "Latin/character01"]),
        (["Greek/character01", "Latin/2024-01"], ["Greek/character01", "Latin/2024-01"]),
        (["audi/2012 A5", "ford/2012 F150"], ["audi/2012 A5", "ford/2012 F150"]),
        (["ann/1", "ann/2"], ["ann/1", "ann/2"]),
        (["2023", "2024"], ["2023", "2024"]),
    ],
)
def test_levels_that_name_an_occasion_are_no_part_of_an_identity(make, folders, identities) -> None:
    source = Folder(make(many(*folders)))
    assert sorted(set(source.items().identities.tolist())) == identities
    assert bool(source.note) == any("/" in one for one in folders)


def test_a_doubtful_layout_is_refused_until_the_level_is_named(make: Make) -> None:
    path = make(many("ann/1", "ann/2", "bob/1", "bob/2"))
    with pytest.raises(
        DamagedSource, match=r"does ann/1/ hold one identity, or one occasion of ann"
    ):
        Folder(path).items()
    one, two = (Folder(path, identity_level=level).items() for level in (1, 2))
    assert sorted(set(one.identities.tolist())) == ["ann", "bob"]
    assert sorted(set(two.identities.tolist())) == ["ann/1", "ann/2", "bob/1", "bob/2"]
    with pytest.raises(DamagedSource, match="8 files lie in less than 3 folders"):
        Folder(path, identity_level=3).items()
    for wrong in ({"identity_level": -1}, {"identity_level": 1, "pattern": "{identity}"}):
        with pytest.raises(BadArgument, match="identity_level is"):
            Folder(path, **wrong)


def test_a_folder_of_forgeries_gets_a_hint(make: Make) -> None:
    source = Folder(make(many("001", "001_forg", "002", "002_forg")))
    source.items()
    assert "If the second of 001 and 001_forg, 002 and 002_forg holds forgeries" in source.note


def test_a_single_identity_keeps_its_name(make: Make) -> None:
    items = Folder(make({"ann/1.png": picture(1), "ann/2.png": picture(2)})).items()
    assert items.identities.tolist() == ["ann", "ann"]


def test_what_is_no_data_is_left_out(make: Make) -> None:
    beside = ["README", "LICENSE", "notes.txt", "s1/Thumbs.db", "a.md", "l.csv", "m.json", "x.MAT"]
    beside += [".hidden/1.png", "s1/.DS_Store", "__MACOSX/s1/._1.png"]
    items = Folder(make(TREE | dict.fromkeys(beside, b"x"))).items()
    assert len(items) == len(TREE)


def test_an_unknown_extension_is_kept_to_be_named_later(make: Make) -> None:
    items = Folder(make(TREE | {"s1/odd.xyz": b"no image", "s1/README.png": picture(9)})).items()
    assert ("s1", "odd.xyz") in rows(items)
    assert ("s1", "README.png") in rows(items)
    assert items.read(rows(items).index(("s1", "odd.xyz"))) == b"no image"


def test_no_sub_folders_means_no_labels(make: Make) -> None:
    items = Folder(make({"b10.png": picture(1), "b9.png": picture(2)})).items()
    assert rows(items) == [("", "b9.png"), ("", "b10.png")]


@pytest.mark.parametrize("top", ["", "att/"])
def test_files_beside_sub_folders_are_refused(make: Make, top: str) -> None:
    tree = {f"{top}{name}": data for name, data in (TREE | {"loose.png": picture(1)}).items()}
    with pytest.raises(DamagedSource, match=r"1 files lie beside the sub-folders.*loose\.png"):
        Folder(make(tree)).items()


def test_series(make: Make) -> None:
    tree = {
        "a/1.npy": npy(np.arange(3.0)),
        "a/2.npy": npy(np.ones((4, 2), np.float32)),
        "b/1.npy": npy(np.arange(3)),
        "b/2.npy": b"not numpy",
        "b/3.npy": npy(np.ones((0, 2))),
        "b/4.npy": npy(np.array([{}], dtype=object)),
        "b/5.npy": npy(np.ones((40, 2)))[:-8],
    }
    items = Folder(make(tree)).items()
    assert items.kind == "series"
    first, second = items.read(0), items.read(1)
    assert isinstance(first, np.ndarray)
    assert isinstance(second, np.ndarray)
    np.testing.assert_array_equal(first, [[0], [1], [2]])
    assert second.shape == (4, 2)
    for row, why in [
        (2, r"b/1\.npy holds int64 \[3\], and floats"),
        (3, r"b/2\.npy is no \.npy file"),
        (4, r"b/3\.npy holds float64 \[0, 2\]"),
        (5, r"b/4\.npy is no \.npy file"),
        (6, r"b/5\.npy is no \.npy file"),
    ]:
        with pytest.raises(UnreadableItem, match=why):
            items.read(row)


def test_two_kinds_are_told(make: Make) -> None:
    items = Folder(make({"a/1.npy": npy(np.arange(3.0)), "b/1.png": picture(1)})).items()
    assert items.kinds.tolist() == ["series", "image"]
    with pytest.raises(WrongKind, match="'image', 'series'"):
        _ = items.kind


def test_items_opens_no_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(TREE)

    def refuse(*args: object) -> bytes:
        raise AssertionError("an item was read")

    monkeypatch.setattr(files, "read_plain", refuse)
    monkeypatch.setattr(zipfile.ZipFile, "read", refuse)
    items = Folder(path).items()
    with pytest.raises((AssertionError, UnreadableItem), match="an item was read"):
        items.read(0)


def test_many_threads_read_the_right_bytes(make: Make) -> None:
    tree = {f"s{n % 7}/{n}.png": os.urandom(3000) for n in range(200)}
    items = Folder(make(tree)).items()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(items.read, list(range(200)) * 3))
    wanted = [tree["/".join(place.split("/")[-2:])] for place in items.places.tolist()]
    assert found == wanted * 3


@pytest.mark.parametrize("tree", [{}, {"notes.txt": b"x"}])
def test_an_empty_source_is_refused(make: Make, tree: dict[str, bytes]) -> None:
    with pytest.raises(EmptySource, match="no file that could be an item"):
        Folder(make(tree)).items()


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match=r"nothing at .*nowhere"):
        Folder(str(tmp_path / "nowhere")).items()
    with pytest.raises(BadArgument, match="path is empty"):
        Folder("")


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_broken_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DamagedSource, match=r"a\.zip is no folder and cannot be opened"):
        Folder(str(tmp_path / "a.zip")).items()


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name, data in TREE.items():
            out.writestr(name, data)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DamagedSource, match="cannot be opened"):
        Folder(str(path)).items()


def test_a_broken_member_is_named_and_the_others_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name, data in TREE.items():
            out.writestr(name, data)
    whole = path.read_bytes()
    at = whole.index(TREE["s1/2.png"]) + 40
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    items = Folder(str(path)).items()
    with pytest.raises(UnreadableItem, match=r"a\.zip/s1/2\.png cannot be read.*CRC"):
        items.read(1)
    assert items.read(2) == TREE["s1/11.png"]


def test_a_member_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.LARGEST_MEMBER_BYTES == 256 * 2**20
    monkeypatch.setattr(files, "LARGEST_MEMBER_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a/bomb.png", b"0" * 1001)
        out.writestr("b/fine.png", b"0" * 1000)
    items = Folder(str(tmp_path / "a.zip")).items()
    with pytest.raises(UnreadableItem, match=r"a/bomb\.png says that it unpacks to 1001 bytes"):
        items.read(0)
    assert len(items.read(1)) == 1000


def test_members_that_name_a_way_out_are_only_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for name in ("../ann/1.png", "/bob/1.png", "cat\\1.png"):
            out.writestr(name, name.encode())
    items = Folder(str(tmp_path / "a.zip")).items()
    assert items.identities.tolist() == ["ann", "bob", "cat"]
    assert items.read(0) == b"../ann/1.png"
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_links(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    (root / "ann").mkdir(parents=True)
    (root / "ann" / "1.png").write_bytes(picture(1))
    (tmp_path / "secret.png").write_bytes(b"secret")
    (root / "ann" / "2inside.png").symlink_to(root / "ann" / "1.png")
    (root / "ann" / "3outside.png").symlink_to(tmp_path / "secret.png")
    (root / "ann" / "4broken.png").symlink_to(root / "gone.png")
    (root / "ann" / "5circle.png").symlink_to(root / "ann" / "5circle.png")
    (root / "ann" / "again").symlink_to(root, target_is_directory=True)
    os.mkfifo(root / "ann" / "6pipe.png")
    items = Folder(str(root)).items()
    assert len(items) == 6
    assert items.read(1) == picture(1)
    for row, why in [
        (2, r"3outside\.png is a link to .*secret\.png, outside"),
        (3, r"4broken\.png cannot be read"),
        (4, r"5circle\.png cannot be read"),
        (5, r"6pipe\.png is no ordinary file"),
    ]:
        with pytest.raises(UnreadableItem, match=why):
            items.read(row)


def test_a_file_that_vanished_or_is_shut_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.png").write_bytes(b"1")
    (tmp_path / "ann" / "2.png").write_bytes(b"2")
    items = Folder(str(tmp_path)).items()
    (tmp_path / "ann" / "1.png").unlink()
    with pytest.raises(UnreadableItem, match=r"ann/1\.png cannot be read: No such file"):
        items.read(0)

    def shut(path: Path, _limit: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files, "read_plain", shut)
    with pytest.raises(UnreadableItem, match=r"ann/2\.png cannot be read: Permission denied"):
        items.read(1)


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def shut(path: str) -> object:
        if str(path).endswith("bob"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"1")
    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(DamagedSource, match="bob cannot be listed: Permission denied"):
        Folder(str(tmp_path)).items()


def test_the_short_spec_builds_it(make: Make) -> None:
    assert len(FAMILY.build(f"folder:{make(TREE)}").items()) == len(TREE)


def test_natural_order_knows_zeros_and_long_numbers() -> None:
    names = ["a/item10", "a/item2", "a/item02", "b1/x", "a/item" + "9" * 5000, "a/item", "b/x"]
    assert sorted(names, key=files.natural) == [
        "a/item",
        "a/item02",
        "a/item2",
        "a/item10",
        "a/item" + "9" * 5000,
        "b/x",
        "b1/x",
    ]
