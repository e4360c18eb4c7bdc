"""The door of the room: counts by state, what a start finds, and names that sweeps found registered."""

from __future__ import annotations

import numpy as np

from common.core.domains.domain_table import REGISTERED
from common.core.domains.domains import Domains
from common.core.domains.stages import Stage
from common.core.model.columns import CodedTexts
from common.core.model.ids import NEVER
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.parsers.dns_fast import DELEGATED
from common.core.schedule.cadence import Cadence
from tests.core.domains.test_restore import block_of, columns_of

NOW = 1_790_000_000.0


def domains_of(count: int = 0) -> Domains:
    """So many new names, watched without priority and due now."""
    made = Domains(Cadence(3600.0, 300.0, 30.0, 2.0), lambda _: b"", NOW)
    ids = made.table.add_names([f"n{number}.com" for number in range(count)], ["com"] * count)
    made.stages.add_watched(ids, np.zeros(count, np.bool_), np.full(count, NOW))
    if count:
        made.count_state(None, State.UNKNOWN, count)
    return made


def test_a_start_counts_watched_names_and_makes_those_without_a_time_due() -> None:
    """No name is due later than its longest wait."""
    made = domains_of()
    states = CodedTexts(["REGISTERED", "AVAILABLE"], np.array([0, 0, 1, 1]))
    flags, times = np.array([1, 3, 1, 0]), np.array([0.0, NOW + 1e6, NOW + 60, NOW + 60])
    made.restore_names([columns_of([0, 1, 2, 3], states=states, flags=flags, next_check=times)], [], {}, 4)

    assert made.by_state == {"REGISTERED": 2, "AVAILABLE": 1}
    assert [made.stages.due_at(name_id) for name_id in (0, 2)] == [NOW, NOW + 60]
    assert NOW <= made.stages.due_at(1) <= NOW + 300 * 1.2
    assert made.stages.stage_of(3) is Stage.UNWATCHED


def test_a_start_asks_no_registry_about_names_that_cannot_drop_yet() -> None:
    """Those in redemption and pending delete keep their times, hours away, and no other name does."""
    made = domains_of()
    states = CodedTexts(["REGISTERED", "REDEMPTION", "PENDING_DELETE"], np.array([0, 1, 2, 2]))
    flags, times = np.array([1, 1, 1, 3]), np.array([NOW + 20_000, NOW + 20_000, NOW + 40_000, NOW + 10_000])
    made.restore_names([columns_of([0, 1, 2, 3], states=states, flags=flags, next_check=times)], [], {}, 4)

    assert [made.stages.due_at(name_id) for name_id in (1, 2, 3)] == [NOW + 20_000, NOW + 40_000, NOW + 10_000]
    assert made.stages.due_at(0) <= NOW + 3600 * 1.2


def test_a_start_asks_no_registry_about_names_that_no_zone_guards() -> None:
    """Those under a suffix that answers for every name keep their times, days away."""
    made = domains_of()
    times = np.array([NOW + 6 * 86_400.0, NOW + 20 * 86_400.0])
    made.restore_names([columns_of([0, 1], next_check=times)], [], {}, 2, lambda suffix: suffix == "com")

    assert made.stages.due_at(0) == NOW + 6 * 86_400.0
    assert made.stages.due_at(1) <= NOW + 3600 * 1.2
    guarded = domains_of()
    guarded.restore_names([columns_of([0, 1], next_check=times)], [], {}, 2)
    assert guarded.stages.due_at(0) <= NOW + 3600 * 1.2


def test_names_are_checked_at_their_intervals_again_once_their_zone_tells_of_them() -> None:
    """Spread over the interval; those of other suffixes stay, as do names off the list."""
    made = domains_of(100)
    other = made.table.add_names(["a.org"], ["org"])
    made.stages.add_watched(other, np.zeros(1, np.bool_), np.full(1, NOW + 9e5))
    ids = np.arange(100)
    made.stages.schedule_checks(ids, np.full(100, NOW + 5e5))
    made.stages.unwatch_name(0)
    made.resume_guard("com", NOW)
    times = made.table.schedule.times_of(ids[1:])

    assert NOW + 1000 < times.min() < times.max() <= NOW + 3600
    assert made.stages.due_at(0) == NEVER
    assert made.stages.due_at(int(other[0])) == NOW + 9e5


def test_a_start_writes_states_that_the_last_run_did_not() -> None:
    """Of names whose first look was written."""
    made = domains_of()
    looks = [(0, block_of(checked_at=NOW - 50, dns_at=NOW - 50, dns_first=NOW - 50, code=DELEGATED))]
    made.restore_names([columns_of([0, 1])], looks, {}, 2)
    changes = made.journal.begin_transaction(NOW)

    assert made.by_state == {"REGISTERED": 2}
    assert changes is not None
    assert [(change.ids, change.state, change.since) for change in changes.states] == [([0, 1], "REGISTERED", NOW - 50)]


def test_names_that_a_sweep_found_registered_have_a_new_state_and_no_event() -> None:
    """The state is counted and written."""
    made = domains_of(3)
    made.note_registered(np.array([0, 2]), 0.9, NOW + 5)
    changes = made.journal.begin_transaction(NOW + 5)

    assert made.by_state == {"UNKNOWN": 1, "REGISTERED": 2}
    assert made.table.state[:3].tolist().count(REGISTERED) == 2
    assert changes is not None
    assert ([change.ids for change in changes.states], changes.events) == ([[0, 2]], [])


def test_the_state_of_a_loaded_name_is_that_of_its_entry() -> None:
    """It may not be in its column yet."""
    made = domains_of(2)
    entry = made.load_name(0, Detail(), NOW)
    entry.state = State.AVAILABLE

    assert (made.state_of(0), made.state_of(1)) == (State.AVAILABLE, State.UNKNOWN)
    assert (made.find_loaded("n0.com"), made.find_loaded("n1.com")) == (entry, None)


def test_base_intervals_follow_the_priority() -> None:
    """In seconds, one for each name."""
    made = domains_of(2)
    made.stages.set_priority(1, NOW, priority=True)

    assert made.base_intervals(np.array([0, 1])).tolist() == [3600.0, 300.0]
    assert len(made) == 2
