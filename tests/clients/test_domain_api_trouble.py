"""The Domain API client against real servers on loopback that refuse, mislead, stall and break."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from common.clients.list_json import JsonListParser
from common.clients.list_text import ListBounds
from common.core.watchlist.domain_list import ListBuilder
from common.errors import ListError
from tests.clients.list_api import LIST, SUFFIX_OF, api, failure, serving
from tests.http_thread import reply


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    """An overloaded API gets a second chance; nonsense in Retry-After does no harm."""

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number == 1:
            reply(handler, status, Retry_After="soon")
        else:
            reply(handler, 200, LIST)

    with serving(answer) as server:
        found = api(server.url).fetch()

    assert found.status == "new"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "words", "tries"),
    [(401, "API_AUTH_TOKEN", 1), (404, "DOMAIN_API_URL", 1), (503, "HTTP 503", 4), (204, "HTTP 204", 1), (304, "HTTP 304", 1)],
)
def test_a_refusal_says_what_to_do(status: int, words: str, tries: int) -> None:
    """The sentence names the setting; only what may pass is tried again."""
    with serving(lambda handler, _number: reply(handler, status)) as server:
        text = failure(server.url)

    assert words in text
    assert len(server.requests) == tries


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"<html>", "not valid JSON"),
        (b'["a.com"]', "found a list"),
        (b'"a.com"', "found a string"),
        (b"{}", 'no "domains"'),
        (b'{"names": ["a.com"]}', 'no "domains"'),
        (b'{"inner": {"domains": ["a.com"]}}', 'no "domains"'),
        (b'{"domains": {"a.com": true}}', '"domains" must be a list, found an object'),
        (b'{"domains": null}', "found null"),
        (b'{"domains": "a.com"}', "found a string"),
        (b'{"domains": ["a.com", "b.com"', "after 2 entries"),
        (b'{"domains": ["a.com"]} x', "after 1 entries"),
        (b'{"domains": ["a.com"]}{"domains": []}', "not valid JSON"),
        (b'{"domains": ["a.com"], "domains": []}', "twice"),
        (b'{"domains": [' + b"[" * 100, "levels deep"),
        (b'{"domains": ["a.com" "b.com"]}', "a comma between two entries is missing"),
        (b'{"domains": ["a.com",, "b.com"]}', "a value is missing"),
        (b'{"domains": ["a.com",]}', "is closed that is not open"),
        (b'{"domains": [{"domain": "a.com"]}', "is closed that is not open"),
        (b'{"domains": ["a.com\\"]}', "ends too early"),
        (b'{"domains" ["a.com"]}', "a colon is missing"),
        (b'{"domains": ["a.com"] "x": 1}', "a comma is missing"),
        (b'{"domains": ["a.com"], 1: 2}', "a name in quotes is missing"),
        (b'{"x": ' + b'{"x":' * 100, "levels deep"),
        (b'{"domains": ["' + b"a" * 1_050_000 + b'"]}', "larger than"),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(body: bytes, words: str) -> None:
    """Never half a list."""
    with serving(lambda handler, _number: reply(handler, 200, body)) as server:
        assert words in failure(server.url)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (b'"b\\q.com"', "escape"),
        (b'"\\ud800.com"', "surrogate"),
        (b'"b\xff.com"', "UTF-8"),
        (b'"b\n.com"', "control character"),
        (b"1" * 5000, "digits"),
        (b"1" * 400, "neither a name"),
        (b"-1e999", "neither a name"),
        (b"NaN", "number"),
        (b"bare", "Expecting value"),
        (b'{"domain": "b.com", "note": "\\x"}', "escape"),
        (b'{"domain" "b.com"}', "delimiter"),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(200)) + b"}", "members"),
        (b'[{"domain": "b.com"}]', "neither a name"),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
def test_a_broken_entry_costs_only_itself(entry: bytes, reason: str, piece: int) -> None:
    """However the text is cut into pieces: where the entry ends is clear, so the names around it stay watched."""
    text = b'{"before": [1, {"x": "]"}], "domains": ["a.com", ' + entry + b' , {"domain":"c.com"}], "after": null}\n'
    builder = ListBuilder(SUFFIX_OF)
    reader = JsonListParser(builder)
    for start in range(0, len(text), piece):
        reader.feed(text[start : start + piece])
    reader.close()
    found = builder.build_list()

    assert (list(found.names), found.total, found.problem_count) == (["a.com", "c.com"], 3, 1)
    assert reason in found.problems[0].reason


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ab1 \n', max_size=60).map(str.encode), st.integers(1, 20))
def test_any_text_is_a_list_or_refused_however_it_comes(text: bytes, piece: int) -> None:
    """In pieces or at once the outcome is the same, and whatever the strict parser takes is taken."""

    def outcome(text: bytes, piece: int) -> object:
        builder = ListBuilder(SUFFIX_OF)
        reader = JsonListParser(builder)
        try:
            for start in range(0, len(text), piece):
                reader.feed(text[start : start + piece])
            reader.close()
        except ListError as error:
            return str(error).partition(" (")[0]
        found = builder.build_list()
        return found.names, found.total, found.problems

    for body in (text, b'{"domains": [' + text + b"]}"):
        whole = outcome(body, 1 << 16)
        assert outcome(body, piece) == whole
        try:
            strict = json.loads(body)
        except ValueError:
            continue
        if isinstance(strict, dict) and list(strict) == ["domains"] and isinstance(strict["domains"], list):
            assert isinstance(whole, tuple)
            assert whole[1] == len(strict["domains"])


def test_a_small_answer_cannot_unpack_to_a_large_one() -> None:
    """A list packs some twenty times at best; what packs a thousand times is there to fill the disk."""
    bomb = gzip.compress(b'{"domains": [' + b" " * (40 << 20) + b"]}")

    with serving(lambda handler, _number: reply(handler, 200, bomb, Content_Encoding="gzip")) as server:
        assert "more than 100 times its size" in failure(server.url, ListBounds(total=30))


def test_a_list_leaves_the_reserve_of_the_disk_free() -> None:
    """It is kept beside the state, which has to be written all the while."""
    names = b",".join(b'"%d.com"' % number for number in range(1_600_000))
    packed = gzip.compress(b'{"domains": [' + names + b"]}", 1)

    with serving(lambda handler, _number: reply(handler, 200, packed, Content_Encoding="gzip")) as server:
        assert "stay reserved for the state" in failure(server.url, ListBounds(total=30, reserve=1 << 60))


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"])
def test_metadata_services_are_never_asked(host: str) -> None:
    """No connection is even tried, and it is not tried again; the sentence names the setting that allows it."""
    assert "ALLOWED_PRIVATE_NETWORKS" in failure(f"http://{host}/latest/meta-data")


def test_the_next_address_of_a_host_is_tried() -> None:
    """Where a host has several addresses and the first one refuses."""
    with serving(lambda handler, _number: reply(handler, 200, LIST)) as server:
        assert api(server.url.replace("127.0.0.1", "localhost")).fetch().status == "new"


def test_sizes_are_bounded_on_the_wire_and_unpacked() -> None:
    """Neither an endless body nor a bomb fills the memory, and an endless value ends early."""
    small = ListBounds(wire=200_000, unpacked=300_000, total=5)
    blanks = b'{"domains": [' + b" " * 400_000

    def endless(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b'{"domains": [')
        while True:
            handler.wfile.write(b'"a.com",' * 1000)

    with serving(endless) as server:
        assert "larger than 200000 bytes" in failure(server.url, small)
    with serving(lambda handler, _number: reply(handler, 200, gzip.compress(blanks), Content_Encoding="gzip")) as server:
        assert "larger than 300000 bytes unpacked" in failure(server.url, small)
    with serving(lambda handler, _number: reply(handler, 200, b'{"domains": ["' + b"a" * (2 << 20))) as server:
        assert "no end of a value" in failure(server.url, ListBounds(total=5))


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (gzip.compress(LIST)[:-9], "gzip", "ends too early"),
        (LIST, "gzip", "not valid gzip"),
        (gzip.compress(LIST) + b"garbage", "gzip", "not valid gzip"),
        (LIST, "br", "encoded as 'br'"),
    ],
)
def test_wrong_packing_is_named(body: bytes, encoding: str, words: str) -> None:
    """A broken gzip stream is not half a list."""
    with serving(lambda handler, _number: reply(handler, 200, body, Content_Encoding=encoding)) as server:
        assert words in failure(server.url)


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_slow_drip_ends_at_the_deadline(where: str) -> None:
    """Single bytes reset every timeout but the last one."""
    hurried = ListBounds(total=0.4, read=2, backoff=0.001)
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, _number: int) -> None:
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        with contextlib.suppress(OSError):
            while not stop.wait(0.02):
                handler.wfile.write(b" " if where == "body" else b"H")

    with serving(drip) as server:
        started = time.monotonic()
        text = failure(server.url, hurried)
        stop.set()

    assert "longer than 0.4 s altogether" in text
    assert time.monotonic() - started < 2


def test_silence_ends_at_the_read_timeout() -> None:
    """A server that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        text = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", ListBounds(read=0.1, total=3, backoff=0.001))

    assert "no answer within 0.1 s" in text


