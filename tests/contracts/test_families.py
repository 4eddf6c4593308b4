"""What every component of every family promises: its words, its signature, its checked arguments.

A family's own promises stand in the file of its name; one without such a file fails here.
"""

import inspect
import math
from pathlib import Path

import pytest

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument, LikewiseError, UnknownName
from likewise.registry import FAMILIES, Family, Spec, families
from likewise.types import Form, InputShape

HERE = Path(__file__).parent
LISTED = [(family, name) for family in families().values() for name in family.names()]
# What a component without defaults is given; one that is not here is built as it is.
GIVEN = {
    "sources": {"path": "somewhere.csv"},
    "sources.ucr": {"name": "GunPoint"},
    "miners.pml": {"name": "TripletMarginMiner"},
    "losses.pml": {"name": "ContrastiveLoss"},
}
# Stores open a place with keywords of their own; tests/contracts/test_stores.py has them.
APART = {"stores"}
# Arguments of which any number has a meaning, with it.
UNBOUNDED = {
    "multi_similarity.base": "where a similarity is neither high nor low",
    "multi_similarity.epsilon": "far below 0, no pair is left out and none is kept",
    "circle.relaxation": "moves both margins",
    "proxy_anchor.delta": "a margin of either sign",
    "table.same_from": "any number may be a grade",
}
SHAPES = (
    InputShape(Form.IMAGES, 1, 65, 65),
    InputShape(Form.FRAMES, 3),
    InputShape(Form.VECTORS, 6),
    InputShape(Form.TOKENS, vocabulary=9),
)
CONTEXT = {"distance": DISTANCES.build("euclidean"), "dim": 8, "classes": 5, "maps": (8, 2, 3)}


def ids(part: object) -> str:
    return part.name if isinstance(part, Family) else str(part)


def arguments_of(family: Family[object], name: str) -> dict[str, object]:
    """Arguments with which a component can be built, those that the house fills in among them."""
    takes = [argument.name for argument in family.describe(name).arguments]
    asked = {**GIVEN.get(family.name, {}), **GIVEN.get(f"{family.name}.{name}", {})}
    given = {key: value for key, value in asked.items() if key in takes}
    parameters = inspect.signature(family.type_of(Spec(name, (), given))).parameters
    filled = {key: value for key, value in CONTEXT.items() if key in parameters}
    return {**given, **filled}


def built_from(family: Family[object], name: str) -> dict[str, object]:
    """The same with the first shape that it takes."""
    arguments = arguments_of(family, name)
    made = family.type_of(Spec(name, (), {k: v for k, v in arguments.items() if k not in CONTEXT}))
    if "shape" not in inspect.signature(made).parameters:
        made(**arguments)
        return arguments
    for shape in SHAPES:
        try:
            made(**arguments, shape=shape)
        except BadArgument:
            continue
        return {**arguments, "shape": shape}
    raise AssertionError(f"{family.name}: {name} takes none of {SHAPES}")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_its_contract_over_all_that_it_names(family: str) -> None:
    path = HERE / f"test_{family}.py"
    assert path.is_file(), f"{family} has no contract: write tests/contracts/test_{family}.py"
    text = path.read_text(encoding="utf-8")
    assert "FAMILY.names()" in text, f"{path.name} does not go over all that FAMILY names"


@pytest.mark.parametrize(("family", "name"), LISTED, ids=ids)
def test_its_signature_and_its_sentence_fit_one_line(family: Family[object], name: str) -> None:
    """`likewise list` shows them: a name a person can type, and a sentence of its own."""
    component = family.describe(name)
    assert component.name == name == name.lower()
    assert name.isidentifier()
    assert len(component.summary) <= 110
    alike = [one for one in family.names() if family.describe(one).summary == component.summary]
    assert alike == [name]


@pytest.mark.parametrize(("family", "name"), LISTED, ids=ids)
def test_an_argument_that_it_has_not_is_refused_by_name(family: Family[object], name: str) -> None:
    with pytest.raises(UnknownName, match=f"{family.noun} '{name}' has no argument 'nonsuch'"):
        family.check(Spec(name, (), {"nonsuch": 1}))


@pytest.mark.parametrize(("family", "name"), LISTED, ids=ids)
def test_what_is_no_such_number_is_refused_naming_the_component(
    family: Family[object], name: str
) -> None:
    """No argument takes NaN or infinity, and no count is a million below nothing."""
    if family.name in APART:
        return
    arguments = built_from(family, name)
    made = family.type_of(Spec(name, (), {k: v for k, v in arguments.items() if k in GIVEN_NAMES}))
    for argument in family.describe(name).arguments:
        words = [word.strip() for word in argument.annotation.split("|")]
        values = [-(10**6)] if "int" in words else []
        values += [math.nan, math.inf] if "float" in words else []
        if "float" in words and f"{name}.{argument.name}" not in UNBOUNDED:
            values.append(-1e30)
        for value in values:
            # Some errors are shared, and say the argument in words: "the same from".
            with pytest.raises(LikewiseError, match=f"{name}|{argument.name.replace('_', ' ')}"):
                made(**{**arguments, argument.name: value})


GIVEN_NAMES = {key for given in GIVEN.values() for key in given}


def test_what_is_left_out_here_is_there() -> None:
    """An exception whose component or argument is gone is taken out."""
    known = {
        f"{name}.{argument.name}"
        for family, name in LISTED
        for argument in family.describe(name).arguments
    }
    assert set(UNBOUNDED) <= known
    assert set(FAMILIES) >= APART
