"""An invisible mark of 64 bits in the pixels that survives what files go through: coding, scaling, cutting, mirroring.

A keyed spread-spectrum mark: a picture that is added with a strength that swings from 1 to -1 over two seconds, so that
what stands still cancels when the frames are summed with the same weights. The sum is brought to a grid of 48x48 cells
whatever the size of the frame. The picture is a sum of Fourier components of 4 to 15 cycles per frame, in brightness
and both colours, with random signs that follow from a secret key. A quarter of them are the same for every clip (the
pilot: it says that there is a mark, and how the clip was cut), the others carry the payload through a convolutional
code. The embedder knows the clip: it makes the change that is seen least and gives every bit its margin. It makes one
for every half swing (`chunks`), about two seconds, so that a clip of any length is marked while it is made; their sum
is what is found.

Goes in: frames and a payload; comes out: frames of the same shape. `detect` gives the payload and a p-value that needs
no model of pictures: for *any* picture made without knowing the key, the signs are a random draw. Knows nothing of
files and records.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from einops import rearrange

GRID = 48  # cells on a side
BAND = (4.0, 15.0)  # cycles per frame
PILOT = 0.25  # share of the components
BITS, MEMORY = 64, 8  # payload; memory of the code in bits
GENERATORS = (0o561, 0o753)  # constraint length 9, rate 1/2, free distance 12 (Proakis, table 8.2-1)
GROUPS = 16  # of pilot components that get their margin together
WORST_PSNR, PLANNED_PSNR = 42.0, 42.15  # dB, over all three colours
EVEN = 1.0  # how far components are brought to one size: 0 leaves only their signs
LIMIT = 1.6  # see _least_change
PERIOD, CREST = 4.0, 1.6  # of the swing: seconds, and how flat its ends are
FEWEST = 5  # frames of the shortest clip that swings
FLOOR = 0.3  # grey levels of change below which a place counts as at rest
SMALLEST = 0.7  # share of a side that is left after the deepest cut that is looked for
CANDIDATES = 5  # cuts that the payload is read under
READINGS = 2 + CANDIDATES  # of one clip
CLEAR = -9.0  # log10 of the chance from which the whole frame is taken to be there
STEP = 0.02  # of the frame, between the placements that are tried
FAINTEST = 1e-3  # grey levels, of what can be a mark
BUSY, WIDEST = 2.0, 4.0  # contrast in grey levels that hides as much again as flat ground does; limit, see `room`
TO_YCC = np.float32([[0.299, 0.587, 0.114],  # BT.601, full range
                     [-0.168736, -0.331264, 0.5],
                     [0.5, -0.418688, -0.081312]])
TO_RGB = np.linalg.inv(TO_YCC).astype(np.float32)


@dataclass(frozen=True)
class Detection:
    """What was found. `log10_p`: chance of as much in a picture made without the key, all placements tried included."""
    log10_p: float
    payload: int
    placement: tuple[float, float, float, float]  # left, top, width, height of what is left, as shares of the frame
    mirrored: bool
    agreement: float  # share of the coded bits that agree with the payload


# --------------------------------------------------------------------------------------------------------------- code

def encode(payload: int) -> np.ndarray:
    """Signs (2 * BITS,) of a payload: a tail-biting convolutional code, so that all bits are protected alike."""
    bits = np.array([payload >> place & 1 for place in range(BITS)])
    windows = np.stack([np.roll(bits, delay) for delay in range(MEMORY + 1)], 1)  # (BITS, 9), the newest bit first
    taps = np.array([[generator >> (MEMORY - delay) & 1 for delay in range(MEMORY + 1)] for generator in GENERATORS])
    return 1 - 2 * (windows @ taps.T % 2).reshape(-1)


def decode(soft: np.ndarray) -> int:
    """The payload whose signs agree best with soft values (2 * BITS,): Viterbi, twice around the circle."""
    outputs, before = _trellis()
    gains = np.einsum("tg,sig->tsi", soft.reshape(BITS, 2), outputs)  # (BITS, states, 2)
    score = np.zeros(1 << MEMORY)
    choices = np.empty((3 * BITS, 1 << MEMORY), np.int64)
    for step in range(3 * BITS):
        paths = score[before] + gains[step % BITS]
        choice = paths.argmax(1)
        choices[step], score = choice, np.take_along_axis(paths, choice[:, None], 1)[:, 0]
    state, payload = int(score.argmax()), 0
    for step in reversed(range(BITS, 3 * BITS)):
        if step < 2 * BITS:
            payload |= (state >> (MEMORY - 1)) << (step - BITS)
        state = int(before[state, choices[step, state]])
    return payload


@lru_cache
def _trellis() -> tuple[np.ndarray, np.ndarray]:
    """The signs put out (S, 2, 2) and the state before (S, 2), for each state after a step and both ways to it.

    A state is the last eight bits, the newest on top.
    """
    after = np.arange(1 << MEMORY)
    before = np.stack([(after << 1 & (1 << MEMORY) - 1) | oldest for oldest in (0, 1)], 1)
    register = (after[:, None] >> (MEMORY - 1)) << MEMORY | before  # nine bits, the newest on top
    ones = [[[(int(each) & generator).bit_count() % 2 for generator in GENERATORS] for each in row] for row in register]
    return 1.0 - 2.0 * np.array(ones), before


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
    seed = hashlib.sha256(b"vitascope watermark 1" + key).digest()
    draw = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    rows, _ = band()
    shape = 3, len(rows), 2
    size = math.prod(shape)
    signs = draw.integers(0, 2, size) * 2 - 1
    order, pilots = draw.permutation(size), round(size * PILOT)
    groups = np.empty(size, int)
    groups[order[:pilots]] = 2 * BITS + np.arange(pilots) % GROUPS
    groups[order[pilots:]] = np.arange(size - pilots) % (2 * BITS)
    return Patterns(signs.reshape(shape).astype(np.float32), (groups >= 2 * BITS).reshape(shape), groups.reshape(shape))


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


def weigh(frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 (3, H, W): brightness and two colours of the sum of uint8 frames (T, H, W, 3) with (T,) weights."""
    import cv2  # slow to load, and not needed before there are frames

    total = np.zeros(frames.shape[1:], np.float32)
    for frame, weight in zip(frames, weights / (weights**2).sum(), strict=True):
        total += np.float32(weight) * frame
    return rearrange(cv2.transform(total, TO_YCC), "h w c -> c h w")


