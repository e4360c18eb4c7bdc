"""One small named text out of those that several shards keep under its key.

Where they differ the most careful one counts: the longest pause, the least trust. Sums are added up. A text of whatever other
key, or a damaged one, gives way to another shard's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from common.core.rate_limits.saved import decode_saved, encode_saved, join_saved

#: What is counted, and would be counted several times if it were copied to several shards.
COUNTED = frozenset({"accuracy", "transitions", "forecasts"})

Rows = dict[tuple[Any, ...], list[Any]]


def join_texts(key: str, texts: Sequence[str]) -> str:
    """What one shard would keep in place of all these; there is at least one."""
    filled = [text for text in texts if text]
    if key not in COUNTED:
        filled = list(dict.fromkeys(filled))  # what was copied to all shards, and has not changed since
    join = _JOINS.get(key)
    if join is None or len(filled) < 2:
        return filled[0] if filled else ""
    return join(filled)


def _join_budgets(texts: Sequence[str]) -> str:
    return encode_saved(join_saved([decode_saved(text) for text in texts]))


def _join_credentials(texts: Sequence[str]) -> str:
    found: dict[str, str] = {}
    for text in texts:
        found |= _decode(text, dict[str, str]) or {}
    return msgspec.json.encode(found).decode()


def _join_referrals(texts: Sequence[str]) -> str:
    """Rows of suffix, time and server: the newest of each suffix."""
    return _join_rows(texts, keys=1, width=3, newest=1)


def _join_channels(texts: Sequence[str]) -> str:
    """Rows of method, server, suffix, and what is known of that channel: what was heard last."""
    return _join_rows(texts, keys=3, width=8, newest=5)


def _join_words(texts: Sequence[str]) -> str:
    """Words with commas between them: each that stands anywhere."""
    return ",".join(sorted({word for text in texts for word in text.split(",") if word}))


def _join_accuracy(texts: Sequence[str]) -> str:
    from common.core.audit.accuracy import join_counts  # noqa: PLC0415  # processes that only read do without

    return join_counts(texts)


def _join_transitions(texts: Sequence[str]) -> str:
    from common.core.lifecycle.observed import join_observed  # noqa: PLC0415  # processes that only read do without

    return join_observed(texts)


def _join_forecasts(texts: Sequence[str]) -> str:
    from common.core.lifecycle.scores import join_scores  # noqa: PLC0415  # processes that only read do without

    return join_scores(texts)


def _join_rows(texts: Sequence[str], *, keys: int, width: int, newest: int) -> str:
    """Arrays with so many keys before the values; of those with the same keys the one with the latest time."""
    found: Rows = {}
    for text in texts:
        for row in _decode(text, list[list[str | float | int | None]]) or []:
            if len(row) == width and isinstance(row[newest], float | int):
                before = found.get(tuple(row[:keys]))
                if before is None or before[newest] < row[newest]:
                    found[tuple(row[:keys])] = row
    return msgspec.json.encode(list(found.values())).decode()


def _decode(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (ValueError, RecursionError):
        return None


_JOINS: dict[str, Callable[[Sequence[str]], str]] = {
    "budgets": _join_budgets,
    "credentials": _join_credentials,
    "referrals": _join_referrals,
    "channels": _join_channels,
    "circuits": _join_words,
    "wildcards": _join_words,
    "accuracy": _join_accuracy,
    "transitions": _join_transitions,
    "forecasts": _join_forecasts,
}
