"""What is to be where, before anything is painted: layouts drawn by the system's planner.

Where nothing but words is known, the planner's first draft is the plan. Where a part of the clip is known, the planner
needs no eye of its own, for the painter has one: of many drafts the one is taken under which the painter finds the
known part likeliest, thing after thing is exchanged for that of another draft if it is likelier still, and in the end
everything is moved, scaled and turned down the gradient of the painter's error (analysis by synthesis; Li et al. 2023,
"Your Diffusion Model is Secretly a Zero-Shot Classifier", for the measure). The camera's path is followed in the user's
own frames.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from .diffusion.flow import interpolate, velocity
from .diffusion.samplers import SAMPLERS, times
from .footage import Footage
from .models.autoencoder import FRAMES
from .models.layout import POSE_PARTS, SLOTS, Layout, from_grid, grid_motions, shift, to_grid
from .models.text import TextEmbedding
from .models.transformer import Noisy, Transformer
from .sampling import Painter, Words, mix, plan_windows, sample, velocities
from .system import System
from .tasks import RATE, Condition, cut, know

PROBE = 0.5  # noise level at which known parts are judged
FIT_STEPS, FIT_RATE = 14, 0.012  # of Adam; in heights of the view, logarithms of sides and radians
OFTEN = 0.25  # share of the drafts that has to agree on what there is
FIT_NOISES = 2  # draws of the noise under which a fit is judged


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
    layout = drawn(torch.cat(list(parts), 1), (planner.condition.levels == 0).flatten(1).all(1))
    return layout.anywhere() if condition.spans or (condition.levels == 0).any() else layout


def drawn(grid: Tensor, known: Tensor) -> Layout:
    """The layout that a planner's latents mean, of which some groups are `known` (K,)."""
    return bridged(from_grid(grid).calm(), known).steered(grid_motions(grid), known)


def _look(system: System, planner: Painter, condition: Condition, window: tuple[int, int], seed: int,
          sampler: str, footage: Footage | None) -> Painter:
    """The planner, knowing besides the layout that fits best to what is known of the picture in a window."""
    part, asked = (cut(each, torch.arange(*window)) for each in (condition, planner.condition))
    present = ((part.levels < 1).flatten(1).any(1) & (asked.levels == 1).flatten(1).all(1)).nonzero().flatten()
    if not len(present):
        return planner
    first, last = int(present[0]), int(present[-1]) + 1
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(system.config.drafts, system.planner.config.channels, *asked.shape, generator=generator)
    drafts = SAMPLERS[sampler](planner.field(window[0], asked, system.config.plan_guidance), mix(asked, start),
                               times(system.config.plan_steps))
    eye = Eye.on(system.transformer, part, planner.words, slice(first, last), generator, opens=window[0] == 0)
    unknown = torch.zeros(asked.shape[0], dtype=torch.bool)
    drafts = likely([drawn(draft, unknown).part(slice(first, last)) for draft in drafts])
    if footage is None:
        found = eye.fit(eye.choose(drafts))
    else:
        groups = slice(window[0] + first, window[0] + last)
        finder, steps = footage.finder(system.upsampler.textures, groups), footage.camera[groups]
        found, all_found = finder.place(eye.choose([finder.place(draft)[0] for draft in drafts]))
        if not all_found:
            found, _ = finder.place(eye.fit(found))
        found = replace(found, view=torch.where(steps.isnan(), found.view, steps))
    grid, told = to_grid(found), planner.condition
    for frame in present.tolist():
        told = know(told, grid[:, frame - first:][:, :1], slice(window[0] + frame, window[0] + frame + 1))
    return replace(planner, condition=told)


def likely(drafts: list[Layout]) -> list[Layout]:
    """The drafts whose things are those of many: what a prompt says outright is not for the eye to decide."""
    casts = [tuple(draft.subjects.tolist()) for draft in drafts]
    ranked = Counter(casts).most_common()
    wanted = {cast for cast, count in ranked if count >= OFTEN * len(drafts)} or {ranked[0][0]}
    return [draft for draft, cast in zip(drafts, casts) if cast in wanted]


