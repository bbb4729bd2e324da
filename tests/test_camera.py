"""The background's motion becomes the camera's, subjects left out."""

import cv2
import numpy as np
import pytest

from vitascope.camera import follow_camera


def texture(side: int) -> np.ndarray:
    """A picture with corners everywhere."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 255, (side // 8, side // 8, 3), np.uint8)
    return cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)


def shifted(step: tuple[float, float]) -> np.ndarray:
    """Nine frames of a view that moves by so many pixels a frame."""
    matrices = [np.array([[1, 0, -40 - t * step[0]], [0, 1, -40 - t * step[1]]]) for t in range(9)]
    return np.stack([cv2.warpAffine(texture(160), matrix, (64, 64), flags=cv2.INTER_LINEAR) for matrix in matrices])


def everywhere(frames: np.ndarray) -> np.ndarray:
    return np.ones(frames.shape[:3], bool)


@pytest.mark.parametrize("step", [(1.5, 0.0), (-1.5, 0.0), (0.0, 0.8), (0.0, 0.0)])
def test_the_camera_follows_the_background(step):
    path = follow_camera(frames := shifted(step), everywhere(frames), 1.0)
    np.testing.assert_allclose([path.x[-1], path.y[-1]], np.multiply(step, 8 / 64), atol=0.01)
    np.testing.assert_allclose(path.zoom, 1, atol=0.02)


def test_what_is_not_free_is_not_looked_at():
    """The larger part of the picture moves, but it is a subject."""
    frames, free = shifted((0.0, 0.0)), np.ones((9, 64, 64), bool)
    frames[:, :, 24:] = shifted((1.5, 0.0))[:, :, 24:]
    free[:, :, 22:] = False
    assert abs(follow_camera(frames, free, 1.0).x[-1]) < 0.01 < follow_camera(frames, everywhere(frames), 1.0).x[-1]


def test_zooming_in_is_seen():
    big = texture(160)
    frames = np.stack([cv2.warpAffine(big, cv2.getRotationMatrix2D((80, 80), 0, 1.03**t), (160, 160))[48:112, 48:112]
                       for t in range(9)])
    path = follow_camera(frames, everywhere(frames), 1.0)
    np.testing.assert_allclose(path.zoom[-1], 1.03**8, rtol=0.02)
    x, y = path.world(np.full(9, 0.5), np.full(9, 0.5))
    np.testing.assert_allclose([x, y], 0.5, atol=0.02)  # the middle stays where it is


def test_a_featureless_clip_has_a_still_camera():
    path = follow_camera(frames := np.zeros((5, 64, 64, 3), np.uint8), everywhere(frames), 1.0)
    assert not path.x.any() and not path.y.any() and (path.zoom == 1).all()
