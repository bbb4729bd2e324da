"""A style and what falls, put on a finished video: (B, 3, T, H, W) in [-1, 1] → the same video in that style.

A feed-forward network for each style and for rain and snow (after Johnson et al. 2016, "Perceptual Losses for Real-Time
Style Transfer"), frame by frame: pictures are painted without them, which the transformer then need not learn anew for
every subject and place. A network sees a frame at four scales, the mean and the spread of its colours, waves of
lightness and hue, how far from the middle a pixel lies, and the surfaces of `grain`: that is what outlines, square
pixels, exposure, few colours, dark corners, hatching, grain and snowflakes take.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..grain import SURFACES
from .layout import waves

SCALES = (1, 2, 4, 8)  # pixels over which a frame of HEIGHT is averaged, others in proportion
HEIGHT = 128
WAVED = (0, 2)  # scales whose colours are also told as waves
WAVES = 5  # frequencies for each number of a colour
SEEN = 3 * len(SCALES) + 6 * WAVES * len(WAVED) + 6 + 1 + SURFACES  # numbers of a pixel: see `look_at`
LIGHTNESS = torch.tensor([[0.299, 0.587, 0.114], [0.500, -0.419, -0.081], [-0.169, -0.331, 0.500]])  # ITU-R BT.601


@dataclass(frozen=True)
class StylistConfig:
    styles: int = 4  # numbers 1 to `styles` of a layout's look; 0 is none
    falls: tuple[int, ...] = (2, 3)  # numbers of the weathers in which something falls
    squares: tuple[int, ...] = (1, 4, 1, 1, 1, 1)  # pixels of HEIGHT to a side of what each network paints in one colour
    width: int = 32
    layers: int = 4


class Stylist(nn.Module):
    """One network for each style, and one for each weather in which something falls."""

    def __init__(self, config: StylistConfig) -> None:
        super().__init__()
        self.config, count = config, config.styles + len(config.falls)
        self.networks = nn.ModuleList(_network(config) for _ in range(count))
        self.colours = nn.ModuleList(nn.Conv2d(SEEN, 3, 1) for _ in range(count))  # all that is linear
        self.to(memory_format=torch.channels_last)

    def wanted(self, style: int, weather: int) -> list[int]:
        """The networks that a look takes, in their order: rain and snow fall first. Unknown numbers take none."""
        falls = [self.config.styles + n for n, number in enumerate(self.config.falls) if number == weather]
        return falls + [style - 1] * (0 < style <= self.config.styles)

    def forward(self, video: Tensor, ground: Tensor, style: int, weather: int = 0) -> Tensor:
        """The video on its surfaces (T, SURFACES, H, W), in a style and a weather."""
        B, _, _, H, W = video.shape
        frames, ground = rearrange(video, "b c t h w -> (b t) c h w"), ground.to(video).repeat(B, 1, 1, 1)
        for network in self.wanted(style, weather):
            frames = self.apply_style(look_at(frames, ground), network, H)
        return rearrange(frames, "(b t) c h w -> b c t h w", b=B).to(video.dtype)

    def apply_style(self, seen: Tensor, network: int, height: int) -> Tensor:
        """Frames (N, 3, H, W) of a height as one network puts it, of what `look_at` sees of them or of parts of them."""
        side = in_pixels(self.config.squares[network], height)
        seen, rows, columns = means(seen, side).contiguous(memory_format=torch.channels_last), *seen.shape[2:]
        return enlarged(self.colours[network](seen) + self.networks[network](seen), side, rows, columns)


def _network(config: StylistConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (SEEN, *(config.layers - 2) * [config.width]):
        layers += [nn.Conv2d(before, config.width, 3, padding=1, padding_mode="replicate"), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(config.width, 3, 3, padding=1, padding_mode="replicate"))


def look_at(frames: Tensor, ground: Tensor) -> Tensor:
    """What a network sees of frames (N, 3, H, W) on their surfaces (N, SURFACES, H, W): (N, SEEN, H, W)."""
    N, _, H, W = frames.shape
    scales = [coarse(frames, in_pixels(scale, H)) for scale in SCALES]
    waved = [colour_waves(scales[number]) for number in WAVED]
    colours = torch.cat([frames.mean((2, 3)), frames.std((2, 3))], 1)                         # (N, 6)
    y, x = ((torch.arange(count) + 0.5) / count * 2 - 1 for count in (H, W))
    corner = (y[:, None].square() + x.square()) / 2                                           # (H, W)
    return torch.cat([*scales, *waved, colours[..., None, None].expand(-1, -1, H, W), corner.expand(N, 1, H, W),
                      2 * ground - 1], 1)


def colour_waves(frames: Tensor) -> Tensor:
    """Lightness and two differences of colour as sines and cosines, (N, 6 WAVES, H, W)."""
    numbers = torch.einsum("k c, n c h w -> n h w k", LIGHTNESS.to(frames), frames)
    return rearrange(waves(numbers, WAVES), "n h w k waves -> n (k waves) h w")


def coarse(frames: Tensor, side: int) -> Tensor:
    """Frames (N, C, H, W) in squares of their mean colours."""
    return enlarged(means(frames, side), side, *frames.shape[2:])


def in_pixels(length: int, height: int) -> int:
    """A length in pixels of HEIGHT as pixels of another height."""
    return max(round(length * height / HEIGHT), 1)


def means(frames: Tensor, side: int) -> Tensor:
    """A pixel for each square of frames (N, C, H, W); what is left over at the edges makes smaller ones."""
    return frames if side == 1 else F.avg_pool2d(frames, side, ceil_mode=True)


def enlarged(squares: Tensor, side: int, rows: int, columns: int) -> Tensor:
    """The way back, to so many rows and columns."""
    if side == 1:
        return squares
    return squares.repeat_interleave(side, 2).repeat_interleave(side, 3)[:, :, :rows, :columns]


STYLISTS: dict[str, StylistConfig] = {
    "nano":    StylistConfig(width=8, layers=2),  # tests
    "bundled": StylistConfig(),
}
