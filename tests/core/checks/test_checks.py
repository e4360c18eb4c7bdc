"""One check of a name: which queries it sends, when it ends, and when the next one is due."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import ANSWER_DUE
from common.core.checks.checks import SEE_AGAIN, SOON, awaits_pass
from common.core.domains.stages import Stage
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.ids import NEVER
from common.core.model.states import State
from tests.core.checks.checks_room import NOW, RDAP, ChecksRoom

DAY = 86_400.0


def answer(method: str, outcome: Outcome, finding: str, phase: Phase | None = None) -> Observation:
    """An answer of the usual server of com."""
    server = {"dns": "com", "http": "web"}.get(method, f"{method}.com.test")
    return Observation(method, Reading(outcome, finding, "said so", phase), server=server)


DELEGATED = answer("dns", Outcome.REGISTERED, "dns_auth_referral")
DENIED = answer("dns", Outcome.UNREGISTERED, "dns_auth_nxdomain")
NOT_FOUND = answer("rdap", Outcome.UNREGISTERED, "rdap_404_json")
FREE = answer("whois", Outcome.UNREGISTERED, "whois_free")
FOUND = answer("rdap", Outcome.REGISTERED, "rdap_200_match", Phase.ACTIVE)


def begun(room: ChecksRoom, name: str = "a.com") -> Entry:
    """A name whose check has begun with its DNS query."""
    entry = room.load(name)
    room.checks.begin_check(entry, NOW)
    assert room.waiting_queries() == [("dns", name)]
    return entry


def test_a_delegated_name_costs_one_dns_query_and_is_due_after_its_interval() -> None:
    """Its registry record is renewed when that is due, so the first check queries RDAP too."""
    room = ChecksRoom()
    entry = begun(room)
    room.checks.take_answer(entry, DELEGATED, NOW + 1)
    assert room.waiting_queries() == [("rdap", "a.com")]
    room.checks.take_answer(entry, FOUND, NOW + 2)
    assert entry.check is None
    room.checks.begin_check(entry, NOW + 10)
    room.waiting_queries()
    room.checks.take_answer(entry, DELEGATED, NOW + 11)

    assert entry.check is None
    assert entry.state is State.REGISTERED
    assert NOW + 11 + 0.8 * 3600 <= room.domains.stages.due_at(entry.id) <= NOW + 11 + 1.2 * 3600
    assert room.waiting_queries() == []


def test_a_first_delegation_is_a_state_before_the_registry_has_answered() -> None:
    """The registry's queue may be long."""
    room = ChecksRoom()
    entry = begun(room)
    room.checks.take_answer(entry, DELEGATED, NOW + 1)

    assert entry.state is State.REGISTERED
    assert entry.check is not None
    assert entry.check.awaiting == {"rdap"}


def test_a_denial_is_followed_through_every_channel_and_the_servers_are_verified() -> None:
    """DNS, RDAP, WHOIS; then canaries, because an alarm waits for them."""
    room = ChecksRoom()
    entry = begun(room)
    room.checks.take_answer(entry, DENIED, NOW + 1)
    assert room.waiting_queries() == [("rdap", "a.com")]
    room.checks.take_answer(entry, NOT_FOUND, NOW + 2)
    assert room.waiting_queries() == [("whois", "a.com")]
    room.checks.take_answer(entry, FREE, NOW + 3)

    assert entry.check is None
    assert entry.detail.passes == (NOW + 3,)
    assert {(method, domain) for method, domain in room.waiting_queries() if domain.startswith("known.")} == {
        ("dns", "known.com"),
        ("rdap", "known.com"),
        ("whois", "known.com"),
    }


def test_a_check_ends_without_a_channel_that_does_not_answer_in_time() -> None:
    """Once the registry denied the name: the pass goes without it, and its answer is evidence whenever it arrives."""
    room = ChecksRoom()
    entry = begun(room)
    room.checks.take_answer(entry, DENIED, NOW + 1)
    room.checks.take_answer(entry, NOT_FOUND, NOW + 2)
    assert entry.check is not None
    room.checks.note_sent(entry, "whois", NOW + 2)
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE)
    assert entry.check is not None
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE + 1)
    assert entry.check is None

    room.checks.take_answer(entry, FREE, NOW + 60)
    assert entry.detail.evidence["whois"].at == NOW + 60


