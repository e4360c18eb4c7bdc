"""What the store costs with many names: `make bench ARGS="store --names 1000000"`. It works in a new directory and removes it.

Over an SQLite file, and over a PostgreSQL of its own where that is installed (on loopback, without flushing to the disk).

CPU is that of the writing thread; wall times depend on the disk and on other work of the machine. Look-ups run in a process of
their own while the writer commits, as in production.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import multiprocessing
import random
import sqlite3
import string
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.synchronize import Event

from msgspec import structs

from common import config
from common.config import Settings
from common.core.domains.domain_table import DomainTable
from common.core.domains.last_look import BLOCK, SIZE
from common.core.domains.restore import load_table
from common.core.model.records import Changes, DomainRow, NewName, StateChange
from common.store.reader import open_reader
from common.store.store_contract import DropQuery, Writer
from tests.store.builders import delivery, domain, judgement, open_next
from tests.store.postgres_server import PostgresServer, find_programs

#: Shares of the suffixes in a hundred names.
SUFFIXES = ("com",) * 60 + ("net",) * 10 + ("org",) * 8 + ("de",) * 7 + ("co.uk",) * 5 + ("io",) * 4 + ("fr",) * 3
SUFFIXES += ("jp", "xyz", "shop")
#: Names, changes of state, blocks of last looks and whole rows in one commit.
NEW, STATES, LOOKS, ROWS = 5000, 20_000, 400, 500
#: Names in one sweep.
SWEEP = 4096
#: Checks in one commit of a busy coordinator.
TURN = 50
#: Pages that are measured, by what they filter.
PAGES: dict[str, dict[str, str]] = {
    "page": {},
    "page state=REGISTERED": {"state": "REGISTERED"},
    "page state=UNKNOWN (1 %)": {"state": "UNKNOWN"},
    "page state=REDEMPTION": {"state": "REDEMPTION"},
    "page tld=com": {"tld": "com"},
    "page tld=xyz (1 %)": {"tld": "xyz"},
    "page tld=uk REGISTERED": {"tld": "uk", "state": "REGISTERED"},
    "page q=abc": {"q": "abc"},
    "page q=abc tld=xyz": {"q": "abc", "tld": "xyz"},
}


def names(count: int) -> list[NewName]:
    """Names in no order, the same in every run."""
    chance = random.Random(1)
    letters = string.ascii_lowercase + string.digits
    found = []
    for number in range(count):
        suffix = chance.choice(SUFFIXES)
        label = "".join(chance.choices(letters, k=chance.randint(6, 14)))
        found.append(NewName(number, f"{label}{number % 997}.{suffix}", suffix, number % 100 == 0))
    return found


def sweeps(known: list[NewName]) -> list[list[int]]:
    """The ids of all names, as sweeps of one suffix each come back: in any order."""
    by_suffix: dict[str, list[int]] = {}
    for name in known:
        by_suffix.setdefault(name.suffix, []).append(name.id)
    found = [ids[start : start + SWEEP] for ids in by_suffix.values() for start in range(0, len(ids), SWEEP)]
    random.Random(2).shuffle(found)
    return found


def pieces(items: Sequence[object], size: int) -> Iterator[Sequence[object]]:
    """Slices of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def commits(writer: Writer, what: str, batches: Iterator[Changes], units: int) -> None:
    """Apply each batch in a thread beside one that sleeps a millisecond at a time, and print what both saw."""
    walls: list[float] = []
    late: list[float] = []
    spent = 0.0

    def work() -> None:
        nonlocal spent
        for changes in batches:
            before, start = time.thread_time(), time.perf_counter()
            writer.apply(changes)
            walls.append(time.perf_counter() - start)
            spent += time.thread_time() - before

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        start = time.perf_counter()
        time.sleep(0.001)
        late.append(time.perf_counter() - start - 0.001)
    shown = f"commit {spread(walls)}, another thread late by {spread(late)}"
    print(f"{what:<26} {1e6 * spent / units:>9.2f} us CPU each   {shown}", flush=True)


def spread(seconds: list[float]) -> str:
    """Median, 99th percentile and most, in milliseconds."""
    ranked = sorted(seconds)
    p50, p99, most = (1000 * ranked[min(int(len(ranked) * part), len(ranked) - 1)] for part in (0.5, 0.99, 1.0))
    return f"p50 {p50:.1f} p99 {p99:.1f} max {most:.1f} ms"


