"""What makes vectors of items, and compares them: a model, or a perceptual hash."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from likewise.data import check_kind
from likewise.distances.comparator import Comparator
from likewise.duplicates import overlay, perceptual
from likewise.duplicates.hamming import Hamming
from likewise.errors import BadArgument
from likewise.model import Block, Model
from likewise.types import Items


@dataclass(frozen=True)
class Maker:
    """What makes vectors, and compares them.

    Attributes:
        name: The fingerprint of a model, or the name of a hash; a cache is good for one.
        words: What compares, as a person reads it.
        verb: What is done to new items: `embedding`.
        dim: Length of a vector.
        comparator: What compares two vectors.
        blocks: Makes the vectors of a table some at a time, strictly or not, in so many threads.
    """

    name: str
    words: str
    verb: str
    dim: int
    comparator: Comparator
    blocks: Callable[[Items, bool, int | None], Iterator[Block]]


def embedding(model: Model, items: Items, comparator: str) -> Maker:
    """A model, for items that it can take.

    Args:
        model: What embeds and compares.
        items: What will be embedded.
        comparator: `distance` or `matcher`; the matcher where the model has one if empty.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are of another kind than the model was trained on.
        UnknownName: If the model has no such comparator.
        BadArgument: If it is a matcher that reads feature maps, and would look at every pair.
    """
    if model.uses_feature_maps(comparator):
        raise BadArgument(
            f"The matcher of {model.folder} reads feature maps, and looking at every pair of a "
            "collection so closely would take days. Compare by the distance: "
            "--comparator distance (comparator='distance')."
        )
    check_kind(items, model.transform)
    return Maker(
        model.fingerprint,
        model.comparator_name(comparator),
        "embedding",
        model.dim,
        model.comparator(comparator),
        lambda some, strict, threads: model.blocks(some, strict=strict, threads=threads),
    )


def hashing(items: Items) -> Maker:
    """A perceptual hash, for images.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
        MissingExtra: If ImageHash is not installed.
    """
    perceptual.check_hashable(items)
    return Maker(
        perceptual.maker(),
        "perceptual hash",
        "hashing",
        perceptual.BITS,
        Hamming(),
        lambda some, strict, threads: perceptual.hash_blocks(some, strict=strict, threads=threads),
    )


def overlaying(items: Items) -> Maker:
    """Images themselves, small, laid over one another.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
    """
    overlay.check_overlay(items)
    return Maker(
        overlay.NAME,
        "laying them over one another",
        "looking at",
        overlay.DIM,
        overlay.Overlaid(),
        lambda some, strict, threads: overlay.grey_blocks(some, strict=strict, threads=threads),
    )
