"""The DNS checker with many names at once: the same evidence as one by one, and compact findings for whole lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from actors.checkers.contract import Context, Findings
from actors.checkers.fast.dns import SWEEPS, DnsChecker, create
from common import clock
from common.clients.dns import NOBODY
from common.core.evidence import Observation, Outcome
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL
from common.messages import Task
from tests.clients.dns_world import ROOT, TLD, TLD_SECOND, Handler, Tree, World, failing, over_udp, run, serving, silent

NAMES = [f"{word}{number}.test" for number in range(6) for word in ("taken", "free")]
CUTS = {name: {f"ns1.{name}": "192.0.2.1", "ns.host.example": None} for name in NAMES if name.startswith("taken")}
RECORDS = {("inside.test", "A"): ("192.0.2.9",)}
SERVED = serving(Tree("test", records=RECORDS, cuts=CUTS, serial=42), Tree("com", serial=1_795_000_000))
ROOT_ZONE = serving(
    Tree("", cuts={suffix: {f"a.nic.{suffix}": TLD, f"b.nic.{suffix}": TLD_SECOND} for suffix in ("test", "com")})
)
BOTH: dict[str, Handler] = {ROOT: ROOT_ZONE, TLD: SERVED, TLD_SECOND: SERVED}
T = TypeVar("T")


def task(domain: str, suffix: str = "test", *, confirm: bool = False, budget_ms: int = 4000) -> Task:
    """Ask about this name."""
    return Task("a.1", 1, "dns", domain, suffix, budget_ms=budget_ms, confirm=confirm)


def with_checker(
    handlers: dict[str, Handler], story: Callable[[DnsChecker, World], Awaitable[T]], **more: str
) -> tuple[T, World]:
    """What `story` returns with a checker in a world of these servers."""

    async def live(world: World) -> T:
        named = {name: value.replace("PORT", str(world.port)) for name, value in more.items()}
        checker = create(Context(world.settings(**named), clock.now, clock.monotonic))
        try:
            return await story(checker, world)
        finally:
            await checker.close()

    return run(handlers, live)


def comparable(observation: Observation) -> Observation:
    """Without what differs between two questions: time, server, what follows from id and case, the order of name servers."""
    excerpt = "\n".join(sorted(observation.excerpt.splitlines()))
    address = observation.address.rpartition(":")[2]
    return msgspec.structs.replace(observation, duration_ms=0.0, address=address, digest="", excerpt=excerpt)


def test_same_evidence_as_one_by_one() -> None:
    """For delegated, missing and odd names of two suffixes, and a second pass, the observations are those of `check`."""
    tasks = [task(name) for name in [*NAMES, "inside.test", "www.free1.test"]]
    tasks += [task("free.com", "com"), task("free0.test", confirm=True)]

    async def story(checker: DnsChecker, _: World) -> tuple[list[Observation], list[Observation]]:
        return await checker.check_many(tasks), [await checker.check(item) for item in tasks]

    (many, single), _ = with_checker(BOTH, story)

    assert [comparable(item) for item in many] == [comparable(item) for item in single]
    assert all(len(item.digest) == 64 and item.duration_ms > 0 for item in many)
    assert {item.address.partition(":")[0] for item in many} == {TLD, TLD_SECOND}
    assert [item.address.endswith("/tcp") for item in many] == [item.confirm for item in tasks]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(many), type=list[Observation]) == many


def test_second_pass_after_a_sweep_asks_another_server() -> None:
    """Who answered is remembered: the confirmation goes elsewhere, over TCP."""

    async def story(checker: DnsChecker, _: World) -> None:
        await checker.check_many([task(name) for name in NAMES])
        await asyncio.gather(*(checker.check(task(name, confirm=True)) for name in NAMES))

    _, world = with_checker(BOTH, story)

    for name in NAMES:
        (first, _, first_tcp), (second, _, second_tcp) = world.asked(name)
        assert (first != second, first_tcp, second_tcp) == (True, False, True)


def test_resolvers_are_asked_one_by_one() -> None:
    """In resolver mode every name gets the finding of a resolver."""
    flat: dict[str, Handler] = {TLD: serving(Tree("test", records={(NAMES[0], "NS"): ("ns.x.",)}))}

    async def story(checker: DnsChecker, _: World) -> list[Observation]:
        return await checker.check_many([task(name) for name in NAMES])

    many, _ = with_checker(flat, story, DNS_MODE="resolver", DNS_RESOLVERS=f"{TLD}:PORT")

    assert [item.reading.finding for item in many] == ["dns_recursive_positive"] + ["dns_recursive_nxdomain"] * 11


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (silent, "dns_timeout"),
        (failing("SERVFAIL"), "dns_servfail"),
        (failing("REFUSED"), "dns_refused"),
        (over_udp(lambda answer, _: [answer[:-4]], SERVED), "dns_malformed"),
    ],
)
def test_trouble_is_unknown(fault: Handler, finding: str) -> None:
    """Silence, errors and broken answers of every server prove nothing, for each name."""

    async def story(checker: DnsChecker, _: World) -> list[Observation]:
        return await checker.check_many([task(name, budget_ms=600) for name in NAMES])

    many, _ = with_checker({**BOTH, TLD: fault, TLD_SECOND: fault}, story)

    assert {(item.reading.outcome, item.reading.finding) for item in many} == {(Outcome.UNKNOWN, finding)}
    assert {item.refused for item in many} == {finding == "dns_refused"}


def test_suffix_that_is_gone_is_unknown() -> None:
    """The root denies the suffix: no name of it gets a verdict."""

    async def story(checker: DnsChecker, _: World) -> list[Observation]:
        return await checker.check_many([task(f"n{number}.gone", "gone") for number in range(5)])

    many, _ = with_checker(BOTH, story)

    assert {item.reading.finding for item in many} == {"dns_suffix_gone"}


def test_sweep_is_compact() -> None:
    """One byte per name, who answered, the zone's serial, and a whole observation only where an answer is unusual."""

    async def story(checker: DnsChecker, _: World) -> None:
        found = await checker.sweep("test", [*NAMES, "inside.test"], 5.0)
        codes = [DELEGATED if name in CUTS else NXDOMAIN for name in NAMES]

        assert list(found.codes) == [*codes, UNUSUAL]
        assert (found.server, found.width, found.serial, found.fresh_at) == ("test", 2, 42, None)
        assert {found.addresses[number].partition(":")[0] for number in found.served} == {TLD, TLD_SECOND}
        assert NOBODY not in found.served
        assert [item.reading.finding for item in found.observations.values()] == ["dns_auth_nodata"]
        assert list(found.observations) == [len(NAMES)]

    with_checker(BOTH, story)


