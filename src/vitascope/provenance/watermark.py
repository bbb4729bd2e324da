"""An invisible mark of 64 bits in the pixels that survives what files go through: coding, scaling, cutting, mirroring.

A keyed spread-spectrum mark: a picture that is added with a strength that swings from 1 to -1 over two seconds, so that
what stands still cancels when the frames are summed with the same weights. Every frame is brought to a grid of 48x48
cells whatever its size, and strong contrast is tamed in it before the sum, so that what moves drowns little of the
mark. The picture is a sum of Fourier components of 5 to 20 cycles per frame, in brightness and both colours (in small
frames nearly all in brightness, which encoders keep), with random signs that follow from a secret key. Three in ten are
the same for every clip (the pilot: it says that there is a mark, and how the clip was cut), the others carry the
payload through a convolutional code. The embedder knows the clip: it makes the change that is seen least and gives
every bit its margin. It makes one for every half swing (`chunks`), about two seconds, so that a clip of any length is
marked while it is made; their sum is what is found.

Goes in: frames and a payload; comes out: frames of the same shape. `detect` gives the payload and a p-value that needs
no model of pictures: for *any* picture made without knowing the key, the signs are a random draw. Knows nothing of
files and records.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from einops import rearrange

from .chance import log_energy_tail, log_joint_tail, log_tail
from .code import BITS, decode, encode

GRID = 48  # cells on a side
BAND = (5.0, 20.0)  # cycles per frame
PILOT = 0.3  # share of the components
COLOURS = (0.05, 1.0)  # weight of the two colours beside brightness, in small frames and in others, see `colour_of`
SMALL = 320  # pixels of the shorter side, from which encoders leave enough of the colours
GROUPS = 16  # of pilot components that get their margin together
WORST_PSNR, PLANNED_PSNR = 42.0, 42.15  # dB, over all three colours
EVEN = 1.0  # how far components are brought to one size: 0 leaves only their signs
LIMIT = 1.6  # see _least_change
PERIOD, CREST = 4.0, 1.6  # of the swing: seconds, and how flat its ends are
FEWEST = 5  # frames of the shortest clip that swings
TAME = 6.0  # grey levels of contrast from which a frame counts less and less, see `tame`
FLOOR = 0.3  # grey levels of change below which a place counts as at rest
SMALLEST = 0.7  # share of a side that is left after the deepest cut that is looked for
CANDIDATES = 5  # cuts of each kind that the payload is read under
READINGS = 2 * len(COLOURS) + 2 * CANDIDATES  # of one clip
CLEAR = -9.0  # log10 of the chance from which no other way of looking is tried
STEP, KEPT_STEP = 0.02, 0.005  # of the frame, between the placements that are tried; of cuts of the frame's own shape
COARSE = 2.4  # cells: what is smoother than this is no part of the mark
FAINTEST = 1e-3  # grey levels, of what can be a mark
BUSY, WIDEST = 2.0, 4.0  # contrast in grey levels that hides as much again as flat ground does; limit, see `room`
TO_YCC = np.float32([[0.299, 0.587, 0.114],  # BT.601, full range
                     [-0.168736, -0.331264, 0.5],
                     [0.5, -0.418688, -0.081312]])
TO_RGB = np.linalg.inv(TO_YCC).astype(np.float32)
Placement = tuple[float, float, float, float]
"""Left, top, width and height of a part, as shares of the frame."""


@dataclass(frozen=True)
class Detection:
    """What was found. `log10_p`: chance of as much in a picture made without the key, all placements tried included."""
    log10_p: float
    payload: int
    placement: Placement  # of what is left
    mirrored: bool
    agreement: float  # share of the coded bits that agree with the payload, each as much as it is clear


# ----------------------------------------------------------------------------------------------------------- patterns

@dataclass(frozen=True, eq=False)
class Patterns:
    """What follows from a key. A component is one real Fourier coefficient: (colour, frequency, cosine or sine)."""
    signs: np.ndarray  # (3, F, 2) of 1 and -1
    pilot: np.ndarray  # bool (3, F, 2)
    groups: np.ndarray  # int (3, F, 2): coded bit of a payload component; 2 * BITS + group of a pilot one


@lru_cache(maxsize=8)
def patterns(key: bytes) -> Patterns:
    """The patterns of a secret key of at least 16 bytes."""
    if len(key) < 16:
        raise ValueError(f"a key of {len(key)} bytes is too short; expected at least 16")
    seed = hashlib.sha256(b"vitascope watermark 2" + key).digest()
    draw = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    rows, _ = band()
    size = 2 * len(rows)  # components of one colour; each colour shares its own out evenly
    pilots = round(size * PILOT)
    groups = np.empty((3, size), int)
    for colour in groups:
        order = draw.permutation(size)
        colour[order[:pilots]] = 2 * BITS + np.arange(pilots) % GROUPS
        colour[order[pilots:]] = np.arange(size - pilots) % (2 * BITS)
    groups = rearrange(groups, "c (f part) -> c f part", part=2)
    signs = draw.integers(0, 2, groups.shape) * 2 - 1
    return Patterns(signs.astype(np.float32), groups >= 2 * BITS, groups)


@lru_cache
def band() -> tuple[np.ndarray, np.ndarray]:
    """Vertical and horizontal frequencies (F,) of the band in cycles per frame, one of each pair of conjugates."""
    top = int(BAND[1])
    y, x = np.meshgrid(np.arange(-top, top + 1), np.arange(top + 1), indexing="ij")
    radius = np.hypot(x, y)
    inside = (radius >= BAND[0]) & (radius <= BAND[1]) & ((x > 0) | (y > 0))
    return y[inside], x[inside]


@lru_cache(maxsize=1024)
def waves(cells: int, share: float) -> np.ndarray:
    """exp(-2 pi i f share x), complex64 (2 top + 1, cells), of all whole f up to the band's top, x in (0, 1).

    What a picture that shows the share of a frame adds to the frame's Fourier component f, wherever it lies.
    """
    top = int(BAND[1])
    centres = (np.arange(cells) + 0.5) / cells
    return np.exp(-2j * np.pi * share * np.outer(np.arange(-top, top + 1), centres)).astype(np.complex64) / cells


# ------------------------------------------------------------------------------------------------------------ picture

def swing(count: int, fps: float) -> np.ndarray:
    """The mark's strength over time, (T,): it swings between 1 and -1 within PERIOD, flat at the ends; stills have 1.

    What does not move then cancels in the sum of the frames with these weights, and the mark does not.
    """
    if count < FEWEST:
        return np.ones(count)
    time = (np.arange(count) + 0.5) / fps
    wave = np.clip(CREST * np.cos(2 * np.pi * time / period(count / fps)), -1, 1)
    return wave - wave.mean()


def period(seconds: float) -> float:
    """Seconds of one swing: about PERIOD, so that halves of it fill the clip; twice the length of a short one."""
    return 2 * seconds / half_swings(seconds)


def half_swings(seconds: float) -> int:
    return max(round(2 * seconds / PERIOD), 1)


def chunks(count: int, fps: float) -> list[tuple[int, int]]:
    """(first, last) frames of each half swing: a half comes back to where it began, so what stands still cancels."""
    number = half_swings(count / fps) if count >= FEWEST else 1
    return list(pairwise(round(end * count / number) for end in range(number + 1)))


def shrink(frame: np.ndarray) -> np.ndarray:
    """float32 (3, GRID, GRID): brightness and two colours of a frame uint8 (H, W, 3), averaged over each cell."""
    return np.tensordot(TO_YCC, resize(rearrange(np.float32(frame), "h w c -> c h w"), GRID, GRID), 1)


def tame(cells: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of frames (T, 3, GRID, GRID) with (T,) weights, each without what is coarser than the band and with its
    strong contrasts reduced; and the share of a change to the frames that the sum feels, both (3, GRID, GRID).

    An edge that moves by does not cancel in the sum. Left as it is it would drown the mark in every cell it passed.
    """
    fine = np.stack([_fine(frame) for frame in cells])
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
    rest = _fine(planes)
    texture = np.sqrt(np.stack([_blur(plane**2, 2.25) for plane in rest]) + FLOOR**2)
    return rest / texture, texture


