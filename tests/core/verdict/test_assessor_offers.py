"""What offers of registrars and EPP change in an assessment, and which of their servers are to be verified."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from common.core.lifecycle.forecast import DAY, HOUR
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.offers import ORDINARY
from common.core.model.offers import PREMIUM as ITS_OWN_PRICE
from common.core.model.offers import REFUSED as REFUSAL
from common.core.model.states import State
from common.core.model.verdict import Basis
from common.core.verdict import gates
from common.core.verdict.assessor import Assessment, Assessor
from common.core.verdict.definitive import EARLIER, PATIENCE
from tests.core.trust.trust_rooms import (
    EPP,
    NOW,
    ONE,
    RDAP,
    SOURCES,
    TWO,
    WHOIS,
    ZONE,
    TrustRooms,
    answer_of,
    catch_lie,
    verify_server,
)

FREE, PREMIUM, REFUSED = Outcome.UNREGISTERED, Outcome.PREMIUM, Outcome.UNAVAILABLE


@dataclass
class Desk:
    """An assessor with the rooms below it, and a name that two verified sources deny since half a minute, in two passes."""

    rooms: TrustRooms = field(default_factory=lambda: TrustRooms(sources=SOURCES))
    denied_by: tuple[ChannelKey, ...] = (RDAP, ZONE)

    def __post_init__(self) -> None:
        rooms = self.rooms
        self.assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
        self.entry = Entry("gone.com", "com", "gone", state=State.PENDING_DELETE)
        detail = self.entry.detail
        detail.registered_seen, detail.purged_at, detail.passes = NOW - HOUR, NOW - 30.0, (NOW - 30.0, NOW)
        for key in self.denied_by:
            self.say(key, FREE)

    def say(self, key: ChannelKey, outcome: Outcome, at: float = NOW, *, verified: bool = True) -> None:
        """A channel says this of the name, and is verified in the same moment or not at all."""
        self.entry.note_observation(answer_of(key, outcome), at)
        if verified:
            verify_server(self.rooms, key, at)

    def assess(self, now: float = NOW) -> Assessment:
        """The assessment."""
        return self.assessor.assess_evidence(self.entry, now)

    def unverified(self) -> list[tuple[ChannelKey, float]]:
        """The servers whose offer counts once they are verified."""
        return self.assessor.unverified_offers(self.entry, NOW)


# -- the assessment ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state", "confirmed_by"),
    [
        (FREE, State.AVAILABLE, (ONE.method,)),
        (PREMIUM, State.AVAILABLE_PREMIUM, (ONE.method,)),
        (REFUSED, State.UNREGISTERED, ()),
    ],
)
def test_a_verified_offer_decides_the_kind_of_an_announcement(
    outcome: Outcome, state: State, confirmed_by: tuple[str, ...]
) -> None:
    """The situation that is recorded names the source."""
    desk = Desk()
    desk.say(ONE, outcome)
    made = desk.assess()

    assert (made.verdict.state, made.verdict.confirmed_by) == (state, confirmed_by)
    kinds = made.situation.confirmed_by, made.situation.premium_by, made.situation.refused_by
    assert kinds == tuple((ONE.method,) if outcome is kind else () for kind in (FREE, PREMIUM, REFUSED))


@pytest.mark.parametrize("outcome", [PREMIUM, REFUSED])
def test_an_unverified_answer_against_it_holds_an_alarm_for_a_minute(outcome: Outcome) -> None:
    """Then the alarm is raised without it."""
    desk = Desk()
    desk.say(ONE, outcome, verified=False)
    assert desk.assess().verdict.state is State.PENDING_DELETE

    late = NOW + PATIENCE + 0.01
    assert desk.assess(late).verdict.state is State.AVAILABLE
    verify_server(desk.rooms, ONE, late)
    desk.entry.state = State.AVAILABLE
    assert desk.assess(late).verdict.state is (State.AVAILABLE_PREMIUM if outcome is PREMIUM else State.UNREGISTERED)


def test_an_offer_from_before_the_registry_denied_the_name_changes_nothing() -> None:
    """To the moment of the denial."""
    for at, confirmed_by in ((NOW - 30.0, (ONE.method,)), (NOW - 30.01, ())):
        desk = Desk()
        desk.say(ONE, FREE, at)
        made = desk.assess()
        assert (made.needs.purged_at, made.situation.confirmed_by) == (NOW - 30.0, confirmed_by)


def test_a_lying_registrar_offers_nothing() -> None:
    """In quarantine its word counts neither for nor, after a minute, against an announcement."""
    desk = Desk()
    desk.say(ONE, PREMIUM, verified=False)
    catch_lie(desk.rooms, ONE, NOW)

    assert desk.assess(NOW + PATIENCE + 0.01).verdict.state is State.AVAILABLE


@pytest.mark.parametrize("key", [ONE, EPP])
def test_a_proven_source_takes_the_place_of_the_channel_that_would_say_reserved(key: ChannelKey) -> None:
    """Of a name never seen registered WHOIS is waited for, unless one would create it."""
    for verified in (False, True):
        desk = Desk()
        desk.entry.detail.registered_seen = None
        desk.say(key, FREE, verified=verified)
        made = desk.assess()
        assert made.needs.awaited == ("whois",)
        assert (made.verdict.state is State.AVAILABLE) is verified
        assert (made.situation.gates == ()) is verified


def test_two_verified_registrars_are_two_sources() -> None:
    """The registry is silent, and the zone says nothing new."""
    desk = Desk(denied_by=())
    for key in (ONE, TWO):
        desk.say(key, FREE)
    made = desk.assess()

    assert (made.verdict.state, made.verdict.confirmed_by) == (State.AVAILABLE, (ONE.method, TWO.method))
    assert (desk.entry.detail.basis, made.situation.verified_after) == (Basis.SOURCES, frozenset())


def test_the_canaries_of_an_offer_at_a_price_of_its_own_are_kept_with_it() -> None:
    """It is one of the answers that deny the name."""
    desk = Desk()
    desk.say(ONE, PREMIUM)
    made = desk.assess()

    assert made.positive == ("rdap", "dns", ONE.method)
    assert desk.entry.detail.evidence[ONE.method].verified_after


# -- what counted before -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "verified", "kind"),
    [
        (FREE, True, ORDINARY),
        (PREMIUM, True, ITS_OWN_PRICE),
        (REFUSED, True, REFUSAL),
        (FREE, False, ""),
        (PREMIUM, False, ""),
        (REFUSED, False, ""),
    ],
)
def test_the_kind_of_an_offer_that_counts_is_remembered(outcome: Outcome, *, verified: bool, kind: str) -> None:
    """One of an unverified server does not count."""
    desk = Desk()
    desk.say(ONE, outcome, verified=verified)
    made = desk.assess()

    assert (made.needs.offered, desk.entry.detail.offered) == ("", kind)
    assert desk.assess().needs.offered == ("" if kind == ORDINARY else kind)
    desk.entry.state = State.AVAILABLE
    assert desk.assess().needs.offered == kind


@pytest.mark.parametrize(("outcome", "state"), [(PREMIUM, State.AVAILABLE_PREMIUM), (REFUSED, State.UNREGISTERED)])
def test_what_counted_against_an_ordinary_announcement_is_not_forgotten_when_its_source_lies(
    outcome: Outcome, state: State
) -> None:
    """About another name; the verdict rests on it and names no source."""
    desk = Desk()
    desk.say(ONE, outcome)
    desk.entry.state, desk.entry.detail.basis = desk.assess().verdict.state, Basis.SOURCES
    catch_lie(desk.rooms, ONE, NOW + PATIENCE + 1.0)
    made = desk.assess(NOW + PATIENCE + 1.0)

    assert (made.verdict.state, made.verdict.confirmed_by, made.situation.gates) == (state, (), ())
    assert (*made.situation.premium_by, *made.situation.refused_by) == (EARLIER,)
    assert made.situation.confirmed_by == ()


@pytest.mark.parametrize("age", [DAY, 7 * DAY + 1.0, 400 * DAY])
def test_a_premium_name_is_not_told_as_an_ordinary_one_however_old_its_offer_is(age: float) -> None:
    """The registry goes on to deny it."""
    desk = Desk(denied_by=())
    detail = desk.entry.detail
    detail.purged_at, detail.registered_seen, detail.passes = NOW - age, NOW - age - HOUR, (NOW - age, NOW - age + 30.0)
    desk.say(ONE, PREMIUM, NOW - age)
    for key in (RDAP, ZONE):
        desk.say(key, FREE)
    desk.entry.state, detail.basis = State.AVAILABLE_PREMIUM, Basis.SOURCES
    assert desk.assess().verdict.state is State.AVAILABLE_PREMIUM

    catch_lie(desk.rooms, ONE, NOW + 1.0)
    assert desk.assess(NOW + 1.0).verdict.state is State.AVAILABLE_PREMIUM


def test_an_available_name_stays_available_however_old_its_offer_is() -> None:
    """A short name of a new suffix that a registrar would create."""
    desk = Desk(denied_by=())
    detail, age = desk.entry.detail, 8 * DAY
    detail.purged_at, detail.registered_seen, detail.passes = NOW - age, None, (NOW - age, NOW - age + 30.0)
    desk.say(ONE, FREE, NOW - age)
    for key in (RDAP, ZONE):
        desk.say(key, FREE)
    desk.entry.state, detail.basis = State.AVAILABLE, Basis.SOURCES

    assert (desk.assess().verdict.state, desk.assess().verdict.confirmed_by) == (State.AVAILABLE, (ONE.method,))


def test_a_newer_word_of_a_verified_source_takes_the_place_of_what_is_remembered() -> None:
    """Then a price of its own is forgotten, and an ordinary name told."""
    desk = Desk()
    desk.entry.detail.offered = ITS_OWN_PRICE
    assert desk.assess().verdict.state is State.AVAILABLE_PREMIUM
    desk.say(TWO, FREE, verified=False)
    assert desk.assess().verdict.state is State.AVAILABLE_PREMIUM
    verify_server(desk.rooms, TWO, NOW)

    assert (desk.assess().verdict.state, desk.entry.detail.offered) == (State.AVAILABLE, ORDINARY)


def test_what_is_remembered_asks_for_no_canary_and_opens_no_gate() -> None:
    """A name never seen registered still waits for the channel that would say "reserved"."""
    desk = Desk()
    desk.entry.detail.offered, desk.entry.detail.registered_seen = ITS_OWN_PRICE, None

    assert desk.unverified() == []
    assert desk.assess().situation.gates != ()


# -- the servers that an alarm waits for ---------------------------------------------------------------------------------


def waited_for(desk: Desk) -> Collection[str]:
    """The methods whose canaries the next pass of the name waits for."""
    return [key.method for key, _ in desk.assessor.unverified_servers(desk.entry, NOW)]


def test_an_alarm_waits_for_the_canaries_of_registrars_only_where_no_channel_of_the_registry_denies_the_name() -> None:
    """A pass of the registry needs no scarce query."""
    desk = Desk(denied_by=())
    for key in (ONE, ZONE):
        desk.say(key, FREE, verified=False)
    assert waited_for(desk) == [ONE.method, "dns"]

    desk.say(RDAP, FREE, verified=False)
    assert sorted(waited_for(desk)) == ["dns", "rdap"]


def test_a_registrar_alone_is_verified_after_each_answer() -> None:
    """Nothing else stands behind it; an offer at a price of its own is one, and a hint is none."""
    desk = Desk(denied_by=())
    desk.entry.detail.passes = ()
    verify_server(desk.rooms, ONE, NOW - 1.0)
    desk.say(ONE, PREMIUM, verified=False)

    assert desk.assessor.unverified_servers(desk.entry, NOW) == [(ONE, NOW)]


# -- the servers whose offer counts once they are verified ---------------------------------------------------------------


@pytest.mark.parametrize("outcome", [FREE, PREMIUM, REFUSED])
def test_every_offer_is_verified_after_its_answer(outcome: Outcome) -> None:
    """A canary from before it proves nothing."""
    desk = Desk()
    verify_server(desk.rooms, ONE, NOW - 1.0)
    desk.say(ONE, outcome, verified=False)
    assert desk.unverified() == [(ONE, NOW)]
    verify_server(desk.rooms, ONE, NOW)
    assert desk.unverified() == []


def test_offers_of_several_sources_are_verified_each_by_itself() -> None:
    """Ordinary ones first, then those of a price of their own, then refusals; each with the time of its answer."""
    desk = Desk()
    for key, outcome, at in ((ONE, REFUSED, NOW - 3.0), (TWO, FREE, NOW - 2.0), (EPP, PREMIUM, NOW - 1.0)):
        desk.say(key, outcome, at, verified=False)

    assert desk.unverified() == [(TWO, NOW - 2.0), (EPP, NOW - 1.0), (ONE, NOW - 3.0)]


def test_no_offer_is_verified_of_a_name_that_the_registry_does_not_deny() -> None:
    """Nor one from before it did; what public channels say is none."""
    desk = Desk()
    desk.say(ONE, FREE, NOW - 30.01, verified=False)
    desk.say(WHOIS, FREE, verified=False)
    assert desk.unverified() == []
    desk.say(ONE, FREE, verified=False)
    desk.entry.detail.purged_at = None
    assert desk.unverified() == []


def test_the_offer_of_an_announced_name_stays_verified_for_two_days() -> None:
    """Its canaries cost scarce queries."""
    desk = Desk()
    desk.entry.state, desk.entry.detail.basis = State.AVAILABLE, Basis.SOURCES
    for age, unverified in ((2 * gates.CONFIRMED, False), (2 * gates.CONFIRMED + 1.0, True)):
        desk.entry.detail.purged_at = NOW - age
        desk.say(ONE, FREE, NOW - age)
        assert bool(desk.unverified()) is unverified
