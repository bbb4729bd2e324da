"""What a user's own frames have and the autoencoder cannot hold is given to the frames that are made next to them.

A made frame beside a given one lacks its finest detail, and that is seen as a jump. What was made of the given frame
itself tells what is lost. It is added to the neighbours, less with every frame: to each pixel what is lost where the
layout says that this pixel was then, if the made frames agree that it was there.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .models.autoencoder import FRAMES
from .models.layout import Layout, follow, owners

FADE = 12  # frames on either side of a given one
ALIKE = 14.0  # levels; where two made frames differ by so much, a third of what is lost is given back
REACH = 0.02  # of the height: what is looked at around a pixel


@dataclass
class Made:
    """A made frame (H, W, 3), and what given frames have added to it so far."""
    number: int
    frame: np.ndarray
    gift: np.ndarray | float = 0.0  # (H, W, 3)
    weight: np.ndarray | float = 0.0  # (H, W, 1)

    def take(self, given: "Given", layout: Layout | None, covers: Tensor | None) -> None:
        """What was lost of a given frame is given to this one, if it is near enough; `layout` is one frame by frame."""
        distance = abs(self.number - given.number)
        if distance > FADE:
            return
        import cv2  # slow to load, and of no use before there are frames

        seen, loss = given.frame, given.loss
        if layout is not None:
            now, then = (number + FRAMES - 1 for number in (self.number, given.number))
            there = follow(layout, now, then, owners(layout, now, *self.frame.shape[:2], covers)).float().numpy()
            seen, loss = (cv2.remap(picture, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                          for picture in (seen, loss))
        share = (1 - distance / (FADE + 1)) * likeness(self.frame, seen)
        self.gift, self.weight = self.gift + share * loss, self.weight + share

    def finished(self) -> np.ndarray:
        """uint8; between two given frames it gets no more than either would give."""
        return (self.frame + self.gift / np.maximum(self.weight, 1)).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Given:
    """What was made of a frame that is given, uint8 (H, W, 3), and what was lost in the making, float32."""
    number: int
    frame: np.ndarray
    loss: np.ndarray


def join(made: Iterable[np.ndarray], given: Iterable[np.ndarray | None],
         layout: Layout | None = None, covers: Tensor | None = None) -> Iterator[np.ndarray]:
    """The given frames where there are any, else the made ones, uint8 (H, W, 3); FADE frames are held back.

    What things fill of their squares is said by `covers`, see `owners`.
    """
    flat = layout and layout.frame_by_frame()
    waiting: deque[Made] = deque()
    last: Given | None = None
    for number, (frame, own) in enumerate(zip(made, given)):
        if own is None:
            waiting.append(Made(number, frame))
            if last is not None:
                waiting[-1].take(last, flat, covers)
            if len(waiting) > FADE:
                yield waiting.popleft().finished()
            continue
        last = Given(number, frame, own.astype(np.float32) - frame)
        for before in waiting:
            before.take(last, flat, covers)
            yield before.finished()
        waiting.clear()
        yield own
    for rest in waiting:
        yield rest.finished()


def likeness(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much two made frames show the same, (H, W, 1) from 0 to 1."""
    import cv2

    side = 2 * round(REACH * len(frame)) + 1
    different = cv2.blur(cv2.absdiff(frame, other).max(-1).astype(np.float32), (side, side))
    return np.exp(-np.square(different / ALIKE))[..., None]