def shrink(frame: np.ndarray) -> np.ndarray:
    """float32 (3, GRID, GRID): brightness and two colours of a frame uint8 (H, W, 3), averaged over each cell."""
    return resize(weigh(frame[None], np.ones(1)), GRID, GRID)


def resize(planes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Planes (C, H, W) at another size, averaged where they shrink."""
    import cv2  # slow to load, and not needed before there are frames

    shrinks = width <= planes.shape[2] and height <= planes.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.stack([cv2.resize(plane, (width, height), interpolation=method) for plane in planes])


def level(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Planes without what is coarser than the band, divided by the texture around; and that texture.

    An edge of a hundred grey levels then counts no more than the flat beside it.
    """
    reach = planes.shape[-1] / GRID
    rest = planes - np.stack([_blur(plane, 2.4 * reach) for plane in planes])
    texture = np.sqrt(np.stack([_blur(plane**2, 2.25 * reach) for plane in rest]) + FLOOR**2)
    return rest / texture, texture


def _blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    import cv2  # slow to load, and not needed before there are frames

    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def spectrum(planes: np.ndarray, width: float = 1.0, height: float = 1.0) -> np.ndarray:
    """Band components, complex64 (C, F), of planes (C, H, W) that show these shares of a frame, from its corner."""
    top = int(BAND[1])
    table = waves(planes.shape[1], height) @ planes @ waves(planes.shape[2], width).T  # (C, 2 top + 1, 2 top + 1)
    rows, columns = band()
    return table[:, rows + top, columns + top]


def whiten(components: np.ndarray) -> np.ndarray:
    """Positive weights (..., F) that bring components (..., F) of all frequencies to about the same size."""
    power = np.abs(components)**2
    return 1 / np.sqrt(EVEN * (power @ _neighbours()) + power + 1e-12)


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
    change = solve(weigh(frames, weights), room(frames), payload, key, psnr=psnr)
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


def solve(planes: np.ndarray, space: np.ndarray, payload: int, key: bytes, *, psnr: float) -> np.ndarray:
    """The change float32 (H, W, 3) to each frame of a clip with mean `planes` (3, H, W) and `room` (GRID, GRID)."""
    import cv2  # slow to load, and not needed before there are frames

    height, width = planes.shape[1:]
    made = patterns(key)
    wanted = np.concatenate([encode(payload), np.ones(GROUPS)]).astype(np.float32)
    host = resize(planes, GRID, GRID)
    energy = 255**2 / 10**(psnr / 10) * 3 * GRID * GRID  # squared grey levels over the grid and its three colours
    shares = np.bincount(made.groups.reshape(-1)).astype(np.float32)  # components of each group
    change = np.zeros_like(host)
    for _ in range(2):  # the detector's weights depend a little on what is embedded
        rest, texture = level(host + change)
        components = spectrum(rest)
        weights = whiten(components)[..., None] * made.signs
        atoms = _atoms(weights, made.groups, texture) * wanted[:, None, None, None]
        flat = atoms.reshape(len(atoms), -1)
        push = (atoms * space).reshape(len(atoms), -1)  # least squares of the change, over the room there is
        scores = flat @ (host - _coarse(host)).reshape(-1)
        weight = _least_change(flat @ push.T, scores, shares, energy, lambda x: _energy((x @ push).reshape(host.shape)))
        change = (weight @ push).reshape(host.shape)
    full = np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC) for plane in change])
    return rearrange(np.tensordot(TO_RGB, full, 1), "c h w -> h w c")


