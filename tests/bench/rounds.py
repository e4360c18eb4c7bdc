"""All rounds of one size: the world is made once, each round begins with an empty store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench import dns_zone, internet, phases
from tests.bench.phases import Case
from tests.bench.service import LateError
from tests.lab import net
from tests.lab.stack import StackError

#: Questions a second that each registry takes: a fresh list of millions is heard from its registries over days.
REGISTRY_RATE = 1.0
#: Names with which callbacks are measured, and the interval of a quick round: new names come spread over a fifth of it.
CALLBACK_NAMES, QUICK_INTERVAL = 10_000, 40
#: Seconds that one sweep may take: this many, and one for so many names.
PATIENCE, NAMES_A_SECOND = 180.0, 1500


@dataclass(frozen=True)
class Plan:
    """What to measure with `count` names. `patience` 0: by the size."""

    count: int
    rounds: int
    server: str
    parts: list[str]
    quick: bool
    patience: float
    profile: int


async def measure(plan: Plan, wrong: list[str]) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
    """Figures of each round, and what else is worth keeping of the first; what was wrong is added to `wrong`, in sentences."""
    found: list[dict[str, float]] = []
    kept: list[dict[str, Any]] = []
    if not {"first", "second", "kill", "callbacks"}.intersection(plan.parts):
        return found, kept
    _say(f"{plan.count:,} names: making their zones and starting {plan.server}")
    world = internet.world_of(plan.count)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        internet.write_zones(folder, world)
        with dns_zone.serving(folder, plan.server, None, internet.ZONES, internet.SERVERS) as server:
            async with outside(plan.count) as (ports, customer):
                settings = {
                    **internet.write_settings(folder, ports["registry"], ports["whois"], REGISTRY_RATE),
                    **environment_of(server.port, customer),
                }
                for number in range(plan.rounds):
                    state = folder / f"round-{number}"
                    state.mkdir()
                    case = Case(world, settings, {phases.SERVER: server.cpu}, state, _patience(plan), chooser_of(customer))
                    case.interval, case.profile = QUICK_INTERVAL if plan.quick else case.interval, plan.profile
                    case.quick = plan.quick
                    await _round(plan, case, customer, f"{plan.count:,} names, round {number + 1} of {plan.rounds}")
                    found.append(case.figures)
                    kept += [] if kept else [case.kept]
                    wrong += [f"{plan.count:,} names, round {number + 1}: {sentence}" for sentence in case.wrong]
    return found, kept


async def _round(plan: Plan, case: Case, customer: str, title: str) -> None:
    """One round, as far as it gets: a phase that fails is told, and ends it."""
    alive = f"{customer}/callback"
    steps: list[tuple[str, str, Callable[[], Awaitable[None]]]] = [
        ("first", "new names", lambda: phases.first(case)),
        ("second", "known names, all due", lambda: phases.second(case)),
        ("kill", "kill -9", lambda: phases.killed(case)),
        ("callbacks", "a callback for every result", lambda: phases.callbacks(case, "callbacks", alive, _counter(customer))),
        ("callbacks", "a receiver that is dead", lambda: phases.callbacks(case, "dead", f"{customer}/dead", None)),
    ]
    for part, text, step in steps:
        wanted = part == "first" or part in plan.parts  # the others need the store that it leaves
        if not wanted or (part == "callbacks" and case.count > CALLBACK_NAMES):
            continue
        _say(f"{title}: {text}")
        try:
            await step()
        except (LateError, StackError) as error:
            case.wrong.append(f"{text}: {error}")
            if part == "first":
                return


@asynccontextmanager
async def outside(count: int) -> AsyncIterator[tuple[dict[str, int], str]]:
    """The process of `tests.bench.outside`: its ports, and the base URL of the customer's side."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.outside", str(count), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await asyncio.wait_for(process.stdout.readline() if process.stdout else asyncio.sleep(0, b""), 120)
        ports = json.loads(line)
        yield ports, f"http://{net.HOST}:{ports['customer']}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def environment_of(dns_port: int, customer: str) -> dict[str, str]:
    """Settings that point the service at this name server, and at the customer's side."""
    nobody = str(net.free_port())
    return {
        "DOMAIN_API_URL": f"{customer}/domains",
        "DNS_ROOT_SERVERS": f"{internet.SERVERS[0]}:{dns_port}",
        "DNS_PORT": str(dns_port),
        "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:{nobody}/dns.json",
        "WHOIS_IANA_HOST": net.HOST,
        "WHOIS_PORT": nobody,
        "HTTP_PORT": nobody,
        "HTTPS_PORT": nobody,
    }


def chooser_of(customer: str) -> Callable[[str], Awaitable[None]]:
    """Chooses by its kind which list the API serves."""

    async def choose(kind: str) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{customer}/list/{kind}") as answer:
            answer.raise_for_status()

    return choose


def _counter(customer: str) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        async with aiohttp.ClientSession() as session, session.get(f"{customer}/counts") as answer:
            return int((await answer.json()).get("callback", 0))

    return count


def _patience(plan: Plan) -> float:
    return plan.patience or PATIENCE + plan.count / NAMES_A_SECOND


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
