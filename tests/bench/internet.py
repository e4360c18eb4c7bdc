"""What the service watches in its benchmark: names in five suffixes, the zones they are in, and the files that lead there.

Generated from a seed, so that two versions of the service meet the same names. One name in a hundred is in the list and not in
its zone, though the registry says that it is registered: a name that vanished and is no drop.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.core.builtin.tlds import PRIVATE_SUFFIXES
from tests.bench import dns_zone

#: Suffixes, their share of the names, and the loopback address of the registry's RDAP and WHOIS server.
SUFFIXES = {
    "com": (0.50, "127.80.1.1"),
    "net": (0.12, "127.80.1.2"),
    "org": (0.14, "127.80.1.3"),
    "de": (0.18, "127.80.1.4"),
    "info": (0.06, "127.80.1.5"),
}
#: Share of the listed names that are in no zone, and of those that a changed list leaves out and brings anew.
VANISHED, CHANGED = 0.01, 0.01
#: Priority names: one in a hundred, at most this many.
MOST_PRIORITY = 300
#: Names per suffix that a registry surely has, for CANARIES_FILE.
CANARIES = ("canary-one", "canary-two", "canary-three")
#: Where the name server listens: a positive answer is confirmed at a second address.
SERVERS = ("127.0.0.1", "127.0.0.2")
ZONES = (".", *SUFFIXES)
SEED = 11


@dataclass(frozen=True)
class World:
    """Watched names in the order of the list: `vanished` and `priority` are among them, `fresh` comes with a changed list."""

    names: list[str]
    vanished: frozenset[str]
    priority: frozenset[str]
    fresh: list[str]

    def changed(self) -> list[str]:
        """The list one refresh later: some names are gone, none of them vanished or of priority, and as many are new."""
        spare = self.vanished | self.priority
        gone = {name for name in self.names[: 2 * len(self.fresh)] if name not in spare}
        gone = set(sorted(gone)[: len(self.fresh)])
        return [name for name in self.names if name not in gone] + self.fresh

    def body(self, names: list[str]) -> bytes:
        """The list API's answer with these names."""
        entries = (f'{{"domain":"{name}","priority":true}}' if name in self.priority else f'"{name}"' for name in names)
        return f'{{"domains":[{",".join(entries)}]}}'.encode()


def world_of(count: int) -> World:
    """A world of `count` watched names."""
    rng = random.Random(SEED)
    fresh = max(1, int(count * CHANGED))
    names = list(_names(rng, count + fresh))
    rng.shuffle(names)
    names, later = names[:count], names[count:]
    vanished = frozenset(names[: int(count * VANISHED)])
    priority = frozenset(names[len(vanished) : len(vanished) + min(MOST_PRIORITY, max(1, count // 100))])
    rng.shuffle(names)
    return World(names, vanished, priority, later)


def write_zones(folder: Path, world: World) -> None:
    """Write the zones of all suffixes and of the root."""
    rng = random.Random(SEED)
    by_suffix: dict[str, list[str]] = {suffix: list(CANARIES) for suffix in SUFFIXES}
    for name in sorted([*world.names, *world.fresh]):
        label, _, suffix = name.rpartition(".")
        if name not in world.vanished:
            by_suffix[suffix].append(label)
    for suffix, delegated in by_suffix.items():
        dns_zone.write_zone(folder, suffix, (dns_zone.delegation(rng, label) for label in delegated), SERVERS)
    dns_zone.write_zone(folder, ".", (_top_level(suffix) for suffix in SUFFIXES), SERVERS)


def write_settings(folder: Path, registry_port: int, whois_port: int, rate: float) -> dict[str, str]:
    """Write the files that point the service at this world; returns the settings. `rate`: questions a second to a registry."""
    services = [[[suffix], [f"http://{address}:{registry_port}/"]] for suffix, (_, address) in SUFFIXES.items()]
    files: dict[str, object] = {
        "RDAP_SERVERS_FILE": {"version": "1.0", "publication": "2026-01-01T00:00:00Z", "services": services},
        "WHOIS_SERVERS_FILE": {suffix: f"{address}:{whois_port}" for suffix, (_, address) in SUFFIXES.items()},
        "CANARIES_FILE": {suffix: [f"{label}.{suffix}" for label in CANARIES] for suffix in SUFFIXES},
        "BUDGETS_FILE": {
            "dns/*": {"rate": 1_000_000, "burst": 1_000_000},
            "rdap/*": {"rate": rate, "burst": max(1.0, 5 * rate)},
            "whois/*": {"rate": rate / 4, "burst": max(1.0, rate)},
        },
    }
    settings = {}
    for name, content in files.items():
        path = folder / f"{name.lower()}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        settings[name] = str(path)
    return settings


def _names(rng: random.Random, count: int) -> Iterator[str]:
    left = count
    taken = {"nic", *CANARIES, *(rule.partition(".")[0] for rule in PRIVATE_SUFFIXES)}  # jpn.com is a suffix itself
    for suffix, (share, _) in SUFFIXES.items():
        part = left if suffix == "info" else min(left, round(count * share))
        left -= part
        yield from (f"{label}.{suffix}" for label in sorted(dns_zone.labels(rng, part, taken)))


def _top_level(suffix: str) -> str:
    hosts = list(zip("ab", SERVERS, strict=True))
    cut = "".join(f"{suffix} NS {host}.nic.{suffix}\n" for host, _ in hosts)
    return cut + "".join(f"{host}.nic.{suffix} A {address}\n" for host, address in hosts)
