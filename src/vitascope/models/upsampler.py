"""Learned upsampling: video (B, 3, T, H, W) in [-1, 1] → (B, 3, T, 2H, 2W).

A residual network at the small size whose output is added to the bicubic picture (the frame of EDSR, Lim et al. 2017,
with sub-pixel convolution, Shi et al. 2016). Each frame also sees its two neighbours, so that detail does not flicker, and
where a layout is known the textures of what is there. The layout's look shifts every block, after the conditional
normalisation of Dumoulin et al. 2017, "A Learned Representation for Artistic Style": a style is put on the finished painting
here, at the full size. Trained on pairs that the world renders, with inputs that went through the autoencoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import LOOK_BITS, LOOKS, Layout, waves
from .textures import MARKS, Textures

SCALE = 2
PLACE_WAVES = 7  # frequencies of a pixel's place in the view, for what a style does by place: corners, paper, square blocks


@dataclass(frozen=True)
class UpsamplerConfig:
    width: int = 64
    blocks: int = 8
    neighbours: int = 1  # frames seen on either side
    textures: int = 0  # features of a thing's texture; 0: layouts are of no use


class Block(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to the input; zero at the start. `shift` is added between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Tensor:
        y = self.first(x)
        return x + self.second(F.relu(y if shift is None else y + shift))


class Told(NamedTuple):
    """What layouts say of N frames; zeros for those that have none."""
    features: Tensor  # (N, channels, H, W) textures of what is there, and where in the view it is
    shifts: Tensor  # (N, blocks, width, 1, 1) how it all looks


class Upsampler(nn.Module):
    """Twice the rows and columns."""

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3 * (1 + 2 * config.neighbours), config.width, 3, padding=1)
        self.textures = Textures(config.textures) if config.textures else None
        if config.textures:
            self.told = nn.Conv2d(config.textures + MARKS + 4 * PLACE_WAVES, config.width, 3, padding=1, bias=False)
            self.looks = nn.ModuleList(nn.Embedding(2**LOOK_BITS, config.blocks * config.width) for _ in range(LOOKS))
            for look in self.looks:
                nn.init.zeros_(look.weight)
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
        """Twice the rows and columns; `layouts`, one for each video or none at all, say what is where in its T frames."""
        x = rearrange(with_neighbours(video, self.config.neighbours), "b c t h w -> (b t) c h w")
        told = self.tell(layouts, video.shape) if self.textures and any(layouts) else None
        return rearrange(self.enlarge(x, told), "(b t) c h w -> b c t h w", b=len(video))

    def tell(self, layouts: Sequence[Layout | None], shape: torch.Size) -> Told:
        """What the layouts of videos of a shape (B, 3, T, H, W) say of each of their B T frames."""
        _, _, T, H, W = shape
        features = torch.zeros(len(layouts), T, self.told.in_channels, H, W)
        shifts = torch.zeros(len(layouts), T, self.config.blocks * self.config.width)
        for number, layout in enumerate(layouts):
            if layout:
                flat = layout.frame_by_frame().part(slice(-T, None))  # a first frame stands for a group
                where = places(layout.crop, H, W).expand(T, -1, -1, -1)
                features[number] = torch.cat([self.textures(flat, H, W), where], 1)
                shifts[number] = sum(table(value) for table, value in zip(self.looks, layout.look))
        return Told(features.flatten(0, 1), rearrange(shifts, "b t (k d) -> (b t) k d 1 1", k=self.config.blocks))

    def enlarge(self, x: Tensor, told: Told | None = None) -> Tensor:
        """Frames (N, 3, 2H, 2W) of small ones with their neighbours on the channels, (N, 3 (1 + 2 neighbours), H, W)."""
        frames = x[:, 3 * self.config.neighbours:][:, :3]                # (N, 3, H, W)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))   # (N, width, H, W)
        if told is not None:
            x = x + self.told(told.features.contiguous(memory_format=torch.channels_last))
        for number, block in enumerate(self.blocks):
            x = block(x, told and told.shifts[:, number])
        detail = F.pixel_shuffle(self.head(x), SCALE)                    # (N, 3, 2H, 2W)
        return F.interpolate(frames, scale_factor=SCALE, mode="bicubic", align_corners=False) + detail


def places(crop: tuple[float, float, float], rows: int, columns: int) -> Tensor:
    """Where in the view the pixels of a part of it are, (4 PLACE_WAVES, rows, columns); see `Layout.crop`."""
    X, Y, zoom = crop
    y, x = (((torch.arange(count) + 0.5 - count / 2) / rows / zoom + middle) for count, middle in ((rows, Y), (columns, X)))
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1)
    return rearrange(waves(grid, PLACE_WAVES), "h w yx waves -> (yx waves) h w")


def with_neighbours(video: Tensor, count: int) -> Tensor:
    """Every frame with its `count` neighbours on either side stacked on the channels, (B, 3 (1 + 2 count), T, H, W)."""
    T = video.shape[2]
    order = torch.arange(T)
    shifted = [video[:, :, (order + offset).clamp(0, T - 1)] for offset in range(-count, count + 1)]
    return torch.cat(shifted, 1)


UPSAMPLERS: dict[str, UpsamplerConfig] = {
    "nano":    UpsamplerConfig(width=16, blocks=2, textures=4),   # tests
    "bundled": UpsamplerConfig(width=64, blocks=8, textures=16),
}
