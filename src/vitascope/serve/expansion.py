"""A short prompt → a longer one: what it leaves open is said, in the words of the captions that models learn from.

What was asked for stays as it stands; a place, a time of day and the camera are added where nothing was said of them.
The same prompt and seed give the same words. Knows no model, only what one says it knows: its card.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from ..world.catalogue import ACTIONS, CAMERAS, INDOORS, MOTION_VERBS, PLACE_PHRASES, TIME_PHRASES, WEATHER_PHRASES

Phrases = Mapping[str, tuple[str, ...]]
SOMEWHERE = re.compile(
    r"\b(in|on|at|through|under|among|inside|near|over|across|between|behind) (an?|the|my|his|her) \w"
)
MOVES = re.compile(r"\b(?:the|a) camera (?:does|\w+s)\b")
PLAIN = frozenset("a an the in on at by of to with from and as it its while through front under up down camera".split())


def expand(prompt: str, knows: Mapping[str, Any], *, seed: int = 0) -> str:
    """The prompt, and what it says nothing of. `knows` may hold places, times and cameras; a name that it lacks is not
    used. ValueError for an empty prompt."""
    text = prompt.strip().rstrip(".,; ")
    if not text:
        raise ValueError("the prompt is empty; expected a text to expand")
    rng = Random(f"{seed} {text}")
    added = []
    if not says(text, PLACE_PHRASES) and not SOMEWHERE.search(text):
        place = choose(PLACE_PHRASES, knows.get("places"), rng)
        added.append(pick(PLACE_PHRASES, place, rng))
    else:
        place = None
    if not says(text, TIME_PHRASES) and not says(text, WEATHER_PHRASES) and place not in INDOORS:
        added.append(pick(TIME_PHRASES, choose(TIME_PHRASES, knows.get("times"), rng), rng))
    text = " ".join([text, *added])
    if not says(text, CAMERAS) and not MOVES.search(text):
        text = f"{text}, {pick(CAMERAS, choose(CAMERAS, knows.get('cameras'), rng), rng)}"
    return text


def says(text: str, table: Phrases) -> bool:
    """Whether a text has a word that is particular to a table."""
    return not (vocabulary(table) - PLAIN - SHARED).isdisjoint(words(text))


def vocabulary(table: Phrases) -> set[str]:
    """All words of a table."""
    return {word for name, phrases in table.items() for phrase in (name, *phrases) for word in words(phrase)}


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


TABLES = (PLACE_PHRASES, TIME_PHRASES, WEATHER_PHRASES, CAMERAS, {**ACTIONS, **MOTION_VERBS})
SHARED = {word for word, count in Counter(word for table in TABLES for word in vocabulary(table)).items() if count > 1}


def choose(table: Phrases, known: Iterable[str] | None, rng: Random) -> str:
    """One of the table's names that the model knows; any if it does not say what it knows."""
    names = [name for name in table if known is None or name in known]
    return rng.choice(names or list(table))


def pick(table: Phrases, name: str, rng: Random) -> str:
    return rng.choice(table[name])
