import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.train.autoencoder import (
    AutoencoderTraining,
    cache_clips,
    draw_batch,
    fix_statistics,
    halve_clips,
    reconstruction_loss,
    schedule,
    train,
)
from vitascope.train.state import checkpoints
from vitascope.video import to_unit

TINY = AutoencoderTraining(
    model=replace(AUTOENCODERS["nano"], channels=8), steps=6, batch=4, side=16, frames=5, warmup=2, validate_every=2
)


def moving_clip(seed: int) -> np.ndarray:
    """A coloured square that moves over a ramp: uint8 (9, 32, 32, 3)."""
    generator = np.random.default_rng(seed)
    clip = np.tile(np.linspace(0, 200, 32, dtype=np.uint8)[:, None], (9, 32, 1, 3)).reshape(9, 32, 32, 3)
    top, left, colour = generator.integers(22), generator.integers(12), generator.integers(256, size=3)
    for frame in range(9):
        clip[frame, top : top + 10, left + frame : left + frame + 10] = colour
    return clip


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.stack([moving_clip(seed) for seed in range(24)])


def test_training_improves_on_the_linear_start(clips: np.ndarray, tmp_path: Path) -> None:
    config = replace(TINY, steps=150, validate_every=150)
    start = train(replace(config, steps=0), tmp_path / "start", clips, clips[:4])
    trained = train(config, tmp_path / "trained", clips, clips[:4])
    videos = to_unit(clips[:8])
    with torch.no_grad():
        errors = [(model.decode(model.encode(videos)) - videos).square().mean().item() for model in (start, trained)]
    assert errors[1] < 0.97 * errors[0]


def test_a_run_resumes_to_the_same_weights(clips: np.ndarray, tmp_path: Path) -> None:
    straight = train(TINY, tmp_path / "straight", clips, clips[:2])
    train(TINY, tmp_path / "broken", clips, clips[:2])
    last = checkpoints(tmp_path / "broken")[-1]
    last.rename(last.with_name(".00000006.partial"))  # as if it had been killed while it wrote the last one
    resumed = train(TINY, tmp_path / "broken", clips, clips[:2])
    for (name, a), b in zip(straight.state_dict().items(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, msg=name)


KILLED_RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import numpy as np
from test_train_autoencoder import TINY, moving_clip, train
from dataclasses import replace
clips = np.stack([moving_clip(seed) for seed in range(24)])
train(replace(TINY, steps=int(sys.argv[3]), validate_every=2), Path(sys.argv[1]), clips, clips[:2])
"""


@pytest.mark.timeout(120)
def test_a_killed_run_goes_on(clips: np.ndarray, tmp_path: Path) -> None:
    steps = 100_000  # more than it can reach
    arguments = [sys.executable, "-c", KILLED_RUN, str(tmp_path), str(Path(__file__).parent), str(steps)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    while not (found := checkpoints(tmp_path)) or found[-1].name < "00000004":
        assert process.poll() is None, "the run ended by itself"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    reached = int(checkpoints(tmp_path)[-1].name)
    again = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert again.stdout is not None
    line = again.stdout.readline()
    again.kill()
    again.wait()
    again.stdout.close()
    step = int(line.split()[1].split("/")[0])
    assert reached < step <= reached + 50


def test_the_run_folder_holds_what_use_needs(clips: np.ndarray, tmp_path: Path) -> None:
    trained = train(TINY, tmp_path, clips, clips[:2])
    stored = load_file(tmp_path / "weights.safetensors")
    assert all(torch.equal(stored[name], tensor) for name, tensor in trained.state_dict().items())
    assert (tmp_path / "samples" / "00000006-whole.png").exists()
    assert (tmp_path / "config.json").exists()


def test_latents_come_out_normalised(clips: np.ndarray, tmp_path: Path) -> None:
    trained = train(replace(TINY, steps=20, validate_every=20), tmp_path, clips, clips[:2])
    with torch.no_grad():
        latents = trained.encode(to_unit(clips))
    assert latents.mean().abs() < 0.5
    assert 0.5 < latents.std() < 2.0


def test_the_decoder_alone_can_go_on(clips: np.ndarray, tmp_path: Path) -> None:
    start = train(TINY, tmp_path / "both", clips, clips[:2])
    config = replace(TINY, decoder_only=True, seed=1)
    after = train(config, tmp_path / "decoder", clips, clips[:2], start=start)
    videos = to_unit(clips[:2])
    with torch.no_grad():
        torch.testing.assert_close(start.encode(videos), after.encode(videos))
        assert not torch.allclose(start.decode(start.encode(videos)), after.decode(after.encode(videos)))


def test_fixed_statistics_are_exact(clips: np.ndarray) -> None:
    torch.manual_seed(0)
    autoencoder = Autoencoder(TINY.model)
    fix_statistics(autoencoder, clips)
    with torch.no_grad():
        latents = autoencoder.encode(to_unit(clips))
    torch.testing.assert_close(latents.mean(dim=(0, 2, 3, 4)), torch.zeros(8), atol=0.05, rtol=0)
    torch.testing.assert_close(latents.std(dim=(0, 2, 3, 4)), torch.ones(8), atol=0.05, rtol=0)


def test_batches_are_crops_of_both_scales(clips: np.ndarray) -> None:
    videos = draw_batch([clips, halve_clips(clips)], TINY, np.random.default_rng(0))
    assert videos.shape == (4, 3, 5, 16, 16)
    assert videos.abs().max() <= 1


def test_crops_are_where_something_moves() -> None:
    clips = np.zeros((1, 5, 64, 64, 3), np.uint8)
    clips[0, 0, :16, :16] = 200  # something vanishes from one corner
    shares = []
    for places in (1, 16):
        batch = draw_batch([clips], replace(TINY, batch=32, places=places), np.random.default_rng(0))
        shares.append((batch.amax(dim=(1, 2, 3, 4)) > 0).float().mean().item())
    assert shares[1] > 2 * shares[0] > 0



def test_halving_takes_means() -> None:
    clips = np.zeros((1, 1, 4, 4, 3), np.uint8)
    clips[0, 0, :2, :2] = [[[0, 0, 0], [40, 40, 40]], [[80, 80, 80], [120, 120, 120]]]
    assert halve_clips(clips)[0, 0, :, :, 0].tolist() == [[60, 0], [0, 0]]


def test_the_loss_is_zero_only_at_the_original() -> None:
    original = torch.rand(1, 3, 5, 8, 8)
    assert reconstruction_loss(original, original, TINY) == 0
    first, last = original.clone(), original.clone()
    first[:, :, 0] += 0.1
    last[:, :, 4] += 0.1
    assert reconstruction_loss(first, original, TINY) > reconstruction_loss(last, original, TINY) > 0


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [schedule(step, replace(TINY, steps=100, warmup=10)) for step in range(100)]
    assert rates[0] < rates[5] < rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=0.005)


def test_clips_are_rendered_once(tmp_path: Path) -> None:
    rendered = []

    def render_clip(seed: int) -> np.ndarray:
        rendered.append(seed)
        return moving_clip(seed)

    first = cache_clips(tmp_path / "clips.npy", 3, render_clip, first_seed=5)
    count = len(rendered)
    assert np.array_equal(first[2], moving_clip(7))
    assert np.array_equal(cache_clips(tmp_path / "clips.npy", 3, render_clip, first_seed=5), first)
    assert len(rendered) == count
    with pytest.raises(ValueError, match="3 clips, expected 4"):
        cache_clips(tmp_path / "clips.npy", 4, render_clip)
