"""Canaries that are registered and not in the zone: they show a registrar that answers from the zone, or from a cache."""

from __future__ import annotations

import pytest

from common.core.coordinator.source_state import SourceState
from common.core.model.channel import Probe
from common.core.model.entry import Entry, Rank
from common.core.model.evidence import Outcome, Phase
from common.core.model.records import TrustRow
from common.core.model.source_row import Trusted
from common.core.trust.early_canaries import PROBE_EVERY, PROBE_SILENT_EVERY
from common.core.trust.hidden_names import LATELY
from common.core.trust.server_trust import last_right_at
from tests.core.trust.trust_rooms import (
    NOW,
    ONE,
    RDAP,
    SOURCES,
    TWO,
    TrustRooms,
    answer_of,
    await_servers,
    catch_lie,
    graded,
    verify_server,
)

GRADES = [
    (Outcome.UNREGISTERED, True),
    (Outcome.PREMIUM, True),
    (Outcome.UNAVAILABLE, False),
    (Outcome.REGISTERED, False),
    (Outcome.RESERVED, False),
]
SILENT = [Outcome.UNKNOWN, Outcome.THROTTLED]


def rooms_with(*seen: float, suffixes: tuple[str, ...] = ("com",)) -> TrustRooms:
    """Rooms with one registrar; the registry showed `held.com` in redemption at these times."""
    rooms = TrustRooms(*suffixes, sources=SOURCES[:1])
    entry = Entry("held.com", "com", "held")
    entry.detail.phase = Phase.REDEMPTION
    for at in seen:
        rooms.known_names.hidden.note_record(entry, answer_of(RDAP, Outcome.REGISTERED), at)
    return rooms


def ask(rooms: TrustRooms, now: float) -> list[Probe]:
    """The hidden canaries that are sent when registrars are looked at."""
    rooms.early_canaries.probe_registrars(rooms.suffixes, now)
    queries = rooms.take_canaries()
    assert all(query.rank is Rank.BACKGROUND for query in queries)
    return [query.probe for query in queries if query.probe is not None and query.probe.hidden]


def say(rooms: TrustRooms, outcome: Outcome, now: float) -> None:
    """The registrar answers a hidden canary."""
    probe = Probe(ONE, "held.com", registered=True, hidden=True)
    found = rooms.canaries.take_canary_outcome(probe, answer_of(ONE, outcome), now)
    assert (found.failures, found.settled, found.reconsidered) == ([], [], [])


def test_a_registrar_is_asked_about_a_hidden_name_once_one_is_known_and_every_six_hours() -> None:
    """The name has to have been shown a short while ago."""
    rooms = rooms_with(NOW)
    assert ask(rooms_with(), NOW) == []
    assert ask(rooms_with(NOW - LATELY - 0.01), NOW) == []
    assert ask(rooms, NOW + LATELY) == [Probe(ONE, "held.com", registered=True, hidden=True)]
    say(rooms, Outcome.UNAVAILABLE, NOW + LATELY)
    again = NOW + LATELY + PROBE_EVERY
    rooms.known_names.hidden = rooms_with(again).known_names.hidden

    assert ask(rooms, again - 0.01) == []
    assert len(ask(rooms, again)) == 1


def test_a_hidden_canary_without_an_answer_is_asked_again_after_a_quarter_of_an_hour() -> None:
    """Whatever the suffix."""
    rooms = rooms_with(NOW + 600.0)
    assert len(ask(rooms, NOW + 600.0)) == 1
    rooms.known_names.hidden = rooms_with(NOW + 900.0).known_names.hidden

    assert ask(rooms, NOW + 600.0 + PROBE_SILENT_EVERY - 0.01) == []
    assert len(ask(rooms, NOW + 600.0 + PROBE_SILENT_EVERY)) == 1


def test_no_hidden_canary_is_queued_while_the_operator_limits_us() -> None:
    """It is asked once that is over."""
    rooms = rooms_with(NOW)
    rooms.limit_operator(ONE, NOW, 600.0)

    assert ask(rooms, NOW + 1.0) == []
    assert len(ask(rooms, NOW + 601.0)) == 1


@pytest.mark.parametrize(("outcome", "offered"), GRADES)
def test_a_registrar_that_offers_a_hidden_name_answers_from_the_zone(outcome: Outcome, *, offered: bool) -> None:
    """Under every suffix, and whatever its other canaries say; it is not in quarantine, for they are right."""
    rooms = rooms_with()
    verify_server(rooms, ONE, NOW)
    say(rooms, outcome, NOW)
    trust = rooms.trust

    assert trust.answers_from_zone(ONE) is offered
    assert trust.answers_from_zone(ONE._replace(suffix="net")) is offered
    assert (trust.find_row(ONE) is None) is offered
    assert trust.is_verified_after(ONE, NOW, NOW) == (not offered)
    assert not trust.answers_from_zone(TWO)
    assert trust.is_left_out(ONE, NOW) is offered
    assert not trust.lacks_canary(ONE, NOW, NOW)
    assert trust.lacks_canary(ONE, NOW + 1.0, NOW + 1.0) == (not offered)
    assert trust.lacks_canary(TWO, NOW, NOW)
    assert not trust.is_distrusted(ONE, NOW)
    assert trust.hidden_asked_at(ONE) == NOW
    assert len(trust.take_changed()) == 2
    assert len(rooms.log_lines("source_answers_from_zone")) == offered
    assert graded(rooms) == {"registrar:one lie" if offered else "registrar:one ok": 1}


