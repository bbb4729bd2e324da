"""Plans: drawn where only words are known, and fitted to what else is known."""

from dataclasses import replace

import pytest
import torch

from vitascope import planning
from vitascope.data.truth import layout_of
from vitascope.models.layout import FRAMES, MOTION, POSE, SLOTS, Layout, grid_motions, to_grid
from vitascope.planning import bridged, drawn, plan
from vitascope.sampling import embed
from vitascope.tasks import edit, extend, image_to_video, infill, loop, text_to_video
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
    assert (x.diff() - 0.01).abs().max() < 0.005 and torch.equal(x[:8], before[:8])
    view[2:] += 0.02
    went = bridged(replace(layout, view=view), known)
    assert (went.view.flatten(0, 1)[8] - view[1, 3]).abs().max() < 0.003
    assert torch.equal(bridged(replace(layout, view=view), torch.ones(5, dtype=torch.bool)).view, view)


def test_what_is_known_is_told_stretch_by_stretch(nano_system, monkeypatch):
    """Of the step into what is known after a gap nothing is known: it goes as the next one does."""
    told, layout = [], moving(0.01)
    monkeypatch.setattr(planning.Eye, "choose", lambda self, drafts: layout)
    monkeypatch.setattr(planning.Eye, "fit", lambda self, found: replace(found, poses=found.poses.cumsum(0)))
    monkeypatch.setattr(planning, "sample", lambda painter, **how: told.append(painter.condition) or [told[0].known])
    condition = infill(ask(frames=17), known(nano_system, 2), known(nano_system, 1))
    plan(nano_system, condition, embed(nano_system.text, condition), seed=0, sampler="euler")
    assert (told[0].levels == 0).all(-1).all(-1).tolist() == [True, True, False, False, True]
    motions = grid_motions(told[0].known)
    assert torch.equal(motions[4, 0], motions[4, 1]) and not torch.equal(motions[1, 0], motions[1, 1])


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
