"""What is known of one operator, asked from one egress: its tokens, the pace it takes, and for how long it is left alone.

The pace is halved by a complaint and grows back with clean answers: quickly to half of the pace that brought the complaint,
slowly from there, never above what is configured, and never again to a pace that brought a ban. An answer teaches something
only if its question left since the operator may be asked: all refusals of what was under way at a complaint belong to it.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from common.core.model.evidence import Observation
from common.core.model.limit import Limit
from common.core.rate_limits import policy
from common.core.rate_limits.policy import Complaint, Kind
from common.core.rate_limits.saved import Saved

DAY = 86_400.0
#: Slowest that a complaint ever makes a bucket: one question in ten minutes.
FLOOR = 1 / 600
#: What is left of a pace after a complaint.
SHRINK = 0.5


class Growth(NamedTuple):
    """A pace grows by `factor` after so many clean answers, no sooner than `least` seconds; after `most` seconds by fewer."""

    factor: float
    answers: int
    least: float
    most: float


QUICK, SLOW = Growth(2.0, 10, 10.0, 60.0), Growth(1.1, 50, 30.0, 300.0)
#: Most that one answer lets a pace grow by, however long ago the last one was.
LEAP = 2.0


class Bucket(Struct):
    """One operator seen from one egress. Rates are questions a second, times epoch seconds.

    `ceiling` is what is configured, `brought` the pace that brought the last complaints, `banned` the slowest that brought a
    ban. `row` tells one configuration from another.
    """

    operator: str
    egress: str
    ceiling: float
    burst: float
    per_day: int | None
    configuration: str
    address_count: int
    rate: float
    tokens: float
    updated: float
    day: int
    grown_at: float
    limited_until: float = 0.0
    reason: str = ""
    complained_rate: float = 0.0
    banned_rate: float | None = None
    complaints: int = 0  # in a row
    was_banned: bool = False  # whether one of them was a ban
    meaningless: int = 0  # answers in a row
    meaningless_names: tuple[str, ...] = ()  # names that these were about, as many as count
    clean_answers: int = 0  # answers since the pace last changed
    used_today: int = 0
    saved_count: int = 0  # how much of `used_today` is saved

    @property
    def highest_rate(self) -> float:
        """The highest pace that may be tried."""
        return (
            self.ceiling if self.banned_rate is None else max(self._lowest_rate, min(self.ceiling, self.banned_rate * SHRINK))
        )

    @property
    def _lowest_rate(self) -> float:
        return min(FLOOR, self.ceiling)

    def add_tokens(self, now: float) -> None:
        """Add the tokens that came since; begin the day's count anew after midnight (UTC)."""
        if now > self.updated:
            self.tokens = min(self.burst, self.tokens + (now - self.updated) * self.rate)
            self.updated = now
        day = int(now // DAY)
        if day != self.day:
            self.day, self.used_today, self.saved_count = day, 0, 0

    def ready_at(self, count: float, now: float) -> float:
        """When so many tokens are there, in epoch seconds; of more than a burst, when the burst is."""
        short = min(count, self.burst) - self.tokens
        return now if short <= 0 else max(now, self.updated) + short / self.rate

    def note_answer(self, observation: Observation, now: float, sent: float, name: str = "") -> str | None:
        """Learn from the answer to a question about `name` that left at `sent`.

        Returns a sentence where the operator is now left alone.
        """
        complaint = policy.complaint_of(observation)
        if sent < self.limited_until:
            return self._note_late_answer(complaint, now)
        if complaint is not None:
            return self._note_complaint(complaint, now)
        if policy.is_understood(observation):
            self._note_clean_answer(now)
            return None
        doubt = policy.possible_complaint_of(observation)
        return self._note_meaningless(doubt, now, name) if doubt is not None else None

    def reset_learned(self, now: float) -> None:
        """Forget all complaints, and what answers to questions on their way will say. The day's count stays."""
        self.rate, self.complained_rate, self.banned_rate, self.was_banned = self.ceiling, 0.0, None, False
        self.complaints = self.meaningless = self.clean_answers = 0
        self.limited_until, self.reason = now, ""
        self.updated = min(self.updated, now)

    def fit_limit(self, limit: Limit) -> None:
        """Take over the budget of as many addresses as the suffix turned out to have; what was learned holds for each."""
        part = limit.rate / self.ceiling if self.ceiling > 0 else 0.0
        self.rate = self.rate * part if self.rate < self.ceiling else limit.rate
        self.complained_rate *= part
        if self.banned_rate is not None:
            self.banned_rate *= part
        self.ceiling, self.burst, self.address_count = limit.rate, max(1.0, float(limit.burst)), limit.address_count

    def to_saved(self) -> Saved | None:
        """What must survive a restart; None where nothing was learned."""
        self.saved_count = self.used_today
        counted = self.used_today if self.per_day is not None else 0
        over = self.limited_until < self.updated
        if self.rate >= self.ceiling and over and self.banned_rate is None and not counted:
            return None
        return Saved(
            self.limited_until, self.rate, self.reason, self.configuration, self.address_count, self.complained_rate, self.banned_rate,
            self.complaints, self.meaningless, self.day, counted,
        )  # fmt: skip

    def restore_saved(self, saved: Saved) -> None:
        """Take over what an earlier run learned. A pace learned under another configuration counts for nothing, a ban does."""
        part = self.address_count / saved.width if saved.width else 1.0
        if saved.banned is not None:
            self.banned_rate = saved.banned * part
        if saved.row in ("", self.configuration):
            self.rate = saved.rate * part
        self.complained_rate = saved.brought * part
        self.rate = max(self._lowest_rate, min(self.rate, self.highest_rate))
        # No operator asks for more than a day (`retry_after`): what is later was said by a clock that was ahead.
        self.limited_until, self.reason = min(saved.blocked_until, self.updated + DAY), saved.reason
        self.updated = self.grown_at = max(self.updated, self.limited_until)
        self.complaints, self.meaningless = saved.complaints, saved.meaningless
        self.meaningless_names = ("",) * policy.NAMES if saved.meaningless else ()
        if saved.day == self.day:
            self.used_today = self.saved_count = saved.used

    def _note_late_answer(self, complaint: Complaint | None, now: float) -> str | None:
        """The answer to a question that left before the last complaint: only the pause may become longer by it."""
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
            self.complained_rate = self.rate
        self.rate = max(self._lowest_rate, self.rate * SHRINK)
        if complaint.kind is Kind.BANNED:
            self._note_ban()
        self._back_off(complaint, now, self.complaints)
        self.complaints += 1
        self.meaningless = 0
        return complaint.reason

    def _note_ban(self) -> None:
        """Never try the pace again that brought these complaints."""
        self.was_banned = True
        self.banned_rate = self.complained_rate if self.banned_rate is None else min(self.banned_rate, self.complained_rate)

    def _note_meaningless(self, doubt: Complaint, now: float, name: str) -> str | None:
        if not name or name not in self.meaningless_names:
            self.meaningless_names = (*self.meaningless_names, name)[-policy.NAMES :]
        self.meaningless += 1
        if self.meaningless < policy.SEVERAL or len(self.meaningless_names) < policy.NAMES:
            return None
        self._back_off(doubt, now, self.meaningless - policy.SEVERAL)
        return doubt.reason

    def _back_off(self, complaint: Complaint, now: float, before: int) -> None:
        """Ask nothing for a while, and begin again with one token at most."""
        self.limited_until = max(self.limited_until, now + complaint.pause_seconds(before))
        self.reason = complaint.reason
        self.tokens, self.clean_answers = min(1.0, self.tokens + (self.limited_until - self.updated) * self.rate), 0
        self.updated = self.grown_at = self.limited_until

    def _note_clean_answer(self, now: float) -> None:
        self.complaints = self.meaningless = 0
        self.meaningless_names, self.was_banned = (), False
        self.clean_answers += 1
        half = min(self.highest_rate, self.complained_rate * SHRINK)
        growth, most = (QUICK, half) if self.rate < half else (SLOW, self.highest_rate)
        since = now - self.grown_at
        steps = int(since // growth.most) or int(self.clean_answers >= growth.answers and since >= growth.least)
        if steps:
            self.rate = min(most, self.rate * min(LEAP, growth.factor ** min(steps, 10)))
            self.clean_answers, self.grown_at = 0, now
