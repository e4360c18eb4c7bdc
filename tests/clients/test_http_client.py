"""The HTTP client against servers that misbehave."""

import asyncio
import gzip

import pytest

from common.clients.address_guard import Guard
from common.clients.http_client import HttpClient, redirect_target, user_agent
from common.config import load
from common.errors import ClientError, ConnectionRefused, Refused, TimedOut, TooLarge
from tests.clients.hostile import drip, endless_chunks, hostile, reply, reset, silence
from tests.clients.http_asking import LAB, Names, ask, ask_url


def test_an_answer_comes_with_everything_a_parser_needs():
    """Status, lower-case headers, body, and the address that was connected to."""
    found, server = ask(reply(404, b'{"errorCode":404}', {"Content-Type": "application/rdap+json", "X-A": "1"}))

    assert (found.status, found.body, found.truncated) == (404, b'{"errorCode":404}', False)
    assert found.headers["content-type"] == "application/rdap+json"
    assert found.address == f"127.0.0.1:{server.port}"


def test_requests_name_the_client_and_carry_no_cookies():
    """The User-Agent is honest, compression is declined, a cookie set before is not sent back."""

    async def main():
        settings = load(LAB | {"USER_AGENT_CONTACT": "ops@example.com"})
        client = HttpClient(settings, Guard(settings))
        async with hostile(reply(200, b"x", {"Set-Cookie": "a=b"})) as server:
            for _ in range(2):
                await client.request("GET", server.base + "/", limit=10, seconds=5)
            await client.close()
            return server.requests, user_agent(settings.user_agent_contact)

    requests, agent = asyncio.run(main())

    assert agent.startswith("DomainMonitor/")
    assert agent.endswith(" (+ops@example.com)")
    assert all(f"User-Agent: {agent}" in head and "Accept-Encoding: identity" in head for head in requests)
    assert "cookie" not in requests[1].lower()


def test_every_cookie_that_is_set_is_told():
    """One a line: a session may need several. Of any other header the first counts."""
    head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; path=/\r\nX-Note: one\r\nSet-Cookie: c=d\r\nX-Note: two\r\n"
    found, _ = ask(f"{head}Content-Length: 0\r\n\r\n".encode())

    assert found.headers["set-cookie"] == "a=b; path=/\nc=d"
    assert found.headers["x-note"] == "one"


