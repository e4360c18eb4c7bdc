"""What the answer of a registrar or of EPP offers, and whether an answer says that there is no object."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Outcome
from common.core.model.offers import HINTS, ORDINARY, PREMIUM, REFUSED, denies_object, kind_of_offer, says_creatable
from common.core.model.records import Evidence
from tests.core.verdict.answers import answer, denial, hint, holder, premium, refusal

ONE = "registrar:one"
#: What a registrar says of a name that it would not create, and what of that EPP says of one that the registry has.
REFUSALS = (Outcome.UNAVAILABLE, Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID)


def kind_of(item: Evidence) -> str | None:
    """The kind of offer that an answer is."""
    return kind_of_offer(item.observation.method, item)


def test_the_kinds_are_words_that_are_stored() -> None:
    """With every name whose offer counted; a hint is known by its finding."""
    assert (ORDINARY, PREMIUM, REFUSED) == ("ordinary", "premium", "refused")
    assert frozenset({"registrar_available_cached"}) == HINTS


@pytest.mark.parametrize("method", ["epp", ONE])
def test_a_source_that_creates_names_offers_one_at_list_price_at_its_own_or_not_at_all(method: str) -> None:
    """Whatever its finding is called."""
    assert kind_of(denial(method)) == ORDINARY
    assert kind_of(premium(method)) == PREMIUM
    assert kind_of(refusal(method)) == REFUSED


@pytest.mark.parametrize("outcome", Outcome)
def test_a_registrar_refuses_a_name_for_whatever_reason_it_gives(outcome: Outcome) -> None:
    """The registry itself only without one: any other word of it has a state of its own. An error is no answer."""
    offered = {Outcome.UNREGISTERED: ORDINARY, Outcome.PREMIUM: PREMIUM}.get(outcome)

    assert kind_of(refusal(ONE, outcome=outcome)) == (REFUSED if outcome in REFUSALS else offered)
    assert kind_of(refusal("epp", outcome=outcome)) == (REFUSED if outcome is Outcome.UNAVAILABLE else offered)


@pytest.mark.parametrize("method", ["rdap", "whois", "das", "dns", "http"])
def test_a_method_that_creates_no_names_offers_none(method: str) -> None:
    """Whatever it says."""
    assert [kind_of(answer(method, outcome, "x")) for outcome in Outcome] == [None] * len(Outcome)


def test_a_hint_is_no_offer_and_denies_nothing() -> None:
    """It may come from a cache, by whichever method it came."""
    (finding,) = HINTS
    for item in (hint(), denial("epp", finding=finding), denial("rdap", finding=finding)):
        method = item.observation.method
        assert (kind_of(item), says_creatable(method, item), denies_object(method, item)) == (None, False, False)


@pytest.mark.parametrize(
    ("item", "creatable", "denied"),
    [
        (denial(ONE), True, True),
        (denial("epp"), True, True),
        (premium(ONE), True, True),
        (premium("epp"), True, True),
        (denial("rdap"), False, True),
        (denial("whois"), False, True),
        (denial("das"), False, True),
        (denial("dns"), False, False),
        (premium("whois"), False, False),
        (refusal(ONE), False, False),
        (refusal("epp"), False, False),
        (holder(ONE), False, False),
        (holder("rdap"), False, False),
    ],
)
def test_what_can_be_created_at_whatever_price_has_no_object(item: Evidence, *, creatable: bool, denied: bool) -> None:
    """The plain word of the registry says that too, and the zone's does not; whois may say "premium" of a held name."""
    assert says_creatable(item.observation.method, item) is creatable
    assert denies_object(item.observation.method, item) is denied
