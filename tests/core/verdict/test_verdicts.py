"""How evidence becomes a verdict."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.model.verdict import Situation
from common.core.verdict.verdicts import decide_verdict, log_odds

NOW = 1_790_000_000.0
OUTCOMES = {
    "dns_auth_referral": Outcome.REGISTERED,
    "dns_auth_nxdomain": Outcome.UNREGISTERED,
    "rdap_200_match": Outcome.REGISTERED,
    "rdap_404_json": Outcome.UNREGISTERED,
    "rdap_404_blocked": Outcome.RESERVED,
    "whois_free": Outcome.UNREGISTERED,
    "whois_registered": Outcome.REGISTERED,
    "whois_reserved": Outcome.RESERVED,
    "whois_dropzone": Outcome.DROPPING,
    "whois_premium": Outcome.PREMIUM,
}


def said(finding: str, age: float = 0.0, phase: Phase | None = None) -> Evidence:
    """Evidence of one finding, `age` seconds old."""
    method = finding.partition("_")[0]
    reading = Reading(OUTCOMES[finding], finding, f"{finding} it says", phase)
    return Evidence(Observation(method, reading), NOW - age, NOW - age)


def evidence(*items: Evidence) -> dict[str, Evidence]:
    """By method."""
    return {item.observation.method: item for item in items}


def situation(prior: float = 0.0, **changes: object) -> Situation:
    """A name of an open suffix, nothing else known."""
    return Situation(**{"prior": prior, "p_registrable": 0.995, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prior", "items", "odds"),
    [
        (0.0, [said("rdap_404_json")], 6.0),
        (-9.0, [said("dns_auth_nxdomain")], -6.5),
        (0.0, [said("dns_auth_nxdomain"), said("rdap_404_json")], 8.5),
        (0.0, [said("rdap_404_json"), said("whois_free")], 7.125),
        (0.0, [said("rdap_404_json"), said("dns_auth_referral", age=60)], -3.05),
    ],
)
def test_groups_add_up_with_caps_and_age(prior: float, items: list[Evidence], odds: float) -> None:
    """Findings of one group share failure modes: the strongest counts whole, the others a quarter."""
    assert log_odds(evidence(*items), situation(prior), NOW) == pytest.approx(odds, abs=0.01)


def test_a_registered_answer_beats_a_positive_of_the_same_database() -> None:
    """WHOIS free and RDAP 200 make the name registered."""
    verdict = decide_verdict(evidence(said("whois_free", 5), said("rdap_200_match")), situation(), State.UNKNOWN, NOW)

    assert verdict.state is State.REGISTERED
    assert verdict.p_unregistered < 0.01


def test_nxdomain_of_a_name_out_of_the_zone_is_no_news() -> None:
    """From redemption to the purge a name is not in the zone: the same answer cannot prove its end."""
    inside = log_odds(evidence(said("dns_auth_nxdomain")), situation(), NOW)
    outside = log_odds(evidence(said("dns_auth_nxdomain")), situation(phase=Phase.REDEMPTION), NOW)

    assert inside > 0
    assert outside == 0


def test_dns_of_a_wildcard_suffix_is_off_both_ways() -> None:
    """Where every name answers, an answer says nothing."""
    assert log_odds(evidence(said("dns_auth_referral")), situation(wildcard=True), NOW) == 0
    assert (
        decide_verdict(evidence(said("dns_auth_referral")), situation(wildcard=True), State.UNKNOWN, NOW).state is State.UNKNOWN
    )


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        (Phase.ACTIVE, State.REGISTERED),
        (Phase.UNDELEGATED, State.UNDELEGATED),
        (Phase.EXPIRED_GRACE, State.EXPIRED_GRACE),
        (Phase.REDEMPTION, State.REDEMPTION),
        (Phase.PENDING_RESTORE, State.REDEMPTION),
        (Phase.PENDING_DELETE, State.PENDING_DELETE),
    ],
)
def test_the_registry_record_names_the_phase(phase: Phase, state: State) -> None:
    """A registered name's state is its phase."""
    verdict = decide_verdict(evidence(said("rdap_200_match", phase=phase)), situation(phase=phase), State.UNKNOWN, NOW)

    assert verdict.state is state


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        ("whois_reserved", State.RESERVED),
        ("rdap_404_blocked", State.RESERVED),
        ("whois_dropzone", State.DROPPING),
        ("whois_premium", State.AVAILABLE_PREMIUM),
    ],
)
def test_reserved_blocked_premium_and_dropping_are_kept_apart_from_available(finding: str, state: State) -> None:
    """No object in the database is not the same as free to take."""
    verdict = decide_verdict(evidence(said(finding)), situation(), State.UNKNOWN, NOW)

    assert verdict.state is state


