"""How well a model goes on from what it is given: clips of the world extended, filled in, looped, masked and enlarged.

The jump at every seam stands as a multiple of the clip's own median jump; whether what was given is still there, bit
for bit, is a yes or no. Needs no reader: nothing here asks what a clip shows. `limits` is the same of the world itself.
"""

import cv2
import numpy as np
import torch

from ..edits import Plan, animate, edit_clip, encode_start, extend_backward, extend_forward, fill_range, inpaint_clip, \
    loop_clip, make
from ..generate import decode
from ..models.autoencoder import FRAMES
from ..models.upsampler import SCALE
from ..system import System
from ..tasks import text_to_video
from ..upscale import double
from ..video import Video
from .continuity import kept_psnr, loop_ratio, seam_ratio

SECONDS = 1.0  # that are made in each task
RANGE = (0.625, 1.125)  # seconds that are made anew of a clip of 17 frames
STRENGTH = 0.6


@torch.inference_mode()
def measure(system: System, clip: Video, prompt: str, *, seed: int = 0, steps: int | None = None,
            guidance: float | None = None) -> dict[str, float | bool]:
    """Every measure of one clip of 17 frames, of an output size of the system."""
    def film(plan: Plan) -> np.ndarray:
        return np.stack(list(make(system, plan, seed=seed, steps=steps, guidance=guidance)))

    length, (width, height) = len(clip), clip.size
    mask = np.zeros((1, height, width), bool)
    mask[:, :, width // 2:] = True
    plain = text_to_video(prompt, width=width // SCALE, height=height // SCALE, frames=length, fps=clip.fps)
    animated = film(animate(system, clip.pixels[:1], plain))
    after = film(extend_forward(system, clip, prompt=prompt, seconds=SECONDS))
    before = film(extend_backward(system, clip, prompt=prompt, seconds=SECONDS))
    filled = film(fill_range(system, clip, start=RANGE[0], end=RANGE[1], prompt=prompt))
    looped = film(loop_clip(system, clip, prompt=prompt, seconds=SECONDS))
    painted = film(inpaint_clip(system, clip, mask, prompt=prompt))
    edited = film(edit_clip(system, clip, prompt=prompt, strength=STRENGTH))
    first, last = (round(end * clip.fps) for end in RANGE)
    outside = np.r_[0:first, last:length]
    return {
        "image, seam": seam_ratio(animated, 1),
        "image kept": np.array_equal(animated[:1], clip.pixels[:1]),
        "extend forward, seam": seam_ratio(after, length),
        "extend forward, clip kept": np.array_equal(after[:length], clip.pixels),
        "extend backward, seam": seam_ratio(before, len(before) - length),
        "extend backward, clip kept": np.array_equal(before[-length:], clip.pixels),
        "infill, first seam": seam_ratio(filled, first),
        "infill, second seam": seam_ratio(filled, last),
        "infill, rest kept": np.array_equal(filled[outside], clip.pixels[outside]),
        "loop, seam": loop_ratio(looped),
        "inpaint, outside kept": np.array_equal(painted[:, ~mask[0]], clip.pixels[:, ~mask[0]]),
        "edit with the same prompt, PSNR dB": kept_psnr(edited, clip.pixels),
        "upscale, gain over bicubic and Lanczos, dB": upscale_gain(system, clip.pixels),
    }


def upscale_gain(system: System, pixels: np.ndarray) -> float:
    """By how many dB the upsampler beats both interpolations at frames that were averaged to half their size."""
    height, width = pixels.shape[1:3]
    small = [cv2.resize(frame, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA) for frame in pixels]
    learned = kept_psnr(np.stack(list(double(system.upsampler, small))), pixels)
    plain = (np.stack([cv2.resize(frame, (width, height), interpolation=method) for frame in small])
             for method in (cv2.INTER_CUBIC, cv2.INTER_LANCZOS4))
    return learned - max(kept_psnr(frames, pixels) for frames in plain)


@torch.inference_mode()
def limits(system: System, clip: Video) -> dict[str, float]:
    """What a clip of the world itself has at the same places: its first 17 frames, and what follows."""
    length, made = 1 + FRAMES * round(2 * clip.fps / FRAMES), round(SECONDS * clip.fps)
    given, (first, last) = clip.pixels[:length], (round(end * clip.fps) for end in RANGE)
    whole = clip.pixels[:length + made]
    return {
        "image, seam": seam_ratio(given, 1),
        "extend forward, seam": seam_ratio(whole, length),
        "extend backward, seam": seam_ratio(whole, made),
        "infill, first seam": seam_ratio(given, first),
        "infill, second seam": seam_ratio(given, last),
        "loop, seam": seam_ratio(given, length - 1),
        "edit with the same prompt, PSNR dB": kept_psnr(decode(system, encode_start(system, given)), given),
    }
