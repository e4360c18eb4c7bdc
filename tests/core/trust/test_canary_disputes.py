"""Whether a server or its canary is to blame when it denies a name known to be registered."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey, Probe
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.trust.canary_disputes import DISPUTE, CanaryDisputes, Ruling
from common.core.trust.outcomes import Settled
from tests.core.trust.trust_rooms import EPP, NOW, ONE, RDAP, SOURCES, WHOIS, ZONE, TrustRooms, answer_of, catch_lie

KNOWN = "known.com"


def about(key: ChannelKey) -> Probe:
    """The query about the canary at one server."""
    return Probe(key, KNOWN, registered=True)


def disputes_of(rooms: TrustRooms) -> CanaryDisputes:
    """The open disputes."""
    return rooms.canaries.disputes


def settle(rooms: TrustRooms, key: ChannelKey, outcome: Outcome, now: float = NOW + 1.0) -> Ruling:
    """The answer of one side about the canary."""
    return disputes_of(rooms).settle_dispute(about(key), answer_of(key, outcome), now)


def test_the_zone_is_asked_about_what_a_registry_server_denies_and_a_registry_server_about_what_the_zone_denies() -> None:
    """Each side of a suffix keeps records of its own; RDAP is asked first."""
    disputes = disputes_of(TrustRooms())

    assert disputes.begin_dispute(about(RDAP), NOW) == about(ZONE)
    assert disputes.begin_dispute(about(WHOIS), NOW) == about(ZONE)
    assert disputes.begin_dispute(about(ZONE), NOW) == about(RDAP)


def test_no_dispute_begins_where_nothing_could_tell() -> None:
    """A random name is in no database, a wildcard zone knows every name, and no registry server may be believed."""
    wildcard, distrusted = TrustRooms(), TrustRooms()
    wildcard.registries.wildcards.note_measured("com", wildcard=True)
    for key in (RDAP, WHOIS):
        catch_lie(distrusted, key, NOW)

    assert disputes_of(TrustRooms()).begin_dispute(Probe(RDAP, "q1.com", registered=False), NOW) is None
    assert disputes_of(wildcard).begin_dispute(about(RDAP), NOW) is None
    assert disputes_of(distrusted).begin_dispute(about(ZONE), NOW) is None
    assert not disputes_of(wildcard).is_disputed(RDAP)


def test_a_registry_server_in_quarantine_is_passed_over() -> None:
    """The next one is asked."""
    rooms = TrustRooms()
    catch_lie(rooms, RDAP, NOW)

    assert disputes_of(rooms).begin_dispute(about(ZONE), NOW) == about(WHOIS)


def test_a_canary_that_both_sides_deny_is_dead_and_every_server_that_denied_it_is_pardoned() -> None:
    """However many there were; the operator is told to name another one."""
    rooms = TrustRooms()
    for key in (RDAP, WHOIS):
        catch_lie(rooms, key, NOW)
        disputes_of(rooms).begin_dispute(about(key), NOW)
    ruling = settle(rooms, ZONE, Outcome.UNREGISTERED)
    (line,) = rooms.log_lines("canary_retired")

    assert ruling == Ruling(is_dead=True, settled=[Settled(RDAP, wrong=False), Settled(WHOIS, wrong=False)])
    assert not any(rooms.trust.is_distrusted(key, NOW + 1.0) or disputes_of(rooms).is_disputed(key) for key in (RDAP, WHOIS))
    assert rooms.known_names.is_dead(KNOWN)
    assert (line.level, line.fields["canary"]) == ("warning", KNOWN)
    assert "CANARIES_FILE" in line.fields["reason"]
    assert rooms.telemetry.metrics.sum_counter("canaries_retired", ()) == {"": 1}


@pytest.mark.parametrize("phase", [Phase.UNDELEGATED, Phase.REDEMPTION, Phase.PENDING_DELETE])
def test_a_canary_that_the_registry_took_out_of_the_zone_pardons_the_zone(phase: Phase) -> None:
    """It is registered, so that the answer itself still counts."""
    rooms = TrustRooms()
    disputes_of(rooms).begin_dispute(about(ZONE), NOW)
    record = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found", phase), server=RDAP.server)

    assert disputes_of(rooms).settle_dispute(about(RDAP), record, NOW) == Ruling(
        is_dead=False, settled=[Settled(ZONE, wrong=False)]
    )
    assert rooms.known_names.is_dead(KNOWN)


def test_where_the_other_side_knows_the_canary_the_servers_that_denied_it_were_wrong() -> None:
    """That is settled once."""
    rooms = TrustRooms()
    disputes_of(rooms).begin_dispute(about(RDAP), NOW)

    assert settle(rooms, ZONE, Outcome.REGISTERED) == Ruling(is_dead=False, settled=[Settled(RDAP, wrong=True)])
    assert settle(rooms, ZONE, Outcome.REGISTERED) == Ruling(is_dead=False, settled=[])
    assert not disputes_of(rooms).is_disputed(RDAP)


def test_a_server_of_the_same_side_settles_nothing() -> None:
    """RDAP and WHOIS read one database; an answer that says nothing settles nothing either."""
    rooms = TrustRooms()
    disputes_of(rooms).begin_dispute(about(RDAP), NOW)

    assert settle(rooms, WHOIS, Outcome.REGISTERED).settled == []
    assert settle(rooms, ZONE, Outcome.UNKNOWN).settled == []
    assert disputes_of(rooms).is_disputed(RDAP)


@pytest.mark.parametrize("outcome", [Outcome.REGISTERED, Outcome.UNREGISTERED, Outcome.UNAVAILABLE])
def test_what_a_registrar_says_settles_nothing(outcome: Outcome) -> None:
    """It may come from a cache, and one that offers a registered name lies itself; the registry's word by EPP does settle."""
    rooms = TrustRooms(sources=SOURCES)
    catch_lie(rooms, ZONE, NOW)
    disputes_of(rooms).begin_dispute(about(ZONE), NOW)

    assert settle(rooms, ONE, outcome) == Ruling(is_dead=False, settled=[])
    assert disputes_of(rooms).is_disputed(ZONE)
    assert rooms.trust.is_quarantined(ZONE, NOW + 1.0)
    assert not rooms.known_names.is_dead(KNOWN)
    assert settle(rooms, EPP, Outcome.REGISTERED).settled == [Settled(ZONE, wrong=True)]


