"""Where things happen: panoramas of places at a time of day, drawn from coordinates.

In go a name, a size and a generator; out comes a uint8 RGB panorama. Its bottom unit (`scale` pixels) is the view at
rest, what lies above is more sky for a camera that tilts up. A panorama takes the same few random numbers from the
generator whatever its size, so one generator state gives one picture at every scale. Places know nothing of subjects;
all they promise is the height at which a subject stands.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Colour, mix

NUMBERS = 64  # random numbers a panorama is made of

WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class TimeOfDay:
    """The sky and the light at one time of day."""

    zenith: Colour  # half a unit above the view at rest
    middle: Colour  # top of the view at rest
    horizon: Colour
    tint: Colour  # factor on all colours that do not glow
    cloud: Colour
    shade: Colour  # underside of a cloud
    dark: bool = False  # stars, moon and lit windows


DAY = TimeOfDay((52, 140, 235), (96, 180, 248), (208, 238, 254), (1.0, 1.0, 1.0), WHITE, (206, 224, 242))
SUNSET = TimeOfDay((74, 58, 140), (190, 84, 136), (255, 184, 92), (1.0, 0.72, 0.62), (255, 190, 160), (226, 112, 120))
NIGHT = TimeOfDay((8, 10, 38), (16, 22, 66), (52, 70, 132), (0.35, 0.41, 0.64), (66, 80, 134), (38, 48, 98), dark=True)
MORNING = TimeOfDay(
    (150, 186, 240), (226, 204, 236), (255, 232, 178), (1.0, 0.93, 0.82), (255, 244, 232), (248, 208, 206)
)

TIMES = {"day": DAY, "sunset": SUNSET, "night": NIGHT, "morning": MORNING}
TIMES_OF_DAY = tuple(TIMES)


class Backdrop(Canvas):
    """A canvas with a time of day and the panorama's random numbers."""

    def __init__(self, width: int, height: int, scale: int, *, time: TimeOfDay, numbers: np.ndarray) -> None:
        warm = (float(numbers[0]) - 0.5) * 0.06
        red, green, blue = time.tint
        super().__init__(width, height, scale, tint=(red * (1 + warm), green, blue * (1 - warm)))
        self.time = time
        self.numbers = numbers

    def number(self, k: int, low: float = 0.0, high: float = 1.0) -> float:
        """The k-th random number of this panorama, in [low, high)."""
        return low + (high - low) * float(self.numbers[k % NUMBERS])

    def centre(self, k: int, spread: float) -> float:
        """An x (units) that the view at rest shows: the middle of the panorama, moved by up to `spread`."""
        return self.width / 2 + self.number(k, -spread, spread)

    def along(self, spacing: float, *, jitter: float = 0.5, first: int = 1) -> Iterator[tuple[int, float]]:
        """Index and x (units) of things that stand in a row: one in each `spacing`, moved by up to `jitter` of it."""
        start = self.number(first, -1, 0) * spacing
        for k in range(int(self.width / spacing) + 3):
            yield first + 1 + 3 * k, start + (k + jitter * self.number(first + 1 + 3 * k)) * spacing

    def waves(self, *terms: tuple[float, float], first: int) -> np.ndarray:
        """Sum (W,) of sine waves, each (height, length) in units, with phases from random numbers."""
        line = np.zeros_like(self.x)
        for k, (height, length) in enumerate(terms):
            line += height * np.sin(2 * np.pi * (self.x / length + self.number(first + k)))
        return line


