"""The RDAP checker against a registry that misbehaves."""

import asyncio
import gzip
import json

import pytest

from actors.checkers.intermediate.rdap import MOST_REDIRECTS, RdapChecker, create, excerpt
from common.clients.http_client import PER_HOST
from common.core.model.evidence import EXCERPT_LIMIT, Outcome
from common.errors import NotAsked
from tests.checkers.support import context, once, task
from tests.clients.hostile import drip, endless_chunks, hostile, reply, reset, silence

RDAP = {"Content-Type": "application/rdap+json"}
FOUND = {
    "objectClassName": "domain",
    "ldhName": "EXAMPLE.com",
    "handle": "D1-COM",
    "status": ["client hold"],
    "events": [{"eventAction": "expiration", "eventDate": "2030-01-01T00:00:00Z"}],
    "entities": [{"roles": ["registrant"], "vcardArray": ["vcard", [["fn", {}, "text", "Jane Doe"]]]}],
    "nameservers": [{"ldhName": "ns1.example.net"}],
}
MISSING = {"rdapConformance": ["rdap_level_0"], "errorCode": 404, "title": "Not Found"}


def rdap(status, value, **headers):
    """An RDAP answer."""
    return reply(status, json.dumps(value).encode(), RDAP | headers)


def look(answer, *, path="/rdap/", environ=None, **more):
    """One check of example.com against a hostile registry; gives (observation, server)."""

    async def main():
        checker = create(context(environ))
        try:
            async with hostile(answer) as server:
                return await checker.check(task("rdap", server=server.base + path, **more)), server
        finally:
            await checker.close()

    return asyncio.run(main())


def test_a_registered_name_is_asked_for_under_the_whole_base_path():
    """The path of the base stays, the answer comes with record, address and digest."""
    seen, server = look(rdap(200, FOUND), path="/com/v1/")

    assert server.paths() == ["/com/v1/domain/example.com"]
    assert "Accept: application/rdap+json" in server.requests[0]
    assert seen.reading.outcome is Outcome.REGISTERED
    assert seen.reading.fields.expires_at == "2030-01-01T00:00:00Z"
    assert (seen.status, seen.server, seen.address) == (200, "127.0.0.1", f"127.0.0.1:{server.port}/tcp")
    assert len(seen.digest) == 64


def test_evidence_holds_no_contact_data():
    """The excerpt keeps what decides and drops people."""
    seen, _server = look(rdap(200, FOUND))

    assert "Jane" not in seen.excerpt
    assert json.loads(seen.excerpt)["nameservers"] == ["ns1.example.net"]
    assert len(excerpt(json.dumps(FOUND | {"notices": [{"description": ["x" * 5000]}]}).encode())) <= EXCERPT_LIMIT


def test_a_missing_object_is_unregistered():
    """404 with an RDAP error from the registry's host."""
    assert look(rdap(404, MISSING))[0].reading.finding == "rdap_404_json"


def test_a_second_pass_goes_around_caches():
    """Confirmation asks caches on the way not to answer."""
    _seen, server = look(rdap(404, MISSING), confirm=True)

    assert "Cache-Control: no-cache" in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "outcome", "finding"),
    [
        (silence, Outcome.UNKNOWN, "rdap_timeout"),
        (drip, Outcome.UNKNOWN, "rdap_timeout"),
        (endless_chunks, Outcome.UNKNOWN, "rdap_too_large"),
        (reset, Outcome.UNKNOWN, "rdap_turned_away"),
        (reply(200, gzip.compress(b" " * 9_000_000), RDAP | {"Content-Encoding": "gzip"}), Outcome.UNKNOWN, "rdap_too_large"),
        (reply(404, json.dumps(MISSING).encode(), RDAP, length=10_000), Outcome.UNKNOWN, "rdap_error"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000_000, Outcome.UNKNOWN, "rdap_too_large"),
        (reply(404, b"<html>Not Found</html>", {"Content-Type": "text/html"}), Outcome.UNKNOWN, "rdap_html"),
        (reply(200, b"<html>parked</html>", {"Content-Type": "text/html"}), Outcome.UNKNOWN, "rdap_html"),
        (reply(404, json.dumps(MISSING).encode(), {"Content-Type": "text/html"}), Outcome.UNKNOWN, "rdap_content_type"),
        (rdap(429, {}), Outcome.THROTTLED, "rdap_429"),
        (reply(500, b"oops"), Outcome.UNKNOWN, "rdap_5xx"),
        (reply(302, b"", {"Location": "http://169.254.169.254/"}), Outcome.UNKNOWN, "rdap_other_host"),
        (reply(302, b"", {"Location": "/rdap/domain/example.com"}), Outcome.UNKNOWN, "rdap_redirects"),
        (reply(302, b""), Outcome.UNKNOWN, "rdap_redirect"),
    ],
)
def test_trouble_is_never_a_verdict(answer, outcome, finding):
    """Every way to misbehave ends in time and proves nothing."""
    seen, _server = look(answer, budget_ms=400)

    assert (seen.reading.outcome, seen.reading.finding) == (outcome, finding)


