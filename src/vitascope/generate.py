"""(System, Condition) → Video: sample latents window by window; decode, upsample and style them as they come.

One function for every task. What a task knows stands in its Condition; nothing here asks which task it is.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .falling import Moments
from .footage import Footage
from .foresight import foresee
from .grain import surfaces
from .models.autoencoder import FRAMES
from .models.layout import Layout
from .models.recall import Seen
from .models.stylist import Stylist
from .models.upsampler import Told
from .planning import plan
from .sampling import Painter, Progress, embed, sample
from .system import System
from .tasks import Condition
from .video import Video, from_unit, to_unit


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
    painter = prepare(system, condition, seed=seed, sampler=sampler)
    yield from paint(system, painter, seed=seed, steps=steps, guidance=guidance, sampler=sampler, progress=progress)


@torch.inference_mode()
def paint(system: System, painter: Painter, *, seed: int, steps: int | None = None, guidance: float | None = None,
          sampler: str = "multistep", progress: Progress = lambda step, total: None,
          seen: Sequence[Seen] = ()) -> Iterator[np.ndarray]:
    """The frames of what a painter was told, as `generate_frames` gives them; `seen` are frames that are known."""
    how = {"seed": seed, "steps": system.config.steps if steps is None else steps, "sampler": sampler,
           "scale": system.config.guidance if guidance is None else guidance, "progress": progress}
    painter, known = foresee(system.autoencoder, painter, seen, **how)
    parts, ring = sample(painter, **how), painter.condition.ring
    frames = (stream_ring(system, torch.cat(list(parts), 1), painter.layout, seen=known) if ring
              else stream(system, parts, painter.layout, seen=known))
    yield from (finish(system.stylist, frames, painter, seed) if painter.layout and system.stylist else frames)


@torch.inference_mode()
def prepare(system: System, condition: Condition, *, seed: int, sampler: str = "multistep",
            footage: Footage | None = None) -> Painter:
    """Read what a condition says and plan what is to be where; `footage` is what a user filmed of it."""
    words = embed(system.text, condition, system.card.get("near", {}))
    layout = plan(system, condition, words, seed=seed, sampler=sampler, footage=footage) if system.planner else None
    return Painter(system.transformer, condition, words, system.config.window, layout=layout)


@torch.inference_mode()
def decode(system: System, latents: Tensor) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of latents (C, T, h, w)."""
    return np.concatenate(list(stream(system, latents.split(system.config.window, 1))))


@torch.inference_mode()
def stream(system: System, parts: Iterable[Tensor], layout: Layout | None = None, *, opens: bool = True,
           seen: Sequence[Seen] = ()) -> Iterator[np.ndarray]:
    """The frames of latents (C, t, h, w) that come in parts, in constant memory and without a seam.

    `layout` says what is where in all of them. Frames that were `seen`, in [-1, 1] at the painter's size, are
    remembered; without any it is the first as it is decoded, if the clip `opens` with it. The upsampler looks `reach`
    frames ahead: as many are held back, with as many before them, until the next part is there.
    """
    reach, past, carried, last = system.upsampler.config.neighbours, {}, None, None
    flat, end = layout and layout.frame_by_frame(), 0  # where in `flat` the frames made so far end
    for part in parts:
        for latents in part.split(system.config.window, 1):
            frames = system.autoencoder.decode(latents[None], past).clamp(-1, 1)
            begin = 0 if carried is None else carried.shape[2] - reach
            seen = [Seen(frames[0, :, 0])] if opens and not seen else seen
            frames = frames if carried is None else torch.cat([carried, frames], 2)
            end += FRAMES * latents.shape[1]
            told = [Told(flat, range(end - frames.shape[2], end), seen)] if flat else ()
            large = system.upsampler(frames, told)
            ready = large.shape[2] - reach
            if ready > begin:
                yield from_unit(large[0, :, begin:ready])
            carried, last = frames[:, :, max(frames.shape[2] - 2 * reach, 0):], large[:, :, ready:]
    if last is not None:
        yield from_unit(last[0])


@torch.inference_mode()
def stream_ring(system: System, latents: Tensor, layout: Layout | None = None, *,
                seen: Sequence[Seen] = ()) -> Iterator[np.ndarray]:
    """The FRAMES * T frames of a ring of latents (C, T, h, w): the first follows the last like any other.

    Decoding starts whole rounds before the beginning, so that nothing is left of the start, and looks past the end.
    The frames that were `seen` belong to the first latent.
    """
    T, config = latents.shape[1], system.autoencoder.config
    lead = T * -(-(config.decoder_blocks + config.fine_blocks + 1) // T)
    order, skip, left = torch.arange(-lead, T + 1) % T, 1 + FRAMES * (lead - 1), FRAMES * T
    parts = latents[:, order].split(system.config.window, 1)
    for frames in stream(system, parts, layout and layout.part(order), opens=False, seen=seen):
        if len(wanted := frames[skip:][:left]):
            yield wanted
        skip, left = max(skip - len(frames), 0), left - len(wanted)


def finish(stylist: Stylist, parts: Iterable[np.ndarray], painter: Painter, seed: int) -> Iterator[np.ndarray]:
    """Frames uint8 (t, H, W, 3), as they come, in the style and the weather that were planned."""
    condition, look = painter.condition, painter.layout.look.tolist()[:2]
    if not stylist.wanted(*look):
        yield from parts
        return
    camera_x = painter.layout.view[..., 0].flatten().cumsum(0).numpy()
    first, period = (0, condition.frames / condition.fps) if condition.ring else (FRAMES - 1, None)
    for frames in parts:
        numbers = np.arange(first, first + len(frames))
        moments = Moments(numbers, numbers / condition.fps, camera_x[numbers], period)
        ground = torch.from_numpy(surfaces(seed, *frames.shape[1:3], moments))
        yield from_unit(stylist(to_unit(frames[None]), ground, *look)[0])
        first += len(frames)
