"""The rate and the wait that a server states: what they change, where they are bounded, and how long they are known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Observation, Outcome, Quota, Reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import FLOOR, HIGHEST_STATED, STATED_SHARE
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.saved import Saved, decode_saved, encode_saved
from tests.core.rate_limits.answers import BANNED, CLEAN, LIMIT, NOW, ODD, ask_all, bucket_of, hear, throttled

OWN = Limit("rdap/example", 1.0, 4, None, configured=True)


def stating(rate: float | None = None, wait: float | None = None, answer: Observation = CLEAN) -> Observation:
    """An answer that states its limit."""
    return replace(answer, quota=Quota(rate=rate, wait=wait))


def rate_after(*answers: Observation, limit: Limit = LIMIT) -> float:
    """The rate after these answers of one moment."""
    budgets = Budgets()
    for answer in answers:
        hear(budgets, answer, NOW, NOW, limit)
    return budgets.learned_rate(limit, "a", NOW)


def restarted(budgets: Budgets) -> Budgets:
    """What the next start makes of them."""
    return Budgets(decode_saved(encode_saved(budgets.take_saved())))


# -- rates -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "rate"),
    [(10.0, 9.0), (0.5, 0.45), (1e6, 20.0), (22.0, 19.8), (23.0, 20.0), (1e-9, FLOOR), (FLOOR * 2, FLOOR * 1.8)],
)
def test_a_stated_rate_takes_the_place_of_the_built_in_one(stated: float, rate: float) -> None:
    """At once and in both directions: nine tenths of it, between one query in ten minutes and twenty in a second."""
    assert rate_after(stating(stated)) == pytest.approx(rate)
    assert rate_after(stating(7.0), stating(stated)) == pytest.approx(rate)


@pytest.mark.parametrize(("stated", "rate"), [(10.0, 1.0), (0.5, 0.45)])
def test_a_configured_rate_is_the_upper_bound(stated: float, rate: float) -> None:
    """Below it the server's word counts."""
    assert rate_after(stating(stated), limit=OWN) == pytest.approx(rate)


def test_the_published_limits() -> None:
    """A share and a rate."""
    assert (STATED_SHARE, HIGHEST_STATED) == (0.9, 20.0)


def test_tokens_come_at_the_stated_rate() -> None:
    """As many in a minute as nine tenths of it, and the first."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW)

    assert ask_all(budgets, NOW, NOW + 60) == pytest.approx(1 + 540, abs=1)


def test_answers_of_one_call_state_the_same() -> None:
    """To learn it twenty times changes nothing, and nothing has to be stored again."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW)
    assert budgets.changed
    budgets.take_saved()
    for _ in range(19):
        hear(budgets, stating(10.0), NOW)

    assert not budgets.changed
    assert budgets.learned_rate(LIMIT, "a", NOW) == 9.0


def test_an_answer_without_a_rate_leaves_what_was_stated() -> None:
    """Whether it states a wait or nothing."""
    assert rate_after(stating(10.0), stating(wait=5.0), CLEAN) == 9.0


def test_a_complaint_shrinks_a_stated_rate_and_a_statement_does_not_undo_it() -> None:
    """It grows back by answers without complaint, up to what is stated."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW)
    hear(budgets, stating(10.0, answer=throttled()), NOW + 1)
    assert budgets.learned_rate(LIMIT, "a", NOW + 1) == 4.5
    hear(budgets, stating(12.0), NOW + 61)
    assert budgets.learned_rate(LIMIT, "a", NOW + 61) == 4.5
    hear(budgets, stating(2.0), NOW + 62)
    assert budgets.learned_rate(LIMIT, "a", NOW + 62) == 1.8
    hear(budgets, stating(10.0), NOW + 63)
    assert budgets.learned_rate(LIMIT, "a", NOW + 63) == 9.0
    hear(budgets, throttled(), NOW + 64)
    ask_all(budgets, NOW + 124, NOW + 4000, answer=stating(10.0))
    assert budgets.learned_rate(LIMIT, "a", NOW + 4000) == 9.0


def test_a_ban_bounds_a_stated_rate() -> None:
    """Never again a rate that brought one, whatever the server says."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW)
    hear(budgets, BANNED, NOW + 1)
    hear(budgets, stating(20.0), NOW + 1000)

    assert bucket_of(budgets, now=NOW + 1000).highest_rate == 4.5
    assert rate_after(stating(0.5, answer=BANNED)) == pytest.approx(0.225)


