"""What was learned of operators, as it is stored: a text with one row for each "operator|egress"."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct


class Saved(Struct, array_like=True, frozen=True):
    """What of a bucket survives a restart, stored as an array: new fields come last.

    Times in epoch seconds, rates in queries per second. `width` is the number of addresses that the rates were multiplied by;
    0 in texts of a version that did not store it. `stated` is the rate that the server says it takes.
    """

    blocked_until: float
    rate: float
    reason: str = ""
    row: str = ""
    width: int = 0
    brought: float = 0.0
    banned: float | None = None
    complaints: int = 0
    meaningless: int = 0
    day: int = 0
    used: int = 0
    stated: float | None = None


def encode_saved(rows: Mapping[str, Saved]) -> str:
    """JSON text of rows by "operator|egress", as `decode_saved` reads it."""
    return msgspec.json.encode(rows).decode()


def decode_saved(text: str) -> dict[str, Saved]:
    """The rows of a text by "operator|egress", also of an earlier version; damaged ones are left out."""
    rows: dict[str, Saved] = {}
    with suppress(ValueError, RecursionError):
        for key, raw in msgspec.json.decode(text or "{}", type=dict[str, msgspec.Raw]).items():
            with suppress(ValueError, RecursionError):
                rows[key] = msgspec.json.decode(raw, type=Saved)
    return rows


def keep_count(saved: Saved) -> Saved | None:
    """The row without all that was learned: the day's count alone, None where nothing was counted."""
    return Saved(0.0, saved.rate, row="-", day=saved.day, used=saved.used) if saved.used else None


def operators_of(text: str) -> set[str]:
    """The operators that a text has rows of."""
    return {key.partition("|")[0] for key in decode_saved(text)}