def test_an_inconclusive_check_is_repeated_soon() -> None:
    """Nothing was proved, and the state is what it was."""
    room = ChecksRoom()
    entry = begun(room)
    for method in ("dns", "http", "rdap", "whois"):
        timeout = Observation(method, unknown_reading(f"{method}_timeout", "no answer"), server=method)
        room.checks.take_answer(entry, timeout, NOW + 1)

    assert entry.check is None
    assert entry.state is State.UNKNOWN
    assert entry.detail.unknown_rounds == 1
    assert room.domains.stages.due_at(entry.id) <= NOW + 1 + 1.2 * 15


def test_an_isolated_name_is_checked_on_demand_alone() -> None:
    """Its check killed workers; it is due when its isolation ends."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.isolated_until = NOW + 600
    room.checks.begin_check(entry, NOW)
    assert room.domains.stages.due_at(entry.id) == NOW + 600
    room.checks.begin_check_from_sweep(entry, DENIED, NOW)
    assert entry.check is None
    room.checks.begin_check(entry, NOW, manual=True)

    assert room.waiting_queries() == [("dns", "a.com"), ("rdap", "a.com"), ("whois", "a.com")]


def test_a_first_check_waits_until_its_zone_is_measured() -> None:
    """A zone that answers for every name proves nothing."""
    room = ChecksRoom()
    entry = room.load("a.dev")
    room.checks.begin_check(entry, NOW)

    assert room.domains.stages.stage_of(entry.id) is Stage.IDLE
    assert room.domains.stages.due_at(entry.id) == NOW + SOON
    assert [method for method, _ in room.waiting_queries()] == ["dns"]


def test_a_refusal_by_a_server_that_was_never_verified_proves_nothing() -> None:
    """The server is verified first: canaries are sent."""
    room = ChecksRoom()
    entry = begun(room)
    room.checks.take_answer(entry, DENIED, NOW + 1)
    room.waiting_queries()
    room.checks.take_answer(entry, answer("rdap", Outcome.INVALID, "rdap_400"), NOW + 2)

    assert entry.check is not None
    assert entry.check.outcomes["rdap"] is Outcome.UNKNOWN
    assert ("rdap", "known.com") in room.waiting_queries()


def test_a_service_that_is_not_certain_proves_nothing_before_it_was_verified() -> None:
    """Whatever it says; a certain one is believed at once, as far as the gates let it count."""
    room = ChecksRoom()
    entry = room.load("a.com")
    said = answer("das", Outcome.REGISTERED, "das_not_available")
    room.checks.take_answer(entry, said, NOW)
    assert "das" not in entry.detail.evidence
    assert entry.detail.trouble["das"].observation == said

    key = ChannelKey("das", said.server, "com")
    for registered in (True, False):
        outcome = Outcome.REGISTERED if registered else Outcome.UNREGISTERED
        probe = Probe(key, "known.com" if registered else "qrandom.com", registered=registered)
        room.checks.canaries.trust.note_answer(probe, answer("das", outcome, "das_available"), NOW + 1)
    room.checks.take_answer(entry, said, NOW + 2)
    assert entry.detail.evidence["das"].observation == said


def test_an_answer_that_no_check_waits_for_is_evidence_and_sends_nothing() -> None:
    """It is older than the check under way, or came after its end."""
    room = ChecksRoom()
    entry = room.load("a.com")
    room.checks.take_answer(entry, FOUND, NOW)

    assert entry.detail.evidence["rdap"].observation == FOUND
    assert entry.check is None
    assert room.waiting_queries() == []


def test_a_sweep_that_confirms_an_alarm_is_followed_by_a_check_of_its_own() -> None:
    """The confirming pass needs an answer from another address."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.state, entry.detail.passes = State.PENDING_DELETE, (NOW - 60,)
    room.checks.begin_check_from_sweep(entry, DENIED, NOW)

    assert entry.check is not None
    assert entry.check.confirm
    assert ("dns", "a.com") in room.waiting_queries()


