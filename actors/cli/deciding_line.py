"""The line of an answer that decides, out of the bounded copy that is kept of it."""

from __future__ import annotations

import json
from typing import Any

from common.core.model.evidence import Fields, Observation, Outcome

#: Longest line given, in characters.
LIMIT = 240


def deciding_line(observation: Observation) -> str:
    """One line: what a person would look for in the answer. "" where there was none."""
    reading = observation.reading
    method = observation.method
    if method == "dns":
        text = _dns_line(observation.excerpt)
    elif reading.outcome is Outcome.REGISTERED and reading.fields != Fields():
        text = _record_line(reading.fields)
    elif method == "rdap":
        text = _rdap_line(observation.excerpt) if observation.status is not None else ""
    else:
        text = _matching_line(observation.excerpt, reading.reason)
    shown = " ".join(text.split())
    return shown if len(shown) <= LIMIT else f"{shown[: LIMIT - 3]}..."


def _dns_line(excerpt: str) -> str:
    lines = [line for line in excerpt.splitlines() if not line.startswith("question ")]
    more = f" and {len(lines) - 2} more" if len(lines) > 2 else ""
    return ", ".join(lines[:2]) + more


def _record_line(fields: Fields) -> str:
    parts = [
        ", ".join(fields.statuses[:3]),
        f"created {fields.created_at[:10]}" if fields.created_at else "",
        f"expires {fields.expires_at[:10]}" if fields.expires_at else "",
        fields.registrar or "",
    ]
    return "; ".join(part for part in parts if part)


def _rdap_line(excerpt: str) -> str:
    if not excerpt:
        return "an empty body"
    try:
        content: Any = json.loads(excerpt)
    except ValueError:
        return excerpt.partition("\n")[0]
    if not isinstance(content, dict):
        return excerpt
    told = content.get("description") or []
    words = [content.get("title"), *(told if isinstance(told, list) else [told])]
    return ": ".join(word for word in words if isinstance(word, str) and word) or excerpt


def _matching_line(excerpt: str, reason: str) -> str:
    """The line that the reason quotes, else the first one."""
    lines = [line.strip() for line in excerpt.splitlines() if line.strip()]
    return next((line for line in lines if line in reason), lines[0] if lines else "")
