"""What registrars and EPP say of a name decides which kind of announcement it gets, once gates and odds are passed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.model.verdict import Basis, Situation, Verdict
from common.core.verdict.definitive import EARLIER
from common.core.verdict.verdicts import decide_offline, decide_verdict
from tests.core.verdict.answers import NOW, denial, hint, holder, premium, refusal, said

DAY = 86_400.0
ONE, TWO = "registrar:one", "registrar:two"
HELD, FREE, COSTLY = State.PENDING_DELETE, State.AVAILABLE, State.AVAILABLE_PREMIUM
BY_ONE, BY_TWO = (ONE,), (TWO,)
STILL_OPEN = "not found at the registry; still open: x"
WOULD = "not registered, and registrar:one would create it now"
PRICED = "not registered, and offered at a price of its own (registrar:one)"
WOULD_NOT = "not registered, but registrar:one would not create it"


def decided(*items: Evidence, before: State = HELD, **changes: Any) -> Verdict:
    """The verdict on a name that the registry denies, whose odds are sure, or as given."""
    situation = Situation(**{"prior": 9.0, "p_registrable": 0.96, **changes})
    return decide_verdict(said(*items) or said(denial("rdap")), situation, before, NOW)


def told(*items: Evidence, before: State = HELD, **changes: Any) -> tuple[State, str]:
    """Its state, and why."""
    verdict = decided(*items, before=before, **changes)
    return verdict.state, verdict.reason


# -- the kind of an announcement -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"premium_by": BY_ONE}, COSTLY, PRICED),
        ({"confirmed_by": BY_ONE}, FREE, WOULD),
        ({"refused_by": BY_ONE}, State.UNREGISTERED, WOULD_NOT),
        # A price of its own before everything, and one that would create it before one that would not.
        ({"premium_by": BY_ONE, "confirmed_by": BY_TWO, "refused_by": ("epp",)}, COSTLY, PRICED),
        ({"confirmed_by": BY_ONE, "refused_by": BY_TWO}, FREE, WOULD),
        # A chance of a reservation or a premium price is excluded by the offer.
        ({"confirmed_by": BY_ONE, "p_registrable": 0.6}, FREE, WOULD),
        ({"premium_by": BY_ONE, "p_registrable": 0.6}, COSTLY, PRICED),
        # Against the calendar of a release procedure an offer counts, and a refusal says nothing.
        ({"confirmed_by": BY_ONE, "release": "auction"}, FREE, WOULD),
        ({"premium_by": BY_ONE, "release": "auction"}, COSTLY, PRICED),
        (
            {"refused_by": BY_ONE, "release": "auction"},
            State.DROPPING,
            "no longer registered, in the registry's release procedure (auction)",
        ),
    ],
)
def test_what_sources_would_do_decides_the_kind_of_an_announcement(changes: dict[str, Any], state: State, reason: str) -> None:
    """Gates and odds are passed."""
    assert told(**changes) == (state, reason)


@pytest.mark.parametrize("changes", [{"premium_by": BY_ONE}, {"confirmed_by": BY_ONE}, {"refused_by": BY_ONE}])
def test_no_offer_announces_a_name_before_gates_and_odds_are_passed(changes: dict[str, Any]) -> None:
    """The state stays what it was."""
    assert told(gates=("x",), **changes) == (HELD, STILL_OPEN)
    assert decided(prior=-20.0, **changes).state is HELD


def test_all_sources_that_say_so_are_named() -> None:
    """In the reason, and in the verdict where it rests on them."""
    both = ("epp", ONE)

    assert told(premium_by=both) == (COSTLY, "not registered, and offered at a price of its own (epp, registrar:one)")
    assert told(confirmed_by=both) == (FREE, "not registered, and epp, registrar:one would create it now")
    assert told(refused_by=both) == (State.UNREGISTERED, "not registered, but epp, registrar:one would not create it")


@pytest.mark.parametrize(
    ("changes", "confirmed_by"),
    [
        ({"confirmed_by": BY_ONE}, BY_ONE),
        ({"confirmed_by": BY_ONE, "premium_by": BY_TWO}, BY_TWO),
        ({"premium_by": BY_TWO}, BY_TWO),
        ({"refused_by": BY_ONE}, ()),
        ({"confirmed_by": BY_ONE, "gates": ("x",)}, ()),
        ({}, ()),
    ],
)
def test_a_verdict_names_the_sources_of_the_offer_that_it_states(
    changes: dict[str, Any], confirmed_by: tuple[str, ...]
) -> None:
    """Those of the price that it is about, and none of another state."""
    assert decided(**changes).confirmed_by == confirmed_by


def test_a_verdict_that_rests_on_what_is_remembered_names_no_source() -> None:
    """Beside a source that says so now it names that one alone."""
    kept = decided(premium_by=(EARLIER,))

    assert (kept.state, kept.confirmed_by) == (COSTLY, ())
    assert kept.reason == "not registered, and offered at a price of its own (a source asked before)"
    assert decided(premium_by=(EARLIER, ONE)).confirmed_by == BY_ONE
    assert told(refused_by=(EARLIER,)) == (State.UNREGISTERED, "not registered, but a source asked before would not create it")


def test_an_announced_name_stays_confirmed_while_a_gate_is_open_again() -> None:
    """Its servers are asked in turn."""
    assert decided(before=FREE, gates=("x",), confirmed_by=BY_ONE).confirmed_by == BY_ONE


def test_one_source_alone_stays_capped_whatever_a_registrar_says() -> None:
    """Unless the verdict names a price of its own."""
    repeated = {"basis": Basis.REPETITION, "prior": 50.0, "p_registrable": 1.0}

    assert decided(confirmed_by=BY_ONE, **repeated).confidence == 0.97
    assert decided(premium_by=BY_ONE, **repeated).confidence == 1.0
    assert decided(refused_by=BY_ONE, **repeated).confidence == 0.3


# -- denials -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [denial(ONE), premium(ONE), denial("epp"), premium("epp"), denial("das")])
def test_one_that_would_create_the_name_denies_it(item: Evidence) -> None:
    """Also at a price of its own, which alone announces nothing: the gates come first."""
    assert told(item, prior=-9.0, gates=("x",)) == (HELD, STILL_OPEN)
    assert told(item, holder("dns", 5.0), gates=("x",), confirmed_by=BY_ONE) == (HELD, STILL_OPEN)


@pytest.mark.parametrize("item", [denial(ONE), premium(ONE)])
def test_an_unverified_registrar_outweighs_no_registered_answer(item: Evidence) -> None:
    """A verified one does, and so does the registry."""
    assert told(item, holder("dns", 5.0), gates=("x",))[0] is State.REGISTERED
    assert told(denial("rdap"), holder("dns", 5.0), gates=("x",)) == (HELD, STILL_OPEN)


@pytest.mark.parametrize("item", [hint(), refusal(ONE), refusal("epp"), holder(ONE)])
def test_neither_a_hint_nor_a_refusal_denies_a_name(item: Evidence) -> None:
    """The state stays."""
    assert told(item) == (HELD, "no new proof")


def test_the_newest_denial_is_compared_with_the_last_registered_answer() -> None:
    """Whichever source it is of."""
    for items in ((denial(ONE, 1.0), denial("rdap", 9.0)), (denial(ONE, 9.0), denial("rdap", 1.0))):
        assert told(*items, holder("whois", 5.0), prior=30.0, gates=("x",)) == (HELD, STILL_OPEN)
        assert told(*items, holder("whois", 0.5), prior=30.0, gates=("x",))[0] is State.REGISTERED


# -- registered answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID])
def test_what_a_registrar_says_against_a_name_names_no_state(outcome: Outcome) -> None:
    """Not even where it has a reason: it counts as a refusal, once it is verified."""
    assert told(refusal(ONE, outcome=outcome)) == (HELD, "no new proof")
    assert told(refusal(ONE, outcome=outcome), denial("rdap", 9.0), prior=30.0)[0] is FREE


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.RESERVED, State.RESERVED), (Outcome.DROPPING, State.DROPPING), (Outcome.INVALID, State.NOT_REGISTRABLE)],
)
def test_what_epp_says_of_a_name_that_is_not_free_is_the_word_of_the_registry(outcome: Outcome, state: State) -> None:
    """It asks the registry itself."""
    assert told(refusal("epp", outcome=outcome))[0] is state


def test_a_public_channel_that_says_premium_is_believed_beside_offers() -> None:
    """It has the last word: the name is told at a price of its own."""
    assert told(premium("whois"), denial("rdap"), confirmed_by=BY_ONE)[0] is COSTLY
    assert told(premium("whois", 5.0), premium(ONE), denial("rdap"), gates=("x",)) == (COSTLY, "whois_premium it says")


def record(method: str, phase: Phase | None, age: float) -> Evidence:
    """A registered answer of a method, with a phase where it shows one."""
    item = holder(method, age)
    reading = replace(item.observation.reading, phase=phase, reason=f"{method} says {phase}")
    return Evidence(replace(item.observation, reading=reading), item.at, item.first_at)


@pytest.mark.parametrize("method", ["das", "epp"])
def test_registered_without_a_record_leaves_the_phase_to_the_last_record(method: str) -> None:
    """A name in redemption is registered too."""
    assert told(record("rdap", Phase.REDEMPTION, DAY), record(method, None, 0.0))[0] is State.REDEMPTION
    assert told(record("rdap", Phase.REDEMPTION, 0.0), record(method, None, DAY))[0] is State.REDEMPTION
    assert told(record(method, None, 0.0)) == (State.REGISTERED, f"{method} says None")


def test_epp_that_shows_a_phase_is_as_good_as_a_record() -> None:
    """The newer of both decides."""
    newer, older = record("epp", Phase.PENDING_DELETE, 1.0), record("rdap", Phase.REDEMPTION, 2.0)

    assert told(newer, older)[0] is State.PENDING_DELETE
    assert told(record("rdap", Phase.REDEMPTION, 1.0), record("epp", Phase.PENDING_DELETE, 2.0))[0] is State.REDEMPTION


@pytest.mark.parametrize(
    ("record_age", "free_age", "owned_age", "state"),
    [
        (9.0, 5.0, 1.0, State.REGISTERED),
        (5.0, 9.0, 1.0, State.REDEMPTION),
        (5.0, 5.0, 1.0, State.REDEMPTION),
        (9.0, 1.0, 1.0, State.REDEMPTION),  # one moment: which came first is not known
    ],
)
def test_a_record_of_the_holder_before_says_nothing_of_a_catch(
    record_age: float, free_age: float, owned_age: float, state: State
) -> None:
    """Between the record and the newest registered answer the registry denied the name."""
    items = record("rdap", Phase.REDEMPTION, record_age), denial("whois", free_age), record("das", None, owned_age)

    assert told(*items, prior=-30.0)[0] is state


# -- recorded answers ----------------------------------------------------------------------------------------------------

RDAP = ("rdap", "rdap.example", Reading(Outcome.UNREGISTERED, "rdap_404_json", "so it says"))
DNS = ("dns", "com", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "so it says"))
OFFER = (ONE, "api.example", Reading(Outcome.UNREGISTERED, "registrar_available_live", "so it says"))
PRICE = (ONE, "api.example", Reading(Outcome.PREMIUM, "registrar_premium", "so it says"))
REFUSED = (ONE, "api.example", Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "so it says"))
CACHED = (ONE, "api.example", Reading(Outcome.UNREGISTERED, "registrar_available_cached", "so it says"))


@pytest.mark.parametrize(
    ("readings", "state", "reason"),
    [
        ([RDAP, OFFER], "AVAILABLE", WOULD),
        ([RDAP, PRICE], "AVAILABLE_PREMIUM", PRICED),
        ([RDAP, DNS, REFUSED], "UNREGISTERED", WOULD_NOT),
        ([RDAP, CACHED], "AVAILABLE", "not registered, confirmed in separate passes by independent sources"),
        ([OFFER], "UNREGISTERED", WOULD),
        ([CACHED], "UNKNOWN", "nothing observed so far proves a state"),
    ],
)
def test_recorded_answers_of_registrars_are_taken_as_verified(
    readings: list[tuple[str, str, Reading]], state: str, reason: str
) -> None:
    """For looking at evidence; one source alone frees no name."""
    found = decide_offline("gone.com", "com", readings)

    assert (found["state"], found["reason"]) == (state, reason)


def test_a_source_that_confirms_takes_away_most_of_the_doubt_once() -> None:
    """Also where it is a channel of the registry; one without a figure takes none, and the figure has six digits."""
    by_epp = {"confirmed_by": ("epp",), "verified_after": frozenset({"epp"}), "p_registrable": 0.1234567}
    items = denial("rdap"), denial("epp")
    unlisted = denial("rdap"), denial("epp", finding="unlisted")

    assert decided(*items, **by_epp).p_registrable == 0.991235
    assert decided(*unlisted, **by_epp).p_registrable == 0.123457
