"""Measures of what a model goes on from: a model of random weights keeps what it is given and shows its seams."""

import numpy as np

from vitascope.evaluate.continuation import limits, measure
from vitascope.system import System
from vitascope.video import Video


def clip(frames: int) -> Video:
    y, x = np.mgrid[:48, :64]
    pixels = [np.stack([x * 2 + 3 * t, y * 3, 200 - x - t], -1).clip(0, 255) for t in range(frames)]
    return Video(np.stack(pixels).astype(np.uint8), 8.0)


def test_a_model_of_random_weights(nano_system: System) -> None:
    scores, world = measure(nano_system, clip(17), "a car", steps=1), limits(nano_system, clip(25))
    assert all(value is True for name, value in scores.items() if "kept" in name)
    seams = {name for name in scores if "seam" in name}
    assert len(seams) == 6 and all(0.8 < world[name] < 1.1 and scores[name] < 1000 for name in seams), (scores, world)
    assert all(scores[name] > 1.1 for name in seams - {"image, seam"}), scores  # what follows a picture is still, too
    assert 0 < scores["edit with the same prompt, PSNR dB"] < 40
