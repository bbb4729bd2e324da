"""What is known of a video before it is made: a `Condition`, one small function per task that builds it, and the random
ones that training draws.

Every latent position has a noise level at which it is known: 1 says nothing is known, 0 that it is clean, 0.6 that it
is to be changed that much. Sampling runs a clock u from 1 to 0 and holds each position at noise level `level * u`; so a
known frame stays, an unknown one is made, and an edit starts halfway, without a branch for any task.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .models.autoencoder import FRAMES, SIDE

RATE = 8.0  # frames a second that one step in time stands for
UNKNOWN = 0.3  # training does not count positions that are known at a lower noise level


@dataclass(frozen=True)
class Condition:
    """What `generate` starts from. All latent arrays are (C, T, H, W) or (T, H, W) in latent positions."""
    prompt: str
    shape: tuple[int, int, int]  # latent frames, rows, columns
    fps: float = RATE
    negative: str = ""  # what guidance moves away from
    known: Tensor | None = None  # (C, T, H, W) latents; anything where nothing is known
    level: Tensor | None = None  # (T, H, W) in [0, 1]; None: nothing is known

    @property
    def levels(self) -> Tensor:
        return torch.ones(self.shape) if self.level is None else self.level


def latent_frames(frames: int) -> int:
    """Latent frames of a video of `frames`, which is rounded up to 1 + 4k."""
    return 1 + -(-(frames - 1) // FRAMES)


def text_to_video(prompt: str, *, width: int, height: int, frames: int, fps: float = RATE, negative: str = "") -> Condition:
    """Nothing is known but the text. Width and height are in pixels of the base model, multiples of 8."""
    return Condition(prompt, (latent_frames(frames), height // SIDE, width // SIDE), fps, negative)


def image_to_video(condition: Condition, image: Tensor) -> Condition:
    """The first latent frame (C, 1, H, W) is `image`, clean; the rest follows."""
    return know(condition, image, slice(0, 1))


def know(condition: Condition, latents: Tensor, frames: slice, *, level: float = 0.0) -> Condition:
    """The condition with `latents` (C, t, H, W) known at the given frames, at a noise level."""
    known = torch.zeros(latents.shape[0], *condition.shape) if condition.known is None else condition.known.clone()
    levels = condition.levels.clone()
    if known[:, frames].shape != latents.shape:
        raise ValueError(f"known latents have shape {tuple(latents.shape)}; expected {tuple(known[:, frames].shape)}")
    known[:, frames], levels[frames] = latents, level
    return replace(condition, known=known, level=levels)


# ------------------------------------------------------------------------------------------------------------------- training

def draw_levels(shape: tuple[int, int, int], rng: np.random.Generator) -> Tensor:
    """A random task's noise levels (T, H, W), as training sees them.

    Most often nothing is known; else the first frame, a beginning, an end, both ends, a region of all frames, or every
    frame at a level of its own. Known positions carry a little noise half of the time: what is known at use is the
    model's own work, or a file's, and never perfect.
    """
    T, H, W = shape
    levels = torch.ones(shape)
    haze = float(rng.choice([0.0, rng.uniform(0, 0.2)]))
    task = rng.choice(["text", "image", "extend", "end", "between", "region", "each"] if T > 1 else ["text", "text", "region"],
                      p=[0.55, 0.13, 0.12, 0.05, 0.05, 0.04, 0.06] if T > 1 else [0.5, 0.45, 0.05])
    match task:
        case "image":
            levels[0] = haze
        case "extend":
            levels[:rng.integers(1, T)] = haze
        case "end":
            levels[-rng.integers(1, T):] = haze
        case "between":
            levels[0], levels[-1] = haze, haze
        case "region":
            top, left = rng.integers(0, H), rng.integers(0, W)
            inside = torch.zeros(H, W, dtype=torch.bool)
            inside[top:top + rng.integers(1, H + 1), left:left + rng.integers(1, W + 1)] = True
            levels[:, ~inside if rng.random() < 0.5 else inside] = haze
        case "each":
            levels[:] = torch.from_numpy(rng.uniform(0.05, 1, T)).float()[:, None, None]
    return levels if levels.max() > UNKNOWN else torch.ones(shape)  # something has to be left to make
