"""Samplers solve the flow: exact on straight paths, better with order on curved ones."""

import pytest
import torch

from vitascope.diffusion.samplers import SAMPLERS, guide, times


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_straight_path_is_solved_exactly(name):
    target, noise = torch.randn(5), torch.randn(5)
    solved = SAMPLERS[name](lambda x, t: noise - target, noise, times(3))
    assert torch.allclose(solved, target, atol=1e-5)


def curved(x, t):
    """Velocity of x = exp(2 t): dx/dt = 2 x."""
    return 2 * x


def test_higher_order_is_more_exact():
    start = torch.tensor([torch.e**2], dtype=torch.float64)
    errors = {name: abs(SAMPLERS[name](curved, start, times(20)).item() - 1) for name in SAMPLERS}
    assert errors["multistep"] < errors["euler"] / 5 and errors["heun"] < errors["euler"] / 5


@pytest.mark.parametrize("name", SAMPLERS)
def test_progress_is_told_every_step(name):
    told = []
    SAMPLERS[name](curved, torch.ones(1), times(4), progress=lambda step, total: told.append((step, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_times_fall_from_start_to_zero():
    t = times(10, start=0.6, shift=3.0)
    assert len(t) == 11 and t[0] == pytest.approx(0.6) and t[-1] == 0 and (t.diff() < 0).all()


def test_guidance_extrapolates():
    field = guide(lambda x, t: x + 1, lambda x, t: x, 3.0)
    assert field(torch.zeros(1), 0.5) == pytest.approx(3.0)
    assert guide(lambda x, t: x + 1, lambda x, t: 1 / 0, 1.0)(torch.zeros(1), 0.5) == pytest.approx(1.0)