def test_no_complaint_leads_below_the_lowest_rate_that_is_stated() -> None:
    """A server that states next to nothing is still queried."""
    budgets, now = Budgets(), NOW
    hear(budgets, stating(1e-9), now)
    for _ in range(4):
        hear(budgets, BANNED, now)
        now = budgets.limited_until(LIMIT, "a", now)

    assert budgets.learned_rate(LIMIT, "a", now) == FLOOR


def test_a_slow_configured_rate_stays_the_lowest() -> None:
    """It is below one query in ten minutes, and a complaint leads no lower."""
    slow = Limit("rdap/slow", FLOOR / 2, 1, None, configured=True)
    assert rate_after(stating(10.0, answer=throttled()), limit=slow) == FLOOR / 2


def test_a_name_server_states_nothing() -> None:
    """DNS has no place for it, so a worker made it up."""
    dns = Limit("dns/com", 2.0, 4, None, 2)
    assert rate_after(stating(10.0, wait=60.0, answer=replace(CLEAN, method="dns")), limit=dns) == 2.0


# -- waits -----------------------------------------------------------------------------------------------------------------


def test_a_stated_wait_is_a_pause_and_no_complaint() -> None:
    """Nothing is sent before its end, then one query; the rate is what it was."""
    budgets = Budgets()
    assert hear(budgets, stating(wait=10.0), NOW) is None

    assert not budgets.take_token(LIMIT, "a", NOW + 9.9)
    assert budgets.learned_rate(LIMIT, "a", NOW + 9.9) == 1.0
    assert bucket_of(budgets, now=NOW + 9.9).complaints == 0
    assert budgets.snapshot(NOW + 5)[0]["reason"] == "the next call is due in 10 s, says the server"
    assert [budgets.take_token(LIMIT, "a", NOW + 10) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("wait", "until"), [(0.0, NOW), (1e9, NOW + DAY), (60.0, NOW + 60)])
def test_a_stated_wait_is_bounded_to_a_day(wait: float, until: float) -> None:
    """None is none."""
    budgets = Budgets()
    hear(budgets, stating(wait=wait), NOW)

    assert max(NOW, budgets.limited_until(LIMIT, "a", NOW)) == until


def test_a_wait_shortens_no_pause() -> None:
    """Neither a complaint's, nor an earlier wait."""
    budgets = Budgets()
    hear(budgets, throttled(600.0), NOW)
    hear(budgets, stating(wait=10.0), NOW + 1)
    assert budgets.limited_until(LIMIT, "a", NOW + 1) == NOW + 600
    assert budgets.snapshot(NOW + 1)[0]["reason"] == "throttled: slow down"

    hear(budgets, stating(wait=600.0), NOW)
    assert budgets.snapshot(NOW + 1)[0]["reason"] == "throttled: slow down"

    hear(budgets, stating(wait=900.0), NOW + 2)
    assert budgets.limited_until(LIMIT, "a", NOW + 2) == NOW + 902


def test_a_refusal_that_comes_with_a_wait_pauses_for_the_longer_one() -> None:
    """It is a complaint all the same."""
    budgets = Budgets()
    assert hear(budgets, stating(wait=10.0, answer=throttled()), NOW) == "throttled: slow down"
    assert budgets.limited_until(LIMIT, "a", NOW) == NOW + 60

    budgets = Budgets()
    hear(budgets, stating(wait=100.0, answer=throttled()), NOW)
    assert (budgets.limited_until(LIMIT, "a", NOW), budgets.learned_rate(LIMIT, "a", NOW)) == (NOW + 100, 0.5)


def test_answers_to_queries_of_before_a_wait_still_teach() -> None:
    """A complaint under way is one: the wait was none."""
    budgets = Budgets()
    hear(budgets, stating(wait=10.0), NOW, NOW - 1)
    assert hear(budgets, throttled(600.0), NOW + 1, NOW - 1) == "throttled: slow down"
    assert (budgets.limited_until(LIMIT, "a", NOW + 1), budgets.learned_rate(LIMIT, "a", NOW + 1)) == (NOW + 601, 0.5)
    assert hear(budgets, throttled(), NOW + 2, NOW - 1) is None
    assert bucket_of(budgets, now=NOW + 2).complaints == 1