@pytest.mark.parametrize("outcome", SILENT)
def test_an_error_about_a_hidden_name_shows_nothing(outcome: Outcome) -> None:
    """Neither for the registrar nor against it."""
    rooms = rooms_with()
    say(rooms, outcome, NOW)
    assert (rooms.trust.answers_from_zone(ONE), rooms.trust.hidden_asked_at(ONE)) == (False, 0.0)
    say(rooms, Outcome.UNREGISTERED, NOW)
    say(rooms, outcome, NOW + 1.0)
    assert rooms.trust.answers_from_zone(ONE)


def test_a_registrar_that_refuses_a_hidden_name_again_is_believed() -> None:
    """What it says is proven from then on, and shown so."""
    rooms = rooms_with()
    verify_server(rooms, ONE, NOW)
    say(rooms, Outcome.UNREGISTERED, NOW)
    shown = SourceState(NOW, trust=rooms.trust.all_rows()).trust_of(ONE.method, "")
    assert (shown.state, shown.reason, shown.channels, shown.quarantined_until) == (
        Trusted.QUARANTINED,
        "one.test offers held.com, which is registered and not in the zone",
        1,
        None,
    )
    say(rooms, Outcome.UNAVAILABLE, NOW + 1.0)

    assert not rooms.trust.answers_from_zone(ONE)
    shown = SourceState(NOW, trust=rooms.trust.all_rows()).trust_of(ONE.method, "")
    assert (shown.state, shown.reason) == (Trusted.VERIFIED, "")


def test_names_that_wait_for_a_registrar_go_on_after_its_last_canary() -> None:
    """A hidden one verifies nothing, and it may be the last that is answered."""
    rooms = rooms_with(NOW)
    entry = rooms.load_name("gone.com")
    (hidden,) = ask(rooms, NOW)
    await_servers(rooms, entry, ONE)
    for query in range(rooms.canaries._on_way[ONE] - 1):
        assert rooms.canaries.take_unanswered(Probe(ONE, f"{query}.com", registered=True), NOW) == []

    assert rooms.canaries.take_canary_outcome(hidden, answer_of(ONE, Outcome.UNAVAILABLE), NOW).released == ["gone.com"]


def test_a_name_that_is_gone_by_the_time_of_the_answer_shows_nothing() -> None:
    """The registry denied it meanwhile; nor is it asked about any more."""
    rooms = rooms_with(NOW)
    entry = rooms.load_name("held.com")
    entry.detail.phase, entry.detail.purged_at = Phase.REDEMPTION, NOW
    say(rooms, Outcome.UNREGISTERED, NOW + 1.0)
    assert not rooms.trust.answers_from_zone(ONE)
    assert rooms.known_names.hidden.find_name("com", NOW) == "held.com"
    rooms.known_names.note_registered(entry, answer_of(RDAP, Outcome.UNREGISTERED), NOW)
    assert rooms.known_names.hidden.find_name("com", NOW) is None
    entry.detail.purged_at = None
    say(rooms, Outcome.UNREGISTERED, NOW + 1.0)
    assert rooms.trust.answers_from_zone(ONE)


def test_the_last_answer_about_a_hidden_name_counts_also_within_one_moment() -> None:
    """An offer after a refusal, and a refusal after an offer."""
    rooms = rooms_with()
    for outcome, offered in ((Outcome.UNAVAILABLE, False), (Outcome.UNREGISTERED, True), (Outcome.UNAVAILABLE, False)):
        say(rooms, outcome, NOW)
        assert rooms.trust.answers_from_zone(ONE) is offered


def test_a_server_that_lied_is_left_out_as_well() -> None:
    """Whatever it says of hidden names."""
    rooms = rooms_with()
    catch_lie(rooms, ONE, NOW)

    assert rooms.trust.is_left_out(ONE, NOW)
    assert not rooms.trust.is_left_out(TWO, NOW)


def test_the_reason_is_bounded() -> None:
    """Names of hosts and domains are given from outside."""
    trust, key = rooms_with().trust, ONE._replace(server="h" * 400)
    probe = Probe(key, "held.com", registered=True, hidden=True)

    assert trust.note_hidden_answer(probe, answer_of(key, Outcome.UNREGISTERED), NOW) == "h" * 300


def test_what_a_definitive_source_said_is_in_doubt_since_both_its_canaries_were_right() -> None:
    """It may call everything taken; of any other the known name is proof enough."""
    for method, at in (("registrar:one", 3.0), ("epp", 3.0), ("rdap", 5.0)):
        assert last_right_at(TrustRow(method, "x.test", "com", 5.0, 3.0)) == at
    assert last_right_at(TrustRow("epp", "x.test", "com", 2.0, 3.0)) == 2.0
