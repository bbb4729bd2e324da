"""What a user's own frames have and the autoencoder cannot hold is given to the frames that are made next to them.

A made frame beside a given one lacks its finest detail, and that is seen as a jump even where the picture stands still. What
was made of the given frame itself tells what is lost: it is added to its neighbours, less with every frame, wherever nothing
has moved in between.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

FADE = 8  # frames on either side of a given one
STILL = 12.0  # levels; where two made frames differ by so much, a third of what is lost is given back
REACH = 0.04  # of the height: so near to something that moves, nothing stands still


def join(made: Iterable[np.ndarray], given: Iterable[np.ndarray | None]) -> Iterator[np.ndarray]:
    """The given frames where there are any, else the made ones, uint8 (H, W, 3); FADE frames are held back."""
    waiting: deque[tuple[np.ndarray, np.ndarray, np.ndarray]] = deque()  # made frame, what it has been given, its weight
    before: tuple[int, np.ndarray, np.ndarray] | None = None  # number, made frame, loss of the last given one
    for number, (frame, own) in enumerate(zip(made, given)):
        if own is None:
            weight = np.zeros((*frame.shape[:2], 1), np.float32)
            if before is not None and number - before[0] <= FADE:
                weight = nearness(number - before[0], frame, before[1])
            waiting.append((frame, weight * before[2] if before else weight, weight))
            if len(waiting) > FADE:
                yield repaired(*waiting.popleft())
            continue
        loss = own.astype(np.float32) - frame
        for distance in range(len(waiting), 0, -1):
            late, gift, weight = waiting.popleft()
            more = nearness(distance, late, frame)
            yield repaired(late, gift + more * loss, weight + more)
        yield own
        before = number, frame, loss
    for last in waiting:
        yield repaired(*last)


def nearness(distance: int, frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much a made frame shows what another one shows, (H, W, 1) from 0 to 1: less, the more frames lie between them."""
    side = 2 * round(REACH * len(frame)) + 1
    moved = cv2.dilate(cv2.absdiff(frame, other).max(-1), np.ones((side, side), np.uint8))
    still = np.exp(-np.square(cv2.blur(moved.astype(np.float32), (side, side)) / STILL))
    return (1 - distance / (FADE + 1)) * still[..., None]


def repaired(frame: np.ndarray, gift: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A frame with what it is given; between two given frames no more than either would give."""
    return (frame + gift / np.maximum(weight, 1)).round().clip(0, 255).astype(np.uint8)
