"""How a search over recipes reads on a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.learn.tuning.study_id import StudyId, Trial
    from likewise.learn.tuning.tune import Tuning


def plan_lines(plan: "StudyId", measured_on: str) -> list[str]:
    """Return what is going to be tried, for a person."""
    each = plan.folds * plan.fold_seconds
    return [
        f"{plan.trials} trials of {each:.1f} s, {plan.budget_seconds:g} s in all",
        f"measured on {measured_on}; searched:",
        *(f"  {one}" for one in plan.search),
    ]


def trial_line(trial: "Trial") -> str:
    """Return a trial as a row of the table."""
    figure = "  ----" if trial.figure is None else f"{trial.figure:.4f}"
    what = ", ".join(trial.settings) or "as it was given"
    why = f" [{trial.why}]" if trial.why else ""
    return f"{trial.number:>5}  {figure}  {trial.ended:<8}  {trial.seconds:>5.0f} s  {what}{why}"


def tuning_lines(found: "Tuning") -> list[str]:
    """Return what was found, for a person."""
    first, best = found.trials[0], found.best
    told = [f"{'trial':>5}  {'error':<6}  {'ended':<8}  {'took':>7}  what was changed"]
    told += [trial_line(one) for one in found.trials]
    told.append(
        f"validation error {best.figure:.4f} of trial {best.number}, and {first.figure:.4f} of the "
        f"recipe as it was given, on {found.measured_on}"
    )
    if best.number == 0:
        told.append("nothing that was tried is better there; the recipe stands as it was given")
    else:
        told.append(
            f"that is {found.better_by:.4f} better, and optimistic: the best of "
            f"{len(found.trials)} was chosen by this very figure. train measures on others"
        )
    told.append(f"recipe: {found.output}")
    return told
