"""What is told of an offer: which sources would create the name, whether at a price of its own, and at which."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Offer, Outcome, Phase, Reading
from common.core.model.states import State
from common.core.model.verdict import Verdict
from common.core.outbox.announcer import build_result
from tests.core.outbox.told import NOW, Outbox, answer, body_of

ONE, TWO, EPP = "registrar:one", "registrar:two", "epp"
PRICED = Offer(premium=True, price=Decimal("1.2E+3"), currency="USD")


def note_offer(entry: Entry, method: str, offer: Offer | None, outcome: Outcome = Outcome.PREMIUM) -> None:
    """A source makes this offer of the name."""
    reading = Reading(outcome, f"{method}_x", "it would", offer=offer)
    entry.note_observation(Observation(method, reading, server="api.test"), NOW)


def told(state: State, *confirmed_by: str, before: State = State.PENDING_DELETE, **offers: Offer | None) -> dict[str, Any]:
    """What the notice of a name in this state says of its offer; `offers` by method, with "_" for ":"."""
    outbox = Outbox()
    entry = outbox.load_name(before)
    for method, offer in offers.items():
        note_offer(entry, method.replace("_", ":"), offer)
    outbox.announcer.apply_verdict(entry, Verdict(state, 0.9, 0.99, 0.97, "a reason", confirmed_by), NOW)
    body = body_of(outbox.take_transaction())
    return {name: body[name] for name in ("confirmed_by", "premium", "price", "currency") if name in body}


def test_a_notice_names_the_sources_of_an_offer_and_the_first_price_among_them() -> None:
    """As a decimal text without an exponent; of one that names no price another one is taken."""
    cheap = Offer(premium=True, price=Decimal("11.50"), currency="EUR")

    assert told(State.AVAILABLE_PREMIUM, ONE, registrar_one=PRICED) == {
        "confirmed_by": [ONE],
        "premium": True,
        "price": "1200",
        "currency": "USD",
    }
    assert told(State.AVAILABLE_PREMIUM, EPP, ONE, TWO, epp=None, registrar_one=Offer(premium=True), registrar_two=cheap) == {
        "confirmed_by": [EPP, ONE, TWO],
        "premium": True,
        "price": "11.50",
        "currency": "EUR",
    }
    assert told(State.AVAILABLE_PREMIUM, ONE, TWO, registrar_one=PRICED, registrar_two=cheap)["price"] == "1200"


def test_a_price_of_a_source_that_confirmed_nothing_is_not_told() -> None:
    """Its server was not verified."""
    offer = told(State.AVAILABLE_PREMIUM, TWO, registrar_one=PRICED, registrar_two=None)

    assert (offer["price"], offer["currency"]) == (None, None)


@pytest.mark.parametrize(
    ("state", "confirmed_by", "premium"),
    [
        (State.AVAILABLE, (ONE,), False),
        (State.AVAILABLE_PREMIUM, (ONE,), True),
        (State.AVAILABLE, (), None),
        (State.AVAILABLE_PREMIUM, (), None),
        (State.UNREGISTERED, (), None),
    ],
)
def test_whether_the_price_is_one_of_its_own_is_told_only_where_a_source_confirmed_it(
    state: State, confirmed_by: tuple[str, ...], premium: bool | None
) -> None:
    """Otherwise it is not known."""
    assert told(state, *confirmed_by, registrar_one=None)["premium"] is premium


def test_only_a_notice_that_a_name_has_no_object_says_what_it_is_offered_for() -> None:
    """A registered name has no offer."""
    assert told(State.RESERVED, registrar_one=PRICED) == {}
    assert told(State.REGISTERED, before=State.AVAILABLE, registrar_one=PRICED) == {}


# -- results -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "shown"),
    [
        (PRICED, {"premium": True, "price": "1200", "currency": "USD"}),
        (Offer(premium=False, price=Decimal("0.00"), currency="USD"), {"premium": False, "price": "0.00", "currency": "USD"}),
        (Offer(), {"premium": None, "price": None, "currency": None}),
        (None, {}),
    ],
)
def test_the_result_of_a_query_shows_the_price_that_was_named(offer: Offer | None, shown: dict[str, Any]) -> None:
    """Nothing of methods that name none."""
    reading = Reading(Outcome.PREMIUM, "registrar_premium", "it would", offer=offer)
    details = build_result("a.com", Observation(ONE, reading), NOW)["details"]

    assert {name: details[name] for name in ("premium", "price", "currency") if name in details} == shown


# -- catches -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "kind"), [("rdap", "retracted"), ("das", "registered"), ("epp", "registered")])
def test_a_catch_seen_by_a_channel_without_a_record_is_not_measured_by_the_record_before(method: str, kind: str) -> None:
    """Only a record from after the alarm says when the name was registered."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    old = answer(Outcome.REGISTERED, created_at="2020-01-01T00:00:00Z")
    entry.note_observation(old, NOW - 3600.0)
    entry.detail.fields, entry.detail.alarmed_at = old.reading.fields, NOW
    found = Observation(method, Reading(Outcome.REGISTERED, f"{method}_x", "found", Phase.ACTIVE), server="x")
    entry.note_observation(found, NOW + 60.0)

    assert outbox.tell(entry, State.REGISTERED, NOW + 60.0) == kind
