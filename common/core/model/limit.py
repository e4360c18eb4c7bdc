"""The configured rate limit and daily quota of one registry operator."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` in queries per second (0: never queried), `burst` in queries, `per_day` in queries per day (UTC); None: no quota.

    `rate` and `burst` are configured per name server address, and were multiplied by `address_count`. One query can carry up
    to `batch` names, of one suffix alone where `one_suffix` says so: it costs one token. `configured`: the operator of this
    service set the figures, which are then the upper bound whatever the server says.

    `rate` is where a pace begins; clean answers let it climb up to `ceiling` (None: no further than `rate`).
    """

    operator: str
    rate: float
    burst: float
    per_day: int | None = None
    address_count: int = 1
    batch: int = 1
    configured: bool = False
    one_suffix: bool = False
    ceiling: float | None = None

    @property
    def highest_rate(self) -> float:
        """The highest rate that answers may lead to, in queries per second; 0 where the operator is never queried."""
        return self.rate if self.ceiling is None or self.rate <= 0 else max(self.rate, self.ceiling)

    def multiply(self, count: int) -> Limit:
        """The limit of so many addresses of one operator: rates and burst are configured for each."""
        ceiling = None if self.ceiling is None else self.ceiling * count
        return replace(self, rate=self.rate * count, burst=self.burst * count, ceiling=ceiling, address_count=count)
