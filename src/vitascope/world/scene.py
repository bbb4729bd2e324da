"""A scene: what is to be seen, drawn from a seed. No pixels, no positions over time, no words.

The unit of length is the height of the view; x grows to the right from the left edge of the view at rest, y downwards
from its top. Every parameter is drawn densely and independently, so that all combinations occur, except those that
`held_out` names: they are never trained on, and half of the test prompts ask for them.
"""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from .catalogue import ACTIONS, CAMERAS, DIRECTED, INDOORS, OCCLUDERS, PLACE_PHRASES, STYLE_PHRASES, SUBJECTS, \
    TIME_PHRASES, WEATHER_PHRASES
from .places import ground_level

MARGIN = 0.16  # how near to the frame's edge a subject's centre starts or ends
PAN = (0.3, 0.5)  # units that a panning camera travels in a clip
LEAD = 0.55  # share of the width that whoever is followed has for itself
ALONE = ("passes behind", "knocks over blocks", "leaves and returns")  # with no other subject, under a still camera
EDIBLE = ("apple", "cookie", "pizza", "doughnut", "cake", "watermelon")
CHAINED = ("moves right", "moves left", "stands still", "jumps", "spins")  # first one of them, then another
HELD_OUT_SHARE = 10  # one combination in so many


@dataclass(frozen=True)
class Vocabulary:
    """What scenes are drawn from, and how often they have more than one subject, shot or step."""
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    actions: tuple[str, ...]
    times: tuple[str, ...] = tuple(TIME_PHRASES)
    weathers: tuple[str, ...] = ("clear",)
    cameras: tuple[str, ...] = ("still",)
    styles: tuple[str, ...] = ("3d",)
    companions: tuple[float, ...] = (0.7, 0.3)  # probability of one, two, three subjects
    cuts: float = 0.0  # probability of a second shot
    sequences: float = 0.0  # probability of "first ... then ..."


@dataclass(frozen=True)
class Step:
    """One action of an actor. `amount` is the distance, height or number of turns: see physics.py."""
    action: str
    frames: int
    amount: float


@dataclass(frozen=True)
class Actor:
    subject: str
    colour: str  # "" where the subject has one only
    size: float  # side of the sprite, units
    x: float  # centre at the start, units
    ground: float  # y of the ground under it, units
    lift: float  # height of its lower edge above the ground at the start, units
    mirrored: bool  # looks the other way while it does not move sideways
    steps: tuple[Step, ...]
    occluder: str = ""  # what it passes behind


@dataclass(frozen=True)
class Shot:
    frames: int
    place: str
    time: str
    weather: str
    camera: str
    camera_amount: float  # units travelled, or the zoom factor
    actors: tuple[Actor, ...]
    backdrop: int  # seed of the place's drawing


@dataclass(frozen=True)
class Scene:
    seed: int
    width: int  # pixels
    height: int  # pixels
    fps: float
    style: str
    shots: tuple[Shot, ...]
    falls: bool = True  # rain and snow are seen to fall; without, only their light

    @property
    def frames(self) -> int:
        return sum(shot.frames for shot in self.shots)

    @property
    def aspect(self) -> float:
        return self.width / self.height


FULL = Vocabulary(tuple(SUBJECTS), tuple(PLACE_PHRASES), tuple(ACTIONS), tuple(TIME_PHRASES), tuple(WEATHER_PHRASES),
                  tuple(CAMERAS), tuple(STYLE_PHRASES), companions=(0.6, 0.3, 0.1), cuts=0.1, sequences=0.1)

# what the bundled model knows: all of it in single shots; what is named again comes more often
BUNDLED = replace(
    FULL,
    subjects=(*SUBJECTS, "car", "taxi", "bus", "rocket", "dog", "cat", "horse", "elephant", "penguin", "duck", "turtle",
              "dinosaur", "football", *3 * ("balloon",), "robot", "apple", "cookie", "runner"),
    actions=2 * ("moves right", "moves left") + (
        "stands still", "jumps", "bounces", "spins", "rises", "falls", "comes closer", "goes away", "follows",
        "circles", "passes behind", "leaves and returns", "knocks over blocks", "paints") + 8 * ("is bitten", "pops"),
    times=("day", *TIME_PHRASES),
    weathers=("clear", "clear", "clear", "rain", "snow", "fog"),
    cameras=("still", *2 * ("pans right", "pans left", "zooms in", "zooms out"), "tilts up", "tilts down", "tracks"),
    styles=6 * ("3d",) + ("pencil", "pixel", "film", "papercut"),
    companions=(0.7, 0.3), cuts=0.0, sequences=0.3)

VOCABULARIES = {"bundled": BUNDLED, "full": FULL}


