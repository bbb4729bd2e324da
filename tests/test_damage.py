"""Damage changes pixels, not shapes, and the same numbers do the same damage."""

import numpy as np
import pytest

from vitascope.evaluate.damage import DAMAGES, add_noise, bend, blur, h264, jpeg, lose_resolution, random_damage, \
    recolour

RNG = np.random.default_rng(0)
RAMP = 2 * np.indices((5, 64, 48))[1:].sum(0)[..., None]
CLIP = np.clip(RAMP + RNG.integers(0, 20, (5, 64, 48, 3)), 0, 255).astype(np.uint8)


def loss(damaged: np.ndarray) -> float:
    """Mean absolute difference, levels."""
    return float(np.abs(damaged.astype(int) - CLIP).mean())


@pytest.mark.parametrize("damaged", [
    blur(CLIP, 1.0), lose_resolution(CLIP, 0.5), h264(CLIP), jpeg(CLIP, 40),
    add_noise(CLIP, 8, 3, np.random.default_rng(0)), recolour(CLIP, np.array([0.9, 1.0, 1.1]), 0.02, 1.1),
    bend(CLIP, 1.0, np.random.default_rng(0))])
def test_a_damage_is_mild_and_keeps_the_shape(damaged):
    assert damaged.shape == CLIP.shape and damaged.dtype == np.uint8
    assert 0.5 < loss(damaged) < 15


def test_nothing_lost_where_nothing_is_done():
    assert loss(recolour(CLIP, np.ones(3), 0.0, 1.0)) == 0
    assert loss(bend(CLIP, 0.0, RNG)) == 0


def test_channels_keep_their_order():
    red = np.zeros((2, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    for damaged in (jpeg(red, 90), h264(red, 10), blur(red, 1.0)):
        assert damaged.reshape(-1, 3).mean(0).argmax() == 0


def test_same_numbers_same_damage():
    for seed in range(6):
        one, two = (random_damage(CLIP, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(one, two)


def test_every_damage_is_probable():
    assert all(0 < probability < 1 for probability, _ in DAMAGES)
