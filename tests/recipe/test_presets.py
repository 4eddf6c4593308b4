"""Recipes by kind of data: which row is taken, and what it may fill."""

import json

import numpy as np
import pytest

from likewise.errors import BadArgument, RecipeError, UnknownName
from likewise.recipe import presets
from likewise.recipe.presets import (
    complete,
    data_kind,
    filled,
    parse_presets,
    pick,
    preset_named,
    rows,
)
from likewise.recipe.recipe import Recipe
from likewise.recipe.start import started_from
from likewise.registry import families
from likewise.sources.arrays import Arrays
from tests.conftest import glyphs, waves

TABLE = """
[[recipe]]
name = "quick"
for = "drawings in a hurry"
kind = "drawings"
minutes = 2
measured = "nothing"
[recipe.fields]
encoder = "resnet(width=8)"
loss = "supcon"
distance = "cosine"
learning_rate = 0.005
update_bn_batches = 7
ema_decay = 0.9

[[recipe]]
name = "many"
for = "many drawings"
kind = "drawings"
identities = [50, 0]
measured = "nothing"
[recipe.fields]
loss = "circle"
memory = 64

[[recipe]]
name = "few"
for = "few drawings"
kind = "drawings"
measured = "nothing"
[recipe.fields]
warmup = 0.3

[[recipe]]
name = "odd"
for = "nobody who does not ask"
measured = "nothing"
[recipe.fields]
weight_decay = 0.5
"""


@pytest.fixture
def table(monkeypatch):
    made = parse_presets(TABLE)
    monkeypatch.setattr(presets, "rows", lambda: made)
    return {row.name: row for row in made}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return glyphs(tmp_path_factory.mktemp("recipes") / "drawn", count=12, each=3)


