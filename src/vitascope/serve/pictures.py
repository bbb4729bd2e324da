"""Still pictures of a finished video: the thumbnail (webp) and the sprite sheet (jpg) that players show when scrubbing.

Read off the delivered file, so that they show what was reviewed and marked, and nothing else.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..video import read_video
from .ingest import check_clip

THUMBNAIL = 640  # pixels of the longer side
TILE, COLUMNS, TILES = 240, 5, 25  # pixels of a tile's longer side, tiles in a row, tiles at most


def of_video(path: Path) -> tuple[bytes, bytes]:
    """Thumbnail and sprite sheet of a video file."""
    seconds = check_clip(path)[2]
    video = read_video(path, fps=TILES / max(seconds, 1.0))  # no more frames in memory than are shown
    tiles = [_fit(frame, TILE) for frame in video.pixels[:TILES]]
    return encode(_fit(video.pixels[len(video) // 2], THUMBNAIL), "WEBP"), encode(_sheet(tiles), "JPEG")


def encode(image: Image.Image, kind: str) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85)
    return buffer.getvalue()


def _fit(frame: np.ndarray, side: int) -> Image.Image:
    image = Image.fromarray(frame)
    image.thumbnail((side, side))
    return image


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    """Tiles row by row, in the order of time."""
    width, height = tiles[0].size
    columns = min(COLUMNS, len(tiles))
    sheet = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * width, place // columns * height))
    return sheet
