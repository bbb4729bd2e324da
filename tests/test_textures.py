"""Textures lie where a layout says, turned and mirrored as it says, and nowhere else."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.models.layout import FRAMES, LOOKS, POSE, SLOTS, Layout
from vitascope.models.textures import COLOURS, MARKS, SPAN, TEXELS, Textures

FEATURES = COLOURS + 1


def layout(x=0.0, y=0.0, side=0.5, cos=1.0, sin=0.0, mirrored=1.0, visible=1.0, left=1.0, subject=3):
    poses = torch.zeros(1, FRAMES, SLOTS, POSE)
    poses[..., 0, :] = torch.tensor([x, y, side, cos, sin, mirrored, visible, left])
    subjects = torch.tensor([subject, 0, 0, 0, 0])
    colours, look = torch.zeros_like(subjects), torch.zeros(LOOKS, dtype=torch.long)
    return Layout(poses, torch.zeros(1, FRAMES, 3), subjects, colours, look)


@pytest.fixture(scope="module")
def textures():
    torch.manual_seed(0)
    textures = Textures(FEATURES)
    ramp = torch.linspace(-1, 1, TEXELS)
    across, down = ramp.expand(TEXELS, -1), ramp[:, None].expand(-1, TEXELS)
    textures.features.data[3, :2] = torch.stack([across, down])
    return textures.requires_grad_(False)


def test_a_texture_lies_around_its_middle(textures):
    told = textures(layout(x=0.25, y=-0.25, side=0.4), 64, 64)
    assert told.shape == (FRAMES, FEATURES + MARKS, 64, 64)
    rows, columns = told[0, FEATURES].nonzero(as_tuple=True)
    assert_close((rows.float().mean() + 0.5) / 64, torch.tensor(0.25))
    assert_close((columns.float().mean() + 0.5) / 64, torch.tensor(0.75))
    assert (columns.max() - columns.min() + 1) / 64 == pytest.approx(0.4 * SPAN, abs=1.5 / 64)
    assert not told[:, :, told[0, FEATURES] == 0].any()


def test_across_grows_to_the_right_and_turns_with_its_thing(textures):
    across = textures(layout(), 64, 64)[0, 0]
    assert across[32, 40] > 0.1 and across[32, 24] < -0.1
    assert textures(layout(mirrored=-1.0), 64, 64)[0, 0][32, 40] < -0.1
    turned = textures(layout(cos=0.0, sin=1.0), 64, 64)[0, 0]  # a quarter turn counter-clockwise: right is up
    assert turned[24, 32] > 0.1 and turned[40, 32] < -0.1


def test_shares_and_sums(textures):
    told = textures(layout(visible=0.5, left=0.25), 32, 32)
    there = told[:, FEATURES] > 0
    assert (told[:, FEATURES + 1][there] == 0.5).all() and (told[:, FEATURES + 2][there] == 0.25).all()
    assert not textures(layout(subject=0), 32, 32).any()
    pair = layout()
    pair.poses[..., 1, :], pair.subjects[1] = pair.poses[..., 0, :], 3
    assert_close(textures(pair, 32, 32), 2 * textures(layout(), 32, 32))


def test_another_colour_is_another_mixture_of_the_same():
    wide = Textures(FEATURES)
    wide.tints.data[2] = 0.5 * torch.eye(COLOURS)
    own = layout()
    other = replace(own, colours=torch.full_like(own.colours, 2))
    seen, tinted = wide(own, 16, 16), wide(other, 16, 16)
    assert_close(tinted[:, :COLOURS], 0.5 * seen[:, :COLOURS])
    assert_close(tinted[:, COLOURS:], seen[:, COLOURS:])
