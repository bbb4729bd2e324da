"""What is to be where, before anything is painted: layouts drawn by the system's planner.

Where nothing but words is known, the planner's first draft is the plan. Where a part of the clip is known, the planner
needs no eye of its own, for the painter has one (eye.py), and in a user's own frames the camera is followed and things
are found (footage.py).
"""

import math
from dataclasses import replace
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from .diffusion.samplers import SAMPLERS, times
from .eye import Eye, likely, moved
from .footage import Footage
from .models.autoencoder import FRAMES
from .models.layout import POSE_PARTS, SLOTS, Layout, from_grid, grid_motions, to_grid
from .sampling import Painter, Words, mix, plan_windows, sample
from .system import System
from .tasks import Condition, cut, know


def plan(system: System, condition: Condition, words: Words, *, seed: int, sampler: str,
         footage: Footage | None = None) -> Layout:
    """The layout of a clip, as long as it is. It names a place only where one prompt decides on it."""
    frames, rows, columns = condition.shape
    asked = replace(condition, shape=(frames, SLOTS + 1, 1), known=None, level=None)
    planner = Painter(system.planner, asked, words, system.config.plan_window, lean=math.log(columns / rows))
    if condition.known is not None and not condition.ring:
        for window in plan_windows(condition, system.config.window):
            planner = _look(system, planner, condition, window, seed, sampler, footage)
    parts = sample(planner, seed=seed, steps=system.config.plan_steps, scale=system.config.plan_guidance,
                   sampler=sampler)
    layout = drawn(torch.cat(list(parts), 1), (planner.condition.levels == 0).flatten(1).all(1), ring=condition.ring)
    return layout.anywhere() if condition.spans or (condition.levels == 0).any() else layout


def drawn(grid: Tensor, known: Tensor, *, ring: bool = False) -> Layout:
    """The layout that a planner's latents mean, of which some groups are `known` (K,)."""
    return bridged(from_grid(grid).calm(), known).steered(grid_motions(grid), known, ring=ring)


def _look(system: System, planner: Painter, condition: Condition, window: tuple[int, int], seed: int,
          sampler: str, footage: Footage | None) -> Painter:
    """The planner, knowing besides the layout that fits best to what is known of the picture in a window."""
    part, asked = (cut(each, torch.arange(*window)) for each in (condition, planner.condition))
    present = ((part.levels < 1).flatten(1).any(1) & (asked.levels == 1).flatten(1).all(1)).tolist()
    if not any(present):
        return planner
    first, last = present.index(True), len(present) - present[::-1].index(True)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(system.config.drafts, system.planner.config.channels, *asked.shape, generator=generator)
    drafts = SAMPLERS[sampler](planner.field(window[0], asked, system.config.plan_guidance), mix(asked, start),
                               times(system.config.plan_steps))
    unknown = torch.zeros(asked.shape[0], dtype=torch.bool)
    drafts = likely([drawn(draft, unknown).part(slice(first, last)) for draft in drafts])
    eye = Eye.on(system.transformer, part, planner.words, slice(first, last), generator, opens=window[0] == 0)
    groups = slice(window[0] + first, window[0] + last)
    found = _find(system, eye, drafts, footage, groups) if footage else eye.fit(eye.choose(drafts))
    told = planner.condition
    for is_present, run in groupby(range(len(present)), key=present.__getitem__):
        if is_present:  # each stretch is a grid of its own: nothing is known of the step into it
            frames = torch.tensor([*run])
            grid = to_grid(found.part(frames - first))
            told = know(told, grid, slice(window[0] + int(frames[0]), window[0] + int(frames[-1]) + 1))
    return replace(planner, condition=told)


def _find(system: System, eye: Eye, drafts: list[Layout], footage: Footage, groups: slice) -> Layout:
    """The layout of some groups of a clip in a user's own frames; the eye decides what is there, and finds the rest."""
    finder, steps = footage.finder(system.upsampler.textures, groups), footage.camera[groups]
    found, all_found = finder.place(eye.choose([finder.place(draft)[0] for draft in drafts]))
    if not all_found:
        found, _ = finder.place(eye.fit(found))
    return replace(found, view=torch.where(steps.isnan(), found.view, steps))


def bridged(layout: Layout, known: Tensor) -> Layout:
    """What is not `known` (K,) turned so that it goes on where what is known ends, and leads to it; so is the camera.

    The nearer a frame is to a known one, the more: planners mean to continue, but not to the pixel.
    """
    _, _, turn, *_ = layout.poses.split(POSE_PARTS, -1)
    angle = torch.atan2(turn[..., 1], turn[..., 0]).flatten(0, 1)                                       # (n, s)
    seen, change = layout.poses[..., 6].flatten(0, 1) > 0, torch.zeros_like(angle)
    steps, faster = layout.view.flatten(0, 1), torch.zeros_like(layout.view.flatten(0, 1))
    for is_known, run in groupby(range(len(angle)), key=known.repeat_interleave(FRAMES).tolist().__getitem__):
        frames = [*run]
        if is_known or len(frames) < 2:
            continue
        way = (torch.arange(len(frames)) + 1) / (len(frames) + 1)
        for (end, inner), beside, share in ((frames[:2], frames[0] - 1, 1 - way),
                                            (frames[:-3:-1], frames[-1] + 1, way)):
            if 0 <= beside < len(angle):
                gap = angle[beside] - (2 * angle[end] - angle[inner])
                gap = torch.atan2(gap.sin(), gap.cos()) * (seen[beside] & seen[end])
                change[frames] += share[:, None] * gap
                if beside >= FRAMES:  # the camera makes no step into a clip's first frame
                    faster[frames] += share[:, None] * (steps[beside] - steps[end])
    view = layout.view + faster.view_as(layout.view)
    turned = F.pad(change[..., None], (3, 0)).unflatten(0, (-1, FRAMES))
    return moved(replace(layout, view=view), turned)
