"""Packs are a copy of the names for a quick start: whatever happens to them, a start finds what the rows say."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import config
from common.core.model.records import Changes, DomainRow, NewName, StateChange, Watch
from common.store import name_packs
from common.store.schema import PACK
from common.store.store_contract import KEEP_NAMES
from common.store.writer import SqliteWriter
from tests.store.builders import after, domain, in_columns, loaded_names, next_writer, open_next

STATES = ("REGISTERED", "UNKNOWN", "REDEMPTION")
#: At the borders of four blocks, of which the third has no name.
IDS = (0, 1, 2, PACK - 1, PACK, PACK + 1, 2 * PACK - 1, 3 * PACK, 3 * PACK + 5)


def pack_all(writer: SqliteWriter) -> int:
    """Pack what is quiet, as the coordinator does; how many blocks that were."""
    blocks, _waiting = writer.packable()
    for block in blocks:
        writer.pack(block)
    return len(blocks)


def row(number: int, **fields: Any) -> DomainRow:
    """The row of an id; its name follows from it."""
    return domain(f"n{number}.com", **{"id": number, "state": "UNKNOWN", **fields})


def new(*numbers: int) -> Changes:
    """These names, as a list brings them."""
    return Changes(new=[NewName(number, f"n{number}.com", "com", False) for number in numbers])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "store.db"


ids = st.sampled_from(IDS)
whole_rows = st.builds(
    row,
    ids,
    state=st.sampled_from(STATES),
    watched=st.booleans(),
    priority=st.booleans(),
    close=st.booleans(),
    since=st.none() | st.floats(0, 2e9),
    checked_at=st.none() | st.floats(0, 2e9),
    drop_earliest=st.none() | st.floats(0, 2e9),
    confidence=st.floats(0, 1),
    generation=st.integers(0, 2**32 - 1),
    detail=st.sampled_from((b"", b"x")),
)
written = st.one_of(
    st.builds(lambda found: Changes(watches=found), st.lists(st.builds(Watch, ids, st.booleans(), st.booleans()))),
    st.builds(
        lambda found, state: Changes(states=[StateChange(found, state, 1.0, 0.5)]), st.lists(ids), st.sampled_from(STATES)
    ),
    st.builds(lambda found: Changes(domains=[found]), whole_rows),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ids, max_size=6), st.lists(st.one_of(written, ids, st.just("pack")), max_size=14))
@example([0, 1, PACK], ["pack", 1, "pack", 2])
def test_a_start_finds_what_the_rows_say(first: list[int], moves: list[Any]) -> None:
    """However changes, deletions by whatever statement, and rounds of packing follow each other."""
    rows = {number: row(number) for number in first}
    with tempfile.TemporaryDirectory() as directory:
        where = config.load({"STATE_DIR": directory})
        writer = open_next(where)
        writer.apply(new(*sorted(rows)))
        for move in moves:
            if isinstance(move, Changes):
                writer.apply(move)
                after(rows, move, row)
            elif isinstance(move, int):
                with sqlite3.connect(where.store_path) as other:
                    other.execute("DELETE FROM domain WHERE id = ?", (move,))
                other.close()
                rows.pop(move, None)
            else:
                for block in writer.packable()[0]:
                    writer.pack(block)
        assert loaded_names(writer.load()) == [in_columns(rows[number]) for number in sorted(rows)]
        writer.close()


def test_names_that_were_forgotten_do_not_come_back_from_a_pack(path: Path) -> None:
    """Forgotten at the next start, after they were packed."""
    writer = next_writer(path, now=lambda: 0.0)
    writer.apply(Changes(domains=[row(1, watched=False), row(2), row(PACK, watched=False)]))
    assert pack_all(writer) == 2
    writer.close()
    again = next_writer(path, now=lambda: KEEP_NAMES + 1.0)

    assert loaded_names(again.load()) == [in_columns(row(2))]
    assert again.load().next_id == PACK + 1
    again.close()


def test_a_pack_is_read_instead_of_its_rows(path: Path) -> None:
    """What this file is about happens: a row that is changed behind the trigger's back stays as it was packed."""
    writer = next_writer(path)
    writer.apply(new(1, 2))
    pack_all(writer)
    with sqlite3.connect(path) as other:
        other.execute("DROP TRIGGER domain_update")
        other.execute("UPDATE domain SET state = 'REDEMPTION'")
    other.close()

    assert [line[4] for line in loaded_names(writer.load())] == ["UNKNOWN", "UNKNOWN"]
    writer.close()


@given(st.binary(max_size=300) | st.integers(0, 200))
@settings(max_examples=80, deadline=None)
def test_a_damaged_pack_counts_as_none(damage: bytes | int) -> None:
    """Other bytes, or its own cut short, are never worse than no pack; the names come from their rows."""
    with tempfile.TemporaryDirectory() as directory:
        where = config.load({"STATE_DIR": directory})
        writer = open_next(where)
        writer.apply(new(1, PACK, 2 * PACK))
        pack_all(writer)
        with sqlite3.connect(where.store_path) as other:
            whole = other.execute("SELECT data FROM pack WHERE block = 1").fetchone()[0]
            data = whole[: min(damage, len(whole) - 1)] if isinstance(damage, int) else damage
            other.execute("UPDATE pack SET data = ? WHERE block = 1", (data,))
        other.close()

        assert [line[0] for line in loaded_names(writer.load())] == [1, PACK, 2 * PACK]
        writer.close()


def test_a_name_that_does_not_fit_into_a_pack_is_read_from_its_row(path: Path) -> None:
    """No list lets a line break into a name; a file from elsewhere may."""
    writer = next_writer(path)
    odd = domain("a\nb.com", id=1)
    writer.apply(Changes(domains=[odd]))
    pack_all(writer)

    assert loaded_names(writer.load()) == [in_columns(odd)]
    writer.close()


def test_a_block_waits_until_little_is_written_to_it(path: Path) -> None:
    """A first sweep changes every row: packing them in the middle of it would be work for nothing."""
    writer = next_writer(path)
    writer.apply(new(*range(name_packs.BUSY), PACK))

    assert writer.packable() == ([1], 2)
    assert writer.packable() == ([0, 1], 2)
    writer.close()


def test_a_block_is_packed_anew_when_many_of_its_rows_have_changed(path: Path) -> None:
    """Until then a start takes the changed ones from their rows."""
    writer = next_writer(path)
    numbers = list(range(name_packs.LOOSE))
    writer.apply(new(*numbers))
    writer.packable()
    assert pack_all(writer) == 1
    writer.apply(Changes(states=[StateChange(numbers[:-1], "REGISTERED", 1.0, 0.9)]))
    writer.packable()
    assert writer.packable() == ([], 0)
    writer.apply(Changes(states=[StateChange(numbers[-1:], "REGISTERED", 1.0, 0.9)]))

    assert writer.packable() == ([0], 1)
    assert pack_all(writer) == 1
    assert writer.packable() == ([], 0)
    assert {line[4] for line in loaded_names(writer.load())} == {"REGISTERED"}
    writer.close()
