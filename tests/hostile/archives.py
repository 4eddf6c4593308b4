"""Archives and folders from a stranger."""

import io
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile.images import ramp
from tests.hostile.items import Case, Refused, Table, damaged, file_of

ODD_NAMES = {
    "line end": "a\nb.png",
    "carriage return": "a\rb.png",
    "colours": "\x1b[31mred\x1b[0m.png",
    "bell": "a\x07.png",
    "erase": "a\x08\x08\x08.png",
    "quotes and commas": 'a",\'b".png',
    "formula": "=cmd|' /C calc'!A0.png",
    "markup": "<script>canary</script>.png",
    "percent": "%s%n%d{0}.png",
    "shell": "$(touch canary);`touch canary`.png",
    "dash": "-rf.png",
    "space": " .png",
    "turned letters": "\u202egnp.exe",
    "line separator": "a\u2028b.png",
    "emoji": "\U0001f600.png",
    "accents put together": "e\u0301.png",
    "very long": "x" * 240 + ".png",
    "no Unicode": "a\udcff\udcfe.png",
    "tilde": "~root.png",
    "device of Windows": "CON.png",
}


def every(canary: Path) -> Iterator[Case]:
    """Every hostile archive, folder and table; `canary` is what none of them may make."""
    yield from zips()
    yield from names()
    yield from folders()
    yield from tables()


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.roll(ramp(), number, axis=0)).save(buffer, "PNG")
    return buffer.getvalue()


TREE = {f"s{n // 2}/{n}.png": _png(n) for n in range(6)}


