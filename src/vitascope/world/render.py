"""From a scene and its motion to frames: uint8 (T, H, W, 3), RGB.

Draws the place once as a panorama, then per frame: the window that the camera sees, paint and blocks, subjects from far
to near with their shadows, what stands in front; weather and style go over the finished clip.
"""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from ..falling import Moments
from .artwork import LEVELS, SPRITE_SIZE, sprite
from .catalogue import BRICK, BURST, OCCLUDERS, SUBJECTS
from .physics import BLOCK, Motion, simulate
from .places import draw_place
from .scene import Actor, Scene, Shot
from .styles import apply_style
from .weather import apply_weather

PADDING, SKY = 0.75, 0.5  # units of panorama beside and above the view at rest
TINT = {"day": (1.0, 1.0, 1.0), "morning": (1.0, 0.97, 0.93), "sunset": (1.0, 0.86, 0.74), "night": (0.78, 0.81, 0.95)}
SHADOW = 0.35  # darkness of a contact shadow
PAINT = ((220, 40, 60), (40, 110, 220), (250, 190, 30), (130, 60, 190))
TRAIL_HEIGHT = 0.42  # of paint below the middle of who leaves it behind, in sides of that one
TRAIL_WIDTH = 0.05  # of paint, units
BLOCK_SIZE = 1.12 * BLOCK  # side of a block's sprite, units
BURST_FRAMES = 2  # that the burst of what pops is seen
BURST_SIZE = 0.8  # of its sprite, in sides of what pops

View = tuple[float, float, float]
"""What the camera sees of a frame: its left and its top edge in units, and pixels for each unit."""


def render(scene: Scene, motion: Motion | None = None) -> np.ndarray:
    """All frames of a scene, uint8 (T, H, W, 3). The same scene gives the same pixels."""
    motion = simulate(scene) if motion is None else motion
    frames = np.empty((scene.frames, scene.height, scene.width, 3), np.uint8)
    first = 0
    for index, shot in enumerate(scene.shots):
        now = range(first, first + shot.frames)
        frames[first:now.stop] = _render_shot(scene, shot, index, motion, first, now)
        first = now.stop
    return finish(frames, scene)


def render_frame(scene: Scene, motion: Motion, now: int) -> np.ndarray:
    """One frame of a scene, uint8 (1, H, W, 3), for the price of one."""
    index = int(motion.cuts[now])
    first = sum(shot.frames for shot in scene.shots[:index])
    return finish(_render_shot(scene, scene.shots[index], index, motion, first, range(now, now + 1)), scene, now)


def finish(frames: np.ndarray, scene: Scene, first: int = 0) -> np.ndarray:
    """Frames uint8 (T, H, W, 3), from frame number `first` on, in the style of their scene."""
    return frames if scene.style == "3d" else apply_style(frames, scene.style, seed=scene.seed, first=first)


def _render_shot(scene: Scene, shot: Shot, index: int, motion: Motion, first: int, times: range) -> np.ndarray:
    """The frames `times` of a shot that begins at frame `first`, uint8 (T, H, W, 3), before its style."""
    frames = np.empty((len(times), scene.height, scene.width, 3), np.uint8)
    unit = scene.height * float(motion.zoom[first:first + shot.frames].max())  # panorama pixels per unit
    panorama = draw_place(shot.place, width=round((scene.aspect + 2 * PADDING) * unit), height=round((1 + SKY) * unit),
                          scale=round(unit), time_of_day=shot.time, rng=np.random.default_rng([shot.backdrop, 3]))
    fronts = [front for front in motion.occluders if front[0] == index]
    previous = None
    for now, frame in zip(times, frames):
        view = (motion.camera_x[now], motion.camera_y[now], motion.zoom[now] * scene.height)
        if view != previous:
            backdrop = _window(panorama, unit, view, frame.shape)
            previous = view
        np.copyto(frame, backdrop)
        _draw_trails(frame, shot, motion, first, now, view)
        _draw_blocks(frame, motion, now, view, shot.time)
        nearest_last = np.argsort([actor.ground for actor in shot.actors], kind="stable")
        for a in nearest_last:
            _draw_actor(frame, shot.actors[a], shot.time, motion, first, now, int(a), view)
        for _, name, x, y, size in fronts:
            _draw_sprite(frame, sprite_of(OCCLUDERS[name], 0, shot.time), x, y, size, 0.0, False, view)
    return apply_weather(frames, shot.weather, seed=scene.seed, moments=moments_of(scene, motion, times, first),
                         falls=scene.falls)


def moments_of(scene: Scene, motion: Motion, times: range, first: int = 0) -> Moments:
    """The frames `times` of a shot that begins at frame `first`."""
    numbers = np.array(times)
    return Moments(numbers, (numbers - first) / scene.fps, motion.camera_x[numbers])


def _window(panorama: np.ndarray, unit: float, view: View, shape: tuple[int, ...]) -> np.ndarray:
    """The part of the panorama that the camera sees."""
    x, y, scale = view
    zoom = scale / unit
    matrix = np.array([[zoom, 0, -(x + PADDING) * scale], [0, zoom, -(y + SKY) * scale]])
    matrix[:, 2] += 0.5 * (zoom - 1)  # pixel centres, not corners, are what is mapped
    return cv2.warpAffine(panorama, matrix, shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=1024)
