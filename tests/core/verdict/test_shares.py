"""What adds up to the odds: the weight of each answer by now, the sum of each group, the passes, and what is registrable."""

from __future__ import annotations

from math import exp, log
from typing import Any

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Outcome, Phase
from common.core.model.records import Evidence
from common.core.model.states import OUT_OF_ZONE, State
from common.core.model.verdict import Basis, Situation
from common.core.verdict.definitive import EARLIER
from common.core.verdict.verdicts import decide_verdict, is_dns_informative, log_odds, log_odds_shares, weigh_answer
from tests.core.verdict.answers import NOW, answer, denial, hint, holder, premium, refusal, said

DAY = 86_400.0
REPEATED = Basis.REPETITION
ONE = ("registrar:one",)


def situation(**changes: Any) -> Situation:
    """A name of an ordinary suffix, of which nothing else is known."""
    return Situation(**{"prior": 0.0, "p_registrable": 0.96, **changes})


def deleting(age: float) -> Evidence:
    """A record of a name that is being deleted."""
    item = holder("rdap", age)
    reading = replace(item.observation.reading, phase=Phase.PENDING_DELETE)
    return Evidence(replace(item.observation, reading=reading), item.at, item.first_at)


@pytest.mark.parametrize("phase", [None, *Phase])
@pytest.mark.parametrize("wildcard", [False, True])
def test_nxdomain_is_news_only_of_a_name_in_a_zone_that_answers_for_no_other(phase: Phase | None, wildcard: bool) -> None:
    """Both have to hold."""
    informative = is_dns_informative(situation(phase=phase, wildcard=wildcard))

    assert informative is (phase not in OUT_OF_ZONE and not wildcard)


@pytest.mark.parametrize(
    ("item", "changes", "weight"),
    [
        (denial("rdap"), {}, 6.0),
        (denial("rdap", -1.0), {}, 6.0),  # of a clock that was ahead
        (denial("rdap", 600.0), {}, 6.0 * exp(-1)),
        (holder("rdap", 1800.0), {}, -11.5 * exp(-1)),
        (deleting(300.0), {}, -11.5 * exp(-1)),
        (denial("rdap", 10 * DAY), {"announced": True}, 6.0 * exp(-1)),
        (denial("registrar:one", 300.0), {}, 7.0 * exp(-1)),
        (premium("registrar:one", 10 * DAY), {"announced": True}, 7.0 * exp(-1)),
        (premium("whois", 600.0), {"announced": True}, 4.5 * exp(-1)),
        (refusal("registrar:one", 600.0), {"announced": True}, -3.0 * exp(-1)),
        (holder("rdap", 1800.0), {"announced": True}, -11.5 * exp(-1)),
        (denial("whois", 0.0, "whois_free_generic"), {}, 1.0),
        (denial("whois", 0.0, "whois_free_generic"), {"verified_after": frozenset({"whois"})}, 4.5),
        (denial("whois", 0.0, "whois_free_generic"), {"verified_after": frozenset({"rdap"})}, 1.0),
        (denial("rdap"), {"verified_after": frozenset({"rdap"})}, 6.0),
        (holder("rdap"), {"verified_after": frozenset({"rdap"})}, -11.5),
        (denial("rdap", 0.0, "unheard_of"), {}, None),
        (denial("dns"), {}, 2.5),
        (denial("dns"), {"phase": Phase.REDEMPTION}, None),
        (denial("dns"), {"wildcard": True}, None),
        (holder("dns"), {"phase": Phase.REDEMPTION}, -9.2),
        (holder("dns"), {"wildcard": True}, None),
        (holder("http"), {}, -4.0),
        (holder("http"), {"wildcard": True}, None),
        (denial("rdap"), {"wildcard": True, "phase": Phase.REDEMPTION}, 6.0),
    ],
)
def test_an_answer_weighs_by_its_finding_its_age_and_what_its_server_proved(
    item: Evidence, changes: dict[str, Any], weight: float | None
) -> None:
    """Nothing where it says nothing; the zone's word only where it means anything."""
    weighed = weigh_answer(item.observation.method, item, situation(**changes), NOW)

    assert (weighed[1] if weighed is not None else None) == (weight if weight is None else pytest.approx(weight, abs=1e-9))


