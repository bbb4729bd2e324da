"""Measures of continuity, on clips whose seams and drift are known."""

import numpy as np
import pytest

from vitascope.evaluate.continuity import drift, jumps, kept_psnr, loop_ratio, look, seam_ratio


def sweep(frames: int = 16, period: int = 16) -> np.ndarray:
    """A grating that moves evenly and returns to its start after `period` frames."""
    x = np.arange(64)
    waves = [np.sin(2 * np.pi * (x / 32 - t / period)) for t in range(frames)]
    return np.stack([np.repeat(np.repeat((wave * 100 + 128)[None, :, None], 48, 0), 3, 2)
                     for wave in waves]).astype(np.uint8)


def test_an_even_motion_has_no_seam_and_a_cut_has_one():
    clip = sweep()
    cut = np.concatenate([clip[:6], clip[12:]])
    assert 0.9 < seam_ratio(clip, 6) < 1.1 and seam_ratio(cut, 6) > 3
    assert jumps(clip).shape == (15,) and jumps(clip[:1].repeat(3, 0)).max() == 0


def test_a_loop_that_closes():
    assert 0.9 < loop_ratio(sweep()) < 1.1
    assert loop_ratio(sweep(10)) > 3
    assert loop_ratio(sweep()[:1].repeat(5, 0)) == 0


def test_kept_frames():
    clip = sweep()
    other = clip.copy()
    other[:, :10] = np.where(other[:, :10] > 127, other[:, :10] - 10, other[:, :10] + 10)
    where = np.ones(clip.shape[:3], bool)
    where[:, :10] = False
    assert kept_psnr(clip, clip) == float("inf") == kept_psnr(other, clip, where)
    assert kept_psnr(other[:, :10], clip[:, :10]) == pytest.approx(20 * np.log10(255 / 10), abs=0.01)


def test_drift_names_what_changed():
    even, frames = sweep(96), sweep(96).astype(np.float32)
    assert max(drift(even, 8).values()) < 0.02
    fading = (frames * np.linspace(1, 0.7, 96)[:, None, None, None]).astype(np.uint8)
    assert drift(fading, 8)["brightness"] > 0.15 and drift(fading, 8)["contrast"] > 0.15
    red = frames.copy()
    red[-40:, ..., 1:] *= 0.8
    assert drift(red.astype(np.uint8), 8)["colour"] > 5
    noisy = frames.copy()
    noisy[-40:] += np.random.default_rng(0).normal(0, 8, noisy[-40:].shape)
    changed = drift(noisy.clip(0, 255).astype(np.uint8), 8)
    assert changed["sharpness"] > 1 and changed["brightness"] < 0.05
    assert look(even).sharpness > 0


@pytest.mark.parametrize("wrong", [lambda clip: seam_ratio(clip, 0), lambda clip: seam_ratio(clip, 16),
                                   lambda clip: drift(clip, 8),
                                   lambda clip: kept_psnr(clip, clip[:3])])
def test_what_cannot_be_measured_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        wrong(sweep())
