"""Sampling: windows, prompts and layouts reach the tokens that they belong to."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from vitascope.data.truth import layout_of
from vitascope.sampling import HELD, Painter, embed, offset, plan_windows, sample, split_windows, steady
from vitascope.tasks import change_prompts, cut, extend, loop, text_to_video
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene


def ask(frames=9, **more):
    return text_to_video("a red car drives left", width=64, height=48, frames=frames, **more)


@pytest.mark.parametrize("frames", [1, 3, 5, 6, 9, 16, 61])
def test_windows_cover_everything_and_overlap(frames):
    windows = list(split_windows(frames, 5))
    assert windows[0][0] == 0 and windows[-1][1] == frames
    assert all(last - first == min(5, frames) for first, last in windows)
    assert all(after[0] < before[1] < after[1] for before, after in pairwise(windows))


def painter(system, condition, **more):
    """The transformer with the condition's prompts before it."""
    return Painter(system.transformer, condition, embed(system.text, condition), system.config.window, **more)


def look(system, condition, **more):
    return painter(system, condition, **more).velocity(0, condition, guided=True)


def test_a_prompt_rules_its_own_span(nano_system):
    names = ("a red car drives left", "a blue bus", "a dog")
    cards = change_prompts(ask(), [(1, names[1]), (2, names[2])])
    x = torch.randn(nano_system.transformer.config.channels, *ask().shape)
    alone = [look(nano_system, replace(ask(), prompt=name))(x, 0.5) for name in names]
    mixed = look(nano_system, cards)(x, 0.5)
    assert all(torch.allclose(mixed[:, frame], alone[frame][:, frame], atol=1e-6) for frame in range(3))
    assert not torch.allclose(alone[0][:, 1], alone[1][:, 1], atol=1e-4)


@pytest.mark.parametrize("frames", [3, 7])
def test_a_ring_has_no_beginning(nano_system, frames):
    """Turned noise gives the turned result: no position is the first."""
    condition = replace(loop(ask()), shape=(frames, 6, 8))
    field, plain = look(nano_system, condition), look(nano_system, replace(condition, ring=False))
    x = torch.randn(nano_system.transformer.config.channels, *condition.shape)
    assert torch.allclose(field(x.roll(2, 1), 0.7), field(x, 0.7).roll(2, 1), atol=1e-5)
    assert not torch.allclose(plain(x.roll(2, 1), 0.7), plain(x, 0.7).roll(2, 1), atol=1e-3)


def test_a_layout_tells_the_painter_where(nano_system):
    """Only when guided, only near the subject, and window by window."""
    condition, scene = replace(ask(), shape=(7, 6, 8)), sample_scene(3, frames=25)
    layout = layout_of(scene, simulate(scene), 0, 25)
    told, same = (painter(nano_system, condition, layout=layout.part(torch.tensor(groups))) for groups in
                  ([0, 1, 2, 3, 4, 5, 6], [6, 6, 2, 3, 4, 6, 6]))
    x = torch.randn(nano_system.transformer.config.channels, 3, 6, 8)
    part = cut(condition, torch.arange(2, 5))
    assert torch.equal(told.velocity(2, part, guided=True)(x, 0.5),
                       same.velocity(2, part, guided=True)(x, 0.5))
    assert not torch.allclose(told.velocity(2, part, guided=True)(x, 0.5), told.velocity(0, part, guided=True)(x, 0.5))
    assert torch.equal(told.velocity(2, part, guided=False)(x, 0.5),
                       painter(nano_system, condition).velocity(2, part, guided=False)(x, 0.5))


def test_several_clips_at_once_equal_one_by_one(nano_system):
    x = torch.randn(3, nano_system.transformer.config.channels, *ask().shape)
    field = painter(nano_system, ask()).field(0, ask(), 2.0)
    assert torch.allclose(field(x, 0.5), torch.stack([field(clip, 0.5) for clip in x]), atol=1e-5)


def test_what_leads_to_a_known_end_is_made_from_the_end():
    known = torch.zeros(16, 2, 6, 8)
    backward, forward = plan_windows(extend(ask(33), known, backward=True), 5), plan_windows(extend(ask(33), known), 5)
    assert backward[0] == (4, 9) and backward[-1][0] == 0 and forward[0] == (0, 5) and forward[-1] == (4, 9)


def test_later_windows_are_spread_like_the_first():
    torch.manual_seed(0)
    first, later = torch.randn(3, 5, 16, 16), 1.1 * torch.randn(3, 2, 16, 16) + 2
    held = steady(later, first)
    assert_close(held.std((1, 2, 3)), first.std((1, 2, 3)))
    assert_close(held.mean((1, 2, 3)), later.mean((1, 2, 3)))
    assert_close(steady(9 * later, first).std((1, 2, 3)), HELD[0] * 9 * later.std((1, 2, 3)))  # another picture


def test_what_is_known_is_not_touched_by_holding_the_spread(nano_system):
    scene = sample_scene(1, frames=33)
    known = 3 * torch.randn(nano_system.transformer.config.channels, 2, 6, 8)
    condition = extend(ask(frames=33), known, backward=True)
    told = painter(nano_system, condition, layout=layout_of(scene, simulate(scene), 0, 33))
    made = torch.cat(list(sample(told, seed=0, steps=2, scale=1.0, sampler="euler")), 1)
    assert made.shape[1] == 9 and torch.equal(made[:, -2:], known)


def test_what_was_foreseen_comes_out_alike_in_every_window(nano_system):
    """Each channel is as far from it on average as in the first window."""
    known = torch.randn(nano_system.transformer.config.channels, 8, 6, 8, generator=torch.Generator().manual_seed(0))
    level, scene = torch.full((8, 6, 8), 0.6), sample_scene(3, frames=33)
    condition = replace(ask(), shape=(8, 6, 8), known=known, level=level)
    layout = layout_of(scene, simulate(scene), 0, 33).part(slice(8))
    sure = torch.rand(8, 6, 8, generator=torch.Generator().manual_seed(1)) < 0.7
    told = painter(nano_system, condition, layout=layout, foreseen=sure)
    assert nano_system.config.window == 5
    for each, alike in ((told, True), (replace(told, foreseen=None), False)):
        made = torch.cat(list(sample(each, seed=0, steps=2, scale=1.0, sampler="euler")), 1)
        first, later = (offset(made[:, part], known[:, part], sure[part]) for part in (slice(5), slice(5, 8)))
        assert torch.allclose(first, later, atol=1e-4) == alike
