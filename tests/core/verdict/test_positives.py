"""Which answers say "no object" with weight, when they make a whole pass, and what a server has to prove for them."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Outcome
from common.core.model.methods import is_registry
from common.core.model.records import Evidence, TrustRow
from common.core.trust.server_trust import canary_window
from common.core.verdict.gates import CONFIRMED, Requirements, is_complete_pass, is_server_proven, positive_methods
from tests.core.verdict.answers import NOW, answer, asked, denial, hint, holder, premium, refusal, said

TICK = 0.001


def counted(*items: object, since: float = 0.0, **changes: object) -> list[str]:
    """The methods among these answers that say "no object"."""
    return positive_methods(said(*items), asked(**changes), NOW, since)  # type: ignore[arg-type]


def whole(*items: object, since: float = 60.0, **changes: object) -> bool:
    """Whether these answers are a whole pass of a round that began `since` seconds ago."""
    return is_complete_pass(said(*items), asked(**changes), NOW, NOW - since)  # type: ignore[arg-type]


def test_what_is_not_stated_asks_for_nothing_more() -> None:
    """Without further words: fresh within two minutes, quiet for a quarter of an hour, nothing awaited, nothing special."""
    assert Requirements(30.0, dns_counts=True, second_channel=True) == Requirements(
        30.0,
        dns_counts=True,
        second_channel=True,
        quiet=900.0,
        suffix_gone=False,
        fresh=120.0,
        awaited=(),
        wildcard=False,
        announced=False,
        registered_seen=0.0,
        blind=(),
        purged_at=0.0,
    )


def test_every_method_that_denies_the_name_counts() -> None:
    """Registry channels, registrars and the zone, in the order in which they are kept."""
    assert counted(denial("whois"), denial("dns"), denial("rdap"), denial("registrar:one")) == [
        "whois",
        "dns",
        "rdap",
        "registrar:one",
    ]


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.UNREGISTERED])
def test_no_other_outcome_is_a_denial(outcome: Outcome) -> None:
    """Reserved, premium or in a release procedure is not "no object", whatever weight the finding carries."""
    assert counted(answer("rdap", outcome, "rdap_404_json")) == []


@pytest.mark.parametrize("method", ["epp", "registrar:one"])
def test_an_offer_at_a_price_of_its_own_is_a_denial(method: str) -> None:
    """What can be created has no object; a public channel that says "premium" may say it of a registered name."""
    assert counted(premium(method)) == [method]
    assert whole(premium(method))
    assert counted(premium("whois"), premium("rdap")) == []


def test_what_a_registrar_has_in_its_cache_is_no_denial() -> None:
    """Neither by itself nor as a pass."""
    assert counted(hint()) == []
    assert not whole(hint(), denial("dns"))


@pytest.mark.parametrize("item", [refusal(), refusal("epp"), refusal(outcome=Outcome.RESERVED)])
def test_a_refusal_is_no_denial(item: Evidence) -> None:
    """It does not say why."""
    assert counted(item) == []


def test_a_denial_counts_for_exactly_as_long_as_it_is_fresh() -> None:
    """Two minutes to the tick at the usual pace."""
    assert counted(denial(age=120.0)) == ["rdap"]
    assert counted(denial(age=120.0 + TICK)) == []


def test_a_slow_channel_gives_its_denials_more_time() -> None:
    """The age follows what is required, not the usual pace."""
    assert counted(denial(age=400.0), fresh=400.0) == ["rdap"]
    assert counted(denial(age=400.0 + TICK), fresh=400.0) == []


def test_the_denial_of_a_confirmed_name_stays_fresh_for_a_day() -> None:
    """An announced name is asked about in turn."""
    assert counted(denial(age=86_400.0), fresh=CONFIRMED) == ["rdap"]
    assert counted(denial(age=86_400.0 + TICK), fresh=CONFIRMED) == []


def test_a_denial_from_the_future_does_not_count() -> None:
    """The clock was ahead when it was noted."""
    assert counted(denial(age=0.0)) == ["rdap"]
    assert counted(denial(age=-TICK)) == []


def test_a_denial_of_the_first_second_of_a_virtual_clock_counts() -> None:
    """Time may begin at zero; without a beginning of the round every time will do."""
    item = denial(age=NOW)

    assert item.at == 0.0
    assert positive_methods(said(item), asked(), 0.0) == ["rdap"]


def test_a_denial_from_before_the_round_does_not_count_for_it() -> None:
    """One given the moment the round began does."""
    assert counted(denial(age=60.0), since=NOW - 60.0) == ["rdap"]
    assert counted(denial(age=60.0 + TICK), since=NOW - 60.0) == []


def test_a_denial_from_before_the_name_was_seen_registered_does_not_count() -> None:
    """A holder seen after it refutes it; a denial at that very time stands."""
    assert counted(denial(age=60.0), registered_seen=NOW - 60.0) == ["rdap"]
    assert counted(denial(age=60.0 + TICK), registered_seen=NOW - 60.0) == []


def test_the_later_of_the_round_and_the_last_holder_decides() -> None:
    """Neither hides the other."""
    assert counted(denial(age=60.0), since=NOW - 90.0, registered_seen=NOW - 30.0) == []
    assert counted(denial(age=60.0), since=NOW - 30.0, registered_seen=NOW - 90.0) == []
    assert counted(denial(age=60.0), since=NOW - 90.0, registered_seen=NOW - 90.0) == ["rdap"]


def test_a_finding_without_a_weight_does_not_count() -> None:
    """What is not in the table weighs nothing, nor does what is there with nothing or less."""
    assert counted(denial(finding="rdap_404_of_a_kind_unheard_of")) == []
    assert counted(denial("das", finding="das_not_allowed")) == []
    assert counted(denial("whois", finding="whois_registered")) == []


def test_the_weakest_weight_counts() -> None:
    """A generic "not found" of WHOIS is a denial that has to be verified, not one that is not heard."""
    assert counted(denial("whois", finding="whois_free_generic")) == ["whois"]


def test_the_zone_counts_only_where_its_silence_is_news() -> None:
    """Of a name out of the zone NXDOMAIN says nothing; the registry's word is not touched by that."""
    assert counted(denial("dns"), dns_counts=True) == ["dns"]
    assert counted(denial("dns"), denial("rdap"), dns_counts=False) == ["rdap"]


