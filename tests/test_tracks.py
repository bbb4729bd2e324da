"""Detections become tracks, whatever the size of the picture."""

import numpy as np
import pytest
import torch

from vitascope.camera import CameraPath
from vitascope.evaluate.reader import GEOMETRY, Sight
from vitascope.evaluate.tracks import FEATURES, Detections, Observation, all_features, detect, link, mirror, shrink
from vitascope.train.labels import PROPS

KINDS = 3
NOTHING = Detections(np.zeros((0, KINDS)), *(np.zeros(0) for _ in range(3)), np.zeros((0, 2)), np.zeros(0),
                     np.zeros((0, 3)), np.zeros(0))


def found(*things: tuple[int, float, float], size: float = 0.3) -> Detections:
    """One frame with things (kind, x, y) in it."""
    n = len(things)
    kinds = np.full((n, KINDS), 0.02)
    kinds[np.arange(n), [kind for kind, _, _ in things]] = 0.9
    x, y = (np.array([thing[axis] for thing in things]) for axis in (1, 2))
    return Detections(kinds, x, y, np.full(n, size), np.tile([0.0, 1.0], (n, 1)), np.ones(n), np.full((n, 3), 1 / 3),
                      np.zeros(n))


@pytest.mark.parametrize("shape, small", [((64, 64), (128, 128)), ((96, 176), (128, 224)), ((48, 20), (128, 64))])
def test_shrinking_keeps_the_aspect(shape, small):
    assert shrink(np.zeros((2, *shape, 3), np.uint8)).shape == (2, *small, 3)


@pytest.mark.parametrize("frames", [np.zeros((2, 8, 8, 4), np.uint8), np.zeros((2, 8, 8, 3)),
                                    np.zeros((0, 8, 8, 3), np.uint8)])
def test_what_is_no_clip_is_refused(frames):
    with pytest.raises(ValueError, match="expected uint8"):
        shrink(frames)


def test_a_peak_is_found_where_it_is():
    heat, geometry = torch.full((1, KINDS, 16, 32), -9.0), torch.zeros(1, GEOMETRY, 16, 32)
    heat[0, 1, 5, 20], heat[0, 1, 5, 21] = 3, 1
    geometry[0, 0], geometry[0, 1], geometry[0, 4] = 0.25, -0.5, 1
    sight = Sight(heat, geometry, torch.zeros(1, 2, 16, 32), torch.zeros(1, 4, 16, 32), {})
    (seen,) = detect(sight, KINDS, aspect=2.0)
    assert seen.kinds.argmax(1).tolist() == [1]
    np.testing.assert_allclose([seen.x[0], seen.y[0], seen.size[0]], [20.75 / 16, 5 / 16, 0.3], rtol=1e-5)


def test_crossing_subjects_keep_their_names():
    clip = [found((0, 0.1 + 0.05 * t, 0.6), (1, 0.9 - 0.05 * t, 0.65)) for t in range(17)]
    one, two = link(clip)
    assert {one.kinds.argmax(), two.kinds.argmax()} == {0, 1}
    for track in (one, two):
        start = 0.1 if track.kinds.argmax() == 0 else 0.9
        np.testing.assert_allclose([track.x[0], track.x[-1]], [start, 1 - start], atol=1e-6)


def test_a_gap_is_bridged():
    clip = [found((2, 0.1 + 0.04 * t, 0.6)) if not 5 < t < 9 else NOTHING for t in range(17)]
    (track,) = link(clip)
    assert track.present.sum() == 14
    np.testing.assert_allclose(track.x, 0.1 + 0.04 * np.arange(17), atol=1e-6)


def test_a_bounce_is_one_track():
    height = np.abs(np.cos(np.arange(17) * 0.6)) * 0.5
    assert len(link([found((0, 0.5, 0.8 - h)) for h in height])) == 1


def observation() -> Observation:
    T = 9
    clip = [found((0, 0.2 + 0.05 * t, 0.6), (1, 0.8, 0.5)) for t in range(T)]
    camera = CameraPath(np.linspace(0, 0.3, T), np.zeros(T), np.linspace(1, 1.4, T), np.ones(T))
    props = np.zeros((T, len(PROPS), 16, 24))
    props[2:, 1, 4, 18] = 0.9
    return Observation(link(clip), camera, props, {}, 1.5)


def test_features_of_every_track():
    assert all_features(seen := observation()).shape == (2, FEATURES, 9)
    score, x = all_features(seen)[:, -2 * len(PROPS):].chunk(2, dim=1)
    assert score[0, 1].tolist() == pytest.approx([0, 0, *[0.9] * 7]) and not score[:, [0, 2, 3]].any()
    for n, track in enumerate(seen.tracks):
        np.testing.assert_allclose(x[n, 1, 2:], 18.5 / 16 - track.x[2:], atol=1e-4)


def test_a_mirror_turns_the_world_round():
    seen = observation()
    mirrored = mirror(seen)
    x, _ = seen.camera.world(seen.tracks[0].x, seen.tracks[0].y)
    mirrored_x, _ = mirrored.camera.world(mirrored.tracks[0].x, mirrored.tracks[0].y)
    np.testing.assert_allclose(mirrored_x, seen.aspect - x, atol=1e-9)
    torch.testing.assert_close(all_features(mirror(mirrored)), all_features(seen))
