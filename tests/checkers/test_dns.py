"""The DNS checker: what it reports about names in a small tree of real servers, and that no server makes it raise."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable

import dns.message
import msgspec
import pytest

from actors.checkers.contract import Context
from actors.checkers.fast.dns import create
from common import clock
from common.core.model.evidence import Observation, Outcome
from common.core.parsers.dns import parse_dns_answer
from common.messages import Task
from tests.clients.dns_world import HOSTING, ROOT, TLD, TLD_SECOND, Handler, Tree, World, failing, over_udp, serving, silent

CUTS = {"taken.test": {"ns1.taken.test": "192.0.2.1", "ns2.elsewhere.example": None}, "shop.co.test": {"ns.x.example": None}}
ZONE = Tree("test", records={("inside.test", "A"): ("192.0.2.9",)}, cuts=CUTS, serial=42)
SERVED = serving(ZONE)
ROOT_HANDLER = serving(Tree("", cuts={"test": {"a.nic.test": TLD, "b.nic.test": TLD_SECOND}}))
BOTH: dict[str, Handler] = {ROOT: ROOT_HANDLER, TLD: SERVED, TLD_SECOND: SERVED}


def task(domain: str, suffix: str = "test", *, confirm: bool = False, budget_ms: int = 3000) -> Task:
    """Ask about this name."""
    return Task("a.1", 1, "dns", domain, suffix, budget_ms=budget_ms, confirm=confirm)


def observe(
    handlers: dict[str, Handler], *tasks: Task, change: Callable[[World, int], None] | None = None, **more: str
) -> tuple[list[Observation], World]:
    """The observations of one checker that works these tasks in turn; `change` runs before each.

    A second pass is told where the answer before it came from.
    """

    async def story() -> tuple[list[Observation], World]:
        async with World(dict(handlers)) as world:
            named = {name: value.replace("PORT", str(world.port)) for name, value in more.items()}
            checker = create(Context(world.settings(**named), clock.now, clock.monotonic))
            seen = []
            for number, item in enumerate(tasks):
                if change is not None:
                    change(world, number)
                spare = seen[-1].address if item.confirm else ""
                observation = await checker.check(msgspec.structs.replace(item, spare=spare))
                assert msgspec.msgpack.decode(msgspec.msgpack.encode(observation), type=Observation) == observation
                seen.append(observation)
            await checker.close()
            return seen, world

    return asyncio.run(story())


def test_delegated_name_is_registered() -> None:
    """A referral becomes an observation with everything needed to judge it again."""
    (seen,), world = observe(BOTH, task("taken.test"))

    assert (seen.method, seen.reading.outcome, seen.reading.finding) == ("dns", Outcome.REGISTERED, "dns_auth_referral")
    assert seen.reading.fields.nameservers == ("ns1.taken.test", "ns2.elsewhere.example")
    assert (seen.server, seen.status, seen.width, seen.refused) == ("test", 0, 2, False)
    assert seen.address in {f"{address}:{world.port}/udp" for address in (TLD, TLD_SECOND)}
    assert "authority taken.test NS ns1.taken.test" in seen.excerpt
    assert len(seen.digest) == len(hashlib.sha256().hexdigest())
    assert 0 < seen.duration_ms < 3000


def test_absent_name_is_unregistered() -> None:
    """NXDOMAIN with the suffix's own SOA record, and its serial."""
    (seen,), world = observe(BOTH, task("free.test"))

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNREGISTERED, "dns_auth_nxdomain")
    assert (seen.reading.serial, seen.reading.fresh_at, seen.status) == (42, None, 3)
    assert len(world.asked("free.test")) == 1


def test_second_pass_asks_another_server_over_tcp() -> None:
    """A confirmation must not come from where the first answer came from, nor over the same transport."""
    passes = [task("free.test"), task("free.test", confirm=True), task("free.test", confirm=True)]
    for _ in range(5):
        seen, world = observe(BOTH, *passes)
        addresses = [address for address, _, _ in world.asked("free.test")]

        assert addresses[0] != addresses[1] != addresses[2]
        assert [item.address.rpartition("/")[2] for item in seen] == ["udp", "tcp", "tcp"]
        assert [item.reading.outcome for item in seen] == [Outcome.UNREGISTERED] * 3


