"""(System, Condition) → Video: sample latents window by window, decode and upsample them as they come.

One function for every task. What a task knows stands in its Condition; nothing here asks which task it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .diffusion.samplers import SAMPLERS, Velocity, guide, times
from .models.text import TextEmbedding
from .models.transformer import Noisy, pack, patchify, unpatchify
from .system import System
from .tasks import RATE, Condition, know
from .video import Video

OVERLAP = 2  # latent frames that a window shares with the one before

Progress = Callable[[int, int], None]


def generate(system: System, condition: Condition, *, seed: int, steps: int | None = None, guidance: float | None = None,
             sampler: str = "multistep", progress: Progress = lambda step, total: None) -> Video:
    """Make the video that a condition asks for. The same arguments give the same pixels.

    `guidance` 1 follows the prompt plainly, more follows it harder. `progress(step, total)` is called before each
    sampling step and at the end.
    """
    latents = sample_latents(system, condition, seed=seed, steps=steps, guidance=guidance, sampler=sampler, progress=progress)
    return Video(decode(system, latents), condition.fps)


@torch.inference_mode()
def sample_latents(system: System, condition: Condition, *, seed: int, steps: int | None = None, guidance: float | None = None,
                   sampler: str = "multistep", progress: Progress = lambda step, total: None) -> Tensor:
    """Latents (C, T, H, W): whole if they fit the model's window, else window after window, each going on from the last."""
    steps = system.config.steps if steps is None else steps
    scale = system.config.guidance if guidance is None else guidance
    generator = torch.Generator().manual_seed(seed)
    prompt, negative = system.text([condition.prompt])[0], _embed_negative(system, condition.negative)
    noise = torch.randn(system.transformer.config.channels, *condition.shape, generator=generator)
    windows = list(split_windows(condition.shape[0], system.config.window))
    total = steps * len(windows)
    made = noise.clone()
    for number, (first, last, carried) in enumerate(windows):
        part = _cut(condition, first, last)
        if carried:
            part = know(part, made[:, first:first + carried], slice(0, carried))
        field = guide(_velocity(system, part, prompt), _velocity(system, part, negative), scale)
        start = _mix(part, noise[:, first:last])
        made[:, first:last] = SAMPLERS[sampler](field, start, times(steps), progress=_offset(progress, number * steps, total))
    return made


def split_windows(frames: int, window: int) -> Iterator[tuple[int, int, int]]:
    """(first, last, carried) latent frames of each window; `carried` of them are known from the window before."""
    yield 0, min(window, frames), 0
    end = min(window, frames)
    while end < frames:
        first = max(min(end, frames - window + OVERLAP) - OVERLAP, 0)
        yield first, min(first + window, frames), end - first
        end = min(first + window, frames)


def _cut(condition: Condition, first: int, last: int) -> Condition:
    """The part of a condition that one window covers."""
    known = None if condition.known is None else condition.known[:, first:last]
    return replace(condition, shape=(last - first, *condition.shape[1:]), known=known, level=condition.levels[first:last])


def _mix(condition: Condition, noise: Tensor) -> Tensor:
    """What sampling starts from: noise, and what is known at its level."""
    known = torch.zeros_like(noise) if condition.known is None else condition.known
    return torch.lerp(known, noise, condition.levels)


def _velocity(system: System, condition: Condition, text: TextEmbedding) -> Velocity:
    """The transformer as a function of (x, u): each position is at noise level `level * u` and moves in proportion."""
    levels, patch = condition.levels, system.transformer.config.patch

    def velocity(x: Tensor, u: float) -> Tensor:
        batch = pack([Noisy(x, levels * u, text.states, text.pooled, RATE / condition.fps)], patch)
        return levels * unpatchify(system.transformer(batch), batch.grids[0], patch)

    return velocity


def _embed_negative(system: System, negative: str) -> TextEmbedding:
    """What guidance moves away from: a text, or the absence of one."""
    if negative:
        return system.text([negative])[0]
    width = system.text.encoder.words.embedding_dim
    return TextEmbedding(torch.zeros(0, width), torch.zeros(width))


def _offset(progress: Progress, done: int, total: int) -> Progress:
    return lambda step, _: progress(done + step, total)


@torch.inference_mode()
def decode(system: System, latents: Tensor) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of latents (C, T, h, w)."""
    return np.concatenate(list(stream(system, latents)))


@torch.inference_mode()
def stream(system: System, latents: Tensor) -> Iterator[np.ndarray]:
    """The frames of `decode` a few latent frames at a time, in constant memory and without a seam.

    The upsampler looks `reach` frames ahead: as many are held back, with as many before them, until the next part is there.
    """
    reach, past, carried = system.upsampler.config.neighbours, {}, None
    parts = latents.split(system.config.window, 1)
    for number, part in enumerate(parts):
        frames = system.autoencoder.decode(part[None], past).clamp(-1, 1)
        whole = frames if carried is None else torch.cat([carried, frames], 2)
        large = system.upsampler(whole)
        first, last = reach if carried is not None else 0, whole.shape[2] - (reach if number + 1 < len(parts) else 0)
        carried = whole[:, :, whole.shape[2] - 2 * reach:]
        yield to_pixels(large[:, :, first:last])


def to_pixels(video: Tensor) -> np.ndarray:
    """(1, 3, T, H, W) in [-1, 1] → uint8 (T, H, W, 3)."""
    return rearrange((video[0].clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8), "c t h w -> t h w c").numpy()
