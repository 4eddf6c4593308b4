"""Decoding every form of image and series, and finishing alike in numpy and torch."""

import inspect
import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from likewise.errors import BadArgument, EmptySource, UnreadableItem, WrongKind
from likewise.transforms import FAMILY
from likewise.transforms.image import ImageTransform
from likewise.transforms.pixels import otsu_threshold
from likewise.transforms.series import MAX_VALUES, SeriesTransform
from likewise.types import Form, InputShape


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(mode: Any, dark: Any, light: Any, size: Any = 16) -> Image.Image:
    """A picture whose left half is dark and whose right half is light."""
    image = Image.new(mode, (size, size), dark)
    image.paste(light, (size // 2, 0, size, size))
    return image


def tiff(mode: Any, dtype: Any, dark: Any, light: Any) -> bytes:
    pixels = np.full((16, 16), dark, dtype)
    pixels[:, 8:] = light
    image = Image.fromarray(pixels)
    assert image.mode == mode
    return encoded(image, "TIFF")


def palette(**options: Any) -> bytes:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([0, 0, 0, 255, 255, 255, 10, 20, 30])
    image.paste(1, (8, 0, 16, 16))
    return encoded(image, "PNG", **options)


MODES = {
    "1": encoded(halves("1", 0, 1)),
    "L": encoded(halves("L", 0, 255)),
    "L keyed": encoded(halves("L", 0, 7), transparency=7),
    "LA": encoded(halves("LA", (0, 255), (0, 0))),
    "RGB": encoded(halves("RGB", (0, 0, 0), (255, 255, 255))),
    "RGB keyed": encoded(halves("RGB", (0, 0, 0), (1, 2, 3)), transparency=(1, 2, 3)),
    "RGBA": encoded(halves("RGBA", (0, 0, 0, 255), (9, 9, 9, 0))),
    "RGBA webp": encoded(halves("RGBA", (0, 0, 0, 255), (9, 9, 9, 0)), "WEBP", lossless=True),
    "P": palette(),
    "P keyed": palette(transparency=1),
    "P alpha": palette(transparency=b"\xff\x00\x10"),
    "CMYK": encoded(halves("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)), "TIFF"),
    "CMYK jpeg": encoded(halves("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)), "JPEG", quality=100),
    "YCbCr": encoded(halves("YCbCr", (0, 128, 128), (255, 128, 128)), "TIFF"),
    "LAB": encoded(halves("LAB", (0, 128, 128), (255, 128, 128)), "TIFF"),
    "I;16": tiff("I;16", np.uint16, 0, 65535),
    "I;16 png": encoded(Image.fromarray(np.tile(np.uint16([0] * 8 + [65535] * 8), (16, 1)))),
    "I;16B": tiff("I;16B", ">u2", 0, 65535),
    "I": tiff("I", np.int32, 0, 65535),
    "I wide": tiff("I", np.int32, -70000, 1000000),
    "F unit": tiff("F", np.float32, 0.0, 1.0),
    "F byte": tiff("F", np.float32, 0.0, 255.0),
    "F wide": tiff("F", np.float32, -1000.0, 3000.0),
}


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("color", [False, True])
def test_every_mode_becomes_dark_left_and_white_right(name: str, color: bool) -> None:
    decoded = ImageTransform(16, color=color).decode(MODES[name], "a.img")
    assert decoded.shape == (3 if color else 1, 16, 16)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    assert decoded[..., :7].max() <= 2
    assert decoded[..., 9:].min() >= 253


@pytest.mark.parametrize(
    ("mode", "dtype", "value", "expected"),
    [
        ("I;16", np.uint16, 32896, 128),
        ("I", np.int32, 257 * 40, 40),
        ("F", np.float32, 0.2, 51),
        ("F", np.float32, 77.0, 77),
    ],
)
def test_deep_images_keep_their_scale(mode: Any, dtype: Any, value: float, expected: int) -> None:
    image = Image.fromarray(np.full((4, 4), value, dtype))
    assert image.mode == mode
    decoded = ImageTransform(4).decode(encoded(image, "TIFF"), "deep.tif")
    assert (decoded == expected).all()


def test_a_16_bit_key_is_transparent() -> None:
    pixels = np.full((8, 8), 1000, np.uint16)
    raw = encoded(Image.fromarray(pixels))
    body = struct.pack(">H", 1000)
    chunk = struct.pack(">I", 2) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))
    raw = raw.replace(raw[33:], chunk + raw[33:])
    assert (ImageTransform(8).decode(raw, "key.png") == 255).all()
    assert (ImageTransform(8).decode(encoded(Image.fromarray(pixels)), "key.png") == 4).all()


def test_half_transparent_ink_is_laid_over_white() -> None:
    raw = encoded(Image.new("RGBA", (5, 5), (0, 0, 0, 51)))
    assert (ImageTransform(5, color=True).decode(raw, "a.png") == 204).all()


UPRIGHT = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.T,
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_exif_orientation_is_applied_once(orientation: int, kind: str) -> None:
    quarters = np.repeat(np.repeat(np.uint8([[0, 80], [160, 240]]), 16, 0), 16, 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}}.get(kind, {})
    raw = encoded(Image.fromarray(quarters), kind, exif=exif, **options)
    decoded = ImageTransform(32).decode(raw, "turned")
    np.testing.assert_allclose(decoded[0].astype(int), UPRIGHT[orientation](quarters), atol=2)


def test_damaged_exif_leaves_the_pixels_readable() -> None:
    raw = encoded(halves("L", 0, 255), "JPEG", exif=b"Exif\x00\x00XX*\x00broken")
    assert ImageTransform(16).decode(raw, "a.jpg")[0, 0, 15] == 255


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("L", (6, 6), value) for value in (30, 200, 250)]
    options = {"lossless": True} if kind == "WEBP" else {}
    raw = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (ImageTransform(6).decode(raw, "film") == 30).all()


def declared(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.mark.parametrize("size", [(9000, 9000), (10001, 10001), (60000, 60000), (64_000_001, 1)])
def test_a_decompression_bomb_is_refused_by_its_header(size: Any) -> None:
    with pytest.raises(UnreadableItem, match=r"^bomb\.png cannot be read.*decompression bomb"):
        ImageTransform().decode(declared(*size), "bomb.png")


def test_a_bomb_inside_an_icon_is_refused() -> None:
    inner = declared(10001, 10001)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inner), 22) + inner
    with pytest.raises(
        UnreadableItem, match=r"a\.ico cannot be read as an image: decompression bomb"
    ):
        ImageTransform().decode(icon, "a.ico")


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_image_is_named(kind: str, share: float) -> None:
    raw = encoded(Image.fromarray(NOISE), kind)
    with pytest.raises(
        UnreadableItem, match=r"^dir/cut\.img cannot be read as an image: .*Replace"
    ):
        ImageTransform().decode(raw[: int(len(raw) * share)], "dir/cut.img")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", r"it is empty \(0 bytes\)"),
        (b"name,age\nann,3\n", "in no image format"),
        (b"\x00" * 500, "in no image format"),
        (encoded(halves("RGB", (0, 0, 0), (1, 1, 1)), "EPS"), "EPS is a program"),
        (declared(8, 8)[:45], "truncated or damaged"),
        (tiff("F", np.float32, 0.0, np.nan), "NaN or infinite"),
    ],
)
def test_what_is_no_image_is_named(raw: Any, reason: str) -> None:
    with pytest.raises(UnreadableItem, match=rf"^x\.bin cannot be read as an image: .*({reason})"):
        ImageTransform().decode(raw, "x.bin")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "TGA"])
