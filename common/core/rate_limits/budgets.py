"""The budgets of all registry operators: one token bucket per (operator, egress), held by the coordinator alone.

A query is sent only when its token is there, so ten times the workers never mean ten times the rate. A bucket starts with one
token and learns from every answer (`bucket.Bucket`). Of a daily quota, queries that can wait leave a part to those that cannot
(`Plan`). The day's count is stored so often that a kill forgets at most one query in two hundred of the quota.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from common.core.model.evidence import Observation
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY, Bucket
from common.core.rate_limits.load_signs import Load, Usual
from common.core.rate_limits.policy import is_refusal
from common.core.rate_limits.saved import Saved, keep_count

#: The day's count is stored after each of so many parts of a quota, so at most as often in a day.
COUNT_PARTS = 200
#: Part of a share of the day that may be used ahead of an even pace: an hour's worth.
AHEAD = 1 / 24

Key = tuple[str, str]


class Plan(NamedTuple):
    """How far queries of one kind may use up a day's quota, whatever used it so far.

    `share` is the part of the quota, `evenly` whether it is spread over the day.
    """

    share: float
    evenly: bool


#: Confirmations may use up the day, polls leave them a quarter of it. Routine leaves half, and spreads its own over the day.
WHOLE, POLLS, ROUTINE = Plan(1.0, evenly=False), Plan(0.75, evenly=False), Plan(0.5, evenly=True)
#: First looks at names that are out of the zone: any of them may drop today. They leave polls a little.
FIRST_LOOKS = Plan(0.6, evenly=False)


class Budgets:
    """All buckets. Times in epoch seconds, rates in queries per second.

    `saved` is what was learned before a restart, by "operator|egress". `changed` means that something has to be stored soon,
    `counted` that a day's count moved a little.
    """

    def __init__(self, saved: Mapping[str, Saved] | None = None) -> None:
        self._buckets: dict[Key, Bucket] = {}
        self._saved = dict(saved or {})  # of operators not queried since the start
        self.changed = self.counted = False
        self.reset_times: dict[str, float] = {}  # when operators were last reset in this run

    def take_token(self, limit: Limit, egress: str, now: float, plan: Plan = WHOLE) -> bool:
        """Whether one query of this plan may be sent now; if so, its token is taken."""
        allowed = self.allows_query(limit, egress, now, plan)
        if allowed:
            self._use_tokens(self._bucket_now(limit, egress, now), 1)
        return allowed

    def allows_query(self, limit: Limit, egress: str, now: float, plan: Plan = WHOLE) -> bool:
        """Whether one query of this plan may be sent now; no token is taken."""
        bucket = self._bucket_now(limit, egress, now)
        if now < bucket.limited_until or bucket.tokens < 1.0:
            return False
        return bucket.per_day is None or bucket.used_today < _most_used(bucket.per_day, plan, now % DAY)

    def available_tokens(self, limit: Limit, egress: str, now: float) -> int:
        """How many queries may be sent now."""
        bucket = self._bucket_now(limit, egress, now)
        if now < bucket.limited_until:
            return 0
        left = bucket.tokens if bucket.per_day is None else min(bucket.tokens, bucket.per_day - bucket.used_today)
        return max(0, int(left))

    def within_quota(self, limit: Limit, egress: str, count: int, now: float) -> int:
        """min(count, daily quota left); `count` where none is left, so that the caller waits for midnight UTC."""
        bucket = self._bucket_now(limit, egress, now)
        left = count if bucket.per_day is None else bucket.per_day - bucket.used_today
        return min(count, left) if left > 0 else count

    def take_tokens(self, limit: Limit, egress: str, count: int, now: float) -> None:
        """Take so many tokens, no more than `available_tokens` returned."""
        bucket = self._bucket_now(limit, egress, now)
        self._use_tokens(bucket, count)

    def return_tokens(self, limit: Limit, egress: str, now: float, count: int = 1) -> None:
        """Return the tokens of queries that were never sent."""
        bucket = self._bucket_now(limit, egress, now)
        self._use_tokens(bucket, -count)

    def next_at(self, limit: Limit, egress: str, now: float, count: int = 1, plan: Plan = WHOLE) -> float:
        """When so many tokens are there, in epoch seconds; infinity for an operator that must not be queried.

        For more than the plan leaves of the day: when the next day begins.
        """
        bucket = self._bucket_now(limit, egress, now)
        if bucket.start <= 0:
            return float("inf")
        planned = 0.0
        if bucket.per_day is not None:
            planned = bucket.day * DAY + _since_midnight(bucket.per_day, plan, bucket.used_today + count)
        return max(bucket.ready_at(count, now), bucket.limited_until, planned)

    def quota_left(self, limit: Limit, egress: str, now: float, until: float, plan: Plan = WHOLE) -> float:
        """How many queries of a plan the daily quota allows from now to `until`, a day at most; infinity without one."""
        return _quota_left(self._bucket_now(limit, egress, now), until, plan)

    def current_pace(self, limit: Limit, egress: str, now: float) -> float:
        """How many queries a second the operator takes in the next minutes.

        The learned rate; 0.0 while it limits us or is switched off, and when the daily quota is used up.
        """
        bucket = self._bucket_now(limit, egress, now)
        open_now = now >= bucket.limited_until and _quota_left(bucket, now, WHOLE) > 0
        return bucket.rate if open_now else 0.0

    def learned_rate(self, limit: Limit, egress: str, now: float) -> float:
        """The learned rate, whether or not the operator limits us at the moment."""
        return self._bucket_now(limit, egress, now).rate

    def deepest(self, limit: Limit, egress: str, now: float) -> float:
        """How many tokens of an operator may come together."""
        return self._bucket_now(limit, egress, now).deepest

    def note_answer(
        self,
        limit: Limit,
        egress: str,
        observation: Observation,
        now: float,
        sent: float | None = None,
        name: str = "",
        load: Load | None = None,
    ) -> str | None:
        """Learn from the answer to a query about `name`, or to a sweep that met `load`, that was sent at `sent` (None: now).

        Returns the complaint in one sentence where a pause begins by it. Answers to queries that were sent before an earlier
        complaint belong to that one.
        """
        bucket = self._bucket_now(limit, egress, now)
        before = _learned_figures(bucket)
        reason = bucket.note_answer(observation, now, now if sent is None else sent, name, load)
        self.changed |= _learned_figures(bucket) != before
        return reason

    def reset_operator(self, operator: str, now: float) -> bool:
        """Forget what was learned of an operator, from every egress: its rate, its bans and its pause. False if it is unknown.

        The day's count stays: it is not learned.
        """
        keys = [key for key in self._saved if key.partition("|")[0] == operator]
        buckets = [bucket for bucket in self._buckets.values() if bucket.operator == operator]
        for key in keys:
            if (count := keep_count(self._saved.pop(key))) is not None:
                self._saved[key] = count
        for bucket in buckets:
            bucket.reset_learned(now)
        if keys or buckets:
            self.changed, self.reset_times[operator] = True, now
        return bool(keys or buckets)

    def limited_until(self, limit: Limit, egress: str, now: float) -> float:
        """The end of the operator's pause, in the past where there is none."""
        return self._bucket_now(limit, egress, now).limited_until

    def refusing_operators(self) -> set[str]:
        """The operators that refuse our key, account or address from every egress, by their last word."""
        words: dict[str, list[bool]] = {}
        for bucket in self._buckets.values():
            words.setdefault(bucket.operator, []).append(bool(bucket.complaints) and is_refusal(bucket.reason))
        return {operator for operator, refused in words.items() if all(refused)}

    def snapshot(self, now: float) -> list[dict[str, object]]:
        """One map for each bucket, with the keys that the status shows; `complaint` stays until the operator answers again."""
        return [
            {
                "operator": bucket.operator,
                "egress": bucket.egress,
                "start": round(bucket.start, 4),
                "rate": round(bucket.rate, 4),
                "ceiling": round(bucket.ceiling, 4),
                "banned_at": None if bucket.banned_rate is None else round(bucket.banned_rate, 4),
                "burst": round(bucket.deepest, 2),
                "tokens": round(min(bucket.deepest, bucket.tokens + max(0.0, now - bucket.updated) * bucket.rate), 2),
                "blocked_until": bucket.limited_until if bucket.limited_until > now else None,
                "reason": bucket.reason if bucket.limited_until > now else "",
                "complaint": bucket.reason if bucket.complaints else "",
                "last_complaint": bucket.reason if bucket.complained_at else "",
                "complained_at": bucket.complained_at or None,
                "complained_rate": round(bucket.complained_rate, 4) or None,
                "used_today": bucket.used_today,
            }
            for bucket in self._buckets.values()
        ]

    def take_saved(self) -> dict[str, Saved]:
        """What has to be stored, by "operator|egress", also of operators not queried since the start; clears the marks."""
        self.changed = self.counted = False
        learned = {f"{bucket.operator}|{bucket.egress}": bucket.to_saved() for bucket in self._buckets.values()}
        return self._saved | {key: saved for key, saved in learned.items() if saved is not None}

    def _bucket_now(self, limit: Limit, egress: str, now: float) -> Bucket:
        """The bucket of an operator with its tokens of now; made where there is none, fitted where its limit changed."""
        bucket = self._buckets.get((limit.operator, egress))
        if bucket is None:
            bucket = self._buckets[limit.operator, egress] = self._open_bucket(limit, egress, now)
        elif bucket.start != limit.rate or bucket.ceiling != limit.highest_rate:
            bucket.fit_limit(limit)
        bucket.add_tokens(now)
        return bucket

    def _open_bucket(self, limit: Limit, egress: str, now: float) -> Bucket:
        """A bucket for an operator that is queried for the first time since the start."""
        bucket = Bucket(
            limit.operator,
            egress,
            start=limit.rate,
            ceiling=limit.highest_rate,
            is_configured=limit.configured,
            burst=max(1.0, float(limit.burst)),
            per_day=limit.per_day,
            configuration=_configuration(limit),
            address_count=limit.address_count,
            rate=limit.rate,
            tokens=1.0 if limit.rate > 0 else 0.0,
            updated=now,
            day=int(now // DAY),
            grown_at=now,
            usual=Usual(),
        )
        saved = self._saved.pop(f"{limit.operator}|{egress}", None)
        if saved is not None:
            bucket.restore_saved(saved)
        return bucket

    def _use_tokens(self, bucket: Bucket, count: int) -> None:
        """Take the tokens of so many queries; return them where the count is negative."""
        bucket.use_tokens(count)
        if bucket.per_day is not None:
            self.counted = True
            self.changed |= abs(bucket.used_today - bucket.saved_count) >= max(1, bucket.per_day // COUNT_PARTS)


def _learned_figures(bucket: Bucket) -> tuple[float, float, int, float | None, float | None]:
    """The figures of a bucket that have to be stored soon once they change."""
    return bucket.rate, bucket.limited_until, bucket.complaints, bucket.banned_rate, bucket.stated_rate


def _configuration(limit: Limit) -> str:
    """A text that tells configured budgets apart, per address: a rate learned under another one does not count."""
    text = f"{limit.rate / limit.address_count:.6g} {limit.burst / limit.address_count:.6g} {limit.per_day}"
    return text if limit.ceiling is None else f"{text} {limit.ceiling / limit.address_count:.6g}"


def _quota_left(bucket: Bucket, until: float, plan: Plan) -> float:
    """How many queries of a plan the daily quota of a bucket allows up to `until` (epoch seconds); infinity without one."""
    if bucket.per_day is None:
        return float("inf")
    if until < (bucket.day + 1) * DAY:
        return max(0, _most_used(bucket.per_day, plan, until % DAY) - bucket.used_today)
    rest = max(0, _most_used(bucket.per_day, plan, DAY) - bucket.used_today)
    return rest + _most_used(bucket.per_day, plan, min(DAY, until - (bucket.day + 1) * DAY))


def _most_used(per_day: int, plan: Plan, since_midnight: float) -> int:
    """Up to how many used queries one of this plan may follow, so many seconds after midnight (UTC).

    At least one, so that the smallest quota is of use.
    """
    whole = ceil(plan.share * per_day)
    if not plan.evenly:
        return whole
    return min(whole, int(max(1.0, whole * AHEAD) + whole * since_midnight / DAY + 1e-6))


def _since_midnight(per_day: int, plan: Plan, wanted: int) -> float:
    """When `_most_used` reaches that many, in seconds after midnight (UTC); a whole day where it never does."""
    whole = ceil(plan.share * per_day)
    if wanted > whole:
        return DAY
    return max(0.0, wanted - max(1.0, whole * AHEAD)) * DAY / whole if plan.evenly else 0.0
