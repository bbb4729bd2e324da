"""Seams: given frames stay, their neighbours get back what was lost where nothing moves, and nothing else changes."""

import numpy as np
import pytest
import torch

from vitascope.models.layout import FRAMES, LOOKS, POSE, SLOTS, VIEW, Layout
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


def test_detail_goes_along_with_what_moves():
    """A square of noise that moves to the right by 4 pixels a frame, of which only the mean is made."""
    square = np.random.default_rng(1).integers(60, 200, (12, 12, 3), dtype=np.uint8)

    def picture(frame, what):
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        canvas[10:22, 4 + 4 * frame:16 + 4 * frame] = what
        return canvas

    pictures, made = ([picture(frame, what) for frame in range(5)] for what in (square, 130))
    poses = torch.zeros(2 * FRAMES, 1, SLOTS, POSE)
    times = (torch.arange(2 * FRAMES) - FRAMES + 1).clamp(min=0)
    poses[:, 0, 0] = torch.tensor([0.0, 0.0, 12 / HEIGHT, 1.0, 0.0, 1.0, 1.0, 1.0])
    poses[:, 0, 0, 0] = (10 + 4 * times - WIDTH / 2) / HEIGHT
    subjects = torch.tensor([1, *[0] * (SLOTS - 1)])
    layout = Layout(poses.unflatten(0, (2, FRAMES)).squeeze(2), torch.zeros(2, FRAMES, VIEW), subjects,
                    torch.zeros_like(subjects), torch.zeros(LOOKS, dtype=torch.long))
    given = [pictures[0], *[None] * 4]
    told, untold = (list(join(made, given, known))[3] for known in (layout, None))
    inside = np.s_[12:20, 18:26]
    plain = error(made[3][inside], pictures[3][inside])
    assert error(told[inside], pictures[3][inside]) < 0.4 * plain < error(untold[inside], pictures[3][inside])


def test_without_given_frames_nothing_changes():
    _, made = still(12)
    assert all(np.array_equal(*pair) for pair in zip(join(made, [None] * 12), made, strict=True))
