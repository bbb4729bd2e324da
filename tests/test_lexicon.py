import pytest

from vitascope.safety.lexicon import lexicon


def test_words_are_ordered_by_how_common_they_are() -> None:
    rank = lexicon().rank
    assert rank["the"] < rank["house"] < rank["giraffes" if "giraffes" in rank else "zebra"]


def test_endings_and_compounds_of_known_words_are_known() -> None:
    assert all(lexicon().knows(word) for word in ("painting", "babies", "stopped", "wheelbarrow", "42"))
    assert not any(lexicon().knows(word) for word in ("xqzt", "cnvrtd", "qsbtyw"))


def test_runs_of_letters_are_cut_into_words() -> None:
    assert lexicon().segment("agreenhouseinthegarden") in (
        ["a", "green", "house", "in", "the", "garden"],
        ["a", "greenhouse", "in", "the", "garden"],
    )


@pytest.mark.parametrize("slip", ["gardn", "gardenn", "gadren", "gafden"])
def test_one_slip_is_corrected(slip: str) -> None:
    assert lexicon().correct(slip) == "garden"


def test_two_slips_and_short_words_are_left_alone() -> None:
    assert lexicon().correct("gxrdxn") is None and lexicon().correct("ct") is None


def test_masked_letters_are_filled_in() -> None:
    assert lexicon().unmask("gard*n") == "garden"
    assert lexicon().unmask("n*de") == "nude"  # not the commoner "node": nobody masks that
