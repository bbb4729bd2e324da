"""What a user's frames tell: the camera's steps, and which frame stands where in a layout."""

from dataclasses import replace

import numpy as np
import pytest

from vitascope.data.truth import layout_of
from vitascope.footage import Footage
from vitascope.models.textures import Textures
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED, sample_scene

PLAIN = replace(BUNDLED, styles=("3d",), weathers=("clear",), cameras=("pans right",), actions=("moves right",))


@pytest.mark.parametrize("camera", ["pans right", "tilts up", "zooms out"])
def test_the_camera_of_footage_is_followed(camera):
    """As the world says that it moved, in frames that show enough, and unknown elsewhere."""
    scene = sample_scene(5, replace(PLAIN, cameras=(camera,)), width=128, height=128, frames=17)
    motion = simulate(scene)
    layout, frames = layout_of(scene, motion, 0, 17), render(scene, motion)
    filmed = np.ones(frames.shape[:3], bool)
    filmed[9:13] = False
    steps = Footage(frames, filmed).camera
    assert steps[:3, :, 0].isnan().tolist() == [4 * [True], 4 * [False], 4 * [False]]
    assert (steps[1:3] - layout.view[1:3]).abs().max() < 0.01
    assert steps[3].isnan().all() and steps[4, 0].isnan().all() and not steps[4, 1:].isnan().any()


def test_frames_are_shown_where_they_stand():
    """The first stands for a whole group; frames that show nothing are not there."""
    pixels = np.arange(9, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2).repeat(3, 3)
    filmed = np.ones((9, 8, 8), bool)
    filmed[5:] = False
    finder = Footage(pixels, filmed).finder(Textures(4), slice(0, 3))
    assert finder.shown.tolist() == [4 * [0], [1, 2, 3, 4], 4 * [-1]]
    assert finder.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    later = Footage(pixels, filmed).finder(Textures(4), slice(1, 3))
    assert later.shown.tolist() == [[0, 1, 2, 3], 4 * [-1]] and len(later.frames) == 4
