"""Specs, and the families that build components from them."""

import keyword
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import BadArgument, BadSpec, UnknownName
from likewise.registry import FAMILIES, Family, Spec, families
from likewise.signatures import fits
from tests.processes import answer_of

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)
literals = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(names, st.lists(literals, max_size=3), st.dictionaries(names, literals, max_size=3))
def test_a_spec_is_read_back_from_its_string(
    name: str, args: list[Any], kwargs: dict[str, Any]
) -> None:
    spec = Spec(name, tuple(args), kwargs)
    again = Spec.parse(str(spec))
    assert again == spec
    assert str(again) == str(spec)


@given(names, st.text(min_size=1).filter(lambda text: text == text.strip()))
def test_what_follows_a_colon_is_one_text(name: str, text: str) -> None:
    spec = Spec.parse(f"{name}:{text}")
    assert spec == Spec(name, (text,))
    assert Spec.parse(str(spec)) == spec


@given(st.text())
def test_any_text_is_a_spec_that_can_be_written_again_or_refused(text: str) -> None:
    try:
        spec = Spec.parse(text)
    except BadSpec:
        return
    assert Spec.parse(str(spec)) == spec


def test_specs_as_people_write_them() -> None:
    assert Spec.parse("triplet") == Spec("triplet")
    assert Spec.parse(" triplet() ") == Spec("triplet")
    assert Spec.parse("triplet(margin=0.2, miner='semi_hard')") == Spec(
        "triplet", (), {"margin": 0.2, "miner": "semi_hard"}
    )
    assert (
        Spec.parse("folder:faces/") == Spec("folder", ("faces/",)) == Spec.parse("folder('faces/')")
    )
    assert Spec.parse(r"folder:C:\faces") == Spec("folder", (r"C:\faces",))
    assert str(Spec.parse("triplet(margin=-1)").replaced(margin=2, soft=True)) == (
        "triplet(margin=2, soft=True)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "folder:",
        "two words",
        "3",
        "None",
        "'triplet'",
        "lambda: 1",
        "triplet(lambda: 1)",
        "triplet(margin=other)",
        "triplet(open('secret'))",
        "triplet(__import__('os').system('true'))",
        "triplet(*[1])",
        "triplet(**{'margin': 1})",
        "triplet(margin=1, margin=2)",
        "triplet(margin=1",
        "triplet(1)(2)",
        "torch.nn.Module",
        "losses.triplet(1)",
        "triplet(math.pi)",
        "triplet(f'{1}')",
        "triplet(2 ** 9)",
        "triplet([x for x in (1,)])",
        "triplet(x := 1)",
        "triplet(margin=1e999)",
        "triplet(margin=(1.0, -1e999))",
        "triplet(0x" + "f" * 9000 + ")",
        "triplet({[]: 1})",
        r"folder('C:\data')",
        "triplet(\0)",
        "triplet(" + "(" * 5000 + "1" + ")" * 5000 + ")",
        "triplet(" + "[" * 100_000,
        "triplet(" + "-" * 100_000 + "1)",
        "triplet(" + "1+" * 20_000 + "1)",
        "triplet(" + "x." * 20_000 + "y)",
    ],
    ids=lambda text: text[:30].encode("unicode_escape").decode(),
)
def test_what_is_no_name_with_literals_is_refused(text: str) -> None:
    with pytest.raises(BadSpec, match=r"is no spec\. Write a name, or a name with") as caught:
        Spec.parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("annotation", "fitting", "others"),
    [
        ("int", [1, -3], [1.0, True, "1", None]),
        ("float", [1, 0.5], [True, "1", None]),
        ("str", ["", "a"], [1, None, b"a"]),
        ("bool", [True, False], [0, 1, "true"]),
        ("float | None", [1.5, 2, None], ["a", False]),
        ("Literal['a', 'b']", ["a", "b"], ["c", 1, None]),
        ("Literal[1, 2]", [1, 2], [True, 1.0, 3]),
        ("Literal['a', 'b'] | None", ["a", None], ["c", 1]),
        ("int | Literal['auto']", [3, "auto"], ["other", 1.5]),
        ("tuple[float, float]", [(1, 2.5)], [(1,), (1, 2, 3), (1, "a"), [1, 2], 1]),
        ("tuple[int, ...]", [(), (1, 2, 3)], [(1, "a"), [1], 1]),
        ("dict[str, Any]", [{}, {"a": 1, "b": [2]}], [{1: 2}, "a", None, [("a", 1)]]),
        ("Mapping[str, Any]", [{}, 1, "anything"], []),
    ],
)
def test_a_literal_is_held_against_its_annotation(
    annotation: str, fitting: list[Any], others: list[Any]
) -> None:
    assert [value for value in fitting if not fits(value, annotation)] == []
    assert [value for value in others if fits(value, annotation)] == []


