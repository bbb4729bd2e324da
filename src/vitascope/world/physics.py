"""From a scene to its motion: where everything is in every frame, and what has happened. No pixels.

Free movement is kinematics; whatever falls, bounces, is hit or topples is simulated by pymunk. The result is the ground
truth that captions, training labels and tests read.
"""

from dataclasses import dataclass, field

import numpy as np
import pymunk

from .catalogue import SUBJECTS
from .scene import Actor, Scene, Shot, Step

GRAVITY = 1.2  # units / s^2
SUBSTEPS = 30  # simulation steps per frame
ELASTICITY = {"bounces": 0.85, "falls": 0.25}
FAR, NEAR = 0.5, 1.35  # size of what is far away and what is close, relative to its own
BLOCK = 0.11  # side of a block, units
BITES = 3


@dataclass
class Motion:
    """State per frame t and actor a: arrays (T, A); the camera (T,); blocks (T, K, 3) as x, y, angle."""
    x: np.ndarray  # centre, units
    y: np.ndarray
    size: np.ndarray  # side of the sprite, units
    angle: np.ndarray  # degrees, counter-clockwise
    flip: np.ndarray  # bool: mirrored against the artwork
    visible: np.ndarray  # share of the subject inside the frame, not hidden and not gone, 0 to 1
    bites: np.ndarray  # how many bites are missing
    gone: np.ndarray  # bool: popped
    camera_x: np.ndarray  # left edge of the view, units
    camera_y: np.ndarray
    zoom: np.ndarray
    cuts: np.ndarray  # index of the shot of each frame
    occluders: list[tuple[int, str, float, float, float]] = field(default_factory=list)  # shot, name, x, y, size
    blocks: np.ndarray | None = None


@dataclass
class Path:
    """One actor through time, arrays (T,)."""
    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    angle: np.ndarray
    direction: np.ndarray  # sign of the wish to move: 1 right, -1 left, 0 none


def free_fall(height: np.ndarray | float, t: np.ndarray) -> np.ndarray:
    """Distance fallen after t seconds from rest, at most `height`: s = g t^2 / 2."""
    return np.minimum(GRAVITY * t**2 / 2, height)


def hops(height: float, t: np.ndarray) -> np.ndarray:
    """Height above the ground of repeated jumps that reach `height`: parabolas of period sqrt(8 h / g)."""
    period = np.sqrt(8 * height / GRAVITY)
    phase = (t % period) / period
    return 4 * height * phase * (1 - phase)


def drop(lift: float, elasticity: float, frames: int, fps: float) -> np.ndarray:
    """Height of a body dropped from rest at `lift`, frame by frame, in pymunk."""
    space = pymunk.Space()
    space.gravity = (0, -GRAVITY)
    floor = pymunk.Segment(space.static_body, (-10, -0.1), (10, -0.1), 0.1)
    body = pymunk.Body(1, float("inf"))
    body.position = (0, lift + 0.05)
    ball = pymunk.Circle(body, 0.05)
    floor.elasticity, ball.elasticity = 1.0, elasticity
    space.add(floor, body, ball)
    heights = [lift]
    for _ in range(frames - 1):
        for _ in range(SUBSTEPS):
            space.step(1 / fps / SUBSTEPS)
        heights.append(max(body.position.y - 0.05, 0.0))
    return np.array(heights)


def topple(start: float, speed: float, size: float, stack: float, frames: int,
           fps: float) -> tuple[np.ndarray, np.ndarray]:
    """A body pushed along the ground from x = `start` into a stack of four blocks at x = `stack`.

    Returns its x (T,) and the blocks (T, 4, 3) as x, height of the centre above the ground, angle in degrees.
    """
    space = pymunk.Space()
    space.gravity = (0, -GRAVITY)
    floor = pymunk.Segment(space.static_body, (-10, -0.1), (20, -0.1), 0.1)
    floor.friction = 0.8
    pusher = pymunk.Body(body_type=pymunk.Body.KINEMATIC)
    pusher.position, pusher.velocity = (start, size * 0.4), (speed, 0)
    front = pymunk.Circle(pusher, size * 0.38)
    space.add(floor, pusher, front)
    blocks = []
    for level in range(4):
        body = pymunk.Body(0.2, pymunk.moment_for_box(0.2, (BLOCK, BLOCK)))
        body.position = (stack, BLOCK * (level + 0.5))
        shape = pymunk.Poly.create_box(body, (BLOCK, BLOCK))
        shape.friction = 0.6
        space.add(body, shape)
        blocks.append(body)
    xs, states = [], []
    for frame in range(frames):
        xs.append(pusher.position.x)
        states.append([(b.position.x, b.position.y, np.degrees(b.angle)) for b in blocks])
        for _ in range(SUBSTEPS if frame < frames - 1 else 0):
            space.step(1 / fps / SUBSTEPS)
    return np.array(xs), np.array(states)


