"""Looking at the state while the coordinator writes it: read-only, never in its way.

Lists page by key, not by offset: page 1,000 costs what page 1 costs. A listing first collects names from one covering index
and then fetches the rows of its page, because a row carries kilobytes of evidence.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

from common.core.records import DeliveryRow, DomainRow, EventRow, LedgerRow, ProblemRow
from common.errors import StoreError
from common.store import rows, schema
from common.store.contract import MAX_LIMIT, Page
from common.store.sqlite import ENGINE, connect_reader, require_version, translated

#: Most names that one call looks at for a substring; the page that ends there is short and has a cursor.
SCAN_LIMIT = 100_000
#: Most suffixes under one `tld` that are merged ("jp" has many).
SUFFIX_LIMIT = 500

# The index is named: without statistics SQLite takes the unique index on name for ORDER BY and fetches every row.
_NAMES = {
    (False, False): "SELECT name FROM domain INDEXED BY domain_watched WHERE watched = 1 AND name > :after",
    (True, False): "SELECT name FROM domain INDEXED BY domain_state WHERE watched = 1 AND name > :after AND state = :state",
    (False, True): "SELECT name FROM domain INDEXED BY domain_suffix WHERE watched = 1 AND name > :after AND suffix = :suffix",
    (True, True): "SELECT name FROM domain INDEXED BY domain_suffix WHERE watched = 1 AND name > :after AND suffix = :suffix"
    " AND state = :state",
}
_END_OF_SCAN = "ORDER BY name LIMIT 1 OFFSET :scan"
_UP_TO = "AND name <= :until"
_CONTAINS = "AND instr(name, :q) > 0"
_ORDERED = "ORDER BY name LIMIT :limit"
# Each step jumps to the next suffix, so the cost grows with the suffixes and not with the names.
_SUFFIXES = """
    WITH RECURSIVE step(suffix) AS (
        SELECT min(suffix) FROM domain INDEXED BY domain_suffix WHERE watched = 1
        UNION ALL
        SELECT (SELECT min(d.suffix) FROM domain d INDEXED BY domain_suffix WHERE d.watched = 1 AND d.suffix > step.suffix)
        FROM step WHERE step.suffix IS NOT NULL)
    SELECT suffix FROM step WHERE suffix = :tld OR (substr(suffix, -length(:tld) - 1) = '.' || :tld) LIMIT :limit
"""
_DOMAIN = " ".join(("SELECT", rows.DOMAIN_COLUMNS, "FROM domain WHERE name = ?"))
_DOMAINS = " ".join(("SELECT", rows.DOMAIN_COLUMNS, "FROM domain WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name"))
_DROPS = " ".join(
    (
        "SELECT",
        rows.DOMAIN_COLUMNS,
        "FROM domain WHERE watched = 1 AND drop_likely >= ? AND drop_likely < ? ORDER BY drop_likely LIMIT ?",
    )
)
_EVENTS = " ".join(("SELECT", rows.EVENT_COLUMNS, "FROM event WHERE seq > ? ORDER BY seq LIMIT ?"))
_HISTORY = " ".join(("SELECT", rows.EVENT_COLUMNS, "FROM event WHERE domain = ? ORDER BY seq DESC LIMIT ?"))
_LEDGER = " ".join(("SELECT", rows.LEDGER_COLUMNS, "FROM ledger WHERE domain = ? AND at <= ? ORDER BY seq DESC LIMIT ?"))
_LEDGER_NAMES = """
    SELECT DISTINCT domain FROM ledger INDEXED BY ledger_positive WHERE positive = 1 AND domain > ? AND at >= ?
    ORDER BY domain LIMIT ?
