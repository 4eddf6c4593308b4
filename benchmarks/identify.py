"""Who is it: the gallery's answers on people and characters that no model was trained on.

    python -m benchmarks.identify omniglot --model DIR    (that benchmarks.omniglot --keep left)
    python -m benchmarks.identify omniglot --budget 5min  (or train it now, on the background)
    python -m benchmarks.identify faces --budget 60s

A `Gallery` in a SQLite store in a temporary folder, through `enrol` and `identify_many`.

`omniglot`: of each of the 659 evaluation characters one drawing is enrolled, and the other 19 are
identified: 12,521. Rank-1 is the share whose nearest identity is the right one. Then half of the
characters is left out, and all their drawings are strangers' probes. The gallery gives its
threshold for a false-identification rate (FPIR), or refuses it; at that threshold, FPIR is the
share of strangers that are taken for somebody, and FNIR the share of probes of the enrolled that
are not identified as who they are (at rank 1). The gallery knows no stranger: its threshold comes
from its own identities left out in turn.

`faces`: AT&T in four folds of disjoint people (20 train, 10 calibrate, 10 test), as in
benchmarks.faces. Of each of the 10 one photograph is enrolled, and the other 9 are identified.

Which drawing is enrolled, and which half, is drawn by lot, `--draws` times from `--seed`. Rates are
means over identities of all draws together, with a 95% interval in which identities are the trials
(they are the same in every draw, so that more draws do not narrow it as if they were others); the
least and the most of a draw stand behind. `--model` is refused where it learned from what it is to
be measured on. Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.faces import FOLDS, SHARES
from benchmarks.faces import faces as photographs
from benchmarks.machine import machine_line
from benchmarks.omniglot import RECIPE
from likewise.data.cache import Decoded, decode_all
from likewise.errors import UnsupportedRate
from likewise.gallery import Gallery
from likewise.gallery.result import Identified
from likewise.learn.experiment import run_experiment
from likewise.learn.folds import deal_folds, splitter
from likewise.metrics.intervals import share_of
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.results import Embeddings
from likewise.shapes import Array
from likewise.sources.omniglot import Omniglot

TARGETS = (0.1, 0.05, 0.01)


@dataclass(frozen=True)
class Asked:
    """What one draw asked, and what the gallery said.

    Attributes:
        truth: Who each probe shows.
        known: Whether that is enrolled.
        found: The answers.
    """

    truth: Array
    known: Array
    found: Sequence[Identified]

    @property
    def right(self) -> Array:
        """Whether the nearest identity is the right one."""
        return np.array([each.candidates[0].identity for each in self.found]) == self.truth

    @property
    def accepted(self) -> Array:
        """Whether it was taken for somebody."""
        return np.array([each.verdict == "identified" for each in self.found])


def some_of(embedded: Embeddings, rows: Array) -> Embeddings:
    """The embeddings of some rows."""
    return replace(embedded, vectors=embedded.vectors[rows], items=embedded.items.take(rows))


def drawn(embedded: Embeddings, left_out: float, random: np.random.Generator) -> tuple[Array, ...]:
    """By lot: the rows that are enrolled, one an identity, and those that are asked about."""
    names, codes = np.unique(embedded.items.identities, return_inverse=True)
    known = random.permutation(len(names)) >= round(left_out * len(names))
    mixed = random.permutation(len(codes))
    _, first = np.unique(codes[mixed], return_index=True)
    shown = mixed[first][known]
    asked = np.setdiff1d(np.arange(len(codes)), shown)
    return shown, asked, known[codes[asked]]


def ask(
    model: Model, embedded: Embeddings, left_out: float, seed: list[int], targets: Sequence[float]
) -> tuple[dict[float | None, Asked], dict[float | None, str], list[str]]:
    """Enrol and identify once, at the gallery's own choice of rate (None) and at each target.

    Returns:
        What was answered at each rate, the words of those that were refused, and what is to be
        said of the thresholds.
    """
    shown, asked, known = drawn(embedded, left_out, np.random.default_rng(seed))
    probes = some_of(embedded, asked)
    answered: dict[float | None, Asked] = {}
    refused: dict[float | None, str] = {}
    words = []
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        with Gallery(Path(place) / "gallery.db", model) as gallery:
            done = gallery.enrol(some_of(embedded, shown))
            enrolled = time.perf_counter() - started
            for target in (None, *targets):
                started = time.perf_counter()
                try:
                    found = gallery.identify_many(probes, fpir=target)
                except UnsupportedRate as error:
                    refused[target] = str(error)
                    continue
                took = time.perf_counter() - started
                answered[target] = Asked(probes.items.identities, known, found)
                limit = found[0].limit
                words.append(
                    f"{done.added} enrolled in {enrolled:.2f} s, {len(asked):,} asked in "
                    f"{took:.1f} s; FPIR {limit.target:g}: {limit.accepted} of {limit.asked} left "
                    f"out lie within the threshold ({limit.trials} trials)"
                )
    return answered, refused, words


def rate(parts: Sequence[Asked], of: Callable[[Asked], tuple[Array, Array]], noun: str) -> str:
    """A share of probes over all draws, in words.

    Args:
        parts: One a draw.
        of: Gives which probes count, and which of all are hits.
        noun: What an identity is.
    """
    chosen = [(part.truth[counts], hit[counts]) for part in parts for counts, hit in [of(part)]]
    names = np.concatenate([truth for truth, _ in chosen])
    hits = np.concatenate([hit for _, hit in chosen])
    share = share_of(hits.astype(np.float64), np.unique(names, return_inverse=True)[1])
    interval = "too few for an interval"
    if share.low is not None:
        interval = f"{share.low:.4f} to {share.high:.4f}"
    each = [float(hit.mean()) for _, hit in chosen]
    return (
        f"{share.value:.4f} ({interval}, {share.units} {noun}; a draw {min(each):.4f} to "
        f"{max(each):.4f})"
    )


def rank_1(part: Asked) -> tuple[Array, Array]:
    """Probes of the enrolled: whether the nearest is right."""
    return part.known, part.right


def false_positive(part: Asked) -> tuple[Array, Array]:
    """Probes of strangers: whether they are taken for somebody."""
    return ~part.known, part.accepted


def false_negative(part: Asked) -> tuple[Array, Array]:
    """Probes of the enrolled: whether they are not identified as who they are."""
    return part.known, ~(part.accepted & part.right)


def show(what: str, share: str) -> None:
    """Print a row, and keep it."""
    results.row("", {"": what, "share": share})


def characters(model: Model, draws: int, seed: int) -> None:
    """The evaluation alphabets as a gallery: everybody enrolled, then half of them."""
    noun = "characters"
    items = Omniglot("evaluation").items()
    started = time.perf_counter()
    with decode_all(items, model.transform) as decoded:
        model.trained_on.check(items, decoded, purpose="evaluate")
        embedded = Embeddings(model.embed_decoded(decoded), model.fingerprint, items)
    results.note(
        f"{len(items):,} drawings decoded and embedded in {time.perf_counter() - started:.0f} s"
    )
    closed = [ask(model, embedded, 0.0, [seed, 0, draw], ()) for draw in range(draws)]
    results.note(f"every character enrolled from one drawing; the first draw: {closed[0][2][0]}")
    show("every character enrolled: rank-1", rate([one[0][None] for one in closed], rank_1, noun))
    opened = [ask(model, embedded, 0.5, [seed, 1, draw], TARGETS) for draw in range(draws)]
    for line in opened[0][2]:
        results.note(f"half of the characters enrolled; the first draw: {line}")
    show("half of them enrolled: rank-1", rate([one[0][None] for one in opened], rank_1, noun))
    for target in TARGETS:
        parts = [found[target] for found, _, _ in opened if target in found]
        said = f"FPIR promised {target:g}"
        if parts:
            show(f"{said}: FPIR measured", rate(parts, false_positive, noun))
            show(f"{said}: FNIR there", rate(parts, false_negative, noun))
        refused = [words[target] for _, words, _ in opened if target in words]
        if refused:
            results.note(f"{said}: refused in {len(refused)} of {draws} draws: {refused[0]}")


def people(recipe: Recipe, draws: int, seed: int) -> None:
    """AT&T, each fold's model asked about the people that it never saw."""
    source = photographs()
    items = source.items()
    recipe = replace(recipe, fractions=SHARES, split_by="random")
    fold_of = deal_folds(items, FOLDS, recipe.seed)
    asked: list[Asked] = []
    for number in range(FOLDS):
        started, before = time.perf_counter(), len(asked)

        def look(model: Model, test: Decoded, number: int = number) -> None:
            embedded = Embeddings(model.embed_decoded(test), model.fingerprint, test.items)
            for draw in range(draws):
                found, _, _ = ask(model, embedded, 0.0, [seed, number, draw], ())
                asked.append(found[None])

        with tempfile.TemporaryDirectory() as place:
            run_experiment(
                recipe,
                source,
                out=Path(place) / "model",
                audit=False,
                examples=False,
                parts=splitter(fold_of, number, FOLDS, recipe),
                on_measured=look,
            )
        fold = rate(asked[before:], rank_1, "people")
        took = time.perf_counter() - started
        show(f"fold {number + 1} ({took:.0f} s): rank-1", fold)
    # The draws of a fold are pooled with those of the others, draw by draw.
    parts = [
        Asked(
            np.concatenate([one.truth for one in asked[draw::draws]]),
            np.concatenate([one.known for one in asked[draw::draws]]),
            [answer for one in asked[draw::draws] for answer in one.found],
        )
        for draw in range(draws)
    ]
    show("four folds together: rank-1", rate(parts, rank_1, "people"))


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("part", choices=["omniglot", "faces"])
    parser.add_argument("--model", default="", help="a folder; trained on the background alone")
    parser.add_argument("--budget", default="", help="train for so long: 5min; a fold of faces 60s")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if bool(given.model) == bool(given.budget) or (given.model and given.part == "faces"):
        parser.error("give --budget, or for omniglot --model in its place")
    print(machine_line())
    if given.model:
        characters(Model(given.model), given.draws, given.seed)
        return
    budget = [f"budget_seconds={seconds_of(given.budget)}", *given.settings]
    if given.part == "faces":
        settings = ["transform=image(size=48)", "augmentations=affine", *budget]
        people(Recipe().with_settings(settings), given.draws, given.seed)
        return
    settings = [*RECIPE, "source=omniglot('background')", *budget]
    recipe = Recipe.for_kind("image").with_settings(settings)
    with tempfile.TemporaryDirectory() as place:
        made = run_experiment(recipe, out=Path(place) / "model", audit=False)
        pace = float(np.mean([epoch.items_per_second for epoch in made.epochs]))
        results.note(f"trained: {made.recipe.steps} steps of {pace:.0f} items a second")
        characters(made.model, given.draws, given.seed)


if __name__ == "__main__":
    results.run("identify", main)
