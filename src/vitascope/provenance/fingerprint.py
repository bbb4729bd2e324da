"""What a clip looks like in 256 bits a frame, so that a re-encoded copy is found again among those that were made here.

A perceptual hash: signs of the lowest cosine components of a grey 64x64 picture against their median (Zauner 2010, with
16x16 instead of 8x8 components, because clips of one place share what is coarsest). Goes in: frames; comes out: a few
hundred bytes that are compared by counting bits. Mirrored copies are found by asking for both. Knows no keys: it proves
likeness, not origin.
"""

import numpy as np

SIDE = 64  # of the picture that is transformed
COMPONENTS = 16  # on a side
FRAMES = 48  # at most, evenly over the clip
BYTES = COMPONENTS * COMPONENTS // 8  # of one frame's hash


def fingerprint(frames: np.ndarray) -> np.ndarray:
    """Hashes uint8 (N, 32) of uint8 frames (T, H, W, 3), N = min(T, 48)."""
    return np.stack([hash_frame(frames[number]) for number in chosen(len(frames))])


def chosen(count: int) -> list[int]:
    """The frames of a clip of so many that are hashed."""
    return np.unique(np.linspace(0, count - 1, FRAMES).round().astype(int)).tolist()


def mirrored(frames: np.ndarray) -> np.ndarray:
    """The fingerprint of the mirror image."""
    return fingerprint(frames[:, :, ::-1])


def distance(copy: np.ndarray, original: np.ndarray) -> float:
    """Share of bits in which the frames of a copy differ from those of an original that they are most like; 0 to
    about 0.5."""
    differing = np.bitwise_count(copy[:, None] ^ original[None]).sum(-1, dtype=int)  # (N, M)
    return float(differing.min(1).mean() / (8 * BYTES))


def hash_frame(frame: np.ndarray) -> np.ndarray:
    """The hash (32,) of one frame uint8 (H, W, 3)."""
    import cv2  # slow to load, and not needed before there are frames

    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    components = cv2.dct(small)[:COMPONENTS, :COMPONENTS].reshape(-1)
    components[0] = 0  # brightness as such
    return np.packbits(components > np.median(components))
