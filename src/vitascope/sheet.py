"""Videos → one picture: a contact sheet with a strip of frames and a caption for each."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .video import Video

GAP, SLIT = 4, 2  # pixels between strips, and between the frames of one
INK, PAPER = (30, 30, 30), (255, 255, 255)
LETTER = 13  # height of the caption's letters, pixels


def contact_sheet(videos: Sequence[Video], captions: Sequence[str], *, frames: int = 6, columns: int = 1,
                  height: int = 96) -> np.ndarray:
    """uint8 (H, W, 3): each video as `frames` of its frames, evenly spaced and `height` pixels high, over its caption.

    Strips stand in so many `columns`, filled row by row. ValueError if there are not as many captions as videos.
    """
    if len(videos) != len(captions) or not videos:
        raise ValueError(f"{len(captions)} captions for {len(videos)} videos; expected one each, and at least one")
    strips = [_strip(video, caption, frames, height) for video, caption in zip(videos, captions, strict=True)]
    columns = min(columns, len(strips))
    widths = [max(strip.width for strip in strips[column::columns]) for column in range(columns)]
    heights = [max(strip.height for strip in strips[first:first + columns]) for first in range(0, len(strips), columns)]
    page = Image.new("RGB", (sum(widths) + GAP * (columns + 1), sum(heights) + GAP * (len(heights) + 1)), PAPER)
    for number, strip in enumerate(strips):
        row, column = divmod(number, columns)
        page.paste(strip, (GAP + sum(widths[:column]) + GAP * column, GAP + sum(heights[:row]) + GAP * row))
    return np.asarray(page)


def _strip(video: Video, caption: str, frames: int, height: int) -> Image.Image:
    chosen = np.linspace(0, len(video) - 1, min(frames, len(video))).round().astype(int)
    width = max(round(height * video.size[0] / video.size[1]), 1)
    font = ImageFont.load_default(LETTER)
    total = max((width + SLIT) * len(chosen) - SLIT, 4 * height)
    lines = wrap(caption, max(round(total / font.getlength("n")), 8)) or [""]
    strip = Image.new("RGB", (total, height + len(lines) * (LETTER + 4)), PAPER)
    for number, index in enumerate(chosen):
        frame = Image.fromarray(video.pixels[index]).resize((width, height), Image.Resampling.LANCZOS)
        strip.paste(frame, (number * (width + SLIT), 0))
    pen = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        pen.text((2, height + number * (LETTER + 4)), line, fill=INK, font=font)
    return strip
