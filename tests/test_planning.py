"""Plans: drawn where only words are known, and fitted to what else is known."""

from dataclasses import replace

import pytest
import torch

from vitascope.data.truth import layout_of
from vitascope.models.layout import FRAMES, POSE, SLOTS
from vitascope.planning import _misfits, plan
from vitascope.sampling import embed
from vitascope.tasks import edit, extend, image_to_video, loop, text_to_video
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene


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


def test_a_misfit_is_the_painters_error_where_something_is_known(nano_system):
    """The same layout errs alike; another one errs otherwise; what is unknown does not count."""
    condition = image_to_video(ask(), known(nano_system, 1))
    layouts = [layout_of(scene, simulate(scene), 0, 9) for scene in map(sample_scene, (3, 3, 8))]
    words, noise = embed(nano_system.text, condition), torch.randn(condition.known.shape)
    first, again, other = _misfits(nano_system, condition, words, layouts, noise, opens=True)
    assert torch.isclose(first, again) and not torch.isclose(first, other, rtol=1e-4)
    changed = condition.known.clone()
    changed[:, 1:] += 1
    same = _misfits(nano_system, replace(condition, known=changed), words, layouts[:1], noise, opens=True)[0]
    assert torch.isclose(same, first)
