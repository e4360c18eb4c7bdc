"""The DAS checker against services that misbehave."""

import asyncio
import json

import pytest

from actors.checkers.intermediate.das import TEXT_LIMIT, create, make_excerpt
from common.core.model.evidence import EXCERPT_LIMIT, NO_FIELDS, Outcome
from tests.checkers.support import context, once, task
from tests.clients import hostile, line_server
from tests.clients.hostile import reply

FREE = b"Domain: example.be\r\nStatus: AVAILABLE\r\n"
TAKEN = b"Domain: example.be\r\nStatus: NOT AVAILABLE\r\n"


def look(answer, *, domain="example.be", environ=None, **more):
    """One check against a line server that answers so; gives (observation, server)."""

    async def main():
        async with line_server.line_server(answer) as running:
            checker = create(context(environ))
            try:
                return await checker.check(task("das", domain, server=running.name, **more)), running
            finally:
                await checker.close()

    return asyncio.run(main())


def browse(answer, *, domain="example.se", **more):
    """The same against a web server; .se asks for text."""

    async def main():
        async with hostile.hostile(answer) as running:
            checker = create(context())
            try:
                return await checker.check(task("das", domain, server=f"127.0.0.1:{running.port}", **more)), running
            finally:
                await checker.close()

    return asyncio.run(main())


def test_a_free_name_is_unregistered() -> None:
    """The query has the form of the suffix, and the observation tells where, how and what."""
    seen, server = look(FREE)

    assert server.lines == [b"example.be\r\n"]
    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNREGISTERED, "das_available")
    assert (seen.method, seen.server, seen.address) == ("das", "127.0.0.1", f"{server.name}/tcp")
    assert len(seen.digest) == 64
    assert seen.duration_ms > 0
    assert (seen.status, seen.refused) == (None, False)
    assert "AVAILABLE" in seen.excerpt


def test_a_taken_name_comes_without_a_record() -> None:
    """Such a service shows neither phase nor dates."""
    reading = look(TAKEN)[0].reading

    assert (reading.outcome, reading.phase, reading.fields) == (Outcome.REGISTERED, None, NO_FIELDS)


@pytest.mark.parametrize(
    ("domain", "line"),
    [
        ("example.eu", b"get 1.0 example\r\n"),
        ("example.lt", b"get 1.0 example.lt\r\n"),
        ("example.no", b"example.no\r\n"),
        ("xn--bcher-kva.no", "-c utf-8 b\u00fccher.no\r\n".encode()),
        ("example.nl", b"is example.nl\r\n"),
        ("example.zz", b"example.zz\r\n"),
    ],
)
def test_the_question_is_put_in_the_form_of_the_suffix(domain: str, line: bytes) -> None:
    """Also where its server was moved elsewhere; a suffix without a row is asked in the common form."""
    assert look(b"", domain=domain)[1].lines == [line]


def test_the_port_of_the_service_is_taken_where_none_is_named() -> None:
    """Nothing listens on loopback there."""
    seen = once(create(context()), task("das", "example.be", server="127.0.0.1"))

    assert (seen.reading.finding, seen.refused) == ("das_turned_away", True)


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (b"", "das_unparsed"),
        (line_server.silence, "das_timeout"),
        (line_server.drip, "das_timeout"),
        (line_server.endless, "das_too_large"),
        (line_server.reset, "das_error"),
        (line_server.reset_inside, "das_error"),
        (FREE + b"%" * TEXT_LIMIT, "das_too_large"),
        (bytes(range(128, 256)) * 20, "das_unparsed"),
        (b"<html><body>Status: AVAILABLE</body></html>", "das_html"),
        (FREE.replace(b"example", b"other"), "das_wrong_name"),
        (FREE + TAKEN, "das_unparsed"),
        (b"RC: -1\r\n", "das_error"),
    ],
)
def test_trouble_is_unknown_and_says_what_it_was(answer, finding: str) -> None:
    """Nothing a broken service does is taken for an answer."""
    seen, _server = look(answer, budget_ms=500 if finding == "das_timeout" else 10_000)

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, finding)
    assert not seen.refused


def test_a_limit_carries_the_time_to_wait() -> None:
    """A throttle text is no trouble of the name, even beside a free line."""
    reading = look(b"RC: -2\r\n% Excessive querying, grace period of 13 seconds\r\n" + FREE)[0].reading

    assert (reading.outcome, reading.finding, reading.retry_after) == (Outcome.THROTTLED, "das_throttled", 13.0)


