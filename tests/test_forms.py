import pytest

from vitascope.serve.errors import ApiError
from vitascope.serve.forms import nest, parse_json


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("prompt", "a"), ("size", "2x2")], {"prompt": "a", "size": "2x2"}),
        ([("input_reference[image_url]", "u")], {"input_reference": {"image_url": "u"}}),
        ([("characters[][id]", "a"), ("characters[][id]", "b")], {"characters": [{"id": "a"}, {"id": "b"}]}),
        ([("characters[0][id]", "a"), ("characters[1][id]", "b")], {"characters": [{"id": "a"}, {"id": "b"}]}),
        (
            [("cards[][p]", "a"), ("cards[][q]", "b"), ("cards[][p]", "c"), ("cards[][q]", "d")],
            {"cards": [{"p": "a", "q": "b"}, {"p": "c", "q": "d"}]},
        ),
        (
            [("cards[][p]", "a"), ("cards[][p]", "c"), ("cards[][q]", "b"), ("cards[][q]", "d")],
            {"cards": [{"p": "a", "q": "b"}, {"p": "c", "q": "d"}]},
        ),
        ([("range[]", "1"), ("range[]", "2")], {"range": ["1", "2"]}),
        ([("0", "a")], {"0": "a"}),
    ],
)
def test_bracket_keys_become_nested_values(pairs: list, expected: dict) -> None:
    assert nest(pairs) == expected


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "1"), ("a", "2")],
        [("a", "1"), ("a[b]", "2")],
        [("a[b]", "1"), ("a", "2")],
        [("[a]", "1")],
        [("a[", "1")],
        [("", "1")],
        [("a[b]c", "1")],
        [("a" + "[b]" * 9, "1")],
        [("a[][]", "1")],
        [("c[][p]", "a"), ("c[][p]", "b"), ("c[][q]", "only one")],  # whose is it?
    ],
)
def test_what_cannot_be_told_apart_is_refused(pairs: list) -> None:
    with pytest.raises(ApiError) as caught:
        nest(pairs)
    assert caught.value.status == 400


def test_numbers_of_json_keep_their_digits() -> None:
    assert parse_json(b'{"seed": 9223372036854775807}') == {"seed": 2**63 - 1}
    with pytest.raises(ApiError):
        parse_json(b'{"seed": Infinity}')
