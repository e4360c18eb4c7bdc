"""`domain-monitor migrate`: copies the state into another database, an SQLite file or PostgreSQL, and checks the copy.

While it works it holds the leases of both, so that no instance starts on either. The rows are copied table by table, read again
where they arrived, and compared by number and digest. Nothing of the source is changed but its version, where that was older.
Exit codes: 0 copied and checked, 1 not copied, 2 bad usage or settings.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from common import setting_parsers
from common.clock import monotonic
from common.config import Settings
from common.errors import ConfigError, StoreError
from common.secret_scrubber import shown_url
from common.small_files import read_bounded
from common.store.database_file import current_path
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses, Lease
from common.store.sqlite_transfer import SqliteTransfer
from common.store.transfer import TABLES, Copied, Source, Table, Target, copy_table, require_empty, sum_table
from common.store.writer import open_writer

#: Longest file with a URL, in bytes.
LONGEST = 4096
#: Seconds between two renewals of a lease, and between two lines about the progress.
RENEW_EVERY, TELL_EVERY = 1.0, 5.0


def run(source: str | None, target: str, settings: Settings) -> int:
    """Copy and check. Raises ConfigError, StoreError."""
    here = replace(settings, store_url=_parsed("--from", source) if source else settings.store_url)
    there = replace(settings, store_url=_parsed("--to", target))
    if here.store_url == there.store_url:
        raise ConfigError(["--to: names the store to copy from"])
    if here.store_in_file and not current_path(here.store_path).is_file():
        raise StoreError(f"{here.store_path} is not there: nothing to copy")
    with _leased(here) as source_lease, _leased(there) as target_lease:
        copied = _copy(here, there, source_lease.leader.epoch, target_lease.leader.epoch, Progress())
    names = copied["domain"].rows
    print(f"copied and checked: {names} names, {sum(table.rows for table in copied.values())} rows in all.")
    print(f"Set STORE_URL to {shown_url(there.store_url)} (in full) and start.")
    return 0


def _copy(here: Settings, there: Settings, source_epoch: int, target_epoch: int, progress: Progress) -> dict[str, Copied]:
    """Copy every table, and compare what arrived."""
    with ExitStack() as stack:
        open_writer(here, source_epoch).close()  # from now on no other instance writes it, and its tables are current
        open_writer(there, target_epoch).close()
        source = stack.enter_context(closing(_open_transfer(here, None)))
        target = stack.enter_context(closing(_open_transfer(there, target_epoch)))
        require_empty(target)
        try:
            copied = {table.name: copy_table(source, target, table, progress.telling(table, "copied")) for table in TABLES}
            target.finish(source.last_ledger_seq())
            _compare(source, target, copied, progress)
        except StoreError as error:
            raise StoreError(f"{error}; the copy is not complete: empty the store to copy to, and begin again") from error
    return copied


def _compare(source: Source, target: Target, copied: dict[str, Copied], progress: Progress) -> None:
    for table in TABLES:
        found = sum_table(target, table, progress.telling(table, "checked"))
        if found != copied[table.name]:
            raise StoreError(
                f"the table {table.name} arrived with {found.rows} rows of {copied[table.name].rows}, or with others"
            )
    if source.tally() != target.tally():
        raise StoreError("the counts of names by suffix and state differ")
    if source.last_ledger_seq() != target.last_ledger_seq():
        raise StoreError("the numbers of the ledger's entries differ")


def _open_transfer(settings: Settings, epoch: int | None) -> _Transfer:
    if settings.store_in_file:
        return SqliteTransfer(current_path(settings.store_path), epoch)
    from common.store.postgres.row_transfer import PostgresTransfer  # noqa: PLC0415  # most instances need no psycopg

    return PostgresTransfer(settings.store_url, epoch, settings.ledger_retention)


@contextmanager
def _leased(settings: Settings) -> Iterator[Lease]:
    """The lease of a store. Raises StoreError where an instance has it."""
    with closing(open_leases(settings)) as leases:
        lease = leases.take(settings.instance_id, "migrate", lambda _: Addresses("", ""))
        if lease is None:
            leader = leases.find()
            name = "an instance" if leader is None else f"instance {leader.instance!r}"
            raise StoreError(f"{shown_url(settings.store_url)} is in use by {name}: stop it first")
        stop = threading.Event()
        thread = threading.Thread(target=_keep_lease, args=(lease, stop), daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            stop.set()
            thread.join()
            lease.release()


def _keep_lease(lease: Lease, stop: threading.Event) -> None:
    """Renew a lease until told to stop. That it is lost shows at the fence of the next transaction."""
    while not stop.wait(RENEW_EVERY):
        with suppress(StoreError):
            lease.renew()


class _Transfer(Target, Protocol):
    def close(self) -> None: ...


class Progress:
    """Tells how far it is, once in a while."""

    def __init__(self) -> None:
        self._told_at = monotonic()

    def telling(self, table: Table, what: str) -> Callable[[int], None]:
        """To be called with the number of rows so far."""

        def note(rows: int) -> None:
            if monotonic() - self._told_at >= TELL_EVERY:
                print(f"{what} {rows} rows of {table.name}", file=sys.stderr, flush=True)
                self._told_at = monotonic()

        return note


def _parsed(option: str, text: str) -> str:
    """A URL, or the content of the file that "@FILE" names."""
    try:
        if text.startswith("@"):
            text = read_bounded(Path(text[1:]), LONGEST).decode().strip()
        return setting_parsers.store(text)
    except (OSError, ValueError) as error:
        reason = "the file cannot be read" if isinstance(error, OSError | UnicodeError) else error
        raise ConfigError([f"{option}: {reason}"]) from None
