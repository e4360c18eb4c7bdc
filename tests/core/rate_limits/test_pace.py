"""How the pace of an operator falls and grows back: bursts, stale answers, bans, and answers that mean nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import FLOOR, LEAP, QUICK, SLOW
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.policy import PAUSES, SEVERAL, Kind
from tests.core.rate_limits.answers import (
    BANNED,
    CLEAN,
    LATE,
    LIMIT,
    NOW,
    ODD,
    REFUSED,
    ask_all,
    bucket_of,
    hear,
    throttled,
)

HOUR = 3600.0
COM = Limit("dns/gtld-servers", 26.0, 52, None, 13)


def complained(answer: Observation, times: int = 1, limit: Limit = LIMIT) -> tuple[Budgets, float]:
    """Budgets after so many complaints in a row, each of a query that left after the last pause, and the end of that."""
    budgets, now = Budgets(), NOW
    for _ in range(times):
        hear(budgets, answer, now, now, limit)
        now = budgets.limited_until(limit, "a", now)
    return budgets, now


# -- bursts and stale answers ----------------------------------------------------------------------------------------------


def test_refusals_of_what_was_under_way_are_one_complaint() -> None:
    """65 queries in flight to .com, all refused within a second: half the pace and the first pause."""
    budgets = Budgets()
    reasons = [hear(budgets, throttled(), NOW + place / 65, NOW - 1, COM) for place in range(65)]

    assert reasons == ["throttled: slow down", *[None] * 64]
    assert budgets.learned_rate(COM, "a", NOW + 1) == 13.0
    assert budgets.limited_until(COM, "a", NOW + 1) == NOW + 60
    assert bucket_of(budgets, COM, NOW + 1).complaints == 1


def test_a_query_that_left_after_the_pause_complains_anew() -> None:
    """Half again, and the second pause."""
    budgets, again = complained(throttled())
    assert hear(budgets, throttled(), again + 5, again) == "throttled: slow down"

    assert budgets.learned_rate(LIMIT, "a", again + 5) == 0.25
    assert budgets.limited_until(LIMIT, "a", again + 5) == again + 5 + 120


def test_a_clean_answer_to_a_query_that_left_before_the_complaint_ends_nothing() -> None:
    """Neither the pause nor the count of complaints, whenever it comes."""
    budgets, again = complained(throttled(), 2)
    before = bucket_of(budgets, now=again)
    hear(budgets, CLEAN, again - 1, NOW - 5)
    hear(budgets, CLEAN, again + 30, again - 1)

    assert (before.complaints, before.clean_answers) == (2, 0)
    assert budgets.limited_until(LIMIT, "a", again) == again
    hear(budgets, CLEAN, again + 31, again)
    assert (before.complaints, before.clean_answers) == (0, 1)


def test_what_comes_in_during_a_pause_is_of_before_it() -> None:
    """Where it is not known when a query left: nothing leaves in a pause."""
    budgets = Budgets()
    for second in range(5):
        hear(budgets, throttled(), NOW + second)

    assert budgets.learned_rate(LIMIT, "a", NOW + 5) == 0.5


def test_a_burst_may_ask_for_a_longer_pause() -> None:
    """A refusal that names a time is obeyed; one that names a shorter one, or none, changes nothing."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    for wait, until in ((None, 60.0), (10.0, 60.0), (300.0, 301.0), (20.0, 301.0)):
        assert hear(budgets, throttled(wait), NOW + 1, NOW - 1) is None
        assert budgets.limited_until(LIMIT, "a", NOW + 1) == NOW + until
    assert budgets.learned_rate(LIMIT, "a", NOW + 1) == 0.5
    assert not budgets.take_token(LIMIT, "a", NOW + 300.9)
    assert budgets.take_token(LIMIT, "a", NOW + 301)


