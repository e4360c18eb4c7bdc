"""The journal: what goes into which transaction, in which order, and what is still not durable."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from common.core.domains.domain_table import DomainTable, Flag
from common.core.domains.journal import (
    LOOK_LIMIT,
    NEW_LIMIT,
    PIECE,
    STATE_LIMIT,
    TOUCH_EVERY,
    TOUCH_LIMIT,
    WATCH_LIMIT,
    Journal,
    domain_row,
)
from common.core.domains.last_look import BLOCK
from common.core.domains.working_set import WorkingSet
from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.ids import NEVER
from common.core.model.records import Changes, DeliveryRow, Detail, EventRow, LedgerRow, NewName, ProblemRow, TrustRow, Watch
from common.core.model.states import State

NOW = 1_790_000_000.0
EVENT = EventRow(1, "event", "n0.com", 1, "available", NOW, b"{}")
DELIVERY = DeliveryRow("event", "notice", "n0.com", 1, b"{}")


def encode(value: Struct) -> bytes:
    """Some bytes: what is in them does not matter here."""
    return type(value).__name__.encode()


class Written:
    """A journal over a table of names, and the transactions that it hands over."""

    def __init__(self, count: int) -> None:
        self.table = DomainTable()
        self.names = [f"n{number}.com" for number in range(count)]
        self.ids = self.table.add_names(self.names, ["com"] * count)
        self.working_set = WorkingSet(self.table)
        self.journal = Journal(self.table, self.working_set, encode, NOW)

    def add_new(self) -> None:
        """All names are new in the list."""
        count = len(self.names)
        self.journal.add_new(self.ids, self.names, ["com"] * count, [False] * count)

    def load(self, name_id: int = 0) -> Entry:
        """Load a name."""
        return self.working_set.load_entry(name_id, Detail())

    def transaction(self, now: float = NOW, *, last: bool = False) -> Changes | None:
        """The next transaction, which is durable at once."""
        self.journal.plan_transaction(now, last=last)
        changes = self.journal.begin_transaction(now)
        assert self.journal.end_transaction() is changes
        return changes


# -- names by the thousand -------------------------------------------------------------------------------------------------


def test_new_names_are_written_in_order_and_what_refers_to_them_waits() -> None:
    """No transaction refers to a name that is not stored; each is bounded, and nothing is left in the end."""
    written = Written(12_000)
    written.add_new()
    written.journal.add_watch(3)
    for start in (0, 8000):
        written.journal.add_states(np.arange(start, start + 4000), State.REGISTERED, NOW, 0.0)
    new, states, count = 0, list[int](), 0
    while (changes := written.transaction()) is not None:
        assert len(changes.new) <= NEW_LIMIT
        assert [name.id for name in changes.new] == list(range(new, new + len(changes.new)))
        new += len(changes.new)
        states += [name_id for change in changes.states for name_id in change.ids]
        assert max(states, default=-1) < new
        assert not changes.watches or new == 12_000
        count += 1

    assert (new, len(states), count) == (12_000, 8000, 3)
    assert written.journal.is_settled()


def test_states_are_written_in_bounded_pieces() -> None:
    """A million first looks are no reason for one long transaction."""
    written = Written(40_000)
    written.journal.add_states(written.ids, State.REGISTERED, NOW, 0.5)
    changes = written.transaction()
    assert changes is not None
    count = sum(len(change.ids) for change in changes.states)

    assert STATE_LIMIT <= count < STATE_LIMIT + PIECE
    assert written.journal.backlog_size() + count == 40_000
    assert {(change.state, change.since, change.confidence) for change in changes.states} == {("REGISTERED", NOW, 0.5)}


def test_a_state_that_is_older_than_the_row_is_dropped() -> None:
    """The name was checked and its row written meanwhile: that is newer."""
    written = Written(10)
    written.journal.add_states(np.array([1, 2, 3]), State.REGISTERED, NOW, 0.0)
    written.table.set_flag(2, Flag.DETAILED, on=True)
    changes = written.transaction()

    assert changes is not None
    assert [change.ids for change in changes.states] == [[1, 3]]


def test_changes_of_the_list_are_written_as_they_are_by_then() -> None:
    """A new name with its priority; a known one as it is watched now. Watches are bounded, too."""
    written = Written(2)
    written.journal.add_new(np.array([0]), ["n0.com"], ["com"], [True])
    written.table.set_flag(1, Flag.WATCHED | Flag.PRIORITY, on=True)
    written.journal.add_watch(1)
    changes = written.transaction()
    assert changes is not None
    assert changes.new == [NewName(0, "n0.com", "com", priority=True)]
    assert changes.watches == [Watch(1, watched=True, priority=True)]

    for _ in range(WATCH_LIMIT + 1):
        written.journal.add_watch(1)
    counts = [len(changes.watches) for changes in iter(written.transaction, None)]
    assert counts == [WATCH_LIMIT, 1]


def test_last_looks_are_written_by_the_block_every_few_seconds() -> None:
    """A bounded number in each transaction; those that are marked meanwhile wait for the next time."""
    written = Written((LOOK_LIMIT + 1) * BLOCK)
    written.table.mark_dirty(written.ids)
    assert written.transaction(NOW + TOUCH_EVERY - 1) is None
    first = written.transaction(NOW + TOUCH_EVERY)
    written.table.mark_dirty(0)
    second = written.transaction(NOW + TOUCH_EVERY + 1)
    assert first is not None
    assert second is not None

    assert [block for block, _ in first.looks] == list(range(LOOK_LIMIT))
    assert [block for block, _ in second.looks] == [LOOK_LIMIT]
    assert not written.journal.is_settled()
    third = written.transaction(NOW + 2 * TOUCH_EVERY)
    assert third is not None
    assert [block for block, _ in third.looks] == [0]


def test_new_server_addresses_are_written_once() -> None:
    """Blocks refer to them by number."""
    written = Written(1)
    written.table.address_number("192.0.2.1:53/udp")
    changes = written.transaction()

    assert changes is not None
    assert changes.addresses == [(1, "192.0.2.1:53/udp")]
    assert written.transaction() is None


# -- rows of single names --------------------------------------------------------------------------------------------------


def test_a_row_is_written_with_the_next_transaction_and_updates_the_columns() -> None:
    """What the entry knows is in the table from then on."""
    written = Written(2)
    entry = written.load()
    entry.state, entry.since, entry.checked_at = State.REGISTERED, NOW - 5, NOW - 1
    written.journal.write_row(entry)
    changes = written.transaction()

    assert changes is not None
    assert [(row.id, row.name, row.state, row.since, row.detail) for row in changes.domains] == [
        (0, "n0.com", "REGISTERED", NOW - 5, b"Detail")
    ]
    assert written.working_set.build_entry(0, Detail()).state is State.REGISTERED
    assert written.table.has_flag(0, Flag.DETAILED)


def test_a_row_in_which_only_times_changed_waits_for_a_while() -> None:
    """A quarter of a minute, the end of the run, or until there are many."""
    written = Written(TOUCH_LIMIT + 1)
    written.journal.touch_row(written.load(0))
    assert written.transaction(NOW + TOUCH_EVERY - 1) is None
    due = written.transaction(NOW + TOUCH_EVERY)
    written.journal.touch_row(written.load(1))
    last = written.transaction(NOW + TOUCH_EVERY + 1, last=True)
    for name_id in range(TOUCH_LIMIT + 1):
        written.journal.touch_row(written.load(name_id))
    many = written.transaction(NOW + TOUCH_EVERY + 2)

    assert [len(changes.domains) if changes is not None else 0 for changes in (due, last, many)] == [1, 1, TOUCH_LIMIT]
    assert not written.journal.is_settled()


def test_a_row_that_is_written_needs_not_be_touched() -> None:
    """It is in one transaction, once."""
    written = Written(1)
    entry = written.load()
    written.journal.touch_row(entry)
    written.journal.write_row(entry)
    changes = written.transaction()

    assert changes is not None
    assert len(changes.domains) == 1
    assert written.transaction(NOW + TOUCH_EVERY) is not None  # the block of its last look
    assert written.journal.is_settled()


def test_a_name_is_unwritten_until_its_row_is_durable() -> None:
    """Then it may be evicted."""
    written = Written(2)
    entry, other = written.load(0), written.load(1)
    written.journal.write_row(entry)
    assert written.journal.is_unwritten(entry)
    written.journal.begin_transaction(NOW)
    written.journal.touch_row(other)
    assert written.journal.is_unwritten(entry)
    written.journal.end_transaction()

    assert (written.journal.is_unwritten(entry), written.journal.is_unwritten(other)) == (False, True)


def test_a_name_without_a_due_time_is_stored_as_overdue() -> None:
    """After a crash its check begins anew."""
    entry = Entry("a.com", "com", "a", id=0, next_check=NEVER, checked_at=NOW - 60, check=Check(NOW))
    assert domain_row(entry, encode, NOW).next_check == NOW - 60
    entry.checked_at = None
    assert domain_row(entry, encode, NOW).next_check == 0.0
    entry.next_check = NOW + 60
    assert domain_row(entry, encode, NOW).next_check == NOW + 60


def test_a_row_has_the_forecast_and_whether_the_name_needs_single_checks() -> None:
    """Both are read back without its detail."""
    entry = Entry("a.com", "com", "a", id=0, drop=DropWindow(1.0, 2.0, 3.0, 0.5), state=State.AVAILABLE)
    row, plain = domain_row(entry, encode, NOW), domain_row(Entry("b.com", "com", "b", id=1), encode, NOW)

    assert (row.drop_earliest, row.drop_likely, row.drop_latest, row.drop_p, row.close) == (1.0, 2.0, 3.0, 0.5, True)
    assert (plain.drop_earliest, plain.drop_likely, plain.drop_latest, plain.drop_p, plain.close) == (None,) * 4 + (False,)


# -- transactions ----------------------------------------------------------------------------------------------------------


def test_what_belongs_together_is_in_one_transaction() -> None:
    """A state, its event, its delivery, its ledger entry, and what was learned by it."""
    written = Written(1)
    journal, trust, ledger = (
        written.journal,
        TrustRow("rdap", "a", "com"),
        LedgerRow("n0.com", NOW, "pass", "X", True, "r", b""),
    )
    journal.write_row(written.load())
    journal.add_event(EVENT)
    journal.add_deliveries(DELIVERY)
    journal.add_ledger(ledger)
    journal.set_trust([trust])
    journal.set_problems([ProblemRow("x", "empty", "there is nothing")])
    journal.set_meta("budgets", "{}")
    assert (journal.has_events(), journal.planned_deliveries()) == (True, 1)
    changes = written.transaction()

    assert changes is not None
    found: list[Any] = [changes.events, changes.deliveries, changes.ledger, changes.trust, changes.meta, changes.problems]
    assert found == [[EVENT], [DELIVERY], [ledger], [trust], {"budgets": "{}"}, [ProblemRow("x", "empty", "there is nothing")]]
    assert len(changes.domains) == 1
    assert (journal.has_events(), journal.planned_deliveries(), written.transaction()) == (False, 0, None)


def test_an_empty_list_of_problems_is_written() -> None:
    """It replaces the ones before."""
    written = Written(0)
    written.journal.set_problems([])

    assert written.transaction() is not None


def test_one_transaction_is_under_way_at_a_time() -> None:
    """It counts as not durable, and what changes meanwhile waits for the next."""
    written = Written(3)
    journal = written.journal
    written.add_new()
    assert (journal.is_idle(), journal.count_unwritten_names()) == (True, 3)
    assert journal.begin_transaction(NOW) is not None
    journal.unwritable, journal.is_away = "no server", True
    journal.add_event(EVENT)
    assert (journal.is_idle(), journal.writing_since, journal.count_unwritten_names()) == (False, NOW, 3)

    assert journal.end_transaction() is not None
    assert (journal.is_idle(), journal.writing_since, journal.unwritable, journal.count_unwritten_names()) == (
        True,
        None,
        "",
        0,
    )
    assert not journal.is_away
    assert not journal.is_settled()
    changes = written.transaction()
    assert changes is not None
    assert changes.events == [EVENT]
    assert journal.is_settled()


def test_without_changes_there_is_no_transaction() -> None:
    """And none is under way."""
    written = Written(1)

    assert written.journal.begin_transaction(NOW) is None
    assert written.journal.is_idle()
    assert written.journal.end_transaction() is None


def test_events_are_numbered_on_from_the_last_run() -> None:
    """No number is given twice."""
    journal = Written(0).journal
    journal.next_seq = 41

    assert [journal.take_seq(), journal.take_seq(), journal.next_seq] == [41, 42, 43]


def test_numbers_of_events_go_on_behind_those_that_the_store_gave() -> None:
    """Never back."""
    journal = Written(0).journal
    assert journal.take_seq() == 1
    journal.pass_seq(500)
    assert journal.take_seq() == 501
    journal.pass_seq(12)
    assert journal.take_seq() == 502
