"""The tracer: statistics tell detail, change and loss apart, for clips of every size; members differ."""

import pytest
import torch
from torch import Tensor

from vitascope.models.tracer import STATISTICS, TRACERS, Tracer, statistics
from vitascope.models.upsampler import halve

DETAIL, LOST, MOVED = 0, 3, 4  # of brightness, among the statistics


def seen(video: Tensor) -> Tensor:
    """Of a clip that is drawn again as it is."""
    return statistics(video, halve(video))


@pytest.mark.parametrize("sides", [(32, 32), (64, 48)])
def test_every_size_has_its_statistics(sides: tuple[int, int]) -> None:
    found = seen(torch.rand(3, 5, *sides) * 2 - 1)
    assert found.shape == (STATISTICS,) and found.isfinite().all()


def test_flat_clips_are_finite_and_have_nothing() -> None:
    found = seen(torch.full((3, 5, 32, 32), 0.3))
    assert found.isfinite().all() and found[[DETAIL, LOST, MOVED]].max() < -11


def test_detail_loss_and_change_are_told_apart() -> None:
    flat = torch.zeros(3, 5, 32, 32)
    checked, moved = flat.clone(), flat.clone()
    checked[..., ::2, ::2] += 0.2
    moved[:, 2:] += 0.2
    plain = seen(flat)
    assert (seen(checked) - plain)[[DETAIL, LOST, MOVED]].gt(1).tolist() == [True, False, False]
    assert (seen(moved) - plain)[[DETAIL, LOST, MOVED]].gt(1).tolist() == [False, False, True]
    assert (statistics(flat, halve(flat) + 0.1) - plain)[[DETAIL, LOST, MOVED]].gt(1).tolist() == [False, True, False]


def test_every_member_has_log_odds_of_its_own() -> None:
    config = TRACERS["nano"]
    odds = Tracer(config).eval()(torch.rand(3, STATISTICS))
    assert odds.shape == (config.members, 3) and (odds[0] != odds[1]).all()
