"""Train what turns latents into the final picture, the autoencoder's decoder and the upsampler, on pairs that the world
renders: a clip, and the same clip at half the size.

Most inputs go through the autoencoder first, with noise on their latents: what the upsampler will be given is decoded from
generated latents. The encoder stays as it is, so whatever learnt from its latents stays right; the decoder learns on, for
the large picture as well as for its own. Takes the same cache of clips as the autoencoder's training.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..evaluate.reconstruction import psnr
from ..models.autoencoder import Autoencoder
from ..models.upsampler import SCALE, UPSAMPLERS, Upsampler, UpsamplerConfig
from .autoencoder import halve, reconstruct, sheet
from ..precision import fast_precision
from ..video import to_unit
from .state import (
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
    batch: int = 6  # crops per step
    frames: int = 5  # per crop, 1 + 4k
    side: int = 32  # pixels, of a crop of the small clip, a multiple of 8
    learning_rate: float = 1e-3  # AdamW, highest
    warmup: int = 100  # steps
    average_decay: float = 0.998
    plain: float = 0.3  # share of inputs that did not go through the autoencoder
    noise: float = 0.2  # highest standard deviation of the noise on latents; each crop draws its own
    own: float = 0.5  # weight of the decoder's own small picture
    squares: float = 2.0  # weight of the squared error beside the absolute one
    edges: float = 1.0  # weight of the absolute error of the spatial gradient
    validate_every: int = 250  # steps
    seed: int = 0


class Decoders(nn.Module):
    """Autoencoder and upsampler as one module; only what comes after the latents learns."""

    def __init__(self, autoencoder: Autoencoder, upsampler: Upsampler) -> None:
        super().__init__()
        self.autoencoder, self.upsampler = autoencoder, upsampler
        self.requires_grad_(True)
        for part in (autoencoder.encode_linear, autoencoder.encoder):
            part.requires_grad_(False)


def train(config: UpsamplerTraining, directory: Path, clips: np.ndarray, validation: np.ndarray,
          autoencoder: Autoencoder) -> Decoders:
    """Train, or go on with, the run in `directory`; returns both models with their averaged weights.

    `clips` and `validation` are uint8 (N, T, S, S, 3) with S at least twice `config.side`.
    """
    check_config(directory, config, free=("steps",))
    torch.manual_seed(config.seed)
    model = Decoders(autoencoder, Upsampler(config.model))
    average = Average(model, decay=config.average_decay)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    first, _ = load_checkpoint(directory, model=model, average=average, optimizer=optimizer)
    log = Log(directory, first_step=first, steps=config.steps)
    large = to_unit(validation)

    def report(step: int, values: dict[str, float]) -> None:
        averaged = averaged_model(model, average)
        save_checkpoint(directory, step, model=model, average=average, optimizer=optimizer)
        save_weights(directory / "autoencoder", averaged.autoencoder.state_dict(), autoencoder.config)
        save_weights(directory / "upsampler", averaged.upsampler.state_dict(), config.model)
        small = reconstruct(averaged.autoencoder, halve(large))
        enlarged, plain = enlarge(averaged.upsampler, small), enlarge(averaged.upsampler, halve(large))
        scores = {"psnr/small": psnr(halve(large), small), "psnr/large": psnr(large, enlarged),
                  "psnr/bicubic": psnr(large, bicubic(small)), "psnr/plain": psnr(large, plain),
                  "psnr/plain bicubic": psnr(large, bicubic(halve(large)))}
        log.write(step, {**values, **{name: score.mean().item() for name, score in scores.items()}})
        save_sheet(directory / "samples" / f"{step:08d}.png", sheet(large, enlarged))

    for step in range(first, config.steps):
        loss = train_step(model, optimizer, clips, config, step)
        average.update(model, step + 1)
        if (step + 1) % config.validate_every == 0 or step + 1 == config.steps:
            report(step + 1, {"loss": loss})
        elif (step + 1) % 50 == 0:
            log.write(step + 1, {"loss": loss})
    log.close()
    return averaged_model(model, average)


def train_step(model: Decoders, optimizer: torch.optim.Optimizer, clips: np.ndarray, config: UpsamplerTraining,
               step: int) -> float:
    """One step on crops of decoded and of plain small clips; the loss."""
    rng = step_generator(config.seed, step)
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * min((step + 1) / config.warmup, 1.0, 3 * (1 - step / config.steps))
    small, large = draw_pairs(clips, config, rng)
    plain = torch.from_numpy(rng.random(config.batch) < config.plain)
    with fast_precision():
        decoded = decode_noisy(model.autoencoder, small, config, torch_generator(rng)).float()
        inputs = torch.where(plain.view(-1, 1, 1, 1, 1), small, decoded.clamp(-1, 1))
        outputs = model.upsampler(inputs).float()
    loss = pair_loss(outputs, large, config) + config.own * pair_loss(decoded, small, config)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def draw_pairs(clips: np.ndarray, config: UpsamplerTraining, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Small crops (B, 3, T, side, side) from whole small clips, and the same crops at twice the size."""
    chosen = to_unit(clips[np.sort(rng.integers(len(clips), size=config.batch))])
    if rng.random() < 0.5:
        chosen = chosen.flip(-1)
    first = rng.integers(chosen.shape[2] - config.frames + 1)
    top, left = 2 * rng.integers(chosen.shape[-1] // 2 - config.side + 1, size=2)
    side = SCALE * config.side
    crop = chosen[:, :, first:first + config.frames, top:top + side, left:left + side]
    return halve(crop), crop


def decode_noisy(autoencoder: Autoencoder, videos: Tensor, config: UpsamplerTraining, generator: torch.Generator) -> Tensor:
    """Videos through the autoencoder, with noise on the latents whose strength each draws for itself."""
    with torch.no_grad():
        latents = autoencoder.encode(videos).float()
    strength = config.noise * torch.rand(len(latents), 1, 1, 1, 1, generator=generator)
    return autoencoder.decode(latents + strength * torch.randn(latents.shape, generator=generator))


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


def averaged_model(model: Decoders, average: Average) -> Decoders:
    """A copy with the averaged weights, for use."""
    copy = Decoders(Autoencoder(model.autoencoder.config), Upsampler(model.upsampler.config))
    copy.load_state_dict(average.tensors)
    return copy.requires_grad_(False)
