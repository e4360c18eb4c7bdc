"""Connections to PostgreSQL: how one is opened, how long anything may take, and what the server's errors mean.

The password is in no error text: libpq is given the parts of STORE_URL and never the URL, and what it answers is searched for
the password all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import conninfo, errors

from common.clients.tcp_options import shut_down
from common.errors import StoreAway, StoreDamaged, StoreDenied, StoreError, StoreFull, StoreLost
from common.secret_scrubber import MASK, SHORTEST, shown_url
from common.store.postgres import schemas

Connection = psycopg.Connection[tuple[Any, ...]]

#: The oldest server that the tests run on, as `server_version` counts.
OLDEST = 150_000
#: Milliseconds until unanswered data ends a connection (a cable that was pulled).
SILENT_MS = 10_000
#: How long a server may be silent before the kernel asks whether it is still there: without that, one that vanished while we
#: wait for its answer would be waited for two hours (tcp(7), tcp_keepalive_time).
_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 3}
#: Longest text of the server that is passed on.
LONGEST_TEXT = 300
_DAMAGED = {"XX001", "XX002"}
_GONE = {"3D000", "3F000", "42P01", "57P04"}
#: No room for a connection, and a session that was ended because we were silent inside a transaction. Class 08 is the
#: connection itself, 57P a server that shuts down, crashed or starts (PostgreSQL documentation, appendix A).
_AWAY, _AWAY_CLASSES = {"53300", "25P03"}, ("08", "57P")
#: A statement or a wait for a lock that took too long, and a transaction that gave way to another (class 40): nothing of it
#: was written, and the same may go well later. A server that does not get done in a minute is as good as away.
_BUSY, _BUSY_CLASS = {"57014", "55P03"}, "40"
#: What a server says to one that it does not let in. libpq passes on no code of it, and the texts may be in another language:
#: what is not known here counts as a server that is away, in its own words.
_DENIED = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects",
    "is not permitted to log in",
)


class Limits(NamedTuple):
    """How long a statement, a wait for a lock, a pause inside a transaction and silence may take, in milliseconds."""

    statement: int
    lock: int
    idle: int
    silent: int = SILENT_MS


#: Of the connection that writes: a large list is one statement; a transaction that hangs must not keep a successor out.
WRITING = Limits(60_000, 10_000, 15_000)
#: Of connections that read: control gives up after ten seconds. A start reads more at once.
READING, LOADING = Limits(15_000, 5000, 15_000), Limits(60_000, 10_000, 15_000)

# Every statement of ours looks up keys, or walks along an index and stops early: a server without statistics would sort and
# join whole tables instead.
_SETTINGS = """
    SELECT set_config('statement_timeout', %(statement)s, false), set_config('lock_timeout', %(lock)s, false),
        set_config('idle_in_transaction_session_timeout', %(idle)s, false),
        set_config('default_transaction_read_only', %(read_only)s, false),
        set_config('default_transaction_isolation', 'read committed', false),
        set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
        set_config('enable_mergejoin', 'off', false), set_config('enable_bitmapscan', 'off', false),
        set_config('jit', 'off', false)
"""
# A commit that was answered must be on the disk; a server that is set up to wait for its standbys stays as it is.
_DURABLE = """
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""


