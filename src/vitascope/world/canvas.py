"""Anti-aliased drawing in units: the same calls give the same picture at every size.

In go shapes in units (1 unit is the height of the view; x to the right from the left edge, y down; the bottom unit of
the picture is y in [0, 1], what lies above it has negative y) with colours as they look in plain daylight; out comes a
uint8 RGB picture under the canvas's light. A canvas knows nothing of places or random numbers.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[float, float, float]  # red, green, blue in [0, 255]
Point = tuple[float, float]  # x, y in units

SUBPIXEL_BITS = 4
SPREAD = 0.7  # pixels by which an anti-aliased shape of OpenCV exceeds its outline


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Colour between `a` (t = 0) and `b` (t = 1)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def coverage(start: np.ndarray, length: float, pixels: int) -> np.ndarray:
    """Share (n, pixels) of each pixel of a row that n intervals of one length from `start` (n,) cover, in pixels."""
    left = np.arange(pixels, dtype=np.float32) - start[:, None].astype(np.float32)
    return np.clip(np.minimum(left + 1, length) - np.maximum(left, 0), 0, 1)


class Canvas:
    """A picture (height, width, 3) under a light, drawn on in units of `scale` pixels."""

    def __init__(self, width: int, height: int, scale: int, *, tint: Colour = (1.0, 1.0, 1.0)) -> None:
        self.pixels = np.zeros((height, width, 3), np.uint8)
        self.scale = scale
        self.top = height - scale  # pixels above y = 0
        self.tint = tint
        # OpenCV's fixed-point pixel coordinates, in which pixel centres lie on whole numbers.
        self._fixed_scale = scale << SUBPIXEL_BITS
        self._fixed_x = -0.5 * (1 << SUBPIXEL_BITS) + 0.5
        self._fixed_y = (self.top - 0.5) * (1 << SUBPIXEL_BITS) + 0.5
        self.width = width / scale  # units
        self.x = (np.arange(width, dtype=np.float32) + 0.5) / scale  # (W,) units, pixel centres
        self.y = (np.arange(height, dtype=np.float32) + 0.5 - self.top) / scale  # (H,) units

    def lit(self, colour: Colour, *, glow: bool = False) -> Colour:
        """The colour under the canvas's light; what glows keeps its own."""
        if glow:
            return colour
        r, g, b = self.tint
        return (min(colour[0] * r, 255.0), min(colour[1] * g, 255.0), min(colour[2] * b, 255.0))

    def rows(self, stops: Sequence[tuple[float, Colour]], *, glow: bool = False) -> None:
        """Fills all rows from the first stop's y (units) to the bottom with a vertical gradient through the stops."""
        first = int(np.searchsorted(self.y, stops[0][0]))
        self._fill_rows(first, self._gradient(self.y[first:], stops, glow))

    def land(self, edge: np.ndarray, top: Colour, bottom: Colour, *, depth: float) -> None:
        """Fills everything below the line y = edge (W,) in units; the colour runs from `top` at the highest point of
        the edge to `bottom` at `depth` units below it."""
        start = float(edge.min())
        first = min(max(int(start * self.scale + self.top - 1), 0), len(self.y))
        last = min(max(int(float(edge.max()) * self.scale + self.top + 2), first), len(self.y))
        colours = self._gradient(self.y[first:], [(start, top), (start + depth, bottom)], False)
        if first < last:
            share = np.clip((self.y[first:last, None] - edge) * self.scale + 0.5, 0, 1)
            ink = np.tile(colours[: last - first], (1, len(edge)))
            self._blend(first, last, 0, len(edge), np.repeat(share, 3, axis=1), ink)
        self._fill_rows(last, colours[last - first :])

    def grid(
        self, x: np.ndarray, y: np.ndarray, size: Point, colour: Colour, *,
        opacity: np.ndarray | None = None, glow: bool = False,
    ) -> None:  # fmt: skip
        """Upright rectangles of `size` (wide, high) with left edges x (m,) and tops y (n,), rising, all pairs of them;
        `opacity` (n, m) says how much of each is seen."""
        left, upper = x * self.scale, y * self.scale + self.top
        i0, i1 = max(int(left[0]), 0), min(int(left[-1] + size[0] * self.scale) + 1, len(self.x))
        j0, j1 = max(int(upper[0]), 0), min(int(upper[-1] + size[1] * self.scale) + 1, len(self.y))
        if i0 >= i1 or j0 >= j1:
            return
        across = np.repeat(coverage(left - i0, size[0] * self.scale, i1 - i0), 3, axis=1)
        down = coverage(upper - j0, size[1] * self.scale, j1 - j0)
        if opacity is None:
            share = down.sum(0)[:, None] * across.sum(0)
        else:
            share = down.T @ (opacity.astype(np.float32) @ across)
        self._blend(j0, j1, i0, i1, share, np.tile(np.array(self.lit(colour, glow=glow), np.float32), i1 - i0))

    def box(
        self, x: float, y: float, wide: float, high: float, colour: Colour, *,
        right: Colour | None = None, low: Colour | None = None, glow: bool = False,
    ) -> None:  # fmt: skip
        """An upright rectangle from its top left corner, of one colour or shaded towards `right` or else `low`."""
        if min(wide, high) * self.scale < 3:
            self.grid(np.array([x], np.float32), np.array([y], np.float32), (wide, high), colour, glow=glow)
            return
        inset = SPREAD / self.scale
        x0, y0, x1, y1 = x + inset, y + inset, x + wide - inset, y + high - inset
        end = low if right is None else right
        middle = colour if end is None else mix(colour, end, 0.5)
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], middle, glow=glow)
        i0, i1 = max(int(x * self.scale + 1), 0), min(int((x + wide) * self.scale), len(self.x))
        j0, j1 = max(int(y * self.scale + self.top + 1), 0), min(int((y + high) * self.scale + self.top), len(self.y))
        if end is None or i0 >= i1 or j0 >= j1:
            return
        t = (self.x[i0:i1] - x) / wide if right is not None else (self.y[j0:j1] - y) / high
        first, last = np.array(self.lit(colour, glow=glow)), np.array(self.lit(end, glow=glow))
        inks = np.clip(first + t[:, None] * (last - first) + 0.5, 0, 255).astype(np.uint8)
        patch = self.pixels[j0:j1, i0:i1]
        line = inks[None] if right is not None else inks[:, None]
        cv2.resize(line, (i1 - i0, j1 - j0), dst=patch, interpolation=cv2.INTER_NEAREST)

    def polygon(self, points: Sequence[Point], colour: Colour, *, glow: bool = False) -> None:
        """A filled polygon of one colour."""
        scale, dx, dy = self._fixed_scale, self._fixed_x, self._fixed_y
        corners = np.array([(int(x * scale + dx), int(y * scale + dy)) for x, y in points], np.int32)
        cv2.fillPoly(self.pixels, [corners], self.lit(colour, glow=glow), cv2.LINE_AA, SUBPIXEL_BITS)

    def stroke(self, points: Sequence[Point], thick: float, colour: Colour, *, glow: bool = False) -> None:
        """A line through the points, `thick` units wide, with mitred joints and flat ends."""
        half = max(thick / 2 - SPREAD / self.scale, 0.1 / self.scale)
        normals = []
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            length = math.hypot(x1 - x0, y1 - y0)
            normals.append(((y0 - y1) / length, (x1 - x0) / length))
        left, right = [], []
        for (x, y), (ax, ay), (bx, by) in zip(points, normals[:1] + normals, normals + normals[-1:], strict=True):
            mitre = half / (1 + ax * bx + ay * by)
            dx, dy = (ax + bx) * mitre, (ay + by) * mitre
            left.append((x + dx, y + dy))
            right.append((x - dx, y - dy))
        self.polygon(left + right[::-1], colour, glow=glow)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *,
        start: float = 0, stop: float = 360, angle: float = 0, glow: bool = False,
    ) -> None:  # fmt: skip
        """A filled ellipse (or the sector from `start` to `stop` degrees) around (x, y)."""
        if max(rx, ry) * self.scale < 2 and stop - start == 360:  # OpenCV's tiny ellipses come out hollow
            dx, dy = (max(0.9 * r - SPREAD / self.scale, 0.1 / self.scale) for r in (rx, ry))
            self.polygon([(x - dx, y - dy), (x + dx, y - dy), (x + dx, y + dy), (x - dx, y + dy)], colour, glow=glow)
            return
        axes = (self._radius(rx), self._radius(ry))
        ink = self.lit(colour, glow=glow)
        cv2.ellipse(self.pixels, self._fixed(x, y), axes, angle, start, stop, ink, -1, cv2.LINE_AA, SUBPIXEL_BITS)

    def ball(
        self, x: float, y: float, rx: float, ry: float, dark: Colour, light: Colour, *,
        steps: int = 5, glow: bool = False,
    ) -> None:  # fmt: skip
        """A softly shaded ball: dark at the lower right, light towards the upper left."""
        for k in range(steps):
            t = k / max(steps - 1, 1)
            shrink = 1 - 0.62 * t
            self.ellipse(
                x - rx * 0.24 * t, y - ry * 0.3 * t, rx * shrink, ry * shrink, mix(dark, light, t), glow=glow
            )

    def glow(self, x: float, y: float, r: float, colour: Colour) -> None:
        """Light around (x, y) that fades to nothing at the distance `r`."""
        i0, i1 = np.searchsorted(self.x, (x - r, x + r))
        j0, j1 = np.searchsorted(self.y, (y - r, y + r))
        if i0 >= i1 or j0 >= j1:
            return
        distance = np.hypot(self.x[i0:i1] - np.float32(x), (self.y[j0:j1, None] - np.float32(y))) / np.float32(r)
        self.blend(slice(j0, j1), slice(i0, i1), np.square(np.clip(1 - distance, 0, 1)), colour)

    def blend(self, rows: slice, columns: slice, share: np.ndarray, colour: Colour) -> None:
        """Moves a rectangle of pixels by `share` (rows, columns) in [0, 1] towards a colour, whatever the light."""
        ink = np.tile(np.array(colour, np.float32), share.shape[1])
        self._blend(rows.start, rows.stop, columns.start, columns.stop, np.repeat(share, 3, axis=1), ink)

    def _radius(self, r: float) -> int:
        """A radius in units as fixed-point pixels, less what OpenCV adds."""
        return max(int((r * self.scale - SPREAD) * (1 << SUBPIXEL_BITS)), 1)

    def _fixed(self, x: float, y: float) -> tuple[int, int]:
        """Units to OpenCV's fixed-point pixel coordinates."""
        return int(x * self._fixed_scale + self._fixed_x), int(y * self._fixed_scale + self._fixed_y)

    def _fill_rows(self, first: int, colours: np.ndarray) -> None:
        """Sets the rows from `first` on to the colours (n, 3), n being all the rows that are left."""
        if len(colours):
            column = (colours[:, None] + 0.5).astype(np.uint8)
            cv2.resize(column, (len(self.x), len(column)), dst=self.pixels[first:], interpolation=cv2.INTER_NEAREST)

    def _blend(self, j0: int, j1: int, i0: int, i1: int, share: np.ndarray, ink: np.ndarray) -> None:
        """Moves rows j0 to j1 of columns i0 to i1 by `share` (rows, columns x 3) towards `ink` of the same shape."""
        # Pixels and channels in one axis: NumPy is several times slower when the innermost axis has three elements.
        patch = self.pixels.reshape(len(self.y), -1)[j0:j1, 3 * i0 : 3 * i1]
        ink = ink - patch
        ink *= share
        ink += patch
        ink += 0.5
        patch[:] = ink

    def _gradient(self, at: np.ndarray, stops: Sequence[tuple[float, Colour]], glow: bool) -> np.ndarray:
        """Colours (n, 3) float32 at the places `at` (n,) between stops of rising place."""
        marks = np.array([stop for stop, _ in stops])
        inks = np.array([self.lit(colour, glow=glow) for _, colour in stops], np.float32)
        hats = np.maximum(0, 1 - np.abs(np.interp(at, marks, np.arange(len(marks)))[:, None] - np.arange(len(marks))))
        return hats.astype(np.float32) @ inks
