"""From noise to data: plain functions of a velocity field, a start and a list of falling times.

`velocity(x, t)` is any callable; guidance and conditions wrap it, so that no sampler knows a model or a task.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .flow import shift_times

Velocity = Callable[[Tensor, float], Tensor]
Progress = Callable[[int, int], None]


def times(steps: int, *, start: float = 1.0, shift: float = 1.0) -> Tensor:
    """`steps` + 1 times that fall from `start` to 0, denser near the noise for shift > 1."""
    return shift_times(torch.linspace(1, 0, steps + 1), shift) * start


def euler(velocity: Velocity, x: Tensor, times: Tensor, *, progress: Progress = lambda step, total: None) -> Tensor:
    """First order: one call of `velocity` a step."""
    total = len(times) - 1
    for step, (t, s) in enumerate(zip(times[:-1].tolist(), times[1:].tolist())):
        progress(step, total)
        x = x + (s - t) * velocity(x, t)
    progress(total, total)
    return x


def heun(velocity: Velocity, x: Tensor, times: Tensor, *, progress: Progress = lambda step, total: None) -> Tensor:
    """Second order (Karras et al. 2022, alg. 1): two calls a step, one in the last."""
    total = len(times) - 1
    for step, (t, s) in enumerate(zip(times[:-1].tolist(), times[1:].tolist())):
        progress(step, total)
        v = velocity(x, t)
        ahead = x + (s - t) * v
        x = ahead if s == 0 else x + (s - t) * (v + velocity(ahead, s)) / 2
    progress(total, total)
    return x


def multistep(velocity: Velocity, x: Tensor, times: Tensor, *, progress: Progress = lambda step, total: None) -> Tensor:
    """Second-order Adams-Bashforth with variable steps: the accuracy of `heun` for one call a step."""
    total, last, length = len(times) - 1, None, 0.0
    for step, (t, s) in enumerate(zip(times[:-1].tolist(), times[1:].tolist())):
        progress(step, total)
        v, h = velocity(x, t), s - t
        slope = v if last is None else v + h / (2 * length) * (v - last)
        x, last, length = x + h * slope, v, h
    progress(total, total)
    return x


SAMPLERS = {"euler": euler, "heun": heun, "multistep": multistep}


def guide(conditional: Velocity, unconditional: Velocity, scale: float) -> Velocity:
    """Classifier-free guidance (Ho and Salimans 2022, eq. 6): away from the unconditional field; `scale` 1 is none."""
    def guided(x: Tensor, t: float) -> Tensor:
        v = conditional(x, t)
        return v if scale == 1 else torch.lerp(unconditional(x, t), v, scale)
    return guided