def test_a_method_that_does_not_show_names_in_this_phase_denies_nothing() -> None:
    """It would say the same of a registered one; the others are heard."""
    assert counted(denial("rdap"), denial("whois"), blind=("rdap",)) == ["whois"]
    assert not whole(denial("rdap"), blind=("rdap",))


@pytest.mark.parametrize(
    ("method", "asks"),
    [("rdap", True), ("whois", True), ("das", True), ("registrar:one", True), ("dns", False), ("http", False), ("one", False)],
)
def test_registrars_speak_for_the_registry_and_the_zone_does_not(method: str, asks: bool) -> None:
    """A registrar asks the registry."""
    assert is_registry(method) is asks


@pytest.mark.parametrize("method", ["rdap", "whois", "das", "epp", "registrar:one"])
def test_one_denial_of_the_registry_makes_a_pass(method: str) -> None:
    """The other channels may be silent."""
    assert whole(denial(method))


def test_the_zone_alone_makes_no_pass() -> None:
    """A name on hold is missing from the zone too."""
    assert not whole(denial("dns"))
    assert whole(denial("dns"), denial("rdap"))


def test_a_denial_from_before_the_round_makes_no_pass() -> None:
    """Each pass is made of answers of its own."""
    assert whole(denial(age=60.0))
    assert not whole(denial(age=60.0 + TICK))


@pytest.mark.parametrize("method", ["rdap", "whois", "dns", "http"])
def test_a_registered_answer_within_the_round_makes_it_no_pass(method: str) -> None:
    """From its first moment on, whatever channel it comes from."""
    other = "whois" if method == "rdap" else "rdap"

    assert not whole(denial(other), holder(method))
    assert not whole(denial(other), holder(method, age=60.0))


@pytest.mark.parametrize("method", ["rdap", "whois", "dns", "http"])
def test_a_registered_answer_from_before_the_round_does_not_touch_it(method: str) -> None:
    """A drop may lie in between."""
    assert whole(denial("whois" if method == "rdap" else "rdap"), holder(method, age=60.0 + TICK))


@pytest.mark.parametrize("method", ["dns", "http"])
def test_in_a_zone_that_answers_for_every_name_its_word_ends_no_pass(method: str) -> None:
    """What answers for everything says nothing about one name."""
    assert whole(denial(), holder(method), wildcard=True)


@pytest.mark.parametrize("method", ["whois", "das", "epp"])
def test_a_wildcard_zone_does_not_silence_the_registry(method: str) -> None:
    """The registry's own word stands whatever the zone answers."""
    assert not whole(denial(), holder(method), wildcard=True)


