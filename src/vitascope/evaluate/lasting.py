"""What a world keeps: subjects that stay themselves, effects that stay, falling as the law says, steps in their order.

Each measure takes what was read in a clip and says whether, or how far, it is so. Lengths are in heights of the view,
as in the world; the camera stands still in the clips that are asked for. TRIALS are the scenes that ask for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..world.catalogue import DIRECTED
from ..world.physics import BLOCK, GRAVITY
from ..world.scene import CHAINED, EDIBLE, Actor, Scene, Vocabulary, sample_scene
from .alignment import RATE, Reading, Seen, read
from .reader import Reader
from .tracks import observe

EDGE = 3  # frames at either end of a clip in which something has to be seen, or not
FEWEST = 4  # frames that a fall is fitted to
RESTING = 0.02  # units above the lowest point from which a fall counts as over
SURE = 0.5  # from which a cell counts as painted, or as a block
TRAIL = 2  # cells that a trail covers at least by the time that two thirds of a clip are over
KEPT = 0.75  # share of them that is still painted at the end
FALLEN = BLOCK  # units by which what is left of a tower gets wider and lower at least, taken together
NEAR = 0.1  # units that a path may be off on average and still be the same


@dataclass(frozen=True)
class Trial:
    """Scenes of one subject before a camera that stands still, and what is to be true of a clip of one."""
    actions: tuple[str, ...]
    judge: Callable[[Reader, np.ndarray, Actor], float | bool]  # (reader, frames at RATE, who it is about)
    subjects: tuple[str, ...] = ()  # limits those of the vocabulary
    sequences: float = 0.0  # share of scenes with two steps

    def scenes(self, count: int, vocabulary: Vocabulary, *, first_seed: int, size: tuple[int, int]) -> list[Scene]:
        """So many scenes of 17 frames; none if the vocabulary has no subject for it."""
        subjects = tuple(name for name in vocabulary.subjects if not self.subjects or name in self.subjects)
        vocabulary = replace(vocabulary, subjects=subjects, actions=self.actions, companions=(1.0,), cameras=("still",),
                             cuts=0.0, sequences=self.sequences)
        return [sample_scene(first_seed + number, vocabulary, width=size[0], height=size[1], split="any")
                for number in range(count if subjects else 0)]


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


def trail_stays(paint: np.ndarray) -> bool:
    """Whether what is painted stays so and grows; probabilities of paint in every cell (T, h, w)."""
    painted = paint > SURE
    early = (painted[:2 * len(painted) // 3].sum(0) > 1) & ~painted[0]
    late = painted[-EDGE:].mean(0) > 0.5
    return bool(early.sum() >= TRAIL and late[early].mean() >= KEPT and (late & ~early).any())


def tower_falls(bricks: np.ndarray) -> bool:
    """Whether blocks are piled up at first, come down and never stand again; probabilities of blocks (T, h, w)."""
    seen = bricks > SURE
    flatness = (_extent(seen.any(1)) - _extent(seen.any(2))) / seen.shape[1]
    flatter = (flatness - np.median(flatness[:EDGE]))[seen.any((1, 2))]
    there = [seen[end].any() for end in (slice(EDGE), slice(-EDGE, None))]
    return all(there) and bool(np.median(flatter[-EDGE:]) >= FALLEN) \
        and bool((flatter[np.argmax(flatter >= FALLEN):] >= FALLEN / 2).all())


def _extent(seen: np.ndarray) -> np.ndarray:
    """Cells from the first to the last one that is seen, (T, n) → (T,); 0 for none."""
    return np.where(seen.any(1), seen.shape[1] - 1 - seen[:, ::-1].argmax(1) - seen.argmax(1), 0)


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


def fall_error(reading: Reading) -> float:
    """Relative error of the acceleration of what falls; 1 if nothing does."""
    measured = next((value for one in reading.subjects if (value := fall_acceleration(one)) is not None), 0.0)
    return abs(measured - GRAVITY) / GRAVITY


def path_kept(before: Reading, after: Reading) -> bool:
    """Whether the surest subjects of two clips are at about the same places at the same times."""
    if not before.subjects or not after.subjects:
        return False
    one, other = before.subjects[0], after.subjects[0]
    both = one.present & other.present
    if both.sum() < one.present.sum() / 2:
        return False
    return bool(np.hypot(one.x - other.x, one.y - other.y)[both].mean() <= NEAR)


def _at_start(seen: Seen) -> bool:
    return bool(seen.present[:EDGE].any())


def _at_end(seen: Seen) -> bool:
    return bool(seen.present[-EDGE:].any())


# The trials


def _stays_bitten(reader: Reader, frames: np.ndarray, actor: Actor) -> bool:
    tracks = observe(reader.pictures, frames).tracks
    return bool(tracks) and stays_changed(tracks[0].bites)


def _see(reader: Reader, frames: np.ndarray, prop: str) -> np.ndarray:
    """Where a prop is seen, (T, h, w)."""
    return observe(reader.pictures, frames).props[:, reader.config.props.index(prop)]


TRIALS: dict[str, Trial] = {
    "permanence: hidden or away, then back": Trial(
        ("passes behind", "leaves and returns"),
        lambda reader, frames, actor: permanent(read(reader, frames), actor.subject)),
    "effect: a bite stays": Trial(("is bitten",), _stays_bitten, subjects=EDIBLE),
    "effect: what popped is gone": Trial(
        ("pops",), lambda reader, frames, actor: gone_for_good(read(reader, frames), actor.subject),
        subjects=("balloon",)),
    "effect: paint stays": Trial(
        ("paints",), lambda reader, frames, actor: trail_stays(_see(reader, frames, "paint"))),
    "effect: blocks stay down": Trial(
        ("knocks over blocks",), lambda reader, frames, actor: tower_falls(_see(reader, frames, "bricks"))),
    "order: first this, then that": Trial(
        CHAINED, lambda reader, frames, actor: len(actor.steps) == 2 and in_order(
            read(reader, frames), actor.subject, actor.steps[0].action, actor.steps[1].action), sequences=1.0),
    "physics: error of a fall": Trial(
        ("falls",), lambda reader, frames, actor: fall_error(read(reader, frames))),
}
MOVING = Trial(DIRECTED, lambda reader, frames, actor: bool(read(reader, frames).subjects))
