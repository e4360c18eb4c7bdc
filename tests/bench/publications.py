"""What a zone by transfer costs that is joined to a watch list: CPU, time and memory of the process that reads publications.

`make bench ARGS=publications`. A real name server has a zone of .se, half of whose names are watched; a real process reads it
once, and the coordinator is played.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from actors.publications.reading_record import ReadingRecord, write_record
from common import config, state_dir
from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.config import Settings
from common.messages import PublicationPart, PublicationStatus
from tests.actors.publishing import store_names
from tests.bench import dns_zone
from tests.lab.stack import ROOT, bare_environment
from tests.leader_scene import lead_bus

LIMIT = 900.0


class Coordinator:
    """The inbox, and what came into it."""

    def __init__(self, settings: Settings) -> None:
        self.parts: list[PublicationPart] = []
        self.status: asyncio.Future[PublicationStatus] = asyncio.get_running_loop().create_future()
        self.bus: CoordinatorBus = lead_bus(settings, 1)
        self.bus.attach(self._receive, lambda _: None, lambda _: None)

    def _receive(self, frame: bytes, _mark: str) -> None:
        message = decode_upward(frame)
        if isinstance(message, PublicationPart):
            self.parts.append(message)
        elif isinstance(message, PublicationStatus) and not self.status.done():
            self.status.set_result(message)


def write_zone(folder: Path, count: int) -> list[str]:
    """A zone of so many delegations, and its names in order."""
    rng = random.Random(7)
    labels = sorted(dns_zone.labels(rng, count, set()))
    dns_zone.write_zone(folder, "se", (dns_zone.delegation(rng, label) for label in labels))
    return [f"{label}.se" for label in labels]


async def measure(folder: Path, server: dns_zone.Server, names: list[str]) -> str:
    """Read the zone once; one sentence about it."""
    (folder / "places.json").write_text(json.dumps({"se-zone": {"server": f"127.0.0.1:{server.port}", "least": 1}}))
    environment = {
        "STATE_DIR": str(folder / "state"),
        "INSTANCE_ID": "one",
        "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "PUBLICATIONS": "se-zone",
        "PUBLICATIONS_FILE": str(folder / "places.json"),
        "LOG_LEVEL": "WARNING",
    }
    settings = config.load(environment)
    state_dir.create_directories(settings)
    watched = names[::2]
    store_names(settings, watched)
    write_record(settings.state_dir / "publications", "se-zone", ReadingRecord(checked_at=1.0))
    coordinator = Coordinator(settings)
    served = server.cpu()
    command = [sys.executable, "-m", "actors.cli.main", "publications"]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**bare_environment(), **environment})
    try:
        async with asyncio.timeout(LIMIT):
            status = await coordinator.status
        took, cpu, memory = time.monotonic() - began, dns_zone.cpu_of(process.pid), _peak_memory(process.pid)
    finally:
        process.kill()
        await process.wait()
        coordinator.bus.close()
    listed = sum(len(part.names) for part in coordinator.parts)
    assert not status.problem, status.problem
    assert listed == len(watched), (listed, len(watched))
    return (
        f"a zone of {len(names):,} names, {listed:,} of them watched: {took:.1f} s, CPU {cpu:.1f} s of the reader and "
        f"{server.cpu() - served:.1f} s of the name server, {status.size / 1e6:.0f} MB on the wire, {memory >> 20} MiB "
        f"at most, {len(coordinator.parts)} messages"
    )


def _peak_memory(pid: int) -> int:
    """Most bytes of memory that a process has held."""
    rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(row.split()[1]) << 10 for row in rows if row.startswith("VmHWM"))


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench publications", description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    if "nsd" not in dns_zone.available():
        print("bench publications: needs nsd", file=sys.stderr)
        return 1
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = write_zone(folder, options.names)
        with dns_zone.serving(folder, "nsd", None, ("se",)) as server:
            print(asyncio.run(measure(folder, server, names)))
    return 0
