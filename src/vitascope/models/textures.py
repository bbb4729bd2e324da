"""Learned pictures of things, put where a layout says: features for every pixel of every frame.

A latent position holds four frames of 8x8 pixels in a few dozen numbers, and whatever moves is smeared in them. But a
layout knows where everything is, and how a thing looks from near is the same in every clip: so its look is learnt
once, as a texture of features, and what turns latents into the final picture is told the texture of each pixel. After
Thies et al. 2019, "Deferred Neural Rendering".
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layout import COLOUR_BITS, SUBJECT_BITS, Layout, inside

TEXELS = 64  # in a row and a column of a texture
SPAN = 1.25  # sides of a thing that its texture covers: some of what is around it, too
COLOURS = 3  # the first features are a colour, in [-1, 1]
MARKS = 3  # beside the texture, at each pixel of a thing: 1, its visible share, the share that is left of it


class Textures(nn.Module):
    """A picture of features for each thing that a layout can name."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Parameter(torch.empty(2**SUBJECT_BITS, channels, TEXELS, TEXELS))
        nn.init.normal_(self.features, std=0.1)
        self.tints = nn.Parameter(torch.zeros(2**COLOUR_BITS, COLOURS, COLOURS))  # what another colour makes of them
        self.tints.data.diagonal(dim1=1, dim2=2).fill_(1)

    def forward(self, layout: Layout, rows: int, columns: int) -> Tensor:
        """What is where in the frames of a layout, (T, channels + MARKS, rows, columns); things that overlap add up."""
        flat = layout.frame_by_frame()
        where = rearrange(inside(flat, rows, columns), "t h w s 1 uv -> s t h w uv")
        where = where * (2 / SPAN)                                                           # -1 to 1 on a texture
        told = where.new_zeros(len(flat.poses), self.features.shape[1] + MARKS, rows, columns)
        for slot in flat.subjects.nonzero().flatten().tolist():
            grid = rearrange(where[slot], "t h w uv -> 1 (t h) w uv").to(self.features.dtype)
            texture, tint = self.features[flat.subjects[slot]], self.tints[flat.colours[slot]]
            texture = torch.cat([torch.einsum("k c, c h w -> k h w", tint, texture[:COLOURS]), texture[COLOURS:]])
            seen = F.grid_sample(texture[None], grid, align_corners=False)
            there = (where[slot].abs().amax(-1) < 1).float()                                     # (t, h, w)
            shares = rearrange(flat.poses[:, 0, slot, 6:], "t two -> two t 1 1")                 # visible, left
            told = told + torch.cat([rearrange(seen, "1 c (t h) w -> t c h w", h=rows),
                                     torch.stack([there, *(there * shares)], 1)], 1)
        return told
