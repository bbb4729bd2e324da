"""From frames to tracks: what the picture reader finds in each frame, linked over time.

In go uint8 frames (T, H, W, 3) and what a `PictureReader` says about them; out come tracks with their path in the view,
as arrays over T, and maps of what else is seen. Lengths are in heights of the view, x from its left edge, y from its
top downwards. Knows no actions: `features` is what tells them.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..camera import CameraPath, follow_camera
from ..video import to_unit
from .reader import ROWS, PictureReader, Sight

UNIT_SIZE = 0.3  # the size whose logarithm counts as 0
LOWEST = 0.12  # score of a detection that is still looked at
CANDIDATES, PER_FRAME = 16, 8  # peaks that are looked at, detections that are kept, at most
REACH = 0.28  # units that a subject may jump from frame to frame, against its path so far
PATIENCE = 6  # frames that a track survives unseen before its place is looked for anywhere
TRACKS = 4  # that are kept, at most
FEATURES = 31  # numbers per frame of a track
SURE = 0.3  # score from which a detection hides the background, and a prop has a place


@dataclass(frozen=True)
class Detections:
    """What was found in one frame; n things. `kinds` are scores from 0 to 1."""
    kinds: np.ndarray  # (n, subjects)
    x: np.ndarray  # (n,) centre
    y: np.ndarray
    size: np.ndarray
    turn: np.ndarray  # (n, 2) sine and cosine of the angle, the shorter the less sure
    visible: np.ndarray  # (n,) 0 to 1
    colour: np.ndarray  # (n, colours) probabilities
    bites: np.ndarray  # (n,) expected number

    @property
    def score(self) -> np.ndarray:
        return self.kinds.max(1)


@dataclass(frozen=True)
class Track:
    """One subject through time, arrays over T; where it is not `present`, its path is interpolated."""
    kinds: np.ndarray  # (subjects,) mean scores over all frames
    present: np.ndarray  # bool
    score: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    turn: np.ndarray  # (T, 2)
    visible: np.ndarray
    colour: np.ndarray  # (colours,) mean probabilities
    bites: np.ndarray


@dataclass(frozen=True)
class Observation:
    """Everything seen in a clip."""
    tracks: tuple[Track, ...]  # the surest first
    camera: CameraPath
    props: np.ndarray  # (T, props, h, w): is such a thing in this cell? 0 to 1
    settings: dict[str, np.ndarray]  # question -> (answers,) mean log probabilities
    aspect: float


# Pictures


def small_width(aspect: float) -> int:
    """Width in pixels that a picture of this aspect ratio is read at."""
    return max(round(ROWS * aspect / 32), 1) * 32


def shrink(frames: np.ndarray) -> np.ndarray:
    """Frames (T, H, W, 3) of any size → (T, ROWS, a multiple of 32, 3), by area; ValueError for anything else."""
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise ValueError(f"frames are {frames.dtype} of shape {frames.shape}; expected uint8 (T, H, W, 3)")
    H, W = frames.shape[1:3]
    size = (small_width(W / H), ROWS)
    method = cv2.INTER_AREA if H >= ROWS else cv2.INTER_LINEAR
    return np.stack([cv2.resize(frame, size, interpolation=method) for frame in frames])


def to_pictures(small: np.ndarray) -> Tensor:
    """uint8 (T, H, W, 3) → (T, 3, H, W) in [-1, 1]: a clip as a batch of pictures."""
    return rearrange(to_unit(small), "c t h w -> t c h w").contiguous()


# Detections


def detect(sight: Sight, subjects: int, aspect: float) -> list[Detections]:
    """The peaks of the heat of every subject, frame by frame, the surest first."""
    heat = sight.heat[:, :subjects].float().sigmoid()
    around = F.max_pool2d(heat, 3, stride=1, padding=1)                            # (T, S, h, w)
    peaks = ((heat >= LOWEST) & (heat == around)).any(1)                           # (T, h, w)
    highest, (h, w) = heat.amax(1), heat.shape[2:]
    found = []
    for t, places in enumerate(peaks):
        i, j = torch.nonzero(places, as_tuple=True)
        order = highest[t, i, j].argsort(descending=True)[:CANDIDATES]
        i, j = i[order], j[order]
        g = sight.geometry[t, :, i, j].float().numpy()                             # (GEOMETRY, n)
        found.append(_without_doubles(Detections(
            kinds=around[t, :, i, j].T.numpy(),
            x=(j.numpy() + 0.5 + g[0]) / w * aspect, y=(i.numpy() + 0.5 + g[1]) / h,
            size=UNIT_SIZE * np.exp(g[2].clip(-3, 2)), turn=g[3:5].T,
            visible=1 / (1 + np.exp(-g[5])), colour=sight.colour[t, :, i, j].float().softmax(0).T.numpy(),
            bites=_expected(sight.bites[t, :, i, j].float()))))
    return found


def _expected(logits: Tensor) -> np.ndarray:
    """Mean of a distribution over 0, 1, 2, ..., logits (K, n) → (n,)."""
    return (logits.softmax(0) * torch.arange(len(logits))[:, None]).sum(0).numpy()


def _without_doubles(found: Detections) -> Detections:
    """Of two detections at one place the surer one, unless they are clearly two things, one before the other."""
    kept: list[int] = []
    for n in range(len(found.x)):  # surest first
        if all(_apart(found, n, k) > 0.4 or (_apart(found, n, k) > 0.12 and alike(found.kinds[n], found.kinds[k]) < 0.6
                                             and found.score[n] > 0.4) for k in kept):
            kept.append(n)
    return _select(found, np.array(kept[:PER_FRAME], int))


def _apart(found: Detections, n: int, k: int) -> float:
    """Distance of two detections in sizes of the smaller one."""
    return float(np.hypot(found.x[n] - found.x[k], found.y[n] - found.y[k]) / min(found.size[n], found.size[k]))


def alike(one: np.ndarray, two: np.ndarray) -> float:
    """Bhattacharyya coefficient of two vectors of scores: 1 for the same kind, 0 for nothing in common."""
    return float(np.sqrt(one * two).sum() / np.sqrt(one.sum() * two.sum()))


def _select(found: Detections, index: np.ndarray) -> Detections:
    return Detections(**{name: array[index] for name, array in vars(found).items()})


# Linking


def link(found: list[Detections]) -> tuple[Track, ...]:
    """Join detections into tracks, frame by frame, nearest and most alike first; the surest tracks come first."""
    chains: list[list[tuple[int, int]]] = []  # of (frame, index)
    for t, seen in enumerate(found):
        pairs = sorted((cost, c, n) for c, chain in enumerate(chains) for n in range(len(seen.x))
                       if (cost := _cost(chain, found, t, n)) is not None)
        used_chains, used = set(), set()
        for _, c, n in pairs:
            if c not in used_chains and n not in used:
                chains[c].append((t, n))
                used_chains.add(c)
                used.add(n)
        chains += [[(t, n)] for n in range(len(seen.x)) if n not in used and seen.score[n] >= 2 * LOWEST]
    tracks = [_to_track(chain, found) for chain in chains]
    return tuple(sorted(tracks, key=lambda track: -track.score.sum())[:TRACKS])


def _cost(chain: list[tuple[int, int]], found: list[Detections], t: int, n: int) -> float | None:
    """How far detection n of frame t is from where a chain should go on, in place and kind; None if it is another's."""
    (last, index), seen = chain[-1], found[t]
    then = found[last]
    likeness = alike(seen.kinds[n], then.kinds[index])
    if t - last > PATIENCE:  # it may come back anywhere, but as the same thing
        return 2 - likeness if likeness > 0.7 else None
    x, y = then.x[index], then.y[index]
    distance = np.hypot(seen.x[n] - x, seen.y[n] - y)
    if len(chain) > 1:
        before, other = chain[-2]
        share = (t - last) / (last - before)
        ahead = x + share * (x - found[before].x[other]), y + share * (y - found[before].y[other])
        distance = min(distance, np.hypot(seen.x[n] - ahead[0], seen.y[n] - ahead[1]))
    cost = float(distance) + 0.25 * (1 - likeness)
    near = cost < REACH * (1 + 0.3 * (t - last - 1)) and abs(np.log(seen.size[n] / then.size[index])) < 0.9
    return cost if near else None