def test_flipped_bytes_give_an_image_or_a_named_refusal(kind: str) -> None:
    random = np.random.default_rng(1)
    outcomes: list[Any] = []
    clean = np.frombuffer(encoded(Image.fromarray(NOISE[:24, :24]), kind), np.uint8)
    for _ in range(60):
        dirty = clean.copy()
        where = random.integers(0, min(len(dirty), 400), 4)
        dirty[where] = random.integers(0, 256, 4)
        try:
            outcomes.append(ImageTransform(8).decode(dirty.tobytes(), "dirty").shape)
        except UnreadableItem as error:
            outcomes.append(str(error)[:33])
    assert set(outcomes) <= {(1, 8, 8), "dirty cannot be read as an image:"}


def test_pillow_warns_nobody_and_filters_stay_as_they_were() -> None:
    raw = MODES["P alpha"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Transparency"):
            Image.open(io.BytesIO(raw)).convert("RGB")  # so this file does make Pillow warn
        before = list(warnings.filters)
        bombs = [raw, declared(10001, 10001)] * 200

        def decode(one: Any) -> Any:
            try:
                return ImageTransform(8).decode(one, "p.png").shape
            except UnreadableItem as error:
                return "decompression bomb" in str(error)

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(decode, bombs)) == [(1, 8, 8), True] * 200
        assert warnings.filters == before


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3), (8, 8, 4), (6, 11), (1, 1)])
def test_uint8_arrays_are_images(shape: Any) -> None:
    pixels = np.full(shape, 200, np.uint8)
    if shape[2:] == (4,):
        pixels[..., 3] = 255
    assert (ImageTransform(8).decode(pixels, "row 1") == 200).all()