def test_second_pass_with_one_server_only() -> None:
    """Where a suffix has a single address the confirmation goes there again, over TCP."""
    handlers = {ROOT: serving(Tree("", cuts={"test": {"a.nic.test": TLD}})), TLD: SERVED}
    (_, second), _ = observe(handlers, task("free.test"), task("free.test", confirm=True))

    assert (second.reading.outcome, second.width) == (Outcome.UNREGISTERED, 1)
    assert second.address.endswith("/tcp")


BROKEN = {
    "silent": silent,
    "servfail": failing("SERVFAIL"),
    "refused": failing("REFUSED"),
    "formerr": failing("FORMERR"),
    "notimp": failing("NOTIMP"),
    "garbage": over_udp(lambda _answer, query: [query[:12] + b"\xff" * 20] * 2, silent),
    "cut off": over_udp(lambda answer, _: [answer[:-4]], SERVED),
    "another zone": serving(Tree("")),
    "truncated": lambda _query, wire, tcp: [] if tcp else [wire[:2] + b"\x82\0" + wire[4:]],
}


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_one_broken_server_is_passed_over(fault: str) -> None:
    """While one of two servers is in trouble every name still gets its verdict."""
    names = [task("taken.test", budget_ms=450), task("free.test", budget_ms=450)] * 2
    seen, _ = observe({**BOTH, TLD: BROKEN[fault]}, *names)

    assert [item.reading.outcome for item in seen] == [Outcome.REGISTERED, Outcome.UNREGISTERED] * 2


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_only_broken_servers_prove_nothing(fault: str) -> None:
    """Whatever goes wrong everywhere, a name is unknown, the reason is told, and nothing is raised."""
    (seen,), world = observe({**BOTH, TLD: BROKEN[fault], TLD_SECOND: BROKEN[fault]}, task("free.test", budget_ms=300))

    assert seen.reading.outcome is Outcome.UNKNOWN
    assert seen.reading.reason
    assert seen.server == "test"
    assert 1 <= len({address for address, _, _ in world.asked("free.test")}) <= 2
    assert seen.refused is (fault == "refused")


def test_silence_is_reported_within_the_budget() -> None:
    """No server answers: unknown after the time that was granted, and the next task does not wait for silent servers."""
    handlers = {**BOTH, TLD: silent, TLD_SECOND: silent}
    seen, _ = observe(handlers, *[task("free.test", budget_ms=150)] * 3)

    assert [item.reading.finding for item in seen[:2]] == ["dns_timeout"] * 2
    assert seen[0].duration_ms < 400
    assert seen[2].reading.finding == "dns_no_servers"
    assert (seen[2].width, seen[2].duration_ms < 50) == (0, True)


def test_silent_root_is_unknown() -> None:
    """Without the suffix's servers there is no verdict."""
    (seen,), _ = observe({ROOT: silent}, task("free.test", budget_ms=100))

    assert (seen.reading.outcome, seen.reading.finding, seen.width) == (Outcome.UNKNOWN, "dns_timeout", None)


def test_wildcard_is_unknown_after_one_question() -> None:
    """A suffix that answers with an alias proves nothing about a name, and the next server would say the same."""
    wild = serving(Tree("test", records={("wild.test", "CNAME"): ("park.test.",)}))
    (seen,), world = observe({**BOTH, TLD: wild, TLD_SECOND: wild}, task("wild.test"))

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "dns_auth_wildcard")
    assert len(world.asked("wild.test")) == 1


def test_name_inside_the_zone_without_name_servers_is_registered() -> None:
    """Some registries keep the records of a name in their own zone: no delegation, yet not absent."""
    (seen,), _ = observe(BOTH, task("inside.test"))

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.REGISTERED, "dns_auth_nodata")


def test_suffix_that_is_gone_makes_no_name_free() -> None:
    """The root denies the top-level domain: unknown, never unregistered."""
    (seen,), _ = observe(BOTH, task("free.gone", "gone"))

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "dns_suffix_gone")


