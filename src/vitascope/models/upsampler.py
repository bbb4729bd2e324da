"""Learned upsampling: video (B, 3, T, H, W) in [-1, 1] → (B, 3, T, 2H, 2W).

A residual network at the small size whose output is added to the bicubic picture (the frame of EDSR, Lim et al. 2017,
with sub-pixel convolution, Shi et al. 2016). Each frame also sees its two neighbours, so that detail does not
flicker, and where a layout is known the textures of what is there. Trained on pairs that the world renders, with
inputs that went through the autoencoder, and with what the painter made of clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import Layout
from .textures import MARKS, Textures

SCALE = 2


@dataclass(frozen=True)
class UpsamplerConfig:
    width: int = 64
    blocks: int = 8
    neighbours: int = 1  # frames seen on either side
    textures: int = 0  # features of a thing's texture; 0: layouts are of no use


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
            self.told = nn.Conv2d(SCALE**2 * (config.textures + MARKS), config.width, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.blocks))
        self.head = nn.Conv2d(config.width, 3 * SCALE**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.to(memory_format=torch.channels_last)

    @property
    def reach(self) -> int:
        """Pixels of the small picture that one of its pixels has an effect on, to each side."""
        return 2 + 2 * self.config.blocks

    def forward(self, video: Tensor, layouts: Sequence[Layout | None] = ()) -> Tensor:
        """Twice the rows and columns. `layouts`, one for each video or none at all, say what is where in its frames."""
        x = rearrange(with_neighbours(video, self.config.neighbours), "b c t h w -> (b t) c h w")
        told = self.tell(layouts, video.shape) if self.textures and any(layouts) else None
        return rearrange(self.enlarge(x, told), "(b t) c h w -> b c t h w", b=len(video))

    def tell(self, layouts: Sequence[Layout | None], shape: torch.Size) -> Tensor:
        """What layouts say of videos of a shape (B, 3, T, H, W), 0 without a layout.

        (B T, SCALE² (textures + MARKS), H, W): every pixel is told of those that it will become.
        """
        _, _, T, H, W = shape
        nothing = torch.zeros(T, self.told.in_channels, H, W)
        large = SCALE * H, SCALE * W
        # a layout has a whole group of frames where a video has a single first one
        last = (layout and layout.frame_by_frame().part(slice(-T, None)) for layout in layouts)
        return torch.cat([F.pixel_unshuffle(self.textures(layout, *large), SCALE) if layout else nothing
                          for layout in last])

    def enlarge(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        """Frames (N, 3, 2H, 2W) of small ones, (N, 3 (1 + 2 neighbours), H, W), with their neighbours as channels.

        `told` is what is known to be there, as `tell` gives it.
        """
        frames = x[:, 3 * self.config.neighbours:][:, :3]                # (N, 3, H, W)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))   # (N, width, H, W)
        if told is not None:
            x = x + self.told(told.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x)
        detail = F.pixel_shuffle(self.head(x), SCALE)                    # (N, 3, 2H, 2W)
        return F.interpolate(frames, scale_factor=SCALE, mode="bicubic", align_corners=False) + detail


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
