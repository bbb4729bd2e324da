"""Train the autoencoder on cached clips: PCA first, then the networks that start at zero beside it.

In goes an array of clips, uint8 (N, T, S, S, 3), usually a memory map rendered once by `cache_clips`; out comes a run
folder (see state.py) and in it, whenever it validates, `weights.safetensors` and `config.json` of the averaged weights.
Half of each batch is cropped from the clips, half from the clips at half the size, so that one set of weights serves
both scales. Knows nothing of the diffusion model that will use the latents.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..evaluate.reconstruction import principal_components, psnr
from ..models.autoencoder import AUTOENCODERS, Autoencoder, AutoencoderConfig
from ..models.upsampler import halve
from ..precision import fast_precision
from ..video import from_unit, to_unit
from .state import (
    Average,
    Log,
    check_config,
    load_checkpoint,
    save_checkpoint,
    save_sheet,
    save_weights,
    step_generator,
    take_steps,
    torch_generator,
)

PCA_CROPS = 320  # crops that the principal components are fitted to
STATISTICS_MEMORY = 0.99  # of the running mean and deviation of the latents
SHEET_ROWS, SHEET_FRAMES = 6, 6


@dataclass(frozen=True)
class AutoencoderTraining:
    """One training run; with the clips and the seed it determines the result."""

    model: AutoencoderConfig = field(default_factory=lambda: AUTOENCODERS["bundled"])
    steps: int = 6000
    batch: int = 8  # crops per step
    side: int = 64  # pixels, of a crop
    frames: int = 9  # per crop, 1 + 4k
    places: int = 1  # in a clip, tried for each crop; the one where most moves is kept
    learning_rate: float = 3e-3  # AdamW, highest
    warmup: int = 50  # steps
    average_decay: float = 0.998
    noise: float = 0.05  # highest standard deviation of the noise on latents; each crop draws its own
    squares: float = 4.0  # weight of the squared error beside the absolute one
    edges: float = 0.5  # weight of the absolute error of the spatial gradient
    first_frame: float = 2.0  # weight of frame 0: one in nine frames, but all of an image
    bound: float = 1e-4  # pull on the latents' size, against growing away from the noise
    decoder_only: bool = False  # leave the latents as they are: whatever learnt from them stays right
    validate_every: int = 400  # steps
    seed: int = 0


def train(
    config: AutoencoderTraining,
    directory: Path,
    clips: np.ndarray,
    validation: np.ndarray,
    *,
    start: Autoencoder | None = None,
) -> Autoencoder:
    """Train, or go on with, the run in `directory`; returns the autoencoder with its averaged weights.

    `clips` and `validation` are uint8 (N, T, S, S, 3) with S twice `config.side` or more. A new run starts from the
    weights of `start`, without it from principal components.
    """
    check_config(directory, config)
    torch.manual_seed(config.seed)
    autoencoder = Autoencoder(config.model)
    scales = [clips, halve_clips(clips)]
    if start is None:
        start_linear(autoencoder, config, scales)
    else:
        autoencoder.load_state_dict(start.state_dict())
    autoencoder.encoder.requires_grad_(not config.decoder_only)
    learned = [parameter for parameter in autoencoder.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average = Average(autoencoder, decay=config.average_decay)
    first, _ = load_checkpoint(directory, model=autoencoder, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)
    validation_sets = {"whole": to_unit(validation), "half": halve(to_unit(validation))}

    def report(step: int, values: dict[str, float]) -> None:
        averaged = with_weights(config.model, average)
        save_checkpoint(directory, step, model=autoencoder, average=average, optimizer=optimizer)
        save_weights(directory, average.tensors, config.model)
        decoded = {name: reconstruct(averaged, videos) for name, videos in validation_sets.items()}
        scores = {f"psnr/{name}": psnr(videos, decoded[name]).mean().item() for name, videos in validation_sets.items()}
        log.write(step, {**values, **scores})
        for name, videos in validation_sets.items():
            save_sheet(directory / "samples" / f"{step:08d}-{name}.png", sheet(videos, decoded[name]))

    def take_step(step: int) -> float:
        generator = step_generator(config.seed, step)
        videos = draw_batch(scales, config, generator)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, config)
        loss = train_step(autoencoder, optimizer, videos, config, torch_generator(generator), step)
        average.update(autoencoder, step + 1)
        return loss

    if first == 0:
        report(0, {})
    take_steps(range(first, config.steps), take_step, report, log, every=config.validate_every)
    return with_weights(config.model, average)


def train_step(
    autoencoder: Autoencoder,
    optimizer: torch.optim.Optimizer,
    videos: Tensor,
    config: AutoencoderTraining,
    generator: torch.Generator,
    step: int,
) -> float:
    """One step of the optimiser on videos (B, 3, T, H, W); the loss."""
    with fast_precision(), torch.set_grad_enabled(not config.decoder_only):
        raw = autoencoder.encode_raw(videos)
    raw = raw.float()
    if not config.decoder_only:
        update_statistics(autoencoder, raw.detach(), memory=STATISTICS_MEMORY if step else 0.0)
    latents = autoencoder.normalise(raw)
    strength = config.noise * torch.rand(len(latents), 1, 1, 1, 1, generator=generator)
    noisy = latents + strength * torch.randn(latents.shape, generator=generator)
    with fast_precision():
        decoded = autoencoder.decode(noisy)
    loss = reconstruction_loss(decoded.float(), videos, config) + config.bound * latents.square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def reconstruction_loss(decoded: Tensor, original: Tensor, config: AutoencoderTraining) -> Tensor:
    """Absolute + squared error + absolute error of the gradient over height and width, frame 0 weighted."""
    weights = torch.ones(original.shape[2])
    weights[0] = config.first_frame
    error = (decoded - original) * weights.view(1, 1, -1, 1, 1)
    return error.abs().mean() + config.squares * error.square().mean() + config.edges * gradient_error(error)


def gradient_error(error: Tensor) -> Tensor:
    """Mean absolute gradient over height and width of what a picture is off, (..., H, W)."""
    return error.diff(dim=-2).abs().mean() + error.diff(dim=-1).abs().mean()


@torch.no_grad()
def update_statistics(autoencoder: Autoencoder, raw: Tensor, *, memory: float) -> None:
    """Move the running mean and deviation of the raw latents (B, C, K, h, w) towards those of this batch."""
    autoencoder.mean.lerp_(raw.mean(dim=(0, 2, 3, 4)), 1 - memory)
    autoencoder.deviation.lerp_(raw.std(dim=(0, 2, 3, 4)), 1 - memory)


@torch.no_grad()
def fix_statistics(autoencoder: Autoencoder, clips: np.ndarray, *, part: int = 8) -> None:
    """Set the mean and deviation of the latents to what they are over whole clips uint8 (N, T, S, S, 3)."""
    raw = []
    for first in range(0, len(clips), part):
        with fast_precision():
            raw.append(autoencoder.encode_raw(to_unit(clips[first : first + part])).float())
    latents = torch.cat(raw)
    autoencoder.mean.copy_(latents.mean(dim=(0, 2, 3, 4)))
    autoencoder.deviation.copy_(latents.std(dim=(0, 2, 3, 4)))


def schedule(step: int, config: AutoencoderTraining) -> float:
    """Share of the highest learning rate: linear warm-up, then a cosine to one hundredth."""
    warm = min(1.0, (step + 1) / config.warmup)
    return warm * max(0.01, 0.5 + 0.5 * math.cos(math.pi * step / config.steps))


def start_linear(autoencoder: Autoencoder, config: AutoencoderTraining, scales: list[np.ndarray]) -> None:
    """Set the autoencoder's linear maps to the principal components of random crops."""
    generator = np.random.default_rng((config.seed, 2**31))
    crops = [draw_batch(scales, config, generator) for _ in range(math.ceil(PCA_CROPS / config.batch))]
    count = max(config.model.channels, config.model.encoder_width)
    autoencoder.start_from(*principal_components(torch.cat(crops), count))


