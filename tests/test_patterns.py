import numpy as np
import pytest

from vitascope.provenance.code import BITS
from vitascope.provenance.patterns import GROUPS, PILOT, patterns


def test_a_key_gives_its_own_signs_and_every_bit_its_share_of_each_colour() -> None:
    made, other = patterns(b"only for these tests"), patterns(b"another key of 16")
    assert set(np.unique(made.signs)) == {-1.0, 1.0}
    assert abs(np.mean(made.signs == other.signs) - 0.5) < 0.05
    assert made.pilot.mean() == pytest.approx(PILOT, abs=0.01)
    for colour in made.groups:
        counts = np.bincount(colour.reshape(-1), minlength=2 * BITS + GROUPS)
        assert np.ptp(counts[:2 * BITS]) <= 1 and np.ptp(counts[2 * BITS:]) <= 1


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        patterns(b"short")
