"""What textures begin as: the mean picture of each thing, unwarped by the layouts of clips of the world.

A thing that is seen whole and in its own colour is brought back from where a frame shows it to the square of its
texture. Where its look varies little from clip to clip, it is the thing and not what is around it.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from ..data.shards import FIRST_SEED
from ..data.truth import layout_of
from ..models.layout import SUBJECT_BITS
from ..models.textures import COLOURS, SPAN, TEXELS, Textures
from ..video import to_unit
from ..world.physics import simulate
from ..world.render import render_frame
from ..world.scene import VOCABULARIES, sample_scene

SIDE = 128  # pixels of the frames


@torch.no_grad()
def take_portraits(textures: Textures, clips: int, vocabulary: str) -> None:
    """Give each texture the mean colours of its thing in so many clips, and how much they vary as the next feature."""
    count, total, squares = (torch.zeros(2**SUBJECT_BITS, channels, TEXELS, TEXELS) for channels in (1, 3, 3))
    v, u = torch.meshgrid(*2 * [SPAN * ((torch.arange(TEXELS) + 0.5) / TEXELS - 0.5)], indexing="ij")
    for seed in range(FIRST_SEED["train"], FIRST_SEED["train"] + clips):
        scene = replace(sample_scene(seed, VOCABULARIES[vocabulary], width=SIDE, height=SIDE), style="3d")
        motion, now = simulate(scene), seed % scene.frames
        frame, layout = to_unit(render_frame(scene, motion, now)[None])[0, :, 0], layout_of(scene, motion, now, 1)
        for slot in layout.subjects.nonzero().flatten().tolist():
            x, y, side, cos, sin, mirrored, visible, left = layout.poses[0, 0, slot]
            if visible < 1 or left < 1 or layout.colours[slot] > 1:
                continue
            across = mirrored * u
            place = torch.stack([x + side * (cos * across + sin * v), y + side * (cos * v - sin * across)], -1)
            seen = F.grid_sample(frame[None], 2 * place[None], align_corners=False)[0]
            there, number = (place.abs().amax(-1) < 0.5).float(), layout.subjects[slot]
            count[number] += there
            total[number] += there * seen
            squares[number] += there * seen.square()
    mean = total / count.clamp(min=1)
    spread = (squares / count.clamp(min=1) - mean.square()).clamp(min=0).sum(1).sqrt()
    known = (count > 1).flatten(1).any(1)
    textures.features[known, :COLOURS], textures.features[known, COLOURS] = mean[known], 1 - 2 * spread[known]
