"""What one look, sweep, turn, single check and block costs the core, and what a name and a drop take in the store.

The core's costs are the best fit of its CPU time over runs in which these happen in different proportions.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from actors.checkers.intermediate.rdap import excerpt
from common.codec import encode
from common.core.domains.domain_table import SPARE
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.evidence import Observation, Outcome, Phase
from common.core.model.limit import Limit
from common.core.model.records import Changes, Detail, Evidence, NewName, StateChange
from common.core.verdict.offline import read_answer
from common.store.writer import SqliteWriter
from tests.bench import longlist_postgres, samples
from tests.bench.scale_model import Traffic
from tests.sim.long_list import LongList, Part, name_of
from tests.sim.truth import Name
from tests.sim.world import START, World
from tests.store.builders import domain

FREE = {"*": Limit("*", 1e6, 1_000_000, None)}
#: Names of which the store is filled.
STORED = 100_000
#: Runs that the core's costs are fitted to: names, suffixes that share them, base interval, share out of the zone, and seconds
#: of virtual time. Between them the proportions of what the core does differ as much as they can.
RUNS = (
    (1_000_000, 1, 1e7, 0.0, 200.0),
    (300_000, 1, 1e7, 0.0, 200.0),
    (100_000, 1, 36_000.0, 0.0, 200.0),
    (100_000, 1, 3600.0, 0.0, 120.0),
    (100_000, 1, 360.0, 0.0, 60.0),
    (100_000, 1, 60.0, 0.0, 30.0),
    (100_000, 8, 600.0, 0.0, 60.0),
    (100_000, 8, 3600.0, 0.05, 120.0),
    (300_000, 4, 36_000.0, 0.1, 120.0),
    (300_000, 8, 1200.0, 0.02, 60.0),
    (1_000_000, 4, 3600.0, 0.02, 60.0),
    (1_000_000, 1, 600.0, 0.0, 40.0),
    (100_000, 4, 1200.0, 0.5, 60.0),
    (100_000, 4, 600.0, 0.5, 40.0),
)
SUFFIXES = ("com", "org", "xyz", "uk", "info", "online", "app", "dev")
#: Pieces of a run, between which the pace of the machine is measured; and CPU seconds of `slowness` at the quietest.
PARTS, QUIETEST = 8, 0.0108
#: What the core does, and whose cost is fitted; a scan is one through a million names, which it makes about once a second.
KINDS = ("scan", "wake", "sweep", "look", "single", "block")
#: A record's notices, which the excerpt of an answer keeps: as long as those of the largest registries.
NOTICES = [{"title": "Terms of Use", "description": ["Service subject to the terms of use that stand below this address."],
            "links": [{"href": "https://www.registry.example/domain-names/registration-data-access-protocol/terms-service/index.xhtml",
                       "type": "text/html"}]}] * 3  # fmt: skip
#: Seconds after the deletion of a name in which its drop is followed.
AFTER_DROP = 3600.0


def measure() -> dict[str, float]:
    """All unit costs: CPU in microseconds, sizes in bytes."""
    runs = [run(*settings) for settings in RUNS]
    costs = {f"unit.{kind}": 1e6 * value for kind, value in fit(runs).items()}
    return {**costs, **measure_store(), **longlist_postgres.measure(STORED, detail()), **measure_drop()}


def run(names: int, suffixes: int, interval: float, gone: float, seconds: float) -> dict[str, float]:
    """The rates of one run, each a second; `core` in cores."""
    share = names // suffixes
    world = LongList([Part(suffix, share, int(share * gone)) for suffix in SUFFIXES[:suffixes]], interval=interval, limits=FREE)
    world.run(30.0)
    return {"names": names / 1e6, **measured_rates(world, seconds)}


def measured_rates(world: LongList, seconds: float) -> dict[str, float]:
    """The rates of a world over some seconds of virtual time, its CPU time as on a machine that does nothing else.

    Other work on the machine makes the same CPU time do less, by half and more. So a fixed piece of work is done in between.
    """
    world.reset_counts()
    slower = []
    for _ in range(PARTS):
        world.run(seconds / PARTS)
        slower.append(slowness())
    found = {key: value / seconds for key, value in world.rates().items()}
    return {**found, "core": found["core"] / float(np.mean(slower))}


def slowness() -> float:
    """How many times longer a fixed piece of work takes now than on this machine at its quietest."""
    began = time.thread_time()
    known: dict[str, int] = {}
    for number in range(20_000):
        known[f"{number % 997}.com"] = known.get(f"{number % 991}.com", 0) + 1
    numbers = np.arange(200_000, dtype=np.float64)
    for _ in range(10):
        numbers = np.sqrt(numbers[::-1] + 1.0)
    return (time.thread_time() - began) / QUIETEST


def fit(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The cost of each kind of work in seconds: the best fit in proportion, none below zero."""
    left = list(KINDS)
    while True:
        matrix = np.array([[row[_RATES[kind]] / row["core"] for kind in left] for row in runs])
        found = dict(zip(left, np.linalg.lstsq(matrix, np.ones(len(runs)), rcond=None)[0].tolist(), strict=True))
        below = [kind for kind, value in found.items() if value < 0]
        if not below:
            return {kind: found.get(kind, 0.0) for kind in KINDS}
        left.remove(min(below, key=lambda kind: found[kind]))


_RATES = {"scan": "names", "wake": "wakes", "sweep": "sweeps", "look": "swept", "single": "rows", "block": "blocks"}


