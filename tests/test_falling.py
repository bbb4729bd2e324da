"""Rain and snow come again with their seed and, where time is a ring, with its period."""

import numpy as np
import pytest

from vitascope.falling import FALLING, Moments, falling

WEATHERS = pytest.mark.parametrize("weather", FALLING)


def at(seconds: np.ndarray, period: float | None = None) -> Moments:
    return Moments(np.arange(len(seconds)), seconds, np.zeros(len(seconds)), period)


@WEATHERS
def test_a_seed_is_a_fall(weather):
    first, again, other = (falling(weather, seed, 48, 80, at(np.arange(3) / 8)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.shape == (3, 48, 80) and first.min() == 0 and 0.5 < first.max() <= 1
    assert (first[0] != first[1]).any()


@WEATHERS
@pytest.mark.parametrize("period", [0.75, 2.0, 60.0])
def test_a_ring_of_it_closes(weather, period):
    """The step from its end to its beginning is one like any other."""
    seconds = np.arange(0, period + 1e-9, 1 / 8)
    frames = falling(weather, 0, 48, 48, at(seconds, period))
    assert np.allclose(frames[0], frames[-1], atol=1e-3) and (frames[0] != frames[1]).any()


@WEATHERS
def test_a_camera_that_moves_passes_it(weather):
    still, moved = (falling(weather, 0, 64, 64, Moments(np.zeros(1), np.zeros(1), np.full(1, x))) for x in (0.0, 0.25))
    errors = {dx: np.abs(np.roll(still, dx, 2) - moved)[..., 20:-20].mean() for dx in range(-20, 21)}
    assert -18 < min(errors, key=errors.get) < -6
