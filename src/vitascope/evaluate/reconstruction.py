"""How much an autoencoder loses: PSNR, what linear compression of the same size loses, flicker and seams.

In go videos (B, 3, T, H, W) in [-1, 1], the originals and their reconstructions; out come plain numbers. Knows no model
but by its `encode` and `decode`.
"""

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ..models.autoencoder import FRAMES, SIDE, Autoencoder, patchify, repeat_first, unpatchify

LEVELS = 127.5  # pixel levels of 8 bits per unit of [-1, 1]
STILL = 1.5 / LEVELS  # a pixel that changes by less than this from frame to frame counts as still


@dataclass(frozen=True)
class Reconstruction:
    """What was measured on a set of videos."""

    psnr: float  # dB, from the squared error over all frames of a video, averaged over videos
    psnr_first: float  # dB, of frame 0 alone: what images lose
    psnr_linear: float  # dB, of PCA with as many numbers, fitted to training videos
    flicker: float  # 8-bit levels, RMS change of the error from frame to frame where the original stands still
    seams: float  # error gradient across 8x8 block borders over the gradient elsewhere; 1 = no seams


@torch.no_grad()
def measure(autoencoder: Autoencoder, videos: Tensor, linear: "LinearCompression", *, batch: int = 8) -> Reconstruction:
    """Measure an autoencoder on videos (B, 3, T, H, W), against linear compression fitted beforehand."""
    decoded = torch.cat([autoencoder.decode(autoencoder.encode(part)).clamp(-1, 1) for part in videos.split(batch)])
    straight = torch.cat([linear(part).clamp(-1, 1) for part in videos.split(batch)])
    return Reconstruction(
        psnr=psnr(videos, decoded).mean().item(),
        psnr_first=psnr(videos[:, :, :1], decoded[:, :, :1]).mean().item(),
        psnr_linear=psnr(videos, straight).mean().item(),
        flicker=flicker(videos, decoded),
        seams=seams(videos, decoded),
    )


def psnr(original: Tensor, decoded: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each video of (B, 3, T, H, W) in [-1, 1]; at most 100."""
    error = ((original - decoded) / 2).square().mean(dim=(1, 2, 3, 4))
    return -10 * torch.log10(error.clamp(min=1e-10))


def flicker(original: Tensor, decoded: Tensor) -> float:
    """RMS change of the error between frames, in 8-bit levels, over pixels whose original stands still.

    0 for videos in which nothing stands still or of one frame.
    """
    still = original.diff(dim=2).abs().amax(dim=1, keepdim=True) < STILL       # (B, 1, T - 1, H, W)
    change = (decoded - original).diff(dim=2).square().mean(dim=1, keepdim=True)
    if not still.any():
        return 0.0
    return LEVELS * math.sqrt(change[still].mean().item())


def seams(original: Tensor, decoded: Tensor) -> float:
    """How much steeper the error is across the borders of 8x8 blocks than elsewhere: 1 means invisible seams."""
    error = decoded - original
    borders, inside = [], []
    for dim in (3, 4):
        steps = error.diff(dim=dim).abs().mean(dim=tuple({0, 1, 2, 3, 4} - {dim}))
        at_border = torch.arange(1, len(steps) + 1) % SIDE == 0
        borders.append(steps[at_border].mean())
        inside.append(steps[~at_border].mean())
    return (sum(borders) / max(sum(inside), torch.tensor(1e-10))).item()


class LinearCompression:
    """The best linear 4x8x8 compression (PCA of patches), the baseline that a network has to beat."""

    def __init__(self, mean: Tensor, components: Tensor) -> None:
        self.mean = mean  # (PATCH,)
        self.components = components  # (C, PATCH), orthonormal rows

    def __call__(self, videos: Tensor) -> Tensor:
        """Compress and restore videos (B, 3, 1 + 4k, H, W)."""
        x = rearrange(patchify(repeat_first(videos)), "n p h w -> n h w p") - self.mean
        restored = x @ self.components.T @ self.components + self.mean
        restored = rearrange(restored, "n h w p -> n p h w")
        return unpatchify(restored, len(videos), SIDE)[:, :, FRAMES - 1 :]


def principal_components(videos: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """PCA of the 4x8x8 patches of videos (B, 3, 1 + 4k, H, W).

    The mean (PATCH,), components (count, PATCH) from the strongest on, and their deviations (count,).
    """
    x = rearrange(patchify(repeat_first(videos)), "n p h w -> (n h w) p").double()
    variances, vectors = torch.linalg.eigh(torch.cov(x.T))
    components = vectors[:, -count:].flip(1).T
    deviations = variances[-count:].flip(0).clamp(min=1e-6).sqrt()
    return x.mean(dim=0).float(), components.float().contiguous(), deviations.float()
