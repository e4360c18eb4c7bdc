"""Canaries of sources that create names: a verdict follows from them, and no pass waits."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.query import Query
from common.core.trust.canaries import WAIT
from common.core.trust.outcomes import CanaryOutcome, Reconsidered
from tests.core.trust.trust_rooms import NOW, ONE, RDAP, SINCE, SOURCES, TWO, TrustRooms, answer_canary, catch_lie, loaded_name


def follow(rooms: TrustRooms, entry: Entry, *keys: ChannelKey, now: float = NOW) -> list[Query]:
    """Let canaries of these sources be asked for what they said of a name at NOW; those that are asked by that."""
    rooms.canaries.follow_offers(entry, [(key, NOW) for key in keys], SINCE, now)
    return rooms.take_canaries()


def test_the_canaries_of_every_source_that_offers_the_name_are_asked() -> None:
    """A known name and a random one of each, at once, at its own server; the next pass waits for none."""
    rooms = TrustRooms(sources=SOURCES)
    entry = loaded_name(rooms, "gone.com", RDAP)
    queries = follow(rooms, entry, ONE, TWO)

    assert [(query.method, query.server, query.domain == "known.com") for query in queries] == [
        (ONE.method, "https://one.test/v1", True),
        (ONE.method, "https://one.test/v1", False),
        (TWO.method, "https://two.test/v1", True),
        (TWO.method, "https://two.test/v1", False),
    ]
    assert entry.awaited == set()


def test_what_a_pass_waits_for_stays_as_it_is() -> None:
    """The registry's canaries were asked before."""
    rooms = TrustRooms(sources=SOURCES)
    entry = loaded_name(rooms, "gone.com", RDAP)
    rooms.canaries.await_canaries(entry, [(RDAP, NOW)], SINCE, NOW)
    follow(rooms, entry, ONE)

    assert entry.awaited == {RDAP}


def test_the_verdict_is_taken_again_once_both_canaries_have_answered() -> None:
    """With the time from which the answers of its check count."""
    rooms = TrustRooms(sources=SOURCES)
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, random = [query.probe for query in follow(rooms, entry, ONE)]
    assert known is not None
    assert random is not None
    assert rooms.canaries.waiting_names() == {"gone.com"}
    assert answer_canary(rooms, known, Outcome.UNAVAILABLE) == CanaryOutcome()
    outcome = answer_canary(rooms, random, Outcome.UNREGISTERED)

    assert outcome == CanaryOutcome(reconsidered=[Reconsidered(entry, SINCE, {}, "")], released=["gone.com"])
    assert rooms.trust.is_verified_after(ONE, NOW, NOW + 1.0)


def test_a_name_waits_for_the_canary_of_an_offer_for_a_quarter_of_an_hour_after_its_check() -> None:
    """Longer only where one is on its way that a pass waits for."""
    rooms = TrustRooms(sources=SOURCES)
    entry = loaded_name(rooms, "gone.com", RDAP)
    entry.checked_at = NOW
    follow(rooms, entry, ONE)
    rooms.canaries.forget_waiting(NOW + WAIT)
    assert rooms.canaries.waiting_names() == {"gone.com"}
    rooms.canaries.forget_waiting(NOW + WAIT + 1.0)
    assert rooms.canaries.waiting_names() == set()


def test_a_source_that_offers_a_registered_name_loses_what_it_said() -> None:
    """A catch would fail that its offer had announced."""
    rooms = TrustRooms(sources=SOURCES)
    entry = loaded_name(rooms, "gone.com", RDAP, ONE)
    known, _ = [query.probe for query in follow(rooms, entry, ONE)]
    assert known is not None
    outcome = answer_canary(rooms, known, Outcome.PREMIUM)

    assert set(outcome.reconsidered[0].voided) == {ONE.method}
    assert set(entry.detail.evidence) == {"rdap"}
    assert rooms.trust.is_quarantined(ONE, NOW + 1.0)


def test_no_canary_is_asked_of_a_source_in_quarantine_or_with_one_on_its_way() -> None:
    """Its answers say nothing now, and the canary on its way answers for this name too."""
    rooms = TrustRooms(sources=SOURCES)
    first, second = loaded_name(rooms, "a.com", RDAP), loaded_name(rooms, "b.com", RDAP)
    catch_lie(rooms, TWO, NOW)

    assert [query.method for query in follow(rooms, first, ONE, TWO)] == [ONE.method] * 2
    assert follow(rooms, second, ONE) == []
    assert rooms.canaries.waiting_names() == {"a.com", "b.com"}
