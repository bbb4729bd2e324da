"""What some frames of a clip show of the others, carried along with what the layout says moves.

The first frame has a latent of its own where four later ones share one, so it is the sharpest, and a frame that a user
gave is sharper still; where nothing new comes into view, all that another frame shows is there already. A thing fills
only a part of its square, so what is behind it is carried, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .autoencoder import FRAMES
from .layout import Layout, follow, owners

NEAR = 40  # frames: so far what other frames than the first one show is carried
EDGE = 0.11  # in sides of a thing: so near to it may be its edge and its shadow, which do not stay where it was
SHOWN = 5  # channels: the picture, where it is known, and where it is that of a thing
BEHIND = 4  # channels: what is behind things, and where that is known
RECALLED = SHOWN + BEHIND


@dataclass(frozen=True)
class Seen:
    """One frame of a clip."""
    picture: Tensor  # (3, H, W)
    frame: int = FRAMES - 1  # of the clip's layout in groups of one frame, in which the first frame stands FRAMES times


def recall(seen: Sequence[Seen], layout: Layout, frames: range, covers: Tensor | None = None) -> Tensor:
    """What frames that were seen show of some `frames` of their clip: (RECALLED, T, H, W), 0 where they show nothing.

    `layout` is that of the whole clip, in groups of one frame; `covers` says what things fill of their squares, as
    `owners` takes it. What several show is taken from the first of them.
    """
    recalled = _carried(seen[0], layout, frames, covers)
    for other in seen[1:]:
        near = range(max(other.frame - NEAR, frames.start), min(other.frame + NEAR + 1, frames.stop))
        if near:
            before = recalled[:, near.start - frames.start:near.stop - frames.start].split([SHOWN, BEHIND])
            for old, new in zip(before, _carried(other, layout, near, covers).split([SHOWN, BEHIND])):
                old.copy_(torch.where(old[3:4] > 0, old, new))
    return recalled


def _carried(seen: Seen, layout: Layout, frames: range, covers: Tensor | None) -> Tensor:
    """The same of one of them."""
    size, shown = seen.picture.shape[1:], []
    then, near = (owners(layout, seen.frame, *size, each) for each in (covers, _grown(covers)))
    for number in frames:
        now, square = (owners(layout, number, *size, each) for each in (covers, None))
        picture, known = _look_up(seen, then, layout, number, now)
        behind, free = _look_up(seen, near, layout, number, torch.zeros_like(now))
        known = torch.where(now > 0, known, free)
        free &= square > 0
        shown.append(torch.cat([picture * known, known, known & (now > 0), behind * free, free]))
    return torch.stack(shown, 1)


def _grown(covers: Tensor | None) -> Tensor | None:
    """What things cover (SLOTS, n, n), and EDGE around it."""
    return covers if covers is None else F.max_pool2d(covers, 2 * (edge := round(EDGE * covers.shape[-1])) + 1, 1, edge)


def _look_up(seen: Seen, then: Tensor, layout: Layout, number: int, now: Tensor) -> tuple[Tensor, Tensor]:
    """What was seen of the pixels of a frame that show `now` (H, W), in a frame that shows `then`: colours (3, H, W),
    and whether they are theirs (1, H, W)."""
    grid = (2 * follow(layout, number, seen.frame, now) + 1) / torch.tensor(now.shape[::-1]) - 1             # (H, W, 2)
    picture, owner = (F.grid_sample(whole[None].float(), grid[None], mode, "border", align_corners=False)[0]
                      for whole, mode in ((seen.picture, "bilinear"), (then[None], "nearest")))
    return picture, (grid.abs() <= 1).all(-1) & (owner == now)
