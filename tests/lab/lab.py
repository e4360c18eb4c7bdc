"""Puts the lab together: sockets, certificates, files, and the settings that point the product at it.

async with Lab.start() as lab:
    lab.registry.register("example-one.com")
    lab.customer.set_watch(["example-one.com"])
    environment = lab.environment()
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import trustme
from aiohttp import web

from common.core.builtin.das_servers import BY_SUFFIX
from common.core.builtin.publication_rows import BY_NAME
from common.core.builtin.whois_servers import whois_server
from tests.lab import certstream_server, dns_zone, net, web_server
from tests.lab.clock import LabClock
from tests.lab.control import Control
from tests.lab.customer import Customer
from tests.lab.das_server import DasService
from tests.lab.dns_server import DnsServer
from tests.lab.epp_server import EppServer
from tests.lab.faults import FaultTable
from tests.lab.model import Registry
from tests.lab.publication_server import PATHS, Publisher
from tests.lab.queries import QueryLog
from tests.lab.rdap_server import Bootstrap, RdapOperator
from tests.lab.registrars.farm import RegistrarFarm, start_farm
from tests.lab.suffixes import SUFFIXES, Suffix
from tests.lab.whois_server import ELSEWHERE_KEY, IANA_KEY, WhoisServer, elsewhere_answer, iana_answer, operator_answer
from tests.lab.zone_server import Zone, ZoneServer

_TICK = 0.02
_EPP_USER = "lab-registrar"
_GENEROUS = {"rate": 200, "burst": 200}
#: Servers outside this lab must not be queried: every kind of real registry is switched off.
_NEVER = {"rdap/*": {"rate": 0}, "whois/*": {"rate": 0}, "das/*": {"rate": 0}, "epp/*": {"rate": 0}, "registrar/*": {"rate": 0}}


class Lab:
    """A running lab. Made by `Lab.start`; everything it holds may be changed while it runs."""

    def __init__(self, directory: Path, clock: LabClock) -> None:
        self.directory = directory
        self.clock = clock
        self.registry = Registry(clock)
        self.faults = FaultTable(clock.wall)
        self.queries = QueryLog(clock.wall)
        self.token = secrets.token_urlsafe(16)
        self.epp_enabled = False  # whether the product is given the accounts
        self.epp: dict[int, EppServer] = {}  # by operator
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.customer = Customer(self.faults, self.queries, token=self.token, secret=self.secret, wall=clock.wall)
        self.registrars = RegistrarFarm(self.registry, self.faults, self.queries)
        self.dns_port = self.rdap_port = self.whois_port = self.epp_port = 0
        self.http_port = self.customer_port = self.control_port = 0
        self.das_port = 0
        self.das_enabled = False  # whether the product is told of the availability services
        self.published: tuple[str, ...] = ()  # publications that the product is told of
        self.publisher = Publisher(self.registry, self.faults, self.queries)
        self.zone_server = ZoneServer(self._zones(), self.faults)
        self.publications_port = self.zones_port = self.certstream_port = 0
        self.certificates = certstream_server.CertStream(self.faults, self.queries)
        self.certificates_told = False  # whether the product is told of the stream
        self._line_servers: list[WhoisServer] = []
        self._authority = trustme.CA()

    @classmethod
    @asynccontextmanager
    async def start(cls, *, clock: LabClock | None = None, directory: Path | None = None) -> AsyncIterator[Lab]:
        """Start every server; all of them stop, and a directory of our own goes, when the block ends."""
        own = Path(tempfile.mkdtemp(prefix="lab-")) if directory is None else directory
        lab = cls(own, clock or LabClock())
        try:
            async with AsyncExitStack() as stack:
                await lab._start_dns(stack)
                await lab._start_rdap(stack)
                await lab._start_whois(stack)
                await lab._start_das(stack)
                await lab._start_epp(stack)
                await lab._start_http(stack)
                await lab._start_publications(stack)
                lab._furnish()
                ticker = asyncio.create_task(lab._tick())
                stack.callback(ticker.cancel)
                yield lab
        finally:
            if directory is None:
                shutil.rmtree(own, ignore_errors=True)

    # addresses

    @property
    def control_url(self) -> str:
        """Base URL of the lab's control API."""
        return f"http://{net.HOST}:{self.control_port}"

    @property
    def customer_url(self) -> str:
        """Base URL of the list API and the callback receiver."""
        return f"http://{net.CUSTOMER}:{self.customer_port}"

    def rdap_base(self, suffix: str) -> str:
        """RDAP base URL of a suffix, with a final slash."""
        operator = SUFFIXES[suffix].operator
        return f"https://{net.rdap_address(operator)}:{self.rdap_port}/{_path(operator)}/v1/"

    def whois_host(self, suffix: str) -> str:
        """WHOIS server of a suffix, `host:port`."""
        return f"{net.whois_address(SUFFIXES[suffix].operator)}:{self.whois_port}"

    def das_host(self, suffix: str) -> str:
        """Availability service of a suffix that has one, `host:port`."""
        return f"{net.das_address(SUFFIXES[suffix].number)}:{self.das_port}"

    def epp_accounts(self) -> list[dict[str, object]]:
        """The account with each operator that has an EPP server, as EPP_ACCOUNTS wants it."""
        return [
            {
                "suffixes": [suffix.label for suffix in SUFFIXES.values() if suffix.operator == operator and suffix.epp],
                "host": f"{net.epp_address(operator)}:{self.epp_port}",
                "user": _EPP_USER,
                "password": self.token,
                "rate": 100,
            }
            for operator in _epp_operators()
        ]

    def environment(self) -> dict[str, str]:
        """Every setting that points the product at this lab and nowhere else."""
        services = {"DAS_SERVERS_FILE": str(self.directory / "das.json")} if self.das_enabled else {}
        services["PUBLICATIONS"] = ",".join(self.published) or "none"
        if self.certificates_told:
            services["CERTSTREAM_URL"] = f"ws://{net.CERTSTREAM}:{self.certstream_port}{certstream_server.PATH}"
        accounts = {"EPP_ACCOUNTS": json.dumps(self.epp_accounts())} if self.epp_enabled else {}
        return (
            services
            | accounts
            | {
                "DNS_MODE": "authoritative",
                "DNS_ROOT_SERVERS": f"{net.ROOT_DNS}:{self.dns_port}",
                "DNS_PORT": str(self.dns_port),
                "DNS_RESOLVERS": f"{net.ROOT_DNS}:{self.dns_port}",  # hosts are looked up here too, not by the system
                "RDAP_SERVERS_FILE": str(self.directory / "rdap.json"),
                "RDAP_BOOTSTRAP_URL": f"https://{net.BOOTSTRAP}:{self.rdap_port}/rdap/dns.json",
                "WHOIS_SERVERS_FILE": str(self.directory / "whois.json"),
                "WHOIS_IANA_HOST": net.IANA_WHOIS,
                "WHOIS_PORT": str(self.whois_port),
                "CANARIES_FILE": str(self.directory / "canaries.json"),
                "BUDGETS_FILE": str(self.directory / "budgets.json"),
                "PUBLICATIONS_FILE": str(self.directory / "publications.json"),
                "TLS_CA_FILE": str(self.directory / "ca.pem"),
                "ALLOWED_PRIVATE_NETWORKS": f"{net.HEAD}.0.0.0/8",
                "HTTP_PORT": str(self.http_port),
                "DOMAIN_API_URL": f"{self.customer_url}/domains",
                "API_CALLBACK_URL": f"{self.customer_url}/callback",
                "API_AUTH_TOKEN": self.token,
                "CALLBACK_SECRET": self.secret,
                "USER_AGENT_CONTACT": "lab@example.org",
                **self.registrars.environment(),
            }
        )

    # starting

    async def _start_dns(self, stack: AsyncExitStack) -> None:
        zones: dict[str, dns_zone.Zone] = {net.ROOT_DNS: dns_zone.RootZone()}
        for suffix in SUFFIXES.values():
            zones |= dict.fromkeys(net.dns_addresses(suffix.number), dns_zone.SuffixZone(self.registry, suffix))
        for hosts, site in ((net.HOSTING_DNS, net.WEB), (net.PARKING_DNS, net.PARKING_WEB)):
            zones |= dict.fromkeys(hosts.values(), dns_zone.HostingZone(self.registry, hosts, site))
        self.dns_port, tcp, udp = net.dns_group(zones)
        for address, zone in zones.items():
            server = DnsServer(zone, self.faults, self.queries)
            await server.start(udp[address], tcp[address])
            stack.push_async_callback(server.stop)

    async def _start_rdap(self, stack: AsyncExitStack) -> None:
        addresses = [net.BOOTSTRAP, *(net.rdap_address(operator) for operator in _rdap_operators())]
        self.rdap_port, sockets = net.tcp_group(addresses)
        context = self._tls_context([*addresses, *self.registrars.addresses()])
        await start_farm(self.registrars, partial(_serve, stack), context)
        listed = Bootstrap(self._services(), self.clock.now(), self.faults, self.queries)
        (self.directory / "rdap.json").write_bytes(listed.body)
        applications = {net.BOOTSTRAP: listed.application()}
        for operator in _rdap_operators():
            address = net.rdap_address(operator)
            path = f"/{_path(operator)}/v1/"
            base = f"https://{address}:{self.rdap_port}{path}"
            server = RdapOperator(self.registry, self.faults, self.queries, operator=operator, base=base)
            applications[address] = server.application(path)
        for address, application in applications.items():
            await _serve(stack, application, sockets[address], context)

    def _services(self) -> list[tuple[list[str], str]]:
        return [
            (
                [suffix.label for suffix in SUFFIXES.values() if suffix.rdap and _speaker(suffix).operator == operator],
                self.rdap_base(_path(operator)),
            )
            for operator in _rdap_operators()
        ]

    async def _start_whois(self, stack: AsyncExitStack) -> None:
        addresses = {operator: net.whois_address(operator) for operator in _operators()}
        self.whois_port, sockets = net.tcp_group([net.IANA_WHOIS, net.ELSEWHERE_WHOIS, *addresses.values()])
        servers = {
            net.IANA_WHOIS: WhoisServer([IANA_KEY], iana_answer(self.faults, self.queries), self.faults),
            net.ELSEWHERE_WHOIS: WhoisServer([ELSEWHERE_KEY], elsewhere_answer(self.faults, self.queries), self.faults),
        }
        for operator, address in addresses.items():
            keys = [f"whois/{suffix.label}" for suffix in SUFFIXES.values() if suffix.operator == operator]
            answer = operator_answer(self.registry, self.faults, self.queries, operator)
            servers[address] = WhoisServer(keys, answer, self.faults)
        for address, server in servers.items():
            await server.start(sockets[address])
            stack.push_async_callback(server.stop)
        self._line_servers += servers.values()

    async def _start_das(self, stack: AsyncExitStack) -> None:
        addresses = {label: net.das_address(SUFFIXES[label].number) for label in _das_suffixes()}
        self.das_port, sockets = net.tcp_group(addresses.values())
        context = self._tls_context(list(addresses.values()))
        for label, address in addresses.items():
            service = DasService(BY_SUFFIX[label], self.registry, self.faults, self.queries)
            self._line_servers += await service.start(stack, sockets[address], context)

    def _tls_context(self, addresses: list[str]) -> ssl.SSLContext:
        """What a server on these addresses needs for TLS, by the lab's own authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*addresses).configure_cert(context)
        return context

    async def _start_epp(self, stack: AsyncExitStack) -> None:
        self.epp_port, sockets = net.tcp_group([net.epp_address(operator) for operator in _epp_operators()])
        tls = self._tls_context([net.epp_address(operator) for operator in _epp_operators()])
        for operator in _epp_operators():
            credentials = (_EPP_USER, self.token)
            server = EppServer(self.registry, self.faults, self.queries, operator=operator, credentials=credentials)
            await server.start(sockets[net.epp_address(operator)], tls)
            stack.push_async_callback(server.stop)
            self.epp[operator] = server

    async def _start_http(self, stack: AsyncExitStack) -> None:
        sites = {net.WEB: False, net.PARKING_WEB: True, net.WILDCARD_WEB: False}
        self.http_port, sockets = net.tcp_group(sites)
        for address, parked in sites.items():
            await _serve(stack, web_server.application(self.faults, self.queries, parked=parked), sockets[address])
        customer, control = net.tcp_socket(net.CUSTOMER), net.tcp_socket(net.HOST)
        self.customer_port, self.control_port = customer.getsockname()[1], control.getsockname()[1]
        await _serve(stack, self.customer.application(), customer)
        await _serve(stack, Control(self).application(), control)

    async def _start_publications(self, stack: AsyncExitStack) -> None:
        lists, zones = net.tcp_socket(net.PUBLICATIONS), net.tcp_socket(net.ZONE_TRANSFERS)
        self.publications_port, self.zones_port = lists.getsockname()[1], zones.getsockname()[1]
        await _serve(stack, self.publisher.application(), lists)
        stream = net.tcp_socket(net.CERTSTREAM)
        self.certstream_port = stream.getsockname()[1]
        await _serve(stack, self.certificates.application(), stream)
        await self.zone_server.start(zones)
        stack.push_async_callback(self.zone_server.stop)

    def _zones(self) -> dict[str, Zone]:
        return {suffix.label: partial(_zone_of, self.registry, suffix) for suffix in SUFFIXES.values()}

    def _places(self) -> dict[str, dict[str, object]]:
        """Where the product finds what the lab publishes, often and with few names."""
        base, server = f"http://{net.PUBLICATIONS}:{self.publications_port}", f"{net.ZONE_TRANSFERS}:{self.zones_port}"
        often: dict[str, object] = {"every": 2, "least": 0}
        places = {name: often | {"url": f"{base}{path}"} for name, path in PATHS.items()}
        return places | {f"{label}-zone": often | {"server": server} for label in SUFFIXES if f"{label}-zone" in BY_NAME}

    def _furnish(self) -> None:
        """Names every lab has, and the files the settings point at."""
        for name, servers in (("lab-hosting.com", net.HOSTING_DNS), ("lab-parking.org", net.PARKING_DNS)):
            self.registry.register(name, nameservers=servers, age_years=10, years=5)
        canaries = {label: [f"canary-one.{label}", f"canary-two.{label}"] for label in SUFFIXES}
        for names in canaries.values():
            for name in names:
                self.registry.register(name, age_years=12, years=3)
        self._write("canaries.json", canaries)
        spoken_for = [label for label, suffix in SUFFIXES.items() if suffix.whois and not suffix.named_by_iana]
        self._write("whois.json", {label: self.whois_host(label) for label in spoken_for})
        self._write("das.json", {label: self.das_host(label) for label in _das_suffixes()})
        self._write("publications.json", self._places())
        (self.directory / "ca.pem").write_bytes(self._authority.cert_pem.bytes())
        hosts = [net.BOOTSTRAP, net.IANA_WHOIS, net.ELSEWHERE_WHOIS, net.CUSTOMER, net.WEB, net.PARKING_WEB, net.WILDCARD_WEB]
        hosts += [address for operator in _operators() for address in (net.rdap_address(operator), net.whois_address(operator))]
        hosts += [f"registrar/{vendor}" for vendor in self.registrars.emulators]
        hosts += [net.das_address(SUFFIXES[label].number) for label in _das_suffixes()]
        hosts += [net.epp_address(operator) for operator in _epp_operators()]
        keys = [*hosts, "dns/.", *(f"dns/{label}" for label in SUFFIXES), *_gone_hosts()]
        self._write("budgets.json", dict.fromkeys(keys, _GENEROUS) | _NEVER)

    def _write(self, name: str, content: object) -> None:
        (self.directory / name).write_text(json.dumps(content, indent=1), encoding="utf-8")

    async def _tick(self) -> None:
        """Let registry time do its work."""
        while True:
            with contextlib.suppress(OSError):  # the address is taken for a moment: the next round tries again
                await self.settle()
            await asyncio.sleep(_TICK)

    async def settle(self) -> None:
        """Do what is due, and open and close sockets, now instead of at the next tick."""
        self.registry.advance()
        for server in self._line_servers:
            await server.sync()


def _gone_hosts() -> list[str]:
    """Hosts of the product's own table that may be asked, because they have no address in the lab's DNS."""
    built_in = [whois_server(suffix.label) for suffix in SUFFIXES.values() if suffix.whois_gone]
    return [f"whois/{server.host}" for server in built_in if server is not None]


def _das_suffixes() -> list[str]:
    return [label for label in SUFFIXES if label in BY_SUFFIX]


def _operators() -> list[int]:
    return sorted({suffix.operator for suffix in SUFFIXES.values()})


def _rdap_operators() -> list[int]:
    return sorted({_speaker(suffix).operator for suffix in SUFFIXES.values() if suffix.rdap})


def _epp_operators() -> list[int]:
    return sorted({suffix.operator for suffix in SUFFIXES.values() if suffix.epp})


def _speaker(suffix: Suffix) -> Suffix:
    """The suffix whose RDAP server the bootstrap list names for this one."""
    return SUFFIXES[suffix.rdap_of] if suffix.rdap_of else suffix


def _path(operator: int) -> str:
    """The suffix that stands in an operator's URL."""
    return next(suffix.label for suffix in SUFFIXES.values() if suffix.operator == operator)


async def _serve(
    stack: AsyncExitStack, application: web.Application, sock: socket.socket, context: ssl.SSLContext | None = None
) -> None:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.SockSite(runner, sock, ssl_context=context)
    await site.start()


def _zone_of(registry: Registry, suffix: Suffix) -> tuple[int, list[str]]:
    """The serial of a suffix, and the names that its zone delegates."""
    registry.advance()
    names = [name for name, entry in registry.names.items() if entry.suffix is suffix and entry.delegated]
    return registry.serial(suffix), names
