"""The painter as an eye: which of many layouts fits to what is known of a clip, and where exactly things are in it.

A painter that is told where things are errs less about a known picture the righter it is told (analysis by
synthesis; Li et al. 2023, "Your Diffusion Model is Secretly a Zero-Shot Classifier", for the measure). So of many
drafts the one is taken under which the known part is likeliest, thing after thing is exchanged for that of another
draft if it is likelier still, and in the end everything is moved, scaled and turned down the gradient of the error.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .diffusion.flow import interpolate, velocity
from .models.layout import SLOTS, Layout, shift
from .models.text import TextEmbedding
from .models.transformer import Noisy, Transformer
from .sampling import Words, velocities
from .tasks import RATE, Condition

PROBE = 0.5  # noise level at which known parts are judged
FIT_STEPS, FIT_RATE = 14, 0.012  # of Adam; in heights of the view, logarithms of sides and radians
FIT_NOISES = 2  # draws of the noise under which a fit is judged
OFTEN = 0.25  # share of the drafts that has to agree on what there is


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
