"""The lab's EPP servers follow the protocol, answer honestly per state, and misbehave as told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from tests.lab import net
from tests.lab.epp_server import MOST_SESSIONS
from tests.lab.epp_texts import DOMAIN, EPP, FEE
from tests.lab.lab import Lab
from tests.lab.suffixes import SUFFIXES
from tests.lab_tests.asking import in_lab

ORG, UK = SUFFIXES["org"].operator, SUFFIXES["uk"].operator


class Session:
    """A plain client: one message out, one back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> Element:
        """The next message, as it comes."""
        async with asyncio.timeout(10):
            size = int.from_bytes(await self.reader.readexactly(4), "big")
            if not 4 < size < 1 << 20:
                raise ValueError("no frame")
            return fromstring(await self.reader.readexactly(size - 4))

    async def say(self, content: str) -> Element:
        """Send a message, and give what comes back."""
        message = f'<epp xmlns="{EPP}">{content}</epp>'.encode()
        self.writer.write((len(message) + 4).to_bytes(4, "big") + message)
        return await self.read()

    async def command(self, content: str) -> Element:
        """Send one command."""
        return await self.say(f"<command>{content}<clTRID>abc</clTRID></command>")

    async def log_in(self, password: str) -> int:
        """The code of the answer."""
        return code(await self.command(f"<login><clID>lab-registrar</clID><pw>{password}</pw></login>"))

    async def check(self, *names: str, price: bool = True) -> Element:
        """Ask about names."""
        asked = "".join(f"<d:name>{name}</d:name>" for name in names)
        fee = f'<extension><f:check xmlns:f="{FEE}"><f:command name="create"/></f:check></extension>' if price else ""
        return await self.command(f'<check><d:check xmlns:d="{DOMAIN}">{asked}</d:check></check>{fee}')


def code(message: Element) -> int:
    """The result of an answer."""
    return int(message.find(f".//{{{EPP}}}result").get("code"))


def readings(message: Element) -> dict[str, tuple[str, str | None]]:
    """Avail and reason of every name."""
    found = {}
    for entry in message.iter(f"{{{DOMAIN}}}cd"):
        name = entry.find(f"{{{DOMAIN}}}name")
        found[name.text] = (name.get("avail"), entry.findtext(f"{{{DOMAIN}}}reason"))
    return found