THING = '''"""Some things."""

from typing import Any, Literal


class Thing:
    """Does one thing, and says so in
    two lines.

    More follows, and is no part of the summary.
    """

    def __init__(
        self, shape: str, size: int, how: Literal["a", "b"] = "a", *, name: "str | None" = None
    ) -> None:
        self.given = (shape, size, how, name)


class Bare:
    """Takes nothing."""
'''


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family[Any]:
    """A family in a package of its own, under a name that was never imported before."""
    package = tmp_path / f"things_{uuid4().hex}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "thing.py").write_text(THING)
    (package / "broken.py").write_text("class Broken(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    table = {
        "thing": "thing:Thing",
        "bare": "thing:Bare",
        "gone": "gone.far:Gone",
        "renamed": "thing:Other",
        "broken": "broken:Broken",
    }
    return Family("thing", package.name, table, context=("shape",))


def test_a_component_is_described_without_its_context_and_without_importing_it(
    things: Family[Any],
) -> None:
    found = things.describe("thing")
    assert found.signature == (
        "thing(size: int, how: Literal['a', 'b'] = 'a', name: str | None = None)"
    )
    assert found.summary == "Does one thing, and says so in two lines."
    assert things.describe("bare").signature == "bare()"
    assert things.package not in sys.modules


def test_a_component_is_built_with_what_the_house_fills_in(things: Family[Any]) -> None:
    assert things.build("thing(3)", shape="s").given == ("s", 3, "a", None)
    assert things.build("thing(3, 'b')", shape="s").given == ("s", 3, "b", None)
    assert things.build("thing(name='n', size=3)", shape="s").given == ("s", 3, "a", "n")
    assert things.build(Spec("thing", (4,), {"how": "b"}), shape="s").given == ("s", 4, "b", None)
    assert type(things.build("bare")).__name__ == "Bare"


def test_a_component_is_given_what_it_declares_of_the_context(things: Family[Any]) -> None:
    assert things.build("thing(3)", shape="s", dim=5).given == ("s", 3, "a", None)
    assert type(things.build("bare", shape="s")).__name__ == "Bare"


