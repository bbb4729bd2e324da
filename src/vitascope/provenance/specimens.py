"""Clips that the bundled models drew, clips that they did not, and what happens to both on their way.

Ours: finished clips that the whole system made of prompts, and clips of the world that went through the autoencoder,
with noise on their latents, the upsampler, told the true layout, and the stylist. Others: clips of the world as they
are rendered, through the autoencoder alone at full and at half size, softened or sharpened, and moving cuts of
photographs. All go the same ways: they are marked, scaled, cut, encoded, or none of it.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from ..data.shards import unfinished
from ..data.truth import layout_of
from ..grain import surfaces
from ..models.upsampler import Told, halve
from ..precision import fast_precision
from ..system import System
from ..video import from_unit, to_unit
from ..world.physics import simulate
from ..world.render import moments_of, render
from ..world.scene import BUNDLED, Scene, sample_scene
from .traces import FRAMES
from .watermark import embed

OURS = ("made of prompts", "world, drawn again")
SIZES = ((128, 128), (128, 128), (160, 112), (112, 160), (192, 128))  # width and height of clips of the world
NOISE = 0.3  # highest deviation of the noise on latents, whose own is about 1
UNPLANNED = 4  # one in so many of our clips has no layout
CUTS = 16  # of one photograph
KEYS = tuple(b"a key for training, number %d" % number for number in range(4))
FPS = 8.0
NONE, H264, H265 = "none", "libx264", "libx265"


@dataclass(frozen=True)
class Specimen:
    """A clip, what it is, and what it is of: clips of one group share a scene, a prompt or a photograph."""
    kind: str
    group: str
    frames: np.ndarray  # uint8 (FRAMES, H, W, 3)

    @property
    def ours(self) -> bool:
        return self.kind in OURS


def made(folder: Path, number: int, scene: Scene, starts: list[int], system: System) -> Iterator[Specimen]:
    """A clip that the system made of a prompt, from several frames on, and the scene that the prompt tells of."""
    group = f"prompt {number}"
    clip, twin = np.load(folder / f"{number:04d}.npy"), render(scene)
    for start in starts:
        part = slice(start, start + FRAMES)
        yield Specimen(OURS[0], group, clip[part])
        yield Specimen("world of the same prompts", group, twin[part])
    yield Specimen("autoencoder alone, half size", group, alone(twin[part], system, half=True, way=cv2.INTER_CUBIC))


@torch.inference_mode()
def drawn_again(scene: Scene, start: int, draw: np.random.Generator, system: System) -> np.ndarray:
    """Frames of a scene as decoder, upsampler and stylist draw them."""
    plain, motion = unfinished(scene), simulate(scene)
    frames = render(plain, motion)[start:start + FRAMES]
    with fast_precision():
        latents = system.autoencoder.encode(halve(to_unit(frames)[None])).float()
        noise = NOISE * draw.random() * torch.from_numpy(draw.standard_normal(latents.shape)).float()
        decoded = system.autoencoder.decode(latents + noise).float().clamp(-1, 1)
        layout = layout_of(scene, motion, start, FRAMES)
        told = Told.last(layout, FRAMES, decoded[0, :, 0]) if draw.integers(UNPLANNED) else None
        drawn = from_unit(system.upsampler(decoded, [told]).float()[0])
    look = layout.look.tolist()[:2]
    if not system.stylist.wanted(*look):
        return drawn
    ground = surfaces(scene.seed, *frames.shape[1:3], moments_of(plain, motion, range(start, start + FRAMES)))
    return from_unit(system.stylist(to_unit(drawn)[None], torch.from_numpy(ground), *look)[0])


@torch.inference_mode()
def alone(frames: np.ndarray, system: System, *, half: bool, way: int) -> np.ndarray:
    """Frames through the autoencoder, at half size enlarged in a usual way."""
    video = to_unit(frames)[None]
    with fast_precision():
        video = system.autoencoder.decode(system.autoencoder.encode(halve(video) if half else video)).float()
    return resize(from_unit(video[0].clamp(-1, 1)), *frames.shape[2:0:-1], way)


def of_world(seed: int, system: System, *, again: bool) -> Iterator[Specimen]:
    """One scene in every way; drawn `again` by our models only if asked to, which takes longest."""
    draw = np.random.default_rng([seed, 57])
    width, height = SIZES[draw.integers(len(SIZES))]
    scene = sample_scene(seed, replace(BUNDLED, cuts=0.0), width=width, height=height, split="any")
    start = int(draw.integers(scene.frames - FRAMES + 1))
    frames, group = render(scene)[start:start + FRAMES], f"scene {seed}"
    if again:
        yield Specimen(OURS[1], group, drawn_again(scene, start, draw, system))
    yield Specimen("world", group, frames)
    yield Specimen("autoencoder alone", group, alone(frames, system, half=False, way=cv2.INTER_CUBIC))
    way = (cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[draw.integers(2)]
    yield Specimen("autoencoder alone, half size", group, alone(frames, system, half=True, way=way))
    yield Specimen("world, softened or sharpened", group, refocused(frames, draw))


def refocused(frames: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Frames at half size and back, blurred, or sharpened."""
    how, height, width = draw.integers(3), *frames.shape[1:3]
    if how == 0:
        return resize(resize(frames, width // 2, height // 2, cv2.INTER_AREA), width, height, cv2.INTER_CUBIC)
    blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), draw.uniform(0.5, 1.5)) for frame in frames])
    return blurred if how == 1 else np.stack([
        cv2.addWeighted(frame, 1 + amount, soft, -amount, 0) for amount in [draw.uniform(0.3, 1.5)]
        for frame, soft in zip(frames, blurred, strict=True)])


