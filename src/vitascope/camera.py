"""The camera's path from how the background moves: corners followed from frame to frame (Lucas-Kanade, RANSAC).

In go small uint8 frames (T, H, W, 3) and where no subject is; out comes the path of the view. Lengths are in heights of
the view, x from its left edge, y from its top downwards; the world's coordinates are those of the first frame's view.
"""

from dataclasses import dataclass

import cv2
import numpy as np

CORNERS, FEW = 80, 10  # points that the motion is measured at, and too few for a zoom
LEAST = 4  # points that say anything
TOGETHER = 0.4  # pixels that points which move as one may differ by

Step = tuple[float, float, float, float]
"""dx, dy (pixels), z, share of inliers: the background's point p moves to z p + d."""


@dataclass(frozen=True)
class CameraPath:
    """Where the view is in the first frame's coordinates, arrays over T."""
    x: np.ndarray  # left edge
    y: np.ndarray  # top
    zoom: np.ndarray
    trust: np.ndarray  # share of the points that moved as one, 0 to 1

    def world(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From the view's coordinates to the world's."""
        return x / self.zoom + self.x, y / self.zoom + self.y


def follow_camera(small: np.ndarray, free: np.ndarray, aspect: float) -> CameraPath:
    """The path of the view over frames (T, H, W, 3), measured where `free` (T, H, W) says that no subject is."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]
    steps = [_background_step(grey[t], grey[t + 1], free[t] & free[t + 1]) for t in range(len(grey) - 1)]
    known = np.array([step for step in steps if step is not None]).reshape(-1, 4)
    usual = np.array([0.0, 0.0, 1.0, 0.0]) if not len(known) else np.append(np.median(known[:, :3], axis=0), 0.0)
    x, y, grow, trust = [0.0], [0.0], [1.0], [1.0]
    for step in steps:
        dx, dy, z, share = usual if step is None else step
        grow.append(grow[-1] / z)
        x.append(x[-1] - grow[-1] * dx)
        y.append(y[-1] - grow[-1] * dy)
        trust.append(share)
    rows, columns = small.shape[1:3]
    return CameraPath(np.array(x) * aspect / columns, np.array(y) / rows, 1 / np.array(grow), np.array(trust))


def _background_step(one: np.ndarray, two: np.ndarray, free: np.ndarray) -> Step | None:
    """How the background moves from one grey picture to the next; None if little of it is seen."""
    points = cv2.goodFeaturesToTrack(one, CORNERS, 0.004, 3, mask=free.astype(np.uint8), blockSize=3)
    if points is None or len(points) < LEAST:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(one, two, points, None, winSize=(9, 9), maxLevel=2)
    seen = status[:, 0] > 0
    points, moved = points[seen, 0], moved[seen, 0]
    if len(points) < LEAST:
        return None
    shift = np.median(moved - points, axis=0)
    together = np.abs(moved - points - shift).max(1) < TOGETHER
    if together.mean() > 0.8 or len(points) < FEW:  # a few points would make a zoom of any noise
        shift = np.mean((moved - points)[together], axis=0) if together.any() else shift
        return float(shift[0]), float(shift[1]), 1.0, float(together.mean())
    matrix, inliers = cv2.estimateAffinePartial2D(points, moved, ransacReprojThreshold=TOGETHER)
    if matrix is None:
        return None
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    middle = np.array([one.shape[1] / 2, one.shape[0] / 2])
    shift = matrix[:, :2] @ middle + matrix[:, 2] - zoom * middle  # without the turn that a view never makes
    return float(shift[0]), float(shift[1]), zoom, float(inliers.mean())
