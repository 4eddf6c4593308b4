"""The arrays source: one .npz, or numpy from Python; every wrong key is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.errors import BadArgument, DamagedSource, EmptySource, SourceNotFound
from likewise.sources.arrays import Arrays

IMAGES = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
SERIES = np.arange(4 * 6 * 2, dtype=np.float32).reshape(4, 6, 2)
NAMES = np.array(["a", "a", "b", "b"])


def saved(folder: Path, **columns: Any) -> str:
    path = folder / "set.npz"
    np.savez(path, **columns)
    return str(path)


def test_images_in_a_file(tmp_path: Path) -> None:
    path = saved(tmp_path, items=IMAGES, identities=NAMES, groups=np.array(["x", "x", "y", "y"]))
    items = Arrays(path).items()
    assert items.kind == "image"
    assert items.namespace == "set"
    assert items.identities.tolist() == ["a", "a", "b", "b"]
    assert items.groups.tolist() == ["x", "x", "y", "y"]
    assert items.places[3] == f"{path}[3]"
    np.testing.assert_array_equal(np.asarray(items.read(2)), IMAGES[2])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_with_channels(channels: int) -> None:
    images = np.zeros((2, 6, 5, channels), np.uint8)
    items = Arrays.of(images, ["a", "b"]).items()
    assert items.kind == "image"
    assert np.asarray(items.read(0)).shape == (6, 5, channels)


def test_padded_series_in_a_file(tmp_path: Path) -> None:
    path = saved(tmp_path, items=SERIES, identities=[7, 7, 8, 8], lengths=[6, 1, 2, 3])
    items = Arrays(path).items()
    assert items.kind == "series"
    assert items.identities.tolist() == ["7", "7", "8", "8"]
    assert [len(items.read(row)) for row in range(4)] == [6, 1, 2, 3]
    np.testing.assert_array_equal(np.asarray(items.read(2)), SERIES[2, :2])


def test_flat_series_get_a_channel_axis() -> None:
    items = Arrays.of(SERIES[:, :, 0], NAMES, namespace="my.set").items()
    assert items.namespace == "my.set"
    assert np.asarray(items.read(1)).shape == (6, 1)
    np.testing.assert_array_equal(np.asarray(items.read(1))[:, 0], SERIES[1, :, 0])


def test_lists_of_unequal_arrays() -> None:
    items = Arrays.of([np.ones((3, 2)), np.ones((5, 2))], ["a", "b"], groups=[1, 2]).items()
    assert items.kind == "series"
    assert items.groups.tolist() == ["1", "2"]
    assert [len(items.read(row)) for row in range(2)] == [3, 5]
    pictures = [np.zeros((3, 4), np.uint8), np.zeros((9, 8, 3), np.uint8)]
    assert Arrays.of(pictures, ["a", "b"]).items().kind == "image"
    ragged = np.empty(2, dtype=object)
    ragged[:] = pictures
    assert np.asarray(Arrays.of(ragged, ["a", "b"]).items().read(1)).shape == (9, 8, 3)


def test_the_kind_can_be_given(tmp_path: Path) -> None:
    path = saved(tmp_path, items=SERIES, identities=NAMES, kind="sequence")
    assert Arrays(path).items().kind == "series"
    with pytest.raises(DamagedSource, match="'kind' is 'sound': no kind of item is named"):
        Arrays.of(SERIES, NAMES, "sound")
    with pytest.raises(DamagedSource, match=r"run from -1 to -0, and 0 to 1, 0 to 255, or"):
        Arrays.of(-SERIES / SERIES.max(), NAMES, "image")


def grey(values: Any) -> tuple[str, Any, str]:
    source = Arrays.of(values, None)
    items = source.items()
    return items.kind, np.asarray(items.read(1)), source.note


def test_images_of_any_numbers_become_pixels() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4, 16, 14)).astype(np.uint8)
    pixels[0, 0, :2] = 0, 255
    for values, note in (
        (pixels / 255, "values 0 to 1 become"),
        (pixels.astype(np.float32), "float32 [16, 14] taken for an image"),
        (pixels.astype(np.int64), "int64 [16, 14] taken for an image"),
        ((pixels / 255).astype(np.float32)[:, None], "channels were first and are last now"),
    ):
        kind, second, told = grey(values)
        assert kind == "image"
        assert second.dtype == np.uint8
        assert np.array_equal(second.squeeze(), pixels[1])
        assert note in told
    deep = Arrays.of(pixels.astype(np.uint16) * 257, None, "image").items()
    assert np.array_equal(deep.read(1), pixels[1])
    kind, second, told = grey(pixels > 100)
    assert (kind, sorted(set(second.ravel().tolist()))) == ("image", [0, 255])
    assert grey(pixels)[2] == ""


def test_numbers_in_few_columns_are_series() -> None:
    kind, second, told = grey(np.arange(48).reshape(2, 6, 4))
    assert (kind, second.dtype, second.shape) == ("series", np.float32, (6, 4))
    assert told == "int64 [6, 4] taken for a series; whole numbers become floats"
    assert grey(np.random.default_rng(0).normal(size=(3, 20, 15)))[0] == "series"
    assert Arrays.of(np.arange(12).reshape(3, 4), None, "vector").items().kind == "vector"


def test_nan_is_not_checked_here() -> None:
    items = Arrays.of(np.full((2, 3), np.nan), ["a", "b"]).items()
    assert np.isnan(np.asarray(items.read(0))).all()


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"items": IMAGES}, "has the keys items. Expected are 'items' and 'identities'"),
        ({"items": IMAGES, "identities": NAMES, "group": NAMES}, "and no others"),
        ({"items": IMAGES, "identities": NAMES[:3]}, r"'identities' is <U1 \[3\], and 4 strings"),
        ({"items": IMAGES, "identities": np.ones(4)}, r"'identities' is float64 \[4\]"),
        ({"items": IMAGES, "identities": ["a", "", "b", "b"]}, "'identities' is empty at row 1"),
        ({"items": IMAGES, "identities": [b"\xff"] * 4}, "'identities' holds bytes that are no"),
        ({"items": IMAGES, "identities": NAMES, "groups": NAMES[:2]}, r"'groups' is <U1 \[2\]"),
        ({"items": IMAGES, "identities": NAMES, "kind": [1, 2]}, "'kind' is int64"),
        ({"items": IMAGES.astype(complex), "identities": NAMES}, r"complex128 \[6, 5\] each"),
        ({"items": IMAGES[:, None, None], "identities": NAMES}, r"\[1, 1, 6, 5\] each"),
        ({"items": SERIES[:, :, :, None] + 300, "identities": NAMES}, "run from 300 to 347"),
        ({"items": SERIES[:, :0], "identities": NAMES}, r"float32 \[0, 2\] each"),
        ({"items": np.float32(1), "identities": NAMES}, "'items' is a single value"),
        ({"items": IMAGES, "identities": NAMES, "lengths": [1] * 4}, "'lengths' is for series"),
        ({"items": SERIES, "identities": NAMES, "lengths": [1.0] * 4}, "'lengths' is float64"),
        ({"items": SERIES, "identities": NAMES, "lengths": [6, 6, 7, 6]}, "is 7 at row 2, and 1"),
        ({"items": SERIES, "identities": NAMES, "lengths": [6, 0, 6, 6]}, "is 0 at row 1, and 1"),
        ({"items": np.array([{}]), "identities": ["a"]}, "'items' cannot be read.*never unpickled"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, columns: dict[str, Any], why: str) -> None:
    path = saved(tmp_path, **columns)
    with pytest.raises(DamagedSource, match=rf"set\.npz.*{why}"):
        Arrays(path).items()


def test_a_wrong_row_of_a_list_is_named() -> None:
    with pytest.raises(DamagedSource, match=r"A series is float64 \[1, 1, 3\], and floats \[t\]"):
        Arrays.of([np.ones(3), np.ones((1, 1, 3))], ["a", "b"])
    with pytest.raises(DamagedSource, match=r"row 1 is a series of 3 channels, and .* have 2"):
        Arrays.of([np.ones((4, 2)), np.ones((4, 3))], ["a", "b"])
    with pytest.raises(DamagedSource, match=r"'items' at row 1 is float64 \[0\].*not empty"):
        Arrays.of([np.ones(3), np.ones(0)], ["a", "b"])


def test_nothing_in_it() -> None:
    with pytest.raises(EmptySource, match="'items' is empty"):
        Arrays.of([], [])


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="there is no file"):
        Arrays(str(tmp_path / "gone.npz")).items()
    with pytest.raises(BadArgument, match="path is empty"):
        Arrays("")
    path = tmp_path / "x.npz"
    for data in (b"", b"text", b"PK\x03\x04"):
        path.write_bytes(data)
        with pytest.raises(DamagedSource, match=r"x\.npz is no \.npz file"):
            Arrays(str(path)).items()
    np.save(tmp_path / "x.npy", SERIES)
    with pytest.raises(DamagedSource, match="is a single array"):
        Arrays(str(tmp_path / "x.npy")).items()


def test_a_cut_member_is_named(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, items=IMAGES, identities=NAMES))
    whole = path.read_bytes()
    at = whole.index(IMAGES.tobytes())
    path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
    with pytest.raises(DamagedSource, match=r"'items' cannot be read.*CRC"):
        Arrays(str(path)).items()
