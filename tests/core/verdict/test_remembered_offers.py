"""What is remembered of an offer when its source lied, and which word takes its place."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.states import State
from common.core.model.verdict import Basis
from common.core.trust.lies import drop_evidence
from tests.core.trust.trust_rooms import NOW, ONE, RDAP, TWO, ZONE, answer_of, catch_lie, verify_server
from tests.core.verdict.test_assessor_offers import FREE, PREMIUM, REFUSED, Desk


def test_an_older_list_price_does_not_replace_a_newer_price_of_its_own() -> None:
    """The source of the price lies about something else after that."""
    desk = Desk()
    desk.entry.detail.purged_at = NOW - 30.0
    desk.say(TWO, FREE, NOW - 20.0)
    desk.say(ONE, PREMIUM, NOW)
    assert desk.assess().verdict.state is State.AVAILABLE_PREMIUM
    assert desk.entry.detail.offered_at == NOW
    desk.entry.state, desk.entry.detail.basis = State.AVAILABLE_PREMIUM, Basis.SOURCES
    catch_lie(desk.rooms, ONE, NOW + 5.0)

    assert desk.assess(NOW + 61.0).verdict.state is State.AVAILABLE_PREMIUM


def test_a_refusal_that_turned_out_a_lie_is_not_remembered() -> None:
    """It was one of the answers since the server was last right."""
    desk = Desk()
    desk.say(ONE, REFUSED)
    assert desk.assess().verdict.state is State.UNREGISTERED
    desk.entry.state = State.UNREGISTERED
    catch_lie(desk.rooms, ONE, NOW + 2.0)
    assert drop_evidence(desk.entry, ONE.method, 0.0, NOW + 2.0)

    assert desk.assess(NOW + 90.0).verdict.state is State.AVAILABLE


def test_an_offer_from_before_the_one_that_is_remembered_takes_nothing_with_it() -> None:
    """The newer one is of another source."""
    desk = Desk()
    desk.say(ONE, REFUSED, NOW)
    desk.entry.detail.offered, desk.entry.detail.offered_at = "refused", NOW + 1.0
    drop_evidence(desk.entry, ONE.method, 0.0, NOW + 2.0)

    assert desk.entry.detail.offered == "refused"


def test_a_refusal_of_another_source_does_not_forget_a_price_of_its_own() -> None:
    """It may not sell the suffix."""
    desk = Desk()
    desk.entry.detail.offered = "premium"
    desk.say(TWO, REFUSED)
    made = desk.assess()

    assert (made.verdict.state, desk.entry.detail.offered) == (State.AVAILABLE_PREMIUM, "premium")


def test_a_registrar_that_calls_everything_taken_loses_its_word_when_it_lied() -> None:
    """Its "registered" is a refusal, and does not count once it is verified again."""
    desk = Desk()
    desk.say(ONE, Outcome.REGISTERED, NOW, verified=False)
    catch_lie(desk.rooms, ONE, NOW + 1.0)
    drop_evidence(desk.entry, ONE.method, 0.0, NOW + 1.0)
    later = NOW + 400.0
    for key in (RDAP, ZONE):
        desk.say(key, FREE, later)
    verify_server(desk.rooms, ONE, later)

    assert desk.assess(later).verdict.state is State.AVAILABLE


def test_the_hint_of_a_liar_takes_no_pass_with_it() -> None:
    """It was part of none."""
    entry = Entry("gone.com", "com", "gone")
    entry.note_observation(answer_of(RDAP, Outcome.UNREGISTERED), NOW)
    hint = Reading(Outcome.UNREGISTERED, "registrar_available_cached", "it thinks so")
    entry.note_observation(Observation(ONE.method, hint, server=ONE.server), NOW)
    entry.detail.passes, entry.detail.basis, entry.detail.purged_at = (NOW - 30.0, NOW), "sources", NOW - 30.0
    drop_evidence(entry, ONE.method, 0.0, NOW + 1.0)

    assert (entry.detail.passes, entry.detail.basis) == ((NOW - 30.0, NOW), "sources")


def test_a_source_that_answers_from_the_zone_proves_nothing_and_waits_for_no_canary() -> None:
    """A canary could not verify it."""
    desk = Desk()
    desk.say(ONE, PREMIUM)
    for key in (RDAP, ZONE):
        desk.say(key, FREE, NOW + 61.0)
    desk.rooms.trust.row_of(ONE._replace(suffix="*")).failed_at = NOW

    assert desk.assess(NOW + 61.0).verdict.state is State.AVAILABLE
    assert desk.assessor.unverified_offers(desk.entry, NOW) == []


def test_what_is_remembered_of_one_source_outlives_the_lie_of_another_channel() -> None:
    """A denial is no offer."""
    desk = Desk()
    desk.entry.detail.offered, desk.entry.detail.offered_at = "premium", NOW - 9.0
    assert drop_evidence(desk.entry, RDAP.method, 0.0, NOW + 2.0)

    assert desk.entry.detail.offered == "premium"
