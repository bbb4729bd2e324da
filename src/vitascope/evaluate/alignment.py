"""Does a clip show what was asked? It is read without the prompt, then compared with the scene that was asked for.

    reading = read(reader, frames, fps)          # uint8 (T, H, W, 3)
    list(itemise(reading, scene, prompt))        # [("subject", "dog", True), ("action", "jumps", False), ...]
    answers = compare(reading, scene, prompt)    # {"subject": True, "place": True, "action": False, ...}

A question that a prompt leaves open has no answer. What looks the same counts as the same: who follows to the right
also moves to the right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from ..world.catalogue import DIRECTED, STYLE_PHRASES, SUBJECTS, TIME_PHRASES, WEATHER_PHRASES
from ..world.scene import Actor, Scene, Shot
from .reader import Reader
from .tracks import Observation, Track, all_features, observe

RATE = 8.0  # frames a second that motion is read at
FEWEST = 5  # frames that an action can be read from
PRESENT = 0.5  # confidence from which a track counts as a subject
QUESTIONS = ("subject", "count", "place", "time", "action", "left/right", "camera", "moving camera", "colour",
             "weather", "style", "two subjects, two actions")
COLOURLESS = ("pencil", "film")  # styles that show no colours
CAMERA_MOVES = 0.12  # units, for clips without a subject


@dataclass(frozen=True)
class Answer:
    """A name, "" for none, and how probable it is that it is right."""
    name: str
    confidence: float


@dataclass(frozen=True)
class Seen:
    """One subject that was read in a clip; arrays over the frames that were read, lengths in heights of the view."""
    subject: Answer
    presence: float  # probability that there is a subject at all
    colour: Answer
    action: Answer  # over the whole clip; "" for an image
    first: Answer  # in its first half
    last: Answer  # in its last half
    shift: float  # units to the right, in the world, from the first time it is seen to the last
    x: np.ndarray  # centre in the view
    y: np.ndarray
    size: np.ndarray
    angle: np.ndarray  # degrees, counter-clockwise
    present: np.ndarray  # bool


@dataclass(frozen=True)
class Reading:
    """What a clip shows."""
    subjects: tuple[Seen, ...]  # the surest first
    place: Answer
    time: Answer
    weather: Answer
    style: Answer
    camera: Answer  # "" for an image
    frames: np.ndarray  # numbers of the frames that were read


def read(reader: Reader, frames: np.ndarray, fps: float = RATE) -> Reading:
    """Read a clip or, with T = 1, an image: uint8 (T, H, W, 3) of any size."""
    taken = np.unique(np.round(np.arange(0, len(frames), max(fps / RATE, 1e-3))).astype(int).clip(0, len(frames) - 1))
    seen = observe(reader.pictures, frames[taken])
    first, last, presence, cameras = _judge(reader, seen)
    subjects = tuple(_to_seen(reader, seen, track, first[n], last[n], float(presence[n]))
                     for n, track in enumerate(seen.tracks) if presence[n] >= PRESENT)
    settings = {name: _answer(reader.config.settings[name], torch.from_numpy(logits).softmax(0))
                for name, logits in seen.settings.items()}
    return Reading(tuple(sorted(subjects, key=lambda one: -one.presence)), **settings,
                   camera=_read_camera(reader, seen, presence, cameras), frames=taken)


@torch.inference_mode()
def _judge(reader: Reader, seen: Observation) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Per track: logits of the first and the last action, probability of presence, logits of the camera."""
    tracks = all_features(seen)
    if len(seen.props) < FEWEST or not len(tracks):
        count = len(tracks)
        presence = torch.tensor([track.score.mean() for track in seen.tracks])
        return torch.zeros(count, 0), torch.zeros(count, 0), presence, torch.zeros(count, len(reader.config.cameras))
    first, last, presence, cameras = reader.tracks(tracks)
    return first, last, presence.sigmoid(), cameras


def _to_seen(reader: Reader, seen: Observation, track: Track, first: Tensor, last: Tensor, presence: float) -> Seen:
    names, actions = reader.config, reader.config.actions
    world, _ = seen.camera.world(track.x, track.y)
    times = np.flatnonzero(track.present)
    nothing = Answer("", 0.0)
    return Seen(
        subject=_answer(names.subjects, torch.from_numpy(track.kinds / track.kinds.sum())), presence=presence,
        colour=_answer(names.colours, torch.from_numpy(track.colour)),
        action=_answer(actions, (first + last).softmax(0)) if len(first) else nothing,
        first=_answer(actions, first.softmax(0)) if len(first) else nothing,
        last=_answer(actions, last.softmax(0)) if len(first) else nothing,
        shift=float(world[times[-1]] - world[times[0]]),
        x=track.x, y=track.y, size=track.size, angle=np.degrees(np.arctan2(*track.turn.T)), present=track.present)


def _answer(names: tuple[str, ...], probabilities: Tensor) -> Answer:
    best = int(probabilities.argmax())
    return Answer(names[best], float(probabilities[best]))


