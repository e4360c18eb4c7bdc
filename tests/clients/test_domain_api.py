"""The Domain API client, against real servers on the loopback that misbehave; and the plain file."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import trustme

from common.clients.domain_api import DomainApi
from common.clients.file_list import FileList
from common.clients.list_text import NEVER, Bounds, Fetched, source_of
from common.config import Settings, load
from common.errors import ListError
from common.suffixes import load_suffixes

SUFFIX_OF = load_suffixes()
BOUNDS = Bounds(wire=1 << 20, unpacked=2 << 20, connect=2, read=2, total=5, backoff=0.001)
TOKEN = "a-token-nobody-may-see"
LIST = b'{"domains":[{"domain":"example.com","priority":true},"other.org"]}'


class Server(ThreadingHTTPServer):
    """Answers with `answer(handler)` and remembers the headers of every request."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, int], None]) -> None:
        self.answer = answer
        self.requests: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what half of these tests are about."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/list?key=hidden-key"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer as the test wants."""
        self.server.requests.append(dict(self.headers))
        self.server.answer(self, len(self.server.requests))

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """A complete answer; underscores in header names stand for hyphens."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler, int], None], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server in a thread, for the duration of a test."""
    server = Server(answer)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_for(url: str, **more: str) -> Settings:
    """Settings with this list."""
    return load({"DOMAIN_API_URL": url, "API_AUTH_TOKEN": TOKEN, **more})


def api(url: str, bounds: Bounds = BOUNDS, **more: str) -> DomainApi:
    """A client for a list at `url`."""
    return DomainApi(settings_for(url, **more), SUFFIX_OF, bounds)


def names_of(fetched: Fetched) -> dict[str, bool]:
    """The names of a list that is new, with their priority."""
    assert fetched.listed is not None
    names = fetched.listed.names
    return {
        name: urgent
        for piece, priorities in names.pieces(np.arange(len(names)), 1000)
        for name, urgent in zip(piece, priorities, strict=True)
    }


def failure(url: str, bounds: Bounds = BOUNDS) -> str:
    """The sentence with which fetching fails."""
    with pytest.raises(ListError) as caught:
        api(url, bounds).fetch()
    text = str(caught.value)

    assert TOKEN not in text
    assert "hidden-key" not in text
    assert text.isprintable()
    return text


