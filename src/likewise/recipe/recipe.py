"""Every choice of a run, as a frozen dataclass that is also a TOML file.

A recipe knows specs, not the components they name: checking one imports no torch.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from likewise.errors import RecipeError
from likewise.kinds import FAMILY as KINDS
from likewise.recipe.names import (
    FORMAT,
    RENAMED_FIELDS,
    check_format,
    field_name,
    with_present_names,
)
from likewise.recipe.values import coerced, literal
from likewise.registry import Family, Spec, families, unknown
from likewise.renamed import renamed_arguments, warn_renamed
from likewise.types import Claim, Role

POPULATIONS = ("skilled", "random", "both")
OPTIMIZERS = ("adamw", "muon")
PRECISIONS = ("auto", "float32", "bf16")


@dataclass(frozen=True)
class Recipe:
    """Every choice that makes a model.

    Attributes:
        source: Spec of where the items come from; empty when they were given in Python.
        transform: Spec.
        encoder: Spec.
        normalize: Whether embeddings are scaled to length one.
        distance: Spec.
        matcher: Spec of a learned comparison, which then decides; empty for the distance alone.
        loss: Spec.
        sampler: Spec.
        augmentations: Specs, applied in this order.
        calibrator: Spec, or `auto` for the one that does best on identities it was not fitted on.
        impostors: Which different pairs thresholds are fitted for, where some items are forged:
            `skilled` (a genuine item with a forgery of it), `random` (genuine items of two
            identities), or `both`, each weighing half.
        claim: `new_identities` or `known_classes`.
        split_by: `random`, `source` (the source's own parts), `group`, or `auto` (`source` where
            there are parts, else `random`).
        fractions: Of each role, 1 in all; empty for the default of `split`.
        epochs: How often every training item is seen.
        budget_seconds: Train this long instead; the schedule ends on time. 0 is no budget.
        steps: Take exactly so many steps instead; a run on a budget writes what it took. 0 is off.
        learning_rate: Highest of the schedule.
        optimizer: `adamw`, or `muon`, which makes the steps of weight matrices orthogonal.
        weight_decay: Of the optimiser, decoupled.
        warmup: Share of the schedule in which the rate rises.
        ema_decay: Of the running average of the weights, a step; 0 keeps none.
        memory: How many embeddings of earlier batches a batch is compared with too; 0 is none.
        memory_start: Share of training after which batches are remembered.
        chunk: At most so many items go through the network at a time, with the gradient of the
            whole batch and the memory of these, in a third more time; 0 is all. Batch normalisation
            takes its statistics from each chunk.
        swa_fraction: Share of training at its end over which weights are averaged alike instead; 0
            is off.
        update_bn_batches: Batches by which the batch statistics of the kept network are measured
            anew at the end, and after each epoch where *select* chooses; 0 averages them like
            weights.
        whiten: When training is over, embeddings are mapped so that the items of a class are spread
            alike in every direction; this times the mean variance is added to that of each (.01,
            say). 0 maps nothing.
        patience: End after so many epochs without a better figure on *select*; 0 goes on to the
            end. The schedule of the rate does not foresee it.
        views: Specs of the views of an image that the model embeds beside it, in use, for their
            mean; empty for the image alone.
        precision: `float32`, `bf16`, or `auto`, which times both for a second or two and takes bf16
            where it is faster; a run writes what it took.
        seed: Where all chance comes from.

    Example:
        >>> Recipe.for_kind("series").with_settings(["epochs=5", "loss.margin=0.3"]).loss
        'triplet(margin=0.3)'
    """

    source: str = ""
    transform: str = "image"
    encoder: str = "convnet4"
    normalize: bool = True
    distance: str = "euclidean"
    matcher: str = ""
    loss: str = "triplet"
    sampler: str = "classes_by_items"
    augmentations: tuple[str, ...] = ()
    calibrator: str = "auto"
    impostors: str = "skilled"
    claim: str = "new_identities"
    split_by: str = "auto"
    fractions: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 30
    budget_seconds: float = 0.0
    steps: int = 0
    optimizer: str = "adamw"
    learning_rate: float = 0.001
    weight_decay: float = 0.0001
    warmup: float = 0.1
    ema_decay: float = 0.99
    memory: int = 0
    memory_start: float = 0.1
    chunk: int = 0
    swa_fraction: float = 0.0
    update_bn_batches: int = 0
    whiten: float = 0.0
    patience: int = 0
    views: tuple[str, ...] = ()
    precision: str = "auto"
    seed: int = 0

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A field by the name that it had before."""
            if name not in RENAMED_FIELDS:
                raise AttributeError(f"'Recipe' object has no attribute {name!r}")
            warn_renamed(name, field_name(name))
            return getattr(self, field_name(name))

    @classmethod
    def for_kind(cls, kind: str, *, pairs: bool = False) -> "Recipe":
        """What is tried first for this kind of data.

        Args:
            kind: Of the items, by its name.
            pairs: Whether the source says what is the same by pairs, not by identities.
        """
        by_pairs = cls(loss="contrastive", sampler="balanced_pairs") if pairs else cls()
        first = KINDS.build(kind)
        return replace(
            by_pairs,
            transform=first.transform,
            encoder=first.encoder,
            augmentations=first.augmentations,
        )

    @classmethod
    def from_toml(cls, text: str) -> "Recipe":
        """Read a recipe.

        Raises:
            RecipeError: If it is no TOML, or a value is of the wrong type.
            UnknownName: If a key is not known; names the nearest.
        """
        try:
            plain = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"The recipe is no TOML: {error}. Mend that line.") from error
        check_format(plain.pop("format", 1))
        return cls().with_fields(plain).checked()

    def to_toml(self) -> str:
        """The recipe as TOML; `from_toml` gives it back."""
        import tomli_w

        plain = {"format": FORMAT, **asdict(self)}
        plain["augmentations"], plain["views"] = list(self.augmentations), list(self.views)
        if not self.fractions:
            del plain["fractions"]
        return tomli_w.dumps(plain)

    def with_fields(self, changes: Mapping[str, Any]) -> "Recipe":
        """The same with these fields; their types are checked.

        Of `epochs`, `budget_seconds` and `steps` the ones given hold and the others are off.

        Raises:
            UnknownName: If there is no such field.
            RecipeError: If a value is of another type than the field.
        """
        known = {f.name: getattr(Recipe(), f.name) for f in fields(self)}
        clean = {}
        for key, value in with_present_names(changes).items():
            if key not in known:
                raise unknown("no field of a recipe is named", key, known)
            clean[key] = _in_present_words(key, coerced(key, value, known[key]))
        # How long to train is said in one of three ways; the one said last holds.
        lengths = {"epochs": None, "budget_seconds": 0.0, "steps": 0}
        if lengths.keys() & clean.keys():
            others = {k: v for k, v in lengths.items() if v is not None and k not in clean}
            clean = {**others, **clean}
        return replace(self, **clean)

    def with_settings(self, settings: Sequence[str]) -> "Recipe":
        """The same after settings such as `epochs=5` or `loss.margin=0.2`.

        Raises:
            RecipeError: If a setting has no `=`.
            UnknownName: If there is no such field or argument.
        """
        recipe = self
        for setting in settings:
            key, equals, text = setting.partition("=")
            if not equals:
                raise RecipeError(f"{setting!r} sets nothing. Write field=value, as in epochs=5.")
            value = literal(text)
            name, dot, argument = key.strip().partition(".")
            name = field_name(name)
            if not dot:
                recipe = recipe.with_fields({name: value})
                continue
            current = getattr(recipe, name, None)
            if name == "fractions":
                value = {**recipe.fractions, argument: value}
            elif isinstance(current, str):
                family = _family(name)
                spec = Spec.parse(current)
                if family is not None:
                    spec = family.named(family.check(spec))
                    argument = family.argument_name(spec.name, argument)
                value = str(spec.replaced(**{argument: value}))
            else:
                raise RecipeError(
                    f"{key!r} names an argument, and {name!r} is no single component. Set "
                    "arguments of the transform, encoder, distance, loss, sampler or calibrator."
                )
            recipe = recipe.with_fields({name: value})
        return recipe.checked()

    def checked(self) -> "Recipe":
        """The same recipe, once every spec and number in it is one that can be followed.

        Raises:
            SpecError: If a component is asked for in words that cannot be followed.
            RecipeError: If a number is out of range.
        """
        family = families()
        for name in ("transform", "encoder", "distance", "loss", "sampler"):
            family[name + "s" if name != "loss" else "losses"].check(getattr(self, name))
        if self.calibrator != "auto":
            family["calibrators"].check(self.calibrator)
        for name in ("augmentations", "views"):
            for spec in getattr(self, name):
                family[name].check(spec)
        if self.matcher:
            family["matchers"].check(self.matcher)
        elif Spec.parse(self.loss).name == "none":
            raise RecipeError(
                "loss is none and there is no matcher, so nothing would be learned. Set a matcher "
                "or another loss."
            )
        if self.memory and Spec.parse(self.loss).name == "none":
            raise RecipeError(
                f"memory is {self.memory} and loss is none: a matcher compares the pairs of a "
                "batch alone. Set memory=0 or another loss."
            )
        if self.precision not in PRECISIONS:
            raise unknown("no precision is named", self.precision, PRECISIONS)
        if self.optimizer not in OPTIMIZERS:
            raise unknown("no optimizer is named", self.optimizer, OPTIMIZERS)
        if self.impostors not in POPULATIONS:
            known = "no population of different pairs is named"
            raise unknown(known, self.impostors, POPULATIONS)
        if self.claim not in list(Claim):
            raise unknown("no claim is named", self.claim, [claim.value for claim in Claim])
        ways = ["auto", "random", "source", "group"]
        if self.split_by not in ways:
            raise unknown("no way to split is named", self.split_by, ways)
        for share in self.fractions:
            if share not in list(Role):
                raise unknown("no role is named", share, [role.value for role in Role])
        if self.steps and self.budget_seconds:
            raise RecipeError(
                f"steps is {self.steps} and budget_seconds {self.budget_seconds}: training ends by "
                "one of them. Set the other to 0."
            )
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise RecipeError(f"{name} is {value}, and {low} to {high} is expected.")
        return self


