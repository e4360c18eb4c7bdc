"""The lab's DNS servers answer honestly per state, over UDP and TCP, and misbehave as told."""

from __future__ import annotations

import asyncio

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.lab import net
from tests.lab.lab import Lab
from tests.lab_tests.asking import dns_at, dns_of, in_lab


def _shape(message: dns.message.Message) -> tuple[str, bool, list[str], list[str]]:
    """(rcode, AA, answer types, authority as "owner TYPE")."""
    return (
        dns.rcode.to_text(message.rcode()),
        bool(message.flags & dns.flags.AA),
        [dns.rdatatype.to_text(rrset.rdtype) for rrset in message.answer],
        [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}" for rrset in message.authority],
    )


def test_delegated_names_are_referred_and_absent_ones_denied_by_the_right_zone() -> None:
    """Referral without AA for a delegated name, NXDOMAIN with AA and the suffix's SOA for the rest."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.com")
        lab.registry.register("held.com")
        lab.registry.hold("held.com")
        lab.registry.register("example.co.uk")
        for tcp in (False, True):
            for second in (False, True):
                answer = await dns_of(lab, "com", "example.com", tcp=tcp, second=second)
                assert _shape(answer) == ("NOERROR", False, [], ["example.com. NS"])
        assert _shape(await dns_of(lab, "com", "held.com")) == ("NXDOMAIN", True, [], ["com. SOA"])
        assert _shape(await dns_of(lab, "com", "free.com")) == ("NXDOMAIN", True, [], ["com. SOA"])
        assert _shape(await dns_of(lab, "co.uk", "example.co.uk")) == ("NOERROR", False, [], ["example.co.uk. NS"])
        assert _shape(await dns_of(lab, "co.uk", "free.co.uk")) == ("NXDOMAIN", True, [], ["co.uk. SOA"])

    in_lab(body)


def test_the_tree_can_be_walked_from_the_root_to_a_web_server() -> None:
    """Root, suffix, third-level suffix, hosting: referrals with glue all the way, an address at the end."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.co.uk")
        root = await dns_of(lab, ".", "example.co.uk")
        uk = await dns_of(lab, "uk", "example.co.uk")
        host = await dns_of(lab, "com", "ns1.lab-hosting.com", "A")
        site = await dns_at(lab, net.HOSTING_DNS["ns1.lab-hosting.com"], "example.co.uk", "A")
        priming = await dns_of(lab, ".", ".")

        assert _shape(root)[3] == ["uk. NS"]
        assert {str(rrset[0]) for rrset in root.additional} == set(net.dns_addresses(5))
        assert _shape(uk)[3] == ["co.uk. NS"]
        assert net.HOSTING_DNS["ns1.lab-hosting.com"] in {str(rrset[0]) for rrset in host.additional}
        assert str(site.answer[0][0]) == net.WEB
        assert _shape(priming)[:3] == ("NOERROR", True, ["NS"])
        assert _shape(await dns_of(lab, ".", "nothing.test")) == ("NXDOMAIN", True, [], [". SOA"])

    in_lab(body)


def test_wildcards_and_undelegated_addresses_look_as_they_do_in_life() -> None:
    """Every .ws label has an address; a .de name can live inside the zone without a delegation."""

    async def body(lab: Lab) -> None:
        lab.registry.register("inline.de")
        lab.registry.inline("inline.de")

        assert _shape(await dns_of(lab, "ws", "anything.ws", "A"))[:3] == ("NOERROR", True, ["A"])
        assert _shape(await dns_of(lab, "ws", "anything.ws")) == ("NOERROR", True, [], ["ws. SOA"])
        assert _shape(await dns_of(lab, "de", "inline.de")) == ("NOERROR", True, [], ["de. SOA"])
        assert _shape(await dns_of(lab, "de", "inline.de", "A"))[:3] == ("NOERROR", True, ["A"])

    in_lab(body)


def test_serials_tell_the_age_of_a_zone_and_case_is_echoed() -> None:
    """A .com serial is Unix time, others count changes; the question comes back as it was spelled."""

    async def body(lab: Lab) -> None:
        com = await dns_of(lab, "com", "free.com")
        before = await dns_of(lab, "org", "free.org")
        lab.registry.register("change.org")
        after = await dns_of(lab, "org", "free.org")
        mixed = await dns_of(lab, "com", "FrEe.CoM")

        assert abs(com.authority[0][0].serial - lab.clock.wall()) < 20
        assert after.authority[0][0].serial == before.authority[0][0].serial + 1
        assert mixed.question[0].name.to_text() == "FrEe.CoM."

    in_lab(body)


