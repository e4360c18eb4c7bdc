"""Each gate of an alarm, open and shut."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_type_hints

import pytest

from common.core.model.evidence import Outcome
from common.core.model.records import Evidence
from common.core.model.verdict import Basis
from common.core.verdict.definitive import EARLIER, Offers
from common.core.verdict.gates import IsVerified, count_lone_passes, find_standing, is_denied
from tests.core.verdict.answers import NOW, answer, asked, denial, holder, judged, premium, refusal, run_of, said

TICK = 0.001
BOTH = ("rdap", "whois")
LONE = "no second independent source agrees, {} of {} verified passes stand in for it"
UNPROVEN = "canaries of {} are not verified after the answer"


def test_two_proven_sources_in_two_passes_open_every_gate() -> None:
    """The usual alarm."""
    stands = judged(denial("rdap"), denial("whois"), proven=BOTH, run=run_of(2))

    assert stands.open == ()
    assert stands.basis is Basis.SOURCES


@pytest.mark.parametrize("method", ["rdap", "whois", "das", "epp", "registrar:one"])
def test_a_name_is_denied_by_whoever_answers_for_registrations_however_old_that_is(method: str) -> None:
    """Nothing can be positive without."""
    assert is_denied({"dns": denial("dns"), method: denial(method, age=1e6)})


def test_the_zone_alone_denies_no_registration() -> None:
    """Nor does a server that shows the record."""
    assert not is_denied({"dns": denial("dns"), "rdap": holder("rdap")})


# A fresh positive of the registry.


@pytest.mark.parametrize(
    "items",
    [
        (),
        (denial("dns"),),
        (denial("rdap", age=120.0 + TICK),),
        (holder("rdap"),),
        (answer("rdap", Outcome.RESERVED, "rdap_404_blocked"),),
    ],
)
def test_without_a_fresh_denial_of_the_registry_nothing_else_is_looked_at(items: tuple[Evidence, ...]) -> None:
    """One sentence says so, however many passes there were, and however much else is missing."""
    stands = judged(*items, proven=(*BOTH, "dns"), run=run_of(9, 9, contradicted=1.0), suffix_gone=True, awaited=("whois",))

    assert stands.open == ("no registry answer of the last 120 s says so",)
    assert stands.basis is Basis.NOTHING


def test_the_sentence_about_freshness_names_the_age_that_is_asked_for() -> None:
    """A slow channel's answers may be older."""
    assert judged(fresh=400.0).open == ("no registry answer of the last 400 s says so",)


def test_a_denial_fresh_to_the_tick_opens_the_first_gate() -> None:
    """At two minutes exactly."""
    assert judged(denial("rdap", age=120.0), denial("whois"), proven=BOTH, run=run_of(2)).open == ()


def test_the_denial_of_a_registrar_opens_the_first_gate() -> None:
    """It asks the registry; with the zone it makes two sources."""
    stands = judged(denial("registrar:one"), denial("dns"), proven=("registrar:one", "dns"), run=run_of(2))

    assert stands.open == ()
    assert stands.basis is Basis.SOURCES


# Canaries.


def test_a_source_that_is_not_proven_is_none() -> None:
    """Of two that agree one was not verified: the canaries are named, and only those."""
    stands = judged(denial("rdap"), denial("whois"), proven=("rdap",), run=run_of(2))

    assert stands.open == (UNPROVEN.format("whois"),)
    assert stands.basis is Basis.NOTHING


def test_all_servers_that_are_not_proven_are_named_in_order() -> None:
    """In one sentence, sorted."""
    assert judged(denial("whois"), denial("rdap"), run=run_of(2)).open == (UNPROVEN.format("rdap, whois"),)


def test_the_zone_has_to_prove_itself_as_well() -> None:
    """As a second source it is one like others."""
    assert judged(denial("rdap"), denial("dns"), proven=("rdap",), run=run_of(2)).open == (UNPROVEN.format("dns"),)


