"""The upsampler: twice the size, bicubic before training."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.models.recall import Seen
from vitascope.models.upsampler import UPSAMPLERS, Told, Upsampler, halve, with_neighbours
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene


def test_an_untrained_upsampler_is_bicubic():
    video = torch.rand(2, 3, 5, 12, 16) * 2 - 1
    enlarged = Upsampler(UPSAMPLERS["nano"])(video)
    expected = F.interpolate(video[1, :, 2][None], scale_factor=2, mode="bicubic")[0]
    assert enlarged.shape == (2, 3, 5, 24, 32)
    assert_close(enlarged[1, :, 2], expected)


def test_neighbours_stand_before_and_after():
    video = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(1, 3, 4, 2, 2)
    seen = with_neighbours(video, 1)[0, ::3, :, 0, 0]
    assert seen.T.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_a_layout_is_told_to_its_own_clip_only():
    torch.manual_seed(0)
    upsampler, scene = Upsampler(UPSAMPLERS["nano"]), sample_scene(3, frames=5)
    torch.nn.init.normal_(upsampler.head.weight)
    layout, video = layout_of(scene, simulate(scene), 0, 5), torch.rand(2, 3, 5, 16, 16)
    whole = Told.last(layout, 5)
    bare, told = upsampler(video), upsampler(video, [None, whole])
    assert_close(told[0], bare[0])
    assert not torch.allclose(told[1], bare[1])
    hints = upsampler.hint([whole], video.shape)
    assert_close(upsampler.hint([replace(whole, frames=whole.frames[2:4])], video[:, :, 2:4].shape), hints[2:4])
    assert not torch.allclose(upsampler(video[1:], [replace(whole, seen=[Seen(video[1, :, 0])])])[0], told[1])


def test_halving_averages():
    videos = torch.rand(3, 2, 4, 6)
    assert_close(halve(videos)[0, 0, 0, 0], videos[0, 0, :2, :2].mean())
