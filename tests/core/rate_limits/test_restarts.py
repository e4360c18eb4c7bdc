"""What was learned of operators outlives any number of restarts, a reset ends it, and a changed configuration begins anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.core.model.limit import Limit
from common.core.rate_limits.bucket import FLOOR, LIMIT_SPAN
from common.core.rate_limits.budgets import COUNT_PARTS, DAY, Budgets
from common.core.rate_limits.policy import SEVERAL
from common.core.rate_limits.saved import Saved, decode_saved, encode_saved, operators_of
from tests.core.rate_limits.answers import BANNED, CLEAN, LIMIT, NOW, ODD, ask_all, bucket_of, hear, throttled

OTHER = Limit("whois/other", 1.0, 1, None)
DAILY = Limit("whois/daily", 1.0, 1, 60)


def restarted(budgets: Budgets) -> Budgets:
    """What the next start makes of them."""
    return Budgets(decode_saved(encode_saved(budgets.take_saved())))


def learned(budgets: Budgets, limit: Limit = LIMIT, now: float = NOW) -> tuple[object, ...]:
    """All that is known of an operator."""
    bucket = bucket_of(budgets, limit, now)
    return (
        bucket.rate, bucket.limited_until, bucket.reason, bucket.complained_rate, bucket.banned_rate, bucket.complaints,
        bucket.meaningless, bucket.used_today,
    )  # fmt: skip


# -- restarts --------------------------------------------------------------------------------------------------------------


def test_everything_learned_survives_restarts_also_of_operators_not_queried_since() -> None:
    """A six-hour block, the pace, the ban and the counts are as they were, five starts later."""
    budgets = Budgets()
    for operator in (LIMIT, OTHER):
        for moment in (NOW, NOW + 1000, NOW + 5000):
            hear(budgets, BANNED, moment, moment, operator)
    before = learned(budgets, LIMIT, NOW + 5000)
    for _ in range(5):
        budgets = restarted(budgets)
        assert learned(budgets, LIMIT, NOW + 6000) == before  # the other one is not asked

    assert learned(budgets, OTHER, NOW + 6000) == before
    assert not budgets.take_token(OTHER, "a", NOW + 5000 + 21_599)
    assert budgets.take_token(OTHER, "a", NOW + 5000 + 21_600)
    assert [budgets.take_token(OTHER, "a", NOW + 5000 + 21_600 + wait) for wait in (1 / 0.5, 8.1)] == [False, True]


def test_a_restart_does_not_open_a_pause() -> None:
    """Nor does it bring a burst afterwards, or a quicker return."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    again = restarted(budgets)

    assert not again.take_token(LIMIT, "a", NOW + 1)
    assert not again.take_token(LIMIT, "a", NOW + 59)
    assert again.available_tokens(LIMIT, "a", NOW + 60) == 1
    for _ in range(50):
        hear(again, CLEAN, NOW + 60, NOW + 60)
    assert again.learned_rate(LIMIT, "a", NOW + 60) == 0.5
    hear(again, CLEAN, NOW + 90, NOW + 90)
    assert again.learned_rate(LIMIT, "a", NOW + 90) == pytest.approx(0.55)


def test_the_pause_after_the_next_complaint_is_the_longer_one_after_a_restart_too() -> None:
    """Also where answers meant nothing."""
    for answer, times, pause in ((throttled(), 2, 240.0), (ODD, SEVERAL + 1, 240.0)):
        budgets, now = Budgets(), NOW
        for _ in range(times):
            hear(budgets, answer, now, now)
            now = max(now, budgets.limited_until(LIMIT, "a", now))
        budgets = restarted(budgets)
        hear(budgets, answer, now, now)
        assert budgets.limited_until(LIMIT, "a", now) == now + pause