def sprite_of(code: str, hue: int, time: str, bites: int = 0) -> dict[int, np.ndarray]:
    """A sprite in the light of the time of day, with bites taken out of its right side."""
    levels = {}
    for side, picture in sprite(code, hue).items():
        lit = picture.astype(np.float32) * np.array([*TINT[time], 1.0], np.float32)
        for bite in range(bites):
            hole = np.zeros((side, side), np.float32)
            centre = round((0.86 - 0.16 * (bite // 2)) * side), round((0.22 + 0.28 * bite) * side)
            cv2.circle(hole, centre, round(0.2 * side), 1.0, -1, cv2.LINE_AA)
            lit *= 1 - np.clip(hole, 0, 1)[..., None]
        levels[side] = lit.round().astype(np.uint8)
    return levels


@lru_cache(maxsize=1)
def _shadow() -> dict[int, np.ndarray]:
    """A soft dark disc, as a sprite."""
    def disc(side: int) -> np.ndarray:
        axis = (np.arange(side) + 0.5) / side * 2 - 1
        radius = np.hypot(*np.meshgrid(axis, axis))
        picture = np.zeros((side, side, 4), np.uint8)
        picture[..., 3] = (255 * np.clip(1 - radius, 0, 1) ** 0.7).round()
        return picture
    return {side: disc(side) for side in LEVELS}


def _draw_actor(frame: np.ndarray, actor: Actor, time: str, motion: Motion, first: int, now: int, a: int,
                view: View) -> None:
    x, y, size = motion.x[now, a], motion.y[now, a], motion.size[now, a]
    if motion.gone[now, a]:
        if bursts(motion, first, now, a):
            _draw_sprite(frame, sprite_of(BURST, 0, time), x, y, BURST_SIZE * size, 0.0, False, view)
        return
    subject = SUBJECTS[actor.subject]
    ground = _ground_at(actor, motion, now, a)
    height = max(ground - (y + size / 2), 0.0)
    darkness = SHADOW * np.exp(-3 * height)
    _draw_sprite(frame, _shadow(), x, ground - 0.02 * size, size * (0.95 - 0.3 * min(height, 1)), 0.0, False, view,
                 squash=0.22, opacity=darkness)
    hue = subject.colours.get(actor.colour, 0)
    _draw_sprite(frame, sprite_of(subject.code, hue, time, int(motion.bites[now, a])), x, y, size, motion.angle[now, a],
                 bool(motion.flip[now, a]), view)


def _ground_at(actor: Actor, motion: Motion, now: int, a: int) -> float:
    """y of the ground below the actor; it moves with an actor that comes closer or goes away."""
    if actor.steps[0].action in ("comes closer", "goes away"):
        return float(motion.y[now, a] + motion.size[now, a] / 2)
    return actor.ground


def bursts(motion: Motion, first: int, now: int, a: int) -> bool:
    """Whether an actor of a shot that begins at frame `first` is seen to burst in frame `now`."""
    return bool(motion.gone[now, a]) and (now - BURST_FRAMES < first or not motion.gone[now - BURST_FRAMES, a])


def trails(shot: Shot, motion: Motion, first: int, now: int) -> Iterator[np.ndarray]:
    """The paint that actors of a shot have left from its frame `first` to `now`: points (n, 2) in units, n > 1."""
    for a, actor in enumerate(shot.actors):
        if actor.steps[0].action == "paints" and now > first:
            x, y, size = (each[first:now + 1, a] for each in (motion.x, motion.y, motion.size))
            yield np.stack([x, y + TRAIL_HEIGHT * size], 1)


def _draw_trails(frame: np.ndarray, shot: Shot, motion: Motion, first: int, now: int, view: View) -> None:
    *corner, unit = view
    for trail in trails(shot, motion, first, now):
        points = ((trail - corner) * unit * 16).round().astype(np.int32)
        colour = PAINT[shot.backdrop % len(PAINT)]
        cv2.polylines(frame, [points], False, colour, max(round(TRAIL_WIDTH * unit), 1), cv2.LINE_AA, shift=4)


def _draw_blocks(frame: np.ndarray, motion: Motion, now: int, view: View, time: str) -> None:
    if motion.blocks is not None:
        for x, y, angle in motion.blocks[now]:
            _draw_sprite(frame, sprite_of(BRICK, 0, time), x, y, BLOCK_SIZE, angle, False, view)


def _draw_sprite(frame: np.ndarray, levels: dict[int, np.ndarray], x: float, y: float, size: float, angle: float,
                 flip: bool, view: View, *, squash: float = 1.0, opacity: float = 1.0) -> None:
    """Compose one sprite over the frame: centre (x, y) and side `size` in units, angle in degrees counter-clockwise."""
    H, W = frame.shape[:2]
    pixels = size * view[2]
    centre_x, centre_y = (x - view[0]) * view[2], (y - view[1]) * view[2]
    reach = pixels * (0.71 if angle else 0.5) + 1
    left, right = max(int(centre_x - reach), 0), min(int(np.ceil(centre_x + reach)) + 1, W)
    top, bottom = max(int(centre_y - reach * squash) - 1, 0), min(int(np.ceil(centre_y + reach * squash)) + 1, H)
    if left >= right or top >= bottom or pixels < 1:
        return
    side = next((s for s in reversed(LEVELS) if s >= pixels), SPRITE_SIZE)
    turn, grow = np.radians(angle), pixels / side
    cos, sin = np.cos(turn) * grow, np.sin(turn) * grow
    matrix = np.array([[-cos if flip else cos, sin, 0], [sin if flip else -sin, cos, 0]])
    matrix[1] *= squash
    middle = np.array([centre_x - left - 0.5, centre_y - top - 0.5])
    matrix[:, 2] = middle - matrix[:, :2] @ np.full(2, side / 2 - 0.5)
    patch = cv2.warpAffine(levels[side], matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    if opacity < 1:
        patch = cv2.convertScaleAbs(patch, alpha=opacity)
    region = frame[top:bottom, left:right]
    behind = 255 - patch[..., 3:]
    region[:] = patch[..., :3] + (region.astype(np.uint16) * behind + 127) // 255