def _to_track(chain: list[tuple[int, int]], found: list[Detections]) -> Track:
    """A chain as arrays over all frames."""
    T, frames = len(found), np.array([t for t, _ in chain])
    rows = [_select(found[t], np.array([n])) for t, n in chain]

    def over_time(name: str) -> np.ndarray:
        return np.interp(np.arange(T), frames, [getattr(row, name)[0] for row in rows])

    present, score = np.zeros(T, bool), np.zeros(T)
    present[frames] = True
    score[frames] = [row.score[0] for row in rows]
    turn = np.stack([np.interp(np.arange(T), frames, [row.turn[0, k] for row in rows]) for k in range(2)], 1)
    return Track(kinds=np.sum([row.kinds[0] for row in rows], axis=0) / T, present=present, score=score,
                 x=over_time("x"), y=over_time("y"), size=over_time("size"), turn=turn,
                 visible=over_time("visible") * present, colour=np.mean([row.colour[0] for row in rows], axis=0),
                 bites=over_time("bites"))


# What the track reader is given


def features(track: Track, others: list[Track], seen: Observation) -> np.ndarray:
    """Numbers (FEATURES, T) about a track, its surest companion, the camera and the props, of about unit size."""
    camera = seen.camera
    x, y = camera.world(track.x, track.y)
    size = np.log(track.size / camera.zoom / UNIT_SIZE)
    start = int(np.argmax(track.present))
    own = [track.present, track.score, track.x - seen.aspect / 2, 2 * track.y - 1,
           3 * (x - x[start]), 3 * (y - y[start]), np.log(track.size / UNIT_SIZE), 2 * (size - size[start]),
           *track.turn.T, track.bites, track.visible,
           8 * np.gradient(x) if len(x) > 1 else 0 * x, 8 * np.gradient(y) if len(y) > 1 else 0 * y]
    path = [3 * camera.x, 3 * camera.y, 3 * np.log(camera.zoom), camera.trust]
    beside = [np.zeros_like(x)] * 5
    if others:
        other = others[0]
        other_x, other_y = camera.world(other.x, other.y)
        beside = [other.score, 2 * (other_x - x), 2 * (other_y - y), np.log(other.size / track.size),
                  4 * ((other_x - x) - (other_x - x)[start])]
    return np.stack([*own, *path, *beside, *_around(track, seen)]).astype(np.float32)


