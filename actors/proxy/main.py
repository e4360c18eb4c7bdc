"""The proxy process: looks at the instances, and holds the addresses of the HTTP interface and of the feed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import faulthandler
import json
import resource
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

from actors.proxy.frontend import Frontend, Service
from actors.proxy.upstreams import BusSocket, Upstreams
from common.clock import monotonic
from common.config import Settings
from common.errors import ConfigError
from common.peers import Peers, ProxiedPeer, default_gateways, parse_address
from common.process import Main, Runtime, run_actor
from common.proxy_header import encode_header
from common.shard_settings import coordinator_name
from common.socket_paths import control_socket, feed_socket, shift_endpoint, socket_directory
from common.work_endpoints import inbox_endpoint, tasks_endpoint

Report = Callable[[BaseException], None]

#: Seconds between two looks at the instances, and without one after which this process hangs and ends itself.
LOOK_EVERY, HANG_LIMIT = 0.5, 30.0
#: Most connections to the HTTP interface: an instance takes 216 and ends what is more, which has to have room here meanwhile.
MOST_CONTROL = 512
#: Most subscribers of the feed, and files that are open beside the connections.
MOST_FEED, DESCRIPTORS_BESIDE = 1000, 100
#: Most connections of checkers of other hosts, two each, and seconds as below.
MOST_BUS, BUS_GONE, BUS_STALLED = 512, 30.0, 60.0
#: Seconds for which a client may acknowledge nothing, and read nothing, as the two processes themselves have it.
CONTROL_GONE, CONTROL_STALLED, FEED_GONE, FEED_STALLED = 30.0, 10.0, 60.0, 60.0


def run(settings: Settings) -> int:
    """Run until SIGTERM; the exit code. STATE_DIR is only read: what every process writes of itself goes to another place."""
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="domain-monitor-proxy-") as own:
        return run_actor("proxy", make_main(settings.state_dir), dataclasses.replace(settings, state_dir=Path(own)))


def raise_descriptor_limit() -> None:
    """Allow this process the files that all its connections take, two for each, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * (MOST_CONTROL + MOST_FEED + 2 * MOST_BUS) + DESCRIPTORS_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def make_main(state_dir: Path) -> Main:
    """The main function of the proxy for the instances of a state directory."""

    async def main(runtime: Runtime) -> None:
        upstreams = Upstreams(state_dir, shards=runtime.settings.shards)
        control = Frontend(control_service(runtime.settings), upstreams, runtime.report)
        feed = Frontend(FEED_SERVICE, upstreams, runtime.report)
        host, port = listening_address(runtime.settings.feed_endpoint)
        buses = bus_frontends(runtime.settings, upstreams, runtime.report)
        frontends = (control, feed, *(frontend for frontend, _, _ in buses))
        try:
            _end_if_hanging()
            await upstreams.look()
            await control.listen(runtime.settings.control_host, runtime.settings.control_port)
            await feed.listen(host, port)
            for frontend, bus_host, bus_port in buses:
                await frontend.listen(bus_host, bus_port)
            runtime.log.info("listening", control_port=runtime.settings.control_port, feed=runtime.settings.feed_endpoint)
            await _until_stopped(runtime, upstreams, frontends)
        finally:
            faulthandler.cancel_dump_traceback_later()
            for frontend in frontends:
                frontend.close()

    return main


def listening_address(endpoint: str, setting: str = "FEED_ENDPOINT") -> tuple[str | None, int]:
    """Host (None: every address) and port of an endpoint. Raises ConfigError, with the setting, where it is not on TCP."""
    scheme, _, rest = endpoint.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not port.isdecimal():
        raise ConfigError([f"{setting}: the proxy listens on tcp://HOST:PORT, not on {endpoint}"])
    return None if host == "*" else host.strip("[]"), int(port)


def control_service(settings: Settings, peers: Peers | None = None) -> Service:
    """What is special about the HTTP interface: an instance has to know the peer, and a client understands a refusal."""
    found = peers or Peers(monotonic, default_gateways if settings.control_trust_gateway else frozenset)
    return Service(
        process="control",
        socket=control_socket,
        most=MOST_CONTROL,
        gone_after=CONTROL_GONE,
        stalled=CONTROL_STALLED,
        preface=_make_preface(found),
        crowded=refusal("Too many connections.", 1),
        closed=refusal("No instance answers at the moment.", 2),
    )


def bus_frontends(settings: Settings, upstreams: Upstreams, report: Report) -> list[tuple[Frontend, str | None, int]]:
    """For checkers on other hosts: what takes their connections, with host and port; nothing without PROXY_BUS_ENDPOINT."""
    endpoint = settings.proxy_bus_endpoint
    if not endpoint:
        return []
    made = []
    for shard, place in product(range(settings.shards), (tasks_endpoint, inbox_endpoint)):
        service = dataclasses.replace(BUS_SERVICE, process=coordinator_name(shard), bus=BusSocket(shard, place))
        host, port = listening_address(place(shift_endpoint(endpoint, shard)), "PROXY_BUS_ENDPOINT")
        made.append((Frontend(service, upstreams, report), host, port))
    return made


BUS_SERVICE = Service(
    process="coordinator",
    socket=socket_directory,
    most=MOST_BUS,
    gone_after=BUS_GONE,
    stalled=BUS_STALLED,
    remedy="one has to lead, with BUS_SECRET_KEY set: no checker of another host is let in without keys",
)
FEED_SERVICE = Service(process="feed", socket=feed_socket, most=MOST_FEED, gone_after=FEED_GONE, stalled=FEED_STALLED)


def refusal(detail: str, seconds: int) -> bytes:
    """HTTP's answer 503 as a problem (RFC 9457), to be asked again after so many seconds, and the end of the connection."""
    problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail, "instance": ""}
    body = json.dumps(problem, separators=(",", ":")).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        f"Retry-After: {seconds}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _make_preface(peers: Peers) -> Callable[[object, object], bytes]:
    def make_preface(peername: object, own: object) -> bytes:
        if not isinstance(peername, tuple) or not isinstance(own, tuple):
            return b""  # it is gone already
        address = parse_address(str(peername[0]))
        if address is None:
            raise ValueError(f"no IP address: {peername[0]!r}")
        return encode_header(ProxiedPeer(address, peername[1], peers.is_local(peername)), own[:2])

    return make_preface


async def _until_stopped(runtime: Runtime, upstreams: Upstreams, frontends: Iterable[Frontend]) -> None:
    led: int | None = None
    while not runtime.stopping.is_set():
        runtime.beat()
        _end_if_hanging()
        await upstreams.look()
        for frontend in frontends:
            frontend.close_silent()
        if upstreams.leader is not None and upstreams.leader.epoch != led:
            led = upstreams.leader.epoch
            runtime.log.info("leader", instance=upstreams.leader.instance, epoch=led)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await runtime.stopping.wait()


def _end_if_hanging() -> None:
    """Have a thread of the interpreter end this process unless this is called again: there is no supervisor above it."""
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(HANG_LIMIT, exit=True, file=sys.__stderr__)
