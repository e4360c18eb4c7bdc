"""Where a registry's budget is kept: one token bucket per (operator, egress), held by the coordinator alone.

A task is sent only when its token is there, so ten more checkers never mean ten times the rate. A bucket starts with one
token, shrinks at once when the operator complains (429, refusal, throttle text) and grows back by a tenth after fifty
clean answers, never above what was configured. Where a day has a quota, what can wait leaves a part of it to what cannot
(`Plan`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from msgspec import Struct

from common.core.evidence import Observation, Outcome
from common.core.limits import Limit

#: Slowest a bucket ever gets: one question in ten minutes.
FLOOR = 1 / 600
CLEAN_RUN, GROWTH, SHRINK = 50, 1.1, 0.5
#: Pauses in seconds after the first, second, third... complaint in a row.
THROTTLED_PAUSES = (60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0)
FORBIDDEN_PAUSES = (900.0, 3600.0, 21_600.0)
REFUSED_PAUSES = (60.0, 120.0, 240.0, 480.0, 960.0, 1800.0)
DAY = 86_400.0
#: Part of a day's share that may be used ahead of an even pace: what an hour brings.
AHEAD = 1 / 24

Key = tuple[str, str]


class Plan(NamedTuple):
    """How far a kind of question may use up a day's quota, by whatever it was used so far: a share, and whether evenly."""

    share: float
    evenly: bool


#: Confirmations may use up the day; polls leave a quarter of it to them. Routine leaves half, and spreads its own over the day.
WHOLE, POLLS, ROUTINE = Plan(1.0, evenly=False), Plan(0.75, evenly=False), Plan(0.5, evenly=True)


class Bucket(Struct):
    """One operator seen from one egress. `rate` is per second now, `ceiling` what was configured; times in epoch seconds."""

    operator: str
    egress: str
    ceiling: float
    burst: float
    per_day: int | None
    rate: float
    tokens: float
    updated: float
    blocked_until: float = 0.0
    reason: str = ""
    complaints: int = 0
    clean: int = 0
    day: int = 0
    used_today: int = 0