def _around(track: Track, seen: Observation) -> np.ndarray:
    """Of every prop how sure it is and, if it is, how far to the right of the track its middle lies: (2 props, T)."""
    score, w = seen.props.max((2, 3)), seen.props.shape[3]
    weight = np.square(seen.props).sum(2)                                          # (T, P, w)
    x = weight @ (np.arange(w) + 0.5) / w * seen.aspect / (weight.sum(2) + 1e-6)
    return np.concatenate([score, (x - track.x[:, None]) * (score > SURE)], axis=1).T


def all_features(seen: Observation) -> Tensor:
    """Features of every track of a clip, (tracks, FEATURES, T)."""
    rows = [features(track, [other for other in seen.tracks if other is not track], seen) for track in seen.tracks]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, FEATURES, len(seen.props))


# Both together


def observe(reader: PictureReader, frames: np.ndarray) -> Observation:
    """See a clip, uint8 (T, H, W, 3): its tracks, camera, props and surroundings."""
    return observe_small(reader, shrink(frames), frames.shape[2] / frames.shape[1])


@torch.inference_mode()
def observe_small(reader: PictureReader, small: np.ndarray, aspect: float) -> Observation:
    """See a clip that has been shrunk already; `aspect` is its width by its height before."""
    subjects = len(reader.config.subjects)
    sight = reader(to_pictures(small))
    found = detect(sight, subjects, aspect)
    halved = np.stack([cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in small])
    camera = follow_camera(halved, _free_of(found, halved.shape[:3], aspect), aspect)
    settings = {name: logits.float().log_softmax(1).mean(0).numpy() for name, logits in sight.settings.items()}
    return Observation(link(found), camera, sight.heat[:, subjects:].float().sigmoid().numpy(), settings, aspect)


def _free_of(found: list[Detections], shape: tuple[int, int, int], aspect: float) -> np.ndarray:
    """Where no subject is, bool (T, H, W)."""
    free = np.ones(shape, bool)
    for frame, seen in zip(free, found):
        sure = seen.score > SURE
        for x, y, size in zip(seen.x[sure] / aspect * shape[2], seen.y[sure] * shape[1], seen.size[sure] * shape[1]):
            left, right, top, bottom = (max(int(end), 0) for end in (x - 0.6 * size, x + 0.6 * size + 1,
                                                                     y - 0.6 * size, y + 0.65 * size + 1))
            frame[top:bottom, left:right] = False
    return free


def mirror(seen: Observation) -> Observation:
    """The same clip seen in a mirror."""
    flipped = tuple(replace(track, x=seen.aspect - track.x, turn=track.turn * [-1, 1]) for track in seen.tracks)
    camera = replace(seen.camera, x=seen.aspect * (1 - 1 / seen.camera.zoom) - seen.camera.x)
    return replace(seen, tracks=flipped, camera=camera, props=seen.props[..., ::-1])
