"""World clips → shards of latents and text embeddings on disk → batches.

Encoding once and reading often keeps the arithmetic for the transformer. A shard is one safetensors file of clips of
one size; it appears whole, by rename, so that several writers and a trainer can share a folder.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..falling import FALLING
from ..models.autoencoder import Autoencoder
from ..models.layout import Layout, from_grid, to_grid
from ..models.text import Text
from ..models.upsampler import SCALE, halve
from ..precision import fast_precision
from ..video import to_unit
from ..world.caption import LEVELS, caption, describe_image
from ..world.catalogue import DIRECTED
from ..world.physics import Motion, simulate
from ..world.render import render, render_frame
from ..world.scene import VOCABULARIES, Scene, Vocabulary, sample_scene
from .truth import layout_of, truth_map

# base sizes (width, height) in pixels and how often each is drawn; the output is SCALE times as large
SIZES = {(64, 64): 0.55, (88, 48): 0.15, (80, 56): 0.1, (48, 88): 0.12, (56, 80): 0.08}
KINDS = {"clips": 17, "images": 1, "long": 33, "plans": 17, "scripts": 33, "stills": 1}  # frames of each kind of shard
PLANNED = {"plans": 1/2, "scripts": 1/4, "stills": 1/4}  # have no pictures; shares
GROUP = 16  # clips that are encoded together
SHARD = 128  # clips in a file
STRETCH = 5  # latent frames that training sees of a clip that is longer
WHOLE = {False: 0.2, True: 0.5}  # of long clips are seen whole, of long plans
FINISHED = 3  # of ten clips with a style or snow show it; of the others only the words and the layout tell of it
BEGUN = 0.5  # of the plans that are cut out of longer ones are seen as if their clip began there
SEQUENCES = 0.6  # of plans: "first ... then ..." is what a planner learns last
TRACKED = 12  # times as often as elsewhere the camera tracks in plans: who "follows" has to be learnt
GOING = 8  # and times that subjects go left or right beside all they do, for only who goes anywhere is tracked
FIRST_SEED = {"train": 2**32, "held-out": 2**40, "any": 2**41}  # no two splits share a seed


@dataclass(frozen=True)
class Sample:
    """One clip or image as training reads it."""
    latents: Tensor  # (C, T, H, W)
    truth: Tensor  # (T, H, W) which subject of the vocabulary is seen there, 0 for none
    states: Tensor  # (L, 384)
    pooled: Tensor  # (384,)
    caption: str
    layout: Layout | None = None  # what is where
    finished: bool = False  # in a style, or with what falls: to be gone on with, not to be painted from nothing
    lean: float = 0.0  # of a plan: the logarithm of its picture's width over its height
    opens: bool = True  # begins where its clip begins, with a latent frame that stands for a single frame


def write_shard(path: Path, seeds: range, size: tuple[int, int], frames: int, *, vocabulary: str, text: Text,
                autoencoder: Autoencoder | None, split: str = "train") -> None:
    """Describe one clip per seed at a base size (width, height), and write what is where, words and latents to `path`.

    Without an autoencoder nothing is rendered: that is all a planner learns from.
    """
    words, tensors = VOCABULARIES[vocabulary], defaultdict(list)
    known = words if autoencoder else more_planned(words)
    captions: list[str] = []
    for first in range(0, len(seeds), GROUP):
        scenes = [sample_scene(seed, known, width=SCALE * size[0], height=SCALE * size[1],
                               frames=max(frames, 17), split=split) for seed in seeds[first:first + GROUP]]
        starts = [scene.seed % (scene.frames - frames + 1) for scene in scenes]
        motions, finished = [simulate(scene) for scene in scenes], [is_finished(scene) for scene in scenes]
        captions += [describe(*clip, frames) for clip in zip(scenes, motions, starts)]
        tensors["layouts"] += [to_grid(layout_of(*clip, frames)).half() for clip in zip(scenes, motions, starts)]
        if autoencoder:
            tensors["truth"] += [torch.from_numpy(truth_map(*clip, frames, words.subjects))
                                 for clip in zip(scenes, motions, starts)]
            painted = [scene if done else unfinished(scene) for scene, done in zip(scenes, finished)]
            pictures = [draw(*clip, frames) for clip in zip(painted, motions, starts)]
            tensors["latents"] += encode(pictures, autoencoder)
            tensors["finished"] += torch.tensor(finished)
    with fast_precision():
        embedded = [item for first in range(0, len(captions), GROUP) for item in text(captions[first:first + GROUP])]
    written = {name: torch.stack(parts) for name, parts in tensors.items()}
    written |= {"states": torch.cat([item.states for item in embedded]).half(),
                "pooled": torch.stack([item.pooled for item in embedded]).half(),
                "text_lengths": torch.tensor([len(item.states) for item in embedded]),
                "lean": torch.tensor(size[0] / size[1]).log()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file(written, partial, metadata={"captions": json.dumps(captions)})
    os.replace(partial, path)


def more_planned(words: Vocabulary) -> Vocabulary:
    """The same with more of what is hard to plan."""
    tracking = tuple(camera for camera in words.cameras if camera == "tracks")
    going = GOING * tuple(action for action in dict.fromkeys(words.actions) if action in DIRECTED) if tracking else ()
    return replace(words, sequences=max(words.sequences, SEQUENCES), cameras=words.cameras + (TRACKED - 1) * tracking,
                   actions=words.actions + going)


def is_finished(scene: Scene) -> bool:
    """Whether the latents of a scene show its style, and what falls.

    Both are put on a painting that is ready (see `stylist`), but what a user gives to be continued may have them.
    """
    return scene != unfinished(scene) and scene.seed % 10 < FINISHED


def unfinished(scene: Scene) -> Scene:
    """The same before anything is put on it: in no style, and in weather from which nothing falls."""
    return replace(scene, style="3d", falls=scene.shots[0].weather not in FALLING)


def draw(scene: Scene, motion: Motion, start: int, frames: int) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of a scene; a single one is rendered alone."""
    return render(scene, motion)[start:start + frames] if frames > 1 else render_frame(scene, motion, start)


