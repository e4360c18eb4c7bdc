"""Names as rows: found by name and number, due by time, stored by the block; always the same as the plain way of doing it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.domains.domain_table import REGISTERED, DomainTable, Flag
from common.core.domains.last_look import BLOCK, SIZE, LastLook, apply_look, read_look
from common.core.domains.last_look_array import RECORD
from common.core.domains.name_index import NameIndex
from common.core.model.records import Detail
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.schedule.due_times import NEVER, DueTimes, Schedule

NOW = 1_790_000_000.0
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.lists(LABELS, max_size=40), max_size=8), st.lists(LABELS, max_size=20))
def test_a_roll_answers_like_a_dict(batches: list[list[str]], others: list[str]) -> None:
    """Every name has its number, a name that was never added has none."""
    roll, known = NameIndex(), dict[str, int]()
    for batch in batches:
        new = [name for name in dict.fromkeys(batch) if name not in known]
        first = roll.add_names(new)
        known.update((name, first + place) for place, name in enumerate(new))

    assert len(roll) == len(known)
    assert all(roll.find_id(name) == row and roll.name_of(row) == name for name, row in known.items())
    assert all(roll.find_id(name) == known.get(name, -1) for name in others)


def test_a_roll_finds_everybody_after_it_has_grown_often() -> None:
    """Fifty thousand names in pieces of every size, with gaps where names were deleted."""
    roll, rows = NameIndex(), {}
    for piece in range(50):
        names = [f"name-{piece}-{number}.com" for number in range(piece * 40)]
        first = roll.add_names(names)
        rows.update((name, first + place) for place, name in enumerate(names))
        roll.skip_ids(len(roll) + piece)

    assert all(roll.find_id(name) == row for name, row in rows.items())
    assert roll.find_id("") == roll.find_id("name-1-1.net") == -1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 100)), max_size=60),
    st.lists(st.tuples(st.integers(0, 110), st.integers(1, 30)), max_size=12),
)
def test_a_lane_gives_what_is_due_once_and_the_most_overdue_first(
    puts: list[tuple[int, int]], takes: list[tuple[int, int]]
) -> None:
    """As many as asked for, none before its time, none twice, and the next time is never later than the truth."""
    lane, plan = DueTimes(), dict[int, float]()
    lane.reserve_names(9001)
    for row, at in puts:
        lane.set_time(row, float(at))
        plan[row] = float(at)
    for now, limit in takes:
        assert lane.next_at() <= min(plan.values(), default=NEVER)
        assert lane.count_overdue(now) == sum(at <= now for at in plan.values())
        rows, times = lane.take_due(float(now), limit)
        assert len(rows) == min(limit, sum(at <= now for at in plan.values()))
        for row, at in zip(rows.tolist(), times.tolist(), strict=True):
            assert plan.pop(row) == at <= now


def test_many_put_at_once_are_due_like_single_ones() -> None:
    """Later times do not hide that something in the block is due already."""
    lane = DueTimes()
    lane.reserve_names(10_000)
    rows = np.arange(10_000)
    lane.set_times(rows, NOW + rows)
    lane.set_times(rows[5000:], NOW + 100_000 + rows[5000:])

    assert lane.next_at() == NOW
    assert lane.take_due(NOW + 50_000, 20_000)[0].tolist() == list(range(5000))
    assert lane.next_at() == NOW + 105_000


def test_a_name_that_gains_priority_leaves_the_other_lane() -> None:
    """It is due in one lane at most."""
    schedule = Schedule()
    schedule.reserve_names(10)
    schedule.set_time(3, NOW + 50, priority=False)
    schedule.set_time(3, NOW + 10, priority=True)

    assert schedule.due_at(3) == NOW + 10
    assert schedule.ordinary.take_due(NOW + 100, 10)[0].tolist() == []
    assert schedule.priority.take_due(NOW + 100, 10)[0].tolist() == [3]
    assert schedule.next_at() == NEVER


def table_of(count: int) -> DomainTable:
    """So many watched names under two suffixes."""
    table = DomainTable()
    names = [f"n{number}.{'com' if number % 2 else 'co.uk'}" for number in range(count)]
    rows = table.add_names(names, [name.partition(".")[2] for name in names])
    table.flags[rows] = Flag.WATCHED
    return table


def test_a_table_keeps_everything_when_it_grows() -> None:
    """Names, suffixes, flags and times of the first are there after ten thousand more."""
    table = table_of(10)
    table.state[3], table.checked_at[3] = REGISTERED, NOW
    table.schedule.set_time(3, NOW + 5, priority=False)
    table.add_names([f"m{number}.org" for number in range(10_000)], ["org"] * 10_000)

    assert (table.name_of(3), table.suffix_of(3), table.suffix_of(9999)) == ("n3.com", "com", "org")
    assert (int(table.state[3]), float(table.checked_at[3]), table.schedule.due_at(3)) == (REGISTERED, NOW, NOW + 5)
    assert table.find_id("m9999.org") == 10_009


def test_stored_blocks_bring_back_what_sweeps_saw() -> None:
    """Only touched blocks are written; laid over a table of the same names they restore times, answers and due times."""
    table, again = table_of(1000), table_of(1000)
    rows = np.array([1, 300, 301])
    table.checked_at[rows] = table.dns_at[rows] = NOW
    table.dns_first[rows], table.code[rows], table.serial[rows] = NOW - 50, 1, 7
    table.address[rows] = table.address_number("192.0.2.1:53/udp")
    again.address_number("192.0.2.1:53/udp")
    table.flags[301] |= Flag.PRIORITY
    table.schedule.set_times(rows, np.array([NOW + 1, NOW + 2, NOW + 3]), np.array([False, False, True]))
    table.mark_dirty(rows)
    blocks = dict(table.encode_looks(table.dirty_blocks()))
    again.flags[301] |= Flag.PRIORITY
    for block, data in blocks.items():
        again.apply_looks(block, data)

    assert set(blocks) == {0, 1}
    assert len(table.dirty_blocks()) == 0
    for column in ("checked_at", "dns_at", "dns_first", "serial", "code", "address"):
        assert getattr(again, column)[rows].tolist() == getattr(table, column)[rows].tolist()
    assert again.schedule.times_of(rows).tolist() == [NOW + 1, NOW + 2, NOW + 3]
    pulse = read_look(blocks[1], 300 - BLOCK, {1: "192.0.2.1:53/udp"})
    assert pulse is not None
    assert (pulse.next_check, pulse.address, pulse.serial) == (NOW + 2, "192.0.2.1:53/udp", 7)


def test_a_row_that_is_younger_than_its_pulse_stays() -> None:
    """A visit was written after the block: its times count."""
    table, again = table_of(10), table_of(10)
    table.checked_at[2] = NOW
    table.mark_dirty(np.array([2]))
    again.checked_at[2], again.code[2] = NOW + 60, 2
    again.apply_looks(0, dict(table.encode_looks(table.dirty_blocks()))[0])

    assert (float(again.checked_at[2]), int(again.code[2])) == (NOW + 60, 2)


@pytest.mark.parametrize("data", [b"", b"x" * 10, b"\xff" * (SIZE * BLOCK), b"\0" * (SIZE * BLOCK * 2)])
def test_a_damaged_block_harms_nobody(data: bytes) -> None:
    """Whatever the bytes: a short one is ignored, and numbers out of range are read as nothing."""
    table = table_of(10)
    table.apply_looks(0, data)
    found: Any = read_look(data, 3, {})

    assert len(table) == 10
    assert found is None or found.address == ""


def test_a_time_that_is_none_makes_a_name_due_at_once() -> None:
    """A damaged block must not hide the others of its lane for ever."""
    table = table_of(10)
    records = np.zeros(BLOCK, RECORD)
    records["checked_at"], records["next_check"] = NOW, np.nan
    table.apply_looks(0, records.tobytes())

    assert table.schedule.next_at() == 0.0
    assert len(table.schedule.ordinary.take_due(NOW, 100)[0]) == 10


def test_there_may_be_as_many_suffixes_as_names() -> None:
    """Rules with a wildcard make a suffix of every name below them."""
    table = DomainTable()
    rows = table.add_names([f"a.n{number}.ck" for number in range(70_000)], [f"n{number}.ck" for number in range(70_000)])

    assert table.suffix_of(int(rows[-1])) == "n69999.ck"


def test_a_delegation_seen_by_a_sweep_ends_a_run_of_passes() -> None:
    """As a single look would: the name is in the zone, so a deletion that was begun to be believed is doubted."""
    detail = Detail(passes=(NOW - 60.0,), purged_at=NOW - 60.0)
    made = apply_look(detail, LastLook(NOW, 0.0, NOW, NOW - 5.0, 0, DELEGATED, ""), "com")
    later = apply_look(detail, LastLook(NOW, 0.0, NOW, NOW - 5.0, 7, NXDOMAIN, ""), "com")

    assert (made.passes, made.purged_at, made.contradicted_at, made.registered_seen) == ((), None, NOW, NOW)
    assert (later.passes, later.purged_at, later.registered_seen) == (detail.passes, detail.purged_at, None)


def test_nobody_is_planned_beyond_the_longest_wait_at_a_start() -> None:
    """What a clock that was ahead had planned comes within it, spread; what is near, or not planned at all, stays."""
    lane = DueTimes()
    lane.set_times(np.arange(4), np.array([NOW + 86_400, NOW + 87_000, NOW + 300, 0.0]))
    lane.clamp_times(NOW, 1000.0)

    assert lane.times_of(np.arange(5)).tolist() == [NOW + 400, NOW, NOW + 300, NOW, NEVER]
    assert lane.next_at() == NOW
