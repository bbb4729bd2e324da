"""Textures begin as what their things look like."""

import pytest
import torch

from vitascope.models.textures import COLOURS, SPAN, TEXELS, Textures
from vitascope.train import portraits
from vitascope.train.portraits import take_portraits
from vitascope.world.catalogue import SUBJECTS, number_of


@pytest.fixture(scope="module")
def pair():
    """Portraits from two sets of clips."""
    both = Textures(4), Textures(4)
    with pytest.MonkeyPatch.context() as patch:
        for number, textures in enumerate(both):
            patch.setattr(portraits, "FIRST_SEED", {"train": 10**6 * (1 + number)})
            take_portraits(textures.requires_grad_(False), 700, "bundled")
    return both


def test_portraits_are_what_things_look_like(pair):
    """In front of other places, things are nearer to their own portraits than to those of others."""
    middle = slice(TEXELS // 4, -TEXELS // 4)
    numbers = [number_of(name) for name in SUBJECTS]
    one, other = (each.features[numbers, :COLOURS, middle, middle] for each in pair)
    apart = (one[:, None] - other).square().mean((2, 3, 4))
    assert (apart.argmin(1) == torch.arange(len(numbers))).float().mean() > 0.8


def test_things_cover_their_middle_and_not_their_corners(pair):
    covers = pair[0].features[[number_of(name) for name in ("apple", "penguin", "football", "bus")], COLOURS]
    assert (covers[:, TEXELS // 2 - 4:TEXELS // 2 + 4, TEXELS // 2 - 4:TEXELS // 2 + 4] > 0.9).all()
    assert covers[:, 6:12, 6:12].mean() < 0.2 and covers[:, 6:12, -12:-6].mean() < 0.2


def test_every_bite_takes_more(pair):
    left = pair[0].left
    shares = left.mean((1, 2))
    assert shares[0] == 1 and shares[1] < 0.99 and shares[2] < shares[1] and shares[3] < shares[2]
    where = round((0.5 + (0.86 - 0.5) / SPAN) * TEXELS), round((0.5 + (0.22 - 0.5) / SPAN) * TEXELS)  # the first bite
    assert left[1, where[1], where[0]] < 0.3 < 0.7 < left[1, TEXELS // 2, TEXELS // 2]