@pytest.mark.parametrize(
    ("items", "group", "total"),
    [
        ((denial("rdap"), denial("whois")), "registry_db", 6.0 + 4.5 / 4),
        ((denial("whois"), denial("rdap"), denial("das")), "registry_db", 8.0),  # the most of this group
        ((holder("rdap"), holder("whois")), "registry_db", -12.0),  # and the least
        ((denial("rdap"), holder("whois")), "registry_db", -9.0),
        ((denial("rdap", 600.0 * log(60.0)), holder("whois")), "registry_db", -9.0),
        ((denial("rdap", 600.0 * log(60.0)),), "registry_db", 0.1),
        ((denial("rdap"), holder("whois"), holder("das", 900.0 * log(9.0 / 0.2))), "registry_db", -9.0 - 0.2 / 4),
        ((denial("rdap"), holder("whois", 1800.0 * log(9.0 / 0.26))), "registry_db", -0.26),
        ((denial("rdap"), holder("whois", 1800.0 * log(9.0 / 0.24))), "registry_db", 6.0),
        ((holder("whois", 1800.0 * log(9.0 / 0.24)),), "registry_db", -0.24),
        ((answer("das", Outcome.INVALID, "das_not_allowed"),), "registry_db", 0.0),
        ((holder("dns"),), "dns", -9.2),
        ((denial("registrar:one"),), "registrar", 7.0),
        ((denial("epp"), denial("registrar:one")), "registrar", 9.0),  # the most of this group
        ((holder("registrar:one"),), "registrar", -3.0),
        ((holder("epp"), holder("registrar:one")), "registrar", -9.0),  # and the least
        ((hint(),), "registrar", 1.5),
    ],
)
def test_a_group_is_its_strongest_finding_and_a_quarter_of_those_that_agree(
    items: tuple[Evidence, ...], group: str, total: float
) -> None:
    """A registered answer beats a denial, unless it has become worth less than a quarter; no sum is beyond its caps."""
    assert log_odds_shares(said(*items), situation(refused_by=ONE), NOW)[group] == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("items", "added"),
    [
        ((denial("rdap"),), True),
        ((denial("rdap", 600.0 * log(60.0)),), True),  # worth a tenth by now
        ((denial("dns"),), False),
        ((denial("registrar:one"),), True),
        ((denial("registrar:one"), holder("whois")), False),
        ((denial("rdap"), refusal()), True),  # a registrar contradicts nothing
        ((refusal(),), False),
        ((denial("rdap"), holder("whois")), False),
        ((denial("rdap"), holder("whois", 1800.0 * log(9.0 / 0.24))), True),
        ((holder("whois", 1800.0 * log(9.0 / 0.24)),), False),
        ((answer("das", Outcome.INVALID, "das_not_allowed"),), False),
        ((), False),
    ],
)
def test_canaries_and_passes_count_where_the_registry_denies_the_name_and_nothing_of_it_contradicts(
    items: tuple[Evidence, ...], added: bool
) -> None:
    """Two for each server that proved itself, and what the passes add."""
    run = situation(prior=-3.0, verified_after=frozenset({"rdap", "whois"}), passes=(NOW - 1e5,), refused_by=ONE)
    found = log_odds_shares(said(*items), run, NOW)

    assert found["prior"] == -3.0
    assert ("canaries" in found, "passes" in found) == (added, added)
    assert found.get("canaries", 4.0) == 4.0


@pytest.mark.parametrize(
    ("ages", "added"),
    [
        ((), 0.0),
        ((0,), 0.0),
        ((30, 0), 1.5),
        ((599, 0), 1.5),
        ((600, 0), 1.5 + 3.0),
        ((6000, 0), 1.5 + 3.0),  # no more spans than further passes
        ((1200, 600, 0), 3.0 + 6.0),
        ((1199, 600, 0), 3.0 + 3.0),
        ((6000, 5, 4, 3, 2, 1, 0), 6.0 + 12.0),  # five further passes and four spans at most
    ],
)
def test_further_passes_and_the_time_they_span_add_to_the_odds(ages: tuple[int, ...], added: float) -> None:
    """Each further pass a little less, each ten minutes the same."""
    passes = tuple(NOW - age for age in ages)

    assert log_odds_shares(said(denial()), situation(passes=passes), NOW)["passes"] == added


