"""What an alarm about a name needs as registries, channels and trust stand, and which servers it waits for."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import DEAD_AFTER, FRESH
from common.core.lifecycle.forecast import DAY, HOUR
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase, unknown_reading
from common.core.model.limit import Limit
from common.core.model.records import Canary
from common.core.model.states import State
from common.core.model.verdict import Basis
from common.core.verdict import gates
from common.core.verdict.assessor import RESERVED_PATIENCE
from tests.core.trust.trust_rooms import NOW, PLENTY, RDAP, WHOIS, ZONE, TrustRooms, catch_lie, verify_server
from tests.core.verdict.assessor_desk import Desk


def kill(rooms: TrustRooms, key: ChannelKey) -> None:
    """A channel was just found dead."""
    for moment in (-DEAD_AFTER, -1.0, 0.0):
        rooms.channels.healths.note_outcome(key, Outcome.UNKNOWN, "no answer", NOW + moment)


# -- requirements --------------------------------------------------------------------------------------------------------


def test_an_ordinary_name_needs_two_sources_fresh_answers_and_nothing_else() -> None:
    """A zone whose word counts, and a second channel that is expected to speak."""
    needs = Desk().needs()

    assert (needs.dns_counts, needs.second_channel, needs.fresh, needs.quiet) == (True, True, FRESH, gates.QUIET)
    assert (needs.suffix_gone, needs.awaited, needs.wildcard, needs.announced, needs.blind) == (False, (), False, False, ())
    assert needs.registered_seen == NOW - HOUR


@pytest.mark.parametrize("wildcard", [True, False])
def test_a_zone_that_answers_for_everything_is_no_source(wildcard: bool) -> None:
    """As measured; RDAP and WHOIS are two sources without it."""
    desk = Desk()
    desk.rooms.registries.wildcards.note_measured("com", wildcard=wildcard)
    needs = desk.needs()

    assert (needs.wildcard, needs.dns_counts, needs.second_channel) == (wildcard, not wildcard, True)


@pytest.mark.parametrize(
    ("dead", "phase", "expected"),
    [
        ((), None, True),
        ((WHOIS,), None, True),
        ((WHOIS, RDAP), None, False),
        ((WHOIS, ZONE), None, False),
        ((WHOIS,), Phase.PENDING_DELETE, False),  # the name is out of the zone, which then says nothing new
    ],
)
def test_a_second_source_is_expected_where_two_channels_may_speak(
    dead: tuple[ChannelKey, ...], phase: Phase | None, expected: bool
) -> None:
    """The zone is one of them unless it is dead or the name is not in it anyway."""
    desk = Desk()
    for key in dead:
        kill(desk.rooms, key)

    assert desk.needs(phase=phase.value if phase else None).second_channel is expected


def test_a_channel_that_hides_names_in_this_phase_is_no_source() -> None:
    """Its denial is left out, and it is not waited for."""
    desk = Desk()
    needs = desk.needs(phase=Phase.REDEMPTION.value, phase_since=NOW - HOUR, blind=("whois",))

    assert (needs.blind, needs.second_channel) == (("whois",), False)


def test_the_time_after_a_contradiction_is_the_gap_between_passes_while_a_deletion_is_under_way() -> None:
    """The next drop may come at any moment; otherwise it is a quarter of an hour."""
    desk = Desk()

    assert desk.needs(phase=Phase.PENDING_DELETE.value).quiet == desk.needs().gap < gates.QUIET
    assert desk.needs(phase=Phase.ACTIVE.value).quiet == gates.QUIET


def test_an_announced_name_is_confirmed_for_a_day() -> None:
    """Its servers are asked in turn, so positives may be old; an announced state without a basis is no announcement."""
    desk = Desk(state=State.AVAILABLE)
    assert not desk.needs().announced
    assert not Desk().needs(basis=Basis.SOURCES).announced

    needs = desk.needs(basis=Basis.SOURCES)
    assert (needs.announced, needs.fresh) == (True, gates.CONFIRMED)


@pytest.mark.parametrize("finding", ["dns_suffix_gone", "dns_tld_gone"])
def test_a_top_level_domain_that_the_root_denies_is_gone(finding: str) -> None:
    """Only DNS says so, and another error says nothing of the kind."""
    desk = Desk()
    desk.entry.note_observation(Observation("dns", unknown_reading("dns_timeout", "no answer")), NOW)
    assert not desk.needs().suffix_gone
    desk.entry.note_observation(Observation("dns", unknown_reading(finding, "NXDOMAIN from the root")), NOW)
    assert desk.needs().suffix_gone


def test_whois_is_waited_for_about_a_name_never_seen_registered() -> None:
    """It would say "reserved"; a quarter of an hour at most, and not where it is dead or lied."""
    desk = Desk()
    needs = desk.needs(registered_seen=None)
    assert (needs.awaited, needs.registered_seen) == (("whois",), 0.0)
    assert desk.needs(passes=(NOW - RESERVED_PATIENCE + 1.0,)).awaited == ("whois",)
    assert desk.needs(passes=(NOW - RESERVED_PATIENCE, NOW)).awaited == ()
    assert desk.needs(passes=(), registered_seen=NOW - HOUR).awaited == ()

    dead, lied = Desk(), Desk()
    kill(dead.rooms, WHOIS)
    catch_lie(lied.rooms, WHOIS, NOW)
    assert dead.needs(registered_seen=None).awaited == lied.needs(registered_seen=None).awaited == ()


# -- the servers that an alarm waits for ---------------------------------------------------------------------------------


def test_an_alarm_waits_for_every_server_that_denied_the_name() -> None:
    """Before the last pass a verified server will do; then its canary has to be found after the answer."""
    desk = Desk()
    desk.deny(RDAP, WHOIS, ZONE, verified=False)
    assert desk.assessor.unverified_servers(desk.entry, NOW) == [(RDAP, 0.0), (WHOIS, 0.0), (ZONE, 0.0)]

    for key in (RDAP, WHOIS, ZONE):
        verify_server(desk.rooms, key, NOW - 1.0)
    assert desk.assessor.unverified_servers(desk.entry, NOW) == []
    desk.entry.detail.passes = (NOW - 30.0, NOW)
    assert desk.assessor.unverified_servers(desk.entry, NOW) == [(RDAP, NOW), (WHOIS, NOW), (ZONE, NOW)]


def test_two_sources_wait_for_no_canary_after_their_first_answers() -> None:
    """Queries are scarce, and only the last pass has to be verified afterwards."""
    desk = Desk()
    desk.deny(RDAP, ZONE, verified=False)
    for key in (RDAP, ZONE):
        verify_server(desk.rooms, key, NOW - 1.0)

    assert desk.assessor.unverified_servers(desk.entry, NOW) == []


def test_each_pass_of_a_source_alone_has_to_be_verified() -> None:
    """Nothing else stands behind it."""
    desk = Desk()
    desk.deny(RDAP, verified=False)
    verify_server(desk.rooms, RDAP, NOW - 1.0)

    assert desk.assessor.unverified_servers(desk.entry, NOW) == [(RDAP, NOW)]


def test_nothing_is_waited_for_without_a_denial_of_the_registry_or_after_the_alarm() -> None:
    """The zone alone raises no alarm, and an available name is announced already."""
    zone_only, available = Desk(), Desk(state=State.AVAILABLE)
    available.entry.detail.basis = Basis.SOURCES
    zone_only.deny(ZONE, verified=False)
    available.deny(RDAP, verified=False)

    assert zone_only.assessor.unverified_servers(zone_only.entry, NOW) == []
    assert available.assessor.unverified_servers(available.entry, NOW) == []
    available.entry.detail.basis = ""  # a server lied, and took the run of passes with it: a new one is needed
    assert [key for key, _ in available.assessor.unverified_servers(available.entry, NOW)] == [RDAP]
    available.entry.state, available.entry.detail.basis = State.UNREGISTERED, Basis.SOURCES  # it may become available
    assert [key for key, _ in available.assessor.unverified_servers(available.entry, NOW)] == [RDAP]


def test_a_channel_too_slow_for_an_alarm_is_not_waited_for() -> None:
    """Where another one is quick enough; about a name never seen registered WHOIS is waited for all the same."""
    desk = Desk(TrustRooms(limits={"whois/*": Limit("whois/*", 0.01, 1), **PLENTY}))
    desk.deny(RDAP, WHOIS, verified=False)
    assert [key.method for key, _ in desk.assessor.unverified_servers(desk.entry, NOW)] == ["rdap"]
    assert desk.assessor.unverified_others(desk.entry, NOW) == [(WHOIS, NOW)]
    desk.deny(ZONE, verified=False)  # no server of a registry
    assert desk.assessor.unverified_others(desk.entry, NOW) == [(WHOIS, NOW)]

    desk.entry.detail.registered_seen = None
    assert [key.method for key, _ in desk.assessor.unverified_servers(desk.entry, NOW)] == ["rdap", "whois", "dns"]
    assert desk.assessor.unverified_others(desk.entry, NOW) == []


def test_a_slow_channel_is_not_verified_for_a_name_that_was_announced() -> None:
    """Nor once its server is verified after the answer."""
    desk = Desk(TrustRooms(limits={"whois/*": Limit("whois/*", 0.01, 1), **PLENTY}))
    desk.deny(RDAP, WHOIS)
    assert desk.assessor.unverified_others(desk.entry, NOW) == []
    desk = Desk(TrustRooms(limits={"whois/*": Limit("whois/*", 0.01, 1), **PLENTY}), state=State.AVAILABLE)
    desk.deny(RDAP, WHOIS, verified=False)

    assert desk.assessor.unverified_others(desk.entry, NOW) == []


def test_a_check_that_asked_both_sources_is_noted_as_a_pass() -> None:
    """At its end; one that began after their answers is none."""
    desk = Desk()
    desk.deny(RDAP, ZONE)
    desk.assessor.note_check(desk.entry, NOW + 1.0, NOW + 2.0)
    assert desk.entry.detail.passes == ()

    desk.assessor.note_check(desk.entry, NOW - 1.0, NOW + 2.0)
    assert desk.entry.detail.passes == (NOW + 2.0,)


# -- the assessment ------------------------------------------------------------------------------------------------------


def test_an_alarm_stands_on_two_verified_sources_in_two_passes() -> None:
    """The answers carry the canaries of their servers, and what the alarm rests on is kept with the name."""
    desk = Desk()
    desk.deny(RDAP, ZONE)
    desk.entry.detail.passes = (NOW - 30.0, NOW)
    made = desk.assess()

    assert (made.verdict.state, made.positive) == (State.AVAILABLE, ("rdap", "dns"))
    assert (desk.entry.detail.gates, desk.entry.detail.basis) == ((), Basis.SOURCES)
    assert {item.canary for item in desk.entry.detail.evidence.values()} == {Canary(NOW, NOW, green=True)}
    assert made.situation.verified_after == {"rdap"}


def test_open_gates_are_kept_with_the_name() -> None:
    """So that what still stands between the evidence and an alarm can be shown."""
    desk = Desk()
    desk.deny(RDAP, ZONE, verified=False)
    made = desk.assess()

    assert made.verdict.state is State.PENDING_DELETE
    assert desk.entry.detail.gates == made.situation.gates
    assert desk.entry.detail.gates[0] == "canaries of dns, rdap are not verified after the answer"
    assert desk.entry.detail.basis == ""


def test_a_server_that_was_verified_before_its_answer_proves_nothing() -> None:
    """It may have gone wrong in between."""
    desk = Desk()
    desk.deny(RDAP, ZONE, verified=False)
    for key in (RDAP, ZONE):
        verify_server(desk.rooms, key, NOW - 1.0)
    made = desk.assess()

    assert made.situation.verified_after == frozenset()
    assert made.situation.gates[0] == "canaries of dns, rdap are not verified after the answer"


def test_an_alarm_that_another_gate_holds_back_rests_on_nothing_yet() -> None:
    """Two sources agree, and the name was seen registered a minute ago."""
    desk = Desk()
    desk.deny(RDAP, ZONE)
    detail = desk.entry.detail
    detail.passes, detail.contradicted_at = (NOW - 30.0, NOW), NOW - 60.0
    made = desk.assess()

    assert (made.situation.gates, detail.basis) == (("contradicted 60 s ago",), "")


@pytest.mark.parametrize("before", ["", Basis.REPETITION, Basis.SOURCES])
def test_what_two_sources_said_is_kept_where_one_goes_on_alone(before: str) -> None:
    """An alarm by the passes of one source alone rests on those."""
    desk = Desk()
    desk.deny(RDAP)
    detail, times = desk.entry.detail, tuple(NOW - 30.0 * number for number in reversed(range(gates.SILENT_PASSES)))
    detail.passes, detail.verified, detail.basis = times, times, before
    made = desk.assess()

    assert made.situation.gates == ()
    assert detail.basis == made.situation.basis == (before or Basis.REPETITION)


def test_an_assessment_works_the_forecast_out_anew() -> None:
    """A name in its last phase has a drop window, and one that is not ending has none any more."""
    desk = Desk()
    detail = desk.entry.detail
    detail.phase, detail.phase_since = Phase.PENDING_DELETE.value, NOW - DAY
    desk.assess()
    assert desk.entry.drop is not None
    detail.phase = Phase.ACTIVE.value
    desk.assess()

    assert desk.entry.drop is None


def test_a_pass_is_noted_as_verified_when_a_name_is_assessed_after_its_canary() -> None:
    """That is how the passes of a source alone are counted."""
    desk = Desk()
    desk.deny(RDAP)
    desk.entry.detail.passes = (NOW,)
    desk.assess()

    assert desk.entry.detail.verified == (NOW,)


@pytest.mark.parametrize("seen", [None, NOW - HOUR])
def test_the_verdict_is_told_whether_a_name_was_ever_seen_registered(seen: float | None) -> None:
    """One that was not may be one that its registry reserved."""
    desk = Desk()
    desk.entry.detail.registered_seen = seen

    assert desk.assess().situation.never_seen is (seen is None)


@pytest.mark.parametrize(("expires", "expired"), [(None, False), (NOW - 1.0, True), (NOW, False), (NOW + 1.0, False)])
def test_a_name_is_expired_after_the_date_of_its_record(expires: float | None, expired: bool) -> None:
    """Without a date it is not known to be."""
    desk = Desk()
    desk.entry.detail.expires_epoch = expires

    assert desk.assess().situation.expired is expired


def test_only_a_verified_channel_tells_that_a_name_never_seen_registered_is_not_reserved() -> None:
    """WHOIS would print another text for a reserved name, so a proven denial of it counts for more; one of RDAP does not."""
    believed = []
    for key, verified in ((WHOIS, False), (RDAP, True), (WHOIS, True)):
        desk = Desk()
        desk.entry.detail.registered_seen = None
        desk.deny(key, verified=verified)
        believed.append(desk.assess().situation.p_registrable)

    assert believed[0] == believed[1] == 0.9 < believed[2]


@pytest.mark.parametrize(("suffix", "chance"), [("com", 0.995), ("uk.com", 0.95), ("xyz", 0.6)])
def test_a_name_that_had_a_holder_is_registrable_by_anyone(suffix: str, chance: float) -> None:
    """Unless it is of a kind that is sold at another price, as a short one under a new top-level domain is."""
    entry = Entry(f"gone.{suffix}", suffix, "gone")
    entry.detail.registered_seen = NOW - HOUR

    assert Desk().assessor.assess_evidence(entry, NOW).situation.p_registrable == chance
