"""The token bucket of one operator, queried from one egress, with the rate that it learned and the pause it has to keep.

A rate begins at `start`, and climbs to `ceiling` while answers come without complaint and the rate is used: one that is not
used proves nothing. A complaint halves it. Then it grows again: quickly to half of the rate that brought the complaint, slowly
from there to where it began. Where complaints come within a week of each other, or came above the start, that is a limit and no
trouble of the moment: from half of the rate it grows so slowly that the operator complains once a day at most. Never does it
grow above the ceiling, and never again to a rate that brought a ban. An answer teaches only if its query was sent after
the last pause that a complaint brought: all refusals of queries that were under way at a complaint belong to that complaint.

A rate that the server states takes the place of the one that is built in, but for a tenth: other clients may share the limit.
A rate that the operator of this service configured stays the upper bound. A wait that the server states is a pause and no
complaint.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from common.core.model.evidence import Observation, Quota
from common.core.model.limit import Limit
from common.core.rate_limits import policy
from common.core.rate_limits.load_signs import Load, Usual
from common.core.rate_limits.policy import Complaint, Kind
from common.core.rate_limits.saved import Saved

DAY = 86_400.0
#: Lowest rate that complaints ever lead to: one query in ten minutes.
FLOOR = 1 / 600
#: Share of the rate that a complaint leaves.
SHRINK = 0.5
#: Share of a stated rate that is used, and the highest rate that a statement leads to, in queries per second.
STATED_SHARE, HIGHEST_STATED = 0.9, 20.0


class Growth(NamedTuple):
    """How a rate grows: by `factor` after so many `answers` without complaint, at most once in `least` seconds.

    After `most` seconds fewer answers will do.
    """

    factor: float
    answers: int
    least: float
    most: float


QUICK, SLOW = Growth(2.0, 10, 10.0, 60.0), Growth(1.1, 50, 30.0, 300.0)
#: Above the start: while no complaint is known, and above half of the rate of one. From half of a rate to that rate WARY needs
#: 15 steps, 60 hours. Servers that average over a quarter of a minute, as BIND does, refuse a rate once it took so many seconds
#: of theirs too much: within a step of CLIMB where it is a fifth above theirs. So the rate complained of is half as much again
#: as theirs at most: half of it is clean, and WARY needs a day from there to theirs.
CLIMB, WARY = Growth(1.25, 10, 75.0, 150.0), Growth(1.05, 50, 14_400.0, 14_400.0)
#: Share of what the rate allows that has to be sent for it to grow above the start.
USED = 0.5
#: A rate that goes so far above the one that brought a complaint shows that the limit is there no more.
REFUTED = 1.1
#: A complaint so many seconds after another one shows a limit, and no trouble of the moment.
LIMIT_SPAN = 7 * DAY
#: Seconds of a climbed rate that may come together: so long may a suffix wait for a place at a worker without losing tokens.
DEEP = 1.5
#: Most that one answer lets a rate below the start grow by, however long ago the one before was. Above it, it is one step.
LEAP = 2.0


class Bucket(Struct):
    """One operator queried from one egress. Rates in queries per second, times in epoch seconds, `day` in days since 1970.

    `start` and `ceiling` are configured or built in, `stated_rate` is what the server says it takes, `complained_rate` the one
    that brought the last complaints, at `complained_at`, `banned_rate` the lowest one that brought a ban. `is_limit` means that
    complaints came within a week of each other, or above the start. `asked` counts queries since the rate last changed,
    `usual` is what is usual of sweeps. `learns_from` is the end of the last pause that a complaint brought: answers to queries
    that were sent before it teach little. `configuration` tells one configured budget from another.
    """

    operator: str
    egress: str
    start: float
    ceiling: float
    is_configured: bool
    burst: float
    per_day: int | None
    configuration: str
    address_count: int
    rate: float
    tokens: float
    updated: float
    day: int
    grown_at: float
    usual: Usual
    stated_rate: float | None = None
    limited_until: float = 0.0
    learns_from: float = 0.0
    reason: str = ""
    complained_rate: float = 0.0
    banned_rate: float | None = None
    complaints: int = 0  # in a row
    was_banned: bool = False  # whether one of them was a ban
    meaningless: int = 0  # answers in a row that were not understood
    meaningless_names: tuple[str, ...] = ()  # the last names that these were about
    clean_answers: int = 0  # answers without complaint since the rate last changed
    used_today: int = 0
    saved_count: int = 0  # how much of `used_today` is saved
    asked: int = 0
    complained_at: float = 0.0
    is_limit: bool = False

    @property
    def highest_rate(self) -> float:
        """The highest rate that may be tried."""
        allowed = self._allowed_rate
        return allowed if self.banned_rate is None else max(self._lowest_rate, min(allowed, self.banned_rate * SHRINK))

    @property
    def deepest(self) -> float:
        """How many tokens may come together: the configured burst, or `DEEP` seconds of a rate that climbed above the start."""
        return max(self.burst, DEEP * self.rate) if self.rate > self.start else self.burst

    @property
    def _first_rate(self) -> float:
        """The rate to begin with, where nothing was complained of."""
        return self.highest_rate if self.stated_rate is not None else min(self.start, self.highest_rate)

    @property
    def _allowed_rate(self) -> float:
        """The configured or built-in ceiling, or the share of a stated rate that takes its place."""
        if self.stated_rate is None:
            return self.ceiling
        stated = max(FLOOR, min(self.stated_rate * STATED_SHARE, HIGHEST_STATED))
        return min(stated, self.ceiling) if self.is_configured else stated

    @property
    def _lowest_rate(self) -> float:
        return min(FLOOR, self._allowed_rate)

    def add_tokens(self, now: float) -> None:
        """Add the tokens that came in since the last call; set the day's count to 0 after midnight (UTC)."""
        if now > self.updated:
            self.tokens = min(self.deepest, self.tokens + (now - self.updated) * self.rate)
            self.updated = now
        day = int(now // DAY)
        if day != self.day:
            self.day, self.used_today, self.saved_count = day, 0, 0

    def ready_at(self, count: float, now: float) -> float:
        """When so many tokens are there, in epoch seconds; for more than a burst, when the burst is complete."""
        short = min(count, self.deepest) - self.tokens
        return now if short <= 0 else max(now, self.updated) + short / self.rate

    def use_tokens(self, count: int) -> None:
        """Take the tokens of so many queries; return them where the count is negative."""
        self.tokens = min(self.deepest, self.tokens - count)
        self.used_today = max(0, self.used_today + count)
        self.asked = max(0, self.asked + count)

    def note_answer(
        self, observation: Observation, now: float, sent: float, name: str = "", load: Load | None = None
    ) -> str | None:
        """Learn from the answer to a query about `name` that was sent at `sent` (epoch seconds), or to a sweep that met `load`.

        Returns the complaint in one sentence where a pause begins by it.
        """
        if (quota := policy.quota_of(observation)) is not None:
            self._note_quota(quota, now)
        complaint = policy.complaint_of(observation)
        if sent < self.learns_from:
            return self._note_late_answer(complaint, now)
        if complaint is not None:
            return self._note_complaint(complaint, now)
        if policy.is_understood(observation):
            fine, sign = self.usual.note_load(load) if load is not None else (True, "")
            if sign:
                return self._note_complaint(policy.complaint_of_load(sign), now)
            if fine:
                self._note_clean_answer(now, sent)
            return None
        doubt = policy.possible_complaint_of(observation)
        return self._note_meaningless(doubt, now, name) if doubt is not None else None

    def reset_learned(self, now: float) -> None:
        """Forget all complaints, and those that answers to queries under way will bring. The day's count stays."""
        self.complained_rate, self.banned_rate, self.was_banned, self.stated_rate = 0.0, None, False, None
        self.rate = self._first_rate
        self.complained_at, self.is_limit, self.usual = 0.0, False, Usual()
        self.complaints = self.meaningless = self.clean_answers = self.asked = 0
        self.limited_until, self.learns_from, self.reason = now, now, ""
        self.updated = min(self.updated, now)

    def fit_limit(self, limit: Limit) -> None:
        """Fit the bucket to the budget of another number of addresses; what was learned holds for each address."""
        part = limit.rate / self.start if self.start > 0 else 0.0
        full, before = self.rate >= self.highest_rate, self.rate
        self.complained_rate *= part
        if self.banned_rate is not None:
            self.banned_rate *= part
        self.start, self.ceiling = limit.rate, limit.highest_rate
        self.burst, self.address_count = max(1.0, float(limit.burst)), limit.address_count
        self.rate = self.highest_rate if full else min(before * part, self.highest_rate)

    def to_saved(self) -> Saved | None:
        """What must be stored for the next start; None where nothing was learned."""
        self.saved_count = self.used_today
        counted = self.used_today if self.per_day is not None else 0
        over = self.limited_until < self.updated
        plain = self.rate == self.start and self.banned_rate is None and self.stated_rate is None
        plain = plain and not self._is_complaint_recent(self.updated)
        if plain and over and not counted:
            return None
        return Saved(
            blocked_until=self.limited_until,
            rate=self.rate,
            reason=self.reason,
            row=self.configuration,
            width=self.address_count,
            brought=self.complained_rate,
            banned=self.banned_rate,
            complaints=self.complaints,
            meaningless=self.meaningless,
            day=self.day,
            used=counted,
            stated=self.stated_rate,
            complained_at=self.complained_at,
            is_limit=self.is_limit,
            loss=self.usual.loss,
            delay=self.usual.delay,
        )

    def restore_saved(self, saved: Saved) -> None:
        """Take over what was learned before a restart.

        Of another configuration only the pause, the ban and what the server stated, not the rate.
        """
        part = self.address_count / saved.width if saved.width else 1.0
        if saved.banned is not None:
            self.banned_rate = saved.banned * part
        self.stated_rate = saved.stated
        known = saved.row in ("", self.configuration)
        self.rate = max(self._lowest_rate, min(saved.rate * part, self.highest_rate)) if known else self._first_rate
        self.complained_rate = saved.brought * part
        self.complained_at, self.is_limit = min(saved.complained_at, self.updated), saved.is_limit
        self.usual = Usual(saved.loss, saved.delay)
        # No pause is longer than a day (`retry_after`): a later end was written by a clock that was ahead.
        self.limited_until, self.reason = min(saved.blocked_until, self.updated + DAY), saved.reason
        self.learns_from = self.limited_until
        self.updated = self.grown_at = max(self.updated, self.limited_until)
        self.complaints, self.meaningless = saved.complaints, saved.meaningless
        self.meaningless_names = ("",) * policy.NAMES if saved.meaningless else ()
        if saved.day == self.day:
            self.used_today = self.saved_count = saved.used

    def _note_quota(self, quota: Quota, now: float) -> None:
        """Learn what the server states. All answers of one call state the same, so to learn it again changes nothing."""
        if quota.rate is not None:
            full = self.rate >= self._first_rate
            self.stated_rate = quota.rate
            self.rate = self.highest_rate if full else min(self.rate, self.highest_rate)
        if quota.wait and (until := now + min(quota.wait, DAY)) > self.limited_until:
            self.reason = f"the next call is due in {until - now:.0f} s, says the server"
            self._pause_until(until)

    def _note_late_answer(self, complaint: Complaint | None, now: float) -> str | None:
        """Learn from the answer to a query that was sent before the last complaint: it can only make the pause longer."""
        if complaint is None or not self.complaints:
            return None
        banned = complaint.kind is Kind.BANNED and not self.was_banned
        if banned:
            self._note_ban()
        if banned or complaint.wait is not None:
            self._back_off(complaint, now, self.complaints - 1)
        return complaint.reason if banned else None

    def _note_complaint(self, complaint: Complaint, now: float) -> str:
        if not self.complaints:
            limits = self._is_complaint_recent(now) or self.rate > self.start
            self.is_limit = limits and self.stated_rate is None
            self.complained_rate, self.complained_at = self.rate, now
        self.rate = max(self._lowest_rate, self.rate * SHRINK)
        if complaint.kind is Kind.BANNED:
            self._note_ban()
        self._back_off(complaint, now, self.complaints)
        self.complaints += 1
        self.meaningless = 0
        return complaint.reason

    def _is_complaint_recent(self, now: float) -> bool:
        """Whether another complaint would show a limit, and no trouble of the moment."""
        return bool(self.complained_at) and now - self.complained_at < LIMIT_SPAN

    def _note_ban(self) -> None:
        """Never try the rate again that brought these complaints."""
        self.was_banned = True
        self.banned_rate = self.complained_rate if self.banned_rate is None else min(self.banned_rate, self.complained_rate)

    def _note_meaningless(self, doubt: Complaint, now: float, name: str) -> str | None:
        if not name or name not in self.meaningless_names:
            self.meaningless_names = (*self.meaningless_names, name)[-policy.NAMES :]
        self.meaningless += 1
        if self.meaningless < policy.SEVERAL or len(self.meaningless_names) < policy.NAMES:
            return None
        if doubt.kind is Kind.THROTTLED:
            return self._note_complaint(doubt, now)
        self._back_off(doubt, now, self.meaningless - policy.SEVERAL)
        return doubt.reason

    def _back_off(self, complaint: Complaint, now: float, before: int) -> None:
        """Begin a pause, after which there is one token at most; `before` counts the complaints in a row before this one."""
        self._pause_until(max(self.limited_until, now + complaint.pause_seconds(before)))
        self.reason, self.clean_answers, self.asked = complaint.reason, 0, 0
        self.learns_from = self.grown_at = self.limited_until

    def _pause_until(self, until: float) -> None:
        """Send nothing before `until`; what came in by then is one token at most, and not a burst."""
        self.tokens = min(1.0, self.tokens + (until - self.updated) * self.rate)
        self.limited_until = self.updated = until

    def _note_clean_answer(self, now: float, sent: float) -> None:
        self.complaints = self.meaningless = 0
        self.meaningless_names, self.was_banned = (), False
        if sent < self.grown_at:  # at a lower rate: it proves nothing of this one
            return
        self.clean_answers += 1
        growth, most = self._next_growth()
        since = now - self.grown_at
        steps = int(since // growth.most) or int(self.clean_answers >= growth.answers and since >= growth.least)
        if not steps:
            return
        if self.rate < self._first_rate or growth == QUICK or self.asked >= USED * self.rate * since:
            leap = LEAP if self.rate < self._first_rate else growth.factor
            self.rate = min(most, self.rate * min(leap, growth.factor ** min(steps, 10)))
            if self.rate > self.complained_rate * REFUTED:
                self.complained_rate = 0.0
        elif since < growth.most:
            return
        self.clean_answers, self.asked, self.grown_at = 0, 0, now

    def _next_growth(self) -> tuple[Growth, float]:
        """How the rate grows from here, and how far."""
        first, highest = self._first_rate, self.highest_rate
        half = min(highest, self.complained_rate * SHRINK)
        if self.rate < half:
            return QUICK, half
        if self.is_limit and self.complained_rate:
            return WARY, highest
        return (SLOW, first) if self.rate < first else (CLIMB, highest)
