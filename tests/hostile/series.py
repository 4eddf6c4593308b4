"""Series from a stranger: .npy and text files, `.ts` files broken at every line, and .npz files."""

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.hostile.items import Case, Refused, Series, Table, damaged, file_of
from tests.hostile.onnx_files import pickled

VALUES = np.round(np.random.default_rng(0).normal(size=(12, 2)), 3).astype(np.float32)


def every(canary: Path) -> Iterator[Case]:
    """Every hostile series and source of series; `canary` is what none of them may make."""
    yield from npy(canary)
    yield from text()
    yield from ts()
    yield from npz(canary)


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _header(words: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    raw = words.encode("latin-1", "replace")
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(raw))
    return b"\x93NUMPY" + version + size + raw + body


def _declared(kind: str = "'<f8'", order: str = "False", shape: str = "(3,)") -> str:
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"


def npy(canary: Path) -> Iterator[Case]:
    """Files of one array."""
    right = Series(VALUES)
    for name, values in {
        "float64": VALUES.astype(np.float64),
        "big-endian": VALUES.astype(">f4"),
        "Fortran order": np.asfortranarray(VALUES),
    }.items():
        yield Case("series: npy", name, file_of(_npy(values), "a.npy"), "series", right)
    for version in (b"\x02\x00", b"\x03\x00"):
        data = _header(_declared("'<f4'", "False", "(12, 2)"), VALUES.tobytes(), version)
        yield Case("series: npy", f"version {version[0]}", file_of(data, "a.npy"), "series", right)
    bad = {
        "objects": _header(_declared("'|O'"), pickled(canary)),
        "objects in a table": _header(_declared("[('a', '|O')]"), pickled(canary)),
        "a pickle": pickled(canary),
        "a terabyte": _header(_declared(shape="(125000000000,)")),
        "beyond 64 bits": _header(_declared(shape="(9223372036854775807, 9223372036854775807)")),
        "a huge number": _header(_declared(shape="(" + "9" * 4000 + ",)")),
        "below": _header(_declared(shape="(-3,)"), bytes(24)),
        "below twice": _header(_declared(shape="(-3, -1)"), bytes(24)),
        "truth as size": _header(_declared(shape="(True,)"), bytes(8)),
        "forty axes": _header(_declared(shape="(1,) * 40"), bytes(8)),
        "forty axes written out": _header(_declared(shape="(" + "1," * 40 + ")"), bytes(8)),
        "code": _header(f"__import__('os').system('touch {canary}')"),
        "code as shape": _header(_declared(shape=f"open('{canary}', 'w')")),
        "nested": _header("(" * 9000),
        "nested numbers": _header(_declared(shape="(" + "-" * 9000 + "1,)")),
        "long header": _header(_declared() + " " * 60_000, bytes(24)),
        "longer header": _header(_declared() + " " * 5_000_000, bytes(24), b"\x02\x00"),
        "nothing of nothing": _header(_declared("'<V0'"), b""),
        "texts": _header(_declared("'<U4'"), bytes(48)),
        "dates": _header(_declared("'<M8[s]'"), bytes(24)),
        "complex": _header(_declared("'<c16'"), bytes(48)),
        "table": _header(_declared("[('a', '<f8'), ('b', '<f8')]"), bytes(48)),
        "subarray": _header(_declared("('<f8', (2, 2))"), bytes(96)),
        "three axes": _npy(np.zeros((2, 2, 2))),
        "a number": _npy(np.float64(3)),
        "empty": _npy(np.zeros((0, 2))),
        "no channels": _npy(np.zeros((5, 0))),
        "NaN": _npy(np.array([1.0, np.nan])),
        "infinite": _npy(np.array([1.0, np.inf])),
        "beyond float32": _npy(np.array([1.0, 1e300])),
        "eleven million": _npy(np.zeros(11_000_000, np.int8)),
        "version 9": _header(_declared(), bytes(24), b"\x09\x00"),
        "one byte too many": _npy(VALUES) + b"x",
    }
    for name, data in bad.items():
        yield Case("series: npy", name, file_of(data, "a.npy"), "series", Refused())
    for name, data in damaged(_npy(VALUES), cuts=8, flips=8, seed=1):
        yield Case("series: npy", name, file_of(data, "a.npy"), "series")


