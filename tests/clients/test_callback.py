"""Posting callbacks to a real endpoint that misbehaves: what is sent, what counts as accepted, where nothing goes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from common.clients.callback import CallbackSender
from common.config import load
from common.messages import DeliveryResult
from common.version import user_agent
from tests.clients.callback_endpoint import (
    BODY,
    SECRETS,
    Answer,
    closing,
    configured,
    delivery,
    dripping,
    endless,
    endpoint,
    posted,
    replying,
    reset,
    silent,
)
from tests.lab import signature


def test_the_request_carries_everything_a_receiver_needs() -> None:
    """Exact bytes, the id as idempotency key, a signature that verifies, and the operator's contact."""
    (result,), served = posted(
        replying("204 No Content"),
        API_AUTH_TOKEN="token",
        CALLBACK_SECRET=",".join(SECRETS),
        USER_AGENT_CONTACT="ops@example.org",
    )
    line, headers, body = served.requests[0]

    assert (result.attempt, result.status, result.error, result.retry_after) == ("boot.7", 204, "", None)
    assert result.duration_ms > 0
    assert (line, body) == ("POST /hooks/in?key=hidden HTTP/1.1", BODY)
    assert headers["authorization"] == "Bearer token"
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["idempotency-key"], headers["dm-attempt"]) == ("0b1f", "0b1f", "3")
    assert headers["webhook-timestamp"] == "1614265330"
    for secret in SECRETS:
        assert signature.problem(headers, body, secret, 1614265330) is None
    assert headers["user-agent"] == user_agent("ops@example.org")
    assert "dm-replay" not in headers


def test_without_token_and_secret_there_are_no_such_headers() -> None:
    """And a replay says that it is one."""
    _, served = posted(replying("200 OK"), delivery(replay=True))
    headers = served.requests[0][1]

    assert headers["dm-replay"] == "1"
    assert {"authorization", "webhook-signature"}.isdisjoint(headers)


def test_the_credentials_in_the_url_are_sent_as_a_header() -> None:
    """Without a token; with one, the settings are refused."""

    async def play() -> str:
        async with endpoint(replying("200 OK")) as served:
            sender = CallbackSender(load({"API_CALLBACK_URL": f"http://user:pass@127.0.0.1:{served.port}/"}))
            result = await sender.send(delivery(), 1.0)
            await sender.close()
            assert result.status == 200
            return served.requests[0][1]["authorization"]

    assert asyncio.run(play()).startswith("Basic ")


@pytest.mark.parametrize(
    ("head", "status", "retry_after"),
    [
        ("500 Oops", 500, None),
        ("503 Busy\r\nRetry-After: 7", 503, 7.0),
        ("429 Slow down\r\nRetry-After: Thu, 25 Feb 2021 15:03:10 GMT", 429, 59.25),
        ("503 Busy\r\nRetry-After: soon", 503, None),
        ("410 Gone", 410, None),
        ("302 Found\r\nLocation: /elsewhere", 302, None),
        ("307 Moved\r\nLocation: http://127.0.0.1:1/", 307, None),
    ],
)
def test_a_refusal_is_reported_with_its_status_and_host_only(head: str, status: int, retry_after: float | None) -> None:
    """No redirect is followed, and the text holds neither path nor token nor answer."""
    (result,), served = posted(replying(head, b"secret answer"), API_AUTH_TOKEN="token")

    assert (result.status, result.retry_after) == (status, retry_after)
    assert result.error == f"127.0.0.1: answered {status}"
    assert len(served.requests) == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (reset, "the connection failed (ECONNRESET)"),
        (closing, "the connection was closed without an answer"),
        (replying("what"), "the answer was no acceptable HTTP"),
    ],
)
def test_no_acceptable_answer_is_status_0(answer: Answer, text: str) -> None:
    """It may have arrived, so it is tried again; the text says what happened."""
    (result,), _ = posted(answer)

    assert (result.status, result.error) == (0, f"127.0.0.1: {text}")


@pytest.mark.parametrize("answer", [endless, dripping, replying("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8bgarbage")])
def test_the_status_counts_whatever_the_body_does(answer: Answer) -> None:
    """An accepted event stays accepted although its answer never ends, stalls or is garbage."""
    (result,), _ = posted(answer)

    assert (result.status, result.error) == (200, "")


def test_silence_ends_with_the_budget() -> None:
    """The coordinator's budget, less what reading an answer may take, bounds the attempt."""
    (result,), _ = posted(silent, delivery(budget_ms=1200))

    assert (result.status, result.error) == (0, "127.0.0.1: no answer within 0.2 s")
    assert result.duration_ms < 1200


def test_a_connection_serves_many_and_a_misused_one_is_dropped() -> None:
    """Short answers keep it open; an endless one does not get in the way of the next."""
    _, served = posted(replying("200 OK", b"thanks"), *(delivery(seq=n) for n in range(5)))
    assert (served.connections, len(served.requests)) == (1, 5)

    results, served = posted(endless, delivery(), delivery())
    assert [result.status for result in results] == [200, 200]
    assert served.connections == 2


def test_a_port_without_a_listener_is_reported() -> None:
    """A refused connection names its cause."""

    async def play() -> DeliveryResult:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            sender = CallbackSender(configured(taken.getsockname()[1]))
            result = await sender.send(delivery(), 1.0)
            await sender.close()
            return result

    result = asyncio.run(play())
    assert (result.status, result.error) == (0, "127.0.0.1: the connection failed (ECONNREFUSED)")


def test_no_url_is_an_answer_too() -> None:
    """The notifier keeps running where nothing is configured."""

    async def play() -> DeliveryResult:
        sender = CallbackSender(load({}))
        result = await sender.send(delivery(), 1.0)
        await sender.close()
        await sender.close()
        return result

    assert asyncio.run(play()).error == "API_CALLBACK_URL is not set"


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.1.1]", "[fd00:ec2::254]", "100.100.100.200"])
def test_metadata_services_are_never_posted_to(host: str) -> None:
    """Whatever the operator configured, no connection is even tried."""

    async def play() -> DeliveryResult:
        sender = CallbackSender(load({"API_CALLBACK_URL": f"http://{host}/latest", "API_AUTH_TOKEN": "token"}))
        result = await sender.send(delivery(), 1.0)
        await sender.close()
        return result

    result = asyncio.run(play())
    assert result.status == 0
    assert "its address is link-local or a metadata service" in result.error


def test_allowed_networks_lift_the_denial() -> None:
    """An operator whose collector is link-local says so."""
    sender = CallbackSender(configured(1, ALLOWED_PRIVATE_NETWORKS="169.254.0.0/16"))

    assert sender._guard.allowed("169.254.1.1")
    assert not sender._guard.allowed("fe80::1")


def test_tls_needs_a_certificate_of_a_trusted_authority(tmp_path: Path) -> None:
    """TLS_CA_FILE adds the operator's own authority; without it the attempt fails and says why."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)

    async def play(environ: dict[str, str]) -> DeliveryResult:
        async with endpoint(replying("200 OK"), server) as served:
            sender = CallbackSender(load({"API_CALLBACK_URL": f"https://127.0.0.1:{served.port}/", **environ}))
            result = await sender.send(delivery(), 1.0)
            await sender.close()
            return result

    assert asyncio.run(play({"TLS_CA_FILE": str(tmp_path / "ca.pem")})).status == 200
    refused = asyncio.run(play({}))
    assert (refused.status, refused.error) == (0, "127.0.0.1: the TLS certificate or handshake was not acceptable")
