"""Frames → the Fourier components that may carry the mark, the same way for who embeds it and who looks for it.

Every frame is brought to a grid of 48x48 cells whatever its size, and strong contrast is tamed in it before the frames
are summed, so that what moves drowns little of the mark. The sum is then brought to one texture everywhere, and its
components to one size. Knows neither keys nor payloads.
"""

from functools import lru_cache

import numpy as np
from einops import rearrange

from .patterns import BAND, band

GRID = 48  # cells on a side
COLOURS = (0.05, 1.0)  # weight of the two colours beside brightness, in small frames and in others, see `colour_of`
SMALL = 320  # pixels of the shorter side, from which encoders leave enough of the colours
EVEN = 1.0  # how far components are brought to one size: 0 leaves only their signs
TAME = 6.0  # grey levels of contrast from which a frame counts less and less, see `tame`
FLOOR = 0.3  # grey levels of change below which a place counts as at rest
COARSE = 2.4  # cells: what is smoother than this is no part of the mark
TO_YCC = np.float32([[0.299, 0.587, 0.114],  # BT.601, full range
                     [-0.168736, -0.331264, 0.5],
                     [0.5, -0.418688, -0.081312]])


def shrink(frame: np.ndarray) -> np.ndarray:
    """float32 (3, GRID, GRID): brightness and two colours of a frame uint8 (H, W, 3), averaged over each cell."""
    return np.tensordot(TO_YCC, resize(rearrange(np.float32(frame), "h w c -> c h w"), GRID, GRID), 1)


def tame(cells: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of frames (T, 3, GRID, GRID) with (T,) weights, each without what is coarser than the band and with its
    strong contrasts reduced; and the share of a change to the frames that the sum feels, both (3, GRID, GRID).

    An edge that moves by does not cancel in the sum. Left as it is it would drown the mark in every cell it passed.
    """
    fine = np.stack([without_coarse(frame) for frame in cells])
    reduced = 1 + (fine / TAME)**2
    total = (weights**2).sum()
    return (np.tensordot(np.float32(weights / total), fine / np.sqrt(reduced), 1),
            np.tensordot(np.float32(weights**2 / total), reduced**-1.5, 1))


def resize(planes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Planes (C, H, W) at another size, averaged where they shrink."""
    import cv2  # slow to load, and not needed before there are frames

    shrinks = width <= planes.shape[2] and height <= planes.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.stack([cv2.resize(plane, (width, height), interpolation=method) for plane in planes])


def level(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Planes (3, GRID, GRID) without what is coarser than the band, divided by the texture around; and that texture."""
    rest = without_coarse(planes)
    texture = np.sqrt(np.stack([blur(plane**2, 2.25) for plane in rest]) + FLOOR**2)
    return rest / texture, texture


def without_coarse(planes: np.ndarray) -> np.ndarray:
    return planes - np.stack([blur(plane, COARSE) for plane in planes])


def blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    import cv2  # slow to load, and not needed before there are frames

    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


@lru_cache(maxsize=1024)
def waves(cells: int, share: float) -> np.ndarray:
    """exp(-2 pi i f share x), complex64 (2 top + 1, cells), of all whole f up to the band's top, x in (0, 1).

    What a picture that shows the share of a frame adds to the frame's Fourier component f, wherever it lies.
    """
    top = int(BAND[1])
    centres = (np.arange(cells) + 0.5) / cells
    return np.exp(-2j * np.pi * share * np.outer(np.arange(-top, top + 1), centres)).astype(np.complex64) / cells


def spectrum(planes: np.ndarray, width: float = 1.0, height: float = 1.0) -> np.ndarray:
    """Band components, complex64 (C, F), of planes (C, H, W) that show these shares of a frame, from its corner."""
    top = int(BAND[1])
    table = waves(planes.shape[1], height) @ planes @ waves(planes.shape[2], width).T  # (C, 2 top + 1, 2 top + 1)
    rows, columns = band()
    return table[:, rows + top, columns + top]


def values_of(components: np.ndarray) -> np.ndarray:
    return np.stack([components.real, components.imag], -1)


def whiten(components: np.ndarray, colour: float) -> np.ndarray:
    """Positive weights (3, F) that bring components (3, F) of all frequencies of a plane to about the same size, those
    of the two colours then to `colour` times that.
    """
    power = np.abs(components)**2
    return np.float32([[1], [colour], [colour]]) / np.sqrt(EVEN * (power @ _neighbours()) + power + 1e-12)


def colour_of(height: int, width: int) -> float:
    """Which of COLOURS a frame is marked with: colours are seen least, and in small frames encoders drop them first."""
    return COLOURS[0] if min(height, width) < SMALL else COLOURS[1]


@lru_cache
def _neighbours() -> np.ndarray:
    """float32 (F, F): averages over the frequencies of about the same height."""
    rings = np.round(np.hypot(*band())).astype(int)
    same = (rings[:, None] == rings).astype(np.float32)
    return same / same.sum(0)