def test_a_turned_view_of_an_array_is_read_as_it_looks() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (9, 9), dtype=np.uint8)
    assert (ImageTransform(9).decode(pixels.T[::-1], "row 1")[0] == pixels.T[::-1]).all()


def test_bool_arrays_are_black_and_white() -> None:
    pixels = np.eye(4, dtype=bool)
    decoded = ImageTransform(4).decode(pixels, "row 1")
    assert (decoded[0] == np.eye(4, dtype=np.uint8) * 255).all()
    assert (
        ImageTransform(4, invert=True).decode(pixels[..., None], "row 1") == 255 - decoded
    ).all()


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (np.zeros((4, 4), np.float32), r"row 3 is an array of float32 \[4, 4\].*uint8"),
        (np.zeros((4, 4), np.int64), r"row 3 is an array of int64"),
        (np.zeros(4, np.uint8), r"row 3 is an array of uint8 \[4\]"),
        (np.zeros((2, 2, 2, 3), np.uint8), r"uint8 \[2, 2, 2, 3\]"),
        ("a text", "row 3 is a text, and an image is expected"),
    ],
)
def test_another_kind_is_no_image(raw: Any, match: str) -> None:
    with pytest.raises(WrongKind, match=match):
        ImageTransform().decode(raw, "row 3")


@pytest.mark.parametrize("shape", [(0, 4), (4, 4, 2), (4, 4, 0), (3, 8, 8)])
def test_an_array_of_no_image_shape_is_named(shape: Any) -> None:
    with pytest.raises(UnreadableItem, match=r"row 9 cannot be read.*its shape is"):
        ImageTransform().decode(np.zeros(shape, np.uint8), "row 9")


def test_shrinking_does_not_alias() -> None:
    fine = (np.indices((96, 96)).sum(0) % 2 * 255).astype(np.uint8)
    assert np.abs(ImageTransform(16).decode(fine, "a").astype(int) - 127).max() <= 4


def test_color_invert_and_aspect() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 20:] = (255, 100, 0)
    decoded = ImageTransform(20, color=True, invert=True).decode(wide, "a")
    assert decoded[:, 5, 2].tolist() == [255, 255, 255]
    assert decoded[:, 5, 17].tolist() == [0, 155, 255]


def fitted(color: bool, **options: Any) -> tuple[ImageTransform, Any]:
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (20, 3 if color else 1, 8, 8), dtype=np.uint8)
    images[:, 0] //= 2
    plain = ImageTransform(8, color=color, **options)
    return ImageTransform(8, color=color, state=plain.fit(images)), images


