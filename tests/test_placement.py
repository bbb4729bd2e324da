import pytest
from marking import KEY, PAYLOAD, marked_clip, through_file

from vitascope.provenance.reading import detect


def test_cuts_of_the_frames_shape_are_placed_finely_and_others_are_found_too() -> None:
    marked = marked_clip()
    alike, narrow = (detect(through_file(cut), KEY) for cut in (marked[:, 13:127, 31:233], marked[:, :, 20:220]))
    assert alike.placement == pytest.approx((31 / 256, 13 / 144, 202 / 256, 114 / 144), abs=0.01)
    assert narrow.placement == pytest.approx((20 / 256, 0, 200 / 256, 1), abs=0.02)
    assert alike.payload == narrow.payload == PAYLOAD and max(alike.log10_p, narrow.log10_p) < -6