def core_cpu(names: int, traffic: Traffic, units: Mapping[str, float]) -> float:
    """Cores that the pure core uses for this many names and this traffic."""
    rates = {"scan": names / 1e6, **{kind: getattr(traffic, _RATES[kind]) for kind in KINDS if kind != "scan"}}
    return sum(units[f"unit.{kind}"] / 1e6 * rate for kind, rate in rates.items())


def middle(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each unit cost."""
    return {key: float(np.median([row[key] for row in rounds])) for key in rounds[0]}


def column_bytes(names: int, length: float = 15.0) -> float:
    """Bytes of the coordinator's columns for each name, as the table lays them out; `length` of a name in characters."""
    columns, schedule, ends_and_hashes = 67.0, 16.0, 8.0
    slots = 2 ** math.ceil(math.log2(2 * names)) * 4 / names
    return (columns + schedule) * (1 + 1 / SPARE) + ends_and_hashes + length + slots


def detail() -> bytes:
    """The evidence of a delegated name whose registry record is known, as it is stored."""
    body = json.dumps(
        {"rdapConformance": ["rdap_level_0"], **samples.RDAP, "ldhName": "W0000000001.COM", "notices": NOTICES}
    ).encode()
    answer = {"status": 200, "headers": {"content-type": "application/rdap+json"}, "body": body.decode()}
    reading = read_answer("rdap", "rdap.verisign.com", name_of(1, "com"), "com", answer)
    assert reading.outcome is Outcome.REGISTERED, reading
    seen = Observation("rdap", reading, server="rdap.verisign.com", address="192.0.2.7:443", duration_ms=120.5, status=200,
                       digest="0" * 64, excerpt=excerpt(body))  # fmt: skip
    return encode(
        Detail(
            evidence={"rdap": Evidence(seen, START, START - 1e7, by="intermediate-0@host")},
            fields=reading.fields,
            expires_epoch=START + 1e7,
            phase=Phase.ACTIVE.value,
            phase_since=START - 1e7,
            registered_seen=START,
            registry_at=START,
            reason="delegated by the zone's own server",
        )
    )


def measure_store() -> dict[str, float]:
    """Bytes and CPU of a name, of its evidence and of a block of last looks, in SQLite."""
    known = [NewName(number, name_of(number, "com"), "com", priority=False) for number in range(STORED)]
    body, looks = detail(), np.random.default_rng(1).bytes(BLOCK * SIZE)
    with tempfile.TemporaryDirectory(prefix="longlist-") as folder:
        path = Path(folder) / "store.db"
        writer = SqliteWriter(path, 1)
        writer.load()
        _apply(writer, (Changes(new=known[at : at + 5000]) for at in range(0, STORED, 5000)))
        ids = list(range(STORED))
        _apply(
            writer,
            (Changes(states=[StateChange(ids[at : at + 4096], "REGISTERED", 1.0, 0.9)]) for at in range(0, STORED, 4096)),
        )
        blocks = range(STORED // BLOCK)
        _apply(
            writer, (Changes(looks=[(number, looks) for number in blocks[at : at + 256]]) for at in range(0, len(blocks), 256))
        )
        again = _apply(
            writer, (Changes(looks=[(number, looks) for number in blocks[at : at + 256]]) for at in range(0, len(blocks), 256))
        )
        row = _size(writer, path) / STORED
        rows = [domain(new.name, id=new.id, suffix="com", detail=body) for new in known[::4]]
        spent = _apply(writer, (Changes(domains=rows[at : at + 500]) for at in range(0, len(rows), 500)))
        grown = _size(writer, path) - row * STORED
        writer.close()
    return {
        "store.row": row,
        "store.detail": grown / len(rows),
        "store.detail_body": float(len(body)),
        "store.row_cpu": 1e6 * spent / len(rows),
        "store.block_cpu": 1e6 * again / len(blocks),
    }


def _apply(writer: SqliteWriter, batches: Iterator[Changes]) -> float:
    """Write these transactions; CPU seconds that it took."""
    spent = 0.0
    for changes in batches:
        began = time.thread_time()
        writer.apply(changes)
        spent += time.thread_time() - began
    return spent


def _size(writer: SqliteWriter, path: Path) -> int:
    """Bytes of the file, with everything in it."""
    writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return path.stat().st_size


def measure_drop() -> dict[str, float]:
    """What one name that is deleted leads to, from its deletion on: registry questions, and bytes that are written for good.

    And the bytes of a result on the feed.
    """
    world = World(seed=1)
    world.names["drop.com"] = Name([(0.0, Phase.ACTIVE), (START + 900.0, None)])
    world.watch("drop.com")
    world.run(899.0)
    asked, events, ledger, deliveries = (
        len(world.asked),
        len(world.stored.events),
        len(world.stored.ledger),
        len(world.stored.deliveries),
    )
    world.run(AFTER_DROP)
    questions = [method for _, method, _ in world.asked[asked:] if method in ("rdap", "whois")]
    rows = (*world.stored.events[events:], *list(world.stored.deliveries.values())[deliveries:], *world.stored.ledger[ledger:])
    assert world.state("drop.com") == "AVAILABLE", world.state("drop.com")
    results = [encode({"topic": topic, **content}) for topic, content in world.published if topic.startswith("result.dns.")]
    told = {"feed.result": float(np.mean([len(data) for data in results]))}
    return told | {
        "drop.questions": float(len(questions)),
        "drop.rows": float(len(rows)),
        "drop.bytes": float(sum(len(row.body) for row in rows)),
    }
