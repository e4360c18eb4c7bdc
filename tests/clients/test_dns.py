"""The DNS client walks down trees of real name servers on loopback: cuts, missing glue, lame servers, circles, and hosts."""

from __future__ import annotations

import asyncio

import dns.message
import pytest

from common.clients.dns import SuffixGoneError, host_resolver, shared_engine
from common.errors import ClientError, TimedOut
from tests.clients.dns_world import (
    BOTH,
    HOSTING,
    ROOT,
    ROOT_ZONE,
    TEST_ZONE,
    TLD,
    TLD_SECOND,
    Clock,
    Handler,
    Tree,
    World,
    engine_of,
    failing,
    over_udp,
    run,
    serving,
    silent,
)

# Down the tree


def zone_of(suffix: str, handlers: dict[str, Handler]) -> tuple[str, list[str], World]:
    """Name and server addresses of the zone that serves a suffix."""

    async def story(world: World) -> tuple[str, list[str]]:
        zone = await engine_of(world).find_zone(suffix, 3)
        return zone.name, sorted(address for address, _ in zone.endpoints)

    (name, addresses), world = run(handlers, story)
    return name, addresses, world


def test_suffix_servers_come_from_the_root() -> None:
    """One question to the root gives the servers of a top-level domain."""
    assert zone_of("test", BOTH)[:2] == ("test", [TLD, TLD_SECOND])


def test_second_level_suffix_with_a_cut_of_its_own() -> None:
    """co.test is delegated: its own servers are asked from then on."""
    tld = Tree("test", cuts={"co.test": {"ns.co.test": HOSTING}})

    assert zone_of("co.test", {**BOTH, TLD: serving(tld), TLD_SECOND: serving(tld)})[:2] == ("co.test", [HOSTING])


def test_second_level_suffix_without_a_cut() -> None:
    """co.test is no zone: the servers of test answer, and test owns the SOA record."""
    tld = Tree("test", cuts={"name.co.test": {"ns.name.co.test": "192.0.2.1"}})

    assert zone_of("co.test", {**BOTH, TLD: serving(tld), TLD_SECOND: serving(tld)})[:2] == ("test", [TLD, TLD_SECOND])


def test_second_level_suffix_on_the_servers_of_its_parent() -> None:
    """The servers of test also serve co.test and answer for it themselves: a zone of its own on the same servers."""
    child = Tree("co.test", records={("co.test", "NS"): ("a.nic.test.", "b.nic.test.")})
    parent = Tree("test", records={("a.nic.test", "A"): (TLD,), ("b.nic.test", "A"): (TLD_SECOND,)})
    both = serving(parent, child)

    assert zone_of("co.test", {**BOTH, TLD: both, TLD_SECOND: both})[:2] == ("co.test", [TLD, TLD_SECOND])


def test_name_servers_without_glue_are_looked_up() -> None:
    """A delegation to hosts elsewhere in the tree is followed, and hearsay glue for them is not believed."""
    root = Tree(
        "",
        cuts={"test": {"ns1.hosting.example": None}, "example": {"a.nic.example": TLD_SECOND}},
    )
    example = Tree("example", cuts={"hosting.example": {"ns1.hosting.example": HOSTING}})
    hosting = Tree("hosting.example", records={("ns1.hosting.example", "A"): (TLD,)})
    handlers = {ROOT: serving(root), TLD: serving(TEST_ZONE), TLD_SECOND: serving(example), HOSTING: serving(hosting)}

    assert zone_of("test", handlers)[:2] == ("test", [TLD])


def test_glue_from_outside_the_zone_is_ignored() -> None:
    """A registry's servers cannot say where a host of another registry lives."""
    tld = Tree("test", cuts={"co.test": {"ns.other.example": "127.9.0.66"}})
    root = Tree("", cuts={"test": {"a.nic.test": TLD}, "example": {"a.nic.example": TLD_SECOND}})
    example = Tree("example", records={("ns.other.example", "A"): (HOSTING,)})
    handlers = {ROOT: serving(root), TLD: serving(tld), TLD_SECOND: serving(example)}

    assert zone_of("co.test", handlers)[:2] == ("co.test", [HOSTING])


