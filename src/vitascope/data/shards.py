"""World clips → shards of latents and text embeddings on disk → batches.

Encoding once and reading often keeps the arithmetic for the transformer. A shard is one safetensors file of clips of one
size; it appears whole, by rename, so that several writers and a trainer can share a folder.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..models.autoencoder import FRAMES, SIDE, Autoencoder
from ..models.text import Text
from ..models.upsampler import SCALE
from ..precision import fast_precision
from ..world.caption import LEVELS, caption, describe_image
from ..world.physics import Motion, simulate
from ..world.render import render, render_frame
from ..world.scene import VOCABULARIES, Scene, sample_scene

# base sizes (width, height) in pixels and how often each is drawn; the output is SCALE times as large
SIZES = {(64, 64): 0.55, (88, 48): 0.15, (80, 56): 0.1, (48, 88): 0.12, (56, 80): 0.08}
GROUP = 16  # clips that are encoded together
SHARD = 128  # clips in a file
FIRST_SEED = {"train": 2**32, "held-out": 2**40, "any": 2**41}  # no two splits share a seed


@dataclass(frozen=True)
class Sample:
    """One clip or image as training reads it."""
    latents: Tensor  # (C, T, H, W)
    truth: Tensor  # (T, H, W) which subject of the vocabulary is seen there, 0 for none
    states: Tensor  # (L, 384)
    pooled: Tensor  # (384,)
    caption: str


def write_shard(path: Path, seeds: range, size: tuple[int, int], frames: int, *, vocabulary: str, autoencoder: Autoencoder,
                text: Text, split: str = "train", progress: Callable[[int], None] = lambda done: None) -> None:
    """Render, encode and describe one clip per seed at a base size (width, height), and write them to `path`."""
    latents, truths, captions = [], [], []
    for first in range(0, len(seeds), GROUP):
        scenes = [sample_scene(seed, VOCABULARIES[vocabulary], width=SCALE * size[0], height=SCALE * size[1],
                               frames=max(frames, 17), split=split) for seed in seeds[first:first + GROUP]]
        pictures = []
        for scene in scenes:
            motion = simulate(scene)
            start = scene.seed % (scene.frames - frames + 1)
            whole = frames > 1
            pictures.append(halve(render(scene, motion)[start:start + frames] if whole else render_frame(scene, motion, start)))
            truths.append(truth_map(scene, motion, start, frames, VOCABULARIES[vocabulary].subjects))
            captions.append(describe(scene, start, frames))
        video = rearrange(torch.from_numpy(np.stack(pictures)), "b t h w c -> b c t h w").float() / 127.5 - 1
        with torch.inference_mode(), fast_precision():
            latents.append(autoencoder.encode(video).float())
        progress(len(captions))
    with fast_precision():
        embedded = [item for first in range(0, len(captions), GROUP) for item in text(captions[first:first + GROUP])]
    tensors = {"latents": torch.cat(latents).half().contiguous(), "truth": torch.from_numpy(np.stack(truths)),
               "states": torch.cat([item.states for item in embedded]).half(),
               "pooled": torch.stack([item.pooled for item in embedded]).half(),
               "text_lengths": torch.tensor([len(item.states) for item in embedded])}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file(tensors, partial, metadata={"captions": json.dumps(captions)})
    os.replace(partial, path)


def write_shards(folder: Path, *, images: int, clips: int, vocabulary: str, autoencoder: Autoencoder, text: Text,
                 frames: int = 17, split: str = "train", progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Fill a folder with shards of about so many images and clips, sizes mixed as in SIZES; what is there already stays."""
    plan = [(kind, number) for number in range(-(-max(images, clips) // SHARD)) for kind, wanted in
            (("images", images), ("clips", clips)) if number * SHARD < wanted]
    for done, (kind, number) in enumerate(plan):
        progress(done, len(plan))
        rng = np.random.default_rng([number, len(kind), len(split)])
        size = list(SIZES)[rng.choice(len(SIZES), p=list(SIZES.values()))]
        path = folder / f"{kind}-{number:05d}-{size[0]}x{size[1]}.safetensors"
        if not path.exists():
            first = FIRST_SEED[split] + (number + (kind == "images") * 2**20) * SHARD
            write_shard(path, range(first, first + SHARD), size, frames if kind == "clips" else 1, vocabulary=vocabulary,
                        autoencoder=autoencoder, text=text, split=split)
    progress(len(plan), len(plan))


def describe(scene: Scene, start: int, frames: int) -> str:
    """A caption at a random level; of an image, what stands where in that frame."""
    if frames == 1:
        return describe_image(scene, start)
    return caption(scene, LEVELS[scene.seed % len(LEVELS)])


def halve(pixels: np.ndarray) -> np.ndarray:
    """Frames (T, H, W, 3) at half their size, each pixel the mean of four."""
    blocks = rearrange(pixels, "t (h p) (w q) c -> t h w (p q) c", p=SCALE, q=SCALE)
    return (blocks.mean(3, dtype=np.float32) + 0.5).astype(np.uint8)


def truth_map(scene: Scene, motion: Motion, start: int, frames: int, subjects: tuple[str, ...]) -> np.ndarray:
    """Which subject is seen at each latent position, uint8 (T, H, W): 0 for none, else 1 + its index in `subjects`."""
    unit = SCALE * SIDE  # output pixels of one latent position
    rows, columns = scene.height // unit, scene.width // unit
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns * scene.aspect, indexing="ij")
    truth = np.zeros((1 + (frames - 1) // FRAMES, rows, columns), np.uint8)
    for k in range(len(truth)):
        t = start + (0 if k == 0 else FRAMES * k - 2)  # the middle of the group
        actors = scene.shots[motion.cuts[t]].actors
        for a in np.argsort([actor.ground for actor in actors], kind="stable"):
            if motion.visible[t, a] > 0:
                scale = motion.zoom[t]
                centre_x, centre_y = (motion.x[t, a] - motion.camera_x[t]) * scale, (motion.y[t, a] - motion.camera_y[t]) * scale
                reach = 0.45 * motion.size[t, a] * scale
                inside = (abs(x - centre_x) < reach) & (abs(y - centre_y) < reach)
                truth[k][inside] = 1 + subjects.index(actors[a].subject)
    return truth


class Shards:
    """The clips of a folder of shards, kept in memory as float16; `refresh` takes in what was written since."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shards = folder, {}
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.name not in self.shards:
                with safe_open(path, "pt") as file:
                    shard = {name: file.get_tensor(name) for name in file.keys()}
                    shard["captions"] = json.loads(file.metadata()["captions"])
                shard["ends"] = shard["text_lengths"].cumsum(0)
                self.shards[path.name] = shard
        if not self.shards:
            raise ValueError(f"{self.folder} holds no shards; `vitascope data` writes them")

    def names(self, *, images: bool) -> list[str]:
        """Shards of images or of clips."""
        return [name for name, shard in self.shards.items() if (shard["latents"].shape[2] == 1) == images]

    def draw(self, rng: np.random.Generator, *, images: bool) -> Sample:
        """A random clip, or image."""
        names = self.names(images=images)
        name = names[rng.integers(len(names))]
        return self.take(name, int(rng.integers(len(self.shards[name]["captions"]))))

    def take(self, name: str, index: int) -> Sample:
        shard = self.shards[name]
        end, length = int(shard["ends"][index]), int(shard["text_lengths"][index])
        return Sample(shard["latents"][index].float(), shard["truth"][index], shard["states"][end - length:end].float(),
                      shard["pooled"][index].float(), shard["captions"][index])

    @property
    def channels(self) -> int:
        """Of the latents."""
        return next(iter(self.shards.values()))["latents"].shape[1]