def test_answers_of_before_a_restart_are_late_after_it_too() -> None:
    """The block tells."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    budgets = restarted(budgets)

    assert hear(budgets, throttled(), NOW + 5, NOW - 1) is None
    assert budgets.learned_rate(LIMIT, "a", NOW + 5) == 0.5


def test_only_what_was_learned_is_saved() -> None:
    """An operator at its first pace, whose last complaint is a week old, needs no row; unless it was banned."""
    budgets, rows = Budgets(), []
    budgets.take_token(LIMIT, "a", NOW)
    rows.append(budgets.take_saved())
    hear(budgets, throttled(), NOW)
    rows.append(budgets.take_saved())
    bucket_of(budgets, now=NOW + 100)
    rows.append(budgets.take_saved())
    ask_all(budgets, NOW, NOW + 3600)
    rows.append(budgets.take_saved())
    bucket_of(budgets, now=NOW + LIMIT_SPAN)
    rows.append(budgets.take_saved())
    for _ in range(SEVERAL):
        hear(budgets, ODD, NOW + LIMIT_SPAN, NOW + LIMIT_SPAN)
    rows.append(budgets.take_saved())

    assert [list(row) for row in rows] == [[], *[["rdap/example|a"]] * 3, [], ["rdap/example|a"]]
    hear(budgets, BANNED, NOW + LIMIT_SPAN + 3600)
    bucket_of(budgets, now=NOW + 3 * LIMIT_SPAN).rate = 1.0
    assert list(budgets.take_saved()) == ["rdap/example|a"]


def test_a_change_has_to_be_stored_and_clean_answers_alone_need_not() -> None:
    """A complaint, a growing pace, the end of a run of complaints."""
    budgets = Budgets()

    def changes(answer: object, at: float) -> bool:
        budgets.take_saved()
        hear(budgets, answer, at, at)  # type: ignore[arg-type]
        return budgets.changed

    assert not changes(CLEAN, NOW)
    assert changes(throttled(), NOW)
    assert changes(CLEAN, NOW + 61)
    assert not changes(CLEAN, NOW + 62)
    assert changes(CLEAN, NOW + 361)
    budgets.take_saved()
    hear(budgets, throttled(), NOW + 362)
    assert not changes(throttled(), NOW + 363)
    assert changes(BANNED, NOW + 364)


def test_a_row_of_an_earlier_version_knows_nothing_of_what_came_later() -> None:
    """No configuration, no width, no ban, no counts."""
    assert decode_saved('{"x|a": [1.0, 0.25]}') == {"x|a": Saved(1.0, 0.25, "", "", 0, 0.0, None, 0, 0, 0, 0)}


@pytest.mark.parametrize("text", ["", "{broken", "[]", '{"rdap/example|a": 7, "x|a": ["a"]}', "[" * 100_000, '{"a|b": []}'])
def test_damaged_text_gives_fresh_budgets(text: str) -> None:
    """A start never fails for it."""
    assert Budgets(decode_saved(text)).take_token(LIMIT, "a", NOW)
    assert operators_of(text) == set()


def test_a_damaged_row_does_not_cost_the_others() -> None:
    """And rows of an earlier version are read."""
    text = f'{{"x|a": "?", "rdap/example|a": [{NOW + 60}, 0.25, "throttled: slow down"]}}'
    budgets = Budgets(decode_saved(text))

    assert operators_of(text) == {"rdap/example"}
    assert budgets.learned_rate(LIMIT, "a", NOW) == 0.25
    assert not budgets.take_token(LIMIT, "a", NOW + 59)
    assert budgets.take_token(LIMIT, "a", NOW + 60)
    assert budgets.snapshot(NOW)[0]["reason"] == "throttled: slow down"


def test_a_clock_that_was_ahead_makes_no_pause_longer_than_a_day() -> None:
    """No pause is longer."""
    budgets = Budgets(decode_saved(f'{{"rdap/example|a": [{NOW + 900 * DAY}, 0.25, ""]}}'))

    assert budgets.limited_until(LIMIT, "a", NOW) == NOW + DAY


@pytest.mark.parametrize(("saved", "rate"), [(0.0, FLOOR), (-3.0, FLOOR), (7.0, 1.0)])
def test_a_saved_pace_is_never_beyond_its_bounds(saved: float, rate: float) -> None:
    """Whatever wrote it."""
    assert Budgets(decode_saved(f'{{"rdap/example|a": [0, {saved}, ""]}}')).learned_rate(LIMIT, "a", NOW) == rate


# -- the count of a day ----------------------------------------------------------------------------------------------------


def test_a_day_s_count_survives_a_kill() -> None:
    """A quota of sixty is saved with each query: nothing is asked twice however often the process dies."""
    budgets, taken = Budgets(), 0
    for minute in range(200):
        taken += budgets.take_token(DAILY, "a", NOW + 60 * minute)
        if budgets.changed:
            text = encode_saved(budgets.take_saved())
        budgets = Budgets(decode_saved(text))

    assert taken == 60
    assert budgets.take_token(DAILY, "a", (NOW // DAY + 1) * DAY)


def test_a_kill_forgets_one_query_in_two_hundred_at_most() -> None:
    """And a day's quota costs two hundred writes at most."""
    limit, budgets = Limit("whois/many", 100.0, 100, 20_000), Budgets()
    used = writes = saved = most = 0
    for second in range(20_000):
        used += budgets.take_token(limit, "a", NOW + second)
        if budgets.changed:
            writes, saved = writes + 1, used
            budgets.take_saved()
        most = max(most, used - saved)

    assert used == 20_000
    assert most == 20_000 // COUNT_PARTS - 1
    assert writes == COUNT_PARTS


