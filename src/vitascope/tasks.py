"""What is known of a video before it is made: a `Condition`, and one small function for each task that builds one.

Every latent position has a noise level at which it is known: 1 says nothing is known, 0 that it is clean, 0.6 that it
is to be changed that much. Sampling runs a clock u from 1 to 0 and holds each position at noise level `level * u`; so a
known frame stays, an unknown one is made, and an edit starts halfway, without a branch for any task.

A prompt rules the whole clip, and spans give other prompts a share of it. A ring has no beginning and no end. Training
draws random levels from here, so that it knows every task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import reduce
from torch import Tensor

from .models.autoencoder import FRAMES, SIDE

RATE = 8.0  # frames a second that one step in time stands for
EAGER = 2.5  # an edit leaves its share of a picture to this power
VEILED = (0.5, 0.95)  # levels at which training shows what can be foreseen of a clip
UNKNOWN = 0.3  # training does not count positions that are known at a lower noise level


@dataclass(frozen=True)
class Span:
    """A prompt beside the main one, and how far it rules each latent frame."""
    prompt: str
    weight: Tensor  # (T,) in [0, 1]; what the spans leave of 1 is the main prompt's


@dataclass(frozen=True)
class Condition:
    """What `generate` starts from. All latent arrays are (C, T, H, W) or (T, H, W) in latent positions."""
    prompt: str
    shape: tuple[int, int, int]  # latent frames, rows, columns
    fps: float = RATE
    negative: str = ""  # what guidance moves away from
    known: Tensor | None = None  # (C, T, H, W) latents; anything where nothing is known
    level: Tensor | None = None  # (T, H, W) in [0, 1]; None: nothing is known
    spans: tuple[Span, ...] = ()
    ring: bool = False  # after the last latent frame comes the first; each of them is FRAMES frames

    @property
    def levels(self) -> Tensor:
        return torch.ones(self.shape) if self.level is None else self.level

    @property
    def frames(self) -> int:
        """How many frames are made."""
        return FRAMES * self.shape[0] if self.ring else 1 + FRAMES * (self.shape[0] - 1)

    @property
    def prompts(self) -> tuple[Span, ...]:
        """All prompts with their weights, which add up to 1 in every frame; the main one first."""
        others = sum((span.weight for span in self.spans), torch.zeros(self.shape[0]))
        return (Span(self.prompt, 1 - others), *self.spans)


def latent_frames(frames: int) -> int:
    """Latent frames of a video of `frames`, which is rounded up to 1 + 4k."""
    return 1 + -(-(frames - 1) // FRAMES)


def text_to_video(prompt: str, *, width: int, height: int, frames: int, fps: float = RATE,
                  negative: str = "") -> Condition:
    """Nothing is known but the text. Width and height are in pixels of the base model, multiples of 8."""
    return Condition(prompt, (latent_frames(frames), height // SIDE, width // SIDE), fps, negative)


def image_to_video(condition: Condition, image: Tensor) -> Condition:
    """The first latent frame (C, 1, H, W) is `image`, clean; the rest follows."""
    return know(condition, image, slice(0, 1))


def extend(condition: Condition, latents: Tensor, *, backward: bool = False) -> Condition:
    """The clip begins with `latents` (C, t, H, W) and goes on from them, or leads to them."""
    count, total = latents.shape[1], condition.shape[0]
    return know(condition, latents, slice(total - count, total) if backward else slice(0, count))


def infill(condition: Condition, before: Tensor, after: Tensor) -> Condition:
    """The clip begins with `before` and ends with `after`, latents (C, t, H, W); what lies between is made."""
    return extend(extend(condition, before), after, backward=True)


def loop(condition: Condition) -> Condition:
    """The end goes on into the beginning: time is a ring."""
    return replace(condition, ring=True)


Curve = Callable[[Tensor], Tensor]
"""How much of the second of two clips rules at each share in [0, 1] of the way from the first to it."""

CURVES: dict[str, Curve] = {
    "linear": lambda s: s,
    "smooth": lambda s: s * s * (3 - 2 * s),
    "sharp": lambda s: (s >= 0.5).to(s.dtype),
    "early": lambda s: s.sqrt(),
    "late": lambda s: s.square(),
}


def connect(condition: Condition, before: Tensor, after: Tensor, *, prompt: str, curve: str = "smooth") -> Condition:
    """As `infill`, while the `prompt` of what comes after takes over from the condition's own along one of CURVES."""
    if curve not in CURVES:
        raise ValueError(f"there is no curve {curve!r}; expected {', '.join(CURVES)}")
    made = condition.shape[0] - before.shape[1] - after.shape[1]
    way = CURVES[curve]((torch.arange(made) + 1) / (made + 1))
    weight = torch.cat([torch.zeros(before.shape[1]), way, torch.ones(after.shape[1])])
    return replace(infill(condition, before, after), spans=(Span(prompt, weight),))


