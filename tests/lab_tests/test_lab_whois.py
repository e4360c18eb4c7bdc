"""The lab's WHOIS servers answer honestly per state in six dialects, and misbehave as told."""

from __future__ import annotations

import pytest

from tests.lab import net
from tests.lab.lab import Lab
from tests.lab_tests.asking import in_lab, whois_at, whois_of


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("suffix", "query", "record", "free"),
    [
        ("com", "domain {}", "Domain Name: EXAMPLE.COM", 'No match for "FREE.COM".'),
        ("org", "{}", "Domain Name: EXAMPLE.ORG", "Domain not found."),
        ("io", "{}", "Domain Name: EXAMPLE.IO", "Domain not found."),
        ("co.uk", "{}", "example.co.uk", "This domain name has not been registered."),
        ("de", "-T dn,ace {}", "Status: connect", "Status: free"),
        ("se", "{}", "state:            active", 'domain "free.se" not found.'),
        ("ws", "{}", "Domain Name: EXAMPLE.WS", 'No match for "free.ws".'),
    ],
)
def test_each_dialect_tells_registered_from_free(suffix: str, query: str, record: str, free: str) -> None:
    """The record names the registrar or a name server; the free line stands alone on its line."""

    async def body(lab: Lab) -> None:
        lab.registry.register(f"example.{suffix}")
        there = await whois_of(lab, suffix, query.format(f"example.{suffix}"))
        gone = await whois_of(lab, suffix, query.format(f"free.{suffix}"))

        assert record in _lines(there)
        assert "ns1.lab-hosting.com" in there.lower()
        assert free not in _lines(there)
        assert free in _lines(gone)
        assert "ns1.lab-hosting.com" not in gone.lower()

    in_lab(body)


def test_what_rdap_hides_whois_tells() -> None:
    """Reserved, blocked, premium and Dropzone names have their own texts."""

    async def body(lab: Lab) -> None:
        lab.registry.reserve("kept.io")
        lab.registry.block("blocked.io")
        lab.registry.premium("golden.io")
        lab.registry.register("dropped.io")
        lab.registry.purge("dropped.io")

        assert "reserved by the Registry" in await whois_of(lab, "io", "kept.io")
        assert "blocked by a GlobalBlock service" in await whois_of(lab, "io", "blocked.io")
        assert "This premium domain is available for purchase" in await whois_of(lab, "io", "golden.io")
        assert "Dropzone service" in await whois_of(lab, "io", "dropped.io")

    in_lab(body)


def test_late_phases_show_in_each_dialect() -> None:
    """Pending delete and its kin, in the registry's own words."""

    async def body(lab: Lab) -> None:
        for name in ("example.com", "example.co.uk", "example.de", "example.se"):
            lab.registry.register(name)
            lab.registry.delete(name)

        assert "redemptionPeriod" in await whois_of(lab, "com", "domain example.com")
        assert "No longer required." in await whois_of(lab, "co.uk", "example.co.uk")
        assert "Status: redemptionPeriod" in await whois_of(lab, "de", "example.de")
        assert "date_to_release:" in await whois_of(lab, "se", "example.se")

    in_lab(body)


def test_iana_refers_to_the_servers() -> None:
    """`refer:` and `whois:` lines for a known suffix, none for others."""

    async def body(lab: Lab) -> None:
        com = await whois_at(net.IANA_WHOIS, lab.whois_port, "com")
        nothing = await whois_at(net.IANA_WHOIS, lab.whois_port, "test")

        assert f"refer:        {net.whois_address(2)}" in _lines(com)
        assert "refer:" not in nothing

    in_lab(body)


def test_faults_show_and_honesty_returns() -> None:
    """Throttle text, lie, wrong name, emptiness, garbage, truncation, twenty bytes and excess, once each."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        honest = await whois_of(lab, "org", "example.org")
        seen = {}
        for fault in ("throttle", "lying-404", "wrong-name", "empty", "garbage", "truncate", "cut", "oversize"):
            lab.faults.add("whois/org", fault, count=1)
            seen[fault] = await whois_of(lab, "org", "example.org")

        assert "LIMIT EXCEEDED" in seen["throttle"]
        assert "Domain not found." in _lines(seen["lying-404"])
        assert "Domain Name: NOT-EXAMPLE.ORG" in _lines(seen["wrong-name"])
        assert seen["empty"] == ""
        assert "Domain Name" not in seen["garbage"]
        assert seen["truncate"] == honest[: len(seen["truncate"])]
        assert 0 < len(seen["truncate"]) < len(honest)
        assert seen["cut"] == honest[:20]
        assert len(seen["oversize"]) > 1 << 20
        assert "Domain Name: EXAMPLE.ORG" in _lines(await whois_of(lab, "org", "example.org"))

    in_lab(body)


def test_every_dialect_has_its_throttle_text() -> None:
    """None of them is empty and none of them is a record."""

    async def body(lab: Lab) -> None:
        for suffix in ("com", "org", "co.uk", "de", "se", "ws"):
            lab.registry.register(f"example.{suffix}")
            lab.faults.add(f"whois/{suffix}", "throttle", count=1)
            text = await whois_of(lab, suffix, f"example.{suffix}")
            assert len(text) > 20
            assert "ns1.lab-hosting.com" not in text

    in_lab(body)


def test_silence_reset_and_refusal() -> None:
    """No answer, a cut connection, and a port without a listener until the fault is over."""

    async def body(lab: Lab) -> None:
        for fault, error in (("silence", TimeoutError), ("drip", TimeoutError), ("reset", ConnectionError)):
            lab.faults.add("whois/org", fault, count=1)
            with pytest.raises(error):
                await whois_of(lab, "org", "free.org")
        lab.faults.add("whois/org", "refused")
        await lab.settle()
        with pytest.raises(ConnectionRefusedError):
            await whois_of(lab, "org", "free.org")
        lab.faults.clear("whois/org")
        await lab.settle()
        assert "Domain not found." in await whois_of(lab, "org", "free.org")

    in_lab(body)