def test_what_was_given_back_is_saved_too() -> None:
    """A stop saves the exact count."""
    budgets = Budgets()
    budgets.take_tokens(DAILY, "a", 5, NOW)
    budgets.take_saved()
    assert (budgets.changed, budgets.counted) == (False, False)
    budgets.return_tokens(DAILY, "a", NOW, 3)
    assert budgets.changed
    many = Limit("whois/many", 100.0, 100, 20_000)
    budgets.take_saved()
    budgets.take_token(many, "a", NOW)
    assert (budgets.changed, budgets.counted) == (False, True)

    assert restarted(budgets).quota_left(DAILY, "a", NOW, NOW) == 58
    assert restarted(budgets).quota_left(many, "a", NOW, NOW) == 19_999


def test_operators_without_a_quota_are_not_counted() -> None:
    """Their queries cost no write."""
    budgets = Budgets()
    budgets.take_token(LIMIT, "a", NOW)

    assert (budgets.changed, budgets.counted) == (False, False)


def test_yesterday_s_count_is_over() -> None:
    """Also where it was saved, and the first query of a day is counted from nothing."""
    budgets = Budgets()
    budgets.take_tokens(DAILY, "a", 60, NOW)
    tomorrow = restarted(budgets)
    assert tomorrow.quota_left(DAILY, "a", NOW + DAY, NOW + DAY) == 60
    assert budgets.quota_left(DAILY, "a", NOW + DAY, NOW + DAY) == 60
    assert tomorrow.take_token(DAILY, "a", NOW + DAY)
    assert tomorrow.changed
    bucket_of(budgets, DAILY, NOW + DAY)
    budgets.changed = False
    assert budgets.take_token(DAILY, "a", NOW + DAY + 60)
    assert budgets.changed


# -- a configuration that changes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", [replace(LIMIT, rate=2.0), replace(LIMIT, rate=0.6), replace(LIMIT, burst=9), replace(LIMIT, per_day=100)]
)
def test_a_row_that_changes_sets_the_learned_pace_anew(row: Limit) -> None:
    """To what it says. The block is the operator's word, and stays."""
    budgets = Budgets()
    for moment in (NOW, NOW + 60):
        hear(budgets, throttled(), moment, moment)
    again = restarted(budgets)

    assert again.learned_rate(row, "a", NOW + 61) == row.rate
    assert again.limited_until(row, "a", NOW + 61) == NOW + 180
    assert restarted(budgets).learned_rate(LIMIT, "a", NOW + 61) == 0.25


