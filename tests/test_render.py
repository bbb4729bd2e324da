"""Frames show what the motion says."""

from dataclasses import replace

import numpy as np
import pytest

from vitascope.world.physics import simulate
from vitascope.world.render import render, render_frame
from vitascope.world.scene import BUNDLED, FULL, sample_scene


def test_same_scene_same_pixels():
    scene = sample_scene(11, FULL)
    assert np.array_equal(render(scene), render(scene))


@pytest.mark.parametrize("width, height, frames", [(128, 128, 17), (176, 96, 9), (96, 176, 33), (64, 48, 1)])
def test_any_size_and_length(width, height, frames):
    pixels = render(sample_scene(2, BUNDLED, width=width, height=height, frames=frames))
    assert pixels.shape == (frames, height, width, 3) and pixels.dtype == np.uint8 and pixels.std() > 10


def test_a_still_scene_stands_still_and_a_moving_one_moves():
    moving = still = None
    vocabulary = replace(BUNDLED, styles=("3d",), weathers=("clear",), companions=(1.0,), sequences=0.0)
    for seed in range(2000):
        scene = sample_scene(seed, vocabulary, split="any")
        shot = scene.shots[0]
        if shot.camera == "still":
            if shot.actors[0].steps[0].action == "stands still":
                still = scene
            if shot.actors[0].steps[0].action == "moves right":
                moving = scene
        if moving and still:
            break
    assert np.ptp(render(still), axis=0).max() == 0
    assert np.ptp(render(moving), axis=0).max() > 50


def test_the_subject_is_where_the_motion_says():
    """Rendering with and without the actor differs only inside its square and shadow."""
    drawn = ((scene, scene.shots[0]) for scene in (sample_scene(seed, BUNDLED) for seed in range(500)))
    scene = next(scene for scene, shot in drawn if len(shot.actors) == 1 and shot.camera == "still"
                 and shot.actors[0].steps[0].action == "rises")
    motion = simulate(scene)
    away = replace(motion, x=motion.x + 50)
    changed = (render(scene, motion) != render(scene, away)).any(-1)
    for t in range(scene.frames):
        rows, columns = np.nonzero(changed[t])
        x, size = motion.x[t, 0] * scene.height, motion.size[t, 0] * scene.height
        assert abs((columns.min() + columns.max()) / 2 - x) < 0.15 * size


def test_larger_pictures_show_the_same():
    small = render(sample_scene(4, BUNDLED, width=64, height=64)).astype(float)
    large = render(sample_scene(4, BUNDLED, width=128, height=128)).astype(float)
    shrunk = large.reshape(17, 64, 2, 64, 2, 3).mean((2, 4))
    assert 10 * np.log10(255**2 / np.mean((small - shrunk) ** 2)) > 22


def test_one_frame_is_a_frame_of_the_whole():
    scene = sample_scene(9, BUNDLED)
    motion = simulate(scene)
    assert np.array_equal(render_frame(scene, motion, 5)[0], render(scene, motion)[5])
