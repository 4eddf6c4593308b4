"""What is remembered of earlier batches, and how a batch is compared with it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, RecipeError, TrainingError
from likewise.learn.loop.memory import Memory
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import begin_run
from likewise.learn.losses.contrastive import Contrastive
from likewise.learn.losses.supcon import SupCon
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Labels, Role
from tests.conftest import waves


def rows(*values: int) -> tuple[Tensor, Tensor]:
    """Embeddings that say which they are, and their classes."""
    numbers = torch.tensor(values, dtype=torch.int64)
    return numbers.float()[:, None].repeat(1, 2).requires_grad_(), 100 + numbers


def held(memory: Memory) -> list[int]:
    embeddings, target = memory.held()
    assert not embeddings.requires_grad
    assert torch.equal(embeddings[:, 0].long() + 100, target.labels)
    return sorted(embeddings[:, 0].long().tolist())


def test_the_oldest_are_forgotten() -> None:
    memory = Memory(5, 2)
    assert held(memory) == []
    seen: list[int] = []
    for start, count in ((0, 2), (2, 2), (4, 3), (7, 0), (7, 5), (12, 11), (23, 1)):
        batch = list(range(start, start + count))
        memory.put(*rows(*batch))
        seen += batch
        assert held(memory) == seen[-5:]


def test_what_was_taken_out_does_not_change_with_what_is_put_in() -> None:
    memory = Memory(2, 2)
    memory.put(*rows(1, 2))
    embeddings, target = memory.held()
    memory.put(*rows(3, 4))
    assert embeddings[:, 0].tolist() == [1, 2]
    assert target.labels.tolist() == [101, 102]


def started(*settings: str, count: int = 30) -> Run:
    series, names = waves(count=count, each=5)
    base = ["encoder=lstm(hidden=4)", "sampler=classes_by_items(classes=6, items=4)"]
    recipe = Recipe.for_kind("series").with_settings(
        [*base, "precision=float32", "loss=contrastive", "steps=8", "memory_start=0", *settings]
    )
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"))


def weights(run: Run) -> Tensor:
    return torch.cat([p.detach().flatten() for p in run.network.parameters()])


def test_without_a_memory_and_before_it_is_filled_the_loss_is_the_plain_one() -> None:
    assert started().objective.memory is None
    plain, off = started("steps=4").finish(), started("steps=4", "memory=0").finish()
    # It would be filled after the last step alone.
    late = started("steps=4", "memory=40", "memory_start=0.99").finish()
    used = started("steps=4", "memory=40").finish()
    assert torch.equal(weights(plain), weights(off))
    assert torch.equal(weights(plain), weights(late))
    assert not torch.equal(weights(plain), weights(used))


@pytest.mark.parametrize("name", ["contrastive", "supcon"])
def test_a_batch_is_compared_with_itself_and_with_those_before_it(name: str) -> None:
    """The costs of a run are those of a plain loop over all embeddings that it ever had."""
    run = started(f"loss={name}", "memory=60", "memory_start=0.3")
    given: list[tuple[Tensor, Tensor]] = []
    costs: list[float] = []
    loss = run.objective.loss
    plain = (
        Contrastive(distance=Euclidean()) if name == "contrastive" else SupCon(distance=Euclidean())
    )

    def noting(embeddings: Tensor, target: Labels, *more: object) -> Tensor:
        if not more:
            given.append((embeddings.detach().clone(), target.labels))
        return Loss.forward(loss, embeddings, target, *more)

    Loss = type(loss)  # noqa: N806 - a class
    loss.forward = noting  # type: ignore[method-assign]
    run.on_step = lambda _, cost: costs.append(cost)
    run.finish()
    assert len(costs) == len(given) == 8
    for step, (embeddings, labels) in enumerate(given):
        expected = plain(embeddings, Labels(labels))
        # A share of 0.3 of 8 steps is passed by the third.
        before = given[2:step] if step > 2 else []
        if before:
            memory = torch.cat([e for e, _ in before])[-60:]
            classes = torch.cat([c for _, c in before])[-60:]
            expected = expected + plain(embeddings, Labels(labels), memory, Labels(classes))
        assert costs[step] == pytest.approx(float(expected), rel=1e-5)
    assert sum(len(e) for e, _ in given[2:]) > 60


def test_looking_for_a_precision_remembers_nothing() -> None:
    run = started("memory=40", "precision=auto", "steps=1", "memory_start=0.5")
    run.finish()
    assert int(run.objective.memory.written) == 24


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        (
            ["memory=5000"],
            BadArgument,
            r"memory is 5000, and there are \d+ training items.*at most",
        ),
        (["memory=9", "loss=softmax"], BadArgument, "softmax compares every item with a row.*=0"),
        (
            ["memory=9", "loss=nt_xent", "sampler=two_views"],
            BadArgument,
            "two_views counts its classes anew in every batch.*Set memory=0",
        ),
        (
            ["memory=9", "sampler=balanced_pairs"],
            TrainingError,
            "a batch of pairs has none.*classes_by_items",
        ),
        (["memory=9", "loss=none", "matcher=mlp"], RecipeError, "loss is none.*Set memory=0"),
        (["memory=-1"], RecipeError, "memory is -1, and 0 to"),
        (["memory_start=1"], RecipeError, r"memory_start is 1\.0, and 0 to 0\.99"),
    ],
)
def test_a_memory_that_cannot_be_is_refused(
    settings: list[str], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        started(*settings).finish()


def test_the_memory_is_at_most_the_training_items() -> None:
    run = started("steps=1")
    count = len(run.data.parts[Role.TRAIN])
    assert np.isfinite(started(f"memory={count}").finish().epochs[-1].loss)
    with pytest.raises(BadArgument, match=f"Set memory to {count} at most"):
        started(f"memory={count + 1}")
