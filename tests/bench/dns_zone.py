"""A zone like a registry's, and a real name server for it: NSD, else Knot DNS, on a free port of this machine."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ZONE = "test"
#: Hosting companies, and the share of names that bring name servers of their own below the name, with glue.
HOSTERS = 2000
OWN_SERVERS = 0.3
#: Names asked about that are not in the zone, for each that is.
MISSING = 0.25
#: Seconds that a server may take to load its zone.
PATIENCE = 300.0
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

HEAD = f"""$ORIGIN {ZONE}.
$TTL 900
@ SOA a.nic hostmaster 2026112301 1800 900 604800 900
@ NS a.nic
a.nic A 127.0.0.1
"""
NSD = """server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: zone.txt
"""
KNOT = """server:
  listen: 127.0.0.1@{port}
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
database:
  storage: "{folder}"
zone:
  - domain: {zone}
    storage: "{folder}"
    file: zone.txt
    zonefile-sync: -1
"""


@dataclass(frozen=True)
class Server:
    """A running name server; `pids` are all its processes."""

    name: str
    port: int
    pids: tuple[int, ...]

    def cpu(self) -> float:
        """CPU seconds used so far."""
        return sum(cpu_of(pid) for pid in self.pids)


def write(folder: Path, count: int, seed: int = 7) -> dict[str, bool]:
    """Write a zone of `count` delegations; the names to ask about in random order, and whether each is delegated."""
    rng = random.Random(seed)
    taken = _labels(rng, count, set())
    missing = _labels(rng, int(count * MISSING), taken)
    with (folder / "zone.txt").open("w", encoding="ascii") as file:
        file.write(
            f"$ORIGIN {ZONE}.\n$TTL 900\n@ SOA a.nic hostmaster 2026112301 1800 900 604800 900\n@ NS a.nic\na.nic A 127.0.0.1\n"
        )
        for label in sorted(taken):
            file.write(_delegation(rng, label))
    names = [(f"{label}.{ZONE}", True) for label in sorted(taken)] + [(f"{label}.{ZONE}", False) for label in sorted(missing)]
    rng.shuffle(names)
    return dict(names)


def _labels(rng: random.Random, count: int, besides: set[str]) -> set[str]:
    found: set[str] = set()
    while len(found) < count:
        label = "".join(rng.choices(_LETTERS, k=min(63, max(3, round(rng.gauss(11, 4))))))
        if label not in besides:
            found.add(label)
    return found


def _delegation(rng: random.Random, label: str) -> str:
    """Two name servers: of a hoster, where a few have most names, or the name's own with their addresses."""
    if rng.random() < OWN_SERVERS:
        addresses = [f"192.0.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(2)]
        return f"{label} NS ns1.{label}\n{label} NS ns2.{label}\nns1.{label} A {addresses[0]}\nns2.{label} A {addresses[1]}\n"
    hoster = min(HOSTERS, int(rng.paretovariate(0.8)))
    return f"{label} NS ns1.host{hoster}.example.\n{label} NS ns2.host{hoster}.example.\n"


def available() -> list[str]:
    """The name servers installed here."""
    return [name for name, program in (("nsd", "nsd"), ("knot", "knotd")) if _which(program)]


@contextlib.contextmanager
def serving(folder: Path, name: str, cpu: int | None) -> Iterator[Server]:
    """The zone in `folder`, served by this program, on this CPU if one is given. Raises OSError if it does not start."""
    port = _free_port()
    config = folder / f"{name}.conf"
    config.write_text((NSD if name == "nsd" else KNOT).format(port=port, folder=folder, zone=ZONE), encoding="ascii")
    command = [_which("nsd") or "", "-d", "-c", str(config)] if name == "nsd" else [_which("knotd") or "", "-c", str(config)]
    pin = [] if cpu is None or not shutil.which("taskset") else ["taskset", "-c", str(cpu)]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*pin, *command], stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(port, process, folder / f"{name}.log")
        yield Server(name, port, tuple(_group(process.pid)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def cpu_of(pid: int) -> float:
    """CPU seconds that a process used so far, user and system."""
    try:
        row = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(row[11]) + int(row[12])) / os.sysconf("SC_CLK_TCK")


def busy() -> float:
    """CPU seconds that all processes of this machine used so far."""
    row = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return sum(int(value) for value in (*row[1:4], *row[6:9])) / os.sysconf("SC_CLK_TCK")


def _group(leader: int) -> Iterator[int]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(path.name)) == leader:
                    yield int(path.name)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    query = b"\0\1\0\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1"
    deadline = time.monotonic() + PATIENCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        while time.monotonic() < deadline and process.poll() is None:
            try:
                sock.sendto(query, ("127.0.0.1", port))
                if sock.recv(512)[3] & 15 == 0:
                    return
            except OSError:
                time.sleep(0.1)
    raise OSError(f"the name server does not serve its zone: {log.read_text(errors='replace')[-300:]}")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
