"""The world that the service is measured in: names, zones, servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from common import config, state_dir
from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.core.domains.domain_table import DomainTable
from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.core.domains.restore import load_table
from common.core.model.ids import NEVER
from common.core.model.records import Changes, NewName, Watch
from common.core.registries.registrable_names import parse_domain_name
from common.messages import Bye, ByeAck, Credit
from common.suffixes import load_suffixes
from tests.bench import due, internet, procfs, rounds
from tests.bench.roundtrip import BOOT, WORKER, RoundTrip
from tests.store.builders import next_writer

COUNT = 2000


def test_the_world_is_the_same_every_time() -> None:
    """Two versions of the service meet the same names, each once, all of them valid."""
    world, again = internet.world_of(COUNT), internet.world_of(COUNT)
    assert world == again
    assert len(set(world.names)) == COUNT
    suffix_of = load_suffixes()
    assert all(parse_domain_name(name, suffix_of).alabel == name for name in world.names[:200])


def test_one_name_in_a_hundred_is_in_no_zone(tmp_path: Path) -> None:
    """Every other listed name is delegated, names that come later and canaries too."""
    world = internet.world_of(COUNT)
    internet.write_zones(tmp_path, world)
    delegated = {
        f"{line.split()[0]}.{suffix}"
        for suffix in internet.SUFFIXES
        for line in (tmp_path / f"zone-{suffix}.txt").read_text(encoding="ascii").splitlines()[2:]
    }
    assert len(world.vanished) == COUNT // 100
    assert delegated.isdisjoint(world.vanished)
    assert delegated >= {*world.names, *world.fresh, "canary-one.com"} - world.vanished


def test_a_changed_list_has_as_many_names() -> None:
    """One in a hundred is gone and as many are new; priority names and those out of the zone stay."""
    world = internet.world_of(COUNT)
    changed = world.changed()
    assert len(changed) == COUNT
    assert set(changed) - set(world.names) == set(world.fresh)
    assert set(changed) >= world.priority | world.vanished


def test_the_list_says_which_names_have_priority() -> None:
    """It is JSON as the domain API has it."""
    world = internet.world_of(COUNT)
    entries = json.loads(world.body(world.names))["domains"]
    assert [entry if isinstance(entry, str) else entry["domain"] for entry in entries] == world.names
    assert {entry["domain"] for entry in entries if isinstance(entry, dict)} == world.priority


def test_every_registry_knows_every_listed_name() -> None:
    """Also those out of the zone; a random name is unknown to RDAP and WHOIS."""

    async def ask() -> None:
        world = internet.world_of(COUNT)
        known = next(iter(world.vanished))
        address = internet.SUFFIXES[known.rpartition(".")[2]][1]
        async with rounds.outside(COUNT) as (ports, customer), aiohttp.ClientSession() as session:
            for name, status in ((known, 200), ("surely-not-there.com", 404)):
                async with session.get(f"http://{address}:{ports['registry']}/domain/{name}") as answer:
                    assert answer.status == status
                reader, writer = await asyncio.open_connection(address, ports["whois"])
                writer.write(f"{name}\r\n".encode())
                assert ((await reader.read()).startswith(b"Domain Name:")) == (status == 200)
                writer.close()
            async with session.get(f"{customer}/domains") as answer:
                tag, listed = answer.headers["ETag"], len((await answer.json())["domains"])
            async with session.get(f"{customer}/domains", headers={"If-None-Match": tag}) as answer:
                assert (listed, answer.status) == (COUNT, 304)

    asyncio.run(ask())


def test_processes_are_told_apart_by_their_command_line() -> None:
    """A checker by its pool; what starts the others is the supervisor."""
    start = ["python", "-m", "actors.cli.main"]
    assert procfs.kind_of([*start, "checker", "--pool", "fast", "--number", "0"]) == "fast"
    assert procfs.kind_of([*start, "coordinator"]) == "coordinator"
    assert procfs.kind_of(["python", "-m", "actors.coordinator.list_reader"]) == "readers"
    assert procfs.kind_of(["python", "-m", "supervisor.supervisord", "--nodaemon"]) == "supervisor"


def test_cpu_and_memory_of_this_process_can_be_read() -> None:
    """Of a process that is not there both are nothing."""
    assert procfs.cpu(os.getpid()) > 0
    weight = procfs.memory(os.getpid())
    assert 0 < weight["pss"] <= 1.1 * weight["rss"] <= 1.2 * weight["peak"]  # read one after the other
    assert (procfs.cpu(2**22 + 1), procfs.memory(2**22 + 1)["rss"]) == (0, 0)


def test_a_round_trip_ends_with_the_answer_to_a_goodbye(tmp_path: Path) -> None:
    """A coordinator that answers late is measured as late."""

    async def measure() -> None:
        settings = config.load({"STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed"})
        state_dir.create_directories(settings)
        bus, loop = CoordinatorBus(settings, 1), asyncio.get_running_loop()
        delay = 0.2
        seen, enough = 0, asyncio.Event()

        def heard(frame: bytes, _mark: str) -> None:
            nonlocal seen
            message = decode_upward(frame)
            assert isinstance(message, Bye | Credit)
            if isinstance(message, Bye):
                loop.call_later(delay, bus.send, WORKER, BOOT, ByeAck(0))
                seen += 1
            if seen > 3:
                enough.set()

        bus.attach(heard, lambda _: None, lambda _: None)
        trip = RoundTrip(tmp_path)
        task = loop.create_task(trip.run())
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        trip.close()
        bus.close()
        assert trip.longest(0.0) >= delay

    asyncio.run(measure())


def test_every_watched_name_becomes_due(tmp_path: Path) -> None:
    """In a real store: by its last look, or by its row where that is younger or there is no look. Others stay as they are."""
    block = np.zeros(BLOCK, RECORD)
    block["checked_at"][:3], block["next_check"][:3] = 1.9e9, 2e9
    new = [NewName(number, f"n{number}.com", "com", priority=False) for number in range(4)]
    store = next_writer(tmp_path / "domain-monitor.db")
    store.apply(Changes(new=new, watches=[Watch(2, watched=False, priority=False)], looks=[(0, block.tobytes())]))
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "domain-monitor.db")) as connection, connection:
        connection.execute("UPDATE domain SET next_check = 2e9, checked_at = iif(id = 1, 1.95e9, NULL)")

    assert due.make_all_due(tmp_path) == 3
    store = next_writer(tmp_path / "domain-monitor.db")
    loaded, table = store.load(), DomainTable()
    load_table(table, loaded.names, loaded.looks, loaded.addresses, loaded.next_id)
    store.close()
    assert [table.schedule.due_at(number) for number in range(4)] == [due.PAST, due.PAST, NEVER, due.PAST]


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_a_larger_world_has_at_most_three_hundred_priority_names(count: int) -> None:
    """One in a hundred, as long as that is few."""
    assert len(internet.world_of(count).priority) == min(count // 100, internet.MOST_PRIORITY)
