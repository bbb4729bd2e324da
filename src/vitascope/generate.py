"""(System, Condition) → Video: sample latents window by window, decode and upsample them as they come.

One function for every task. What a task knows stands in its Condition; nothing here asks which task it is.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .diffusion.samplers import SAMPLERS, Velocity, guide, times
from .models.autoencoder import FRAMES
from .models.layout import SLOTS, Layout, from_grid
from .models.text import TextEmbedding
from .models.transformer import Noisy, Transformer, pack, unpatchify
from .system import System
from .tasks import RATE, Condition, cut, know
from .video import Video, from_unit

OVERLAP = 2  # latent frames that a window shares with the one before
AT_ONCE = 8  # windows of a ring that go through the transformer together

Progress = Callable[[int, int], None]


def generate(system: System, condition: Condition, *, seed: int, steps: int | None = None,
             guidance: float | None = None, sampler: str = "multistep",
             progress: Progress = lambda step, total: None) -> Video:
    """Make the video that a condition asks for. The same arguments give the same pixels.

    `guidance` 1 follows the prompt plainly, more follows it harder. `progress(step, total)` is called before each
    sampling step and at the end.
    """
    frames = generate_frames(system, condition, seed=seed, steps=steps, guidance=guidance, sampler=sampler,
                             progress=progress)
    return Video(np.concatenate(list(frames)), condition.fps)


@torch.inference_mode()
def generate_frames(system: System, condition: Condition, *, seed: int, steps: int | None = None,
                    guidance: float | None = None, sampler: str = "multistep",
                    progress: Progress = lambda step, total: None) -> Iterator[np.ndarray]:
    """The frames of `generate`, uint8 (t, H, W, 3), as they are made; memory does not grow with the clip's length."""
    parts = sample_windows(system, condition, seed=seed, steps=steps, guidance=guidance, sampler=sampler,
                           progress=progress)
    yield from stream_ring(system, torch.cat(list(parts), 1)) if condition.ring else stream(system, parts)


@torch.inference_mode()
def sample_latents(system: System, condition: Condition, *, seed: int, steps: int | None = None,
                   guidance: float | None = None, sampler: str = "multistep",
                   progress: Progress = lambda step, total: None) -> Tensor:
    """Latents (C, T, H, W): at once if they fit the model's window, else each window goes on from the last."""
    return torch.cat(list(sample_windows(system, condition, seed=seed, steps=steps, guidance=guidance, sampler=sampler,
                                         progress=progress)), 1)


@torch.inference_mode()
def sample_windows(system: System, condition: Condition, *, seed: int, steps: int | None = None,
                   guidance: float | None = None, sampler: str = "multistep",
                   progress: Progress = lambda step, total: None) -> Iterator[Tensor]:
    """The latents (C, t, H, W) that each window adds, in the order of time."""
    steps = system.config.steps if steps is None else steps
    scale = system.config.guidance if guidance is None else guidance
    words = _embed(system, condition)
    layout = plan(system, condition, words, seed=seed, steps=steps, sampler=sampler)
    painter = Painter(system.transformer, condition, words, system.config.window, layout=layout)
    yield from _sample(painter, seed=seed, steps=steps, scale=scale, sampler=sampler, progress=progress)


@dataclass(frozen=True)
class Words:
    """The prompts of a condition, and what guidance moves away from, as the transformer reads them."""
    prompts: dict[str, TextEmbedding]
    negative: TextEmbedding


def plan(system: System, condition: Condition, words: Words, *, seed: int, steps: int, sampler: str) -> Layout | None:
    """What is where, drawn by the system's planner; None if it has none, or if the clip is known in part."""
    if system.planner is None or condition.known is not None:
        return None
    frames, rows, columns = condition.shape
    planner = Painter(system.planner, replace(condition, shape=(frames, SLOTS + 1, 1)), words, system.config.window,
                      lean=math.log(columns / rows))
    parts = _sample(planner, seed=seed, steps=steps, scale=system.config.plan_guidance, sampler=sampler)
    return from_grid(torch.cat(list(parts), 1))


def _embed(system: System, condition: Condition) -> Words:
    names = sorted({span.prompt for span in condition.prompts})
    texts = dict(zip(names, system.text(names), strict=True))
    if condition.negative:
        return Words(texts, system.text([condition.negative])[0])
    width = system.text.encoder.words.embedding_dim
    return Words(texts, TextEmbedding(torch.zeros(0, width), torch.zeros(width)))


