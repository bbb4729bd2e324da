"""The mark's strength over time: between 1 and -1 within seconds, so that what stands still cancels in the sum of the
frames with the same weights. In: how many frames, and their rate. Out: weights, and the parts that can be marked apart.
Knows no pictures.
"""

from itertools import pairwise

import numpy as np

PERIOD, CREST = 4.0, 1.6  # of the swing: seconds, and how flat its ends are
FEWEST = 5  # frames of the shortest clip that swings


def swing(count: int, fps: float) -> np.ndarray:
    """The mark's strength over time, (T,): it swings between 1 and -1 within PERIOD, flat at the ends; stills have 1.

    What does not move then cancels in the sum of the frames with these weights, and the mark does not.
    """
    if count < FEWEST:
        return np.ones(count)
    time = (np.arange(count) + 0.5) / fps
    wave = np.clip(CREST * np.cos(2 * np.pi * time / period(count / fps)), -1, 1)
    return wave - wave.mean()


def period(seconds: float) -> float:
    """Seconds of one swing: about PERIOD, so that halves of it fill the clip; twice the length of a short one."""
    return 2 * seconds / half_swings(seconds)


def half_swings(seconds: float) -> int:
    return max(round(2 * seconds / PERIOD), 1)


def chunks(count: int, fps: float) -> list[tuple[int, int]]:
    """(first, last) frames of each half swing: a half comes back to where it began, so what stands still cancels."""
    number = half_swings(count / fps) if count >= FEWEST else 1
    return list(pairwise(round(end * count / number) for end in range(number + 1)))