@pytest.mark.parametrize(("age", "counts"), [(100.001, False), (100.0, True), (99.0, True)])
def test_a_registered_answer_from_before_the_passes_does_not_count(age: float, counts: bool) -> None:
    """To the tick; one that denies the name does, and without passes everything does."""
    run = situation(passes=(NOW - 100.0, NOW))

    assert ("dns" in log_odds_shares(said(holder("dns", age)), run, NOW)) is counts
    assert "dns" in log_odds_shares(said(denial("dns", age)), run, NOW)
    assert "dns" in log_odds_shares(said(holder("dns", age)), situation(), NOW)


def test_each_source_that_proved_itself_counts_once() -> None:
    """The servers of the registry, and those that would create the name at any price; not those that refuse it."""
    proven = {"verified_after": frozenset({"rdap", "epp"}), "confirmed_by": ("epp", "registrar:one")}
    more = {"premium_by": ("registrar:two",), "refused_by": ("registrar:three",)}
    found = log_odds_shares(said(denial("rdap")), situation(**proven, **more), NOW)

    assert found["canaries"] == 2.0 * 4


@pytest.mark.parametrize(("outcome", "counts"), [(Outcome.UNAVAILABLE, False), (Outcome.RESERVED, True)])
def test_a_refusal_from_before_the_passes_does_not_count(outcome: Outcome, counts: bool) -> None:
    """It was said of the object that is gone."""
    run, item = situation(passes=(NOW - 100.0, NOW), refused_by=ONE), refusal(age=101.0, outcome=outcome)

    assert ("registrar" in log_odds_shares(said(item), run, NOW)) is counts
    assert "registrar" in log_odds_shares(said(refusal(age=100.0)), run, NOW)


@pytest.mark.parametrize("proven", ["confirmed_by", "premium_by", "refused_by"])
@pytest.mark.parametrize("item", [denial("registrar:one"), premium("registrar:one"), refusal(), holder("registrar:one")])
def test_a_registrar_weighs_only_from_a_verified_server(item: Evidence, proven: str) -> None:
    """Whatever it says; that another one is verified proves nothing of this one."""
    assert "registrar" in log_odds_shares(said(item), situation(**{proven: ("registrar:two", "registrar:one")}), NOW)
    for changes in ({}, {proven: ("registrar:two", "epp", EARLIER)}, {"verified_after": frozenset({"registrar:one"})}):
        assert log_odds_shares(said(item), situation(**changes), NOW) == {"prior": 0.0}


def test_a_hint_and_the_registry_itself_weigh_without_a_proof() -> None:
    """The one as little as it is worth, the other because gates ask for that."""
    assert log_odds_shares(said(hint()), situation(), NOW)["registrar"] == 1.5
    assert log_odds_shares(said(denial("epp")), situation(), NOW)["registrar"] > 0.0
    assert log_odds_shares(said(denial("rdap")), situation(), NOW)["registry_db"] > 0.0


def test_an_offer_that_is_remembered_is_no_server_that_proved_itself() -> None:
    """It adds nothing to the odds."""
    kept = situation(premium_by=(EARLIER,), refused_by=(EARLIER,))

    assert log_odds_shares(said(denial("rdap")), kept, NOW)["canaries"] == 0.0


LIVE, FREE = denial("registrar:one"), denial("whois")


