"""Styles and camera movements: words that the world's captions have."""

import pytest

from vitascope.presets import CAMERAS, STYLES, with_presets


def test_presets_add_words_to_a_prompt() -> None:
    assert with_presets("a car") == "a car"
    assert with_presets("a car", style="pencil",
                        camera="pans left") == f"a car, {CAMERAS['pans left']}, {STYLES['pencil']}"
    assert "pencil" in STYLES["pencil"] and "left" in CAMERAS["pans left"]


def test_an_empty_prompt_stays_empty() -> None:
    assert with_presets(" ", style="pencil").strip() == ""


@pytest.mark.parametrize("preset, part", [({"style": "oil"}, "style 'oil'.*pencil"),
                                          ({"camera": "rolls"}, "movement 'rolls'.*pans left")])
def test_what_there_is_not_is_named_beside_what_there_is(preset: dict, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        with_presets("a car", **preset)
