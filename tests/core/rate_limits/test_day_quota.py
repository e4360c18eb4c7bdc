"""A day's quota: what can wait leaves some of it to what cannot, and spreads its own share over the day."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.rate_limits.budgets import DAY, POLLS, ROUTINE, WHOLE, Budgets, Plan

MIDNIGHT = 20_718 * DAY
NOON = MIDNIGHT + DAY / 2
DAILY = Limit("whois/daily", 1.0, 1, 500)
THROTTLED = Observation("whois", Reading(Outcome.THROTTLED, "whois_throttled", "slow down", retry_after=60.0))


def use(budgets: Budgets, count: int, now: float, limit: Limit = DAILY) -> Budgets:
    """So many of the day's queries were asked a moment ago."""
    budgets.take_tokens(limit, "a", count, now - 600)
    return budgets


def taken(plan: Plan, seconds: float, limit: Limit = DAILY, begin: float = MIDNIGHT) -> int:
    """How many queries of a plan are let through by greedy asking, every twenty seconds from then on."""
    budgets = Budgets()
    return sum(budgets.take_token(limit, "a", begin + second, plan) for second in range(0, int(seconds), 20))


@pytest.mark.parametrize(("plan", "most"), [(WHOLE, 500), (POLLS, 375), (ROUTINE, 250)])
def test_routine_stops_at_half_of_a_day_and_polls_at_three_quarters(plan: Plan, most: int) -> None:
    """So confirmations always find a quarter of it."""
    assert taken(plan, DAY - 60) == most


@pytest.mark.parametrize(("plan", "used", "there"), [(ROUTINE, 249, True), (ROUTINE, 250, False), (POLLS, 375, False)])
def test_what_others_used_counts(plan: Plan, used: int, there: bool) -> None:
    """By any rank: routine and polls leave what they have to leave."""
    assert use(Budgets(), used, MIDNIGHT + DAY - 60).take_token(DAILY, "a", MIDNIGHT + DAY - 60, plan) is there


def test_routine_is_spread_over_the_day() -> None:
    """Six hours bring a quarter of its share, and what an hour brings ahead; polls wait for nothing."""
    assert taken(ROUTINE, 6 * 3600) == 250 * 7 // 24
    assert taken(POLLS, 6 * 3600) == 375


@pytest.mark.parametrize("per_day", [1, 2, 3])
def test_the_smallest_quota_is_of_use_to_every_plan(per_day: int) -> None:
    """A share of one query is one query, from the beginning of the day."""
    few = Limit("whois/few", 1.0, 1, per_day)

    assert Budgets().next_at(few, "a", MIDNIGHT, plan=ROUTINE) == MIDNIGHT
    assert taken(ROUTINE, 60, few) == 1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, int(DAY) - 1), st.sampled_from([WHOLE, POLLS, ROUTINE]))
def test_next_at_is_the_first_moment_at_which_a_query_is_let_through(per_day: int, used: int, at: int, plan: Plan) -> None:
    """Not a second before, and surely then: sleeping until then neither spins nor is late."""
    limit = Limit("whois/any", 1.0, 1, per_day)
    budgets, now = Budgets(), MIDNIGHT + at
    budgets._bucket_now(limit, "a", now).used_today = used
    due = budgets.next_at(limit, "a", now, plan=plan)

    assert due >= now
    assert due == now or not budgets.take_token(limit, "a", max(now, due - 1.0), plan)
    if per_day:
        assert budgets.take_token(limit, "a", due, plan)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(0, 23), st.integers(1, 24), st.sampled_from([WHOLE, POLLS, ROUTINE]))
def test_what_is_left_until_a_moment_is_what_would_be_let_through(per_day: int, hour: int, hours: int, plan: Plan) -> None:
    """Over midnight too."""
    limit, begin = Limit("whois/any", 1.0, 1, per_day), MIDNIGHT + hour * 3600 + 1800
    left = Budgets().quota_left(limit, "a", begin, begin + hours * 3600, plan)

    assert taken(plan, hours * 3600 + 20, limit, begin) == left


def test_a_sweep_waits_for_no_more_than_is_left_of_the_day() -> None:
    """All of it where nothing is: that is there at midnight."""
    budgets = Budgets()
    assert [budgets.within_quota(DAILY, "a", count, NOON) for count in (20, 500, 900)] == [20, 500, 500]
    use(budgets, 499, NOON)
    assert budgets.within_quota(DAILY, "a", 20, NOON) == 1
    use(budgets, 1, NOON)
    assert budgets.within_quota(DAILY, "a", 20, NOON) == 20
    assert budgets.available_tokens(DAILY, "a", NOON) == 0
    assert budgets.within_quota(Limit("rdap/free", 1.0, 1), "a", 900, NOON) == 900


