"""The watermark: what is embedded cannot be seen, and is read again."""

import numpy as np
import pytest
from marking import KEY, PAYLOAD, make_clip, marked_clip, through_file

from vitascope.provenance.reading import detect
from vitascope.provenance.swing import chunks, swing
from vitascope.provenance.watermark import embed, mark


def test_mark_cannot_be_seen_and_is_read_exactly() -> None:
    marked = marked_clip()
    error = np.mean((marked.astype(float) - make_clip(0))**2)
    assert 10 * np.log10(255**2 / error) >= 42
    found = detect(marked, KEY)
    assert found.payload == PAYLOAD and found.log10_p < -20 and found.placement == (0, 0, 1, 1) and not found.mirrored


def test_flat_ground_is_changed_less_than_what_is_busy() -> None:
    frame = np.full((144, 256, 3), 120, np.uint8)
    frame[:, 128:] = np.random.default_rng(0).integers(60, 180, (144, 128, 3))
    clip = np.stack([frame] * 9)
    change = np.square(embed(clip, PAYLOAD, KEY).astype(float) - clip).mean((0, 1, 3))
    assert change[10:110].mean() < 0.7 * change[146:246].mean()


def test_embedding_twice_gives_the_same_frames() -> None:
    assert np.array_equal(embed(make_clip(0), PAYLOAD, KEY), marked_clip())


def test_a_clip_marked_in_parts_is_read_as_a_whole_and_by_its_half() -> None:
    clip = make_clip(5, frames=40)
    parts, weights = chunks(len(clip), 8.0), swing(len(clip), 8.0)
    assert parts == [(0, 20), (20, 40)]
    marked = np.concatenate([mark(clip[first:last], weights[first:last], PAYLOAD, KEY) for first, last in parts])
    assert np.array_equal(marked, embed(clip, PAYLOAD, KEY))
    for shown in (marked, marked[:20]):
        found = detect(iter(through_file(shown)), KEY)
        assert found.payload == PAYLOAD and found.log10_p < -6


def test_still_is_marked() -> None:
    still = make_clip(3, width=512, height=512, frames=1)
    assert detect(embed(still, PAYLOAD, KEY), KEY).payload == PAYLOAD


def test_wrong_payloads_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        embed(make_clip(0), 1 << 64, KEY)
