"""Plans: drawn where only words are known, and fitted to what else is known."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.models.layout import FRAMES, MOTION, POSE, SLOTS, Layout, to_grid
from vitascope.planning import Eye, bridged, drawn, exchange, likely, moved, plan
from vitascope.sampling import embed
from vitascope.tasks import edit, extend, image_to_video, loop, text_to_video
from vitascope.world.physics import simulate
from vitascope.world.scene import BUNDLED, sample_scene

PLAIN = replace(BUNDLED, styles=("3d",), weathers=("clear",), cameras=("still",), actions=("moves right",))


def ask(frames=9, **more):
    return text_to_video("a red car drives left", width=64, height=48, frames=frames, **more)


def known(system, frames):
    return torch.randn(system.transformer.config.channels, frames, 6, 8, generator=torch.Generator().manual_seed(0))


def test_the_same_seed_gives_the_same_plan(nano_system):
    words = embed(nano_system.text, ask())
    plans = [plan(nano_system, ask(frames=33), words, seed=seed, sampler="euler") for seed in (1, 1, 2)]
    assert plans[0].poses.shape == (9, FRAMES, SLOTS, POSE)
    assert torch.equal(plans[0].poses, plans[1].poses) and not torch.equal(plans[0].poses, plans[2].poses)


@pytest.mark.parametrize("task", ["image", "extend", "before", "edit", "loop"])
def test_every_task_has_a_plan_of_its_length(nano_system, task):
    condition = {"image": lambda: image_to_video(ask(frames=25), known(nano_system, 1)),
                 "extend": lambda: extend(ask(frames=33), known(nano_system, 2)),
                 "before": lambda: extend(ask(frames=33), known(nano_system, 2), backward=True),
                 "edit": lambda: edit(ask(), known(nano_system, 3), strength=0.5),
                 "loop": lambda: loop(ask())}[task]()
    layout = plan(nano_system, condition, embed(nano_system.text, condition), seed=3, sampler="euler")
    assert layout.poses.shape[0] == condition.shape[0] and layout.poses.isfinite().all()


@pytest.fixture
def looking(nano_system):
    """A painter's eye on the first frame of a picture, and layouts to judge."""
    condition = image_to_video(ask(), known(nano_system, 1))
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


def moving(step: float) -> Layout:
    """A thing that moves by so much a frame in five groups, seen by a camera that moves, too."""
    layout = layout_of(scene := sample_scene(3, PLAIN), simulate(scene), 0, 17)
    x = (torch.arange(20.0) * step).view(5, 4, 1)
    poses = layout.poses.index_copy(-1, torch.tensor([0]), x.expand(-1, -1, SLOTS)[..., None])
    return replace(layout, poses=poses, view=torch.full_like(layout.view, step))


def test_a_plan_goes_on_where_what_is_known_ends():
    """From a known place that the plan is 0.1 beside, as it means to go, and the camera as fast."""
    layout, known = moving(0.01), torch.tensor([True, True, False, False, False])
    poses, view = layout.poses.clone(), layout.view.clone()
    poses[2:, ..., 0] += 0.1
    went = drawn(astray(layout, poses), known)
    x, before = (each.poses[..., 0, 0].flatten() for each in (went, layout))
    assert (x.diff() - 0.01).abs().max() < 0.005 and (x - before)[:8].abs().max() < 0.001
    view[2:] += 0.02
    went = bridged(replace(layout, view=view), known)
    assert (went.view.flatten(0, 1)[8] - view[1, 3]).abs().max() < 0.003
    assert torch.equal(bridged(replace(layout, view=view), torch.ones(5, dtype=torch.bool)).view, view)


def test_between_two_known_ends_nothing_jumps():
    layout, known = moving(0.01), torch.tensor([True, False, False, False, True])
    poses = layout.poses.clone()
    poses[1:4, ..., 0] -= 0.07
    x = drawn(astray(layout, poses), known).poses[..., 0, 0].flatten()
    assert (x - layout.poses[..., 0, 0].flatten()).abs().max() < 0.01


def astray(layout: Layout, poses: torch.Tensor) -> torch.Tensor:
    """A grid whose things are elsewhere, and go as in the layout."""
    grid, right = to_grid(replace(layout, poses=poses)), to_grid(layout)
    return torch.cat([grid[:-FRAMES * MOTION], right[-FRAMES * MOTION:]])
