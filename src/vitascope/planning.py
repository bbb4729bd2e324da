"""What is to be where, before anything is painted: layouts drawn by the system's planner.

Where nothing but words is known, the planner's first draft is the plan. Where a part of the clip is known, of many drafts the one
is taken under which the painter finds the known part likeliest; then others near to it are drawn, and again the likeliest
is taken. So the planner needs no eye of its own (analysis by synthesis; Li et al. 2023, "Your Diffusion Model is Secretly a
Zero-Shot Classifier", for the measure).
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from .diffusion.flow import interpolate, velocity
from .diffusion.samplers import SAMPLERS, times
from .models.layout import SLOTS, Layout, from_grid
from .models.transformer import Noisy
from .sampling import Painter, Words, mix, plan_windows, sample, velocities
from .system import System
from .tasks import RATE, Condition, cut, know

NEAR = (0.6, 0.35)  # how much the drafts of further rounds change the best of the round before
PROBE = 0.5  # noise level at which known parts are judged


def plan(system: System, condition: Condition, words: Words, *, seed: int, sampler: str) -> Layout:
    """The layout of a clip, as long as it is."""
    frames, rows, columns = condition.shape
    asked = replace(condition, shape=(frames, SLOTS + 1, 1), known=None, level=None)
    planner = Painter(system.planner, asked, words, system.config.plan_window, lean=math.log(columns / rows))
    if condition.known is not None and not condition.ring:
        window = next(window for window in plan_windows(condition, system.config.window) if _judged(condition)[slice(*window)].any())
        found = _matching(system, planner, condition, window, seed, sampler)
        planner = replace(planner, condition=know(asked, found, slice(*window)))
    parts = sample(planner, seed=seed, steps=system.config.plan_steps, scale=system.config.plan_guidance, sampler=sampler)
    return from_grid(torch.cat(list(parts), 1))


def _matching(system: System, planner: Painter, condition: Condition, window: tuple[int, int], seed: int, sampler: str) -> Tensor:
    """The layout grid (C, T, SLOTS + 1, 1) of a window that fits best to what is known in it."""
    part, asked = (cut(each, torch.arange(*window)) for each in (condition, planner.condition))
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(part.known.shape, generator=generator)
    best, least = None, math.inf
    for change in (1.0, *NEAR):
        near = asked if best is None else know(asked, best, slice(0, asked.shape[0]), level=change)
        start = torch.randn(system.config.drafts, system.planner.config.channels, *near.shape, generator=generator)
        drafts = SAMPLERS[sampler](planner.field(window[0], near, system.config.plan_guidance), mix(near, start),
                                   times(system.config.plan_steps))
        errors = _misfits(system, part, planner.words, [from_grid(draft) for draft in drafts], noise, opens=window[0] == 0)
        if errors.min() < least:
            best, least = drafts[errors.argmin()], errors.min()
    return best


def _judged(condition: Condition) -> Tensor:
    """Which latent positions (T, H, W), bool, a layout has to fit to."""
    return condition.levels < 1


def _misfits(system: System, part: Condition, words: Words, layouts: list[Layout], noise: Tensor, *, opens: bool) -> Tensor:
    """The painter's error (B,) about what is known, if it is told each of the layouts."""
    judged = _judged(part)
    present = judged.any(-1).any(-1).nonzero().flatten()
    frames = torch.arange(int(present[0]), int(present[-1]) + 1)
    known, noise, judged = part.known[:, frames], noise[:, frames], judged[frames]
    levels = torch.where(judged, PROBE, 1.0)
    x, target = interpolate(known, noise, levels), velocity(known, noise)
    text = words.prompts[max(part.prompts, key=lambda span: float(span.weight[frames].sum())).prompt]
    clips = [Noisy(x, levels, text.states, text.pooled, RATE / part.fps, opens and int(frames[0]) == 0, layout=layout.part(frames))
             for layout in layouts]
    return torch.stack([(predicted - target).square().mean(0)[judged].mean() for predicted in velocities(system.transformer, clips)])
