"""What readers ask the tables of one shard, each call in a transaction that sees one state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from math import inf
from typing import Any

from common.codec import decoder, encode
from common.core.model.records import DeliveryRow, EventRow, LedgerRow, ProblemRow, TrustRow
from common.store import name_pages, row_codecs, schema
from common.store.member_contract import Roster
from common.store.name_rows import address_number, to_found_name
from common.store.postgres import listing, member_rows
from common.store.postgres.name_statements import DOMAIN_COLUMNS, DOMAIN_FROM
from common.store.postgres.session import Connection, row_of, rows_of
from common.store.reader_arguments import LAST, bounded_limit, clamp_integer, clean_query, parse_position, storable_texts
from common.store.store_contract import DomainRecord, DropQuery, FoundName, Page

#: Names in one batch of the whole list.
BATCH = 10_000
#: Most names that one call looks at; the page that ends there is short and has a cursor. Each costs a look into its row.
SCAN_LIMIT = 20_000

_SELECT = " ".join(("SELECT", DOMAIN_COLUMNS, "FROM", DOMAIN_FROM, "WHERE"))
_DOMAIN = f"{_SELECT} d.name = %s"
_DOMAINS = f"{_SELECT} d.id = ANY(%b::int4[]) ORDER BY d.name"
_DROPS = f"{_SELECT} d.id = ANY(%b::int4[]) ORDER BY d.drop_likely, d.name"
_NAMES = """
    SELECT array_agg(id), array_agg(name), array_agg(watched::int), array_agg(priority::int)
    FROM (SELECT id, name, watched, priority FROM domain WHERE id > %s ORDER BY id LIMIT %s) found
"""
_ADDRESSES = "SELECT n, text FROM address WHERE n = ANY(%b::int8[])"
_EVENTS = " ".join(("SELECT", row_codecs.EVENT_COLUMNS, "FROM event WHERE seq > %s ORDER BY seq LIMIT %s"))
_HISTORY = " ".join(("SELECT", row_codecs.EVENT_COLUMNS, "FROM event WHERE domain = %s ORDER BY seq DESC LIMIT %s"))
_LEDGER = " ".join(
    ("SELECT", row_codecs.LEDGER_COLUMNS, "FROM ledger WHERE domain = %s AND at <= %s ORDER BY seq DESC LIMIT %s")
)
_LEDGER_NAMES = """
    SELECT DISTINCT domain FROM ledger WHERE positive AND domain > %s AND at >= %s ORDER BY domain LIMIT %s
