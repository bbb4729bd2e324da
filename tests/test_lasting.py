"""What a world keeps, read from tracks that are known."""

from dataclasses import replace

import numpy as np
import pytest

from vitascope.evaluate.alignment import Answer, Reading, Seen
from vitascope.evaluate.lasting import TRIALS, fall_acceleration, fall_error, gone_for_good, in_order, path_kept, \
    permanent, stays_changed, tower_falls, trail_stays
from vitascope.world.physics import GRAVITY
from vitascope.world.scene import BUNDLED

SURE, NOTHING = 0.9, Answer("", 0.0)


def seen(subject="dog", present=None, y=None, first="moves right", last="moves right"):
    present = np.ones(17, bool) if present is None else np.array(present, bool)
    y = np.full(len(present), 0.7) if y is None else y
    return Seen(subject=Answer(subject, SURE), presence=SURE, colour=NOTHING, action=Answer(first, SURE),
                first=Answer(first, SURE),
                last=Answer(last, SURE), shift=0.4, x=np.full(len(present), 0.5), y=y, size=np.full(len(present), 0.3),
                angle=np.zeros(len(present)), present=present)


def reading(*subjects):
    return Reading(subjects, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, np.arange(17))


def test_who_hides_and_returns_is_the_same_one():
    hidden = [1] * 6 + [0] * 5 + [1] * 6
    assert permanent(reading(seen(present=hidden)), "dog") and not permanent(reading(seen("cat", present=hidden)),
                                                                             "dog")
    assert not permanent(reading(seen(present=hidden), seen("cat")), "dog") and not permanent(reading(), "dog")
    assert not permanent(reading(seen(present=[1] * 6 + [0] * 11)), "dog")


def test_what_has_popped_does_not_come_back():
    assert gone_for_good(reading(seen("balloon", present=[1] * 9 + [0] * 8)), "balloon")
    assert not gone_for_good(reading(seen("balloon")), "balloon")
    assert not gone_for_good(reading(seen("balloon", present=[1] * 9 + [0] * 5 + [1] * 3)), "balloon")


@pytest.mark.parametrize("bites, lasting", [
    ([0] * 6 + [1] * 5 + [2] * 6, True), ([0] * 17, False), ([0] * 6 + [1] * 5 + [0] * 6, False), ([2] * 17, False),
])
def test_a_bite_leaves_a_mark(bites, lasting):
    assert stays_changed(np.array(bites, float)) is lasting


def trail(fading=17, reaches=12):
    """Paint in a row of cells, from left to right, that is seen for some frames only."""
    t, x = np.arange(17)[:, None], np.arange(16)
    paint = np.zeros((17, 12, 16))
    paint[:, 9] = (x < t) & (x < reaches) & (t - x <= fading)
    return paint


def test_paint_stays_where_it_was_put():
    assert trail_stays(trail())
    assert not trail_stays(trail(fading=4))  # follows the painter
    assert not trail_stays(np.zeros((17, 12, 16))) and not trail_stays(np.ones((17, 12, 16)))
    assert not trail_stays(trail(reaches=2))


def blocks(*piles):
    """So many frames each with blocks over (height, width) cells."""
    frames = [np.zeros((16, 16)) for _ in range(sum(count for count, *_ in piles))]
    sizes = [size for count, *size in piles for _ in range(count)]
    for frame, (height, width) in zip(frames, sizes):
        frame[14 - height:14, 4:4 + width] = 1
    return np.stack(frames)


def test_a_tower_that_fell_stays_down():
    tower, heap = (6, 2), (3, 6)
    assert tower_falls(blocks((6, *tower), (3, 5, 4), (8, *heap)))
    assert not tower_falls(blocks((17, *tower))) and not tower_falls(blocks((17, *heap)))
    assert not tower_falls(blocks((6, *tower), (5, *heap), (6, *tower)))  # stands again
    assert not tower_falls(blocks((12, *tower), (5, 0, 0)))  # is gone
    assert not tower_falls(blocks((6, 0, 0), (11, *heap)))  # was not there


def test_first_this_then_that():
    clip = reading(seen(first="jumps", last="spins"))
    assert in_order(clip, "dog", "jumps", "spins") and not in_order(clip, "dog", "spins", "jumps")
    assert not in_order(clip, "cat", "jumps", "spins")


def fall(acceleration, height=0.5, start=3):
    t = np.maximum(np.arange(17) - start, 0) / 8
    return 0.3 + np.minimum(acceleration * t**2 / 2, height)


@pytest.mark.parametrize("acceleration", [0.8, GRAVITY])
def test_the_acceleration_of_a_fall(acceleration):
    measured = fall_acceleration(seen(y=fall(acceleration, start=0)))
    assert measured == pytest.approx(acceleration, rel=0.02)


def test_errors_of_falling():
    right, wrong, none = (reading(seen(y=y))
                          for y in (fall(GRAVITY, start=0), fall(2 * GRAVITY, 0.7, start=0), np.full(17, 0.7)))
    assert fall_error(right) < 0.02 and fall_error(wrong) == pytest.approx(1, abs=0.05)
    assert fall_error(none) == fall_error(reading()) == 1


def test_a_path_is_the_same_whoever_takes_it():
    def walks(start, name="dog", **rest):
        return reading(replace(seen(name, **rest), x=start + np.linspace(0, 0.5, 17)))

    assert path_kept(walks(0.2), walks(0.25, "cat")) and not path_kept(walks(0.2), walks(0.4))
    assert not path_kept(walks(0.2), reading()) and not path_kept(walks(0.2), walks(0.2, present=[1] * 5 + [0] * 12))


@pytest.mark.parametrize("name", TRIALS)
def test_every_trial_has_scenes_that_ask_for_it(name):
    trial = TRIALS[name]
    for scene in trial.scenes(3, BUNDLED, first_seed=1, size=(128, 128)):
        actor, = scene.shots[0].actors
        assert actor.steps[0].action in trial.actions and scene.shots[0].camera == "still"
        assert len(actor.steps) == (2 if trial.sequences else 1)
    buses = trial.scenes(1, replace(BUNDLED, subjects=("bus",)), first_seed=1, size=(128, 128))
    assert len(buses) == (0 if trial.subjects else 1)
