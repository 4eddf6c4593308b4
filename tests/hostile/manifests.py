"""Manifests that are no manifests."""

import re
from collections.abc import Iterator
from pathlib import Path

from likewise.types import Claim
from tests.hostile.folders import (
    ANY,
    MANIFEST,
    REFUSED,
    Case,
    Make,
    edited,
    rehash,
    written,
)


def manifests() -> Iterator[Case]:
    def lines(*, before: str = "", after: str = "") -> Make:
        return edited(MANIFEST, lambda data: before.encode() + data + after.encode())

    def key(name: str, value: str) -> Make:
        pattern = rf"(?m)^{name} = .*$".encode()
        line = f"{name} = {value}".encode()
        return edited(MANIFEST, lambda data: re.sub(pattern, lambda _: line, data, count=1))

    def text(old: str, new: str) -> Make:
        return edited(MANIFEST, lambda data: data.replace(old.encode(), new.encode()))

    bombs = {
        "nested lists": lines(before="a = " + "[" * 100_000 + "\n"),
        "nested tables": lines(before="a = " + "{a = " * 50_000 + "\n"),
        "dotted key": lines(before=".".join("a" * 100_000) + " = 1\n"),
        "many keys": lines(before="".join(f"k{i} = 1\n" for i in range(100_000))),
        "huge number": lines(before="a = " + "9" * 100_000 + "\n"),
        "huge text": lines(before=f'a = "{"x" * 900_000}"\n'),
        "two megabytes": lines(after="#" * 2_000_000),
        "same key twice": lines(before="format = 1\n"),
        "no UTF-8": edited(MANIFEST, lambda data: b"# \xff\n" + data),
        "bytes": written(MANIFEST, b"\xff\xfe\x00\x01" * 1000),
        "JSON": written(MANIFEST, b'{"format": 1}'),
        "format of the future": key("format", "3"),
        "format of the past": key("format", "1"),
        "format beyond numbers": key("format", "1" + "0" * 400),
        "format that is NaN": key("format", "nan"),
        "format below": key("format", "-1"),
        "format of truth": key("format", "true"),
        "kind": key("kind", '"sequence"'),
        "kind unknown": key("kind", '"video"'),
        "kind as a list": key("kind", "[[[]]]"),
        "task unknown": key("task", '"guess"'),
        "task as a table": key("task", "{}"),
        "inputs of another task": text("[inputs.main]", "[inputs.first]"),
        "inputs twice over": text(
            "[inputs.main]", '[inputs.second]\nkind = "image"\n[inputs.main]'
        ),
        "inputs as a text": text("[inputs.main]", 'inputs = "main"\n[more]'),
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
    yield Case(
        "manifest",
        "kind of another",
        lambda f: rehash(f, inputs={"main": "series"}),
        True,
        REFUSED,
    )
    yield Case(
        "manifest", "claim of another", lambda f: rehash(f, claim=Claim.KNOWN_CLASSES), True, ANY
    )
