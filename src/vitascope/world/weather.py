"""What hangs and falls in the air: rain, snow and fog over finished frames.

In go uint8 frames (T, H, W, 3), a weather, a generator and the camera's path; out come frames of the same shape. Drops
and flakes are drawn once on periodic sheets in units of the frame height and then slide over the frames, so that they
move without a jump and one generator state gives the same weather at every size. Weather knows nothing of places: its
light follows the brightness of the frames.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Colour

WEATHERS = ("clear", "rain", "snow", "fog")

PERIOD = 2  # width of a sheet in units; its height is 1
HORIZON = 0.6  # units below the top of the frame: where fog is thickest
DARK, BRIGHT = 50, 130  # mean pixel values between which the air's colour goes from its dark to its bright one


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


@dataclass(frozen=True)
class Fall:
    """What falls, and colours of the air for dark and for bright frames."""

    layers: tuple[Layer, Layer]
    drops: tuple[Colour, Colour]
    veil: tuple[Colour, Colour]
    share: float  # of the veil in every pixel


RAIN = Fall(
    (
        Layer(90, (0.0035, 0.0050), 0.09, 1.30, -0.26, 0.0, 0.6, 0.70),
        Layer(46, (0.0055, 0.0075), 0.14, 1.70, -0.34, 0.0, 1.0, 0.90),
    ),
    drops=((120, 136, 170), (226, 234, 244)),
    veil=((30, 34, 46), (112, 122, 142)),
    share=0.42,
)
SNOW = Fall(
    (
        Layer(72, (0.008, 0.011), 0.0, 0.20, 0.03, 0.015, 0.6, 0.80),
        Layer(34, (0.014, 0.021), 0.0, 0.32, 0.05, 0.030, 1.0, 0.95),
    ),
    drops=((186, 194, 220), (255, 255, 255)),
    veil=((70, 78, 104), (206, 216, 234)),
    share=0.22,
)
FOG: tuple[Colour, Colour] = ((78, 86, 112), (234, 238, 242))


def apply_weather(
    frames: np.ndarray, weather: str, *, rng: np.random.Generator, camera_x: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) under a weather at some seconds (T,), the camera being at camera_x (T,) units.

    "clear" changes nothing. Raises ValueError for a weather that is not in WEATHERS.
    """
    if weather not in WEATHERS:
        raise ValueError(f"weather is {weather!r}, expected one of {', '.join(WEATHERS)}")
    assert frames.ndim == 4 and len(camera_x) == len(frames), f"{frames.shape} frames, {len(camera_x)} camera positions"
    if weather == "rain":
        return _let_fall(frames, RAIN, rng, camera_x, seconds)
    if weather == "snow":
        return _let_fall(frames, SNOW, rng, camera_x, seconds)
    return _fog(frames, rng, camera_x, seconds) if weather == "fog" else frames


def _let_fall(
    frames: np.ndarray, fall: Fall, rng: np.random.Generator, camera_x: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """Veils the frames and slides the layers over them."""
    _, height, width, _ = frames.shape
    sheets = [_sheet(layer, height, width, rng) for layer in fall.layers]
    drops, veil = _paint(frames, fall.drops), _paint(frames, fall.veil)
    out = np.empty_like(frames)
    for t, (x, now) in enumerate(zip(camera_x, seconds, strict=True)):
        seen = []
        for sheet, layer in zip(sheets, fall.layers, strict=True):
            sway = layer.sway * np.sin(2 * np.pi * 0.4 * now)
            seen.append(_slide(sheet, layer.drift * now + sway - layer.parallax * x, layer.fall * now, height, width))
        share = cv2.max(*seen)
        dull = cv2.addWeighted(frames[t], 1 - fall.share, veil, fall.share, 0)
        out[t] = cv2.blendLinear(dull, drops, 1 - share, share)
    return out


def _sheet(layer: Layer, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Opacity float32 of a sheet of drops or flakes for a frame of this size, with a period of H rows and 2 H columns.

    Shape (2 H + 1, 2 H + W + 1): every part that a frame can see is in one piece.
    """
    wide = PERIOD * height
    numbers = rng.random((layer.count, 3), np.float32) * np.float32((wide, height, 1))
    head, pick = np.split(numbers, (2,), axis=1)  # (N, 2), (N, 1)
    radius = (layer.size[0] + (layer.size[1] - layer.size[0]) * pick) * height
    right, down = layer.drift / layer.fall * layer.streak * height, layer.streak * height
    reach = layer.size[1] * height + 1
    left, top = int(min(right, 0) - reach) - 1, int(-reach) - 1
    rows, columns = np.mgrid[top : int(down + reach) + 1, left : int(max(right, 0) + reach) + 1].reshape(2, -1)
    corner = head.astype(np.int32)
    centre = np.float32(0.5) - (head - corner).astype(np.float32)
    dx, dy = columns.astype(np.float32) + centre[:, :1], rows.astype(np.float32) + centre[:, 1:]
    along = np.clip((dx * right + dy * down) / max(right**2 + down**2, 1e-9), 0, 1)
    distance = np.sqrt((dx - along * right) ** 2 + (dy - along * down) ** 2)  # (N, pixels around the head)
    share = layer.opacity * np.clip(radius + 0.5 - distance, 0, np.minimum(1, 2 * radius))
    if layer.streak:
        share *= 0.2 + 0.8 * along  # streaks fade upwards
    sheet = np.zeros(height * wide, np.float32)
    pixels = (corner[:, 1:] + rows) % height * wide + (corner[:, :1] + columns) % wide
    seen = share > 0
    np.maximum.at(sheet, pixels[seen], share[seen])
    return np.pad(sheet.reshape(height, wide), ((0, height + 1), (0, width + 1)), mode="wrap")


def _slide(sheet: np.ndarray, right: float, down: float, height: int, width: int) -> np.ndarray:
    """What a frame (H, W) sees of a sheet that has moved right and down by so many units."""
    matrix = np.array([[1, 0, (-right % PERIOD) * height], [0, 1, (-down % 1) * height]])
    return cv2.warpAffine(sheet, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _fog(frames: np.ndarray, rng: np.random.Generator, camera_x: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Haze, thickest at the horizon, with slow banks in it."""
    _, height, width, _ = frames.shape
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    x = (np.arange(width, dtype=np.float32) + 0.5) / height
    thick = np.interp(y, (0.0, HORIZON - 0.15, HORIZON, 0.85, 1.0), (0.58, 0.72, 0.74, 0.44, 0.32)).astype(np.float32)
    phases = 2 * np.pi * rng.random(2)
    paint = _paint(frames, FOG)
    out = np.empty_like(frames)
    for t, (camera, now) in enumerate(zip(camera_x, seconds, strict=True)):
        at = x + np.float32(camera - 0.06 * now)
        banks = 0.06 * np.sin(2 * np.pi * at / 1.1 + phases[0]) + 0.04 * np.sin(2 * np.pi * at / 0.6 + phases[1])
        share = thick * (1 + banks).astype(np.float32)
        out[t] = cv2.blendLinear(frames[t], paint, 1 - share, share)
    return out


def _paint(frames: np.ndarray, colours: tuple[Colour, Colour]) -> np.ndarray:
    """A frame (H, W, 3) of one colour, between the dark and the bright one as the first frame is dark or bright."""
    dark, bright = np.array(colours)
    light = np.clip((float(frames[0, ::4, ::4].mean()) - DARK) / (BRIGHT - DARK), 0, 1)
    paint = np.empty(frames.shape[1:], np.uint8)
    paint[:] = dark + light * (bright - dark) + 0.5
    return paint