def test_redirects_are_reported_and_not_followed():
    """The caller vets each hop, so the client never takes one by itself."""
    found, server = ask(reply(302, b"", {"Location": "http://169.254.169.254/latest/"}))

    assert found.status == 302
    assert redirect_target(found) == "http://169.254.169.254/latest/"
    assert server.paths() == ["/"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://[::ffff:127.0.0.1]:{}/"])
def test_private_literals_are_refused_without_a_connection(url):
    """IP literals never reach a resolver; the socket factory still sees them."""

    async def main():
        settings = load({})
        client = HttpClient(settings, Guard(settings))
        async with hostile(reply()) as server:
            with pytest.raises(Refused):
                await client.request("GET", url.format(server.port), limit=10, seconds=5)
            await client.close()
            return server.requests

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("url", ["http://localhost/", "http://localhost:1/", "http://0177.0.0.1/"])
def test_names_of_private_addresses_are_refused(url):
    """What the system resolves to loopback, in whatever notation, is refused."""
    with pytest.raises((Refused, ClientError)) as caught:
        ask_url(url, {})
    assert not isinstance(caught.value, (ConnectionRefused, TimedOut))


def test_only_vetted_addresses_of_a_name_are_used():
    """A name that resolves to a metadata address only is refused, by name."""
    with pytest.raises(Refused, match="no public address"):
        ask_url("http://evil.example/", LAB, Names("169.254.169.254", "fd00:ec2::254"))


def test_an_unresolvable_name_is_a_client_error():
    """No address is no verdict and no crash."""
    with pytest.raises(ClientError, match="does not exist"):
        ask_url("http://nowhere.example/", LAB, Names())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://", "//x", "http://[::1/"])
def test_other_schemes_are_refused(url):
    """Only http and https URLs with a host are asked."""
    with pytest.raises(Refused):
        ask_url(url, LAB)


def test_a_resolver_of_our_own_is_used_and_the_name_stays_in_the_request():
    """The name goes into Host, the connection to the address that was resolved."""

    async def main():
        settings = load(LAB)
        names = Names("127.0.0.1")
        client = HttpClient(settings, Guard(settings), resolver=names)
        async with hostile(reply(200, b"ok")) as server:
            await client.request("GET", f"http://registry.example:{server.port}/", limit=10, seconds=5)
            await client.close()
            return names.asked, server.requests[0]

    asked, head = asyncio.run(main())

    assert asked == ["registry.example"]
    assert "Host: registry.example:" in head


@pytest.mark.parametrize("behaviour", [silence, drip])
def test_the_deadline_holds_whatever_the_server_does(behaviour):
    """Silence and one byte at a time both end at the deadline, which covers connect, headers and body."""
    with pytest.raises(TimedOut):
        ask(behaviour, seconds=0.3)


def test_an_endless_body_stops_at_the_limit():
    """The byte cap ends a fast endless stream, long before the deadline."""
    found, _server = ask(endless_chunks, limit=200_000)

    assert found.truncated
    assert len(found.body) == 200_000


def test_a_gzip_bomb_is_unpacked_to_the_limit_only():
    """What was compressed against our wish is unpacked chunk by chunk and cut at the limit."""
    bomb = gzip.compress(b" " * 50_000_000)
    found, _server = ask(reply(200, bomb, {"Content-Encoding": "gzip"}), limit=100_000)

    assert found.truncated
    assert len(found.body) == 100_000


def test_a_small_gzip_body_is_unpacked():
    """A server that compresses anyway is understood."""
    found, _server = ask(reply(200, gzip.compress(b"hello"), {"Content-Encoding": "gzip"}))

    assert (found.body, found.truncated) == (b"hello", False)


def test_noise_that_unpacks_to_nothing_is_cut_off():
    """Bytes on the wire are counted too: empty deflate blocks would never fill the unpacked limit."""
    noise = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 100_000
    found, _server = ask(reply(200, noise, {"Content-Encoding": "gzip"}), limit=1000)

    assert found.truncated


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, gzip.compress(b"x" * 1000)[:20], {"Content-Encoding": "gzip"}),
        reply(200, b"not gzip at all", {"Content-Encoding": "gzip"}),
        reply(200, b"x", {"Content-Encoding": "br"}),
        reply(200, b"short", length=1000),
        b"SSH-2.0-OpenSSH_9.0\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"",
    ],
)
def test_a_broken_answer_is_an_error_and_never_an_answer(answer):
    """A body that is cut off or packed wrongly, and what is no HTTP, proves nothing."""
    with pytest.raises(ClientError):
        ask(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: %b\r\n" % (n, b"a" * 5000) for n in range(20)) + b"\r\n",
    ],
)
def test_headers_are_bounded(answer):
    """One header of 20 MB, very many, and many long ones are too large."""
    with pytest.raises(TooLarge):
        ask(answer)


def test_headers_are_text_whatever_bytes_they_were():
    """Bytes that are no UTF-8 must not travel further."""
    found, _server = ask(b"HTTP/1.1 200 OK\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\n\r\n")

    assert found.headers["location"].encode() == b"http://??/"


def test_a_reset_and_a_closed_port_turn_us_away():
    """Both are told apart from other errors: they may be a ban."""
    with pytest.raises(ConnectionRefused):
        ask(reset)
    with pytest.raises(ConnectionRefused):
        ask_url("http://127.0.0.1:1/", LAB)


def test_a_body_that_is_not_wanted_is_not_read():
    """With limit 0 the answer is complete after its headers."""
    found, _server = ask(endless_chunks, method="GET", limit=0)

    assert (found.status, found.body) == (200, b"")


def test_errors_never_show_the_query():
    """Some registrars want their key in the URL."""
    with pytest.raises(ClientError) as caught:
        ask_url("http://127.0.0.1:1/api?apiKey=secret", LAB)
    assert "secret" not in str(caught.value)
