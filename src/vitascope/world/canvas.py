"""Anti-aliased drawing in units: the same calls give the same picture at every size.

In go shapes in units (1 unit is the height of the view; x to the right from the left edge, y down; the bottom unit of the
picture is y in [0, 1], what lies above it has negative y) with colours as they look in plain daylight; out comes a uint8
RGB picture under the canvas's light.  A canvas knows nothing of places or random numbers.
"""

from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[float, float, float]  # red, green, blue in [0, 255]
Point = tuple[float, float]  # x, y in units

SUBPIXEL_BITS = 4


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Colour between `a` (t = 0) and `b` (t = 1)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def coverage(start: np.ndarray, stop: np.ndarray, pixels: int) -> np.ndarray:
    """Share (n, pixels) of each pixel of a row that n intervals [start, stop) cover, in pixels from the left edge."""
    left = np.arange(pixels, dtype=np.float32)
    return np.clip(np.minimum(stop[:, None], left + 1) - np.maximum(start[:, None], left), 0, 1)


class Canvas:
    """A picture (height, width, 3) under a light, drawn on in units of `scale` pixels."""

    def __init__(self, width: int, height: int, scale: int, *, tint: Colour = (1.0, 1.0, 1.0)) -> None:
        self.pixels = np.zeros((height, width, 3), np.uint8)
        self.scale = scale
        self.top = height - scale  # pixels above y = 0
        self.tint = tint
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
        self.pixels[first:] = self._gradient(self.y[first:], stops, glow)[:, None]

    def land(self, edge: np.ndarray, top: Colour, bottom: Colour, *, depth: float, glow: bool = False) -> None:
        """Fills everything below the line y = edge (W,) in units; the colour runs from `top` at the highest point of the
        edge to `bottom` at `depth` units below it."""
        start = float(edge.min())
        first = max(int(start * self.scale + self.top - 1), 0)
        last = min(int(float(edge.max()) * self.scale + self.top + 2), len(self.y))
        colours = self._gradient(self.y[first:], [(start, top), (start + depth, bottom)], glow)
        band = self.pixels[first:last]
        if len(band):
            share = np.clip((self.y[first:last, None] - edge) * self.scale + 0.5, 0, 1)[..., None]
            band[:] = band + share * (colours[: last - first, None] - band) + 0.5
        self.pixels[max(last, 0) :] = (colours[max(last - first, 0) :, None] + 0.5).astype(np.uint8)

    def grid(
        self, x: np.ndarray, y: np.ndarray, size: Point, colour: Colour, *,
        opacity: np.ndarray | None = None, right: Colour | None = None, glow: bool = False,
    ) -> None:  # fmt: skip
        """Upright rectangles of `size` (wide, high) with left edges x (m,) and tops y (n,), all pairs of them; `opacity`
        (n, m) says how much of each is seen, `right` is the colour at the right end of a gradient from left to right."""
        left, upper = x[0] * self.scale, y[0] * self.scale + self.top
        i0, i1 = max(int(left), 0), min(int((x[-1] + size[0]) * self.scale) + 1, len(self.x))
        j0, j1 = max(int(upper), 0), min(int((y[-1] + size[1]) * self.scale + self.top) + 1, len(self.y))
        if i0 >= i1 or j0 >= j1:
            return
        across = coverage(x * self.scale - i0, (x + size[0]) * self.scale - i0, i1 - i0)
        start = y * self.scale + self.top - j0
        down = coverage(start, start + size[1] * self.scale, j1 - j0)
        if opacity is None:
            share = down.sum(0)[:, None] * across.sum(0)
        else:
            share = down.T @ (opacity.astype(np.float32) @ across)
        patch = self.pixels[j0:j1, i0:i1]
        ink = np.array(self.lit(colour, glow=glow), np.float32)
        if right is not None:
            t = np.linspace(0, 1, i1 - i0, dtype=np.float32)[:, None]
            ink = ink + t * (np.array(self.lit(right, glow=glow), np.float32) - ink)
        patch[:] = patch + share[..., None] * (ink - patch) + 0.5

    def box(self, x: float, y: float, wide: float, high: float, colour: Colour, **options) -> None:
        """One upright rectangle from its top left corner; options as for `grid`."""
        self.grid(np.array([x], np.float32), np.array([y], np.float32), (wide, high), colour, **options)

    def polygon(self, points: Sequence[Point], colour: Colour, *, glow: bool = False) -> None:
        """A filled polygon of one colour."""
        corners = np.array([self._fixed(x, y) for x, y in points], np.int32)
        cv2.fillPoly(self.pixels, [corners], self.lit(colour, glow=glow), cv2.LINE_AA, SUBPIXEL_BITS)

    def stroke(self, points: Sequence[Point], thick: float, colour: Colour, *, glow: bool = False) -> None:
        """A line through the points, `thick` units wide, with round joints."""
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
            nx, ny = (y0 - y1) / length * thick / 2, (x1 - x0) / length * thick / 2
            self.polygon([(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)], colour, glow=glow)
        for x, y in points[1:-1]:
            self.ellipse(x, y, thick / 2, thick / 2, colour, glow=glow)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *,
        start: float = 0, stop: float = 360, angle: float = 0, glow: bool = False,
    ) -> None:  # fmt: skip
        """A filled ellipse (or the sector from `start` to `stop` degrees) around (x, y)."""
        axes = (max(int(rx * self.scale * 16 - 4), 1), max(int(ry * self.scale * 16 - 4), 1))
        cv2.ellipse(
            self.pixels, self._fixed(x, y), axes, angle, start, stop, self.lit(colour, glow=glow), -1, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def ball(
        self, x: float, y: float, rx: float, ry: float, dark: Colour, light: Colour, *, steps: int = 5, glow: bool = False
    ) -> None:
        """A softly shaded ball: dark at the lower right, light towards the upper left."""
        for k in range(steps):
            t = k / max(steps - 1, 1)
            shrink = 1 - 0.62 * t
            self.ellipse(
                x - rx * 0.24 * t, y - ry * 0.3 * t, rx * shrink, ry * shrink, mix(dark, light, t), glow=glow
            )

    def _fixed(self, x: float, y: float) -> tuple[int, int]:
        """Units to OpenCV's fixed-point pixel coordinates, whose pixel centres lie on whole numbers."""
        unit = 1 << SUBPIXEL_BITS
        return round((x * self.scale - 0.5) * unit), round((y * self.scale + self.top - 0.5) * unit)

    def _gradient(self, y: np.ndarray, stops: Sequence[tuple[float, Colour]], glow: bool) -> np.ndarray:
        """Colours (n, 3) float32 at heights y (n,) between stops of rising y."""
        at = [stop for stop, _ in stops]
        inks = np.array([self.lit(colour, glow=glow) for _, colour in stops], np.float32)
        return np.stack([np.interp(y, at, inks[:, c]) for c in range(3)], -1).astype(np.float32)
