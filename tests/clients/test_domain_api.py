"""The Domain API client with real servers on loopback: lists of every form, and only those that changed."""

from __future__ import annotations

import gzip
import json
import resource
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from common.clients.domain_api import DomainApi
from common.clients.list_text import ListBounds, list_source_name
from common.config import load
from common.errors import ListError
from tests.clients.list_api import LIST, SUFFIX_OF, TOKEN, api, names_of, serving, settings_for
from tests.http_thread import reply


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
    assert first.source == list_source_name(settings_for(server.url))
    assert first.source.endswith("/...")
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


@pytest.mark.parametrize("bad", ['\xa0"v1"', '\x0b"v1"', '"v\x7f"'])
def test_a_validator_that_cannot_be_sent_back_is_none(bad: str) -> None:
    """The next look would fail before it asks, and so would every one after it."""

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        reply(handler, 200, LIST, ETag=bad, Last_Modified=bad)

    with serving(answer) as server:
        first = api(server.url).fetch()
        second = api(server.url).fetch(first.seen)

    assert (first.seen.etag, first.seen.last_modified, second.status) == ("", "", "unchanged")
    assert "If-None-Match" not in server.requests[1]


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


def test_a_disk_that_takes_no_more_is_told_as_such(tmp_path: Path) -> None:
    """A file that cannot be written cannot be closed in order either: that is no other error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(lambda handler, _number: reply(handler, 200, LIST)) as server:
        client = api(server.url, STATE_DIR=str(tmp_path))
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
        try:
            with pytest.raises(ListError, match="cannot be kept in a file while it is read: File too large"):
                client.fetch()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
        found = api(server.url, ListBounds()).fetch()
        took = time.monotonic() - started

    assert len(names_of(found)) == 100_000
    assert took < 3


def test_the_client_needs_a_url() -> None:
    """A wrong wiring is told at once."""
    with pytest.raises(ListError, match="DOMAIN_API_URL"):
        DomainApi(load({}), SUFFIX_OF)
