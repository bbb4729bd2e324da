"""A style is put on all of a video, frame by frame, and no style leaves it as it is."""

import pytest
import torch
from torch.testing import assert_close

from vitascope.grain import SURFACES
from vitascope.models.stylist import SEEN, STYLISTS, Stylist, coarse, look_at


@pytest.fixture(scope="module")
def stylist():
    torch.manual_seed(0)
    return Stylist(STYLISTS["nano"]).requires_grad_(False)


def ground(frames: int = 5) -> torch.Tensor:
    return torch.rand(frames, SURFACES, 12, 20, generator=torch.Generator().manual_seed(1))


def test_every_style_and_weather_is_its_own_and_none_is_none(stylist):
    video = torch.rand(2, 3, 5, 12, 20) * 2 - 1
    looks = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (0, 2), (0, 3), (1, 2)]
    made = [stylist(video, ground(), *look) for look in looks]
    assert all(one.shape == video.shape for one in made)
    assert not any(torch.allclose(made[a], made[b]) for a in range(len(looks)) for b in range(a))
    for style, weather in ((0, 0), (5, 0), (0, 1), (0, 4)):
        assert torch.equal(stylist(video, ground(), style, weather), video)


def test_a_style_is_put_on_what_has_fallen(stylist):
    video = torch.rand(1, 3, 5, 12, 20) * 2 - 1
    wet = stylist(video, ground(), 0, 3)
    assert_close(stylist(video, ground(), 1, 3), stylist(wet, ground(), 1))


def test_a_frame_looks_the_same_in_any_company(stylist):
    video = torch.rand(1, 3, 5, 12, 20) * 2 - 1
    assert_close(stylist(video, ground(), 2)[:, :, 3:4], stylist(video[:, :, 3:4], ground()[3:4], 2))


@pytest.mark.parametrize("height, width", [(16, 24), (13, 22)])
def test_squares_hold_their_means(height, width):
    frames = torch.rand(2, 3, height, width)
    squares, ground = coarse(frames, 4), torch.rand(2, SURFACES, height, width)
    assert squares.shape == frames.shape and look_at(frames, ground).shape == (2, SEEN, height, width)
    assert_close(squares[0, 1, 5, 6], frames[0, 1, 4:8, 4:8].mean())
    assert (squares[:, :, 4:8, 4:8] == squares[:, :, 4:5, 4:5]).all()


def test_a_network_paints_in_its_squares(stylist):
    made = stylist(torch.rand(1, 3, 2, 128, 128) * 2 - 1, torch.rand(2, SURFACES, 128, 128), 2)
    squares = made.view(1, 3, 2, 32, 4, 32, 4)
    assert (squares == squares[:, :, :, :, :1, :, :1]).all() and made.std() > 0
