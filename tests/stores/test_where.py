"""Conditions: what they mean, what is refused, and that SQLite agrees with the definition."""

import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from likewise.errors import BadArgument, BadCondition
from likewise.stores.rows import metadata_texts
from likewise.stores.sqlite.filter_sql import sqlite_condition
from likewise.stores.where import Comparison, Joined, Opposite, condition_holds, parse_condition

ROW = {"id": "a b", "identity": "ada", "season": "winter", "price": 12.5, "stock": 3, "new": True}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ('season = "winter"', True),
        ("season == 'winter'", True),
        ("season != 'summer'", True),
        ("season = 'it''s'", False),
        ("price < 20 and stock >= 3", True),
        ("price<20 and stock>3", False),
        ("stock = 3.0", True),
        ("stock = -3 or price = 1.25e1", True),
        ("new = true", True),
        ("new = false", False),
        ("NOT new = false AND (stock = 1 OR stock = 3)", True),
        ("not season = 'winter' or stock = 3", True),
        ("stock in (1, 2, 3)", True),
        ("season in ('summer')", False),
        ("identity = 'ada' and id = 'a b'", True),
        # What is not there, or of another type, is neither equal nor unequal.
        ("colour = 'red'", False),
        ("colour != 'red'", False),
        ("not colour = 'red'", True),
        ("stock = '3'", False),
        ("stock != '3'", False),
        ("new = 1", False),
        ("season < 'x'", True),
    ],
)
def test_what_a_condition_means(text, true):
    assert condition_holds(parse_condition(text), ROW) is true


def test_and_binds_closer_than_or():
    one, two, three = (Comparison(name, "=", 1) for name in "abc")
    found = parse_condition("a = 1 or b = 1 and not c = 1")
    assert found == Joined("or", (one, Joined("and", (two, Opposite(three)))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a name is expected and the end found, at character 1"),
        ("season", "one of = != < <= > >= in is expected and the end found"),
        ("season =", "a text in quotes, a number, true or false is expected and the end"),
        ("season = winter", "true or false is expected and 'winter' found, at character 10"),
        ("(season = 'x'", "a closing parenthesis is expected"),
        ("season = 'x' stock = 1", "and, or, or the end is expected and 'stock' found"),
        ("season = 'x'; drop table rows", "'; drop table rows' is not understood, at character 13"),
        ("season = 'x' -- more", "is not understood"),
        ("season = 'x", '"\'x" is not understood, at character 10'),
        ("new < true", "new < a boolean has no meaning"),
        ("a = 1e999", "is too large"),
        ("a in 1", "an opening parenthesis is expected"),
        ("a in (1 2)", "a comma or a closing parenthesis is expected"),
        ("not " * 60 + "a = 1", "nested more than 50 deep"),
        ("a = 1 or " * 2000 + "a = 1", "at most 10,000 are read"),
        ("1 = a", "a name is expected and '1' found"),
        ("a.b = 1", "'.b = 1' is not understood"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_place(text, message):
    with pytest.raises(BadCondition) as caught:
        parse_condition(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"a b": 1}, "'a b' cannot be asked for in a condition"),
        ({"1a": 1}, "cannot be asked for"),
        ({"Not": 1}, "cannot be asked for"),
        ({"id": "x"}, "Every row has its id"),
        ({"a": float("nan")}, "'a' is nan, and a text"),
        ({"a": 2**60}, "an integer within 2.53 is expected"),
        ({"a": None}, "'a' is None"),
        ({"a": [1]}, r"'a' is \[1\]"),
        ({"a": "x" * 70_000}, "at most 65,536 are kept"),
        ({"a": "\ud800"}, "a text, a boolean"),
    ],
)
def test_metadata_that_cannot_be_kept_is_refused(metadata, message):
    with pytest.raises(BadArgument, match=message):
        metadata_texts([metadata])


NAMES = st.sampled_from(["a", "b", "Ärger", "id", "identity"])
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=3)
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(-1e300, 1e300), st.sampled_from([0.1, 0.3, 1e-5, 2, 7])
)
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans())


def comparison(name: str, sign: str, value: object) -> Comparison:
    return Comparison(name, "=" if isinstance(value, bool) and sign != "!=" else sign, value)


SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
CONDITIONS = st.recursive(
    st.builds(comparison, NAMES, SIGNS, VALUES),
    lambda inner: st.one_of(
        st.builds(Opposite, inner),
        st.builds(Joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1).map(tuple)),
    ),
)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "Ärger"]), VALUES)


