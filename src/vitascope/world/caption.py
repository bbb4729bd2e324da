"""From a scene to words, at three levels: short, plain and dense, in many wordings.

Who reads the caption learns only what can be seen. The same seed gives the same words.
"""

import numpy as np

from .catalogue import ACTIONS, ANY_WAY, CAMERAS, DIRECTED, MOTION_VERBS, PLACE_PHRASES, STYLE_OPENINGS, \
    STYLE_PHRASES, SUBJECTS, TIME_PHRASES, WEATHER_PHRASES
from .physics import Motion
from .scene import Actor, Scene, Shot

LEVELS = ("short", "plain", "dense")
NUMBERS = {2: ("two", "two", "two", "a pair of", "a couple of"), 3: ("three", "three", "a group of")}
ORDERS = ("first {a}, then {b}", "first {a}, and then {b}", "first {a}, and after that {b}", "{a}, then {b}",
          "{a} and then {b}", "{a} first and {b} afterwards")
OPENINGS = ("a video of", "a clip of", "a shot of", "footage of")
OPENED = 0.05  # of captions begin with one of these
UNTOLD = 0.15  # of sideways moves are told without their direction
UNUSUAL = 0.98  # of what a caption would leave out is told after all if nobody would take it for granted
SIDES = ("on the left", "in the middle", "on the right")
ON_THE_SPOT = ("stands still", "jumps", "spins", "bounces")
FALLEN = 30  # degrees from which a block lies where it fell


def caption(scene: Scene, level: str = "plain", seed: int = 0, *, untold: float = UNTOLD) -> str:
    """Describe a scene in one or a few sentences. `level` is one of LEVELS; of sideways moves a share is `untold`."""
    if level not in LEVELS:
        raise ValueError(f"caption level is {level!r}; expected one of {', '.join(LEVELS)}")
    rng = np.random.default_rng([scene.seed, seed, LEVELS.index(level)])
    shots = [_describe_shot(shot, scene, level, rng, untold, again=index > 0) for index, shot in enumerate(scene.shots)]
    text = shots[0] if len(shots) == 1 else f"first shot: {shots[0]}; cut to: {shots[1]}"
    text = _in_style(text, scene, rng, told=0.3 if level == "dense" else 0.0)
    opened = rng.random() < OPENED and text.startswith(("a ", "an ", "two "))
    return _finish(f"{_pick(rng, OPENINGS)} {text}" if opened else text, rng)


def describe_image(scene: Scene, motion: Motion, frame: int, seed: int = 0) -> str:
    """A caption for one frame of a scene: what stands where and what has happened, without its motion."""
    rng = np.random.default_rng([scene.seed, seed, 11, frame])
    shot = scene.shots[0]
    names = [_state(_name(actor, rng), motion, frame, a, rng) for a, actor in enumerate(shot.actors)]
    if len(shot.actors) == 2 and shot.actors[0].subject == shot.actors[1].subject and names[0] == names[1]:
        names = [f"{_pick(rng, NUMBERS[2])} {_plural(shot.actors[0], rng)}"]
    else:
        names = [f"{_article(name)} {name}" for name in names]
    settings = [_pick(rng, PLACE_PHRASES[shot.place]), _time(shot, rng, 0.85), _weather(shot, rng)]
    text = " ".join([_join(names + _scenery(shot, motion, frame)), *filter(None, settings)])
    if rng.random() < 0.2:
        text = f"{_pick(rng, ('a picture of', 'an image of', 'a photo of'))} {text}"
    return _finish(_in_style(text, scene, rng, told=0.1), rng)


def _state(name: str, motion: Motion, frame: int, a: int, rng: np.random.Generator) -> str:
    """The name, and what is no longer as it was."""
    if motion.gone[frame, a]:
        return f"{_pick(rng, ('popped', 'burst'))} {name}"
    if motion.bites[frame, a]:
        return _pick(rng, ("bitten {n}", "half-eaten {n}", "{n} with a bite taken out of it")).format(n=name)
    return name


def _scenery(shot: Shot, motion: Motion, frame: int) -> list[str]:
    """What else is seen beside the subjects."""
    seen = [f"{_article(actor.occluder)} {actor.occluder}" for actor in shot.actors if actor.occluder]
    seen += ["a trail of paint" for actor in shot.actors if actor.steps[0].action == "paints" and frame > 0]
    if motion.blocks is not None:
        fallen = np.abs(motion.blocks[frame, :, 2]).max() > FALLEN
        seen.append("fallen blocks" if fallen else "a tower of blocks")
    return seen


def _in_style(text: str, scene: Scene, rng: np.random.Generator, *, told: float) -> str:
    """The text with the scene's style; the usual one is told now and then."""
    if scene.style == "3d" and rng.random() >= told:
        return text
    style, form = _pick(rng, STYLE_PHRASES[scene.style]), rng.random()
    if form < 0.25:
        return f"{_pick(rng, STYLE_OPENINGS[scene.style])} {text}"
    return f"{style}: {text}" if form < 0.45 else f"{text}, {style}"