"""
_TRUST = " ".join(("SELECT", row_codecs.TRUST_COLUMNS, "FROM trust"))
_DELIVERY = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, "FROM delivery WHERE id = %s"))
_DELIVERIES = " ".join(("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery WHERE n < %s ORDER BY n DESC LIMIT %s"))
_DELIVERIES_IN = " ".join(
    ("SELECT", row_codecs.DELIVERY_COLUMNS, ", n FROM delivery WHERE state = %s AND n < %s ORDER BY n DESC LIMIT %s")
)

unpack_names = decoder(tuple[list[int], list[str], list[int], list[int]])


class Queries:
    """All that `store_contract.Reader` asks. `reading` gives a connection in a transaction, for one call alone.

    `scan_limit` bounds the names that one page may look at for a substring.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]], scan_limit: int = SCAN_LIMIT) -> None:
        self._reading = reading
        self._scan_limit = scan_limit

    def names(self) -> Iterator[tuple[list[int], list[str], list[int], list[int]]]:
        """Every name, by id, in batches: read at once, however slowly they are used, and kept packed until then."""
        yield from map(unpack_names, self.packed_names())

    def packed_names(self) -> list[bytes]:
        """The same batches as they are kept until they are used (`unpack_names`)."""
        with self._reading() as connection:
            return [encode(batch) for batch in _name_batches(connection)]

    def domain(self, name: str) -> FoundName | None:
        """One name, watched or not."""
        with self._reading() as connection:
            return next(iter(_found(connection, _DOMAIN, storable_texts((name,)))), None)

    def domain_record(self, name: str, events: int = 100) -> DomainRecord | None:
        """One name with its newest events and its ledger entries, from one snapshot."""
        with self._reading() as connection:
            found = next(iter(_found(connection, _DOMAIN, storable_texts((name,)))), None)
            if found is None:
                return None
            stored, since = found.row.name, found.row.since
            return DomainRecord(
                found,
                [row_codecs.to_event(row) for row in rows_of(connection, _HISTORY, (stored, bounded_limit(events)))],
                _newest_entry(connection, stored, inf),
                None if since is None else _newest_entry(connection, stored, since),
            )

    def domains(
        self,
        *,
        state: str | None = None,
        tld: str | None = None,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[FoundName]:
        """Watched names by name; the cursor is the last name looked at."""
        with self._reading() as connection:
            found = self._name_page(connection, state, tld, q, cursor, limit)
            return Page(_found(connection, _DOMAINS, ([number for _, number in found.rows],)), found.cursor)

    def name_places(
        self, state: str | None, tld: str | None, q: str | None, cursor: str | None, limit: int
    ) -> Page[listing.Placed]:
        """The places and numbers of the names that `domains` has."""
        with self._reading() as connection:
            return self._name_page(connection, state, tld, q, cursor, limit)

    def by_number(self, numbers: list[int]) -> list[FoundName]:
        """The names with these numbers, by name."""
        with self._reading() as connection:
            return _found(connection, _DOMAINS, (numbers,))

    def count_by_state(self) -> dict[str, int]:
        """Watched names by state."""
        return dict(self._all("SELECT state, sum(names)::int8 FROM tally WHERE names > 0 GROUP BY state"))

    def tlds(self) -> dict[str, int]:
        """Watched names by registry suffix."""
        return dict(self._all("SELECT suffix, sum(names)::int8 FROM tally WHERE names > 0 GROUP BY suffix"))

    def drops(self, wanted: DropQuery, *, cursor: str | None = None, limit: int = 100) -> Page[FoundName]:
        """Watched names that are expected to drop, by likely time and then name."""
        with self._reading() as connection:
            found = self._drop_page(connection, wanted, cursor, limit)
            return Page(_found(connection, _DROPS, ([number for _, number in found.rows],)), found.cursor)

    def drop_places(self, wanted: DropQuery, cursor: str | None, limit: int) -> Page[listing.Placed]:
        """The places and numbers of the names that `drops` has."""
        with self._reading() as connection:
            return self._drop_page(connection, wanted, cursor, limit)

    def drops_count(self, wanted: DropQuery) -> int:
        """How many names `drops` has on all its pages."""
        with self._reading() as connection:
            return listing.count_drops(connection, clean_query(wanted))

    def last_seq(self) -> int:
        """The highest sequence number ever written."""
        return int(self.meta(schema.SEQ_KEY) or 0)

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events after a sequence number, oldest first."""
        return [row_codecs.to_event(row) for row in self._all(_EVENTS, (clamp_integer(after), bounded_limit(limit)))]

    def ledger(self, domain: str, until: float | None = None, limit: int = 100) -> list[LedgerRow]:
        """The judgements on one name up to a time, newest first."""
        latest = inf if until is None else float(until)
        return [row_codecs.to_ledger(row) for row in self._all(_LEDGER, (domain, latest, bounded_limit(limit)))]

    def ledger_names(self, since: float, after: str = "", limit: int = 100) -> list[str]:
        """Names with a positive answer of the registry since then."""
        return [row[0] for row in self._all(_LEDGER_NAMES, (after, float(since), bounded_limit(limit)))]

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Deliveries, newest first; the cursor is the number of the last row."""
        limit = bounded_limit(limit)
        return page_of_deliveries(self.numbered_deliveries(state, cursor, limit + 1), limit)

    def numbered_deliveries(self, state: str | None, cursor: str | None, limit: int) -> list[tuple[int, DeliveryRow]]:
        """Deliveries after a cursor, newest first, each with its number."""
        before = parse_position(cursor, LAST)
        found = self._all(_DELIVERIES_IN, (state, before, limit)) if state else self._all(_DELIVERIES, (before, limit))
        return [(row[-1], row_codecs.to_delivery(row)) for row in found]

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        found = self._all(_DELIVERY, (delivery_id,))
        return row_codecs.to_delivery(found[0]) if found else None

    def delivery_counts(self) -> dict[str, int]:
        """Deliveries by state."""
        return dict(self._all("SELECT state, count(*) FROM delivery GROUP BY state"))

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries that cannot be monitored, in the order of the list."""
        after, limit = parse_position(cursor, 0), bounded_limit(limit)
        found = self._all("SELECT n, entry, code, reason FROM problem WHERE n > %s ORDER BY n LIMIT %s", (after, limit + 1))
        more = str(found[limit - 1][0]) if len(found) > limit else None
        return Page([ProblemRow(*row[1:]) for row in found[:limit]], more)

    def problem_count(self) -> int:
        """How many entries cannot be monitored."""
        return int(self._all("SELECT count(*) FROM problem")[0][0])

    def trust(self) -> list[TrustRow]:
        """How far each server is trusted for each suffix, as the last transaction left it."""
        return [TrustRow(*row) for row in self._all(_TRUST)]

    def meta(self, key: str) -> str | None:
        """One of the small named texts."""
        found = self._all("SELECT value FROM meta WHERE key = %s", (key,))
        return str(found[0][0]) if found else None

    def members(self) -> Roster:
        """The instances that announced themselves, the last one first."""
        with self._reading() as connection:
            return member_rows.read_roster(connection)

    def _name_page(
        self, connection: Connection, state: str | None, tld: str | None, q: str | None, cursor: str | None, limit: int
    ) -> Page[listing.Placed]:
        suffix = tld.lower().strip(".") if tld else None
        wanted = name_pages.NamePageQuery(
            state=state, tld=suffix, q=(q or "").lower(), after=cursor or "", limit=bounded_limit(limit), walk=self._scan_limit
        )
        return listing.name_page(connection, name_pages.NamePageQuery(*storable_texts(wanted)))

    def _drop_page(self, connection: Connection, wanted: DropQuery, cursor: str | None, limit: int) -> Page[listing.Placed]:
        return listing.drop_page(connection, clean_query(wanted), cursor, bounded_limit(limit), self._scan_limit)

    def _all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return rows_of(connection, statement, storable_texts(parameters))


def page_of_deliveries(found: Sequence[tuple[int, DeliveryRow]], limit: int) -> Page[DeliveryRow]:
    """A page of so many deliveries out of one more; the cursor is the number of the last row."""
    more = str(found[limit - 1][0]) if len(found) > limit else None
    return Page([row for _, row in found[:limit]], more)


def _name_batches(connection: Connection) -> Iterator[tuple[Any, ...]]:
    last = -1
    while (row := row_of(connection, _NAMES, (last, BATCH))) is not None and row[0] is not None:
        last = row[0][-1]
        yield row


def _found(connection: Connection, statement: str, parameters: tuple[Any, ...]) -> list[FoundName]:
    """Rows of DOMAIN_COLUMNS with the texts of their addresses."""
    found = rows_of(connection, statement, parameters)
    numbers = sorted({number for row in found if (number := address_number(row)) is not None})
    addresses = dict(rows_of(connection, _ADDRESSES, (numbers,))) if numbers else {}
    return [to_found_name(row, addresses) for row in found]


def _newest_entry(connection: Connection, name: str, until: float) -> LedgerRow | None:
    """The newest entry of the ledger on a name at or before a time in epoch seconds."""
    row = row_of(connection, _LEDGER, (name, until, 1))
    return row_codecs.to_ledger(row) if row else None
