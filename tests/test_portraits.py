"""Textures begin as what their things look like."""

import pytest
import torch

from vitascope.models.textures import TEXELS, Textures
from vitascope.train import portraits
from vitascope.train.portraits import take_portraits
from vitascope.world.catalogue import number_of
from vitascope.world.scene import BUNDLED


def test_portraits_are_what_things_look_like():
    """In front of other places, things are nearer to their own portraits than to those of others."""
    textures, again = Textures(4), Textures(4)
    untouched = textures.features.detach().clone()
    take_portraits(textures, 200, "bundled")
    assert torch.equal(textures.features[0], untouched[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portraits, "FIRST_SEED", {"train": 10**6})
        take_portraits(again, 200, "bundled")
    middle = slice(TEXELS // 4, -TEXELS // 4)
    numbers = [number_of(name) for name in BUNDLED.subjects]
    one, other = (each.features[numbers, :3, middle, middle].detach() for each in (textures, again))
    apart = (one[:, None] - other).square().mean((2, 3, 4))
    assert (apart.argmin(1) == torch.arange(len(numbers))).float().mean() > 0.8
