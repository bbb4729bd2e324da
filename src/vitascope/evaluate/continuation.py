"""How well a model goes on from what it is given: clips of the world extended, filled in, looped and masked, measured.

The jump at every seam stands as a multiple of the clip's own median jump, and what was given as the PSNR that it kept.
Needs no reader: nothing here asks what a clip shows.
"""

from collections.abc import Iterable
from statistics import median

import numpy as np

from ..edits import Plan, edit_clip, extend_backward, extend_forward, fill_range, inpaint_clip, loop_clip, make
from ..system import System
from ..video import Video
from .continuity import kept_psnr, loop_ratio, seam_ratio

SECONDS = 1.0  # that are made in each task
RANGE = (0.625, 1.125)  # seconds that are made anew of a clip of 17 frames
STRENGTH = 0.6


def measure(system: System, clip: Video, prompt: str, *, seed: int = 0, steps: int | None = None) -> dict[str, float]:
    """Every measure of one clip of 17 frames, of an output size of the system."""
    def film(plan: Plan) -> np.ndarray:
        return np.stack(list(make(system, plan, seed=seed, steps=steps)))

    length, mask = len(clip), np.zeros((1, *clip.pixels.shape[1:3]), bool)
    mask[:, :, clip.size[0] // 2:] = True
    after = film(extend_forward(system, clip, prompt=prompt, seconds=SECONDS))
    before = film(extend_backward(system, clip, prompt=prompt, seconds=SECONDS))
    filled = film(fill_range(system, clip, start=RANGE[0], end=RANGE[1], prompt=prompt))
    looped = film(loop_clip(system, clip, prompt=prompt, seconds=SECONDS))
    painted = film(inpaint_clip(system, clip, mask, prompt=prompt))
    edited = film(edit_clip(system, clip, prompt=prompt, strength=STRENGTH))
    first, last = (round(end * clip.fps) for end in RANGE)
    outside = np.r_[0:first, last:length]
    return {
        "extend forward, seam": seam_ratio(after, length),
        "extend forward, kept dB": kept_psnr(after[:length], clip.pixels),
        "extend backward, seam": seam_ratio(before, len(before) - length),
        "extend backward, kept dB": kept_psnr(before[-length:], clip.pixels),
        "infill, first seam": seam_ratio(filled, first),
        "infill, second seam": seam_ratio(filled, last),
        "infill, kept dB": kept_psnr(filled[outside], clip.pixels[outside]),
        "loop, seam": loop_ratio(looped),
        "inpaint, kept dB": kept_psnr(painted, clip.pixels, np.broadcast_to(~mask, painted.shape[:3])),
        "edit with the same prompt, PSNR dB": kept_psnr(edited, clip.pixels),
    }


def medians(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """The median of every measure over several clips."""
    rows = list(rows)
    if not rows:
        raise ValueError("there are no clips to measure; expected at least one")
    return {name: median(row[name] for row in rows) for name in rows[0]}
