"""Measures of what a model goes on from: a model of random weights keeps what it is given and shows its seams."""

import numpy as np
import pytest

from vitascope.evaluate.continuation import measure, medians
from vitascope.video import Video


def test_a_model_of_random_weights(nano_system) -> None:
    y, x = np.mgrid[:48, :64]
    frames = [np.stack([x * 2 + 3 * t, y * 3, 200 - x - t], -1).clip(0, 255) for t in range(17)]
    scores = measure(nano_system, Video(np.stack(frames).astype(np.uint8), 8.0), "a car", steps=1)
    assert all(value == float("inf") for name, value in scores.items() if "kept" in name)
    seams = {name: value for name, value in scores.items() if "seam" in name}
    assert len(seams) == 5 and all(1.2 < value < 1000 for value in seams.values()), seams
    assert 0 < scores["edit with the same prompt, PSNR dB"] < 40


def test_medians() -> None:
    assert medians([{"seam": 1.0}, {"seam": 5.0}, {"seam": 2.0}]) == {"seam": 2.0}
    with pytest.raises(ValueError, match="no clips"):
        medians([])