def test_only_the_token_of_a_query_that_was_never_sent_is_returned() -> None:
    """With its token."""
    budgets = Budgets()
    assert budgets.take_token(DAILY, "a", NOON)
    budgets.return_tokens(DAILY, "a", NOON)

    assert budgets.available_tokens(DAILY, "a", NOON) == 1
    assert budgets.quota_left(DAILY, "a", NOON, NOON) == 500
    budgets.return_tokens(DAILY, "a", NOON)
    assert budgets.quota_left(DAILY, "a", NOON, NOON) == 500


def test_without_a_quota_nothing_is_held_back() -> None:
    """Only where a day is counted there is something to plan."""
    limit = Limit("rdap/free", 1.0, 1)

    assert Budgets().quota_left(limit, "a", NOON, NOON) == float("inf")
    assert taken(ROUTINE, 20_000, limit) == 1000


def test_the_pace_is_the_rate_learned() -> None:
    """Complaints halve it."""
    budgets = Budgets()
    assert budgets.current_pace(DAILY, "a", NOON) == 1.0
    budgets.note_answer(DAILY, "a", THROTTLED, NOON)

    assert budgets.current_pace(DAILY, "a", NOON + 61) == budgets.learned_rate(DAILY, "a", NOON + 61) == 0.5


def test_the_pace_is_zero_where_no_query_may_be_sent() -> None:
    """While the operator limits us, when it is switched off, when the daily quota is used up."""
    limited, used = Budgets(), use(Budgets(), 500, NOON)
    limited.note_answer(DAILY, "a", THROTTLED, NOON)

    assert limited.current_pace(DAILY, "a", NOON + 59) == 0.0
    assert limited.learned_rate(DAILY, "a", NOON + 59) == 0.5
    assert Budgets().current_pace(Limit("whois/off", 0.0, 0), "a", NOON) == 0.0
    assert used.current_pace(DAILY, "a", NOON) == 0.0
    assert used.current_pace(DAILY, "a", NOON + DAY) == 1.0


@pytest.mark.parametrize(
    ("plan", "used", "hours", "left"),
    [
        (WHOLE, 100, 11.0, 400),
        (WHOLE, 100, 12.0, 400 + 500),  # at midnight the next day has begun
        (WHOLE, 600, 11.0, 0),
        (POLLS, 600, 13.0, 375),
        (ROUTINE, 300, 11.0, 0),
    ],
)
def test_what_is_left_is_never_negative(plan: Plan, used: int, hours: float, left: int) -> None:
    """Where other queries used up more than a plan allows, nothing is left of this day, and all of the next."""
    budgets = use(Budgets(), used, NOON)

    assert budgets.quota_left(DAILY, "a", NOON, NOON + hours * 3600, plan) == left


def test_the_last_query_of_a_day_waits_for_nothing() -> None:
    """It may be sent, so the operator has a pace."""
    budgets = use(Budgets(), 499, NOON)

    assert budgets.next_at(DAILY, "a", NOON) == NOON
    assert budgets.current_pace(DAILY, "a", NOON) == 1.0
    assert budgets.next_at(DAILY, "a", NOON, count=2) == MIDNIGHT + DAY


def test_the_pace_is_there_at_the_end_of_a_pause() -> None:
    """To the tick."""
    budgets = Budgets()
    budgets.note_answer(DAILY, "a", THROTTLED, NOON)

    assert [budgets.current_pace(DAILY, "a", NOON + 60 + tick) for tick in (-0.001, 0.0)] == [0.0, 0.5]


def test_of_several_queries_only_the_token_of_the_one_that_was_not_sent_is_returned() -> None:
    """The others stay counted."""
    budgets = use(Budgets(), 7, NOON)
    budgets.return_tokens(DAILY, "a", NOON)

    assert budgets.quota_left(DAILY, "a", NOON, NOON) == 494


def test_no_query_is_nothing_to_save() -> None:
    """Though of a small quota each one is."""
    budgets, few = Budgets(), Limit("whois/few", 1.0, 1, 60)
    budgets.take_tokens(few, "a", 0, NOON)
    assert not budgets.changed

    budgets.take_tokens(few, "a", 1, NOON)
    assert budgets.changed
