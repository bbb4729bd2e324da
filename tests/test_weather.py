import itertools

import cv2
import numpy as np
import pytest

from vitascope.falling import FALLING, Moments
from vitascope.world.weather import WEATHERS, apply_weather

CHANGING = [weather for weather in WEATHERS if weather != "clear"]


def clip(height: int = 64, width: int = 96, frames: int = 5, level: float = 0.6) -> np.ndarray:
    """A still clip of soft stripes."""
    x = (np.arange(width) + 0.5) / height
    row = 255 * level * (0.7 + 0.3 * np.sin(7 * x[:, None] + np.array([0, 1, 2])))
    return np.broadcast_to(row, (frames, height, width, 3)).astype(np.uint8)


def weathered(frames: np.ndarray, weather: str, *, seed: int = 0, pan: float = 0.0, fps: float = 8) -> np.ndarray:
    numbers = np.arange(len(frames))
    return apply_weather(frames, weather, seed=seed, moments=Moments(numbers, numbers / fps, pan * numbers))


@pytest.mark.parametrize("weather", WEATHERS)
def test_shape_type_and_repetition(weather: str) -> None:
    frames = clip()
    before = frames.copy()
    out = weathered(frames, weather)
    assert out.shape == frames.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(out, weathered(frames, weather))
    np.testing.assert_array_equal(frames, before)


def test_weathers_differ_from_each_other() -> None:
    pictures = [weathered(clip(), weather).astype(float) for weather in WEATHERS]
    for a, b in itertools.combinations(pictures, 2):
        assert np.abs(a - b).mean() > 5


@pytest.mark.parametrize("weather", CHANGING)
def test_weather_is_the_same_at_every_size(weather: str) -> None:
    def small(frames: np.ndarray) -> np.ndarray:
        return np.stack([cv2.resize(frame, (96, 64), interpolation=cv2.INTER_AREA) for frame in frames])

    large = clip(256, 384)
    shrunk, direct = small(weathered(large, weather, pan=0.1)), weathered(small(large), weather, pan=0.1)
    error = np.mean((shrunk.astype(float) - direct) ** 2)
    assert 10 * np.log10(255**2 / error) > 32


@pytest.mark.parametrize("weather", ["rain", "snow"])
def test_drops_and_flakes_fall(weather: str) -> None:
    """Between two frames a moment apart, the picture matches best when the first is moved down."""
    frames = np.full((2, 128, 128, 3), 60, np.uint8)
    first, second = weathered(frames, weather, fps=50)[..., 0].astype(float)
    errors = {dy: np.abs(np.roll(first, dy, 0) - second)[16:-16, 16:-16].mean() for dy in range(-6, 7)}
    assert min(errors, key=errors.get) > 0


def test_camera_moves_flakes_the_other_way() -> None:
    frames = np.full((2, 128, 128, 3), 60, np.uint8)
    first, second = weathered(frames, "snow", fps=1e6, pan=0.05)[..., 0].astype(float)
    errors = {dx: np.abs(np.roll(first, dx, 1) - second)[:, 16:-16].mean() for dx in range(-8, 9)}
    assert min(errors, key=errors.get) < -2


def test_motion_has_no_jump_where_sheets_repeat() -> None:
    """Steps of 1/200 s over more than a period: no step changes much more than the median one."""
    frames = np.full((1400, 32, 32, 3), 60, np.uint8)
    for weather in ("rain", "snow"):
        out = weathered(frames, weather, fps=200).astype(np.int16)
        steps = np.abs(np.diff(out, axis=0)).mean((1, 2, 3))
        assert steps.max() < 3 * np.median(steps)


def test_fog_is_thickest_at_the_horizon() -> None:
    out = weathered(np.zeros((1, 128, 128, 3), np.uint8), "fog")[0].astype(float).mean((1, 2))
    assert out[int(0.6 * 128)] > 1.5 * out[-1] and out[int(0.6 * 128)] > out[0]


@pytest.mark.parametrize("weather", CHANGING)
def test_air_is_dark_at_night(weather: str) -> None:
    night, day = (weathered(clip(level=level), weather).mean() for level in (0.12, 0.8))
    assert night < 0.6 * day


@pytest.mark.parametrize("weather", WEATHERS)
def test_without_what_falls_the_light_is_the_same(weather: str) -> None:
    frames, moments = clip(), Moments(*(np.arange(5) / 8,) * 3)
    whole, dry = (apply_weather(frames, weather, seed=0, moments=moments, falls=falls) for falls in (True, False))
    share = (whole != dry).any(-1).mean()
    assert share < 0.5 and bool(share) == (weather in FALLING)
    if weather != "clear":
        assert (dry != frames).any()


def test_unknown_weather_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'hail'.*rain.*fog"):
        weathered(clip(), "hail")
