"""What files and generators do to pictures: blur, lost resolution, noise, compression, other colours, bent shapes.

uint8 frames (T, H, W, 3) in, the same shape out. The reader is trained on damaged clips and its accuracy measured on
them, so that what it says about a generated video does not hang on the world's exact pixels.
"""

import io
from collections.abc import Callable

import av
import cv2
import numpy as np

Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def blur(frames: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; sigma in pixels."""
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


def lose_resolution(frames: np.ndarray, share: float) -> np.ndarray:
    """Down to `share` of the size and up again."""
    H, W = frames.shape[1:3]
    small = (max(round(W * share), 1), max(round(H * share), 1))
    smaller = [cv2.resize(frame, small, interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack([cv2.resize(frame, (W, H), interpolation=cv2.INTER_CUBIC) for frame in smaller])


def h264(frames: np.ndarray, crf: int = 23) -> np.ndarray:
    """Through an H.264 file in memory (yuv420p, as `generate` writes it); sides must be even."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": str(crf), "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    memory.seek(0)
    with av.open(memory) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def jpeg(frames: np.ndarray, quality: int) -> np.ndarray:
    """Each frame through a JPEG file; quality from 1 to 100."""
    files = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for frame in frames]
    return np.stack([cv2.imdecode(file, cv2.IMREAD_COLOR) for file in files])


def add_noise(frames: np.ndarray, sigma: float, grain: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of `sigma` levels in grains of so many pixels, new in every frame."""
    T, H, W, _ = frames.shape
    rough = rng.normal(0, sigma, (T, -(-H // grain), -(-W // grain), 3)).astype(np.float32)
    noise = np.stack([cv2.resize(frame, (W, H), interpolation=cv2.INTER_LINEAR) for frame in rough])
    return (frames + noise).clip(0, 255).round().astype(np.uint8)


def recolour(frames: np.ndarray, gain: np.ndarray, offset: float, gamma: float) -> np.ndarray:
    """Levels v in [0, 1] of each channel become gain (3,) v^gamma + offset."""
    levels = np.arange(256)[:, None] / 255
    table = ((gain * levels**gamma + offset) * 255).clip(0, 255).round().astype(np.uint8)  # (256, 3)
    return np.stack([table[frames[..., channel], channel] for channel in range(3)], axis=-1)


def bend(frames: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Move every point by a smooth random field of about `amount` pixels, which drifts from frame to frame."""
    T, H, W, _ = frames.shape
    columns, rows = np.meshgrid(np.arange(W, dtype=np.float32), np.arange(H, dtype=np.float32))
    field, bent = rng.normal(0, amount, (5, 5, 2)), []
    for frame in frames:
        shift = cv2.resize(field.astype(np.float32), (W, H), interpolation=cv2.INTER_CUBIC)
        bent.append(cv2.remap(frame, columns + shift[..., 0], rows + shift[..., 1], cv2.INTER_LINEAR,
                              borderMode=cv2.BORDER_REPLICATE))
        field = 0.95 * field + 0.31 * rng.normal(0, amount, (5, 5, 2))  # keeps its deviation
    return np.stack(bent)


DAMAGES: tuple[tuple[float, Damage], ...] = (  # probability and deed, for pictures of 128 rows
    (0.35, lambda frames, rng: bend(frames, rng.uniform(0.5, 2.4), rng)),
    (0.35, lambda frames, rng: lose_resolution(frames, rng.uniform(0.25, 0.9))),
    (0.35, lambda frames, rng: blur(frames, rng.uniform(0.5, 2.2))),
    (0.4, lambda frames, rng: recolour(frames, rng.uniform(0.85, 1.15, 3), rng.uniform(-0.06, 0.06),
                                       rng.uniform(0.8, 1.25))),
    (0.35, lambda frames, rng: add_noise(frames, rng.uniform(2, 14), int(rng.integers(1, 12)), rng)),
    (0.25, lambda frames, rng: jpeg(frames, int(rng.integers(15, 80)))),
    (0.06, lambda frames, rng: h264(frames, int(rng.integers(20, 36)))),
)


def random_damage(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Several damages at once, one time in five none."""
    if rng.random() < 0.2:
        return frames
    for probability, deed in DAMAGES:
        if rng.random() < probability:
            frames = deed(frames, rng)
    return frames
