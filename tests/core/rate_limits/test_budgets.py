"""A registry's budget holds whatever happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import FLOOR
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import decode_saved, encode_saved

NOW = 1_790_000_000.0
LIMIT = Limit("rdap/example", 2.0, 4, None)


def throttled(retry_after: float | None = None) -> Observation:
    """A 429."""
    return Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "slow down", retry_after=retry_after), status=429)


CLEAN = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 20)), max_size=60))
def test_no_window_ever_holds_more_than_rate_times_time_plus_burst(steps: list[tuple[float, int]]) -> None:
    """However greedily it is asked, over any span the bucket gives at most rate * span + burst."""
    budgets, now, taken = Budgets(), NOW, []
    for wait, tries in steps:
        now += wait
        taken += [now for _ in range(tries) if budgets.take_token(LIMIT, "default", now)]

    for index, first in enumerate(taken):
        for count, last in enumerate(taken[index:], 1):
            assert count <= LIMIT.rate * (last - first) + LIMIT.burst + 1e-6


def test_whether_a_query_is_allowed_is_told_without_taking_its_token() -> None:
    """And not while there is none, within a pause, or where the plan leaves nothing of the day."""
    budgets, spent = Budgets(), Limit("rdap/spent", 2.0, 4, 1)

    assert budgets.allows_query(LIMIT, "a", NOW)
    assert budgets.take_token(LIMIT, "a", NOW)
    assert not budgets.allows_query(LIMIT, "a", NOW)
    assert budgets.take_token(spent, "a", NOW)
    assert not budgets.allows_query(spent, "a", NOW + 10.0)
    budgets.note_answer(LIMIT, "a", throttled(retry_after=7), NOW)
    assert [budgets.allows_query(LIMIT, "a", NOW + wait) for wait in (6.9, 7.1)] == [False, True]


def test_two_egresses_have_two_buckets_and_two_workers_of_one_egress_share() -> None:
    """The budget belongs to (operator, egress), not to a worker."""
    budgets = Budgets()

    assert budgets.take_token(LIMIT, "a", NOW)
    assert not budgets.take_token(LIMIT, "a", NOW)
    assert budgets.take_token(LIMIT, "b", NOW)


def test_a_complaint_halves_the_rate_and_begins_the_pause_that_it_names() -> None:
    """429 with Retry-After is obeyed to the second."""
    budgets = Budgets()
    budgets.take_token(LIMIT, "a", NOW)
    reason = budgets.note_answer(LIMIT, "a", throttled(retry_after=7), NOW)

    assert reason is not None
    assert not budgets.take_token(LIMIT, "a", NOW + 6.9)
    assert budgets.take_token(LIMIT, "a", NOW + 7.1)
    assert budgets.snapshot(NOW)[0]["rate"] == 1.0


def test_complaints_in_a_row_wait_longer_and_never_stop_for_ever() -> None:
    """Pauses grow to an hour, the rate falls to one in ten minutes and no further."""
    budgets, now, pauses = Budgets(), NOW, []
    for _ in range(30):
        budgets.note_answer(LIMIT, "a", throttled(), now)
        pauses.append(budgets.limited_until(LIMIT, "a", now) - now)
        now += pauses[-1]

    assert pauses[:3] == [60.0, 120.0, 240.0]
    assert max(pauses) == 3600.0
    assert budgets.snapshot(now)[0]["rate"] == round(FLOOR, 4)


def test_clean_answers_grow_the_rate_back_and_not_beyond_the_limit() -> None:
    """Fifty clean answers give a tenth back."""
    budgets = Budgets()
    budgets.note_answer(LIMIT, "a", throttled(), NOW)
    for second in range(50):
        budgets.note_answer(LIMIT, "a", CLEAN, NOW + 61 + second)
    assert budgets.snapshot(NOW)[0]["rate"] == 1.1
    for second in range(2000):
        budgets.note_answer(LIMIT, "a", CLEAN, NOW + 200 + second)

    assert budgets.snapshot(NOW)[0]["rate"] == 2.0


def test_an_error_of_ours_is_no_complaint() -> None:
    """A timeout neither shrinks nor grows anything."""
    budgets = Budgets()

    assert budgets.note_answer(LIMIT, "a", Observation("rdap", unknown_reading("rdap_timeout", "late")), NOW) is None


def test_403_waits_a_quarter_of_an_hour() -> None:
    """A ban is not argued with."""
    budgets = Budgets()
    banned = Observation("rdap", unknown_reading("rdap_403", "forbidden"), status=403, refused=True)
    budgets.note_answer(LIMIT, "a", banned, NOW)

    assert budgets.limited_until(LIMIT, "a", NOW) == NOW + 900


def test_a_name_server_that_refuses_is_left_alone_for_a_minute() -> None:
    """REFUSED is a refusal, not a ban: its rcode is no HTTP status."""
    budgets = Budgets()
    refused = Observation("dns", unknown_reading("dns_refused", "REFUSED"), status=5, refused=True)
    budgets.note_answer(LIMIT, "a", refused, NOW)

    assert budgets.limited_until(LIMIT, "a", NOW) == NOW + 60


def test_a_daily_quota_is_kept_until_midnight() -> None:
    """What is used up comes back with the next day (UTC)."""
    limit = Limit("whois/example", 100.0, 100, 3)
    budgets = Budgets()
    given_out = sum(budgets.take_token(limit, "a", NOW + second) for second in range(10))

    assert given_out == 3
    assert budgets.next_at(limit, "a", NOW + 10) == (NOW // 86_400 + 1) * 86_400


def test_an_operator_with_a_rate_of_zero_is_never_queried() -> None:
    """Some registries forbid automation: their servers are off."""
    budgets = Budgets()
    off = Limit("whois/off", 0.0, 0, None)

    assert not budgets.take_token(off, "a", NOW)
    assert budgets.next_at(off, "a", NOW) == float("inf")


def test_a_pause_outlives_a_restart() -> None:
    """A crash must not query a registry again that said to wait."""
    budgets = Budgets()
    budgets.note_answer(LIMIT, "a", throttled(retry_after=500), NOW)
    again = Budgets(decode_saved(encode_saved(budgets.take_saved())))

    assert not again.take_token(LIMIT, "a", NOW + 400)
    assert again.take_token(LIMIT, "a", NOW + 501)
    assert Budgets(decode_saved("{broken")).take_token(LIMIT, "a", NOW)


def test_the_status_rounds_what_it_shows() -> None:
    """Paces to four places, tokens to two; tokens as they are by then, and none of a server that is switched off."""
    limit, budgets = Limit("rdap/odd", 1.23456, 4, None), Budgets()
    budgets.learned_rate(limit, "a", NOW)
    budgets.learned_rate(Limit("rdap/off", 0.0, 0), "a", NOW)
    tokens = [[row["tokens"] for row in budgets.snapshot(NOW + wait)] for wait in (-0.5, 0.0, 0.7, 60.0)]
    assert tokens == [[1.0, 0.0], [1.0, 0.0], [1.86, 0.0], [4.0, 0.0]]

    banned = Observation("rdap", unknown_reading("rdap_403", "forbidden"), status=403, refused=True)
    budgets.note_answer(limit, "a", banned, NOW)
    shown = budgets.snapshot(NOW + 900)[0]
    assert (shown["rate"], shown["ceiling"], shown["banned_at"]) == (0.6173, 1.2346, 1.2346)
    assert (shown["blocked_until"], shown["reason"]) == (None, "")


def test_a_complaint_is_shown_until_the_operator_answers_again() -> None:
    """Also when its pause is over: nothing shows yet that it would serve us."""
    limit, budgets = Limit("registrar/gandi", 1.0, 4, None), Budgets()
    refused = Observation("registrar:gandi", unknown_reading("registrar_refused", "key refused"), status=401)
    budgets.note_answer(limit, "a", refused, NOW)
    assert budgets.snapshot(NOW + 1000)[0]["complaint"] == "forbidden: key refused"

    budgets.note_answer(limit, "a", CLEAN, NOW + 1000, NOW + 999)
    assert budgets.snapshot(NOW + 1000)[0]["complaint"] == ""
