"""Canaries that no alarm asked for: for servers under suspicion, and for zones that may answer for every name."""

from __future__ import annotations

import pytest

from common.core.builtin.canary_names import canaries_for
from common.core.model.channel import Probe
from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.trust.canaries import SUSPECT_CLOSE, SUSPECT_EVERY
from common.core.trust.outcomes import CanaryOutcome
from tests.core.trust.trust_rooms import (
    EPP,
    NOW,
    ONE,
    RDAP,
    SOURCES,
    WHOIS,
    ZONE,
    TrustRooms,
    answer_canary,
    answer_of,
    graded,
    verify_server,
)

RIGHT = {True: Outcome.REGISTERED, False: Outcome.UNREGISTERED}


# -- suspicion -----------------------------------------------------------------------------------------------------------


def pending_delete(rooms: TrustRooms, said: Outcome) -> tuple[Entry, Check]:
    """A name that the registry is deleting, and a check in which RDAP said this of it."""
    entry = rooms.load_name("gone.com")
    entry.detail.phase = Phase.PENDING_DELETE.value
    entry.note_observation(answer_of(RDAP, said), NOW)
    return entry, Check(NOW, outcomes={"rdap": said})


def test_a_server_that_still_finds_a_name_that_should_go_is_asked_about_a_random_one_once_an_hour() -> None:
    """It may find everything."""
    rooms = TrustRooms()
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    asked = []
    for now in (NOW, NOW + SUSPECT_EVERY, NOW + SUSPECT_EVERY + 1.0):
        rooms.canaries.suspect_servers(entry, check, now)
        queries = rooms.take_canaries()
        asked.append([query.probe.registered for query in queries if query.probe])
        for query in queries:
            assert query.probe is not None
            rooms.canaries.take_unanswered(query.probe, now)

    assert asked == [[False], [], [False]]


@pytest.mark.parametrize(("per_day", "apart"), [(40, DAY / 2), (5, DAY), (10**6, SUSPECT_EVERY)])
def test_suspicion_takes_a_twentieth_of_a_small_quota_and_one_query_a_day_at_least(per_day: int, apart: float) -> None:
    """Names in their windows need the others; a server that finds everything is found out within a day all the same."""
    rooms = TrustRooms(limits={"*": Limit("*", 1e6, 10**6, None), "rdap/rdap.com.test": Limit("x", 1.0, 5, per_day)})
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    asked = []
    for now in (NOW, NOW + apart, NOW + apart + 1.0):
        rooms.canaries.suspect_servers(entry, check, now)
        queries = rooms.take_canaries()
        asked.append(len(queries))
        for query in queries:
            assert query.probe is not None
            rooms.canaries.take_unanswered(query.probe, now)

    assert asked == [1, 0, 1]


def test_every_channel_of_the_registry_is_suspected_and_no_registrar_is() -> None:
    """DAS and EPP as RDAP and WHOIS; a query of a registrar is too scarce."""
    rooms = TrustRooms(sources=SOURCES)
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    for key in (WHOIS, EPP, ONE):
        entry.note_observation(answer_of(key, Outcome.REGISTERED), NOW)
        check.outcomes[key.method] = Outcome.REGISTERED
    rooms.canaries.suspect_servers(entry, check, NOW)

    assert rooms.take_probes() == [("epp", "random"), ("rdap", "random"), ("whois", "random")]


def test_a_server_that_denies_what_another_one_knows_is_asked_about_a_known_name() -> None:
    """Unless it found one within ten minutes."""
    rooms = TrustRooms()
    entry, check = pending_delete(rooms, Outcome.UNREGISTERED)
    check.outcomes["whois"] = Outcome.REGISTERED
    verify_server(rooms, RDAP, NOW)
    rooms.canaries.suspect_servers(entry, check, NOW + SUSPECT_CLOSE)
    assert rooms.take_canaries() == []

    rooms.canaries.suspect_servers(entry, check, NOW + SUSPECT_CLOSE + 1.0)
    assert [query.probe for query in rooms.take_canaries()] == [Probe(RDAP, "known.com", registered=True)]