def test_a_proven_zone_does_not_stand_in_for_an_unproven_registry() -> None:
    """Only the zone's server was verified: neither sources nor repetition, whatever the number of passes."""
    stands = judged(denial("rdap"), denial("dns"), proven=("dns",), run=run_of(9, 9))

    assert stands.open == (UNPROVEN.format("rdap"),)
    assert stands.basis is Basis.NOTHING


def test_two_sources_proven_of_three_are_enough() -> None:
    """The third is not waited for."""
    stands = judged(denial("rdap"), denial("whois"), denial("dns"), proven=("rdap", "dns"), run=run_of(2))

    assert stands.open == ()
    assert stands.basis is Basis.SOURCES


def test_each_answer_is_asked_for_its_own_proof() -> None:
    """The method and the very answer are what is looked up."""
    items = said(denial("rdap", age=3.0), denial("whois", age=4.0), holder("http"))
    looked_up: list[tuple[str, Evidence]] = []

    def is_proven(method: str, item: Evidence) -> bool:
        looked_up.append((method, item))
        return True

    find_standing(items, asked(), run_of(2), is_proven, NOW)

    assert looked_up == [("rdap", items["rdap"]), ("whois", items["whois"])]


def test_what_decides_whether_a_server_proved_itself_is_asked_with_a_method_and_an_answer() -> None:
    """The type that callers write down is the one that `standing` takes."""
    assert get_type_hints(find_standing)["is_proven"] == IsVerified == Callable[[str, Evidence], bool]


# The second source, and what stands in for it.


@pytest.mark.parametrize(("second_channel", "wanted"), [(False, 3), (True, 6)])
def test_a_source_alone_needs_three_verified_passes_or_six_where_another_stays_silent(
    second_channel: bool, wanted: int
) -> None:
    """One less is not enough."""
    enough = judged(denial("rdap"), proven=("rdap",), run=run_of(wanted, wanted), second_channel=second_channel)
    short = judged(denial("rdap"), proven=("rdap",), run=run_of(wanted, wanted - 1), second_channel=second_channel)

    assert enough.open == ()
    assert enough.basis is Basis.REPETITION
    assert short.open == (LONE.format(wanted - 1, wanted),)
    assert short.basis is Basis.NOTHING


def test_whole_passes_that_were_not_verified_do_not_stand_in_for_a_second_source() -> None:
    """A lying server can repeat itself as often as it likes."""
    stands = judged(denial("rdap"), proven=("rdap",), run=run_of(12, 2), second_channel=False)

    assert stands.open == (LONE.format(2, 3),)


def test_the_zone_is_a_second_source_where_it_counts() -> None:
    """RDAP and the zone agree; of a name out of the zone RDAP stands alone."""
    items = (denial("rdap"), denial("dns"))

    assert judged(*items, proven=("rdap", "dns"), run=run_of(2), dns_counts=True).basis is Basis.SOURCES
    alone = judged(*items, proven=("rdap", "dns"), run=run_of(2), dns_counts=False)
    assert alone.open == (LONE.format(0, 6),)
    assert alone.positive == ("rdap",)


def test_repetition_does_not_replace_the_proof_of_the_present_answer() -> None:
    """Six verified passes, and the newest answer not verified yet: it waits for its canary."""
    stands = judged(denial("rdap"), run=run_of(7, 6))

    assert stands.open == (UNPROVEN.format("rdap"), LONE.format(6, 6))
    assert stands.basis is Basis.NOTHING


def test_a_second_source_that_cannot_be_verified_holds_nothing_back_after_the_passes_that_stand_in_for_it() -> None:
    """Its canaries are asked for until then, not longer."""
    items = (denial("rdap"), denial("whois"))
    stands = judged(*items, proven=("rdap",), run=run_of(6, 6))

    assert stands.open == ()
    assert stands.basis is Basis.REPETITION
    assert judged(*items, proven=("rdap",), run=run_of(6, 5)).open == (UNPROVEN.format("whois"),)


