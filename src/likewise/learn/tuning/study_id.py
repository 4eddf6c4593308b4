"""What a search is of, and what it tried."""

from dataclasses import dataclass, fields
from pathlib import Path

from likewise.errors import NothingToResume
from likewise.recipe import Recipe


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried.

    Attributes:
        number: From 0, which is the recipe as it was given.
        settings: What was changed in it, as `--set` takes it.
        figure: The validation error; None where it was not measured to the end.
        ended: `complete`; `pruned`, where it was hopeless half-way; or `failed`.
        why: Why it failed, or when it was pruned.
        seconds: It took.
    """

    number: int
    settings: tuple[str, ...]
    figure: float | None
    ended: str
    why: str
    seconds: float


@dataclass(frozen=True)
class StudyId:
    """What a search is of; only a search of the same can be gone on with.

    Attributes:
        recipe: As TOML, before anything is changed.
        search: What may be changed, as it is written.
        data: Digest of what is learned from and validated on.
        budget_seconds: For all trials together.
        trials: To how many the budget is shared out.
        folds: In which each is measured; 1 where *select* measures.
        fold_seconds: How long each trains in each.
    """

    recipe: str
    search: tuple[str, ...]
    data: str
    budget_seconds: float
    trials: int
    folds: int
    fold_seconds: float


def study_path(output: Path) -> Path:
    """Where the study of the recipe that is written there stands."""
    return output.with_name(f"{output.name}.study")


def require_same(found: StudyId, wanted: StudyId, path: Path) -> None:
    """Refuse to go on with a study of something else.

    Raises:
        NothingToResume: Saying what differs.
    """
    if found.recipe != wanted.recipe:
        ours, theirs = Recipe.from_toml(wanted.recipe), Recipe.from_toml(found.recipe)
        for one in fields(Recipe):
            here, there = getattr(ours, one.name), getattr(theirs, one.name)
            if here != there:
                raise NothingToResume(
                    f"{path} is of another recipe: {one.name} is {there!r} there and {here!r} "
                    "here. Give the recipe it began with, or begin anew with --overwrite."
                )
    if {*found.search} != {*wanted.search}:
        differs = next(iter({*found.search} ^ {*wanted.search}))
        where = "there" if differs in found.search else "here"
        raise NothingToResume(
            f"{path} searches something else: {differs} is {where} only. Give what it began with, "
            "or begin anew with --overwrite."
        )
    if found.data != wanted.data:
        raise NothingToResume(
            f"{path} was measured on other data than these. Give the data it began with, or begin "
            "anew with --overwrite."
        )