def test_a_registrar_that_denies_a_canary_is_accused_and_the_zone_settles_it() -> None:
    """As of a channel of the registry."""
    rooms = TrustRooms(sources=SOURCES)

    assert disputes_of(rooms).begin_dispute(about(ONE), NOW) == about(ZONE)
    assert settle(rooms, ZONE, Outcome.REGISTERED).settled == [Settled(ONE, wrong=True)]


def test_an_answer_that_proves_nothing_retires_no_canary_whatever_phase_it_carries() -> None:
    """Only a record of the registry says that a name is out of the zone."""
    rooms = TrustRooms()
    disputes_of(rooms).begin_dispute(about(ZONE), NOW)
    reading = Reading(Outcome.UNKNOWN, "rdap_x", "unclear", Phase.PENDING_DELETE)
    ruling = disputes_of(rooms).settle_dispute(about(RDAP), Observation("rdap", reading, server=RDAP.server), NOW)

    assert ruling == Ruling(is_dead=False, settled=[])
    assert not rooms.known_names.is_dead(KNOWN)


def test_a_registry_server_that_knows_the_canary_leaves_the_other_one_in_dispute() -> None:
    """It shows that the zone was wrong; whether the server of its own side was is for the zone to say."""
    rooms = TrustRooms()
    for key in (RDAP, ZONE):
        disputes_of(rooms).begin_dispute(about(key), NOW)

    assert settle(rooms, WHOIS, Outcome.REGISTERED) == Ruling(is_dead=False, settled=[Settled(ZONE, wrong=True)])
    assert disputes_of(rooms).is_disputed(RDAP)
    assert not disputes_of(rooms).is_disputed(ZONE)
    assert settle(rooms, ZONE, Outcome.REGISTERED).settled == [Settled(RDAP, wrong=True)]


def test_a_dispute_is_forgotten_after_an_hour() -> None:
    """A denial of the other side long after is a matter of its own."""
    rooms = TrustRooms()
    disputes_of(rooms).begin_dispute(about(RDAP), NOW)
    disputes_of(rooms).begin_dispute(Probe(WHOIS, "other.com", registered=True), NOW + DISPUTE)
    assert disputes_of(rooms).is_disputed(RDAP)
    disputes_of(rooms).begin_dispute(Probe(WHOIS, "third.com", registered=True), NOW + DISPUTE + 0.1)

    assert not disputes_of(rooms).is_disputed(RDAP)
    assert settle(rooms, ZONE, Outcome.UNREGISTERED, NOW + DISPUTE + 1.0) == Ruling(is_dead=False, settled=[])
