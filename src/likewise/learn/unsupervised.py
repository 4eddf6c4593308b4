"""A model learned from a collection itself, without labels: what is a copy of what."""

from collections.abc import Callable
from pathlib import Path

from likewise.duplicates import Copies
from likewise.kinds import FAMILY as KINDS
from likewise.learn.experiment import Experiment, run_experiment
from likewise.learn.loop.run import OnStep, Run
from likewise.recipe import Recipe, seconds_of
from likewise.results import Epoch
from likewise.sources.base import Source


def teach(
    source: Source,
    out: str | Path,
    budget: str,
    *,
    size: int = 48,
    on_decode: Callable[[int, int], None] | None = None,
    on_start: Callable[[Run], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: OnStep | None = None,
) -> Experiment:
    """Train a model for copies in a folder, by items of the source and altered copies of them.

    Args:
        source: Where the items come from.
        out: The folder of the model; it must be empty, or not there.
        budget: How long to train, as in `2min`.
        size: Of the images, in pixels.
        on_decode: Called with how many items are decoded, of how many.
        on_start: Called with the run once its data are read.
        on_epoch: Called after each epoch.
        on_step: Called after each step with the share done and the loss.

    Raises:
        LikewiseError: As `learn` raises.
    """
    items = source.items()
    settings = [
        # Two views of each of 64 items, and all others are different: this is the loss nt_xent,
        # but where there are fewer items, a batch holds more views of one.
        "sampler=classes_by_items(classes=64, items=2, allow_fewer=True)",
        "loss=supcon(temperature=0.1)",
        f"budget_seconds={seconds_of(budget)}",
        *KINDS.build(items.kind).copy_settings(size),
    ]
    return run_experiment(
        Recipe.for_kind(items.kind).with_settings(settings),
        Copies(items),
        out=out,
        audit=False,
        examples=False,
        on_decode=on_decode,
        on_start=on_start,
        on_epoch=on_epoch,
        on_step=on_step,
    )