def test_two_sources_go_before_repetition() -> None:
    """Where both would do the stronger word is said."""
    assert judged(denial("rdap"), denial("whois"), proven=BOTH, run=run_of(6, 6)).basis is Basis.SOURCES


# The passes.


def test_one_pass_of_two_sources_is_no_alarm() -> None:
    """The sentence names the gap after which the second one may come."""
    stands = judged(denial("rdap"), denial("whois"), proven=BOTH, run=run_of(1, 1), gap=2.5)

    assert stands.open == ("pass 1 of 2, 2.5 s apart",)
    assert stands.basis is Basis.NOTHING


def test_before_the_first_whole_pass_none_is_counted() -> None:
    """Denials outside of a pass are none."""
    assert judged(denial("rdap"), denial("whois"), proven=BOTH).open == ("pass 0 of 2, 30 s apart",)


def test_a_missing_pass_and_missing_canaries_are_both_told() -> None:
    """Each is a sentence of its own."""
    assert judged(denial("rdap"), denial("whois"), proven=("rdap",), run=run_of(1)).open == (
        UNPROVEN.format("whois"),
        "pass 1 of 2, 30 s apart",
    )


@pytest.mark.parametrize(("second_channel", "wanted"), [(False, 3), (True, 6)])
def test_the_passes_of_one_source_depend_on_whether_another_may_speak(second_channel: bool, wanted: int) -> None:
    """Three where nothing else can be expected, six where a silence has to be made up for."""
    assert count_lone_passes(asked(second_channel=second_channel)) == wanted


# Contradictions.


@pytest.mark.parametrize(("ago", "shut"), [(0.0, True), (900.0 - TICK, True), (900.0, False), (901.0, False), (None, False)])
def test_a_contradiction_is_followed_by_a_quarter_of_an_hour_of_quiet(ago: float | None, shut: bool) -> None:
    """To the tick."""
    stands = judged(denial("rdap"), denial("whois"), proven=BOTH, run=run_of(2, contradicted=ago))

    assert stands.open == ((f"contradicted {ago:.0f} s ago",) if shut else ())


def test_in_the_middle_of_a_deletion_the_quiet_is_as_short_as_it_is_asked_for() -> None:
    """Registries that flicker at the purge do not silence it."""
    items = (denial("rdap"), denial("whois"))

    assert judged(*items, proven=BOTH, run=run_of(2, contradicted=30.0), quiet=30.0).open == ()
    assert judged(*items, proven=BOTH, run=run_of(2, contradicted=29.0), quiet=30.0).open == ("contradicted 29 s ago",)


# A channel that would say "reserved".


def test_a_channel_that_would_say_reserved_is_waited_for() -> None:
    """RDAP and the zone agree, and WHOIS has not spoken."""
    stands = judged(denial("rdap"), denial("dns"), proven=("rdap", "dns"), run=run_of(2), awaited=("whois",))

    assert stands.open == ("whois would say whether the name is reserved, and has not spoken yet",)
    assert stands.basis is Basis.SOURCES


def test_the_word_of_an_awaited_channel_counts_once_its_server_is_proven() -> None:
    """A server that denies everything would never say "reserved"."""
    items = (denial("rdap"), denial("dns"), denial("whois"))
    gate = "whois would say whether the name is reserved, and has not spoken yet"

    assert judged(*items, proven=("rdap", "dns"), run=run_of(2), awaited=("whois",)).open == (gate,)
    assert judged(*items, proven=("rdap", "dns", "whois"), run=run_of(2), awaited=("whois",)).open == ()


def test_one_of_several_awaited_channels_is_enough() -> None:
    """Any of them would have said it; all are named while none has spoken."""
    items = (denial("rdap"), denial("dns"), denial("das"))
    gate = "whois, das would say whether the name is reserved, and has not spoken yet"

    assert judged(*items, proven=("rdap", "dns"), run=run_of(2), awaited=("whois", "das")).open == (gate,)
    assert judged(*items, proven=("rdap", "dns", "das"), run=run_of(2), awaited=("whois", "das")).open == ()