def text() -> Iterator[Case]:
    """Rows of numbers, broken at every line."""
    lines = [",".join(map(str, row)) for row in VALUES.tolist()]
    whole = "\n".join(lines) + "\n"
    yield Case("series: text", "whole", file_of(whole.encode(), "a.csv"), "series", Series(VALUES))
    windows = whole.replace("\n", "\r\n").encode("utf-8-sig")
    yield Case("series: text", "of Windows", file_of(windows, "a.csv"), "series", Series(VALUES))
    for at in range(len(lines)):
        for name, new in {
            "without": [],
            "word": ["oops,1.0"],
            "short": ["1.0"],
            "long": ["1.0,2.0,3.0"],
            "hole": [",1.0"],
        }.items():
            data = "\n".join([*lines[:at], *new, *lines[at + 1 :]]).encode()
            rest = np.delete(VALUES, at, axis=0)
            # Without a line it is another series, and as good as any.
            expected = Series(rest) if name == "without" else Refused(f"line {at + 1}")
            if at == 0 and name in ("short", "long"):
                expected = Refused("line 2")
            yield Case(
                "series: text", f"line {at + 1} {name}", file_of(data, "a.csv"), "series", expected
            )
    bad = {
        "nothing": b"",
        "blank": b"\n \n\t\n",
        "no UTF-8": b"1,2\n\xff,3\n",
        "UTF-16": "1,2\n3,4\n".encode("utf-16"),
        "NUL": b"1,2\n3\0,4\n",
        "JSON": b"[[1, 2], [3, 4]]",
        "formula": b'=cmd|"/C calc"!A0,1\n',
        "NaN": b"1,2\nnan,3\n",
        "infinite": b"1,2\n-inf,3\n",
        "beyond": b"1,2\n1e999,3\n",
        "underscore": b"1_0,2\n3,4\n",
        "hexadecimal": b"0x10,2\n3,4\n",
        "other digits": "\u0661,2\n3,4\n".encode(),
        "twelve million lines": b"1\n" * 12_000_000,
        "twelve million line ends": b"1" + b"\n" * 12_000_000,
        "twelve million form feeds": b"1" + b"\f" * 12_000_000,
        "twelve million commas": b"1," * 12_000_000,
        "a line of 30 megabytes": b"9" * 30_000_000,
        "image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    }
    for name, data in bad.items():
        yield Case("series: text", name, file_of(data, "a.csv"), "series", Refused())


TS = """# A set of series.
@problemName Waves
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 4
@classLabel true up down
@data
1.0,2.0,3.0,4.0:0.1,0.2,0.3,0.4:up
1.5,2.5,3.5,4.5:0.2,0.3,0.4,0.5:up
4.0,3.0,2.0,1.0:0.4,0.3,0.2,0.1:down
4.5,3.5,2.5,1.5:0.5,0.4,0.3,0.2:down
"""


def ts() -> Iterator[Case]:
    """`.ts` files, broken at every line."""

    def case(name: str, data: bytes, expected: object = None) -> Case:
        return Case("source: ts", name, file_of(data, "waves.ts"), "source", expected)

    yield case("whole", TS.encode(), Table(4))
    lines = TS.split("\n")[:-1]
    start = lines.index("@data")
    for at, line in enumerate(lines):
        without = "\n".join([*lines[:at], *lines[at + 1 :]]).encode()
        # The comment and what the values say themselves may be missing.
        silent = line.split()[0].lower() in (
            *("#", "@problemname", "@timestamps", "@missing", "@univariate", "@dimensions"),
            *("@equallength", "@serieslength"),
        )
        expected = Table(4) if silent else Table(3) if at > start else Refused()
        yield case(f"without line {at + 1}", without, expected)
        for name, new in {
            "garbled": "garbled!",
            "cut": line[: len(line) // 2],
            "with a colon": line + ":x",
            "with bytes": line + "\udcff",
            "twice": line + "\n" + line,
        }.items():
            data = "\n".join([*lines[:at], new, *lines[at + 1 :]]).encode(
                "utf-8", "surrogateescape"
            )
            refused = (at > start and name != "twice") or name == "with bytes"
            yield case(f"line {at + 1} {name}", data, Refused(f":{at + 1}:") if refused else None)
    # Which of the two is right, nobody knows; what the lines hold agrees with the later.
    yield case("contradicting tags", TS.replace("@univariate false", "@univariate true").encode())
    tags = {
        "@dimensions 999999999999": "@dimensions 2",
        "@dimensions 9" + "9" * 5000: "@dimensions 2",
        "@dimensions -1": "@dimensions 2",
        "@dimensions 0": "@dimensions 2",
        "@dimensions two": "@dimensions 2",
        "@seriesLength 999999999999": "@seriesLength 4",
        "@seriesLength 1e9": "@seriesLength 4",
        "@seriesLength \u0664": "@seriesLength 4",
        "@timeStamps true": "@timeStamps false",
        "@timeStamps maybe": "@timeStamps false",
        "@classLabel true": "@classLabel true up down",
        "@classLabel false": "@classLabel true up down",
        "@targetLabel true": "@classLabel true up down",
        "@classLabel true " + "label " * 100_000: "@classLabel true up down",
        "@exec rm": "@missing false",
    }
    for new, old in tags.items():
        yield case(f"tag {new[:40]}", TS.replace(old, new).encode(), Refused(":[0-9]+: "))
    values = {
        "word": "one",
        "nothing": "",
        "underscore": "1_0",
        "comma": "1.0,",
        "colon": "1.0:",
        "list": "[1.0]",
        "code": "__import__('os')",
        "long": "9" * 1_000_000 + "x",
    }
    for name, word in values.items():
        data = TS.replace("1.5", word, 1).encode()
        yield case(f"value {name}", data, Refused(":12: "))
    for name, word in {"NaN": "nan", "missing": "?", "infinite": "-inf", "beyond": "1e999"}.items():
        yield case(f"value {name}", TS.replace("1.5", word, 1).encode(), Table(3, 1))
    shown = TS.replace("up", "\x1b[31mup")
    yield case("coloured labels", shown.encode(), Table(4))
    yield case("nothing", b"", Refused("ends before @data"))
    yield case("header alone", TS.encode().partition(b"1.0")[0], Refused("no series"))
    yield case("line ends of Windows", TS.replace("\n", "\r\n").encode("utf-8-sig"), Table(4))
    yield case("NUL", TS.replace("1.5", "1\0", 1).encode(), Refused())
    yield case(
        "a series of five million", (TS + "1," * 5_000_000 + ":1:up\n").encode(), Refused(":15:")
    )
    yield case("a line of colons", (TS + ":" * 1_000_000 + "\n").encode(), Refused(":15:"))
    for name, data in damaged(TS.encode(), cuts=6, flips=10, seed=2):
        yield case(name, data)


def _zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npz(canary: Path) -> Iterator[Case]:
    """Files of several arrays."""
    names = _npy(np.array(["a", "a", "b"]))
    images = _npy(np.zeros((3, 16, 16), np.uint8))
    whole = {"items.npy": images, "identities.npy": names}

    def case(name: str, members: dict[str, bytes] | bytes, expected: object = None) -> Case:
        data = members if isinstance(members, bytes) else _zip_of(members)
        return Case("source: npz", name, file_of(data, "a.npz"), "source", expected)

    yield case("whole", whole, Table(3))
    yield case("not packed", _zip_of(whole, zipfile.ZIP_STORED), Table(3))
    for key in whole:
        for name, data in {
            "objects": _header(_declared("'|O'"), pickled(canary)),
            "a pickle": pickled(canary),
            "a terabyte": _header(_declared("'|u1'", shape="(1000000, 1000, 1000)")),
            "code": _header(f"__import__('os').system('touch {canary}')"),
            "nothing": b"",
            "negative": _header(_declared("'|u1'", shape="(-3, -256)"), bytes(768)),
            "no letters": _npy(np.array([[[2**31 - 1] * 256] * 3], np.uint32)[0]).replace(
                b"'<u4'", b"'<U1'"
            ),
        }.items():
            yield case(f"{key}: {name}", {**whole, key: data}, Refused())
    yield case(
        "no letters as kind",
        {**whole, "kind.npy": _header(_declared("'<U1'", shape="()"), b"\xff" * 4)},
        Refused(),
    )
    yield case("kind of code", {**whole, "kind.npy": _npy(np.array("__import__('os')"))}, Refused())
    yield case("another key", {**whole, "extra.npy": names}, Refused("and no others"))
    yield case("a key that leads out", {**whole, "../../evil.npy": names}, Refused("and no others"))
    yield case(
        "a key with colours", {**whole, "\x1b[31mred\n.npy": names}, Refused("and no others")
    )
    yield case("a key as a text", {"items.npy": images, "identities": b"a,a,b"}, Refused())
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("items.npy", "identities.npy", "items.npy"):
                archive.writestr(name, whole[name])
    yield case("a key twice", twice.getvalue(), Refused("has the keys items, identities, items"))
    big = _header(_declared("'|u1'", shape="(3, 10000, 10000)")) + bytes(300_000_000)
    yield case("300 megabytes of nothing", {**whole, "items.npy": big}, Refused("unpacks to"))
    lie = bytearray(_zip_of({**whole, "items.npy": images}))
    at = lie.rindex(b"PK\x01\x02")
    lie[at + 24 : at + 28] = struct.pack("<I", 2**31)
    yield case("a size that is a lie", bytes(lie), Refused())
    control = _npy(np.array(["a\n\x1b[31m", "a\n\x1b[31m", "b\0\udcff\u202e"]))
    yield case("identities with colours", {**whole, "identities.npy": control}, Table(3))
    yield case("lengths below", {**whole, "lengths.npy": _npy(np.array([-1, -1, -1]))}, Refused())
    for name, data in damaged(_zip_of(whole), cuts=6, flips=10, seed=3):
        yield case(name, data)
