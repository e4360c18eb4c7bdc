"""Everything the service talks to besides name servers, as a process of its own: `python -m tests.bench.outside COUNT`.

The list API, registries over RDAP and WHOIS that know every listed name, and two receivers of callbacks: one answers at once,
one never accepts a POST. Prints one JSON line with its ports when all of them listen, and ends when its input is closed.

GET  /domains          the list, with ETag         POST /list/{base|changed}   which list that is
POST /callback, /dead  receivers                   GET  /counts                what arrived so far
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter

from aiohttp import web

from tests.bench.internet import CANARIES, SUFFIXES, World, world_of
from tests.lab import net

DAY = 86_400.0
#: Seconds that a client of the WHOIS server may take to ask.
PATIENCE = 10.0


class Outside:
    """What answers. `counts` has the requests of each kind."""

    def __init__(self, world: World) -> None:
        self._registered = {*world.names, *world.fresh, *(f"{label}.{suffix}" for suffix in SUFFIXES for label in CANARIES)}
        self._lists = {"base": world.body(world.names), "changed": world.body(world.changed())}
        self._tags = {kind: hashlib.sha256(body).hexdigest()[:16] for kind, body in self._lists.items()}
        self._kind = "base"
        self.counts: Counter[str] = Counter()

    def customer(self) -> web.Application:
        """List API, receivers, and what the benchmark itself asks."""
        app = web.Application()
        app.router.add_get("/domains", self._domains)
        app.router.add_post("/list/{kind}", self._choose)
        app.router.add_post("/callback", self._callback)
        app.router.add_post("/dead", self._dead)
        app.router.add_get("/counts", self._counts)
        return app

    def registry(self) -> web.Application:
        """An RDAP server."""
        app = web.Application()
        app.router.add_get("/domain/{name}", self._rdap)
        return app

    async def whois(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One WHOIS query."""
        self.counts["whois"] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                name = (await reader.readline()).decode("ascii", "replace").strip().lower().rpartition(" ")[2]
            writer.write(self._record(name).encode())
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            self.counts["whois_broken"] += 1
        finally:
            writer.close()

    async def _domains(self, request: web.Request) -> web.Response:
        tag = self._tags[self._kind]
        self.counts["list"] += 1
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304)
        response = web.Response(body=self._lists[self._kind], content_type="application/json")
        response.etag = tag
        return response

    async def _choose(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind not in self._lists:
            return web.Response(status=404)
        self._kind = kind
        return web.Response(status=204)

    async def _callback(self, request: web.Request) -> web.Response:
        await request.read()
        self.counts["callback"] += 1
        return web.Response(status=204)

    async def _dead(self, request: web.Request) -> web.Response:
        await request.read()
        self.counts["dead"] += 1
        return web.Response(status=503)

    async def _counts(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self.counts))

    async def _rdap(self, request: web.Request) -> web.Response:
        self.counts["rdap"] += 1
        name = request.match_info["name"].lower()
        known = name in self._registered
        content = rdap_record(name, time.time()) if known else {"errorCode": 404, "title": "Not Found"}
        body = json.dumps({"rdapConformance": ["rdap_level_0"], **content}).encode()
        return web.Response(status=200 if known else 404, body=body, content_type="application/rdap+json")

    def _record(self, name: str) -> str:
        if name not in self._registered:
            return f'No match for "{name.upper()}".\r\n'
        return (
            f"Domain Name: {name.upper()}\r\nRegistry Domain ID: 1_DOMAIN\r\nRegistrar: Bench Registrar\r\n"
            "Creation Date: 2001-02-03T04:05:06Z\r\nDomain Status: ok\r\n"
            f"Registry Expiry Date: {stamp(time.time() + 200 * DAY)}\r\n"
        )


def rdap_record(name: str, now: float) -> dict[str, object]:
    """The object of a registered name (RFC 9083); `now` in epoch seconds."""
    events = {"registration": "2001-02-03T04:05:06Z", "expiration": stamp(now + 200 * DAY)}
    return {
        "objectClassName": "domain",
        "ldhName": name,
        "handle": "1_DOMAIN",
        "status": ["active"],
        "events": [{"eventAction": action, "eventDate": date} for action, date in events.items()],
    }


def stamp(moment: float) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


async def main(count: int) -> None:
    """Serve until the input is closed."""
    outside = Outside(world_of(count))
    addresses = [address for _, address in SUFFIXES.values()]
    registry_port, registries = net.tcp_group(addresses)
    whois_port, whois = net.tcp_group(addresses)
    customer = net.tcp_socket(net.HOST)
    runners = [web.AppRunner(outside.customer(), access_log=None), web.AppRunner(outside.registry(), access_log=None)]
    for runner in runners:
        await runner.setup()
    await web.SockSite(runners[0], customer).start()
    for sock in registries.values():
        await web.SockSite(runners[1], sock).start()
    servers = [await asyncio.start_server(outside.whois, sock=sock) for sock in whois.values()]
    ports = {"customer": customer.getsockname()[1], "registry": registry_port, "whois": whois_port}
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
