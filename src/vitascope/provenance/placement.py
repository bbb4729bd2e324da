"""How a clip was cut or mirrored since it was marked: the placements under which the pilot fits best.

In: the summed planes of a clip and a key's patterns. Out: Readings, the components as they lie under a placement. Knows
nothing of payloads.
"""

from dataclasses import dataclass

import numpy as np

from .components import COLOURS, spectrum, values_of, whiten
from .patterns import BAND, Patterns, band

SMALLEST = 0.7  # share of a side that is left after the deepest cut that is looked for
CANDIDATES = 5  # cuts of each kind that the payload is read under
STEP, KEPT_STEP = 0.02, 0.005  # of the frame, between the placements that are tried; of cuts of the frame's own shape
Placement = tuple[float, float, float, float]
"""Left, top, width and height of a part, as shares of the frame."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Band components of a clip as they lie under one placement, and how well the pilot fits."""
    z: float
    components: np.ndarray  # complex (3, F), whitened
    placement: Placement
    mirrored: bool
    trials: int  # placements among which this one was found


def whole(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The clip as it is and mirrored, under both weights of the colours."""
    readings = []
    for mirrored in (False, True):
        components = spectrum(planes[..., ::-1] if mirrored else planes)
        for colour in COLOURS:
            found = components * whiten(components, colour)
            readings.append(Reading(pilot_fit(found, made), found, (0.0, 0.0, 1.0, 1.0), mirrored, 2 * len(COLOURS)))
    return readings


def cut_alike(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The best few placements among cuts that keep the frame's shape, as most do: few enough to try them finely."""
    shares = np.arange(SMALLEST, 1 + KEPT_STEP / 2, KEPT_STEP)
    found, trials = _search(planes, made, [(share, share) for share in shares], KEPT_STEP)
    return [_read_at(planes, made, *each, trials) for each in found]


def cut(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The best few placements among all cuts down to SMALLEST, in steps of STEP of the frame, and of a third of that
    around them.
    """
    shares = np.arange(SMALLEST, 1 + STEP / 2, STEP)
    found, trials = _search(planes, made, [(width, height) for width in shares for height in shares], STEP)
    return [_refine(planes, made, *each, trials) for each in found]


def _search(planes: np.ndarray, made: Patterns, sizes: list[tuple[float, float]], step: float
            ) -> tuple[list[tuple[Placement, bool, float]], int]:
    """The CANDIDATES placements, mirrorings and weights of the colours under which the pilot fits best, of cuts of
    these widths and heights at all offsets in steps; and how many there were, twice as there are two kinds of cuts.
    """
    weight = made.pilot.mean(-1)
    pilot = np.where(made.pilot, made.signs, 0)
    conjugate = pilot[..., 0] - 1j * pilot[..., 1]
    best, trials = [], 0
    for mirrored in (False, True):
        seen = planes[..., ::-1] if mirrored else planes
        for width, height in sizes:
            components = spectrum(seen, width, height)
            for colour in COLOURS:
                found = components * whiten(components, colour)
                scores = _offsets((found * conjugate).sum(0), 1 - width, 1 - height, step)
                scores /= np.sqrt((np.abs(found)**2 * weight).sum())
                top, left = np.unravel_index(scores.argmax(), scores.shape)
                trials += scores.size
                place = left * step, top * step, width, height
                best.append((float(scores[top, left]), place, mirrored, colour))
    best.sort(reverse=True)
    return [tuple(found) for _, *found in best[:CANDIDATES]], 2 * trials


def _offsets(product: np.ndarray, free_width: float, free_height: float, step: float) -> np.ndarray:
    """Real part of sum_f product_f exp(-2 pi i f offset), for offsets (top, left) in steps."""
    rows, columns = band()
    limit = int(BAND[1])
    table = np.zeros((2 * limit + 1, 2 * limit + 1), np.complex64)
    table[rows + limit, columns + limit] = product
    tops, lefts = (np.arange(0, free + step / 2, step) for free in (free_height, free_width))
    frequencies = np.arange(-limit, limit + 1)
    down, across = (np.exp(-2j * np.pi * np.outer(offsets, frequencies)) for offsets in (tops, lefts))
    return (down @ table @ across.T).real


def _read_at(planes: np.ndarray, made: Patterns, placement: Placement, mirrored: bool, colour: float,
             trials: int) -> Reading:
    """The reading under a placement that was found among so many."""
    left, top, width, height = placement
    rows, columns = band()
    components = spectrum(planes[..., ::-1] if mirrored else planes, width, height)
    turned = components * whiten(components, colour) * np.exp(-2j * np.pi * (columns * left + rows * top))
    return Reading(pilot_fit(turned, made), turned, placement, mirrored, trials)


def _refine(planes: np.ndarray, made: Patterns, placement: Placement, mirrored: bool, colour: float,
            trials: int) -> Reading:
    """The best placement around one, in steps of a third of STEP, first of the size, then of the offset."""
    seen = planes[..., ::-1] if mirrored else planes
    rows, columns = band()
    steps = np.arange(-2, 3) / 3 * STEP
    tried = trials * len(steps)**4
    left, top, width, height = placement
    readings = []
    for wider in steps:
        for higher in steps:
            components = spectrum(seen, width + wider, height + higher)
            components = components * whiten(components, colour)
            for right in steps:
                for down in steps:
                    x, y = left + right - wider / 2, top + down - higher / 2
                    turned = components * np.exp(-2j * np.pi * (columns * x + rows * y))
                    where = (x, y, width + wider, height + higher)
                    readings.append(Reading(pilot_fit(turned, made), turned, where, mirrored, tried))
    return max(readings, key=lambda reading: reading.z)


def pilot_fit(components: np.ndarray, made: Patterns) -> float:
    """Sum of the pilot's components with their signs, over the root of the sum of their squares."""
    values = values_of(components)[made.pilot]
    return float(values @ made.signs[made.pilot] / np.sqrt(values @ values))
