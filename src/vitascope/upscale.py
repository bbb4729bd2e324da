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
from .request import check_target
from .system import System
from .video import cover_frame, from_unit, to_unit

TILE = 192  # pixels of the small picture in a tile's side


def choose_base(system: System, width: int, height: int) -> tuple[int, int]:
    """The size to make something at that is to have this one: itself if the model can, else the nearest that it can.

    ValueError for sides that are too different from each other.
    """
    base = system.nearest_size(width, height)
    for size in ((width, height), base):
        try:
            system.check_size(*size)
        except ValueError:
            continue
        return size
    raise ValueError(f"size {width}x{height} is too long; expected one side to be at most 3 times the other")


def upscale(upsampler: Upsampler, frames: Iterable[np.ndarray], width: int, height: int) -> Iterator[np.ndarray]:
    """Frames of width x height: doubled as often as it takes to cover it, what overhangs cut off.

    What the first doubling gives too much is scaled down at once, so that the others, where the work is, lead exactly
    to the size.
    """
    check_target(width, height)
    return _enlarge(upsampler, iter(frames), width, height)


def _enlarge(upsampler: Upsampler, frames: Iterator[np.ndarray], width: int, height: int) -> Iterator[np.ndarray]:
    first = next(frames)
    stages = doublings(first.shape[1], first.shape[0], width, height)
    frames = chain([first], frames)
    if stages:
        rest = SCALE**(stages - 1)
        frames = (cover_frame(frame, -(-width // rest), -(-height // rest)) for frame in double(upsampler, frames))
        for _ in range(stages - 1):
            frames = double(upsampler, frames)
        frames = (_cut(frame, width, height) for frame in frames)
    yield from (cover_frame(frame, width, height) for frame in frames)


def _cut(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a frame (H, W, 3)."""
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top:top + height, left:left + width]


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