def test_fit_learns_mean_and_deviation_of_each_channel() -> None:
    transform, images = fitted(color=True)
    np.testing.assert_allclose(transform.state["mean"], (images / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(transform.state["std"], (images / 255).std((0, 2, 3)), rtol=1e-9)
    finished = transform.finish(images)
    np.testing.assert_allclose(finished.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(finished.std((0, 2, 3)), 1, atol=1e-5)
    assert ImageTransform(8, color=True).fit(images[::-1]) == transform.state


def test_fit_of_blank_images_floors_the_deviation() -> None:
    state = ImageTransform(4).fit([np.full((1, 4, 4), 255, np.uint8)])
    assert state == {"mean": [1.0], "std": [1e-3]}


@pytest.mark.parametrize("color", [False, True])
def test_images_finish_alike_in_numpy_and_torch(color: bool) -> None:
    transform, images = fitted(color)
    assert transform.shape == InputShape(Form.IMAGES, 3 if color else 1, 8, 8)
    batch, lengths = transform.collate(list(images))
    assert lengths is None
    assert (batch == images).all()
    finished = transform.finish(batch)
    assert isinstance(finished, np.ndarray)
    assert finished.dtype == np.float32
    for given in (torch.from_numpy(batch), torch.from_numpy(batch).float(), batch.astype(float)):
        again = transform.finish(given)
        assert type(again) is type(given)
        np.testing.assert_array_equal(np.asarray(again), finished)
    assert (batch == images).all()
    moved = transform.finish(torch.from_numpy(batch).to("meta"))
    assert moved.device.type == "meta"
    assert moved.dtype == torch.float32


def test_an_image_transform_without_state_says_so() -> None:
    with pytest.raises(BadArgument, match=r"no state yet.*state=transform\.fit"):
        ImageTransform(4).finish(np.zeros((1, 1, 4, 4), np.uint8))
    with pytest.raises(EmptySource, match="nothing to fit"):
        ImageTransform(4).fit([])
    with pytest.raises(BadArgument, match="batch of no images"):
        ImageTransform(4).collate([])


def test_bad_arguments_of_image() -> None:
    with pytest.raises(BadArgument, match="size is 0, and 1 to 4096 pixels"):
        ImageTransform(0)
    for state in ({}, {"mean": [0.5], "std": [0.1, 0.2]}, {"mean": ["x"], "std": [1]}):
        with pytest.raises(BadArgument, match="1 numbers of at most 1e\\+06 each for 'mean'"):
            ImageTransform(4, state=state)
    transform, _ = fitted(color=True)
    with pytest.raises(BadArgument, match="has 1 channels, and 3 are expected"):
        transform.finish(np.zeros((1, 1, 8, 8), np.uint8))


# ── series ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["?", "u1", "<i2", ">i4", "i8", "f2", "<f4", ">f8"])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2)])
def test_every_real_dtype_becomes_float32(dtype: Any, shape: Any) -> None:
    raw = np.array([0, 1, 1, 0]).astype(dtype).reshape(shape)
    decoded = SeriesTransform("none").decode(raw, "row 1")
    assert decoded.dtype == np.float32
    assert decoded.dtype.isnative
    assert decoded.shape == (4, 1) if len(shape) == 1 else shape
    assert decoded.ravel().tolist() == [0, 1, 1, 0]
    assert not np.shares_memory(decoded, raw)


TEXT = "1,2.5\n-3e2, 4\n\n5,6\n"


@pytest.mark.parametrize("raw", [TEXT, TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode()])
def test_comma_separated_rows_are_read(raw: Any) -> None:
    decoded = SeriesTransform("none").decode(raw, "a.csv")
    assert decoded.tolist() == [[1, 2.5], [-300, 4], [5, 6]]
    assert SeriesTransform("none").decode("1\r\n2\r\n3", "b.csv").tolist() == [[1], [2], [3]]
    assert SeriesTransform("none").decode("1,2,3", "c.csv").shape == (1, 3)


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_are_read(order: Literal["C", "F"]) -> None:
    values = np.asarray(np.arange(12.0).reshape(4, 3), order=order)
    decoded = SeriesTransform("none").decode(npy(values), "a.npy")
    np.testing.assert_array_equal(decoded, values)
    assert decoded.flags.c_contiguous


def lying_npy(shape: int) -> bytes:
    raw = npy(np.zeros(4))
    return raw.replace(b"(4,), }", f"({shape},), }}".encode())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", r"it is empty \(0 characters\)"),
        (" \n ", "it is empty"),
        (np.zeros((0, 3)), r"it is empty \(shape \[0, 3\]\)"),
        (npy(np.zeros(0)), r"it is empty \(shape \[0\]\)"),
        ("a,2\n1,2\n", r"line 1, column 1 is 'a', which is no number"),
        ("a,b\n1,2\n3,x\n", r"line 3, column 2 is 'x', which is no number"),
        ("a,b,c\n1,2\n", "line 1 names 3 channels, and those below it have 2"),
        ("a,b\n\n", r"it holds no number, only 'a,b'"),
        ("1,2\n\n1,,2\n", r"line 3, column 2 is '', which is no number"),
        ("1,2\n3\n", r"line 2 has 1 columns, and those before it have 2"),
        ("1_0,2\n", "written in a way that is not read"),
        (b"\xff\xfe1,2", "neither text nor .npy"),
        ("1,2\n3,nan\n", r"step 1, channel 1 \(counted from 0\) is nan"),
        (np.array([1, np.inf, np.nan]), r"step 1, channel 0 .*is inf"),
        (np.array([[0, 0], [0, -1e300]]), r"step 1, channel 1 .*is -1e\+300.*float32"),
        (np.broadcast_to(np.float32(0), (MAX_VALUES + 1,)), f"holds {MAX_VALUES + 1} values"),
        ("," * (MAX_VALUES + 1), "more than 10000000 values"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "never unpickled"),
        (npy(np.zeros(4))[:-3], r"it has 29 bytes of data, and its header says 32"),
        (npy(np.zeros(4))[:40], "its .npy header is damaged"),
        (b"\x93NUMPY\x07\x00junk", "its .npy header is damaged"),
        (lying_npy(10**15), f"declares {10**15} values"),
        (lying_npy(10**6), "its header says 8000000"),
    ],
)
def test_an_unreadable_series_is_named(raw: Any, reason: str) -> None:
    with pytest.raises(UnreadableItem, match=rf"^s\.csv cannot be read as a series: .*{reason}"):
        SeriesTransform().decode(raw, "s.csv")


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"p is an array of uint8 \[4, 4, 3\]"),
        (np.zeros(4, complex), "p is an array of complex128"),
        (np.array(["a", "b"]), "p is an array of <U1"),
        (np.array(3.0), r"p is an array of float64 \[\]"),
        (npy(np.zeros(3, complex)), "p is an array of complex128"),
        *((MODES[name], "p is an image, and a series is expected") for name in MODES),
        (encoded(halves("L", 0, 9), "BMP"), "p is an image"),
        (encoded(halves("L", 0, 9), "PPM"), "p is an image"),
        (encoded(halves("L", 0, 9), "GIF"), "p is an image"),
    ],
)
def test_another_kind_is_no_series(raw: Any, match: str) -> None:
    with pytest.raises(WrongKind, match=match):
        SeriesTransform().decode(raw, "p")


