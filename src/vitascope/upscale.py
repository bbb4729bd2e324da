"""Frames of any size → frames of any larger size: the upsampler over and over, tile by tile, frame by frame.

What goes in and out are frames uint8 (H, W, 3) one after the other, so that memory depends on their size and never on
their number. Knows no latents and no files.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import numpy as np
import torch
from torch import Tensor

from .models.upsampler import SCALE, Upsampler
from .video import cover_frame, from_unit, to_unit

LARGEST = 2048  # pixels, of a side
TILE = 192  # pixels of the small picture in a tile's side


def check_target(width: int, height: int) -> None:
    """ValueError for a size that is too large to enlarge to."""
    if max(width, height) > LARGEST:
        raise ValueError(f"size {width}x{height} is too large; expected sides of at most {LARGEST} pixels")


def upscale(upsampler: Upsampler, frames: Iterable[np.ndarray], width: int, height: int) -> Iterator[np.ndarray]:
    """Frames of width x height: doubled as often as it takes to cover it, scaled down, what overhangs cut off."""
    check_target(width, height)
    frames = iter(frames)
    first = next(frames)
    small, stages = chain([first], frames), doublings(first.shape[1], first.shape[0], width, height)
    for _ in range(stages):
        small = double(upsampler, small)
    return (cover_frame(frame, width, height) for frame in small)


def doublings(width: int, height: int, target_width: int, target_height: int) -> int:
    """How often a picture is to be doubled until it covers another size."""
    ratio = max(target_width / width, target_height / height)
    return max(math.ceil(math.log(ratio, SCALE) - 1e-9), 0)


@torch.inference_mode()
def double(upsampler: Upsampler, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Every frame at twice its size, as the whole clip at once would give it."""
    for window in neighbourhoods((to_unit(frame[None])[:, 0] for frame in frames), upsampler.config.neighbours):
        yield from_unit(enlarge_tiles(upsampler, torch.cat(window)[None])[0][:, None])[0]


def neighbourhoods(frames: Iterable[Tensor], count: int) -> Iterator[list[Tensor]]:
    """Every frame in the middle of its `count` neighbours to either side; beyond an end stands the frame at the end."""
    window: deque[Tensor] = deque(maxlen=1 + 2 * count)
    for frame in _lengthen(frames, count):
        window.append(frame)
        if len(window) == window.maxlen:
            yield list(window)


def _lengthen(frames: Iterable[Tensor], count: int) -> Iterator[Tensor]:
    """The frames, the first and the last of them `count` times more."""
    again = count
    for frame in frames:
        yield from repeat(frame, 1 + again)
        again = 0
    yield from repeat(frame, count)


def enlarge_tiles(upsampler: Upsampler, x: Tensor, tile: int = TILE) -> Tensor:
    """`upsampler.enlarge` of (1, C, H, W) by tiles that overlap as far as it reaches: the same in less memory."""
    H, W = x.shape[2:]
    large = x.new_empty(len(x), 3, SCALE * H, SCALE * W)
    for top in range(0, H, tile):
        for left in range(0, W, tile):
            bottom, right = min(top + tile, H), min(left + tile, W)
            above, before = min(top, upsampler.reach), min(left, upsampler.reach)
            seen = x[:, :, top - above:bottom + upsampler.reach, left - before:right + upsampler.reach]
            part = upsampler.enlarge(seen)[:, :, SCALE * above:, SCALE * before:]
            large[:, :, SCALE * top:SCALE * bottom, SCALE * left:SCALE * right] = \
                part[:, :, :SCALE * (bottom - top), :SCALE * (right - left)]
    return large
