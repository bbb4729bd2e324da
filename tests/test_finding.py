"""Things are found where they are, to a fraction of a pixel, and where they are not nothing is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.data.truth import layout_of
from vitascope.finding import FOUND, Finder, find
from vitascope.models.layout import FRAMES
from vitascope.models.textures import Textures
from vitascope.train.portraits import take_portraits
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import BUNDLED, sample_scene

PLAIN = replace(BUNDLED, styles=("3d",), weathers=("clear",), cameras=("still",), companions=(1.0,))


@pytest.fixture(scope="module")
def textures():
    made = Textures(4)
    take_portraits(made.requires_grad_(False), 700, "bundled")
    return made


def clips(count: int, action: str):
    for seed in range(2**20, 2**20 + count):
        scene = sample_scene(seed, replace(PLAIN, actions=(action,)), width=128, height=96)
        motion = simulate(scene)
        yield layout_of(scene, motion, 0, 17), render(scene, motion)


@pytest.mark.parametrize("action", ["moves right", "spins"])
def test_a_thing_is_found_where_it_is(textures, action):
    errors = []
    for layout, frames in clips(6, action):
        right = layout.frame_by_frame().poses[FRAMES - 1:, 0, 0][::4]
        whole = right[:, 6] == 1
        found = find(textures.lit(layout, 0), frames[::4], [])
        errors += (found.poses - right)[whole & (found.score > FOUND)].abs().tolist()
    errors = torch.tensor(errors)
    assert len(errors) > 8  # of 30 frames, some of them cut off
    assert (errors[:, :3].amax(1) < 0.01).float().mean() > 0.9 and (errors[:, 5] == 0).float().mean() > 0.8


def test_what_is_not_there_is_not_found(textures):
    noise = np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3), np.uint8)
    for layout, frames in clips(2, "stands still"):
        assert not (find(textures.lit(layout, 0), noise, []).score > FOUND).any()


def test_of_two_alike_each_is_found(textures):
    layout, frames = next(clips(1, "stands still"))
    both = np.concatenate([frames[:1], frames[:1]], 2)
    first = find(textures.lit(layout, 0), both, [])
    second = find(textures.lit(layout, 0), both, [first.poses])
    assert min(first.score[0], second.score[0]) > FOUND
    assert abs(abs(first.poses[0, 0] - second.poses[0, 0]).item() - 128 / 96) < 0.01


def test_layouts_are_put_where_things_are(textures):
    layout, frames = next(clips(1, "moves right"))
    wrong = replace(layout, poses=layout.poses + torch.tensor([0.2, -0.1, 0.05, 0, 0, 0, 0, 0]))
    shown = torch.arange(17).clamp(min=0).repeat_interleave(torch.tensor([4] + 16 * [1])).view(5, 4)
    shown[3:] = -1
    placed, all_found = Finder(textures, frames[:9], shown).place(wrong)
    assert all_found and torch.equal(placed.poses[3:], wrong.poses[3:])
    assert (placed.poses[:3, :, 0, :3] - layout.poses[:3, :, 0, :3]).abs().max() < 0.01
