"""What a clip will look like, as far as its first frame and its plan tell.

A frame alone is painted better than among others, and where nothing new comes into view all that later frames show is
there already. So the first frame is painted first, if it is not given; what it shows is carried along camera and
things; and the painter is given that as a veiled idea of the rest. So places stay what they are, and a camera moves as
it is planned to.
"""

from dataclasses import replace

import torch
from torch import Tensor

from .models.autoencoder import FRAMES, Autoencoder
from .models.layout import Layout
from .models.recall import recall
from .sampling import Painter, Progress, plan_windows, sample
from .tasks import Condition, cut, touched

VEIL = 0.7  # noise level of what is foreseen
ROOM = 1.4  # in sides of a thing: so much around it is left open


def foresee(autoencoder: Autoencoder, painter: Painter, *, seed: int, steps: int, scale: float, sampler: str,
            progress: Progress = lambda step, total: None) -> Painter:
    """The painter, knowing the first frame and an idea of the others; the same where there is no first frame.

    `progress` is told that the painting begins; the steps of the first frame are short and not counted.
    """
    condition, layout = painter.condition, painter.layout
    if layout is None or not begins(condition):
        return painter
    given = condition.levels == 0
    if given.any():
        first = condition.known[:, :1]
    else:
        progress(0, steps * len(plan_windows(condition, painter.window)))
        alone = replace(painter, condition=cut(condition, torch.arange(1)))
        first = torch.cat(list(sample(alone, seed=seed, steps=steps, scale=scale, sampler=sampler)), 1)
    latents, sure = carry(autoencoder, layout, first)
    known = torch.where(given, condition.known, latents) if given.any() else latents
    levels = torch.where(sure, VEIL, 1.0).masked_fill(given, 0.0)
    levels[0] = 0
    return replace(painter, condition=replace(condition, known=known, level=levels))


def begins(condition: Condition) -> bool:
    """Whether all that is known of a clip, if anything is, is how it begins, and one prompt rules the rest."""
    given = (condition.levels == 0).flatten(1).all(1)
    start = torch.arange(len(given)) < given.sum()
    return (len(given) > 1 and not condition.ring and not condition.spans and bool((given == start).all())
            and bool((condition.levels[~given] == 1).all()))


def carry(autoencoder: Autoencoder, layout: Layout, first: Tensor) -> tuple[Tensor, Tensor]:
    """Latents (C, T, H, W) of a clip as its first one (C, 1, H, W) shows it, and where that is sure (T, H, W)."""
    picture = autoencoder.decode(first[None])[0, :, 0].clamp(-1, 1)                       # (3, h, w)
    flat = layout.grown(ROOM).frame_by_frame()
    colours, known, things = recall(picture, flat, range(FRAMES - 1, len(flat.poses))).split([3, 1, 1])
    video = torch.where(known > 0, colours, picture[:, None])
    latents = autoencoder.encode(video[None])[0]
    return torch.cat([first, latents[:, 1:]], 1), ~touched(((known == 0) | (things > 0))[0].numpy())