# Clips


def draw_batch(scales: list[np.ndarray], config: AutoencoderTraining, generator: np.random.Generator) -> Tensor:
    """Random videos (B, 3, T, side, side), in turn from each scale of the clips, half of them mirrored."""
    crops = [draw_crop(scales[index % len(scales)], config, generator) for index in range(config.batch)]
    return to_unit(np.stack(crops))


def draw_crop(clips: np.ndarray, config: AutoencoderTraining, generator: np.random.Generator) -> np.ndarray:
    """One random crop uint8 (T, side, side, 3): of a few places in one clip the one where most changes.

    What moves is what is hard; most of most clips stands still.
    """
    count, length, size = clips.shape[:3]
    clip, start = generator.integers(count), generator.integers(length - config.frames + 1)
    places = generator.integers(size - config.side + 1, size=(config.places, 2))
    frames = clips[clip, start : start + config.frames]
    crops = [frames[:, top : top + config.side, left : left + config.side] for top, left in places]
    crop = max(crops, key=change) if len(crops) > 1 and config.frames > 1 else crops[0]
    return crop[:, :, ::-1] if generator.random() < 0.5 else crop


def change(crop: np.ndarray) -> float:
    """Mean difference of every fourth frame and pixel from the one before, in 8-bit levels."""
    return float(np.abs(np.diff(crop[::4, ::4, ::4].astype(np.int16), axis=0)).mean())


