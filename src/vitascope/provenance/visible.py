"""A mark that everyone can see: a few words in the lower right corner of every frame, if the operator wants that.

Goes in: frames and words; comes out: the frames with them. It can be cut off, which is why it comes beside the
invisible one and never instead of it.
"""

from functools import lru_cache

import numpy as np

HEIGHT, SMALLEST = 1 / 18, 7  # of the letters: share of the frame's shorter side, and pixels
OPACITY = 0.75
EDGE = 1 / 8  # of a letter's height: width of the dark line around it, which makes it readable on any ground


def draw(frames: np.ndarray, words: str) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) with the words; those frames themselves if there are none."""
    if not words:
        return frames
    light, covered = _stencil(words, *frames.shape[1:3])
    return np.stack([(frame + covered * (light - frame)).round().astype(np.uint8) for frame in frames])


@lru_cache(maxsize=8)
def _stencil(words: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels of the words, and how much of a frame they cover; float32 (H, W, 1)."""
    from PIL import Image, ImageDraw, ImageFont

    size = max(round(min(height, width) * HEIGHT), SMALLEST)
    font, edge = ImageFont.load_default(size), max(round(size * EDGE), 1)
    picture = Image.new("LA", (width, height))
    place = width - size / 2, height - size / 2
    ImageDraw.Draw(picture).text(place, words, (255, 255), font, "rs", stroke_width=edge, stroke_fill=(0, 255))
    light, covered = np.split(np.asarray(picture, np.float32), 2, axis=2)
    return light, covered * np.float32(OPACITY / 255)
