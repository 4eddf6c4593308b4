"""One-shot Omniglot by three protocols, after training on the background alphabets only.

    python -m benchmarks.omniglot --budget 5min --seeds 0 1 2
    python -m benchmarks.omniglot --budget 15min --minimal small1 --light --members 4
    python -m benchmarks.omniglot --budget 5min --brief --unlabelled
    python -m benchmarks.omniglot --budget 5min --seeds 0 1 2 --light
    python -m benchmarks.omniglot --budget 5min --keep models/omniglot

Official: Lake's 20 runs, each test drawing on its own among 20. Within: 20 characters of one
evaluation alphabet, question and examples by two different drawers. Between: 20 characters of all
659. The error rates at the frozen thresholds, over all 659 evaluation characters, stand below.
`--light` is for a processor without bf16 instructions.
`--members` learns an ensemble of so many encoders, which share the time.
`--keep` leaves the model of the first seed in a folder, for `benchmarks.identify`.
Needs LIKEWISE_DATA.
"""

import argparse
import math
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load
from scipy import stats

from benchmarks import results
from benchmarks.machine import machine_line
from benchmarks.other_loops import bare
from likewise.data.cache import decode_all
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.experiment import Experiment, run_experiment
from likewise.learn.loop.validation import embedded
from likewise.learn.network.network import Network
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.results.rates import Rate
from likewise.shapes import Array
from likewise.sources.omniglot import Omniglot, drawer_of, official_runs
from likewise.types import Items

WAYS = 20
RECIPE = [
    "transform=image(size=28, invert=True)",
    "encoder=resnet(depth=10, width=24, dim=128, stem='small', pooling='flatten')",
    "augmentations=('rotated_classes(mirrored=True)', 'affine')",
    "loss=supcon",
    "distance=cosine",
    "sampler=classes_by_items(classes=64, items=4, groups=2)",
    "optimizer=muon",
    "learning_rate=0.01",
    "weight_decay=0.05",
    "ema_decay=0",
    "swa_fraction=0.05",
    "update_bn_batches=30",
    "whiten=0.01",
    "views=('affine',)",
    "fractions.train=0.9",
    "fractions.calibrate=0.05",
    "fractions.test=0.05",
]
# As many characters to learn from as where the evaluation alphabets test.
BRIEF = ["fractions.train=0.947", "shares.calibrate=0.033", "shares.test=0.02"]
# Of five alphabets, with or without elastic changes made no clear difference.
MINIMAL = ["augmentations=('rotated_classes(mirrored=True)', 'affine', 'elastic')"]
# A fifth of the arithmetic, in batches half as large: three to four times as many items a second.
LIGHT = [
    "encoder=resnet(depth=8, width=24, dim=128, stem='strided', pooling='flatten')",
    "sampler=classes_by_items(classes=32, items=4, groups=2)",
]
UNLABELLED = [
    "whiten=0",
    "loss=nt_xent(temperature=0.2)",
    "sampler=two_views(128)",
    "augmentations=('rotated_classes', 'affine(degrees=15.0, shear=0.3)', 'elastic(0.05)')",
]


def official(model: Model) -> list[float]:
    """The error of each of the 20 runs."""
    errors = []
    for run in official_runs():
        shown = np.concatenate([model.embed_one(raw, "training") for raw in run.training])
        asked = np.concatenate([model.embed_one(raw, "test") for raw in run.test])
        answers = model.distance.matrix(asked, shown).argmin(1)
        errors.append(float(np.mean(answers != np.asarray(run.answers))))
    return errors


def episodes(
    vectors: Array, characters: Array, drawers: Array, groups: Array, model: Model, count: int
) -> dict[tuple[str, str], list[bool]]:
    """Whether each question was answered wrongly, by group and character.

    Every group is asked `count` episodes: 20 of its characters, the examples by one drawer and the
    20 questions by another.
    """
    random = np.random.default_rng(0)
    place = {key: i for i, key in enumerate(zip(characters, drawers, strict=True))}
    wrong: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for group in np.unique(groups):
        inside = np.unique(characters[groups == group])
        for _ in range(count):
            chosen = random.choice(inside, WAYS, replace=False)
            shown_by, asked_by = random.choice(np.arange(1, 21), 2, replace=False)
            shown = vectors[[place[c, shown_by] for c in chosen]]
            asked = vectors[[place[c, asked_by] for c in chosen]]
            answers = model.distance.matrix(asked, shown).argmin(1)
            for character, missed in zip(chosen, answers != np.arange(WAYS), strict=True):
                wrong[str(group), str(character)].append(bool(missed))
    return wrong


