"""What is searched when nobody says: little, since a trial takes long."""

from likewise.kinds import FAMILY as KINDS
from likewise.learn.tuning.space import shortest
from likewise.recipe import Recipe
from likewise.registry import Spec

_RANGES = {
    "loss": {
        "triplet": "margin=0.05..0.8:log",
        "supcon": "temperature=0.03..0.5:log",
        "nt_xent": "temperature=0.05..1.0:log",
        "contrastive": "margin=0.3..1.5",
        "multi_similarity": "base=0.2..0.8",
        "circle": "relaxation=0.1..0.5",
        "arcface": "margin_radians=0.1..0.6",
        "proxy_anchor": "delta=0.05..0.3",
        "cosent": "scale=5.0..40.0:log",
    },
    "sampler": {"classes_by_items": "items=2..8", "hard_classes": "items=2..8"},
    "encoder": {"transformer": "dropout=0.0..0.3"},
}


def default_space(recipe: Recipe, kind: str, *, pairs: bool) -> tuple[str, ...]:
    """What is searched, as `parse` reads it.

    The learning rate, the loss with its margin or temperature, how many items of a class are in a
    batch, how strongly items are augmented, and the weight decay.

    Args:
        recipe: What is changed; its own choices are among those that are tried.
        kind: Of the items, by its name.
        pairs: Whether the source says by pairs what is the same.
    """
    low, high = (shortest(recipe.learning_rate * factor) for factor in (0.2, 5))
    texts = [
        f"learning_rate={low}..{high}:log",
        "weight_decay=1e-05..0.1:log",
    ]
    own = Spec.parse(recipe.loss).name
    losses = [own]
    if not pairs and not recipe.matcher and own in {"triplet", "supcon"}:
        losses = ["triplet", "supcon"]
        others = [name for name in losses if name != own]
        texts.append(f"loss={'|'.join([recipe.loss, *others])}")
    named = {"loss": losses}
    named |= {key: [Spec.parse(getattr(recipe, key)).name] for key in ("sampler", "encoder")}
    for key, names in named.items():
        ranges = [(name, _RANGES[key].get(name)) for name in names]
        texts += [f"{key}.{name}.{text}" for name, text in ranges if text]
    searched = KINDS.build(kind).searched
    replaced = {Spec.parse(one).name for group in searched for one in group}
    kept = [one for one in recipe.augmentations if Spec.parse(one).name not in replaced]
    ways = [list(recipe.augmentations), *([*kept, *group] for group in searched)]
    if searched:
        texts.append(f"augmentations={'|'.join(str(way) for way in ways)}")
    return tuple(texts)
