"""Prompts at greater length."""

import pytest

from vitascope.serve.expansion import expand, says
from vitascope.world.catalogue import CAMERAS, PLACE_PHRASES, TIME_PHRASES


def test_what_was_asked_for_stays_and_what_was_left_open_is_said() -> None:
    text = expand("a dog jumps.", {})
    assert text.startswith("a dog jumps ") and says(text, PLACE_PHRASES)
    assert text.endswith(tuple(phrase for phrases in CAMERAS.values() for phrase in phrases))


@pytest.mark.parametrize(
    ("prompt", "tables"),
    [
        ("a car drives through the city", [PLACE_PHRASES]),
        ("a cat sleeps on a sofa", [PLACE_PHRASES]),
        ("a dog jumps at sunset", [TIME_PHRASES]),
        ("a dog jumps, slow zoom in", [CAMERAS]),
        ("a dog jumps while the camera moves up", [CAMERAS]),
    ],
)
def test_nothing_is_said_twice(prompt: str, tables: list[dict]) -> None:
    added = expand(prompt, {}).removeprefix(prompt)
    assert added and not any(says(added, table) for table in tables)


def test_a_model_is_asked_only_for_what_it_knows() -> None:
    knows = {"places": ["beach"], "times": ["night"], "cameras": ["still"]}
    for seed in range(20):
        added = expand("a dog jumps", knows, seed=seed).removeprefix("a dog jumps ")
        assert any(added.startswith(phrase) for phrase in PLACE_PHRASES["beach"])
        assert any(phrase in added for phrase in TIME_PHRASES["night"])
        assert any(added.endswith(phrase) for phrase in CAMERAS["still"])


def test_the_same_prompt_and_seed_give_the_same_words() -> None:
    assert expand("a dog jumps", {}, seed=3) == expand("a dog jumps", {}, seed=3)
    assert len({expand("a dog jumps", {}, seed=seed) for seed in range(20)}) > 5


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        expand(" . ", {})