def walks(count: int = 12, channels: int = 3) -> list[Any]:
    random = np.random.default_rng(4)
    steps = random.integers(3, 20, count)
    return [
        (random.normal(size=(t, channels)) * [1, 50, 0.01] + [0, 1e4, 5]).astype(np.float32)
        for t in steps
    ]


def test_train_normalising_is_that_of_all_steps() -> None:
    series = walks()
    state = SeriesTransform().fit(series)
    together = np.concatenate(series).astype(np.float64)
    assert state["channels"] == 3
    np.testing.assert_allclose(state["mean"], together.mean(0), rtol=1e-12)
    np.testing.assert_allclose(state["std"], together.std(0), rtol=1e-9)
    transform = SeriesTransform(state=state)
    assert transform.shape == InputShape(Form.FRAMES, 3)
    batch, lengths = transform.collate(series)
    assert lengths.dtype == np.int64
    assert lengths.tolist() == [len(one) for one in series]
    finished = transform.finish(batch)
    real = np.concatenate([row[:length] for row, length in zip(finished, lengths, strict=True)])
    np.testing.assert_allclose(real, (together - together.mean(0)) / together.std(0), atol=1e-3)
    assert np.isfinite(finished).all()


@pytest.mark.parametrize("normalize", ["none", "series", "train"])
def test_series_finish_alike_in_numpy_and_torch(normalize: Any) -> None:
    plain = SeriesTransform(normalize)
    series = [plain.decode(one, "w") for one in walks()]
    transform = SeriesTransform(normalize, state=plain.fit(series))
    batch, lengths = transform.collate(series)
    for row, one, length in zip(batch, series, lengths, strict=True):
        assert (row[:length] == one).all()
        assert (row[length:] == 0).all()
    finished = transform.finish(batch)
    assert finished.dtype == np.float32
    again = transform.finish(torch.from_numpy(batch))
    assert isinstance(again, torch.Tensor)
    np.testing.assert_array_equal(again.numpy(), finished)
    assert transform.finish(torch.from_numpy(batch).to("meta")).device.type == "meta"
    if normalize != "train":
        assert (finished == batch).all()