@dataclass(frozen=True)
class Painter:
    """A transformer and all that it is told of a clip: it paints pictures, or plans layouts."""
    transformer: Transformer
    condition: Condition
    words: Words
    window: int  # latent frames at once
    layout: Layout | None = None
    lean: float = 0.0

    def velocity(self, first: int, condition: Condition, *, guided: bool) -> Velocity:
        """The transformer as a function of (x, u) for the part of the clip from latent frame `first` on.

        Each position is at noise level `level * u` and moves in proportion. Several looks at the same frame, with several
        texts or from several windows of a ring, are averaged by weight (after MultiDiffusion, Bar-Tal et al. 2023).
        """
        texts = ([(self.words.prompts[span.prompt], span.weight) for span in condition.prompts] if guided
                 else [(self.words.negative, torch.ones(condition.shape[0]))])
        layout = self.layout if guided else None
        levels, patch, opens = condition.levels, self.transformer.config.patch, first == 0 and not condition.ring
        looks = [(frames, text, share) for frames in _views(condition, self.window) for text, weight in texts
                 if (share := weight[frames, None, None]).any()]

        def velocity(x: Tensor, u: float) -> Tensor:
            v, total = torch.zeros_like(x), torch.zeros(len(levels), 1, 1)
            for some in (looks[start:start + AT_ONCE] for start in range(0, len(looks), AT_ONCE)):
                batch = pack([Noisy(x[:, frames], levels[frames] * u, text.states, text.pooled, RATE / condition.fps, opens,
                                    self.lean, layout.part(first + frames) if layout else None)
                              for frames, text, _ in some], patch)
                tokens = self.transformer(batch).split(batch.lengths)
                for (frames, _, share), grid, predicted in zip(some, batch.grids, tokens, strict=True):
                    v[:, frames] += share * unpatchify(predicted, grid, patch)
                    total[frames] += share
            return levels * v / total

        return velocity


def _sample(painter: Painter, *, seed: int, steps: int, scale: float, sampler: str,
            progress: Progress = lambda step, total: None) -> Iterator[Tensor]:
    """What each window adds to the latents (C, t, H, W), in the order of time."""
    condition, frames = painter.condition, painter.condition.shape[0]
    made = torch.randn(painter.transformer.config.channels, *condition.shape, generator=torch.Generator().manual_seed(seed))
    done, told = torch.zeros(frames, dtype=torch.bool), 0
    windows = [(0, frames)] if condition.ring else plan_windows(condition, painter.window)
    for number, (first, last) in enumerate(windows):
        part, noise = condition if condition.ring else cut(condition, torch.arange(first, last)), made[:, first:last]
        for frame in done[first:last].nonzero().flatten().tolist():
            part = know(part, noise[:, frame:frame + 1], slice(frame, frame + 1))
        field = guide(painter.velocity(first, part, guided=True), painter.velocity(first, part, guided=False), scale)
        made[:, first:last] = SAMPLERS[sampler](field, _mix(part, noise), times(steps),
                                                progress=_offset(progress, number * steps, steps * len(windows)))
        done[first:last] = True
        ready = frames if done.all() else int(done.int().argmin())
        if ready > told:
            yield made[:, told:ready]
            told = ready


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


def _mix(condition: Condition, noise: Tensor) -> Tensor:
    """What sampling starts from: noise, and what is known at its level."""
    known = torch.zeros_like(noise) if condition.known is None else condition.known
    return torch.lerp(known, noise, condition.levels)


def _views(condition: Condition, window: int) -> list[Tensor]:
    """The latent frames (n,) that the transformer sees at once: all, or every stretch of a ring as long as a window."""
    frames = torch.arange(condition.shape[0])
    return [frames.roll(-first)[:window] for first in range(len(frames))] if condition.ring else [frames]


def _offset(progress: Progress, done: int, total: int) -> Progress:
    return lambda step, _: progress(done + step, total)


@torch.inference_mode()
def decode(system: System, latents: Tensor) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of latents (C, T, h, w)."""
    return np.concatenate(list(stream(system, latents.split(system.config.window, 1))))


@torch.inference_mode()
def stream(system: System, parts: Iterable[Tensor]) -> Iterator[np.ndarray]:
    """The frames of latents (C, t, h, w) that come in parts, in constant memory and without a seam.

    The upsampler looks `reach` frames ahead: as many are held back, with as many before them, until the next part is
    there.
    """
    reach, past, carried, last = system.upsampler.config.neighbours, {}, None, None
    for part in parts:
        for latents in part.split(system.config.window, 1):
            frames = system.autoencoder.decode(latents[None], past).clamp(-1, 1)
            first = 0 if carried is None else carried.shape[2] - reach
            frames = frames if carried is None else torch.cat([carried, frames], 2)
            large = system.upsampler(frames)
            ready = large.shape[2] - reach
            if ready > first:
                yield from_unit(large[0, :, first:ready])
            carried, last = frames[:, :, max(frames.shape[2] - 2 * reach, 0):], large[:, :, ready:]
    if last is not None:
        yield from_unit(last[0])


@torch.inference_mode()
def stream_ring(system: System, latents: Tensor) -> Iterator[np.ndarray]:
    """The FRAMES * T frames of a ring of latents (C, T, h, w): the first follows the last like any other.

    Decoding starts so far before the beginning that nothing is left of the start, and looks past the end.
    """
    T, config = latents.shape[1], system.autoencoder.config
    lead = config.decoder_blocks + config.fine_blocks + 1
    skip, left = 1 + FRAMES * (lead - 1), FRAMES * T
    for frames in stream(system, latents[:, torch.arange(-lead, T + 1) % T].split(system.config.window, 1)):
        if len(wanted := frames[skip:][:left]):
            yield wanted
        skip, left = max(skip - len(frames), 0), left - len(wanted)
