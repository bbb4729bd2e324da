"""What pictures are drawn on: paper, fibres, hatching and the grain of film.

Random surfaces (H, W), float32 in [0, 1], made of noise with so many cells for each height of the frame: they look
alike at every size. A seed gives the same ones again. All lie still while the picture moves, but for film, which is
another piece in every frame. Rain and snow, which lie before the picture, are counted with them.
"""

from functools import lru_cache

import numpy as np

from .falling import FALLING, Moments, falling

PAPER, FIBRES, BENDS = 128, 64, 12  # cells for each height
LINES = 26  # of hatching, for each height
SURFACES = 4 + len(FALLING)


def paper(seed: int, height: int, width: int) -> np.ndarray:
    return _noise(seed, 0, height, width, PAPER)


def fibres(seed: int, height: int, width: int) -> np.ndarray:
    return _noise(seed, 1, height, width, FIBRES)


def hatching(seed: int, height: int, width: int) -> np.ndarray:
    """Slanting lines that waver."""
    y, x = ((np.arange(count, dtype=np.float32) + 0.5) / height for count in (height, width))
    bends = _noise(seed, 2, height, width, BENDS)
    return 0.5 + 0.5 * np.sin(2 * np.pi * LINES * (x + 0.8 * y[:, None]) + 2.5 * bends)


def film(seed: int, height: int, width: int, number: int) -> np.ndarray:
    """The grain of frame `number`."""
    down, right = np.random.default_rng([seed, 3, number]).random(2) * (height, width)
    return np.roll(_noise(seed, 3, height, width, PAPER), (int(down), int(right)), (0, 1))


def surfaces(seed: int, height: int, width: int, moments: Moments) -> np.ndarray:
    """All of them for some frames, (T, SURFACES, H, W)."""
    still = [draw(seed, height, width) for draw in (paper, fibres, hatching)]
    films = [np.stack([*still, film(seed, height, width, number)]) for number in moments.numbers]
    falls = [falling(weather, seed, height, width, moments) for weather in FALLING]
    return np.concatenate([np.stack(films), np.stack(falls, 1)], 1)


@lru_cache(maxsize=8)
def _noise(seed: int, kind: int, height: int, width: int, cells: int) -> np.ndarray:
    """Noise with `cells` cells for each height; wide frames repeat it. Whoever gets it leaves it as it is."""
    import cv2  # slow to load, and of no use before there are frames

    noise = np.random.default_rng([seed, kind]).random((cells, cells), np.float32)
    way = cv2.INTER_AREA if height < cells else cv2.INTER_LINEAR
    return np.tile(cv2.resize(noise, (height, height), interpolation=way), (1, -(-width // height)))[:, :width]
