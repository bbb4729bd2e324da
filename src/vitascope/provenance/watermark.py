"""An invisible mark of 64 bits in the pixels that survives what files go through: coding, scaling, cutting, mirroring.

A keyed spread-spectrum mark: a picture that is added with a strength that swings over time (`swing`). The picture is a
sum of Fourier components in brightness and both colours (in small frames nearly all in brightness, which encoders
keep), with signs that follow from a secret key (`patterns`); the payload goes through a convolutional code (`code`).
The embedder knows the clip: it makes the change that is seen least and gives every bit its margin. It makes one for
every half swing (`chunks`), about two seconds, so that a clip of any length is marked while it is made; their sum is
what `reading` finds.

Goes in: frames and a payload; comes out: frames of the same shape. Knows nothing of files and records.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from einops import rearrange

from .code import BITS, encode
from .components import (
    GRID,
    TO_YCC,
    blur,
    colour_of,
    level,
    resize,
    shrink,
    spectrum,
    tame,
    values_of,
    waves,
    whiten,
    without_coarse,
)
from .patterns import BAND, GROUPS, band, patterns
from .swing import chunks, swing

WORST_PSNR, PLANNED_PSNR = 42.0, 42.15  # dB, over all three colours
LIMIT = 1.6  # see _least_change
BUSY, WIDEST = 2.0, 4.0  # contrast in grey levels that hides as much again as flat ground does; limit, see `room`
TO_RGB = np.linalg.inv(TO_YCC).astype(np.float32)


def embed(frames: np.ndarray, payload: int, key: bytes, *, fps: float = 8.0, psnr: float = PLANNED_PSNR) -> np.ndarray:
    """Marked frames, uint8 (T, H, W, 3), that differ from `frames` by about `psnr` decibels and never below WORST_PSNR.

    The same arguments give the same frames. ValueError for a payload that is not of 64 bits.
    """
    weights = swing(len(frames), fps)
    return np.concatenate([mark(frames[first:last], weights[first:last], payload, key, psnr=psnr)
                           for first, last in chunks(len(frames), fps)])


def mark(frames: np.ndarray, weights: np.ndarray, payload: int, key: bytes, *,
         psnr: float = PLANNED_PSNR) -> np.ndarray:
    """As `embed`, of one of a clip's `chunks`; `weights` (t,) are its part of the clip's `swing`."""
    if not 0 <= payload < 1 << BITS:
        raise ValueError(f"payload {payload} is not a whole number of {BITS} bits")
    cells, size = np.stack([shrink(frame) for frame in frames]), frames.shape[1:3]
    change = solve(*tame(cells, weights), room(frames), payload, key, psnr=psnr, colour=colour_of(*size))
    change = _enlarge(change, *size)
    change /= np.float32(np.sqrt((weights**2).mean()))
    while True:
        pairs = zip(frames, np.float32(weights), strict=True)
        marked = np.stack([_add(frame, weight * change) for frame, weight in pairs])
        reached = _psnr(frames, marked)
        if reached >= WORST_PSNR:
            return marked
        change *= np.float32(10**((reached - WORST_PSNR) / 20 - 0.01))  # rounding cost more than was planned


def _psnr(frames: np.ndarray, marked: np.ndarray) -> float:
    """Decibels over all frames and colours."""
    pairs = zip(frames, marked, strict=True)
    squares = sum(float(np.square(one.astype(np.float32) - other).sum()) for one, other in pairs)
    return 10 * math.log10(255**2 * frames.size / max(squares, 1e-9))


def room(frames: np.ndarray) -> np.ndarray:
    """How much a change may cost in every cell, float32 (GRID, GRID): 1 on flat ground, up to WIDEST where it is busy.

    The eye sees a faint pattern on a clear sky and not in leaves: contrast hides contrast (Legge and Foley 1980).
    """
    import cv2  # slow to load, and not needed before there are frames

    reach = frames.shape[2] / GRID
    looked_at = frames[::max(len(frames) // 4, 1)]
    squares = np.zeros(frames.shape[1:3], np.float32)
    for frame in looked_at:
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY).astype(np.float32)
        squares += blur((grey - blur(grey, 1.5 * reach))**2, reach) / len(looked_at)
    return np.minimum(1 + np.sqrt(resize(squares[None], GRID, GRID)[0]) / BUSY, WIDEST)


def solve(host: np.ndarray, felt: np.ndarray, space: np.ndarray, payload: int, key: bytes, *, psnr: float,
          colour: float) -> np.ndarray:
    """The change float32 (3, GRID, GRID) to each frame of a clip of which `tame` gives `host` and `felt`, both of that
    shape, and `room` the space (GRID, GRID).
    """
    made = patterns(key)
    wanted = np.concatenate([encode(payload), np.ones(GROUPS)]).astype(np.float32)
    energy = 255**2 / 10**(psnr / 10) * host.size  # squared grey levels over the grid and its three colours
    shares = np.bincount(made.groups[0].reshape(-1)).astype(np.float32)  # components of each group, in every colour
    change = np.zeros_like(host)
    for _ in range(2):  # the detector's weights depend a little on what is embedded
        rest, texture = level(host + felt * change)
        weights = whiten(spectrum(rest), colour)[..., None] * made.signs
        atoms = _atoms(weights, made.groups, texture) * wanted[:, None, None, None]
        seen = rearrange(atoms * felt, "k c h w -> k (c h w)")
        push = rearrange(atoms * felt * space, "k c h w -> k (c h w)")  # least squares, over the room there is
        scores = rearrange(atoms, "k c h w -> k (c h w)") @ without_coarse(host).reshape(-1)
        weight = _least_change(seen @ push.T, scores, shares, energy, lambda x: _energy((x @ push).reshape(host.shape)))
        change = (weight @ push).reshape(host.shape)
    return change


def _enlarge(change: np.ndarray, height: int, width: int) -> np.ndarray:
    """A change (3, GRID, GRID) in brightness and colours → float32 (H, W, 3) in red, green and blue."""
    return rearrange(np.tensordot(TO_RGB, resize(change, width, height), 1), "c h w -> h w c")


def _atoms(weights: np.ndarray, groups: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """float32 (K, 3, GRID, GRID): what to take the scalar product with to have the score of group k."""
    count, basis = 2 * BITS + GROUPS, _basis()
    coefficients = np.zeros((3, count, basis.shape[0]), np.float32)
    colour, place = np.divmod(np.arange(groups.size), basis.shape[0])
    coefficients[colour, groups.reshape(-1), place] = weights.reshape(-1)
    return rearrange(coefficients @ basis, "c k (h w) -> k c h w", h=GRID) / texture


@lru_cache
def _basis() -> np.ndarray:
    """float32 (2 F, GRID²): real and imaginary parts of what `spectrum` takes the scalar product with."""
    rows, columns = band()
    top = int(BAND[1])
    wave = waves(GRID, 1.0)
    product = np.einsum("fy,fx->fyx", wave[rows + top], wave[columns + top])
    return rearrange(values_of(product), "f y x part -> (f part) (y x)").astype(np.float32)


def _least_change(gram: np.ndarray, scores: np.ndarray, shares: np.ndarray, budget: float,
                  energy: Callable[[np.ndarray], float]) -> np.ndarray:
    """Weights (K,) >= 0 of the atoms that lift all scores to the highest margin, in shares, that the budget pays for.

    No weight is more than LIMIT times what each had if all were equal: a score that the picture holds far on the wrong
    side is given up, and the code corrects it.
    """
    equal = math.sqrt(budget / energy(np.ones(len(scores), np.float32)))
    margins = scores / shares
    low, high = float(margins.min()), float(margins.max() + 2 * equal * (gram.sum(1) / shares).max())
    weight = np.zeros(len(scores), np.float32)
    for _ in range(10):
        margin = (low + high) / 2
        found = _lift(gram, margin * shares - scores, weight, LIMIT * equal)
        if energy(found) <= budget:
            low, weight = margin, found
        else:
            high = margin
    return weight * math.sqrt(budget / max(energy(weight), 1e-9))


def _lift(gram: np.ndarray, missing: np.ndarray, start: np.ndarray, limit: float) -> np.ndarray:
    """argmin x'Gx / 2 - x'missing over 0 <= x <= limit, the dual of the least change after which nothing is missing."""
    x, previous, momentum = start, start, 1.0
    step = 1 / np.linalg.norm(gram, 2)
    for _ in range(30):  # accelerated projected gradient (Beck and Teboulle 2009)
        after = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = x + (momentum - 1) / after * (x - previous)
        previous, x, momentum = x, np.clip(ahead - step * (gram @ ahead - missing), 0, limit), after
    return x


def _energy(change: np.ndarray) -> float:
    """Sum of squares over the three colours of a change in planes."""
    return float((np.tensordot(TO_RGB, change, 1)**2).sum())


def _add(frame: np.ndarray, change: np.ndarray) -> np.ndarray:
    return np.clip(frame + change, 0, 255).round().astype(np.uint8)
