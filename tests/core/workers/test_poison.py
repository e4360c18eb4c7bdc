"""Poison pills: names whose queries kill the worker that runs them."""

from __future__ import annotations

from common.core.model.entry import Entry
from common.core.workers.poison import ISOLATED, SUSPICION_MEMORY, SUSPICIOUS, PoisonDetector

NOW = 1_790_000_000.0


def test_a_name_under_way_in_three_deaths_is_run_alone_and_isolated_when_its_worker_dies_again() -> None:
    """Names that were there by chance are not."""
    poison = PoisonDetector()
    for death in range(3):
        assert poison.note_death(["poison.com", f"innocent{death}.com"], alone=False, now=NOW) == []

    assert poison.must_run_alone("poison.com")
    assert not poison.must_run_alone("innocent0.com")
    assert poison.note_death(["poison.com"], alone=True, now=NOW) == ["poison.com"]


def test_a_name_whose_query_ran_to_its_end_is_cleared() -> None:
    """An answer ends the poison."""
    poison = PoisonDetector()
    for _ in range(3):
        poison.note_death(["slow.com", "x.com"], alone=False, now=NOW)
    poison.note_survived("slow.com")

    assert not poison.must_run_alone("slow.com")


def test_deaths_of_long_ago_are_forgotten() -> None:
    """Otherwise a name would be run alone for ever after an outage that killed workers."""
    poison = PoisonDetector()
    for death in range(SUSPICIOUS):
        poison.note_death(["slow.com"], NOW + death, alone=False)
    last = NOW + SUSPICIOUS - 1
    poison.forget_old(last + SUSPICION_MEMORY - 1)
    assert poison.must_run_alone("slow.com")
    poison.forget_old(last + SUSPICION_MEMORY)

    assert not poison.must_run_alone("slow.com")


def test_a_name_that_died_alone_without_suspicion_is_not_isolated() -> None:
    """A worker may die of something else; the name happened to be its only one."""
    poison = PoisonDetector()

    assert poison.note_death(["a.com"], NOW, alone=True) == []


def test_isolation_ends_after_an_hour() -> None:
    """Until then the name counts, and is not checked."""
    poison, entry = PoisonDetector(), Entry("poison.com", "com", "poison")
    poison.isolate_name(entry, NOW)

    assert entry.isolated_until == NOW + ISOLATED
    assert (poison.isolated_count(NOW + ISOLATED - 1), poison.isolated_count(NOW + ISOLATED)) == (1, 0)
    poison.release_isolated(NOW + ISOLATED - 1)
    assert poison.isolated_count(NOW) == 1
    poison.release_isolated(NOW + ISOLATED)
    assert poison.isolated_count(NOW) == 0
