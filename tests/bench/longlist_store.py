"""A start with very many names: the store is filled as a first sweep leaves it, packed, and loaded into the table."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from common.core.domains.domain_table import DomainTable
from common.core.domains.last_look import BLOCK, SIZE
from common.core.domains.restore import load_table
from common.core.model.records import Changes, NewName, StateChange
from common.store.store_contract import Writer
from common.store.writer import SqliteWriter
from tests.sim.long_list import name_of

#: Names, states and blocks of last looks in one transaction.
NEW, STATES, LOOKS = 5000, 8192, 256


def measure(names: int) -> dict[str, float]:
    """Bytes of the file for each name, and seconds of CPU and of the clock that loading takes."""
    with tempfile.TemporaryDirectory(prefix="longlist-") as folder:
        path = Path(folder) / "store.db"
        writer = SqliteWriter(path, 1)
        writer.load()
        for changes in first_sweep(names):
            writer.apply(changes)
        writer.close()
        writer = SqliteWriter(path, 2)
        for block in writer.packable()[0]:
            writer.pack(block)
        writer.close()
        size = path.stat().st_size / names
        cpu, wall = load(SqliteWriter(path, 3))
    return {"file": size, "load.cpu": cpu, "load.wall": wall}


def first_sweep(names: int) -> Iterator[Changes]:
    """The transactions of a first start: new names, their first state, their last looks."""
    for start in range(0, names, NEW):
        numbers = range(start, min(start + NEW, names))
        yield Changes(new=[NewName(number, name_of(number, "com"), "com", priority=False) for number in numbers])
    for start in range(0, names, STATES):
        yield Changes(states=[StateChange(list(range(start, min(start + STATES, names))), "REGISTERED", 1.0, 0.9)])
    looks, blocks = np.random.default_rng(1).bytes(BLOCK * SIZE), -(-names // BLOCK)
    for start in range(0, blocks, LOOKS):
        yield Changes(looks=[(number, looks) for number in range(start, min(start + LOOKS, blocks))])


def load(writer: Writer) -> tuple[float, float]:
    """Load everything into a table, as a start does, and close the store; seconds of CPU, and of the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    loaded, table = writer.load(), DomainTable()
    gc.disable()  # as in a start
    load_table(table, loaded.names, loaded.looks, loaded.addresses, loaded.next_id)
    gc.enable()
    spent = time.process_time() - cpu, time.perf_counter() - wall
    writer.close()
    return spent