def test_a_row_that_changes_does_not_try_a_pace_that_brought_a_ban() -> None:
    """Only a reset does; a lower one is what it says."""
    budgets = Budgets()
    hear(budgets, BANNED, NOW)
    faster, slower = replace(LIMIT, rate=3.0), replace(LIMIT, rate=0.2)

    assert restarted(budgets).learned_rate(faster, "a", NOW) == 0.5
    assert restarted(budgets).learned_rate(slower, "a", NOW) == 0.2
    again = restarted(budgets)
    again.learned_rate(faster, "a", NOW)
    assert again.reset_operator(faster.operator, NOW + 1000)
    assert again.learned_rate(faster, "a", NOW + 1000) == 3.0


def test_a_pace_never_grows_beyond_a_row_that_became_lower() -> None:
    """Whatever was configured when the complaints came."""
    for answer in (throttled(), BANNED):
        budgets, slower = Budgets(), replace(LIMIT, rate=0.1)
        hear(budgets, answer, NOW)
        again = restarted(budgets)
        ask_all(again, NOW, NOW + DAY, slower)
        assert again.learned_rate(slower, "a", NOW + DAY) == 0.1


def test_a_ban_in_a_row_of_bans_bars_the_same_pace_after_the_row_changed() -> None:
    """It is still about the pace that began it."""
    budgets = Budgets()
    hear(budgets, BANNED, NOW)
    again, faster = restarted(budgets), replace(LIMIT, rate=3.0)
    hear(again, BANNED, NOW + 900, NOW + 900, faster)

    assert bucket_of(again, faster, NOW + 900).banned_rate == 1.0


def test_what_was_learned_of_a_zone_holds_for_each_of_its_addresses() -> None:
    """A start does not know yet how many there are: that is no row that changed, in whatever order they are found."""
    thirteen, four = Limit("dns/com", 26.0, 52, None, 13), Limit("dns/com", 8.0, 16, None, 4)
    budgets = Budgets()
    hear(budgets, throttled(), NOW, NOW, thirteen)
    hear(budgets, BANNED, NOW + 60, NOW + 60, thirteen)
    known = (6.5, 26.0, 26.0)
    again = restarted(budgets)
    for limit, share in ((four, 4 / 13), (thirteen, 1.0), (four, 4 / 13)):
        bucket = bucket_of(again, limit, NOW + 61)
        assert (bucket.rate, bucket.complained_rate, bucket.banned_rate) == pytest.approx(tuple(share * rate for rate in known))
        assert (bucket.ceiling, bucket.burst, bucket.address_count) == (limit.rate, limit.burst, limit.address_count)
    again = restarted(again)
    assert again.learned_rate(thirteen, "a", NOW + 61) == pytest.approx(6.5)


def test_a_full_pace_stays_full_whatever_the_number_of_addresses() -> None:
    """No rounding makes it something learned; a server that was switched off begins at what is configured."""
    budgets = Budgets()
    for width in (4, 13, 7, 3, 13):
        limit = Limit("dns/com", 0.1 * width, 1, None, width)
        assert budgets.learned_rate(limit, "a", NOW) == limit.rate
    assert budgets.take_saved() == {}
    for rate in (0.0, 2.0, 1.0):
        assert budgets.learned_rate(Limit("dns/off", rate, 0), "a", NOW) == rate
        assert bucket_of(budgets, Limit("dns/off", rate, 0)).burst == 1.0


# -- the reset -------------------------------------------------------------------------------------------------------------