@pytest.mark.parametrize(
    ("items", "changes", "p_registrable"),
    [
        ((denial("rdap"),), {}, 0.96),
        ((FREE,), {}, 0.97),
        ((FREE, LIVE), {}, 0.97),
        ((FREE, LIVE), {"confirmed_by": ("registrar:one",)}, 0.9994),
        ((FREE, LIVE), {"confirmed_by": ("registrar:two",)}, 0.97),
        ((FREE, denial("epp")), {}, 0.99),
        ((FREE,), {"p_registrable": 0.99}, 0.99),
        ((FREE, LIVE), {"p_registrable": 0.0, "confirmed_by": ("registrar:one",)}, 0.0),
        ((FREE,), {"p_registrable": 0.5}, 0.97),
        ((FREE,), {"never_seen": True}, 0.96),
        ((FREE,), {"never_seen": True, "verified_after": frozenset({"whois"})}, 0.97),
        ((FREE,), {"never_seen": True, "verified_after": frozenset({"rdap"})}, 0.96),
        ((LIVE,), {"never_seen": True}, 0.96),
        ((LIVE,), {"never_seen": True, "confirmed_by": ("registrar:one",)}, 0.9992),
        ((denial("epp"),), {"never_seen": True}, 0.96),
        ((denial("epp"),), {"never_seen": True, "confirmed_by": ("epp",)}, 0.9996),
        # Refused, and by none confirmed.
        ((FREE, refusal()), {"refused_by": ("registrar:one",)}, 0.3),
        ((FREE, refusal()), {"refused_by": ("registrar:one",), "p_registrable": 0.2}, 0.2),
        ((FREE,), {"refused_by": (EARLIER,)}, 0.3),
        ((FREE,), {"refused_by": (EARLIER,), "confirmed_by": ("registrar:one",)}, 0.97),
        ((FREE, LIVE), {"refused_by": ("registrar:two",), "confirmed_by": ("registrar:one",)}, 0.9994),
        ((FREE, LIVE), {"refused_by": ("registrar:two",), "premium_by": ("registrar:one",)}, 0.97),
        ((), {}, 0.0),
    ],
)
def test_p_registrable_is_that_of_the_best_positive(
    items: tuple[Evidence, ...], changes: dict[str, Any], p_registrable: float
) -> None:
    """That of a registrar, or of a name never seen registered, only where its server proved itself."""
    assert decide_verdict(said(*items), situation(**changes), State.UNKNOWN, NOW).p_registrable == p_registrable


@pytest.mark.parametrize(("prior", "p"), [(0.0, 0.5), (1.0, 0.731059), (-1.0, 0.268941), (1e6, 1.0), (-1e6, 0.0)])
def test_the_odds_become_a_probability_of_six_places(prior: float, p: float) -> None:
    """However sure the calendar is."""
    assert log_odds({}, situation(prior=prior), NOW) == prior
    assert decide_verdict({}, situation(prior=prior), State.UNKNOWN, NOW).p_unregistered == p


@pytest.mark.parametrize(
    ("items", "changes", "before", "confidence"),
    [
        ((denial("rdap"),), {"prior": -5.0}, State.UNKNOWN, 0.7018),  # 0.731059 * 0.96
        ((denial("rdap"),), {"prior": 50.0, "p_registrable": 1.0}, State.UNKNOWN, 1.0),
        ((denial("rdap"),), {"prior": 50.0, "p_registrable": 1.0, "basis": REPEATED}, State.UNKNOWN, 0.97),
        ((denial("rdap"),), {"prior": 50.0, "p_registrable": 0.94, "basis": REPEATED}, State.UNKNOWN, 0.94),
        ((denial("rdap"),), {"prior": 50.0, "p_registrable": 1.0, "basis": REPEATED, "gates": ("x",)}, State.UNKNOWN, 1.0),
        ((denial("rdap"),), {"prior": 50.0, "release": "dropzone"}, State.UNKNOWN, 0.0),
        ((answer("whois", Outcome.RESERVED, "whois_reserved"),), {}, State.UNKNOWN, 0.0),
        ((answer("whois", Outcome.DROPPING, "whois_dropzone"),), {}, State.UNKNOWN, 0.0),
        ((answer("das", Outcome.INVALID, "das_not_allowed"),), {}, State.UNKNOWN, 0.0),
        ((answer("whois", Outcome.PREMIUM, "whois_premium"),), {"prior": 50.0}, State.UNKNOWN, 0.96),
    ],
)
def test_confidence_is_how_surely_the_name_is_free_to_take(
    items: tuple[Evidence, ...], changes: dict[str, Any], before: State, confidence: float
) -> None:
    """To four places; capped where one source stands alone behind what is told, nothing where a name cannot be taken."""
    assert decide_verdict(said(*items), situation(**changes), before, NOW).confidence == confidence
