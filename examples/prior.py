"""A probability that was fitted on half-and-half pairs, where one pair in a thousand is the same.

    python examples/prior.py

Made-up people with made-up embeddings: 1,000 calibrate; a crowd of 500 others is then met. Among
its pairs one in a thousand is of the same person, as where a face is held against a long list. No
probability is surer than 1,000 people can support, so the last one says too little.
"""

import argparse

import numpy as np

from likewise.calibration.probability import fit_calibrator, measure_probabilities
from likewise.calibrators.logistic import Logistic
from likewise.distances.euclidean import Euclidean
from likewise.pairs.all_pairs import AllPairs
from likewise.types import Claim

PRIOR = 0.001


def crowd(people: int, seed: int) -> AllPairs:
    """Four embeddings of each person."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(people, 8)), 4, axis=0)
    vectors = (centres + 0.25 * random.normal(size=centres.shape)).astype(np.float32)
    return AllPairs.of(vectors, np.repeat(np.arange(people), 4).astype(str), Euclidean())


def main() -> None:
    """Print what was said and what was so, without and with the prior."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="not needed: nothing is written")
    parser.add_argument("--budget", help="not needed: nothing is trained")
    parser.parse_args()
    known = crowd(1000, seed=1)
    *_, same, different = known.trials(Claim.NEW_IDENTITIES)
    parameters = fit_calibrator("logistic", known.spread(), (same, different))
    fitted = Logistic(parameters=parameters)
    met = crowd(500, seed=2)
    even = np.log((1 - PRIOR) / PRIOR)
    for said, ratios in (
        ("the prior left at one half", lambda d: fitted.apply(d) + even),
        (f"prior={PRIOR}", fitted.apply),
    ):
        found = measure_probabilities(met, ratios, Claim.NEW_IDENTITIES, PRIOR)
        print(f"\n{said}: log loss {found.log_loss:.5f} (always saying {PRIOR}: "
              f"{found.uninformed:.5f})")  # fmt: skip
        for one in found.reliability:
            print(f"  said {one.said:.3f}, and {one.seen:.3f} of these pairs were the same")
    print("\nlikewise verify, evaluate and calibrate take --prior; every report names it.")


if __name__ == "__main__":
    main()
