"""What a user's own frames of a clip tell its plan: how the camera moves, and where things are.

The camera's path is read from how the background moves, and things are looked for by their textures. Neither asks a
transformer, and both are exact to a fraction of a pixel where they say anything.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .finding import Finder
from .models.autoencoder import FRAMES
from .models.layout import VIEW
from .models.textures import Textures

EYE = 64  # height in pixels at which the camera is followed
FILMED, TRUSTED = 0.2, 0.5  # share of a frame that it takes, share of the points that have to move as one


@dataclass(frozen=True, eq=False)
class Footage:
    """A user's own frames of a clip."""
    pixels: np.ndarray  # uint8 (T, H, W, 3)
    filmed: np.ndarray  # (T, H, W), bool: where they show something

    @property
    def seen(self) -> np.ndarray:
        """Which frames (T,) show enough."""
        return self.filmed.mean((1, 2)) > FILMED

    @cached_property
    def camera(self) -> Tensor:
        """The camera's step into every frame of the clip's layout, (K, FRAMES, VIEW); NaN if unknown."""
        import cv2  # slow to load, and of no use where nothing is given

        from .camera import follow_camera

        T, H, W = self.filmed.shape
        steps = np.full((FRAMES - 1 + T, VIEW), np.nan)
        for known, run in groupby(range(T), key=self.seen.__getitem__):
            if not known or len(frames := [*run]) < 2:
                continue
            small, free = (np.stack([cv2.resize(each.astype(np.uint8), (W * EYE // H, EYE), interpolation=way)
                                     for each in array[frames]])
                           for array, way in ((self.pixels, cv2.INTER_AREA), (self.filmed, cv2.INTER_NEAREST)))
            path = follow_camera(small, free > 0, W / H)
            if path.trust.mean() > TRUSTED:
                middle = np.stack([path.x + W / H / 2 / path.zoom, path.y + 0.5 / path.zoom], 1)
                travel = np.diff(middle, axis=0) * path.zoom[1:, None]
                steps[FRAMES + frames[0]:FRAMES + frames[-1]] = np.column_stack([travel, np.diff(np.log(path.zoom))])
        return rearrange(torch.from_numpy(steps).float(), "(k f) v -> k f v", f=FRAMES)

    def finder(self, textures: Textures, groups: slice) -> Finder:
        """What looks for things in the frames that some groups of the clip's layout stand for."""
        numbers = torch.arange(1 - FRAMES, len(self.pixels)).clamp(min=0)  # the first frame stands FRAMES times
        numbers = torch.where(torch.from_numpy(self.seen)[numbers], numbers, -1)
        numbers = rearrange(numbers, "(k f) -> k f", f=FRAMES)[groups]
        taken = numbers.unique()
        taken = taken[taken >= 0]
        shown = torch.where(numbers < 0, -1, torch.searchsorted(taken, numbers.contiguous()))
        return Finder(textures, self.pixels[taken.numpy()], shown)