def test_that_a_registrar_says_registered_casts_no_suspicion_on_the_registry() -> None:
    """It may say so from a cache."""
    rooms = TrustRooms(sources=SOURCES)
    entry, check = pending_delete(rooms, Outcome.UNREGISTERED)
    check.outcomes[ONE.method] = Outcome.REGISTERED
    rooms.canaries.suspect_servers(entry, check, NOW)

    assert rooms.take_canaries() == []


def test_inside_its_drop_window_a_name_that_is_still_found_is_suspicious_every_ten_minutes() -> None:
    """Whatever phase its record shows."""
    rooms = TrustRooms()
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    entry.detail.phase = Phase.ACTIVE.value
    entry.drop = DropWindow(NOW - 3600.0, NOW, NOW + 3600.0, 0.9)
    asked = []
    for now in (NOW, NOW + SUSPECT_CLOSE, NOW + SUSPECT_CLOSE + 1.0):
        rooms.canaries.suspect_servers(entry, check, now)
        queries = rooms.take_canaries()
        asked.append([query.probe.registered for query in queries if query.probe])
        for query in queries:
            assert query.probe is not None
            rooms.canaries.take_unanswered(query.probe, now)

    assert asked == [[False], [], [False]]


def test_a_suspected_server_is_not_asked_again_while_a_canary_is_on_its_way() -> None:
    """However slow its operator is."""
    rooms = TrustRooms()
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    rooms.canaries.suspect_servers(entry, check, NOW)
    assert len(rooms.take_canaries()) == 1

    rooms.canaries.suspect_servers(entry, check, NOW + SUSPECT_EVERY + 1.0)
    assert rooms.take_canaries() == []


def test_an_ordinary_answer_is_no_cause_for_suspicion() -> None:
    """A registered name that nothing speaks against."""
    rooms = TrustRooms()
    entry, check = pending_delete(rooms, Outcome.REGISTERED)
    entry.detail.phase = Phase.ACTIVE.value
    rooms.canaries.suspect_servers(entry, check, NOW)

    assert rooms.take_canaries() == []


def test_a_denial_that_no_other_answer_speaks_against_is_no_cause_for_suspicion() -> None:
    """A name may simply be gone."""
    rooms = TrustRooms()
    rooms.canaries.suspect_servers(*pending_delete(rooms, Outcome.UNREGISTERED), NOW)

    assert rooms.take_canaries() == []


# -- zones that answer for everything ------------------------------------------------------------------------------------


def test_a_zone_is_measured_before_the_first_check_and_then_daily() -> None:
    """The first check waits for it, five seconds at most; later ones do not wait."""
    rooms = TrustRooms()
    assert rooms.canaries.measure_wildcard("com", NOW) is True
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    assert (query.probe.key, query.probe.registered, query.probe.domain[-4:]) == (ZONE, False, ".com")
    assert rooms.canaries.measure_wildcard("com", NOW + 4.9) is True
    assert rooms.canaries.measure_wildcard("com", NOW + 5.0) is False

    answer_canary(rooms, query.probe, Outcome.UNREGISTERED)
    assert rooms.canaries.measure_wildcard("com", NOW + 86_400.0) is False
    assert rooms.take_canaries() == []
    assert rooms.canaries.measure_wildcard("com", NOW + 86_401.0) is False
    assert len(rooms.take_canaries()) == 1


def test_a_zone_that_no_worker_can_ask_is_not_measured() -> None:
    """The check begins without it."""
    rooms = TrustRooms(pools=("intermediate", "deep"))

    assert rooms.canaries.measure_wildcard("com", NOW) is False
    assert rooms.take_canaries() == []


def test_a_zone_that_finds_a_random_name_is_a_wildcard_and_no_liar() -> None:
    """It is a habit, remembered over restarts: DNS proves nothing there from now on."""
    rooms = TrustRooms()
    rooms.canaries.measure_wildcard("com", NOW)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    outcome = answer_canary(rooms, query.probe, Outcome.REGISTERED)

    assert outcome == CanaryOutcome()
    assert rooms.registries.wildcards.is_wildcard("com")
    assert [(line.level, line.fields["suffix"]) for line in rooms.log_lines("wildcard_suffix")] == [("info", "com")]
    assert not rooms.trust.is_distrusted(ZONE, NOW + 1.0)
    assert graded(rooms) == {"dns wildcard": 1}
    changes = rooms.domains.journal.begin_transaction(NOW + 1.0)
    assert changes is not None
    assert changes.meta == {"wildcards": "com"}