@settings(max_examples=100, deadline=None)
@given(CONDITIONS, ROWS, TEXTS, TEXTS)
def test_sqlite_agrees_with_the_definition(condition, metadata, name, identity):
    sql, bound = sqlite_condition(condition)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE rows (id TEXT, identity TEXT, metadata TEXT)")
    row = (name, identity, metadata_texts([metadata])[0])
    connection.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
    asked = "SELECT " + sql + " FROM rows"
    (found,) = connection.execute(asked, bound).fetchone()
    connection.close()
    assert found == condition_holds(condition, {"id": name, "identity": identity, **metadata})


@pytest.fixture(scope="module")
def database(postgres):
    """What a condition is asked of."""
    import psycopg

    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        yield connection


def answered(database, condition, name: str, identity: str, metadata: dict) -> bool:
    """What PostgreSQL says of one row."""
    from psycopg import sql

    from likewise.stores.postgres.conditions import postgres_condition
    from likewise.stores.postgres.wire import id_digest

    words, bound = postgres_condition(condition)
    asked = sql.SQL(
        'SELECT {} FROM (SELECT %s::text COLLATE "C" AS id, %s::text COLLATE "C" AS identity, '
        "%s::bytea AS digest, %s::jsonb AS fields) one"
    ).format(words)
    row = [name, identity, id_digest(name), metadata_texts([metadata])[0]]
    ((found,),) = database.execute(asked, [*bound, *row]).fetchall()
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=CONDITIONS, metadata=ROWS, name=TEXTS, identity=TEXTS)
def test_postgres_agrees_with_the_definition(database, condition, metadata, name, identity):
    found = answered(database, condition, name, identity, metadata)
    assert found is condition_holds(condition, {"id": name, "identity": identity, **metadata})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(metadata=st.dictionaries(st.sampled_from(["a", "b"]), NUMBERS, min_size=1))
def test_postgres_finds_a_number_by_itself(database, metadata):
    for name, value in metadata.items():
        assert answered(database, Comparison(name, "=", value), "x", "y", metadata)
        assert not answered(database, Comparison(name, "<", value), "x", "y", metadata)


@pytest.mark.parametrize(
    "text",
    [
        "a < 'b' or a > 1",
        "a = 1 or b = 'x'",
        "not (a < 2) and b != 'y'",
        f"a in ({', '.join(map(str, range(1800)))})",
        """a = '"; DROP TABLE rows; --' or b = '%s %(x)s'""",
    ],
)
def test_postgres_takes_a_value_of_any_type(database, text):
    for value in (1, 1.0, "1", "x", True, "%s", '"; DROP TABLE rows; --'):
        row = {"a": value, "b": "x"}
        assert answered(database, parse_condition(text), "i", "w", row) is condition_holds(
            parse_condition(text), row
        )


@pytest.mark.parametrize("value", ["a\0b", "\ud800", float("nan"), float("inf")])
def test_postgres_refuses_what_no_row_holds(postgres, value):
    from likewise.stores.postgres.conditions import postgres_condition

    with pytest.raises(BadCondition, match="and no row can"):
        postgres_condition(Comparison("a", "=", value))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b"]), NUMBERS, min_size=1))
def test_a_number_is_found_by_itself(metadata):
    connection = sqlite3.connect(":memory:")
    for name, value in json.loads(metadata_texts([metadata])[0]).items():
        sql, bound = sqlite_condition(Comparison(name, "=", value))
        text = metadata_texts([metadata])[0]
        asked = "SELECT " + sql + " FROM (SELECT ? AS metadata)"
        (found,) = connection.execute(asked, [*bound, text]).fetchone()
        assert found == 1, (name, value)
    connection.close()


def test_a_long_list_is_within_what_sqlite_takes():
    condition = parse_condition(f"a in ({', '.join(map(str, range(1800)))})")
    sql, bound = sqlite_condition(condition)
    connection = sqlite3.connect(":memory:")
    asked = "SELECT " + sql + " FROM (SELECT ? AS metadata)"
    assert connection.execute(asked, [*bound, '{"a": 1799}']).fetchone() == (1,)
    connection.close()


def test_names_and_literals_are_bound_and_not_written():
    condition = parse_condition("""season = '"; DROP TABLE rows; --' and identity > 'x''y'""")
    sql, bound = sqlite_condition(condition)
    assert "DROP" not in sql
    assert "season" not in sql
    assert bound == ['$."season"', '$."season"', '"; DROP TABLE rows; --', "x'y"]


def test_metadata_of_many_rows_are_written_as_each_alone():
    rows = [
        {},
        {"a": 1},
        {"a": "},\n{", "b": ',\n"c": 2'},
        {"ü": "\\}", "none": "", "yes": True, "half": 0.5},
        {},
    ]
    alone = [json.dumps(row, ensure_ascii=False) for row in rows]
    assert metadata_texts(rows) == alone
    assert [metadata_texts([row])[0] for row in rows] == alone
    assert metadata_texts([]) == []
