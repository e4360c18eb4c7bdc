"""How fast a zone is looked at that welcomes more, or less, than the defaults: `python -m tests.sim.drops.pace`.

The names are a count; what decides is real: the built-in limit of `com` for each of its addresses, the bucket, the size of a
sweep, and the rule by which the answer to a sweep is a complaint. The zone's servers refuse what is above their rate, averaged
over fifteen seconds as BIND's response rate limiting does by default.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from common.core.model.evidence import Observation
from common.core.parsers.dns_fast import DELEGATED
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.policy import sweep_answer
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.sweeps.sweep_dispatch import GOOD_SIZE, SHORTEST
from common.messages import MAX_SWEEP, VERSION, Credit, SweepResult
from tests.sim.drops.families import BEGIN, DAY, MINUTE

#: Addresses of com's name servers, and seconds over which they average.
ADDRESSES, WINDOW = 26, 15.0
#: The bounds: minutes for the first look at a million names of a generous zone, and complaints of a strict one in a day.
MOST_MINUTES, MOST_COMPLAINTS = 40.0, 1
#: Seconds from the last question of a sweep to its answer.
ROUND_TRIP = 0.05
_EGRESS = "default"
_CREDIT = Credit(VERSION, "fast-0@sim", "b1", "fast", _EGRESS, ("dns",), 16, 16, 0, 0, 4)


class Paced(NamedTuple):
    """`seconds` that so many questions took, questions a second and address at the end, and complaints of each day."""

    seconds: float
    rate: float
    complaints: list[int]


class _Zone:
    """Name servers that answer `rate` questions a second, all addresses together."""

    def __init__(self, rate: float) -> None:
        self._rate, self._tokens, self._at = rate, rate * WINDOW, BEGIN

    def count_refused(self, count: int, began: float, ended: float) -> int:
        """How many of the questions asked between two times are refused."""
        self._tokens = min(self._rate * WINDOW, self._tokens + max(0.0, began - self._at) * self._rate)
        room = self._tokens + (ended - began) * self._rate
        refused = max(0, int(count - room))
        self._tokens, self._at = max(0.0, room - count), ended
        return refused


def ask_zone(welcomes: float, names: int, most: float = 30 * DAY) -> Paced:
    """Ask about so many names under com, for `most` seconds at most; the zone welcomes so much a second and address."""
    registries = Registries(directory=Directory(), overrides={}, recursive_dns=False, iana_host="whois.iana.org")
    budgets, zone = Budgets(), _Zone(welcomes * ADDRESSES)
    under_way: list[tuple[float, float, Observation]] = []
    complaints = [0] * (int(most // DAY) + 1)
    now, left = BEGIN, names
    while left > 0 and now < BEGIN + most:
        while under_way and under_way[0][0] <= now:
            at, sent, answer = heapq.heappop(under_way)
            registries.note_address_count("com", ADDRESSES)
            limit = registries.limit_of("dns", "com", "com")
            complaints[int((at - BEGIN) // DAY)] += budgets.note_answer(limit, _EGRESS, answer, at, sent) is not None
        limit = registries.limit_of("dns", "com", "com")
        needed = min(GOOD_SIZE, left, max(1, int(limit.burst / 2)))
        tokens = budgets.available_tokens(limit, _EGRESS, now)
        if tokens < needed:
            soon = budgets.next_at(limit, _EGRESS, now, needed)
            now = max(now + 1e-3, min([soon, *(answer[0] for answer in under_way[:1])]))
            continue
        count = min(MAX_SWEEP, left, tokens)
        budgets.take_tokens(limit, _EGRESS, count, now)
        left -= count
        lasts = count / max(budgets.learned_rate(limit, _EGRESS, now), count / SHORTEST)
        refused = zone.count_refused(count, now, now + lasts)
        heapq.heappush(under_way, (now + lasts + ROUND_TRIP, now, _answer(count, refused)))
    limit = registries.limit_of("dns", "com", "com")
    return Paced(now - BEGIN, budgets.learned_rate(limit, _EGRESS, now) / ADDRESSES, complaints)


def _answer(count: int, refused: int) -> Observation:
    """What stands for a sweep of which so many questions were refused."""
    message = SweepResult(_CREDIT, "a", bytes([DELEGATED]) * count, bytes(count), "com", ADDRESSES, (), refused=refused)
    answer = sweep_answer(message, count)
    assert answer is not None
    return answer


def main() -> None:
    """Print both, and whether the bounds are held."""
    look = ask_zone(50.0, 1_000_000)
    minutes = look.seconds / MINUTE
    strict = ask_zone(3.0, 10**9, 3 * DAY)
    print(f"welcomes 50/s: a million names in {minutes:.0f} minutes, {look.rate:.1f}/s an address at the end")
    print(f"  {'held' if minutes <= MOST_MINUTES else 'NOT HELD'}: at most {MOST_MINUTES:.0f} minutes")
    print(f"welcomes 3/s: {strict.rate:.1f}/s an address at the end, complaints by day: {strict.complaints}")
    print(f"  {'held' if max(strict.complaints) <= MOST_COMPLAINTS else 'NOT HELD'}: at most {MOST_COMPLAINTS} a day")


if __name__ == "__main__":
    main()
