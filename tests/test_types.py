"""Arguments that had another name are still taken by it, with a warning."""

import pytest

from likewise import Gallery, calibrate, dedupe, identify, verify
from likewise.errors import BadArgument
from likewise.renamed import renamed_arguments


@renamed_arguments(colour="color")
def painted(thing: str, *, color: str = "red") -> str:
    return f"{thing} in {color}"


def test_an_argument_is_taken_by_its_old_name_with_a_warning():
    assert painted("a door", color="blue") == "a door in blue"
    with pytest.warns(DeprecationWarning, match="colour is called color now"):
        assert painted("a door", colour="blue") == "a door in blue"  # type: ignore[call-arg]


def test_an_argument_under_both_of_its_names_is_refused():
    with pytest.raises(BadArgument, match=r"colour and color are both given.* Leave out colour"):
        painted("a door", color="blue", colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("function", "given", "old", "new"),
    [
        (verify, 3, "at", "operating_point"),
        (dedupe, 2, "at", "operating_point"),
        (calibrate, 2, "against", "impostors"),
        (identify, 3, "rule", "fusion"),
        (Gallery.identify, 2, "rule", "fusion"),
        (Gallery.identify_many, 2, "rule", "fusion"),
        (Gallery.limit, 2, "rule", "fusion"),
    ],
)
def test_public_functions_take_the_old_names(function, given, old, new):
    warned = pytest.warns(DeprecationWarning, match=f"{old} is called {new} now")
    # Nothing stands where a model or a gallery is expected: what follows does not matter.
    with warned, pytest.raises((AttributeError, TypeError, ValueError)):
        function(*[None] * given, **{old: "x"})
