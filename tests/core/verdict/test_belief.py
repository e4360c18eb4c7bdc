"""What holds for the belief in "not registered", whatever the evidence: properties over findings, cadences and calendars."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.core.lifecycle.forecast import Forecast, prior_log_odds
from common.core.model.evidence import Outcome, Phase
from common.core.model.records import Evidence
from common.core.model.states import OWNED, State
from common.core.model.verdict import Basis, Situation, Verdict
from common.core.verdict.verdicts import LONE_CONFIDENCE, SURE, decide_verdict, log_odds
from tests.core.verdict.answers import NOW, answer, denial, holder, said

DAY = 86_400
#: Every way in which a registry denies a name, by the finding, with its method.
REGISTRY_DENIALS = {"rdap_404_json": "rdap", "rdap_404_empty": "rdap", "whois_free": "whois", "whois_free_generic": "whois"}
FINDINGS = st.sampled_from(sorted(REGISTRY_DENIALS))
#: Log-odds that the calendar can begin with, see `test_the_calendar_moves_the_odds_within_known_bounds`.
PRIORS = st.integers(-9, 2)
#: Ages of passes in seconds, the oldest first.
RUNS = st.sets(st.integers(0, 4_000), max_size=13).map(lambda ages: sorted(ages, reverse=True))
#: What was known of the name before.
KNOWN = st.sampled_from(sorted(OWNED))

quick = settings(deadline=None, max_examples=60)


def denied(finding: str, age: float = 0.0) -> Evidence:
    """A denial of the registry by its finding."""
    return denial(REGISTRY_DENIALS[finding], age, finding)


def known(odds: float, ages: list[int], **changes: Any) -> Situation:
    """An ordinary name with these prior odds and passes of these ages; its registry servers proved themselves."""
    usual = {"p_registrable": 0.995, "passes": times(ages), "verified_after": frozenset(REGISTRY_DENIALS.values())}
    return Situation(**{"prior": odds, **usual, **changes})


def alone(odds: float, ages: list[int], method: str) -> Situation:
    """The same where one source has spoken, was verified each time, and no gate is shut."""
    verified = times(ages)
    return known(odds, ages, verified_after=frozenset({method}), verified=verified, basis=Basis.REPETITION)


def times(ages: list[int]) -> tuple[float, ...]:
    """When passes of these ages were."""
    return tuple(NOW - age for age in ages)


def verdict(situation: Situation, *items: Evidence, before: State = State.PENDING_DELETE) -> Verdict:
    """The verdict on these answers."""
    return decide_verdict(said(*items), situation, before, NOW)


@quick
@given(
    phase=st.none() | st.sampled_from(Phase),
    expires=st.none() | st.integers(-90 * DAY, 400 * DAY).map(lambda ahead: NOW + ahead),
    window=st.none() | st.tuples(st.integers(-90, 90), st.integers(0, 40), st.sampled_from([0.15, 0.5, 0.7, 0.85, 0.95])),
)
def test_the_calendar_moves_the_odds_within_known_bounds(
    phase: Phase | None, expires: float | None, window: tuple[int, int, float] | None
) -> None:
    """Nine against it for a healthy name, two for it where the window of a deletion has passed."""
    forecast = None
    if window is not None:
        opens, closes = NOW + window[0] * DAY, NOW + (window[0] + window[1]) * DAY
        forecast = Forecast(opens, (opens + closes) / 2, closes, window[2], "a calendar")

    assert -9.0 <= prior_log_odds(phase, expires, forecast, NOW) <= 2.0


@quick
@given(
    finding=FINDINGS,
    odds=PRIORS,
    age=st.integers(0, 120),
    gaps=st.lists(st.integers(1, 400), min_size=5, max_size=5).filter(lambda gaps: sum(gaps) >= 600),
)
@example(finding="whois_free_generic", odds=-9, age=120, gaps=[120] * 5)
def test_a_source_alone_is_believed_after_six_verified_passes_and_ten_minutes(
    finding: str, odds: int, age: int, gaps: list[int]
) -> None:
    """Whatever it is, whatever the calendar says, and however old a fresh answer may be."""
    ages = [age + sum(gaps[number:]) for number in range(6)]
    method = REGISTRY_DENIALS[finding]
    told = verdict(alone(odds, ages, method), denied(finding, age), before=State.REGISTERED)

    assert told.p_unregistered >= SURE
    assert told.state is State.AVAILABLE


@quick
@given(finding=FINDINGS, ages=st.sets(st.integers(0, 599), max_size=60))
@example(finding="rdap_404_json", ages={599, *range(11)})
def test_a_source_alone_does_not_outweigh_a_healthy_name_within_minutes(finding: str, ages: set[int]) -> None:
    """Its registry may be wrong for a moment, however often it is asked in it."""
    run = sorted(ages, reverse=True)
    told = verdict(alone(-9, run, REGISTRY_DENIALS[finding]), denied(finding), before=State.REGISTERED)

    assert told.p_unregistered < SURE
    assert told.state is State.REGISTERED


@quick
@given(finding=FINDINGS, odds=PRIORS, run=RUNS, further=st.integers(0, 4_000), age=st.integers(0, 120), before=KNOWN)
@example(finding="whois_free", odds=-5, run=[600, 0], further=300, age=0, before=State.REGISTERED)
def test_a_further_pass_never_lowers_what_is_believed(
    finding: str, odds: int, run: list[int], further: int, age: int, before: State
) -> None:
    """At whatever time it was: asking more often reaches every verdict at least as soon."""
    more = sorted({*run, further}, reverse=True)
    few, many = known(odds, run), known(odds, more)
    item = denied(finding, age)
    old, new = verdict(few, item, before=before), verdict(many, item, before=before)

    assert log_odds(said(item), many, NOW) >= log_odds(said(item), few, NOW)
    assert new.p_unregistered >= old.p_unregistered
    assert new.confidence >= old.confidence


@quick
@given(finding=FINDINGS, odds=PRIORS, run=RUNS, age=st.integers(1, 3_600), before=KNOWN)
def test_the_same_denial_heard_again_never_lowers_what_is_believed(
    finding: str, odds: int, run: list[int], age: int, before: State
) -> None:
    """Where its server proved itself again: a newer answer weighs no less."""
    situation = known(odds, run)
    old, new = verdict(situation, denied(finding, age), before=before), verdict(situation, denied(finding), before=before)

    assert new.p_unregistered >= old.p_unregistered
    assert new.confidence >= old.confidence


@quick
@given(
    finding=FINDINGS,
    odds=PRIORS,
    run=RUNS,
    age=st.integers(0, 120),
    further=st.sampled_from(
        ["rdap_404_json", "rdap_404_empty", "whois_free", "whois_free_generic", "dns_auth_nxdomain", "das_available"]
    ),
    old_word=st.none() | st.sampled_from(["dns", "http"]),
    before=KNOWN,
)
def test_a_further_source_that_agrees_never_lowers_what_is_believed(
    finding: str, odds: int, run: list[int], age: int, further: str, old_word: str | None, before: State
) -> None:
    """Nor what is told: whether the zone still shows the name or not, and whether the other server proved itself or not."""
    situation = known(odds, run)
    items = [denied(finding, age)] if old_word is None else [denied(finding, age), holder(old_word, age + 10)]
    other = denial(further.partition("_")[0], finding=further)
    if other.observation.method in said(*items):
        return
    old, new = verdict(situation, *items, before=before), verdict(situation, *items, other, before=before)

    assert log_odds(said(*items, other), situation, NOW) >= log_odds(said(*items), situation, NOW)
    assert new.confidence >= old.confidence


@quick
@given(
    method=st.sampled_from(["whois", "dns", "http"]),
    odds=PRIORS,
    run=RUNS.filter(bool),
    earlier=st.integers(1, 100 * DAY),
    before=KNOWN,
)
def test_a_registered_answer_from_before_the_run_does_not_count(
    method: str, odds: int, run: list[int], earlier: int, before: State
) -> None:
    """A drop lies in between: the verdict is the one without it."""
    situation, denies = known(odds, run), denial(age=run[-1])
    old = holder(method, age=run[0] + earlier)

    assert log_odds(said(denies, old), situation, NOW) == log_odds(said(denies), situation, NOW)
    assert verdict(situation, denies, old, before=before).state is verdict(situation, denies, before=before).state


@quick
@given(
    method=st.sampled_from(["whois", "dns", "http"]),
    odds=PRIORS,
    run=RUNS.filter(lambda ages: ages != [] and ages[-1] > 0),
    later=st.integers(1, 4_000),
    before=st.sampled_from([State.REGISTERED, State.PENDING_DELETE, State.AVAILABLE, State.UNREGISTERED, State.UNKNOWN]),
)
def test_a_registered_answer_after_the_last_denial_ends_it(
    method: str, odds: int, run: list[int], later: int, before: State
) -> None:
    """However sure the odds were, and whatever was told."""
    denies = denial(age=run[-1])
    newer = holder(method, age=max(0, run[-1] - later))

    assert verdict(known(odds, run), denies, newer, before=before).state is State.REGISTERED


@quick
@given(
    finding=FINDINGS,
    odds=PRIORS,
    run=RUNS,
    p_registrable=st.sampled_from([0.5, 0.95, 0.96, 0.98, 0.995]),
    announced=st.booleans(),
)
def test_a_source_alone_is_told_with_less_confidence_than_two(
    finding: str, odds: int, run: list[int], p_registrable: float, announced: bool
) -> None:
    """It is capped where the word is told, and nowhere above what two that agree would give."""
    one = known(odds, run, p_registrable=p_registrable, basis=Basis.REPETITION, announced=announced)
    two = known(odds, run, p_registrable=p_registrable, basis=Basis.SOURCES, announced=announced)
    lone, both = verdict(one, denied(finding)), verdict(two, denied(finding))

    assert lone.confidence <= both.confidence
    if lone.state in (State.AVAILABLE, State.UNREGISTERED):
        assert lone.confidence <= LONE_CONFIDENCE
    if lone.state is State.AVAILABLE and p_registrable == 0.995:
        assert lone.confidence < both.confidence


WORDS = [
    (Outcome.DROPPING, "whois_dropzone", State.DROPPING, 2 * DAY),
    (Outcome.RESERVED, "whois_reserved", State.RESERVED, 7 * DAY),
    (Outcome.PREMIUM, "whois_premium", State.AVAILABLE_PREMIUM, 7 * DAY),
    (Outcome.INVALID, "rdap_404_blocked", State.NOT_REGISTRABLE, 7 * DAY),
]
SURE_OF_IT = known(2, [40, 0])


@pytest.mark.parametrize(("outcome", "finding", "state", "holds"), WORDS)
@quick
@given(data=st.data())
def test_a_word_that_keeps_a_name_from_being_free_holds_while_it_is_said(
    outcome: Outcome, finding: str, state: State, holds: int, data: st.DataObject
) -> None:
    """Another channel may deny the name as often as it likes."""
    age = data.draw(st.integers(0, holds) | st.just(holds))
    word = answer("whois", outcome, finding, age)

    assert verdict(SURE_OF_IT, word, denial("rdap")).state is state


@pytest.mark.parametrize(("outcome", "finding", "state", "holds"), WORDS)
@quick
@given(data=st.data())
def test_a_word_that_is_not_said_any_more_ends_where_the_registry_denies_the_name(
    outcome: Outcome, finding: str, state: State, holds: int, data: st.DataObject
) -> None:
    """There always is an end; then the name is judged like any other."""
    age = data.draw(st.integers(holds + 1, 900 * DAY) | st.just(holds + 1))
    word = answer("whois", outcome, finding, age)

    assert verdict(SURE_OF_IT, word, denial("rdap")).state is State.AVAILABLE
    assert verdict(SURE_OF_IT, word, denial("rdap"), denial("dns"), before=state).state is State.AVAILABLE


@pytest.mark.parametrize(("outcome", "finding", "state", "holds"), WORDS)
@quick
@given(data=st.data())
def test_a_word_that_is_not_said_any_more_stands_while_the_registry_is_silent(
    outcome: Outcome, finding: str, state: State, holds: int, data: st.DataObject
) -> None:
    """A denial from before it takes nothing back, nor does the zone."""
    age = data.draw(st.integers(holds + 1, 900 * DAY))
    word = answer("whois", outcome, finding, age)

    assert verdict(SURE_OF_IT, word, denial("dns")).state is state
    assert verdict(SURE_OF_IT, word, denial("rdap", age=age)).state is state