def test_a_list_is_read_with_its_token_and_asked_for_conditionally() -> None:
    """Mixed entries, a bearer token, gzip offered; the second time only a change is wanted."""

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        if handler.headers.get("If-None-Match") == '"v1"':
            reply(handler, 304)
        else:
            reply(handler, 200, LIST, ETag='"v1"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")

    with serving(answer) as server:
        client = api(server.url, USER_AGENT_CONTACT="ops@example.org")
        first = client.fetch()
        second = client.fetch(first.seen)
        third = client.fetch()

    assert names_of(first) == names_of(third) == {"example.com": True, "other.org": False}
    assert (first.status, second.status, third.status) == ("new", "unchanged", "new")
    assert second.listed is None
    assert (first.seen.etag, first.seen.last_modified) == ('"v1"', "Thu, 01 Jan 2026 00:00:00 GMT")
    assert second.seen == first.seen
    assert first.source == source_of(settings_for(server.url))
    assert first.source.endswith("/list")
    asked = server.requests[1]
    assert asked["Authorization"] == f"Bearer {TOKEN}"
    assert asked["If-Modified-Since"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert "ops@example.org" in asked["User-Agent"]
    assert "gzip" in asked["Accept-Encoding"]


def test_a_server_without_conditional_requests_is_read_once() -> None:
    """The same text is noticed, however it is packed and whatever validators it comes with; another one is read."""

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number == 2:
            reply(handler, 200, gzip.compress(LIST), Content_Encoding="gzip", ETag='"v2"')
        else:
            reply(handler, 200, LIST if number == 1 else LIST.replace(b"other", b"third"), ETag="v" * 2000)

    with serving(answer) as server:
        first = api(server.url).fetch()
        second = api(server.url).fetch(first.seen)
        third = api(server.url).fetch(second.seen)

    assert (first.status, second.status, third.status) == ("new", "unchanged", "new")
    assert (first.seen.etag, second.seen.etag) == ("", '"v2"')
    assert server.requests[2]["If-None-Match"] == '"v2"'
    assert names_of(third) == {"example.com": True, "third.org": False}


def test_a_folder_without_room_is_named(tmp_path: Path) -> None:
    """The text is kept beside the state while it is read."""
    folder = tmp_path / "state"
    folder.mkdir()
    with serving(lambda handler, _number: reply(handler, 200, LIST)) as server:
        client = api(server.url, STATE_DIR=str(folder))
        assert client.fetch().status == "new"
        assert list(folder.iterdir()) == []
        folder.rmdir()
        with pytest.raises(ListError, match="cannot be kept in a file while it is read: No such file"):
            client.fetch()


@pytest.mark.parametrize("members", [1, 2])
def test_a_packed_list_is_unpacked(members: int) -> None:
    """Packed in one member or in several."""
    half = len(LIST) // 2
    packed = gzip.compress(LIST) if members == 1 else gzip.compress(LIST[:half]) + gzip.compress(LIST[half:])

    with serving(lambda handler, _number: reply(handler, 200, packed, Content_Encoding="gzip")) as server:
        found = api(server.url).fetch()

    assert len(names_of(found)) == 2


def test_a_list_in_chunks_of_any_size_is_read() -> None:
    """Chunked transfer without a length, and no keep-alive."""

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for byte in LIST:
            handler.wfile.write(b"1\r\n%c\r\n" % byte)
        handler.wfile.write(b"0\r\n\r\n")

    with serving(answer) as server:
        found = api(server.url).fetch()

    assert len(names_of(found)) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    """An overloaded API gets a second chance; nonsense in Retry-After harms nobody."""

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
        (b'{"domains": ["a.com", ' + b"1" * 5000 + b"]}", "overflow"),
        (b'{"domains": [' + b"[" * 100, "levels deep"),
        (b'{"x": ' + b'{"x":' * 100, "levels deep"),
        (b'{"domains": ["' + b"a" * 1_050_000 + b'"]}', "larger than"),
        (b'{"domains": ["\xff"]}', "UTF"),
        (b'{"domains": [{' + b",".join(b'"k%d":1' % number for number in range(200)) + b"}]}", "members"),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(body: bytes, words: str) -> None:
    """Never half a list."""
    with serving(lambda handler, _number: reply(handler, 200, body)) as server:
        assert words in failure(server.url)


def test_entries_of_any_kind_become_names_or_problems() -> None:
    """Wrong entries cost only themselves, and other members of the document are skipped."""
    body = json.dumps(
        {
            "meta": {"page": [1, {"domains": ["not.this"]}]},
            "domains": [
                "a.com",
                7,
                None,
                True,
                ["x.com"],
                {"domain": "b.com", "note": {"deep": [1]}, "priority": True},
                {"x": 1},
                {"domain": ["c.com"]},
                "www.d.com",
            ],
            "after": [[[]]],
        }
    ).encode()

    with serving(lambda handler, _number: reply(handler, 200, b"\xef\xbb\xbf" + body)) as server:
        found = api(server.url).fetch()

    assert names_of(found) == {"a.com": False, "b.com": True}
    assert found.listed is not None
    assert [row.code for row in found.listed.problems] == [*["bad_entry"] * 6, "subdomain"]
    assert found.listed.total == 9


def test_sizes_are_bounded_on_the_wire_and_unpacked() -> None:
    """Neither an endless body nor a bomb fills the memory, and an endless value ends early."""
    small = Bounds(wire=200_000, unpacked=300_000, total=5)
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
        assert "no end of a value" in failure(server.url, Bounds(total=5))


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
    hurried = Bounds(total=0.4, read=2, backoff=0.001)
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
        text = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", Bounds(read=0.1, total=3, backoff=0.001))

    assert "no answer within 0.1 s" in text


def test_a_broken_connection_is_told() -> None:
    """A body shorter than promised, a server that hangs up, and nobody listening."""

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


def test_a_hundred_thousand_names_take_less_than_three_seconds() -> None:
    """Half of them objects; the bound leaves room for a busy machine."""
    body = json.dumps(
        {
            "domains": [
                {"domain": f"n{number}.com", "priority": True} if number % 2 else f"n{number}.org" for number in range(100_000)
            ]
        }
    ).encode()

    with serving(lambda handler, _number: reply(handler, 200, gzip.compress(body, 1), Content_Encoding="gzip")) as server:
        started = time.monotonic()
        found = api(server.url, Bounds()).fetch()
        took = time.monotonic() - started

    assert len(names_of(found)) == 100_000
    assert took < 3


def test_a_file_holds_one_name_a_line(tmp_path: Path) -> None:
    """Comments, priority marks, a byte order mark, lines without end; read again only after a change."""
    file = tmp_path / "domains.txt"
    file.write_bytes(
        b"\xef\xbb\xbf# ours\nexample.com!\r\n\nother.org # shop\nwww.third.net\n"
        + b"a" * 20_000
        + b"\nfourth.net\xff\nlast.de"
    )
    files = FileList(file, SUFFIX_OF)

    first = files.fetch()
    second = files.fetch(first.seen)
    file.write_text("new.com\n", encoding="utf-8")
    third = files.fetch(second.seen)

    assert names_of(first) == {"example.com": True, "other.org": False, "last.de": False}
    assert first.listed is not None
    assert [row.code for row in first.listed.problems] == ["subdomain", "too_long", "bad_character"]
    assert (second.status, second.listed) == ("unchanged", None)
    assert names_of(third) == {"new.com": False}


def test_a_file_that_was_only_touched_is_not_read_again(tmp_path: Path) -> None:
    """Its text is compared, and the next look needs no more than its times."""
    file = tmp_path / "domains.txt"
    file.write_bytes(b"example.com\n")
    files = FileList(file, SUFFIX_OF)

    first = files.fetch()
    os.utime(file, (1, 1))
    second = files.fetch(first.seen)

    assert second.status == "unchanged"
    assert second.seen.digest == first.seen.digest
    assert second.seen.version != first.seen.version
    assert files.fetch(NEVER).status == "new"


def test_a_file_may_hold_the_json_of_the_api(tmp_path: Path) -> None:
    """Recognised by its first character."""
    file = tmp_path / "domains.json"
    file.write_bytes(b"\n " + LIST)

    found = FileList(file, SUFFIX_OF).fetch()

    assert names_of(found) == {"example.com": True, "other.org": False}


def test_a_missing_or_wrong_file_says_what_to_do(tmp_path: Path) -> None:
    """Missing, a directory, too large, broken JSON."""
    file = tmp_path / "domains.txt"

    with pytest.raises(ListError, match="create it with one name a line"):
        FileList(file, SUFFIX_OF).fetch()
    with pytest.raises(ListError, match="not a regular file"):
        FileList(tmp_path, SUFFIX_OF).fetch()
    file.write_bytes(b'{"domains": [')
    with pytest.raises(ListError, match="not valid JSON"):
        FileList(file, SUFFIX_OF).fetch()
    with pytest.raises(ListError, match="at most 5"):
        FileList(file, SUFFIX_OF, Bounds(unpacked=5)).fetch()


def test_the_client_needs_a_url() -> None:
    """A wrong wiring is told at once."""
    with pytest.raises(ListError, match="DOMAIN_API_URL"):
        DomainApi(load({}), SUFFIX_OF)
