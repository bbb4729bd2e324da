"""(transformer, Condition, words) → latents, window by window.

The same for pictures and for layouts: a `Painter` is a transformer and all that it is told of a clip.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .diffusion.samplers import SAMPLERS, Velocity, guide, times
from .models.layout import Layout
from .models.text import Text, TextEmbedding
from .models.transformer import Noisy, Transformer, pack, unpatchify
from .tasks import RATE, UNKNOWN, Condition, cut, know
from .words import in_known_words

OVERLAP = 2  # latent frames that a window shares with the one before
AT_ONCE = 2560  # tokens that go through the transformer together, about
HELD = 0.8, 1.25  # by so much a window's latents are narrowed or widened to be spread like those of the first

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Words:
    """The prompts of a condition, and what guidance moves away from, as the transformer reads them."""
    prompts: dict[str, TextEmbedding]
    negative: TextEmbedding


def embed(text: Text, condition: Condition, near: Mapping[str, str] | None = None) -> Words:
    """Read all that a condition says; what there is no picture of as what is `near` to it."""
    names = sorted({span.prompt for span in condition.prompts})
    texts = dict(zip(names, text([in_known_words(name, near or {}) for name in names]), strict=True))
    if condition.negative:
        return Words(texts, text([in_known_words(condition.negative, near or {})])[0])
    width = text.encoder.words.embedding_dim
    return Words(texts, TextEmbedding(torch.zeros(0, width), torch.zeros(width)))


def velocities(transformer: Transformer, clips: list[Noisy]) -> Iterator[Tensor]:
    """The velocity (C, T, H, W) of each of some clips of one shape; about AT_ONCE tokens are computed together."""
    patch = transformer.config.patch
    at_once = max(AT_ONCE * patch**2 // clips[0].times.numel(), 1)
    for some in (clips[start:start + at_once] for start in range(0, len(clips), at_once)):
        batch = pack(some, patch)
        for grid, tokens in zip(batch.grids, transformer(batch).split(batch.lengths), strict=True):
            yield unpatchify(tokens, grid, patch)


@dataclass(frozen=True)
class Painter:
    """A transformer and all that it is told of a clip: it paints pictures, or plans layouts."""
    transformer: Transformer
    condition: Condition
    words: Words
    window: int  # latent frames at once
    layout: Layout | None = None
    lean: float = 0.0
    foreseen: Tensor | None = None  # (T, H, W), bool: what the condition knows there is an idea of what comes

    def velocity(self, first: int, condition: Condition, *, guided: bool) -> Velocity:
        """The transformer as a function of (x, u) for the part of the clip from latent frame `first` on.

        x is (C, T, H, W) or several of them. Each position is at noise level `level * u` and moves in proportion.
        Several looks at the same frame, with several texts or from several windows of a ring, are averaged by weight
        (after MultiDiffusion, Bar-Tal et al. 2023).
        """
        texts = ([(self.words.prompts[span.prompt], span.weight) for span in condition.prompts] if guided
                 else [(self.words.negative, torch.ones(condition.shape[0]))])
        layout = self.layout if guided else None
        levels, opens = condition.levels, first == 0 and not condition.ring
        looks = [(frames, text, share) for frames in _views(condition, self.window) for text, weight in texts
                 if (share := weight[frames, None, None]).any()]
        total = torch.zeros(len(levels), 1, 1)
        for frames, _, share in looks:
            total[frames] += share

        def velocity(x: Tensor, u: float) -> Tensor:
            clips = x.reshape(-1, *x.shape[-4:])
            v = torch.zeros_like(clips)
            todo = [(number, look) for number in range(len(clips)) for look in looks]
            seen = [Noisy(clips[number][:, frames], levels[frames] * u, text.states, text.pooled,
                          tempo=RATE / condition.fps, opens=opens, lean=self.lean,
                          layout=layout.part(first + frames) if layout else None)
                    for number, (frames, text, _) in todo]
            for (number, (frames, _, share)), predicted in zip(todo, velocities(self.transformer, seen), strict=True):
                v[number][:, frames] += share * predicted
            return (levels * v / total).view_as(x)

        return velocity

    def field(self, first: int, condition: Condition, scale: float) -> Velocity:
        """The same, guided by the prompt: away from what the negative one gives by `scale`."""
        return guide(self.velocity(first, condition, guided=True), self.velocity(first, condition, guided=False), scale)


def sample(painter: Painter, *, seed: int, steps: int, scale: float, sampler: str,
           progress: Progress = lambda step, total: None) -> Iterator[Tensor]:
    """What each window adds to the latents (C, t, H, W), in the order of time."""
    condition, frames = painter.condition, painter.condition.shape[0]
    made = torch.randn(painter.transformer.config.channels, *condition.shape,
                       generator=torch.Generator().manual_seed(seed))
    done, told, usual = torch.zeros(frames, dtype=torch.bool), 0, None
    windows = [(0, frames)] if condition.ring else plan_windows(condition, painter.window)
    for number, (first, last) in enumerate(windows):
        part, noise = condition if condition.ring else cut(condition, torch.arange(first, last)), made[:, first:last]
        for frame in done[first:last].nonzero().flatten().tolist():
            part = know(part, noise[:, frame:frame + 1], slice(frame, frame + 1))
        made[:, first:last] = SAMPLERS[sampler](painter.field(first, part, scale), mix(part, noise), times(steps),
                                                progress=_offset(progress, number * steps, steps * len(windows)))
        if painter.layout is not None and not condition.spans:
            new = first + (~done[first:last] & (part.levels > UNKNOWN).all(-1).all(-1)).nonzero().flatten()
            if number:
                made[:, new] = steady(made[:, new], made[:, slice(*windows[0])])
            if painter.foreseen is not None and (sure := painter.foreseen[new]).any():
                astray = offset(made[:, new], condition.known[:, new], sure)
                usual = astray if usual is None else usual
                made[:, new] += usual - astray
        done[first:last] = True
        ready = frames if done.all() else int(done.int().argmin())
        if ready > told:
            yield made[:, told:ready]
            told = ready


def steady(latents: Tensor, first: Tensor) -> Tensor:
    """Latents (C, t, H, W), each channel spread as widely as in the first window (C, T, H, W).

    Every window makes a little more of what the one before it made: without this, contrasts grow with every second.
    """
    if not latents.numel():
        return latents
    mean, spread = (statistic(latents, (1, 2, 3), keepdim=True) for statistic in (torch.mean, torch.std))
    return mean + (latents - mean) * (first.std((1, 2, 3), keepdim=True) / spread.clamp(min=1e-6)).clamp(*HELD)


def offset(latents: Tensor, idea: Tensor, sure: Tensor) -> Tensor:
    """By how much each channel of latents (C, t, H, W) differs on average from an idea of them, (C, 1, 1, 1).

    It counts where that is `sure` (t, H, W), bool, and is kept what it is in the first window: without this, colours
    wander off with every second.
    """
    return ((latents - idea) * sure).sum((1, 2, 3), keepdim=True) / sure.sum()


def plan_windows(condition: Condition, window: int) -> list[tuple[int, int]]:
    """The windows in the order in which they are made: from the end if only that is known, else from the start."""
    windows = list(split_windows(condition.shape[0], window))
    known = (condition.levels < 1).any(-1).any(-1)
    if known[-1] and not known[0]:
        return [(condition.shape[0] - last, condition.shape[0] - first) for first, last in windows]
    return windows


def split_windows(frames: int, window: int) -> Iterator[tuple[int, int]]:
    """(first, last) latent frames of each window; each begins with at least OVERLAP frames of the window before."""
    yield 0, min(window, frames)
    end = min(window, frames)
    while end < frames:
        first = max(min(end, frames - window + OVERLAP) - OVERLAP, 0)
        yield first, min(first + window, frames)
        end = min(first + window, frames)


def mix(condition: Condition, noise: Tensor) -> Tensor:
    """What sampling starts from: noise, and what is known at its level."""
    known = torch.zeros_like(noise) if condition.known is None else condition.known
    return torch.lerp(known, noise, condition.levels)


def _views(condition: Condition, window: int) -> list[Tensor]:
    """The latent frames (n,) that the transformer sees at once: all, or every stretch of a ring as long as a window."""
    frames = torch.arange(condition.shape[0])
    return [frames.roll(-first)[:window] for first in range(len(frames))] if condition.ring else [frames]


def _offset(progress: Progress, done: int, total: int) -> Progress:
    return lambda step, _: progress(done + step, total)
