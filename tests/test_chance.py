import math

import numpy as np

from vitascope.provenance.chance import log_energy_tail, log_joint_tail, log_tail


def test_bounds_hold_for_random_signs() -> None:
    """Tails of 20,000 sums of 40 unequal terms, and of energies of 8 of them, lie below their bounds."""
    draw = np.random.default_rng(0)
    terms = draw.exponential(size=40)
    sums = draw.choice([-1.0, 1.0], (20_000, 40)) @ terms / np.linalg.norm(terms)
    for z in (1.0, 2.0, 3.0):
        assert (sums >= z).mean() <= np.exp(log_tail(z))
    energies = (sums.reshape(-1, 8)**2).sum(1)
    for energy in (12.0, 16.0, 24.0):
        assert (energies >= energy).mean() <= np.exp(log_energy_tail(energy, 8))


def test_two_chances_together() -> None:
    """Products of 20,000 pairs of uniform p-values lie below a limit as often as said."""
    both = np.log(np.random.default_rng(0).uniform(size=(20_000, 2)))
    for limit in (math.log(0.1), math.log(0.01)):
        said = math.exp(log_joint_tail(limit, 0.0))
        assert abs((both.sum(1) <= limit).mean() - said) < 0.15 * said