def zipped(
    members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, change: Callable | None = None
) -> bytes:
    """An archive of these members; `change` alters what it says of each."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = 0o644 << 16
            if change is not None:
                change(info)
            archive.writestr(info, data)
    return buffer.getvalue()


def zips() -> Iterator[Case]:
    """Archives."""

    def case(name: str, data: bytes, expected: object = None) -> Case:
        return Case("source: zip", name, file_of(data, "faces.zip"), "source", expected)

    yield case("whole", zipped(TREE), Table(6))
    for name, method in {"stored": 0, "bzip2": 12, "lzma": 14}.items():
        yield case(name, zipped(TREE, method), Table(6))
    one = next(iter(TREE.values()))
    ways = [
        "../evil.png",
        "../../evil.png",
        "/evil.png",
        "//evil.png",
        "C:\\evil.png",
        "..\\evil.png",
    ]
    ways += ["s1/../../evil.png", "s1/./evil.png", "\\\\server\\evil.png", "s1//evil.png"]
    for way in ways:
        yield case(f"a member {way}", zipped({**TREE, f"x/{way}": one, f"{way}/b.png": one}))
    lead = zipped({**TREE, "s0/link.png": b"/etc/passwd"}, change=_linked)
    yield case("links", lead, Table(6, 1))
    yield case("encrypted", _encrypted(zipped(TREE)), Table(0, 6))
    bomb = {"s0/bomb.png": bytes(270_000_000), **TREE}
    yield case("270 megabytes of nothing", zipped(bomb), Table(6, 1))
    for name, method in {"deflate": 8, "bzip2": 12, "lzma": 14}.items():
        bomb = {"s0/bomb.png": b"\x89PNG\r\n\x1a\n" + bytes(60_000_000), **TREE}
        yield case(f"60 megabytes by {name}", zipped(bomb, method), Table(6, 1))
    yield case("zips in zips", zipped({**TREE, "s0/more.zip": _nested(6)}), Table(6, 1))
    yield case("one member many times", _overlapping(2000), None)
    yield case(
        "5,000 members", zipped({f"s{n % 9}/{n}.png": one for n in range(5000)}, 0), Table(5000)
    )
    yield case("50,000 empty folders", zipped({f"d{n}/": b"" for n in range(50_000)}, 0), Refused())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO(zipped(TREE))
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("s0/0.png", _png(9))
    yield case("a name twice", buffer.getvalue(), Table(6))
    for name, place, value in (
        ("size beyond", 24, 2**32 - 2),
        ("size of nothing", 24, 0),
        ("packed size beyond", 20, 2**31),
        ("place beyond", 42, 2**31),
        ("check sum", 16, 0),
    ):
        harmless = name in ("size of nothing", "packed size beyond")
        yield case(f"a lie: {name}", _lying(place, value), None if harmless else Table(5, 1))
    yield case("a method of the future", _lying(10, 99, "<H"), Table(5, 1))
    yield case("a name with NUL", zipped({**TREE, "s0/a\0b.png": one}))
    yield case("a name of 60,000 letters", zipped({**TREE, f"s0/{'n' * 60_000}.png": one}))
    yield case("a path of 20,000 folders", zipped({**TREE, "d/" * 20_000 + "a.png": one}))
    yield case(
        "a comment of 65,535 bytes", zipped(TREE)[:-2] + b"\xff\xff" + bytes(65_535), Table(6)
    )
    yield case("bytes before it", b"#!/bin/sh\nexit 1\n" + zipped(TREE), Table(6))
    yield case("nothing in it", zipped({}), Refused())
    yield case("nothing at all", b"", Refused())
    yield case("text", b"this is no archive", Refused())
    yield case("an end alone", b"PK\x05\x06" + bytes(18), Refused())
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    yield case("an end that lies", end, Refused())
    for name, data in damaged(zipped(TREE), cuts=8, flips=12, seed=4):
        yield case(name, data)


def _linked(info: zipfile.ZipInfo) -> None:
    if "link" in info.filename:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16


def _encrypted(data: bytes) -> bytes:
    altered = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = altered.find(mark)
        while at >= 0:
            altered[at + place] |= 1
            at = altered.find(mark, at + 4)
    return bytes(altered)


def _nested(depth: int) -> bytes:
    data = bytes(1000)
    for _ in range(depth):
        data = zipped({f"{n}.zip": data for n in range(16)})
    return data


def _lying(place: int, value: int, form: str = "<I") -> bytes:
    """An archive whose directory says something else of its first member."""
    altered = bytearray(zipped(TREE))
    at = altered.index(b"PK\x01\x02") + place
    altered[at : at + struct.calcsize(form)] = struct.pack(form, value)
    return bytes(altered)


def _overlapping(count: int) -> bytes:
    """Many members that all unpack the same bytes, of 20 megabytes."""
    whole = zipped({"s0/0.png": b"\x89PNG\r\n\x1a\n" + bytes(20_000_000)})
    at = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry = whole[at:end]
    entries = b"".join(
        entry.replace(b"s0/0.png", b"s%d/%d.png" % (n % 2, n % 10)) if n < 20 else entry
        for n in range(count)
    )
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entries), at, 0)
    return whole[:at] + entries + tail


def names() -> Iterator[Case]:
    """Names that say something to a terminal, a table, a page or a shell."""
    for name, odd in ODD_NAMES.items():

        def make(folder: Path, odd: str = odd.replace("/", "|")) -> Path:
            for number, place in enumerate(("fine", f"who{odd}")):
                (folder / place).mkdir()
                (folder / place / "1.png").write_bytes(_png(number))
                (folder / place / odd).write_bytes(_png(number))
                (folder / place / f"broken{odd}").write_bytes(b"no image")
            return folder

        if name == "turned letters":
            yield Case("source: names", name, make, "source", None)
        else:
            yield Case("source: names", name, make, "source", Table(4, 2))
    for name, odd in ODD_NAMES.items():
        if "\udcff" in odd:
            continue
        members = {
            "fine/1.png": _png(1),
            f"who{odd}/{odd}": _png(2),
            f"who{odd}/b{odd}": b"no image",
        }
        make = file_of(zipped(members), "names.zip")
        yield Case("source: names", f"in a zip: {name}", make, "source", Table(2, 1))


def _tree(folder: Path) -> Path:
    for name, data in TREE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def folders() -> Iterator[Case]:
    """Folders that hold more than files."""

    def case(name: str, add: Callable[[Path], object], expected: object) -> Case:
        def make(folder: Path) -> Path:
            add(_tree(folder))
            return folder

        return Case("source: folder", name, make, "source", expected)

    yield case("whole", lambda _: None, Table(6))
    yield case("a pipe", lambda folder: os.mkfifo(folder / "s0" / "pipe.png"), Table(6, 1))
    yield case("a link to itself", _link("s0/a.png", "a.png"), Table(6, 1))
    yield case("a link to nothing", _link("s0/a.png", "gone"), Table(6, 1))
    yield case("a link to a device", _link("s0/a.png", "/dev/zero"), Table(6, 1))
    yield case("a link to a secret", _link("s0/a.png", "../../secret.bin"), Table(6, 1))
    yield case("a link to passwords", _link("s0/a.png", "/etc/passwd"), Table(6, 1))
    yield case("a link to another", _link("s0/a.png", "1.png"), Table(7))
    yield case("a link to open files", _link("s0/a.png", "/proc/self/fd/0"), Table(6, 1))
    yield case("a link to the folder", _link("s0/again", ".."), Table(6))
    yield case("a link to everything", _link("s0/all", "/"), Table(6))
    yield case("links in a circle", _circle, Table(6, 2))
    yield case("two thousand folders deep", _deep, Refused("cannot be listed"))
    yield case("two hundred folders deep", lambda folder: _down(folder, 200), Table(7))
    yield case("a file of a terabyte", _sparse, Table(6, 1))
    yield case("a socket", _socket, Table(6, 1))
    yield case(
        "a file beside the folders", lambda folder: (folder / "a.png").touch(), Refused("beside")
    )
    yield case("hidden files", lambda folder: (folder / ".git").mkdir(), Table(6))
    yield case(
        "a folder named as a file", lambda folder: (folder / "s0" / "a.png").mkdir(), Table(6)
    )
    yield case("a file that may not be read", lambda f: (f / "s0" / "0.png").chmod(0), Table(5, 1))
    yield case(
        "a folder that may not be read", lambda f: (f / "s0").chmod(0), Refused("cannot be listed")
    )
    yield case(
        "nothing", lambda folder: [path.unlink() for path in folder.rglob("*.png")], Refused()
    )
    for name, path in {
        "a name that is too long": "x" * 5000,
        "a path that is too long": "x/" * 5000,
        "NUL": "a\0b",
        "a file below a file": "/etc/passwd/x",
        "a device": "/dev/null",
        "a link of the kernel": "/proc/self/fd/0",
        "memory": "/proc/self/mem",
        "no such user": "~nobody-of-that-name/x",
        "line end": "gone\n\x1b[31m",
    }.items():
        for source in ("folder", "arrays", "ucr", "table"):
            end = {"ucr": ".ts", "table": ".csv", "arrays": ".npz"}.get(source, "")
            spec = f"{source}({(path + end)!r})"
            yield Case(
                "source: path", f"{source}: {name}", lambda _, s=spec: s, "source", Refused()
            )


def _link(name: str, target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).symlink_to(target)


def _circle(folder: Path) -> None:
    (folder / "s0" / "a.png").symlink_to("b.png")
    (folder / "s0" / "b.png").symlink_to("a.png")


def _down(folder: Path, depth: int) -> None:
    place = folder
    for _ in range(depth):
        place /= "d"
    place.mkdir(parents=True)
    (place / "a.png").write_bytes(_png(7))


def _deep(folder: Path) -> None:
    """Deeper than a path can name, so that it is made step by step."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def _sparse(folder: Path) -> None:
    (folder / "s0" / "a.png").touch()
    os.truncate(folder / "s0" / "a.png", 2**40)