def of_photograph(path: Path) -> Iterator[Specimen]:
    """Clips that glide over a photograph and into it."""
    photograph = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    draw = np.random.default_rng(list(path.stem.encode()))
    for _ in range(CUTS):
        width, height = SIZES[draw.integers(len(SIZES))]
        scale = max(width / photograph.shape[1], height / photograph.shape[0]) * draw.uniform(1, 3)  # pixels to a pixel
        room = np.array(photograph.shape[1::-1]) - np.array([width, height]) / scale
        corner = draw.uniform(0, np.maximum(room, 1e-9))
        step, zoom = draw.uniform(-3, 3, 2) / scale * draw.integers(2), draw.uniform(0.98, 1.02)
        frames = []
        for time in range(FRAMES):
            shift = -(corner + step * time) * scale * zoom**time
            place = np.float64([[scale * zoom**time, 0, shift[0]], [0, scale * zoom**time, shift[1]]])
            frames.append(cv2.warpAffine(photograph, place, (width, height), flags=cv2.INTER_AREA,
                                         borderMode=cv2.BORDER_REFLECT_101))
        yield Specimen("photographs", f"photograph {path.stem}", np.stack(frames))


# ------------------------------------------------------------------------------------------------- what happens to them

def travelled(frames: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Frames as they may come back from outside, whosever they are."""
    if draw.random() < 0.3:
        frames = embed(frames, int(draw.integers(2**63)), KEYS[draw.integers(len(KEYS))], fps=FPS)
    height, width = frames.shape[1:3]
    if draw.random() < 0.25:
        scale = draw.uniform(0.75, 1.5)
        way = cv2.INTER_AREA if scale < 1 else (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[draw.integers(2)]
        frames = resize(frames, round(width * scale), round(height * scale), way)
    elif draw.random() < 0.3:
        top, left = draw.integers(0, (height // 5, width // 5))
        frames = frames[:, top:top + height * 4 // 5, left:left + width * 4 // 5]
    codec = (NONE, H264, H264, H265)[draw.integers(4)]
    return encoded(frames, codec, int(draw.integers(18, 36)))


@cache
def encoder_options(codec: str) -> dict[str, str]:
    return {"preset": "medium"} | ({"x265-params": "log-level=error"} if codec == H265 else {})


def encoded(frames: np.ndarray, codec: str, crf: int) -> np.ndarray:
    """Frames as they come back from a file; an odd row or column is lost."""
    if codec == NONE:
        return frames
    height, width = (side - side % 2 for side in frames.shape[1:3])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=round(FPS), options={"crf": str(crf)} | encoder_options(codec))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def resize(frames: np.ndarray, width: int, height: int, way: int) -> np.ndarray:
    return np.stack([cv2.resize(frame, (width, height), interpolation=way) for frame in frames])
