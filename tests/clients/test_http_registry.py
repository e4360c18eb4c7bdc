"""The HTTP client and registries over TLS: certificates, few connections that stay, and a slow registry holds up no other."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trustme

from common.clients.address_guard import Guard
from common.clients.http_client import PER_HOST, HttpClient, RequestOptions
from common.config import load
from common.errors import ClientError, NotAsked
from tests.clients.hostile import hostile, reply
from tests.clients.http_asking import LAB, Names


def test_https_needs_a_certificate_of_a_known_authority(tmp_path):
    """TLS_CA_FILE adds an authority; without it the same server is an error. The name in TLS can differ from the address."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("registry.example").configure_cert(context)
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))

    async def main(environ):
        settings = load(LAB | environ)
        client = HttpClient(settings, Guard(settings))
        try:
            async with hostile(reply(200, b"ok"), ssl=context) as server:
                url = f"https://127.0.0.1:{server.port}/"
                options = RequestOptions(server_hostname="registry.example")
                return (await client.request("GET", url, limit=10, seconds=5, options=options)).body
        finally:
            await client.close()

    assert asyncio.run(main({"TLS_CA_FILE": str(pem)})) == b"ok"
    with pytest.raises(ClientError):
        asyncio.run(main({}))


@asynccontextmanager
async def registry(context, answer=b"{}", *, held=None):
    """A TLS server that keeps connections open; gives (port, connections accepted). It answers once `held` is set."""
    accepted = []

    async def serve(reader, writer):
        accepted.append(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if held is not None:
                    await held.wait()
                writer.write(reply(200, answer))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], accepted
    finally:
        server.close()


@pytest.fixture
def authority(tmp_path):
    """A server's TLS context for *.registry.example, and settings that trust it."""
    made = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.issue_cert("*.registry.example").configure_cert(context)
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return context, load(LAB | {"TLS_CA_FILE": str(tmp_path / "ca.pem")})


def test_an_operator_sees_few_connections_that_stay(authority):
    """A hundred questions to one host, at once and in turn, go over no more than PER_HOST connections."""
    context, settings = authority

    async def main():
        client = HttpClient(settings, Guard(settings), resolver=Names("127.0.0.1"))
        async with registry(context) as (port, accepted):
            url = f"https://rdap.registry.example:{port}/domain/"
            ask = partial(client.request, "GET", limit=100, seconds=10)
            await asyncio.gather(*(ask(url + str(number)) for number in range(50)))
            for number in range(50):
                await ask(url + str(number))
            await client.close()
            return len(accepted)

    assert asyncio.run(main()) == PER_HOST


def test_answers_over_tls_are_whole_however_long(authority):
    """Small buffers cut nothing off, and the limit holds."""
    context, settings = authority
    body = bytes(range(256)) * 2000

    async def main(limit):
        client = HttpClient(settings, Guard(settings), resolver=Names("127.0.0.1"))
        async with registry(context, body) as (port, _):
            found = await client.request("GET", f"https://rdap.registry.example:{port}/", limit=limit, seconds=10)
            await client.close()
            return found.body, found.truncated

    assert asyncio.run(main(len(body))) == (body, False)
    assert asyncio.run(main(len(body) - 1)) == (body[:-1], True)


def test_a_slow_registry_holds_up_no_other(authority):
    """While a thousand queries wait for one registry, those to a hundred others are answered."""
    context, settings = authority

    async def main():
        client = HttpClient(settings, Guard(settings), resolver=Names("127.0.0.1"))
        held = asyncio.Event()
        async with registry(context, held=held) as (slow, slow_ones), registry(context) as (quick, _):
            ask = partial(client.request, "GET", limit=100, seconds=30)
            waiting = [asyncio.create_task(ask(f"https://slow.registry.example:{slow}/{number}")) for number in range(1000)]
            others = (ask(f"https://r{number}.registry.example:{quick}/") for number in range(100))
            answers = await asyncio.gather(*others)
            done = sum(task.done() for task in waiting)
            held.set()
            late = await asyncio.gather(*waiting)
            await client.close()
            return {answer.status for answer in (*answers, *late)}, done, len(slow_ones)

    assert asyncio.run(main()) == ({200}, 0, PER_HOST)


def test_a_turn_that_does_not_come_is_no_timeout_of_the_server(authority):
    """A query that was never sent is told as such, early enough that one with a turn has time for an answer."""
    context, settings = authority

    async def main():
        client = HttpClient(settings, Guard(settings), resolver=Names("127.0.0.1"))
        held = asyncio.Event()
        async with registry(context, held=held) as (port, accepted):
            url = f"https://rdap.registry.example:{port}/"
            first = [asyncio.create_task(client.request("GET", url, limit=100, seconds=30)) for _ in range(PER_HOST)]
            await asyncio.sleep(0)
            late = (client.request("GET", url, limit=100, seconds=0.1) for _ in range(20))
            told = {type(error) for error in await asyncio.gather(*late, return_exceptions=True)}
            held.set()
            answers = {answer.status for answer in await asyncio.gather(*first)}
            await client.close()
            return told, answers, len(accepted)

    assert asyncio.run(main()) == ({NotAsked}, {200}, PER_HOST)