Recipe.__init__ = renamed_arguments(**RENAMED_FIELDS)(Recipe.__init__)  # type: ignore[method-assign]


def _family(field_name: str) -> Family[Any] | None:
    """The family of the components that a field names; None where it names none."""
    plural = "losses" if field_name == "loss" else f"{field_name.removesuffix('s')}s"
    return families().get(plural)


def _in_present_words(key: str, value: Any) -> Any:
    """The value of a field; specs in it are written anew where a name in them has changed."""
    family = _family(key)
    if family is None or not value:
        return value
    if isinstance(value, tuple):
        return tuple(_in_present_words(key, one) for one in value)
    spec = Spec.parse(value)
    present = family.present(spec)
    return value if present == spec else str(present)


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 1, 1_000_000),
    ("budget_seconds", 0, 10_000_000),
    ("steps", 0, 1_000_000_000),
    ("learning_rate", 1e-9, 100),
    ("weight_decay", 0, 10),
    ("warmup", 0, 1),
    ("ema_decay", 0, 0.999999),
    ("memory", 0, 100_000_000),
    ("memory_start", 0, 0.99),
    ("chunk", 0, 1_000_000),
    ("swa_fraction", 0, 1),
    ("update_bn_batches", 0, 1_000_000),
    ("whiten", 0, 1_000_000),
    ("patience", 0, 1_000_000),
    ("seed", 0, 2**31 - 1),
)


def seconds_of(text: str) -> float:
    """Seconds from a duration such as `90s`, `2min` or `1.5h`.

    Raises:
        RecipeError: If it is no positive duration.
    """
    units = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text.strip()[len(number) :].strip()
    try:
        seconds = float(number) * units[unit or "s"]
    except (ValueError, KeyError):
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise RecipeError(f"{text!r} is no duration. Write 90s, 2min or 1.5h.")
    return seconds
