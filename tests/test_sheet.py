"""Contact sheets show the right frames at the right place."""

import numpy as np
import pytest

from vitascope.sheet import contact_sheet
from vitascope.video import Video


def ramp(level: int, frames: int = 9) -> Video:
    """A clip whose frame t is of one grey, level + t."""
    return Video(np.full((frames, 40, 60, 3), level, np.uint8) + np.arange(frames, dtype=np.uint8)[:, None, None, None])


def test_frames_stand_in_order_over_their_captions() -> None:
    sheet = contact_sheet([ramp(10), ramp(60), ramp(110)], ["one", "two", "three"], frames=3, columns=2, height=40)
    strip = 3 * 60 + 2 * 2
    assert sheet.shape[1] == 2 * strip + 3 * 4 and sheet.dtype == np.uint8
    assert sheet[20, 4 + 30:4 + strip:62, 0].tolist() == [10, 14, 18]
    assert sheet[20, 8 + strip + 30:8 + 2 * strip:62, 0].tolist() == [60, 64, 68]
    assert 110 in sheet[50:] and sheet[44:58, 4:100].min() < 100  # the third strip, and letters


def test_fewer_frames_than_places_and_long_captions() -> None:
    sheet = contact_sheet([ramp(10, frames=1)], ["a very long caption " * 20], height=96)
    assert sheet.shape[0] > 96 + 5 * 17


def test_captions_and_videos_must_match() -> None:
    with pytest.raises(ValueError, match="2 captions for 1 videos"):
        contact_sheet([ramp(10)], ["one", "two"])