@torch.inference_mode()
def encode(pictures: list[np.ndarray], autoencoder: Autoencoder) -> Tensor:
    """Latents (B, C, T, h, w), float16, of clips uint8 (T, H, W, 3) of one size, SCALE times the painter's."""
    with fast_precision():
        return autoencoder.encode(halve(to_unit(np.stack(pictures)))).half().contiguous()


def write_shards(folder: Path, *, images: int, clips: int, long: int = 0, plans: int = 0,
                 vocabulary: str, autoencoder: Autoencoder, text: Text, split: str = "train",
                 progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Fill a folder with shards of about so many images, clips, long clips and plans, sizes mixed as in SIZES.

    Plans are divided as in PLANNED. What is there already stays.
    """
    wanted = {"images": images, "clips": clips, "long": long}
    wanted |= {kind: round(share * plans) for kind, share in PLANNED.items()}
    plan = [(kind, number) for number in range(-(-max(wanted.values()) // SHARD)) for kind in wanted
            if number * SHARD < wanted[kind]]
    for done, (kind, number) in enumerate(plan):
        progress(done, len(plan))
        rng = np.random.default_rng([number, len(kind), len(split)])
        size = list(SIZES)[rng.choice(len(SIZES), p=list(SIZES.values()))]
        path = folder / f"{kind}-{number:05d}-{size[0]}x{size[1]}.safetensors"
        if not path.exists():
            first = FIRST_SEED[split] + (number + list(KINDS).index(kind) * 2**20) * SHARD
            write_shard(path, range(first, first + SHARD), size, KINDS[kind], vocabulary=vocabulary, text=text,
                        autoencoder=None if kind in PLANNED else autoencoder, split=split)
    progress(len(plan), len(plan))


def describe(scene: Scene, motion: Motion, start: int, frames: int) -> str:
    """A caption at a random level; of an image, what stands where in that frame."""
    if frames == 1:
        return describe_image(scene, motion, start)
    return caption(scene, LEVELS[scene.seed % len(LEVELS)])


def stretch(sample: Sample, rng: np.random.Generator, *, whole: float) -> Sample:
    """A long clip whole, now and then; else STRETCH latent frames from anywhere in it: a window of a long video."""
    frames = sample.latents.shape[1]
    if frames <= STRETCH or rng.random() < whole:
        return sample
    first = int(rng.integers(frames - STRETCH + 1))
    part = slice(first, first + STRETCH)
    return replace(sample, latents=sample.latents[:, part], truth=sample.truth[part],
                   layout=sample.layout and sample.layout.part(part), opens=first == 0)


def begun_anew(plan: Sample) -> Sample:
    """A stretch of a plan as if its clip began there: what a user's video that is to be continued looks like."""
    opening = to_grid(from_grid(plan.latents).alone())
    return replace(plan, latents=torch.cat([opening, plan.latents[:, 1:]], 1), opens=True)


class Shards:
    """The clips of a folder of shards, kept in memory as float16; `refresh` takes in what was written since.

    With `plans`, layouts take the place of the pictures: what a planner learns from.
    """

    def __init__(self, folder: Path, *, plans: bool = False) -> None:
        self.folder, self.plans, self.shards = folder, plans, {}
        self.refresh()

    def refresh(self) -> None:
        wanted = {"layouts", "states", "pooled", "text_lengths", "lean"}
        if not self.plans:
            wanted |= {"latents", "truth", "finished"}
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.name not in self.shards:
                with safe_open(path, "pt") as file:
                    if not wanted <= set(file.keys()):
                        continue
                    shard = {name: file.get_tensor(name) for name in wanted}
                    shard["captions"] = json.loads(file.metadata()["captions"])
                if self.plans:
                    nobody = torch.zeros_like(shard["layouts"][:, 0], dtype=torch.uint8)
                    shard |= {"latents": shard["layouts"], "truth": nobody}
                shard["ends"] = shard["text_lengths"].cumsum(0)
                self.shards[path.name] = shard
        if not self.shards:
            raise ValueError(f"{self.folder} holds no shards; `vitascope data` writes them")

    def names(self, *, images: bool) -> list[str]:
        """Shards of images or of clips."""
        return [name for name, shard in self.shards.items() if (shard["latents"].shape[2] == 1) == images]

    def draw(self, rng: np.random.Generator, *, images: bool) -> Sample:
        """A random clip or image; of a long clip a random stretch."""
        names = self.names(images=images)
        name = names[rng.integers(len(names))]
        sample = stretch(self.take(name, int(rng.integers(len(self.shards[name]["captions"])))), rng,
                         whole=WHOLE[self.plans])
        return begun_anew(sample) if self.plans and not sample.opens and rng.random() < BEGUN else sample

    def take(self, name: str, index: int) -> Sample:
        shard = self.shards[name]
        end, length = int(shard["ends"][index]), int(shard["text_lengths"][index])
        sample = Sample(shard["latents"][index].float(), shard["truth"][index],
                        shard["states"][end - length:end].float(), shard["pooled"][index].float(),
                        shard["captions"][index])
        if self.plans:
            return replace(sample, lean=float(shard["lean"]))
        layout = from_grid(shard["layouts"][index].float())
        return replace(sample, layout=layout, finished=bool(shard["finished"][index]))

    @property
    def channels(self) -> int:
        """Of the latents."""
        return next(iter(self.shards.values()))["latents"].shape[1]
