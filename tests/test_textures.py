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
    textures.features.data[:, COLOURS] = 1
    textures.features.data[3, :2] = torch.stack([across, down])
    textures.features.data[4, :COLOURS] = 0.5
    textures.left.data[1, :, TEXELS // 2:] = 0
    return textures.requires_grad_(False)


def test_a_texture_lies_around_its_middle(textures):
    told = textures(layout(x=0.25, y=-0.25, side=0.4), 64, 64)
    assert told.shape == (FRAMES, FEATURES + MARKS, 64, 64)
    rows, columns = told[0, FEATURES].nonzero(as_tuple=True)
    assert_close((rows.float().mean() + 0.5) / 64, torch.tensor(0.25))
    assert_close((columns.float().mean() + 0.5) / 64, torch.tensor(0.75))
    assert (columns.max() - columns.min() + 1) / 64 == pytest.approx(0.4 * SPAN, abs=1.5 / 64)
    assert told[0, COLOURS, 16, 48] == 1 and not told[0, COLOURS, 48, 16]


def test_across_grows_to_the_right_and_turns_with_its_thing(textures):
    across = textures(layout(), 64, 64)[0, 0]
    assert across[32, 40] > 0.1 and across[32, 24] < -0.1
    assert textures(layout(mirrored=-1.0), 64, 64)[0, 0][32, 40] < -0.1
    turned = textures(layout(cos=0.0, sin=1.0), 64, 64)[0, 0]  # a quarter turn counter-clockwise: right is up
    assert turned[24, 32] > 0.1 and turned[40, 32] < -0.1


def test_shares(textures):
    told = textures(layout(visible=0.5, left=0.25), 32, 32)
    there = told[:, FEATURES] > 0
    assert (told[:, FEATURES + 1][there] == 0.5).all() and (told[:, FEATURES + 2][there] == 0.25).all()
    assert not textures(layout(subject=0), 32, 32).any()


def test_what_shows_less_of_itself_lies_behind(textures):
    pair = layout(visible=0.5)
    pair.poses[..., 1, :], pair.subjects[1] = layout(x=0.1).poses[..., 0, :], 4
    told = textures(pair, 64, 64)
    assert_close(told[0, :COLOURS, 32, 32:48], torch.full((COLOURS, 16), 0.5))
    assert told[0, 0, 32, 16] < -0.1  # beside the one in front
    pair.poses[..., 0, 6] = 1  # of equals the first lies before the other
    assert_close(textures(pair, 64, 64)[0, :2, 32, 16:46], textures(layout(), 64, 64)[0, :2, 32, 16:46])


def test_what_is_bitten_off_or_gone_is_not_there(textures):
    whole, bitten, gone = (textures(layout(left=left), 64, 64)[0] for left in (1.0, 0.8, 0.0))
    assert_close(bitten[:FEATURES, 32, 18:30], whole[:FEATURES, 32, 18:30])
    assert not bitten[:FEATURES, 32, 34:].any() and not gone[:FEATURES].any()


def test_colours_are_lit_as_the_look_says():
    lit, noon = Textures(FEATURES), layout()
    lit.features.data[3, COLOURS] = 1
    lit.lights.data[1, 2] = torch.tensor([[-0.5] * COLOURS, [-0.25] * COLOURS])
    night = replace(noon, look=torch.tensor([0, 0, 2]))
    seen, dark = lit(noon, 16, 16)[0, :FEATURES, 8, 8], lit(night, 16, 16)[0, :FEATURES, 8, 8]
    assert_close(dark[:COLOURS], 0.5 * seen[:COLOURS] - 0.25)
    assert dark[COLOURS] == seen[COLOURS] == 1


def test_another_colour_is_another_mixture_of_the_same():
    wide = Textures(FEATURES)
    wide.tints.data[2] = 0.5 * torch.eye(COLOURS)
    own = layout()
    other = replace(own, colours=torch.full_like(own.colours, 2))
    seen, tinted = wide(own, 16, 16), wide(other, 16, 16)
    assert_close(tinted[:, :COLOURS], 0.5 * seen[:, :COLOURS])
    assert_close(tinted[:, COLOURS:], seen[:, COLOURS:])