def _fine(planes: np.ndarray) -> np.ndarray:
    return planes - np.stack([_blur(plane, COARSE) for plane in planes])


def _blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    import cv2  # slow to load, and not needed before there are frames

    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def spectrum(planes: np.ndarray, width: float = 1.0, height: float = 1.0) -> np.ndarray:
    """Band components, complex64 (C, F), of planes (C, H, W) that show these shares of a frame, from its corner."""
    top = int(BAND[1])
    table = waves(planes.shape[1], height) @ planes @ waves(planes.shape[2], width).T  # (C, 2 top + 1, 2 top + 1)
    rows, columns = band()
    return table[:, rows + top, columns + top]


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


# ---------------------------------------------------------------------------------------------------------- embedding

def embed(frames: np.ndarray, payload: int, key: bytes, *, fps: float = 8.0, psnr: float = PLANNED_PSNR) -> np.ndarray:
    """Marked frames, uint8 (T, H, W, 3), that differ from `frames` by about `psnr` decibels and never below WORST_PSNR.

    The same arguments give the same frames. ValueError for a payload that is not of 64 bits.
    """
    weights = swing(len(frames), fps)
    return np.concatenate([mark(frames[first:last], weights[first:last], payload, key, psnr=psnr)
                           for first, last in chunks(len(frames), fps)])


