"""The servers of one registry: they count every question, answer 429 above their budget, ban for an hour, and fail at times.

A registry's day begins with ours, whatever the clocks say: else a quota that is used up to the last question would be exceeded
by the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from tests.sim.drops.families import BEGIN, DAY, HOUR, MINUTE
from tests.sim.drops.stories import Story

#: Questions a second, and how many at once: the rate is the configured one, a burst is taken with one more for the way there.
RATE, BURST, SLACK = 0.2, 2, 1
#: So many questions over the budget within so many seconds are answered by a ban of so many seconds.
PATIENCE, WITHIN, BAN = 3, 10 * MINUTE, HOUR
#: Outages in 30 days, and least and most hours of each.
OUTAGES, SHORTEST, LONGEST = 1.0, 1.0, 6.0
_SILENT = {method: unknown_reading(f"{method}_timeout", "no answer in time") for method in ("rdap", "whois")}
_LIMITED = {
    "rdap": (Reading(Outcome.THROTTLED, "rdap_429", "too many questions"), 429, False),
    "whois": (Reading(Outcome.THROTTLED, "whois_throttled", "limit exceeded"), None, False),
}
_BANNED = {
    "rdap": (unknown_reading("rdap_403", "the server refuses us"), 403, True),
    "whois": (unknown_reading("whois_turned_away", "refused the connection"), None, True),
}


@dataclass(slots=True)
class Registry:
    """One operator with a quota of `per_day` questions, all channels together. Times in epoch seconds.

    `asked` counts questions by the phase of the name, `of_calm` those about names that never leave the zone, `by_age` those
    about names that drop by days from their purge, `over` those above the budget; `busiest` is the most in a day,
    `first_denied` when a name was first denied.
    """

    suffix: str
    stories: dict[str, Story]
    per_day: int
    outages: tuple[tuple[float, float], ...] = ()
    asked: Counter[str] = field(default_factory=Counter)
    of_calm: int = 0
    by_age: Counter[int] = field(default_factory=Counter)
    over: int = 0
    bans: int = 0
    busiest: int = 0
    first_denied: dict[str, float] = field(default_factory=dict)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)  # by method: tokens, and when they were counted
    _day: int = 0
    _today: int = 0
    _warned: list[float] = field(default_factory=list)
    _banned_until: float = 0.0

    def answer(self, method: str, domain: str, now: float) -> Observation:
        """Count a question, and answer it."""
        self._count(domain, now)
        server = f"{method}.{self.suffix}.test"
        if now < self._banned_until or not self._admit(method, now):
            reading, status, refused = (_BANNED if now < self._banned_until else _LIMITED)[method]
            return Observation(method, reading, server=server, status=status, refused=refused)
        if self.is_out(now):
            return Observation(method, _SILENT[method], server=server)
        story = self.stories.get(domain)
        if story is None:
            return Observation(method, _unlisted(method, domain), server=server, status=None if method == "whois" else 200)
        reading = story.reading(method, now)
        if reading.outcome is Outcome.UNREGISTERED:
            self.first_denied.setdefault(domain, now)
        return Observation(method, reading, server=server)

    def is_out(self, now: float) -> bool:
        """Whether its servers do not answer."""
        return any(begin <= now < end for begin, end in self.outages)

    def _count(self, domain: str, now: float) -> None:
        story = self.stories.get(domain)
        if story is None:
            self.asked["canaries"] += 1
            return
        self.of_calm += story.is_calm
        record = story.at(now)
        phase = "no object" if record.phase is None else record.phase.value
        self.asked[phase] += 1
        self.asked["could not drop that day"] += not story.could_drop(now)
        if story.kind == "drops":
            self.by_age[int((now - story.purge) // DAY)] += 1

    def _admit(self, method: str, now: float) -> bool:
        """Take a token of the method, and one of the day's quota."""
        tokens, filled = self._buckets.get(method, (BURST + SLACK, now))
        tokens = min(BURST + SLACK, tokens + max(0.0, now - filled) * RATE)
        if int(now // DAY) != self._day:
            self._day, self._today = int(now // DAY), 0
        admitted = tokens >= 1.0 and self._today < self.per_day
        self._buckets[method] = tokens - admitted, max(filled, now)
        if admitted:
            self._today += 1
            self.busiest = max(self.busiest, self._today)
            return True
        self.over += 1
        self._warned = [at for at in self._warned if now - at < WITHIN] + [now]
        if len(self._warned) >= PATIENCE:
            self.bans += 1
            self._banned_until, self._warned = now + BAN, []
        return False


def make_outages(suffix: str, days: int, seed: int) -> tuple[tuple[float, float], ...]:
    """When a registry is out of order."""
    rng = Random(f"{seed}/{suffix}/outages")
    begins = [BEGIN + rng.uniform(1, max(2, days)) * DAY for _ in range(max(1, round(OUTAGES * days / 30)))]
    return tuple((begin, begin + rng.uniform(SHORTEST, LONGEST) * HOUR) for begin in sorted(begins))


def make_registry(suffix: str, stories: Iterable[Story], days: int, seed: int) -> Registry:
    """A registry whose quota is one question a name and day."""
    known = {story.name: story for story in stories}
    return Registry(suffix, known, len(known), make_outages(suffix, days, seed))


def _unlisted(method: str, domain: str) -> Reading:
    """A canary: a name known to be registered, or a random one."""
    if domain.startswith("known."):
        return Reading(Outcome.REGISTERED, {"rdap": "rdap_200_match", "whois": "whois_registered"}[method], "found")
    return Reading(Outcome.UNREGISTERED, {"rdap": "rdap_404_json", "whois": "whois_free"}[method], "not found")
