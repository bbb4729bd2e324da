"""Rain and snow: how much of every pixel is covered by what falls through the air.

Drops and flakes are drawn once on periodic sheets in units of the frame height and then slide over the frames, so that
they move without a jump, and a seed gives the same ones at every size. World and stylist draw with the same sheets.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PERIOD = 2  # width of a sheet in units; its height is 1
SWAYS = 0.4  # of flakes, a second


@dataclass(frozen=True)
class Layer:
    """A sheet of drops or flakes at one distance."""
    count: int  # on one sheet
    size: tuple[float, float]  # least and largest radius, in units
    streak: float  # length along the fall, in units; 0 for flakes
    fall: float  # units per second
    drift: float  # sideways, units per second
    sway: float  # sideways and back, in units
    parallax: float  # share of the camera's movement that the layer takes part in
    opacity: float


FALLING: dict[str, tuple[Layer, Layer]] = {
    "rain": (Layer(90, (0.0035, 0.0050), 0.09, 1.30, -0.26, 0.0, 0.6, 0.70),
             Layer(46, (0.0055, 0.0075), 0.14, 1.70, -0.34, 0.0, 1.0, 0.90)),
    "snow": (Layer(72, (0.008, 0.011), 0.0, 0.20, 0.03, 0.015, 0.6, 0.80),
             Layer(34, (0.014, 0.021), 0.0, 0.32, 0.05, 0.030, 1.0, 0.95)),
}


@dataclass(frozen=True)
class Moments:
    """When T frames of a clip are seen, and from where."""
    numbers: np.ndarray  # (T,) of the frames
    seconds: np.ndarray  # (T,)
    camera_x: np.ndarray  # (T,) units
    period: float | None = None  # seconds after which all begins anew, if it does

    def __len__(self) -> int:
        return len(self.numbers)


def falling(weather: str, seed: int, height: int, width: int, moments: Moments) -> np.ndarray:
    """The share of every pixel that drops or flakes cover, float32 (T, H, W) in [0, 1]."""
    import cv2  # slow to load, and of no use before there are frames

    out = np.zeros((len(moments), height, width), np.float32)
    for number, layer in enumerate(FALLING[weather]):
        sheet = _sheet(weather, number, seed, height, width)
        fall, drift, sways = (_whole(rate, moments.period) for rate in (layer.fall, layer.drift / PERIOD, SWAYS))
        for share, now, x in zip(out, moments.seconds, moments.camera_x):
            right = PERIOD * drift * now + layer.sway * np.sin(2 * np.pi * sways * now) - layer.parallax * x
            matrix = np.array([[1, 0, (-right % PERIOD) * height], [0, 1, (-fall * now % 1) * height]])
            seen = cv2.warpAffine(sheet, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            np.maximum(share, seen, out=share)
    return out


def _whole(rate: float, period: float | None) -> float:
    """The nearest rate a second of which a period holds a whole number, at least one if there is any."""
    if period is None or not rate:
        return rate
    return float(np.copysign(max(round(abs(rate) * period), 1), rate)) / period


@lru_cache(maxsize=4)
def _sheet(weather: str, number: int, seed: int, height: int, width: int) -> np.ndarray:
    """Opacity float32 of a layer for a frame of this size, with a period of H rows and 2 H columns.

    Shape (2 H + 1, 2 H + W + 1): every part that a frame can see is in one piece.
    """
    layer, wide = FALLING[weather][number], PERIOD * height
    numbers = np.random.default_rng([seed, 4, number]).random((layer.count, 3), np.float32)
    head, pick = np.split(numbers * np.float32((wide, height, 1)), (2,), axis=1)  # (N, 2), (N, 1)
    radius = (layer.size[0] + (layer.size[1] - layer.size[0]) * pick) * height
    right, down = layer.drift / layer.fall * layer.streak * height, layer.streak * height
    reach = layer.size[1] * height + 1
    left, top = int(min(right, 0) - reach) - 1, int(-reach) - 1
    rows, columns = np.mgrid[top:int(down + reach) + 1, left:int(max(right, 0) + reach) + 1].reshape(2, -1)
    corner = head.astype(np.int32)
    centre = np.float32(0.5) - (head - corner).astype(np.float32)
    dx, dy = columns.astype(np.float32) + centre[:, :1], rows.astype(np.float32) + centre[:, 1:]
    along = np.clip((dx * right + dy * down) / max(right**2 + down**2, 1e-9), 0, 1)
    distance = np.sqrt((dx - along * right)**2 + (dy - along * down)**2)  # (N, pixels around the head)
    share = layer.opacity * np.clip(radius + 0.5 - distance, 0, np.minimum(1, 2 * radius))
    if layer.streak:
        share *= 0.2 + 0.8 * along  # streaks fade upwards
    sheet = np.zeros(height * wide, np.float32)
    pixels = (corner[:, 1:] + rows) % height * wide + (corner[:, :1] + columns) % wide
    seen = share > 0
    np.maximum.at(sheet, pixels[seen], share[seen])
    return np.pad(sheet.reshape(height, wide), ((0, height + 1), (0, width + 1)), mode="wrap")