def test_second_level_suffixes_with_and_without_a_cut() -> None:
    """Under co.test the SOA record must be that of the zone which serves it: test, or co.test itself."""
    plain, _ = observe(BOTH, task("shop.co.test", "co.test"), task("free.co.test", "co.test"))
    tld = serving(Tree("test", cuts={"co.test": {"ns.co.test": HOSTING}}))
    own = serving(Tree("co.test", cuts={"shop.co.test": {"ns.x.example": None}}))
    cut, _ = observe(
        {**BOTH, TLD: tld, TLD_SECOND: tld, HOSTING: own}, task("shop.co.test", "co.test"), task("free.co.test", "co.test")
    )

    assert [seen.reading.outcome.value for seen in plain + cut] == ["registered", "unregistered"] * 2
    assert [seen.server for seen in plain + cut] == ["test", "test", "co.test", "co.test"]


def test_moved_suffix_is_found_again() -> None:
    """When none of the known servers serves the suffix any more, the next task asks the root again."""

    def move(world: World, number: int) -> None:
        if number == 1:
            gone = serving(Tree("other"))
            moved = serving(Tree("", cuts={"test": {"c.nic.test": HOSTING}}))
            world.handlers.update({ROOT: moved, TLD: gone, TLD_SECOND: gone, HOSTING: SERVED})

    seen, _ = observe({**BOTH, HOSTING: silent}, *[task("taken.test")] * 3, change=move)

    assert [item.reading.outcome.value for item in seen] == ["registered", "unknown", "registered"]
    assert seen[1].refused


def test_time_of_a_zone_in_the_future_is_dropped() -> None:
    """A serial of com that lies ahead of our clock dates nothing; one in the past does."""
    for serial, dated in ((1_999_999_999, False), (1_700_000_000, True)):
        com = serving(Tree("com", serial=serial))
        handlers = {ROOT: serving(Tree("", cuts={"com": {"a.gtld.com": TLD}})), TLD: com}
        (seen,), _ = observe(handlers, task("free.com", "com"))

        assert (seen.reading.outcome, seen.reading.serial) == (Outcome.UNREGISTERED, serial)
        assert (seen.reading.fresh_at is not None) is dated


def test_resolver_mode_asks_the_resolvers_with_findings_of_their_own() -> None:
    """DNS_MODE=resolver: RD=1, no walk from the root, and only the weaker findings."""
    flags: list[int] = []

    def resolver(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        flags.append(query.flags)
        whole = Tree("test", records={("taken.test", "NS"): ("ns1.taken.test.",)})
        return serving(whole)(query, wire, tcp)

    seen, world = observe(
        {HOSTING: resolver},
        task("taken.test"),
        task("free.test"),
        task("free.test", confirm=True),
        DNS_MODE="resolver",
        DNS_RESOLVERS=f"{HOSTING}:PORT",
        ALLOWED_PRIVATE_NETWORKS="",
    )

    assert [item.reading.finding for item in seen] == ["dns_recursive_positive"] + ["dns_recursive_nxdomain"] * 2
    assert seen[0].server == HOSTING
    assert {address for address, *_ in world.queries} == {HOSTING}
    assert all(flag & 0x0100 for flag in flags)


def test_observation_can_be_judged_again_from_the_wire() -> None:
    """The parser says about recorded bytes what the checker said about the answer."""
    recorded: list[bytes] = []

    def record(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        recorded[:] = SERVED(query, wire, tcp)
        return recorded

    (seen,), _ = observe({**BOTH, TLD: record, TLD_SECOND: record}, task("free.test"))
    wire = base64.b64decode(base64.b64encode(recorded[0]))

    assert seen.digest == hashlib.sha256(wire).hexdigest()
    assert parse_dns_answer(wire, "free.test", "test") == seen.reading


def test_many_names_at_once() -> None:
    """Hundreds of tasks at once share one search for the servers and keep their answers apart."""

    async def story() -> None:
        async with World(dict(BOTH)) as world:
            checker = create(Context(world.settings(), clock.now, clock.monotonic))
            names = [name for number in range(150) for name in (f"free{number}.test", "taken.test")]
            seen = await asyncio.gather(*(checker.check(task(name, budget_ms=20_000)) for name in names))
            await checker.close()

        expected = [Outcome.REGISTERED if name == "taken.test" else Outcome.UNREGISTERED for name in names]
        assert [item.reading.outcome for item in seen] == expected
        assert len(world.asked("test")) == 1

    asyncio.run(story())
