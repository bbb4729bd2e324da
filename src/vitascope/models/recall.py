"""What some frames of a clip show of the others, carried along with what the layout says moves.

The first frame has a latent of its own where four later ones share one, so it is the sharpest, and a frame that a user
gave is sharper still; where nothing new comes into view, all that another frame shows is there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .autoencoder import FRAMES
from .layout import SLOTS, Layout, depths, follow, inside

NEAR = 40  # frames: so far what other frames than the first one show is carried
RECALLED = 5  # channels: the picture, where it is known, and where it is that of a thing


@dataclass(frozen=True)
class Seen:
    """One frame of a clip."""
    picture: Tensor  # (3, H, W)
    frame: int = FRAMES - 1  # of the clip's layout in groups of one frame, in which the first frame stands FRAMES times


def recall(seen: Sequence[Seen], layout: Layout, frames: range) -> Tensor:
    """What frames that were seen show of some `frames` of their clip: (RECALLED, T, H, W), 0 where they show nothing.

    `layout` is that of the whole clip, in groups of one frame. What several show is taken from the first of them.
    """
    shown = _carried(seen[0], layout, frames)
    for other in seen[1:]:
        near = range(max(other.frame - NEAR, frames.start), min(other.frame + NEAR + 1, frames.stop))
        if near:
            part = shown[:, near.start - frames.start:near.stop - frames.start]
            part.copy_(torch.where(part[3:4] > 0, part, _carried(other, layout, near)))
    return shown


def _carried(seen: Seen, layout: Layout, frames: range) -> Tensor:
    """The same of one of them."""
    rows, columns = seen.picture.shape[1:]
    size = torch.tensor([columns, rows])
    then, shown = _owners(layout, seen.frame, rows, columns), []
    for number in frames:
        grid = (2 * follow(layout, number, seen.frame, rows, columns) + 1) / size - 1                     # (H, W, 2)
        now = _owners(layout, number, rows, columns)
        picture, owner = (F.grid_sample(whole[None].float(), grid[None], mode, "border", align_corners=False)[0]
                          for whole, mode in ((seen.picture, "bilinear"), (then[None], "nearest")))
        known = ((grid.abs() <= 1).all(-1) & (owner[0] == now))[None]                            # (1, H, W)
        shown.append(torch.cat([picture * known, known, known & (now > 0)]))
    return torch.stack(shown, 1)


def _owners(layout: Layout, number: int, rows: int, columns: int) -> Tensor:
    """Which thing each pixel of a frame lies in, (rows, columns), from 1; 0 for none. The nearest hides the others."""
    frame = layout.part(slice(number, number + 1))
    within = inside(frame, rows, columns)[0, :, :, :, 0].abs().amax(-1) < 0.5                    # (h, w, s)
    within &= (layout.subjects > 0) & (layout.poses[number, 0, :, 6] > 0)
    nearest = (within * (SLOTS - depths(frame)[0, 0])).argmax(-1)
    return torch.where(within.any(-1), 1 + nearest, 0)
