"""Images of every format and mode that Pillow writes; broken ones; and bombs."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile.items import SIZE, Case, Picture, Refused, file_of

MODES = (
    *(
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "RGBX",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
    ),
    *("I", "I;16", "I;16B", "F"),
)
# What is not written exactly, and how far off a picture may then be on the mean.
LOSSY = {"JPEG": 12.0, "MPO": 12.0, "AVIF": 12.0, "GIF": 16.0, "BLP": 16.0}
OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "MPO": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 95},
    "WEBP": {"lossless": True},
    "JPEG2000": {"irreversible": False},
    "ICNS": {},
    "ICO": {"sizes": [(SIZE, SIZE)]},
}
NEVER_READ = {"EPS", "PDF", "PALM", "LAB"}


def every() -> Iterator[Case]:
    """Every hostile image."""
    yield from formats()
    yield from depths()
    yield from turned()
    yield from moving()
    yield from transparent()
    yield from broken()
    yield from bombs()
    yield from no_images()


def ramp() -> np.ndarray:
    """A picture [16 16 3] that changes slowly, so that lossy formats keep it."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    return np.stack([16 * x, 16 * y, 255 - 8 * (x + y)], axis=2).clip(0, 255).astype(np.uint8)


def _in_mode(mode: str) -> tuple[Image.Image, np.ndarray]:  # noqa: PLR0911 - a way each
    """A picture in this mode, and its pixels [16 16 3] as a plain computation gives them."""
    colours = ramp().astype(np.float64)
    grey = colours[:, :, 0]
    alpha = colours[:, :, 1:2]
    over = lambda values: (values * alpha + 255 * (255 - alpha)) / 255  # noqa: E731
    flat = np.repeat(grey[:, :, None], 3, axis=2)
    bands = [colours[:, :, i].astype(np.uint8) for i in range(3)]
    fourth = alpha[:, :, 0].astype(np.uint8)
    match mode:
        case "1":
            dots = (np.indices((SIZE, SIZE)).sum(0) % 3 == 0).astype(np.uint8) * 255
            return Image.fromarray(dots).convert("1", dither=0), np.stack([dots] * 3, 2)
        case "L":
            return Image.fromarray(bands[0]), flat
        case "LA" | "La":
            image = Image.merge("LA", [Image.fromarray(bands[0]), Image.fromarray(fourth)])
            return image.convert(mode), over(flat)
        case "P" | "PA":
            index = (np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 256).astype(np.uint8)
            palette = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)
            image = Image.fromarray(index)
            image.putpalette(palette.tobytes())
            return (image if mode == "P" else image.convert("PA")), palette[index]
        case "RGB" | "RGBX" | "HSV" | "YCbCr":
            return Image.fromarray(ramp()).convert(mode), colours
        case "RGBA" | "RGBa":
            image = Image.merge("RGBA", [*map(Image.fromarray, bands), Image.fromarray(fourth)])
            return image.convert(mode), over(colours)
        case "CMYK":
            inks = [Image.fromarray(band) for band in (*bands, fourth // 2)]
            left = (255 - colours) * (255 - (fourth // 2)[:, :, None]) / 255
            return Image.merge("CMYK", inks), left
        case "LAB":
            return Image.merge("LAB", [Image.fromarray(band) for band in bands]), flat
        case "F":
            return Image.fromarray((grey / 255).astype(np.float32)), flat
        case _:
            deep = (257 * grey).astype(np.uint16)
            if mode == "I":
                return Image.fromarray(deep.astype(np.int32)), flat
            return Image.fromarray(deep.astype("<u2" if mode == "I;16" else ">u2")), flat


def _saved(image: Image.Image, form: str, **more: object) -> bytes | None:
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.save(buffer, form, **{**OPTIONS.get(form, {}), **more})
    except Exception:  # noqa: BLE001 - this format has no such mode
        return None
    return buffer.getvalue()


def formats() -> Iterator[Case]:
    """Each mode in each format that can hold it, read as the same picture where it is kept."""
    Image.init()
    for form in sorted(Image.SAVE):
        for mode in MODES:
            image, pixels = _in_mode(mode)
            data = _saved(image, form)
            if data is None:
                continue
            expected: object = Picture(pixels, LOSSY.get(form, 1.5))
            if form in NEVER_READ or mode in NEVER_READ:
                expected = Refused() if form in NEVER_READ else None
            elif _altered(form, mode):
                expected = None
            yield Case("image: format", f"{form} {mode}", file_of(data), "image", expected)


def _altered(form: str, mode: str) -> bool:
    """Whether the format stores another picture than it was given."""
    deep = mode in ("I", "I;16", "I;16B", "F")
    return (
        (form in ("GIF", "WEBP", "AVIF") and deep)
        or form in ("SPIDER", "ICNS")  # floats of any range; sizes of its own
        or (form == "PPM" and mode == "RGBA")  # drops the alpha
        or (form in ("BMP", "DIB", "GIF") and mode == "RGBA")
        or (form == "AVIF" and mode == "P")  # noise, which it does not keep
        or (
            form in ("GIF", "AVIF", "WEBP", "IM")
            and mode in ("RGBX", "PA", "HSV", "YCbCr", "CMYK", "LA")
        )
    )


def depths() -> Iterator[Case]:
    """Sixteen bits are scaled and not cut."""
    grey = np.linspace(0, 65535, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint16)
    pixels = np.repeat(np.rint(grey / 257)[:, :, None], 3, axis=2)
    for form in ("PNG", "TIFF", "JPEG2000", "PPM"):
        for compression in ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}):
            if compression and form != "TIFF":
                continue
            data = _saved(Image.fromarray(grey), form, **compression)
            yield Case(
                "image: depth",
                f"16 bits {form} {compression}",
                file_of(data),
                "image",
                Picture(pixels),
            )
    yield Case(
        "image: depth", "16 bits of each colour", file_of(_png16(grey)), "image", Picture(pixels)
    )
    low = (grey // 256).astype(np.uint16)
    data = _saved(Image.fromarray(low), "PNG")
    yield Case(
        "image: depth",
        "16 bits, all dark",
        file_of(data),
        "image",
        Picture(np.zeros((SIZE, SIZE, 3)), 1.5),
    )
    for name, values in {
        "NaN": np.full((SIZE, SIZE), np.nan),
        "infinite": np.full((SIZE, SIZE), np.inf),
        "partly NaN": np.where(grey > 100, 0.5, np.nan),
    }.items():
        data = _saved(Image.fromarray(values.astype(np.float32)), "TIFF")
        yield Case(
            "image: depth", f"floats {name}", file_of(data), "image", Refused("NaN or infinite")
        )
    wide = (grey.astype(np.float64) * 1e30).astype(np.float32)
    data = _saved(Image.fromarray(wide), "TIFF")
    yield Case("image: depth", "floats of 1e34", file_of(data), "image", Picture(pixels))
    signed = grey.astype(np.int32) * 30000 - 2**30
    data = _saved(Image.fromarray(signed), "TIFF")
    yield Case("image: depth", "32 bits with signs", file_of(data), "image", Picture(pixels))
    for bits in (1, 2, 4):
        index = (np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 2**bits).astype(np.uint8)
        image = Image.fromarray(index)
        palette = np.random.default_rng(1).integers(0, 256, (2**bits, 3)).astype(np.uint8)
        image.putpalette(palette.tobytes())
        data = _saved(image, "PNG", bits=bits)
        yield Case(
            "image: depth",
            f"palette of {bits} bits",
            file_of(data),
            "image",
            Picture(palette[index]),
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def _png(width: int, height: int, depth: int, colour: int, body: bytes, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), *extra, _chunk(b"IDAT", body), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _png16(grey: np.ndarray) -> bytes:
    colours = np.repeat(grey[:, :, None], 3, axis=2).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    return _png(SIZE, SIZE, 16, 2, zlib.compress(rows))


def turned() -> Iterator[Case]:
    """Pictures that are upright only once turned as their EXIF says."""
    upright = ramp()
    back = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    for form in ("JPEG", "PNG", "TIFF", "WEBP"):
        for orientation, turn in back.items():
            image = Image.fromarray(np.ascontiguousarray(turn(upright)))
            exif = Image.Exif()
            exif[0x0112] = orientation
            data = _saved(image, form, exif=exif)
            error = LOSSY.get(form, 1.0)
            yield Case(
                "image: turned",
                f"{form} {orientation}",
                file_of(data),
                "image",
                Picture(upright, error),
            )
    image = Image.fromarray(upright)
    for name, block in {
        "orientation 99": _exif_of(99),
        "broken": b"Exif\0\0II*\0\xff\xff\xff\xff",
        "in circles": b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\0\0\0\0",
        "bytes": b"Exif\0\0" + bytes(range(256)) * 20,
    }.items():
        data = _saved(image, "JPEG", exif=block)
        yield Case("image: turned", f"EXIF: {name}", file_of(data), "image", Picture(upright, 12.0))


def _exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def moving() -> Iterator[Case]:
    """Of several frames the first is taken."""
    first = ramp()
    frames = [Image.fromarray(first), *(Image.new("RGB", (SIZE, SIZE), c) for c in ("red", "blue"))]
    for form, error in {
        "GIF": 16.0,
        "WEBP": 1.5,
        "PNG": 1.0,
        "TIFF": 1.0,
        "AVIF": 12.0,
        "MPO": 12.0,
    }.items():
        data = _saved(frames[0], form, save_all=True, append_images=frames[1:])
        yield Case("image: moving", form, file_of(data), "image", Picture(first, error))
    many = [Image.new("RGB", (SIZE, SIZE), (n % 256, n // 256, 0)) for n in range(2000)]
    data = _saved(many[0], "GIF", save_all=True, append_images=many[1:])
    black = Picture(np.zeros((SIZE, SIZE, 3)), 1.0)
    yield Case("image: moving", "GIF of 2,000 frames", file_of(data), "image", black)


def transparent() -> Iterator[Case]:
    """What is transparent is white."""
    index = (np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 256).astype(np.uint8)
    palette = np.random.default_rng(0).integers(0, 200, (256, 3)).astype(np.uint8)
    image = Image.fromarray(index)
    image.putpalette(palette.tobytes())
    pixels = palette[index].astype(np.float64)
    pixels[index == 7] = 255
    for form in ("PNG", "GIF"):
        data = _saved(image, form, transparency=7)
        yield Case(
            "image: transparent", f"{form} with one index", file_of(data), "image", Picture(pixels)
        )
    alpha = np.random.default_rng(1).integers(0, 256, 256).astype(np.uint8)
    data = _saved(image, "PNG", transparency=alpha.tobytes())
    share = alpha[index][:, :, None] / 255
    mixed = palette[index] * share + 255 * (1 - share)
    yield Case(
        "image: transparent", "PNG with every index", file_of(data), "image", Picture(mixed, 1.5)
    )
    grey = np.arange(SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint8)
    data = _saved(Image.fromarray(grey), "PNG", transparency=9)
    pixels = np.repeat(np.where(grey == 9, 255, grey)[:, :, None], 3, axis=2)
    yield Case("image: transparent", "PNG with one grey", file_of(data), "image", Picture(pixels))
    colours = ramp()
    data = _saved(
        Image.fromarray(colours), "PNG", transparency=tuple(int(v) for v in colours[3, 4])
    )
    pixels = np.where((colours == colours[3, 4]).all(2)[:, :, None], 255, colours)
    yield Case("image: transparent", "PNG with one colour", file_of(data), "image", Picture(pixels))
    clear = Image.new("RGBA", (SIZE, SIZE), (9, 9, 9, 0))
    white = Picture(np.full((SIZE, SIZE, 3), 255), 0.0)
    yield Case("image: transparent", "nothing but", file_of(_saved(clear, "PNG")), "image", white)
    deep = Image.fromarray(257 * grey.astype(np.uint16))
    data = _saved(deep, "PNG")
    yield Case(
        "image: transparent",
        "deep and opaque",
        file_of(data),
        "image",
        Picture(np.stack([grey] * 3, 2)),
    )


def broken() -> Iterator[Case]:
    """Files that are cut off, and with bits turned."""
    large = np.kron(ramp(), np.ones((5, 5, 1))).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 20, large.shape).astype(np.uint8)
    image = Image.fromarray(large // 2 + noise)
    wanted = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000", "ICO", "AVIF", "TGA", "PCX")
    for seed, form in enumerate((*wanted, "SGI", "QOI", "DDS", "PPM", "IM", "ICNS", "MPO")):
        data = _saved(image, form)
        if data is None:
            continue
        for name, bad in damaged_image(data, seed):
            yield Case("image: broken", f"{form} {name}", file_of(bad), "image")
    lzw = _saved(image, "TIFF", compression="tiff_lzw")
    for name, bad in damaged_image(lzw, 99):
        yield Case("image: broken", f"TIFF LZW {name}", file_of(bad), "image")


def damaged_image(data: bytes, seed: int) -> list[tuple[str, bytes]]:
    from tests.hostile.items import damaged

    return damaged(data, cuts=3, flips=3, seed=seed)


def bombs() -> Iterator[Case]:
    """Small files that declare or unpack to very much."""
    none = zlib.compress(b"")
    for width, height in ((100_000, 100_000), (2**31 - 1, 1), (1, 2**31 - 1), (8001, 8000), (0, 5)):
        data = _png(width, height, 8, 2, none)
        yield Case("image: bomb", f"PNG of {width} x {height}", file_of(data), "image", Refused())
    rows = zlib.compress(bytes(7000 * 7001), 1)
    data = _png(7000, 7000, 8, 0, rows)
    black = Picture(np.zeros((SIZE, SIZE, 3)), 0.0)
    yield Case("image: bomb", "PNG of 49 million pixels", file_of(data), "image", black)
    rows = zlib.compress(bytes(7900 * (4 * 7900 + 1)), 1)
    data = _png(7900, 7900, 8, 6, rows)
    white = Picture(np.full((SIZE, SIZE, 3), 255), 0.0)
    yield Case("image: bomb", "PNG of 62 million clear pixels", file_of(data), "image", white)
    rows = zlib.compress(bytes(7900 * (2 * 7900 + 1)), 1)
    data = _png(7900, 7900, 16, 0, rows)
    yield Case("image: bomb", "PNG of 62 million deep pixels", file_of(data), "image", black)
    ball = zlib.compress(bytes(200_000_000), 1)
    body = zlib.compress(b"".join(b"\0" + bytes(SIZE) for _ in range(SIZE)))
    for kind, head in {b"zTXt": b"k\0\0", b"iCCP": b"p\0\0", b"iTXt": b"k\0\1\0\0\0"}.items():
        data = _png(SIZE, SIZE, 8, 0, body, _chunk(kind, head + ball))
        yield Case("image: bomb", f"PNG with {kind.decode()}", file_of(data), "image")
    many = b"".join(_chunk(b"tEXt", b"k%d\0v" % n) for n in range(100_000))
    data = _png(SIZE, SIZE, 8, 0, body, many)
    yield Case("image: bomb", "PNG with 100,000 notes", file_of(data), "image")
    gif = bytearray(_saved(Image.new("P", (SIZE, SIZE)), "GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    yield Case("image: bomb", "GIF of 65535 x 65535", file_of(bytes(gif)), "image", Refused())
    jpeg = bytearray(_saved(Image.new("L", (SIZE, SIZE)), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xff\xff\xff"
    yield Case("image: bomb", "JPEG of 65535 x 65535", file_of(bytes(jpeg)), "image", Refused())
    bmp = bytearray(_saved(Image.new("RGB", (SIZE, SIZE)), "BMP"))
    for size in (b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff\xff\xff\xff"):
        bmp[18:22] = bmp[22:26] = size
        yield Case("image: bomb", f"BMP of {size.hex()}", file_of(bytes(bmp)), "image", Refused())
    tiff = _saved(Image.new("L", (SIZE, SIZE)), "TIFF")
    for name, old, new in (
        ("width", struct.pack("<HHII", 256, 3, 1, SIZE), struct.pack("<HHII", 256, 4, 1, 2**31)),
        (
            "width and no strips",
            struct.pack("<HHII", 256, 3, 1, SIZE),
            struct.pack("<HHII", 256, 4, 1, 50_000),
        ),
        ("strips", struct.pack("<HHI", 273, 4, 1), struct.pack("<HHI", 273, 4, 2**28)),
        ("itself", struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 330, 4, 1)),
    ):
        changed = tiff.replace(old, new) if old in tiff else tiff[:60] + new + tiff[60:]
        yield Case("image: bomb", f"TIFF: {name}", file_of(changed), "image")
    ico = bytearray(_saved(Image.new("RGBA", (SIZE, SIZE)), "ICO"))
    inner = ico.index(b"IHDR") + 4
    ico[inner : inner + 8] = struct.pack(">II", 30_000, 30_000)
    yield Case("image: bomb", "ICO that holds a large PNG", file_of(bytes(ico)), "image", Refused())
    jp2 = bytearray(_saved(Image.new("RGB", (SIZE, SIZE)), "JPEG2000"))
    at = jp2.index(b"ihdr") + 4
    jp2[at : at + 8] = struct.pack(">II", 2**31, 2**31)
    yield Case("image: bomb", "JPEG 2000 of 2^31", file_of(bytes(jp2)), "image", Refused())
    at = jp2.index(b"\xff\x51") + 6
    jp2[at : at + 8] = struct.pack(">II", 2**31, 2**31)
    yield Case(
        "image: bomb", "JPEG 2000 of 2^31, both ways", file_of(bytes(jp2)), "image", Refused()
    )
    qoi = b"qoif" + struct.pack(">II", 8000, 8000) + b"\x04\0" + b"\xfd" * 10_000
    yield Case("image: bomb", "QOI of 64 million pixels", file_of(qoi), "image", Refused("slow"))
    for magic, name in ((b"P2", "grey"), (b"P3", "colours"), (b"P1", "bits")):
        for size in (b"8000 8000", b"99999999 99999999", b"1 " + b"9" * 1000):
            data = magic + b"\n" + size + b"\n255\n" + b"1 " * 1000
            yield Case(
                "image: bomb",
                f"PPM in words, {name} {size[:9].decode()}",
                file_of(data),
                "image",
                Refused(),
            )
    words = b"P2\n2000 2000\n255\n" + b"0 " * 4_000_000
    yield Case("image: bomb", "PPM in four million words", file_of(words), "image", black)
    xpm = b'/* XPM */\nstatic char *x[] = {\n"8000 8000 2 1",\n"a c #000000",\n"b c #ffffff",\n'
    yield Case("image: bomb", "XPM of 64 million pixels", file_of(xpm), "image", Refused())
    cards = [b"SIMPLE  =                    T", b"BITPIX  =                    8", b"NAXIS   = 2"]
    cards += [b"NAXIS1  = 100000", b"NAXIS2  = 100000", b"END"]
    fits = b"".join(card.ljust(80) for card in cards).ljust(2880)
    yield Case("image: bomb", "FITS of 100,000 x 100,000", file_of(fits), "image", Refused())


def no_images() -> Iterator[Case]:
    """What stands among images and is none."""
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n"
    harm = page + b"(canary) (w) file closefile showpage\n%%EOF\n"
    files = {
        "nothing": b"",
        "a byte": b"\x89",
        "nulls": bytes(10_000),
        "noise": np.random.default_rng(0).bytes(100_000),
        "text": b"not an image\n" * 100,
        "program": b"\x7fELF" + bytes(1000),
        "EPS": harm,
        "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "SVG of entities": b'<!DOCTYPE s [<!ENTITY a "' + b"x" * 999 + b'">]><svg>&a;&a;</svg>',
        "WMF": b"\xd7\xcd\xc6\x9a" + bytes(1000),
        "EMF": b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(1000),
        "zip": b"PK\x03\x04" + bytes(100),
        "npy": b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
        + bytes(80),
        "pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
        "GRIB": b"GRIB" + bytes(1000),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(1000),
        "BUFR": b"BUFR" + bytes(1000),
        "MPEG": b"\0\0\1\xb3" + bytes(1000),
        "shortcut": b"[InternetShortcut]\nURL=http://example.com/\n",
    }
    for name, data in files.items():
        yield Case("image: none", name, file_of(data), "image", Refused())
    yield Case("image: none", "a folder", lambda folder: folder, "image", Refused())
    yield Case(
        "image: none", "nothing there", lambda folder: folder / "gone.png", "image", Refused()
    )


def picture_file(path: Path, colour: int = 0) -> None:
    """A small picture that is fine."""
    Image.fromarray(np.roll(ramp(), colour, axis=2)).save(path, "PNG")