def test_a_limit_says_when_to_come_back():
    """429 with Retry-After carries the seconds, without it none."""
    assert look(rdap(429, {}, **{"Retry-After": "90"}))[0].reading.retry_after == 90.0
    assert look(rdap(429, {}))[0].reading.retry_after is None


def test_being_turned_away_is_marked():
    """403 with HTML, and a reset, count as refusals."""
    seen, _server = look(reply(403, b"<html>no</html>", {"Content-Type": "text/html"}))

    assert seen.refused
    assert seen.reading.finding == "rdap_403"
    assert look(reset)[0].refused
    assert not look(reply(500, b""))[0].refused


def test_redirects_within_the_registry_are_followed():
    """A hop on the same host leads to the answer, a chain that is too long does not."""

    async def short(head, writer):
        moved = "/new/domain/example.com" in head.split("\r\n")[0]
        writer.write(rdap(200, FOUND) if moved else reply(301, b"", {"Location": "/new/domain/example.com"}))

    async def long(head, writer):
        writer.write(reply(301, b"", {"Location": head.split(" ", 2)[1] + "x"}))

    assert look(short)[0].reading.outcome is Outcome.REGISTERED
    seen, server = look(long)
    assert seen.reading.finding == "rdap_redirects"
    assert len(server.requests) == MOST_REDIRECTS + 1


def test_a_question_without_a_turn_is_not_asked():
    """It goes back. Once its operator was asked, though, a redirect to a server without a turn is an answer like others."""

    async def main():
        held, asked = asyncio.Event(), []

        async def busy(head, writer):
            asked.append(head)
            await held.wait()
            writer.write(rdap(200, FOUND))

        checker = RdapChecker(context(), Everywhere())
        async with hostile(busy) as there:
            moved = reply(302, b"", {"Location": f"http://rdap.donuts.co:{there.port}/domain/example.com"})
            async with hostile(moved) as here:
                server = f"http://rdap.donuts.co:{there.port}/"
                waiting = [asyncio.create_task(checker.check(task("rdap", server=server))) for _ in range(PER_HOST)]
                await asyncio.sleep(0)
                with pytest.raises(NotAsked):
                    await checker.check(task("rdap", server=server, budget_ms=100))
                other = f"http://rdap.afilias.net:{here.port}/"
                seen = await checker.check(task("rdap", server=other, budget_ms=2000))
                held.set()
                await asyncio.gather(*waiting)
                await checker.close()
                return seen.reading, len(here.requests), len(asked)

    reading, moved, asked = asyncio.run(main())
    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, "rdap_error")
    assert "not asked" in reading.reason
    assert (moved, asked) == (1, PER_HOST)


def test_private_servers_are_refused_by_default():
    """A base URL that points into a private network is never connected to."""
    seen, server = look(rdap(404, MISSING), environ={})

    assert seen.reading.finding == "rdap_refused_address"
    assert server.requests == []


class Everywhere:
    """A resolver whose every host is this machine."""

    async def addresses(self, _host):
        """Loopback."""
        return ["127.0.0.1"]


class BothFamilies:
    """A resolver whose every host has an IPv6 and an IPv4 address."""

    async def addresses(self, _host):
        """IPv6 first, as happy eyeballs want it."""
        return ["::1", "127.0.0.1"]


def test_a_403_over_ipv6_is_tried_once_over_ipv4():
    """Some registries block whole IPv6 networks and answer over IPv4."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(rdap(404, MISSING))
        writer.close()

    async def main():
        checker = RdapChecker(context({"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128"}), BothFamilies())
        try:
            async with hostile(reply(403), host="::1") as six:
                four = await asyncio.start_server(serve, "127.0.0.1", six.port)
                seen = await checker.check(task("rdap", server=f"http://rdap.example:{six.port}/"))
                four.close()
                return seen, len(six.requests)
        finally:
            await checker.close()

    try:
        seen, over_six = asyncio.run(main())
    except OSError:
        pytest.skip("no IPv6 loopback here")

    assert over_six == 1
    assert seen.reading.finding == "rdap_404_json"
    assert seen.address.startswith("127.0.0.1:")


def test_a_suffix_without_a_server_is_said_so():
    """No server, no question."""
    seen = once(create(context()), task("rdap", "name.zz"))

    assert seen.reading.finding == "rdap_no_server"


def test_a_name_that_is_no_name_is_never_put_on_the_wire():
    """Slashes and queries in a name would ask something else."""
    seen = once(create(context()), task("rdap", "a/../b?.com", server="http://127.0.0.1:1/"))

    assert seen.reading.finding == "rdap_no_server"
