from pathlib import Path

import pytest

from vitascope.safety.names import Names, names, replace


def kinds(text: str) -> list[tuple[str, str]]:
    return [(entity.kind, entity.name) for entity in names().find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "taylor swift on a boat",
        "taylorswift on a boat",
        "taylor swift's boat",
        "taylor swft on a boat",
        "Taylor-Swift on a boat",
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert kinds(text) == [("celebrity", "Taylor Swift")]


def test_a_description_is_found_as_the_person() -> None:
    assert kinds("the ceo of tesla rides a bicycle") == [("celebrity", "Elon Musk")]
    assert kinds("the president of the united states waves")[0][0] == "politician"


@pytest.mark.parametrize(
    "text",
    [
        "a swift taylor sews a dress",
        "a mouse and a duck",
        "a prince in a pink coat",
        "an apple and a windows frame",
        "a gate of bills",
        "the cruise of tom the cat",
        "a brand new coat",
    ],
)
def test_ordinary_words_are_no_names(text: str) -> None:
    assert kinds(text) == []


def test_names_are_replaced_by_what_they_are() -> None:
    text = "mickey mouse's house next to bill gates"
    assert replace(text, names().find(text)) == "famous character's house next to celebrity"


def test_an_operators_names_are_found_too() -> None:
    assert Names.load(protected=("Jane Q Example",)).find("a statue of jane q example")[0].kind == "protected"


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    table = tmp_path / "names.txt"
    table.write_text("[wizard]\nMerlin\n")
    with pytest.raises(ValueError, match="line 1: .wizard. is not one of"):
        Names.load(table)
    table.write_text("Merlin\n")
    with pytest.raises(ValueError, match="stands before"):
        Names.load(table)
