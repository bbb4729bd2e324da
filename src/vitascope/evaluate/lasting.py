"""What a world keeps: subjects that stay themselves, effects that stay, falling as the law says, steps in their order.

Each measure takes what `alignment.read` saw in a clip and says whether, or how far, it is so. Lengths are in heights of
the view, as in the world; the camera stands still in the clips that are asked for.
"""

from collections.abc import Iterable
from statistics import median

import numpy as np

from ..world.physics import GRAVITY
from .alignment import RATE, Reading, Seen

EDGE = 3  # frames at either end of a clip in which something has to be seen, or not
FEWEST = 4  # frames that a fall is fitted to
RESTING = 0.02  # units above the lowest point from which a fall counts as over


def permanent(reading: Reading, subject: str) -> bool:
    """One subject and no other is seen, by the name asked for, at the beginning and at the end."""
    names = [one.subject.name for one in reading.subjects]
    return names == [subject] and _at_start(reading.subjects[0]) and _at_end(reading.subjects[0])


def gone_for_good(reading: Reading, subject: str) -> bool:
    """The subject is there at first, vanishes, and does not come back: a balloon that has popped."""
    seen = [one for one in reading.subjects if one.subject.name == subject]
    return len(seen) == 1 and _at_start(seen[0]) and not seen[0].present[-EDGE:].any() \
        and bool((np.diff(seen[0].present.astype(int)) == 1).sum() <= 1)


def stays_changed(amounts: np.ndarray, *, least: float = 0.5) -> bool:
    """Whether something (T,), such as the number of bites, rises by `least` and has lost nothing of it at the end."""
    rise = amounts - np.median(amounts[:EDGE])
    return bool(rise.max() >= least and np.median(rise[-EDGE:]) >= rise.max() - least / 2)


def in_order(reading: Reading, subject: str, first: str, then: str) -> bool:
    """The subject does the first action in the first half and the other in the second."""
    return any(one.subject.name == subject and one.first.name == first and one.last.name == then
               for one in reading.subjects)


def fall_acceleration(seen: Seen) -> float | None:
    """Units / s^2 of the first fall, from a parabola through it; None if there is too little of one."""
    y = np.where(seen.present, seen.y, np.nan)
    if np.isfinite(y).sum() < FEWEST:
        return None
    landed = int(np.argmax(y >= np.nanmax(y) - RESTING))
    frames = np.flatnonzero(np.isfinite(y[:landed + 1]))
    moving = frames[:-1]  # in the frame of the landing the fall may have been over for a while
    if len(moving) < FEWEST or y[moving[-1]] - y[moving[0]] < RESTING:
        return None
    return float(2 * np.polyfit(moving / RATE, y[moving], 2)[0])


def gravity_error(readings: Iterable[Reading]) -> float:
    """Median relative error of the acceleration of what falls; a clip in which nothing falls counts as wrong by all of
    it.
    """
    errors = []
    for reading in readings:
        measured = next((value for one in reading.subjects if (value := fall_acceleration(one)) is not None), 0.0)
        errors.append(abs(measured - GRAVITY) / GRAVITY)
    if not errors:
        raise ValueError("there are no clips; expected at least one in which something falls")
    return median(errors)


def _at_start(seen: Seen) -> bool:
    return bool(seen.present[:EDGE].any())


def _at_end(seen: Seen) -> bool:
    return bool(seen.present[-EDGE:].any())
