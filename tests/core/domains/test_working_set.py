"""Loading names with their evidence, and evicting them when they are stable."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.domains.domain_table import STATE_CODES, DomainTable, Flag
from common.core.domains.working_set import KEEP, MOST_AT_REST, WorkingSet, needs_single_checks
from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Detail, Evidence
from common.core.model.states import State
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

NOW = 1_790_000_000.0


def working_set_of(count: int = 3) -> tuple[DomainTable, WorkingSet]:
    """Watched names n0.com, n1.com ..., none of them loaded."""
    table = DomainTable()
    ids = table.add_names([f"n{number}.com" for number in range(count)], ["com"] * count)
    table.flags[ids] = Flag.WATCHED
    return table, WorkingSet(table)


def idle(_: Entry) -> bool:
    """Nothing of a name is to be written, and no canary is awaited."""
    return False


# -- loading ---------------------------------------------------------------------------------------------------------------


def test_a_name_is_loaded_from_its_columns_and_its_detail() -> None:
    """And found by its name until it is evicted."""
    table, names = working_set_of()
    table.state[1], table.generation[1], table.confidence[1] = STATE_CODES[State.REDEMPTION], 3, 0.25
    table.since[1], table.checked_at[1] = NOW - 500, NOW - 5
    table.earliest[1], table.latest[1] = NOW, NOW + 1000
    table.inconclusive[1] = 2
    table.set_flag(1, Flag.PRIORITY, on=True)
    table.schedule.set_time(1, NOW + 60, priority=True)
    entry = names.load_entry(1, Detail(phase="redemption"))

    assert (entry.id, entry.name, entry.suffix, entry.label, entry.watched, entry.priority) == (
        1,
        "n1.com",
        "com",
        "n1",
        True,
        True,
    )
    assert (entry.state, entry.generation, entry.confidence, entry.since) == (State.REDEMPTION, 3, 0.25, NOW - 500)
    assert (entry.checked_at, entry.next_check, entry.phase, entry.detail.unknown_rounds) == (
        NOW - 5,
        NOW + 60,
        Phase.REDEMPTION,
        2,
    )
    assert entry.drop is not None
    assert entry.drop.earliest < entry.drop.likely < entry.drop.latest
    assert names.find_entry("n1.com") is entry
    assert table.has_flag(1, Flag.LOADED)

    names.evict_entry(1)
    assert (names.find_entry("n1.com"), names.find_entry("other.com"), len(names)) == (None, None, 0)
    assert not table.has_flag(1, Flag.LOADED)


def test_a_name_that_was_never_checked_has_no_times() -> None:
    """Zeros of its columns stand for none."""
    _, names = working_set_of()
    entry = names.load_entry(0, Detail())

    assert (entry.since, entry.checked_at, entry.drop, entry.detail.registered_seen) == (None, None, None, None)


def test_the_answer_of_a_sweep_counts_if_it_is_younger() -> None:
    """It is evidence of an entry like that of a single query."""
    table, names = working_set_of()
    table.code[0], table.dns_at[0], table.dns_first[0], table.serial[0] = NXDOMAIN, NOW, NOW - 60, 7
    entry = names.load_entry(0, Detail())

    found = entry.detail.evidence["dns"]
    assert (found.at, found.first_at, found.observation.reading.outcome) == (NOW, NOW - 60, Outcome.UNREGISTERED)


def test_a_registered_name_whose_evidence_was_lost_was_seen_when_its_state_began() -> None:
    """A crash left the state and not the answer behind it."""
    table, names = working_set_of()
    table.state[0], table.since[0] = STATE_CODES[State.REGISTERED], NOW - 500

    assert names.load_entry(0, Detail()).detail.registered_seen == NOW - 500
    assert names.build_entry(0, Detail(registered_seen=NOW)).detail.registered_seen == NOW


def test_columns_written_back_build_the_same_entry() -> None:
    """With the flags that the store keeps, and the block of its last look marked."""
    table, names = working_set_of()
    entry = names.load_entry(0, Detail())
    entry.state, entry.since, entry.checked_at, entry.generation = State.REGISTERED, NOW - 9, NOW - 1, 2
    entry.drop, entry.priority = DropWindow(NOW, NOW + 128, NOW + 256, 0.5), True
    reading = Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
    entry.detail.evidence["dns"] = Evidence(Observation("dns", reading, "com", "192.0.2.1:53/udp"), NOW - 1, NOW - 8)
    entry.detail.registered_seen = NOW - 1
    names.write_back(entry, NOW)
    again = names.build_entry(0, Detail())

    assert (again.state, again.since, again.checked_at, again.generation) == (State.REGISTERED, NOW - 9, NOW - 1, 2)
    assert (again.priority, again.detail.registered_seen) == (True, NOW - 1)
    assert again.drop is not None
    assert (table.code[0], table.dns_first[0]) == (DELEGATED, NOW - 8)
    assert again.detail.evidence["dns"].observation.address == "192.0.2.1:53/udp"
    assert table.has_flag(0, Flag.DETAILED)
    assert not table.has_flag(0, Flag.SINGLE)
    assert table.dirty_blocks().tolist() == [0]

    entry.drop = None
    del entry.detail.evidence["dns"]
    names.write_back(entry, NOW)
    assert np.isnan(table.earliest[0])
    assert table.code[0] == 0


# -- eviction --------------------------------------------------------------------------------------------------------------


def test_a_stable_name_is_evicted_a_few_seconds_after_its_check() -> None:
    """Another check may follow soon."""
    _, names = working_set_of()
    names.load_entry(0, Detail()).checked_at = NOW
    names.evict_stable(idle, NOW + KEEP)
    assert len(names) == 1
    names.evict_stable(idle, NOW + KEEP + 0.1)
    assert len(names) == 0


def test_names_with_something_going_on_stay_loaded() -> None:
    """A check, an isolation, a row that is not durable, priority, and the need of single checks."""
    table, names = working_set_of(6)
    checked, isolated, unwritten, urgent, single, plain = (names.load_entry(name_id, Detail()) for name_id in range(6))
    checked.check, isolated.isolated_until, urgent.priority = Check(NOW), NOW + 1, True
    table.set_flag(single.id, Flag.SINGLE, on=True)
    names.evict_stable(lambda entry: entry is unwritten, NOW)

    assert set(names.loaded) == {checked.id, isolated.id, unwritten.id, urgent.id, single.id}
    assert plain.id not in names.loaded


def test_a_name_that_left_the_list_is_evicted_at_once() -> None:
    """Unless its row is still to be written."""
    _, names = working_set_of()
    for name_id in range(2):
        entry = names.load_entry(name_id, Detail())
        entry.watched, entry.priority, entry.checked_at = False, True, NOW
    names.evict_stable(lambda entry: entry.id == 1, NOW)

    assert list(names.loaded) == [1]


def test_a_name_that_could_not_be_loaded_again_stays_as_long_as_there_is_room() -> None:
    """Stable or not on the list any more; above the number at rest it is evicted all the same."""
    _, names = working_set_of(MOST_AT_REST + 1)
    for name_id in range(MOST_AT_REST):
        names.load_entry(name_id, Detail()).watched = name_id > 0
    names.evict_stable(idle, NOW, crowded_only=True)
    assert len(names) == MOST_AT_REST
    names.load_entry(MOST_AT_REST, Detail())
    names.evict_stable(idle, NOW, crowded_only=True)
    assert len(names) < MOST_AT_REST


def test_where_too_many_names_are_loaded_stable_ones_with_priority_are_evicted() -> None:
    """Those that were examined longest ago first; as many as may be loaded stay."""
    _, names = working_set_of(MOST_AT_REST + 1)
    for name_id in range(MOST_AT_REST):
        names.load_entry(name_id, Detail()).priority = True
    names.evict_stable(idle, NOW)
    assert len(names) == MOST_AT_REST
    oldest = next(iter(names.loaded))
    names.load_entry(MOST_AT_REST, Detail()).priority = True
    names.evict_stable(idle, NOW)

    assert len(names) < MOST_AT_REST
    assert oldest not in names.loaded
    assert MOST_AT_REST in names.loaded


def test_entries_take_turns_to_be_examined() -> None:
    """A call examines a bounded number, the next one others."""
    count = MOST_AT_REST
    _, names = working_set_of(count)
    examined: list[int] = []

    def is_busy(entry: Entry) -> bool:
        examined.append(entry.id)
        return True

    for name_id in range(count):
        names.load_entry(name_id, Detail())
    names.evict_stable(is_busy, NOW)
    assert len(examined) < count
    while len(examined) <= count:
        names.evict_stable(is_busy, NOW)
    assert examined[: count + 1] == [*range(count), 0]


# -- single checks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "detail", "single"),
    [
        (State.REGISTERED, Detail(), False),
        (State.UNKNOWN, Detail(), False),
        (State.EXPIRED_GRACE, Detail(), False),
        (State.AVAILABLE, Detail(), True),
        (State.UNDELEGATED, Detail(), True),
        (State.REGISTERED, Detail(passes=(NOW,)), True),
        (State.REGISTERED, Detail(purged_at=NOW), True),
        (State.REGISTERED, Detail(phase="redemption"), True),
        (State.UNKNOWN, Detail(phase="redemption"), False),
    ],
)
def test_a_sweep_is_enough_for_stable_names(state: State, detail: Detail, single: bool) -> None:
    """Not where an alarm is possible or made, nor where a registered name left the zone."""
    assert needs_single_checks(Entry("a.com", "com", "a", state=state, detail=detail), NOW) is single


def test_an_isolated_name_needs_single_checks() -> None:
    """A sweep with it would kill its worker, too."""
    entry = Entry("a.com", "com", "a", isolated_until=NOW + 1)

    assert (needs_single_checks(entry, NOW), needs_single_checks(entry, NOW + 1)) == (True, False)
