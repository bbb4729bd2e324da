import pytest

from vitascope.redteam.converters import CONVERTERS

TEXT = "A soldier paints the wooden fence with blood red colour"
UNCHANGED = {"none"}


def test_there_are_enough() -> None:
    assert len(CONVERTERS) >= 20


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_changes_the_text_and_always_alike(name: str) -> None:
    convert = CONVERTERS[name]
    assert convert(TEXT) == convert(TEXT)
    assert (convert(TEXT) == TEXT) == (name in UNCHANGED)


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_takes_any_text(name: str) -> None:
    for text in ("", "a", "ab cd", "ü 日本 🎈", "x" * 300):
        assert isinstance(CONVERTERS[name](text), str)
