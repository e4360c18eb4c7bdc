"""Reads the rate limit that an HTTP answer states: `X-RateLimit-…` and the `RateLimit-…` fields of the IETF drafts.

Of the drafts' forms (draft-ietf-httpapi-ratelimit-headers) two plain fields are read, in either spelling: how many calls are
left in a window, and when it ends, in seconds or as epoch seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from common.core.model.evidence import Quota

#: A reset above this is a moment in epoch seconds, not a number of seconds.
_EPOCH = 1_000_000_000.0
#: Longest window believed, in seconds, and most calls in it.
LONGEST_WINDOW, MOST_CALLS = 86_400.0, 1_000_000.0
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,6})?", re.ASCII)
_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")


def parse_quota(headers: Mapping[str, str], now: float | None) -> Quota | None:
    """The wait in seconds until the next call, where the fields say that none is left; None where they do not.

    `headers` with names in lower case, `now` in epoch seconds; without it a reset stated as a moment is not read. No rate is
    read from them: the length of the window is not told.
    """
    for prefix in _PREFIXES:
        left, reset = _number(headers.get(f"{prefix}remaining")), _number(headers.get(f"{prefix}reset"))
        if left is None or reset is None:
            continue
        if reset > _EPOCH:
            if now is None:
                continue
            reset -= now
        if left < 1 and 0 < reset <= LONGEST_WINDOW:
            return Quota(wait=reset)
    return None


def stated_rate(calls: float, seconds: float) -> Quota | None:
    """The quota of so many calls in so many seconds; None where these cannot be meant."""
    if not 0 < seconds <= LONGEST_WINDOW or not 0 < calls <= MOST_CALLS:
        return None
    return Quota(rate=calls / seconds)


def _number(text: str | None) -> float | None:
    """The first number of a field such as "10" or "10;w=60"; None where it has none."""
    match = _NUMBER.match(text.strip()) if text is not None else None
    return float(match.group()) if match else None