def test_answers_that_each_state_a_wait_let_the_rate_grow_all_the_same() -> None:
    """A server that names the wait after every answer does not complain."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    ask_all(budgets, NOW + 60, NOW + 6000, answer=stating(wait=2.0))

    assert budgets.learned_rate(LIMIT, "a", NOW + 6000) == 1.0


def test_a_wait_does_not_hide_answers_that_mean_nothing() -> None:
    """Eight of them in a row are a complaint."""
    budgets = Budgets()
    reasons = [
        budgets.note_answer(LIMIT, "a", stating(wait=5.0, answer=ODD), NOW + second, NOW + second, f"n{second}")
        for second in range(8)
    ]
    assert reasons == [None] * 7 + ["not understood: a page"]


# -- what is kept ----------------------------------------------------------------------------------------------------------


def test_a_stated_rate_survives_a_restart() -> None:
    """Also where the configuration changed meanwhile, and bounded by the new one."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW)

    assert restarted(budgets).learned_rate(LIMIT, "a", NOW) == 9.0
    assert restarted(restarted(budgets)).learned_rate(LIMIT, "a", NOW) == 9.0
    again = restarted(budgets)
    assert again.learned_rate(Limit(LIMIT.operator, 0.2, 2), "a", NOW) == 9.0
    assert restarted(budgets).learned_rate(Limit(LIMIT.operator, 0.2, 2, configured=True), "a", NOW) == 0.2
    hear(budgets, throttled(), NOW + 1)
    assert restarted(budgets).learned_rate(LIMIT, "a", NOW + 2) == 4.5


def test_a_rate_that_is_the_built_in_one_is_kept_for_the_next_configuration() -> None:
    """Nothing of it is seen until then."""
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW, limit=OWN)

    (saved,) = budgets.take_saved().values()
    assert (saved.rate, saved.stated) == (1.0, 10.0)
    assert restarted(budgets).learned_rate(LIMIT, "a", NOW) == 1.0
    assert bucket_of(restarted(budgets)).highest_rate == 9.0


def test_a_text_of_a_version_that_knew_no_stated_rates_is_read() -> None:
    """Its rows are shorter."""
    assert decode_saved('{"rdap/example|a":[0.0,0.5,"","1 4 None",1,1.0,null,1,0,0,0]}') == {
        "rdap/example|a": Saved(0.0, 0.5, "", "1 4 None", 1, 1.0, complaints=1)
    }


def test_a_wait_survives_a_restart_as_a_pause() -> None:
    """What was sent before it teaches nothing then: it was sent by another start."""
    budgets = Budgets()
    hear(budgets, stating(wait=600.0), NOW)
    assert budgets.changed
    again = restarted(budgets)

    assert not again.take_token(LIMIT, "a", NOW + 599)
    assert again.take_token(LIMIT, "a", NOW + 600)
    assert hear(restarted(budgets), throttled(), NOW + 1, NOW) is None


def test_a_reset_forgets_what_was_stated() -> None:
    """The rate is the built-in one again, and a query under way states it anew."""
    budgets = Budgets()
    hear(budgets, stating(10.0, wait=60.0), NOW)
    budgets.reset_operator(LIMIT.operator, NOW + 1)

    assert budgets.learned_rate(LIMIT, "a", NOW + 1) == 1.0
    assert budgets.take_token(LIMIT, "a", NOW + 1)
    assert budgets.learned_rate(LIMIT, "a", NOW + 2) == 1.0
    assert budgets.take_saved() == {}
    hear(budgets, stating(10.0), NOW + 2, NOW)
    assert budgets.learned_rate(LIMIT, "a", NOW + 2) == 9.0


def test_another_number_of_addresses_leaves_a_stated_rate() -> None:
    """It is not one for each of them, and what is learned stays below it."""
    two, four = Limit("rdap/wide", 1.0, 1, None, 2), Limit("rdap/wide", 2.0, 1, None, 4)
    budgets = Budgets()
    hear(budgets, stating(10.0), NOW, limit=two)
    assert budgets.learned_rate(four, "a", NOW) == 9.0

    hear(budgets, throttled(), NOW + 1, limit=four)
    assert budgets.learned_rate(two, "a", NOW + 1) == 2.25
    assert budgets.learned_rate(Limit("rdap/wide", 20.0, 1, None, 40), "a", NOW + 1) == 9.0


def test_a_reading_is_learned_from_beside_its_quota() -> None:
    """The answer itself is one without complaint."""
    budgets = Budgets()
    hear(budgets, throttled(), NOW)
    hear(budgets, stating(None, None, Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "none"))), NOW + 60)

    assert bucket_of(budgets, now=NOW + 60).complaints == 0
    assert budgets.learned_rate(LIMIT, "a", NOW + 60) == 0.5
