"""Enlarging: tiles and streaming change nothing, any size comes out."""

import numpy as np
import pytest
import torch

from vitascope.upscale import choose_base, double, doublings, enlarge_tiles, neighbourhoods, upscale
from vitascope.video import from_unit, to_unit


def clip(frames=4, width=20, height=12):
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@torch.inference_mode()
def test_tiles_give_what_the_whole_picture_gives(nano_system):
    upsampler = nano_system.upsampler
    x = torch.randn(1, 9, 50, 34)
    assert torch.allclose(enlarge_tiles(upsampler, x, tile=16), upsampler.enlarge(x), atol=1e-4)
    assert upsampler.reach < 16


@torch.inference_mode()
def test_frame_by_frame_gives_what_the_whole_clip_gives(nano_system):
    pixels = clip()
    whole = from_unit(nano_system.upsampler(to_unit(pixels)[None])[0])
    assert np.abs(np.stack(list(double(nano_system.upsampler, pixels))).astype(int) - whole).max() <= 1


@pytest.mark.parametrize("count, frames, expected", [
    (1, 3, ["001", "012", "122"]), (1, 1, ["000"]), (2, 2, ["00011", "00111"]), (0, 2, ["0", "1"]),
])
def test_neighbourhoods(count, frames, expected):
    stacks = neighbourhoods((torch.tensor(number) for number in range(frames)), count)
    assert ["".join(str(int(frame)) for frame in stack) for stack in stacks] == expected


@pytest.mark.parametrize("size", [(40, 24), (41, 25), (33, 70), (100, 60), (20, 12), (10, 10)])
def test_any_size_comes_out(nano_system, size):
    frames = list(upscale(nano_system.upsampler, clip(2), *size))
    assert [frame.shape for frame in frames] == [(size[1], size[0], 3)] * 2


def test_as_many_doublings_as_it_takes():
    assert [doublings(128, 128, *size)
            for size in ((128, 128), (256, 100), (257, 100), (2048, 2048), (64, 64))] == [0, 1, 2, 4, 0]


def test_frames_are_read_no_further_than_needed(nano_system):
    """Memory does not grow with the length: an endless clip can be enlarged."""
    def endless():
        while True:
            taken.append(1)
            yield clip(1)[0]

    taken = []
    enlarged = upscale(nano_system.upsampler, endless(), 80, 48)
    for _ in range(3):
        next(enlarged)
    assert len(taken) <= 6


def test_what_is_too_large_is_refused(nano_system):
    with pytest.raises(ValueError, match="3000x100.*2048"):
        upscale(nano_system.upsampler, clip(1), 3000, 100)


@pytest.mark.parametrize("size, base", [((176, 96), (176, 96)), ((1920, 1080), (176, 96)), ((1080, 1920), (96, 176)),
                                        ((2048, 2048), (128, 128)), ((1000, 700), (160, 112)), ((60, 60), (128, 128))])
def test_a_base_for_every_size(nano_system, size, base):
    assert choose_base(nano_system, *size) == base


def test_what_is_too_long_is_refused(nano_system):
    with pytest.raises(ValueError, match="2000x100.*3 times"):
        choose_base(nano_system, 2000, 100)


@torch.inference_mode()
def test_the_last_doublings_lead_exactly_to_the_size(nano_system):
    """Nothing is computed that is then cut off, but for a pixel or so."""
    seen = []
    enlarge = nano_system.upsampler.enlarge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nano_system.upsampler, "enlarge", lambda x: seen.append(x.shape[2:]) or enlarge(x))
        frames = list(upscale(nano_system.upsampler, clip(1), 121, 70))
    assert frames[0].shape == (70, 121, 3) and seen == [(12, 20), (18, 31), (36, 62)]