def test_a_reset_forgets_pace_ban_and_block_of_every_egress_and_keeps_the_count() -> None:
    """Of this operator alone."""
    budgets = Budgets()
    for egress in ("a", "b"):
        budgets.take_tokens(DAILY, egress, 7, NOW)
        budgets.note_answer(DAILY, egress, BANNED, NOW)
    hear(budgets, throttled(), NOW)
    budgets.take_saved()

    assert budgets.reset_operator(DAILY.operator, NOW + 1)
    assert budgets.changed
    for egress in ("a", "b"):
        assert budgets.take_token(DAILY, egress, NOW + 1)
        assert budgets.take_token(DAILY, egress, NOW + 2)
        assert budgets.learned_rate(DAILY, egress, NOW + 2) == 1.0
        assert budgets.quota_left(DAILY, egress, NOW + 2, NOW + 2) == 51
        assert budgets.snapshot(NOW + 2)[0]["reason"] == ""
    bucket = bucket_of(budgets, DAILY, NOW + 2)
    assert (bucket.banned_rate, bucket.complaints, bucket.complained_rate, bucket.meaningless, bucket.clean_answers) == (
        None,
        0,
        0.0,
        0,
        0,
    )
    assert budgets.limited_until(LIMIT, "a", NOW + 1) == NOW + 60
    assert restarted(budgets).learned_rate(DAILY, "a", NOW + 1) == 1.0


def test_answers_to_queries_of_before_a_reset_teach_nothing() -> None:
    """The pace they complain of is given up already, or wanted."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    budgets.reset_operator(LIMIT.operator, NOW + 1)

    assert hear(budgets, BANNED, NOW + 2, NOW - 1) is None
    assert budgets.learned_rate(LIMIT, "a", NOW + 2) == 1.0
    assert hear(budgets, BANNED, NOW + 3, NOW + 2) is not None


def test_a_reset_of_an_operator_not_queried_since_the_start_keeps_its_count_alone() -> None:
    """Whatever it was before."""
    budgets = Budgets()
    budgets.take_tokens(DAILY, "a", 7, NOW)
    for limit in (DAILY, OTHER, LIMIT):
        hear(budgets, BANNED, NOW, NOW, limit)
    budgets = restarted(budgets)
    assert budgets.reset_operator(DAILY.operator, NOW)
    assert budgets.take_saved()["whois/daily|a"] == Saved(0.0, 0.5, row="-", day=int(NOW // DAY), used=7)
    assert budgets.reset_operator(OTHER.operator, NOW)
    assert budgets.changed
    budgets = restarted(budgets)

    assert budgets.learned_rate(DAILY, "a", NOW) == budgets.learned_rate(OTHER, "a", NOW) == 1.0
    assert budgets.take_token(DAILY, "a", NOW)
    assert budgets.quota_left(DAILY, "a", NOW, NOW) == 52
    assert budgets.take_token(OTHER, "a", NOW)
    assert not budgets.take_token(LIMIT, "a", NOW)


def test_an_operator_that_is_not_known_cannot_be_reset() -> None:
    """And nothing is written for it."""
    budgets = Budgets()

    assert not budgets.reset_operator("rdap/nothing", NOW)
    assert not budgets.changed


def test_the_status_shows_what_was_learned() -> None:
    """The pace beside what is configured, and the pace that brought a ban."""
    budgets = Budgets()
    budgets.take_token(LIMIT, "a", NOW)
    fresh = budgets.snapshot(NOW)[0]
    hear(budgets, BANNED, NOW)
    banned = budgets.snapshot(NOW)[0]

    assert (fresh["rate"], fresh["ceiling"], fresh["banned_at"], fresh["blocked_until"]) == (1.0, 1.0, None, None)
    assert (banned["rate"], banned["ceiling"], banned["banned_at"], banned["blocked_until"]) == (0.5, 1.0, 1.0, NOW + 900)
    assert banned["reason"] == "forbidden: the server refuses us"
