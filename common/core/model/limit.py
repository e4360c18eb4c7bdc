"""The configured rate limit and daily quota of one registry operator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` in queries per second (0: never queried), `burst` in queries, `per_day` in queries per day (UTC); None: no quota.

    `rate` and `burst` are configured per name server address, and were multiplied by `address_count`. One query can carry up
    to `batch` names, of one suffix alone where `one_suffix` says so: it costs one token. `configured`: the operator of this
    service set `rate`, which is then the upper bound whatever the server says.
    """

    operator: str
    rate: float
    burst: float
    per_day: int | None = None
    address_count: int = 1
    batch: int = 1
    configured: bool = False
    one_suffix: bool = False