def fill(settings: Settings, known: list[NewName]) -> None:
    """A first start: the list comes in, and the first sweep finds nearly everything registered."""
    writer = open_next(settings)
    print(f"-- {writer.engine}", flush=True)
    writer.load()
    commits(writer, "new name", (Changes(new=list(batch)) for batch in pieces(known, NEW)), len(known))
    ids = [number for sweep in sweeps(known) for number in sweep if number % 100]
    batches = (Changes(states=[StateChange(list(batch), "REGISTERED", 1.0, 0.9)]) for batch in pieces(ids, STATES))
    commits(writer, "state change", batches, len(ids))
    blocks = range((len(known) + BLOCK - 1) // BLOCK)
    data = random.Random(3).randbytes(BLOCK * SIZE)
    commits(writer, "look block", (Changes(looks=[(n, data) for n in batch]) for batch in pieces(blocks, LOOKS)), len(blocks))
    commits(writer, "look block again", (Changes(looks=[(n, data) for n in b]) for b in pieces(blocks, LOOKS)), len(blocks))
    rows = whole_rows(known)
    commits(writer, "whole row", (Changes(domains=list(batch)) for batch in pieces(rows, ROWS)), len(rows))
    commits(writer, f"turn of {TURN} checks", (turn(len(known), number) for number in range(200)), 200 * TURN)
    writer.close()


def turn(first: int, number: int) -> Changes:
    """What a busy second brings to the thousand names from id `first` on: checks, results on the way and done, decisions."""
    checked = range(number * TURN, (number + 1) * TURN)
    results = [delivery(f"r{n}", lane="result", body=bytes(500)) for n in checked]
    done = [
        structs.replace(result, id=f"r{n - TURN}", state="done", done_at=float(n))
        for n, result in zip(checked, results, strict=True)
    ]
    rows = [domain(f"turn{n % 1000}.com", id=first + n % 1000, checked_at=float(n), detail=bytes(700)) for n in checked]
    ledger = [judgement(f"turn{n % 1000}.com", float(n), body=bytes(900)) for n in checked if not n % 10]
    return Changes(domains=rows, deliveries=results + done * (number > 0), ledger=ledger, meta={"budgets": str(number)})


def whole_rows(known: list[NewName]) -> list[DomainRow]:
    """A name in fifty with evidence, a few of them about to drop."""
    detail = random.Random(4).randbytes(700)
    return [
        domain(name.name, id=name.id, suffix=name.suffix, state="REDEMPTION" if name.id % 5000 == 3 else "REGISTERED",
               detail=detail, drop_likely=float(name.id) if name.id % 5000 == 3 else None)
        for name in known if name.id % 50 == 3
    ]  # fmt: skip


def load(settings: Settings, what: str) -> None:
    """A start with everything there, up to the table that is built from it."""
    before, start = time.process_time(), time.perf_counter()
    writer = open_next(settings)
    opened = time.perf_counter() - start
    loaded, table = writer.load(), DomainTable()
    gc.disable()  # as in a start
    load_table(table, loaded.names, loaded.looks, loaded.addresses, loaded.next_id)
    gc.enable()
    cpu, wall = time.process_time() - before, time.perf_counter() - start
    print(f"load {len(table)} names {what}: {cpu:.2f} s CPU, {wall:.2f} s, of which opening {opened:.2f} s", flush=True)
    writer.close()


def pack(settings: Settings) -> None:
    """Pack all names, a block at a time, as the coordinator does."""
    writer = open_next(settings)
    blocks, _ = writer.packable()
    before = time.thread_time()
    for block in blocks:
        writer.pack(block)
    spent = time.thread_time() - before
    writer.close()
    with contextlib.closing(sqlite3.connect(settings.store_path)) as connection:
        size, names = connection.execute(
            "SELECT (SELECT sum(length(data)) FROM pack), (SELECT count(*) FROM domain)"
        ).fetchone()
    print(
        f"pack {len(blocks)} blocks: {1e3 * spent / len(blocks):.1f} ms CPU each, {size / names:.1f} bytes a name", flush=True
    )


def keep_writing(settings: Settings, known: list[NewName], ready: Event, stop: Event) -> None:
    """Commits like those of a busy coordinator, one after the other, in a process of its own."""
    writer = open_next(settings)
    rounds = sweeps(known)
    data = random.Random(5).randbytes(BLOCK * SIZE)
    turn = 0
    while not stop.is_set():
        ids = [number for number in rounds[turn % len(rounds)] if number % 50 == 1]
        looks = [(number, data) for number in range(turn % 20 * 100, turn % 20 * 100 + 100)]
        writer.apply(Changes(states=[StateChange(ids, "REGISTERED", float(turn), 0.9)], looks=looks))
        turn += 1
        ready.set()
    writer.close()
    print(f"beside {turn} commits", flush=True)


def look_ups(settings: Settings, known: list[NewName], seconds: float) -> None:
    """Pages from random places and single names while another process commits."""
    context = multiprocessing.get_context("fork")
    ready, stop = context.Event(), context.Event()
    process = context.Process(target=keep_writing, args=(settings, known, ready, stop))
    process.start()
    ready.wait()
    reader, chance = open_reader(settings), random.Random(6)

    def place() -> str:
        return chance.choice(known).name

    looks: dict[str, Callable[[], object]] = {
        "name": lambda: reader.domain(place()),
        "counts by state": reader.count_by_state,
        "drops": lambda: reader.drops(DropQuery(0.0, 1e9, 0.0)),
    }
    for what, filters in PAGES.items():
        looks[what] = lambda filters=filters: reader.domains(cursor=place(), limit=100, **filters)  # type: ignore[misc]
    for what, look in looks.items():
        walls: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            look()
            walls.append(time.perf_counter() - start)
        print(f"{what:<26} {spread(walls)}", flush=True)
    start = time.process_time()
    count = sum(len(batch[0]) for batch in reader.names())
    print(f"the whole list ({count} names): {time.process_time() - start:.2f} s CPU")
    reader.close()
    stop.set()
    process.join()


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=store", description=__doc__)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each kind of look-up")
    args = parser.parse_args(arguments)
    known = names(args.names)
    with tempfile.TemporaryDirectory(prefix="store-bench-") as directory:
        measure(config.load({"STATE_DIR": directory}), known, args.seconds)
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed: it is not measured (apt-get install postgresql)")
        return
    with (
        tempfile.TemporaryDirectory(prefix="store-bench-") as directory,
        contextlib.closing(PostgresServer(programs)) as server,
    ):
        measure(config.load({"STATE_DIR": directory, "STORE_URL": server.url()}), known, args.seconds)


def measure(settings: Settings, known: list[NewName], seconds: float) -> None:
    """All figures of one kind of store."""
    fill(settings, known)
    load(settings, "row by row")
    if settings.store_in_file:
        print(f"file {settings.store_path.stat().st_size / len(known):.0f} bytes a name", flush=True)
        pack(settings)
        load(settings, "from packs")
    look_ups(settings, known, seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
