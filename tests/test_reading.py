"""What is read of a mark: the payload whatever was done to the file, and only chance where there never was one."""

import cv2
import numpy as np
import pytest
from marking import KEY, PAYLOAD, make_clip, marked_clip, through_file

from vitascope.provenance.reading import Detection, choose, detect


@pytest.mark.parametrize("name", ["file", "mirrored", "half size", "half rate", "darker", "cut"])
def test_mark_survives(name: str) -> None:
    marked = marked_clip()
    half = [cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in marked]
    attacked, fps = {
        "file": (marked, 8.0),
        "mirrored": (marked[:, :, ::-1], 8.0),
        "half size": (np.stack(half), 8.0),
        "half rate": (marked[::2], 4.0),
        "darker": ((marked * 0.7).astype(np.uint8), 8.0),
        "cut": (marked[:, 10:134, 20:236], 8.0),
    }[name]
    found = detect(through_file(attacked), KEY, fps=fps)
    assert found.log10_p < -6 and found.payload == PAYLOAD
    assert found.mirrored == (name == "mirrored")
    if name == "cut":
        assert found.placement == pytest.approx((20 / 256, 10 / 144, 216 / 256, 124 / 144), abs=0.03)


def test_of_readings_that_are_clear_the_payload_that_agrees_best_is_taken() -> None:
    whole = (0.0, 0.0, 1.0, 1.0)
    wrong, right, chance = (Detection(log10_p, payload, whole, False, agreement) for log10_p, payload, agreement in (
        (-14.0, 1, 0.77), (-13.0, 2, 0.88), (-1.0, 3, 0.95)))
    assert choose([wrong, right, chance]) == Detection(-14.0, 2, whole, False, 0.88)
    assert choose([chance]) == chance


def test_another_key_and_no_mark_look_like_chance() -> None:
    """p-values of 60 readings without a mark of that key: none small, and not fewer large ones than chance gives."""
    clips = [make_clip(seed) for seed in range(1, 4)] + [marked_clip()]
    values = [detect(clip, b"%016d" % key, cropped=False).log10_p for clip in clips for key in range(15)]
    assert min(values) > -3 and np.mean(np.array(values) < -1) <= 0.1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_carries_no_mark(level):
    found = detect(np.full((9, 96, 128, 3), level, np.uint8), KEY)
    assert found.log10_p == 0
