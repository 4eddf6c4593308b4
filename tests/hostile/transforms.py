"""Transforms that are none, too large, or code."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.folders import (
    ANY,
    REFUSED,
    Case,
    edited,
    rehash,
    written,
)


def _toml(spec: str, state: str = "mean = [0.1]\nstd = [0.2]\n") -> bytes:
    return f"spec = {json.dumps(spec)}\n\n[state]\n{state}".encode()


def transforms() -> Iterator[Case]:
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
        yield Case("transform", name, written("transform.toml", _toml(spec)), True, REFUSED)
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
        yield Case("transform", name, written("transform.toml", _toml(good, state)), True, REFUSED)
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
        yield Case("transform", name, written("transform.toml", data), True, REFUSED)
    note = _toml(good).replace(b"spec", b"# a note\n\nspec", 1)
    for name, data in {"with a note": note, "with a mark": b"\n\n" + _toml(good)}.items():
        # What it says is another mean, so it may be another model.
        yield Case("transform", name, written("transform.toml", data), True, ANY)
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
            written("transform.toml", data),
            True,
            REFUSED,
            "series",
        )


def specs(world: Path) -> Iterator[Case]:
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
            written("transform.toml", _toml(spec)),
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

        make = edited("calibration.json", calibrator)
        yield Case("code as a spec", f"calibrator {number}", make, True, REFUSED)
