"""Frames, and what the autoencoder makes of them again → how much they look as if the bundled models had drawn them.

Statistics of a clip go into a few small networks whose log odds are averaged: how much there is of what is finer than
half the size, of what the autoencoder loses at half the size (little where it drew them itself: Ricker et al. 2024,
"AEROBLADE"), and of how both change, frame by frame and by size. What is shown is hard to see in them, how it was
drawn is not (the residuals of Fridrich and Kodovsky 2012, "Rich Models for Steganalysis of Digital Images").
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .upsampler import SCALE, halve

STATISTICS = 93  # of a clip of five frames
QUIET = 1e-5  # mean square in [-1, 1] that counts as nothing: about what rounding to 8 bits leaves
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
FARTHEST = 5.0  # deviations from the mean that a statistic may have


@dataclass(frozen=True)
class TracerConfig:
    hidden: int = 64
    members: int = 4  # networks whose log odds are averaged
    dropout: float = 0.3


class Tracer(nn.Module):
    """Log odds of a clip's statistics; `mean` and `deviation` are those of what was learnt from."""

    def __init__(self, config: TracerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(STATISTICS))
        self.register_buffer("deviation", torch.ones(STATISTICS))
        self.members = nn.ModuleList(_member(config) for _ in range(config.members))

    def forward(self, x: Tensor) -> Tensor:
        """Log odds (members, B) of statistics (B, STATISTICS)."""
        x = ((x - self.mean) / self.deviation).clamp(-FARTHEST, FARTHEST)
        return torch.stack([member(x).squeeze(1) for member in self.members])


def _member(config: TracerConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (STATISTICS, config.hidden):
        layers += [nn.Linear(width, config.hidden), nn.SiLU(), nn.Dropout(config.dropout)]
    return nn.Sequential(*layers, nn.Linear(config.hidden, 1))


def statistics(video: Tensor, again: Tensor) -> Tensor:
    """Numbers (STATISTICS,) of a clip (3, 5, H, W) in [-1, 1], redrawn at half the size (3, 5, H/2, W/2)."""
    small = halve(video)
    x, half, lost, detail = (colours(each) for each in (video, small, small - again, video - enlarged(small)))
    parts = [slice(0, 1), slice(1, 3)]  # brightness, colour
    values = [value for part in parts for value in _energies(x[part], half[part], lost[part], detail[part])]
    grey, grey_lost = detail[0], lost[0]
    values += [_log(grey[:, row::2, column::2]) for row in (0, 1) for column in (0, 1)]
    for each in (grey, grey_lost, grey_lost.diff(dim=0), x[0].diff(dim=0)):
        ordered = torch.quantile(each.abs().flatten()[::3], torch.tensor(QUANTILES))
        values += (ordered + 2e-3).log().unbind()
    return torch.stack([*values, *_grid(x[0])])


def _energies(x: Tensor, half: Tensor, lost: Tensor, detail: Tensor) -> Iterator[Tensor]:
    """Of a clip's brightness or colour (C, T, H, W), its half, what that loses, and what it does not hold."""
    fine, moved, lost_moved, detail_moved = _fine(x), x.diff(dim=1), lost.diff(dim=1), detail.diff(dim=1)
    whole = (detail, fine, _fine(half), lost, moved, lost_moved, half.diff(dim=1), F.avg_pool2d(lost, 4),
             F.avg_pool2d(lost, 2), F.avg_pool2d(lost_moved, 4), detail_moved)
    single = (*lost.unbind(1), *lost_moved.unbind(1), detail[:, 0].diff(dim=-1), detail[:, -1].diff(dim=-1),
              *detail_moved.unbind(1))
    yield from map(_log, (*whole, *single))
    for each in (detail, fine, lost, lost_moved, moved):
        yield (each.abs().mean() + 1e-3).log()


def _grid(grey: Tensor) -> Iterator[Tensor]:
    """How much stronger steps between columns (T, H, W) are where codecs and models have their grids."""
    step = grey.diff(dim=-1).abs().mean((0, 1))
    for some, all_of_them in ((step[15::16], step), (step[7::8], step), (step[::2], step[1::2])):
        yield (some.mean() / (all_of_them.mean() + 1e-4) + 1e-3).log()


def _fine(x: Tensor) -> Tensor:
    """What differs from the mean of the nine pixels around it."""
    return x - F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _log(x: Tensor) -> Tensor:
    return (x.square().mean() + QUIET).log()


def enlarged(small: Tensor) -> Tensor:
    """A clip (3, T, h, w) at SCALE times the size, bicubically."""
    frames = F.interpolate(small.transpose(0, 1), scale_factor=SCALE, mode="bicubic", align_corners=False)
    return frames.transpose(0, 1)


def colours(video: Tensor) -> Tensor:
    """Brightness and two differences from it, (3, T, H, W)."""
    grey = video.mean(0, keepdim=True)
    return torch.cat([grey, video[::2] - grey])


TRACERS: dict[str, TracerConfig] = {
    "nano":    TracerConfig(hidden=8, members=2, dropout=0.0),  # tests
    "bundled": TracerConfig(),
}
