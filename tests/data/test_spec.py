"""What a person names as a source, and the specs that are made of it."""

import pytest

from likewise.data.spec import graded_spec, grading_of, grouped_spec, source_spec
from likewise.errors import BadArgument, SourceNotFound
from likewise.sources.tabular.grades import Grading


def test_a_path_stands_for_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    for name in ("a.csv", "a.zip", "a.npz", "a.ts", "a.JSONL", "a.other"):
        (tmp_path / name).touch()
    assert source_spec("faces") == "folder('faces')"
    assert source_spec("a.csv") == "table('a.csv')"
    assert source_spec("a.JSONL") == "table('a.JSONL')"
    assert source_spec("a.zip") == "folder('a.zip')"
    assert source_spec("a.npz") == "arrays('a.npz')"
    assert source_spec("a.ts") == "ucr('a.ts')"
    assert source_spec("a.other") is None  # a file that is one item
    assert source_spec("omniglot") == "omniglot"
    assert source_spec("characters(seed=1)") == "characters(seed=1)"
    for text in ("nothing/here", "nothere", "a b"):
        with pytest.raises(SourceNotFound, match=f"no file or folder '{text}'. .Sources by name: "):
            source_spec(text)
    with pytest.raises(SourceNotFound, match="did you mean 'omniglot'"):
        source_spec("omniglott")


def test_groups_are_of_a_column_or_of_the_source():
    assert grouped_spec("folder('a')", "") == "folder('a')"
    assert grouped_spec("folder('a')", "group") == "folder('a')"
    assert grouped_spec("table('a.csv')", "site") == "table('a.csv', group='site')"
    assert grouped_spec("table('a', group='x')", "group") == "table('a', group='x')"
    with pytest.raises(BadArgument, match="folder is no table with a column of that name"):
        grouped_spec("folder('a')", "site")


def test_grades_are_of_a_table():
    assert grading_of(None, None) is None
    assert grading_of(4.0, None) == Grading(4.0)
    assert graded_spec("folder('a')", None) == "folder('a')"
    assert graded_spec("table('a')", grading_of(4.0, None)) == "table('a', same_from=4.0)"
    both = graded_spec("table('a')", grading_of(4.0, 2.0))
    assert both == "table('a', same_from=4.0, different_to=2.0)"
    with pytest.raises(BadArgument, match="--different-to 2 was given without --same-from"):
        grading_of(None, 2.0)
    with pytest.raises(BadArgument, match="folder is no table of graded pairs"):
        graded_spec("folder('a')", Grading(4.0))
