import pytest

from vitascope.safety.canonical import read
from vitascope.safety.lexicon import lexicon
from vitascope.safety.spelling import is_masked, repair


def test_code_words_are_read_as_what_they_stand_for() -> None:
    assert "suicide" in read("a song about sewerslide").views[-1]


@pytest.mark.parametrize("worn, word", [
    ("w4ter", "water"), ("wa-t-er", "water"), ("waaaater", "water"), ("w*ter", "water"), ("watre", "water"),
    ("summerhouse", "summerhouse"),
])
def test_a_damaged_word_is_read_as_the_word(worn: str, word: str) -> None:
    assert repair(f"the {worn} is cold", lexicon()) == f"the {word} is cold"


def test_unlikely_readings_are_tried_only_in_despair() -> None:
    assert repair("retaw", lexicon()) != "water" == repair("retaw", lexicon(), desperate=True)


def test_a_masked_word_may_be_several() -> None:
    found = {repair("the b*g one", lexicon(), choice=choice) for choice in range(3)}
    assert len(found) == 3 and "the big one" in found
    assert is_masked("the b*g one") and not is_masked("the big one, it is. no?")
    assert {"the big one", "the bag one"} <= set(read("the b*g one").views)
