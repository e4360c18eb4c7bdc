"""What was learned of operators, as the store keeps it: one row for each "operator|egress"."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct


class Saved(Struct, array_like=True, frozen=True):
    """What of a bucket survives a restart. Times in epoch seconds; `width` 0 is of a version that did not know it."""

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


def encode_saved(rows: Mapping[str, Saved]) -> str:
    """The text that `rows_of` reads back."""
    return msgspec.json.encode(rows).decode()


def decode_saved(text: str) -> dict[str, Saved]:
    """The rows of a text, also of an earlier version; what is damaged is left out."""
    rows: dict[str, Saved] = {}
    with suppress(ValueError, RecursionError):
        for key, raw in msgspec.json.decode(text or "{}", type=dict[str, msgspec.Raw]).items():
            with suppress(ValueError, RecursionError):
                rows[key] = msgspec.json.decode(raw, type=Saved)
    return rows


def operators_of(text: str) -> set[str]:
    """The operators that a text has rows of."""
    return {key.partition("|")[0] for key in decode_saved(text)}