@pytest.mark.parametrize("outcome", [Outcome.REGISTERED, Outcome.UNAVAILABLE, Outcome.RESERVED])
@pytest.mark.parametrize("wildcard", [False, True])
def test_no_word_of_a_registrar_takes_a_pass_away(outcome: Outcome, wildcard: bool) -> None:
    """What it says of a holder may come from a cache."""
    assert whole(denial(), answer("registrar:one", outcome, "registrar_registered"), wildcard=wildcard)


@pytest.mark.parametrize("outcome", [Outcome.RESERVED, Outcome.PREMIUM, Outcome.DROPPING, Outcome.INVALID, Outcome.UNKNOWN])
def test_only_a_registered_answer_takes_a_pass_away(outcome: Outcome) -> None:
    """Other words have a state of their own and leave the count alone."""
    assert whole(denial(), answer("whois", outcome, "whois_reserved"))


@pytest.mark.parametrize(("fresh", "window"), [(120.0, 600.0), (300.0, 600.0), (301.0, 602.0), (86_400.0, 172_800.0)])
def test_a_canary_stays_green_for_ten_minutes_or_for_twice_the_age_of_a_positive(fresh: float, window: float) -> None:
    """Whichever is longer: a slow channel asks its canaries seldom."""
    assert canary_window(fresh) == window


def trusted(registered: float, free: float, **changes: float) -> TrustRow:
    """A server that found a known name, and did not find a random one, so many seconds ago."""
    return TrustRow("rdap", "rdap.example", "com", NOW - registered, NOW - free, **changes)


def proven(row: TrustRow, age: float, **changes: object) -> bool:
    """Whether that server proved itself after an answer of `age` seconds ago."""
    return is_server_proven(row, NOW - age, asked(**changes), NOW)


def test_a_server_proves_itself_after_its_answer() -> None:
    """A known name found before the answer vouches for nothing; one found in the same moment does."""
    assert proven(trusted(5.0, 60.0), age=5.0)
    assert not proven(trusted(5.0 + TICK, 60.0), age=5.0)


def test_a_server_that_was_never_seen_to_miss_a_random_name_is_not_proven() -> None:
    """Finding a known name is half of it."""
    assert not proven(trusted(5.0, NOW), age=5.0)


def test_the_canaries_of_a_usual_channel_vouch_for_ten_minutes() -> None:
    """Then the server is asked again."""
    assert proven(trusted(5.0, 600.0), age=10.0)
    assert not proven(trusted(5.0, 600.0 + TICK), age=10.0)


def test_the_canaries_of_a_slow_channel_vouch_for_twice_the_age_of_a_positive() -> None:
    """A server asked every few minutes cannot find a random name missing every ten."""
    assert proven(trusted(5.0, 800.0), age=10.0, fresh=400.0)
    assert not proven(trusted(5.0, 800.0 + TICK), age=10.0, fresh=400.0)


def test_what_a_definitive_source_says_of_an_announced_name_is_proven_once_it_was_right_after_that() -> None:
    """It may change what was told; after that its confidence stays, however long ago it was."""
    for method, once in (("rdap", False), ("registrar:one", True), ("epp", True)):
        late, long_ago = trusted(5.0 + TICK, 9e6), trusted(5.0, 9e6)
        late.method = long_ago.method = method
        assert proven(late, age=5.0, announced=True) is not once
        assert proven(long_ago, age=5.0, announced=True)


def test_a_server_of_an_announced_name_stays_proven_while_nothing_refutes_it() -> None:
    """A confirmation does not ask for canaries each time, and confidence does not sink for that."""
    row = trusted(9_000.0, 9_000.0)

    assert proven(row, age=10.0, announced=True)
    assert not proven(row, age=10.0, announced=False)


def test_a_server_that_lied_since_is_not_proven_for_an_announced_name_either() -> None:
    """In quarantine, or out of it without having passed both canaries again."""
    assert not proven(trusted(9_000.0, 9_000.0, failed_at=NOW - 400.0), age=10.0, announced=True)
    assert not proven(trusted(5.0, 5.0, failed_at=NOW - 9.0, quarantined_until=NOW + 291.0), age=10.0, announced=True)


def test_a_server_that_was_never_proven_is_not_proven_by_an_announcement() -> None:
    """What nothing refuted has to have been shown once."""
    assert not proven(TrustRow("rdap", "rdap.example", "com"), age=10.0, announced=True)
