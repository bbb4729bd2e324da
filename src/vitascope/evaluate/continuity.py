"""Does a clip hold together? Seams, frames that were to be kept, and drift, of any clip whatever it shows.

In go frames uint8 (T, H, W, 3); a jump is the mean absolute difference between two neighbouring frames, in levels of
255.
"""

from dataclasses import dataclass

import cv2
import numpy as np

STILLEST = 0.25  # levels; a clip whose median jump is smaller counts as having this one


@dataclass(frozen=True)
class Look:
    """Statistics of some frames."""
    sharpness: float  # mean absolute value of the Laplacian of the brightness, levels
    brightness: float  # mean, levels
    contrast: float  # standard deviation of the brightness, levels
    colour: float  # mean distance from grey, levels


def jumps(frames: np.ndarray) -> np.ndarray:
    """The jump from each frame to the next, (T - 1,)."""
    return np.array([np.abs(after.astype(np.int16) - before).mean() for before, after in zip(frames[:-1], frames[1:])])


def seam_ratio(frames: np.ndarray, seam: int) -> float:
    """The jump into frame `seam` as a multiple of the median of all others; a seam of at most 1 is not seen."""
    if not 0 < seam < len(frames) or len(frames) < 3:
        raise ValueError(f"the seam is before frame {seam} of {len(frames)}; expected one within a clip of at least 3 "
                         "frames")
    all_jumps = jumps(frames)
    return float(all_jumps[seam - 1] / max(np.median(np.delete(all_jumps, seam - 1)), STILLEST))


def loop_ratio(frames: np.ndarray) -> float:
    """The jump from the last frame to the first as a multiple of the median jump."""
    return seam_ratio(np.concatenate([frames, frames[:1]]), len(frames))


def kept_psnr(frames: np.ndarray, given: np.ndarray, where: np.ndarray | None = None) -> float:
    """PSNR in dB of frames that were to stay as given, where `where`, bool (T, H, W), says so; infinite if equal."""
    if frames.shape != given.shape:
        raise ValueError(f"the frames have shape {frames.shape}, those given {given.shape}; expected the same")
    squares = np.square(frames.astype(np.float32) - given)
    error = squares.mean() if where is None else squares[where].mean()
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def look(frames: np.ndarray) -> Look:
    """Sharpness and colours of frames."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    sharpness = np.mean([np.abs(cv2.Laplacian(one, cv2.CV_32F)).mean() for one in grey])
    colour = np.mean([np.abs(frame.astype(np.float32) - frame.mean(-1, keepdims=True)).mean() for frame in frames])
    return Look(float(sharpness), float(np.mean(grey)), float(np.mean([one.std() for one in grey])), float(colour))


def drift(frames: np.ndarray, fps: float, seconds: float = 5.0) -> dict[str, float]:
    """By what share each statistic of the last seconds differs from that of the first."""
    count = max(round(seconds * fps), 1)
    if len(frames) < 2 * count:
        raise ValueError(f"the clip has {len(frames) / fps:g} seconds; expected at least {2 * seconds:g}")
    first, last = vars(look(frames[:count])), vars(look(frames[-count:]))
    return {name: abs(last[name] - first[name]) / max(first[name], 1.0) for name in first}
