"""Seams: given frames stay, their neighbours get back what was lost where nothing moves, and nothing else changes."""

import numpy as np
import pytest

from vitascope.seams import FADE, join

WIDTH, HEIGHT = 48, 32


def still(count):
    """The same picture over and over, and what the autoencoder would make of it: no detail."""
    picture = np.random.default_rng(0).integers(80, 160, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    flat = np.full_like(picture, 120)
    return [picture] * count, [flat.copy() for _ in range(count)]


def error(frame, picture):
    return np.abs(frame.astype(int) - picture).mean()


@pytest.mark.parametrize("given", [(0,), (19,), (0, 1, 19), (7,)])
def test_given_frames_stay_and_their_neighbours_come_near_to_them(given):
    pictures, made = still(20)
    shown = list(join(made, [picture if n in given else None for n, picture in enumerate(pictures)]))
    assert len(shown) == 20
    errors = [error(frame, picture) for frame, picture in zip(shown, pictures)]
    far = [min(abs(n - g) for g in given) for n in range(20)]
    assert all((e == 0) == (distance == 0) for e, distance in zip(errors, far))
    plain = error(made[0], pictures[0])
    assert all(e == plain for e, distance in zip(errors, far) if distance > FADE)
    assert all(e < plain * (distance + 1) / FADE for e, distance in zip(errors, far) if 0 < distance <= FADE)


def test_between_two_given_frames_nothing_is_given_twice():
    pictures, made = still(4)
    shown = list(join(made, [pictures[0], None, None, pictures[3]]))
    assert all(error(frame, pictures[0]) < 1 for frame in shown)


def test_what_moves_is_left_alone():
    pictures, made = still(6)
    for frame in made[3:]:
        frame[:, WIDTH // 2:] = 250
    shown = list(join(made, [pictures[0], *[None] * 5]))
    assert np.array_equal(shown[4][:, WIDTH // 2:], made[4][:, WIDTH // 2:])
    assert not np.array_equal(shown[4][:, :WIDTH // 4], made[4][:, :WIDTH // 4])


def test_without_given_frames_nothing_changes():
    _, made = still(12)
    assert all(np.array_equal(*pair) for pair in zip(join(made, [None] * 12), made, strict=True))
