"""Where a thing whose look is known is in a user's own frames.

Its texture is laid over a frame at every place, in many sizes and, if need be, turned, and moved from the best of them
up the gradient of the correlation, which does not ask how bright or colourful the light is.
"""

from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from .models.layout import POSE, Layout, outside, shift
from .models.textures import COLOURS, SPAN, TEXELS, Textures
from .video import to_unit

ROWS = 48  # of the frames that are searched
BORDER = 0.25  # of their height, around them: things may be cut off
SIDES = tuple(0.14 * 1.2**step for step in range(11))  # of a thing, heights of the view
TURNS = 12  # that are tried of a thing that is not found upright
LOOKED = 3  # of so many frames in which a thing is not upright one is searched first
FOUND = 0.8  # correlation from which a thing is found
STEPS, RATE = 40, 0.02  # of Adam, in sides and radians
CLEAR = 0.5  # cover from which a texel counts


@dataclass(frozen=True)
class Find:
    """The poses of a thing in N frames."""
    poses: Tensor  # (N, POSE); its shares are 1
    score: Tensor  # (N,) correlation


@dataclass(frozen=True, eq=False)
class Finder:
    """Puts the things of layouts where they are found."""
    textures: Textures
    frames: np.ndarray  # uint8 (N, H, W, 3)
    shown: Tensor  # (K, F) which of them is each frame of a layout; -1 for none
    finds: dict[tuple[int, int, int], Find] = field(default_factory=dict)  # subject, colour, how many before it

    def place(self, layout: Layout) -> tuple[Layout, bool]:
        """The layout with everything that is found where it is, and whether that is all that there is."""
        poses, taken, all_found = layout.poses.clone(), [], True
        for slot in layout.subjects.nonzero().flatten().tolist():
            name = int(layout.subjects[slot]), int(layout.colours[slot])
            key = *name, sum(other == name for other, _ in taken)
            if key not in self.finds:
                texture = self.textures.lit(layout, slot)
                self.finds[key] = find(texture, self.frames, [poses for other, poses in taken if other == name])
            taken.append((name, self.finds[key].poses))
            sure = self.finds[key].score > FOUND
            all_found &= bool(sure.all())
            if sure.any():
                poses[:, :, slot] = self._on_the_way(poses[:, :, slot], self.finds[key].poses, sure)
        return replace(layout, poses=poses), all_found

    def _on_the_way(self, planned: Tensor, found: Tensor, sure: Tensor) -> Tensor:
        """Poses (K, F, POSE) as they were found, elsewhere on the way between those; seen there as much as planned."""
        times = sure.nonzero().flatten()
        between = torch.from_numpy(np.stack([np.interp(np.arange(len(found)), times, numbers)
                                             for numbers in found[times].T], -1)).to(found)
        between[:, 3:5] = F.normalize(between[:, 3:5], dim=-1)
        between[:, 5] = torch.where(between[:, 5] < 0, -1.0, 1.0)
        poses = between[self.shown]
        poses[..., 6] = torch.where(sure[self.shown], 1.0, planned[..., 6])
        poses[..., 7] = planned[..., 7]
        return torch.where((self.shown >= 0)[..., None], poses, planned)


@torch.no_grad()
def find(texture: Tensor, frames: np.ndarray, taken: list[Tensor]) -> Find:
    """Look for a texture (channels, TEXELS, TEXELS), colours and cover first, in frames uint8 (N, H, W, 3).

    Where others like it were found, in poses (N, POSE) each, it is not.
    """
    found = _refine(texture, frames, _search(texture, frames, [0.0], taken))
    angles = [turn * 2 * np.pi / TURNS for turn in range(TURNS)]
    lost = (found.score <= FOUND).nonzero().flatten()
    for some in (lost[::LOOKED], torch.cat([lost[first::LOOKED] for first in range(1, LOOKED)])):
        if not len(some):
            break
        turned = _refine(texture, frames[some.numpy()],
                         _search(texture, frames[some.numpy()], angles, [poses[some] for poses in taken]))
        found = Find(found.poses.index_copy(0, some, turned.poses), found.score.index_copy(0, some, turned.score))
        if not (turned.score > FOUND).any():  # nor in the others, then
            break
    return found


