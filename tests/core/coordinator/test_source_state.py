"""What is known of a source: its budget, whether it serves us, what its canaries found, when it last proved something."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.coordinator.source_state import SourceState, read_saved_budgets, show_span
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.records import TrustRow
from common.core.model.source_row import Entitled, SourceBudget, SourceTrust, Trusted
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import encode_saved

NOW = 1_790_000_000.0
LIMIT = Limit("registrar/gandi", 0.5, 3, 100)
REFUSED = Observation("registrar:gandi", unknown_reading("registrar_refused", "it refuses our key (HTTP 401)"), status=401)
SLOW = Observation("registrar:gandi", Reading(Outcome.THROTTLED, "registrar_throttled", "slow down", retry_after=300.0))
CLEAN = Observation("registrar:gandi", Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot be created"))


def budget_row(operator: str = "registrar/gandi", egress: str = "default", **changes: Any) -> dict[str, Any]:
    """One row of a snapshot, of an operator that does not limit us."""
    row = {"operator": operator, "egress": egress, "rate": 0.5, "tokens": 2.0, "blocked_until": None, "reason": ""}
    return {**row, "complaint": "", "used_today": 7, **changes}


def trust_row(suffix: str = "com", method: str = "registrar:gandi", server: str = "api.gandi.net", **fields: Any) -> TrustRow:
    """The canaries of one channel."""
    return TrustRow(method, server, suffix, **fields)


# -- budgets -------------------------------------------------------------------------------------------------------------


def test_an_operator_that_was_never_asked_has_its_configured_rate() -> None:
    """And no tokens: its bucket does not exist yet."""
    assert SourceState(NOW).budget_of("registrar/gandi", LIMIT) == SourceBudget(rate=0.5, per_day=100)


def test_what_is_left_is_added_up_over_egresses() -> None:
    """Each has a budget of its own."""
    state = SourceState(NOW, budgets=[budget_row(), budget_row(egress="b", rate=0.25, tokens=1.0), budget_row("rdap/x")])

    found = state.budget_of("registrar/gandi", LIMIT)
    assert (found.rate, found.tokens, found.used_today, found.per_day) == (0.75, 3.0, 14, 100)
    assert (found.operators, found.blocked, found.blocked_until) == (1, 0, None)


def test_tokens_that_are_not_known_are_none() -> None:
    """The store does not keep them."""
    assert SourceState(NOW, budgets=[budget_row(tokens=None)]).budget_of("registrar/gandi", LIMIT).tokens is None


def test_a_source_is_blocked_while_no_egress_may_ask() -> None:
    """Until the first of them may again; with one that may it is not."""
    shut = {"blocked_until": NOW + 60, "reason": "throttled: slow down"}
    both = [budget_row(**shut), budget_row(egress="b", blocked_until=NOW + 30, reason="throttled: again")]
    found = SourceState(NOW, budgets=both).budget_of("registrar/gandi", LIMIT)
    assert (found.blocked_until, found.blocked, found.reason) == (NOW + 30, 1, "throttled: slow down")

    one = SourceState(NOW, budgets=[budget_row(**shut), budget_row(egress="b")]).budget_of("registrar/gandi", LIMIT)
    assert (one.blocked_until, one.blocked) == (None, 1)


def test_operators_of_a_method_are_counted() -> None:
    """Those that limit us apart; a rate for all of them would mean nothing."""
    rows = [budget_row("rdap/a"), budget_row("rdap/b", blocked_until=NOW + 9, reason="forbidden: x"), budget_row("whois/a")]
    found = SourceState(NOW, budgets=rows).budget_of("rdap/")

    assert found == SourceBudget(used_today=14, operators=2, blocked=1, reason="forbidden: x")


def test_long_reasons_are_cut() -> None:
    """A row stays small whatever a server said."""
    rows = [budget_row(blocked_until=NOW + 9, reason="x" * 999)]

    assert len(SourceState(NOW, budgets=rows).budget_of("registrar/gandi", LIMIT).reason) == 300


# -- entitlement ---------------------------------------------------------------------------------------------------------


def entitled_after(*observations: Observation, success: float | None = None) -> tuple[Entitled, str]:
    """What a source is said to be after these answers, a day apart: every pause is over."""
    budgets = Budgets()
    for day, observation in enumerate(observations):
        budgets.note_answer(LIMIT, "default", observation, NOW + day * 86_400)
    later = NOW + len(observations) * 86_400
    return SourceState(later, budgets=budgets.snapshot(later)).entitlement("registrar/gandi", success)


def test_a_refused_key_is_no_entitlement_until_the_source_answers_again() -> None:
    """Also when the pause is over: nothing shows that it would be let in."""
    assert entitled_after(REFUSED, success=NOW - 9) == (Entitled.NO, "it refuses our key (HTTP 401)")
    assert entitled_after(REFUSED, CLEAN, success=NOW) == (Entitled.YES, "")
    both = [budget_row(complaint="forbidden: one"), budget_row(egress="b", complaint="forbidden: two")]
    assert SourceState(NOW, budgets=both).entitlement("registrar/gandi", None) == (Entitled.NO, "one")


def test_a_rate_limit_is_no_refusal() -> None:
    """It serves us, only not so often."""
    assert entitled_after(SLOW, success=NOW) == (Entitled.YES, "")


def test_nothing_is_known_before_the_first_answer() -> None:
    """A key that is set may be wrong."""
    assert entitled_after() == (Entitled.UNKNOWN, "")


def test_an_answer_of_before_the_start_or_the_reset_says_nothing_of_the_key_of_now() -> None:
    """It is unknown whether it is let in until the source answers again; other operators are not concerned."""
    reset = {"registrar/gandi": NOW - 5}
    started = SourceState(NOW, started=NOW - 60, resets=reset)
    unknown, known = (Entitled.UNKNOWN, "not asked yet since the start, or since its budget was reset"), (Entitled.YES, "")

    assert started.entitlement("registrar/gandi", NOW - 6) == unknown
    assert started.entitlement("registrar/gandi", NOW - 5) == known
    assert started.entitlement("registrar/ovh", NOW - 61) == unknown
    assert started.entitlement("registrar/ovh", NOW - 60) == known
    assert SourceState(NOW, resets=reset).entitlement("registrar/gandi", NOW - 6) == unknown


def test_one_egress_that_is_let_in_is_enough() -> None:
    """A registrar may admit one address and not the other."""
    rows = [budget_row(complaint="forbidden: x"), budget_row(egress="b")]

    assert SourceState(NOW, budgets=rows).entitlement("registrar/gandi", NOW)[0] is Entitled.YES


def test_a_ban_of_one_operator_says_nothing_of_a_whole_method() -> None:
    """RDAP of the others goes on."""
    assert (
        SourceState(NOW, budgets=[budget_row("rdap/a", complaint="forbidden: x")]).entitlement("rdap/", NOW)[0] is Entitled.YES
    )


# -- trouble -------------------------------------------------------------------------------------------------------------


def test_a_refused_key_is_told_with_the_next_try() -> None:
    """In one sentence, with the status, the time, and the call that ends the pause."""
    budgets = Budgets()
    budgets.note_answer(LIMIT, "default", REFUSED, NOW)
    state = SourceState(NOW + 60, budgets=budgets.snapshot(NOW + 60))
    entitled, reason = state.entitlement("registrar/gandi", None)
    found = state.trouble_of("registrar/gandi", state.budget_of("registrar/gandi", LIMIT), entitled, reason)

    assert found == "it refuses our key (HTTP 401), next try in 14 min, or at once after POST /budgets/registrar/gandi/reset"


def test_the_trouble_of_a_source_says_what_and_until_when() -> None:
    """A limit, a refusal whose pause is over, some operators of a method, and none."""
    state = SourceState(NOW)
    shut = SourceBudget(operators=1, blocked=1, blocked_until=NOW + 300, reason="throttled: slow down")
    some = SourceBudget(operators=9, blocked=2, reason="forbidden: x")
    assert state.trouble_of("x/y", shut, Entitled.YES, "") == "throttled: slow down, next try in 5 min"
    assert state.trouble_of("x/y", SourceBudget(), Entitled.NO, "key refused") == "key refused, next try with the next query"
    assert state.trouble_of("epp/x", shut, Entitled.NO, "no login") == (
        "no login, next try in 5 min, or at once after a restart with other credentials"
    )
    assert state.trouble_of("x/y", some, Entitled.YES, "") == "2 of 9 operators limit us, one of them: forbidden: x"
    assert state.trouble_of("x/y", SourceBudget(), Entitled.YES, "") == ""
    assert state.trouble_of("x/y", SourceBudget(), Entitled.NO, "x" * 300) == f"{'x' * 200}, next try with the next query"
    assert (
        state.trouble_of("x/y", shut, Entitled.NO, "x" * 300)
        == f"{'x' * 200}, next try in 5 min, or at once after POST /budgets/x/y/reset"
    )


# -- trust and success ---------------------------------------------------------------------------------------------------


def test_verified_channels_are_counted() -> None:
    """Of this method and this server alone."""
    good = {"registered_ok": NOW - 9, "free_ok": NOW - 9}
    rows = [trust_row(**good), trust_row("de"), trust_row("net", server="other.net", **good), trust_row("org", "whois", **good)]
    state = SourceState(NOW, trust=rows)

    assert state.trust_of("registrar:gandi", "api.gandi.net:443") == SourceTrust(state=Trusted.VERIFIED, verified=1, channels=2)
    assert state.trust_of("registrar:gandi", "").verified == 2
    assert state.trust_of("das", "") == SourceTrust()


def test_one_channel_in_quarantine_is_what_matters() -> None:
    """With its end and its reason; one that is over is forgotten."""
    good = trust_row(registered_ok=NOW - 9, free_ok=NOW - 9)
    lying = trust_row("de", quarantined_until=NOW + 60, reason="it finds a made-up name")
    found = SourceState(NOW, trust=[good, lying]).trust_of("registrar:gandi", "")
    assert (found.state, found.quarantined_until, found.reason) == (Trusted.QUARANTINED, NOW + 60, "it finds a made-up name")
    assert (found.verified, found.channels) == (1, 2)

    over = SourceState(NOW + 60, trust=[good, lying]).trust_of("registrar:gandi", "")
    assert (over.state, over.quarantined_until, over.reason) == (Trusted.VERIFIED, None, "")


def test_the_last_success_is_an_answer_that_proved_something_or_a_canary() -> None:
    """Whichever was later, at this server."""
    proved = {ChannelKey("das", "das.eu", "eu"): NOW - 50, ChannelKey("das", "das.nic.it", "it"): NOW - 5}
    rows = [trust_row("eu", "das", "das.eu", registered_ok=NOW - 40, free_ok=NOW - 30)]
    rows.append(trust_row("it", "das", "das.nic.it", registered_ok=NOW - 20))
    state = SourceState(NOW, proved=proved, trust=rows)

    assert state.last_success("das", "das.eu:4343") == NOW - 30
    assert state.last_success("das", "das.nic.it") == NOW - 5
    assert state.last_success("das", "") == NOW - 5
    assert state.last_success("whois", "") is None
    assert SourceState(NOW, trust=[trust_row()]).last_success("registrar:gandi", "") is None
    assert SourceState(NOW, trust=[trust_row(free_ok=NOW - 3)]).last_success("registrar:gandi", "") == NOW - 3


# -- what the store keeps ------------------------------------------------------------------------------------------------


def test_a_stored_refusal_is_shown_as_it_was_learned() -> None:
    """With its pause and its reason; tokens are not stored."""
    budgets = Budgets()
    budgets.take_token(LIMIT, "default", NOW)
    budgets.note_answer(LIMIT, "default", REFUSED, NOW)
    (row,) = read_saved_budgets(encode_saved(budgets.take_saved()), NOW + 60)

    assert (row["operator"], row["egress"], row["tokens"], row["used_today"]) == ("registrar/gandi", "default", None, 1)
    assert row["blocked_until"] == NOW + 900
    assert row["reason"] == row["complaint"] == "forbidden: it refuses our key (HTTP 401)"


def test_what_is_over_or_of_another_day_is_not_shown() -> None:
    """The pause has ended, the day's count begins anew, and a pause of years was written by a wrong clock."""
    budgets = Budgets()
    budgets.take_token(LIMIT, "default", NOW)
    budgets.note_answer(LIMIT, "default", REFUSED, NOW)
    text = encode_saved(budgets.take_saved())
    (over,) = read_saved_budgets(text, NOW + 90_000)
    assert (over["blocked_until"], over["reason"], over["used_today"]) == (None, "", 0)
    assert over["complaint"]

    (ahead,) = read_saved_budgets(text, NOW - 1e6)
    assert ahead["blocked_until"] is None
    ends = NOW + 900
    shown = [read_saved_budgets(text, moment)[0]["blocked_until"] for moment in (ends - 86_401, ends - 86_400, ends - 1, ends)]
    assert shown == [None, ends, ends, None]


def test_a_stored_rate_without_a_complaint_is_no_refusal() -> None:
    """The reason of an earlier pause is kept beside it."""
    budgets = Budgets()
    budgets.note_answer(LIMIT, "default", REFUSED, NOW)
    budgets.note_answer(LIMIT, "default", CLEAN, NOW + 1000)
    (row,) = read_saved_budgets(encode_saved(budgets.take_saved()), NOW + 1001)

    assert row["complaint"] == ""


def test_a_damaged_text_gives_nothing() -> None:
    """Sources are shown all the same."""
    assert read_saved_budgets("{", NOW) == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "1 s"),
        (5399, "90 min"),
        (170_998, "47 h"),
        (172_799, "48 h"),
        (172_800, "2 days"),
        (2_548_799, "29 days"),
        (2_721_600, "32 days"),
        (0.2, "1 s"),
        (89, "89 s"),
        (90, "2 min"),
        (840, "14 min"),
        (5400, "2 h"),
        (86_400, "24 h"),
        (200_000, "2 days"),
    ],
)
def test_spans_are_said_as_people_say_them(seconds: float, shown: str) -> None:
    """In one unit, never nothing."""
    assert show_span(seconds) == shown
