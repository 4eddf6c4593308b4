"""The demo: train on handwritten characters, then verify drawings of characters never seen.

    python examples/demo.py --out demo/

Every step is the command that a person would type; each is printed before it runs.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from likewise import Recipe
from likewise.data.splits import split
from likewise.sources.characters import Characters
from likewise.types import Claim, Role

RECIPE = str(Path(__file__).with_name("characters.toml"))


def likewise(*words: str) -> None:
    """Print a command, then run it."""
    print(f"\n$ likewise {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "likewise", *words], check=True)  # noqa: S603


def draw(folder: Path, seed: int) -> tuple[Path, Path, Path]:
    """Write two drawings of one character of the test part, and one of another."""
    recipe = Recipe.from_toml((folder / "model" / "recipe.toml").read_text())
    items = Characters().items()
    fractions = {Role(role): share for role, share in recipe.fractions.items()}
    parts = split(items, Claim(recipe.claim), fractions=fractions, seed=recipe.seed)
    unseen = items.take(parts.indices[Role.TEST])
    random = np.random.default_rng(seed)
    one, other = random.choice(np.unique(unseen.identities), 2, replace=False)
    first, second = random.choice(np.flatnonzero(unseen.identities == one), 2, replace=False)
    third = random.choice(np.flatnonzero(unseen.identities == other))
    paths = []
    for name, row in (("one", first), ("one-again", second), ("other", third)):
        path = folder / f"{name}.png"
        Image.fromarray(unseen.read(int(row))).save(path)
        print(f"{path}: {unseen.identities[row]} ({unseen.places[row]})")
        paths.append(path)
    return paths[0], paths[1], paths[2]


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    model = str(given.out / "model")
    seed = ("--seed", str(given.seed))
    likewise("train", RECIPE, "--budget", given.budget, *seed, "--overwrite", "--out", model)
    print("\nThree drawings of characters that the model never saw:")
    one, again, other = draw(given.out, given.seed)
    likewise("verify", model, str(one), str(again))
    likewise("verify", model, str(one), str(other))
    print(f"\nThe report: {given.out / 'model' / 'report.html'}")


if __name__ == "__main__":
    main()
