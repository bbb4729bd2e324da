"""A request's body → one nested dictionary, however it was sent: JSON, multipart, or a plain form.

The client library sends multipart even when there is no file; its work-arounds send JSON, or bracket keys:
`input_reference[image_url]`, `characters[][id]`, `storyboard[0][prompt]`. All of them end as the same nested value, whose
leaves are strings, numbers, booleans, None and, for multipart, `UploadFile`s. Knows no field by name.
"""

import json
import re
from typing import Any, NoReturn

from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect, Request

from .errors import ApiError

FIELDS, FILES = 300, 24  # of one form
FIELD_BYTES = 24 * 2**20  # a field may hold a picture as a data URL
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

Fields = dict[str, Any]


async def read_fields(request: Request) -> Fields:
    """The body as nested fields. ApiError 400 for what is malformed, 415 for another type."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "application/json":
        fields = parse_json(await request.body())
    elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        fields = nest(await _read_form(request))
    else:
        raise ApiError(415, f"content-type {kind!r} is not supported: expected multipart/form-data or application/json",
                       code="unsupported_media_type")
    try:
        _check_text(fields)
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply.", code="invalid_json") from None
    return fields


def parse_json(body: bytes) -> Fields:
    """A JSON object; numbers are finite."""
    try:
        fields = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not valid JSON: {str(error)[:200]}", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise ApiError(400, f"The body is a JSON {type(fields).__name__}; expected an object.", code="invalid_json")
    return fields


def nest(pairs: list[tuple[str, Any]]) -> Fields:
    """Bracket keys → nested values. `[]` appends; a number is a place; anything else is a name."""
    root: Fields = {}
    for key, value in pairs:
        match = KEY.fullmatch(key)
        if match is None:
            raise ApiError(400, f"The field name {key[:80]!r} is malformed.", code="invalid_field")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(path) > 6:
            raise ApiError(400, f"The field name {key[:80]!r} is nested too deeply.", code="invalid_field")
        _place(root, path, value, key)
    return {name: _lists(value) for name, value in root.items()}


async def _read_form(request: Request) -> list[tuple[str, Any]]:
    try:
        form = await request.form(max_files=FILES, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    except ClientDisconnect:
        raise
    except (FormParserError, ValueError, LookupError) as error:
        raise ApiError(400, f"The form is malformed: {str(error)[:200]}", code="invalid_form") from None
    return form.multi_items()


def _place(node: Fields, path: list[str], value: Any, key: str) -> None:
    """Put a value at a path of names. Lists are built as dictionaries of places, until `_lists`."""
    for here, following in zip(path, [*path[1:], None]):
        if here == "":
            last = str(len(node) - 1)
            extend = last in node and following and isinstance(node[last], dict) and following not in node[last]
            here = last if extend else str(len(node))
        if following is None:
            if here in node:
                raise ApiError(400, f"The field {key[:80]!r} was given twice.", code="invalid_field", param=key[:80])
            node[here] = value
            return
        node = node.setdefault(here, {})
        if not isinstance(node, dict):
            raise ApiError(400, f"The field {key[:80]!r} contradicts another one.", code="invalid_field", param=key[:80])


def _lists(node: Any) -> Any:
    """Dictionaries whose names are the numbers from 0 on become lists."""
    if not isinstance(node, dict):
        return node
    values = {name: _lists(value) for name, value in node.items()}
    places = [str(place) for place in range(len(values))]
    return [values[place] for place in places] if values and set(values) == set(places) else values


def _check_text(value: Any) -> None:
    """No database takes zero bytes or half characters, and nobody writes them."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ApiError(400, "The text holds a zero character or half of a surrogate pair.", code="invalid_text")
    elif isinstance(value, dict):
        for name, entry in value.items():
            _check_text(name)
            _check_text(entry)
    elif isinstance(value, list):
        for entry in value:
            _check_text(entry)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