def _coarse(planes: np.ndarray) -> np.ndarray:
    return np.stack([_blur(plane, 2.4) for plane in planes])


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
    placement: tuple[float, float, float, float]  # left, top, width, height
    mirrored: bool
    trials: int  # placements among which this one was found


def detect(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> Detection:
    """Look for the mark of a key in uint8 frames (H, W, 3). `cropped` also looks for clips that were cut."""
    return min(read(frames, key, fps=fps, cropped=cropped), key=lambda each: each.log10_p)


def read(frames: Iterable[np.ndarray], key: bytes, *, fps: float = 8.0, cropped: bool = True) -> list[Detection]:
    """At most READINGS readings, under the placements that fit best; no cuts if the whole frame is clear."""
    made = patterns(key)
    cells = np.stack([shrink(frame) for frame in frames])  # kept, for the swing follows from their number
    weights = swing(len(cells), fps)
    planes, _ = level(np.tensordot(np.float32(weights / (weights**2).sum()), cells, 1))
    if np.abs(planes).max() < FAINTEST:  # without any detail there is nothing to read, and nothing to divide by
        return [Detection(0.0, 0, (0.0, 0.0, 1.0, 1.0), False, 0.5)]
    found = [_judge(reading, made) for reading in _whole(planes, made)]
    if cropped and min(each.log10_p for each in found) > CLEAR:
        found += [_judge(reading, made) for reading in _cut(planes, made)]
    return found


def _whole(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The clip as it is and mirrored."""
    readings = []
    for mirrored in (False, True):
        components = _whitened(spectrum(planes[..., ::-1] if mirrored else planes))
        readings.append(Reading(_pilot(components, made), components, (0.0, 0.0, 1.0, 1.0), mirrored, 2))
    return readings


def _cut(planes: np.ndarray, made: Patterns) -> list[Reading]:
    """The best few placements among all cuts down to SMALLEST, in steps of STEP of the frame."""
    shares = np.arange(SMALLEST, 1 + STEP / 2, STEP)
    weight = made.pilot.mean(-1)
    pilot = np.where(made.pilot, made.signs, 0)
    conjugate = pilot[..., 0] - 1j * pilot[..., 1]
    best, trials = [], 0
    for mirrored in (False, True):
        seen = planes[..., ::-1] if mirrored else planes
        for width in shares:
            for height in shares:
                components = _whitened(spectrum(seen, width, height))
                product = (components * conjugate).sum(0)
                scores = _offsets(product, 1 - width, 1 - height) / np.sqrt((np.abs(components)**2 * weight).sum())
                top, left = np.unravel_index(scores.argmax(), scores.shape)
                trials += scores.size
                best.append((float(scores[top, left]), (left * STEP, top * STEP, width, height), mirrored))
    best.sort(reverse=True)
    return [_refine(planes, made, placement, mirrored, trials) for _, placement, mirrored in best[:CANDIDATES]]


def _offsets(product: np.ndarray, free_width: float, free_height: float) -> np.ndarray:
    """Real part of sum_f product_f exp(-2 pi i f offset), for offsets (top, left) in steps of STEP."""
    rows, columns = band()
    limit = int(BAND[1])
    table = np.zeros((2 * limit + 1, 2 * limit + 1), np.complex64)
    table[rows + limit, columns + limit] = product
    tops, lefts = (np.arange(0, free + STEP / 2, STEP) for free in (free_height, free_width))
    frequencies = np.arange(-limit, limit + 1)
    down, across = (np.exp(-2j * np.pi * np.outer(offsets, frequencies)) for offsets in (tops, lefts))
    return (down @ table @ across.T).real


def _refine(planes: np.ndarray, made: Patterns, placement: tuple[float, ...], mirrored: bool, trials: int) -> Reading:
    """The best placement around one, in steps of a third of STEP, first of the size, then of the offset."""
    seen = planes[..., ::-1] if mirrored else planes
    rows, columns = band()
    steps = np.arange(-2, 3) / 3 * STEP
    tried = CANDIDATES * trials * len(steps)**4
    left, top, width, height = placement
    readings = []
    for wider in steps:
        for higher in steps:
            components = _whitened(spectrum(seen, width + wider, height + higher))
            for right in steps:
                for down in steps:
                    x, y = left + right - wider / 2, top + down - higher / 2
                    turned = components * np.exp(-2j * np.pi * (columns * x + rows * y))
                    where = (x, y, width + wider, height + higher)
                    readings.append(Reading(_pilot(turned, made), turned, where, mirrored, tried))
    return max(readings, key=lambda reading: reading.z)


def _whitened(components: np.ndarray) -> np.ndarray:
    return components * whiten(components)


def _pilot(components: np.ndarray, made: Patterns) -> float:
    """Sum of the pilot's components with their signs, over the root of the sum of their squares."""
    values = _values(components)[made.pilot]
    return float(values @ made.signs[made.pilot] / np.sqrt(values @ values))


def _values(components: np.ndarray) -> np.ndarray:
    return np.stack([components.real, components.imag], -1)


def _judge(reading: Reading, made: Patterns) -> Detection:
    """The payload under a placement, and the p-value: the least of three statistics, times all that was tried.

    The pilot's sum; the energy of the payload's groups, whatever their signs; and the sum over all components with the
    signs of the payload that was read, times the 2^64 payloads that might have been.
    """
    values, carries = _values(reading.components), ~made.pilot
    chips = values * made.signs
    soft = np.bincount(made.groups[carries], chips[carries], minlength=2 * BITS)
    norms = np.bincount(made.groups[carries], values[carries]**2, minlength=2 * BITS)
    payload = decode(soft / np.sqrt(norms.mean()))
    signs = encode(payload)
    z = float((chips[made.pilot].sum() + soft @ signs) / np.sqrt((values**2).sum()))
    energy = float((soft**2 / norms).sum())
    tails = (log_tail(reading.z), log_energy_tail(energy, 2 * BITS), BITS * math.log(2) + log_tail(z))
    log_p = min(tails) + math.log(2 * len(tails) * reading.trials)
    placement = tuple(round(float(each), 3) for each in reading.placement)
    agreement = float((soft * signs > 0).mean())
    return Detection(min(log_p / math.log(10), 0.0), payload, placement, reading.mirrored, agreement)


def log_tail(z: float) -> float:
    """Natural logarithm of a bound on P(S >= z), S = sum of a_i s_i over the root of the sum of a_i², signs s_i random.

    Whatever the a_i: 3.18 times the normal tail (Bentkus and Dzindzalieta 2015), which lies below exp(-z²/2) / (z root
    2 pi).
    """
    if z <= 0:
        return 0.0
    far = -z * z / 2 - math.log(z * math.sqrt(2 * math.pi))
    return min(math.log(3.18) + (far if z > 30 else math.log(math.erfc(z / math.sqrt(2)) / 2)), 0.0)


def log_energy_tail(energy: float, count: int) -> float:
    """The same for the sum of `count` squares of such S with signs of their own.

    E exp(l S²) <= (1 - 2l)^(-1/2), as for a normal variable, because S = g S' in mean has a moment-generating function
    below the normal one; Markov's inequality with the best l then gives the bound of the chi-squared distribution.
    """
    return min(-(energy - count - count * math.log(energy / count)) / 2, 0.0) if energy > count else 0.0