class Budgets:
    """Every bucket. Nothing here waits: the schedule asks `take` and `next_at`."""

    def __init__(self, saved: Mapping[str, tuple[float, float, str]] | None = None) -> None:
        """`saved` holds, per "operator|egress", (blocked_until, rate, reason) from before a restart."""
        self._buckets: dict[Key, Bucket] = {}
        self._saved = dict(saved or {})
        self.changed = False

    def take(self, limit: Limit, egress: str, now: float, plan: Plan = WHOLE) -> bool:
        """Whether one question of this plan may be asked now; takes its token."""
        bucket = self._bucket(limit, egress, now)
        self._refill(bucket, now)
        if now < bucket.blocked_until or bucket.tokens < 1.0:
            return False
        if bucket.per_day is not None and bucket.used_today >= _most(bucket.per_day, plan, now % DAY):
            return False
        bucket.tokens -= 1.0
        bucket.used_today += 1
        return True

    def available(self, limit: Limit, egress: str, now: float) -> int:
        """How many questions may be asked now."""
        bucket = self._bucket(limit, egress, now)
        self._refill(bucket, now)
        if now < bucket.blocked_until:
            return 0
        left = bucket.tokens if bucket.per_day is None else min(bucket.tokens, bucket.per_day - bucket.used_today)
        return max(0, int(left))

    def today(self, limit: Limit, egress: str, count: int, now: float) -> int:
        """As many of so many questions as are left of the day's; all of them where none are: they wait for the next day."""
        bucket = self._bucket(limit, egress, now)
        self._refill(bucket, now)
        left = count if bucket.per_day is None else bucket.per_day - bucket.used_today
        return min(count, left) if left > 0 else count

    def take_many(self, limit: Limit, egress: str, count: int, now: float) -> None:
        """Take the tokens of questions that `available` allowed."""
        bucket = self._bucket(limit, egress, now)
        bucket.tokens -= count
        bucket.used_today += count

    def give_back(self, limit: Limit, egress: str, now: float, count: int = 1) -> None:
        """Return the tokens of questions that were never asked."""
        bucket = self._bucket(limit, egress, now)
        bucket.tokens = min(bucket.burst, bucket.tokens + count)
        bucket.used_today = max(0, bucket.used_today - count)

    def next_at(self, limit: Limit, egress: str, now: float, count: int = 1, plan: Plan = WHOLE) -> float:
        """When so many tokens are there, in epoch seconds; infinity for an operator that must not be asked.

        Of more than the plan leaves of the day, when the next day begins.
        """
        bucket = self._bucket(limit, egress, now)
        self._refill(bucket, now)
        if bucket.ceiling <= 0:
            return float("inf")
        planned = 0.0
        if bucket.per_day is not None:
            planned = bucket.day * DAY + _since_midnight(bucket.per_day, plan, bucket.used_today + count)
        wait = 0.0 if bucket.tokens >= count else (min(count, bucket.burst) - bucket.tokens) / bucket.rate
        return max(now + wait, bucket.blocked_until, planned)

    def left(self, limit: Limit, egress: str, now: float, until: float, plan: Plan = WHOLE) -> float:
        """How many questions of a plan the day's quota allows from now until then; infinity without a quota.

        `until`, in epoch seconds, is a day away at most.
        """
        bucket = self._bucket(limit, egress, now)
        self._refill(bucket, now)
        if bucket.per_day is None:
            return float("inf")
        if until < (bucket.day + 1) * DAY:
            return max(0, _most(bucket.per_day, plan, until % DAY) - bucket.used_today)
        rest = max(0, _most(bucket.per_day, plan, DAY) - bucket.used_today)
        return rest + _most(bucket.per_day, plan, min(DAY, until - (bucket.day + 1) * DAY))

    def pace(self, limit: Limit, egress: str, now: float) -> float:
        """How many questions a second the operator can be asked in the next minutes.

        The rate learned; 0.0 while it is shut or switched off, or its questions of the day are used up.
        """
        rate = self.rate(limit, egress, now)
        open_now = now >= self.blocked_until(limit, egress, now) and self.left(limit, egress, now, now) > 0
        return rate if open_now else 0.0

    def rate(self, limit: Limit, egress: str, now: float) -> float:
        """The rate learned, in questions a second, whether or not the operator is shut for a while."""
        return self._bucket(limit, egress, now).rate

    def answered(self, limit: Limit, egress: str, observation: Observation, now: float) -> str | None:
        """Learn from an answer. Returns a sentence when the operator complained and the bucket is shut for a while."""
        bucket = self._bucket(limit, egress, now)
        complaint = _complaint(observation, bucket.complaints)
        if complaint is None:
            if observation.reading.outcome is not Outcome.UNKNOWN:
                self._clean(bucket)
            return None
        pause, bucket.reason = complaint
        bucket.complaints += 1
        bucket.clean = 0
        bucket.rate = max(min(FLOOR, bucket.ceiling), bucket.rate * SHRINK)
        bucket.tokens = min(bucket.tokens, 1.0)
        bucket.blocked_until = max(bucket.blocked_until, now + pause)
        self.changed = True
        return bucket.reason

    def clean(self, limit: Limit, egress: str, now: float) -> None:
        """Learn from a sweep that was answered, and met no complaint; silence and errors are not clean."""
        self._clean(self._bucket(limit, egress, now))

    def blocked_until(self, limit: Limit, egress: str, now: float) -> float:
        """When the operator may be asked again at all, in epoch seconds (the past where it may)."""
        return self._bucket(limit, egress, now).blocked_until

    def snapshot(self, now: float) -> list[dict[str, object]]:
        """Every bucket, for the status page."""
        return [
            {
                "operator": bucket.operator,
                "egress": bucket.egress,
                "rate": round(bucket.rate, 4),
                "burst": bucket.burst,
                "tokens": round(min(bucket.burst, bucket.tokens + max(0.0, now - bucket.updated) * bucket.rate), 2),
                "blocked_until": bucket.blocked_until if bucket.blocked_until > now else None,
                "reason": bucket.reason if bucket.blocked_until > now else "",
                "used_today": bucket.used_today,
            }
            for bucket in self._buckets.values()
        ]

    def saved(self) -> dict[str, tuple[float, float, str]]:
        """What must survive a restart: who shut us out until when, and the rates learned."""
        return {
            f"{bucket.operator}|{bucket.egress}": (bucket.blocked_until, bucket.rate, bucket.reason)
            for bucket in self._buckets.values()
            if bucket.rate < bucket.ceiling or bucket.blocked_until > 0
        }

    def _bucket(self, limit: Limit, egress: str, now: float) -> Bucket:
        key = (limit.operator, egress)
        bucket = self._buckets.get(key)
        if bucket is None:
            until, rate, reason = self._saved.get(f"{limit.operator}|{egress}", (0.0, limit.rate, ""))
            bucket = Bucket(
                limit.operator,
                egress,
                ceiling=limit.rate,
                burst=max(1.0, float(limit.burst)),
                per_day=limit.per_day,
                rate=min(rate, limit.rate),
                tokens=1.0 if limit.rate > 0 else 0.0,
                updated=now,
                blocked_until=until,
                reason=reason,
                day=int(now // DAY),
            )
            self._buckets[key] = bucket
        elif bucket.ceiling != limit.rate:  # a suffix turned out to have more or fewer servers
            bucket.rate = limit.rate if bucket.rate == bucket.ceiling else min(bucket.rate, limit.rate)
            bucket.ceiling, bucket.burst = limit.rate, max(1.0, float(limit.burst))
        return bucket

    def _refill(self, bucket: Bucket, now: float) -> None:
        if now > bucket.updated:
            bucket.tokens = min(bucket.burst, bucket.tokens + (now - bucket.updated) * bucket.rate)
            bucket.updated = now
        day = int(now // DAY)
        if day != bucket.day:
            bucket.day, bucket.used_today = day, 0

    def _clean(self, bucket: Bucket) -> None:
        bucket.complaints = 0
        bucket.clean += 1
        if bucket.clean >= CLEAN_RUN and bucket.rate < bucket.ceiling:
            bucket.rate = min(bucket.ceiling, bucket.rate * GROWTH)
            bucket.clean = 0
            self.changed = True


def _most(per_day: int, plan: Plan, since_midnight: float) -> int:
    """How many questions may be used up that many seconds after midnight (UTC) so that a question of this plan may be asked.

    At least one, so that the smallest quota is of use.
    """
    whole = ceil(plan.share * per_day)
    if not plan.evenly:
        return whole
    return min(whole, int(max(1.0, whole * AHEAD) + whole * since_midnight / DAY + 1e-6))


def _since_midnight(per_day: int, plan: Plan, wanted: int) -> float:
    """When `_most` reaches that many, in seconds after midnight: a day, where it never does."""
    whole = ceil(plan.share * per_day)
    if wanted > whole:
        return DAY
    return max(0.0, wanted - max(1.0, whole * AHEAD)) * DAY / whole if plan.evenly else 0.0


def _complaint(observation: Observation, before: int) -> tuple[float, str] | None:
    """The pause in seconds that an answer asks for, with the reason; None for an answer without complaint."""
    reading = observation.reading
    pauses: tuple[float, ...]
    if observation.method != "dns" and observation.status in (401, 403):  # the status of a DNS answer is its rcode
        pauses, word = FORBIDDEN_PAUSES, "forbidden"
    elif observation.refused:
        pauses, word = REFUSED_PAUSES, "connection refused"
    elif reading.outcome is Outcome.THROTTLED:
        pauses, word = THROTTLED_PAUSES, "throttled"
    else:
        return None
    pause = pauses[min(before, len(pauses) - 1)]
    if reading.retry_after is not None:
        pause = max(1.0, reading.retry_after)
    return pause, f"{word}: {reading.reason}"[:300]
