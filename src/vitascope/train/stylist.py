"""Train what puts a style, rain and snow on a finished video, on pictures that the world renders with and without them.

Most inputs have gone through the autoencoder, with noise on their latents, and through the upsampler: a stylist is to
draw outlines on what is soft, too. Some have their style already, as a clip has that is continued. What is random
(grain, the phase of hatching, where flakes are) is shown beside the picture.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.shards import FIRST_SEED
from ..data.truth import layout_of
from ..evaluate.reconstruction import psnr
from ..falling import FALLING
from ..grain import surfaces
from ..models.autoencoder import Autoencoder
from ..models.stylist import STYLISTS, Stylist, StylistConfig, look_at
from ..models.upsampler import Told, Upsampler, halve
from ..precision import fast_precision
from ..video import to_unit
from ..world.physics import simulate
from ..world.render import finish, moments_of, render_frame
from ..world.scene import VOCABULARIES, sample_scene
from ..world.styles import STYLES
from .autoencoder import gradient_error, sheet
from .state import Average, Log, check_config, load_checkpoint, save_checkpoint, save_sheet, save_weights, \
    step_generator, take_steps, torch_generator

VALIDATION = 24  # pictures
SIDE = 128  # pixels


@dataclass(frozen=True)
class StylistTraining:
    """One training run; with the models before it and the seed it determines the result."""
    model: StylistConfig = field(default_factory=lambda: STYLISTS["bundled"])
    vocabulary: str = "bundled"
    pictures: int = 480  # drawn once, in every style
    steps: int = 1200  # of every style
    batch: int = 8  # parts of pictures in a step
    side: int = 64  # pixels of a part
    learning_rate: float = 3e-3  # Adam, highest
    warmup: int = 20  # steps
    average_decay: float = 0.99
    plain: float = 0.2  # share of pictures that are seen as they were rendered
    finished: float = 0.2  # share of pictures that are in their style already
    noise: float = 0.3  # highest standard deviation of the noise on the latents of the others
    edges: float = 0.5  # weight of the absolute error of the spatial gradient
    validate_every: int = 300  # steps
    seed: int = 0


@dataclass(frozen=True)
class Pictures:
    """N pictures as they are painted, and as they are to look, for each of K networks: (K, N, 3, S, S)."""
    painted: Tensor
    styled: Tensor
    ground: Tensor  # (N, SURFACES, S, S) what they are drawn on, whatever the network


def train(config: StylistTraining, directory: Path, autoencoder: Autoencoder, upsampler: Upsampler) -> Stylist:
    """Train, or go on with, the run in `directory`; returns the stylist with its averaged weights."""
    check_config(directory, config, free=("steps",))
    torch.manual_seed(config.seed)
    model = Stylist(config.model)
    average = Average(model, decay=config.average_decay)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)
    pictures, held_out = (
        draw_pictures(range(FIRST_SEED[split], FIRST_SEED[split] + count), config, autoencoder, upsampler)
        for split, count in (("train", config.pictures), ("held-out", VALIDATION)))

    def report(step: int, values: dict[str, float]) -> None:
        averaged = averaged_model(model, average)
        save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
        save_weights(directory, averaged.state_dict(), config.model)
        names = [*list(STYLES)[1:], *FALLING]
        made = torch.stack([restyle(averaged, painted, held_out.ground, network)
                            for network, painted in enumerate(held_out.painted)])
        scores = {f"psnr/{name}": psnr(right[:, :, None], own[:, :, None]).mean().item()
                  for name, right, own in zip(names, held_out.styled, made, strict=True)}
        log.write(step, {**values, **scores})
        rows = (x.transpose(1, 2) for x in (held_out.styled, made))  # the pictures of a network as the frames of a clip
        save_sheet(directory / "samples" / f"{step:08d}.png", sheet(*rows))

    def take_step(step: int) -> float:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min((step + 1) / config.warmup, 1.0, 2 * (1 - step / config.steps))
        loss = train_step(model, optimizer, pictures, config, step)
        average.update(model, step + 1)
        return loss

    take_steps(range(first, config.steps), take_step, report, log, every=config.validate_every)
    return averaged_model(model, average)


def train_step(model: Stylist, optimizer: torch.optim.Optimizer, pictures: Pictures, config: StylistTraining,
               step: int) -> float:
    """One step of every network on parts of some pictures; the loss."""
    rng, total = step_generator(config.seed, step), 0.0
    chosen = torch.from_numpy(rng.integers(pictures.painted.shape[1], size=config.batch))
    widest = max(config.model.squares)  # parts begin where squares do
    top, left = (widest * int(rng.integers((SIDE - config.side) // widest + 1)) for _ in range(2))
    rows, columns = slice(top, top + config.side), slice(left, left + config.side)
    for network, (painted, styled) in enumerate(zip(pictures.painted, pictures.styled)):
        seen = look_at(painted[chosen], pictures.ground[chosen])[..., rows, columns]
        with fast_precision():
            error = model.apply_style(seen, network, SIDE).float() - styled[chosen][..., rows, columns]
        loss = error.abs().mean() + config.edges * gradient_error(error)
        loss.backward()
        total += loss.item()
    optimizer.step()
    optimizer.zero_grad()
    return total


@torch.no_grad()
def draw_pictures(seeds: range, config: StylistTraining, autoencoder: Autoencoder, upsampler: Upsampler) -> Pictures:
    """A frame of each scene, as it is painted and in every style, and as each weather makes it without and with what
    falls.
    """
    painted, styled, ground = [], [], []
    styles = list(STYLES)[1:]
    for seed in seeds:
        rng = np.random.default_rng([seed, 8])
        scene = replace(sample_scene(seed, VOCABULARIES[config.vocabulary], width=SIDE, height=SIDE), style="3d")
        motion, now = simulate(scene), int(rng.integers(scene.frames))
        scenes = [scene] * len(styles) + [replace(scene, shots=tuple(replace(shot, weather=weather)
                                                                     for shot in scene.shots)) for weather in FALLING]
        dry, wet = (to_unit(np.stack([render_frame(replace(each, falls=falls), motion, now) for each in scenes]))
                    for falls in (False, True))                                                # (K, 3, 1, S, S) each
        targets = wet.clone()
        plain = render_frame(scene, motion, now)
        targets[:len(styles)] = to_unit(np.stack([finish(plain, replace(scene, style=style), now) for style in styles]))
        fallen = wet - dry
        fallen[len(styles):] = 0  # is for their networks to add
        if rng.random() < config.finished:
            dry[:len(styles)], fallen[:] = targets[:len(styles)], 0
        if rng.random() >= config.plain:
            latents = autoencoder.encode(halve(dry)).float()
            noise = config.noise * rng.random() * torch.randn(latents.shape[1:], generator=torch_generator(rng))
            told = [Told.last(layout_of(each, motion, now, 1), 1) for each in scenes]
            dry = upsampler(autoencoder.decode(latents + noise).clamp(-1, 1), told)
        before = (dry + fallen).clamp(-1, 1)
        painted.append(before[:, :, 0].float())
        styled.append(targets[:, :, 0])
        moment = moments_of(scene, motion, range(now, now + 1))
        ground.append(torch.from_numpy(surfaces(scene.seed, SIDE, SIDE, moment)[0]))
    return Pictures(torch.stack(painted, 1), torch.stack(styled, 1), torch.stack(ground))


@torch.no_grad()
def restyle(model: Stylist, pictures: Tensor, ground: Tensor, network: int) -> Tensor:
    """Pictures (N, 3, S, S) on their surfaces as one network puts them."""
    with fast_precision():
        return model.apply_style(look_at(pictures, ground), network, SIDE).float().clamp(-1, 1)


def averaged_model(model: Stylist, average: Average) -> Stylist:
    """A copy with the averaged weights, for use."""
    copy = Stylist(model.config)
    copy.load_state_dict(average.tensors)
    return copy.requires_grad_(False)
