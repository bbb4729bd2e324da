"""The straight path and its velocity."""

import pytest
import torch

from vitascope.diffusion.flow import clean, interpolate, loss, sample_times, shift_times, velocity


def test_ends_of_the_path():
    x, noise = torch.randn(4, 3), torch.randn(4, 3)
    assert torch.equal(interpolate(x, noise, torch.tensor(0.0)), x)
    assert torch.equal(interpolate(x, noise, torch.tensor(1.0)), noise)


def test_velocity_points_back_to_the_data():
    x, noise, t = torch.randn(4, 3), torch.randn(4, 3), torch.rand(4, 1)
    assert torch.allclose(clean(interpolate(x, noise, t), velocity(x, noise), t), x, atol=1e-5)


def test_times_lie_inside_and_repeat():
    first, again = (sample_times(1000, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and first.mean() == pytest.approx(0.5, abs=0.03)
    assert 0 < first.min() and first.max() < 1


def test_shift_keeps_the_ends_and_moves_the_middle():
    t = torch.tensor([0.0, 0.5, 1.0])
    assert torch.allclose(shift_times(t, 3.0), torch.tensor([0.0, 0.75, 1.0]))


def test_loss_counts_only_weighted_tokens():
    prediction, target = torch.zeros(3, 2), torch.tensor([[1.0, 1.0], [9.0, 9.0], [2.0, 2.0]])
    assert loss(prediction, target, torch.tensor([1.0, 0.0, 1.0])) == pytest.approx(2.5)