def test_a_broken_connection_is_told() -> None:
    """A body shorter than promised, a server that hangs up, and a closed port."""

    def short(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(LIST)
        handler.close_connection = True

    with serving(short) as server:
        assert "broke" in failure(server.url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in failure(f"http://127.0.0.1:{port}/")


def test_the_token_never_goes_to_another_host() -> None:
    """A redirect to another port is refused; one on the same host is followed, at most three times."""
    with serving(lambda handler, _number: reply(handler, 200, LIST)) as other:
        target = other.url
        with serving(lambda handler, _number: reply(handler, 302, Location=target)) as server:
            assert "redirects to another host" in failure(server.url)
        with serving(lambda handler, _number: reply(handler, 302, Location="http://example.invalid/")) as server:
            assert "example.invalid" in failure(server.url)
    assert other.requests == []

    def move(handler: BaseHTTPRequestHandler, _number: int) -> None:
        if handler.path == "/new":
            reply(handler, 200, LIST)
        else:
            reply(handler, 308, Location="/new")

    with serving(move) as server:
        assert api(server.url).fetch().status == "new"
    with serving(lambda handler, _number: reply(handler, 302, Location="/again")) as server:
        assert "more than 3 times" in failure(server.url)


def test_a_certificate_of_ones_own_needs_tls_ca_file(tmp_path: Path) -> None:
    """Without it the sentence names the setting."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    with serving(lambda handler, _number: reply(handler, 200, LIST), tls) as server:
        url = server.url.replace("http:", "https:")
        assert "TLS_CA_FILE" in failure(url)
        assert api(url, TLS_CA_FILE=str(file)).fetch().status == "new"