def by_group(wrong: dict[tuple[str, str], list[bool]]) -> list[float]:
    """The error of each group."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for (group, _), missed in wrong.items():
        groups[group] += missed
    return [float(np.mean(missed)) for missed in groups.values()]


def interval(values: list[float]) -> str:
    """The mean of units that count equally, with its 95% t interval."""
    mean, half = float(np.mean(values)), math.nan
    if len(values) > 1:
        half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return f"{mean:.4f} ({max(0.0, mean - half):.4f} to {mean + half:.4f}, over {len(values)})"


def rate_words(rate: Rate) -> str:
    """A rate with its interval, where there are identities enough for one."""
    if rate.low is None or rate.high is None:
        return f"{rate.value:.4f} (too few identities for an interval)"
    return f"{rate.value:.4f} ({rate.low:.4f} to {rate.high:.4f})"


def measured(given: argparse.Namespace, seed: int) -> dict[str, list[float]]:
    """Train with one seed, print its table, and give the errors by protocol."""
    settings = [
        *RECIPE,
        *(LIGHT if given.light else ()),
        *(MINIMAL if given.minimal else ()),
        *(UNLABELLED if given.unlabelled else ()),
        f"source=omniglot('{given.minimal or ('background' if given.brief else 'all')}')",
        *(BRIEF if given.brief else ()),
        f"budget_seconds={seconds_of(given.budget)}",
        f"seed={seed}",
        *given.settings,
    ]
    recipe = Recipe.for_kind("image").with_settings(settings)
    if given.members > 1:
        members = f"members={given.members}"
        recipe = recipe.with_fields(
            {
                "encoder": f"ensemble({recipe.encoder!r}, {members})",
                "loss": f"by_member({recipe.loss!r}, {members})",
            }
        )
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        kept = given.keep and seed == given.seeds[0]
        made = run_experiment(
            recipe,
            out=Path(given.keep) if kept else Path(place) / "model",
            audit=False,
            on_epoch=lambda e: print(
                f"epoch {e.number} loss {e.loss:.4f} {e.items_per_second:.0f} items/s",
                file=sys.stderr,
            ),
        )
        model = made.model
        pace = np.mean([e.items_per_second for e in made.epochs])
        results.note(
            f"seed {seed}: whole command {time.perf_counter() - started:.0f} s, of which training "
            f"{made.epochs[-1].seconds:.0f} s: {made.recipe.steps} steps of {pace:.0f} items a "
            f"second in {made.recipe.precision}"
        )
        found = protocols(model, given.episodes)
        show(f"seed {seed}", found)
        for whitened in (True, False) if recipe.whiten else (False,):
            what = f"seed {seed}, without views{' and whitening' if not whitened else ''}"
            show(what, without_views(made, given.episodes, whitened=whitened))
        for point in () if given.brief else made.evaluation.verification.points:
            if point.test is None:
                continue
            far, frr = point.test.far, point.test.frr
            cells = {"": f"seed {seed}", "point": point.name}
            told = {"FAR": rate_words(far), "FRR": rate_words(frr)}
            results.row("At the frozen thresholds", {**cells, **told})
    return found


def show(what: str, found: dict[str, list[float]]) -> None:
    """Print a row of errors, and keep it."""
    told = {f"{name}, by {UNITS[name]}": interval(errors) for name, errors in found.items()}
    results.row("", {"": what, **told})


UNITS = {
    "official 20 runs, error": "runs",
    "within alphabets, error": "alphabets",
    "between alphabets, error": "characters",
}


def without_views(made: Experiment, count: int, *, whitened: bool) -> dict[str, list[float]]:
    """The errors within and between alphabets of the same weights, each item embedded alone."""
    recipe, transform = made.recipe, made.model.transform
    network = Network(
        ENCODERS.build(recipe.encoder, shape=transform.shape),
        normalize=recipe.normalize,
        whitened=whitened and recipe.whiten > 0,
    )
    weights = load(made.model.read("weights"))
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    items = Omniglot("evaluation").items()
    device = torch.device("cpu")
    with decode_all(items, transform) as decoded:
        blocks = np.array_split(np.arange(len(items)), 30)
        vectors = np.concatenate(
            [embedded(network, decoded, rows, transform, device) for rows in blocks]
        )
    return errors_of(vectors, items, made.model, count)


def protocols(model: Model, count: int) -> dict[str, list[float]]:
    """The errors of a model by the three protocols, on the evaluation alphabets."""
    items = Omniglot("evaluation").items()
    with decode_all(items, model.transform) as decoded:
        vectors = model.embed_decoded(decoded)
    found = errors_of(vectors, items, model, count)
    return {"official 20 runs, error": official(model), **found}


def errors_of(vectors: Array, items: Items, model: Model, count: int) -> dict[str, list[float]]:
    """The errors within alphabets, and between them."""
    drawers = np.array([drawer_of(str(p)) for p in items.places])
    within = episodes(vectors, items.identities, drawers, items.groups, model, count)
    everywhere = np.full(len(items), "all")
    between = episodes(vectors, items.identities, drawers, everywhere, model, 20 * count)
    each = [float(np.mean(missed)) for missed in between.values()]
    return {"within alphabets, error": by_group(within), "between alphabets, error": each}


def main() -> None:
    """Train with every seed, then print the mean of each protocol over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="5min")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minimal", choices=["small1", "small2"], help="five alphabets alone")
    parser.add_argument("--brief", action="store_true", help="no error rates at thresholds")
    parser.add_argument("--light", action="store_true", help="without bf16 instructions")
    parser.add_argument("--members", type=int, default=1, help="of an ensemble")
    parser.add_argument("--unlabelled", action="store_true", help="learn by nt_xent alone")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--episodes", type=int, default=100, help="for each alphabet")
    parser.add_argument("--keep", default="", metavar="DIR", help="where a model is left")
    given = parser.parse_args()
    if given.members < 1:
        parser.error(f"--members is {given.members}, and at least 1 is expected")
    if given.keep and Path(given.keep).exists():
        parser.error(f"--keep {given.keep} is there already; name a folder that is not")
    print(machine_line())
    results.note(f"a bare float32 loop of convnet4: {bare('convnet4')(5):.0f} items/s")
    runs = [measured(given, seed) for seed in given.seeds]
    if len(runs) > 1:
        for name in UNITS:
            words = interval([float(np.mean(run[name])) for run in runs])
            results.row("Mean over seeds", {"": name, "error, by seeds": words})


if __name__ == "__main__":
    results.run("omniglot", main)
