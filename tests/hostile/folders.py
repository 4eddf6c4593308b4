"""Model folders that are broken or mean harm, each made from a copy of an intact one."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hostile import onnx_files
from likewise.manifest_text import ROLES, Entry, Manifest, dump, fingerprint, parse
from likewise.types import Claim, Kind

REFUSED, EQUAL, REFUSED_OR_EQUAL, ANY = {"refused"}, {"equal"}, {"refused", "equal"}, None
MANIFEST = "model.toml"
ENCODER = "encoders/main.onnx"
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One hostile folder.

    Attributes:
        sort: What is done to it.
        name: To what, or how.
        make: Does it to a folder that holds a copy of an intact model.
        rehashed: Whether the manifest's hashes are then made to agree, so that no hash tells.
        expected: What may come of it; None where another model may, that is as good as any.
        base: Which intact model it is a copy of.
    """

    sort: str
    name: str
    make: Make
    rehashed: bool
    expected: set[str] | None
    base: str = "images"


def rehash(folder: Path, **changes: object) -> None:
    """Make the manifest agree with its files, as whoever means harm would."""
    manifest = parse((folder / MANIFEST).read_bytes(), folder / MANIFEST)
    manifest = replace(manifest, **changes)
    entries = {}
    for role, entry in manifest.files.items():
        data = (folder / entry.path).read_bytes()
        entries[role] = Entry(entry.path, hashlib.sha256(data).hexdigest())
    write_manifest(folder, replace(manifest, files=entries))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    sealed = replace(manifest, fingerprint=fingerprint(manifest.distance, manifest.files))
    (folder / MANIFEST).write_bytes(dump(sealed))


def read_manifest(folder: Path) -> Manifest:
    return parse((folder / MANIFEST).read_bytes(), folder / MANIFEST)


def cases(intact: dict[str, Path], world: Path) -> Iterator[Case]:
    """Every hostile folder.

    Args:
        intact: The intact models by name: `images`, `series`, `matched` (one with a matcher).
        world: A folder that holds `secret.bin` and the hostile folders' parent.
    """
    yield from _flipped(intact)
    yield from _cut()
    yield from _missing()
    yield from _paths(world)
    yield from _links(world)
    yield from _manifests()
    yield from _encoders(intact["images"], world)
    yield from _matchers(intact["matched"], world)
    yield from _transforms()
    yield from _specs(world)
    yield from _json_files()
    yield from _texts(world)
    yield from _weights(world)


def _edited(path: str, change: Callable[[bytes], bytes]) -> Make:
    def make(folder: Path) -> None:
        target = folder / path
        target.write_bytes(change(target.read_bytes()))

    return make


def _written(path: str, data: bytes) -> Make:
    return _edited(path, lambda _: data)


def _files_of(folder: Path) -> list[str]:
    return [entry.path for entry in read_manifest(folder).files.values()]


