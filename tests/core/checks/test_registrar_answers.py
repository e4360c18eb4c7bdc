"""Answers of registrars and EPP in a check: what follows from one, and what a late one changes."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import ANSWER_DUE
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.states import State
from common.core.registries.sources import Source
from tests.core.checks.checks_room import NOW, RDAP, ChecksRoom
from tests.core.checks.denied_names import (
    FREE,
    ONE,
    ONE_KEY,
    REGISTRARS,
    TWO,
    answer,
    denied_name,
    silence_of,
    silent_name,
    sure_name,
)
from tests.core.trust.trust_rooms import verify_channel


def test_a_registrar_is_asked_beside_the_other_channels_once_the_registry_denies_the_name() -> None:
    """One of them, and the check waits for all."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)

    assert [pair for pair in room.waiting_queries() if pair[0] not in ("dns", "rdap")] == [(ONE, "a.com"), ("whois", "a.com")]
    assert entry.check is not None
    assert entry.check.awaiting == {ONE, "whois"}


def test_a_check_whose_registry_is_silent_waits_for_its_registrars() -> None:
    """Nothing denied the name yet, so there is no pass that could go without them."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = silent_name(room)
    assert entry.check is not None
    assert entry.check.awaiting == {ONE}
    room.checks.end_waiting(NOW + 100)
    assert entry.check is not None
    room.checks.take_answer(entry, answer(ONE, Outcome.PREMIUM), NOW + 101)

    assert entry.check is None
    assert entry.detail.passes == (NOW + 101,)


def test_a_name_that_one_would_create_at_a_price_of_its_own_is_followed_through_every_channel() -> None:
    """That is a denial like others; the check ends without a channel that does not answer in time."""
    epp = Source(method="epp", url="epp.com.test:700")
    room = ChecksRoom(sources=(epp,))
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
    silence = Observation("rdap", unknown_reading("rdap_timeout", "no answer"), server="rdap.com.test")
    room.checks.take_answer(entry, silence, NOW + 2)
    premium = Observation("epp", Reading(Outcome.PREMIUM, "epp_premium", "at a fee"), server="epp.com.test")
    room.checks.take_answer(entry, premium, NOW + 3)
    assert entry.check is not None
    assert entry.check.awaiting == {"whois"}
    room.checks.note_sent(entry, "whois", NOW + 3)
    room.checks.end_waiting(NOW + 3 + ANSWER_DUE + 0.01)

    assert entry.check is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (FREE, State.AVAILABLE),
        (Outcome.PREMIUM, State.AVAILABLE_PREMIUM),
        (Outcome.UNAVAILABLE, State.UNREGISTERED),
        (Outcome.REGISTERED, State.UNREGISTERED),
    ],
)
def test_the_late_answer_of_a_registrar_takes_the_verdict_again(outcome: Outcome, state: State) -> None:
    """At once where its server is verified; no check has to begin for it."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = sure_name(room)
    verify_channel(room.trust, ONE_KEY, NOW + 1)
    room.checks.take_answer(entry, answer(ONE, outcome), NOW + 1)

    assert (entry.state, entry.check) == (state, None)


@pytest.mark.parametrize("outcome", [Outcome.PREMIUM, Outcome.UNAVAILABLE])
def test_a_late_answer_of_an_unverified_registrar_is_verified_and_the_name_waits(outcome: Outcome) -> None:
    """Both canaries of it are sent, and the verdict is taken again when they have answered."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = sure_name(room)
    room.checks.take_answer(entry, answer(ONE, outcome), NOW + 1)

    assert entry.state is State.PENDING_DELETE
    assert entry.detail.gates == ("registrar:one speaks against it, and its server is not verified yet",)
    asked = [domain for method, domain in room.waiting_queries() if method == ONE]
    assert (len(asked), "known.com" in asked) == (2, True)
    assert "a.com" in room.canaries.waiting_names()
    assert entry.awaited == set()
    assert room.domains.journal.is_unwritten(entry)


def test_a_late_answer_about_a_name_that_the_registry_does_not_deny_takes_no_verdict() -> None:
    """Nor one about a name that is not watched any more, nor one of another channel."""
    registered, unwatched, other = ChecksRoom(sources=REGISTRARS), ChecksRoom(sources=REGISTRARS), ChecksRoom()
    entries = [sure_name(room) for room in (registered, unwatched, other)]
    entries[0].detail.purged_at = None
    unwatched.domains.stages.unwatch_name(entries[1].id)
    registered.checks.take_answer(entries[0], answer(ONE, Outcome.UNAVAILABLE), NOW + 1)
    unwatched.checks.take_answer(entries[1], answer(ONE, FREE), NOW + 1)
    other.checks.take_answer(entries[2], answer("whois", FREE), NOW + 1)

    assert [entry.state for entry in entries] == [State.PENDING_DELETE] * 3
    assert [entry.detail.reason for entry in entries] == [""] * 3
    assert [(ONE, "known.com") in room.waiting_queries() for room in (registered, unwatched, other)] == [False] * 3


def test_a_late_answer_during_another_check_waits_for_its_end() -> None:
    """It is evidence meanwhile."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = sure_name(room)
    verify_channel(room.trust, ONE_KEY, NOW + 1)
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer(ONE, FREE), NOW + 1)

    assert entry.check is not None
    assert (entry.state, entry.detail.evidence[ONE].at) == (State.PENDING_DELETE, NOW + 1)


def test_the_end_of_a_check_sends_canaries_to_the_sources_whose_offer_counts() -> None:
    """The next pass of the name waits for those of the registry alone."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    room.waiting_queries()
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 3)
    room.checks.take_answer(entry, answer(ONE, FREE), NOW + 4)

    assert entry.check is None
    assert {method for method, _ in room.waiting_queries()} == {"dns", "rdap", "whois", ONE}
    assert ONE not in {key.method for key in entry.awaited}


def test_the_word_of_a_registrar_for_registered_leaves_a_liar_to_be_verified() -> None:
    """At the end of a check in which a channel of the registry says so too, nothing is missing."""
    for method, expected in ((ONE, True), ("whois", False)):
        room = ChecksRoom(sources=REGISTRARS)
        entry = room.load("a.com")
        room.trust.row_of(RDAP).failed_at, room.trust.row_of(RDAP).reason = NOW - 900.0, "it lied"
        room.checks.begin_check(entry, NOW)
        room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
        room.checks.take_answer(entry, silence_of("whois") if method == ONE else answer("whois", Outcome.REGISTERED), NOW + 2)
        if method == ONE:
            room.checks.take_answer(entry, answer(ONE, Outcome.REGISTERED), NOW + 3)
            room.checks.take_answer(entry, silence_of(TWO), NOW + 4)
        assert entry.check is None
        assert (("rdap", "known.com") in room.waiting_queries()) is expected