def test_sweep_of_com_knows_the_age_of_its_zone() -> None:
    """The serial of com is the time of the zone version; one from the future is not believed."""

    async def story(checker: DnsChecker, world: World) -> None:
        found = await checker.sweep("com", ["free.com"], 5.0)
        assert (found.serial, found.fresh_at) == (1_795_000_000, 1_795_000_000.0 if clock.now() > 1_795_000_000 else None)

        world.handlers[TLD] = world.handlers[TLD_SECOND] = serving(Tree("com", serial=1_999_999_999))
        found = await checker.sweep("com", ["free.com"], 5.0)
        assert (found.serial, found.fresh_at) == (1_999_999_999, None)

    with_checker(BOTH, story)


@pytest.mark.parametrize(
    ("suffix", "finding", "settings"),
    [
        ("gone", "dns_suffix_gone", {}),
        ("test", "dns_unreachable", {"DNS_MODE": "resolver", "DNS_RESOLVERS": f"{TLD}:PORT"}),
    ],
)
def test_sweep_needs_servers(suffix: str, finding: str, settings: dict[str, str]) -> None:
    """A suffix that does not exist, and resolvers, are trouble of the whole sweep, not a verdict about names."""

    async def story(checker: DnsChecker, _: World) -> tuple[int, Findings]:
        return checker.sweeps, await checker.sweep(suffix, [f"a.{suffix}"], 5.0)

    (places, found), _ = with_checker(BOTH, story, **settings)

    assert found.trouble is not None
    assert (found.trouble.reading.outcome, found.trouble.reading.finding) == (Outcome.UNKNOWN, finding)
    assert (found.codes, found.observations) == (b"", {})
    assert places == (0 if settings else SWEEPS)
