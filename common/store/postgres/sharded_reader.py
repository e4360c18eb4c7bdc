"""Looking at all shards of a divided watch list, over one connection.

Each call is one transaction that asks shard after shard, with the schema of each in turn as its search path, and sees all of
them at one moment: they lie in one database. A shard that has no tables yet has no names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from heapq import merge
from typing import TypeVar

from psycopg.sql import Identifier

from common.core.model.records import DeliveryRow, EventRow, LedgerRow, ProblemRow, TrustRow
from common.core.shards.layout import Layout
from common.store import shard_merges
from common.store.joined_texts import join_texts
from common.store.member_contract import Roster
from common.store.postgres import schemas, tables
from common.store.postgres.event_sequence import EventSequence
from common.store.postgres.layout_row import read_layout
from common.store.postgres.listing import Placed
from common.store.postgres.queries import SCAN_LIMIT, Queries, page_of_deliveries, unpack_names
from common.store.postgres.read_session import ReadSession
from common.store.postgres.session import Connection, Server
from common.store.reader_arguments import bounded_limit, storable_texts
from common.store.shard_merges import BY_DROP, BY_NAME, Order, merge_pages
from common.store.store_contract import DomainRecord, DropQuery, FoundName, Page

T = TypeVar("T")

_ENTER = "SELECT set_config('search_path', %s, true)"


class ShardedReader:
    """See `store_contract.Reader`. The numbers of names are those of their shard; all others differ between shards.

    Raises StoreError where there is no state yet, or one of another schema version.
    """

    def __init__(self, url: str, scan_limit: int = SCAN_LIMIT) -> None:
        self._server = Server(url)
        self._scan_limit = scan_limit
        self._layout = Layout()
        self._home = ""
        self._ready: set[int] = set()  # the shards that are known to have tables
        self._session = ReadSession(self._server, self._look)
        self.engine = f"{self._session.engine}, {self._layout.shards} shards"

    def names(self) -> Iterator[tuple[list[int], list[str], list[int], list[int]]]:
        """Every name, shard after shard: read at once, however slowly they are used."""
        for batches in self._of_all(Queries.packed_names):
            yield from map(unpack_names, batches)

    def domain(self, name: str) -> FoundName | None:
        """One name, from the shard that it lies in."""
        return self._of_name(name, lambda queries: queries.domain(name), None)

    def domain_record(self, name: str, events: int = 100) -> DomainRecord | None:
        """One name with its newest events and its ledger entries."""
        return self._of_name(name, lambda queries: queries.domain_record(name, events), None)

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
        return self._listed(tld, lambda queries: queries.name_places(state, tld, q, cursor, limit), limit, BY_NAME)

    def count_by_state(self) -> dict[str, int]:
        """Watched names by state."""
        return shard_merges.sum_counts(self._of_all(Queries.count_by_state))

    def tlds(self) -> dict[str, int]:
        """Watched names by registry suffix."""
        return shard_merges.sum_counts(self._of_all(Queries.tlds))

    def drops(self, wanted: DropQuery, *, cursor: str | None = None, limit: int = 100) -> Page[FoundName]:
        """Watched names that are expected to drop, by likely time and then name."""
        return self._listed(wanted.tld, lambda queries: queries.drop_places(wanted, cursor, limit), limit, BY_DROP)

    def drops_count(self, wanted: DropQuery) -> int:
        """How many names `drops` has on all its pages."""
        return sum(self._of_suffix(wanted.tld, lambda queries: queries.drops_count(wanted)))

    def last_seq(self) -> int:
        """The highest sequence number ever written, of all shards."""
        if self._layout.shards == 1:
            return self._of_first(Queries.last_seq, 0)
        with self._session.reading() as connection:
            return EventSequence(self._home, self._server.shown).last(connection)

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events of all shards after a sequence number, oldest first."""
        found = self._of_all(lambda queries: queries.events(after, limit))
        return list(merge(*found, key=lambda row: row.seq))[: bounded_limit(limit)]

    def ledger(self, domain: str, until: float | None = None, limit: int = 100) -> list[LedgerRow]:
        """The judgements on one name up to a time, newest first."""
        return self._of_name(domain, lambda queries: queries.ledger(domain, until, limit), [])

    def ledger_names(self, since: float, after: str = "", limit: int = 100) -> list[str]:
        """Names with a positive answer of the registry since then."""
        return list(merge(*self._of_all(lambda queries: queries.ledger_names(since, after, limit))))[: bounded_limit(limit)]

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Deliveries, newest first; the cursor is the number of the last row."""
        limit = bounded_limit(limit)
        found = self._of_all(lambda queries: queries.numbered_deliveries(state, cursor, limit + 1))
        return page_of_deliveries(list(merge(*found, key=lambda row: row[0], reverse=True))[: limit + 1], limit)

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state, from whichever shard has it."""
        with self._session.reading() as connection:
            rows = (queries.delivery(delivery_id) for queries in self._ask_all(connection))
            return next((row for row in rows if row is not None), None)

    def delivery_counts(self) -> dict[str, int]:
        """Deliveries by state."""
        return shard_merges.sum_counts(self._of_all(Queries.delivery_counts))

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries that cannot be monitored, which belong to no name and therefore to the first shard."""
        return self._of_first(lambda queries: queries.problems(limit=limit, cursor=cursor), Page[ProblemRow]([]))

    def problem_count(self) -> int:
        """How many entries cannot be monitored."""
        return self._of_first(Queries.problem_count, 0)

    def trust(self) -> list[TrustRow]:
        """How far each server is trusted for each suffix, by the shard that trusts it least."""
        return shard_merges.merge_trust(row for rows in self._of_all(Queries.trust) for row in rows)

    def meta(self, key: str) -> str | None:
        """One of the small named texts, what the shards have of it joined."""
        found = [text for text in self._of_all(lambda queries: queries.meta(key)) if text is not None]
        return join_texts(key, found) if found else None

    def members(self) -> Roster:
        """The instances that announced themselves, the last one first."""
        with self._session.reading() as connection:
            return self._queries(connection, 0).members()

    def close(self) -> None:
        """Release the connection."""
        self._session.close()

    # -- one transaction over shards -------------------------------------------------------------------------------------

    def _of_all(self, ask: Callable[[Queries], T]) -> list[T]:
        with self._session.reading() as connection:
            return [ask(queries) for queries in self._ask_all(connection)]

    def _listed(self, suffix: str | None, ask: Callable[[Queries], Page[Placed]], limit: int, order: Order) -> Page[FoundName]:
        """A page of names: first where they are, then the rows of those that are on it."""
        with self._session.reading() as connection:
            pages = []
            for shard in self._shards_under(connection, suffix):
                page = ask(self._queries(connection, shard))
                pages.append(Page([(place, (shard, number)) for place, number in page.rows], page.cursor))
            merged = merge_pages(pages, bounded_limit(limit), order)
            numbers: dict[int, list[int]] = {}
            for _, (shard, number) in merged.rows:
                numbers.setdefault(shard, []).append(number)
            found = {
                (shard, name.row.id): name
                for shard, some in numbers.items()
                for name in self._queries(connection, shard).by_number(some)
            }
        return Page([found[item] for _, item in merged.rows], merged.cursor)

    def _of_suffix(self, suffix: str | None, ask: Callable[[Queries], T]) -> list[T]:
        """What the shards say in which names under a suffix can lie."""
        with self._session.reading() as connection:
            return [ask(self._queries(connection, shard)) for shard in self._shards_under(connection, suffix)]

    def _shards_under(self, connection: Connection, suffix: str | None) -> list[int]:
        ready = self._find_ready(connection)
        if not suffix:
            return sorted(ready)
        return sorted(ready & self._layout.shards_under(*storable_texts((suffix.lower().strip("."),))))

    def _of_name(self, name: str, ask: Callable[[Queries], T], otherwise: T) -> T:
        shard = self._layout.shard_of(*storable_texts((name,)))
        with self._session.reading() as connection:
            return ask(self._queries(connection, shard)) if shard in self._find_ready(connection) else otherwise

    def _of_first(self, ask: Callable[[Queries], T], otherwise: T) -> T:
        with self._session.reading() as connection:
            return ask(self._queries(connection, 0)) if 0 in self._find_ready(connection) else otherwise

    def _ask_all(self, connection: Connection) -> Iterator[Queries]:
        for shard in sorted(self._find_ready(connection)):
            yield self._queries(connection, shard)

    def _queries(self, connection: Connection, shard: int) -> Queries:
        """What one shard is asked with, within a transaction."""
        self._enter(connection, shard)
        return Queries(lambda: nullcontext(connection), self._scan_limit)

    def _enter(self, connection: Connection, shard: int) -> None:
        schema = schemas.schema_of(self._home, shard)
        connection.execute(_ENTER, (Identifier(schema).as_string(connection),))

    def _look(self, connection: Connection) -> None:
        """See what is there, with a new connection."""
        connection.prepare_threshold = None  # what is prepared is planned anew for each search path
        self._home = schemas.home_of(connection, self._server.shown)
        self._layout, self._ready = read_layout(connection, self._server.shown) or Layout(), set()
        with connection.transaction():
            if not self._find_ready(connection):
                raise tables.no_state(self._server.shown)

    def _find_ready(self, connection: Connection) -> set[int]:
        """The shards that have tables, within a transaction."""
        for shard in set(range(self._layout.shards)) - self._ready:
            self._enter(connection, shard)
            if tables.holds_state(connection):
                tables.check_version(connection, self._server.shown)
                self._ready.add(shard)
        return self._ready
