import numpy as np

from vitascope.provenance.components import spectrum, tame
from vitascope.provenance.patterns import band


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