"""
_DELIVERY = " ".join(("SELECT", rows.DELIVERY_COLUMNS, "FROM delivery WHERE id = ?"))
_DELIVERIES = " ".join(("SELECT", rows.DELIVERY_COLUMNS, ", n FROM delivery WHERE n < ? ORDER BY n DESC LIMIT ?"))
_DELIVERIES_IN = " ".join(
    ("SELECT", rows.DELIVERY_COLUMNS, ", n FROM delivery WHERE state = ? AND n < ? ORDER BY n DESC LIMIT ?")
)
_LAST = (1 << 63) - 1


class SqliteReader:
    """See `contract.Reader`; `scan_limit` bounds the names that one page may look at for a substring.

    Raises StoreError when the file is not there yet, damaged or of another schema version.
    """

    engine = ENGINE

    def __init__(self, path: Path, scan_limit: int = SCAN_LIMIT) -> None:
        require_version()
        if not path.is_file():
            raise StoreError(f"{path} is not there yet: the coordinator makes it when it starts")
        self._path = path
        self._scan_limit = scan_limit
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            with translated(path, "open the state"):
                self._connection = connect_reader(path)
                schema.check(self._connection)
        except StoreError:
            self.close()
            raise

    def domain(self, name: str) -> DomainRow | None:
        """One name, watched or not."""
        found = self._all(_DOMAIN, (name,))
        return rows.to_domain(found[0]) if found else None

    def domains(
        self,
        *,
        state: str | None = None,
        tld: str | None = None,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[DomainRow]:
        """Watched names by name; the cursor is the last name looked at."""
        limit = _bounded(limit)
        suffixes: list[str | None] = [None]
        if tld:
            suffixes = [row[0] for row in self._all(_SUFFIXES, {"tld": tld.lower().strip("."), "limit": SUFFIX_LIMIT})]
        scan = max(self._scan_limit // max(len(suffixes), 1), 1)
        wanted = {"state": state, "after": cursor or "", "q": (q or "").lower(), "limit": limit + 1, "scan": scan}
        names: list[str] = []
        stops: list[str] = []
        for suffix in suffixes:
            found, stop = self._names(wanted | {"suffix": suffix})
            names += found
            stops += [stop] if stop is not None else []
        # Beyond the earliest stop some suffix has not been looked at: those names belong to the next page.
        until = min(stops, default=None)
        names = sorted(name for name in names if until is None or name <= until)
        more = names[limit - 1] if len(names) > limit else until
        return Page([rows.to_domain(row) for row in self._all(_DOMAINS, (json.dumps(names[:limit]),))], more)

    def domain_count(self) -> int:
        """How many names are watched."""
        return self._number("SELECT count(*) FROM domain INDEXED BY domain_watched WHERE watched = 1")

    def count_by_state(self) -> dict[str, int]:
        """Watched names by state."""
        return dict(self._all("SELECT state, count(*) FROM domain INDEXED BY domain_state WHERE watched = 1 GROUP BY state"))

    def tlds(self) -> dict[str, int]:
        """Watched names by registry suffix."""
        return dict(self._all("SELECT suffix, count(*) FROM domain INDEXED BY domain_suffix WHERE watched = 1 GROUP BY suffix"))

    def drops(self, start: float, end: float, limit: int = 100) -> list[DomainRow]:
        """Watched names whose likely drop lies in [start, end)."""
        return [rows.to_domain(row) for row in self._all(_DROPS, (start, end, _bounded(limit)))]

    def last_seq(self) -> int:
        """The highest sequence number ever written."""
        return int(self.meta(schema.SEQ_KEY) or 0)

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events after a sequence number, oldest first."""
        return [rows.to_event(row) for row in self._all(_EVENTS, (_integer(after), _bounded(limit)))]

    def history(self, domain: str, limit: int = 100) -> list[EventRow]:
        """The events of one name, newest first."""
        return [rows.to_event(row) for row in self._all(_HISTORY, (domain, _bounded(limit)))]

    def ledger(self, domain: str, until: float | None = None, limit: int = 100) -> list[LedgerRow]:
        """The judgements on one name up to a time, newest first."""
        latest = float("inf") if until is None else until
        return [rows.to_ledger(row) for row in self._all(_LEDGER, (domain, latest, _bounded(limit)))]

    def ledger_names(self, since: float, after: str = "", limit: int = 100) -> list[str]:
        """Names with a positive answer of the registry since then."""
        return [row[0] for row in self._all(_LEDGER_NAMES, (after, since, _bounded(limit)))]

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Deliveries, newest first; the cursor is the number of the last row."""
        before, limit = _position(cursor, _LAST), _bounded(limit)
        found = self._all(_DELIVERIES_IN, (state, before, limit + 1)) if state else self._all(_DELIVERIES, (before, limit + 1))
        more = str(found[limit - 1][-1]) if len(found) > limit else None
        return Page([rows.to_delivery(row) for row in found[:limit]], more)

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery in any state."""
        found = self._all(_DELIVERY, (delivery_id,))
        return rows.to_delivery(found[0]) if found else None

    def delivery_counts(self) -> dict[str, int]:
        """Deliveries by state."""
        return dict(self._all("SELECT state, count(*) FROM delivery GROUP BY state"))

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries that cannot be monitored, in the order of the list."""
        after, limit = _position(cursor, 0), _bounded(limit)
        found = self._all("SELECT n, entry, code, reason FROM problem WHERE n > ? ORDER BY n LIMIT ?", (after, limit + 1))
        more = str(found[limit - 1][0]) if len(found) > limit else None
        return Page([ProblemRow(*row[1:]) for row in found[:limit]], more)

    def problem_count(self) -> int:
        """How many entries cannot be monitored."""
        return self._number("SELECT count(*) FROM problem")

    def meta(self, key: str) -> str | None:
        """One of the small named texts."""
        found = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def close(self) -> None:
        """Release the connection."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _names(self, wanted: dict[str, Any]) -> tuple[list[str], str | None]:
        """Matching names of one index range, and the name where the look ended, None for the end of the range."""
        pieces = [_NAMES[wanted["state"] is not None, wanted["suffix"] is not None]]
        until: str | None = None
        if wanted["q"]:
            last = self._all(" ".join((*pieces, _END_OF_SCAN)), wanted)
            until = str(last[0][0]) if last else None
            pieces += [_CONTAINS] if until is None else [_UP_TO, _CONTAINS]
        found = [row[0] for row in self._all(" ".join((*pieces, _ORDERED)), wanted | {"until": until})]
        return found, str(found[-1]) if len(found) == wanted["limit"] else until

    def _number(self, statement: str) -> int:
        return int(self._all(statement)[0][0])

    def _all(self, statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        with self._guard, translated(self._path, "read the state"):
            if self._connection is None:
                raise StoreError(f"{self._path}: cannot read the state: the store is closed")
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except UnicodeEncodeError:
                return []  # a lone surrogate in a request: nothing is stored under such text


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def _integer(value: int) -> int:
    return max(-_LAST, min(value, _LAST))


def _position(cursor: str | None, start: int) -> int:
    """A cursor from outside: anything that is no number starts at the beginning."""
    return _integer(int(cursor)) if cursor and cursor.isascii() and cursor.isdecimal() and len(cursor) < 20 else start
