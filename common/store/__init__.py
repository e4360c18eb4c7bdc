"""Where state lives: one transaction writes a decision with its event and its deliveries, readers look at it any time."""

from __future__ import annotations

from common.config import Settings
from common.store.contract import Found, Loaded, NameColumns, Page, Reader, Writer
from common.store.reader import SqliteReader
from common.store.writer import SqliteWriter

__all__ = ["Found", "Loaded", "NameColumns", "Page", "Reader", "Writer", "open_reader", "open_writer"]


def open_writer(settings: Settings) -> Writer:
    """The coordinator's store. Raises StoreLocked where another instance owns it, StoreError where it cannot be used."""
    return SqliteWriter(settings.store_path, settings.instance_id, settings.ledger_per_name)


def open_reader(settings: Settings) -> Reader:
    """A look at the state. Raises StoreError where it is not there yet or cannot be read."""
    return SqliteReader(settings.store_path)