def _flip(seed: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        random = np.random.default_rng(seed)
        altered = bytearray(data)
        for _ in range(int(random.integers(1, 4))):
            altered[int(random.integers(len(altered)))] ^= 1 << int(random.integers(8))
        return bytes(altered)

    return change


def _flipped(intact: dict[str, Path]) -> Iterator[Case]:
    often = {
        "encoders/main.onnx": 12,
        "matcher.onnx": 8,
        "calibration.json": 8,
        "transform.toml": 6,
    }
    for base, folder in intact.items():
        paths = _files_of(folder) if base != "matched" else ["matcher.onnx"]
        for path in paths:
            for seed in range(2):
                yield Case(
                    "bit flips", f"{path} {seed}", _edited(path, _flip(seed)), False, REFUSED, base
                )
            for seed in range(10, 10 + often.get(path, 3)):
                # Another weight is another model; one in a text may be no text, or the same.
                yield Case(
                    "bit flips", f"{path} {seed}", _edited(path, _flip(seed)), True, ANY, base
                )
    for seed in range(6):
        change = _edited(MANIFEST, _flip(seed))
        yield Case("bit flips", f"{MANIFEST} {seed}", change, False, REFUSED_OR_EQUAL)


def _cut() -> Iterator[Case]:
    ends = {"to nothing": 0.0, "in half": 0.5, "by a byte": -1.0}
    for path in (MANIFEST, *(path for role, path in ROLES.items() if role != "matcher")):
        for words, share in ends.items():

            def change(data: bytes, share: float = share) -> bytes:
                return data[:-1] if share < 0 else data[: int(len(data) * share)]

            yield Case("truncation", f"{path} {words}", _edited(path, change), False, REFUSED)
            if path == MANIFEST:
                continue
            # Nothing parses the weights, a cut line end changes nothing, and a recipe is only shown.
            free = path.endswith((".safetensors", "recipe.toml"))
            allowed = ANY if free or share < 0 else REFUSED
            yield Case("truncation", f"{path} {words}", _edited(path, change), True, allowed)


def _missing() -> Iterator[Case]:
    def other(role: str) -> Make:
        def make(folder: Path) -> None:
            manifest = read_manifest(folder)
            files = {**manifest.files, role: Entry(manifest.files[role].path, "0" * 64)}
            write_manifest(folder, replace(manifest, files=files))

        return make

    for role, path in ROLES.items():
        if role != "matcher":
            yield Case(
                "missing file", path, lambda folder, p=path: (folder / p).unlink(), False, REFUSED
            )
            yield Case("wrong hash", path, other(role), False, REFUSED)
    yield Case(
        "missing file", MANIFEST, lambda folder: (folder / MANIFEST).unlink(), False, REFUSED
    )
    for key in ("fingerprint", "checksum"):

        def change(data: bytes, key: str = key) -> bytes:
            return re.sub(rf'(?m)^{key} = "..'.encode(), f'{key} = "zz'.encode(), data)

        yield Case("wrong hash", key, _edited(MANIFEST, change), False, REFUSED)

        def zeros(data: bytes, key: str = key) -> bytes:
            return re.sub(rf'(?m)^{key} = "\w+"'.encode(), f'{key} = "{"0" * 64}"'.encode(), data)

        yield Case("wrong hash", f"{key} of zeros", _edited(MANIFEST, zeros), False, REFUSED)

    def swapped(folder: Path) -> None:
        manifest = read_manifest(folder)
        files = dict(manifest.files)
        files["transform"], files["recipe"] = files["recipe"], files["transform"]
        write_manifest(folder, replace(manifest, files=files))

    yield Case("wrong file", "recipe and transform exchanged", swapped, True, REFUSED)

    def same(folder: Path) -> None:
        manifest = read_manifest(folder)
        files = dict.fromkeys(manifest.files, manifest.files["recipe"])
        write_manifest(folder, replace(manifest, files=files))

    yield Case("wrong file", "one for all roles", same, True, REFUSED)


def _paths(world: Path) -> Iterator[Case]:
    secret = world / "secret.bin"
    inside = f"../{secret.name}"
    paths = {
        "absolute": str(secret),
        "above": inside,
        "above through a folder": f"encoders/../../{secret.name}",
        "backslashes": f"..\\{secret.name}",
        "home": "~/.ssh/id_rsa",
        "here": "./recipe.toml",
        "two slashes": "encoders//main.onnx",
        "slash at the end": "recipe.toml/",
        "drive": "C:\\windows\\win.ini",
        "network": "\\\\server\\share\\file",
        "address": "file:///etc/passwd",
        "device": "/dev/zero",
        "NUL": "recipe.toml\0.png",
        "line end": "recipe.toml\n",
        "very long": "a" * 300,
        "deep": "a/" * 120 + "b",
        "hidden": ".git/config",
        "nothing": "",
        "this folder": ".",
        "letters that look alike": "r\u0435cipe.toml",
        "turned letters": "\u202elmot.epicer",
    }
    for name, path in paths.items():

        def make(folder: Path, path: str = path) -> None:
            manifest = read_manifest(folder)
            data = secret.read_bytes()
            entry = Entry(path, hashlib.sha256(data).hexdigest())
            write_manifest(folder, replace(manifest, files={**manifest.files, "recipe": entry}))

        yield Case("path", name, make, True, REFUSED)


def _links(world: Path) -> Iterator[Case]:
    def link(path: str, target: str) -> Make:
        def make(folder: Path) -> None:
            place = folder / path
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()
            place.symlink_to(target)

        return make

    def moved(path: str, *, outside: bool) -> Make:
        """The file itself is where the link leads, so that its hash is right."""

        def make(folder: Path) -> None:
            place = folder / path
            target = (world / "outside" if outside else folder) / f"{folder.name}-{place.name}"
            target.parent.mkdir(exist_ok=True)
            place.rename(target)
            place.symlink_to(target)

        return make

    for path in (MANIFEST, "transform.toml", ENCODER, "calibration.json", "encoders"):
        yield Case("link out", path, moved(path, outside=True), True, REFUSED)
    for path in ("transform.toml", ENCODER):
        yield Case("link inside", path, moved(path, outside=False), True, EQUAL)
    yield Case("link", "to itself", link("recipe.toml", "recipe.toml"), False, REFUSED)
    yield Case("link", "to a device", link("recipe.toml", "/dev/zero"), False, REFUSED)
    yield Case("link", "to nothing", link("recipe.toml", "nothing"), False, REFUSED)
    yield Case("link", "to the folder", link("recipe.toml", "."), False, REFUSED)
    yield Case("link", "to open files", link("recipe.toml", "/proc/self/fd/0"), False, REFUSED)

    def chain(folder: Path) -> None:
        (folder / "recipe.toml").unlink()
        for step in range(60):
            (folder / f"link{step}").symlink_to(f"link{step + 1}")
        (folder / "link60").symlink_to(world / "secret.bin")
        (folder / "recipe.toml").symlink_to("link0")

    yield Case("link", "of sixty links", chain, False, REFUSED)
    for path in (MANIFEST, "recipe.toml", ENCODER):

        def pipe(folder: Path, path: str = path) -> None:
            (folder / path).unlink()
            os.mkfifo(folder / path)

        yield Case("pipe", path, pipe, False, REFUSED)

        def directory(folder: Path, path: str = path) -> None:
            (folder / path).unlink()
            (folder / path).mkdir()

        yield Case("folder", path, directory, False, REFUSED)
    for path in ("transform.toml", "calibration.json", ENCODER):

        def grown(folder: Path, path: str = path) -> None:
            os.truncate(folder / path, 3 << 30)

        yield Case("three gigabytes of nothing", path, grown, False, REFUSED)


def _manifests() -> Iterator[Case]:
    def lines(*, before: str = "", after: str = "") -> Make:
        return _edited(MANIFEST, lambda data: before.encode() + data + after.encode())

    def key(name: str, value: str) -> Make:
        pattern = rf"(?m)^{name} = .*$".encode()
        return _edited(
            MANIFEST, lambda data: re.sub(pattern, f"{name} = {value}".encode(), data, count=1)
        )

    bombs = {
        "nested lists": lines(before="a = " + "[" * 100_000 + "\n"),
        "nested tables": lines(before="a = " + "{a = " * 50_000 + "\n"),
        "dotted key": lines(before=".".join("a" * 100_000) + " = 1\n"),
        "many keys": lines(before="".join(f"k{i} = 1\n" for i in range(100_000))),
        "huge number": lines(before="a = " + "9" * 100_000 + "\n"),
        "huge text": lines(before=f'a = "{"x" * 900_000}"\n'),
        "two megabytes": lines(after="#" * 2_000_000),
        "same key twice": lines(before="format = 1\n"),
        "no UTF-8": lines(before="# \udcff\n".encode("utf-8", "surrogateescape").decode("latin-1")),
        "bytes": _written(MANIFEST, b"\xff\xfe\x00\x01" * 1000),
        "JSON": _written(MANIFEST, b'{"format": 1}'),
        "format of the future": key("format", "2"),
        "format beyond numbers": key("format", "1" + "0" * 400),
        "format that is NaN": key("format", "nan"),
        "format below": key("format", "-1"),
        "format of truth": key("format", "true"),
        "kind": key("kind", '"sequence"'),
        "kind unknown": key("kind", '"video"'),
        "claim": key("claim", '"everyone"'),
        "claim as a list": key("claim", "[[[]]]"),
        "version with colours": key("likewise", '"\\u001b[31m1.0"'),
        "date as version": key("likewise", "1979-05-27T07:32:00Z"),
    }
    for name, make in bombs.items():
        yield Case("manifest", name, make, False, REFUSED)

    def roles(folder: Path) -> None:
        text = (folder / MANIFEST).read_text()
        (folder / MANIFEST).write_text(text + '\n[files."__init__"]\npath = "a"\nsha256 = "b"\n')

    yield Case("manifest", "role unknown", roles, False, REFUSED)
    yield Case("manifest", "kind of another", lambda f: rehash(f, kind=Kind.SEQUENCE), True, REFUSED)
    yield Case(
        "manifest", "claim of another", lambda f: rehash(f, claim=Claim.KNOWN_CLASSES), True, ANY
    )


def _encoders(intact: Path, world: Path) -> Iterator[Case]:
    secret = world / "secret.bin"
    files = onnx_files.as_bytes
    for sort, made in {
        "ONNX: giant": onnx_files.giants(),
        "ONNX: graph inside": onnx_files.loops(),
        "ONNX: other domain": onnx_files.domains(),
        "ONNX: data outside": onnx_files.outside(secret),
        "ONNX: wrong size": onnx_files.lying(),
        "ONNX: interface": onnx_files.interfaces(),
        "ONNX: form": onnx_files.forms(),
    }.items():
        free = ("two payloads", "embedding declared: free", "embedding of twice the length")
        for name, data in files(made):
            yield Case(sort, name, _written(ENCODER, data), True, ANY if name in free else REFUSED)
    data = (intact / ENCODER).read_bytes()
    for name, raw in onnx_files.raw_forms(data).items():
        allowed = ANY if name == "second graph" else REFUSED
        yield Case("ONNX: bytes", name, _written(ENCODER, raw), True, allowed)
    pickled = onnx_files.pickled(world / "canary")
    yield Case("ONNX: bytes", "pickle", _written(ENCODER, pickled), True, REFUSED)
    for name, raw in onnx_files.equal_forms(data):
        yield Case("ONNX: other words", name, _written(ENCODER, raw), True, EQUAL)


def _matchers(intact: Path, world: Path) -> Iterator[Case]:
    def at(name: str, data: bytes, allowed: set[str] | None = REFUSED) -> Case:
        return Case("matcher", name, _written("matcher.onnx", data), True, allowed, "matched")

    encoder = (intact / ENCODER).read_bytes()
    yield at("an encoder", encoder)
    yield at("nothing", b"")
    yield at("pickle", onnx_files.pickled(world / "canary"))
    for name, data in onnx_files.as_bytes(onnx_files.matchers(world / "secret.bin")):
        yield at(name, data)


def _toml(spec: str, state: str = "mean = [0.1]\nstd = [0.2]\n") -> bytes:
    return f"spec = {json.dumps(spec)}\n\n[state]\n{state}".encode()


def _transforms() -> Iterator[Case]:
    good = "image(size=16, invert=True)"
    specs = {
        "size of a billion": "image(size=1000000000)",
        "size beyond 64 bits": f"image(size={10**30})",
        "size that is slow": "image(size=4097)",
        "size of nothing": "image(size=0)",
        "size below": "image(size=-16)",
        "size as text": "image(size='16')",
        "size as truth": "image(size=True)",
        "another size": "image(size=17, invert=True)",
        "colour": "image(size=16, color=True)",
        "of series": "sequence",
        "unknown": "telepathy",
        "unknown argument": "image(size=16, shell='rm -rf /')",
        "the state in the spec": "image(state={'mean': [0.0], 'std': [1.0]})",
        "source": "folder('/')",
        "empty": "",
        "a million letters": "image" * 200_000,
    }
    for name, spec in specs.items():
        yield Case("transform", name, _written("transform.toml", _toml(spec)), True, REFUSED)
    states = {
        "mean is NaN": "mean = [nan]\nstd = [0.2]\n",
        "mean is infinite": "mean = [inf]\nstd = [0.2]\n",
        "mean beyond float32": "mean = [1e300]\nstd = [0.2]\n",
        "mean beyond float64": f"mean = [{'9' * 400}]\nstd = [0.2]\n",
        "mean of 5,000 digits": f"mean = [{'9' * 5000}]\nstd = [0.2]\n",
        "mean as text": 'mean = ["zero"]\nstd = [0.2]\n',
        "mean as table": "mean = {a = 1}\nstd = [0.2]\n",
        "means for three": "mean = [0, 0, 0]\nstd = [1, 1, 1]\n",
        "a million means": "mean = [" + "0," * 400_000 + "]\nstd = [0.2]\n",
        "no std": "mean = [0.1]\n",
        "date": "mean = [1979-05-27]\nstd = [0.2]\n",
    }
    for name, state in states.items():
        yield Case("transform", name, _written("transform.toml", _toml(good, state)), True, REFUSED)
    wrong = {
        "no state": f'spec = "{good}"\n'.encode(),
        "state as text": f'spec = "{good}"\nstate = "mean"\n'.encode(),
        "state as list": f'spec = "{good}"\nstate = [1, 2]\n'.encode(),
        "spec as number": b"spec = 1\n[state]\n",
        "spec as date": b"spec = 1979-05-27\n[state]\n",
        "nested": b"spec = " + b"[" * 50_000,
        "dotted": b".".join([b"a"] * 100_000) + b" = 1\n",
        "many dotted": b"".join(b"k%d.%s = 1\n" % (i, b".".join([b"a"] * 90)) for i in range(4000)),
        "no UTF-8": _toml(good) + b"# \xff\xfe\n",
        "NUL": _toml(good) + b"\0",
        "two megabytes": _toml(good) + b"#" * 2_000_000,
        "JSON": b'{"spec": "image"}',
    }
    for name, data in wrong.items():
        yield Case("transform", name, _written("transform.toml", data), True, REFUSED)
    note = _toml(good).replace(b"spec", b"# a note\n\nspec", 1)
    for name, data in {"with a note": note, "with a mark": b"\n\n" + _toml(good)}.items():
        # What it says is another mean, so it may be another model.
        yield Case("transform", name, _written("transform.toml", data), True, ANY)
    series = {
        "channels of a trillion": ("sequence('none')", f"channels = {10**12}\n"),
        "other channels": ("sequence('none')", "channels = 3\n"),
        "channels below": ("sequence('none')", "channels = -2\n"),
        "channels as text": ("sequence('none')", 'channels = "2"\n'),
        "channels as truth": ("sequence('none')", "channels = true\n"),
        "std of nothing": ("sequence", "channels = 2\nmean = [0, 0]\nstd = [0, 1]\n"),
        "std too small": ("sequence", "channels = 2\nmean = [0, 0]\nstd = [1e-320, 1]\n"),
        "std below": ("sequence", "channels = 2\nmean = [0, 0]\nstd = [-1, 1]\n"),
        "mean of all": ("sequence", "channels = 2\nmean = [1e39, 0]\nstd = [1, 1]\n"),
        "huge mean": ("sequence", f"channels = 2\nmean = [{'9' * 400}, 0]\nstd = [1, 1]\n"),
        "of images": (good, "mean = [0.1]\nstd = [0.2]\n"),
        "no such way": ("sequence('both')", "channels = 2\n"),
    }
    for name, (spec, state) in series.items():
        data = _toml(spec, state)
        yield Case(
            "transform",
            f"series: {name}",
            _written("transform.toml", data),
            True,
            REFUSED,
            "series",
        )


def _specs(world: Path) -> Iterator[Case]:
    """Words that would do something if they were run."""
    canary = str(world / "canary")
    words = [
        f"__import__('os').system('touch {canary}')",
        f"image(size=__import__('os').system('touch {canary}'))",
        f"image(size=open({canary!r}, 'w').write('1'))",
        f"image(size=(lambda: open({canary!r}, 'w'))())",
        f"image(size=[open({canary!r}, 'w') for _ in 'x'])",
        f"(open({canary!r}, 'w'), image)[1]()",
        f"image(*open({canary!r}, 'w'))",
        f"image(**open({canary!r}, 'w'))",
        f'image(size=f"{{open({canary!r}, chr(119))}}")',
        "image.__class__.__mro__[1].__subclasses__()",
        "image(size=9**9**9)",
        "image(size=1 if [c for c in 'a'*10**9] else 2)",
        "(" * 500 + "image" + ")" * 500,
        "image(size=" + "-" * 900 + "1)",
        "image(size=" + "[" * 400 + "]" * 400 + ")",
        "likewise.transforms.image:ImageTransform",
        "os:system",
    ]
    for number, spec in enumerate(words):
        yield Case(
            "code as a spec",
            f"transform {number}",
            _written("transform.toml", _toml(spec)),
            True,
            REFUSED,
        )
        if len(spec) <= 1000:

            def distance(folder: Path, spec: str = spec) -> None:
                rehash(folder, distance=spec.replace("image", "euclidean"))

            yield Case("code as a spec", f"distance {number}", distance, True, REFUSED)

        def calibrator(data: bytes, spec: str = spec) -> bytes:
            plain = json.loads(data)
            plain["default"]["calibrator"] = spec.replace("image", "logistic")
            return json.dumps(plain).encode()

        make = _edited("calibration.json", calibrator)
        yield Case("code as a spec", f"calibrator {number}", make, True, REFUSED)


def _json_files() -> Iterator[Case]:
    bombs = {
        "nested": b"[" * 1_000_000,
        "nested tables": b'{"a":' * 200_000,
        "empty lists": b"[" + b"[]," * 500_000 + b"[]]",
        "huge number": b'{"default": ' + b"9" * 5000 + b"}",
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00",
        "text": b"hello",
        "number": b"1e999",
        "null": b"null",
        "no UTF-8": b'{"default": "\xff\xfe"}',
        "half a letter": b'{"default": "\\ud800"}',
    }
    for path in ("calibration.json", "trained_on.json", "training.json"):
        for name, data in bombs.items():
            yield Case("JSON", f"{path}: {name}", _written(path, data), True, REFUSED)
    values = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "9" * 400,
        '"text"',
        "null",
        "[]",
        "{}",
        "true",
    ]
    for number, value in enumerate(values):
        for path, key in {
            "calibration.json": "threshold",
            "training.json": "loss",
        }.items():

            def change(data: bytes, key: str = key, value: str = value) -> bytes:
                return re.sub(rf'"{key}": [-0-9.e]+'.encode(), f'"{key}": {value}'.encode(), data)

            # True is 1 to JSON's readers, and may be taken for it.
            allowed = ANY if value == "true" else REFUSED
            yield Case("JSON", f"{path}: {key} {number}", _edited(path, change), True, allowed)

    def altered(**changes: object) -> Make:
        def change(data: bytes) -> bytes:
            plain = json.loads(data)
            plain["default"] |= changes
            return json.dumps(plain).encode()

        return _edited("calibration.json", change)

    wrong = {
        "no points": altered(points=[]),
        "points as text": altered(points="eer"),
        "claim": altered(claim="everyone"),
        "units beyond": altered(units=10**400),
        "units below": altered(units=-1),
        "parameters as list": altered(parameters=[1, 2]),
        "no parameters": altered(parameters={}),
        "parameters as texts": altered(parameters={"slope": "1", "intercept": "2"}),
        "calibrator unknown": altered(calibrator="oracle"),
        "calibrator as list": altered(calibrator=["logistic"]),
    }
    for name, make in wrong.items():
        allowed = ANY if name in ("units below", "parameters as texts") else REFUSED
        yield Case("calibration", name, make, True, allowed)

    def many(data: bytes) -> bytes:
        plain = json.loads(data)
        plain["default"]["points"] *= 3000
        return json.dumps(plain).encode()

    yield Case("calibration", "ten thousand points", _edited("calibration.json", many), True, ANY)
    wild = '\x1b[31m<script>canary</script>\n\u202e"><img src=x onerror=canary>'

    def worded(data: bytes) -> bytes:
        plain = json.loads(data)
        for point in plain["default"]["points"]:
            point["reason"] = wild
            point["name"] += wild if point["name"] != "eer" else ""
        return json.dumps(plain).encode()

    yield Case("calibration", "markup in its words", _edited("calibration.json", worded), True, ANY)


