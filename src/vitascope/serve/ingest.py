"""What users send as pictures and clips, measured by its header before a decoder sees it.

ValueErrors of one line refuse what is too large to be decoded, or nothing that can be. The web process reads headers of
pictures; a clip's header is read in the worker.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Limits:
    """What an upload may be."""

    image_bytes: int = 20 * 2**20
    clip_bytes: int = 200 * 2**20
    body_bytes: int = 256 * 2**20  # of a whole request
    image_pixels: int = 40_000_000
    clip_pixels: int = 4096 * 2304  # of a frame
    clip_seconds: float = 120.0


LIMITS = Limits()


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height from a picture's header. ValueError for what is no picture."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.size
    except Exception:  # Pillow's parsers raise a dozen kinds for hostile headers
        raise ValueError(f"the file is no {', '.join(FORMATS)} picture") from None


def check_image(data: bytes, *, limits: Limits = LIMITS) -> tuple[int, int]:
    """Width and height of a picture that may be decoded."""
    if len(data) > limits.image_bytes:
        raise ValueError(f"the picture has {len(data)} bytes; expected at most {limits.image_bytes}")
    width, height = image_size(data)
    if not 0 < width * height <= limits.image_pixels:
        raise ValueError(f"the picture is {width}x{height}; expected at most {limits.image_pixels} pixels")
    return width, height


def looks_like_clip(head: bytes) -> bool:
    """Whether a file begins as MP4, QuickTime, WebM, Matroska or GIF do; the rest is for the worker to find out."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head[:4] in (b"\x1aE\xdf\xa3", b"GIF8")


def check_clip(path: Path, *, limits: Limits = LIMITS) -> tuple[int, int, float]:
    """Width, height and seconds of a clip that may be decoded, from its header. ValueError for what may not."""
    import av  # the worker's

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError("the file holds no video")
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            length = container.duration / av.time_base if container.duration else 0.0
            seconds = float(stream.duration * stream.time_base) if stream.duration else length
    except (av.FFmpegError, OSError):
        raise ValueError("the file is no video that can be read") from None
    if not 0 < width * height <= limits.clip_pixels:
        raise ValueError(f"the video is {width}x{height}; expected at most {limits.clip_pixels} pixels a frame")
    if seconds > limits.clip_seconds:
        raise ValueError(f"the video is {seconds:.1f} seconds long; expected at most {limits.clip_seconds:g}")
    return width, height, seconds
