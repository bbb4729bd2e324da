"""How far copies and different clips of the world are apart by their fingerprints: the figures that detector.py is set
by.

    python benchmarks/fingerprint.py [--clips 200]
"""

import argparse

import numpy as np
from watermark import ATTACKS, FIRST_SEED

from vitascope.provenance.fingerprint import distance, fingerprint
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200)
    scenes = [sample_scene(FIRST_SEED + number) for number in range(parser.parse_args().clips)]
    clips = [render(scene, simulate(scene)) for scene in scenes]
    hashes = [fingerprint(clip) for clip in clips]
    apart = np.array([distance(one, other) for number, one in enumerate(hashes) for other in hashes[:number]])
    rare, tenth = np.quantile(apart, [0.001, 0.01])
    print(f"{len(apart)} pairs of different clips: mean {apart.mean():.3f}, least {apart.min():.3f}, "
          f"one of 1,000 below {rare:.3f}, one of 100 below {tenth:.3f}")
    print("\n| attack | mean distance | largest |\n|---|---|---|")
    for name, attack in ATTACKS.items():
        copies = [distance(fingerprint(attack(clip, np.random.default_rng(number))[0]), hashes[number])
                  for number, clip in enumerate(clips[:20])]
        print(f"| {name} | {np.mean(copies):.3f} | {max(copies):.3f} |", flush=True)


if __name__ == "__main__":
    main()