def mark(frames: np.ndarray, weights: np.ndarray, payload: int, key: bytes, *,
         psnr: float = PLANNED_PSNR) -> np.ndarray:
    """As `embed`, of one of a clip's `chunks`; `weights` (t,) are its part of the clip's `swing`."""
    if not 0 <= payload < 1 << BITS:
        raise ValueError(f"payload {payload} is not a whole number of {BITS} bits")
    cells, size = np.stack([shrink(frame) for frame in frames]), frames.shape[1:3]
    change = solve(*tame(cells, weights), room(frames), payload, key, psnr=psnr, colour=colour_of(*size))
    change = _enlarge(change, *size)
    change /= np.float32(np.sqrt((weights**2).mean()))
    while True:
        pairs = zip(frames, np.float32(weights), strict=True)
        marked = np.stack([_add(frame, weight * change) for frame, weight in pairs])
        reached = _psnr(frames, marked)
        if reached >= WORST_PSNR:
            return marked
        change *= np.float32(10**((reached - WORST_PSNR) / 20 - 0.01))  # rounding cost more than was planned


def _psnr(frames: np.ndarray, marked: np.ndarray) -> float:
    """Decibels over all frames and colours."""
    pairs = zip(frames, marked, strict=True)
    squares = sum(float(np.square(one.astype(np.float32) - other).sum()) for one, other in pairs)
    return 10 * math.log10(255**2 * frames.size / max(squares, 1e-9))