@pytest.mark.parametrize("method", ["epp", "registrar:one"])
def test_a_proven_source_that_creates_names_takes_the_place_of_an_awaited_channel(method: str) -> None:
    """It would not create a reserved name, at whatever price; while it is not proven the channel is waited for."""
    gate = "whois would say whether the name is reserved, and has not spoken yet"
    for item in (denial(method), premium(method)):
        items = (denial("rdap"), denial("dns"), item)
        assert judged(*items, proven=("rdap", "dns", method), run=run_of(2), awaited=("whois",)).open == ()
        assert gate in judged(*items, proven=("rdap", "dns"), run=run_of(2), awaited=("whois",)).open


def test_a_refusal_tells_no_more_than_silence_whether_a_name_is_reserved() -> None:
    """The registrar may not sell the suffix."""
    items = (denial("rdap"), denial("dns"), refusal("registrar:one"))
    stands = judged(*items, proven=("rdap", "dns", "registrar:one"), run=run_of(2), awaited=("whois",))

    assert stands.open == ("whois would say whether the name is reserved, and has not spoken yet",)


# A source that creates names and speaks against the announcement.


@pytest.mark.parametrize("item", [premium("registrar:one", 60.0), refusal("registrar:one", 60.0)])
def test_a_word_against_the_announcement_holds_it_until_its_server_is_proven_or_a_minute_is_over(item: Evidence) -> None:
    """To the tick; the other gates are passed."""
    late = Evidence(item.observation, item.at - TICK, item.first_at)
    others, sources = (denial("rdap"), denial("whois")), (*BOTH, "registrar:one")
    gate = "registrar:one speaks against it, and its server is not verified yet"
    repeated = {"run": run_of(6, 6)}

    assert judged(*others, item, proven=BOTH, run=run_of(2)).open == (gate,)
    assert judged(*others, late, proven=BOTH, run=run_of(2)).open == ()
    assert judged(*others, item, proven=sources, run=run_of(2)).open == ()
    assert judged(*others, item, proven=("rdap",), **repeated).open == (gate,)


def test_an_unproven_offer_at_list_price_holds_nothing_back() -> None:
    """It is a third source that is not needed."""
    stands = judged(denial("rdap"), denial("whois"), denial("registrar:one"), proven=BOTH, run=run_of(2))

    assert (stands.open, stands.offers) == ((), Offers())


def test_all_that_speak_against_it_unproven_are_named_after_the_other_gates() -> None:
    """In one sentence, in order."""
    items = (denial("rdap"), denial("whois"), refusal("registrar:two"), refusal("epp"))
    gate = "epp, registrar:two speaks against it, and its server is not verified yet"

    assert judged(*items, proven=BOTH, run=run_of(1)).open == ("pass 1 of 2, 30 s apart", gate)
    assert judged(refusal("registrar:two")).open == (
        "no registry answer of the last 120 s says so",
        "registrar:two speaks against it, and its server is not verified yet",
    )


def test_what_sources_offer_counts_from_when_the_registry_denied_the_name() -> None:
    """Proven ones are told with the standing."""
    items = (denial("rdap"), denial("registrar:one", 9.0), refusal("registrar:two", 10.0), premium("epp", 8.0))
    proven = ("rdap", "registrar:one", "registrar:two", "epp")

    assert judged(*items, proven=proven, purged_at=NOW - 9.0).offers == Offers(ordinary=("registrar:one",), premium=("epp",))
    assert judged(*items, proven=proven).offers.refused == ("registrar:two",)
    assert judged(*items[:3], proven=("rdap",), purged_at=NOW - 9.0).offers == Offers()


