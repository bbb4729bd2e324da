"""Words that a model never saw."""

import pytest

from vitascope.words import known_words, unknown_words

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