@asynccontextmanager
async def connected(lab: Lab, operator: int) -> AsyncIterator[Session]:
    """A connection before its greeting."""
    context = ssl.create_default_context(cafile=lab.environment()["TLS_CA_FILE"])
    reader, writer = await asyncio.open_connection(net.epp_address(operator), lab.epp_port, ssl=context)
    try:
        yield Session(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def logged_in(lab: Lab, operator: int) -> AsyncIterator[Session]:
    """A session."""
    async with connected(lab, operator) as session:
        await session.read()
        assert await session.log_in(lab.token) == 1000
        yield session


def test_the_accounts_are_in_the_settings_only_when_wanted() -> None:
    """Scenarios without EPP stay as they are."""

    async def body(lab: Lab) -> None:
        assert "EPP_ACCOUNTS" not in lab.environment()
        lab.epp_enabled = True
        accounts = json.loads(lab.environment()["EPP_ACCOUNTS"])
        assert [account["suffixes"] for account in accounts] == [["org"], ["uk", "co.uk"]]

    in_lab(body)


def test_a_session_greets_lets_in_and_ends() -> None:
    """Greeting first, hello any time, no check before a login, no session with a wrong password."""

    async def body(lab: Lab) -> None:
        async with connected(lab, ORG) as session:
            greeting = await session.read()
            assert {element.text for element in greeting.iter(f"{{{EPP}}}extURI")} == {FEE}
            assert code(await session.check("example.org")) == 2002
            assert await session.log_in("wrong") == 2200
            assert await session.log_in(lab.token) == 1000
            assert lab.epp[ORG].sessions == 1
            assert await session.log_in(lab.token) == 2002
            assert (await session.say("<hello/>"))[0].tag.endswith("greeting")
            answer = await session.check("example.org")
            assert (code(answer), answer.findtext(f".//{{{EPP}}}clTRID")) == (1000, "abc")
            assert code(await session.command("<logout/>")) == 1500
            assert await session.reader.read() == b""
        assert lab.epp[ORG].sessions == 0

    in_lab(body)


def test_an_account_has_a_limited_number_of_sessions() -> None:
    """One more is told so and closed."""

    async def body(lab: Lab) -> None:
        async with logged_in(lab, ORG), logged_in(lab, ORG), logged_in(lab, ORG), logged_in(lab, ORG):
            assert lab.epp[ORG].sessions == MOST_SESSIONS
            async with connected(lab, ORG) as session:
                await session.read()
                assert await session.log_in(lab.token) == 2502
                assert await session.reader.read() == b""

    in_lab(body)


def test_every_state_has_its_answer() -> None:
    """Nominet announces the deletion; a generic registry says "in use" until the name is gone."""

    async def body(lab: Lab) -> None:
        registry = lab.registry
        for name in ("a.org", "b.org", "a.uk", "b.uk", "c.co.uk"):
            registry.register(name)
        for name in ("b.org", "b.uk", "c.co.uk"):
            registry.delete(name)
        registry.pending_delete("c.co.uk")
        registry.reserve("c.org")
        registry.block("d.org")
        registry.premium("e.org")
        async with logged_in(lab, ORG) as session:
            answer = await session.check("a.org", "b.org", "c.org", "d.org", "e.org", "f.org", "x.com", "www.a.org")
            assert readings(answer) == {
                "a.org": ("0", "In use"),
                "b.org": ("0", "In use"),
                "c.org": ("0", "Reserved domain name"),
                "d.org": ("0", "Blocked by GlobalBlock"),
                "e.org": ("1", None),
                "f.org": ("1", None),
                "x.com": ("0", "Invalid domain name"),
                "www.a.org": ("0", "Invalid domain name"),
            }
            classes = {
                entry.findtext(f"{{{FEE}}}objID"): entry.findtext(f"{{{FEE}}}class") for entry in answer.iter(f"{{{FEE}}}cd")
            }
            assert classes == {"e.org": "premium", "f.org": "standard"}
            assert list((await session.check("f.org", price=False)).iter(f"{{{FEE}}}cd")) == []
            assert code(await session.check(*["f.org"] * 51)) == 2306
        async with logged_in(lab, UK) as session:
            found = readings(await session.check("a.uk", "b.uk", "c.co.uk", "d.uk"))
            assert (found["a.uk"], found["d.uk"]) == (("0", "Registered"), ("1", None))
            assert found["b.uk"][1].startswith("May Drop 20")
            assert found["c.co.uk"][1].startswith("Drop 20")
        assert lab.queries.by_server["epp/uk"] == 3
        registry.purge("c.co.uk")
        async with logged_in(lab, UK) as session:
            assert readings(await session.check("c.co.uk")) == {"c.co.uk": ("1", None)}

    in_lab(body)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("lying-404", {"a.org": ("1", None), "b.org": ("0", "In use")}),
        ("wrong-name", {"not-a.org": ("0", "In use"), "b.org": ("0", "In use")}),
        ("partial", {"b.org": ("0", "In use")}),
    ],
)
def test_faults_of_names_change_what_is_said_of_them(fault: str, expected: dict[str, tuple[str, str | None]]) -> None:
    """And of no other."""

    async def body(lab: Lab) -> None:
        lab.registry.register("a.org")
        lab.registry.register("b.org")
        lab.faults.add("epp/org", fault, names=["a.org"])
        async with logged_in(lab, ORG) as session:
            assert readings(await session.check("a.org", "b.org")) == expected

    in_lab(body)


@pytest.mark.parametrize(("fault", "expected"), [("login-refused", 2200), ("session-limit", 2502)])
def test_faults_of_logins_keep_clients_out(fault: str, expected: int) -> None:
    """As often as they are told to."""

    async def body(lab: Lab) -> None:
        lab.faults.add("epp/org", fault, count=1)
        async with connected(lab, ORG) as session:
            await session.read()
            assert await session.log_in(lab.token) == expected
        async with logged_in(lab, ORG):
            pass

    in_lab(body)


@pytest.mark.parametrize(("fault", "expected"), [("throttle", 2308), ("failed", 2400)])
def test_a_whole_answer_can_be_a_failure(fault: str, expected: int) -> None:
    """The session goes on."""

    async def body(lab: Lab) -> None:
        lab.faults.add("epp/org", fault, count=1)
        async with logged_in(lab, ORG) as session:
            assert code(await session.check("a.org")) == expected
            assert code(await session.check("a.org")) == 1000

    in_lab(body)


@pytest.mark.parametrize("fault", ["garbage", "huge", "wrong-length", "cut", "reset", "bomb"])
def test_a_whole_answer_can_be_none(fault: str) -> None:
    """No client gets an answer out of it."""

    async def body(lab: Lab) -> None:
        lab.faults.add("epp/org", fault)
        async with logged_in(lab, ORG) as session:
            with pytest.raises((ValueError, SyntaxError, EOFError, OSError)):
                await session.check("a.org")

    in_lab(body)


def test_an_answer_can_be_late() -> None:
    """By as much as it is told to."""

    async def body(lab: Lab) -> None:
        lab.faults.add("epp/org", "delay", delay=0.2)
        async with logged_in(lab, ORG) as session:
            began = asyncio.get_running_loop().time()
            await session.check("a.org")
            assert asyncio.get_running_loop().time() - began >= 0.19

    in_lab(body)
