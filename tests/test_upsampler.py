"""The upsampler: twice the size, bicubic before training."""

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from vitascope.models.upsampler import UPSAMPLERS, Upsampler, with_neighbours


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
