"""Train what puts a style on a finished video, on clips that the world renders without one and in every one.

Most inputs have gone through the autoencoder, with noise on their latents, and through the upsampler: a stylist is to draw
outlines on what is soft, too. What is random in a style (grain, the phase of hatching) cannot be learnt; its mean is.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.shards import FIRST_SEED
from ..data.truth import layout_of
from ..evaluate.reconstruction import psnr
from ..models.autoencoder import Autoencoder
from ..models.stylist import STYLISTS, Stylist, StylistConfig
from ..models.upsampler import Upsampler
from ..precision import fast_precision
from ..video import to_unit
from ..world.physics import simulate
from ..world.render import finish, render
from ..world.scene import VOCABULARIES, sample_scene
from ..world.styles import STYLES
from .autoencoder import halve, sheet
from .state import Average, Log, check_config, load_checkpoint, save_checkpoint, save_sheet, save_weights, step_generator, \
    torch_generator

VALIDATION = 8  # clips
SIDE = 128  # pixels


@dataclass(frozen=True)
class StylistTraining:
    """One training run; with the models before it and the seed it determines the result."""
    model: StylistConfig = field(default_factory=lambda: STYLISTS["bundled"])
    vocabulary: str = "bundled"
    steps: int = 800  # each with one clip, in every style
    frames: int = 5  # of a clip, 1 + 4k
    learning_rate: float = 4e-3  # Adam, highest
    warmup: int = 20  # steps
    average_decay: float = 0.99
    plain: float = 0.3  # share of clips that are seen as they were rendered
    noise: float = 0.3  # highest standard deviation of the noise on the latents of the others
    edges: float = 1.0  # weight of the absolute error of the spatial gradient
    validate_every: int = 200  # steps
    seed: int = 0


def train(config: StylistTraining, directory: Path, autoencoder: Autoencoder, upsampler: Upsampler) -> Stylist:
    """Train, or go on with, the run in `directory`; returns the stylist with its averaged weights."""
    check_config(directory, config, free=("steps",))
    torch.manual_seed(config.seed)
    model = Stylist(config.model)
    average = Average(model, decay=config.average_decay)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)

    held_out = [draw_clip(FIRST_SEED["held-out"] + number, config, autoencoder, upsampler, step_generator(0, number))
                for number in range(VALIDATION)]

    def report(step: int, values: dict[str, float]) -> None:
        averaged = averaged_model(model, average)
        save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
        save_weights(directory, averaged.state_dict(), config.model)
        scores, rows = {}, []
        for style in range(1, config.model.styles + 1):
            made = torch.cat([restyle(averaged, clip, style) for clip, _ in held_out])
            wanted = torch.cat([targets[style - 1] for _, targets in held_out])
            scores[f"psnr/{list(STYLES)[style]}"] = psnr(wanted, made).mean().item()
            rows.append(sheet(wanted[style - 1:style], made[style - 1:style]))
        log.write(step, {**values, **scores})
        save_sheet(directory / "samples" / f"{step:08d}.png", np.concatenate(rows))

    for step in range(first, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min((step + 1) / config.warmup, 1.0, 2 * (1 - step / config.steps))
        rng = step_generator(config.seed, step)
        clip = draw_clip(FIRST_SEED["train"] + int(rng.integers(2**31)), config, autoencoder, upsampler, rng)
        loss = train_step(model, optimizer, *clip, config)
        average.update(model, step + 1)
        if (step + 1) % config.validate_every == 0 or step + 1 == config.steps:
            report(step + 1, {"loss": loss})
        elif (step + 1) % 50 == 0:
            log.write(step + 1, {"loss": loss})
    log.close()
    return averaged_model(model, average)


def train_step(model: Stylist, optimizer: torch.optim.Optimizer, clip: Tensor, targets: list[Tensor],
               config: StylistTraining) -> float:
    """One step of every style on one clip; the loss."""
    total = 0.0
    for style, target in enumerate(targets, 1):
        with fast_precision():
            error = model(clip, style).float() - target
        edges = error.diff(dim=3).abs().mean() + error.diff(dim=4).abs().mean()
        loss = error.abs().mean() + config.edges * edges
        loss.backward()
        total += loss.item()
    optimizer.step()
    optimizer.zero_grad()
    return total


@torch.no_grad()
def draw_clip(seed: int, config: StylistTraining, autoencoder: Autoencoder, upsampler: Upsampler,
              rng: np.random.Generator) -> tuple[Tensor, list[Tensor]]:
    """The beginning of a clip as a painting is, (1, 3, T, S, S), and as it looks in each style."""
    scene = replace(sample_scene(seed, VOCABULARIES[config.vocabulary], width=SIDE, height=SIDE), style="3d")
    motion, count = simulate(scene), config.frames
    frames = render(scene, motion)[:count]
    styles = list(STYLES)[1:config.model.styles + 1]
    targets = [to_unit(finish(frames, replace(scene, style=style))[None]) for style in styles]
    video = to_unit(frames[None])
    if rng.random() < config.plain:
        return video, targets
    with fast_precision():
        latents = autoencoder.encode(halve(video)).float()
        noise = config.noise * rng.random() * torch.randn(latents.shape, generator=torch_generator(rng))
        small = autoencoder.decode(latents + noise).float().clamp(-1, 1)
        painted = upsampler(small, [layout_of(scene, motion, 0, count)]).float().clamp(-1, 1)
    return painted, targets


@torch.no_grad()
def restyle(model: Stylist, video: Tensor, style: int) -> Tensor:
    with fast_precision():
        return model(video, style).float().clamp(-1, 1)


def averaged_model(model: Stylist, average: Average) -> Stylist:
    """A copy with the averaged weights, for use."""
    copy = Stylist(model.config)
    copy.load_state_dict(average.tensors)
    return copy.requires_grad_(False)