def test_series_normalising_is_each_one_by_itself() -> None:
    for one in walks():
        decoded = SeriesTransform("series").decode(one, "w")
        np.testing.assert_allclose(decoded.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(decoded.std(0), 1, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, -12345.678])
def test_constant_channels_become_zeros(value: float) -> None:
    raw = np.stack([np.full(7, value), np.arange(7)], axis=1)
    decoded = SeriesTransform("series").decode(raw, "flat")
    assert (decoded[:, 0] == 0).all()
    assert decoded[:, 1].std() == pytest.approx(1)
    assert SeriesTransform().fit([raw.astype(np.float32)])["std"][0] == 1.0
    assert (SeriesTransform("series").decode(np.array([5.0]), "one step") == 0).all()


def test_a_channel_that_varies_by_rounding_alone_is_constant() -> None:
    near = np.float32(0.3)
    rounding = np.array([near, np.nextafter(near, np.float32(1))] * 20)
    small = np.array([1.0, 1.00001] * 20)
    raw = np.stack([rounding, small], axis=1).astype(np.float32)
    decoded = SeriesTransform("series").decode(raw, "almost flat")
    assert (decoded[:, 0] == 0).all()
    assert decoded[:, 1].std() == pytest.approx(1, rel=1e-5)
    rounded, real = SeriesTransform().fit([raw])["std"]
    assert rounded == 1.0
    assert real == pytest.approx(5e-6, rel=0.05)


def test_channels_are_those_learned() -> None:
    state = SeriesTransform("none").fit(walks())
    assert state == {"channels": 3}
    with pytest.raises(
        WrongKind, match=r"b\.csv has 2 channels, and the series learned from have 3"
    ):
        SeriesTransform("none", state=state).decode(np.zeros((5, 2)), "b.csv")
    with pytest.raises(WrongKind, match=r"training series 1 .*has 1 channels, and those .* have 3"):
        SeriesTransform().fit([np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)])
    with pytest.raises(WrongKind, match="of 3 and of 1 channels"):
        SeriesTransform().collate([np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)])
    with pytest.raises(BadArgument, match="has 2 channels, and 3 are expected"):
        SeriesTransform("none", state=state).finish(np.zeros((1, 5, 2), np.float32))


def test_a_sequence_transform_without_state_says_so() -> None:
    with pytest.raises(BadArgument, match="its channels are unknown"):
        _ = SeriesTransform().shape
    with pytest.raises(BadArgument, match="no state yet"):
        SeriesTransform().finish(np.zeros((1, 5, 2), np.float32))
    with pytest.raises(EmptySource, match="nothing to fit"):
        SeriesTransform().fit(iter([]))
    with pytest.raises(BadArgument, match="batch of no series"):
        SeriesTransform().collate([])


