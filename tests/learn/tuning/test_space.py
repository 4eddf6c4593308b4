"""What a search may change: read from words, checked, and put into a recipe."""

import pytest

from likewise.errors import BadArgument, RecipeError, UnknownName
from likewise.kinds import FAMILY as KINDS
from likewise.learn.tuning.default_space import default_space
from likewise.learn.tuning.space import parse_space
from likewise.recipe.recipe import Recipe
from likewise.registry import families

IMAGES = Recipe.for_kind("image")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("learning_rate=1e-4..1e-2:log", "learning_rate=0.0001..0.01:log"),
        ("learning_rate=1..2", "learning_rate=1.0..2.0"),
        ("loss.margin=.05...5", "loss.margin=0.05..0.5"),
        ("loss.triplet.margin=0.1..1", "loss.triplet.margin=0.1..1.0"),
        ("sampler.items = 2..8", "sampler.items=2..8"),
        ("update_bn_batches=0..30", "update_bn_batches=0..30"),
        ("loss=triplet(miner='hard')|supcon", "loss=triplet(miner='hard')|supcon"),
        ("normalize=true|false", "normalize=true|false"),
        ("augmentations=[]|['affine', 'erase']", "augmentations=[]|['affine', 'erase']"),
    ],
)
def test_what_people_type_is_read_and_written_again(text, written):
    (found,) = parse_space([text], IMAGES)
    assert str(found) == written
    assert parse_space([written], IMAGES) == (found,)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("learning_rat=1..2", UnknownName, "Did you mean 'learning_rate'"),
        ("loss.margn=.1..1", UnknownName, "'triplet' has no argument 'margn'. Did you mean 'margi"),
        ("loss.supcon.temperature=.1..1", UnknownName, "no loss that a trial may have.*'supcon'"),
        ("loss=supcon|tripelt", UnknownName, "Did you mean 'triplet'"),
        ("matcher.hidden=1..9", UnknownName, "that is not there has no argument 'hidden'"),
        ("learning_rate=1e-2..1e-4", RecipeError, "the smaller end comes first"),
        ("learning_rate=.1...1", RecipeError, "the smaller end comes first"),
        ("learning_rate=0..1:log", RecipeError, "a logarithm needs ends above 0"),
        ("ema_decay=0.9..1.5", RecipeError, "ema_decay is 1.5, and 0 to"),
        ("loss=", RecipeError, "leaves nothing to choose"),
        ("loss=|", RecipeError, "leaves nothing to choose"),
        ("loss=supcon", RecipeError, "leaves nothing to choose"),
        ("loss=supcon|supcon", RecipeError, "leaves nothing to choose"),
        ("loss=1..2", RecipeError, "loss is 1.0, and a str is expected"),
        ("learning_rate", RecipeError, "searches nothing. Write a range"),
        ("epochs=1..5", RecipeError, "epochs is not searched: every trial trains as long"),
        ("seed=1..5", RecipeError, "seed is not searched: it decides who has which part"),
        ("fractions.train=.1...5", RecipeError, "fractions is not searched"),
        ("calibrator=beta|logistic", RecipeError, "plays no part in the validation error"),
        ("augmentations.degrees=1..2", RecipeError, "argument of no single component"),
        ("loss.miner=1..2", RecipeError, "miner of triplet takes str. Write choices"),
        ("sampler.items=2.5..8", BadArgument, "items is 2.5, and int is expected"),
    ],
)
def test_what_cannot_be_searched_is_refused(text, kind, message):
    with pytest.raises(kind, match=message):
        parse_space([text], IMAGES)


def test_a_thing_is_searched_once():
    with pytest.raises(RecipeError, match="unit is to be searched twice"):
        parse_space(["unit=true|false", "normalize=false|true"], IMAGES)


def test_an_argument_belongs_to_the_component_of_the_trial():
    texts = ["loss.margin=0.1..0.9", "loss.supcon.temperature=0.1..0.2", "loss=triplet|supcon"]
    loss, margin, temperature = parse_space(texts, IMAGES)
    assert loss.name == "loss"  # components come first
    assert margin.applies(IMAGES)
    assert not temperature.applies(IMAGES)
    other = IMAGES.with_settings([loss.setting("supcon")])
    assert temperature.applies(other)
    assert not margin.applies(other)
    assert other.with_settings([temperature.setting(0.123456)]).loss == "supcon(temperature=0.1235)"
    assert (loss.of(IMAGES), margin.of(IMAGES), temperature.of(IMAGES)) == ("triplet", 0.2, None)
    given = IMAGES.with_settings(["loss=triplet(0.5)"])
    assert margin.of(given) == 0.5
    assert loss.of(given) is None
    assert margin.of(IMAGES.with_settings(["loss.margin=5.0"])) is None


@pytest.mark.parametrize("loss", families()["losses"].names())
def test_what_is_usual_can_be_searched_whatever_the_loss(loss):
    spec = "pml('CircleLoss')" if loss == "pml" else loss
    matcher = "weighted_l1" if loss == "none" else ""
    recipe = IMAGES.with_fields({"loss": spec, "matcher": matcher})
    found = parse_space(default_space(recipe, "image", pairs=False), recipe)
    assert {one.field for one in found} >= {"learning_rate", "augmentations", "sampler"}
    assert all(one.of(recipe) is not None for one in found if one.applies(recipe))


@pytest.mark.parametrize("sampler", families()["samplers"].names())
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("kind", KINDS.names())
def test_what_is_usual_can_be_searched_whatever_the_items(sampler, pairs, kind):
    recipe = Recipe.for_kind(kind, pairs=pairs).with_fields({"sampler": sampler})
    texts = default_space(recipe, kind, pairs=pairs)
    found = parse_space(texts, recipe)
    assert all(one.of(recipe) is not None for one in found if one.applies(recipe))
    assert ("loss" in {one.name for one in found}) is not pairs


@pytest.mark.parametrize("encoder", families()["encoders"].names())
def test_what_is_usual_can_be_searched_whatever_the_encoder(encoder):
    recipe = IMAGES.with_fields({"encoder": encoder})
    named = {one.name for one in parse_space(default_space(recipe, "image", pairs=False), recipe)}
    assert ("encoder.transformer.dropout" in named) is (encoder == "transformer")


def test_augmentations_that_are_not_varied_are_kept():
    recipe = IMAGES.with_fields({"augmentations": ["rotated_classes", "affine"]})
    text = default_space(recipe, "image", pairs=False)[-1]
    assert text.startswith("augmentations=['rotated_classes', 'affine']|")
    assert all("rotated_classes" in way for way in text.split("|"))
