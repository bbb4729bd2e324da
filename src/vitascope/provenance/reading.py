"""Frames → the mark's payload, and a p-value that needs no model of pictures: for *any* picture made without knowing
the key, the signs are a random draw. The other half of `watermark`; knows nothing of files and records.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from .chance import log_energy_tail, log_joint_tail, log_tail
from .code import BITS, decode, encode
from .components import COLOURS, level, shrink, tame, values_of
from .patterns import Patterns, patterns
from .placement import CANDIDATES, Placement, Reading, cut, cut_alike, whole
from .swing import swing

READINGS = 2 * len(COLOURS) + 2 * CANDIDATES  # of one clip
CLEAR = -9.0  # log10 of the chance from which no other way of looking is tried
FAINTEST = 1e-3  # grey levels, of what can be a mark


@dataclass(frozen=True)
class Detection:
    """What was found. `log10_p`: chance of as much in a picture made without the key, all placements tried included."""
    log10_p: float
    payload: int
    placement: Placement  # of what is left
    mirrored: bool
    agreement: float  # share of the coded bits that agree with the payload, each as much as it is clear


def detect(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> Detection:
    """Look for the mark of a key in uint8 frames (H, W, 3). `cropped` also looks for clips that were cut."""
    return choose(read(frames, key, fps=fps, cropped=cropped))


def choose(readings: list[Detection]) -> Detection:
    """The least p-value of all readings, with the payload of the one that agrees best with itself among those that are
    clear: neighbouring placements are about as likely, and do not all decode.
    """
    least = min(each.log10_p for each in readings)
    clear = [each for each in readings if each.log10_p <= least / 2]
    return replace(max(clear, key=lambda each: each.agreement), log10_p=least)


def read(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> list[Detection]:
    """At most READINGS readings, under the placements that fit best: no other ways of looking once one is clear."""
    made = patterns(key)
    cells = np.stack([shrink(frame) for frame in frames])  # kept, for the swing follows from their number
    planes, _ = level(tame(cells, swing(len(cells), fps))[0])
    if np.abs(planes).max() < FAINTEST:  # without any detail there is nothing to read, and nothing to divide by
        return [Detection(0.0, 0, (0.0, 0.0, 1.0, 1.0), False, 0.5)]
    found: list[Detection] = []
    for look in (whole, cut_alike, cut) if cropped else (whole,):
        found += [_judge(reading, made) for reading in look(planes, made)]
        if min(each.log10_p for each in found) < CLEAR:
            break
    return found


def _judge(reading: Reading, made: Patterns) -> Detection:
    """The payload under a placement, and the p-value: the least of four statistics, times all that was tried, twice
    because the whole frame and all cuts share the chance of an error.

    The pilot's sum; the energy of the payload's groups, whatever their signs; these two together, whose signs are drawn
    apart; and the sum over all components with the signs of the payload that was read, times the 2^64 payloads that
    might have been.
    """
    values, carries = values_of(reading.components), ~made.pilot
    chips = values * made.signs
    soft = np.bincount(made.groups[carries], chips[carries], minlength=2 * BITS)
    norms = np.bincount(made.groups[carries], values[carries]**2, minlength=2 * BITS)
    payload = decode(soft / np.sqrt(norms.mean()))
    signs = encode(payload)
    z = float((chips[made.pilot].sum() + soft @ signs) / np.sqrt((values**2).sum()))
    energy = float((soft**2 / norms).sum())
    pilot, groups = log_tail(reading.z), log_energy_tail(energy, 2 * BITS)
    tails = (pilot, groups, log_joint_tail(pilot, groups), BITS * math.log(2) + log_tail(z))
    log_p = min(tails) + math.log(2 * len(tails) * reading.trials)
    placement = tuple(round(float(each), 3) for each in reading.placement)
    agreement = float(np.abs(soft)[soft * signs > 0].sum() / np.abs(soft).sum())
    return Detection(min(log_p / math.log(10), 0.0), payload, placement, reading.mirrored, agreement)
