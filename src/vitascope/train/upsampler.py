"""Train what turns latents into the final picture: the autoencoder's decoder and the upsampler.

They learn from pairs that the world renders: a clip, and the same clip at half the size. Most inputs go through the
autoencoder first, with some noise on their latents; with a painter at hand, every second step is one on clips that it
has painted anew (repaint.py), for in use all that is decoded was painted, and what moves was painted badly. Most come
with their layout, moved a little, for plans are never exact. The encoder stays as it is, so whatever learnt from its
latents stays right; the decoder learns on, for the large picture as well as for its own, but not from paintings: it is
to give back what is there. Textures begin as portraits of the things in clips (portraits.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.shards import FIRST_SEED
from ..data.truth import layout_of
from ..evaluate.reconstruction import psnr
from ..foresight import ROOM
from ..models.autoencoder import FRAMES, Autoencoder
from ..models.layout import Layout, covered, inside
from ..models.recall import Seen, recall
from ..models.upsampler import SCALE, UPSAMPLERS, Told, Upsampler, UpsamplerConfig, halve
from ..precision import fast_precision
from ..video import to_unit
from ..world.physics import simulate
from ..world.render import render
from ..world.scene import VOCABULARIES, sample_scene
from .autoencoder import change, gradient_error, reconstruct, sheet
from .portraits import take_portraits
from .repaint import Painting
from .state import (
    Average,
    Log,
    check_config,
    checkpoints,
    load_checkpoint,
    save_checkpoint,
    save_sheet,
    save_weights,
    step_generator,
    take_steps,
    torch_generator,
)

VALIDATION = 12  # clips
SIDE = 128  # pixels of the large clips
GIVEN = 0.3  # share of the clips of which a frame is known


@dataclass(frozen=True)
class UpsamplerTraining:
    """One training run; with the autoencoder and the seed it determines the result."""

    model: UpsamplerConfig = field(default_factory=lambda: UPSAMPLERS["bundled"])
    vocabulary: str = "bundled"
    steps: int = 4000
    batch: int = 6  # crops per step, each of a clip of its own
    frames: int = 5  # per crop, 1 + 4k
    side: int = 32  # pixels, of a crop of the small clip, a multiple of 8
    places: int = 3  # in a clip, tried for each crop; the one where most moves is kept
    learning_rate: float = 1e-3  # AdamW, highest
    texture_rate: float = 1e-2  # of the textures, whose every texel is seldom seen
    warmup: int = 100  # steps
    average_decay: float = 0.998
    plain: float = 0.3  # share of inputs that did not go through the autoencoder
    unplanned: float = 0.3  # share of inputs without a layout
    astray: float = 0.003  # standard deviation of what a layout is off: heights of the view, logarithms of sides
    noise: float = 0.15  # highest standard deviation of the noise on latents; each crop draws its own
    worst: float = 0.3  # the same where things are, if a layout tells of them
    painted: float = 0.5  # share of the steps that are on paintings, if there are any
    painted_batch: int = 2  # parts of paintings in such a step, all frames of each
    backdrop: float = 0.15  # weight in these of what is neither near a thing nor recalled: much would be right there
    portraits: int = 6000  # clips from which the textures of a new run are taken; 0: they are those that it starts from
    own: float = 0.5  # weight of the decoder's own small picture
    squares: float = 2.0  # weight of the squared error beside the absolute one
    edges: float = 1.0  # weight of the absolute error of the spatial gradient
    validate_every: int = 250  # steps
    seed: int = 0


@dataclass(frozen=True)
class Crops:
    """What a step learns from."""

    large: Tensor  # (B, 3, T, S, S) as it should be
    latents: Tensor  # (B, C, K, h, w) of what there is of it
    layouts: list[Layout | None]
    weight: Tensor = torch.ones(())  # (B, 1, T, S, S) of the error of each pixel


class Decoders(nn.Module):
    """Autoencoder and upsampler as one module; only what comes after the latents learns."""

    def __init__(self, autoencoder: Autoencoder, upsampler: Upsampler) -> None:
        super().__init__()
        self.autoencoder, self.upsampler = autoencoder, upsampler
        self.requires_grad_(True)
        for part in (autoencoder.encode_linear, autoencoder.encoder):
            part.requires_grad_(False)


def train(config: UpsamplerTraining, directory: Path, autoencoder: Autoencoder, *, start: Upsampler | None = None,
          painted: Sequence[Painting] = (), painted_held_out: Sequence[Painting] = ()) -> Decoders:
    """Train, or go on with, the run in `directory`; returns both models with their averaged weights.

    A new run starts from the weights of the autoencoder and of `start`; what is missing or shaped otherwise there is
    drawn anew.
    """
    check_config(directory, config, free=("steps",))
    torch.manual_seed(config.seed)
    model = Decoders(autoencoder, Upsampler(config.model))
    wanted, given = model.upsampler.state_dict(), start.state_dict() if start else {}
    fitting = {name: tensor for name, tensor in given.items()
               if name in wanted and tensor.shape == wanted[name].shape}
    model.upsampler.load_state_dict(fitting, strict=False)
    if model.upsampler.textures and config.portraits and not checkpoints(directory):
        take_portraits(model.upsampler.textures, config.portraits, config.vocabulary)
    average = Average(model, decay=config.average_decay)
    optimizer = make_optimizer(model, config)
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)
    large, layouts = draw_held_out(config)
    paintings = whole_paintings(painted_held_out) if painted_held_out else None

    def report(step: int, values: dict[str, float]) -> None:
        averaged = averaged_model(model, average)
        save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
        save_weights(directory / "autoencoder", averaged.autoencoder.state_dict(), autoencoder.config)
        save_weights(directory / "upsampler", averaged.upsampler.state_dict(), config.model)
        small = halve(large)
        decoded = reconstruct(averaged.autoencoder, small)
        told = enlarge(averaged.upsampler, decoded, layouts)
        videos = {"told": told, "untold": enlarge(averaged.upsampler, decoded), "bicubic": bicubic(decoded),
                  "plain": enlarge(averaged.upsampler, small), "plain bicubic": bicubic(small)}
        scores = {f"psnr/{name}": psnr(large, video).mean().item() for name, video in videos.items()}
        if paintings:
            mended = enlarge(averaged.upsampler, decode(averaged.autoencoder, paintings.latents), paintings.layouts)
            scores["psnr/painted"] = psnr(paintings.large, mended).mean().item()
            save_sheet(directory / "samples" / f"{step:08d}-painted.png", sheet(paintings.large, mended))
        log.write(step, {**values, **scores, "psnr/small": psnr(small, decoded).mean().item()})
        save_sheet(directory / "samples" / f"{step:08d}.png", sheet(large, told))

    def take_step(step: int) -> float:
        loss = train_step(model, optimizer, config, step, painted)
        average.update(model, step + 1)
        return loss

    take_steps(range(first, config.steps), take_step, report, log, every=config.validate_every)
    return averaged_model(model, average)


def make_optimizer(model: Decoders, config: UpsamplerTraining) -> torch.optim.AdamW:
    """AdamW; textures have a rate of their own."""
    textures = list(model.upsampler.textures.parameters()) if model.upsampler.textures else []
    others = [p for p in model.parameters() if p.requires_grad and all(p is not texture for texture in textures)]
    groups = [{"params": others, "highest": config.learning_rate}]
    if textures:
        groups.append({"params": textures, "highest": config.texture_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def train_step(model: Decoders, optimizer: torch.optim.Optimizer, config: UpsamplerTraining, step: int,
               painted: Sequence[Painting] = ()) -> float:
    """One step on crops of decoded and of plain small clips, or of paintings; the loss."""
    rng = step_generator(config.seed, step)
    for group in optimizer.param_groups:
        group["lr"] = group["highest"] * min((step + 1) / config.warmup, 1.0, 3 * (1 - step / config.steps))
    is_painted = bool(painted) and rng.random() < config.painted
    crops = draw_painted(painted, config, rng) if is_painted else draw_noisy(model.autoencoder, config, rng)
    small, layouts = halve(crops.large), [layout and stray(layout, config.astray, rng) for layout in crops.layouts]
    plain = torch.from_numpy(rng.random(len(small)) < (0 if is_painted else config.plain))
    with fast_precision():
        with torch.set_grad_enabled(not is_painted):
            decoded = model.autoencoder.decode(crops.latents).float()
        inputs = torch.where(plain.view(-1, 1, 1, 1, 1), small, decoded.clamp(-1, 1))
        outputs = model.upsampler(inputs, give(tell(inputs, layouts), small, rng)).float()
    loss = pair_loss(outputs, crops.large, config, crops.weight)
    loss = loss if is_painted else loss + config.own * pair_loss(decoded, small, config, crops.weight)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def draw_noisy(autoencoder: Autoencoder, config: UpsamplerTraining, rng: np.random.Generator) -> Crops:
    """A few frames of parts of some clips, with noise on their latents."""
    drawn = [draw_crop(FIRST_SEED["train"] + int(rng.integers(2**31)), config, rng) for _ in range(config.batch)]
    large = to_unit(np.stack([crop for crop, _ in drawn]))
    layouts = [layout if rng.random() >= config.unplanned else None for _, layout in drawn]
    with fast_precision():
        return Crops(large, encode_noisy(autoencoder, halve(large), layouts, config, torch_generator(rng)), layouts)


def draw_painted(painted: Sequence[Painting], config: UpsamplerTraining, rng: np.random.Generator) -> Crops:
    """Parts of some paintings, where most moves."""
    larges, latents, layouts = [], [], []
    side = SCALE * config.side
    for number in rng.integers(len(painted), size=config.painted_batch):
        painting = painted[number]
        scene, motion = painting.scene()
        frames, (_, _, rows, columns) = render(scene, motion), painting.latents.shape
        unit, count = frames.shape[1] // rows, side * rows // frames.shape[1]  # pixels of a latent position; of them
        corners = rng.integers((rows - count + 1, columns - count + 1), size=(config.places, 2))
        top, left = max(corners, key=lambda corner: change(_cut(frames, *(unit * corner), side)))
        x, y = ((unit * first + side / 2) / SIDE - 0.5 for first in (left, top))
        larges.append(_cut(frames, unit * top, unit * left, side))
        latents.append(painting.latents[..., top:top + count, left:left + count])
        layouts.append(layout_of(scene, motion, 0, scene.frames).closer(x, y, SIDE / side))
    large = to_unit(np.stack(larges))
    sure = torch.stack([torch.maximum(near_things(layout, frames.shape), from_first(layout, small))
                        for layout, frames, small in zip(layouts, larges, halve(large))])
    return Crops(large, torch.stack(latents), layouts, config.backdrop + (1 - config.backdrop) * sure)


def from_first(layout: Layout, small: Tensor) -> Tensor:
    """Which pixels of the large frames of a small clip (3, T, H, W) its first frame shows, (1, T, H, W), 0 or 1."""
    told = Told.last(layout, small.shape[1])
    known = recall([Seen(small[:, 0])], told.layout, told.frames)[3:4]
    return known.repeat_interleave(SCALE, 2).repeat_interleave(SCALE, 3)


def near_things(layout: Layout, shape: tuple[int, ...]) -> Tensor:
    """Which pixels of frames (T, H, W, 3) are near to where a thing is, was or will be, (1, T, H, W), 0 or 1.

    Frames of one latent are smeared into each other.
    """
    flat = layout.frame_by_frame().part(slice(-shape[0], None))
    near = (inside(flat, *shape[1:3])[..., 0, :].abs().amax(-1) < ROOM / 2)[..., layout.subjects > 0].any(-1)
    return F.max_pool3d(near[None].float(), (2 * FRAMES - 1, 1, 1), 1, (FRAMES - 1, 0, 0))


def whole_paintings(painted: Sequence[Painting]) -> Crops:
    """All of some paintings."""
    scenes = [painting.scene() for painting in painted]
    return Crops(to_unit(np.stack([render(*scene) for scene in scenes])),
                 torch.stack([painting.latents for painting in painted]),
                 [layout_of(scene, motion, 0, scene.frames) for scene, motion in scenes])


def draw_crop(seed: int, config: UpsamplerTraining, rng: np.random.Generator) -> tuple[np.ndarray, Layout]:
    """A few frames, uint8 (T, S, S, 3), of that of some parts of a clip where most changes, and what is where in it."""
    scene = sample_scene(seed, VOCABULARIES[config.vocabulary], width=SIDE, height=SIDE)
    motion, start = simulate(scene), int(rng.integers(scene.frames - config.frames + 1))
    frames, side = render(scene, motion)[start:start + config.frames], SCALE * config.side
    corners = SCALE * rng.integers((SIDE - side) // SCALE + 1, size=(config.places, 2))
    top, left = max(corners, key=lambda corner: change(_cut(frames, *corner, side)))
    x, y = ((first + side / 2) / SIDE - 0.5 for first in (left, top))
    return _cut(frames, top, left, side), layout_of(scene, motion, start, config.frames).closer(x, y, SIDE / side)


def _cut(frames: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    return frames[:, top:top + side, left:left + side]


def stray(layout: Layout, deviation: float, rng: np.random.Generator) -> Layout:
    """The layout, each thing a little off its place and its size."""
    poses = layout.poses.clone()
    off = deviation * torch.from_numpy(rng.standard_normal((3, poses.shape[2]))).float()
    poses[..., 0] += off[0]
    poses[..., 1] += off[1]
    poses[..., 2] *= off[2].exp()
    return replace(layout, poses=poses)


def draw_held_out(config: UpsamplerTraining) -> tuple[Tensor, list[Layout]]:
    """Clips (N, 3, T, S, S) to validate on, and what is where in them."""
    seeds = range(FIRST_SEED["held-out"], FIRST_SEED["held-out"] + VALIDATION)
    scenes = [sample_scene(seed, VOCABULARIES[config.vocabulary], width=SIDE, height=SIDE, split="any")
              for seed in seeds]
    motions = [simulate(scene) for scene in scenes]
    clips = np.stack([render(scene, motion) for scene, motion in zip(scenes, motions)])
    return to_unit(clips), [layout_of(scene, motion, 0, scene.frames) for scene, motion in zip(scenes, motions)]


def pair_loss(output: Tensor, target: Tensor, config: UpsamplerTraining, weight: Tensor) -> Tensor:
    """Absolute + squared error + absolute error of the gradient over height and width; `weight` is of each pixel."""
    error = weight * (output - target)
    return error.abs().mean() + config.squares * error.square().mean() + config.edges * gradient_error(error)


@torch.no_grad()
def encode_noisy(autoencoder: Autoencoder, videos: Tensor, layouts: list[Layout | None], config: UpsamplerTraining,
                 generator: torch.Generator) -> Tensor:
    """Latents (B, C, K, h, w) of videos, with noise whose strength each draws for itself."""
    latents = autoencoder.encode(videos).float()
    nothing = torch.zeros(latents.shape[2:], dtype=torch.bool)
    things = torch.stack([covered(layout, *latents.shape[3:]) if layout else nothing for layout in layouts])
    often, worst = (highest * torch.rand(len(latents), 1, 1, 1, generator=generator)
                    for highest in (config.noise, config.worst))
    strength = torch.where(things, torch.maximum(often, worst), often)[:, None]
    return latents + strength * torch.randn(latents.shape, generator=generator)


@torch.no_grad()
def decode(autoencoder: Autoencoder, latents: Tensor) -> Tensor:
    """Videos (B, 3, T, H, W), one after the other."""
    with fast_precision():
        return torch.cat([autoencoder.decode(one[None]).float() for one in latents]).clamp(-1, 1)


def tell(videos: Tensor, layouts: Iterable[Layout | None]) -> list[Told | None]:
    """What is known of small videos (B, 3, T, H, W) that are whole clips, each with its layout."""
    return [layout and Told.last(layout, video.shape[1], video[:, 0].detach())
            for video, layout in zip(videos, layouts)]


def give(told: list[Told | None], videos: Tensor, rng: np.random.Generator) -> list[Told | None]:
    """The same, but of some of the small videos (B, 3, T, H, W) a frame is known as it is: a user may have given it."""
    def given(one: Told, video: Tensor) -> Told:
        number = int(rng.integers(video.shape[1]))
        return replace(one, seen=[Seen(video[:, number], one.frames[number])])

    return [given(one, video) if one and rng.random() < GIVEN else one for one, video in zip(told, videos)]


@torch.no_grad()
def enlarge(upsampler: Upsampler, videos: Tensor, layouts: Iterable[Layout | None] = repeat(None)) -> Tensor:
    """Videos at twice their size, each told its layout."""
    with fast_precision():
        large = [upsampler(video[None], tell(video[None], [layout])).float() for video, layout in zip(videos, layouts)]
    return torch.cat(large).clamp(-1, 1)


def bicubic(videos: Tensor) -> Tensor:
    """What is to be beaten."""
    return torch.stack([F.interpolate(frames.transpose(0, 1), scale_factor=SCALE, mode="bicubic").transpose(0, 1)
                        for frames in videos]).clamp(-1, 1)


def averaged_model(model: Decoders, average: Average) -> Decoders:
    """A copy with the averaged weights, for use."""
    copy = Decoders(Autoencoder(model.autoencoder.config), Upsampler(model.upsampler.config))
    copy.load_state_dict(average.tensors)
    return copy.requires_grad_(False)