def _socket(folder: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder / "s0")  # the name of a socket must be short
        one.bind("a.png")
        os.chdir(here)


CSV = "item,label\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in TREE)


def tables() -> Iterator[Case]:
    """Tables of images, broken at every line."""

    def case(name: str, data: bytes, expected: object = None, end: str = "csv") -> Case:
        def make(folder: Path) -> str:
            (_tree(folder) / f"t.{end}").write_bytes(data)
            return f"table({str(folder / f't.{end}')!r})"

        return Case("source: table", name, make, "source", expected)

    yield case("whole", CSV.encode(), Table(6))
    lines = CSV.split("\n")[:-1]
    for at, line in enumerate(lines):
        without = "\n".join([*lines[:at], *lines[at + 1 :]]).encode()
        yield case(f"without line {at + 1}", without, Table(5) if at else Refused())
        for name, new in {
            "garbled": "garbled!",
            "cut": line[: len(line) // 2],
            "with a cell": line + ",x",
            "with a quote": '"' + line,
            "with bytes": line + "\udcff",
            "empty": ",",
            "that leads up": "../../secret.bin,a",
            "that leads to a device": "/dev/zero,a",
            "that is a formula": "=1+1,a",
        }.items():
            data = "\n".join([*lines[:at], new, *lines[at + 1 :]]).encode(
                "utf-8", "surrogateescape"
            )
            expected: object = None if name == "with bytes" else Refused()
            if name == "that leads up" and at:
                # A table may lead anywhere, since it is its user's own list; that is no image.
                expected = Table(5, 1)
            yield case(f"line {at + 1} {name}", data, expected)
    bad = {
        "nothing": b"",
        "NULs": bytes(1000),
        "UTF-16": CSV.encode("utf-16"),
        "a cell of ten megabytes": CSV.encode() + b"x" * 10_000_000 + b",a\n",
        "100,000 columns": b"c," * 100_000 + b"\n",
        "a quote of ten megabytes": CSV.encode() + b'"' + b"x" * 10_000_000,
        "image": _png(0),
    }
    for name, data in bad.items():
        yield case(name, data, Refused())
    jsonl = b"".join(
        b'{"item": "%s", "label": "%s"}\n' % (n.encode(), n[:2].encode()) for n in TREE
    )
    yield case("JSON lines", jsonl, Table(6), "jsonl")
    for name, line in {
        "nested": b"[" * 100_000,
        "nested objects": b'{"item": ' * 10_000,
        "a huge number": b'{"item": ' + b"9" * 5000 + b"}",
        "NaN": b'{"item": NaN, "label": Infinity}',
        "a list": b"[]",
        "half a letter": b'{"item": "\\ud800", "label": "a"}',
        "bytes": b"\xff\xfe",
    }.items():
        yield case(f"JSON lines: {name}", jsonl + line + b"\n", Refused(), "jsonl")
    packed = _parquet()
    yield case("Parquet", packed, Table(6), "parquet")
    for name, data in damaged(packed, cuts=5, flips=12, seed=5):
        yield case(f"Parquet {name}", data, None, "parquet")


def _parquet() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    buffer = io.BytesIO()
    labels = [name.split("/")[0] for name in TREE]
    parquet.write_table(pa.table({"item": list(TREE), "label": labels}), buffer)
    return buffer.getvalue()