def test_a_zone_that_answers_for_every_name_no_more_guards_its_names_again() -> None:
    """Their next checks may have been days away."""
    rooms = TrustRooms()
    rooms.registries.wildcards.note_measured("com", wildcard=True)
    entry = rooms.load_name("a.com")
    rooms.domains.stages.schedule_check(entry, NOW + 5e5)
    rooms.canaries.measure_wildcard("com", NOW)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    answer_canary(rooms, query.probe, Outcome.UNREGISTERED)

    assert rooms.domains.stages.due_at(entry.id) <= NOW + 3601
    rooms.domains.stages.schedule_check(entry, NOW + 5e5)
    rooms.canaries.measure_wildcard("com", NOW + 86_402.0)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    answer_canary(rooms, query.probe, Outcome.UNREGISTERED)
    assert rooms.domains.stages.due_at(entry.id) == NOW + 5e5


def test_a_zone_that_gave_no_answer_is_measured_again_after_a_minute() -> None:
    """Nothing is known of it yet."""
    rooms = TrustRooms()
    rooms.canaries.measure_wildcard("com", NOW)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    rooms.canaries.take_unanswered(query.probe, NOW + 5.0)
    rooms.canaries.measure_wildcard("com", NOW + 65.0)
    assert rooms.take_canaries() == []

    rooms.canaries.measure_wildcard("com", NOW + 65.1)
    assert len(rooms.take_canaries()) == 1


def test_a_zone_whose_answer_proves_nothing_is_measured_again_after_a_minute() -> None:
    """And no check waits for it in the meantime."""
    rooms = TrustRooms()
    rooms.canaries.measure_wildcard("com", NOW)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    answer_canary(rooms, query.probe, Outcome.UNKNOWN, NOW + 1.0)
    assert rooms.canaries.measure_wildcard("com", NOW + 2.0) is False
    assert rooms.take_canaries() == []

    rooms.canaries.measure_wildcard("com", NOW + 61.1)
    assert len(rooms.take_canaries()) == 1


def test_a_zone_that_finds_a_known_name_is_no_wildcard() -> None:
    """Only what it says about a random one tells that."""
    rooms = TrustRooms()
    answer_canary(rooms, Probe(ZONE, "known.com", registered=True), Outcome.REGISTERED)

    assert not rooms.registries.wildcards.is_wildcard("com")
    assert graded(rooms) == {"dns ok": 1}


def test_a_zone_whose_answer_comes_of_a_wildcard_record_is_a_wildcard() -> None:
    """Such an answer proves nothing about the name, but it tells what the zone does."""
    rooms = TrustRooms()
    rooms.canaries.measure_wildcard("com", NOW)
    (query,) = rooms.take_canaries()
    assert query.probe is not None
    reading = Reading(Outcome.UNKNOWN, "dns_auth_wildcard", "a wildcard record")
    rooms.canaries.take_canary_outcome(query.probe, Observation("dns", reading, server=ZONE.server), NOW + 1.0)

    assert rooms.registries.wildcards.is_wildcard("com")


@pytest.mark.parametrize("probe", [Probe(RDAP, "q1.com", registered=False), Probe(ZONE, "known.com", registered=True)])
def test_a_zone_is_not_measured_again_because_another_canary_gave_no_answer(probe: Probe) -> None:
    """Only the query of a random label in the zone measures it."""
    rooms = TrustRooms()
    rooms.canaries.measure_wildcard("com", NOW)
    rooms.take_canaries()
    rooms.canaries.take_unanswered(probe, NOW)
    rooms.canaries.measure_wildcard("com", NOW + 61.0)

    assert rooms.take_canaries() == []


def test_without_canaries_of_the_operator_built_in_names_are_asked() -> None:
    """The first of them that is not the name in question."""
    rooms = TrustRooms(canaries={})
    rooms.canaries.verify_server(RDAP, canaries_for("com")[0], NOW, NOW)
    (known, _) = rooms.take_canaries()

    assert known.domain == canaries_for("com")[1]
