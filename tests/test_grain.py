"""Surfaces lie still, look alike at every size, and come again with their seed."""

import cv2
import numpy as np
import pytest

from vitascope.falling import Moments
from vitascope.grain import LINES, SURFACES, fibres, film, hatching, paper, surfaces

STILL = (paper, fibres, hatching)


@pytest.mark.parametrize("draw", STILL)
def test_a_seed_is_a_surface(draw):
    assert np.array_equal(draw(1, 48, 80), draw(1, 48, 80)) and not np.array_equal(draw(1, 48, 80), draw(2, 48, 80))
    assert draw(1, 48, 80).min() >= 0 and draw(1, 48, 80).max() <= 1


@pytest.mark.parametrize("draw", STILL)
def test_a_surface_looks_alike_at_two_sizes(draw):
    small = cv2.resize(draw(1, 256, 256), (128, 128), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), draw(1, 128, 128).ravel())[0, 1] > 0.8


def test_hatching_has_its_lines():
    row = hatching(3, 256, 256)[128] > 0.5
    assert abs(np.sum(row[1:] & ~row[:-1]) - LINES) < 6


def at(numbers: range) -> Moments:
    return Moments(np.array(numbers), np.array(numbers) / 8, np.zeros(len(numbers)))


def test_film_and_what_falls_are_new_in_every_frame_and_the_rest_lies_still():
    four = surfaces(5, 32, 40, at(range(4, 8)))
    assert four.shape == (4, SURFACES, 32, 40)
    assert (four[:, :3] == four[:1, :3]).all()
    assert all(len({frame.tobytes() for frame in four[:, kind]}) == 4 for kind in range(3, SURFACES))
    assert np.array_equal(four[1, 3], film(5, 32, 40, 5))
    assert np.array_equal(four[2:3], surfaces(5, 32, 40, at(range(6, 7))))
