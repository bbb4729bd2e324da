"""What the world knows of a scene, as numbers that a model learns from: where everything is, and who is seen where."""

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..models.autoencoder import FRAMES, SIDE
from ..models.layout import POSE, SLOTS, SMALLEST, Layout
from ..models.upsampler import SCALE
from ..world.catalogue import COLOURS, PLACE_PHRASES, TIME_PHRASES, number_of
from ..world.physics import Motion
from ..world.render import BLOCK_SIZE, PAINT, TRAIL_HEIGHT
from ..world.scene import Actor, Scene
from ..world.styles import STYLES
from ..world.weather import WEATHERS

LOST = 0.2  # share of a thing that is lost with each bite


def layout_of(scene: Scene, motion: Motion, start: int, frames: int) -> Layout:
    """Where everything is and how it looks, as a painter is told; of several shots, the cast and look of the first."""
    times = np.concatenate([np.full(FRAMES - 1, start), np.arange(start, start + frames)])      # (FRAMES K,)
    zoom = motion.zoom[times]
    middle = np.stack([motion.camera_x[times] + scene.aspect / 2 / zoom, motion.camera_y[times] + 0.5 / zoom], -1)
    steps = np.diff(np.column_stack([middle, np.log(zoom)]), axis=0, prepend=np.nan)
    steps[:, :2] *= zoom[:, None]
    things = [*_cast(scene, motion, times), *_scenery(scene, motion, times)][:SLOTS]
    poses = np.zeros((len(times), SLOTS, POSE))
    poses[..., 3], poses[..., 5], poses[..., 7] = 1, 1, 1
    names = np.zeros((2, SLOTS), int)
    for slot, (number, colour, pose) in enumerate(things):
        names[:, slot], poses[:, slot] = (number, colour), pose
        poses[:, slot, :2] -= middle
        poses[:, slot, :3] *= zoom[:, None]
        poses[:, slot, 2] = np.maximum(poses[:, slot, 2], SMALLEST)
    poses, view = (torch.from_numpy(np.nan_to_num(numbers)).float() for numbers in (poses, steps))
    grouped = (rearrange(numbers, "(k f) ... -> k f ...", f=FRAMES) for numbers in (poses, view))
    return Layout(*grouped, *torch.from_numpy(names), look_of(scene))


def look_of(scene: Scene) -> Tensor:
    """Numbers (LOOKS,) of style, weather, time of day and place."""
    shot = scene.shots[0]
    style, weather = list(STYLES).index(scene.style), 1 + WEATHERS.index(shot.weather)
    time, place = 1 + list(TIME_PHRASES).index(shot.time), 1 + list(PLACE_PHRASES).index(shot.place)
    return torch.tensor([style, weather, time, place])


Thing = tuple[int, int, np.ndarray]
"""A number, a colour's number and poses (T, POSE), whose lengths are those of the world and not of the view."""


def _cast(scene: Scene, motion: Motion, times: np.ndarray) -> list[Thing]:
    """The subjects."""
    actors, things = scene.shots[0].actors, []
    visible = motion.visible[times] * (1 - hidden(actors, motion)[times])
    for a, actor in enumerate(actors):
        turn = np.radians(motion.angle[times, a])
        left = np.where(motion.gone[times, a], 0, 1 - LOST * motion.bites[times, a])
        pose = np.stack([motion.x[times, a], motion.y[times, a], motion.size[times, a], np.cos(turn), np.sin(turn),
                         np.where(motion.flip[times, a], -1, 1), visible[:, a], left], -1)
        things.append((number_of(actor.subject), 1 + COLOURS.index(actor.colour) if actor.colour else 0, pose))
    return things


def hidden(actors: tuple[Actor, ...], motion: Motion) -> np.ndarray:
    """Share of every actor's square (T, A) that nearer actors cover at most."""
    order = np.argsort([actor.ground for actor in actors], kind="stable")  # far to near, as they are drawn
    covered = np.zeros_like(motion.x)
    for place, a in enumerate(order):
        for b in order[place + 1:]:
            reach = 0.4 * motion.size[:, b] + 0.5 * motion.size[:, a]
            overlap = [np.clip((reach - np.abs(p[:, a] - p[:, b])) / motion.size[:, a], 0, 1)
                       for p in (motion.x, motion.y)]
            covered[:, a] = np.maximum(covered[:, a], overlap[0] * overlap[1] * ~motion.gone[:, b])
    return covered


def _scenery(scene: Scene, motion: Motion, times: np.ndarray) -> list[Thing]:
    """What subjects pass behind, knock over or leave behind."""
    things = [(number_of(name), 0, _pose(times, x, y, size))
              for shot, name, x, y, size in motion.occluders if shot == 0]
    if motion.blocks is not None:
        things += [(number_of("block"), 0, _pose(times, *block[:, :2].T, BLOCK_SIZE, block[:, 2]))
                   for block in motion.blocks[times].transpose(1, 0, 2)]
    for a, actor in enumerate(scene.shots[0].actors):
        if actor.steps[0].action == "paints":
            x, first = motion.x[times, a], motion.x[0, a]
            height = motion.y[:, a].mean() + TRAIL_HEIGHT * motion.size[times, a]
            pose = _pose(times, (x + first) / 2, height, abs(x - first))
            things.append((number_of("trail of paint"), scene.shots[0].backdrop % len(PAINT), pose))
    return things


def _pose(times: np.ndarray, x: np.ndarray | float, y: np.ndarray | float, side: np.ndarray | float,
          angle: np.ndarray | float = 0.0) -> np.ndarray:
    """Poses (T, POSE) of something whole and in sight; the angle is in degrees."""
    turn, one = np.radians(angle), np.ones(len(times))
    return np.stack([one * x, one * y, one * side, one * np.cos(turn), one * np.sin(turn), one, one, one], -1)


def truth_map(scene: Scene, motion: Motion, start: int, frames: int, subjects: tuple[str, ...]) -> np.ndarray:
    """Which subject is seen at each latent position, uint8 (T, H, W): 0 for none, else 1 + its index in `subjects`."""
    unit = SCALE * SIDE  # output pixels of one latent position
    rows, columns = scene.height // unit, scene.width // unit
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns * scene.aspect,
                       indexing="ij")
    truth = np.zeros((1 + (frames - 1) // FRAMES, rows, columns), np.uint8)
    for k in range(len(truth)):
        t = start + (0 if k == 0 else FRAMES * k - 2)  # the middle of the group
        actors = scene.shots[motion.cuts[t]].actors
        for a in np.argsort([actor.ground for actor in actors], kind="stable"):
            if motion.visible[t, a] > 0:
                zoom = motion.zoom[t]
                centre_x = (motion.x[t, a] - motion.camera_x[t]) * zoom
                centre_y = (motion.y[t, a] - motion.camera_y[t]) * zoom
                reach = 0.45 * motion.size[t, a] * zoom
                inside = (abs(x - centre_x) < reach) & (abs(y - centre_y) < reach)
                truth[k][inside] = 1 + subjects.index(actors[a].subject)
    return truth