def _read_camera(reader: Reader, seen: Observation, presence: Tensor, logits: Tensor) -> Answer:
    """What the surest tracks say; without any, what the background's motion alone says."""
    if len(seen.props) < FEWEST:
        return Answer("", 0.0)
    if len(presence) and presence.max() >= PRESENT:
        return _answer(reader.config.cameras, (logits * presence[:, None]).sum(0).div(presence.sum()).softmax(0))
    x, y, zoom = seen.camera.x[-1], seen.camera.y[-1], np.log(seen.camera.zoom[-1])
    moves = {"pans right": x, "pans left": -x, "tilts up": -y, "tilts down": y, "zooms in": zoom, "zooms out": -zoom}
    name = max(moves, key=moves.__getitem__)
    return Answer(name if moves[name] > CAMERA_MOVES else "still", 0.5)


# What was asked


def compare(reading: Reading, scene: Scene, prompt: str | None = None) -> dict[str, bool]:
    """Answers to those of QUESTIONS that apply; with a `prompt`, only to what it tells. ValueError for two shots."""
    answers: dict[str, bool] = {}
    for question, _, right in itemise(reading, scene, prompt):
        answers[question] = answers.get(question, True) and right
    shot = _only_shot(scene)
    answers["count"] = len(reading.subjects) == len(shot.actors)
    if "camera" in answers and shot.camera != "still":
        answers["moving camera"] = answers["camera"]
    if "action" in answers and len(shot.actors) > 1:
        answers["two subjects, two actions"] = answers["action"] and answers["count"]
    return answers


def itemise(reading: Reading, scene: Scene, prompt: str | None = None) -> Iterator[tuple[str, str, bool]]:
    """Everything that was asked for by name, and whether it is there: (question, name, right)."""
    shot = _only_shot(scene)
    cast = _assign(reading, shot)
    yield "place", shot.place, reading.place.name == shot.place
    if _told(prompt, TIME_PHRASES[shot.time]):
        yield "time", shot.time, reading.time.name == shot.time
    if _told(prompt, WEATHER_PHRASES[shot.weather]):
        yield "weather", shot.weather, reading.weather.name == shot.weather
    if _told(prompt, STYLE_PHRASES[scene.style]):
        yield "style", scene.style, reading.style.name == scene.style
    for seen, actor in zip(cast, shot.actors):
        yield "subject", actor.subject, seen is not None
        if actor.colour and scene.style not in COLOURLESS and _told(prompt, _coloured(actor)):
            yield "colour", actor.colour, seen is not None and seen.colour.name == actor.colour
    if len(reading.frames) < FEWEST:
        return
    for seen, actor in zip(cast, shot.actors):
        yield "action", _named(actor), seen is not None and _acts(seen, actor, cast[0], shot)
        if way := _way(actor, shot):
            yield "left/right", "right" if way > 0 else "left", seen is not None and seen.shift * way > 0
    yield "camera", shot.camera, reading.camera.name == shot.camera


def _only_shot(scene: Scene) -> Shot:
    if len(scene.shots) != 1:
        raise ValueError(f"the scene has {len(scene.shots)} shots; expected 1: read each shot by itself")
    return scene.shots[0]


def _named(actor: Actor) -> str:
    """What an actor is to do, all sequences under one name."""
    return actor.steps[0].action if len(actor.steps) == 1 else "first, then"


def _told(prompt: str | None, phrases: tuple[str, ...]) -> bool:
    return prompt is None or any(phrase in prompt.lower() for phrase in map(str.lower, phrases))


def _coloured(actor: Actor) -> tuple[str, ...]:
    return tuple(f"{actor.colour} {noun}" for noun in SUBJECTS[actor.subject].nouns)


def _assign(reading: Reading, shot: Shot) -> list[Seen | None]:
    """Who of those that were read is which actor: as many names right as possible, then as many actions."""
    candidates = [*reading.subjects, *[None] * len(shot.actors)]

    def merit(cast: tuple[Seen | None, ...]) -> int:
        return sum(10 + _acts(seen, actor, cast[0], shot) for seen, actor in zip(cast, shot.actors)
                   if seen is not None and seen.subject.name == actor.subject)

    best = max(permutations(candidates, len(shot.actors)), key=merit)
    return [seen if seen is not None and seen.subject.name == actor.subject else None
            for seen, actor in zip(best, shot.actors)]


def _way(actor: Actor, shot: Shot) -> int:
    """1 for an actor that is to move right, -1 for left, 0 for anything else."""
    asked = shot.actors[0].steps if actor.steps[0].action == "follows" else actor.steps
    ways = {1 if step.action == "moves right" else -1 for step in asked if step.action in DIRECTED}
    return ways.pop() if len(ways) == 1 else 0


def _acts(seen: Seen, actor: Actor, leader: Seen | None, shot: Shot) -> bool:
    """Whether a subject does what its actor was to do."""
    asked = [step.action for step in actor.steps]
    if asked == ["follows"]:
        return leader is not None and leader is not seen and _follows(seen, leader, _way(actor, shot))
    if len(asked) > 1:
        return seen.first.name == asked[0] and seen.last.name == asked[-1]
    if asked[0] in DIRECTED and seen.action.name == "follows":
        return seen.shift * _way(actor, shot) > 0
    return seen.action.name == asked[0]


def _follows(seen: Seen, leader: Seen, way: int) -> bool:
    """Both go the same way, one behind the other all the time."""
    both = seen.present & leader.present
    moving = seen.action.name in ("follows", *DIRECTED) and seen.shift * way > 0 and leader.shift * way > 0
    return moving and bool(both.any()) and float(np.mean((leader.x - seen.x)[both] * way > 0)) > 0.8
