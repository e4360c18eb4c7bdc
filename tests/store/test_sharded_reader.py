"""What a reader over all shards says."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from common.config import Settings, load
from common.core.model.records import Changes, DomainRow, ProblemRow, TrustRow
from common.core.shards.layout import Layout
from common.errors import StoreError
from common.shard_settings import settings_of_shard
from common.store.postgres.sharded_reader import ShardedReader
from common.store.reader import open_reader
from common.store.shards import settle_layout
from common.store.store_contract import DropQuery, Page, Reader
from tests.store.builders import delivery, domain, judgement, open_next
from tests.store.postgres_server import PostgresServer
from tests.store.shard_scene import GROUPS, SHARDS, Shards, happened, recorded

SUFFIXES = ("com",) * 6 + ("co.uk", "org.uk", "uk", "de", "org", "ngo", "uk.com", "xyz")
STATES = ("REGISTERED",) * 8 + ("UNKNOWN", "REDEMPTION")


def names_of(count: int) -> list[DomainRow]:
    """Names in all shards, mostly alike, some with a window."""
    chance = random.Random(5)
    return [
        domain(
            f"{chance.choice('abcdef')}{number}.{chance.choice(SUFFIXES)}",
            id=number,
            state=chance.choice(STATES),
            watched=number % 9 != 0,
            drop_likely=float(chance.randrange(40)) if number % 3 == 0 else None,
            drop_latest=50.0,
            priority=number % 4 == 0,
        )
        for number in range(count)
    ]


def collect(ask: Callable[[str | None], Page[object]], limit: int) -> list[object]:
    """All pages together."""
    found: list[object] = []
    cursor = None
    while True:
        page = ask(cursor)
        assert len(page.rows) <= limit
        found += page.rows
        if (cursor := page.cursor) is None:
            return found


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
@pytest.mark.parametrize("scan_limit", [20, 50_000])
@pytest.mark.parametrize(
    "filters",
    [{}, {"state": "UNKNOWN"}, {"tld": "uk"}, {"tld": "COM"}, {"tld": "uk.com"}, {"tld": "org", "q": "1"}, {"q": "zzz"}],
)
def test_pages_of_names_come_from_all_shards(shards: Shards, filters: dict[str, str], scan_limit: int, limit: int) -> None:
    """Each name once and in order, also where a walk is cut off."""
    rows = names_of(300)
    shards.write(rows)
    tld, state, part = (filters.get(key, "").lower() for key in ("tld", "state", "q"))
    wanted = sorted(
        row.name
        for row in rows
        if row.watched and f".{row.name}".endswith(f".{tld}" if tld else "") and state.upper() in row.state and part in row.name
    )
    with closing(ShardedReader(shards.settings.store_url, scan_limit)) as reader:
        found = collect(lambda cursor: reader.domains(cursor=cursor, limit=limit, **filters), limit)  # type: ignore[arg-type, return-value]  # only filters are passed

    assert [one.row.name for one in found] == wanted  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    "wanted", [DropQuery(5.0, 30.0, 0.0), DropQuery(0.0, 99.0, 20.0, tld="uk"), DropQuery(0.0, 99.0, 0.0, "UNKNOWN")]
)
def test_pages_of_drops_come_from_all_shards(shards: Shards, wanted: DropQuery, limit: int) -> None:
    """By likely time and then by name, however many share a time."""
    rows = names_of(300)
    shards.write(rows)
    expected = sorted(
        (row.drop_likely, row.name)
        for row in rows
        if row.watched
        and row.drop_likely is not None
        and wanted.start <= row.drop_likely < wanted.end
        and (wanted.state or row.state) == row.state
        and f".{row.name}".endswith(f".{wanted.tld}" if wanted.tld else "")
    )
    with closing(ShardedReader(shards.settings.store_url, 15)) as reader:
        found = collect(lambda cursor: reader.drops(wanted, cursor=cursor, limit=limit), limit)  # type: ignore[arg-type, return-value]

        assert [(one.row.drop_likely, one.row.name) for one in found] == expected  # type: ignore[attr-defined]
        assert reader.drops_count(wanted) == len(expected)


def test_a_name_is_looked_up_where_it_lies(shards: Shards, whole: Reader) -> None:
    """With its events and its entries, and whether it is there at all."""
    rows = names_of(60)
    shards.write(rows)
    for row in rows:
        writer = shards.writers[shards.layout.shard_of(row.name)]
        writer.apply(Changes(events=recorded(row.name).events, ledger=[judgement(row.name, 1.0, positive=True)]))

    for row in rows:
        record = whole.domain_record(row.name)
        assert record is not None
        assert record.found == whole.domain(row.name)
        assert record.found.row.name == row.name
        assert [event.domain for event in record.events] == [row.name]
        assert record.last_entry == whole.ledger(row.name)[0]
    assert whole.domain("never.com") is None
    assert whole.domain("\ud800.com") is None
    assert whole.ledger("never.com") == []
    numbers = {entry.seq for row in rows for entry in whole.ledger(row.name)}
    assert len(numbers) == len(rows)  # an entry can be cited
    assert whole.ledger_names(0.0, after="b", limit=9) == sorted(row.name for row in rows if row.name > "b")[:9]


def test_counts_are_sums(shards: Shards, whole: Reader) -> None:
    """Of names, drops and deliveries."""
    rows = names_of(200)
    shards.write(rows)
    for number, writer in enumerate(shards.writers):
        writer.apply(Changes(deliveries=[delivery(f"d{number}"), delivery(f"p{number}", state="parked")]))
    watched = [row for row in rows if row.watched]

    assert whole.count_by_state() == {state: sum(row.state == state for row in watched) for state in set(STATES)}
    assert whole.tlds() == {suffix: sum(row.suffix == suffix for row in watched) for suffix in set(SUFFIXES)}
    assert whole.delivery_counts() == {"pending": SHARDS, "parked": SHARDS}
    assert sorted(name for _, names, *_ in whole.names() for name in names) == sorted(row.name for row in rows)


def test_deliveries_of_all_shards_page_newest_first(shards: Shards, whole: Reader) -> None:
    """In the order in which they were written, whichever shard did."""
    for number in range(20):
        shards.writers[number * 3 % SHARDS].apply(Changes(deliveries=[delivery(f"d{number}")]))

    found = collect(lambda cursor: whole.deliveries(cursor=cursor, limit=3), 3)  # type: ignore[arg-type, return-value]

    assert [row.id for row in found] == [f"d{number}" for number in reversed(range(20))]  # type: ignore[attr-defined]
    assert {row.id for row in whole.deliveries(state="pending", limit=5).rows} == {f"d{number}" for number in range(15, 20)}
    assert [whole.delivery(f"d{number}") for number in range(20)] == list(reversed(found))
    assert whole.delivery("never") is None


def test_small_things_are_those_of_the_first_shard_or_joined(shards: Shards, whole: Reader) -> None:
    """Trust is that of the shard that trusts least; of budgets the longest pause counts."""
    first, second, *_ = shards.writers
    first.apply(Changes(problems=[ProblemRow("a b", "bad", "why")], meta={"k": "first", "budgets": '{"a|x":[5,1]}'}))
    second.apply(Changes(meta={"k": "second", "l": "only", "budgets": '{"a|x":[9,2],"b|x":[1,1]}'}))
    first.apply(Changes(trust=[TrustRow("rdap", "s", "com", 9.0, 9.0), TrustRow("rdap", "s", "net")]))
    second.apply(Changes(trust=[TrustRow("rdap", "s", "com", 9.0, 9.0, quarantined_until=70.0)]))

    assert whole.problems().rows == [ProblemRow("a b", "bad", "why")]
    assert whole.problem_count() == 1
    assert sorted(whole.trust(), key=lambda row: row.suffix) == [
        TrustRow("rdap", "s", "com", 9.0, 9.0, quarantined_until=70.0),
        TrustRow("rdap", "s", "net"),
    ]
    assert (whole.meta("k"), whole.meta("l"), whole.meta("never")) == ("first", "only", None)
    rows = json.loads(whole.meta("budgets") or "")
    assert (rows["a|x"][0], rows["b|x"][0]) == (9.0, 1.0)


def test_shards_appear_one_after_the_other(divided: Settings) -> None:
    """While some have no tables yet they have no names; while none has, there is no state."""
    with pytest.raises(StoreError, match="coordinator makes it"):
        open_reader(divided)
    layout = settle_layout(divided, GROUPS)
    with pytest.raises(StoreError, match="coordinator makes it"):
        open_reader(divided)
    last = open_next(settings_of_shard(divided, SHARDS - 1))
    name = next(f"n{number}.com" for number in range(99) if layout.shard_of(f"n{number}.com") == 0)
    with closing(open_reader(divided)) as reader:
        assert (reader.domain(name), reader.problems(), reader.problem_count()) == (None, Page([]), 0)
        assert reader.members().members == ()
        first = open_next(settings_of_shard(divided, 0))
        first.apply(Changes(domains=[domain(name)], problems=[ProblemRow("a b", "bad", "why")]))
        assert reader.domain(name) is not None
        assert reader.problem_count() == 1
        first.close()
    last.close()


def test_a_database_that_is_not_divided_is_read_all_the_same(postgres: PostgresServer, tmp_path: Path) -> None:
    """Where only the reader's settings say otherwise: what is there counts."""
    url = postgres.url(postgres.new_schema())
    plain = load({"STATE_DIR": str(tmp_path), "STORE_URL": url})
    assert settle_layout(plain, GROUPS) == Layout()
    with closing(open_next(plain)) as writer:
        writer.apply(Changes(domains=[domain("a.com")], events=[happened("a.com")[0]]))
        with closing(open_reader(load({"STATE_DIR": str(tmp_path), "STORE_URL": url, "SHARDS": "2"}))) as reader:
            assert [found.row.name for found in reader.domains().rows] == ["a.com"]
            assert reader.last_seq() == 1
