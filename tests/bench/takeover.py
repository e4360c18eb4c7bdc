"""How long names go unwatched when the leader is killed: `make bench ARGS="takeover --names 100000 1000000"`.

A leader, played by a process that holds the lease and writes to the store, is killed with SIGKILL while the real processes of
another instance stand by. The time counts until their first question to the name server, which only notes when it was asked.
It is split by the log of the standby's coordinator: the lease is taken, the store is open, the names are read and taken over.
Its CPU time stands beside it: what the rest is on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from common import config, state_dir
from common.bus import leader_addresses
from common.config import Settings
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.records import Changes
from common.lead_lock import hold_lead
from common.processes.leases import RENEW_EVERY
from common.shard_settings import shard_directory
from common.store.file_leases import open_leases
from common.store.writer import open_writer
from tests.bench import procfs
from tests.bench.store import LOOKS, NEW, STATES, NewName, StateChange, names, pieces
from tests.lab import net
from tests.lab.stack import ROOT, Stack, bare_environment, until_standing_by
from tests.store.builders import open_next
from tests.store.postgres_server import PostgresServer, find_programs

#: Seconds of rest once the standby's processes stand by, and within which they have to, and then to ask.
REST, PATIENCE = 5.0, 120.0
#: Lines of the standby's log, in the order in which they come, and what of the time ends with each.
STEPS = {"instance_leads": "lease", "store_opened": "open", "state_loaded": "read"}


def fill(settings: Settings, known: list[NewName]) -> None:
    """A store in which every name is known, due, and packed for a start where it is a file."""
    with closing(open_next(settings)) as writer:
        for batch in pieces(known, NEW):
            writer.apply(Changes(new=list(batch)))
        for batch in pieces(range(len(known)), STATES):
            writer.apply(Changes(states=[StateChange(list(batch), "REGISTERED", 1.0, 0.9)]))
        for batch in pieces(range(len(known) // BLOCK), LOOKS):
            writer.apply(looks_of(batch))
    with closing(open_next(settings)) as writer:  # what was written to a lot lately is not packed
        for block in writer.packable()[0]:
            writer.pack(block)


def looks_of(blocks: Any) -> Changes:
    """Last looks of these blocks, of a time long past."""
    data = random.Random(3).randbytes(BLOCK * SIZE)
    return Changes(looks=[(block, data) for block in blocks])


def lead() -> None:
    """Lead, in a process of its own, and write until killed; says so by a line."""
    settings = config.load()
    state_dir.create_directories(settings)
    leases = open_leases(settings)
    while (lease := leases.take("killed", "bench", partial(leader_addresses, settings))) is None:
        time.sleep(0.1)

    def renew() -> None:
        while True:
            time.sleep(RENEW_EVERY)
            lease.renew()

    threading.Thread(target=renew, daemon=True).start()
    with hold_lead(shard_directory(settings), lease.leader):
        writer = open_writer(settings, lease.leader.epoch)
        sys.stdout.write("leads\n")
        sys.stdout.flush()
        while True:
            writer.apply(looks_of(range(4)))
            time.sleep(0.05)


class Asked:
    """A name server that answers nothing and notes when it was asked first since `since`, in epoch seconds."""

    def __init__(self) -> None:
        self.since = float("inf")
        self.first = asyncio.Event()
        self.at = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((net.HOST, 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        asyncio.get_running_loop().add_reader(self._socket, self._note)

    def _note(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(4096):
                if time.time() >= self.since and not self.first.is_set():
                    self.at = time.time()
                    self.first.set()

    def close(self) -> None:
        """Take no more questions."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def start_leader(settings: dict[str, str]) -> subprocess.Popen[str]:
    """A process that leads."""
    command = [sys.executable, "-c", "from tests.bench.takeover import lead; lead()"]
    return subprocess.Popen(command, cwd=ROOT, env={**bare_environment(), **settings}, stdout=subprocess.PIPE, text=True)


def wait_for_line(process: subprocess.Popen[str]) -> None:
    """Until it says something."""
    assert process.stdout is not None
    assert process.stdout.readline(), "the leader ended"


async def take_over(settings: dict[str, str], place: Path) -> dict[str, float]:
    """Kill a leader beside which an instance stands by: seconds of each step, and of all."""
    asked = Asked()
    servers = {"DNS_ROOT_SERVERS": f"{net.HOST}:{asked.port}", "DNS_PORT": str(asked.port)}
    stack = Stack({**settings, **servers, "INSTANCE_ID": "standby"}, place)
    leader = start_leader({**settings, **servers, "INSTANCE_ID": "killed"})
    try:
        await asyncio.to_thread(wait_for_line, leader)
        await stack.start(asyncio.Event())
        async with asyncio.timeout(PATIENCE):
            await until_standing_by(stack)
        await asyncio.sleep(REST)
        coordinator = next(pid for pid, kind in procfs.members(stack.pid) if kind == "coordinator")
        used = procfs.cpu(coordinator)
        killed_at = asked.since = time.time()
        leader.send_signal(signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            await asked.first.wait()
        used = procfs.cpu(coordinator) - used
        return {**steps_of(place / "stack.log", killed_at, asked.at), "CPU of the coordinator": used}
    finally:
        leader.kill()
        leader.communicate()
        if stack.running:
            await stack.stop()
        asked.close()


def steps_of(log: Path, killed_at: float, asked_at: float) -> dict[str, float]:
    """Seconds of each step by what the log says, the first question, and the whole."""
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    times = {line["event"]: datetime.fromisoformat(line["ts"]).timestamp() for line in lines if line["event"] in STEPS}
    found, before = {}, killed_at
    for event, step in STEPS.items():
        found[step], before = times[event] - before, times[event]
    return {**found, "first question": asked_at - before, "whole": asked_at - killed_at}


@contextlib.contextmanager
def store_urls(kinds: list[str], state: Path) -> Iterator[dict[str, str]]:
    """STORE_URL by kind of store; for PostgreSQL a server of its own."""
    with contextlib.ExitStack() as ending:
        found = {"sqlite": f"sqlite:///{state}/domain-monitor.db"}
        programs = find_programs()
        if "postgresql" in kinds and programs is not None:
            found["postgresql"] = ending.enter_context(closing(PostgresServer(programs))).url()
        yield {kind: url for kind, url in found.items() if kind in kinds}


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=takeover", description=__doc__)
    parser.add_argument("--names", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    options = parser.parse_args(arguments)
    for count in options.names:
        known = names(count)
        with tempfile.TemporaryDirectory(prefix="takeover-") as folder, store_urls(options.store, Path(folder)) as urls:
            listed = Path(folder) / "names.txt"
            listed.write_text("".join(f"{name.name}\n" for name in known), encoding="utf-8")
            for kind, url in urls.items():
                state = Path(folder) / kind
                settings = {
                    "STATE_DIR": str(state), "STORE_URL": url, "DOMAIN_LIST_FILE": str(listed),
                    "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:1/", "WHOIS_IANA_HOST": net.HOST,
                }  # fmt: skip
                state.mkdir()
                fill(config.load(settings), known)
                for number in range(options.rounds):
                    place = Path(folder) / f"{kind}-{number}"
                    place.mkdir()
                    found = asyncio.run(take_over(settings, place))
                    split = ", ".join(f"{step} {seconds:.2f}" for step, seconds in found.items())
                    print(f"{count:,} names, {kind}: {split} s", flush=True)
