"""Nested fields → values of the types and within the bounds that are expected of them.

A `Reader` takes fields one by one; a field that cannot be used, and one that is left over at the end, is an ApiError
that names it. Knows no field by name.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.datastructures import UploadFile

from .errors import invalid
from .forms import Fields
from .forms import parse as parse_document


class Reader:
    """Takes fields one by one, each with its type. An empty text counts as not given."""

    def __init__(self, fields: Fields) -> None:
        self.fields = dict(fields)

    def peek(self, name: str) -> Any:
        value = self.fields.get(name)
        return None if value == "" else value

    def take(self, name: str) -> Any:
        value = self.peek(name)
        self.fields.pop(name, None)
        return value

    def done(self) -> None:
        """Whatever is left over was misspelt or is not known."""
        for name in self.fields:
            raise invalid(name[:80], f"Unknown field {name[:80]!r}.", code="unknown_field")

    def text(self, name: str, default: str | None, limit: int) -> str | None:
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > limit:
            raise invalid(name, f"{name} is {show(value)}; expected a text of at most {limit} characters.")
        return value

    def choice(self, name: str, default: str | None, choices: Sequence[str]) -> str | None:
        value = self.take(name)
        if value is not None and value not in choices:
            raise invalid(name, f"{name} is {show(value)}; expected one of {', '.join(choices)}.")
        return default if value is None else value

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if value in (None, False, "false", "0"):
            return False
        if value in (True, "true", "1"):
            return True
        raise invalid(name, f"{name} is {show(value)}; expected true or false.")

    def number(self, name: str, default: Any, bounds: tuple[float, float]) -> Any:
        """A float within bounds, which multipart sends as a text."""
        return self._within(name, default, bounds, parse_number, "a number")

    def integer(self, name: str, default: Any, bounds: tuple[int, int]) -> Any:
        """An int within bounds, which multipart sends as a text."""
        return self._within(name, default, bounds, parse_integer, "a whole number")

    def _within(self, name: str, default: Any, bounds: tuple, parse: Callable[[Any], Any], kind: str) -> Any:
        value = self.take(name)
        if value is None:
            return default
        number = parse(value)
        if number is None or not bounds[0] <= number <= bounds[1]:
            raise invalid(name, f"{name} is {show(value)}; expected {kind} from {bounds[0]} to {bounds[1]}.")
        return number

    def document(self, name: str) -> Any:
        """A nested value, which multipart may send as JSON in a text."""
        value = self.take(name)
        if isinstance(value, str):
            try:
                return parse_document(value)
            except (ValueError, RecursionError):
                raise invalid(name, f"{name} is {show(value)}; expected JSON.") from None
        return value

    def file(self, name: str) -> UploadFile | None:
        """An uploaded file."""
        value = self.take(name)
        if value is not None and not isinstance(value, UploadFile):
            raise invalid(name, f"{name} is {show(value)}; expected a file.")
        return value

    def required_file(self, name: str) -> UploadFile:
        if (file := self.file(name)) is None:
            raise invalid(name, f"{name} is required: a file.", code="missing_field")
        return file


def parse_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value) if not isinstance(value, str) or len(value) < 40 else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parse_integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def show(value: Any) -> str:
    """A value in a message: short, and never the content of a file."""
    if value is None:
        return "missing"
    text = "a file" if isinstance(value, UploadFile) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
