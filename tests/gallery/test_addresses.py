"""What is given as a gallery is cleaned before anything is printed of it."""

import json

import pytest

from likewise.gallery import store_spec
from likewise.io.display import printable, shown_place
from likewise.stores.postgres.server import Server

SECRET = "sesame"  # noqa: S105 - of nobody
FORMS = (
    f"postgresql://u:{SECRET}@localhost:1/db",
    f"postgresql://u:{SECRET}/b@localhost:1/db",
    f"postgresql://u:a/{SECRET}@localhost:1/db",
    f"postgresql://u:a?{SECRET}@localhost:1/db",
    f"postgresql://u:a#{SECRET}@localhost:1/db",
    f"postgresql://u:{SECRET}@x@localhost:1/db",
    f"postgresql://u:{SECRET}",
    f"POSTGRESQL://u:{SECRET}@localhost:1/db#people",
    f"Postgres://u:{SECRET}@localhost:1/db",
    f"postgresql+psycopg://u:{SECRET}@localhost:1/db",
    f"postgresql:/u:{SECRET}@localhost:1/db",
    f"postgresql:u:{SECRET}@localhost:1/db",
    f"postgresql://localhost:1/db?user=u&password={SECRET}",
    f"postgresql://localhost:1/db?password=a@{SECRET}",
    f"host=localhost port=1 password={SECRET}",
    f"host=localhost port=1 password = {SECRET}",
    f"host=localhost port=1 password='{SECRET}",
    f"host=localhost port=1 password='a {SECRET}' user=u",
    f"password={SECRET}",
    f"PASSWORD={SECRET} HOST=localhost",
    f"  postgresql://u:{SECRET}@localhost:1/db  ",
)


@pytest.mark.parametrize("given", FORMS)
def test_no_form_of_a_password_is_shown(
    given, image_model, strangers, likewise, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert SECRET not in shown_place(given)
    probe = next(strangers.rglob("*.png"))
    model = image_model.folder
    for words in (
        ("enrol", model, given, strangers),
        ("gallery", "info", given),
        ("gallery", "check", given),
        ("gallery", "backup", given, "copy.db"),
        ("gallery", "migrate", given, model),
        ("identify", model, given, probe),
        ("search", model, given, probe, "--json"),
    ):
        code, out, err = likewise(*words)
        assert code == 2, out
        assert SECRET not in out + err, words
    assert list(tmp_path.iterdir()) == []


def test_addresses_are_told_from_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host=me").write_text("", encoding="utf-8")
    for path in ("people.db", "postgres.db", "a/postgresql/b.db", "host=me", "dbname"):
        assert store_spec(path) == f"sqlite({path!r})"
        assert shown_place("people.db") == "people.db"
    right = {
        "postgresql://u@h/db#people": ("postgresql://u@h/db", "people"),
        "postgres://h/db": ("postgres://h/db", ""),
        "POSTGRESQL://u@h/db": ("postgresql://u@h/db", ""),
        "postgresql+psycopg://u@h/db#a": ("postgresql://u@h/db", "a"),
        "host=h dbname=db#people": ("host=h dbname=db", "people"),
    }
    for given, (address, table) in right.items():
        more = f", table={table!r}" if table else ""
        expected = f"pgvector({address!r}{more})"
        assert store_spec(given) == expected.replace("postgres://", "postgresql://")


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://u@db.example/x", "require"),
        ("postgresql://u@db.example/x?sslmode=disable", None),
        ("host=10.0.0.7 dbname=x", "require"),
        ("host=localhost,db.example dbname=x", "require"),
        ("postgresql://u@localhost/x", None),
        ("postgresql://u@127.0.0.1:5/x", None),
        ("postgresql://u@[::1]/x", None),
        ("postgresql:///x", None),
        ("postgresql:///x?host=/var/run", None),
        ("service=mine", None),
    ],
)
def test_what_goes_over_a_network_is_encrypted(address, mode, monkeypatch):
    monkeypatch.delenv("PGSSLMODE", raising=False)
    monkeypatch.delenv("PGHOST", raising=False)
    server = Server(address, "people", 1.0, writing=False)
    assert server._more.get("sslmode") == mode
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "sslmode" not in Server(address, "people", 1.0, writing=False)._more


def test_what_cannot_be_seen_is_written_out():
    hidden = "\u200b\u200d\u202e\u2066\u2060\u00ad\U000e0041\ufe0f\ufeff\u3164\u061c"
    for letter in hidden:
        told = printable(f"a{letter}b")
        assert letter not in told
        assert told.startswith("a\\")
    assert printable("名前 é ά 👩") == "名前 é ά 👩"


def test_the_errors_of_json_are_cleaned_too(likewise):
    code, out, _ = likewise("gallery", "info", f"postgresql://u:{SECRET}@localhost:1/db", "--json")
    assert code == 2
    assert SECRET not in out
    assert json.loads(out)["error"] == "GalleryUnreachable"
