"""Generation: reproducible, any length, known frames unchanged."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from vitascope.generate import Painter, Words, decode, generate, generate_frames, plan, plan_windows, \
    sample_latents, sample_windows, split_windows, stream_ring
from vitascope.data.shards import layout_of
from vitascope.tasks import change_prompts, cut, extend, image_to_video, know, loop, text_to_video
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene


def ask(frames=9, **more):
    return text_to_video("a red car drives left", width=64, height=48, frames=frames, **more)


def test_same_seed_same_pixels(nano_system):
    first, again, other = (generate(nano_system, ask(), seed=seed, steps=2).pixels for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.shape == (9, 96, 128, 3) and first.dtype == np.uint8


def test_the_first_image_is_kept(nano_system):
    image = torch.randn(nano_system.transformer.config.channels, 1, 6, 8)
    latents = sample_latents(nano_system, image_to_video(ask(), image), seed=0, steps=3)
    assert torch.allclose(latents[:, :1], image, atol=1e-5)
    assert not torch.allclose(latents[:, 1:2], image)


def test_an_edit_at_strength_zero_changes_nothing(nano_system):
    known = torch.randn(nano_system.transformer.config.channels, 3, 6, 8)
    untouched = sample_latents(nano_system, know(ask(), known, slice(0, 3), level=0.0), seed=0, steps=3)
    assert torch.allclose(untouched, known, atol=1e-5)


def test_guidance_negative_and_words_change_the_result(nano_system):
    plain = sample_latents(nano_system, ask(), seed=0, steps=2, guidance=1.0)
    guided = sample_latents(nano_system, ask(), seed=0, steps=2, guidance=5.0)
    negative = sample_latents(nano_system, ask(negative="a blue bus"), seed=0, steps=2, guidance=5.0)
    assert not torch.allclose(plain, guided) and not torch.allclose(guided, negative)


@pytest.mark.parametrize("frames", [1, 3, 5, 6, 9, 16, 61])
def test_windows_cover_everything_and_overlap(frames):
    windows = list(split_windows(frames, 5))
    assert windows[0][0] == 0 and windows[-1][1] == frames
    assert all(last - first == min(5, frames) for first, last in windows)
    assert all(after[0] < before[1] < after[1] for before, after in pairwise(windows))


def test_what_leads_to_a_known_end_is_made_from_the_end():
    known = torch.zeros(16, 2, 6, 8)
    backward, forward = plan_windows(extend(ask(33), known, backward=True), 5), plan_windows(extend(ask(33), known), 5)
    assert backward[0] == (4, 9) and backward[-1][0] == 0 and forward[0] == (0, 5) and forward[-1] == (4, 9)


def test_long_clips_go_on_from_their_beginning(nano_system):
    whole = sample_latents(nano_system, ask(frames=33), seed=4, steps=2)
    assert whole.shape[1] == 9 and whole.isfinite().all()
    parts = list(sample_windows(nano_system, ask(frames=33), seed=4, steps=2))
    assert [part.shape[1] for part in parts] == [5, 3, 1] and torch.equal(torch.cat(parts, 1), whole)


@pytest.mark.parametrize("backward", [False, True])
def test_known_frames_stay_however_long_the_clip(nano_system, backward):
    known = torch.randn(nano_system.transformer.config.channels, 2, 6, 8)
    latents = sample_latents(nano_system, extend(ask(frames=41), known, backward=backward), seed=0, steps=2)
    assert torch.allclose(latents[:, -2:] if backward else latents[:, :2], known, atol=1e-5)
    made = latents[:, :-2] if backward else latents[:, 2:]
    assert made.isfinite().all() and made.shape[1] == 9


def painter(system, condition, **more):
    """The transformer with the condition's prompts before it."""
    names = [span.prompt for span in condition.prompts]
    words = Words(dict(zip(names, system.text(names), strict=True)), system.text([""])[0])
    return Painter(system.transformer, condition, words, system.config.window, **more)


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
    told = painter(nano_system, condition, layout=layout)
    x = torch.randn(nano_system.transformer.config.channels, 3, 6, 8)
    part = cut(condition, torch.arange(2, 5))
    assert torch.equal(told.velocity(2, part, guided=True)(x, 0.5),
                       painter(nano_system, part, layout=layout.part(slice(2, 5))).velocity(2, part, guided=True)(x, 0.5))
    assert not torch.allclose(told.velocity(2, part, guided=True)(x, 0.5), told.velocity(0, part, guided=True)(x, 0.5))
    assert torch.equal(told.velocity(2, part, guided=False)(x, 0.5),
                       painter(nano_system, condition).velocity(2, part, guided=False)(x, 0.5))


def test_a_plan_is_made_where_nothing_is_known(nano_system):
    words = painter(nano_system, ask()).words
    plans = [plan(nano_system, ask(frames=33), words, seed=seed, steps=2, sampler="euler") for seed in (1, 1, 2)]
    assert plans[0].poses.shape == (9, 4, 3, 7)
    assert torch.equal(plans[0].poses, plans[1].poses) and not torch.equal(plans[0].poses, plans[2].poses)
    known = know(ask(), torch.zeros(nano_system.transformer.config.channels, 1, 6, 8), slice(0, 1))
    assert plan(nano_system, known, words, seed=1, steps=2, sampler="euler") is None


def test_a_ring_is_decoded_without_a_seam(nano_system):
    latents = torch.randn(nano_system.transformer.config.channels, 3, 4, 4)
    frames, turned = (np.concatenate(list(stream_ring(nano_system, x))) for x in (latents, latents.roll(1, 1)))
    assert frames.shape == (12, 64, 64, 3)
    assert np.abs(np.roll(frames, 4, 0).astype(int) - turned).max() <= 1
    assert len(generate(nano_system, loop(ask()), seed=0, steps=1)) == 12


def test_frames_come_while_later_windows_are_still_to_be_made(nano_system):
    told = []
    frames = generate_frames(nano_system, ask(frames=49), seed=0, steps=2, progress=lambda step,
                             total: told.append((step, total)))
    first = next(frames)
    assert told[-1] == (2, 8) and len(first) < 20
    assert len(first) + sum(map(len, frames)) == 49 and told[-1] == (8, 8)


def test_decoding_in_parts_changes_nothing(nano_system):
    latents = torch.randn(nano_system.transformer.config.channels, 9, 4, 4)
    frames = decode(nano_system, latents)
    assert frames.shape == (33, 64, 64, 3)
    whole = nano_system.upsampler(nano_system.autoencoder.decode(latents[None]).clamp(-1, 1))
    expected = (whole[0].clamp(-1, 1) * 127.5 + 127.5).round().byte().permute(1, 2, 3, 0).numpy()
    assert np.abs(frames.astype(int) - expected).max() <= 1


def test_progress_counts_all_windows(nano_system):
    told = []
    generate(nano_system, ask(frames=33), seed=0, steps=2, progress=lambda step, total: told.append((step, total)))
    assert told[0][0] == 0 and told[-1] == (6, 6) and [step for step, _ in told] == sorted(step for step, _ in told)
