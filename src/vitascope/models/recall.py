"""What the first frame of a clip shows of the later ones, carried along with what the layout says moves.

The first frame has a latent of its own where four later ones share one, so it is the sharpest; and where nothing new
comes into view, all that a later frame shows is there already.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .autoencoder import FRAMES
from .layout import SLOTS, Layout, depths, follow, inside

RECALLED = 5  # channels: the picture, where it is known, and where it is that of a thing


def recall(first: Tensor, layout: Layout, frames: range) -> Tensor:
    """What a first frame (3, H, W) shows of some `frames` of its clip: (RECALLED, T, H, W), 0 where it shows nothing.

    `layout` is that of the whole clip, in groups of one frame, the first of which is there FRAMES times.
    """
    rows, columns = first.shape[1:]
    size = torch.tensor([columns, rows])
    then, seen = _owners(layout, FRAMES - 1, rows, columns), []
    for number in frames:
        grid = (2 * follow(layout, number, FRAMES - 1, rows, columns) + 1) / size - 1                     # (H, W, 2)
        now = _owners(layout, number, rows, columns)
        picture, owner = (F.grid_sample(whole[None].float(), grid[None], mode=mode, align_corners=False)[0]
                          for whole, mode in ((first, "bilinear"), (then[None], "nearest")))
        known = ((grid.abs() <= 1).all(-1) & (owner[0] == now))[None]                            # (1, H, W)
        seen.append(torch.cat([picture * known, known, known & (now > 0)]))
    return torch.stack(seen, 1)


def _owners(layout: Layout, number: int, rows: int, columns: int) -> Tensor:
    """Which thing each pixel of a frame lies in, (rows, columns), from 1; 0 for none. The nearest hides the others."""
    frame = layout.part(slice(number, number + 1))
    within = inside(frame, rows, columns)[0, :, :, :, 0].abs().amax(-1) < 0.5                    # (h, w, s)
    within &= (layout.subjects > 0) & (layout.poses[number, 0, :, 6] > 0)
    nearest = (within * (SLOTS - depths(frame)[0, 0])).argmax(-1)
    return torch.where(within.any(-1), 1 + nearest, 0)
