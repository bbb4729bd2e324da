"""A secret key → the signs of the mark's Fourier components, and what each of them carries.

The components are those of 5 to 20 cycles per frame. Three in ten are the same for every clip (the pilot), the others
carry the coded bits of the payload. Knows no pictures.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from einops import rearrange

from .code import BITS

BAND = (5.0, 20.0)  # cycles per frame
PILOT = 0.3  # share of the components
GROUPS = 16  # of pilot components that get their margin together


@dataclass(frozen=True, eq=False)
class Patterns:
    """What follows from a key. A component is one real Fourier coefficient: (colour, frequency, cosine or sine)."""
    signs: np.ndarray  # (3, F, 2) of 1 and -1
    pilot: np.ndarray  # bool (3, F, 2)
    groups: np.ndarray  # int (3, F, 2): coded bit of a payload component; 2 * BITS + group of a pilot one


@lru_cache(maxsize=8)
def patterns(key: bytes) -> Patterns:
    """The patterns of a secret key of at least 16 bytes."""
    if len(key) < 16:
        raise ValueError(f"a key of {len(key)} bytes is too short; expected at least 16")
    seed = hashlib.sha256(b"vitascope watermark 2" + key).digest()
    draw = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    rows, _ = band()
    size = 2 * len(rows)  # components of one colour; each colour shares its own out evenly
    pilots = round(size * PILOT)
    groups = np.empty((3, size), int)
    for colour in groups:
        order = draw.permutation(size)
        colour[order[:pilots]] = 2 * BITS + np.arange(pilots) % GROUPS
        colour[order[pilots:]] = np.arange(size - pilots) % (2 * BITS)
    groups = rearrange(groups, "c (f part) -> c f part", part=2)
    signs = draw.integers(0, 2, groups.shape) * 2 - 1
    return Patterns(signs.astype(np.float32), groups >= 2 * BITS, groups)


@lru_cache
def band() -> tuple[np.ndarray, np.ndarray]:
    """Vertical and horizontal frequencies (F,) of the band in cycles per frame, one of each pair of conjugates."""
    top = int(BAND[1])
    y, x = np.meshgrid(np.arange(-top, top + 1), np.arange(top + 1), indexing="ij")
    radius = np.hypot(x, y)
    inside = (radius >= BAND[0]) & (radius <= BAND[1]) & ((x > 0) | (y > 0))
    return y[inside], x[inside]