def test_bad_arguments_of_sequence() -> None:
    with pytest.raises(BadArgument, match="normalize is 'both'"):
        # Past the check of annotations, which only tests have.
        inspect.unwrap(SeriesTransform.__init__)(object.__new__(SeriesTransform), "both")
    for state in ({}, {"channels": 0}, {"channels": True}, {"channels": "3"}):
        with pytest.raises(BadArgument, match="a number of 'channels' up to 100000 is expected"):
            SeriesTransform("none", state=state)
    for std in ([1.0], [1.0, 0.0], [1.0, float("nan")], None, 3):
        state = {"channels": 2, "mean": [0.0, 0.0], "std": std}
        with pytest.raises(BadArgument, match="'mean' and \\(positive\\) 'std'"):
            SeriesTransform(state=state)


def test_specs_build_both() -> None:
    assert FAMILY.build("image(size=16, color=True)").shape.channels == 3
    assert FAMILY.build("sequence('series')").normalize == "series"
    with pytest.raises(BadArgument, match="normalize is 'sometimes'"):
        FAMILY.build("sequence(normalize='sometimes')")


# ── black and white ───────────────────────────────────────────────────────────────────────────


def within_variance(counts, threshold):
    """The variance within the two classes that a threshold makes, by the definition."""
    greys = np.repeat(np.arange(256), counts)
    low, high = greys[greys <= threshold], greys[greys > threshold]
    return len(low) * low.var() + len(high) * high.var()


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_makes_the_classes_tight(seed):
    random = np.random.default_rng(seed)
    greys = np.concatenate([random.normal(90, 20, 300), random.normal(200, 15, 900)])
    counts = np.bincount(greys.clip(0, 255).astype(int), minlength=256)
    possible = [t for t in range(255) if counts[: t + 1].any() and counts[t + 1 :].any()]
    least = min(within_variance(counts, t) for t in possible)
    assert within_variance(counts, otsu_threshold(counts)) == pytest.approx(least)


def test_the_threshold_lies_in_the_middle_of_a_gap():
    counts = np.zeros(256, dtype=int)
    counts[[40, 240]] = 7, 100
    assert otsu_threshold(counts) == 139
    counts[40] = 0
    assert otsu_threshold(counts) == -1


def page(ink, paper, *, shift=0, noise=0):
    """A stroke on a page."""
    grey = np.full((60, 90), paper, dtype=np.int64)
    grey[20 + shift : 40 + shift, 30:60] = ink
    grey += np.random.default_rng(0).integers(-noise, noise + 1, grey.shape)
    return grey.clip(0, 255).astype(np.uint8)


def test_the_grey_of_ink_and_paper_tells_nothing_once_binarised():
    plain, binary = ImageTransform(32), ImageTransform(32, binarise=True)
    pages = [page(30, 255), page(120, 240, noise=10)]
    one, other = (plain.decode(raw, "page") for raw in pages)
    assert abs(one.astype(int) - other).max() > 50
    one, other = (binary.decode(raw, "page") for raw in pages)
    np.testing.assert_array_equal(one, other)
    assert {int(one.min()), int(one.max())} == {0, 255}
    inverted = ImageTransform(32, binarise=True, invert=True).decode(pages[0], "page")
    np.testing.assert_array_equal(inverted, 255 - one)


def test_cropped_to_the_ink():
    crop = ImageTransform(24, binarise=True, crop=True)
    one, other = (crop.decode(page(30, 250, shift=shift), "page") for shift in (-15, 15))
    np.testing.assert_array_equal(one, other)
    assert (one == 0).all()
    blank = crop.decode(np.full((9, 9), 7, dtype=np.uint8), "blank")
    assert (blank == 255).all()


def test_what_cannot_be_binarised_or_cropped():
    with pytest.raises(BadArgument, match="black and white have no colour"):
        ImageTransform(binarise=True, color=True)
    with pytest.raises(BadArgument, match="without binarise"):
        ImageTransform(crop=True)


def test_the_specs_of_old_models_still_load():
    old = FAMILY.build("image(28, False, True)", state={"mean": [0.5], "std": [0.2]})
    assert (old.size, old.invert, old.binarise, old.crop) == (28, True, False, False)
