import itertools

import cv2
import numpy as np
import pytest

from vitascope.world.places import PLACES, TIMES_OF_DAY, draw_place, ground_level

BUNDLED = ("city", "beach", "forest", "desert", "meadow", "mountains", "moon", "kitchen")


def panorama(name: str, *, scale: int = 64, time: str = "day", seed: int = 0) -> np.ndarray:
    width, height = round(2.5 * scale), round(1.5 * scale)
    return draw_place(
        name, width=width, height=height, scale=scale, time_of_day=time, rng=np.random.default_rng(seed)
    )


def view(picture: np.ndarray) -> np.ndarray:
    """The middle of the view at rest, (64, 64, 3), of a panorama at scale 64."""
    return picture[-64:, 48:112]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2)))


@pytest.mark.parametrize("name", PLACES)
def test_the_same_generator_state_gives_the_same_picture(name: str) -> None:
    first, again, other = panorama(name), panorama(name), panorama(name, seed=1)
    assert first.shape == (96, 160, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", PLACES)
def test_a_picture_is_the_same_at_every_scale(name: str) -> None:
    for seed, time in enumerate(TIMES_OF_DAY):
        large = panorama(name, scale=256, time=time, seed=seed)
        small = panorama(name, scale=64, time=time, seed=seed)
        assert psnr(cv2.resize(large, (160, 96), interpolation=cv2.INTER_AREA), small) > 24


@pytest.mark.parametrize("name", PLACES)
def test_a_wider_panorama_takes_as_many_random_numbers(name: str) -> None:
    rng, wide_rng = np.random.default_rng(3), np.random.default_rng(3)
    draw_place(name, width=120, height=72, scale=48, time_of_day="night", rng=rng)
    draw_place(name, width=300, height=96, scale=64, time_of_day="day", rng=wide_rng)
    assert rng.random() == wide_rng.random()


@pytest.mark.parametrize("name", PLACES)
def test_times_of_day_are_told_apart(name: str) -> None:
    pictures = [panorama(name, time=time).astype(float) for time in TIMES_OF_DAY]
    least = 3 if name == "moon" else 12  # on the moon only the ground takes the light
    for a, b in itertools.combinations(pictures, 2):
        assert np.abs(a - b).mean() > least
    means = dict(zip(TIMES_OF_DAY, (picture.mean() for picture in pictures), strict=True))
    night = means.pop("night")
    assert night < (0.95 if name == "moon" else 0.75) * min(means.values())


def test_bundled_places_are_nearest_to_other_draws_of_themselves() -> None:
    """A nearest-mean classifier on 8x8 thumbnails, the poorest of readers, tells the bundled places apart by day."""

    def thumbnail(name: str, seed: int) -> np.ndarray:
        return cv2.resize(view(panorama(name, seed=seed)), (8, 8), interpolation=cv2.INTER_AREA).astype(float)

    means = {name: np.mean([thumbnail(name, seed) for seed in range(6)], axis=0) for name in BUNDLED}
    for name in BUNDLED:
        for seed in range(10, 16):
            picture = thumbnail(name, seed)
            assert min(means, key=lambda other: np.abs(means[other] - picture).mean()) == name


@pytest.mark.parametrize("name", PLACES)
def test_subjects_stand_on_the_ground_of_the_view(name: str) -> None:
    assert 0.8 <= ground_level(name) <= 0.88


@pytest.mark.parametrize(("width", "height", "scale"), [(16, 24, 16), (401, 97, 64), (61, 300, 128)])
def test_odd_sizes_are_drawn(width: int, height: int, scale: int) -> None:
    for name in PLACES:
        rng = np.random.default_rng(0)
        picture = draw_place(name, width=width, height=height, scale=scale, time_of_day="sunset", rng=rng)
        assert picture.shape == (height, width, 3)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'volcano'.*city.*stadium"):
        ground_level("volcano")
    with pytest.raises(ValueError, match="'volcano'.*city.*stadium"):
        panorama("volcano")
    with pytest.raises(ValueError, match="'noon'.*day.*night"):
        panorama("city", time="noon")