class Server:
    """The database that STORE_URL names, with the tables of one shard; `shown` is how texts name it.

    Raises StoreError for a URL that cannot be read.
    """

    def __init__(self, url: str, shard: int = 0) -> None:
        self.shown = shown_url(url) + (f" (shard {shard})" if shard else "")
        self._shard = shard
        self._home = ""  # the schema of shard 0, once a session of a further one was opened
        try:
            self._arguments: dict[str, Any] = dict(conninfo.conninfo_to_dict(url))
        except psycopg.Error:
            raise StoreError(f"{self.shown}: STORE_URL cannot be read") from None
        #: Which tables of which database these are, without user and password.
        self.key = "\n".join(str(self._arguments.get(name, "")) for name in ("host", "hostaddr", "port", "dbname", "options"))
        self.key += f"\nshard {shard}" if shard else ""
        self._passwords = [str(text) for name, text in self._arguments.items() if name.endswith("password")]

    def connect(self, purpose: str, limits: Limits, *, read_only: bool) -> Connection:
        """An open connection in autocommit mode. `purpose` names it in the server's views. Raises StoreError."""
        arguments = {
            "connect_timeout": limits.silent // 2000,
            "tcp_user_timeout": limits.silent,
            **_KEEPALIVE,
            "application_name": f"domain-monitor {purpose}" + (f" {self._shard}" if self._shard else ""),
            **self._arguments,
            "client_encoding": "utf8",
        }
        with self.translated("open the state"):
            connection: Connection = psycopg.connect(**arguments, autocommit=True)
            try:
                with bounded(connection, limits.silent / 1000):
                    self._prepare(connection, limits, read_only=read_only)
            except BaseException:
                connection.close()
                raise
        return connection

    def home(self, connection: Connection) -> str:
        """The schema of shard 0, by a session that was opened here."""
        return self._home or schemas.home_of(connection, self.shown)

    def _prepare(self, connection: Connection, limits: Limits, *, read_only: bool) -> None:
        version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
        if version < OLDEST:
            raise StoreError(f"{self.shown}: PostgreSQL {version // 10_000} is too old, at least {OLDEST // 10_000} is needed")
        if encoding != "UTF8":
            raise StoreError(f"{self.shown}: the database has the encoding {encoding}: create one with ENCODING 'UTF8'")
        values = {name: str(milliseconds) for name, milliseconds in limits._asdict().items()}
        connection.execute(_SETTINGS, {**values, "read_only": "on" if read_only else "off"})
        connection.execute(_DURABLE)
        if self._shard:
            self._home = schemas.enter(connection, self._shard, self.shown, make=not read_only)

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Turn every error of the database into a StoreError that names it and what to do."""
        try:
            yield
        except psycopg.Error as error:
            raise self._explained(doing, error) from None
        except (OverflowError, UnicodeError) as error:
            raise StoreError(f"{self.shown}: cannot {doing}: a value does not fit: {error}") from error

    def _explained(self, doing: str, error: psycopg.Error) -> StoreError:
        code, text = error.sqlstate or "", self._text(error)
        if code in _DAMAGED:
            return StoreDamaged(f"{self.shown} is damaged ({text}): restore a backup")
        if code == "53100":
            return StoreFull(f"{self.shown}: cannot {doing}: the disk of the database is full")
        if code in _GONE or ("database" in text and "does not exist" in text):
            return StoreLost(f"{self.shown} is not there, or has lost its tables ({text}): restore it from a backup")
        return self._unreached(doing, error, code, text) or StoreError(f"{self.shown}: cannot {doing}: {text}")

    def _unreached(self, doing: str, error: psycopg.Error, code: str, text: str) -> StoreError | None:
        """The error where the server cannot be reached, lets nothing be written, or is too slow; None for any other."""
        if code == "25006":
            return StoreAway(
                f"{self.shown}: cannot {doing}: the server only lets read: name the primary in STORE_URL, or several hosts "
                "with target_session_attrs=read-write"
            )
        if code[:2] == "28" or (not code and _is_denied(str(error))):
            return StoreDenied(f"{self.shown} does not let this user in ({text}): check user and password")
        if code in _AWAY or code.startswith(_AWAY_CLASSES) or (not code and isinstance(error, errors.OperationalError)):
            return StoreAway(f"{self.shown} cannot be reached: {text}")
        if code in _BUSY or code.startswith(_BUSY_CLASS):
            return StoreAway(f"{self.shown} does not get done: cannot {doing}: {text}")
        return None

    def _text(self, error: psycopg.Error) -> str:
        """What the server or libpq said, in one line and without a password."""
        text = " ".join((error.diag.message_primary or str(error)).split())
        for password in self._passwords:
            if len(password) >= SHORTEST:
                text = text.replace(password, MASK)
        return text[:LONGEST_TEXT]


def _is_denied(text: str) -> bool:
    """Whether every server that was tried refused the user: psycopg names each in a line where there were several."""
    tried = [line for line in text.splitlines() if line.startswith("- host:")] or [text]
    role = ("role ", "does not exist")
    return all(any(words in line for words in _DENIED) or all(part in line for part in role) for line in tried)


def is_alive(connection: Connection) -> bool:
    """Whether the server has not closed a connection, as far as is known without asking it."""
    try:
        for _ in range(2 * (not connection.closed)):  # a last word of the server, and the end of the connection
            connection.pgconn.consume_input()  # reads what has arrived, and does not wait
    except psycopg.OperationalError:
        return False
    return not connection.closed


def cut(connection: Connection) -> None:
    """End a connection under a call in another thread, which fails then: libpq itself waits for an answer without a limit."""
    with suppress(OSError, psycopg.Error):
        shut_down(connection.fileno())


@contextmanager
def bounded(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection where what is done takes longer: a server that is paused, or whose disk hangs, ends no statement."""
    timer = threading.Timer(seconds, cut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def opened_briefly(url: str, purpose: str, *, read_only: bool) -> Iterator[tuple[Connection, str]]:
    """A connection to the tables of shard 0, closed afterwards, and how texts name the database. Raises StoreError."""
    server = Server(url)
    connection = server.connect(purpose, READING, read_only=read_only)
    try:
        with server.translated(f"look at the {purpose}"), bounded(connection, READING.silent / 1000):
            yield connection, server.shown
    finally:
        connection.close()


def engine_of(connection: Connection) -> str:
    """Name and version of the server, for logs."""
    version = connection.info.server_version
    return f"PostgreSQL {version // 10_000}.{version % 10_000}"


def rows_of(connection: Connection, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    return connection.execute(statement, values, binary=True).fetchall()


def row_of(connection: Connection, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a statement, None where there is none."""
    return connection.execute(statement, values, binary=True).fetchone()
