import itertools

import cv2
import numpy as np
import pytest

from vitascope.world.places import draw_place
from vitascope.world.styles import BLOCKS, STYLES, apply_style

CHANGING = [style for style in STYLES if style != "3d"]
STEADY = [style for style in CHANGING if style != "film"]


def clip(scale: int = 128, frames: int = 3, place: str = "meadow") -> np.ndarray:
    """A pan over a place, (T, scale, scale, 3)."""
    size = {"width": round(2.5 * scale), "height": scale, "scale": scale}
    picture = draw_place(place, **size, time_of_day="day", rng=np.random.default_rng(1))
    starts = [scale * k // 8 for k in range(frames)]
    return np.stack([picture[:, x : x + scale] for x in starts])


def styled(frames: np.ndarray, style: str, seed: int = 0) -> np.ndarray:
    return apply_style(frames, style, seed=seed)


@pytest.mark.parametrize("style", STYLES)
def test_shape_type_and_repetition(style: str) -> None:
    for frames in (clip(), clip(frames=1), clip(64)[:, :, :40], clip(48).repeat(3, axis=2)):
        before = frames.copy()
        out = styled(frames, style)
        assert out.shape == frames.shape and out.dtype == np.uint8
        np.testing.assert_array_equal(out, styled(frames, style))
        np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize("style", STYLES)
def test_black_and_white_frames_are_styled_without_warnings(style: str) -> None:
    black, white = (styled(np.full((2, 32, 48, 3), level, np.uint8), style) for level in (0, 255))
    assert white.mean() > black.mean() + 40


def test_styles_differ_from_each_other() -> None:
    pictures = [styled(clip(), style).astype(float) for style in STYLES]
    for a, b in itertools.combinations(pictures, 2):
        assert np.abs(a - b).mean() > 5


@pytest.mark.parametrize("style", STEADY)
def test_still_pictures_stay_still(style: str) -> None:
    out = styled(clip(frames=1).repeat(4, axis=0), style)
    assert (out == out[:1]).all()


def test_film_grain_flickers_slightly() -> None:
    out = styled(clip(frames=1).repeat(2, axis=0), "film").astype(float)
    assert 1 < np.abs(out[0] - out[1]).mean() < 8


@pytest.mark.parametrize(("style", "least"), [("pencil", 20), ("pixel", 28), ("film", 26), ("papercut", 24)])
def test_a_style_looks_alike_at_every_size(style: str, least: float) -> None:
    def small(frames: np.ndarray) -> np.ndarray:
        return np.stack([cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA) for frame in frames])

    large = clip(256)
    error = np.mean((small(styled(large, style)).astype(float) - styled(small(large), style)) ** 2)
    assert 10 * np.log10(255**2 / error) > least


def test_pencil_is_nearly_grey_and_film_is_grey() -> None:
    for style, spread in (("pencil", 8), ("film", 0)):
        out = styled(clip(), style).astype(int)
        assert (out.max(-1) - out.min(-1)).max() <= spread


def test_film_has_dark_corners() -> None:
    out = styled(np.full((1, 64, 96, 3), 150, np.uint8), "film")[0].astype(float)
    assert out[:6, :6].mean() < 0.7 * out[28:36, 44:52].mean()


def test_pixel_art_has_whole_blocks() -> None:
    out = styled(clip(128), "pixel")
    side = 128 // BLOCKS
    np.testing.assert_array_equal(out, out[:, ::side, ::side].repeat(side, axis=1).repeat(side, axis=2))


def test_cut_paper_turns_a_gradient_into_sheets() -> None:
    """Nearly all change from top to bottom happens at a few edges, where it was spread evenly."""
    sky = np.linspace((40, 90, 200), (220, 230, 250), 128)[:, None].repeat(128, axis=1).astype(np.uint8)

    def share_of_strongest(picture: np.ndarray) -> float:
        steps = np.sort(np.abs(np.diff(picture.mean((1, 2)))))
        return float(steps[-24:].sum() / steps.sum())

    assert share_of_strongest(sky) < 0.35
    assert share_of_strongest(styled(sky[None], "papercut")[0]) > 0.85


def test_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'oil'.*pencil.*papercut"):
        styled(clip(), "oil")
