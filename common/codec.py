"""The one place where messages become bytes and back (msgpack). `decode_*` is total: a message or MessageError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from common.errors import MessageError
from common.messages import MAX_FRAME, Downward, Upward

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_upward = msgspec.msgpack.Decoder(Upward)
_downward = msgspec.msgpack.Decoder(Downward)
_plain = msgspec.msgpack.Decoder()


def encode(message: Any) -> bytes:
    """A message, a feed map or a stored record as msgpack.

    Raises MessageError for what msgpack cannot carry (lone surrogates, huge ints).
    """
    try:
        return _encoder.encode(message)
    except (ValueError, TypeError, OverflowError) as error:
        raise MessageError(f"cannot be encoded: {error}") from error


def decode_upward(frame: bytes) -> Upward:
    """A message from a worker or from control."""
    return _decode(_upward, frame)  # type: ignore[no-any-return]


def decode_downward(frame: bytes) -> Downward:
    """A message from the coordinator."""
    return _decode(_downward, frame)  # type: ignore[no-any-return]


def decoder(kind: Any, limit: int = MAX_FRAME) -> Callable[[bytes], Any]:
    """A function like `decode_upward` for other messages of at most `limit` bytes; `kind`: a type or a union of tagged ones."""
    known = msgspec.msgpack.Decoder(kind)
    return lambda frame: _decode(known, frame, limit)


def decode_map(frame: bytes) -> dict[str, Any]:
    """A feed map or a stored map, as plain Python."""
    value = _decode(_plain, frame)
    if not isinstance(value, dict):
        raise MessageError(f"expected a map, got {type(value).__name__}")
    return value


def convert(value: Any, kind: type[T]) -> T:
    """Plain Python (from `decode_map` or JSON) as one of our types, validated."""
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not a {kind.__name__}: {error}") from error


def plain(value: Any) -> Any:
    """One of our types as plain Python (dicts, lists, strings, numbers), for JSON and the feed."""
    return msgspec.to_builtins(value)


def _decode(decoder: msgspec.msgpack.Decoder[Any], frame: bytes, limit: int = MAX_FRAME) -> Any:
    if len(frame) > limit:
        raise MessageError(f"frame of {len(frame)} bytes, at most {limit}")
    try:
        return decoder.decode(frame)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MessageError(f"not a message: {error}") from error