def items_of(images: np.ndarray):
    names = np.repeat(np.arange(len(images) // 2), 2).astype(str)
    return Arrays.of(images, names, namespace="images").items()


# ── the table that ships ──────────────────────────────────────────────────────────────────────


def test_every_row_that_ships_is_a_recipe():
    assert rows()
    for row in rows():
        start = Recipe.for_kind("series" if row.kind == "series" else "image")
        assert start.with_fields(row.fields).checked()
        assert row.measured
        assert row.suits


@pytest.mark.parametrize("kind", presets.sorts())
@pytest.mark.parametrize("seconds", [None, 10.0, 90.0, 599.0, 86_400.0])
@pytest.mark.parametrize("identities", [2, 40, 5000])
def test_there_is_a_row_for_every_kind_and_time(kind, seconds, identities):
    assert any(row.fits(kind, seconds, identities) for row in rows())


# ── which row ─────────────────────────────────────────────────────────────────────────────────


def test_the_first_row_that_fits_is_taken(table, drawn):
    items = families()["sources"].build(f"folder({str(drawn)!r})").items()
    assert pick(items, 60)[0] == table["quick"]
    assert pick(items, 121)[0] == table["few"]
    assert pick(items)[0] == table["quick"]
    more = items_of(np.zeros((120, 8, 8), np.uint8))
    assert pick(more, 121)[0] == table["many"]
    _, why = pick(items, 60)
    assert "16 of 16 images looked at are drawn" in why
    assert "12 identities, 60 s" in why
    series, names = waves(count=4, each=2)
    assert pick(Arrays.of(series, names, namespace="waves").items())[0] is None


def test_kinds_are_told_by_looking():
    random = np.random.default_rng(0)
    ink = np.where(random.random((20, 90, 90)) < 0.1, 10, 240).astype(np.uint8)
    grey = random.integers(0, 256, (20, 90, 90), dtype=np.uint8)
    assert data_kind(items_of(ink))[0] == "drawings"
    assert data_kind(items_of(grey))[0] == "photographs"
    assert data_kind(items_of(grey[:, :30, :30]))[0] == "drawings"
    colour = random.integers(0, 256, (20, 30, 30, 3), dtype=np.uint8)
    assert data_kind(items_of(colour))[0] == "photographs"
    series, names = waves(count=4, each=2)
    assert data_kind(Arrays.of(series, names, namespace="waves").items())[0] == "series"


def test_items_that_cannot_be_read_are_passed_over(drawn, tmp_path):
    broken = glyphs(tmp_path / "broken", count=4, each=3)
    for path in sorted(broken.rglob("*.png"))[::2]:
        path.write_bytes(b"no image")
    items = families()["sources"].build(f"folder({str(broken)!r})").items()
    assert data_kind(items) == ("drawings", "6 of 6 images looked at are drawn, or small and grey")


def started(*args, **options):
    """The recipe that is started from, and what is told of it."""
    found = started_from(*args, **options)
    return found.recipe, found.told


# ── what it fills ─────────────────────────────────────────────────────────────────────────────


def test_what_nobody_gave_is_filled(table, drawn):
    recipe, line = started(str(drawn), {"budget_seconds": 60.0})
    for key, value in table["quick"].fields.items():
        assert getattr(recipe, key) == value
    assert recipe.augmentations == ("affine",)  # what the row does not say
    assert line.startswith("quick (drawings in a hurry; 16 of 16 images")
    assert "encoder, loss, distance, learning_rate, update_bn_batches, ema_decay" in line
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_what_was_given_holds(table, drawn):
    settings = ["loss=contrastive", "learning_rate=0.5"]
    recipe, _ = started(str(drawn), {"encoder": "convnet4", "budget_seconds": 60.0}, settings)
    assert (recipe.encoder, recipe.loss, recipe.learning_rate) == ("convnet4", "contrastive", 0.5)
    assert recipe.update_bn_batches == 0  # it belongs to the encoder that was not taken
    assert recipe.ema_decay == 0.9
    assert recipe.budget_seconds == 60


def test_the_time_may_be_set(table, drawn):
    assert started(str(drawn), settings=["budget_seconds=500"])[1].startswith("few ")
    assert started(str(drawn), settings=["epochs=3"])[0].epochs == 3


def test_an_argument_of_a_component_that_the_row_has_not_keeps_the_usual_one(table, drawn):
    assert started(str(drawn), settings=["loss.margin=0.4"])[0].loss == "triplet(margin=0.4)"
    temperature = started(str(drawn), settings=["loss.temperature=0.4"])[0]
    assert temperature.loss == "supcon(temperature=0.4)"
    assert filled(table["many"], ["loss"]) == {}
    assert filled(table["many"], [], ["loss.scale=9.0"]) == table["many"].fields


def test_a_size_that_a_person_asks_for_is_not_adapted():
    row = preset_named("drawings_long")
    assert "allow_fewer=True" in row.fields["sampler"]
    assert filled(row, [], ["loss.temperature=0.2"])["sampler"] == row.fields["sampler"]
    assert filled(row, [], ["sampler.items=2"])["sampler"] == "classes_by_items"


def test_plain_and_names_are_taken_by_hand(table, drawn):
    plain, line = started(str(drawn), recipe="plain")
    assert line.startswith("12 folders, 2 levels: identity = levels 1 to 2")
    assert plain.with_fields({"source": ""}) == Recipe.for_kind("image")
    odd, line = started(str(drawn), recipe="odd")
    assert odd == plain.with_fields({"weight_decay": 0.5})
    assert line.startswith("odd (nobody who does not ask; as asked) says weight_decay")
    with pytest.raises(UnknownName, match=r"'od'. Did you mean 'odd'\? Known: plain, quick"):
        started(str(drawn), recipe="od")


def test_a_recipe_file_keeps_what_it_names(table, drawn, tmp_path):
    whole = Recipe(source=f"folder({str(drawn)!r})", loss="triplet")
    path = tmp_path / "whole.toml"
    path.write_text(whole.to_toml())
    assert started(str(path)) == (whole, "")
    with pytest.raises(BadArgument, match="--recipe odd says weight_decay, and nothing of that"):
        started(str(path), recipe="odd")
    assert complete(set(json.loads(json.dumps([*vars(whole)]))))
    part = tmp_path / "part.toml"
    part.write_text(f'source = "folder({str(drawn)!r})"\nloss = "triplet"\nepochs = 4\n')
    recipe, line = started(str(part))
    assert (recipe.loss, recipe.epochs) == ("triplet", 4)
    assert recipe.encoder == table["quick"].fields["encoder"]
    assert "says encoder, distance" in line
    assert started(str(part), recipe="plain")[0] == Recipe.from_toml(part.read_text())


def test_pairs_take_no_row(table, drawn, tmp_path):
    places = [str(path) for path in sorted(drawn.glob("*/*/*.png"))]
    lines = [f"{a},{b},1" for a, b in zip(places[::3], places[1::3], strict=False)]
    (tmp_path / "pairs.csv").write_text("\n".join(["first,second,same", *lines]) + "\n")
    recipe, line = started(str(tmp_path / "pairs.csv"))
    assert (recipe.loss, recipe.sampler, line) == ("contrastive", "balanced_pairs", "")


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ('name = "few"', 'name = "quick"', RecipeError, "Two recipes are named 'quick'"),
        ('name = "few"', 'name = "plain"', RecipeError, "Two recipes are named 'plain'"),
        ('kind = "drawings"', 'kind = "drawing"', UnknownName, "Did you mean 'drawings'"),
        ("minutes = 2", "minute = 2", UnknownName, "Did you mean 'minutes'"),
        ("warmup = 0.3", "warmpu = 0.3", UnknownName, "Did you mean 'warmup'"),
        ("warmup = 0.3", "warmup = 3.0", RecipeError, "warmup is 3.0"),
        ("warmup = 0.3", "seed = 3", RecipeError, "sets seed, which is the user's to say"),
        ('loss = "circle"', 'loss = "circel"', UnknownName, "Did you mean 'circle'"),
        ('for = "many drawings"', "", RecipeError, "A row of the recipes lacks for"),
    ],
)
def test_a_table_that_cannot_be_followed_is_refused(old, new, kind, message):
    assert old in TABLE
    with pytest.raises(kind, match=message):
        parse_presets(TABLE.replace(old, new, 1))