def test_an_offer_of_before_takes_the_place_of_one_that_does_not_count_and_passes_no_gate() -> None:
    """It denies nothing, and holds nothing back either."""
    for kind, offers in (("premium", Offers(premium=(EARLIER,))), ("refused", Offers(refused=(EARLIER,)))):
        whole = judged(denial("rdap"), denial("dns"), proven=("rdap", "dns"), run=run_of(2), offered=kind)
        awaiting = judged(
            denial("rdap"), denial("dns"), proven=("rdap", "dns"), run=run_of(2), offered=kind, awaited=("whois",)
        )

        assert (whole.open, whole.positive, whole.offers) == ((), ("rdap", "dns"), offers)
        assert awaiting.open == ("whois would say whether the name is reserved, and has not spoken yet",)


# The suffix.


def test_in_a_suffix_that_the_root_does_not_know_nothing_can_be_registered() -> None:
    """Whatever its registry answers."""
    stands = judged(denial("rdap"), denial("whois"), proven=BOTH, run=run_of(2), suffix_gone=True)

    assert stands.open == ("the root zone does not know the top-level domain",)


# What is told.


def test_every_gate_still_shut_is_told() -> None:
    """In the order in which they are passed."""
    run = run_of(1, contradicted=5.0)

    assert judged(denial("rdap"), run=run, awaited=("whois",), suffix_gone=True, second_channel=False).open == (
        UNPROVEN.format("rdap"),
        LONE.format(0, 3),
        "contradicted 5 s ago",
        "whois would say whether the name is reserved, and has not spoken yet",
        "the root zone does not know the top-level domain",
    )


def test_an_offer_of_a_price_of_its_own_is_a_second_source() -> None:
    """The registry's channel denies the name and a registrar would create it, which says the same."""
    stands = judged(denial("rdap"), premium("registrar:one"), proven=("rdap", "registrar:one"), run=run_of(2))

    assert (stands.open, stands.basis) == ((), Basis.SOURCES)
    assert (stands.positive, stands.verified_after) == (("rdap", "registrar:one"), {"rdap"})


def test_two_registrars_are_two_sources() -> None:
    """Where every channel of the registry is silent."""
    stands = judged(denial("registrar:one"), denial("registrar:two"), proven=("registrar:one", "registrar:two"), run=run_of(2))

    assert (stands.open, stands.basis, stands.verified_after) == ((), Basis.SOURCES, frozenset())


def test_all_that_deny_are_told_and_only_registry_servers_as_verified_after() -> None:
    """The zone's server and a registrar's do not make the registry's answer weigh more."""
    names = ("rdap", "whois", "das", "dns", "registrar:one")
    stands = judged(*(denial(name) for name in names), proven=("rdap", "das", "dns", "registrar:one"), run=run_of(2))

    assert stands.positive == names
    assert stands.verified_after == {"rdap", "das"}


def test_what_an_announcement_rests_on_stands_while_one_channel_of_the_registry_is_proven() -> None:
    """Its second source may not be asked again; where none is proven, or nothing was announced, the basis is lacking."""
    rdap, registrar = denial("rdap", 30.0), denial("registrar:one", 30.0)

    assert judged(rdap, proven=("rdap",), announced=True, fresh=86_400.0).open == ()
    assert judged(rdap, proven=("rdap",)).open == (LONE.format(0, 6),)
    assert judged(rdap, announced=True, fresh=86_400.0).open == (UNPROVEN.format("rdap"), LONE.format(0, 6))
    zone_alone = judged(rdap, denial("dns", 30.0), proven=("dns",), announced=True, fresh=86_400.0)
    assert zone_alone.open == (UNPROVEN.format("rdap"), "pass 0 of 2, 30 s apart")
    assert judged(registrar, proven=("registrar:one",), announced=True, fresh=86_400.0).open == ()


def test_the_date_of_an_offer_counts_from_the_beginning_where_none_is_known() -> None:
    """So a newer word ends what is remembered without one."""
    assert asked().offered_at == 0.0
