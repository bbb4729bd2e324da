"""What a clip will look like, as far as one of its frames and its plan tell.

A frame alone is painted better than among others, and where nothing new comes into view all that later frames show is
there already. So the first frame is painted first, unless some are given, what it shows is carried along as the camera
moves, and the painter is given that as a veiled idea of the rest. Places stay what they are, and cameras move as planned.
"""

from dataclasses import replace

import torch
from torch import Tensor

from .models.autoencoder import FRAMES, Autoencoder
from .models.layout import Layout
from .models.recall import Seen, recall
from .sampling import Painter, Progress, plan_windows, sample
from .tasks import Condition, cut, touched

VEIL = 0.6  # noise level of what is foreseen
ROOM = 1.4  # in sides of a thing: so much around it is left open


def foresee(autoencoder: Autoencoder, painter: Painter, seen: Seen | None = None, *, seed: int, steps: int,
            scale: float, sampler: str, progress: Progress = lambda step, total: None) -> tuple[Painter, Seen | None]:
    """The painter, knowing an idea of its clip, and the frame that it comes from: the one `seen`, or the first.

    Without a layout, or where what is known is changed, nothing can be foreseen. `progress` is told that the painting
    begins; the steps of the first frame are short and not counted.
    """
    condition, layout = painter.condition, painter.layout
    if layout is None or not is_open(condition, seen):
        return painter, seen
    given, known = condition.levels == 0, condition.known
    if not given.any():
        progress(0, steps * len(plan_windows(condition, painter.window)))
        alone = replace(painter, condition=cut(condition, torch.arange(1)), layout=layout.opening())
        first = torch.cat(list(sample(alone, seed=seed, steps=steps, scale=scale, sampler=sampler)), 1)
        known = first.expand(-1, len(given), -1, -1)
        given = torch.zeros_like(given).index_fill(0, torch.arange(0 if condition.ring else 1), True)
    if seen is None:
        seen = Seen(autoencoder.decode(known[None, :, :1])[0, :, 0].clamp(-1, 1))
    latents, sure = carry(autoencoder, layout, seen, ring=condition.ring)
    levels = torch.where(sure, VEIL, 1.0).masked_fill(given, 0.0)
    return replace(painter, condition=replace(condition, known=torch.where(given, known, latents), level=levels)), seen


def is_open(condition: Condition, seen: Seen | None) -> bool:
    """Whether all that is known of a clip is whole frames as they are, the first ones if none was seen."""
    given = (condition.levels == 0).flatten(1).all(1)
    first = torch.arange(len(given)) < given.sum()
    return (len(given) > 1 and not condition.spans and bool((condition.levels[~given] == 1).all())
            and (seen is not None or bool((given == first).all())))


def carry(autoencoder: Autoencoder, layout: Layout, seen: Seen, *, ring: bool = False) -> tuple[Tensor, Tensor]:
    """Latents (C, T, H, W) of a clip as one of its frames shows it, and where that is sure (T, H, W)."""
    flat = layout.grown(ROOM).frame_by_frame()
    frames = range(0 if ring else FRAMES - 1, len(flat.poses))
    colours, known, things = recall(seen, flat, frames).split([3, 1, 1])
    video, unsure = torch.where(known > 0, colours, seen.picture[:, None]), ((known == 0) | (things > 0))[0]
    if ring:  # before its first frames come its last ones
        video, unsure = (torch.cat([shown[..., -1:, :, :], shown], -3) for shown in (video, unsure))
    latents, sure = autoencoder.encode(video[None])[0], ~touched(unsure.numpy())
    return (latents[:, 1:], sure[1:]) if ring else (latents, sure)