def halve_clips(clips: np.ndarray, *, part: int = 64) -> np.ndarray:
    """uint8 (N, T, S, S, 3) → (N, T, S/2, S/2, 3), each pixel the mean of four, a few clips at a time."""
    parts = [from_unit(halve(to_unit(clips[first : first + part]))) for first in range(0, len(clips), part)]
    return np.concatenate(parts)


def cache_clips(path: Path, count: int, render_clip: Callable[[int], np.ndarray], *, first_seed: int = 0) -> np.ndarray:
    """Memory map of clips uint8 (count, T, H, W, 3) from consecutive seeds, rendered once; appears whole, by rename."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (count, *render_clip(first_seed).shape)
        partial = path.with_name(f".{path.name}.partial")
        clips = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        for index in range(count):
            clips[index] = render_clip(first_seed + index)
        clips.flush()
        os.replace(partial, path)
    clips = np.load(path, mmap_mode="r")
    if len(clips) != count:
        raise ValueError(f"{path} holds {len(clips)} clips, expected {count}; delete it to render it again")
    return clips


# Validation


def with_weights(config: AutoencoderConfig, average: Average) -> Autoencoder:
    """An autoencoder with the averaged weights, for use."""
    autoencoder = Autoencoder(config)
    autoencoder.load_state_dict(average.tensors)
    return autoencoder.requires_grad_(False)


@torch.no_grad()
def reconstruct(autoencoder: Autoencoder, videos: Tensor, *, batch: int = 8) -> Tensor:
    """Encode and decode (N, 3, T, H, W)."""
    with fast_precision():
        decoded = [autoencoder.decode(autoencoder.encode(part)) for part in videos.split(batch)]
    return torch.cat(decoded).float().clamp(-1, 1)


def sheet(originals: Tensor, decoded: Tensor) -> np.ndarray:
    """Rows of originals, each followed by its reconstruction: uint8 (rows, frames, H, W, 3)."""
    frames = torch.linspace(0, originals.shape[2] - 1, SHEET_FRAMES).round().long()
    pair = torch.stack([originals[:SHEET_ROWS, :, frames], decoded[:SHEET_ROWS, :, frames]], dim=1)
    return from_unit(rearrange(pair, "n pair c t h w -> (n pair) c t h w"))
