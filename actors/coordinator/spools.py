"""What an earlier run of this instance spooled while the database was away: the next one writes it, or hands it over."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from common.config import Settings
from common.process import Runtime
from common.shard_settings import shard_directory
from common.store.spool import find_spools
from common.store.spooler import Replayed, hand_over_left, replay_left
from common.store.store_contract import RemoteWriter, Writer


def replay_spools(settings: Settings, store: Writer) -> list[Replayed]:
    """Write it, before the state is read. Raises StoreError."""
    return replay_left(store, shard_directory(settings)) if isinstance(store, RemoteWriter) else []


def hand_over_spools(settings: Settings, leading: int) -> list[Replayed]:
    """Hand it over to the instance that leads in this epoch, which is another one. Raises StoreError."""
    if settings.store_in_file or not find_spools(shard_directory(settings)):
        return []
    from common.store.postgres.spooled_rows import Handover  # noqa: PLC0415  # most instances need no psycopg

    with closing(Handover(settings.store_url, settings.shard)) as handover:
        return hand_over_left(handover, shard_directory(settings), leading)


def log_spools(runtime: Runtime, found: Iterable[Replayed]) -> None:
    """Say in the log what became of each file."""
    for done in found:
        file = str(done.path)
        if done.reason:
            runtime.log.error("spool_left", file=file, transactions=done.written, reason=done.reason)
        else:
            event = "spool_handed_over" if done.handed_over else "spool_written"
            runtime.log.info(event, file=file, transactions=done.written)
