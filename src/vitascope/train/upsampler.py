"""Train the upsampler on pairs that the world renders: a clip, and the same clip at half the size.

Most inputs go through the autoencoder first, with noise on their latents: what the upsampler will be given is decoded from
generated latents, and its blur and seams are the same. Takes the same cache of clips as the autoencoder's training.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vitascope.evaluate.reconstruction import psnr
from vitascope.models.autoencoder import Autoencoder
from vitascope.models.upsampler import SCALE, UPSAMPLERS, Upsampler, UpsamplerConfig
from vitascope.train.autoencoder import halve, sheet, to_videos
from vitascope.precision import fast_precision
from vitascope.train.state import (
    Average,
    Log,
    check_config,
    load_checkpoint,
    save_checkpoint,
    save_sheet,
    save_weights,
    step_generator,
    torch_generator,
)


@dataclass(frozen=True)
class UpsamplerTraining:
    """One training run; with the clips, the autoencoder and the seed it determines the result."""

    model: UpsamplerConfig = field(default_factory=lambda: UPSAMPLERS["bundled"])
    steps: int = 4000
    batch: int = 4  # clips per step
    frames: int = 3  # per crop
    side: int = 48  # pixels, of a crop of the small clip
    learning_rate: float = 1e-3  # AdamW, highest
    warmup: int = 100  # steps
    average_decay: float = 0.998
    plain: float = 0.3  # share of inputs that did not go through the autoencoder
    noise: float = 0.25  # highest standard deviation of the noise on latents; each clip draws its own
    squares: float = 2.0  # weight of the squared error beside the absolute one
    edges: float = 1.0  # weight of the absolute error of the spatial gradient
    validate_every: int = 250  # steps
    seed: int = 0


def train(config: UpsamplerTraining, directory: Path, clips: np.ndarray, validation: np.ndarray,
          autoencoder: Autoencoder) -> Upsampler:
    """Train, or go on with, the run in `directory`; returns the upsampler with its averaged weights.

    `clips` and `validation` are uint8 (N, T, S, S, 3) with S at least twice `config.side`.
    """
    check_config(directory, config)
    torch.manual_seed(config.seed)
    autoencoder = autoencoder.eval().requires_grad_(False)
    upsampler = Upsampler(config.model)
    average = Average(upsampler, decay=config.average_decay)
    optimizer = torch.optim.AdamW(upsampler.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    first, _ = load_checkpoint(directory, model=upsampler, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)
    large = to_videos(validation)
    small = autoencode(autoencoder, halve(large), torch.zeros(len(large)), torch.Generator())
    for step in range(first, config.steps):
        rng = step_generator(config.seed, step)
        inputs, targets = draw_pairs(clips, autoencoder, config, rng)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min((step + 1) / config.warmup, 1.0, 3 * (1 - step / config.steps))
        with fast_precision():
            outputs = upsampler(inputs).float()
        loss = pair_loss(outputs, targets, config)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(upsampler.parameters(), 1.0)
        optimizer.step()
        average.update(upsampler, step + 1)
        if (step + 1) % config.validate_every == 0 or step + 1 == config.steps:
            save_checkpoint(directory, step + 1, model=upsampler, average=average, optimizer=optimizer)
            save_weights(directory, average.tensors, config.model)
            enlarged = enlarge(with_weights(config.model, average), small)
            log.write(step + 1, {"loss": loss.item(), "psnr": psnr(large, enlarged).mean().item(),
                                 "psnr/bicubic": psnr(large, bicubic(small)).mean().item()})
            save_sheet(directory / "samples" / f"{step + 1:08d}.png", sheet(large, enlarged))
        elif (step + 1) % 50 == 0:
            log.write(step + 1, {"loss": loss.item()})
    log.close()
    return with_weights(config.model, average)


def draw_pairs(clips: np.ndarray, autoencoder: Autoencoder, config: UpsamplerTraining,
               rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Small crops (B, 3, T, side, side) as the upsampler will see them, and what they are crops of, twice as large."""
    chosen = to_videos(clips[np.sort(rng.integers(len(clips), size=config.batch))])
    if rng.random() < 0.5:
        chosen = chosen.flip(-1)
    small = halve(chosen)
    plain = torch.from_numpy(rng.random(config.batch) < config.plain)
    strength = torch.from_numpy(config.noise * rng.random(config.batch)).float()
    decoded = autoencode(autoencoder, small, strength, torch_generator(rng))
    small = torch.where(plain.view(-1, 1, 1, 1, 1), small, decoded)
    first = rng.integers(small.shape[2] - config.frames + 1)
    top, left = rng.integers(small.shape[-1] - config.side + 1, size=2)
    return _crop(small, first, top, left, config), _crop(chosen, first, top, left, config, scale=SCALE)


def _crop(videos: Tensor, first: int, top: int, left: int, config: UpsamplerTraining, *, scale: int = 1) -> Tensor:
    top, left, side = scale * top, scale * left, scale * config.side
    return videos[:, :, first:first + config.frames, top:top + side, left:left + side]


@torch.no_grad()
def autoencode(autoencoder: Autoencoder, videos: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Videos through the autoencoder, with noise of a `strength` (B,) of their own on the latents."""
    parts = []
    for video, amount in zip(videos.split(1), strength):
        with fast_precision():
            latents = autoencoder.encode(video)
            latents = latents + amount * torch.randn(latents.shape, generator=generator)
            parts.append(autoencoder.decode(latents).float().clamp(-1, 1))
    return torch.cat(parts)


def pair_loss(output: Tensor, target: Tensor, config: UpsamplerTraining) -> Tensor:
    """Absolute + squared error + absolute error of the gradient over height and width."""
    error = output - target
    edges = error.diff(dim=3).abs().mean() + error.diff(dim=4).abs().mean()
    return error.abs().mean() + config.squares * error.square().mean() + config.edges * edges


@torch.no_grad()
def enlarge(upsampler: Upsampler, videos: Tensor) -> Tensor:
    with fast_precision():
        return torch.cat([upsampler(video).float().clamp(-1, 1) for video in videos.split(1)])


def bicubic(videos: Tensor) -> Tensor:
    """What is to be beaten."""
    return torch.stack([F.interpolate(frames.transpose(0, 1), scale_factor=SCALE, mode="bicubic").transpose(0, 1)
                        for frames in videos]).clamp(-1, 1)


def with_weights(config: UpsamplerConfig, average: Average) -> Upsampler:
    """An upsampler with the averaged weights, for use."""
    upsampler = Upsampler(config)
    upsampler.load_state_dict(average.tensors)
    return upsampler.requires_grad_(False)
