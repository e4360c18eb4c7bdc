"""The HTTP checker: an answer proves delegation, everything else proves nothing, and private networks are never visited."""

import asyncio

import pytest

from actors.checkers.fast.http import HttpChecker
from common.core.model.evidence import Outcome
from common.errors import ClientError
from tests.checkers.support import LAB, context, task
from tests.clients.hostile import drip, endless_chunks, hostile, reply, reset, silence


class Names:
    """A resolver that knows a few names."""

    def __init__(self, **known):
        self.known = {key.replace("_", "."): value for key, value in known.items()}
        self.asked = []

    async def addresses(self, host):
        """What is known about the host."""
        self.asked.append(host)
        if host not in self.known:
            raise ClientError(f"{host} does not exist")
        return self.known[host]


def look(answer, names=None, **more):
    """One check of example.com, which resolves to a hostile server; gives (observation, server, resolver)."""

    async def main():
        resolver = names or Names(example_com=["127.0.0.1"])
        async with hostile(answer) as server:
            checker = HttpChecker(context(LAB | {"HTTP_PORT": str(server.port)}), resolver)
            try:
                return await checker.check(task("http", **more)), server, resolver
            finally:
                await checker.close()

    return asyncio.run(main())


def test_an_answering_server_means_registered():
    """HEAD with the name in Host, to the address that was vetted."""
    seen, server, _names = look(reply(503, b""))

    assert (seen.reading.outcome, seen.reading.finding, seen.status) == (Outcome.REGISTERED, "http_answer", 503)
    assert seen.address == f"127.0.0.1:{server.port}/tcp"
    assert server.requests[0].startswith("HEAD / HTTP/1.1\r\n")
    assert f"Host: example.com:{server.port}" in server.requests[0]


def test_a_redirect_to_a_market_is_a_hint():
    """The name is registered and offered; the market itself is not asked."""
    seen, server, names = look(reply(302, b"", {"Location": "https://www.afternic.com/forsale/example.com"}))

    assert "for sale" in seen.reading.reason
    assert len(server.requests) == 1
    assert names.asked == ["example.com", "www.afternic.com"]


@pytest.mark.parametrize("answer", [silence, drip, reset, b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000_000])
def test_whatever_is_no_answer_is_silence(answer):
    """Timeouts, resets, other protocols and monstrous headers prove nothing."""
    seen, _server, _names = look(answer, budget_ms=300)

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "http_silent")


def test_headers_above_the_bound_are_silence():
    """More than 16 KiB of header lines are not read as an answer."""
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: %b\r\n" % (n, b"a" * 4000) for n in range(5)) + b"\r\n"

    assert look(head)[0].reading.finding == "http_silent"


def test_a_body_is_never_read():
    """A body that is announced is not waited for; one that is sent anyway breaks HTTP and ends the exchange at once."""
    announced = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"

    assert look(announced)[0].reading.finding == "http_answer"
    assert look(endless_chunks)[0].reading.finding in {"http_answer", "http_silent"}


@pytest.mark.parametrize(
    "addresses", [["169.254.169.254"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["::1"], ["64:ff9b::a9fe:a9fe"], []]
)
def test_a_name_with_a_private_address_is_not_visited(addresses):
    """One private address among others is enough to stay away."""
    seen, server, _names = look(reply(200), Names(example_com=addresses))

    assert seen.reading.finding == "http_silent"
    assert server.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://internal.example/",
        "http://[::1]/",
        "ftp://example.com/",
        "http://example.com:22/",
        "http://user:pw@10.0.0.1/",
        "http://[broken",
    ],
)
def test_redirects_into_private_networks_are_not_followed(location):
    """The first answer stands as proof; where it points to is vetted like the name itself."""
    names = Names(example_com=["127.0.0.1"], internal_example=["10.0.0.1"])
    seen, server, _names = look(reply(302, b"", {"Location": location}), names)

    assert seen.reading.outcome is Outcome.REGISTERED
    assert len(server.requests) == 1


def test_at_most_two_redirects_are_followed():
    """A loop ends after two hops, each of them resolved anew."""
    seen, server, names = look(reply(302, b"", {"Location": "/again"}))

    assert seen.reading.outcome is Outcome.REGISTERED
    assert len(server.requests) == 3
    assert names.asked == ["example.com"] * 3


def test_a_name_without_addresses_is_silence():
    """No A record is no verdict."""
    seen, _server, _names = look(reply(200), Names(other_example=["127.0.0.1"]))

    assert seen.reading.finding == "http_silent"
    assert seen.status is None
