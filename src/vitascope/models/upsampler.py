"""Learned upsampling: video (B, 3, T, H, W) in [-1, 1] → (B, 3, T, 2H, 2W).

A residual network at the small size whose output is added to the bicubic picture (the frame of EDSR, Lim et al. 2017,
with sub-pixel convolution, Shi et al. 2016). Each frame also sees its two neighbours, so that detail does not
flicker, and where a layout is known the textures of what is there and what other frames of the clip show of it (frames
that are carried along with motion are from Sajjadi et al. 2018, "Frame-Recurrent Video Super-Resolution"). Trained on
pairs that the world renders, with inputs that went through the autoencoder, and with what the painter made of clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import Layout
from .recall import RECALLED, Seen, recall
from .textures import COLOURS, MARKS, Textures

SCALE = 2
UNPASTED = -3.0  # before training hardly anything is


@dataclass(frozen=True)
class UpsamplerConfig:
    width: int = 64
    blocks: int = 8
    neighbours: int = 1  # frames seen on either side
    textures: int = 0  # features of a thing's texture; 0: layouts are of no use


@dataclass(frozen=True)
class Told:
    """What is known of some frames of a clip beside themselves."""
    layout: Layout  # of the whole clip, in groups of one frame
    frames: range  # which of its frames they are
    seen: Sequence[Seen] = ()  # some of its frames, to be remembered

    @classmethod
    def last(cls, layout: Layout, frames: int, first: Tensor | None = None) -> "Told":
        """Of the last frames of a layout: it has a whole group of frames where a video has a single first one.

        The `first` of them, (3, H, W), is remembered.
        """
        flat = layout.frame_by_frame()
        begin = len(flat.poses) - frames
        return cls(flat, range(begin, len(flat.poses)), () if first is None else [Seen(first, begin)])


class Block(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to the input; zero at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class Upsampler(nn.Module):
    """Twice the rows and columns."""

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3 * (1 + 2 * config.neighbours), config.width, 3, padding=1)
        self.textures = Textures(config.textures) if config.textures else None
        if config.textures:
            told = SCALE**2 * (config.textures + MARKS) + RECALLED
            self.told = nn.Conv2d(told, config.width, 3, padding=1, bias=False)
            self.paste = nn.Conv2d(config.width, SCALE**2, 3, padding=1)
            nn.init.zeros_(self.paste.weight)
            nn.init.constant_(self.paste.bias, UNPASTED)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.blocks))
        self.head = nn.Conv2d(config.width, 3 * SCALE**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.to(memory_format=torch.channels_last)

    @property
    def reach(self) -> int:
        """Pixels of the small picture that one of its pixels has an effect on, to each side."""
        return 2 + 2 * self.config.blocks

    def forward(self, video: Tensor, told: Sequence[Told | None] = ()) -> Tensor:
        """Twice the rows and columns. `told`, one for each video or none at all, is what else is known of it."""
        x = rearrange(with_neighbours(video, self.config.neighbours), "b c t h w -> (b t) c h w")
        hints = self.hint(told, video.shape) if self.textures and any(told) else None
        return rearrange(self.enlarge(x, hints), "(b t) c h w -> b c t h w", b=len(video))

    def hint(self, told: Sequence[Told | None], shape: torch.Size) -> Tensor:
        """What is told of videos of a shape (B, 3, T, H, W), as pixels: (B T, channels, H, W), 0 where nothing is.

        Every pixel gets the textures of those that it will become, and what the remembered frames show of it.
        """
        _, _, T, H, W = shape
        nothing = torch.zeros(T, self.told.in_channels, H, W)
        return torch.cat([self._hint(one, H, W) if one else nothing for one in told])

    def _hint(self, told: Told, rows: int, columns: int) -> Tensor:
        part = told.layout.part(slice(told.frames.start, told.frames.stop))
        textures = F.pixel_unshuffle(self.textures(part, SCALE * rows, SCALE * columns), SCALE)
        seen = (recall(told.seen, told.layout, told.frames, self.textures.covers(told.layout)) if told.seen
                else textures.new_zeros(RECALLED, len(told.frames), rows, columns))
        return torch.cat([textures, seen.transpose(0, 1)], 1)

    def enlarge(self, x: Tensor, hints: Tensor | None = None) -> Tensor:
        """Frames (N, 3, 2H, 2W) of small ones, (N, 3 (1 + 2 neighbours), H, W), with their neighbours as channels.

        `hints` is what else is known of them, as `hint` gives it.
        """
        frames = x[:, 3 * self.config.neighbours:][:, :3]                # (N, 3, H, W)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))   # (N, width, H, W)
        if hints is not None:
            x = x + self.told(hints.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x)
        detail = F.pixel_shuffle(self.head(x), SCALE)                    # (N, 3, 2H, 2W)
        large = F.interpolate(frames, scale_factor=SCALE, mode="bicubic", align_corners=False)
        return (large if hints is None else self._pasted(large, hints, x)) + detail

    def _pasted(self, large: Tensor, hints: Tensor, x: Tensor) -> Tensor:
        """The large picture with the colours of textures where things are and the network, of width `x`, takes them."""
        colours, cover = F.pixel_shuffle(hints[:, :SCALE**2 * (COLOURS + 1)], SCALE).split([COLOURS, 1], 1)
        return large + F.pixel_shuffle(self.paste(x), SCALE).sigmoid() * (colours - cover * large)


def halve(videos: Tensor) -> Tensor:
    """The way back: (..., T, H, W) at half the height and width, each pixel the mean of those that it came from."""
    return F.avg_pool3d(videos, (1, SCALE, SCALE))


def with_neighbours(video: Tensor, count: int) -> Tensor:
    """Every frame with its `count` neighbours on either side stacked on the channels, (B, 3 (1 + 2 count), T, H, W)."""
    T = video.shape[2]
    order = torch.arange(T)
    shifted = [video[:, :, (order + offset).clamp(0, T - 1)] for offset in range(-count, count + 1)]
    return torch.cat(shifted, 1)


UPSAMPLERS: dict[str, UpsamplerConfig] = {
    "nano":    UpsamplerConfig(width=16, blocks=2, textures=4),   # tests
    "bundled": UpsamplerConfig(width=64, blocks=8, textures=8),
}
