"""Availability services of the lab in every dialect of the built-in table, asked by the product's own checker."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from actors.checkers.contract import Context
from actors.checkers.intermediate.das import create
from common.clock import monotonic, now
from common.config import load
from common.core.builtin.das_servers import SERVERS, DasServer, Form
from common.core.model.evidence import NO_FIELDS, Observation, Outcome
from common.core.registries.registries import REGISTRY_CHANNELS, Registries
from common.messages import Task
from common.operator_files import load_budgets
from common.registry_directory import load_directory
from tests.lab import net
from tests.lab.clock import LabClock
from tests.lab.das_server import DasService
from tests.lab.faults import FaultTable
from tests.lab.lab import Lab
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.suffixes import SUFFIXES, Suffix, also
from tests.lab.truth import Truth
from tests.lab_tests.asking import in_lab

ROWS = [pytest.param(row, id=row.host) for row in SERVERS]
HOST = net.das_address(200)


@dataclass
class Scene:
    """One service alone, and the checker that asks it."""

    row: DasServer
    registry: Registry
    faults: FaultTable
    queries: QueryLog
    server: str
    context: Context

    @property
    def name(self) -> str:
        """A name under the first suffix of the service."""
        return f"example.{self.row.suffixes[0]}"

    async def ask(self, name: str = "", *, budget_ms: int = 5000) -> Observation:
        """One check."""
        domain = name or self.name
        checker = create(self.context)
        try:
            return await checker.check(
                Task("b.1", 1, "das", domain, domain.partition(".")[2], self.server, budget_ms=budget_ms)
            )
        finally:
            await checker.close()


@asynccontextmanager
async def scene(row: DasServer, folder: Path) -> AsyncIterator[Scene]:
    """A service on loopback over an empty registry of its suffixes."""
    clock = LabClock()
    registry, faults, queries = Registry(clock), FaultTable(clock.wall), QueryLog(clock.wall)
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    settings = {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "TLS_CA_FILE": str(folder / "ca.pem"), "STATE_DIR": str(folder)}
    sock = net.tcp_socket(HOST)
    server = f"{HOST}:{sock.getsockname()[1]}"
    unknown = [label for label in row.suffixes if label not in SUFFIXES]
    with also(*(Suffix(label, 150 + number, 150, "gtld") for number, label in enumerate(unknown))):
        async with AsyncExitStack() as stack:
            await DasService(row, registry, faults, queries).start(stack, sock, tls)
            yield Scene(row, registry, faults, queries, server, Context(load(settings), now, monotonic))


@pytest.mark.parametrize("row", ROWS)
def test_every_service_tells_free_from_taken_under_every_suffix(row: DasServer, tmp_path: Path) -> None:
    """Asked in its own way it says so; a taken name comes without phase and record."""

    async def body() -> None:
        async with scene(row, tmp_path) as told:
            for suffix in row.suffixes:
                name = f"example.{suffix}"
                before = await told.ask(name)
                told.registry.register(name)
                after = await told.ask(name)

                assert before.server == HOST
                assert before.address == f"{told.server}/tcp"
                assert before.excerpt
                assert (after.reading.phase, after.reading.fields) == (None, NO_FIELDS)
                if row.form is not Form.EE_AUCTIONS:
                    assert (before.reading.outcome, after.reading.outcome) == (Outcome.UNREGISTERED, Outcome.REGISTERED)
                    assert (before.reading.finding, after.reading.finding) == ("das_available", "das_not_available")
                else:
                    assert (before.reading.finding, after.reading.finding) == ("das_not_listed", "das_not_listed")
                if "{label}" in row.query:
                    break  # asked by label alone, such a service picks the suffix itself

    asyncio.run(body())


@pytest.mark.parametrize("row", ROWS)
def test_an_international_name_is_asked_for_in_the_spelling_of_the_service(row: DasServer, tmp_path: Path) -> None:
    """In A-labels or in Unicode, and the answer is read in both."""

    async def body() -> None:
        async with scene(row, tmp_path) as told:
            seen = await told.ask(f"xn--bcher-kva.{row.suffixes[0]}")

            assert seen.reading.finding == ("das_not_listed" if row.form is Form.EE_AUCTIONS else "das_available")
            assert row.form is Form.EE_AUCTIONS or told.queries.by_name[f"xn--bcher-kva.{row.suffixes[0]}"] == 1

    asyncio.run(body())


@pytest.mark.parametrize(
    ("host", "truth", "finding", "outcome"),
    [
        ("das.dns.be", Truth.RESERVED, "das_not_allowed", Outcome.INVALID),
        ("das.eu", Truth.DROPZONE, "das_not_available", Outcome.REGISTERED),
        ("das.arnes.si", Truth.RESERVED, "das_not_allowed", Outcome.RESERVED),
        ("finger.norid.no", Truth.BLOCKED, "das_not_allowed", Outcome.RESERVED),
        ("free.iis.se", Truth.RESERVED, "das_not_allowed", Outcome.INVALID),
        ("dac.nic.uk", Truth.RESERVED, "das_not_allowed", Outcome.RESERVED),
        ("registro.br", Truth.RESERVED, "das_not_allowed", Outcome.RESERVED),
        ("registro.br", Truth.DROPZONE, "das_release_process", Outcome.DROPPING),
        ("das.dk-hostmaster.dk", Truth.DROPZONE, "das_release_process", Outcome.DROPPING),
        ("repp.internet.ee", Truth.DROPZONE, "das_auction", Outcome.DROPPING),
    ],
)
def test_what_a_registry_holds_back_is_told_apart(
    host: str, truth: Truth, finding: str, outcome: Outcome, tmp_path: Path
) -> None:
    """Reserved, refused and waiting names are not free."""
    row = next(row for row in SERVERS if row.host == host)

    async def body() -> None:
        async with scene(row, tmp_path) as told:
            told.registry.withhold(told.name, truth)

            reading = (await told.ask()).reading
            assert (reading.finding, reading.outcome) == (finding, outcome)

    asyncio.run(body())


#: Faults after which nothing is known, and what they are called where that is the same for every service.
_USELESS = {
    "silence": "das_timeout",
    "garbage": "",
    "reset": "",
    "empty": "",
    "oversize": "das_too_large",
    "endless": "das_too_large",
}


@pytest.mark.parametrize("kind", [*_USELESS, "truncate", "cut", "wrong-name", "throttle"])
@pytest.mark.parametrize("row", ROWS)
def test_no_fault_of_a_service_makes_a_name_free(row: DasServer, kind: str, tmp_path: Path) -> None:
    """Whatever it does instead of answering about a registered name proves nothing about it."""

    async def body() -> None:
        async with scene(row, tmp_path) as told:
            told.registry.register(told.name)
            fault = told.faults.add(f"das/{row.suffixes[0]}", kind)
            seen = await told.ask(budget_ms=700 if kind == "silence" else 5000)

            assert fault.met
            assert seen.reading.outcome not in (Outcome.UNREGISTERED, Outcome.DROPPING)
            if kind in _USELESS:
                assert seen.reading.outcome is Outcome.UNKNOWN
                assert seen.reading.finding == (_USELESS[kind] or seen.reading.finding)
            if kind == "throttle":
                assert seen.reading.outcome is Outcome.THROTTLED

    asyncio.run(body())


def test_a_lie_is_believed_by_the_parser_alone(tmp_path: Path) -> None:
    """A service that calls a registered name free is caught by its canaries, not by its words."""

    async def body() -> None:
        async with scene(SERVERS[0], tmp_path) as told:
            told.registry.register(told.name)
            told.faults.add("das/be", "lying-404")

            assert (await told.ask()).reading.finding == "das_available"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("host", "wait"), [("das.dns.be", 7.0), ("dac.nic.uk", 7.0), ("free.iis.se", 2.0), ("registro.br", 2.0)]
)
def test_a_service_that_limits_us_says_for_how_long(host: str, wait: float, tmp_path: Path) -> None:
    """In its text, in a field, or in Retry-After."""
    row = next(row for row in SERVERS if row.host == host)

    async def body() -> None:
        async with scene(row, tmp_path) as told:
            told.faults.add(f"das/{row.suffixes[0]}", "throttle")

            assert (await told.ask()).reading.retry_after == wait

    asyncio.run(body())


def _registries(settings: dict[str, str]) -> Registries:
    found = load(settings)
    return Registries(
        directory=load_directory(found), overrides=load_budgets(found), recursive_dns=False, iana_host="whois.iana.org"
    )


def test_without_more_ado_the_product_asks_no_service() -> None:
    """Neither one of the lab nor a real one, also where all of them are allowed."""

    async def body(lab: Lab) -> None:
        every = [suffix for row in SERVERS for suffix in row.suffixes]
        assert "das" in REGISTRY_CHANNELS
        for settings in (lab.environment(), lab.environment() | {"DAS_SUFFIXES": "all"}):
            registries = _registries(settings)
            assert [registries.server_of("das", suffix) for suffix in every] == [None] * len(every)

    in_lab(body)


def test_a_lab_with_services_names_them_and_they_answer() -> None:
    """Each suffix with a row has one at an address of its own, with a budget."""

    async def body(lab: Lab) -> None:
        lab.das_enabled = True
        settings = lab.environment()
        registries, context = _registries(settings), Context(load(settings), now, monotonic)
        assert registries.server_of("das", "be") == lab.das_host("be")
        assert registries.server_of("das", "com") is None
        checker = create(context)
        try:
            for suffix in ("be", "se", "co.uk", "com.br"):
                server = registries.server_of("das", suffix)
                assert server is not None
                assert registries.limit_of("das", server.partition(":")[0], suffix).rate > 0
                seen = await checker.check(Task("b.1", 1, "das", f"canary-one.{suffix}", suffix, server))
                assert seen.reading.outcome is Outcome.REGISTERED
        finally:
            await checker.close()
        lab.faults.add("das/be", "refused")
        await lab.settle()
        refused = await create(context).check(Task("b.1", 1, "das", "a.be", "be", lab.das_host("be")))
        assert (refused.reading.finding, refused.refused) == ("das_turned_away", True)

    with also(Suffix("be", 90, 90, "gtld"), Suffix("com.br", 91, 91, "gtld")):
        in_lab(body)
