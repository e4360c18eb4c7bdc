"""Builds the bodies of callbacks: JSON in UTF-8, frozen when something happens, so that every attempt carries equal bytes.

Total: whatever text a registry sent becomes JSON that any parser reads (lone surrogates become "?", NaN becomes null), in an
order that depends on nothing but the values, and never longer than LIMIT.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

#: Largest body in bytes, the bound of `common.messages.Delivery`.
LIMIT = 65_536
#: The namespace of every event id. Changing it would give old events new ids.
NAMESPACE = uuid.UUID("5b2f7c0a-6a0e-5d0d-9c1b-3f1d0e2a7c44")
#: Key of the copies of answers, the first thing to be cut.
EXCERPT = "excerpt"
#: Deepest nesting kept.
DEPTH = 12
#: Stages of cutting: characters kept of an excerpt, of any other text, and entries kept of a list or map.
_STAGES = ((2000, 4000, 1000), (400, 4000, 1000), (0, 2000, 1000), (0, 200, 64), (0, 64, 16))
#: Integers outside of 64 bits make common JSON parsers fail (RFC 8259 section 6).
_BIG = 1 << 63


class _Fixed(dict[str, Any]):
    """A map whose keys come in the published order; every other map is sorted."""


def event_id(domain: str, generation: int, kind: str) -> str:
    """The id of an event: the same on every instance and after any crash. uuid5 (RFC 9562) of domain, generation and kind."""
    return str(uuid.uuid5(NAMESPACE, f"{domain}|{generation}|{kind}"))


def result_body(
    domain: str, check_type: str, result: str, timestamp: float, details: Mapping[str, Any], duration_ms: float
) -> bytes:
    """The callback of one check. `timestamp` in epoch seconds."""
    return _encode_body(
        _Fixed(
            domain=domain,
            check_type=check_type,
            result=result,
            timestamp=timestamp,
            details=details,
            duration_ms=duration_ms,
        )
    )


def notice_body(
    domain: str, status: str, confidence: float, timestamp: float, checks: Mapping[str, Any], **extra: Any
) -> bytes:
    """The callback of a notice. `checks` by method; `extra` fields follow the published ones, by name."""
    return _encode_body(
        _Fixed(
            domain=domain,
            status=status,
            confidence=confidence,
            timestamp=timestamp,
            checks=_Fixed(timestamp=timestamp, checks=checks),
            **{key: extra[key] for key in sorted(extra)},
        )
    )


def number_in(body: bytes) -> int | None:
    """The number of its event in the body of a notice; None without one."""
    try:
        content = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    seq = content.get("seq") if isinstance(content, dict) else None
    return seq if isinstance(seq, int) else None


def renumber_body(body: bytes, seq: int) -> bytes:
    """The body of a notice with another number of its event; one without a number as it is.

    Where the longer number leaves no room it is cut further.
    """
    try:
        content = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(content, dict) or "seq" not in content:
        return body
    content["seq"] = seq
    encoded = msgspec.json.encode(content)
    if len(encoded) <= LIMIT:
        return encoded
    checks = content.get("checks")
    return _encode_body(_Fixed({**content, "checks": _Fixed(checks) if isinstance(checks, dict) else checks}))


def _encode_body(body: _Fixed) -> bytes:
    for stage in _STAGES:
        cutter = _Cutter(*stage)
        cleaned = cutter.cut_value(body, DEPTH)
        if cutter.room > 0 and len(encoded := msgspec.json.encode(cleaned)) <= LIMIT:
            return encoded
    return _encode_without_nested(body)


def _encode_without_nested(body: _Fixed) -> bytes:
    """Only the scalars of the body, as far as they fit: the evidence stays with the event in the store."""
    kept: dict[str, Any] = {}
    room = LIMIT - 100
    for key, value in body.items():
        item: dict[str, Any] = {_cut_text(key, 200): {} if _is_nested(value) else _to_scalar(value, 200)}
        room -= len(msgspec.json.encode(item))
        if room < 0:
            break
        kept.update(item)
    return msgspec.json.encode({**kept, "truncated": True})


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple | set | frozenset)


class _Cutter:
    """Makes plain JSON of a value within bounds. Once `room` is used up the result is of no use."""

    def __init__(self, excerpt: int, text: int, width: int) -> None:
        self._excerpt, self._text, self._width = excerpt, text, width
        self.room = LIMIT  # characters that can still fit; every one takes a byte at least

    def cut_value(self, value: Any, depth: int, key: str = "") -> Any:
        """A value as JSON can carry it."""
        if self.room <= 0:
            return None
        if not _is_nested(value):
            scalar = _to_scalar(value, self._excerpt if key == EXCERPT else self._text)
            self.room -= len(scalar) + 2 if isinstance(scalar, str) else 1
            return scalar
        if depth <= 0:
            return None
        if isinstance(value, Mapping):
            return self._cut_map(value, depth)
        items = sorted(value, key=_key_text) if isinstance(value, set | frozenset) else value
        return [self.cut_value(item, depth - 1) for item in items[: self._width]]

    def _cut_map(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        named = {_key_text(name): item for name, item in value.items()}
        names = list(named) if isinstance(value, _Fixed) else sorted(named)
        if not isinstance(value, _Fixed):
            del names[self._width :]
        self.room -= sum(len(name) + 4 for name in names)
        return {name: self.cut_value(named[name], depth - 1, name) for name in names}


def _to_scalar(value: Any, limit: int) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_BIG <= value < _BIG else None
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes | bytearray):
        return bytes(value[: 4 * limit]).decode("utf-8", "replace")[:limit]
    return _cut_text(str(value), limit)


def _key_text(key: Any) -> str:
    return str(_to_scalar(key, 200))


def _cut_text(value: str, limit: int) -> str:
    return value[:limit].encode("utf-8", "replace").decode()
