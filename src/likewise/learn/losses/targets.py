"""What a loss reads from its target: masks, indices that were checked, and the cost of nothing."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.errors import BadArgument
from likewise.learn.ops import kernels
from likewise.shapes import Bool, Float, Int
from likewise.types import Labels, Pairs, Target


def same_and_different(
    name: str,
    embeddings: Float[Tensor, "n dim"],
    target: Target,
    references: Float[Tensor, "m other"] | None,
    reference_target: Target | None,
) -> tuple[Bool[Tensor, "n columns"], Bool[Tensor, "n columns"]]:
    """Masks of the same and of the different pairs, of the batch with what it is compared with.

    An item and itself is neither: the diagonal, unless the references are other items than the
    batch (another tensor than `embeddings`).

    Args:
        name: Of the loss, for the error.
        embeddings: Of the batch.
        target: Its classes.
        references: What to compare with; None for the batch itself.
        reference_target: The classes of the references.

    Raises:
        BadArgument: If a target is missing, of another kind or of another length.
    """
    if references is not None and reference_target is None:
        raise BadArgument(
            f"{name} was given references without their classes. Give reference_target=Labels(...)."
        )
    if references is None and reference_target is not None:
        raise BadArgument(
            f"{name} was given the classes of references without the references. Give both, or "
            "neither to compare the batch with itself."
        )
    labels = labels_of(name, "target", target, embeddings)
    if references is None or reference_target is None:
        other = labels
    else:
        other = labels_of(name, "reference_target", reference_target, references)
    same = labels[:, None] == other[None, :].to(labels.device)
    different = ~same
    if references is None or references is embeddings:
        same.fill_diagonal_(False)
    return same, different


def log_odds_by_angle(
    embeddings: Float[Tensor, "n dim"],
    references: Float[Tensor, "m dim"] | None,
    compared: Bool[Tensor, "n m"],
    temperature: float,
) -> Float[Tensor, "n m"]:
    """The cosine of every row and every row it is compared with, over the temperature.

    Args:
        embeddings: Of the batch.
        references: What to compare with; None for the batch itself.
        compared: Which entries count; the others are minus infinity.
        temperature: In units of the cosine.
    """
    others = embeddings if references is None else references
    return (cosines(embeddings, others) / temperature).masked_fill(~compared, -torch.inf)


def cosines(
    embeddings: Float[Tensor, "n dim"], others: Float[Tensor, "m dim"]
) -> Float[Tensor, "n m"]:
    """The cosine of the angle of every row and every other, with a gradient."""
    return 1 - kernels.torch_matrix(Cosine(), embeddings, others)


def check_positive(name: str, **numbers: float) -> None:
    """Refuse an argument that is not a positive number.

    Raises:
        BadArgument: With the argument's name.
    """
    for argument, value in numbers.items():
        if not (value > 0 and math.isfinite(value)):
            raise BadArgument(f"{name}: {argument} is {value}. Give a positive number.")


def check_finite(name: str, **numbers: float) -> None:
    """Refuse an argument that is not a finite number.

    Raises:
        BadArgument: With the argument's name.
    """
    for argument, value in numbers.items():
        if not math.isfinite(value):
            raise BadArgument(f"{name}: {argument} is {value}. Give a finite number.")


def distances_to(
    distance: Distance,
    embeddings: Float[Tensor, "n dim"],
    references: Float[Tensor, "m dim"] | None,
) -> Float[Tensor, "n m"]:
    """Return the distance of every row to every reference, or to every row where there are none."""
    others = embeddings if references is None else references
    return kernels.torch_matrix(distance, embeddings, others)


def softplus_of_sums(
    exponents: Float[Tensor, "n m"], counted: Bool[Tensor, "n m"]
) -> Float[Tensor, "n"]:
    """For each row log(1 + the sum of exp of its entries that count); 0 where none do."""
    found: Tensor = functional.pad(exponents.masked_fill(~counted, -torch.inf), (0, 1)).logsumexp(1)
    return found


def rows_of_classes(
    name: str,
    embeddings: Float[Tensor, "n dim"],
    target: Target,
    classes: int,
    references: Any,
    reference_target: Any,
) -> Int[Tensor, "n"]:
    """The classes of a batch as rows of a table of all classes.

    Args:
        name: Of the loss, for the error.
        embeddings: Of the batch.
        target: Its classes.
        classes: How many rows the table has.
        references: Refused: every row is compared with the table.
        reference_target: Refused likewise.

    Raises:
        BadArgument: If the target is of another kind or length, or a class has no row.
    """
    if references is not None or reference_target is not None:
        raise BadArgument(
            f"{name} compares every item with a row for each class, and was given references. Set "
            "memory=0, or choose a loss of pairs, such as supcon."
        )
    labels = labels_of(name, "target", target, embeddings).long()
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise BadArgument(
            f"{name} has a row for each of the {classes} classes that it was made for, 0 to "
            f"{classes - 1}, and was given the class {int(wrong[0])}. Train anew with all classes, "
            "or choose a loss that holds none, such as supcon."
        )
    return labels


def no_references(name: str, kind: str, references: Any, reference_target: Any) -> None:
    """Refuse references beside pairs or triplets, whose indices are rows of the batch.

    Raises:
        BadArgument: If there are any.
    """
    if references is not None or reference_target is not None:
        raise BadArgument(
            f"{name} was given references beside {kind}, whose indices are rows of the batch. "
            "Give Labels for both, or no references."
        )


def indices(name: str, embeddings: Float[Tensor, "n dim"], *columns: Any) -> list[Tensor]:
    """The columns of a pair or triplet target as indices of rows of the batch.

    Raises:
        BadArgument: If they are not as many integers each, or one is no row of the batch.
    """
    tensors = [torch.as_tensor(column, device=embeddings.device) for column in columns]
    lengths = [list(tensor.shape) for tensor in tensors]
    if any(length != lengths[0] or len(length) != 1 for length in lengths):
        raise BadArgument(
            f"{name} was given index columns of the shapes {lengths}. Give one-dimensional columns "
            "of one length."
        )
    for tensor in tensors:
        if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
            raise BadArgument(f"{name} takes indices of rows, not {tensor.dtype}. Give int64.")
        if len(tensor) and not 0 <= int(tensor.min()) <= int(tensor.max()) < len(embeddings):
            raise BadArgument(
                f"{name} was given indices from {int(tensor.min())} to {int(tensor.max())}, and "
                f"the batch has the rows 0 to {len(embeddings) - 1}. Count within the batch."
            )
    return [tensor.long() for tensor in tensors]


def binary(name: str, embeddings: Float[Tensor, "n dim"], pairs: Pairs) -> Pairs:
    """A pair target with its indices checked and `same` as booleans.

    Raises:
        BadArgument: If a pair is graded, or its indices are no rows of the batch.
    """
    first, second = indices(name, embeddings, pairs.first, pairs.second)
    grades = torch.as_tensor(pairs.same, device=embeddings.device)
    if grades.shape != first.shape:
        raise BadArgument(
            f"{name} was given {len(first)} pairs and the shape {list(grades.shape)} of `same`. "
            "Give one 0 or 1 a pair."
        )
    same = grades == 1
    graded_cost = ~same & (grades != 0)
    if bool(graded_cost.any()):
        raise BadArgument(
            f"{name} takes pairs that are the same (1) or different (0), and was given the grade "
            f"{float(grades[graded_cost][0]):g}. Round the grades, or choose a loss for "
            "grades (cosent, cosine_mse)."
        )
    return Pairs(first, second, same)


def graded_cost(
    name: str,
    embeddings: Float[Tensor, "n dim"],
    target: Target,
    references: Any,
    reference_target: Any,
) -> tuple[Float[Tensor, "m"], Float[Tensor, "m"]]:
    """The cosine of each pair of a target, with a gradient, and its grade.

    Raises:
        BadArgument: If the target is no `Pairs`, its indices are no rows of the batch, a grade is
            not from 0 to 1, or there are references.
    """
    if not isinstance(target, Pairs):
        raise BadArgument(
            f"{name} was given {type(target).__name__}, and Pairs with grades are expected. Give a "
            "source of pairs, or make some of classes with sampler=balanced_pairs."
        )
    no_references(name, "Pairs", references, reference_target)
    first, second = indices(name, embeddings, target.first, target.second)
    distances = Cosine().rows(embeddings[first], embeddings[second])
    grades = torch.as_tensor(target.same, device=embeddings.device).to(distances.dtype)
    if grades.shape != first.shape:
        raise BadArgument(
            f"{name} was given {len(first)} pairs and the shape {list(grades.shape)} of `same`. "
            "Give one grade a pair."
        )
    wrong = ~((grades >= 0) & (grades <= 1))
    if bool(wrong.any()):
        raise BadArgument(
            f"{name} takes grades from 0 (nothing in common) to 1 (the same), and was given "
            f"{float(grades[wrong][0]):g}. Scale them into that range."
        )
    return 1 - distances, grades


def picked(
    matrix: Float[Tensor, "n m"], rows: Int[Tensor, "k"], columns: Int[Tensor, "k"]
) -> Float[Tensor, "k"]:
    """The entries of a matrix at these places."""
    # The gradient of `matrix[rows, columns]` sorts its indices and took 2 to 6 times as long.
    return matrix.flatten().index_select(0, rows * matrix.shape[1] + columns)


def zero_cost(embeddings: Float[Tensor, "n dim"]) -> Float[Tensor, ""]:
    """The cost of a batch with nothing to learn from: zero, with a gradient of zeros."""
    wide = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
    return (wide * 0).sum()


def labels_of(
    name: str, argument: str, target: Target, embeddings: Float[Tensor, "n dim"]
) -> Int[Tensor, "n"]:
    """The class of every row.

    Args:
        name: Of the loss, for the error.
        argument: What the target is called there.
        target: Checked.
        embeddings: Whose rows they are.

    Raises:
        BadArgument: If the target is no `Labels`, or of another length.
    """
    if not isinstance(target, Labels):
        raise BadArgument(
            f"{name} was given {type(target).__name__} as {argument}, and Labels are expected. "
            "Give the class of every row (sampler=classes_by_items does), or choose a loss that "
            "takes the other."
        )
    labels = torch.as_tensor(target.labels, device=embeddings.device)
    if labels.shape != (len(embeddings),):
        raise BadArgument(
            f"{name} was given {argument} of the shape {list(labels.shape)} for "
            f"{len(embeddings)} rows. Give one class a row."
        )
    return labels
