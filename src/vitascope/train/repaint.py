"""Clips of the world as the painter paints them: what decoder and upsampler are given in use.

The things in the first frame of a clip are hidden in noise, and what is around them in part, and it is painted again
under its own layout and words; then the others are painted from what can be foreseen of them, as in use. What cannot be
foreseen and is no thing is hidden nearly wholly. What comes out shows what the clip shows, with the painter's faults in
it; so the clip is what a decoder should have made of it. What is put on finished videos is left out.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..data.shards import FIRST_SEED, describe, draw, encode, unfinished
from ..data.truth import layout_of
from ..foresight import ROOM, VEIL, carry
from ..models.autoencoder import Autoencoder
from ..models.layout import covered
from ..models.recall import Seen
from ..models.text import Text
from ..models.transformer import Transformer
from ..models.upsampler import SCALE
from ..precision import fast_precision
from ..sampling import Painter, embed, sample
from ..tasks import Condition
from ..world.physics import Motion, simulate
from ..world.scene import BUNDLED, Scene, sample_scene

SIDE, FRAMES = 64, 17  # of a clip at the painter's size
STEPS, GUIDANCE = 5, 2.0
REST = (0.2, 0.6)  # noise levels of what is around things in the first frame
GONE = (0.5, 0.95)  # of what cannot be foreseen in the others
GROUP = 32  # clips in a file
OWN = 2**31  # seeds of a split that nothing else draws begin here


@dataclass(frozen=True)
class Painting:
    """A clip of the world, and what the painter made of it."""
    seed: int  # of the scene
    latents: Tensor  # (C, T, H, W)

    def scene(self) -> tuple[Scene, Motion]:
        """What was to be painted, at SCALE times the painter's size."""
        return _scene(self.seed)


def load_paintings(directory: Path, count: int, split: str, painter: Transformer, autoencoder: Autoencoder,
                   text: Text) -> list[Painting]:
    """About `count` paintings of a split of shards.py; groups that are in the directory already are read."""
    found = []
    for group in range(-(-count // GROUP)):
        path = directory / f"{split}-{group:04d}.safetensors"
        first = FIRST_SEED[split] + OWN + group * GROUP
        if not path.exists():
            directory.mkdir(parents=True, exist_ok=True)
            painted = [paint(seed, painter, autoencoder, text) for seed in range(first, first + GROUP)]
            partial = path.with_name(f".{path.name}.partial")
            save_file({"latents": torch.stack(painted).half()}, partial)
            os.replace(partial, path)
        found += [Painting(first + n, latents.float()) for n, latents in enumerate(load_file(path)["latents"])]
    return found


@torch.inference_mode()
def paint(seed: int, painter: Transformer, autoencoder: Autoencoder, text: Text) -> Tensor:
    """The latents (C, T, H, W) of a scene, painted anew."""
    scene, motion = _scene(seed)
    latents = encode([draw(scene, motion, 0, FRAMES)], autoencoder)[0].float()
    layout = layout_of(scene, motion, 0, FRAMES)
    things, rng = covered(layout.grown(ROOM), *latents.shape[2:]), np.random.default_rng([seed, 31])
    rest, gone = float(rng.uniform(*REST)), float(rng.uniform(*GONE))
    condition = Condition(describe(scene, motion, 0, FRAMES), tuple(latents.shape[1:]))
    with fast_precision():
        told = Painter(painter, condition, embed(text, condition), latents.shape[1], layout=layout)

        def again(known: Tensor, level: Tensor) -> Tensor:
            part = replace(condition, shape=tuple(level.shape), known=known, level=level)
            return torch.cat(list(sample(replace(told, condition=part), seed=seed, steps=STEPS, scale=GUIDANCE,
                                         sampler="multistep")), 1)

        first = again(latents[:, :1], torch.where(things[:1], 1.0, rest))
        carried, sure = carry(autoencoder, layout, [Seen(autoencoder.decode(first[None])[0, :, 0].clamp(-1, 1))])
        levels = torch.where(sure, VEIL, torch.where(things, 1.0, gone))
        known = torch.where(sure, carried, latents)
        known[:, :1], levels[0] = first, 0
        return again(known, levels)


def _scene(seed: int) -> tuple[Scene, Motion]:
    scene = unfinished(sample_scene(seed, BUNDLED, width=SCALE * SIDE, height=SCALE * SIDE, frames=FRAMES))
    return scene, simulate(scene)
