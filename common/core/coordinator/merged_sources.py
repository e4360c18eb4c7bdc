"""The rows about sources of several shards as one list: what each source is for all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from common.core.model.source_row import Entitled, SourceBudget, SourceRow, SourceTrust, Trusted

#: What canaries found, first that which counts for all channels of a source.
_ORDER = (Trusted.QUARANTINED, Trusted.VERIFIED, Trusted.UNVERIFIED)


def merge_sources(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each source once, in the order of the first shard; a row of another form is left out."""
    groups: dict[tuple[str, str], list[SourceRow]] = {}
    for row in rows:
        if (parsed := _parse_row(row)) is not None:
            groups.setdefault((parsed.method, parsed.server), []).append(parsed)
    return [msgspec.to_builtins(_merge_rows(group)) for group in groups.values()]


def _parse_row(row: Mapping[str, Any]) -> SourceRow | None:
    try:
        return msgspec.convert(row, SourceRow)
    except (ValueError, RecursionError):
        return None


def _merge_rows(rows: Sequence[SourceRow]) -> SourceRow:
    """A source that serves one shard serves us; it refuses us where it refuses all that have asked."""
    entitled = next(
        (word for word in (Entitled.YES, Entitled.NO) if any(row.entitled is word for row in rows)), Entitled.UNKNOWN
    )
    return structs.replace(
        rows[0],
        entitled=entitled,
        entitled_reason=next((row.entitled_reason for row in rows if row.entitled is entitled and row.entitled_reason), ""),
        trust=_merge_trust([row.trust for row in rows]),
        budget=_merge_budgets([row.budget for row in rows]),
        last_success=max((row.last_success for row in rows if row.last_success is not None), default=None),
        trouble=next((row.trouble for row in rows if row.trouble), ""),
    )


def _merge_trust(found: Sequence[SourceTrust]) -> SourceTrust:
    """As one coordinator shows its channels: in quarantine where one is, else verified where one is."""
    shown = min(found, key=lambda trust: (_ORDER.index(trust.state), -(trust.quarantined_until or 0.0)))
    return structs.replace(shown, verified=sum(each.verified for each in found), channels=sum(each.channels for each in found))


def _merge_budgets(parts: Sequence[SourceBudget]) -> SourceBudget:
    """What is left in all shards together.

    Each shows the whole limit for as long as it has not asked, and always for a day. Operators of a method with many are mostly
    asked by one shard each; a source with a limit is one operator.
    """
    asked = [part for part in parts if part.operators] or parts[:1]
    blocked = [part.blocked_until for part in asked if part.blocked_until is not None]
    rates = [part.rate for part in asked if part.rate is not None]
    tokens = [part.tokens for part in asked if part.tokens is not None]
    count = max if rates else sum
    return SourceBudget(
        rate=sum(rates) if rates else None,
        tokens=sum(tokens) if tokens else None,
        used_today=sum(part.used_today for part in parts),
        per_day=max((part.per_day for part in parts if part.per_day is not None), default=None),
        operators=count(part.operators for part in parts),
        blocked=count(part.blocked for part in parts),
        blocked_until=min(blocked) if len(blocked) == len(asked) else None,
        reason=next((part.reason for part in parts if part.reason), ""),
    )
