"""Generation: reproducible, any length, known frames unchanged."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.data.truth import layout_of
from vitascope.falling import Moments
from vitascope.generate import finish, generate, generate_frames, prepare, stream, stream_ring
from vitascope.grain import surfaces
from vitascope.models.layout import FRAMES
from vitascope.models.stylist import STYLISTS, Stylist
from vitascope.models.upsampler import Told
from vitascope.sampling import sample
from vitascope.tasks import extend, image_to_video, know, loop, text_to_video
from vitascope.video import from_unit, to_unit
from vitascope.world.physics import simulate
from vitascope.world.scene import sample_scene
from vitascope.world.styles import STYLES
from vitascope.world.weather import WEATHERS


def windows(system, condition, *, seed, steps, guidance=3.0):
    """What each window adds to the latents."""
    painter = prepare(system, condition, seed=seed)
    return list(sample(painter, seed=seed, steps=steps, scale=guidance, sampler="multistep"))


def sample_latents(*arguments, **more):
    return torch.cat(windows(*arguments, **more), 1)


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


def test_long_clips_go_on_from_their_beginning(nano_system):
    whole = sample_latents(nano_system, ask(frames=33), seed=4, steps=2)
    assert whole.shape[1] == 9 and whole.isfinite().all()
    parts = windows(nano_system, ask(frames=33), seed=4, steps=2)
    assert [part.shape[1] for part in parts] == [5, 3, 1] and torch.equal(torch.cat(parts, 1), whole)


@pytest.mark.parametrize("backward", [False, True])
def test_known_frames_stay_however_long_the_clip(nano_system, backward):
    known = torch.randn(nano_system.transformer.config.channels, 2, 6, 8)
    latents = sample_latents(nano_system, extend(ask(frames=41), known, backward=backward), seed=0, steps=2)
    assert torch.allclose(latents[:, -2:] if backward else latents[:, :2], known, atol=1e-5)
    made = latents[:, :-2] if backward else latents[:, 2:]
    assert made.isfinite().all() and made.shape[1] == 9


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


@pytest.mark.parametrize("told", [False, True])
def test_decoding_in_parts_changes_nothing(nano_system, told):
    latents = torch.randn(nano_system.transformer.config.channels, 9, 4, 4)
    scene = sample_scene(1, frames=33)
    layout = layout_of(scene, simulate(scene), 0, 33) if told else None
    frames = np.concatenate(list(stream(nano_system, latents.split(4, 1), layout)))
    assert frames.shape == (33, 64, 64, 3)
    video = nano_system.autoencoder.decode(latents[None]).clamp(-1, 1)
    whole = nano_system.upsampler(video, [layout and Told.last(layout, 33, video[0, :, 0])])
    expected = (whole[0].clamp(-1, 1) * 127.5 + 127.5).round().byte().permute(1, 2, 3, 0).numpy()
    assert np.abs(frames.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("style, weather", [("film", "clear"), ("3d", "snow"), ("pixel", "rain")])
def test_a_clip_gets_the_style_and_the_weather_of_its_plan(nano_system, style, weather):
    torch.manual_seed(0)
    scene = sample_scene(1, frames=33)
    scene = replace(scene, style=style, shots=tuple(replace(shot, weather=weather) for shot in scene.shots))
    painter = replace(prepare(nano_system, ask(33), seed=0), layout=layout_of(scene, simulate(scene), 0, 33))
    stylist = Stylist(STYLISTS["nano"]).requires_grad_(False)
    frames = np.random.default_rng(0).integers(0, 256, (33, 96, 128, 3), np.uint8)
    styled = np.concatenate(list(finish(stylist, [frames[:5], frames[5:]], painter, 7)))
    numbers = np.arange(FRAMES - 1, FRAMES + 32)  # so many frames of a layout come before the first of a video
    camera_x = painter.layout.view[..., 0].flatten().cumsum(0).numpy()
    ground = surfaces(7, 96, 128, Moments(numbers, numbers / 8, camera_x[numbers]))
    look = list(STYLES).index(style), 1 + WEATHERS.index(weather)
    expected = from_unit(stylist(to_unit(frames[None]), torch.from_numpy(ground), *look)[0])
    assert np.abs(styled.astype(int) - expected).max() <= 1
    assert np.abs(styled.astype(int) - frames).mean() > 10
    plain = replace(painter, layout=replace(painter.layout, look=torch.tensor([0, 1, 1, 1])))
    assert np.array_equal(next(finish(stylist, [frames], plain, 7)), frames)


def test_progress_counts_all_windows(nano_system):
    told = []
    generate(nano_system, ask(frames=33), seed=0, steps=2, progress=lambda step, total: told.append((step, total)))
    assert told[0][0] == 0 and told[-1] == (6, 6) and [step for step, _ in told] == sorted(step for step, _ in told)
