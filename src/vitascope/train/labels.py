"""Clips of the world, labelled for the reader: what is where in every frame, what it does, and how all of it looks.

In goes nothing but seeds. Chunks of clips are rendered once into a folder, their truth beside the frames. Knows nothing
of the networks but the names that they tell apart.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from einops import reduce

from ..data.truth import hidden
from ..evaluate.alignment import COLOURLESS
from ..evaluate.reader import ROWS, STRIDE, ReaderConfig
from ..evaluate.tracks import FEATURES, shrink, small_width
from ..world.catalogue import ACTIONS, CAMERAS, PLACE_PHRASES, RED_TO, STYLE_PHRASES, SUBJECTS, TIME_PHRASES, \
    WEATHER_PHRASES
from ..world.physics import BITES, BLOCK, Motion, simulate
from ..world.places import PLACES
from ..world.render import BURST_SIZE, TRAIL_WIDTH, bursts, render, trails
from ..world.scene import BUNDLED, EDIBLE, FULL, Scene, Vocabulary, sample_scene

PROPS = ("occluder", "bricks", "burst", "paint")  # what is seen besides subjects
THINGS = 16  # columns of a frame's truth: actors first, then props
ACTORS = 3
BEHIND = 0.35  # in an actor's sizes: blocks this near to its middle are hidden by it
FIRST_SEED = 2**42  # of the clips trained on: nobody else draws from there
PAINTED = 0.3  # share of a cell from which it counts as painted
SHAPES = (*5 * ((128, 128, 17),), (96, 96, 17), (64, 64, 17), (176, 96, 17), (96, 176, 17), (128, 128, 9),
          (128, 128, 33))  # width, height, frames of the clips of a chunk, in turn
# what models know, with more of what is hard to read: two subjects, one before the other; spins, which alone teach the
# angle; drawings without colour; cameras that move with a subject
KNOWN = replace(BUNDLED, companions=(0.4, 0.6), actions=BUNDLED.actions + 3 * ("spins",), cuts=0.0,
                styles=(*3 * ("3d",), *2 * ("pencil", "film"), "pixel", "papercut"),
                weathers=("clear", "clear", "rain", "snow", "fog"),
                cameras=(*BUNDLED.cameras, *6 * ("tracks",), *2 * ("zooms in", "zooms out", "tilts up", "tilts down")))
EFFECTS = replace(KNOWN, companions=(0.85, 0.15), subjects=(*BUNDLED.subjects, *4 * EDIBLE, *12 * ("balloon",)),
                  actions=("stands still", "moves right", "spins", *4 * ("paints", "knocks over blocks"),
                           *8 * ("is bitten", "pops")))
EVERYTHING = replace(FULL, places=tuple(PLACES), cuts=0.0)
MIXTURE = (KNOWN, EFFECTS, replace(KNOWN, styles=("3d",)), replace(KNOWN, companions=BUNDLED.companions), EFFECTS,
           EVERYTHING)

CONFIG = ReaderConfig(tuple(SUBJECTS), PROPS, tuple(RED_TO), BITES, tuple(PLACE_PHRASES), tuple(TIME_PHRASES),
                      tuple(WEATHER_PHRASES), tuple(STYLE_PHRASES), tuple(ACTIONS), tuple(CAMERAS), FEATURES)


@dataclass(frozen=True)
class Truth:
    """What is to be found in N clips of T frames, K things in each; lengths as in tracks.py, indices as in CONFIG."""
    kind: np.ndarray  # (N, T, K): index among subjects and props, -1: none
    x: np.ndarray  # (N, T, K), in the view
    y: np.ndarray
    size: np.ndarray
    angle: np.ndarray  # degrees, counter-clockwise
    visible: np.ndarray  # 0 to 1
    colour: np.ndarray  # (N, T, K), -1: has one only
    bites: np.ndarray
    paint: np.ndarray  # (N, T, h, w), cells: 1 painted, 0 not, -1 hidden by an actor
    settings: np.ndarray  # (N, questions)
    actions: np.ndarray  # (N, ACTORS, 2): the first and the last, -1: no such actor
    camera: np.ndarray  # (N,)

    def __getitem__(self, clips: np.ndarray | slice) -> "Truth":
        return Truth(**{name: array[clips] for name, array in vars(self).items()})


def tell(scene: Scene, motion: Motion) -> Truth:
    """The truth of one scene of one shot, with N = 1."""
    shot, T = scene.shots[0], scene.frames
    kind, colour, bites = np.full((T, THINGS), -1), np.full((T, THINGS), -1), np.zeros((T, THINGS), int)
    x, y, size, angle, visible = (np.zeros((T, THINGS)) for _ in range(5))
    actions = np.full((ACTORS, 2), -1)
    for a, actor in enumerate(shot.actors):
        kind[:, a] = CONFIG.subjects.index(actor.subject)
        colour[:, a] = CONFIG.colours.index(actor.colour) if actor.colour and scene.style not in COLOURLESS else -1
        actions[a] = [CONFIG.actions.index(actor.steps[n].action) for n in (0, -1)]
    A = len(shot.actors)
    x[:, :A], y[:, :A], size[:, :A] = motion.x, motion.y, motion.size
    angle[:, :A], bites[:, :A] = motion.angle, motion.bites
    visible[:, :A] = motion.visible * (1 - hidden(shot.actors, motion))
    for t in range(T):
        for k, (prop, *where) in enumerate(_props(motion, t)[:THINGS - ACTORS], start=ACTORS):
            kind[t, k], visible[t, k] = len(CONFIG.subjects) + PROPS.index(prop), 1
            x[t, k], y[t, k], size[t, k] = where
    zoom = motion.zoom[:, None]
    x, y, size = (x - motion.camera_x[:, None]) * zoom, (y - motion.camera_y[:, None]) * zoom, size * zoom
    settings = np.array([answers.index(getattr(shot, name, scene.style)) for name, answers in CONFIG.settings.items()])
    camera = np.array(CONFIG.cameras.index(shot.camera))
    arrays = kind, x, y, size, angle, visible, colour, bites, _paint(scene, motion), settings, actions, camera
    return Truth(*(array[None] for array in arrays))


def _props(motion: Motion, t: int) -> list[tuple[str, float, float, float]]:
    """(name, x, y, size) of what else is seen in frame t, besides paint."""
    seen = [("occluder", x, y, size) for _, _, x, y, size in motion.occluders]
    if motion.blocks is not None:
        seen += [("bricks", x, y, BLOCK) for x, y, _ in motion.blocks[t]
                 if not (np.hypot(motion.x[t] - x, motion.y[t] - y) < BEHIND * motion.size[t]).any()]
    seen += [("burst", motion.x[t, a], motion.y[t, a], BURST_SIZE * motion.size[t, a])
             for a in range(motion.x.shape[1]) if bursts(motion, 0, t, a)]
    return seen


def _paint(scene: Scene, motion: Motion) -> np.ndarray:
    """Which cells (T, h, w) are painted: 1, 0, or -1 for those that an actor hides; all 0 where nobody paints."""
    shot, columns = scene.shots[0], small_width(scene.aspect)
    painted = np.zeros((scene.frames, ROWS // STRIDE, columns // STRIDE), np.int8)
    if not any(actor.steps[0].action == "paints" for actor in shot.actors):
        return painted
    for t, cells in enumerate(painted):
        view = motion.zoom[t] * np.array([columns / scene.aspect, ROWS])  # pixels per unit
        corner, canvas = np.array([motion.camera_x[t], motion.camera_y[t]]), np.zeros((ROWS, columns), np.float32)
        for trail in trails(shot, motion, 0, t):
            points = ((trail - corner) * view).round().astype(np.int32)
            cv2.polylines(canvas, [points], False, 1, round(TRAIL_WIDTH * view[1]))
        cells[:] = reduce(canvas, "(h p) (w q) -> h w", "mean", p=STRIDE, q=STRIDE) > PAINTED
        for x, y, size in zip(motion.x[t], motion.y[t], motion.size[t]):
            left, top = ((np.array([x, y]) - 0.45 * size - corner) * view / STRIDE).round().astype(int).clip(0)
            right, bottom = ((np.array([x, y]) + 0.45 * size - corner) * view / STRIDE).round().astype(int).clip(0)
            cells[top:bottom, left:right] = -1
    return painted


def make_clip(seed: int, vocabulary: Vocabulary, shape: tuple[int, int, int]) -> tuple[np.ndarray, Truth]:
    """Frames (T, ROWS, W, 3) and their truth; combinations that generators must not see are read like others."""
    width, height, frames = shape
    scene = sample_scene(seed, vocabulary, width=width, height=height, frames=frames, split="any")
    motion = simulate(scene)
    return shrink(render(scene, motion)), tell(scene, motion)


def join(truths: list[Truth]) -> Truth:
    """The truth of several clips of one shape."""
    return Truth(**{name: np.concatenate([getattr(truth, name) for truth in truths]) for name in vars(truths[0])})


@dataclass(frozen=True)
class Chunk:
    """Clips of one shape."""
    frames: np.ndarray  # (N, T, ROWS, W, 3) uint8
    truth: Truth
    aspect: float


def load_chunk(directory: Path, number: int, clips: int, first_seed: int = FIRST_SEED) -> Chunk:
    """Chunk `number` of a run's clips, rendered if it is not there yet."""
    path = directory / f"clips-{first_seed}-{number:04d}-{clips}.npz"
    shape = SHAPES[number % len(SHAPES)]
    if not path.exists():
        vocabulary = MIXTURE[number % len(MIXTURE)]
        made = [make_clip(first_seed + number * clips + n, vocabulary, shape) for n in range(clips)]
        arrays = {"frames": np.stack([frames for frames, _ in made]), **vars(join([truth for _, truth in made]))}
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial.npz")
        np.savez(partial, **arrays)
        os.replace(partial, path)
    with np.load(path) as stored:
        frames, arrays = stored["frames"], {name: stored[name] for name in stored if name != "frames"}
    return Chunk(frames, Truth(**arrays), shape[0] / shape[1])
