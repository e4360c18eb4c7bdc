"""Sweeps of the DNS checker: compact findings about many names at once, that say what single checks say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from actors.checkers.contract import Context
from actors.checkers.fast.dns import SWEEPS, DnsChecker, create
from common import clock
from common.clients.dns import NO_SERVER
from common.core.model.evidence import Observation, Outcome
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNUSUAL
from common.messages import Task
from common.worker_sweeps import SweepFindings
from tests.clients.dns_world import (
    HOSTING,
    ROOT,
    TLD,
    TLD_SECOND,
    Handler,
    Tree,
    World,
    failing,
    over_udp,
    run,
    serving,
    silent,
)

NAMES = [f"{word}{number}.test" for number in range(6) for word in ("taken", "free")]
CUTS = {name: {f"ns1.{name}": "192.0.2.1", "ns.host.example": None} for name in NAMES if name.startswith("taken")}
RECORDS = {("inside.test", "A"): ("192.0.2.9",)}
SERVED = serving(Tree("test", records=RECORDS, cuts=CUTS, serial=42), Tree("com", serial=1_795_000_000))
ROOT_ZONE = serving(
    Tree("", cuts={suffix: {f"a.nic.{suffix}": TLD, f"b.nic.{suffix}": TLD_SECOND} for suffix in ("test", "com")})
)
BOTH: dict[str, Handler] = {ROOT: ROOT_ZONE, TLD: SERVED, TLD_SECOND: SERVED}
T = TypeVar("T")


def task(domain: str, suffix: str, *, budget_ms: int = 4000) -> Task:
    """Ask about this name alone."""
    return Task("a.1", 1, "dns", domain, suffix, budget_ms=budget_ms)


def finding_of(found: SweepFindings, index: int) -> str:
    """What a sweep says about one name."""
    plain = {DELEGATED: "dns_auth_referral", NXDOMAIN: "dns_auth_nxdomain"}
    return plain.get(found.codes[index]) or found.observations[index].reading.finding


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
    """Delegated, missing and odd names of two suffixes get the finding of `check`, and odd ones its whole observation."""
    names = {"test": [*NAMES, "inside.test", "www.free1.test"], "com": ["free.com"]}

    async def story(checker: DnsChecker, _: World) -> None:
        for suffix, some in names.items():
            found = await checker.sweep(suffix, some, 5.0)
            single = [await checker.check(task(name, suffix)) for name in some]

            assert [finding_of(found, index) for index in range(len(some))] == [item.reading.finding for item in single]
            for index, odd in found.observations.items():
                assert comparable(odd) == comparable(single[index])
                assert len(odd.digest) == 64
                assert odd.address.partition(":")[0] in {TLD, TLD_SECOND}
            encoded = msgspec.msgpack.encode(found.observations)
            assert msgspec.msgpack.decode(encoded, type=dict[int, Observation]) == found.observations

    with_checker(BOTH, story)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (failing("SERVFAIL"), "dns_servfail"),
        (failing("REFUSED"), "dns_refused"),
        (over_udp(lambda answer, _: [answer[:-4]], SERVED), "dns_malformed"),
    ],
)
def test_trouble_is_unknown(fault: Handler, finding: str) -> None:
    """Errors and broken answers of every server prove nothing, for each name."""

    async def story(checker: DnsChecker, _: World) -> SweepFindings:
        return await checker.sweep("test", NAMES, 0.6)

    found, _ = with_checker({**BOTH, TLD: fault, TLD_SECOND: fault}, story)

    assert sorted(found.observations) == list(range(len(NAMES)))
    seen = found.observations.values()
    assert {(item.reading.outcome, item.reading.finding) for item in seen} == {(Outcome.UNKNOWN, finding)}
    assert {item.refused for item in seen} == {finding == "dns_refused"}


def test_sweep_is_compact() -> None:
    """One byte per name, its server, the zone's serial, and a whole observation only where an answer is unusual."""

    async def story(checker: DnsChecker, _: World) -> None:
        found = await checker.sweep("test", [*NAMES, "inside.test"], 5.0)
        codes = [DELEGATED if name in CUTS else NXDOMAIN for name in NAMES]

        assert list(found.codes) == [*codes, UNUSUAL]
        assert (found.server, found.width, found.serial, found.fresh_at) == ("test", 2, 42, None)
        assert {found.addresses[number].partition(":")[0] for number in found.served} == {TLD, TLD_SECOND}
        assert NO_SERVER not in found.served
        assert [item.reading.finding for item in found.observations.values()] == ["dns_auth_nodata"]
        assert list(found.observations) == [len(NAMES)]
        assert (found.asked, found.lost, found.truncated) == (len(NAMES) + 1, 0, 0)
        assert found.delay_ms is not None
        assert 0 < found.delay_ms < 1000

    with_checker(BOTH, story)


@pytest.mark.parametrize("closed", [True, False])
def test_a_sweep_without_an_answer_says_what_a_single_check_says(closed: bool) -> None:
    """Closed ports turn us away, silence does not: the same finding and the same word for the budget."""
    root = serving(Tree("", cuts={"test": {"a.nic.test": HOSTING if closed else TLD}}))

    async def story(checker: DnsChecker, _: World) -> tuple[SweepFindings, Observation]:
        single = await checker.check(task(NAMES[0], "test", budget_ms=600))
        return await checker.sweep("test", NAMES, 0.6), single

    (found, single), _ = with_checker({ROOT: root, TLD: silent}, story)

    assert found.trouble is not None
    assert (found.codes, found.observations) == (b"", {})
    assert (found.trouble.reading.finding, found.trouble.refused) == ("dns_unreachable" if closed else "dns_timeout", closed)
    assert (found.trouble.reading.finding, found.trouble.refused) == (single.reading.finding, single.refused)
    assert found.trouble.server == "test"


def test_sweep_over_tcp_says_so() -> None:
    """Where a server truncates all UDP answers, its address is that of the TCP connection; no whole observation is sent."""
    limiting = over_udp(lambda answer, _: [answer[:2] + bytes((answer[2] | 2,)) + answer[3:]], SERVED)

    async def story(checker: DnsChecker, _: World) -> None:
        found = await checker.sweep("test", NAMES, 5.0)

        assert list(found.codes) == [DELEGATED if name in CUTS else NXDOMAIN for name in NAMES]
        assert (found.serial, found.observations) == (42, {})
        assert all(found.addresses[number].endswith("/tcp") for number in found.served)
        assert len(set(found.addresses)) == 4
        assert found.truncated == found.asked == len(NAMES)

    with_checker({**BOTH, TLD: limiting, TLD_SECOND: limiting}, story)


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

    async def story(checker: DnsChecker, _: World) -> tuple[int, SweepFindings]:
        return checker.sweeps, await checker.sweep(suffix, [f"a.{suffix}"], 5.0)

    (places, found), _ = with_checker(BOTH, story, **settings)

    assert found.trouble is not None
    assert (found.trouble.reading.outcome, found.trouble.reading.finding) == (Outcome.UNKNOWN, finding)
    assert (found.codes, found.observations) == (b"", {})
    assert places == (0 if settings else SWEEPS)