def simulate(scene: Scene) -> Motion:
    """The motion of a whole scene; shots follow one another, actors keep their column.

    Of several shots, blocks are left out.
    """
    parts = [_simulate_shot(shot, index, scene) for index, shot in enumerate(scene.shots)]
    if len(parts) == 1:
        return parts[0]
    names = [name for name in vars(parts[0]) if name not in ("occluders", "blocks")]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Motion(**joined, occluders=[occluder for part in parts for occluder in part.occluders])


def _simulate_shot(shot: Shot, index: int, scene: Scene) -> Motion:
    T, A, fps = shot.frames, len(shot.actors), scene.fps
    paths, blocks, occluders = [], None, []
    for actor in shot.actors:
        path = _follow(actor, paths[0], fps) if actor.steps[0].action == "follows" else _walk(actor, fps)
        if actor.steps[0].action == "knocks over blocks":
            stack = actor.x + 0.62 * actor.steps[0].amount
            speed = actor.steps[0].amount / max((T - 1) / fps, 1e-6)
            path.x, blocks = topple(actor.x, speed, actor.size, stack, T, fps)
            blocks[..., 1] = actor.ground - blocks[..., 1]
        if actor.occluder:
            size = 1.15 * actor.size
            halfway = actor.x + 0.5 * actor.steps[0].amount
            occluders.append((index, actor.occluder, halfway, actor.ground + 0.05 - size / 2, size))
        paths.append(path)
    camera_x, camera_y, zoom = _camera(shot, paths, scene.aspect)
    bites, gone = np.zeros((T, A), int), np.zeros((T, A), bool)
    for a, actor in enumerate(shot.actors):
        when = int((0.25 + 0.35 * actor.steps[0].amount) * T)
        if actor.steps[0].action == "is bitten":
            bites[:, a] = np.clip((np.arange(T) - when) // max(T // 8, 1) + 1, 0, BITES) * (np.arange(T) >= when)
        if actor.steps[0].action == "pops":
            gone[:, a] = np.arange(T) >= when
    x, y, size, angle = (np.stack([getattr(path, name) for path in paths], 1) for name in ("x", "y", "size", "angle"))
    flip = np.stack([_mirrored(actor, path.direction) for actor, path in zip(shot.actors, paths)], 1)
    visible = _visibility(x, y, size, camera_x, camera_y, zoom, scene.aspect, occluders) * ~gone
    return Motion(x, y, size, angle, flip, visible, bites, gone, camera_x, camera_y, zoom, np.full(T, index),
                  occluders, blocks)


def _walk(actor: Actor, fps: float) -> Path:
    """An actor through its steps; each begins where the last one ended."""
    x, lift = actor.x, actor.lift
    parts = []
    for number, step in enumerate(actor.steps):
        lead = number > 0  # a later step's frame 0 is one frame after the previous step's last
        t = (np.arange(step.frames) + lead) / fps
        part = _act(actor, step, x, lift, t, max((step.frames - 1 + lead) / fps, 1e-6), fps)
        parts.append(part)
        x, lift = float(part.x[-1]), actor.lift
    return Path(*(np.concatenate([getattr(part, name) for part in parts])
                  for name in ("x", "y", "size", "angle", "direction")))


def _act(actor: Actor, step: Step, x0: float, lift: float, t: np.ndarray, duration: float, fps: float) -> Path:
    """One action: centre, size and angle over the seconds t, from where it begins."""
    subject = SUBJECTS[actor.subject]
    still, ones = np.full_like(t, x0), np.ones_like(t)
    x, height, angle, scale, ground, way = still, lift * ones, 0 * t, ones, actor.ground * ones, 0 * t
    share = t / duration
    match step.action:
        case "moves right" | "moves left" | "passes behind" | "paints" | "knocks over blocks":
            way = (-1 if step.action == "moves left" else 1) * ones
            x = x0 + way * step.amount * share
        case "leaves and returns":
            x, way = x0 + step.amount * (1 - np.abs(1 - 2 * share)), np.where(share < 0.5, 1.0, -1.0)
        case "jumps":
            height = lift + hops(step.amount, t)
        case "bounces" | "falls":
            height = drop(lift, ELASTICITY[step.action], len(t), fps)
        case "rises":
            height = lift + step.amount * share
        case "spins":
            angle = 360 * step.amount * share
        case "comes closer" | "goes away":
            near = share if step.action == "comes closer" else 1 - share
            scale = FAR * (NEAR / FAR) ** near
            ground = actor.ground - 0.1 + 0.2 * near
        case "circles":
            turn = 2 * np.pi * share
            x, height = x0 + step.amount * np.sin(turn), lift + 0.45 * step.amount * (1 + np.cos(turn))
            scale, way = 1 - 0.15 * np.cos(turn), np.cos(turn)
    if way.any():
        height, angle = height + _gait(subject.moves, x - x0, t), angle + _roll(subject.moves, x - x0, actor.size, t)
    size = actor.size * scale
    return Path(x, ground - height - size / 2, size, angle, np.sign(way))


def _follow(actor: Actor, ahead: Path, fps: float) -> Path:
    """The path of whoever goes ahead, shifted back."""
    t = np.arange(len(ahead.x)) / fps
    subject, shift = SUBJECTS[actor.subject], ahead.x - ahead.x[0]
    size = np.full_like(ahead.x, actor.size)
    height = actor.lift + _gait(subject.moves, shift, t)
    return Path(actor.x + shift, actor.ground - height - size / 2, size, _roll(subject.moves, shift, actor.size, t),
                ahead.direction)


def _gait(moves: str, distance: np.ndarray, t: np.ndarray) -> np.ndarray:
    """How far legs lift a body while it goes: 1.5 % of the view, twice a second."""
    return 0.015 * np.abs(np.sin(2 * np.pi * t)) if moves in ("walk", "waddle") else 0 * distance


def _roll(moves: str, distance: np.ndarray, size: float, t: np.ndarray) -> np.ndarray:
    """Degrees turned: a ball rolls without slipping (distance = angle x radius), a waddler sways."""
    if moves == "roll":
        return -np.degrees(distance / (0.45 * size))
    return 6 * np.sin(2 * np.pi * t) if moves == "waddle" else 0 * distance


def _mirrored(actor: Actor, direction: np.ndarray) -> np.ndarray:
    """Whether the artwork is mirrored so that it looks where it goes; without a direction, as the scene says."""
    faces = SUBJECTS[actor.subject].faces
    if not faces:
        return np.zeros(len(direction), bool)
    looks_right = np.where(direction == 0, actor.mirrored, direction > 0)
    return looks_right != (faces == "right")


def _camera(shot: Shot, paths: list[Path], aspect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left edge, top edge (units) and zoom of the view in every frame."""
    share = np.arange(shot.frames) / max(shot.frames - 1, 1)
    x, y, zoom, swing = 0 * share, 0 * share, 1 + 0 * share, shot.camera_amount * (share - 0.5)
    match shot.camera:
        case "pans right":
            x = swing
        case "pans left":
            x = -swing
        case "tilts up":
            y = -0.5 * shot.camera_amount * share
        case "tilts down":
            y = -0.5 * shot.camera_amount * (1 - share)
        case "zooms in":
            zoom = shot.camera_amount**share
        case "zooms out":
            zoom = shot.camera_amount ** (1 - share)
        case "tracks":
            x = paths[0].x - paths[0].x[0]
    if shot.camera.startswith("zooms"):  # around the middle of the lower half, where subjects are
        x, y = 0.5 * aspect * (1 - 1 / zoom), 0.7 * (1 - 1 / zoom)
    return x, y, zoom


def _visibility(x: np.ndarray, y: np.ndarray, size: np.ndarray, camera_x: np.ndarray, camera_y: np.ndarray,
                zoom: np.ndarray, aspect: float, occluders: list) -> np.ndarray:
    """Share of every subject's square (T, A) that is inside the view and not behind an occluder."""
    left, top = camera_x[:, None], camera_y[:, None]
    inside_x = _overlap(x, size, left + 0.5 * aspect / zoom[:, None], aspect / zoom[:, None])
    inside_y = _overlap(y, size, top + 0.5 / zoom[:, None], 1 / zoom[:, None])
    visible = inside_x * inside_y
    for _, _, centre, _, width in occluders:
        visible = visible * (1 - _overlap(x, size, centre, 0.85 * width))
    return visible


def _overlap(centre: np.ndarray, size: np.ndarray, other: np.ndarray | float, width: np.ndarray | float) -> np.ndarray:
    """Share of the interval (centre, size) that lies within the interval (other, width)."""
    low = np.maximum(centre - size / 2, other - width / 2)
    high = np.minimum(centre + size / 2, other + width / 2)
    return np.clip((high - low) / size, 0, 1)
