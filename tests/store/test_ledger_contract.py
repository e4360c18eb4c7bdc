"""What every store promises about the ledger: each judgement comes back as it was, and there is an end to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from msgspec import structs

from common.config import Settings
from common.core.model.records import Changes, LedgerRow
from common.errors import StoreError
from common.store.reader import open_reader
from common.store.store_contract import Reader, Writer
from tests.store.builders import domain, event, judgement, open_next
from tests.store.conftest import UNDIVIDED

DAY = 86_400.0


@pytest.fixture
def frugal(new_settings: Callable[..., Settings]) -> Settings:
    """A store that keeps three entries of a name."""
    return new_settings(LEDGER_PER_NAME="3")


def plain(rows: list[LedgerRow]) -> list[LedgerRow]:
    """Without the numbers that the store gave."""
    return [structs.replace(row, seq=0) for row in rows]


def test_entries_come_back_newest_first_as_they_were_written(settings: Settings, writer: Writer, reader: Reader) -> None:
    """Every field of every row, short and long bodies alike, also after a restart."""
    written = [
        judgement("a.com", 1.5, body=bytes(range(256))),
        judgement("b.com", 2.0),
        judgement("a.com", 3.25, kind="pass", state="PENDING_DELETE", positive=True, rules="7-ab", body=b"word " * 10_000),
        judgement("a.com", 4.0, kind="canary_lie", body=b"x"),
    ]
    writer.apply(Changes(ledger=written[:2]))
    writer.apply(Changes(ledger=written[2:]))
    expected = [written[3], written[2], written[0]]

    assert plain(reader.ledger("a.com")) == expected
    assert [row.seq for row in reader.ledger("a.com")] == [4, 3, 1]
    assert reader.ledger("never.com") == []
    writer.close()
    again = open_next(settings)
    later = open_reader(settings)
    assert plain(later.ledger("a.com")) == expected
    later.close()
    again.close()


def test_a_look_back_ends_at_its_time(writer: Writer, reader: Reader) -> None:
    """The moment itself is included; the limit counts from the newest."""
    writer.apply(Changes(ledger=[judgement("a.com", float(at)) for at in range(10)]))

    assert [row.at for row in reader.ledger("a.com", 4.0)] == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert [row.at for row in reader.ledger("a.com", 4.5, limit=2)] == [4.0, 3.0]
    assert reader.ledger("a.com", -1.0) == []
    assert len(reader.ledger("a.com", None, 100_000)) == 10


def test_a_clock_that_was_set_back_does_not_change_the_order(writer: Writer, reader: Reader) -> None:
    """Newest is what was written last."""
    writer.apply(Changes(ledger=[judgement("a.com", 100.0, kind="pass"), judgement("a.com", 50.0)]))

    assert [row.at for row in reader.ledger("a.com")] == [50.0, 100.0]


@UNDIVIDED
def test_an_entry_is_written_with_its_decision_or_not_at_all(writer: Writer, reader: Reader) -> None:
    """A transaction that fails leaves no entry behind."""
    writer.apply(Changes(events=[event(1, "a.com")]))
    clash = Changes(domains=[domain("b.com")], events=[event(1, "b.com")], ledger=[judgement("b.com")])
    with pytest.raises(StoreError):
        writer.apply(clash)

    assert reader.ledger("b.com") == []


def test_only_the_newest_entries_of_a_name_are_kept(frugal: Settings) -> None:
    """A name that changes its mind for ever takes no more room than one that did so three times; others lose nothing."""
    with closing(open_next(frugal)) as writer, closing(open_reader(frugal)) as reader:
        writer.apply(Changes(ledger=[judgement("calm.com", 0.0)]))
        for at in range(1, 8):
            writer.apply(Changes(ledger=[judgement("restless.com", float(at))]))
        writer.apply(Changes(ledger=[judgement("restless.com", float(at)) for at in range(8, 13)]))

        assert [row.at for row in reader.ledger("restless.com")] == [12.0, 11.0, 10.0]
        assert [row.at for row in reader.ledger("calm.com")] == [0.0]


def test_old_entries_go_in_bounded_batches_and_numbers_never_return(writer: Writer, reader: Reader) -> None:
    """Age is what the settings say; an entry that was cited by its number is never another one."""
    now = 1000 * DAY
    old = [judgement(f"n{number}.com", now - 34 * DAY) for number in range(4500)]
    writer.apply(Changes(ledger=[*old, judgement("new.com", now - 29 * DAY), judgement("last.com", now - 40 * DAY)]))
    counts = []
    while count := writer.prune(now, ledger_older_than=30 * DAY):
        counts.append(count)

    assert sum(counts) == 4501
    assert max(counts) <= (2000 if writer.engine.startswith("SQLite") else 4500)
    assert reader.ledger("last.com") == []
    assert len(reader.ledger("new.com")) == 1
    writer.apply(Changes(ledger=[judgement("next.com", now)]))
    assert reader.ledger("next.com")[0].seq == 4503


def test_names_with_a_positive_answer_are_found_in_pages(writer: Writer, reader: Reader) -> None:
    """Each name once, in order, and only where the registry had said "no object" since then."""
    rows = [judgement(f"n{number:02}.com", float(number), positive=number % 2 == 0) for number in range(20)]
    writer.apply(Changes(ledger=[*rows, judgement("n04.com", 30.0, positive=True)]))

    assert reader.ledger_names(9.0) == ["n04.com", "n10.com", "n12.com", "n14.com", "n16.com", "n18.com"]
    assert reader.ledger_names(9.0, limit=2) == ["n04.com", "n10.com"]
    assert reader.ledger_names(9.0, "n10.com", 2) == ["n12.com", "n14.com"]
    assert reader.ledger_names(31.0) == []
