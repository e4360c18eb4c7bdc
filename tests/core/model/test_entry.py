"""Evidence of a loaded name: the last answer of each method that says something, and trouble beside it."""

from __future__ import annotations

import pytest

from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading

NOW = 1_790_000_000.0


def answer_of(outcome: Outcome, method: str = "rdap") -> Observation:
    """An answer with this outcome."""
    return Observation(method, Reading(outcome, "finding", "so it says"))


def test_equal_answers_in_a_row_are_one_run() -> None:
    """It began with the first of them; another outcome begins a new one."""
    entry = Entry("a.com", "com", "a")
    changes = [
        entry.note_observation(answer_of(outcome), NOW + second, by=f"worker {second}")
        for second, outcome in enumerate([Outcome.REGISTERED, Outcome.REGISTERED, Outcome.UNREGISTERED])
    ]
    known = entry.detail.evidence["rdap"]

    assert changes == [True, False, True]
    assert (known.at, known.first_at, known.by) == (NOW + 2, NOW + 2, "worker 2")
    entry.note_observation(answer_of(Outcome.UNREGISTERED), NOW + 9)
    assert (entry.detail.evidence["rdap"].at, entry.detail.evidence["rdap"].first_at) == (NOW + 9, NOW + 2)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.THROTTLED])
def test_an_answer_that_says_nothing_replaces_no_evidence(outcome: Outcome) -> None:
    """It is kept as trouble until the method says something again."""
    entry = Entry("a.com", "com", "a")
    entry.note_observation(answer_of(Outcome.REGISTERED), NOW)
    assert not entry.note_observation(answer_of(outcome), NOW + 1)
    assert not entry.note_observation(answer_of(outcome), NOW + 2)

    assert entry.detail.evidence["rdap"].at == NOW
    assert (entry.detail.trouble["rdap"].at, entry.detail.trouble["rdap"].first_at) == (NOW + 2, NOW + 1)
    assert not entry.note_observation(answer_of(Outcome.REGISTERED), NOW + 3)
    assert entry.detail.trouble == {}


def test_an_answer_that_is_not_believed_is_trouble() -> None:
    """Whatever it says."""
    entry = Entry("a.com", "com", "a")

    assert not entry.note_observation(answer_of(Outcome.INVALID), NOW, believed=False)
    assert (list(entry.detail.evidence), list(entry.detail.trouble)) == ([], ["rdap"])


def test_methods_have_evidence_of_their_own() -> None:
    """Trouble of one does not concern the others."""
    entry = Entry("a.com", "com", "a")
    entry.note_observation(answer_of(Outcome.REGISTERED, "dns"), NOW)
    entry.note_observation(answer_of(Outcome.UNKNOWN, "whois"), NOW)

    assert (list(entry.detail.evidence), list(entry.detail.trouble)) == (["dns"], ["whois"])


def test_the_drop_window_has_a_margin() -> None:
    """An hour to each side, unless another one is asked for; without a forecast there is none."""
    entry = Entry("a.com", "com", "a")
    assert not entry.in_window(NOW)
    entry.drop = DropWindow(NOW, NOW + 50, NOW + 100, 0.5)

    assert [entry.in_window(NOW + at) for at in (-3601, -3600, 3700, 3701)] == [False, True, True, False]
    assert [entry.in_window(NOW + at, 10) for at in (-11, -10, 110, 111)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("phase", "ending"), [(None, False), (Phase.ACTIVE, False), (Phase.REDEMPTION, True), (Phase.PENDING_DELETE, True)]
)
def test_a_name_is_ending_in_redemption_and_pending_delete(phase: Phase | None, ending: bool) -> None:
    """As the registry's last record shows."""
    entry = Entry("a.com", "com", "a")
    entry.detail.phase = phase.value if phase is not None else None

    assert (entry.phase, entry.is_ending()) == (phase, ending)


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ({}, False),
        ({"rdap": Outcome.UNREGISTERED, "dns": Outcome.UNREGISTERED}, False),
        ({"rdap": Outcome.UNREGISTERED, "dns": Outcome.REGISTERED}, True),
        ({"epp": Outcome.REGISTERED}, True),
        ({"registrar:one": Outcome.REGISTERED}, False),
        ({"registrar:one": Outcome.REGISTERED, "http": Outcome.REGISTERED}, True),
    ],
)
def test_a_check_found_a_name_registered_by_the_word_of_any_method_but_a_registrar(
    outcomes: dict[str, Outcome], *, found: bool
) -> None:
    """A registrar's may come from a cache."""
    assert Check(NOW, outcomes=outcomes).found_registered() is found
