"""What a name, its evidence and a block of last looks take in PostgreSQL: bytes of tables and of its log, and the client's CPU.

A server of its own on this machine, with whole pages in the log after each checkpoint, as a server in service has them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.records import Changes
from common.store.postgres.postgres_writer import PostgresWriter
from tests.bench.longlist_store import LOOKS, first_sweep, load
from tests.sim.long_list import name_of
from tests.store.builders import domain
from tests.store.postgres_server import PostgresServer, find_programs

#: Whole rows in one transaction, and one name in so many that gets one.
ROWS, EVERY = 500, 4
#: Blocks of last looks are written so many times, so that the space of old ones is used again.
TIMES = 4


def measure(names: int, detail: bytes) -> dict[str, float]:
    """Bytes and microseconds; nothing where PostgreSQL is not installed. `detail` is the evidence of a name."""
    programs = find_programs()
    if programs is None:
        return {}
    server = PostgresServer(programs, "fsync=on", "full_page_writes=on", "wal_level=replica")
    try:
        with tempfile.TemporaryDirectory(prefix="longlist-") as folder:
            url = server.url(server.new_schema())
            found = _measure(server, PostgresWriter(url, Path(folder), 1), names, detail)
            return {**found, "postgres.load": 1e6 * load(PostgresWriter(url, Path(folder), 2))[1] / names}
    finally:
        server.close()


def _measure(server: PostgresServer, writer: PostgresWriter, names: int, detail: bytes) -> dict[str, float]:
    empty = _size(server)
    _apply(server, writer, first_sweep(names))
    row = (_size(server) - empty) / names
    looks, blocks = np.random.default_rng(2).bytes(BLOCK * SIZE), range(-(-names // BLOCK))
    again = [Changes(looks=[(n, looks) for n in blocks[at : at + LOOKS]]) for at in range(0, len(blocks), LOOKS)] * TIMES
    _, looked, look_cpu = _apply(server, writer, again)
    known = [domain(name_of(n, "com"), id=n, suffix="com", detail=detail) for n in range(0, names, EVERY)]
    before = _size(server)
    _, logged, row_cpu = _apply(server, writer, (Changes(domains=known[at : at + ROWS]) for at in range(0, len(known), ROWS)))
    grown = _size(server) - before
    writer.close()
    return {
        "postgres.row": row,
        "postgres.detail": grown / len(known),
        "postgres.row_log": logged / len(known),
        "postgres.row_cpu": 1e6 * row_cpu / len(known),
        "postgres.block_log": looked / TIMES / len(blocks),
        "postgres.block_cpu": 1e6 * look_cpu / TIMES / len(blocks),
    }


def _apply(server: PostgresServer, writer: PostgresWriter, batches: Iterable[Changes]) -> tuple[float, float, float]:
    """Write these transactions: seconds, bytes of the log, and CPU seconds of this process."""
    began, cpu, log = time.perf_counter(), time.process_time(), _log_position(server)
    for changes in batches:
        writer.apply(changes)
    return time.perf_counter() - began, _log_position(server) - log, time.process_time() - cpu


def _size(server: PostgresServer) -> float:
    """Bytes of the database, after a vacuum."""
    server.execute("VACUUM")
    return _number(server, "SELECT pg_database_size(current_database())")


def _log_position(server: PostgresServer) -> float:
    return _number(server, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


def _number(server: PostgresServer, statement: str) -> float:
    with server.connect() as connection:
        found = connection.execute(statement).fetchone()
    assert found is not None
    return float(found[0])