def test_a_component_is_handed_through(things: Family[Any]) -> None:
    thing = things.build("thing(3)", shape="s")
    assert things.build(thing, shape="other") is thing
    assert thing.given == ("s", 3, "a", None)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        (
            "thign(3)",
            UnknownName,
            r"no thing is named 'thign'\. Did you mean 'thing'\? Known: thing",
        ),
        ("zzz", UnknownName, r"no thing is named 'zzz'\. Known: thing, bare, gone"),
        ("thing(3, sise=1)", UnknownName, r"has no argument 'sise'\. Did you mean 'size'\?"),
        ("thing(3, shape='s')", UnknownName, r"has no argument 'shape'\..* Known: size, how, name"),
        ("bare(1)", BadArgument, r"bare\(1\) gives 1 arguments; bare\(\) takes 0"),
        ("bare(size=1)", UnknownName, r"has no argument 'size'\. Known: none"),
        ("thing", BadArgument, r"thing lacks 'size'\. Write thing\(size: int, how"),
        ("thing(3, size=4)", BadArgument, r"gives 'size' twice\. Give it once"),
        ("thing('3')", BadArgument, r"'thing': size is '3', and int is expected"),
        ("thing(3, how='c')", BadArgument, r"how is 'c', and Literal\['a', 'b'\] is expected"),
        ("thing(3, name=4)", BadArgument, r"name is 4, and str \| None is expected"),
        ("thing(3", BadSpec, r"'thing\(3' is no spec"),
        ("gone", UnknownName, r"gone\.far:Gone' names a module that is not there\. Reinstall"),
        ("renamed", UnknownName, r"thing holds no class 'Other'\. Mend the table"),
        ("broken", UnknownName, r"broken\.py, which is no Python that can be read: .*Reinstall"),
    ],
)
def test_a_spec_that_cannot_be_followed_is_refused_before_anything_is_imported(
    things: Family[Any], spec: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        things.check(spec)
    with pytest.raises(error, match=words):
        things.build(spec, shape="s")
    assert things.package not in sys.modules


def test_every_family_is_described_without_torch() -> None:
    found = answer_of(
        "import json, sys\n"
        "from likewise.registry import families\n"
        "signatures = {name: [family.describe(c).signature for c in family.names()]\n"
        "              for name, family in families().items()}\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'onnxruntime'} & set(sys.modules)\n"
        "print(json.dumps([signatures, sorted(heavy)]))\n"
    )
    signatures, heavy = found
    assert heavy == []
    assert list(signatures) == list(FAMILIES)
    assert "triplet(margin: float = 0.2" in " ".join(signatures["losses"])
    assert "euclidean()" in signatures["distances"]


def test_every_family_is_known_by_the_last_word_of_its_package() -> None:
    assert {name: family.name for name, family in families().items()} == {
        name: name for name in FAMILIES
    }


FLAT = '''"""A loss of another package."""

from typing import final

from likewise.learn.losses.base import Loss


@final
class Flat(Loss):
    """Costs the same whatever it is given.

    Args:
        cost: How much.
    """

    def __init__(self, cost: float = 1.0, *, distance: object) -> None:
        super().__init__()
        self.cost = cost
        self.distance = distance

    def forward(self, embeddings, target, references=None, reference_target=None):
        return (embeddings * 0).sum() + self.cost
'''

FOREIGN = """
import json, sys
from likewise.learn.losses import FAMILY
from likewise.errors import UnknownName

names = FAMILY.names()
signature = FAMILY.describe("flat").signature
checked = str(FAMILY.check("flat(cost=3)"))
try:
    FAMILY.describe("gone")
except UnknownName as error:
    gone = str(error)
loaded = sorted({"torch", "borrowed"} & set(sys.modules))

import torch
from likewise.learn.losses.base import Loss

loss = FAMILY.build("flat(cost=3)", distance="the house's")
print(json.dumps({
    "names": names, "signature": signature, "checked": checked, "gone": gone, "loaded": loaded,
    "triplet": FAMILY.target("triplet"), "is_loss": isinstance(loss, Loss),
    "distance": loss.distance, "cost": loss(torch.zeros(2, 3), None).item(),
}))
"""


def test_a_loss_of_another_package_is_listed_described_and_built(tmp_path: Path) -> None:
    package = tmp_path / "borrowed"
    package.mkdir()
    (package / "__init__.py").write_text("import torch\n")
    (package / "flat.py").write_text(FLAT)
    installed = tmp_path / "borrowed-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: borrowed\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "[likewise.components]\n"
        "losses.flat = borrowed.flat:Flat\n"
        "losses.gone = nowhere.at_all:Gone\n"
        "losses.triplet = borrowed.flat:Flat\n"
        "miners.flat = borrowed.flat:Flat\n"
    )
    found = answer_of(FOREIGN, PYTHONPATH=str(tmp_path), LIKEWISE_CHECK_SHAPES="0")
    own = list(families()["losses"]._table)
    assert found["names"] == [*own, "flat", "gone"]
    assert found["signature"] == "flat(cost: float = 1.0)"
    assert found["checked"] == "flat(cost=3)"
    assert found["gone"].startswith("'nowhere.at_all:Gone' names a module that is not there.")
    assert found["loaded"] == []
    assert found["triplet"] == "likewise.learn.losses.triplet:Triplet"
    assert found["is_loss"] is True
    assert found["distance"] == "the house's"
    assert found["cost"] == 3.0


def test_an_old_name_goes_on_being_read_and_is_listed_nowhere(things: Family[Any]) -> None:
    family = Family[Any](
        "thing", things.package, {"thing": "thing:Thing"}, ("shape",), {"object": "thing"}
    )
    assert family.names() == ["thing"]
    assert family.canonical("object") == family.canonical("thing") == "thing"
    assert family.describe("object").name == "thing"
    assert str(family.check("object(3, how='b')")) == "thing(3, how='b')"
    assert family.build("object(3)", shape="s").given == ("s", 3, "a", None)
    with pytest.raises(UnknownName, match=r"no thing is named 'objekt'\. .*Known: thing\.$"):
        family.canonical("objekt")
