"""How far copies and different clips of the world are apart by their fingerprints: the figures that detector.py is set
by, and their check on clips that they were not fitted on.

    python benchmarks/fingerprint.py [--clips 220]

Pairs of one set of clips depend on one another, so the error of the fit is found by drawing clips anew, not pairs.
"""

import argparse

import numpy as np
from watermark import ATTACKS, FIRST_SEED

from vitascope.provenance.detector import RARE, TENFOLD
from vitascope.provenance.fingerprint import distance, fingerprint
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene

FITTED = (8_000_000, 8_100_000)  # first seeds of the sets that are fitted; FIRST_SEED begins the one that checks
DRAWS = 150  # of clips, with replacement


def render_set(first: int, count: int) -> list[np.ndarray]:
    scenes = [sample_scene(first + number) for number in range(count)]
    return [render(scene, simulate(scene)) for scene in scenes]


def apart(hashes: list[np.ndarray]) -> np.ndarray:
    """Distances of all pairs of one set, in the order of np.tril_indices."""
    return np.array([distance(one, other) for number, one in enumerate(hashes) for other in hashes[:number]])


def fit(distances: np.ndarray, weights: np.ndarray, share: float = 1e-3) -> tuple[float, float]:
    """The distance that this share of the pairs is below, and how much nearer the next tenth of them lies, if the tail
    is exponential.
    """
    order = np.argsort(distances)
    below = np.cumsum(weights[order]) / weights.sum()
    rare = distances[order][np.searchsorted(below, share)]
    tail, weight = distances[order][below <= share], weights[order][below <= share]
    return float(rare), float((weight * (rare - tail)).sum() / weight.sum() * np.log(10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=220)
    count = parser.parse_args().clips
    fitted = [apart([fingerprint(clip) for clip in render_set(first, count)]) for first in FITTED]
    whole = np.concatenate(fitted)
    rows, columns = np.tril_indices(count, -1)
    draw, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        times = [np.bincount(draw.integers(0, count, count), minlength=count) for _ in fitted]
        found.append(fit(whole, np.concatenate([one[rows] * one[columns] for one in times]).astype(float)))
    (rare_low, step_low), (rare_high, step_high) = np.quantile(found, [0.05, 0.95], axis=0)
    rare, step = fit(whole, np.ones(len(whole)))
    print(f"{len(whole)} pairs: RARE {rare:.3f} (90 %: {rare_low:.3f} to {rare_high:.3f}), "
          f"TENFOLD {step:.3f} ({step_low:.3f} to {step_high:.3f}), nearest {whole.min():.3f}")

    clips = render_set(FIRST_SEED, count)
    hashes = [fingerprint(clip) for clip in clips]
    held_out = apart(hashes)
    print(f"\n{len(held_out)} pairs of other clips, nearest {held_out.min():.3f}\n\n"
          "| nearer than | pairs | expected by detector.py |\n|---|---|---|")
    for limit in (0.17, 0.19, 0.21, 0.23, 0.25):
        expected = len(held_out) * 10**(-3 - (RARE - limit) / TENFOLD)
        print(f"| {limit} | {(held_out < limit).sum()} | {expected:.1f} |")

    print("\n| attack | mean distance | largest |\n|---|---|---|")
    for name, attack in ATTACKS.items():
        copies = [distance(fingerprint(attack(clip, np.random.default_rng(number))[0]), hashes[number])
                  for number, clip in enumerate(clips[:20])]
        print(f"| {name} | {np.mean(copies):.3f} | {max(copies):.3f} |", flush=True)


if __name__ == "__main__":
    main()