def test_a_ban_in_a_burst_is_a_ban() -> None:
    """Told once, with its pause, and the pace that brought the burst is not tried again."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    assert hear(budgets, BANNED, NOW + 1, NOW - 1) == "forbidden: the server refuses us"
    assert hear(budgets, BANNED, NOW + 2, NOW - 1) is None

    assert budgets.limited_until(LIMIT, "a", NOW + 2) == NOW + 1 + 900
    assert bucket_of(budgets, now=NOW + 2).banned_rate == 1.0
    assert bucket_of(budgets, now=NOW + 2).reason == "forbidden: the server refuses us"
    hear(budgets, CLEAN, NOW + 901, NOW + 901)
    hear(budgets, throttled(), NOW + 902, NOW + 902)
    assert hear(budgets, BANNED, NOW + 903, NOW + 900) is not None


# -- what a pause leaves ---------------------------------------------------------------------------------------------------


def test_a_pause_ends_with_one_token() -> None:
    """However large the burst: the first answer tells whether the next query may follow."""
    budgets = Budgets()
    assert budgets.available_tokens(LIMIT, "a", NOW + 10) == 1
    assert budgets.available_tokens(LIMIT, "a", NOW + 20) == 4
    hear(budgets, throttled(), NOW + 20)

    assert budgets.available_tokens(LIMIT, "a", NOW + 79) == 0
    assert budgets.next_at(LIMIT, "a", NOW + 21) == NOW + 80
    assert budgets.next_at(LIMIT, "a", NOW + 21, count=2) == NOW + 82
    assert [budgets.take_token(LIMIT, "a", NOW + 80) for _ in range(2)] == [True, False]


def test_a_short_pause_brings_no_more_than_its_tokens() -> None:
    """An operator that names a pause of a second is not queried once a second."""
    slow = Limit("whois/slow", 0.01, 1, None)
    budgets = Budgets()
    assert budgets.take_token(slow, "a", NOW)
    hear(budgets, throttled(1.0), NOW, NOW, slow)

    assert not budgets.take_token(slow, "a", NOW + 1)
    assert budgets.next_at(slow, "a", NOW + 1) == pytest.approx(NOW + 1 + (1 - 0.005) / 0.005)


# -- growing back ----------------------------------------------------------------------------------------------------------


def test_after_a_burst_at_one_query_a_second_the_pace_is_back_within_the_hour() -> None:
    """Five complaints in flight are one: a minute's pause, and ten minutes of answers."""
    budgets = Budgets()
    for second in range(5):
        hear(budgets, throttled(), NOW + 5 + second, NOW + second)
    ask_all(budgets, NOW + 10, NOW + HOUR)

    assert budgets.learned_rate(LIMIT, "a", NOW + HOUR) == 1.0


def test_five_complaints_each_after_its_pause_cost_the_pace_for_no_more_than_an_hour_either() -> None:
    """Half an hour of pauses; half of the old pace comes back quickly."""
    budgets, now = complained(throttled(), 5)
    assert (now - NOW, budgets.learned_rate(LIMIT, "a", now)) == (1860.0, 1 / 32)
    ask_all(budgets, now, NOW + HOUR)

    assert budgets.learned_rate(LIMIT, "a", NOW + HOUR) == 1.0


@pytest.mark.parametrize("answer", [throttled(), REFUSED])
@pytest.mark.parametrize("rate", [0.01, 1.0, 26.0, 200.0])
def test_a_day_of_clean_answers_brings_the_pace_back_after_anything_that_was_no_ban(answer: Observation, rate: float) -> None:
    """From the floor too, and where only a query an hour is asked."""
    limit = Limit("rdap/any", rate, 2, None)
    for step in (HOUR, 600.0):
        budgets, now = complained(answer, 30, limit)
        assert budgets.learned_rate(limit, "a", now) == pytest.approx(max(FLOOR, rate / 2**30))
        for place in range(1, 1 + int(DAY / step)):
            hear(budgets, CLEAN, now + place * step, now + place * step, limit)
        assert budgets.learned_rate(limit, "a", now + DAY) == rate


def test_phases_of_complaints_do_not_add_up_for_ever() -> None:
    """Three phases of ten complaints at 200 queries a second: each halves the pace that was tried, and a day heals all."""
    limit = Limit("rdap/fast", 200.0, 400, None)
    budgets, now, before = Budgets(), NOW, 200.0
    for _ in range(3):
        for _ in range(10):
            hear(budgets, throttled(), now, now, limit)
            now = budgets.limited_until(limit, "a", now)
        for second in range(600):
            hear(budgets, CLEAN, now + second, now + second, limit)
        now += 600
        assert before / 2 <= budgets.learned_rate(limit, "a", now) <= before
        before = budgets.learned_rate(limit, "a", now)


def test_half_of_the_old_pace_comes_back_quickly_and_the_rest_slowly() -> None:
    """Doubled after ten answers and no sooner than ten seconds, then a tenth after fifty and no sooner than thirty."""
    budgets, now = complained(throttled(), 3)
    assert budgets.learned_rate(LIMIT, "a", now) == 1 / 8
    seen = []
    for place in range(1, 1 + 300):
        hear(budgets, CLEAN, now + place, now + place)
        seen.append((place, budgets.learned_rate(LIMIT, "a", now + place)))
    steps = [later for earlier, later in pairwise(seen) if later[1] != earlier[1]]

    assert steps[:4] == [(10, 0.25), (20, 0.5), (70, pytest.approx(0.55)), (120, pytest.approx(0.605))]
    assert DAY == 86_400.0
    assert (QUICK, SLOW, LEAP) == ((2.0, 10, 10.0, 60.0), (1.1, 50, 30.0, 300.0), 2.0)


