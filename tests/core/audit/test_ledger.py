"""What is kept of a verdict, when it is worth keeping, and that it can be decided again from its entry alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from msgspec import structs

from common.codec import convert, decode_map, encode
from common.core.audit.ledger import (
    CANARY_LIE,
    NO_CAUSE,
    PASS,
    Cause,
    LedgerEntry,
    build_entry,
    compare_verdicts,
    replay_verdict,
)
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase, Reading
from common.core.model.offers import ORDINARY, PREMIUM, REFUSED
from common.core.model.states import State
from common.core.verdict import gates, likelihoods, verdicts
from common.core.verdict.assessor import Assessment, Assessor
from common.core.verdict.rules_version import constants_of, rules_version, version_of
from tests.core.trust.trust_rooms import NOW, ONE, RDAP, WHOIS, ZONE, TrustRooms, answer_of, verify_server


def dropped_name() -> tuple[TrustRooms, Entry, Assessment]:
    """A name in pending delete that zone and registry deny in two passes, with the verdict on it."""
    rooms = TrustRooms()
    entry = Entry("gone.com", "com", "gone", state=State.PENDING_DELETE, generation=2)
    for key in (RDAP, WHOIS, ZONE):
        entry.note_observation(answer_of(key, Outcome.UNREGISTERED), NOW)
        verify_server(rooms, key, NOW)
    entry.detail.passes, entry.detail.registered_seen = (NOW - 30.0, NOW), NOW - 3600.0
    assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
    return rooms, entry, assessor.assess_evidence(entry, NOW)


def alarm_entry() -> LedgerEntry:
    """What is kept of that verdict, as it comes out of the store."""
    rooms, entry, made = dropped_name()
    before, entry.state = entry.state, made.verdict.state
    kept = build_entry(entry, made, before, "available", NO_CAUSE, rooms.trust, NOW)
    assert kept is not None
    return convert(decode_map(encode(kept)), LedgerEntry)


def test_an_entry_holds_all_that_a_verdict_was_decided_from() -> None:
    """Evidence, canaries, situation and requirements; deciding again gives the same."""
    alarm = alarm_entry()

    assert (alarm.kind, alarm.before, alarm.verdict.state, alarm.told) == (
        "decision",
        State.PENDING_DELETE,
        State.AVAILABLE,
        "available",
    )
    assert (alarm.domain, alarm.suffix, alarm.at, alarm.generation) == ("gone.com", "com", NOW, 2)
    assert set(alarm.evidence) == set(alarm.canaries) == set(alarm.positive_methods) == {"dns", "rdap", "whois"}
    assert alarm.situation.passes == (NOW - 30.0, NOW)
    assert alarm.rules == rules_version()
    assert replay_verdict(alarm) == alarm.verdict


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.UNREGISTERED, State.AVAILABLE),
        (Outcome.PREMIUM, State.AVAILABLE_PREMIUM),
        (Outcome.UNAVAILABLE, State.UNREGISTERED),
    ],
)
def test_an_offer_is_decided_again_from_the_canaries_of_its_server(outcome: Outcome, state: State) -> None:
    """Those of a refusal are kept too, although it denies nothing; without them the verdict would be another one."""
    rooms, entry, _ = dropped_name()
    entry.detail.purged_at = NOW - 30.0
    entry.note_observation(answer_of(ONE, outcome), NOW)
    verify_server(rooms, ONE, NOW)
    assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
    made = assessor.assess_evidence(entry, NOW)
    before, entry.state = entry.state, made.verdict.state
    kept = build_entry(entry, made, before, "told", NO_CAUSE, rooms.trust, NOW)
    assert kept is not None
    kept = convert(decode_map(encode(kept)), LedgerEntry)

    assert (kept.verdict.state, set(kept.canaries)) == (state, {"dns", "rdap", "whois", ONE.method})
    assert replay_verdict(kept) == kept.verdict
    forgotten = structs.replace(kept, canaries={key: row for key, row in kept.canaries.items() if key != ONE.method})
    assert replay_verdict(forgotten) != kept.verdict


@pytest.mark.parametrize(
    ("remembered", "state"),
    [(PREMIUM, State.AVAILABLE_PREMIUM), (REFUSED, State.UNREGISTERED), (ORDINARY, State.AVAILABLE), ("", State.AVAILABLE)],
)
def test_a_verdict_that_rests_on_an_offer_of_before_is_decided_again_alike(remembered: str, state: State) -> None:
    """What was remembered is kept with the requirements; without it the verdict would be another one."""
    rooms, entry, _ = dropped_name()
    entry.detail.purged_at, entry.detail.offered, entry.detail.offered_at = NOW - 30.0, remembered, NOW - 10.0
    assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
    made = assessor.assess_evidence(entry, NOW)
    before, entry.state = entry.state, made.verdict.state
    kept = build_entry(entry, made, before, "told", NO_CAUSE, rooms.trust, NOW)
    assert kept is not None
    kept = convert(decode_map(encode(kept)), LedgerEntry)

    assert (kept.verdict.state, kept.verdict.confirmed_by) == (state, ())
    assert replay_verdict(kept) == kept.verdict
    forgotten = structs.replace(kept, needs=structs.replace(kept.needs, offered=""))
    assert replay_verdict(forgotten).state is State.AVAILABLE


def test_offers_that_the_record_of_a_situation_names_are_worked_out_anew() -> None:
    """An edited one is found out."""
    alarm = alarm_entry()
    for name in ("confirmed_by", "premium_by", "refused_by"):
        forged = structs.replace(alarm, situation=structs.replace(alarm.situation, **{name: (ONE.method,)}))
        assert replay_verdict(forged) == alarm.verdict


def test_a_verdict_that_changes_nothing_is_kept_only_for_a_cause() -> None:
    """A pass, or a lie with what it took away; a change of state is a decision whatever else happened."""
    rooms, entry, made = dropped_name()
    lie = Cause(CANARY_LIE, "rdap.com.test finds everything", {"rdap": entry.detail.evidence["rdap"]})
    kept = [build_entry(entry, made, before, None, cause, rooms.trust, NOW) for before, cause in (
        (entry.state, NO_CAUSE), (entry.state, Cause(PASS)), (entry.state, lie), (State.UNKNOWN, lie)
    )]  # fmt: skip

    assert [item.kind if item is not None else None for item in kept] == [None, "pass", "canary_lie", "decision"]
    assert kept[2] is not None
    assert (set(kept[2].voided), kept[2].why) == ({"rdap"}, "rdap.com.test finds everything")


def test_changed_evidence_gives_another_verdict() -> None:
    """An edited finding, canary, pass or verdict is found out."""
    alarm = alarm_entry()
    rdap = alarm.evidence["rdap"]
    taken = structs.replace(
        rdap,
        observation=structs.replace(
            rdap.observation, reading=Reading(Outcome.REGISTERED, "rdap_200_match", "found", Phase.ACTIVE)
        ),
    )
    forged = {
        "finding": structs.replace(alarm, evidence={**alarm.evidence, "rdap": taken}),
        "age": structs.replace(alarm, evidence={**alarm.evidence, "rdap": structs.replace(rdap, at=rdap.at - 300)}),
        "canary": structs.replace(
            alarm, canaries={**alarm.canaries, "rdap": structs.replace(alarm.canaries["rdap"], failed_at=alarm.at)}
        ),
        "passes": structs.replace(alarm, situation=structs.replace(alarm.situation, passes=alarm.situation.passes[:1])),
        "verdict": structs.replace(alarm, verdict=structs.replace(alarm.verdict, confidence=0.5)),
    }

    assert compare_verdicts(alarm, replay_verdict(alarm)) == []
    for what, entry in forged.items():
        assert compare_verdicts(entry, replay_verdict(entry)), what


def test_the_rules_have_a_version_that_follows_every_constant() -> None:
    """One weight, cap or threshold more or less is another version; the order of sets and the process are not."""
    modules = {module.__name__: constants_of(vars(module)) for module in (gates, likelihoods, verdicts)}
    heavier = {**likelihoods.FINDINGS, "whois_free": likelihoods.FINDINGS["whois_free"]._replace(llr=4.6)}
    changed = [
        {**modules, "common.core.verdict.gates": {**modules["common.core.verdict.gates"], "FRESH": 121.0}},
        {**modules, "common.core.verdict.likelihoods": {**modules["common.core.verdict.likelihoods"], "FINDINGS": heavier}},
        {**modules, "common.core.verdict.verdicts": {**modules["common.core.verdict.verdicts"], "OUT_OF_ZONE": frozenset()}},
    ]

    assert len({version_of(constants) for constants in (modules, *changed)}) == 4
    assert version_of({"a": frozenset("xyz"), "b": 1}) == version_of({"b": 1, "a": frozenset("zyx")})


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_version_is_the_same_in_every_process(seed: str) -> None:
    """Hash randomisation orders sets differently in each process."""
    code = "from common.core.verdict.rules_version import rules_version; print(rules_version())"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert said.stdout.strip() == rules_version()