def test_name_servers_that_lead_in_circles_end() -> None:
    """Two zones whose only name servers live in each other, without glue: an error after a few queries."""
    root = Tree("", cuts={"test": {"ns.one.example": None}, "example": {"ns.two.test": None}})

    async def story(world: World) -> None:
        with pytest.raises(ClientError):
            await engine_of(world).find_zone("test", 3)

    _, world = run({ROOT: serving(root)}, story)

    assert len(world.queries) < 10


def test_delegation_without_end_is_bounded() -> None:
    """A server that always invents two more name servers without glue is left after a bounded number of queries."""
    count = 0

    def inventive(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        nonlocal count
        count += 1
        suffix = query.question[0].name.labels[-2].decode().lower()
        tree = Tree("", cuts={suffix: {f"ns.x{count}": None, f"ns.y{count}": None}})
        return [tree.answer(query).to_wire()]

    async def story(world: World) -> None:
        with pytest.raises(ClientError):
            await engine_of(world).find_zone("test", 5)

    _, world = run({ROOT: inventive}, story)

    assert len(world.queries) <= 70


@pytest.mark.parametrize(
    "origin",
    ["", "other", "test"],
    ids=["upward", "sideways", "to itself"],
)
def test_referrals_that_do_not_lead_down_are_lame(origin: str) -> None:
    """A server that refers up, aside or to the zone it should serve is no server of that zone."""
    lame = Tree("x", cuts={})

    def refer(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        made = dns.message.make_response(query)
        lame._refer(made, origin, {"ns.x": TLD})
        return [made.to_wire()]

    async def story(world: World) -> None:
        with pytest.raises(ClientError, match="does not serve test"):
            await engine_of(world).find_zone("co.test", 3)

    _, world = run({**BOTH, TLD: refer, TLD_SECOND: refer}, story)

    assert len(world.queries) == 3


def test_another_server_is_asked_where_one_fails() -> None:
    """One broken server of three is passed over."""
    tld = serving(Tree("test", cuts={"co.test": {"ns.co.test": HOSTING}}))
    for broken in (silent, failing("SERVFAIL"), failing("REFUSED"), over_udp(lambda a, _: [a[:-3]], tld)):
        name, _, _ = zone_of("co.test", {**BOTH, TLD: broken, TLD_SECOND: tld})

        assert name == "co.test"


def test_suffix_that_does_not_exist_is_told_apart() -> None:
    """The root denies the top-level domain; that is remembered and never taken for a free name."""

    async def story(world: World) -> None:
        engine = engine_of(world)
        for _ in range(3):
            with pytest.raises(SuffixGoneError):
                await engine.find_zone("gone", 1)

    _, world = run(BOTH, story)

    assert len(world.queries) == 1


def test_zone_is_kept_for_its_ttl_and_survives_a_failing_root() -> None:
    """Within the TTL nothing is asked; afterwards the last good servers serve on while the root stays silent."""
    clock = Clock()

    async def story(world: World) -> None:
        engine = engine_of(world, clock)
        first = await engine.find_zone("test", 1)
        clock.at += 3599
        assert await engine.find_zone("test", 1) is first
        assert len(world.queries) == 1

        world.handlers[ROOT] = failing("SERVFAIL")
        clock.at += 2
        assert await engine.find_zone("test", 1) is first
        asked = len(world.queries)
        assert asked > 1
        assert await engine.find_zone("test", 1) is first
        assert len(world.queries) == asked

        world.handlers[ROOT] = serving(ROOT_ZONE)
        clock.at += 61
        assert (await engine.find_zone("test", 1)).expires == clock.at + 3600

    run(BOTH, story)


def test_short_ttl_is_stretched() -> None:
    """A TTL of zero does not make us ask the root for every name."""
    root = Tree("", cuts={"test": {"a.nic.test": TLD}}, ttl=0)

    async def story(world: World) -> None:
        engine = engine_of(world)
        for _ in range(5):
            await engine.find_zone("test", 1)

    _, world = run({ROOT: serving(root)}, story)

    assert len(world.queries) == 1


def test_searches_for_one_suffix_are_shared() -> None:
    """A hundred tasks for a new suffix cost one search; one that gives up early does not end it for the others."""

    async def story(world: World) -> None:
        engine = engine_of(world)
        hasty = asyncio.create_task(engine.find_zone("test", 5))
        zones = asyncio.gather(*(engine.find_zone("test", 5) for _ in range(100)))
        await asyncio.sleep(0)
        hasty.cancel()
        assert len({zone.name for zone in await zones}) == 1
        await engine.close()

    _, world = run(BOTH, story)

    assert len(world.queries) == 1


def test_lame_servers_make_the_next_task_search_again() -> None:
    """After a move of the suffix to other servers the root is asked again, at most once a minute."""
    clock = Clock()

    async def story(world: World) -> None:
        engine = engine_of(world, clock)
        await engine.find_zone("test", 1)
        world.handlers[ROOT] = serving(Tree("", cuts={"test": {"c.nic.test": HOSTING}}))
        for _ in range(3):
            engine.note_lame("test")
            assert [address for address, _ in (await engine.find_zone("test", 1)).endpoints] == [HOSTING]

    _, world = run(BOTH, story)

    assert len(world.queries) == 2


def test_search_ends_with_the_callers_time() -> None:
    """A caller waits no longer than it can; the search goes on for the next one until the engine is closed."""

    async def story(world: World) -> None:
        engine = engine_of(world)
        with pytest.raises(TimedOut):
            await engine.find_zone("test", 0.05)
        await engine.close()

    run({ROOT: silent}, story)


# Hosts

WEB = Tree(
    "site.test",
    records={
        ("www.site.test", "CNAME"): ("edge.site.test.",),
        ("edge.site.test", "A"): ("192.0.2.80", "192.0.2.81"),
        ("edge.site.test", "AAAA"): ("2001:db8::80",),
        ("six.site.test", "AAAA"): ("2001:db8::6",),
        ("out.site.test", "CNAME"): ("a.test.",),
        ("loop.site.test", "CNAME"): ("pool.site.test.",),
        ("pool.site.test", "CNAME"): ("loop.site.test.",),
        ("empty.site.test", "TXT"): ('"x"',),
        **{(f"c{number}.site.test", "CNAME"): (f"c{number + 1}.site.test.",) for number in range(30)},
    },
)
HOSTS = serving(
    Tree("test", records={("a.test", "A"): ("192.0.2.7",)}, cuts={"site.test": {"ns.site.test": HOSTING}}),
)
HOST_WORLD: dict[str, Handler] = {ROOT: serving(ROOT_ZONE), TLD: HOSTS, TLD_SECOND: HOSTS, HOSTING: serving(WEB)}


def flat(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
    """A resolver that knows the site and nothing else."""
    return serving(WEB, Tree("test", records={("a.test", "A"): ("192.0.2.7",)}))(query, wire, tcp)


@pytest.mark.parametrize("mode", ["authoritative", "resolver"])
@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("edge.site.test", ["192.0.2.80", "192.0.2.81", "2001:db8::80"]),
        ("WWW.site.test.", ["192.0.2.80", "192.0.2.81", "2001:db8::80"]),
        ("six.site.test", ["2001:db8::6"]),
        ("out.site.test", ["192.0.2.7"]),
        ("c25.site.test", None),
        ("c1.site.test", None),
        ("loop.site.test", None),
        ("empty.site.test", None),
        ("missing.site.test", None),
    ],
)
def test_host_addresses(mode: str, host: str, found: list[str] | None) -> None:
    """Both families, along aliases, within bounds; an error where there is no address."""

    async def story(world: World) -> list[str] | None:
        resolver = host_resolver(settings := world.settings(DNS_MODE=mode, DNS_RESOLVERS=f"{HOSTING}:{world.port}"))
        assert shared_engine(settings) is shared_engine(settings)
        try:
            return sorted(await resolver.addresses(host))
        except ClientError:
            return None

    handlers = HOST_WORLD if mode == "authoritative" else {HOSTING: flat}

    assert run(handlers, story)[0] == found


def test_host_search_starts_at_the_closest_known_zone() -> None:
    """The second host of a zone costs two questions, not a walk from the root."""

    async def story(world: World) -> int:
        engine = engine_of(world)
        await engine.addresses("edge.site.test", 2)
        before = len(world.queries)
        await engine.addresses("edge.site.test", 2)
        return len(world.queries) - before

    assert run(HOST_WORLD, story)[0] == 2
