"""How a clip looks: as 3D toys, a pencil sketch, pixel art, black-and-white film or cut paper.

In go finished uint8 frames (T, H, W, 3), a style and a seed; out come frames of the same shape. Tables are made
once for a clip, and paper and pencil stand still while the picture moves, so nothing flickers but the grain of film.
Sizes of strokes, blocks and edges are shares of the frame height: a clip looks alike at every size.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from .. import grain

BLOCKS = 32  # pixel-art blocks per unit, the frame height
FILTER = np.array([[0.5, 0.4, 0.1]])  # parts of red, green and blue in grey: tells warm subjects from blue nights


def toys(frames: np.ndarray, seed: int, first: int) -> np.ndarray:
    """The world as it is rendered."""
    return frames


def pencil(frames: np.ndarray, seed: int, first: int) -> np.ndarray:
    """Grey outlines (a colour dodge of the picture with its blurred negative) and hatched shadows on paper."""
    height, width = frames.shape[1:3]
    paper, hatch = 1 - 0.05 * grain.paper(seed, height, width), grain.hatching(seed, height, width)
    out = np.empty_like(frames)
    for grey, page in zip(_greys(frames), out, strict=True):
        grey = cv2.max(grey, 8)  # the dodge divides by it
        soft = cv2.GaussianBlur(grey, (0, 0), 0.016 * height)
        line = cv2.divide(grey, soft, scale=0.99, dtype=cv2.CV_32F)  # dodge: below 1 where darker than around
        line = np.clip(1 - 3.2 * (0.97 - line), 0.12, 1)
        shade = np.clip(0.8 - soft.astype(np.float32) / 255, 0, 0.6)
        tone = line * (1 - shade * (0.35 + 0.7 * hatch)) * paper
        page[:] = (np.clip(tone, 0, 1)[..., None] * np.array((250, 249, 244), np.float32)).astype(np.uint8)
    return out


def pixel(frames: np.ndarray, seed: int, first: int) -> np.ndarray:
    """Square blocks in few colours."""
    height, width = frames.shape[1:3]
    grid = (max(round(BLOCKS * width / height), 1), BLOCKS)
    palette = _palette(28, 18)
    out = np.empty_like(frames)
    for frame, page in zip(frames, out, strict=True):
        blocks = cv2.resize(frame, grid, interpolation=cv2.INTER_AREA)
        crisp = cv2.addWeighted(blocks, 1.7, cv2.GaussianBlur(blocks, (3, 3), 0), -0.7, 0)
        few = cv2.cvtColor(cv2.LUT(cv2.cvtColor(crisp, cv2.COLOR_RGB2YCrCb), palette), cv2.COLOR_YCrCb2RGB)
        cv2.resize(_vivid(few, 1.2), (width, height), dst=page, interpolation=cv2.INTER_NEAREST)
    return out


def film(frames: np.ndarray, seed: int, first: int) -> np.ndarray:
    """Grey with hard contrast, dark corners and grain that changes from frame to frame."""
    height, width = frames.shape[1:3]
    x, y = _positions(height, width)
    corner = np.hypot((x - 0.5 * width / height) * height / width, y - 0.5) / np.hypot(0.5, 0.5)
    vignette = (1.02 - 0.62 * corner**2.4).astype(np.float32)
    tone = np.arange(256) / 255
    contrast = (255 * np.clip(0.5 + 0.62 * np.tanh(2.4 * (tone - 0.5)) / np.tanh(1.2), 0, 1)).astype(np.uint8)
    out = np.empty_like(frames)
    for number, (grey, page) in enumerate(zip(_greys(frames), out, strict=True), first):
        exposed = cv2.multiply(cv2.LUT(grey, contrast), vignette, dtype=cv2.CV_32F)
        grained = cv2.add(exposed, grain.film(seed, height, width, number) * 16 - 8, dtype=cv2.CV_8U)
        cv2.cvtColor(grained, cv2.COLOR_GRAY2RGB, dst=page)
    return out


def papercut(frames: np.ndarray, seed: int, first: int) -> np.ndarray:
    """Sheets of flat colour with bright upper edges that throw shadows on the sheets below."""
    height, width = frames.shape[1:3]
    shift = 0.011 * height
    light = np.array([[1, 0, shift], [0, 1, shift]])
    fibre = grain.fibres(seed, height, width) * 7 - 3.5
    palette = _palette(42, 24)
    out = np.empty_like(frames)
    for frame, page in zip(frames, out, strict=True):
        soft = cv2.GaussianBlur(frame, (0, 0), 0.008 * height)
        flat = cv2.LUT(cv2.cvtColor(soft, cv2.COLOR_RGB2YCrCb), palette)
        sheet = cv2.transform(flat, np.array([[1.0, 0.7, 0.0]])).astype(np.float32)  # the brighter, the nearer
        thrown = cv2.warpAffine(sheet, light, (width, height), borderMode=cv2.BORDER_REPLICATE)
        relief = np.clip(sheet - thrown, -70, 34) + fibre
        flat = cv2.cvtColor(flat, cv2.COLOR_YCrCb2RGB)
        cv2.add(_vivid(flat, 1.2), cv2.cvtColor(relief, cv2.COLOR_GRAY2RGB), dst=page, dtype=cv2.CV_8U)
    return out


def _greys(frames: np.ndarray) -> Iterator[np.ndarray]:
    """Grey frames (H, W) through a yellow filter, all exposed alike for the clip's darkest and brightest parts."""
    sample = cv2.transform(frames[:, ::4, ::4].reshape(1, -1, 3), FILTER)
    dark, bright = np.percentile(sample, (2, 98))
    contrast = bright - dark
    share = 0.6 * min(contrast / 60, 1)  # a clip of one grey stays as it is
    stretched = (np.arange(256) - dark) * 240 / max(contrast, 60) + 8
    table = np.clip((1 - share) * np.arange(256) + share * stretched, 0, 255).astype(np.uint8)
    return (cv2.LUT(cv2.transform(frame, FILTER), table) for frame in frames)


def _palette(light: int, colour: int) -> np.ndarray:
    """Table (256, 1, 3) that rounds lightness and colour differences (YCrCb) to multiples of steps around grey."""
    steps = np.array((light, colour, colour))
    values = np.arange(256)[:, None] - 128
    return np.clip(np.round(values / steps) * steps + 128, 0, 255).astype(np.uint8)[:, None]


def _vivid(picture: np.ndarray, gain: float) -> np.ndarray:
    """The picture with its distance from grey multiplied by `gain`."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(picture, gain, grey, 1 - gain, 0)


def _positions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """x (1, W) and y (H, 1) of the pixel centres, in units."""
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / height
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    return x, y


STYLES: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "3d": toys,
    "pencil": pencil,
    "pixel": pixel,
    "film": film,
    "papercut": papercut,
}


def apply_style(frames: np.ndarray, style: str, *, seed: int, first: int = 0) -> np.ndarray:
    """Frames uint8 (T, H, W, 3), from frame number `first` of a clip, in a style; ValueError for an unknown one."""
    if style not in STYLES:
        raise ValueError(f"style is {style!r}, expected one of {', '.join(STYLES)}")
    assert frames.ndim == 4 and frames.dtype == np.uint8, f"{frames.dtype} {frames.shape}, expected uint8 (T, H, W, 3)"
    return STYLES[style](frames, seed, first)