# ── the commands ──────────────────────────────────────────────────────────────────────────────


def test_training_says_which_row_it_took_and_writes_it(table, tmp_path, likewise):
    source = glyphs(tmp_path / "more", count=30, each=4)
    words = ["--set", "transform=image(size=8)", "--epochs", "1", "--no-audit"]
    code, _, err = likewise("train", source, *words, "--out", tmp_path / "model")
    assert code == 0, err
    assert "recipe    quick (drawings in a hurry" in err
    written = Recipe.from_toml(next((tmp_path / "model").glob("recipe*.toml")).read_text())
    assert (written.encoder, written.loss) == ("resnet(width=8)", "supcon")
    # What was written is followed, whatever the table says.
    again, line = started(str(next((tmp_path / "model").glob("recipe*.toml"))))
    assert (again, line) == (written, "")


def test_recipes_are_listed(table, likewise, likewise_json):
    code, out, _ = likewise("list", "recipes")
    assert code == 0
    assert "quick\n  for drawings in a hurry; time: up to 2 min\n  measured: nothing\n" in out
    assert "    loss = 'supcon'\n" in out
    assert "for nobody who does not ask; by name alone" in out
    assert likewise_json("list", "recipes")["quick"]["minutes"] == 2
    assert preset_named("odd").fields == {"weight_decay": 0.5}


def test_a_run_that_is_gone_on_with_has_its_recipe(tmp_path, likewise):
    code, _, err = likewise("train", "--resume", "--recipe", "plain", "--out", tmp_path / "model")
    assert code == 2
    assert "The preset plain (--recipe) fills what nobody gave" in err