@pytest.mark.parametrize(("complaints", "least", "answers"), [(3, 10.0, 10), (1, 30.0, 50)])
def test_many_answers_at_once_are_no_reason_to_grow_at_once(complaints: int, least: float, answers: int) -> None:
    """A fast operator would be back at the pace that brought the complaint within a second; few answers are none either."""
    budgets, now = complained(throttled(), complaints)
    rate = budgets.learned_rate(LIMIT, "a", now)
    for _ in range(answers - 1):
        hear(budgets, CLEAN, now + least, now + least)
    assert budgets.learned_rate(LIMIT, "a", now) == rate
    budgets, now = complained(throttled(), complaints)
    for _ in range(200):
        hear(budgets, CLEAN, now + least - 0.1, now + least - 0.1)
    assert budgets.learned_rate(LIMIT, "a", now) == rate
    hear(budgets, CLEAN, now + least, now + least)
    assert budgets.learned_rate(LIMIT, "a", now) > rate


def test_time_makes_up_for_answers_but_for_no_leap() -> None:
    """Five minutes for a tenth, ten minutes for two of them, a week for no more than twice the pace."""
    for seconds, factor in ((299.0, 1.0), (300.0, 1.1), (600.0, 1.21), (7 * DAY, LEAP)):
        budgets, now = complained(throttled())
        bucket_of(budgets, now=now).rate = 0.1
        bucket_of(budgets, now=now).complained_rate = 0.2
        hear(budgets, CLEAN, now + seconds, now + seconds)
        assert budgets.learned_rate(LIMIT, "a", now + seconds) == pytest.approx(0.1 * factor)


def test_a_quick_step_ends_at_half_of_the_old_pace() -> None:
    """It does not leap over it, and silence is no clean answer."""
    budgets, now = complained(throttled(), 2)
    bucket_of(budgets, now=now).rate = 0.4
    hear(budgets, LATE, now + 60, now + 60)
    assert budgets.learned_rate(LIMIT, "a", now + 60) == 0.4
    hear(budgets, CLEAN, now + 60, now + 60)

    assert budgets.learned_rate(LIMIT, "a", now + 60) == 0.5


# -- bans ------------------------------------------------------------------------------------------------------------------


def test_a_pace_that_brought_a_ban_is_never_tried_again() -> None:
    """Half of it is the most, for weeks."""
    budgets, now = complained(BANNED)
    ask_all(budgets, now, now + DAY)
    hear(budgets, CLEAN, now + 30 * DAY, now + 30 * DAY)

    assert budgets.learned_rate(LIMIT, "a", now + 30 * DAY) == 0.5


def test_a_second_ban_at_the_lower_pace_lowers_it_again_and_a_third_in_a_row_does_not() -> None:
    """It is the pace that was tried that counts, not the single query after a pause."""
    budgets, now = complained(BANNED, 3)
    assert bucket_of(budgets, now=now).banned_rate == 1.0
    ask_all(budgets, now, now + HOUR)
    assert budgets.learned_rate(LIMIT, "a", now + HOUR) == 0.5
    hear(budgets, BANNED, now + HOUR, now + HOUR)

    assert bucket_of(budgets, now=now + HOUR).banned_rate == 0.5
    assert bucket_of(budgets, now=now + HOUR).highest_rate == 0.25


def test_a_ban_after_a_throttle_bars_the_pace_that_began_it() -> None:
    """And one at a lower pace than another bars the lower."""
    budgets, now = complained(throttled(), 3)
    hear(budgets, BANNED, now, now)
    assert bucket_of(budgets, now=now).banned_rate == 1.0
    bucket_of(budgets, now=now).banned_rate = 0.3
    hear(budgets, BANNED, now + 9000, now + 9000)

    assert bucket_of(budgets, now=now).banned_rate == 0.3


@pytest.mark.parametrize("rate", [1.0, 0.001])
def test_bans_never_stop_an_operator_for_ever(rate: float) -> None:
    """One query in ten minutes is always left, or what is configured where that is less."""
    limit = Limit("rdap/any", rate, 1, None)
    budgets, now = Budgets(), NOW
    for _ in range(40):
        hear(budgets, BANNED, now, now, limit)
        now = budgets.limited_until(limit, "a", now)
        hear(budgets, CLEAN, now, now, limit)

    assert budgets.learned_rate(limit, "a", now) == bucket_of(budgets, limit, now).highest_rate == min(1 / 600, rate)


# -- answers that mean nothing ---------------------------------------------------------------------------------------------


def test_several_answers_in_a_row_that_mean_nothing_are_a_limit_until_shown_otherwise() -> None:
    """Growing pauses; the pace itself was not complained of; the first understood answer ends it."""
    budgets, now, pauses = Budgets(), NOW, []
    assert [hear(budgets, ODD, now, now) for _ in range(SEVERAL - 1)] == [None] * (SEVERAL - 1)
    for _ in range(6):
        assert hear(budgets, ODD, now, now) == "not understood: a page"
        pauses.append(budgets.limited_until(LIMIT, "a", now) - now)
        now += pauses[-1]

    assert pauses == [*PAUSES[Kind.MEANINGLESS], 900.0]
    assert budgets.learned_rate(LIMIT, "a", now) == 1.0
    hear(budgets, CLEAN, now, now)
    assert [hear(budgets, ODD, now, now) for _ in range(SEVERAL - 1)] == [None] * (SEVERAL - 1)


