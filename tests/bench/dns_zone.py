"""Zones like a registry's, and a real name server for them: NSD, else Knot DNS, on a free port of this machine."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ZONE = "test"
ADDRESS = "127.0.0.1"
#: Hosting companies, and the share of names that bring name servers of their own below the name, with glue.
HOSTERS = 2000
OWN_SERVERS = 0.3
#: Names asked about that are not in the zone, for each that is.
MISSING = 0.25
#: Seconds that a server may take to load its zone.
PATIENCE = 300.0
#: First octets of the addresses in glue: the range for benchmarks (RFC 2544), where no real server can be queried by mistake.
GLUE = ("198.18", "198.19")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

NSD = """server:
{addresses}
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
"""
NSD_ZONE = """zone:
  name: "{zone}"
  zonefile: "{file}"
  provide-xfr: 127.0.0.1 NOKEY
"""
KNOT = """server:
  listen: [{addresses}]
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
database:
  storage: "{folder}"
zone:
"""
KNOT_ZONE = """  - domain: "{zone}"
    storage: "{folder}"
    file: "{file}"
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
    taken = labels(rng, count, set())
    missing = labels(rng, int(count * MISSING), taken)
    write_zone(folder, ZONE, (delegation(rng, label) for label in sorted(taken)))
    names = [(f"{label}.{ZONE}", True) for label in sorted(taken)] + [(f"{label}.{ZONE}", False) for label in sorted(missing)]
    rng.shuffle(names)
    return dict(names)


def write_zone(folder: Path, zone: str, delegations: Iterable[str], addresses: tuple[str, ...] = (ADDRESS,)) -> None:
    """Write one zone, "." for the root, to `zone_file(zone)` in the folder; its own servers have these addresses."""
    head = f"$ORIGIN {zone.rstrip('.')}.\n$TTL 900\n@ SOA a.nic hostmaster 2026112301 1800 900 604800 900\n"
    servers = (f"@ NS {host}.nic\n{host}.nic A {address}\n" for host, address in zip("abcd", addresses, strict=False))
    with (folder / zone_file(zone)).open("w", encoding="ascii") as file:
        file.writelines((head, *servers))
        file.writelines(delegations)


def zone_file(zone: str) -> str:
    """The name of the file of a zone."""
    return f"zone-{zone.rstrip('.') or 'root'}.txt"


def labels(rng: random.Random, count: int, besides: set[str]) -> set[str]:
    """Random labels, lengths as in a registry, none of them in `besides`."""
    found: set[str] = set()
    while len(found) < count:
        label = "".join(rng.choices(_LETTERS, k=min(63, max(3, round(rng.gauss(11, 4))))))
        if label not in besides:
            found.add(label)
    return found


def delegation(rng: random.Random, label: str) -> str:
    """Two name servers: of a hoster, where a few have most names, or the name's own with their addresses."""
    if rng.random() < OWN_SERVERS:
        addresses = [f"{rng.choice(GLUE)}.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(2)]
        return f"{label} NS ns1.{label}\n{label} NS ns2.{label}\nns1.{label} A {addresses[0]}\nns2.{label} A {addresses[1]}\n"
    hoster = min(HOSTERS, int(rng.paretovariate(0.8)))
    return f"{label} NS ns1.host{hoster}.example.\n{label} NS ns2.host{hoster}.example.\n"


def available() -> list[str]:
    """The name servers installed here."""
    return [name for name, program in (("nsd", "nsd"), ("knot", "knotd")) if _which(program)]


@contextlib.contextmanager
def serving(
    folder: Path, name: str, cpu: int | None, zones: tuple[str, ...] = (ZONE,), addresses: tuple[str, ...] = (ADDRESS,)
) -> Iterator[Server]:
    """The zones in `folder`, served by this program on one port, on this CPU if one is given.

    Raises OSError if it does not start.
    """
    port = _free_port()
    config = folder / f"{name}.conf"
    write = _nsd if name == "nsd" else _knot
    config.write_text(write(folder, [f"{address}@{port}" for address in addresses], zones), encoding="ascii")
    command = [_which("nsd") or "", "-d", "-c", str(config)] if name == "nsd" else [_which("knotd") or "", "-c", str(config)]
    pin = [] if cpu is None or not shutil.which("taskset") else ["taskset", "-c", str(cpu)]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*pin, *command], stdout=log, stderr=log, start_new_session=True)
    try:
        for zone in zones:
            _wait_for(port, zone, process, folder / f"{name}.log")
        yield Server(name, port, tuple(_group(process.pid)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _nsd(folder: Path, places: list[str], zones: tuple[str, ...]) -> str:
    addresses = "\n".join(f"  ip-address: {place}" for place in places)
    return NSD.format(addresses=addresses, folder=folder) + "".join(
        NSD_ZONE.format(zone=zone, file=zone_file(zone)) for zone in zones
    )


def _knot(folder: Path, places: list[str], zones: tuple[str, ...]) -> str:
    return KNOT.format(addresses=", ".join(places), folder=folder) + "".join(
        KNOT_ZONE.format(zone=zone, folder=folder, file=zone_file(zone)) for zone in zones
    )


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


def _wait_for(port: int, zone: str, process: subprocess.Popen[bytes], log: Path) -> None:
    name = b"".join(bytes([len(part)]) + part.encode() for part in zone.split(".") if part)
    query = b"\0\1\0\0\0\1\0\0\0\0\0\0" + name + b"\0\0\6\0\1"
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