def edit(condition: Condition, latents: Tensor, *, strength: float) -> Condition:
    """All of a clip (C, T, H, W) is known, and changed by `strength`: 0 leaves it, 1 leaves nothing of it.

    What moves where is kept by the plan, which is fitted to the clip at any strength below 1; so noise may hide more of
    the picture than the strength says. A place gives way at a level of about 0.85.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is {strength:g}; expected 0 to 1")
    return know(condition, latents, slice(0, condition.shape[0]), level=1 - (1 - strength)**EAGER)


def inpaint(condition: Condition, latents: Tensor, unknown: Tensor) -> Condition:
    """All of a clip (C, T, H, W) is known, except for the latent positions `unknown` (T, H, W), bool."""
    return replace(know(condition, latents, slice(0, condition.shape[0])), level=unknown.float())


def change_prompts(condition: Condition, cards: Sequence[tuple[int, str]]) -> Condition:
    """Each card (latent frame, prompt) rules from its frame to that of the next; before them, the main prompt."""
    starts = [*(first for first, _ in cards), condition.shape[0]]
    frame = torch.arange(condition.shape[0])
    return replace(condition, spans=tuple(Span(prompt, ((frame >= first) & (frame < end)).float())
                                          for (first, prompt), end in zip(cards, starts[1:], strict=True)))


def know(condition: Condition, latents: Tensor, frames: slice, *, level: float = 0.0) -> Condition:
    """The condition with `latents` (C, t, H, W) known at the given frames, at a noise level."""
    known = torch.zeros(latents.shape[0], *condition.shape) if condition.known is None else condition.known.clone()
    levels = condition.levels.clone()
    if known[:, frames].shape != latents.shape:
        raise ValueError(f"known latents have shape {tuple(latents.shape)}; expected {tuple(known[:, frames].shape)}")
    known[:, frames], levels[frames] = latents, level
    return replace(condition, known=known, level=levels)


def cut(condition: Condition, frames: Tensor) -> Condition:
    """The part of a condition at latent frames (n,), in that order: a clip of its own, no ring."""
    known = None if condition.known is None else condition.known[:, frames]
    return replace(condition, shape=(len(frames), *condition.shape[1:]), known=known, level=condition.levels[frames],
                   spans=tuple(replace(span, weight=span.weight[frames]) for span in condition.spans), ring=False)


def touched(mask: np.ndarray) -> Tensor:
    """Latent positions (1 + k, H/8, W/8) that a mask of pixels (1 + 4k, H, W), bool, has a part in."""
    grouped = torch.from_numpy(np.concatenate([mask[:1].repeat(FRAMES - 1, 0), mask]))
    return reduce(grouped.float(), "(t f) (h p) (w q) -> t h w", "max", f=FRAMES, p=SIDE, q=SIDE) > 0


# ------------------------------------------------------------------------------------------------------------- training

def draw_levels(shape: tuple[int, int, int], rng: np.random.Generator, *, known: bool = False,
                unforeseen: Callable[[], Tensor] | None = None) -> Tensor:
    """A random task's noise levels (T, H, W), as training sees them.

    Most often nothing is known; else the first frame, a beginning, an end, both ends, a region of all frames, every
    frame at a level of its own, or the first frame and a veiled idea of the others; of an image, an idea of what has
    been in view. Known positions carry a little noise half of the time: what is known at use is the model's own work, or
    a file's, and never perfect. `known`: a task in which something is. `unforeseen` says of which positions (T, H, W)
    the first frame tells nothing; without it they are a rectangle.
    """
    T, H, W = shape
    levels = torch.ones(shape)
    haze = float(rng.choice([0.0, rng.uniform(0, 0.2)]))
    task = rng.choice(["text", "image", "extend", "end", "between", "region", "each", "foreseen"] if T > 1
                      else ["text", "region", "foreseen"],
                      p=[0.42, 0.1, 0.1, 0.05, 0.05, 0.04, 0.06, 0.18] if T > 1 else [0.75, 0.05, 0.2])
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
            inside = _rectangle(H, W, rng)
            levels[:, ~inside if rng.random() < 0.5 else inside] = haze
        case "each":
            levels[:] = torch.from_numpy(rng.uniform(0.05, 1, T)).float()[:, None, None]
        case "foreseen":
            hidden = unforeseen() if unforeseen else _rectangle(H, W, rng).expand(shape)
            if T == 1:
                hidden = hidden | _beyond(H, W, rng)
            levels[~hidden] = float(rng.uniform(*VEILED))
            if T > 1:
                levels[0] = haze
    if levels.max() <= UNKNOWN:  # something has to be left to make
        levels = torch.ones(shape)
    return draw_levels(shape, rng, known=True, unforeseen=unforeseen) if known and levels.min() == 1 else levels


def _beyond(rows: int, columns: int, rng: np.random.Generator) -> Tensor:
    """What has come into view, (rows, columns), bool: at a side, as a camera pans or tilts, or all around, as it zooms."""
    share, new = rng.uniform(0.1, 0.8), torch.ones(rows, columns, dtype=torch.bool)
    y, x = round(share * rows), round(share * columns)
    seen = [(slice(y, None), slice(None)), (slice(rows - y), slice(None)), (slice(None), slice(x, None)),
            (slice(None), slice(columns - x)), (slice(y // 2, rows - y // 2), slice(x // 2, columns - x // 2))]
    new[seen[rng.integers(len(seen))]] = False
    return new


def _rectangle(rows: int, columns: int, rng: np.random.Generator) -> Tensor:
    """A random rectangle of positions, (rows, columns), bool."""
    top, left = rng.integers(0, rows), rng.integers(0, columns)
    inside = torch.zeros(rows, columns, dtype=torch.bool)
    inside[top:top + rng.integers(1, rows + 1), left:left + rng.integers(1, columns + 1)] = True
    return inside
