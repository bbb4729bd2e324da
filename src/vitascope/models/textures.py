"""Learned pictures of things, put where a layout says: features for every pixel of every frame.

A latent position holds four frames of 8x8 pixels in a few dozen numbers, and whatever moves is smeared in them. But a
layout knows where everything is, and how a thing looks from near is the same in every clip: so its look is learnt
once, as a texture of features, and what turns latents into the final picture is told the texture of each pixel. After
Thies et al. 2019, "Deferred Neural Rendering". What lies before others hides them, what is bitten off is not there, and
colours are lit as the time of day and the weather say.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import COLOUR_BITS, LOOK_BITS, SUBJECT_BITS, Layout, depths, inside

TEXELS = 64  # in a row and a column of a texture
SPAN = 1.25  # sides of a thing that its texture covers: some of what is around it, too
COLOURS = 3  # the first features are a colour, in [-1, 1]; the next is how much of what is behind it the thing covers
MARKS = 3  # beside the texture, at each pixel of a thing: 1, its visible share, the share that is left of it
STAGES = 6  # of a thing that becomes less, from whole to gone


class Textures(nn.Module):
    """A picture of features for each thing that a layout can name."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Parameter(torch.empty(2**SUBJECT_BITS, channels, TEXELS, TEXELS))
        nn.init.normal_(self.features, std=0.1)
        self.left = nn.Parameter(torch.ones(STAGES, TEXELS, TEXELS))  # what of a thing is left, stage by stage
        self.left.data[-1] = 0
        self.tints = nn.Parameter(torch.zeros(2**COLOUR_BITS, COLOURS, COLOURS))  # what another colour makes of them
        self.tints.data.diagonal(dim1=1, dim2=2).fill_(1)
        self.lights = nn.Parameter(torch.zeros(2, 2**LOOK_BITS[1], 2, COLOURS))  # weather, time: factors - 1, shifts

    def forward(self, layout: Layout, rows: int, columns: int) -> Tensor:
        """What is where in the frames of a layout, (T, channels + MARKS, rows, columns), the near before the far.

        Colours are multiplied by how much they cover.
        """
        flat = layout.frame_by_frame()
        where = rearrange(inside(flat, rows, columns), "t h w s 1 uv -> s t h w uv")
        where = where * (2 / SPAN)                                                               # -1 to 1 on a texture
        depth = rearrange(depths(flat), "t 1 s -> s t 1 1 1")
        seen = {slot: self._seen(flat, slot, where[slot]) for slot in flat.subjects.nonzero().flatten().tolist()}
        told = where.new_zeros(len(flat.poses), self.features.shape[1] + MARKS, rows, columns)
        for slot, thing in seen.items():
            for other, cover in seen.items():
                thing = thing * (1 - (depth[other] < depth[slot]) * cover[:, COLOURS:COLOURS + 1])
            told = told + thing
        return told

    def _seen(self, flat: Layout, slot: int, where: Tensor) -> Tensor:
        """What is seen of one thing alone, (T, channels + MARKS, h, w); `where` is each pixel in its texture."""
        rows, shares = where.shape[1], rearrange(flat.poses[:, 0, slot, 6:], "t two -> two t 1 1")  # visible, left
        grid = rearrange(where, "t h w uv -> 1 (t h) w uv").to(self.features.dtype)
        seen = F.grid_sample(self.lit(flat, slot)[None], grid, align_corners=False)
        seen = rearrange(seen, "1 c (t h) w -> t c h w", h=rows)
        stage = ((STAGES - 1) * (1 - flat.poses[:, 0, slot, 7])).round().long()
        if stage.any():
            seen = seen * F.grid_sample(self.left[stage][:, None], where.to(seen.dtype), align_corners=False)
        there = (where.abs().amax(-1) < 1).float()                                                  # (t, h, w)
        return torch.cat([seen, torch.stack([there, *(there * shares)], 1)], 1)

    @torch.no_grad()
    def covers(self, layout: Layout) -> Tensor:
        """How much each thing of a layout covers of its square, (SLOTS, n, n), from 0 to 1."""
        axis = ((torch.arange(TEXELS) + 0.5) / TEXELS * 2 - 1) / SPAN
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).expand(len(layout.subjects), -1, -1, -1)
        covers = self.features[layout.subjects, COLOURS:COLOURS + 1].float()
        return F.grid_sample(covers, grid, align_corners=False)[:, 0].clamp(0, 1)

    def lit(self, layout: Layout, slot: int) -> Tensor:
        """The texture of a thing in its colour and in the light of the clip, (channels, TEXELS, TEXELS)."""
        texture = self.features[layout.subjects[slot]]
        colours, cover, rest = texture[:COLOURS], texture[COLOURS:COLOURS + 1].clamp(0, 1), texture[COLOURS + 1:]
        colours = torch.einsum("k c, c h w -> k h w", self.tints[layout.colours[slot]], colours)
        for light, number in zip(self.lights, layout.look[1:]):
            factor, shift = light[number][..., None, None]
            colours = colours * (1 + factor) + shift
        return torch.cat([colours * cover, cover, rest])
