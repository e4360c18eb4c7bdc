"""The domain table: columns that grow, and last looks that are stored and read back by the block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from common.core.domains.domain_table import REGISTERED, DomainTable, Flag
from common.core.domains.last_look import BLOCK, SIZE, read_look
from common.core.domains.last_look_array import RECORD

NOW = 1_790_000_000.0
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)


def table_of(count: int) -> DomainTable:
    """So many watched names under two suffixes."""
    table = DomainTable()
    names = [f"n{number}.{'com' if number % 2 else 'co.uk'}" for number in range(count)]
    ids = table.add_names(names, [name.partition(".")[2] for name in names])
    table.flags[ids] = Flag.WATCHED
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


def test_stored_blocks_bring_back_what_sweeps_found() -> None:
    """Only dirty blocks are written; applied to a table of the same names they restore times, answers and due times."""
    table, again = table_of(1000), table_of(1000)
    ids = np.array([1, 300, 301])
    table.checked_at[ids] = table.dns_at[ids] = NOW
    table.dns_first[ids], table.code[ids], table.serial[ids] = NOW - 50, 1, 7
    table.address[ids] = table.address_number("192.0.2.1:53/udp")
    again.address_number("192.0.2.1:53/udp")
    table.flags[301] |= Flag.PRIORITY
    table.schedule.set_times(ids, np.array([NOW + 1, NOW + 2, NOW + 3]), np.array([False, False, True]))
    table.mark_dirty(ids)
    blocks = dict(table.encode_looks(table.dirty_blocks()))
    again.flags[301] |= Flag.PRIORITY
    for block, data in blocks.items():
        again.apply_looks(block, data)

    assert set(blocks) == {0, 1}
    assert len(table.dirty_blocks()) == 0
    for column in ("checked_at", "dns_at", "dns_first", "serial", "code", "address"):
        assert getattr(again, column)[ids].tolist() == getattr(table, column)[ids].tolist()
    assert again.schedule.times_of(ids).tolist() == [NOW + 1, NOW + 2, NOW + 3]
    look = read_look(blocks[1], 300 - BLOCK, {1: "192.0.2.1:53/udp"})
    assert look is not None
    assert (look.next_check, look.address, look.serial) == (NOW + 2, "192.0.2.1:53/udp", 7)


def test_a_row_that_is_younger_than_its_last_look_stays() -> None:
    """It was written by a check after the block: its times count."""
    table, again = table_of(10), table_of(10)
    table.checked_at[2] = NOW
    table.mark_dirty(np.array([2]))
    again.checked_at[2], again.code[2] = NOW + 60, 2
    again.apply_looks(0, dict(table.encode_looks(table.dirty_blocks()))[0])

    assert (float(again.checked_at[2]), int(again.code[2])) == (NOW + 60, 2)


@pytest.mark.parametrize("data", [b"", b"x" * 10, b"\xff" * (SIZE * BLOCK), b"\0" * (SIZE * BLOCK * 2)])
def test_a_damaged_block_harms_no_name(data: bytes) -> None:
    """Whatever the bytes: a short block is ignored, and the number of an unknown address is none."""
    table = table_of(10)
    table.apply_looks(0, data)
    found: Any = read_look(data, 3, {})

    assert len(table) == 10
    assert found is None or found.address == ""


def test_a_time_that_is_none_makes_a_name_due_at_once() -> None:
    """A damaged block must not hide for ever when the others are due."""
    table = table_of(10)
    records = np.zeros(BLOCK, RECORD)
    records["checked_at"], records["next_check"] = NOW, np.nan
    table.apply_looks(0, records.tobytes())

    assert table.schedule.next_at() == 0.0
    assert len(table.schedule.ordinary.take_due(NOW, 100)[0]) == 10


def test_there_may_be_as_many_suffixes_as_names() -> None:
    """Rules with a wildcard make a suffix of every name below them."""
    table = DomainTable()
    ids = table.add_names([f"a.n{number}.ck" for number in range(70_000)], [f"n{number}.ck" for number in range(70_000)])

    assert table.suffix_of(int(ids[-1])) == "n69999.ck"


def test_new_suffixes_are_numbered_in_one_order() -> None:
    """Whatever their hashes are: a simulated run repeats exactly."""
    table = DomainTable()

    assert table.suffix_numbers_of(["org", "com", "org", "uk"]).tolist() == [1, 0, 1, 2]
    assert table.suffixes == ["com", "org", "uk"]
