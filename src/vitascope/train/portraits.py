"""What textures begin as: the picture of each thing, unwarped by the layouts of clips of the world.

A frame shows c a + e (1 - a): the colour of a thing where it covers what is behind it, the empty scene elsewhere. Both
frame and empty scene can be drawn, so over many clips a line through them gives colour c and cover a of every texel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.shards import FIRST_SEED
from ..data.truth import layout_of
from ..models.layout import SUBJECT_BITS, outside
from ..models.textures import COLOURS, SPAN, STAGES, TEXELS, Textures
from ..video import to_unit
from ..world.physics import Motion, simulate
from ..world.render import render_frame
from ..world.scene import EDIBLE, VOCABULARIES, Scene, Vocabulary, sample_scene

SIDE = 128  # pixels of the frames
FAINT = 0.05  # cover below which a colour is anything
BITTEN = 0.1  # as many clips of bites as of everything


@dataclass(frozen=True)
class Glance:
    """One thing in one frame, as its texture shows it."""
    number: int  # of the thing
    stage: int  # of what is left of it
    frame: Tensor  # (3, TEXELS, TEXELS)
    empty: Tensor  # (3, TEXELS, TEXELS) without any things
    known: Tensor  # (1, TEXELS, TEXELS) 1 where the frame shows it


@torch.no_grad()
def take_portraits(textures: Textures, clips: int, vocabulary: str) -> None:
    """Give each texture the colours of its thing and its cover, and each stage what is left of a bitten one."""
    plain = replace(VOCABULARIES[vocabulary], styles=("3d",), times=("day",), weathers=("clear",), companions=(1.0,))
    sums = torch.zeros(2**SUBJECT_BITS, 4 * COLOURS + 1, TEXELS, TEXELS)
    for glance in glances(clips, plain):
        if glance.stage == 0:
            f, e = glance.frame, glance.empty
            sums[glance.number] += glance.known * torch.cat([f, e, f * e, e * e, glance.known])
    count = sums[:, -1:].clamp(min=1)
    f, e, fe, ee = (sums[:, :-1] / count).split(COLOURS, 1)
    through = ((fe - f * e).sum(1, keepdim=True) / (ee - e * e).sum(1, keepdim=True).clamp(min=1e-4)).clamp(0, 1)
    cover = 1 - through
    known = (sums[:, -1] > 1).flatten(1).any(1)
    textures.features[known, :COLOURS] = ((f - through * e) / cover.clamp(min=FAINT)).clamp(-1, 1)[known]
    textures.features[known, COLOURS] = cover[known, 0]
    _take_bites(textures, replace(plain, subjects=EDIBLE, actions=("is bitten",)), round(BITTEN * clips))


def _take_bites(textures: Textures, vocabulary: Vocabulary, clips: int) -> None:
    """What a bitten thing shows of a whole one: f - e as a share of a (c - e), over all things that can be bitten."""
    shares, weights = torch.zeros(2, STAGES, TEXELS, TEXELS)
    for glance in glances(clips, vocabulary):
        whole, cover = textures.features[glance.number, :COLOURS], textures.features[glance.number, COLOURS]
        effect = glance.known * cover * (whole - glance.empty)
        shares[glance.stage] += (effect * (glance.frame - glance.empty)).sum(0)
        weights[glance.stage] += effect.square().sum(0)
    for stage in range(1, STAGES - 1):
        seen = weights[stage] > 0.1
        share = shares[stage] / weights[stage].clamp(min=0.1)
        textures.left[stage] = torch.where(seen, share, textures.left[stage - 1])
    textures.left.clamp_(0, 1)


def glances(clips: int, vocabulary: Vocabulary) -> Iterator[Glance]:
    """The things in one frame of each of so many clips, those that show all of themselves in their own colour."""
    axis = SPAN * ((torch.arange(TEXELS) + 0.5) / TEXELS - 0.5)
    texels = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)                        # (TEXELS, TEXELS, 2)
    for seed in range(FIRST_SEED["train"], FIRST_SEED["train"] + clips):
        scene = sample_scene(seed, vocabulary, width=SIDE, height=SIDE, split="any")
        motion, now = simulate(scene), seed % scene.frames
        frame, empty = (to_unit(render_frame(*shown, now)[None])[0, :, 0]
                        for shown in ((scene, motion), bare(scene, motion)))
        layout = layout_of(scene, motion, now, 1)
        for slot in layout.subjects.nonzero().flatten().tolist():
            visible, left = layout.poses[0, 0, slot, 6:]
            if visible < 1 or layout.colours[slot] > 1:
                continue
            place = outside(layout.poses[0, 0, slot], texels)
            pair = F.grid_sample(torch.stack([frame, empty]), 2 * place.expand(2, -1, -1, -1), align_corners=False)
            yield Glance(int(layout.subjects[slot]), round(float((STAGES - 1) * (1 - left))), *pair,
                         (place.abs().amax(-1) < 0.5).float()[None])


def bare(scene: Scene, motion: Motion) -> tuple[Scene, Motion]:
    """The same without any things."""
    shots = tuple(replace(shot, actors=()) for shot in scene.shots)
    return replace(scene, shots=shots), replace(motion, occluders=[], blocks=None)
