"""Fingerprints: copies are near, other clips far."""

import cv2
import numpy as np

from vitascope.provenance.fingerprint import BYTES, FRAMES, distance, fingerprint, mirrored


def make_clip(seed: int, frames: int = 9) -> np.ndarray:
    draw = np.random.default_rng(seed)
    ground = cv2.resize(draw.uniform(0, 255, (9, 16, 3)).astype(np.float32), (160, 90), interpolation=cv2.INTER_CUBIC)
    return np.stack([np.clip(ground + number, 0, 255).astype(np.uint8) for number in range(frames)])


def test_shape_and_length() -> None:
    assert fingerprint(make_clip(0)).shape == (9, BYTES)
    assert fingerprint(make_clip(0, 100)).shape == (FRAMES, BYTES)


def test_copies_are_near_and_others_far() -> None:
    clips = [make_clip(seed) for seed in range(6)]
    hashes = [fingerprint(clip) for clip in clips]
    smaller = [fingerprint(np.stack([cv2.resize(frame, (80, 45), interpolation=cv2.INTER_AREA) for frame in clip]))
               for clip in clips]
    noisy = [fingerprint(np.clip(clip + np.random.default_rng(0).normal(0, 5, clip.shape), 0, 255).astype(np.uint8))
             for clip in clips]
    for number, original in enumerate(hashes):
        assert max(distance(smaller[number], original), distance(noisy[number], original)) < 0.1
        assert min(distance(other, original) for other in hashes[:number] + hashes[number + 1:]) > 0.3


def test_mirrored_and_shortened_copies_are_found() -> None:
    clip = make_clip(0)
    assert distance(mirrored(clip[:, :, ::-1]), fingerprint(clip)) == 0
    assert distance(fingerprint(clip[2:5]), fingerprint(clip)) == 0
