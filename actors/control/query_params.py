"""Query parameters: each is declared once, read from requests and described in /openapi.json by the same object."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from actors.control.http_problems import Problem

_YES = frozenset({"true", "1"})
_NO = frozenset({"false", "0"})
#: Longest cursor taken, in characters.
CURSOR_LIMIT = 600
#: Text without control characters, and a number as JSON writes it.
PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]*"
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
#: The form of a cursor: every text of this form is one, so that the description says exactly what is taken.
_BYTES = "([0-9a-f]{2})+"


class Param(Protocol):
    """One query parameter."""

    @property
    def name(self) -> str:
        """As it stands in the URL."""
        ...

    @property
    def help(self) -> str:
        """One sentence."""
        ...

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        ...


def require_known_params(request: web.Request, known: Iterable[Param]) -> None:
    """Raise Problem 400 where the query holds a parameter that is not known here, or one of them twice."""
    names = [param.name for param in known]
    for name in request.query:
        if name not in names:
            raise Problem(400, _explain_unknown(name[:60], names), code="unknown_parameter")
        _single_value(request, name)


def _explain_unknown(name: str, names: list[str]) -> str:
    shown = ascii(name)
    if not names:
        return f"This call takes no parameters, and {shown} is one."
    near = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}."
    return f"This call has no parameter {shown}; {hint}"


def _single_value(request: web.Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Problem(400, f"{name} is given {len(values)} times; give it once.", code="bad_parameter")
    return values[0] if values else None


def _bad_parameter(name: str, needs: str) -> Problem:
    return Problem(400, f"{name} must be {needs}.", code="bad_parameter")


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within bounds."""

    name: str
    default: int
    low: int
    high: int
    help: str

    def read(self, request: web.Request) -> int:
        """The value; Problem 400 where it is none."""
        text = _single_value(request, self.name)
        if text is None:
            return self.default
        digits = text.isascii() and text.isdigit() and len(text) <= 19
        if not digits or not self.low <= int(text) <= self.high:
            raise _bad_parameter(self.name, f"a whole number from {self.low} to {self.high}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high, "default": self.default}


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration in seconds."""

    name: str
    default: float
    high: float
    help: str

    def read(self, request: web.Request) -> float:
        """The value; Problem 400 where it is none."""
        text = _single_value(request, self.name)
        if text is None:
            return self.default
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not 0 < value <= self.high:
            raise _bad_parameter(self.name, f"seconds, above 0 and at most {self.high:g}")
        return value

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.high, "default": self.default}


@dataclass(frozen=True, slots=True)
class Flag:
    """true, false, 1 or 0."""

    name: str
    default: bool
    help: str

    def read(self, request: web.Request) -> bool:
        """The value; Problem 400 where it is none."""
        text = _single_value(request, self.name)
        if text is None:
            return self.default
        if text.lower() not in _YES | _NO:
            raise _bad_parameter(self.name, "true, false, 1 or 0")
        return text.lower() in _YES

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "boolean", "default": self.default}


@dataclass(frozen=True, slots=True)
class Text:
    """A bounded text without control characters; None where it is absent or empty. `form` is a pattern for the whole of it."""

    name: str
    limit: int
    help: str
    choices: tuple[str, ...] = ()
    form: str = PRINTABLE
    needs: str = "text without control characters"

    def read(self, request: web.Request) -> str | None:
        """The value; Problem 400 where it is too long, of another form or none of the choices (compared without case)."""
        text = _single_value(request, self.name)
        if not text:
            return None
        if len(text) > self.limit or not re.fullmatch(self.form, text):
            raise _bad_parameter(self.name, f"{self.needs}, at most {self.limit} characters")
        if not self.choices:
            return text.strip() or None
        for choice in self.choices:
            if choice.lower() == text.strip().lower():
                return choice
        raise _bad_parameter(self.name, f"one of {', '.join(self.choices)}")

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        if self.choices:
            return {"type": "string", "enum": [*self.choices, ""]}
        return {"type": "string", "maxLength": self.limit, "pattern": f"^({self.form})?$"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: an opaque text that an earlier page named; `form` is what its hexadecimal part looks like."""

    form: str = _BYTES
    name: str = "cursor"
    help: str = "`cursor` of the page before; its form may change"

    def read(self, request: web.Request) -> str | None:
        """What `show` was given; Problem 400 for anything else."""
        text = _single_value(request, self.name)
        if not text:
            return None
        if len(text) > CURSOR_LIMIT or not re.fullmatch(f"1-{self.form}", text):
            raise _bad_parameter(self.name, "the cursor of an earlier page")
        return bytes.fromhex(text[2:]).decode("utf-8", "replace")

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "string", "maxLength": CURSOR_LIMIT, "pattern": f"^(1-{self.form})?$"}


def encode_cursor(cursor: str | None) -> str | None:
    """A store's position as an opaque cursor."""
    return None if cursor is None else f"1-{cursor.encode().hex()}"


LIMIT = Integer("limit", 100, 1, 1000, "most entries in one answer")
CURSOR = Cursor()
#: The same of names by the time they may drop, whose places are "<seconds>|<name>" (see `common.store.drop_pages`).
TIMED_CURSOR = Cursor(f"(3[0-9]){{1,12}}2e(3[0-9]){{1,17}}7c{_BYTES}")
