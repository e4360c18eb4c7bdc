"""Answers of an operator, as the policy and the buckets get them."""

from __future__ import annotations

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import Bucket
from common.core.rate_limits.budgets import DAY, Budgets

NOW = 20_718 * DAY + DAY / 2
LIMIT = Limit("rdap/example", 1.0, 4, None)
CLEAN = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)
ODD = Observation("rdap", unknown_reading("rdap_html", "a page"), status=200)
LATE = Observation("rdap", unknown_reading("rdap_timeout", "no answer in time"))
BANNED = Observation("rdap", unknown_reading("rdap_403", "the server refuses us"), status=403, refused=True)
REFUSED = Observation("whois", unknown_reading("whois_turned_away", "refused the connection"), refused=True)


def throttled(wait: float | None = None, excerpt: str = "") -> Observation:
    """A 429, with Retry-After in seconds or without."""
    reading = Reading(Outcome.THROTTLED, "rdap_429", "slow down", retry_after=wait)
    return Observation("rdap", reading, status=429, excerpt=excerpt)


def bucket_of(budgets: Budgets, limit: Limit = LIMIT, now: float = NOW) -> Bucket:
    """The bucket of an operator at a moment."""
    return budgets._bucket_now(limit, "a", now)


def hear(budgets: Budgets, answer: Observation, now: float, sent: float | None = None, limit: Limit = LIMIT) -> str | None:
    """The operator answers a query that was sent at `sent`, or now."""
    return budgets.note_answer(limit, "a", answer, now, sent)


def ask_all(budgets: Budgets, begin: float, end: float, limit: Limit = LIMIT, answer: Observation = CLEAN) -> int:
    """Send a query whenever there is a token, one at a time, each answered at once. Returns how many were sent."""
    now, asked = begin, 0
    while (now := budgets.next_at(limit, "a", now)) < end:
        if budgets.take_token(limit, "a", now):
            asked += 1
            hear(budgets, answer, now, now, limit)
        now += 1e-6
    return asked
