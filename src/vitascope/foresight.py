"""What a clip will look like, as far as one of its frames and its plan tell.

A frame alone is painted better than among others, and where nothing new comes into view all that later frames show is
there already. So the first frame is painted first, unless some are given, and where the camera goes on to something new
the last one of a window, too. What they show is carried along as the camera moves, and the painter is given that as a
veiled idea of the rest. Places stay what they are, and cameras move as planned.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from einops import reduce
from torch import Tensor

from .models.autoencoder import FRAMES, Autoencoder
from .models.layout import Layout
from .models.recall import BEHIND, Seen, recall
from .sampling import Painter, Progress, plan_windows, sample
from .tasks import Condition, cut, touched

VEIL = 0.6  # noise level of what is foreseen
ROOM = 1.4  # in sides of a thing: so much around it is left open
FINE = 2  # points to a latent position, each way, at which training looks where something new is
NEW = 0.04  # share of a frame that has to be new for it to be painted alone


def foresee(autoencoder: Autoencoder, painter: Painter, seen: Sequence[Seen] = (), *, seed: int, steps: int,
            scale: float, sampler: str, progress: Progress = lambda step, total: None) -> tuple[Painter, list[Seen]]:
    """The painter, knowing an idea of its clip, and the frames it comes from: those `seen`, or the first, and others.

    Without a layout, or where what is known is changed, nothing can be foreseen. `progress` is told that the painting
    begins; the steps of the first frame are short and not counted.
    """
    condition, layout = painter.condition, painter.layout
    if layout is None or not is_open(condition, seen):
        return painter, list(seen)
    given, known = condition.levels == 0, condition.known
    if not given.any():
        progress(0, steps * len(plan_windows(condition, painter.window)))
        alone = replace(painter, condition=cut(condition, torch.arange(1)), layout=layout.alone())
        first = torch.cat(list(sample(alone, seed=seed, steps=steps, scale=scale, sampler=sampler)), 1)
        known = first.expand(-1, len(given), -1, -1)
        given = torch.zeros_like(given).index_fill(0, torch.arange(0 if condition.ring else 1), True)
    frames = list(seen) or [Seen(autoencoder.decode(known[None, :, :1])[0, :, 0].clamp(-1, 1))]
    if not condition.ring:
        frames += look_ahead(autoencoder, painter, given, frames, seed=seed, steps=steps, scale=scale, sampler=sampler)
    latents, sure = carry(autoencoder, layout, frames, ring=condition.ring)
    levels = torch.where(sure, VEIL, 1.0).masked_fill(given, 0.0)
    known = torch.where(given, known, latents)
    return replace(painter, condition=replace(condition, known=known, level=levels), foreseen=sure & ~given), frames


def is_open(condition: Condition, seen: Sequence[Seen]) -> bool:
    """Whether all that is known of a clip is whole frames as they are, the first ones if none was seen."""
    given = (condition.levels == 0).flatten(1).all(1)
    first = torch.arange(len(given)) < given.sum()
    return (len(given) > 1 and not condition.spans and bool((condition.levels[~given] == 1).all())
            and (len(seen) > 0 or bool((given == first).all())))


def look_ahead(autoencoder: Autoencoder, painter: Painter, given: Tensor, seen: list[Seen], **how) -> list[Seen]:
    """The far ends of a clip's windows, painted alone beside what is carried there from the frames `seen`.

    Only those of which much is new.
    """
    condition, layout, painted = painter.condition, painter.layout, []
    for first, last in plan_windows(condition, painter.window):
        group = last - 1 if FRAMES * last - 1 > seen[0].frame else first
        frame = FRAMES * (group + 1) - 1
        video, new, unsure = _carried(layout, seen + painted, range(frame, frame + 1))
        if given[group].all() or new.float().mean() < NEW:
            continue
        level = torch.where(touched(unsure.numpy()), 1.0, VEIL)
        part = replace(cut(condition, torch.tensor([group])), known=autoencoder.encode(video[None])[0], level=level)
        made = sample(replace(painter, condition=part, layout=layout.alone(group)), **how)
        painted.append(Seen(autoencoder.decode(torch.cat(list(made), 1)[None])[0, :, 0].clamp(-1, 1), frame))
    return painted


def carry(autoencoder: Autoencoder, layout: Layout, seen: list[Seen], *, ring: bool = False) -> tuple[Tensor, Tensor]:
    """Latents (C, T, H, W) of a clip as some of its frames show it, the first before others, and where that is sure."""
    video, _, unsure = _carried(layout, seen, range(0 if ring else FRAMES - 1, FRAMES * len(layout.poses)))
    if ring:  # before its first frames come its last ones
        video, unsure = (torch.cat([shown[..., -1:, :, :], shown], -3) for shown in (video, unsure))
    latents, sure = autoencoder.encode(video[None])[0], ~touched(unsure.numpy())
    return (latents[:, 1:], sure[1:]) if ring else (latents, sure)


def _carried(layout: Layout, seen: list[Seen], frames: range) -> tuple[Tensor, Tensor, Tensor]:
    """What is seen of some frames (3, T, H, W), where nothing is (T, H, W), and where nothing or a thing is."""
    colours, known, things, _ = recall(seen, layout.grown(ROOM).frame_by_frame(), frames).split([3, 1, 1, BEHIND])
    return torch.where(known > 0, colours, seen[0].picture[:, None]), (known == 0)[0], ((known == 0) | (things > 0))[0]


def unforeseen(layout: Layout, rows: int, columns: int) -> Tensor:
    """Of which latent positions (T, rows, columns) of a clip its first frame tells nothing, bool."""
    nothing = Seen(torch.zeros(3, FINE * rows, FINE * columns))
    _, _, unsure = _carried(layout, [nothing], range(FRAMES * len(layout.poses)))
    return reduce(unsure.float(), "(t f) (h p) (w q) -> t h w", "max", f=FRAMES, p=FINE, q=FINE) > 0
