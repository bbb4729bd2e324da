"""A request's body → one nested dictionary, however it was sent: JSON, multipart, or a plain form.

The client library sends multipart even when there is no file; its work-arounds send JSON, or bracket keys:
`input_reference[image_url]`, `characters[][id]`, `storyboard[0][prompt]`. All of them end as the same nested value,
whose leaves are strings, numbers, booleans, None and, for multipart, `UploadFile`s. Knows no field by name.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect, Request

from .errors import ApiError

FIELDS, FILES = 300, 24  # of one form
FIELD_BYTES = 24 * 2**20  # a field may hold a picture as a data URL
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

Fields = dict[str, Any]


@asynccontextmanager
async def sent(request: Request) -> AsyncIterator[Fields]:
    """The body as nested fields, whose files live as long as the context. ApiError 400 for what is malformed, 415 for
    another type."""
    try:
        yield await _read_fields(request)
    finally:
        await request.close()


async def _read_fields(request: Request) -> Fields:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "application/json":
        fields = parse_json(await request.body())
    elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        fields = nest(await _read_form(request))
        check_text(fields)
    else:
        raise ApiError(
            415,
            f"content-type {kind!r} is not supported: expected multipart/form-data or application/json",
            code="unsupported_media_type",
        )
    return fields


def parse_json(body: bytes) -> Fields:
    """A JSON object."""
    try:
        fields = parse(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not valid JSON: {str(error)[:200]}", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise ApiError(400, f"The body is a JSON {type(fields).__name__}; expected an object.", code="invalid_json")
    return fields


def parse(text: str | bytes) -> Any:
    """A JSON value whose numbers are finite and whose texts can be stored. ValueError, RecursionError, ApiError."""
    value = json.loads(text, parse_constant=_refuse_constant)
    check_text(value)
    return value


def nest(pairs: list[tuple[str, Any]]) -> Fields:
    """Bracket keys → nested values. A number is a place in a list, `[]` the next one, anything else a name.

    A list of objects comes in either order, entry by entry or name by name (as the client library sends it); so the
    n-th `cards[][prompt]` belongs to the n-th card, and every name must come equally often.
    """
    root: Fields = {}
    counts: dict[str, Counter[str]] = defaultdict(Counter)  # of each list: how often each of its names came
    for key, value in pairs:
        match = KEY.fullmatch(key)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
        if not path or len(path) > 6 or path.count("") > 1:
            raise ApiError(400, f"The field name {key[:80]!r} is malformed.", code="invalid_field")
        if "" in path:
            names = counts[key.partition("[]")[0]]
            path[path.index("")] = str(names[key])
            names[key] += 1
        _place(root, path, value, key)
    for name, names in counts.items():
        if len(set(names.values())) > 1:
            raise ApiError(
                400,
                f"The entries of {name[:80]} have different fields, so that it is not clear which belong "
                f"together; send {name[:80]} as JSON.",
                code="invalid_field",
                param=name[:80],
            )
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
    for name in path[:-1]:
        node = node.setdefault(name, {})
        if not isinstance(node, dict):
            raise ApiError(400, f"The field {key[:80]!r} contradicts another.", code="invalid_field", param=key[:80])
    if path[-1] in node:
        raise ApiError(400, f"The field {key[:80]!r} was given twice.", code="invalid_field", param=key[:80])
    node[path[-1]] = value


def _lists(node: Any) -> Any:
    """Dictionaries whose names are the numbers from 0 on become lists."""
    if not isinstance(node, dict):
        return node
    values = {name: _lists(value) for name, value in node.items()}
    places = [str(place) for place in range(len(values))]
    return [values[place] for place in places] if values and set(values) == set(places) else values


def check_text(value: Any) -> None:
    """ApiError 400 for what no database takes and nobody writes: zero bytes and half characters."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ApiError(400, "The text holds a zero character or half of a surrogate pair.", code="invalid_text")
    elif isinstance(value, dict):
        for name, entry in value.items():
            check_text(name)
            check_text(entry)
    elif isinstance(value, list):
        for entry in value:
            check_text(entry)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
