"""What was learned of operators, as it is stored: a text with one row for each "operator|egress"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct, structs


class Saved(Struct, array_like=True, frozen=True):
    """What of a bucket survives a restart, stored as an array: new fields come last.

    Times in epoch seconds, rates in queries per second. `width` is the number of addresses that the rates were multiplied by;
    0 in texts of a version that did not store it. `stated` is the rate that the server says it takes, `brought` the one of the
    last complaints, at `complained_at`. `loss` and `delay` are the usual ones of sweeps, see `load_signs.Usual`.
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
    complained_at: float = 0.0
    is_limit: bool = False
    loss: float | None = None
    delay: float | None = None


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


def join_saved(parts: Iterable[Mapping[str, Saved]]) -> dict[str, Saved]:
    """One bucket in place of several parts of it: the longest pause, the lowest rates, and the counts of the day added up."""
    found: dict[str, Saved] = {}
    for part in parts:
        for key, saved in part.items():
            found[key] = _join_two(found[key], saved) if key in found else saved
    return found


def _join_two(one: Saved, other: Saved) -> Saved:
    """The rates that were learned are those of a part: no row of a configuration says so, and they are learned anew."""
    shut = max(one, other, key=lambda saved: saved.blocked_until)
    day = max(one.day, other.day)
    return structs.replace(
        shut,
        rate=min(one.rate, other.rate),
        row="-",
        banned=_least(one.banned, other.banned),
        stated=_least(one.stated, other.stated),
        complaints=max(one.complaints, other.complaints),
        meaningless=max(one.meaningless, other.meaningless),
        complained_at=max(one.complained_at, other.complained_at),
        is_limit=one.is_limit or other.is_limit,
        day=day,
        used=sum(saved.used for saved in (one, other) if saved.day == day),
    )


def _least(one: float | None, other: float | None) -> float | None:
    return min((rate for rate in (one, other) if rate is not None), default=None)


def keep_count(saved: Saved) -> Saved | None:
    """The row without all that was learned: the day's count alone, None where nothing was counted."""
    return Saved(0.0, saved.rate, row="-", day=saved.day, used=saved.used) if saved.used else None


def operators_of(text: str) -> set[str]:
    """The operators that a text has rows of."""
    return {key.partition("|")[0] for key in decode_saved(text)}
