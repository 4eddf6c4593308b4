"""A model learned from a collection itself, without labels: what is a copy of what."""

from typing import TYPE_CHECKING

from likewise.errors import BadArgument, MissingExtra

if TYPE_CHECKING:
    from likewise.sources.base import Source

_ALTERED = (
    "crop(area=0.75)",
    "colour(brightness=0.4, contrast=0.4, saturation=0.6)",
    "affine(degrees=3.0, scale=0.08, shear=0.03, translate=0.04)",
)


def teach(source: "Source", out: str, budget: str, *, quiet: bool, size: int = 48) -> None:
    """Train a model for copies in a folder, by items of the source and altered copies of them.

    Args:
        source: Where the items come from.
        out: The folder of the model; it must be empty, or not there.
        budget: How long to train, as in `2min`.
        quiet: Show nothing.
        size: Of the images, in pixels.

    Raises:
        BadArgument: If there is no folder to make the model in.
        MissingExtra: If torch is not installed.
        LikewiseError: As training raises.
    """
    if not out:
        raise BadArgument(
            "--train makes a model, and its folder is missing. Write likewise dedupe MODEL SOURCE "
            "--train 2min."
        )
    try:
        from likewise.cli.progress import Progress
        from likewise.learn.experiment import learn
    except ImportError as error:
        if (error.name or "").startswith("likewise"):
            raise
        raise MissingExtra(
            f"Training needs {error.name}, which is not installed. Run: "
            "pip install 'likewise[learn]'"
        ) from error
    from likewise.duplicates import Copies
    from likewise.recipe import Recipe, seconds_of
    from likewise.types import Kind

    items = source.items()
    images = items.kind is Kind.IMAGE
    settings = [
        # Two views of each of 64 items, and all others are different: this is the loss nt_xent,
        # but where there are fewer items, a batch holds more views of one.
        "sampler=classes_by_items(classes=64, items=2, allow_fewer=True)",
        "loss=supcon(temperature=0.1)",
        f"budget_seconds={seconds_of(budget)}",
    ]
    if images:
        settings += [
            "encoder=resnet",
            f"transform=image(size={size}, color=True)",
            # Beside the copies, which are few: every batch sees other tones and other cuts.
            f"augmentations={_ALTERED!r}",
            "learning_rate=0.003",
        ]
    with Progress(quiet=quiet) as progress:
        learn(
            Recipe.for_kind(items.kind).with_settings(settings),
            Copies(items),
            out=out,
            audit=False,
            examples=False,
            on_decode=progress.decode,
            on_start=progress.start,
            on_epoch=progress.epoch,
            on_step=progress.step,
        )