def sky(back: Backdrop, horizon: float, *, haze: Colour | None = None, clouds: bool = True) -> None:
    """Sky down to the horizon (units) with clouds, sun or moon and stars."""
    time = back.time
    low = time.horizon if haze is None else mix(time.horizon, back.lit(haze), 0.5)
    back.rows([(back.y[0] - 1, time.zenith), (-0.5, time.zenith), (0.0, time.middle), (horizon, low)], glow=True)
    x = back.centre(60, 0.42)
    if time.dark:
        stars(back, horizon - 0.15)
        back.ellipse(x, 0.16, 0.075, 0.075, (250, 244, 210), glow=True)
        back.ellipse(x + 0.035, 0.14, 0.062, 0.062, mix(time.middle, low, 0.2), glow=True)
    elif time is SUNSET:
        back.glow(x, horizon - 0.1, 0.5, (255, 226, 150))
        back.ellipse(x, horizon - 0.1, 0.1, 0.1, (255, 246, 206), glow=True)
    elif time is DAY:
        back.glow(x, 0.1, 0.22, (255, 248, 200))
        back.ellipse(x, 0.1, 0.07, 0.07, (255, 228, 96), glow=True)
    if clouds:
        for k, x in back.along(0.5, first=20, jitter=0.6):
            row = -0.36 + 0.26 * ((2 * k // 3) % 3)
            cloud(back, x, row + back.number(k + 1, -0.04, 0.04), back.number(k + 2, 0.75, 1.15))


def cloud(back: Backdrop, x: float, y: float, size: float) -> None:
    """A cloud of four puffs around (x, y)."""
    puffs = ((-0.11, 0.02, 0.055), (0.12, 0.025, 0.05), (0.05, -0.015, 0.075), (-0.04, -0.005, 0.08))
    for dx, dy, r in puffs:
        back.ellipse(x + dx * size, y + dy * size + 0.008, r * size * 1.15, r * size * 0.8, back.time.shade, glow=True)
    for dx, dy, r in puffs:
        back.ellipse(x + dx * size, y + (dy - 0.012) * size, r * size, 0.62 * r * size, back.time.cloud, glow=True)


def stars(back: Backdrop, low: float) -> None:
    """Stars between the top of the picture and the height `low` (units)."""
    for k, x in back.along(0.09, first=5):
        y = -0.5 + (low + 0.5) * ((0.618 * k + back.number(k + 1, 0, 0.2)) % 1)
        r = 0.006 + 0.006 * back.number(k + 2)
        back.ellipse(x, y, r, r, (255, 250, 225), glow=True)


def pine(
    back: Backdrop, x: float, foot: float, size: float, dark: Colour, light: Colour | None, *, snow: bool = False
) -> None:
    """A conifer of three tiers, `size` units high, its left side `light` or flat without it."""
    back.box(x - 0.045 * size, foot - 0.2 * size, 0.09 * size, 0.2 * size, (128, 84, 56), right=(88, 56, 42))
    for k in range(3):
        top, low = foot - size * (0.56 + 0.22 * k), foot - size * (0.14 + 0.24 * k)
        half = size * (0.30 - 0.065 * k)
        back.polygon([(x, top), (x + half, low), (x, low + 0.05 * size), (x - half, low)], dark)
        if light is not None:
            back.polygon([(x, top), (x + 0.1 * half, low), (x - 0.3 * half, low + 0.03 * size), (x - half, low)], light)
        if snow:
            edge = low - 0.11 * size
            cap = [(x, top), (x + 0.6 * half, edge), (x, edge - 0.05 * size), (x - 0.6 * half, edge)]
            back.polygon(cap, (246, 250, 255))


def tree(
    back: Backdrop, x: float, foot: float, size: float, dark: Colour = (52, 142, 70), light: Colour = (132, 208, 96)
) -> None:
    """A round tree, `size` units high."""
    back.box(x - 0.05 * size, foot - 0.45 * size, 0.1 * size, 0.45 * size, (156, 104, 66), right=(108, 68, 48))
    for dx, dy, r in ((-0.16, -0.52, 0.2), (0.17, -0.54, 0.2), (0.0, -0.72, 0.27)):
        back.ball(x + dx * size, foot + dy * size, r * size, r * size, dark, light, steps=4)


def bush(back: Backdrop, x: float, foot: float, size: float, dark: Colour, light: Colour) -> None:
    """A round bush, `size` units wide."""
    for dx, r in ((-0.26, 0.26), (0.28, 0.24), (0.0, 0.34)):
        back.ball(x + dx * size, foot - r * 0.6 * size, r * size, r * size, dark, light, steps=3)


def city(back: Backdrop) -> None:
    """Two rows of houses behind a pavement and a road."""
    sky(back, 0.72)
    for k, x in back.along(0.24, first=3):
        high = back.number(k, 0.34, 0.62)
        back.box(x, 0.72 - high, 0.19, high + 0.02, (150, 176, 214), right=(126, 152, 196))
    paints = ((240, 128, 108), (88, 186, 190), (250, 206, 120), (172, 146, 220), (124, 168, 236))
    for k, x in back.along(0.31, jitter=0.25, first=30):
        house(back, x, 0.255, back.number(k + 1, 0.26, 0.50), paints[(k // 3 + int(back.number(2) * 5)) % 5], k)
    back.rows([(0.735, (222, 220, 222)), (0.775, (196, 196, 204))])
    back.rows([(0.775, (158, 158, 170)), (0.79, (92, 96, 112)), (1.0, (74, 77, 94))])
    marks = np.arange(int(back.width / 0.3) + 2) * 0.3 - 0.15
    back.grid(marks, np.array([0.895]), (0.15, 0.02), (244, 240, 224))


def house(back: Backdrop, x: float, wide: float, high: float, paint: Colour, k: int) -> None:
    """A house front with a flat roof and a grid of windows, some of them lit at night."""
    top = 0.735 - high
    back.box(x, top, wide, high, mix(paint, WHITE, 0.15), right=mix(paint, (40, 30, 70), 0.22))
    back.box(x - 0.008, top - 0.012, wide + 0.016, 0.028, mix(paint, WHITE, 0.4))
    floors = max(int((high - 0.04) / 0.105), 1)
    columns = x + 0.036 + 0.0675 * np.arange(3)
    levels = top + 0.045 + 0.105 * np.arange(floors)
    back.grid(columns, levels, (0.046, 0.062), (74, 104, 150))
    if back.time.dark or back.time is SUNSET:
        lit = (np.arange(3) * 2 + np.arange(floors)[:, None] * 3 + k) % 5 < (3 if back.time.dark else 1)
        back.grid(columns, levels, (0.046, 0.062), (255, 214, 110), opacity=lit, glow=True)


def beach(back: Backdrop) -> None:
    """Sea between sky and sand, with palms."""
    horizon = 0.46 + back.number(2, -0.03, 0.03)
    sky(back, horizon)
    sea = back.time.horizon  # mirrored in the water
    far, near = mix(back.lit((24, 132, 196)), sea, 0.18), mix(back.lit((64, 214, 214)), sea, 0.12)
    back.rows([(horizon, far), (0.68, near)], glow=True)
    shine = np.arange(int(back.width / 0.22) + 2) * 0.22
    for row, shift in ((horizon + 0.045, 0.0), (horizon + 0.10, 0.12)):
        back.grid(shine + shift - 0.1, np.array([row]), (0.09, 0.008), (196, 244, 250))
    shore = 0.66 + back.waves((0.018, 0.9), (0.008, 0.37), first=4)
    back.land(shore, (246, 254, 255), (246, 254, 255), depth=0.1)
    back.land(shore + 0.022, (214, 178, 122), (236, 204, 146), depth=0.06)
    back.land(shore + 0.05, (252, 226, 164), (240, 200, 134), depth=0.34)
    for k, x in back.along(1.15, first=40):
        palm(back, x, 0.74, back.number(k + 1, 0.5, 0.6))
        parasol(back, x + 0.55, 0.75, (240, 84, 84))


def palm(back: Backdrop, x: float, foot: float, size: float) -> None:
    """A palm that leans to the right, `size` units high."""
    crown = (x + 0.14 * size, foot - 0.86 * size)
    back.stroke([(x, foot), (x + 0.03 * size, foot - 0.4 * size), crown], 0.075 * size, (168, 116, 72))
    for dx, dy in ((-0.42, 0.10), (0.42, 0.12), (-0.32, -0.12), (0.34, -0.12), (-0.22, 0.28), (0.22, 0.30)):
        tip = (crown[0] + dx * size, crown[1] + dy * size)
        bend = (crown[0] + dx * 0.5 * size, crown[1] + (dy * 0.25 - 0.15) * size)
        low = (crown[0] + dx * 0.5 * size, crown[1] + (dy * 0.45 - 0.02) * size)
        back.polygon([crown, bend, tip, low], (48, 160, 84) if dy > 0 else (104, 202, 92))


def parasol(back: Backdrop, x: float, foot: float, paint: Colour) -> None:
    """A striped parasol."""
    back.box(x - 0.006, foot - 0.26, 0.012, 0.26, (240, 236, 226))
    back.ellipse(x, foot - 0.19, 0.15, 0.12, paint, start=180, stop=360)
    back.ellipse(x, foot - 0.19, 0.085, 0.12, WHITE, start=180, stop=360)
    back.ellipse(x, foot - 0.19, 0.035, 0.12, paint, start=180, stop=360)


def forest(back: Backdrop) -> None:
    """Rows of tall firs over a mossy floor."""
    sky(back, 0.62, haze=(190, 226, 170), clouds=False)
    for k, x in back.along(0.16, first=3):
        pine(back, x, 0.68, back.number(k + 1, 0.44, 0.56), (112, 178, 132), None)
    back.land(0.64 + back.waves((0.012, 0.8), first=50), (70, 128, 70), (36, 84, 54), depth=0.2)
    for k, x in back.along(0.34, first=20):
        pine(back, x, 0.73, back.number(k + 1, 0.60, 0.74), (22, 92, 66), (42, 128, 82))
    back.land(0.72 + back.waves((0.012, 0.9), first=52), (76, 122, 52), (40, 70, 38), depth=0.28)
    for k, x in back.along(0.7, first=40):
        bush(back, x, 0.75, 0.15, (30, 96, 56), (84, 160, 80))


def desert(back: Backdrop) -> None:
    """Dunes under a warm sky, table mountains and cactuses."""
    sky(back, 0.6, haze=(255, 224, 168), clouds=False)
    for k, x in back.along(0.9, first=3):
        mesa(back, x, 0.62, back.number(k + 1, 0.3, 0.42), back.number(k + 2, 0.20, 0.28))
    back.land(0.58 + back.waves((0.035, 1.3), (0.012, 0.5), first=30), (250, 196, 112), (228, 148, 74), depth=0.2)
    back.land(0.68 + back.waves((0.035, 1.1), (0.010, 0.45), first=33), (255, 206, 124), (220, 138, 68), depth=0.32)
    for k, x in back.along(0.8, first=40):
        cactus(back, x, 0.74, back.number(k + 1, 0.20, 0.28))


def mesa(back: Backdrop, x: float, foot: float, wide: float, high: float) -> None:
    """A table mountain with a lit and a shaded side."""
    def slope(a: float, b: float, colour: Colour) -> None:
        back.polygon([(x + wide * a, foot), (x + wide * (0.5 + (a - 0.5) * 0.6), foot - high),
                      (x + wide * (0.5 + (b - 0.5) * 0.6), foot - high), (x + wide * b, foot)], colour)  # fmt: skip
    slope(0, 1, (196, 98, 70))
    slope(0, 0.45, (226, 132, 88))


def cactus(back: Backdrop, x: float, foot: float, size: float) -> None:
    """A cactus with two arms."""
    for colour, thick, shift in (((36, 128, 74), 0.17, 0.0), ((88, 182, 98), 0.06, -0.03)):
        t, dx = thick * size, shift * size
        back.stroke([(x + dx, foot), (x + dx, foot - size)], t, colour)
        back.ellipse(x + dx, foot - size, t / 2, t / 2, colour)
        for side, y in ((-1, 0.35), (1, 0.5)):
            elbow = (x + side * 0.26 * size + dx, foot - y * size)
            tip = (elbow[0], elbow[1] - 0.28 * size)
            back.stroke([(x + dx, foot - y * size), elbow, tip], t * 0.75, colour)
            back.ellipse(*tip, t * 0.375, t * 0.375, colour)


def meadow(back: Backdrop) -> None:
    """Green hills with flowers."""
    sky(back, 0.6)
    back.land(0.52 + back.waves((0.05, 1.2), (0.02, 0.5), first=3), (158, 220, 128), (116, 196, 100), depth=0.2)
    for k, x in back.along(1.1, first=30):
        tree(back, x, 0.62, back.number(k + 1, 0.24, 0.30))
    back.land(0.60 + back.waves((0.035, 1.5), (0.012, 0.6), first=6), (142, 216, 96), (102, 190, 76), depth=0.2)
    back.land(0.72 + back.waves((0.02, 1.3), first=9), (128, 212, 78), (82, 172, 64), depth=0.28)
    petals = ((255, 112, 148), (255, 224, 84), (250, 250, 255))
    for k, x in back.along(0.19, first=40):
        flower(back, x, 0.74 + 0.21 * ((0.618 * k) % 1), petals[k // 3 % 3])


def flower(back: Backdrop, x: float, y: float, paint: Colour) -> None:
    """A round flower head with a yellow middle on a short stem."""
    back.box(x - 0.004, y, 0.008, 0.04, (60, 140, 60))
    back.ellipse(x, y, 0.020, 0.017, paint)
    back.ellipse(x, y, 0.008, 0.007, (255, 190, 60))


def mountains(back: Backdrop) -> None:
    """Snowy peaks, firs and snow on the ground."""
    sky(back, 0.62)
    for k, x in back.along(0.55, first=3):
        peak(back, x, 0.66, back.number(k + 1, 0.34, 0.40), back.number(k + 2, 0.40, 0.56))
    back.land(0.60 + back.waves((0.025, 1.1), (0.01, 0.4), first=30), (226, 238, 252), (196, 216, 242), depth=0.14)
    for k, x in back.along(0.42, first=33):
        pine(back, x, 0.69, back.number(k + 1, 0.18, 0.27), (34, 92, 98), (58, 124, 118), snow=True)
    back.land(0.70 + back.waves((0.02, 1.2), first=58), (252, 254, 255), (206, 224, 246), depth=0.3)


def peak(back: Backdrop, x: float, foot: float, half: float, high: float) -> None:
    """A mountain of two faces with a zigzag snow cap."""
    top = foot - high
    back.polygon([(x, top), (x + half, foot), (x - half, foot)], (92, 108, 156))
    back.polygon([(x, top), (x + 0.1 * half, foot), (x - half, foot)], (132, 150, 196))
    snow = [(-0.42, 0.42), (-0.22, 0.36), (-0.1, 0.5), (0.04, 0.38)]
    back.polygon([(x, top)] + [(x + dx * half, top + dy * high) for dx, dy in snow], (252, 254, 255))
    shade = [(0.04, 0.38), (0.18, 0.46), (0.26, 0.34), (0.4, 0.4)]
    back.polygon([(x, top)] + [(x + dx * half, top + dy * high) for dx, dy in shade], (204, 218, 242))


def moon(back: Backdrop) -> None:
    """Grey craters under a black sky with stars and the earth, and a glare where the sun rises or has set."""
    back.tint = mix(back.tint, (1, 1, 1), 0.2)  # no air: less of the hour's colour
    low = mix((22, 22, 48), back.time.horizon, 0.10)
    back.rows([(back.y[0] - 1, (4, 4, 14)), (0.1, (10, 10, 28)), (0.65, low)], glow=True)
    stars(back, 0.5)
    if back.time in (SUNSET, MORNING):  # the sun below the horizon
        back.glow(back.width - back.centre(60, 0.35), 0.66, 0.6, back.time.horizon)
    earth(back, back.centre(60, 0.35), back.number(61, 0.15, 0.23), 0.12)
    back.land(0.60 + back.waves((0.025, 0.9), (0.012, 0.35), first=40), (142, 144, 156), (108, 110, 124), depth=0.12)
    back.land(0.68 + back.waves((0.012, 1.2), first=43), (198, 200, 208), (132, 134, 148), depth=0.32)
    for k, x in back.along(0.36, first=46):
        y, r = (0.76, 0.91, 0.83)[k // 3 % 3], (0.075, 0.11, 0.055)[k // 3 % 3]
        back.ellipse(x, y + 0.008, r * 1.08, r * 0.42, (220, 222, 228))
        back.ellipse(x, y, r, r * 0.34, (112, 114, 130))
        back.ellipse(x, y + 0.012, r * 0.8, r * 0.22, (138, 140, 154))


def earth(back: Backdrop, x: float, y: float, r: float) -> None:
    """The earth, lit from the upper left."""
    back.ball(x, y, r, r, (24, 70, 170), (104, 186, 255), glow=True)
    back.ellipse(x - 0.3 * r, y - 0.2 * r, 0.42 * r, 0.34 * r, (96, 196, 108), angle=30, glow=True)
    back.ellipse(x + 0.35 * r, y + 0.35 * r, 0.36 * r, 0.26 * r, (70, 168, 92), angle=-20, glow=True)
    back.ellipse(x + 0.2 * r, y - 0.62 * r, 0.34 * r, 0.12 * r, WHITE, glow=True)


def underwater(back: Backdrop) -> None:
    """Blue water with light from above, weed and coral on a sandy floor."""
    light, deep = (mix(back.lit(colour), colour, 0.25) for colour in ((150, 236, 250), (16, 92, 170)))
    glare = mix(light, back.time.horizon, 0.4)
    back.rows([(back.y[0] - 1, glare), (-0.5, glare), (0.05, mix(light, deep, 0.40)), (0.75, deep)], glow=True)
    for _, x in back.along(0.5, first=3):
        ray(back, x, glare)
    back.land(0.66 + back.waves((0.03, 1.0), first=12), (44, 116, 168), (40, 110, 160), depth=0.1)
    for k, x in back.along(0.34, first=20):
        weed(back, x, 0.78, back.number(k + 1, 0.22, 0.40), k)
    back.land(0.74 + back.waves((0.02, 1.1), (0.008, 0.4), first=14), (224, 206, 150), (150, 150, 140), depth=0.26)
    for k, x in back.along(0.75, first=40):
        coral(back, x, 0.775, 0.2, ((255, 116, 128), (255, 164, 88), (208, 120, 220))[k // 3 % 3])
    for k, x in back.along(0.3, first=50):
        y, r = -0.3 + ((0.618 * k) % 1) * 0.9, 0.012 + 0.012 * back.number(k)
        back.ellipse(x, y, r, r, mix(back.lit((206, 246, 255)), deep, 0.3), glow=True)
        back.ellipse(x, y, r * 0.6, r * 0.6, mix(light, deep, 0.55), glow=True)


def ray(back: Backdrop, x: float, glare: Colour) -> None:
    """A slanting shaft of light that widens and fades with depth."""
    foot = 0.65
    i0, i1 = np.searchsorted(back.x, (x - 0.1, x + 0.45))
    depth = back.y[: np.searchsorted(back.y, foot), None] + 0.5
    if i0 < i1:
        share = np.clip(1 - np.abs(back.x[i0:i1] - x - 0.25 * depth) / (0.05 + 0.05 * depth), 0, 1)
        share *= np.clip(foot + 0.5 - depth, 0, 1) * 0.5
        back.blend(slice(0, len(depth)), slice(i0, i1), share, glare)


def weed(back: Backdrop, x: float, foot: float, size: float, k: int) -> None:
    """Three wavy blades of seaweed."""
    for dx, tall, colour in ((-0.04, 0.8, (34, 130, 96)), (0.04, 0.75, (40, 150, 96)), (0.0, 1.0, (70, 186, 104))):
        side = 1 if (k // 3) % 2 else -1
        bends = [k / 7 for k in range(8)]
        blade = [(x + dx + side * 0.02 * math.sin(6.5 * t), foot - tall * size * t) for t in bends]
        back.stroke(blade, 0.03, colour)


def coral(back: Backdrop, x: float, foot: float, size: float, paint: Colour) -> None:
    """A branching coral with round tips."""
    for dx, y in ((-0.32, 0.62), (0.3, 0.7), (0.02, 0.95), (-0.13, 0.45), (0.16, 0.4)):
        tip = (x + dx * size, foot - y * size)
        back.stroke([(x, foot), (x + dx * 0.6 * size, foot - y * 0.4 * size), tip], 0.13 * size, paint)
        back.ellipse(*tip, 0.09 * size, 0.09 * size, mix(paint, WHITE, 0.35))


def kitchen(back: Backdrop) -> None:
    """A tiled wall with windows, cupboards and a chequered floor."""
    back.rows([(back.y[0] - 1, (255, 236, 204)), (0.2, (255, 230, 190)), (0.6, (246, 212, 168))])
    shift = back.number(3, -0.6, 0)
    paint = mix((66, 176, 168), (84, 160, 200), back.number(4))
    for k in range(int(back.width / 0.62) + 3):
        x = shift + 0.62 * k
        if k % 2 == 0:
            window(back, x + 0.08, 0.02, 0.42, 0.34)
        else:
            cupboard(back, x + 0.03, -0.06, 0.27, 0.36, paint)
            cupboard(back, x + 0.31, -0.06, 0.27, 0.36, paint)
    count = int(back.width / 0.31) + 4
    for k in range(count):
        x = shift + 0.31 * k
        cupboard(back, x, 0.50, 0.31, 0.21, paint) if k % 4 != 2 else stove(back, x, 0.50, 0.31, 0.21)
    back.box(-0.1, 0.465, back.width + 0.2, 0.042, (236, 196, 148))
    back.box(-0.1, 0.465, back.width + 0.2, 0.014, (252, 226, 186))
    for k, x in back.along(0.62, first=40):
        pot(back, x, 0.465, ((232, 84, 76), (250, 190, 70), (110, 140, 220))[k // 3 % 3])
    back.box(-0.1, 0.70, back.width + 0.2, 0.02, (120, 84, 70))
    chequers(back, 0.72, (250, 244, 232), (206, 108, 92))


def window(back: Backdrop, x: float, y: float, wide: float, high: float) -> None:
    """A window through which the sky of the time of day is seen."""
    back.box(x - 0.02, y - 0.02, wide + 0.04, high + 0.04, (250, 250, 246))
    back.box(x, y, wide, high, back.time.middle, low=back.time.horizon, glow=True)
    if back.time.dark:
        back.ellipse(x + 0.72 * wide, y + 0.3 * high, 0.05, 0.05, (250, 244, 210), glow=True)
    else:
        sun = mix(back.time.cloud, (255, 240, 150), 0.5)
        back.ellipse(x + 0.68 * wide, y + 0.36 * high, 0.055, 0.055, sun, glow=True)
    back.ellipse(x + 0.3 * wide, y + high * 0.93, 0.12, 0.07, (110, 190, 100), start=180, stop=360)
    back.box(x + wide / 2 - 0.01, y, 0.02, high, (250, 250, 246))
    back.box(x - 0.04, y + high, wide + 0.08, 0.025, (236, 226, 212))


def cupboard(back: Backdrop, x: float, y: float, wide: float, high: float, paint: Colour) -> None:
    """A cupboard door with a knob."""
    back.box(x, y, wide, high, mix(paint, (20, 40, 70), 0.25))
    back.box(x + 0.01, y + 0.01, wide - 0.02, high - 0.02, mix(paint, WHITE, 0.25), right=paint)
    back.box(x + 0.045, y + 0.045, wide - 0.09, high - 0.09, paint)
    back.ellipse(x + wide - 0.028, y + high * 0.5, 0.012, 0.012, (252, 232, 180))


def stove(back: Backdrop, x: float, y: float, wide: float, high: float) -> None:
    """An oven with a dark window."""
    back.box(x, y, wide, high, (236, 238, 242), right=(204, 208, 218))
    back.box(x + 0.04, y + 0.075, wide - 0.08, high - 0.10, (62, 58, 72), right=(110, 80, 76))
    back.box(x + 0.04, y + 0.048, wide - 0.08, 0.012, (150, 154, 166))
    for k in range(3):
        back.ellipse(x + wide * (0.3 + 0.2 * k), y + 0.028, 0.012, 0.012, (226, 90, 80))


def pot(back: Backdrop, x: float, foot: float, paint: Colour) -> None:
    """A pot with a lid."""
    back.box(x - 0.075, foot - 0.07, 0.15, 0.012, mix(paint, (40, 30, 40), 0.4))
    back.box(x - 0.055, foot - 0.085, 0.11, 0.085, mix(paint, WHITE, 0.3), right=mix(paint, (40, 20, 40), 0.3))
    back.ellipse(x, foot - 0.083, 0.058, 0.024, mix(paint, WHITE, 0.45), start=180, stop=360)
    back.ellipse(x, foot - 0.112, 0.012, 0.012, mix(paint, (40, 20, 40), 0.4))


def chequers(back: Backdrop, top: float, light: Colour, dark: Colour) -> None:
    """A floor of square tiles in perspective from `top` to the bottom."""
    back.rows([(top, mix(light, (120, 90, 80), 0.15)), (top + 0.1, light)])
    lines = top + (1.0 - top) * np.array([0.0, 0.22, 0.54, 1.02])
    middle = back.width / 2
    for row, (y0, y1) in enumerate(zip(lines, lines[1:], strict=False)):
        wide0, wide1 = 0.15 + 0.45 * (y0 - top), 0.15 + 0.45 * (y1 - top)
        count = int(back.width / wide0 / 2) + 2
        for k in range(-count, count):
            if (k + row) % 2 == 0:
                back.polygon([(middle + k * wide0, y0), (middle + (k + 1) * wide0, y0),
                              (middle + (k + 1) * wide1, y1), (middle + k * wide1, y1)], dark)  # fmt: skip


def farm(back: Backdrop) -> None:
    """Fields with a red barn, a silo, hay and a fence."""
    sky(back, 0.6)
    back.land(0.54 + back.waves((0.025, 1.4), first=3), (190, 216, 110), (164, 196, 88), depth=0.2)
    for k, x in back.along(1.25, first=6, jitter=0.2):
        barn(back, x + 0.1, 0.66, back.number(k + 1, 0.95, 1.1))
        tree(back, x + 0.78, 0.65, 0.26)
    back.land(0.64 + back.waves((0.008, 1.1), first=9), (226, 200, 104), (206, 172, 82), depth=0.1)
    fence(back, 0.745)
    back.land(0.735 + back.waves((0.004, 1.3), first=58), (150, 196, 84), (112, 160, 66), depth=0.26)
    for k, x in back.along(0.95, first=40):
        back.ball(x, 0.69, 0.075, 0.07, (206, 150, 60), (250, 212, 116), steps=4)
        back.ellipse(x - 0.012, 0.688, 0.03, 0.028, (222, 172, 80))


def barn(back: Backdrop, x: float, foot: float, size: float) -> None:
    """A red barn with a white cross on its door, and a silo."""
    s = 0.34 * size
    back.box(x + 1.1 * s, foot - 1.15 * s, 0.34 * s, 1.15 * s, (226, 230, 238), right=(160, 168, 188))
    back.ellipse(x + 1.27 * s, foot - 1.14 * s, 0.17 * s, 0.17 * s, (150, 164, 196), start=180, stop=360)
    wall = [(0, 0), (0, -0.55), (0.18, -0.88), (0.5, -1.08), (0.82, -0.88), (1, -0.55), (1, 0)]
    back.polygon([(x + a * s, foot + b * s) for a, b in wall], (206, 60, 54))
    back.polygon([(x + a * s, foot + b * s) for a, b in wall[:4] + [(0.5, 0)]], (226, 80, 68))
    roof = [(x + a * s, foot + b * s) for a, b in wall[1:6]]
    back.stroke(roof, 0.07 * s, (110, 74, 80))
    back.box(x + 0.28 * s, foot - 0.46 * s, 0.44 * s, 0.46 * s, (250, 244, 236))
    back.box(x + 0.32 * s, foot - 0.42 * s, 0.36 * s, 0.42 * s, (176, 46, 46))
    for a, b in ((0.32, 0.68), (0.68, 0.32)):
        back.stroke([(x + a * s, foot - 0.42 * s), (x + b * s, foot)], 0.035 * s, (250, 244, 236))
    back.box(x + 0.41 * s, foot - 0.78 * s, 0.18 * s, 0.17 * s, (255, 214, 110) if back.time.dark else (250, 244, 236),
             glow=back.time.dark)  # fmt: skip


def fence(back: Backdrop, foot: float) -> None:
    """A white wooden fence along the whole picture."""
    posts = np.arange(int(back.width / 0.16) + 2) * 0.16 - 0.05
    for y in (foot - 0.085, foot - 0.045):
        back.box(-0.1, y, back.width + 0.2, 0.017, (250, 244, 234))
    back.grid(posts, np.array([foot - 0.11]), (0.028, 0.11), (236, 226, 214))


def playground(back: Backdrop) -> None:
    """Slides, swings and a climbing frame on soft orange ground."""
    sky(back, 0.62)
    for k, x in back.along(0.45, first=3):
        tree(back, x, 0.66, back.number(k + 1, 0.28, 0.36), (64, 156, 96), (140, 212, 116))
    back.rows([(0.64, (132, 204, 96)), (0.70, (118, 190, 88))])
    back.rows([(0.70, (248, 168, 112)), (0.74, (244, 154, 98)), (1.0, (226, 128, 80))])
    for k, x in back.along(1.15, first=33, jitter=0.2):
        slide(back, x, 0.74)
        swing(back, x + 0.62, 0.73)
    for k, x in back.along(0.55, first=50):
        back.ellipse(x, 0.94, 0.11, 0.03, ((110, 190, 226), (250, 214, 96))[k // 3 % 2])


def slide(back: Backdrop, x: float, foot: float) -> None:
    """A tower with a pointed roof and a yellow slide to its right."""
    for dx in (0.0, 0.13):
        back.box(x + dx, foot - 0.40, 0.022, 0.40, (88, 120, 220), right=(62, 88, 180))
    back.polygon([(x - 0.03, foot - 0.39), (x + 0.075, foot - 0.52), (x + 0.18, foot - 0.39)], (238, 74, 84))
    back.box(x, foot - 0.25, 0.15, 0.022, (88, 120, 220))
    chute = [(0.14, 0.245), (0.22, 0.19), (0.36, 0.05), (0.44, 0.02)]
    back.stroke([(x + dx, foot - dy) for dx, dy in chute], 0.05, (255, 204, 64))
    back.stroke([(x + dx, foot - dy - 0.015) for dx, dy in chute], 0.014, (255, 236, 150))
    steps = foot - 0.2 + 0.065 * np.arange(3)
    back.grid(np.array([x + 0.01]), steps, (0.13, 0.014), (250, 244, 236))


def swing(back: Backdrop, x: float, foot: float) -> None:
    """A frame with two swings."""
    for a in (x, x + 0.34):
        back.stroke([(a - 0.05, foot), (a, foot - 0.36), (a + 0.05, foot)], 0.02, (224, 70, 120))
    back.box(x - 0.01, foot - 0.37, 0.36, 0.022, (240, 96, 140))
    for k, a in enumerate((x + 0.08, x + 0.20)):
        back.grid(np.array([a, a + 0.055]), np.array([foot - 0.35]), (0.007, 0.25), (120, 120, 136))
        back.box(a - 0.01, foot - 0.105, 0.082, 0.02, ((90, 190, 120), (90, 150, 230))[k])


def stadium(back: Backdrop) -> None:
    """A football field before stands full of people, with goals and floodlights."""
    sky(back, 0.4, clouds=False)
    for k, x in back.along(0.8, first=3, jitter=0.2):
        floodlight(back, x, 0.36)
    stands(back, 0.30, 0.62)
    boards = ((236, 80, 84), (250, 250, 255), (70, 130, 230), (250, 206, 74))
    for k in range(int(back.width / 0.3) + 2):
        back.box(0.3 * k - 0.3 * back.number(5), 0.60, 0.3, 0.055, boards[k % 4])
    stripes(back, 0.65)
    back.box(-0.1, 0.70, back.width + 0.2, 0.014, WHITE)
    for _, x in back.along(1.5, first=20, jitter=0.3):
        goal(back, x + 0.2, 0.71)
    back.ellipse(back.width / 2, 0.97, 0.46, 0.14, WHITE)
    back.ellipse(back.width / 2, 0.97, 0.43, 0.122, (92, 184, 80))


def stands(back: Backdrop, top: float, low: float) -> None:
    """Rows of spectators in coloured shirts under a roof."""
    back.rows([(top, (120, 128, 156)), (low, (88, 96, 128))])
    shirts = ((240, 96, 96), (250, 216, 110), (110, 170, 244), (244, 244, 250))
    seats = np.arange(int(back.width / 0.05) + 2)
    rows = np.arange(5)
    for k, shirt in enumerate(shirts):
        taken = (seats + 3 * rows[:, None] + rows[:, None] // 2) % 4 == k
        x, y = (seats - back.number(6)) * 0.05, top + 0.065 + 0.047 * rows
        back.grid(x, y, (0.034, 0.032), shirt, opacity=taken)
    back.box(-0.1, top, back.width + 0.2, 0.04, (238, 242, 250))


def stripes(back: Backdrop, top: float) -> None:
    """A lawn mown in slanting stripes."""
    back.rows([(top, (110, 200, 88)), (1.0, (92, 184, 80))])
    middle = back.width / 2
    count = int(back.width / 0.2) + 2
    for k in range(-count, count, 2):
        left, right = (middle + k * 0.2, top), (middle + (k + 1) * 0.2, top)
        back.polygon([left, right, (middle + (k + 1) * 0.42, 1.01), (middle + k * 0.42, 1.01)], (78, 168, 72))


def goal(back: Backdrop, x: float, foot: float) -> None:
    """A goal with its net."""
    wide, high = 0.4, 0.2
    net = np.arange(1, 8)
    back.grid(x + net * wide / 8, np.array([foot - high]), (0.004, high), (226, 230, 240))
    back.grid(np.array([x]), foot - high + net[:4] * high / 5, (wide, 0.004), (226, 230, 240))
    for a in (x, x + wide - 0.016):
        back.box(a, foot - high, 0.016, high, WHITE)
    back.box(x, foot - high, wide, 0.018, WHITE)


def floodlight(back: Backdrop, x: float, foot: float) -> None:
    """A mast with a panel of six lamps."""
    back.box(x - 0.01, foot - 0.26, 0.02, 0.3, (150, 156, 172))
    back.box(x - 0.075, foot - 0.32, 0.15, 0.085, (90, 96, 116))
    lamps = np.arange(3) * 0.045
    back.grid(x - 0.06 + lamps, foot - 0.31 + lamps[:2] * 0.8, (0.03, 0.026), (255, 250, 214), glow=True)


@dataclass(frozen=True)
class Place:
    """How a place is drawn and where subjects stand in it."""

    draw: Callable[[Backdrop], None]
    ground: float  # units below the top of the view at rest


PLACES = {
    "city": Place(city, 0.86),
    "beach": Place(beach, 0.85),
    "forest": Place(forest, 0.85),
    "desert": Place(desert, 0.85),
    "meadow": Place(meadow, 0.84),
    "mountains": Place(mountains, 0.84),
    "moon": Place(moon, 0.84),
    "kitchen": Place(kitchen, 0.86),
    "underwater": Place(underwater, 0.86),
    "farm": Place(farm, 0.85),
    "playground": Place(playground, 0.86),
    "stadium": Place(stadium, 0.86),
}


def draw_place(
    name: str, *, width: int, height: int, scale: int, time_of_day: str, rng: np.random.Generator
) -> np.ndarray:
    """Draws a panorama, uint8 (height, width, 3) RGB, one unit measuring `scale` pixels.

    Takes the same numbers from `rng` for every name, time and size.  Raises ValueError for a name that is not in PLACES
    or a time of day that is not in TIMES_OF_DAY.
    """
    place = _find(name)
    if time_of_day not in TIMES:
        raise ValueError(f"time of day is {time_of_day!r}, expected one of {', '.join(TIMES)}")
    back = Backdrop(width, height, scale, time=TIMES[time_of_day], numbers=rng.random(NUMBERS, np.float32))
    place.draw(back)
    return back.pixels


def ground_level(name: str) -> float:
    """Height (units below the top of the view at rest) at which subjects stand; ValueError for an unknown place."""
    return _find(name).ground


def _find(name: str) -> Place:
    if name not in PLACES:
        raise ValueError(f"place is {name!r}, expected one of {', '.join(PLACES)}")
    return PLACES[name]