def _texts(world: Path) -> Iterator[Case]:
    wild = '# \x1b[31m<script>canary</script>\n# "><img src=x onerror=canary>\n'.encode()
    yield Case("recipe", "markup", _edited("recipe.toml", lambda d: wild + d), True, ANY)
    yield Case(
        "recipe", "no UTF-8", _edited("recipe.toml", lambda d: b"# \xff\n" + d), True, REFUSED
    )
    yield Case("recipe", "bytes", _written("recipe.toml", bytes(range(256))), True, REFUSED)
    yield Case(
        "recipe",
        "pickle",
        _written("recipe.toml", onnx_files.pickled(world / "canary")),
        True,
        REFUSED,
    )
    yield Case(
        "recipe", "two megabytes", _edited("recipe.toml", lambda d: d + b"#" * 2**21), True, REFUSED
    )

    def epochs(change: Callable[[dict], None]) -> Make:
        def altered(data: bytes) -> bytes:
            plain = json.loads(data)
            for epoch in plain["epochs"]:
                change(epoch)
            return json.dumps(plain).encode()

        return _edited("training.json", altered)

    yield Case(
        "training",
        "an epoch with another key",
        epochs(lambda e: e.update(shell="rm")),
        True,
        REFUSED,
    )
    yield Case("training", "an epoch without one", epochs(lambda e: e.pop("steps")), True, REFUSED)
    yield Case("training", "steps beyond", epochs(lambda e: e.update(steps=10**400)), True, REFUSED)
    yield Case(
        "training",
        "steps as text",
        epochs(lambda e: e.update(steps="<script>canary")),
        True,
        REFUSED,
    )
    yield Case(
        "training", "seconds as list", epochs(lambda e: e.update(seconds=[[]])), True, REFUSED
    )

    def device(data: bytes) -> bytes:
        plain = json.loads(data) | {"device": "<script>canary</script>\x1b[31m"}
        return json.dumps(plain).encode()

    yield Case("training", "markup", _edited("training.json", device), True, ANY)


def _weights(world: Path) -> Iterator[Case]:
    """Nothing reads the weights but training, and nothing at all unpickles them."""
    for name, data in {
        "pickle": onnx_files.pickled(world / "canary"),
        "nothing": b"",
        "header of a terabyte": (10**12).to_bytes(8, "little") + b"{}",
    }.items():
        yield Case("weights", name, _written("weights.safetensors", data), True, EQUAL)
        yield Case("weights", name, _written("weights.safetensors", data), False, REFUSED)
