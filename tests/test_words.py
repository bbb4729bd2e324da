"""Words that a model never saw."""

import pytest

from vitascope.words import in_known_words, known_words, shown_instead, unknown_words
from vitascope.world.catalogue import SUBJECTS, nearest_words

KNOWN = ["puppy", "drives", "car", "red", "run", "beach", "chases", "city", "flies", "bus"]


@pytest.mark.parametrize("prompt, unknown", [
    ("a red car drives through the city", []),
    ("Two puppies are running on the beach, and chasing a car's driver", []),
    ("a dragon and a Dragon over 3 castles", ["dragon", "castles"]),
    ("flying buses", []),
    ("", []),
    ("ein Hund läuft", ["ein", "hund", "läuft"]),
])
def test_unknown_words(prompt: str, unknown: list[str]) -> None:
    assert unknown_words(prompt, KNOWN) == unknown


def test_known_words_are_those_of_the_captions() -> None:
    assert known_words(["A red car.", "The car drives!"]) == ["a", "car", "drives", "red", "the"]
    assert unknown_words("The red car drives", known_words(["A red car.", "The car drives!"])) == []


NEAR = {"lion": "cat", "lions": "cats", "polar bear": "teddy bear", "kite": "balloon", "alien": "saucer",
        "alien ship": "alien ship", "orca": "whale", "pear": "apple"}


@pytest.mark.parametrize("prompt, read, instead", [
    ("A lion and two lions", "a cat and two cats", {"lion": "cat", "lions": "cats"}),
    ("a pear, an orca and a big kite", "an apple, a whale and a big balloon",
     {"pear": "apple", "orca": "whale", "kite": "balloon"}),
    ("the polar bear in an alien ship", "the teddy bear in an alien ship", {"polar bear": "teddy bear"}),
    ("a dandelion", "a dandelion", {}),
])
def test_what_comes_near_is_shown_instead(prompt: str, read: str, instead: dict[str, str]) -> None:
    assert in_known_words(prompt, NEAR) == read and shown_instead(prompt, NEAR) == instead
    assert in_known_words(prompt, {}) == prompt and shown_instead(prompt, {}) == {}


def test_nothing_near_is_anybodys_own_name() -> None:
    own = {noun for subject in SUBJECTS.values() for noun in (*subject.nouns, *subject.plural_nouns)}
    near = nearest_words()
    assert near["wolves"] == "dogs" and near["alien spaceship"] == "alien spaceship"
    assert all(word in own for word in near.values())
    assert not own & {word for word, shown in near.items() if word != shown}
