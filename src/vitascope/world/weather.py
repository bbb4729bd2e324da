"""What hangs and falls in the air: rain, snow and fog over finished frames.

In go uint8 frames (T, H, W, 3), a weather, a seed and the moments at which they are seen; out come frames of the same
shape. What falls looks alike at every size (see `falling`). Weather knows nothing of places: its light follows the
brightness of the frames.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..falling import Moments, falling
from .canvas import Colour

WEATHERS = ("clear", "rain", "snow", "fog")

HORIZON = 0.6  # units below the top of the frame: where fog is thickest
DARK, BRIGHT = 50, 130  # mean pixel values between which the air's colour goes from its dark to its bright one


@dataclass(frozen=True)
class Air:
    """Colours of the air while something falls, for dark and for bright frames."""
    drops: tuple[Colour, Colour]
    veil: tuple[Colour, Colour]
    share: float  # of the veil in every pixel


AIR = {
    "rain": Air(drops=((120, 136, 170), (226, 234, 244)), veil=((30, 34, 46), (112, 122, 142)), share=0.42),
    "snow": Air(drops=((186, 194, 220), (255, 255, 255)), veil=((70, 78, 104), (206, 216, 234)), share=0.22),
}
FOG: tuple[Colour, Colour] = ((78, 86, 112), (234, 238, 242))


def apply_weather(frames: np.ndarray, weather: str, *, seed: int, moments: Moments, falls: bool = True) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) under a weather at T moments; without what `falls`, its light is still there.

    "clear" changes nothing. Raises ValueError for a weather that is not in WEATHERS.
    """
    if weather not in WEATHERS:
        raise ValueError(f"weather is {weather!r}, expected one of {', '.join(WEATHERS)}")
    assert frames.ndim == 4 and len(moments) == len(frames), f"{frames.shape} frames, {len(moments)} moments"
    if weather in AIR:
        return _let_fall(frames, weather, seed, moments, falls)
    return _fog(frames, np.random.default_rng([seed, 7]), moments) if weather == "fog" else frames


def _let_fall(frames: np.ndarray, weather: str, seed: int, moments: Moments, falls: bool) -> np.ndarray:
    """Veils the frames, and lets drops or flakes fall over them."""
    air, out = AIR[weather], np.empty_like(frames)
    drops, veil = _paint(frames, air.drops), _paint(frames, air.veil)
    for frame, dull in zip(frames, out):
        dull[:] = cv2.addWeighted(frame, 1 - air.share, veil, air.share, 0)
    if falls:
        for dull, share in zip(out, falling(weather, seed, *frames.shape[1:3], moments)):
            dull[:] = cv2.blendLinear(dull, drops, 1 - share, share)
    return out


def _fog(frames: np.ndarray, rng: np.random.Generator, moments: Moments) -> np.ndarray:
    """Haze, thickest at the horizon, with slow banks in it."""
    _, height, width, _ = frames.shape
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    x = (np.arange(width, dtype=np.float32) + 0.5) / height
    thick = np.interp(y, (0.0, HORIZON - 0.15, HORIZON, 0.85, 1.0), (0.58, 0.72, 0.74, 0.44, 0.32)).astype(np.float32)
    phases = 2 * np.pi * rng.random(2)
    paint = _paint(frames, FOG)
    out = np.empty_like(frames)
    for t, (camera, now) in enumerate(zip(moments.camera_x, moments.seconds)):
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
