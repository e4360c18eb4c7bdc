"""`domain-monitor migrate`: copies the state into another database, an SQLite file or PostgreSQL, and checks the copy.

While it works it holds the leases of both, so that no instance starts on either. The rows are copied table by table, read again
where they arrived, and compared by number and digest. Nothing of the source is changed but its version, where that was older.
The target may be divided into another number of shards: then each name goes to its shard (`common.store.shard_transfer`).
Exit codes: 0 copied and checked, 1 not copied, 2 bad usage or settings.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

from common import setting_parsers
from common.clock import monotonic
from common.config import Settings
from common.core.registries.back_ends import group_suffixes
from common.core.shards.layout import Layout
from common.errors import ConfigError, StoreError
from common.secret_scrubber import shown_url
from common.shard_settings import settings_of_shard
from common.small_files import read_bounded
from common.store.database_file import current_path
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses, Lease
from common.store.shard_transfer import Sources, Targets, copy_shards, sum_shards, sum_tallies
from common.store.shards import find_layout, settle_layout
from common.store.sqlite_transfer import SqliteTransfer
from common.store.transfer import TABLES, Copied, Source, Table, Target, copy_table, require_empty, sum_table
from common.store.writer import open_writer

#: Longest file with a URL, in bytes.
LONGEST = 4096
#: Seconds between two renewals of a lease, and between two lines about the progress.
RENEW_EVERY, TELL_EVERY = 1.0, 5.0


def run(source: str | None, target: str, settings: Settings, shards: int | None = None, spread: str | None = None) -> int:
    """Copy and check; `shards` and `spread` say how the target is divided. Raises ConfigError, StoreError."""
    here = replace(settings, store_url=_parsed("--from", source) if source else settings.store_url)
    there = _target_of(replace(settings, store_url=_parsed("--to", target)), shards, spread)
    if here.store_url == there.store_url:
        raise ConfigError(["--to: names the store to copy from"])
    if here.store_in_file and not current_path(here.store_path).is_file():
        raise StoreError(f"{here.store_path} is not there: nothing to copy")
    found = find_layout(here) or Layout()
    here = replace(here, shards=found.shards, shard_spread=found.spread)
    made = settle_layout(there, group_suffixes())
    with ExitStack() as stack:
        source_epochs = [stack.enter_context(_leased(shard)).leader.epoch for shard in _shards_of(here)]
        target_epochs = [stack.enter_context(_leased(shard)).leader.epoch for shard in _shards_of(there)]
        copied = _copy(Side(here, found, source_epochs), Side(there, made, target_epochs), Progress())
    names = copied["domain"].rows
    print(f"copied and checked: {names} names, {sum(table.rows for table in copied.values())} rows in all.")
    print(f"Set STORE_URL to {shown_url(there.store_url)} (in full){_further_settings(made)} and start.")
    return 0


class Side(NamedTuple):
    """One of the two stores: its settings, how it is divided, and the epoch in which each shard of it is ours."""

    settings: Settings
    layout: Layout
    epochs: list[int]


def _target_of(settings: Settings, shards: int | None, spread: str | None) -> Settings:
    """The settings of the store to copy to, with how it is divided."""
    wanted = shards or (1 if settings.store_in_file else settings.shards)
    if settings.store_in_file and wanted > 1:
        raise ConfigError(["--shards: more than one needs postgresql://...: one SQLite file has one writer"])
    try:
        tops = settings.shard_spread if spread is None else setting_parsers.many(setting_parsers.suffix)(spread)
    except ValueError as error:
        raise ConfigError([f"--spread: {error}"]) from None
    if any("." in top for top in tops):
        raise ConfigError(["--spread: takes top-level domains alone"])
    return replace(settings, shards=wanted, shard_spread=tops)


def _further_settings(layout: Layout) -> str:
    """What has to be set beside STORE_URL."""
    if layout.shards == 1:
        return " and no SHARDS"
    return f", SHARDS to {layout.shards}, SHARD_SPREAD to {','.join(layout.spread)}"


def _shards_of(settings: Settings) -> list[Settings]:
    """The settings of each shard of a store."""
    return [settings_of_shard(settings, shard) for shard in range(settings.shards)]


def _copy(here: Side, there: Side, progress: Progress) -> dict[str, Copied]:
    """Copy every table, and compare what arrived."""
    with ExitStack() as stack:
        for side in (here, there):  # from now on no other instance writes the source, and its tables are current
            for shard, epoch in zip(_shards_of(side.settings), side.epochs, strict=True):
                open_writer(shard, epoch).close()
        sources = [stack.enter_context(closing(_open_transfer(shard, None))) for shard in _shards_of(here.settings)]
        targets = [
            stack.enter_context(closing(_open_transfer(shard, epoch)))
            for shard, epoch in zip(_shards_of(there.settings), there.epochs, strict=True)
        ]
        for target in targets:
            require_empty(target)
        try:
            if len(sources) == len(targets) == 1:
                return _copy_whole(sources[0], targets[0], progress)
            return _copy_divided(Sources(here.layout, sources), Targets(there.layout, targets), progress)
        except StoreError as error:
            raise StoreError(f"{error}; the copy is not complete: empty the store to copy to, and begin again") from error


def _copy_whole(source: Source, target: Target, progress: Progress) -> dict[str, Copied]:
    """Row by row, with all numbers."""
    copied = {table.name: copy_table(source, target, table, progress.telling(table, "copied")) for table in TABLES}
    target.finish(source.last_ledger_seq())
    found = {table.name: sum_table(target, table, progress.telling(table, "checked")) for table in TABLES}
    _compare(copied, found)
    _compare_counts([source], [target])
    return copied


def _copy_divided(source: Sources, target: Targets, progress: Progress) -> dict[str, Copied]:
    """Name by name, each to its shard."""
    copied = copy_shards(source, target, lambda table, rows: progress.telling(table, "copied")(rows))
    _compare(copied, sum_shards(target, lambda table, rows: progress.telling(table, "checked")(rows)))
    _compare_counts(source.shards, target.shards)
    return copied


def _compare(copied: dict[str, Copied], found: dict[str, Copied]) -> None:
    for name, sent in copied.items():
        if found[name] != sent:
            raise StoreError(f"the table {name} arrived with {found[name].rows} rows of {sent.rows}, or with others")


def _compare_counts(sources: Sequence[Source], targets: Sequence[Source]) -> None:
    if sum_tallies(sources) != sum_tallies(targets):
        raise StoreError("the counts of names by suffix and state differ")
    if max(shard.last_ledger_seq() for shard in sources) != max(shard.last_ledger_seq() for shard in targets):
        raise StoreError("the numbers of the ledger's entries differ")


def _open_transfer(settings: Settings, epoch: int | None) -> _Transfer:
    if settings.store_in_file:
        return SqliteTransfer(current_path(settings.store_path), epoch)
    from common.store.postgres.row_transfer import PostgresTransfer  # noqa: PLC0415  # most instances need no psycopg
    from common.store.postgres.schemas import Part  # noqa: PLC0415

    part = Part(settings.shard, settings.shards)
    return PostgresTransfer(settings.store_url, epoch, settings.ledger_retention, part)


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