def _search(texture: Tensor, frames: np.ndarray, angles: list[float], taken: list[Tensor]) -> Find:
    """The best of all places, sizes, angles and both ways to look."""
    import cv2  # slow to load, and of no use where nothing is given

    N, H, W = frames.shape[:3]
    border, columns = round(BORDER * ROWS), round(W * ROWS / H)
    small = [cv2.copyMakeBorder(cv2.resize(frame, (columns, ROWS), interpolation=cv2.INTER_AREA), *4 * [border],
                                cv2.BORDER_REPLICATE).astype(np.float32) for frame in frames]
    best, poses = np.full(N, -1.0), torch.zeros(N, POSE)
    poses[:, 2] = poses[:, 3] = poses[:, 5] = 1
    for side, angle, mirrored in product(SIDES, angles, (1.0, -1.0)):
        pixels = round(side * SPAN * ROWS)
        if pixels > min(small[0].shape[:2]):
            break
        picture, cover = _template(texture, pixels, angle, mirrored)
        x, y = (np.arange(size + 2 * border - pixels + 1) + pixels / 2 - border - size / 2 for size in (columns, ROWS))
        for n, frame in enumerate(small):
            scores = cv2.matchTemplate(frame, picture, cv2.TM_CCOEFF_NORMED, mask=cover)
            scores[~np.isfinite(scores) | (scores > 1.01)] = -1
            for other in taken:
                there = other[n, :2].numpy() * ROWS
                scores[np.hypot(y[:, None] - there[1], x - there[0]) < other[n, 2].item() * ROWS / 2] = -1
            row, column = np.unravel_index(scores.argmax(), scores.shape)
            if scores[row, column] > best[n]:
                best[n] = scores[row, column]
                poses[n] = torch.tensor([x[column] / ROWS, y[row] / ROWS, pixels / SPAN / ROWS, np.cos(angle),
                                         np.sin(angle), mirrored, 1, 1])
    return Find(poses, torch.from_numpy(best).float())


def _template(texture: Tensor, pixels: int, angle: float, mirrored: float) -> tuple[np.ndarray, np.ndarray]:
    """A texture's colours and cover as a picture (pixels, pixels, 3) each, float32."""
    axis = ((torch.arange(pixels) + 0.5) / pixels * 2 - 1)
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    cos, sin = np.cos(angle), np.sin(angle)
    grid = torch.stack([(cos * across - sin * down) * mirrored, sin * across + cos * down], -1)
    looks = texture[None, :COLOURS + 1]
    if pixels < TEXELS:
        looks = F.interpolate(looks, (pixels, pixels), mode="area")
    seen = F.grid_sample(looks, grid[None], align_corners=False)[0]
    cover = (seen[COLOURS:] > CLEAR).float().expand(3, -1, -1)
    return tuple(np.ascontiguousarray(rearrange(each, "c h w -> h w c").numpy()) for each in (seen[:COLOURS], cover))


def _refine(texture: Tensor, frames: np.ndarray, start: Find) -> Find:
    """Everything moved, scaled and turned to where the correlation is highest."""
    video = rearrange(to_unit(frames), "c t h w -> t c h w")
    axis = ((torch.arange(TEXELS) + 0.5) / TEXELS - 0.5) * SPAN
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    there = texture[COLOURS] > CLEAR
    texels, colours = torch.stack([across, down], -1)[there], texture[:COLOURS, there]                  # (n, 2), (3, n)
    best, score = start.poses, torch.full_like(start.score, -1)
    with torch.inference_mode(False), torch.enable_grad():
        video, texels, colours, poses = (each.clone() for each in (video, texels, colours, start.poses))
        change = torch.zeros(len(poses), 4, requires_grad=True)
        size = torch.cat([poses[:, 2:3].expand(-1, 2), torch.ones(len(poses), 2)], 1)  # of a step: sides, radians
        optimizer = torch.optim.Adam([change], lr=RATE, betas=(0.8, 0.95))
        for step in range(STEPS + 1):
            moved = shift(poses, change * size)
            now = _correlation(video, moved, texels, colours)
            better = (now > score)[:, None].detach()
            best, score = torch.where(better, moved.detach(), best), torch.where(better[:, 0], now.detach(), score)
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / (STEPS + 1))
            optimizer.zero_grad()
            (-now.sum()).backward()
            optimizer.step()
    return Find(best, score)


def _correlation(video: Tensor, poses: Tensor, texels: Tensor, colours: Tensor) -> Tensor:
    """How much what frames (T, 3, H, W) show in poses (T, POSE) is like `colours` (3, n) at `texels` (n, 2): (T,)."""
    H, W = video.shape[2:]
    where = torch.stack([outside(pose, texels) for pose in poses])                                      # (T, n, 2)
    grid = where * 2 * torch.tensor([H / W, 1.0])
    seen = F.grid_sample(video, grid[:, None], padding_mode="border", align_corners=False)[:, :, 0]     # (T, 3, n)
    seen, right = (each - each.mean(-1, keepdim=True) for each in (seen, colours[None]))
    return (seen * right).sum((1, 2)) / (seen.square().sum((1, 2)) * right.square().sum((1, 2))).clamp(min=1e-9).sqrt()
