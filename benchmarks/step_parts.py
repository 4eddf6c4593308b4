"""Where the time of training goes, by profile: each part's share of the whole.

    python -m benchmarks.step_parts --seconds 20

Trains `convnet4` and `resnet` on the five alphabets of `small1`, batches of 128 at 28x28 with
`affine`, under `cProfile`, and sums its times by part. The same command measures an earlier version
when PYTHONPATH names its `src` before this one. Needs LIKEWISE_DATA.
"""

import argparse
import cProfile
import pstats
from pathlib import Path

import likewise
from benchmarks import results
from benchmarks.machine import machine_line
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe

# The functions of each part, by file and name: cumulative times, so none may call another.
PARTS = {
    "drawing batches": [("classes_by_items.py", "_epoch")],
    "gathering them": [("objective.py", "on_device"), ("cache.py", "batch")],
    "augmentation": [("affine.py", "apply")],
    "finishing": [("image.py", "finish")],
    "encoder, forward": [("wrappers.py", "forward")],
    "loss": [("supcon.py", "forward")],
    "backward": [("fabric.py", "backward")],
    "optimizer": [("optimizer.py", "wrapper")],
    "averages": [("averaging.py", "update_average")],
    "between epochs": [
        ("epochs.py", "begin"),
        ("epochs.py", "end"),
        ("validation.py", "validated"),
    ],
}
# Where one of a part's functions calls another, only the first that was called at all counts.
OUTER = {"gathering them", "averages"}


def shares(encoder: str, seconds: float) -> tuple[dict[str, float], float]:
    """Each part's share of the time of training, and items a second under the profiler."""
    recipe = Recipe(
        source="omniglot('small1')",
        transform="image(size=28, invert=True)",
        encoder=encoder,
        distance="cosine",
        loss="supcon(temperature=0.1)",
        sampler="classes_by_items(classes=32, items=4)",
        augmentations=("affine",),
        precision="float32",
        fractions={"train": 0.8, "calibrate": 0.1, "test": 0.1},
        budget_seconds=seconds,
    )
    run = begin_run(recipe)
    profile = cProfile.Profile()
    profile.runcall(run.finish)
    run.data.close()
    stats = pstats.Stats(profile)
    times: dict[tuple[str, str], float] = {}
    for (file, _, name), row in stats.stats.items():  # type: ignore[attr-defined]
        key = (Path(file).name, name)
        times[key] = times.get(key, 0.0) + row[3]
    whole: float = stats.total_tt  # type: ignore[attr-defined]
    found = {}
    for part, functions in PARTS.items():
        each = [times[key] for key in functions if key in times]
        found[part] = (max(each, default=0.0) if part in OUTER else sum(each)) / whole
    found["all else"] = 1 - sum(found.values())
    return found, run.epochs[-1].steps * 128 / whole


def main() -> None:
    """Print a table for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--encoders", nargs="*", default=["convnet4", "resnet"])
    given = parser.parse_args()
    print(machine_line())
    print(f"of {Path(likewise.__file__).parent}")
    for encoder in given.encoders:
        found, pace = shares(encoder, given.seconds)
        results.note(f"{encoder}: {pace:.0f} items a second")
        for part, share in found.items():
            results.row("", {"encoder": encoder, "part": part, "share of the time": share})


if __name__ == "__main__":
    results.run("step_parts", main)
