"""Rectified flow: the straight path between data and noise, its velocity, the times to train at, and the loss.

Liu et al. 2022, "Flow Straight and Fast"; Lipman et al. 2022, "Flow Matching". Time 0 is data, time 1 is noise. Every
token may have a time of its own (Chen et al. 2024, "Diffusion Forcing").
"""

import torch
from torch import Tensor


def interpolate(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The point of the straight path at time t: (1 - t) x + t noise."""
    return (1 - t) * x + t * noise


def velocity(x: Tensor, noise: Tensor) -> Tensor:
    """The path's derivative, what the network predicts: noise - x."""
    return noise - x


def clean(x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """The data that a velocity at x_t points back to."""
    return x_t - t * v


def sample_times(count: int, generator: torch.Generator, *, mean: float = 0.0, deviation: float = 1.0) -> Tensor:
    """Logit-normal times (Esser et al. 2024, eq. 19), shape (count,)."""
    return torch.sigmoid(mean + deviation * torch.randn(count, generator=generator))


def shift_times(t: Tensor, shift: float) -> Tensor:
    """Move times towards the noise by `shift` > 1, for larger signals (Esser et al. 2024, eq. 23)."""
    return shift * t / (1 + (shift - 1) * t)


def loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error of velocities (N, C) over the tokens of weight (N,) 1."""
    error = (prediction - target).square().mean(-1)
    return (error * weight).sum() / weight.sum().clamp(min=1)
