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
            progress: Progress = lambda step, total: None) -> tuple[Painter, Tensor | None]:
    """The painter, knowing an idea of its clip, and the first frame (3, h, w) that it comes from.

    Without a layout or a beginning nothing can be foreseen. `progress` is told that the painting begins; the steps of
    the first frame are short and not counted.
    """
    condition, layout = painter.condition, painter.layout
    if layout is None or not begins(condition):
        return painter, None
    given = condition.levels == 0
    if given.any():
        first = condition.known[:, :1]
    else:
        progress(0, steps * len(plan_windows(condition, painter.window)))
        alone = replace(painter, condition=cut(condition, torch.arange(1)), layout=opening(layout))
        first = torch.cat(list(sample(alone, seed=seed, steps=steps, scale=scale, sampler=sampler)), 1)
    picture = autoencoder.decode(first[None])[0, :, 0].clamp(-1, 1)
    latents, sure = carry(autoencoder, layout, picture, ring=condition.ring)
    levels = torch.where(sure, VEIL, 1.0).masked_fill(given, 0.0)
    known = torch.where(given, condition.known, latents) if given.any() else latents
    if not condition.ring:  # has no first frame, only one that is like it
        known, levels = torch.cat([first, known[:, 1:]], 1), torch.cat([torch.zeros_like(levels[:1]), levels[1:]])
    return replace(painter, condition=replace(condition, known=known, level=levels)), picture


def begins(condition: Condition) -> bool:
    """Whether all that is known of a clip, if anything is, is how it begins, and one prompt rules the rest."""
    given = (condition.levels == 0).flatten(1).all(1)
    start = torch.arange(len(given)) < given.sum()
    return (len(given) > 1 and not condition.spans and bool((given == start).all())
            and bool((condition.levels[~given] == 1).all()))


def opening(layout: Layout) -> Layout:
    """The frame that a clip begins with, or the one of a ring that the others are like, alone."""
    poses = layout.poses[:1, -1:].expand(-1, FRAMES, -1, -1)
    return replace(layout, poses=poses, view=torch.zeros_like(layout.view[:1]))


def carry(autoencoder: Autoencoder, layout: Layout, picture: Tensor, *, ring: bool = False) -> tuple[Tensor, Tensor]:
    """Latents (C, T, H, W) of a clip as its `opening` (3, h, w) shows it, and where that is sure (T, H, W)."""
    flat = layout.grown(ROOM).frame_by_frame()
    frames = range(0 if ring else FRAMES - 1, len(flat.poses))
    colours, known, things = recall(picture, flat, frames).split([3, 1, 1])
    video, unsure = torch.where(known > 0, colours, picture[:, None]), ((known == 0) | (things > 0))[0]
    if ring:  # before its first frames come its last ones
        video, unsure = (torch.cat([shown[..., -1:, :, :], shown], -3) for shown in (video, unsure))
    latents, sure = autoencoder.encode(video[None])[0], ~touched(unsure.numpy())
    return (latents[:, 1:], sure[1:]) if ring else (latents, sure)