def test_a_private_address_is_never_asked() -> None:
    """A service that points inside is refused before anything is sent."""
    for seen, server in (look(FREE, environ={}), look(FREE, domain="example.com", environ={})):
        assert seen.reading.finding == "das_refused_address"
        assert server.lines == []


def test_another_address_is_tried_first_for_a_second_pass() -> None:
    """The one that is to be confirmed comes last; where it is the only one it is asked again."""
    assert look(FREE, confirm=True, spare="127.0.0.1:1/tcp")[0].reading.outcome is Outcome.UNREGISTERED


def test_without_a_server_nothing_is_asked() -> None:
    """The suffix has no service."""
    seen = once(create(context()), task("das", "example.com"))

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "das_no_server")


@pytest.mark.parametrize("domain", ["a b.be", "a.be\r\nb.be", "UPPER.be", "-x.be", "x_y.be"])
def test_nothing_but_a_name_goes_on_the_wire(domain: str) -> None:
    """A name that could hold a second query is not asked for."""
    seen, server = look(FREE, domain=domain)

    assert seen.reading.finding == "das_bad_name"
    assert server.lines == []


def test_a_web_service_is_asked_by_its_path() -> None:
    """Text comes back, with its status."""
    seen, server = browse(reply(200, b"free example.se"))

    assert server.paths() == ["/free?q=example.se"]
    assert "Accept: text/plain" in server.requests[0]
    assert "Cache-Control" not in server.requests[0]
    assert (seen.reading.finding, seen.status, seen.server) == ("das_available", 200, "127.0.0.1")
    assert seen.address == f"127.0.0.1:{server.port}/tcp"
    assert seen.excerpt == "free example.se"


def test_a_second_pass_goes_around_caches() -> None:
    """Confirmation asks caches on the way not to answer."""
    assert "Cache-Control: no-cache" in browse(reply(200, b"free example.se"), confirm=True)[1].requests[0]


@pytest.mark.parametrize(
    ("answer", "outcome", "finding", "refused"),
    [
        (hostile.silence, Outcome.UNKNOWN, "das_timeout", False),
        (hostile.drip, Outcome.UNKNOWN, "das_timeout", False),
        (hostile.endless_chunks, Outcome.UNKNOWN, "das_too_large", False),
        (hostile.reset, Outcome.UNKNOWN, "das_turned_away", True),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000_000, Outcome.UNKNOWN, "das_too_large", False),
        (reply(200, b"free example.se", length=10_000), Outcome.UNKNOWN, "das_error", False),
        (reply(200, b"<html>free example.se</html>"), Outcome.UNKNOWN, "das_html", False),
        (reply(200, b"free other.se"), Outcome.UNKNOWN, "das_unparsed", False),
        (reply(302, b"", {"Location": "http://169.254.169.254/"}), Outcome.UNKNOWN, "das_redirect", False),
        (reply(403, b"free example.se"), Outcome.UNKNOWN, "das_refused", True),
        (reply(401, b"free example.se"), Outcome.UNKNOWN, "das_refused", True),
        (reply(404, b"free example.se"), Outcome.UNKNOWN, "das_status", False),
        (reply(500, b"x" * (TEXT_LIMIT + 1)), Outcome.UNKNOWN, "das_5xx", False),
        (reply(429, b""), Outcome.THROTTLED, "das_throttled", False),
        (reply(503, b""), Outcome.THROTTLED, "das_throttled", False),
        (reply(200, b"Too many requests"), Outcome.THROTTLED, "das_throttled", False),
    ],
)
def test_trouble_over_http_is_never_a_verdict(answer, outcome, finding: str, refused: bool) -> None:
    """Every way to misbehave ends in time and proves nothing."""
    seen, _server = browse(answer, budget_ms=600 if finding == "das_timeout" else 10_000)

    assert (seen.reading.outcome, seen.reading.finding, seen.refused) == (outcome, finding, refused)


def test_a_limit_over_http_says_when_to_come_back() -> None:
    """Retry-After in seconds."""
    assert browse(reply(429, b"", {"Retry-After": "90"}))[0].reading.retry_after == 90.0


def test_evidence_is_bounded() -> None:
    """Printable, without empty lines, and never longer than evidence may be."""
    assert make_excerpt("a\x00b\r\n\r\n  c\t d  \n") == "a b\nc  d"
    assert len(make_excerpt(json.dumps({"x": "y" * 9000}))) == EXCERPT_LIMIT
