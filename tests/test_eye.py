"""The painter's eye: what errs less is taken, and a fit errs less than what it began from."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.eye import Eye, exchange, likely, moved
from vitascope.models.layout import SLOTS
from vitascope.sampling import embed
from vitascope.tasks import image_to_video, text_to_video
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene


@pytest.fixture
def looking(nano_system):
    """A painter's eye on the first frame of a picture, and layouts to judge."""
    known = torch.randn(nano_system.transformer.config.channels, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    asked = text_to_video("a red car drives left", width=64, height=48, frames=9)
    condition = image_to_video(asked, known)
    words = embed(nano_system.text, condition)
    eye = Eye.on(nano_system.transformer, condition, words, slice(0, 1), torch.Generator().manual_seed(0), opens=True)
    scenes = [sample_scene(seed) for seed in (3, 8, 11)]
    return eye, [layout_of(scene, simulate(scene), 0, 1) for scene in scenes]


def test_the_same_layout_errs_alike_and_another_otherwise(looking):
    eye, (one, other, _) = looking
    first, again, second = eye.errors([one, one, other], eye.noises[0])
    assert torch.isclose(first, again) and not torch.isclose(first, second, rtol=1e-4)


def test_what_is_chosen_errs_no_more_than_any_draft(looking):
    eye, drafts = looking
    errors = eye.errors([eye.choose(drafts), *drafts], eye.noises[0])
    assert errors[0] <= errors[1:].min() * (1 + 1e-5)


def test_a_fit_goes_down_the_gradient(looking):
    eye, (layout, *_) = looking
    with torch.inference_mode():  # as in use
        fitted = eye.fit(layout)
        before, after = (torch.stack([eye.errors([one], noise)[0] for noise in eye.noises]).mean()
                         for one in (layout, fitted))
    assert after < before and not fitted.poses.requires_grad
    assert torch.equal(fitted.subjects, layout.subjects) and not torch.equal(fitted.poses, layout.poses)


def test_things_are_moved_scaled_and_turned():
    scene = sample_scene(3)
    layout = layout_of(scene, simulate(scene), 0, 5)
    change = torch.zeros(2, 1, SLOTS, 4)
    change[..., 0, :] = torch.tensor([0.1, -0.2, 0.5, torch.pi / 2])
    poses, before = moved(layout, change).poses, layout.poses
    assert_close(poses[..., 0, 0], before[..., 0, 0] + 0.1), assert_close(poses[..., 0, 1], before[..., 0, 1] - 0.2)
    assert_close(poses[..., 0, 2], before[..., 0, 2] * torch.tensor(0.5).exp())
    assert_close(poses[..., 0, 3:5], torch.stack([-before[..., 0, 4], before[..., 0, 3]], -1))
    assert torch.equal(poses[..., 1:, :], before[..., 1:, :])


def test_one_thing_is_exchanged_with_its_name():
    one, other = (layout_of(scene, simulate(scene), 0, 5) for scene in map(sample_scene, (3, 8)))
    mixed = exchange(one, other, 0)
    assert torch.equal(mixed.poses[:, :, 0], other.poses[:, :, 0]) and mixed.subjects[0] == other.subjects[0]
    assert torch.equal(mixed.poses[:, :, 1:], one.poses[:, :, 1:]) and torch.equal(mixed.subjects[1:], one.subjects[1:])


def test_what_most_drafts_have_is_there():
    one, other = (layout_of(scene, simulate(scene), 0, 1) for scene in map(sample_scene, (3, 8)))
    assert one.subjects.tolist() != other.subjects.tolist()
    assert likely(5 * [one] + [other]) == 5 * [one]
    assert likely(2 * [one] + 2 * [other]) == 2 * [one] + 2 * [other]
    different = [replace(one, subjects=one.subjects + number) for number in range(5)]
    assert likely(different) == different[:1]