def room(frames: np.ndarray) -> np.ndarray:
    """How much a change may cost in every cell, float32 (GRID, GRID): 1 on flat ground, up to WIDEST where it is busy.

    The eye sees a faint pattern on a clear sky and not in leaves: contrast hides contrast (Legge and Foley 1980).
    """
    import cv2  # slow to load, and not needed before there are frames

    reach = frames.shape[2] / GRID
    looked_at = frames[::max(len(frames) // 4, 1)]
    squares = np.zeros(frames.shape[1:3], np.float32)
    for frame in looked_at:
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY).astype(np.float32)
        squares += _blur((grey - _blur(grey, 1.5 * reach))**2, reach) / len(looked_at)
    return np.minimum(1 + np.sqrt(resize(squares[None], GRID, GRID)[0]) / BUSY, WIDEST)


def solve(host: np.ndarray, felt: np.ndarray, space: np.ndarray, payload: int, key: bytes, *, psnr: float,
          colour: float) -> np.ndarray:
    """The change float32 (3, GRID, GRID) to each frame of a clip of which `tame` gives `host` and `felt`, both of that
    shape, and `room` the space (GRID, GRID).
    """
    made = patterns(key)
    wanted = np.concatenate([encode(payload), np.ones(GROUPS)]).astype(np.float32)
    energy = 255**2 / 10**(psnr / 10) * host.size  # squared grey levels over the grid and its three colours
    shares = np.bincount(made.groups[0].reshape(-1)).astype(np.float32)  # components of each group, in every colour
    change = np.zeros_like(host)
    for _ in range(2):  # the detector's weights depend a little on what is embedded
        rest, texture = level(host + felt * change)
        weights = whiten(spectrum(rest), colour)[..., None] * made.signs
        atoms = _atoms(weights, made.groups, texture) * wanted[:, None, None, None]
        seen = rearrange(atoms * felt, "k c h w -> k (c h w)")
        push = rearrange(atoms * felt * space, "k c h w -> k (c h w)")  # least squares, over the room there is
        scores = rearrange(atoms, "k c h w -> k (c h w)") @ _fine(host).reshape(-1)
        weight = _least_change(seen @ push.T, scores, shares, energy, lambda x: _energy((x @ push).reshape(host.shape)))
        change = (weight @ push).reshape(host.shape)
    return change


def _enlarge(change: np.ndarray, height: int, width: int) -> np.ndarray:
    """A change (3, GRID, GRID) in brightness and colours → float32 (H, W, 3) in red, green and blue."""
    return rearrange(np.tensordot(TO_RGB, resize(change, width, height), 1), "c h w -> h w c")


def _atoms(weights: np.ndarray, groups: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """float32 (K, 3, GRID, GRID): what to take the scalar product with to have the score of group k."""
    count, basis = 2 * BITS + GROUPS, _basis()
    coefficients = np.zeros((3, count, basis.shape[0]), np.float32)
    colour, place = np.divmod(np.arange(groups.size), basis.shape[0])
    coefficients[colour, groups.reshape(-1), place] = weights.reshape(-1)
    return rearrange(coefficients @ basis, "c k (h w) -> k c h w", h=GRID) / texture


@lru_cache
def _basis() -> np.ndarray:
    """float32 (2 F, GRID²): real and imaginary parts of what `spectrum` takes the scalar product with."""
    rows, columns = band()
    top = int(BAND[1])
    wave = waves(GRID, 1.0)
    product = np.einsum("fy,fx->fyx", wave[rows + top], wave[columns + top])
    return rearrange(_values(product), "f y x part -> (f part) (y x)").astype(np.float32)


def _least_change(gram: np.ndarray, scores: np.ndarray, shares: np.ndarray, budget: float,
                  energy: Callable[[np.ndarray], float]) -> np.ndarray:
    """Weights (K,) >= 0 of the atoms that lift all scores to the highest margin, in shares, that the budget pays for.

    No weight is more than LIMIT times what each had if all were equal: a score that the picture holds far on the wrong
    side is given up, and the code corrects it.
    """
    equal = math.sqrt(budget / energy(np.ones(len(scores), np.float32)))
    margins = scores / shares
    low, high = float(margins.min()), float(margins.max() + 2 * equal * (gram.sum(1) / shares).max())
    weight = np.zeros(len(scores), np.float32)
    for _ in range(10):
        margin = (low + high) / 2
        found = _lift(gram, margin * shares - scores, weight, LIMIT * equal)
        if energy(found) <= budget:
            low, weight = margin, found
        else:
            high = margin
    return weight * math.sqrt(budget / max(energy(weight), 1e-9))


def _lift(gram: np.ndarray, missing: np.ndarray, start: np.ndarray, limit: float) -> np.ndarray:
    """argmin x'Gx / 2 - x'missing over 0 <= x <= limit, the dual of the least change after which nothing is missing."""
    x, previous, momentum = start, start, 1.0
    step = 1 / np.linalg.norm(gram, 2)
    for _ in range(30):  # accelerated projected gradient (Beck and Teboulle 2009)
        after = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = x + (momentum - 1) / after * (x - previous)
        previous, x, momentum = x, np.clip(ahead - step * (gram @ ahead - missing), 0, limit), after
    return x


def _energy(change: np.ndarray) -> float:
    """Sum of squares over the three colours of a change in planes."""
    return float((np.tensordot(TO_RGB, change, 1)**2).sum())


def _add(frame: np.ndarray, change: np.ndarray) -> np.ndarray:
    return np.clip(frame + change, 0, 255).round().astype(np.uint8)


# ---------------------------------------------------------------------------------------------------------- detection

@dataclass(frozen=True, eq=False)
class Reading:
    """Band components of a clip as they lie under one placement, and how well the pilot fits."""
    z: float
    components: np.ndarray  # complex (3, F), whitened
    placement: Placement
    mirrored: bool
    trials: int  # placements among which this one was found


def detect(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> Detection:
    """Look for the mark of a key in uint8 frames (H, W, 3). `cropped` also looks for clips that were cut."""
    return choose(read(frames, key, fps=fps, cropped=cropped))


def choose(readings: list[Detection]) -> Detection:
    """The least p-value of all readings, with the payload of the one that agrees best with itself among those that are
    clear: neighbouring placements are about as likely, and do not all decode.
    """
    least = min(each.log10_p for each in readings)
    clear = [each for each in readings if each.log10_p <= least / 2]
    return replace(max(clear, key=lambda each: each.agreement), log10_p=least)


def read(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> list[Detection]:
    """At most READINGS readings, under the placements that fit best: no other ways of looking once one is clear."""
    made = patterns(key)
    cells = np.stack([shrink(frame) for frame in frames])  # kept, for the swing follows from their number
    planes, _ = level(tame(cells, swing(len(cells), fps))[0])
    if np.abs(planes).max() < FAINTEST:  # without any detail there is nothing to read, and nothing to divide by
        return [Detection(0.0, 0, (0.0, 0.0, 1.0, 1.0), False, 0.5)]
    found: list[Detection] = []
    for look in (_whole, _cut_alike, _cut) if cropped else (_whole,):
        found += [_judge(reading, made) for reading in look(planes, made)]
        if min(each.log10_p for each in found) < CLEAR:
            break
    return found


def _whole(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The clip as it is and mirrored, under both weights of the colours."""
    readings = []
    for mirrored in (False, True):
        components = spectrum(planes[..., ::-1] if mirrored else planes)
        for colour in COLOURS:
            found = components * whiten(components, colour)
            readings.append(Reading(_pilot(found, made), found, (0.0, 0.0, 1.0, 1.0), mirrored, 2 * len(COLOURS)))
    return readings


def _cut_alike(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The best few placements among cuts that keep the frame's shape, as most do: few enough to try them finely."""
    shares = np.arange(SMALLEST, 1 + KEPT_STEP / 2, KEPT_STEP)
    found, trials = _search(planes, made, [(share, share) for share in shares], KEPT_STEP)
    return [_read_at(planes, made, *each, trials) for each in found]


def _cut(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The best few placements among all cuts down to SMALLEST, in steps of STEP of the frame, and of a third of that
    around them.
    """
    shares = np.arange(SMALLEST, 1 + STEP / 2, STEP)
    found, trials = _search(planes, made, [(width, height) for width in shares for height in shares], STEP)
    return [_refine(planes, made, *each, trials) for each in found]


def _search(planes: np.ndarray, made: Patterns, sizes: list[tuple[float, float]], step: float
            ) -> tuple[list[tuple[Placement, bool, float]], int]:
    """The CANDIDATES placements, mirrorings and weights of the colours under which the pilot fits best, of cuts of
    these widths and heights at all offsets in steps; and how many there were, twice as there are two kinds of cuts.
    """
    weight = made.pilot.mean(-1)
    pilot = np.where(made.pilot, made.signs, 0)
    conjugate = pilot[..., 0] - 1j * pilot[..., 1]
    best, trials = [], 0
    for mirrored in (False, True):
        seen = planes[..., ::-1] if mirrored else planes
        for width, height in sizes:
            components = spectrum(seen, width, height)
            for colour in COLOURS:
                found = components * whiten(components, colour)
                scores = _offsets((found * conjugate).sum(0), 1 - width, 1 - height, step)
                scores /= np.sqrt((np.abs(found)**2 * weight).sum())
                top, left = np.unravel_index(scores.argmax(), scores.shape)
                trials += scores.size
                place = left * step, top * step, width, height
                best.append((float(scores[top, left]), place, mirrored, colour))
    best.sort(reverse=True)
    return [tuple(found) for _, *found in best[:CANDIDATES]], 2 * trials


def _offsets(product: np.ndarray, free_width: float, free_height: float, step: float) -> np.ndarray:
    """Real part of sum_f product_f exp(-2 pi i f offset), for offsets (top, left) in steps."""
    rows, columns = band()
    limit = int(BAND[1])
    table = np.zeros((2 * limit + 1, 2 * limit + 1), np.complex64)
    table[rows + limit, columns + limit] = product
    tops, lefts = (np.arange(0, free + step / 2, step) for free in (free_height, free_width))
    frequencies = np.arange(-limit, limit + 1)
    down, across = (np.exp(-2j * np.pi * np.outer(offsets, frequencies)) for offsets in (tops, lefts))
    return (down @ table @ across.T).real


def _read_at(planes: np.ndarray, made: Patterns, placement: Placement, mirrored: bool, colour: float,
             trials: int) -> Reading:
    """The reading under a placement that was found among so many."""
    left, top, width, height = placement
    rows, columns = band()
    components = spectrum(planes[..., ::-1] if mirrored else planes, width, height)
    turned = components * whiten(components, colour) * np.exp(-2j * np.pi * (columns * left + rows * top))
    return Reading(_pilot(turned, made), turned, placement, mirrored, trials)


def _refine(planes: np.ndarray, made: Patterns, placement: Placement, mirrored: bool, colour: float,
            trials: int) -> Reading:
    """The best placement around one, in steps of a third of STEP, first of the size, then of the offset."""
    seen = planes[..., ::-1] if mirrored else planes
    rows, columns = band()
    steps = np.arange(-2, 3) / 3 * STEP
    tried = trials * len(steps)**4
    left, top, width, height = placement
    readings = []
    for wider in steps:
        for higher in steps:
            components = spectrum(seen, width + wider, height + higher)
            components = components * whiten(components, colour)
            for right in steps:
                for down in steps:
                    x, y = left + right - wider / 2, top + down - higher / 2
                    turned = components * np.exp(-2j * np.pi * (columns * x + rows * y))
                    where = (x, y, width + wider, height + higher)
                    readings.append(Reading(_pilot(turned, made), turned, where, mirrored, tried))
    return max(readings, key=lambda reading: reading.z)


def _pilot(components: np.ndarray, made: Patterns) -> float:
    """Sum of the pilot's components with their signs, over the root of the sum of their squares."""
    values = _values(components)[made.pilot]
    return float(values @ made.signs[made.pilot] / np.sqrt(values @ values))


def _values(components: np.ndarray) -> np.ndarray:
    return np.stack([components.real, components.imag], -1)


def _judge(reading: Reading, made: Patterns) -> Detection:
    """The payload under a placement, and the p-value: the least of four statistics, times all that was tried, twice
    because the whole frame and all cuts share the chance of an error.

    The pilot's sum; the energy of the payload's groups, whatever their signs; these two together, whose signs are drawn
    apart; and the sum over all components with the signs of the payload that was read, times the 2^64 payloads that
    might have been.
    """
    values, carries = _values(reading.components), ~made.pilot
    chips = values * made.signs
    soft = np.bincount(made.groups[carries], chips[carries], minlength=2 * BITS)
    norms = np.bincount(made.groups[carries], values[carries]**2, minlength=2 * BITS)
    payload = decode(soft / np.sqrt(norms.mean()))
    signs = encode(payload)
    z = float((chips[made.pilot].sum() + soft @ signs) / np.sqrt((values**2).sum()))
    energy = float((soft**2 / norms).sum())
    pilot, groups = log_tail(reading.z), log_energy_tail(energy, 2 * BITS)
    tails = (pilot, groups, log_joint_tail(pilot, groups), BITS * math.log(2) + log_tail(z))
    log_p = min(tails) + math.log(2 * len(tails) * reading.trials)
    placement = tuple(round(float(each), 3) for each in reading.placement)
    agreement = float(np.abs(soft)[soft * signs > 0].sum() / np.abs(soft).sum())
    return Detection(min(log_p / math.log(10), 0.0), payload, placement, reading.mirrored, agreement)
