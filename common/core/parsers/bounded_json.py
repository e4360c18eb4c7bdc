"""JSON from untrusted servers (RFC 8259): bounded in size, depth and numbers, refused where a repeated key is ambiguous."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

#: Deepest nesting accepted. RDAP objects need about twelve levels.
MAX_DEPTH = 32
#: Longest number accepted, in characters: int() of long digit strings takes quadratic time.
MAX_DIGITS = 40

_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def parse_bounded_json(body: bytes, limit: int, once: Collection[str] = ()) -> Any:
    """Decode a UTF-8 JSON text of at most `limit` bytes. Raises ValueError, and nothing else, for everything refused.

    Refused are texts that are longer or deeper than MAX_DEPTH, NaN and Infinity, numbers of more than MAX_DIGITS characters,
    and a key of `once` that occurs twice in one object with different values. Any other repeated key takes its last value.
    """
    if len(body) > limit:
        raise ValueError(f"{len(body)} bytes, at most {limit}")
    text = body.decode("utf-8-sig", errors="strict")
    _check_depth(text)

    def build_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in once and key in found and found[key] != value:
                raise ValueError(f"{key!r} stands twice with different values")
            found[key] = value
        return found

    try:
        return json.loads(
            text,
            object_pairs_hook=build_object,
            parse_constant=_refuse_constant,
            parse_int=_parse_integer,
            parse_float=_parse_decimal,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        elif mark in "]}":
            depth -= 1


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _parse_decimal(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return float(digits)
