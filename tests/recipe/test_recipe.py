import pytest

from likewise.errors import BadArgument, RecipeError, SpecError, UnknownName
from likewise.kinds import FAMILY as KINDS
from likewise.recipe.recipe import Recipe, seconds_of


def test_toml_round_trip():
    recipe = Recipe.for_kind("image").with_settings(
        ["loss.margin=0.3", "epochs=5", "shares.train=0.5", "shares.calibrate=0.2", "seed=7"]
    )
    assert recipe.loss == "triplet(margin=0.3)"
    assert recipe.shares == {"train": 0.5, "calibrate": 0.2}
    assert Recipe.from_toml(recipe.to_toml()) == recipe


@pytest.mark.parametrize("kind", KINDS.names())
def test_what_is_tried_first_is_a_recipe_that_checks(kind):
    assert Recipe.for_kind(kind).checked().transform in {"image", "series", "vector"}


def test_the_length_said_last_holds():
    recipe = Recipe().with_settings(["budget_seconds=5"])
    assert recipe.with_settings(["epochs=3"]).budget_seconds == 0
    assert recipe.with_settings(["steps=7"]).budget_seconds == 0
    ran = Recipe().with_fields({"steps": 100})
    assert ran.with_settings(["epochs=3"]).steps == 0
    assert ran.with_fields({"budget_seconds": 9.0}).steps == 0
    assert Recipe.from_toml(ran.to_toml()) == ran
    assert ran.with_settings(["seed=3"]).steps == 100
    with pytest.raises(RecipeError, match="ends by one of them"):
        Recipe.from_toml("steps = 5\nbudget_seconds = 5")


def test_settings_read_what_people_type():
    recipe = Recipe().with_settings(["augmentations=affine", "unit=false", "encoder=convnet4"])
    assert recipe.augmentations == ("affine",)
    assert recipe.unit is False
    assert Recipe().with_settings(["learning_rate=1"]).learning_rate == 1.0


@pytest.mark.parametrize(
    ("setting", "kind", "message"),
    [
        ("epoch=5", UnknownName, "Did you mean 'epochs'"),
        ("epochs", RecipeError, "field=value"),
        ("epochs=many", RecipeError, "a int is expected"),
        ("epochs=True", RecipeError, "a int is expected"),
        ("epochs=0", RecipeError, "1 to 1000000"),
        ("loss=triplett", UnknownName, "Did you mean 'triplet'"),
        ("loss.margni=1", UnknownName, "Did you mean 'margin'"),
        ("loss.margin='wide'", BadArgument, "float is expected"),
        ("augmentations.degrees=3", RecipeError, "no single component"),
        ("claim=new_identity", UnknownName, "Did you mean 'new_identities'"),
        ("split_by=alphabet", UnknownName, "Known: auto"),
        ("shares.tran=1", UnknownName, "Did you mean 'train'"),
        ("learning_rate=nan", RecipeError, "a float is expected"),
        ("encoder=convnet4(", SpecError, "no spec"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused(setting, kind, message):
    with pytest.raises(kind, match=message):
        Recipe().with_settings([setting])


def test_an_argument_given_by_position_can_be_changed_by_name():
    recipe = Recipe().with_settings(["loss=triplet(0.3)", "loss.margin=0.5"])
    assert recipe.loss == "triplet(margin=0.5)"


def test_shares_left_to_the_split_are_not_written():
    assert "shares" not in Recipe().to_toml()
    assert "shares" in Recipe().with_settings(["shares.train=0.5"]).to_toml()


def test_a_recipe_file_is_checked():
    with pytest.raises(UnknownName, match="Did you mean 'encoder'"):
        Recipe.from_toml('encodr = "convnet4"')
    with pytest.raises(RecipeError, match="no TOML"):
        Recipe.from_toml("epochs = ")
    with pytest.raises(RecipeError, match="augmentations"):
        Recipe.from_toml("augmentations = [1]")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("2min", 120), ("1.5h", 5400), ("45", 45), (" 3 m ", 180)]
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1min", "soon", "5 days", "1e999", "nan"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(RecipeError, match="no duration"):
        seconds_of(text)


def test_no_loss_without_a_matcher_is_refused():
    with pytest.raises(RecipeError, match="nothing would be learned"):
        Recipe().with_settings(["loss=none"])
    assert Recipe().with_settings(["matcher=weighted_l1", "loss=none"]).loss == "none"


def test_a_precision_that_nobody_has_is_refused():
    with pytest.raises(UnknownName, match=r"'bf61'.*Did you mean 'bf16'"):
        Recipe().with_settings(["precision=bf61"])
