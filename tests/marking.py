"""A clip, its marked twin, and the way through a file, for the tests of the watermark's parts."""

import io
from functools import lru_cache

import av
import cv2
import numpy as np

from vitascope.provenance.watermark import embed

KEY, PAYLOAD = b"only for these tests", 0x0123456789ABCDEF


def make_clip(seed: int, *, width: int = 256, height: int = 144, frames: int = 17) -> np.ndarray:
    """Smooth colours, a textured ground, and a disc that moves."""
    draw = np.random.default_rng(seed)
    coarse = draw.uniform(0, 255, (5, 6, 3)).astype(np.float32)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + draw.normal(0, 3, (height, width, 3))
    clip = np.stack([np.clip(ground, 0, 255).astype(np.uint8)] * frames)
    for number, frame in enumerate(clip):
        where = int(width * (0.2 + 0.6 * number / frames)), height // 2
        cv2.circle(frame, where, height // 6, (200, 30, 60), -1)
    return clip


def through_file(frames: np.ndarray, crf: int = 23) -> np.ndarray:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": str(crf)})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@lru_cache(maxsize=1)
def marked_clip() -> np.ndarray:
    """`make_clip(0)` with the mark."""
    clip = embed(make_clip(0), PAYLOAD, KEY)
    clip.flags.writeable = False
    return clip
