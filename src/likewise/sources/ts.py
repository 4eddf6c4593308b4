"""The `.ts` format of time series, as the UCR and UEA archives are published in."""

import math
import re
from dataclasses import dataclass

import numpy as np

from likewise.errors import DamagedSource, EmptySource
from likewise.io.display import shortened
from likewise.shapes import Array, Float

TAGS = (
    "@problemname",
    "@timestamps",
    "@missing",
    "@univariate",
    "@dimension",
    "@dimensions",
    "@equallength",
    "@serieslength",
    "@classlabel",
    "@targetlabel",
    "@data",
)


@dataclass(frozen=True)
class TsSeries:
    """One series of a file.

    Attributes:
        values: Float32 [t d]; NaN where the file has `?`.
        label: Its class; empty if the file has no class labels.
        line: Where it stands in the file, from 1.
    """

    values: Float[Array, "t d"]
    label: str
    line: int


@dataclass
class _Header:
    """What the tags say of the series; None where they are silent."""

    labels: frozenset[str] | None = None
    channels: int | None = None
    length: int | None = None
    equal: bool = False


def parse_ts(data: bytes, name: str) -> list[TsSeries]:
    """Read all series of a file.

    Series may differ in length; the channels of one series may not.

    Args:
        data: The file.
        name: Its name, for errors.

    Raises:
        EmptySource: If there is no series in it.
        DamagedSource: If it departs from the format, with the line; or if its series have time
            stamps, or numbers to predict in place of classes.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = data[: error.start].count(b"\n") + 1
        raise _broken(name, where, f"{error}; text in UTF-8 is expected") from error
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    header, start = _header(lines, name)
    series: list[TsSeries] = []
    for number, line in lines[start:]:
        series.append(_series(line, header, name, number))
        header.channels = series[-1].values.shape[1]
        if header.equal:
            header.length = len(series[-1].values)
    if not series:
        raise EmptySource(f"{name} holds no series after @data. Give a file that holds some.")
    return series


def _broken(name: str, line: int, why: str) -> DamagedSource:
    return DamagedSource(f"{name}:{line}: {why}. Mend the line or fetch the file again.")


def _header(lines: list[tuple[int, str]], name: str) -> tuple[_Header, int]:
    """What the tags say, and where the data begin."""
    header = _Header()
    labelled = False
    for index, (number, line) in enumerate(lines):
        tag, *words = line.split()
        tag = tag.lower()
        if tag not in TAGS:
            expected = "a tag" if line.startswith("@") else "a tag of the header, or @data before,"
            raise _broken(name, number, f"{expected} is expected, not {line[:40]!r}")
        if tag == "@data":
            if not labelled:
                raise _broken(name, number, "@data before @classLabel, which is expected")
            return header, index + 1
        if tag in {"@classlabel", "@targetlabel"}:
            labelled = True
        try:
            _note(header, tag, words)
        except ValueError as error:
            raise _broken(name, number, str(error)) from error
    last = lines[-1][0] if lines else 1
    raise _broken(name, last, "the file ends before @data")


def _note(header: _Header, tag: str, words: list[str]) -> None:
    """Take in one tag; a ValueError says what is wrong with it."""
    if tag == "@timestamps" and _truth(tag, words):
        raise ValueError(
            "@timeStamps is true, and series with time stamps are not read; resample them to "
            "equal steps and write the values alone"
        )
    if tag == "@targetlabel" and _truth(tag, words):
        raise ValueError(
            "@targetlabel is true: these are numbers to predict, and classes are expected"
        )
    if tag in {"@dimension", "@dimensions"}:
        header.channels = _whole(tag, words)
    elif tag == "@serieslength":
        header.length = _whole(tag, words)
    elif tag == "@univariate" and _truth(tag, words):
        header.channels = 1
    elif tag == "@equallength":
        header.equal = _truth(tag, words)
    elif tag == "@missing":
        _truth(tag, words)
    elif tag == "@classlabel" and _truth(tag, words[:1]):
        if len(words) < 2:
            raise ValueError("@classLabel is true and names no classes")
        header.labels = frozenset(words[1:])


def _truth(tag: str, words: list[str]) -> bool:
    if [word.lower() for word in words] not in (["true"], ["false"]):
        given = shortened(" ".join(words), 80)
        raise ValueError(f"{tag} is {given!r}, and true or false is expected")
    return words[0].lower() == "true"


def _whole(tag: str, words: list[str]) -> int:
    if len(words) != 1 or not re.fullmatch("0*[1-9][0-9]{0,11}", words[0]):
        given = shortened(" ".join(words), 80)
        raise ValueError(f"{tag} is {given!r}, and a whole number from 1 is expected")
    return int(words[0])


def _series(line: str, header: _Header, name: str, number: int) -> TsSeries:
    fields = line.split(":")
    label = ""
    if header.labels is not None:
        label = fields.pop().strip()
        if label not in header.labels:
            known = shortened(", ".join(sorted(header.labels)), 200)
            raise _broken(name, number, f"the class is {label[:40]!r}, and one of {known} expected")
    if header.channels is not None and len(fields) != header.channels:
        raise _broken(name, number, f"{len(fields)} channels, and {header.channels} are expected")
    try:
        channels = [_values(field) for field in fields]
    except ValueError as error:
        raise _broken(name, number, str(error)) from error
    lengths = sorted({len(channel) for channel in channels})
    if not lengths or 0 in lengths:
        raise _broken(name, number, "an empty series")
    if len(lengths) > 1:
        raise _broken(
            name,
            number,
            f"channels of the unequal lengths {shortened(', '.join(map(str, lengths)), 200)}",
        )
    if header.length is not None and lengths != [header.length]:
        raise _broken(name, number, f"{lengths[0]} values, and {header.length} are expected")
    with np.errstate(over="ignore"):  # becomes infinite, which the transform refuses by row
        values = np.array(channels, dtype=np.float64).T.astype(np.float32)
    return TsSeries(np.ascontiguousarray(values), label, number)


def _values(field: str) -> list[float]:
    field = field.strip()
    values = []
    for word in field.split(",") if field else ():
        try:
            if "_" in word:  # which Python takes in numbers
                raise ValueError(word)  # noqa: TRY301 - one refusal for all
            values.append(math.nan if word.strip() == "?" else float(word))
        except ValueError:
            raise ValueError(f"{word.strip()[:40]!r} is no number") from None
    return values
