import pytest

from vitascope.serve.errors import ApiError
from vitascope.serve.fields import Reader, parse_integer, parse_number


@pytest.mark.parametrize(
    ("value", "integer", "number"),
    [
        (5, 5, 5.0),
        (5.0, 5, 5.0),
        ("5", 5, 5.0),
        (5.5, None, 5.5),
        ("5.5", None, 5.5),
        (True, None, None),
        ("many", None, None),
        ([5], None, None),
        (float("inf"), None, None),
        ("1" * 50, None, None),
    ],
)
def test_numbers_are_read_from_json_and_from_forms(value: object, integer: int | None, number: float | None) -> None:
    assert (parse_integer(value), parse_number(value)) == (integer, number)


def test_an_empty_field_is_not_given() -> None:
    asked = Reader({"prompt": "", "seed": ""})
    assert asked.text("prompt", "none", 10) == "none" and asked.integer("seed", 7, (0, 9)) == 7
    asked.done()


def test_what_is_left_over_is_refused_by_name() -> None:
    with pytest.raises(ApiError) as caught:
        Reader({"colour": "red"}).done()
    assert (caught.value.code, caught.value.param) == ("unknown_field", "colour")


def test_a_document_is_json_in_a_form() -> None:
    assert Reader({"cards": '[{"at": 1}]'}).document("cards") == [{"at": 1}]
    for broken in ("[", "[NaN]", "[" * 100_000):
        with pytest.raises(ApiError):
            Reader({"cards": broken}).document("cards")
