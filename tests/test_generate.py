"""Generation: reproducible, any length, known frames unchanged."""

import numpy as np
import pytest
import torch

from vitascope.generate import decode, generate, sample_latents, split_windows
from vitascope.tasks import image_to_video, know, text_to_video


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
def test_windows_cover_everything_once(frames):
    windows = list(split_windows(frames, 5))
    assert windows[0][0] == 0 and windows[-1][1] == frames
    made = [t for first, last, carried in windows for t in range(first + carried, last)]
    assert made == list(range(frames))
    assert all(last - first <= 5 for first, last, _ in windows)
    assert all(carried >= 1 for _, _, carried in windows[1:])


def test_long_clips_go_on_from_their_beginning(nano_system):
    whole = sample_latents(nano_system, ask(frames=33), seed=4, steps=2)
    assert whole.shape[1] == 9 and whole.isfinite().all()
    start = sample_latents(nano_system, ask(frames=33), seed=4, steps=2)[:, :5]
    assert torch.equal(whole[:, :5], start)


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