@dataclass(frozen=True)
class Eye:
    """The painter, looking at the known part of a clip of T latent frames."""
    painter: Transformer
    known: Tensor  # (C, T, H, W)
    judged: Tensor  # (T, H, W) which positions are known, bool
    noises: list[Tensor]  # (C, T, H, W) each
    text: TextEmbedding
    tempo: float
    opens: bool

    @classmethod
    def on(cls, painter: Transformer, part: Condition, words: Words, frames: slice, generator: torch.Generator, *,
           opens: bool) -> "Eye":
        """At some of the frames of a condition, under the prompt that rules them most."""
        prompt = max(part.prompts, key=lambda span: float(span.weight[frames].sum())).prompt
        with torch.inference_mode(False):  # what follows is differentiated
            text = TextEmbedding(words.prompts[prompt].states.clone(), words.prompts[prompt].pooled.clone())
            known = part.known[:, frames].clone()
            noises = [torch.randn(known.shape, generator=generator) for _ in range(FIT_NOISES)]
            return cls(painter, known, (part.levels[frames] < 1).clone(), noises, text, RATE / part.fps,
                       opens and frames.start == 0)

    def errors(self, layouts: Iterable[Layout], noise: Tensor) -> Tensor:
        """The painter's error (B,) about what is known, told each of the layouts."""
        levels = torch.where(self.judged, PROBE, 1.0)
        x, target = interpolate(self.known, noise, levels), velocity(self.known, noise)
        clips = [Noisy(x, levels, self.text.states, self.text.pooled, self.tempo, self.opens, layout=layout)
                 for layout in layouts]
        seen = velocities(self.painter, clips)
        return torch.stack([(predicted - target).square().mean(0)[self.judged].mean() for predicted in seen])

    def choose(self, drafts: list[Layout]) -> Layout:
        """The likeliest layout of those that can be put together from the things of some drafts."""
        errors = self.errors(drafts, self.noises[0])
        best, least = drafts[errors.argmin()], errors.min()
        for slot in range(SLOTS):
            others = [exchange(best, draft, slot) for draft in drafts if best.subjects[slot] or draft.subjects[slot]]
            if others and (errors := self.errors(others, self.noises[0])).min() < least:
                best, least = others[errors.argmin()], errors.min()
        return best

    def fit(self, layout: Layout) -> Layout:
        """The layout with everything moved, scaled and turned to where the painter errs least."""
        with torch.inference_mode(False), torch.enable_grad():
            tensors = layout.poses, layout.view, layout.subjects, layout.colours, layout.look
            layout = Layout(*(tensor.clone() for tensor in tensors))  # what inference made cannot be differentiated
            change = torch.zeros(len(layout.poses), 1, SLOTS, 4, requires_grad=True)
            optimizer = torch.optim.Adam([change], lr=FIT_RATE, betas=(0.8, 0.95))
            for step in range(FIT_STEPS):
                for group in optimizer.param_groups:
                    group["lr"] = FIT_RATE * (1 - step / FIT_STEPS)
                errors = [self.errors([moved(layout, change)], noise).mean() for noise in self.noises]
                error = torch.stack(errors).mean()
                optimizer.zero_grad()
                error.backward()
                optimizer.step()
            return moved(layout, change.detach())


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


def exchange(layout: Layout, other: Layout, slot: int) -> Layout:
    """The layout with one thing of another."""
    here = torch.arange(SLOTS) == slot
    poses = torch.where(here[:, None], other.poses, layout.poses)
    subjects = torch.where(here, other.subjects, layout.subjects)
    colours = torch.where(here, other.colours, layout.colours)
    return replace(layout, poses=poses, subjects=subjects, colours=colours)


def moved(layout: Layout, change: Tensor) -> Layout:
    """Things moved by x and y, scaled by a logarithm and turned by an angle: `change` (K, F or 1, SLOTS, 4)."""
    return replace(layout, poses=shift(layout.poses, change))
