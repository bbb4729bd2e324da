"""The watermark: what is embedded is read again, through files and cuts; what was never marked looks like chance."""

import io

import av
import cv2
import numpy as np
import pytest

from vitascope.provenance.watermark import (
    Detection, band, choose, chunks, detect, embed, mark, spectrum, swing, tame
)

KEY, PAYLOAD = b"only for these tests", 0x0123456789ABCDEF


def make_clip(seed: int, *, width: int = 256, height: int = 144, frames: int = 17) -> np.ndarray:
    """Smooth colours, a textured ground, and a disc that moves."""
    draw = np.random.default_rng(seed)
    coarse = draw.uniform(0, 255, (5, 6, 3)).astype(np.float32)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + draw.normal(0, 3, (height, width, 3))
    clip = np.stack([np.clip(ground, 0, 255).astype(np.uint8)] * frames)
    for number, frame in enumerate(clip):
        where = int(width * (0.2 + 0.6 * number / frames)), height // 2
        cv2.circle(frame, where, height // 6, (200, 30, 60), -1)
    return clip


def through_file(frames: np.ndarray, crf: int = 23) -> np.ndarray:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": str(crf)})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def marked() -> np.ndarray:
    return embed(make_clip(0), PAYLOAD, KEY)


def test_spectrum_is_the_fourier_transform() -> None:
    planes = np.random.default_rng(0).normal(size=(2, 32, 48)).astype(np.float32)
    rows, columns = band()
    whole = np.fft.fft2(planes)[:, rows, columns] / (32 * 48)
    half_cell = np.exp(-1j * np.pi * (rows / 32 + columns / 48))  # cells are sampled in their middles
    assert np.allclose(spectrum(planes), whole * half_cell, atol=1e-5)


def test_an_edge_that_moves_by_is_tamed_and_a_faint_pattern_is_not() -> None:
    draw = np.random.default_rng(0)
    faint = draw.normal(0, 1, (3, 48, 48)).astype(np.float32)
    still = np.stack([faint] * 4)
    moved = still.copy()
    moved[:2, :, :, :24] += 100
    weights = np.ones(4)
    (plain, felt), (edge, less) = tame(still, weights), tame(moved, weights)
    assert felt.min() > 0.5 and np.abs(edge).max() <= 6 and less[:, 10:38, 22:26].max() < 0.6
    assert np.allclose(plain[:, :, 40:], edge[:, :, 40:], atol=0.1)


def test_mark_cannot_be_seen_and_is_read_exactly(marked: np.ndarray) -> None:
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


def test_embedding_twice_gives_the_same_frames(marked: np.ndarray) -> None:
    assert np.array_equal(embed(make_clip(0), PAYLOAD, KEY), marked)


@pytest.mark.parametrize("name", ["file", "mirrored", "half size", "half rate", "darker", "cut"])
def test_mark_survives(name: str, marked: np.ndarray) -> None:
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


def test_cuts_of_the_frames_shape_are_placed_finely_and_others_are_found_too(marked: np.ndarray) -> None:
    alike, narrow = (detect(through_file(cut), KEY) for cut in (marked[:, 13:127, 31:233], marked[:, :, 20:220]))
    assert alike.placement == pytest.approx((31 / 256, 13 / 144, 202 / 256, 114 / 144), abs=0.01)
    assert narrow.placement == pytest.approx((20 / 256, 0, 200 / 256, 1), abs=0.02)
    assert alike.payload == narrow.payload == PAYLOAD and max(alike.log10_p, narrow.log10_p) < -6


def test_of_readings_that_are_clear_the_payload_that_agrees_best_is_taken() -> None:
    whole = (0.0, 0.0, 1.0, 1.0)
    wrong, right, chance = (Detection(log10_p, payload, whole, False, agreement) for log10_p, payload, agreement in (
        (-14.0, 1, 0.77), (-13.0, 2, 0.88), (-1.0, 3, 0.95)))
    assert choose([wrong, right, chance]) == Detection(-14.0, 2, whole, False, 0.88)
    assert choose([chance]) == chance


def test_a_clip_marked_in_parts_is_read_as_a_whole_and_by_its_half() -> None:
    clip = make_clip(5, frames=40)
    parts, weights = chunks(len(clip), 8.0), swing(len(clip), 8.0)
    assert parts == [(0, 20), (20, 40)]
    marked = np.concatenate([mark(clip[first:last], weights[first:last], PAYLOAD, KEY) for first, last in parts])
    assert np.array_equal(marked, embed(clip, PAYLOAD, KEY))
    for shown in (marked, marked[:20]):
        found = detect(iter(through_file(shown)), KEY)
        assert found.payload == PAYLOAD and found.log10_p < -6


@pytest.mark.parametrize("count, fps", [(1, 8.0), (4, 8.0), (17, 8.0), (100, 7.3), (3600, 60.0), (61, 4.0)])
def test_chunks_cover_a_clip_and_each_of_them_swings_around_nothing(count: int, fps: float) -> None:
    parts, weights = chunks(count, fps), swing(count, fps)
    assert [first for first, _ in parts] == [0, *(last for _, last in parts[:-1])] and parts[-1][1] == count
    if count >= 5:
        assert all(abs(weights[first:last].mean()) < 0.3 and last - first <= 3 * fps + 1 for first, last in parts)


def test_still_is_marked() -> None:
    still = make_clip(3, width=512, height=512, frames=1)
    assert detect(embed(still, PAYLOAD, KEY), KEY).payload == PAYLOAD


def test_another_key_and_no_mark_look_like_chance(marked: np.ndarray) -> None:
    """p-values of 60 readings without a mark of that key: none small, and not fewer large ones than chance gives."""
    clips = [make_clip(seed) for seed in range(1, 4)] + [marked]
    values = [detect(clip, b"%016d" % key, cropped=False).log10_p for clip in clips for key in range(15)]
    assert min(values) > -3 and np.mean(np.array(values) < -1) <= 0.1


def test_wrong_payloads_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        embed(make_clip(0), 1 << 64, KEY)
    with pytest.raises(ValueError, match="too short"):
        embed(make_clip(0), 1, b"short")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_carries_no_mark(level):
    found = detect(np.full((9, 96, 128, 3), level, np.uint8), KEY)
    assert found.log10_p == 0
