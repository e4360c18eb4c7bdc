"""What the scenarios need of the lab: further suffixes and dialects, servers that say what they are told, forgeries."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest

from tests.lab import net
from tests.lab.faults import FaultError, Words
from tests.lab.lab import Lab
from tests.lab.suffixes import SUFFIXES, Suffix, also
from tests.lab.truth import Truth
from tests.lab_tests.asking import PATIENCE, Rdap, dns_of, in_lab, whois_at, whois_of


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _json(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("dialect", "record", "free", "throttled"),
    [
        ("afnic", "status:                        ACTIVE", "%% NOT FOUND", "%% No entries found in the AFNIC Database."),
        ("eurid", "Domain: example.test", "Status: AVAILABLE", "-1: Still in grace period, wait 2 seconds"),
        ("nicit", "Status:             ok", "Status:             AVAILABLE", "blacklisted"),
        ("fred", "registrar:    REG-LAB", "%ERROR:101: no entries found", "connection limit exceeded"),
        ("cira", "Domain Name: example.test", "Not found: free.test", "rate limit exceeded"),
        ("registrobr", "status:      published", "% No match for free.test", "% No match for domain."),
        ("eis", "status:     ok (paid and in zone)", "Domain not found", "Too many requests"),
    ],
)
def test_further_dialects_tell_registered_free_and_throttled_apart(
    dialect: str, record: str, free: str, throttled: str
) -> None:
    """Each as its registry prints it."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.test")
        assert record in _lines(await whois_of(lab, "test", "example.test"))
        assert free in _lines(await whois_of(lab, "test", "free.test"))
        lab.faults.add("whois/test", "throttle", count=1)
        assert throttled in await whois_of(lab, "test", "example.test")

    with also(Suffix("test", 90, 90, dialect)):
        in_lab(body)


@pytest.mark.parametrize(
    ("dialect", "waits"), [("registrobr", "release process: waiting"), ("eis", "status:                AtAuction")]
)
def test_whois_says_that_a_purged_name_waits_in_a_release_procedure(dialect: str, waits: str) -> None:
    """Until it is released; then the same server says that there is no such name."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.test")
        lab.registry.purge("example.test", then=Truth.DROPZONE)
        free = _lines(await whois_of(lab, "test", "free.test"))
        held = _lines(await whois_of(lab, "test", "example.test"))
        lab.registry.release("example.test")
        released = _lines(await whois_of(lab, "test", "example.test"))

        assert waits in held
        assert waits not in free
        assert [line.replace("example", "free") for line in released] == free

    with also(Suffix("test", 90, 90, dialect)):
        in_lab(body)


def test_a_host_of_the_built_in_table_may_be_asked_and_has_no_address() -> None:
    """Only where the suffix says so: it has a budget, no row in the WHOIS file, and the lab's DNS looks hosts up."""

    async def body(lab: Lab) -> None:
        settings = lab.environment()
        listed, budgets = (_json(settings[name]) for name in ("WHOIS_SERVERS_FILE", "BUDGETS_FILE"))

        assert "bond" not in listed
        assert budgets["whois/whois.nic.bond"]["rate"] > 0
        assert "whois/whois.nic.beer" not in budgets
        assert settings["DNS_RESOLVERS"] == settings["DNS_ROOT_SERVERS"]
        assert (await dns_of(lab, "bond", "whois.nic.bond")).rcode() == dns.rcode.NXDOMAIN

    with also(Suffix("bond", 90, 90, "gtld", whois=False, whois_gone=True), Suffix("beer", 91, 91, "gtld", whois=False)):
        in_lab(body)


def test_further_suffixes_are_gone_after_the_block_and_may_not_clash() -> None:
    """The table of every other lab stays as it is."""
    with also(Suffix("test", 90, 90, "gtld")):
        assert "test" in SUFFIXES
    assert "test" not in SUFFIXES
    with pytest.raises(ValueError, match="taken"), also(Suffix("com", 90, 90, "gtld")):
        pass
    with pytest.raises(ValueError, match="taken"), also(Suffix("test", 2, 90, "gtld")):
        pass


def test_a_server_says_what_it_is_told() -> None:
    """With the name, and with what it would have said honestly; only about the names it is told to."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        lab.faults.add("whois/org", "says", names=["example.org"], words=Words("{record}\nNo match for {NAME}, {name}\n{free}"))
        lab.faults.add("rdap/org", "says", names=["example.org"], words={"text": '{"a":"{name}"}', "status": 418})
        text = await whois_of(lab, "org", "example.org")
        assert "Domain Name: EXAMPLE.ORG" in _lines(text)
        assert "No match for EXAMPLE.ORG, example.org" in _lines(text)
        assert "Domain not found." in _lines(text)
        assert _lines(await whois_of(lab, "org", "other.org"))[0] == "Domain not found."
        async with Rdap(lab) as rdap:
            assert (await rdap.get("org", "example.org"))[:2] == (418, {"a": "example.org"})
            assert (await rdap.get("org", "other.org"))[0] == 404
        assert [fault.met for fault in lab.faults.current()] == [1, 1]
        for kind, words in (("says", None), ("throttle", Words("x"))):
            with pytest.raises(FaultError):
                lab.faults.add("whois/org", kind, words=words)

    in_lab(body)


def test_an_endless_answer_ends_only_with_the_client() -> None:
    """The same text again and again."""

    async def body(lab: Lab) -> None:
        lab.faults.add("whois/org", "endless", count=1, words=Words("{free}"))
        reader, writer = await asyncio.open_connection(net.whois_address(3), lab.whois_port)
        writer.write(b"free.org\r\n")
        got = await reader.readexactly(1 << 20)
        writer.close()
        assert got.count(b"Domain not found.") > 1000

    in_lab(body)


def test_a_forger_is_faster_and_wrong() -> None:
    """Another id, another question, another port: no such name; then the true answer."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        lab.faults.add("dns/org", "forged", count=1)
        query = dns.message.make_query("example.org", "NS")
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[bytes] = asyncio.Queue()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the protocol's signature
                inbox.put_nowait(data)

        transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=(net.dns_addresses(3)[0], lab.dns_port))
        transport.sendto(query.to_wire())
        async with asyncio.timeout(PATIENCE):
            came = [dns.message.from_wire(await inbox.get()) for _ in range(3)]
        transport.close()

        assert [answer.rcode() for answer in came] == [dns.rcode.NXDOMAIN, dns.rcode.NXDOMAIN, dns.rcode.NOERROR]
        assert [query.is_response(answer) for answer in came] == [False, False, True]

    in_lab(body)


def test_registries_can_be_missing_in_every_way() -> None:
    """No WHOIS, a foreign RDAP server, a suffix that the root does not know, a server that only IANA's server names."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.test")
        gone = await dns_of(lab, ".", "example.test")
        assert gone.rcode() == dns.rcode.NXDOMAIN
        async with Rdap(lab) as rdap:
            assert (await rdap.fetch(f"{lab.rdap_base('org')}domain/example.test"))[0] == 404
        assert net.whois_address(91) in await whois_at(net.IANA_WHOIS, lab.whois_port, "invalid")
        assert "refer:" not in await whois_at(net.IANA_WHOIS, lab.whois_port, "test")
        assert 'No match for "EXAMPLE.TEST".' in await whois_at(net.ELSEWHERE_WHOIS, lab.whois_port, "example.test")

    with also(
        Suffix("test", 90, 90, "gtld", whois=False, rdap_of="org", in_root=False),
        Suffix("invalid", 91, 91, "gtld", rdap=False, named_by_iana=True),
    ):
        in_lab(body)
