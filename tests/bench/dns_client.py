"""One client that asks one name server about many names, as a process of its own: `python -m tests.bench.dns_client`.

Prints one JSON object: names answered and how, wall and CPU seconds of the asking alone, and CPU seconds of the whole process.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from actors.checkers.contract import Context
from actors.checkers.fast.dns import create
from common import clock
from common.clients.address_guard import Guard
from common.clients.dns import DnsEngine, SweepEngine
from common.codec import encode
from common.config import Settings, load
from common.core.parsers import dns as parser
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL
from common.core.parsers.dns_wire import NS
from common.core.workers.leases import MOST_NAMES_UNDER_WAY
from common.messages import MAX_SWEEP, Sweep
from common.worker_sweeps import make_answer, parse_names
from tests.bench.dns_zone import ZONE

#: Queries that a client with one coroutine per query keeps under way.
WINDOW = 200
#: Whole sweeps that a coordinator lets be under way at one checker.
WHOLE = MOST_NAMES_UNDER_WAY // MAX_SWEEP
CODES = {DELEGATED: "delegated", NXDOMAIN: "missing", UNUSUAL: "unusual"}
MEANING = {"dns_auth_referral": "delegated", "dns_auth_nxdomain": "missing"}
Answers = Counter[str]


def settings_for(port: int) -> Settings:
    """Settings that lead to this server: it has only the zone, and says so when it is asked like a root server."""
    return load({"DNS_ROOT_SERVERS": f"127.0.0.1:{port}", "DNS_PORT": str(port), "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"})


def engine_for(port: int) -> DnsEngine:
    """An engine with such settings."""
    settings = settings_for(port)
    return DnsEngine(settings, Guard(settings), random.SystemRandom(), clock.now)


async def sweep(names: list[str], port: int) -> Answers:
    """The sweep engine."""
    found = await SweepEngine(engine_for(port), random.SystemRandom(), clock.now).sweep(ZONE, names, 600)
    return Counter(CODES.get(code, "open") for code in found.codes)


async def checker(names: list[str], port: int) -> Answers:
    """The checker as its worker runs it: sweeps of as many names as a message holds, each made the message that goes back."""
    context = Context(settings_for(port), clock.now, clock.monotonic)
    asking = create(context)
    found: Answers = Counter()
    left = iter(range(0, len(names), MAX_SWEEP))

    async def work() -> None:
        for at in left:
            labels = [name.removesuffix(f".{ZONE}") for name in names[at : at + MAX_SWEEP]]
            sweep = Sweep("a.1", 1, ZONE, "\n".join(labels), len(labels), budget_ms=600_000)
            began = clock.monotonic()
            swept = await asking.sweep(ZONE, parse_names(sweep), 600)
            encode(make_answer(sweep, swept, (clock.monotonic() - began) * 1000))
            found.update(CODES.get(code, "open") for code in swept.codes)

    await asyncio.gather(*(work() for _ in range(WHOLE)))
    await asking.close()
    return found


async def careful(names: list[str], port: int) -> Answers:
    """One socket and future per query, and the careful parser: what a single check does."""
    engine = engine_for(port)
    (endpoint,) = (await engine.find_zone(ZONE, 1)).endpoints
    server = engine.name_servers.get(endpoint)

    async def ask(name: str) -> str:
        return parser.parse_dns_answer((await engine.query(server, name, NS, 5)).wire, name, ZONE).finding

    return Counter(MEANING.get(finding, finding) for finding in await windowed(names, ask))


async def dnspython(names: list[str], port: int) -> Answers:
    """dns.asyncquery.udp with dns.message, one socket for each coroutine."""
    import dns.asyncquery  # noqa: PLC0415 - not loaded in the processes of the others
    import dns.message  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415

    async def ask(name: str) -> str:
        query = dns.message.make_query(name, "NS", use_edns=0, payload=1232)
        answer = await dns.asyncquery.udp(query, "127.0.0.1", timeout=5, port=port)
        return "missing" if answer.rcode() == dns.rcode.NXDOMAIN else "delegated" if answer.authority else "odd"

    return Counter(await windowed(names, ask))


async def aiodns(names: list[str], port: int) -> Answers:
    """Ask with aiodns on c-ares, which resolves: a referral is an error to it, and counted as an answer."""
    import aiodns as library  # noqa: PLC0415 - an optional guest

    resolver = library.DNSResolver(nameservers=[f"127.0.0.1:{port}"], timeout=5, tries=1)

    async def ask(name: str) -> str:
        try:
            await resolver.query_dns(name, "NS")
        except library.error.DNSError as error:
            return {4: "missing", 1: "delegated"}.get(error.args[0], "odd")
        return "delegated"

    return Counter(await windowed(names, ask))


async def windowed(names: list[str], ask: Callable[[str], Awaitable[str]]) -> list[str]:
    """What `ask` says to each name, with `WINDOW` of them under way."""
    left = iter(names)
    said: list[str] = []

    async def work(mine: Iterable[str]) -> None:
        for name in mine:
            try:
                said.append(await ask(name))
            except Exception as error:  # noqa: BLE001 - a lost answer is counted by its error
                said.append(type(error).__name__)

    await asyncio.gather(*(work(left) for _ in range(WINDOW)))
    return said


CASES: dict[str, Callable[[list[str], int], Awaitable[Answers]]] = {
    "sweep": sweep,
    "checker": checker,
    "careful": careful,
    "dnspython": dnspython,
    "aiodns": aiodns,
}


def main() -> None:
    """Ask as told by the arguments: case, port, file of names, how many of them."""
    case, port, path, count = sys.argv[1:5]
    names = Path(path).read_text(encoding="ascii").split("\n", int(count))[: int(count)]

    async def timed() -> dict[str, object]:
        before, started = cpu(), time.perf_counter()
        answers = await CASES[case](names, int(port))
        return {"answers": answers, "wall": time.perf_counter() - started, "cpu": cpu() - before}

    found = asyncio.run(timed())
    print(json.dumps({**found, "cpu_whole": cpu()}))


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
