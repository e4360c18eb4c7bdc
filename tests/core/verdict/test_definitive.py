"""Which sources say that a name can be created, at what price, or not at all, and what of that is remembered."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from common.core.model.evidence import Outcome
from common.core.model.offers import ORDINARY, PREMIUM, REFUSED
from common.core.model.records import Evidence
from common.core.verdict.definitive import (
    EARLIER,
    PATIENCE,
    REFUSAL_HOLDS,
    Offers,
    date_offer,
    find_offers,
    recall_offer,
)
from tests.core.verdict.answers import NOW, answer, denial, hint, holder, premium, refusal, said

ONE, TWO, TICK, YEAR = "registrar:one", "registrar:two", 0.001, 365 * 86_400.0
ALL = ("epp", ONE, TWO)


def offers_of(
    *items: Evidence, proven: Collection[str] = ALL, since: float = 0.0, remembered: str = "", at: float = 0.0
) -> Offers:
    """What these answers offer; `proven` are the methods whose server proved itself after its answer."""
    return find_offers(said(*items), since, lambda method, _: method in proven, NOW, remembered, at)


def test_a_minute_is_waited_for_the_proof_of_an_answer() -> None:
    """It is told in the documentation, as is the week of a refusal."""
    assert (PATIENCE, REFUSAL_HOLDS) == (60.0, 7 * 86_400.0)


# -- what an answer offers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["epp", ONE])
def test_a_source_that_would_create_the_name_says_at_what_price(method: str) -> None:
    """At list price or at one of its own."""
    assert offers_of(denial(method)) == Offers(ordinary=(method,))
    assert offers_of(premium(method)) == Offers(premium=(method,))


@pytest.mark.parametrize(
    "outcome", [Outcome.UNAVAILABLE, Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID]
)
def test_a_registrar_that_would_not_create_the_name_refuses_it(outcome: Outcome) -> None:
    """Whatever reason it gives."""
    assert offers_of(refusal(ONE, outcome=outcome)) == Offers(refused=(ONE,))


@pytest.mark.parametrize("outcome", [Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID])
def test_what_the_registry_itself_says_of_a_name_is_no_refusal(outcome: Outcome) -> None:
    """It has a state of its own; only "unavailable" without a reason is a refusal."""
    assert offers_of(refusal("epp", outcome=outcome)) == Offers()
    assert offers_of(refusal("epp")) == Offers(refused=("epp",))


@pytest.mark.parametrize("method", ["rdap", "whois", "das", "dns", "http"])
def test_a_channel_that_creates_no_names_offers_nothing(method: str) -> None:
    """It only knows whether there is an object."""
    for outcome in (Outcome.UNREGISTERED, Outcome.PREMIUM, Outcome.UNAVAILABLE, Outcome.RESERVED):
        assert offers_of(answer(method, outcome, "rdap_404_json"), proven=(method,)) == Offers()


def test_an_answer_from_a_cache_offers_nothing() -> None:
    """It was not verified with the registry."""
    assert offers_of(hint()) == Offers()


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.THROTTLED])
def test_an_answer_that_proves_nothing_offers_nothing(outcome: Outcome) -> None:
    """An error is no refusal."""
    assert offers_of(refusal(ONE, outcome=outcome)) == Offers()


def test_each_source_is_told_under_what_it_says_in_order() -> None:
    """Of several sources."""
    three, four = "registrar:three", "registrar:four"
    items = (premium(TWO), denial(ONE), refusal(three), denial("epp"), premium(four))

    assert offers_of(*items, proven=(*ALL, three, four)) == Offers(ordinary=("epp", ONE), premium=(four, TWO), refused=(three,))
    assert offers_of(*items, proven=()) == Offers(unverified=(four, three, TWO))


# -- from when ---------------------------------------------------------------------------------------------------------


def test_only_what_was_said_since_the_registry_denied_the_name_counts() -> None:
    """To the tick: an offer from before it was one of another object."""
    for item in (denial(ONE, 60.0), premium(ONE, 60.0), refusal(ONE, 60.0)):
        assert offers_of(item, since=NOW - 60.0) != Offers()
        assert offers_of(item, since=NOW - 60.0 + TICK) == Offers()
        assert offers_of(item, since=NOW - 60.0 + TICK, proven=()) == Offers()


def test_an_offer_counts_whatever_its_age_and_not_before_it_was_made() -> None:
    """To the tick; the clock may have been ahead when it was noted."""
    assert offers_of(denial(ONE, YEAR)) == offers_of(denial(ONE, 0.0)) == Offers(ordinary=(ONE,))
    assert offers_of(premium(ONE, YEAR)) == Offers(premium=(ONE,))
    assert offers_of(denial(ONE, -TICK)) == Offers()
    assert offers_of(premium(ONE, -TICK), proven=()) == Offers()


def test_one_answer_that_does_not_count_hides_no_other() -> None:
    """Whichever comes first."""
    assert offers_of(premium(ONE, -TICK), denial(TWO)) == Offers(ordinary=(TWO,))
    assert offers_of(holder("dns"), denial(TWO)) == Offers(ordinary=(TWO,))


# -- verified servers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [premium(ONE, PATIENCE), refusal(ONE, PATIENCE), premium("epp", PATIENCE)])
def test_a_word_against_an_ordinary_announcement_waits_a_minute_for_its_proof(item: Evidence) -> None:
    """To the tick; then it counts no more until its server is verified."""
    method = item.observation.method
    late = Evidence(item.observation, item.at - TICK, item.first_at)

    assert offers_of(item, proven=()) == Offers(unverified=(method,))
    assert offers_of(late, proven=()) == Offers()
    assert offers_of(late, proven=(method,)) == offers_of(item, proven=(method,)) != Offers()


def test_an_ordinary_offer_of_an_unverified_server_says_nothing() -> None:
    """It speaks for the announcement, which needs no such word."""
    assert offers_of(denial(ONE), proven=()) == Offers()


def test_each_offer_is_asked_for_its_own_proof() -> None:
    """The method and the very answer are what is looked up; of others nothing is."""
    items = said(denial(ONE, 3.0), premium(TWO, 4.0), denial("rdap"), holder("http"))
    looked_up: list[tuple[str, Evidence]] = []

    def is_proven(method: str, item: Evidence) -> bool:
        looked_up.append((method, item))
        return True

    find_offers(items, 0.0, is_proven, NOW)
    assert looked_up == [(ONE, items[ONE]), (TWO, items[TWO])]


# -- what counted before -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "proven", "found"),
    [
        ((), ALL, Offers(premium=(EARLIER,))),
        # What does not count takes no place.
        ((denial(ONE),), (), Offers(premium=(EARLIER,))),
        ((denial(ONE, 61.0), refusal(TWO, 61.0)), ALL, Offers(premium=(EARLIER,))),
        ((hint(), denial("rdap"), refusal("epp", outcome=Outcome.RESERVED)), ("rdap", *ALL), Offers(premium=(EARLIER,))),
        ((refusal(ONE),), (), Offers(premium=(EARLIER,), unverified=(ONE,))),
        ((premium(ONE),), (), Offers(premium=(EARLIER,), unverified=(ONE,))),
        # Another offer of a verified source does; a refusal does not, its source may not sell the suffix.
        ((denial(ONE),), ALL, Offers(ordinary=(ONE,))),
        ((premium(ONE),), ALL, Offers(premium=(ONE,))),
        ((refusal(ONE),), ALL, Offers(premium=(EARLIER,), refused=(ONE,))),
        ((premium(ONE), denial(TWO)), (TWO,), Offers(ordinary=(TWO,), unverified=(ONE,))),
    ],
)
def test_a_price_of_its_own_is_remembered_until_a_verified_source_offers_the_name(
    items: tuple[Evidence, ...], proven: Collection[str], found: Offers
) -> None:
    """A premium name does not become an ordinary one because no server is verified any more."""
    assert offers_of(*items, proven=proven, since=NOW - 60.0, remembered=PREMIUM) == found


def test_a_refusal_and_list_price_are_remembered_until_the_other_is_said() -> None:
    """An offer ends a refusal, a refusal ends list price; a price of its own comes before both."""
    assert offers_of(remembered=REFUSED) == Offers(refused=(EARLIER,))
    assert offers_of(denial(ONE), remembered=REFUSED) == Offers(ordinary=(ONE,))
    assert offers_of(premium(ONE), remembered=REFUSED) == Offers(premium=(ONE,))
    assert offers_of(remembered=ORDINARY) == Offers(ordinary=(EARLIER,))
    assert offers_of(refusal(ONE), remembered=ORDINARY) == Offers(refused=(ONE,))
    assert offers_of(premium(ONE), remembered=ORDINARY) == Offers(ordinary=(EARLIER,), premium=(ONE,))
    assert offers_of(remembered="") == offers_of() == Offers()


@pytest.mark.parametrize(
    ("remembered", "item"), [(PREMIUM, denial(ONE)), (ORDINARY, refusal(ONE)), (REFUSED, denial(ONE)), (REFUSED, premium(ONE))]
)
def test_only_a_newer_word_ends_what_is_remembered(remembered: str, item: Evidence) -> None:
    """Of the same moment it is the one that was outweighed."""
    found = {at: offers_of(item, remembered=remembered, at=at) for at in (NOW - 0.01, NOW)}

    kinds = {at: (offers.premium, offers.ordinary, offers.refused) for at, offers in found.items()}
    assert (EARLIER,) not in kinds[NOW - 0.01]
    assert (EARLIER,) in kinds[NOW]


@pytest.mark.parametrize(("age", "offers"), [(REFUSAL_HOLDS - 0.01, Offers(refused=(ONE,))), (REFUSAL_HOLDS, Offers())])
def test_a_refusal_counts_for_a_week(age: float, offers: Offers) -> None:
    """Reservations are lifted."""
    assert offers_of(refusal(ONE, age), since=0.0) == offers
    assert offers_of(denial(ONE, age), since=0.0) == Offers(ordinary=(ONE,))
    assert offers_of(premium(ONE, age), since=0.0) == Offers(premium=(ONE,))


@pytest.mark.parametrize(
    ("kind", "age", "available", "recalled"),
    [
        (PREMIUM, 1e9, False, PREMIUM),
        (PREMIUM, 1e9, True, PREMIUM),
        (ORDINARY, 1e9, True, ORDINARY),
        (ORDINARY, 0.0, False, ""),
        (REFUSED, REFUSAL_HOLDS - 0.01, True, REFUSED),
        (REFUSED, REFUSAL_HOLDS - 0.01, False, REFUSED),
        (REFUSED, REFUSAL_HOLDS, True, ""),
        (REFUSED, REFUSAL_HOLDS, False, ""),
        ("", 0.0, True, ""),
    ],
)
def test_what_is_recalled_has_an_end(kind: str, age: float, recalled: str, *, available: bool) -> None:
    """List price counts while the name is told as available, a refusal for a week, a price of its own while it stays away."""
    assert recall_offer(kind, NOW - age, NOW, available=available) == recalled


@pytest.mark.parametrize(
    ("items", "at"),
    [
        ((), None),
        ((refusal(ONE, 5.0),), NOW - 5.0),
        ((denial(ONE, 5.0), denial(TWO, 3.0), refusal("epp", outcome=Outcome.UNAVAILABLE)), NOW - 3.0),
        ((premium(ONE, 7.0), denial(TWO, 3.0)), NOW - 7.0),
    ],
)
def test_an_offer_is_dated_by_its_last_answer(items: tuple[Evidence, ...], at: float | None) -> None:
    """Of the kind that it comes to; what is only remembered has the date that it had."""
    assert date_offer(said(*items), offers_of(*items)) == at
    assert date_offer(said(*items), Offers(premium=(EARLIER,))) is None


@pytest.mark.parametrize(
    ("offers", "kind"),
    [
        (Offers(), ""),
        (Offers(unverified=(ONE,)), ""),
        (Offers(refused=(ONE,)), REFUSED),
        (Offers(ordinary=(ONE,), refused=(TWO,)), ORDINARY),
        (Offers(ordinary=(ONE,), premium=(TWO,), refused=("epp",)), PREMIUM),
        (Offers(premium=(EARLIER,)), PREMIUM),
    ],
)
def test_offers_come_to_the_kind_that_the_announcement_has(offers: Offers, kind: str) -> None:
    """A price of its own before list price, and that before a refusal."""
    assert offers.kind() == kind