@pytest.mark.parametrize(
    ("fault", "rcode", "authority"),
    [
        ("servfail", "SERVFAIL", []),
        ("refused", "REFUSED", []),
        ("throttle", "REFUSED", []),
        ("empty", "NOERROR", []),
        ("lying-404", "NXDOMAIN", ["com. SOA"]),
        ("wrong-zone", "NXDOMAIN", ["elsewhere.test. SOA"]),
        ("upward-referral", "NOERROR", [". NS"]),
    ],
)
def test_faults_that_are_wrong_answers(fault: str, rcode: str, authority: list[str]) -> None:
    """Each shows on the wire for as many answers as it was counted, then honesty returns."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.com")
        lab.faults.add("dns/com", fault, count=1)
        wrong = await dns_of(lab, "com", "example.com")
        right = await dns_of(lab, "com", "example.com")

        assert (_shape(wrong)[0], _shape(wrong)[3]) == (rcode, authority)
        assert _shape(right)[3] == ["example.com. NS"]

    in_lab(body)


def test_faults_below_the_message() -> None:
    """Silence, garbage, truncation with TC, a reset connection, the wrong id and the wrong question."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.com")
        for fault in ("silence", "wrong-id"):
            lab.faults.add("dns/com", fault)
            with pytest.raises((dns.exception.Timeout, dns.query.BadResponse)):
                await dns_of(lab, "com", "example.com")
            lab.faults.clear()
        lab.faults.add("dns/com", "truncate", count=1)
        cut = await dns_of(lab, "com", "example.com")
        assert cut.flags & dns.flags.TC
        assert not cut.authority
        for fault, error in (("garbage", dns.exception.DNSException), ("wrong-name", dns.query.BadResponse)):
            lab.faults.add("dns/com", fault, count=1)
            with pytest.raises(error):
                await dns_of(lab, "com", "example.com", tcp=True)
        for fault in ("reset", "truncate"):
            lab.faults.add("dns/com", fault, count=1)
            with pytest.raises((EOFError, ConnectionError)):
                await dns_of(lab, "com", "example.com", tcp=True)

    in_lab(body)


def test_a_fault_can_be_for_some_names_only_and_a_delay_only_delays() -> None:
    """The other names get the truth at once."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.com")
        lab.registry.register("other.com")
        lab.faults.add("dns/com", "servfail", names=["other.com"])
        lab.faults.add("dns/com", "delay", names=["example.com"], delay=0.05)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        late = await dns_of(lab, "com", "example.com")
        took = loop.time() - begin

        assert _shape(late)[3] == ["example.com. NS"]
        assert took >= 0.05
        assert _shape(await dns_of(lab, "com", "other.com"))[0] == "SERVFAIL"
        assert _shape(await dns_of(lab, "com", "free.com"))[0] == "NXDOMAIN"

    in_lab(body)


def test_what_is_no_query_gets_no_answer() -> None:
    """Noise neither stops the server nor is answered."""

    async def body(lab: Lab) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(net.dns_addresses(2)[0], lab.dns_port)
        )
        for noise in (b"", b"\x00", b"\xff" * 40, bytes(12)):
            transport.sendto(noise)
        transport.close()

        assert _shape(await dns_of(lab, "com", "free.com"))[0] == "NXDOMAIN"

    in_lab(body)


def test_an_answer_kept_for_speed_is_never_an_old_one() -> None:
    """The same question again, in other letters: its own id and case, and the truth of that moment."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.com")
        there = await dns_of(lab, "com", "example.com")
        again = await dns_of(lab, "com", "eXample.com")
        lab.registry.purge("example.com")
        gone = await dns_of(lab, "com", "example.com")
        lab.registry.catch("example.com")
        caught = await dns_of(lab, "com", "EXAMPLE.com")

        assert _shape(there)[3] == ["example.com. NS"]
        assert again.question[0].name.to_text() == "eXample.com."
        assert _shape(again)[3] == ["eXample.com. NS"]
        assert _shape(gone)[0] == "NXDOMAIN"
        assert "lab-parking" in str(caught.authority[0])

    in_lab(body)
