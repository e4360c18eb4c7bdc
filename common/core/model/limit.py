"""The rate limit and quota of one registry operator, as configured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """One bucket. `rate` in queries per second (0: switched off), `burst` in queries, `per_day` in queries per 24 h.

    `width` is the number of addresses that a rate and a burst per address were multiplied by.
    """

    operator: str
    rate: float
    burst: float
    per_day: int | None = None
    address_count: int = 1
