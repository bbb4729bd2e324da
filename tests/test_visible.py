import numpy as np
import pytest

from vitascope.provenance.visible import draw

GROUND = np.random.default_rng(0).integers(0, 255, (3, 96, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_words_can_be_read_on_any_ground(level: int) -> None:
    drawn = draw(np.full((2, 128, 128, 3), level, np.uint8), "AI made")[0, 100:, 60:]
    assert np.ptp(drawn) > 90


def test_only_the_corner_is_changed_and_in_every_frame_alike() -> None:
    drawn = draw(GROUND, "AI")
    changed = (drawn != GROUND).any(-1)
    assert changed[:, 84:94, 140:158].mean() > 0.25
    assert not changed[:, :80].any() and not changed[:, :, :120].any()
    still = draw(np.stack([GROUND[0]] * 3), "AI")
    assert (still == still[0]).all()


def test_without_words_nothing_is_done() -> None:
    assert draw(GROUND, "") is GROUND
