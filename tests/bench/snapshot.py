"""What a snapshot that another program holds costs the store on PostgreSQL: `make bench ARGS="snapshot --seconds 300"`.

Two databases of one server take turns, commit by commit, written as fast as they can be. In one of them a transaction with
REPEATABLE READ is open, as of a report that runs for minutes: the server may not clean up there what was replaced since. The
other one shows what the machine did meanwhile. A commit has 50 checked names with their evidence, one of them of the 300 with
priority, 50 results on their way and 50 done, 5 entries of the ledger, and the last looks of 512 names that a sweep found as
they were.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from common.clock import now
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.records import Changes, NewName
from common.store.postgres.postgres_writer import PostgresWriter
from tests.bench import numbers, procfs
from tests.store.builders import delivery, domain, judgement
from tests.store.postgres_server import DATABASE, PostgresServer, find_programs

#: Names of each store; of one commit those checked, and the blocks of those swept.
NAMES, CHECKED, BLOCKS = 100_000, 50, 2
WRITTEN = CHECKED + BLOCKS * BLOCK
#: Names with priority, of which a commit has so many: each is written every few seconds. Names in one commit of the list.
PRIORITY, HURRIED, NEW = 300, 1, 5000
#: Seconds of one row of the table, and of those before the snapshot.
ROW, BEFORE = 30.0, 60.0
_WEIGHT = "SELECT sum(n_dead_tup)::int8, pg_database_size(current_database()) FROM pg_stat_user_tables"


class Store:
    """One database, and the seconds that each commit since the last look took."""

    def __init__(self, url: str, folder: Path) -> None:
        self.writer = PostgresWriter(url, folder, 1)
        self.walls: list[float] = []
        self._number = 0
        self._looks = random.Random(3).randbytes(BLOCK * SIZE)
        self._beside = psycopg.connect(url, autocommit=True)
        writes = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%% writer' AND datname = current_database()"
        (self._backend,) = self._beside.execute(writes).fetchone() or (0,)
        self._spent = 0.0
        for first in range(0, NAMES, NEW):
            new = [NewName(n, f"name-{n}.com", "com", False) for n in range(first, first + NEW)]
            self.writer.apply(Changes(new=new))

    def commit(self) -> None:
        """Write one transaction."""
        changes = self._changes()
        began = time.perf_counter()
        self.writer.apply(changes)
        self.walls.append(time.perf_counter() - began)

    def hold_snapshot(self) -> None:
        """Begin a transaction that sees what is there now, until the end."""
        self._beside.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        self._beside.execute("SELECT count(*) FROM meta").fetchone()

    def look(self) -> tuple[float, float, str]:
        """Seconds of the commits since the last look, microseconds of the server's CPU per name, and both as a text."""
        spent = procfs.cpu(self._backend)
        walls, self.walls = self.walls, []
        cpu, self._spent = 1e6 * (spent - self._spent) / len(walls) / WRITTEN, spent
        p50, p99 = (1000 * numbers.of_values(walls, share) for share in (0.5, 0.99))
        text = f"{WRITTEN * len(walls) / sum(walls):,.0f} names/s, {p50:.1f} ms (p99 {p99:.1f}), {cpu:.1f} us"
        return sum(walls) / len(walls), cpu, text

    def weight(self) -> str:
        """Dead rows and the size of the database."""
        dead, size = self._beside.execute(_WEIGHT).fetchone() or (0, 0)
        return f"{dead:,} dead rows, {size / 1e6:,.0f} MB"

    def close(self) -> None:
        """End all sessions."""
        self._beside.close()
        self.writer.close()

    def _changes(self) -> Changes:
        at, self._number = now(), self._number + 1
        checked = range(self._number * CHECKED, (self._number + 1) * CHECKED)
        hurried = [(self._number * HURRIED + n) % PRIORITY for n in range(HURRIED)]
        names = list(dict.fromkeys([n % NAMES for n in checked[HURRIED:]] + hurried))
        blocks = [(self._number * BLOCKS + n) % (NAMES // BLOCK) for n in range(BLOCKS)]
        return Changes(
            domains=[domain(f"name-{n}.com", id=n, checked_at=at, detail=bytes(700)) for n in names],
            deliveries=[delivery(f"r{n}", lane="result", body=bytes(500)) for n in checked]
            + [delivery(f"r{n - CHECKED}", lane="result", body=bytes(500), state="done", done_at=at) for n in checked],
            ledger=[judgement(f"name-{n}.com", at, body=bytes(900)) for n in names if not n % 10],
            looks=[(block, self._looks) for block in blocks],
            meta={"budgets": str(self._number)},
        )


@contextlib.contextmanager
def two_stores(folder: Path) -> Iterator[tuple[Store, Store]]:
    """Two databases of one server that writes whole pages into its log and flushes it, as one in service does."""
    programs = find_programs()
    assert programs is not None
    with contextlib.closing(PostgresServer(programs, "fsync=on", "full_page_writes=on", "wal_level=replica")) as server:
        server.execute("CREATE DATABASE other")
        url = server.url()
        with (
            contextlib.closing(Store(url, folder)) as held,
            contextlib.closing(Store(url.replace(f"/{DATABASE}?", "/other?"), folder)) as other,
        ):
            yield held, other


def measure(held: Store, other: Store, seconds: float, title: str) -> list[tuple[float, float]]:
    """Write both in turns for so long; by row how much longer a commit of the one took, and how much more CPU, as ratios."""
    rows: list[tuple[float, float]] = []
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        until = began + min(passed + ROW, seconds)
        for store in (held, other):
            store.walls.clear()
        while time.perf_counter() < until:
            for store in (held, other):
                store.commit()
        (wall, cpu, text), (other_wall, other_cpu, other_text) = held.look(), other.look()
        rows.append((wall / other_wall, cpu / other_cpu))
        print(f"{title} {passed:4.0f} s: {text}; the other {other_text}; ratio {rows[-1][0]:.3f}", flush=True)
    return rows


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=snapshot", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long the snapshot is held")
    options = parser.parse_args(arguments)
    if find_programs() is None:
        print("PostgreSQL is not installed: nothing is measured (apt-get install postgresql)")
        return
    with tempfile.TemporaryDirectory(prefix="snapshot-") as folder, two_stores(Path(folder)) as (held, other):
        before = measure(held, other, BEFORE, "before")
        held.hold_snapshot()
        during = measure(held, other, options.seconds, "during")
        print(f"at the end: {held.weight()}; the other {other.weight()}")
    for place, what in enumerate(("a commit takes", "and costs the server in CPU")):
        usual = statistics.fmean(row[place] for row in before)
        ratios = [row[place] / usual for row in during]
        print(
            f"with a snapshot of {options.seconds:.0f} s {what} {statistics.fmean(ratios):.3f} times as much as without, "
            f"{ratios[-1]:.3f} in its last {ROW:.0f} s"
        )
