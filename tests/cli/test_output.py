"""What every answer is made of."""

from dataclasses import dataclass

import numpy as np
import pytest

from likewise.cli.options import refuse
from likewise.cli.text.output import as_json_line, failed_lines, first_of, rerun
from likewise.errors import BadArgument, MissingExtra
from likewise.learn.extra import needs
from likewise.results import Result


def test_a_command_that_gives_an_answer_again():
    options = {
        "--margin": 0.0,
        "--quick": True,
        "--strict": False,
        "--by": "",
        "--rerank": None,
        "--set": ["loss.margin=0.2", "steps=3"],
        "--folds": 5,
        "--distance": "a b",
    }
    assert rerun("audit", "my faces", options=options) == (
        "likewise audit 'my faces' --margin 0 --quick --set loss.margin=0.2 --set steps=3 "
        "--folds 5 --distance 'a b'"
    )


def test_of_a_long_list_the_first_are_named():
    assert first_of(["a", "b"]) == ["  a", "  b"]
    assert first_of([str(i) for i in range(1012)], ", all in x")[9:] == [
        "  9",
        "  and 1,002 more, all in x",
    ]
    assert failed_lines([]) == []
    assert failed_lines([("a.png", "empty")]) == ["1 items failed to read:", "  a.png: empty"]


def test_a_result_is_one_object():
    @dataclass(frozen=True, repr=False)
    class Found(Result):
        numbers: object
        path: object

    made = Found(np.arange(2), 1 + 2j)
    assert as_json_line(made) == '{"schema": 1, "numbers": [0, 1], "path": "(1+2j)"}'
    with pytest.raises(ValueError, match="Out of range float"):
        as_json_line(Found(float("nan"), ""))


def test_what_says_nothing_is_refused_by_name():
    refuse({"--a": "", "--b": None, "--c": False, "--d": []}, "Leave it out.")
    for value in (0.0, "x", True, ["x"]):
        with pytest.raises(BadArgument, match=r"^--e was given\. Leave it out\.$"):
            refuse({"--a": "", "--e": value}, "Leave it out.")


def test_a_package_that_is_missing_is_named_with_what_brings_it():
    with (
        pytest.raises(MissingExtra, match=r"Training needs torch.*'likewise\[learn\]'"),
        needs("Training", "learn"),
    ):
        raise ImportError(name="torch")
    with pytest.raises(ImportError) as ours, needs("Training", "learn"):
        raise ImportError(name="likewise.nothing")
    assert not isinstance(ours.value, MissingExtra)
    with pytest.raises(MissingExtra, match="as it was"), needs("Training", "learn"):
        raise MissingExtra("as it was")