def test_an_unknown_throttle_text_costs_a_handful_of_queries_a_minute() -> None:
    """It was 138 in 58 seconds."""
    limit = Limit("whois/fast", 2.4, 5, None)
    budgets = Budgets()

    assert ask_all(budgets, NOW, NOW + 58, limit, ODD) == SEVERAL
    assert ask_all(budgets, NOW + 58, NOW + HOUR, limit, ODD) <= 7


def test_a_single_odd_answer_is_no_complaint() -> None:
    """Nor are two with an understood one between them; an answer that never came neither counts nor ends it."""
    budgets = Budgets()
    for answer in (ODD, ODD, CLEAN, ODD, LATE, ODD, throttled()):
        hear(budgets, answer, NOW, NOW)

    assert bucket_of(budgets).meaningless == 0
    assert bucket_of(budgets).complaints == 1


def test_odd_answers_under_way_when_it_is_a_limit_make_it_no_longer() -> None:
    """Ten in flight: one of them is the limit, and the others are of before it."""
    budgets = Budgets()
    for place in range(10):
        hear(budgets, ODD, NOW + place / 10, NOW - 1)
    hear(budgets, throttled(), NOW + 2, NOW - 1)

    assert budgets.limited_until(LIMIT, "a", NOW + 2) == NOW + (SEVERAL - 1) / 10 + 60
    assert bucket_of(budgets, now=NOW + 2).meaningless == SEVERAL
    assert bucket_of(budgets, now=NOW + 2).complaints == 0


def test_one_name_that_is_answered_oddly_limits_nothing() -> None:
    """Its drop may hide behind that, and those of all others under this operator."""
    budgets = Budgets()
    for _ in range(3 * SEVERAL):
        assert budgets.note_answer(LIMIT, "a", ODD, NOW, NOW, "odd.example") is None

    assert budgets.note_answer(LIMIT, "a", ODD, NOW, NOW, "other.example") is not None


def test_odd_answers_before_one_that_is_understood_count_no_more() -> None:
    """Neither how many there were, nor about which names."""
    budgets = Budgets()
    for number in range(SEVERAL - 1):
        budgets.note_answer(LIMIT, "a", ODD, NOW, NOW, f"n{number}.example")
    hear(budgets, CLEAN, NOW, NOW)
    for _ in range(2 * SEVERAL):
        assert budgets.note_answer(LIMIT, "a", ODD, NOW, NOW, "odd.example") is None


# -- a bucket by itself ----------------------------------------------------------------------------------------------------


def test_a_new_bucket_has_learned_and_counted_nothing() -> None:
    """And after midnight (UTC) nothing of the day is counted or saved."""
    bucket = bucket_of(Budgets())
    assert (bucket.limited_until, bucket.complained_rate, bucket.banned_rate) == (0.0, 0.0, None)
    assert (bucket.clean_answers, bucket.saved_count, bucket.asked) == (0, 0, 0)
    assert (bucket.complained_at, bucket.is_limit) == (0.0, False)
    bucket.used_today = bucket.saved_count = 7
    bucket.add_tokens(NOW + DAY)

    assert (bucket.used_today, bucket.saved_count) == (0, 0)


def test_part_of_a_token_too_many_is_no_reason_to_be_early() -> None:
    """The next query may be sent now."""
    budgets = Budgets()
    budgets.learned_rate(LIMIT, "a", NOW)

    assert budgets.next_at(LIMIT, "a", NOW + 0.5) == NOW + 0.5


def test_an_answer_that_refers_to_another_server_is_not_meaningless() -> None:
    """Whatever else in it is not understood."""
    budgets, reading = Budgets(), Reading(Outcome.UNKNOWN, "whois_unparsed", "ask there", referral="whois.example")
    for _ in range(2 * SEVERAL):
        assert hear(budgets, Observation("whois", reading), NOW, NOW) is None

    assert bucket_of(budgets).meaningless == 0


def test_a_slow_pace_that_brought_a_complaint_holds_for_each_address() -> None:
    """Also of less than one query a second."""
    one, two = Limit("dns/slow", 0.5, 1, None, 1), Limit("dns/slow", 1.0, 2, None, 2)
    budgets, now = complained(BANNED, 1, one)
    bucket = bucket_of(budgets, two, now)

    assert (bucket.rate, bucket.complained_rate, bucket.banned_rate) == (0.5, 1.0, 1.0)
