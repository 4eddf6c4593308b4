"""What every result can do: print short, turn into a dict, a frame, a picture; and its truth."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import likewise as house
from likewise.errors import Undecided
from likewise.gallery import Gallery, Matches
from likewise.results import Embeddings, Evaluation
from likewise.results.result import MOST_ROWS
from likewise.sources.arrays import Arrays

ROOT = Path(__file__).parents[2]
TABLES = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))


@pytest.fixture(scope="module")
def pair(strangers):
    """Two drawings of one identity, and one of another."""
    folders = sorted({path.parent for path in strangers.rglob("*.png")})
    return [*sorted(folders[0].glob("*.png"))[:2], next(folders[1].glob("*.png"))]


@pytest.fixture(scope="module")
def evaluation(image_model, strangers) -> Evaluation:
    return house.evaluate(image_model, strangers)


@pytest.fixture
def gallery(image_model, strangers, tmp_path):
    with Gallery(tmp_path / "people.db", image_model) as opened:
        house.enrol(image_model, opened, strangers)
        yield opened


def test_a_decision_is_true_when_the_two_are_the_same(image_model, pair):
    same = house.verify(image_model, pair[0], pair[1], far=0.1)
    other = house.verify(image_model, pair[0], pair[2], far=0.1)
    for decision in (same, other):
        assert decision.same == bool(decision) == (decision.verdict == "same")
        assert decision.same == (decision.distance <= decision.threshold)
    assert {same.verdict, other.verdict} == {"same", "different"}
    unsure = replace(same, verdict="undecided", point=replace(same.point, reason="Too few."))
    for ask in (bool, lambda one: one.same):
        with pytest.raises(Undecided, match=r"undecided: Too few\. Ask for its verdict"):
            ask(unsure)


def test_results_print_in_a_line_or_two(image_model, pair, evaluation, gallery, strangers):
    decision = house.verify(image_model, pair[0], pair[1], far=0.1)
    held = "<=" if decision else ">"
    assert repr(decision) == (
        f"Decision({decision.verdict}, distance={decision.distance:.3f} {held} "
        f"threshold={decision.threshold:.3f} at FAR 0.1)"
    )
    found = house.search(image_model, gallery, pair[0], k=3)
    many = [
        decision,
        evaluation,
        found,
        house.identify(image_model, gallery, pair[0]),
        house.embed(image_model, pair),
        house.dedupe(image_model, strangers, threshold=0.01),
        house.enrol(image_model, gallery, strangers),
        house.monitor(image_model, strangers),
        house.audit(strangers, quick=True),
    ]
    for one in many:
        told = repr(one)
        assert told.startswith(f"{type(one).__name__}(")
        assert len(told) < 200
        assert "\n" not in told
        page = one._repr_html_()
        assert page.startswith(f"<p><b>{type(one).__name__}</b> ")
        assert len(page) < 20_000
        assert "<script" not in page
        plain = one.to_dict()
        assert next(iter(plain)) == "schema"
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        frame = one.to_frame()
        assert len(frame) == len(one.rows())


def test_words_of_an_item_are_no_markup_in_a_notebook(image_model):
    images = np.tile(np.eye(16, dtype=np.uint8) * np.uint8(255), (2, 1, 1))
    source = Arrays.of(images, ["<script>x</script>", "b"], namespace="<img>")
    page = house.embed(image_model, source)._repr_html_()
    assert "<script>" not in page
    assert "<img>" not in page
    assert "&lt;script&gt;" in page


def test_a_notebook_shows_some_of_many_rows(image_model, strangers):
    page = house.embed(image_model, strangers)._repr_html_()
    assert page.count("<tr>") == MOST_ROWS + 1
    assert "<p>and 138 more</p>" in page


def test_a_frame_holds_what_was_measured(evaluation):
    frame = evaluation.to_frame()
    points = evaluation.verification.points
    assert frame["point"].tolist() == [one.name for one in points]
    assert frame["far"].tolist() == [one.test.far.value for one in points]
    assert frame["frr_errors"].tolist() == [one.test.frr.errors for one in points]


def test_embeddings_are_asked_by_place_and_label(image_model, strangers):
    found = house.embed(image_model, strangers)
    assert len(found) == 150
    assert found.labels.tolist() == found.items.identities.tolist()
    some = found[3:9]
    assert isinstance(some, Embeddings)
    assert np.array_equal(some.vectors, found.vectors[3:9])
    assert some.items.places.tolist() == found.items.places[3:9].tolist()
    assert len(found[5]) == 1
    one = found[found.labels == found.labels[7]]
    assert len(one) == 6
    assert set(one.labels.tolist()) == {found.labels[7]}
    assert np.array_equal(found[[4, 2]].vectors, found.vectors[[4, 2]])
    with pytest.raises(IndexError):
        _ = found[150]
    frame = some.to_frame()
    assert np.allclose(frame.drop(columns=["place", "label"]).to_numpy(), some.vectors)


def test_matches_are_a_sequence(image_model, gallery, pair):
    found = house.search(image_model, gallery, pair[0], k=5)
    assert len(found) == 5
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert found[0] == next(iter(found))
    assert isinstance(found[1:3], Matches)
    assert found[1:3].matches == found.matches[1:3]
    assert repr(found[:0]) == "Matches(none)"
    nearest = found[0]
    assert repr(found) == f"Matches(5, nearest {nearest.id!r} at {nearest.distance:.3f})"
    asked = house.identify(image_model, gallery, pair[0])
    first = asked.candidates[0]
    assert f"nearest {first.identity!r} at {first.distance:.3f}" in repr(asked)


@pytest.mark.parametrize("name", ["image", "series"])
def test_pictures_are_drawn(name, request, evaluation):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    trained = request.getfixturevalue(f"{name}_experiment")
    for one in (evaluation, trained.evaluation, trained):
        ax = one.plot()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        drawn = one.plot(ax=ax)
        assert drawn is ax
    ends = [line.get_xdata()[0] for line in evaluation.plot().get_lines()]
    assert evaluation.threshold in ends
    plt.close("all")


def test_schemas_are_those_of_the_fields():
    made = TABLES["schemas"]()
    folder = ROOT / "docs" / "schemas"
    assert {path.name for path in folder.iterdir()} == set(made)
    for name, text in made.items():
        assert (folder / name).read_text(encoding="utf-8") == text, "run `make tables`"
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_every_answer_keeps_its_schema(
    image_model, evaluation, pair, gallery, strangers, likewise, tmp_path
):
    base = [str(image_model.folder)]
    people = tmp_path / "people.db"
    asked = {
        "Decision": ["verify", *base, pair[0], pair[1]],
        "Evaluation": ["evaluate", *base, strangers, "--report", tmp_path / "page.html"],
        "Identified": ["identify", *base, people, pair[0]],
        "Matches": ["search", *base, people, pair[0]],
        "Monitored": ["monitor", *base, strangers],
        "Audit": ["audit", strangers, "--quick", "--out", tmp_path / "audit.html"],
        "EnrolledSource": ["enrol", *base, tmp_path / "more.db", strangers],
    }
    for name, words in asked.items():
        code, out, err = likewise(*words, "--json")
        assert code == 0, err
        schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text())
        answer = json.loads(out)
        jsonschema.validate(answer, schema)
        damaged = {key: value for key, value in answer.items() if key != schema["required"][-1]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(damaged, schema)
    code, out, _ = likewise("evaluate", *base, strangers, "--report", tmp_path / "b.html", "--json")
    assert json.loads(out) == json.loads(json.dumps(evaluation.to_dict()))
