import re

import pytest

from vitascope.redteam.converters import CONVERTERS
from vitascope.safety.canonical import MOST_VIEWS, read

SENTENCE = "A man is painting a wooden fence with green paint in the garden"
WORDS = set(re.findall("[a-z]+", SENTENCE.lower()))
LOSSY = {
    "leet": 0.8,
    "leet, hard": 0.8,
    "pig latin": 0.6,
    "no vowels": 0.5,
    "masked vowels": 0.6,
    "swapped letters": 0.7,
    "dropped letters": 0.6,
    "spaced letters": 0.8,
    "no spaces": 0.8,
    "dotted letters": 0.8,
    "title case, no spaces": 0.8,
}


def recovered(text: str) -> float:
    """Share of the sentence's words in the view that has most of them."""
    return max(len(WORDS & set(re.findall("[a-z]+", view))) / len(WORDS) for view in read(text).views)


def test_an_ordinary_sentence_has_one_view_and_nothing_was_undone() -> None:
    reading = read(SENTENCE)
    assert reading.views == (SENTENCE.lower(),)
    assert reading.steps == () and reading.coverage == 1.0 and reading.foreign == 0.0


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_disguise_is_undone(name: str) -> None:
    assert recovered(CONVERTERS[name](SENTENCE)) >= LOSSY.get(name, 1.0)


@pytest.mark.parametrize("name", ["base64", "rot13", "reversed text", "morse", "leet"])
def test_a_disguise_hides_the_words_before_it_is_undone(name: str) -> None:
    assert len(WORDS & set(re.findall("[a-z]+", CONVERTERS[name](SENTENCE).lower()))) / len(WORDS) < 0.8


def test_two_disguises_on_top_of_each_other_are_undone() -> None:
    assert recovered(CONVERTERS["base64"](CONVERTERS["reversed text"](SENTENCE))) == 1.0
    assert recovered(CONVERTERS["full width"](CONVERTERS["zero width spaces"](SENTENCE))) == 1.0


def test_other_scripts_are_told_apart_from_look_alikes() -> None:
    assert read("Мужчина ест яблоко в саду").foreign > 0.7
    assert read("а mаn in the gаrdеn").foreign == 0.0  # Cyrillic а and е


def test_hostile_texts_end_soon_and_have_few_views() -> None:
    for text in (
        "",
        " ",
        "\x00\x01",
        "\u202e",
        "a" * 20000,
        "1 " * 8000,
        "%" * 5000,
        "=" * 4000,
        "\U000e0041" * 50,
        "((((((" * 500,
        "&#x110000;",
        "\\uffffff",
        "&#99999999;",
        "0xd800 0xdfff",
        ".- " * 4000,
    ):
        reading = read(text)
        assert 1 <= len(reading.views) <= MOST_VIEWS