def test_the_other_channel_is_compared_once_in_a_phase_of_deletion() -> None:
    """A registry that hides such names from WHOIS would seem to have dropped one when its RDAP stops answering."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.state, entry.detail.phase, entry.detail.phase_since = State.REDEMPTION, Phase.REDEMPTION.value, NOW - DAY
    redemption = answer("rdap", Outcome.REGISTERED, "rdap_200_match", Phase.REDEMPTION)
    for begin in (NOW, NOW + 60):
        room.checks.begin_check(entry, begin)
        room.waiting_queries() if begin > NOW else None
        room.checks.take_answer(entry, redemption, begin + 1)
        compared = [pair for pair in room.waiting_queries() if pair == ("whois", "a.com")]
        assert len(compared) == (1 if begin == NOW else 0)
        assert entry.check is None


@pytest.mark.parametrize(
    ("phase", "blind", "soon"),
    [(Phase.REDEMPTION, (), True), (Phase.REDEMPTION, ("whois",), False), (Phase.ACTIVE, (), False)],
)
def test_a_denial_by_the_channel_compared_is_soon_held_against_the_other(
    phase: Phase, blind: tuple[str, ...], *, soon: bool
) -> None:
    """Whether WHOIS hides such names is known once RDAP shows this one after WHOIS denied it."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.state, entry.detail.phase, entry.detail.phase_since = State.REDEMPTION, phase.value, NOW - DAY
    entry.detail.blind = blind
    room.domains.stages.schedule_check(entry, NOW + 6 * 3600)
    room.checks.take_answer(entry, answer("whois", Outcome.UNREGISTERED, "whois_free"), NOW)

    assert (room.domains.stages.due_at(entry.id) == NOW + SEE_AGAIN) == soon


def test_a_denial_of_a_name_that_is_checked_again_already_plans_nothing() -> None:
    """It would be in two stages."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.state, entry.detail.phase, entry.detail.phase_since = State.REDEMPTION, Phase.REDEMPTION.value, NOW - DAY
    room.domains.stages.schedule_check(entry, NEVER)
    room.checks.take_answer(entry, answer("whois", Outcome.UNREGISTERED, "whois_free"), NOW)

    assert room.domains.stages.due_at(entry.id) == NEVER


def test_names_whose_canary_never_answers_are_rescheduled() -> None:
    """Unless their next pass waits for another one."""
    room = ChecksRoom()
    entry = room.load("a.com")
    room.checks.resume_names(["a.com", "unknown.com"], NOW)
    assert room.domains.stages.due_at(entry.id) <= NOW + 1.2 * 3600

    entry.detail.passes, entry.detail.purged_at, entry.awaited = (NOW,), NOW, {RDAP}
    due = room.domains.stages.due_at(entry.id)
    room.checks.resume_names(["a.com"], NOW + 60)
    assert room.domains.stages.due_at(entry.id) == due


@pytest.mark.parametrize(
    ("state", "held", "waits"),
    [
        (State.PENDING_DELETE, None, True),
        (State.AVAILABLE, None, False),
        (State.DROPPING, NOW + 60, False),
        (State.DROPPING, None, True),
    ],
)
def test_a_pass_is_awaited_until_the_alarm_or_while_a_calendar_holds_it(
    state: State, held: float | None, *, waits: bool
) -> None:
    """What is announced needs no pass, and what a release procedure holds back waits for its end."""
    entry = Entry("a.com", "com", "a", state=state, held_until=held, check=Check(NOW))
    assert not awaits_pass(entry)
    entry.detail.passes, entry.detail.purged_at = (NOW,), NOW

    assert awaits_pass(entry) is waits


def test_a_name_whose_zone_answers_for_every_name_is_due_when_its_registry_is_to_be_asked() -> None:
    """Of others it is the zone that is asked, at the base interval."""
    room = ChecksRoom()
    room.registries.wildcards.note_measured("com", wildcard=True)
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    assert room.waiting_queries() == [("rdap", "a.com")]
    room.checks.take_answer(entry, FOUND, NOW + 1)

    assert entry.state is State.REGISTERED
    assert NOW + 0.8 * DAY <= room.domains.stages.due_at(entry.id) <= NOW + 1 + 1.2 * DAY
