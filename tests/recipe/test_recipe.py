import pytest

from likewise.errors import BadArgument, RecipeError, SpecError, UnknownName
from likewise.kinds import FAMILY as KINDS
from likewise.recipe.recipe import Recipe, seconds_of


def test_toml_round_trip():
    recipe = Recipe.for_kind("image").with_settings(
        ["loss.margin=0.3", "epochs=5", "fractions.train=0.5", "fractions.calibrate=0.2", "seed=7"]
    )
    assert recipe.loss == "triplet(margin=0.3)"
    assert recipe.fractions == {"train": 0.5, "calibrate": 0.2}
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
    recipe = Recipe().with_settings(["augmentations=affine", "normalize=false", "encoder=convnet4"])
    assert recipe.augmentations == ("affine",)
    assert recipe.normalize is False
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
        ("fractions.tran=1", UnknownName, "Did you mean 'train'"),
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
    assert "fractions" not in Recipe().to_toml()
    assert "fractions" in Recipe().with_settings(["fractions.train=0.5"]).to_toml()


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


OLD = """unit = false
averaging = 0.9
average_last = 0.25
reestimate = 3
against = "random"
sampler = "classes_by_items(classes=8, fewer=True)"
[shares]
train = 0.5
calibrate = 0.25
test = 0.25
"""


def test_a_recipe_of_the_first_format_is_read_by_its_old_names():
    recipe = Recipe.from_toml(OLD)
    assert (recipe.normalize, recipe.ema_decay, recipe.swa_fraction) == (False, 0.9, 0.25)
    assert (recipe.update_bn_batches, recipe.impostors) == (3, "random")
    assert recipe.fractions == {"train": 0.5, "calibrate": 0.25, "test": 0.25}
    assert recipe.sampler == "classes_by_items(classes=8, allow_fewer=True)"
    assert recipe.to_toml().startswith("format = 2\n")
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    settings = ["averaging=0.9", "shares.train=0.5", "sampler.fewer=true"]
    same = ["ema_decay=0.9", "fractions.train=0.5", "sampler.allow_fewer=true"]
    assert Recipe().with_settings(settings) == Recipe().with_settings(same)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("unit = true\nnormalize = true", RecipeError, "unit and normalize are both given, .*unit"),
        ("format = 3", RecipeError, "format 3, which a later version .* up to 2. Run: pip install"),
        ("format = '2'", RecipeError, "format is '2', and a number from 1 to 2 is expected"),
        ("sampler = 'classes_by_items(fewer=True, allow_fewer=True)'", BadArgument, "two names"),
    ],
)
def test_a_recipe_that_cannot_be_of_any_format_is_refused_in_words(text, error, words):
    with pytest.raises(error, match=words):
        Recipe.from_toml(text)


def test_old_names_of_fields_go_on_in_python_with_a_warning():
    with pytest.warns(DeprecationWarning, match="averaging is called ema_decay now"):
        recipe = Recipe(averaging=0.9)
    assert recipe == Recipe(ema_decay=0.9)
    with pytest.warns(DeprecationWarning, match="shares is called fractions now"):
        assert recipe.shares == {}
    with pytest.raises(BadArgument, match="unit and normalize are both given"):
        Recipe(unit=True, normalize=True)
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        recipe.unknown  # noqa: B018 - asked for, to be refused