def held_out(subject: str, place: str, action: str) -> bool:
    """Whether a combination is kept from training: one in ten, chosen by a checksum of its words."""
    return zlib.crc32(f"{subject}/{place}/{action}".encode()) % HELD_OUT_SHARE == 0


def held_out_combinations(vocabulary: Vocabulary) -> list[tuple[str, str, str]]:
    return [(subject, place, action) for subject in dict.fromkeys(vocabulary.subjects)
            for place in vocabulary.places for action in dict.fromkeys(vocabulary.actions)
            if held_out(subject, place, action)]


def sample_scene(seed: int, vocabulary: Vocabulary = BUNDLED, *, width: int = 128, height: int = 128, frames: int = 17,
                 fps: float = 8, split: str = "train") -> Scene:
    """Draw a scene.

    `split`: "train" avoids held-out combinations, "held-out" makes its first actor one of them, "any" ignores them.
    """
    if split not in ("train", "held-out", "any"):
        raise ValueError(f"split is {split!r}; expected train, held-out or any")
    rng = np.random.default_rng([seed, 20])
    style = str(rng.choice(vocabulary.styles))
    first = _sample_shot(rng, vocabulary, frames, width / height, split)
    shots = (first,)
    if frames >= 17 and rng.random() < vocabulary.cuts:
        cut = 4 * int(rng.integers(2, frames // 4 - 1)) + 1
        cast = tuple(actor.subject for actor in first.actors)
        shots = tuple(_sample_shot(np.random.default_rng([seed, part]), vocabulary, length, width / height, split, cast)
                      for part, length in enumerate((cut, frames - cut)))
    return Scene(seed, width, height, fps, style, shots)


def _sample_shot(rng: np.random.Generator, vocabulary: Vocabulary, frames: int, aspect: float, split: str,
                 cast: tuple[str, ...] | None = None) -> Shot:
    place = str(rng.choice(vocabulary.places))
    time = str(rng.choice(vocabulary.times))
    weather = "clear" if place in INDOORS else str(rng.choice(vocabulary.weathers))
    subjects, actions = _sample_cast(rng, vocabulary, place, split, cast)
    camera = "still" if rng.random() < 0.4 else str(rng.choice(vocabulary.cameras))
    if camera == "tracks" and actions[0] not in DIRECTED:
        camera = "still"
    if any(action in ALONE for action in actions):
        camera = "still"
    amount = rng.uniform(1.3, 1.6) if camera.startswith("zooms") else rng.uniform(*PAN) * min(1, frames / 17)
    actors = _place_actors(rng, vocabulary, subjects, actions, frames, aspect, ground_level(place))
    return Shot(frames, place, time, weather, camera, float(amount), actors, int(rng.integers(2**31)))


def _sample_cast(rng: np.random.Generator, vocabulary: Vocabulary, place: str, split: str,
                 cast: tuple[str, ...] | None) -> tuple[list[str], list[str]]:
    """Subjects and their (first) actions, until the split allows the combination."""
    while True:
        count = len(cast) if cast else 1 + int(rng.choice(len(vocabulary.companions), p=vocabulary.companions))
        subjects = list(cast) if cast else [str(name) for name in rng.choice(vocabulary.subjects, count)]
        possible = [[a for a in vocabulary.actions if _can(subject, a) and (a != "follows" or index > 0)]
                    for index, subject in enumerate(subjects)]
        actions = [str(rng.choice(names)) for names in possible]
        if "follows" in vocabulary.actions and count > 1 and rng.random() < 0.3:
            actions[1] = "follows"
        if "follows" in actions:  # somebody to follow moves ahead
            actions[0] = str(rng.choice(DIRECTED))
        if count > 1 and subjects[0] == subjects[1] and "follows" not in actions:
            actions[1] = actions[0]  # two dogs do one thing together
        if count > 1 and any(action in ALONE for action in actions):
            continue
        unseen = [held_out(subject, place, action) for subject, action in zip(subjects, actions)]
        if split == "any" or (split == "train" and not any(unseen)) or (split == "held-out" and unseen[0]):
            return subjects, actions


def _can(subject: str, action: str) -> bool:
    """Some effects belong to some subjects."""
    if action == "is bitten":
        return subject in EDIBLE
    if action == "pops":
        return subject == "balloon"
    return True


def _place_actors(rng: np.random.Generator, vocabulary: Vocabulary, subjects: list[str], actions: list[str],
                  frames: int, aspect: float, ground: float) -> tuple[Actor, ...]:
    """Give every actor a place: beside the others when they stay, at another depth when they cross."""
    count = len(subjects)
    shrink = (1.0, 0.86, 0.72)[count - 1] * min(1.0, aspect) ** 0.7
    depths = rng.permutation(count) * 0.05 - 0.025 * (count - 1)
    lanes = rng.permutation(count)
    actors: list[Actor] = []
    for index, (name, action) in enumerate(zip(subjects, actions)):
        subject = SUBJECTS[name]
        size = subject.size * shrink * rng.uniform(0.92, 1.1) * (0.8 if action == "passes behind" else 1)
        lane = ((lanes[index] + 0.5) / count) * aspect  # centre of the actor's share of the width
        sequence = rng.random() < vocabulary.sequences and action in CHAINED and frames >= 17
        together = index == 1 and subjects[0] == name and action == actions[0]
        if together:  # the second of a pair does what the first does
            steps = actors[0].steps
        else:
            steps = _sample_steps(rng, action, frames, aspect, sequence and "follows" not in actions)
        if index == 0 and "follows" in actions:  # room behind for whoever follows
            steps = (replace(steps[0], amount=LEAD * steps[0].amount),)
        x = _start(rng, steps[0], lane, aspect, count, size)
        if index == 0 and "follows" in actions:
            x = aspect * (1 - LEAD) * 0.6 + LEAD * x if action == "moves right" else LEAD * x + 0.16 * aspect
        if together and action in DIRECTED:
            x = actors[0].x + (-1 if action == "moves right" else 1) * (0.75 * size + 0.02) * (1 if count == 2 else 0.8)
        elif action == "follows":
            behind = -1 if actors[0].steps[0].action == "moves right" else 1
            x = actors[0].x + behind * (0.5 * (actors[0].size + size) + rng.uniform(0.0, 0.06))
        lift = _sample_lift(rng, subject.flies, action, size, ground)
        if action == "follows" or together:
            lift = min(lift, actors[0].lift) if subject.flies else lift
        colour = str(rng.choice(list(subject.colours))) if subject.colours else ""
        occluder = str(rng.choice(list(OCCLUDERS))) if action == "passes behind" else ""
        actors.append(Actor(name, colour, float(size), float(x), float(ground + depths[index]), float(lift),
                            bool(rng.random() < 0.5), steps, occluder))
    return tuple(actors)


def _sample_steps(rng: np.random.Generator, action: str, frames: int, aspect: float,
                  sequence: bool) -> tuple[Step, ...]:
    if not sequence:
        return (Step(action, frames, _sample_amount(rng, action, aspect, 1.0)),)
    other = str(rng.choice([a for a in CHAINED if a != action]))
    half = frames // 2 + 1
    return (Step(action, half, _sample_amount(rng, action, aspect, 0.5)),
            Step(other, frames - half, _sample_amount(rng, other, aspect, 0.5)))


def _sample_amount(rng: np.random.Generator, action: str, aspect: float, share: float) -> float:
    """Distance, height (units) or turns of an action, dense over what fits the view; turns have a sign."""
    room = max(aspect - 2 * MARGIN, 0.25)
    if action in DIRECTED or action in ("passes behind", "paints", "knocks over blocks"):
        return float(rng.uniform(0.95 if action == "passes behind" else 0.62, 1.0) * room * share)
    if action == "leaves and returns":
        return float(0.95 * aspect)
    if action == "spins":
        return float(rng.uniform(0.6, 1.0) * rng.choice((-1, 1)) * share)
    low, high = {"jumps": (0.14, 0.26), "bounces": (0.3, 0.5), "falls": (0.3, 0.5), "rises": (0.3, 0.5),
                 "circles": (0.16, 0.26)}.get(action, (0.0, 1.0))
    return float(rng.uniform(low, high))


def _start(rng: np.random.Generator, step: Step, lane: float, aspect: float, count: int, size: float) -> float:
    """x of the centre at the start."""
    slack = max(aspect - 2 * MARGIN - step.amount, 0.0)
    offset = MARGIN + rng.uniform(0, slack) if slack else min(MARGIN, aspect / 4)
    if step.action in ("moves right", "passes behind", "paints", "knocks over blocks"):
        return offset
    if step.action == "moves left":
        return aspect - offset
    if count > 1:
        return float(lane + rng.uniform(-0.06, 0.06) * aspect)
    return float(rng.uniform(0.3, 0.7) * aspect)


def _sample_lift(rng: np.random.Generator, flies: bool, action: str, size: float, ground: float) -> float:
    """Height of the lower edge above the ground: flyers hover, what falls starts high."""
    if action in ("falls", "bounces"):
        return float(rng.uniform(0.9, 1.0) * (ground - 0.7 * size))
    if action in ("rises", "comes closer", "goes away", "jumps"):
        return 0.0
    return float(rng.uniform(0.2, 0.9) * max(ground - 1.1 * size, 0.02)) if flies else 0.0
