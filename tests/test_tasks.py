"""Conditions: what is known where, for use and for training."""

import numpy as np
import pytest
import torch

from vitascope.tasks import draw_levels, image_to_video, know, latent_frames, text_to_video


def blank(frames=17):
    return text_to_video("a dog", width=64, height=48, frames=frames)


def test_text_knows_nothing():
    condition = blank()
    assert condition.shape == (5, 6, 8) and condition.known is None and (condition.levels == 1).all()


def test_an_image_is_the_first_frame():
    image = torch.randn(16, 1, 6, 8)
    condition = image_to_video(blank(), image)
    assert torch.equal(condition.known[:, :1], image)
    assert (condition.levels[0] == 0).all() and (condition.levels[1:] == 1).all()


def test_knowledge_adds_up():
    first, last = torch.randn(16, 2, 6, 8), torch.randn(16, 1, 6, 8)
    condition = know(know(blank(), first, slice(0, 2)), last, slice(4, 5), level=0.1)
    assert torch.equal(condition.known[:, :2], first) and torch.equal(condition.known[:, 4:], last)
    assert condition.levels[:, 0, 0].tolist() == pytest.approx([0, 0, 1, 1, 0.1])


def test_latents_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected"):
        know(blank(), torch.randn(16, 1, 5, 8), slice(0, 1))


@pytest.mark.parametrize("frames, expected", [(1, 1), (2, 2), (5, 2), (17, 5), (18, 6)])
def test_latent_frames(frames, expected):
    assert latent_frames(frames) == expected


def test_training_draws_every_kind_of_task():
    rng = np.random.default_rng(0)
    drawn = [draw_levels((5, 6, 8), rng) for _ in range(500)]
    assert all(levels.shape == (5, 6, 8) and 0 <= levels.min() and levels.max() <= 1 for levels in drawn)
    everything_open = sum(bool((levels == 1).all()) for levels in drawn)
    first_known = sum(bool((levels[0] < 0.3).all() and (levels[1:] == 1).all()) for levels in drawn)
    last_known = sum(bool((levels[-1] < 0.3).all() and (levels[0] == 1).all()) for levels in drawn)
    assert everything_open > 200 and first_known > 30 and last_known > 5


def test_something_is_always_left_to_make():
    rng = np.random.default_rng(1)
    for shape in ((5, 6, 8), (1, 8, 8), (2, 4, 4)):
        assert all(draw_levels(shape, rng).max() > 0.3 for _ in range(300))
        assert all(draw_levels(shape, rng, known=True).min() < 1 for _ in range(300))