def _describe_shot(shot: Shot, scene: Scene, level: str, rng: np.random.Generator, untold: float, again: bool) -> str:
    clauses = _clauses(shot, scene, level, rng, untold, again)
    place = _pick(rng, PLACE_PHRASES[shot.place])
    time = _time(shot, rng, {"short": 0.3, "plain": 0.8, "dense": 1.0}[level])
    setting = " ".join(filter(None, [place, time, _weather(shot, rng)]))
    if rng.random() < 0.15:
        text = f"{setting}, {clauses}"
    else:
        text = f"{clauses} {setting}"
    if shot.camera != "still" or rng.random() < {"short": 0.0, "plain": 0.1, "dense": 0.7}[level]:
        text = f"{text}, {_pick(rng, CAMERAS[shot.camera])}"
    return text


def _clauses(shot: Shot, scene: Scene, level: str, rng: np.random.Generator, untold: float, again: bool) -> str:
    """Who does what."""
    actors = shot.actors
    if len(actors) > 1 and actors[1].steps[0].action == "follows":
        return _chase(actors, level, rng, untold)
    if len(actors) > 1 and len({(actor.subject, actor.steps[0].action) for actor in actors}) == 1:
        phrase = _phrase(actors[0], rng, untold)
        return f"{_pick(rng, NUMBERS[len(actors)])} {_plural(actors[0], rng)} {_to_plural(phrase)}"
    told = []
    for actor in actors:
        name = _name(actor, rng, level)
        who = f"{'the' if again else _article(name)} {name}"
        if level == "dense" and len(actors) > 1 and actor.steps[0].action in ON_THE_SPOT:
            who = f"{who} {SIDES[min(int(3 * actor.x / scene.aspect), 2)]}"
        told.append(f"{who} {_phrase(actor, rng, untold)}")
    return _join(told, rng)


def _chase(actors: tuple[Actor, ...], level: str, rng: np.random.Generator, untold: float) -> str:
    """The second actor follows the first."""
    ahead, behind = _name(actors[0], rng, level), _name(actors[1], rng, level)
    twins = actors[0].subject == actors[1].subject
    target = f"another {actors[0].subject}" if twins else f"{_article(ahead)} {ahead}"
    way = "to the right" if actors[0].steps[0].action == "moves right" else "to the left"
    text = f"{_article(behind)} {behind} {_pick(rng, ACTIONS['follows'])} {target}"
    text = text if rng.random() < untold else f"{text} {way}"
    if len(actors) == 3:
        name = _name(actors[2], rng, level)
        text = f"{text} and {_article(name)} {name} {_phrase(actors[2], rng, untold)}"
    return text


def _phrase(actor: Actor, rng: np.random.Generator, untold: float) -> str:
    """What an actor does, step by step."""
    said = [_action(actor, step.action, rng, untold) for step in actor.steps]
    if len(said) == 1:
        return said[0]
    return _pick(rng, ORDERS).format(a=said[0], b=said[1])


def _action(actor: Actor, action: str, rng: np.random.Generator, untold: float) -> str:
    verb = _pick(rng, MOTION_VERBS[SUBJECTS[actor.subject].moves])
    hidden = f"{_article(actor.occluder)} {actor.occluder}" if actor.occluder else ""
    ways = ANY_WAY if action in DIRECTED and rng.random() < untold else ACTIONS[action]
    return _pick(rng, ways).format(v=verb, o=hidden)


def _name(actor: Actor, rng: np.random.Generator, level: str = "plain") -> str:
    """The subject's name or a synonym, with its colour where it could have another."""
    subject = SUBJECTS[actor.subject]
    noun = subject.name if rng.random() < 0.6 or not subject.words else _pick(rng, subject.words)
    return f"{actor.colour} {noun}" if actor.colour and (actor.colour != "red" or rng.random() < 0.8) else noun


def _plural(actor: Actor, rng: np.random.Generator) -> str:
    """The plural of the name or of a synonym, with a colour now and then."""
    names = SUBJECTS[actor.subject].plural_nouns
    noun = names[0] if rng.random() < 0.6 else _pick(rng, names)
    return f"{actor.colour} {noun}" if actor.colour and rng.random() < 0.8 else noun


def _to_plural(phrase: str) -> str:
    """Third person singular to plural: walks -> walk, flies -> fly, is jumping -> are jumping."""
    word, _, rest = phrase.partition(" ")
    if word == "first":
        return phrase
    irregular = {"is": "are", "has": "have", "does": "do", "goes": "go", "flies": "fly"}
    stem = word[:-2] if word.endswith(("ches", "shes", "sses")) else word.removesuffix("s")
    return f"{irregular.get(word, stem)} {rest.replace('where it is', 'where they are')}".strip()


def _time(shot: Shot, rng: np.random.Generator, share: float) -> str:
    """The time of day in words, or nothing: then it is day, nearly always."""
    share = share if shot.time == "day" else 1 - (1 - share) * (1 - UNUSUAL)
    return _pick(rng, TIME_PHRASES[shot.time]) if rng.random() < share else ""


def _weather(shot: Shot, rng: np.random.Generator) -> str:
    return _pick(rng, WEATHER_PHRASES[shot.weather]) if shot.weather != "clear" else ""


def _article(noun: str) -> str:
    return "an" if noun[0].lower() in "aeio" else "a"


def _join(parts: list[str], rng: np.random.Generator | None = None) -> str:
    """a, b and c."""
    if len(parts) == 1:
        return parts[0]
    link = " and " if rng is None else _pick(rng, (" and ", " and ", " while ", ", "))
    return ", ".join(parts[:-1]) + link + parts[-1]


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _finish(text: str, rng: np.random.Generator) -> str:
    """Some people write sentences, some do not."""
    if rng.random() < 0.3:
        return text[0].upper() + text[1:] + "."
    return text
