"""How a pace climbs above the one that it starts with: towards the ceiling while it is used, and with few complaints."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import CLIMB, DEEP, LIMIT_SPAN, REFUTED, USED, WARY
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.registries.operators import limit_for
from tests.core.rate_limits.answers import NOW, bucket_of, hear
from tests.core.rate_limits.test_restarts import restarted

ADDRESSES = 26
COM = limit_for("dns", "com", {}).multiply(ADDRESSES)
#: The same with so large a burst that a sweep in ten seconds uses the whole pace.
COARSE, STEP = replace(COM, burst=20 * COM.highest_rate), 10.0
ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))
REFUSED = Observation("dns", unknown_reading("dns_refused", "26 of 130 questions refused"), refused=True)
BAN = Observation("dns", Reading(Outcome.THROTTLED, "dns_refused", "your address is blocked"))
SMALL = Limit("rdap/small", 0.5, 2, None, ceiling=2.0)


class NameServers:
    """Name servers that welcome so many queries a second at each address, and refuse sweeps that go beyond that."""

    def __init__(self, welcome: float, budgets: Budgets | None = None, limit: Limit = COM) -> None:
        self.budgets = budgets or Budgets()
        self.welcome, self.limit = welcome * ADDRESSES, limit
        self.asked, self.complaints, self.last = 0, list[float](), NOW

    def run_until(self, end: float, step: float, names: float = float("inf")) -> float:
        """Sweep at every step with all tokens that there are, until the end or until so many names were asked; when that is."""
        now = self.last
        while now < end and self.asked < names:
            now += step
            count = self.budgets.available_tokens(self.limit, "a", now)
            if count < 1:
                continue
            self.budgets.take_tokens(self.limit, "a", count, now)
            self.asked += count
            over = count > self.welcome * (now - self.last) + 1
            self.last = now
            if hear(self.budgets, REFUSED if over else ANSWERED, now, now, self.limit) is not None:
                self.complaints.append(now)
        return now


def rate_of(budgets: Budgets, limit: Limit = COM, now: float = NOW) -> float:
    """The learned rate, for one address."""
    return budgets.learned_rate(limit, "a", now) / limit.address_count


def test_a_first_look_at_a_million_names_takes_under_forty_minutes_where_name_servers_welcome_it() -> None:
    """The pace of com begins at two a second and address, and is at its ceiling within twenty minutes."""
    servers = NameServers(50.0)
    assert rate_of(servers.budgets) == 2.0
    done = servers.run_until(NOW + DAY, 0.5, names=1_000_000)

    assert done - NOW < 40 * 60
    assert servers.complaints == []
    assert rate_of(servers.budgets, now=done) == 50.0
    young = NameServers(50.0)
    young.run_until(NOW + 1200.0, 0.5)
    assert rate_of(young.budgets, now=NOW + 1200.0) == 50.0


@pytest.mark.parametrize("welcome", [2.1, 3.0, 7.0, 20.0])
def test_a_limit_above_the_start_is_complained_of_once_a_day_at_most(welcome: float) -> None:
    """For ten days of names without end; most of what is welcome is used all the same."""
    servers = NameServers(welcome, limit=COARSE)
    servers.run_until(NOW + 10 * DAY, STEP)

    assert 2 <= len(servers.complaints) <= 10
    assert all(later - earlier >= DAY for earlier, later in pairwise(servers.complaints))
    assert servers.asked > 0.6 * servers.welcome * 10 * DAY


def test_a_limit_below_the_start_is_complained_of_twice_on_the_first_day_and_then_once_at_most() -> None:
    """The first complaint may be trouble of the moment: the pace is back soon. The second shows a limit."""
    servers = NameServers(1.0, limit=COARSE)
    servers.run_until(NOW + 10 * DAY, STEP)
    first = [at for at in servers.complaints if at < NOW + DAY]

    assert len(first) == 2
    assert all(later - earlier >= DAY for earlier, later in pairwise(servers.complaints[1:]))
    assert rate_of(servers.budgets, COARSE, servers.last) >= 0.5


def test_a_complaint_a_week_after_another_may_be_trouble_of_the_moment() -> None:
    """The pace is back where it began within the hour."""
    for span, is_limit in ((LIMIT_SPAN - 1, True), (LIMIT_SPAN, False)):
        budgets = Budgets()
        hear(budgets, REFUSED, NOW, NOW, COM)
        hear(budgets, ANSWERED, NOW + 61, NOW + 61, COM)
        hear(budgets, REFUSED, NOW + span, NOW + span, COM)
        assert bucket_of(budgets, COM, NOW + span).is_limit is is_limit


def test_a_limit_that_was_raised_is_found_within_days() -> None:
    """Once the pace is above the one that brought the last complaint, it climbs as before."""
    servers = NameServers(3.0, limit=COARSE)
    servers.run_until(NOW + DAY, STEP)
    servers.welcome = 50.0 * ADDRESSES
    servers.run_until(NOW + 6 * DAY, STEP)

    assert len(servers.complaints) == 1
    assert rate_of(servers.budgets, COARSE, servers.last) == 50.0
    assert bucket_of(servers.budgets, COARSE, servers.last).complained_rate == 0.0


def test_a_pace_that_is_not_used_does_not_climb() -> None:
    """Ten sweeps a minute of a fraction of what is allowed show nothing of more; half of it does."""
    for share, climbs in ((USED - 0.05, False), (USED + 0.05, True)):
        budgets, now = Budgets(), NOW
        for _ in range(60):
            now += 1.5
            budgets.take_tokens(COM, "a", int(share * 1.5 * budgets.learned_rate(COM, "a", now)), now)
            hear(budgets, ANSWERED, now, now, COM)
        assert (rate_of(budgets, now=now) > 2.0) is climbs


def test_use_after_a_quiet_hour_counts_from_its_own_beginning() -> None:
    """A minute without use begins anew, so that the first look at a new list is not held back by an idle night."""
    servers = NameServers(50.0)
    bucket_of(servers.budgets, COM)
    for quiet in range(60):
        hear(servers.budgets, ANSWERED, NOW + 60 * quiet, NOW + 60 * quiet, COM)
    servers.last = NOW + 3600.0
    servers.run_until(NOW + 4900.0, 0.5)

    assert rate_of(servers.budgets, now=NOW + 4900.0) == 50.0


def test_a_pace_grows_by_a_quarter_at_a_time_and_at_most_every_75_seconds() -> None:
    """From half a query a second to its ceiling in seven steps."""
    budgets, now, seen, steps = Budgets(), NOW, [0.5], [NOW]
    while now < NOW + 900:
        now = budgets.next_at(SMALL, "a", now)
        if budgets.take_token(SMALL, "a", now):
            hear(budgets, ANSWERED, now, now, SMALL)
        if rate_of(budgets, SMALL, now) != seen[-1]:
            seen.append(rate_of(budgets, SMALL, now))
            steps.append(now)
        now += 1e-6

    assert seen == [*(0.5 * 1.25**step for step in range(7)), 2.0]
    assert all(75.0 <= later - earlier < 80.0 for earlier, later in pairwise(steps))
    assert (CLIMB, WARY, REFUTED) == ((1.25, 10, 75.0, 150.0), (1.05, 50, 14_400.0, 14_400.0), 1.1)
    assert (USED, LIMIT_SPAN, DEEP) == (0.5, 7 * DAY, 1.5)


def test_an_answer_to_what_was_asked_at_a_lower_pace_is_no_reason_to_climb() -> None:
    """It ends a row of complaints all the same."""
    budgets = Budgets()
    bucket = bucket_of(budgets, SMALL)
    bucket.complaints, later = 1, NOW + CLIMB.most
    budgets.take_tokens(SMALL, "a", 60, later)
    for _ in range(CLIMB.answers):
        hear(budgets, ANSWERED, later, NOW - 0.1, SMALL)
    assert (bucket.rate, bucket.clean_answers, bucket.complaints) == (0.5, 0, 0)
    hear(budgets, ANSWERED, later, NOW, SMALL)

    assert bucket.rate == 0.5 * CLIMB.factor


def test_a_pace_climbs_a_single_step_however_long_its_answers_took() -> None:
    """Half of a pace that is refused is the one before it, or nearly."""
    budgets, later = Budgets(), NOW + 10 * CLIMB.most
    bucket = bucket_of(budgets, SMALL)
    budgets.take_tokens(SMALL, "a", int(later - NOW), later)
    hear(budgets, ANSWERED, later, NOW, SMALL)

    assert bucket.rate == 0.5 * CLIMB.factor


def test_a_restart_keeps_the_pace_and_what_was_complained_of() -> None:
    """For each egress by itself; of a row that changed only the pace that it starts with."""
    servers = NameServers(20.0)
    servers.run_until(NOW + 3600.0, 1.0)
    rate = rate_of(servers.budgets, now=NOW + 3600.0)
    before, after = (bucket_of(some, COM, NOW + 3600.0) for some in (servers.budgets, restarted(servers.budgets)))

    assert 2.0 < rate == rate_of(restarted(servers.budgets), now=NOW + 3600.0) < 20.0
    assert before.complained_rate == after.complained_rate > 20.0
    assert before.complained_at == after.complained_at == servers.complaints[0]
    assert restarted(servers.budgets).learned_rate(COM, "b", NOW) == COM.rate
    assert restarted(servers.budgets).learned_rate(replace(COM, ceiling=COM.rate * 3), "a", NOW) == COM.rate


def test_a_restart_knows_a_limit_and_what_is_usual_again() -> None:
    """A complaint after it is the second one."""
    budgets = Budgets()
    bucket = bucket_of(budgets, COM)
    bucket.rate, bucket.is_limit, bucket.complained_at = 99.0, True, NOW - 60
    bucket.usual.loss, bucket.usual.delay = 0.02, 40.0
    again = bucket_of(restarted(budgets), COM)

    assert (again.is_limit, again.complained_at, again.usual) == (True, NOW - 60, bucket.usual)


def test_a_pace_that_brought_a_ban_stays_out_of_reach() -> None:
    """Half of it is the most, however long it is used without a complaint."""
    servers = NameServers(50.0, limit=COARSE)
    servers.run_until(NOW + 1200.0, STEP)
    banned = rate_of(servers.budgets, COARSE, servers.last)
    hear(servers.budgets, BAN, servers.last, servers.last, COARSE)
    servers.run_until(NOW + 5 * DAY, STEP)

    assert banned > 10.0
    assert rate_of(servers.budgets, COARSE, servers.last) == pytest.approx(banned / 2)


def test_what_is_configured_is_where_a_pace_begins_and_ends() -> None:
    """Unless the row has a ceiling of its own."""
    fixed = NameServers(50.0, limit=replace(COM, ceiling=None, configured=True))
    fixed.run_until(NOW + 600.0, 1.0)
    assert fixed.budgets.learned_rate(fixed.limit, "a", NOW + 600.0) == COM.rate

    row = NameServers(50.0, limit=replace(COM, ceiling=COM.rate * 2, configured=True))
    row.run_until(NOW + 600.0, 1.0)
    assert row.budgets.learned_rate(row.limit, "a", NOW + 600.0) == COM.rate * 2


def test_a_reset_goes_back_to_the_start() -> None:
    """And forgets complaints, and what is usual."""
    servers = NameServers(20.0)
    servers.run_until(NOW + 3600.0, 1.0)
    assert servers.budgets.reset_operator(COM.operator, NOW + 3600.0)
    bucket = bucket_of(servers.budgets, COM, NOW + 3600.0)

    assert (bucket.rate, bucket.complained_at, bucket.is_limit, bucket.asked) == (COM.rate, 0.0, False, 0)


def test_a_burst_grows_with_a_pace_that_climbed() -> None:
    """A fast operator's sweeps are not held back by the burst that fits its first pace; that one stays as configured."""
    budgets = Budgets()
    assert budgets.deepest(COM, "a", NOW) == COM.burst == 130
    bucket_of(budgets, COM).rate = 1300.0
    assert budgets.deepest(COM, "a", NOW) == DEEP * 1300.0
    assert budgets.available_tokens(COM, "a", NOW + 10) == 1950
    assert budgets.next_at(COM, "a", NOW + 10, count=5000) == NOW + 10
    budgets.take_tokens(COM, "a", 1950, NOW + 10)
    budgets.return_tokens(COM, "a", NOW + 10, 3000)
    assert budgets.available_tokens(COM, "a", NOW + 10) == 1950
    assert budgets.deepest(Limit("rdap/one", 4.0, 1), "a", NOW) == 1


def test_a_changed_number_of_addresses_moves_start_and_ceiling() -> None:
    """What was learned holds for each address."""
    servers = NameServers(50.0)
    servers.run_until(NOW + 120.0, 0.5)
    rate, fewer = rate_of(servers.budgets, now=servers.last), limit_for("dns", "com", {}).multiply(13)
    bucket = bucket_of(servers.budgets, fewer, servers.last)

    assert (bucket.start, bucket.ceiling, bucket.rate) == (26.0, 650.0, pytest.approx(rate * 13))


def test_the_status_shows_where_a_pace_began_and_what_was_complained_of_last() -> None:
    """Also after the operator has answered again."""
    servers = NameServers(20.0)
    servers.run_until(NOW + 3600.0, 1.0)
    (row,) = servers.budgets.snapshot(NOW + 3600.0)

    assert (row["start"], row["ceiling"], row["complaint"]) == (52.0, 1300.0, "")
    assert row["last_complaint"] == "connection refused: 26 of 130 questions refused"
    assert row["complained_at"] == servers.complaints[0]
    assert row["complained_rate"] == pytest.approx(bucket_of(servers.budgets, COM, NOW + 3600.0).complained_rate, abs=1e-4)