def test_an_open_gate_keeps_the_state_as_it_was() -> None:
    """However sure the score, an alarm needs every gate."""
    items = evidence(said("rdap_404_json"), said("whois_free"), said("dns_auth_nxdomain"))
    shut = situation(gates=("canaries of rdap are not green after the answer",), passes=(NOW - 40, NOW))
    wide = situation(passes=(NOW - 40, NOW), verified_after=frozenset({"rdap", "whois"}))

    assert decide_verdict(items, shut, State.PENDING_DELETE, NOW).state is State.PENDING_DELETE
    assert decide_verdict(items, wide, State.PENDING_DELETE, NOW).state is State.AVAILABLE


def test_a_short_name_of_a_new_suffix_is_unregistered_but_not_called_available() -> None:
    """Where a reservation or a premium price is likely the word is UNREGISTERED."""
    items = evidence(said("rdap_404_json"), said("dns_auth_nxdomain"))
    wide = situation(p_registrable=0.6, passes=(NOW - 40, NOW), verified_after=frozenset({"rdap"}))

    assert decide_verdict(items, wide, State.UNKNOWN, NOW).state is State.UNREGISTERED


def test_the_calendar_of_a_release_procedure_wins_over_a_sure_score() -> None:
    """A name in its registry's own release procedure is DROPPING, whatever the answers."""
    items = evidence(said("rdap_404_json"), said("dns_auth_nxdomain"))
    wide = situation(release="dropzone", passes=(NOW - 40, NOW), verified_after=frozenset({"rdap"}))

    assert decide_verdict(items, wide, State.PENDING_DELETE, NOW).state is State.DROPPING


def test_any_registered_evidence_ends_available_at_once() -> None:
    """A delegation seen after the alarm is enough."""
    items = evidence(said("rdap_404_json", 10), said("whois_free", 10), said("dns_auth_referral"))

    assert decide_verdict(items, situation(passes=(NOW - 40, NOW - 10)), State.AVAILABLE, NOW).state is State.REGISTERED


def test_nothing_observed_is_unknown_and_never_overwrites_a_state() -> None:
    """No evidence leaves the state alone."""
    assert decide_verdict({}, situation(), State.UNKNOWN, NOW).state is State.UNKNOWN
    assert decide_verdict({}, situation(), State.REDEMPTION, NOW).state is State.REDEMPTION


def test_a_healthy_name_is_not_given_away_by_two_sources() -> None:
    """NXDOMAIN and one registry answer do not outweigh an expiry far away."""
    items = evidence(said("rdap_404_json"), said("dns_auth_nxdomain"))

    assert decide_verdict(items, situation(-9.0), State.REGISTERED, NOW).state is State.REGISTERED


@pytest.mark.parametrize("before", [State.AVAILABLE, State.UNREGISTERED])
def test_a_delegation_from_before_the_alarm_does_not_win_because_the_denial_ages(before: State) -> None:
    """What did not count when the registry denied the name does not count an hour later, when nothing new was heard."""
    items = evidence(said("rdap_404_json", 3600), said("whois_free", 3600), said("dns_auth_referral", 13_000))
    aged = situation(-9.0, passes=(NOW - 3640, NOW - 3600), gates=("no fresh positive answer of the registry",))

    assert decide_verdict(items, aged, before, NOW).state is before


def test_an_alarm_whose_passes_were_taken_away_ends_as_the_odds_say() -> None:
    """A server that had spoken for it lied: what is left does not outweigh the last delegation."""
    items = evidence(said("whois_free", 60), said("dns_auth_referral", 13_000))

    assert decide_verdict(items, situation(-9.0), State.AVAILABLE, NOW).state is State.REGISTERED


@pytest.mark.parametrize("before", [State.PENDING_DELETE, State.REDEMPTION, State.RESERVED])
def test_a_delegation_of_long_ago_is_no_news_when_the_registry_denies_the_name(before: State) -> None:
    """It is neither a registration meanwhile nor the end of a deletion."""
    items = evidence(said("rdap_404_json", 5), said("dns_auth_referral", 86_400))

    assert decide_verdict(items, situation(-9.0), before, NOW).state is before


def test_a_delegation_of_the_same_time_outweighs_the_first_denial() -> None:
    """Registry and zone disagree now, and the name is in the zone: it is registered."""
    items = evidence(said("rdap_404_json", 5), said("dns_auth_referral", 60))

    assert decide_verdict(items, situation(-5.0), State.PENDING_DELETE, NOW).state is State.REGISTERED
