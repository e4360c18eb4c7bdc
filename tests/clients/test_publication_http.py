"""Lists of registries by conditional GET, from a server that misbehaves byte by byte."""

import asyncio
import gzip
import hashlib

import pytest

from common.clients.address_guard import Guard
from common.clients.http_client import HttpClient
from common.clients.publication_http import ListRequest, Validators, open_list
from common.config import load
from common.errors import ClientError, Refused, TimedOut, TooLarge
from tests.clients.hostile import hostile, reply, silence
from tests.clients.http_asking import LAB

TEXT = b"roid,domain,drop_time\n" + b"1-UK,example.co.uk,2026-12-01 10:00:00\n" * 2000
PACKED = gzip.compress(TEXT)
DATED = {"ETag": '"one"', "Last-Modified": "Mon, 30 Nov 2026 01:00:00 GMT"}


def read(answer, *, seen=None, guarded=LAB, checked=False, **request):
    """Read one list; gives (text, download, server)."""

    async def main():
        settings = load(guarded)
        client = HttpClient(settings, Guard(settings))
        try:
            async with hostile(answer) as server:
                checksum = f"{server.base}/list.sha256" if checked else ""
                wanted = ListRequest(**{"url": f"{server.base}/list", "seconds": 3.0, "checksum": checksum} | request)
                async with open_list(client, wanted, seen) as coming:
                    text = b"".join([piece async for piece in coming.read_text()]) if not coming.unchanged else b""
                    return text, coming, server
        finally:
            await client.close()

    return asyncio.run(main())


def beside(body, digest):
    """A server with a list and its checksum."""

    async def answer(head, writer):
        writer.write(reply(body=digest if ".sha256" in head.split("\r\n")[0] else body))

    return answer


def test_a_packed_file_is_read_in_pieces_and_dated():
    """A gzip file, whatever its headers say, with what recognises it and when it was made."""
    text, coming, _ = read(reply(body=PACKED, headers=DATED), packed=True)
    assert text == TEXT
    assert coming.validators == Validators('"one"', "Mon, 30 Nov 2026 01:00:00 GMT")
    assert (coming.made_at, coming.size, coming.unchanged) == (1_796_000_400.0, len(PACKED), False)


def test_a_plain_list_may_be_packed_on_the_way():
    """Content-Encoding gzip was offered and is unpacked."""
    text, _, server = read(reply(body=PACKED, headers={"Content-Encoding": "gzip"}))
    assert text == TEXT
    assert "Accept-Encoding: gzip" in server.requests[0]


def test_an_unchanged_list_has_no_body():
    """What was read before is named, and 304 ends it."""
    _, coming, server = read(reply(304), seen=Validators('"one"', "Mon, 30 Nov 2026 01:00:00 GMT"))
    assert coming.unchanged
    assert 'If-None-Match: "one"' in server.requests[0]
    assert "If-Modified-Since: Mon, 30 Nov 2026 01:00:00 GMT" in server.requests[0]


def test_304_without_a_condition_is_an_error():
    """A server may not call unchanged what was never read."""
    with pytest.raises(ClientError, match="HTTP 304"):
        read(reply(304))


def test_a_list_is_what_its_checksum_says():
    """The SHA-256 beside it is over the file as sent, or over its text; with or without a file name in the line."""
    digest = hashlib.sha256(PACKED).hexdigest()
    assert read(beside(PACKED, f"{digest}  uk.csv.gz\n".encode()), packed=True, checked=True)[0] == TEXT
    assert read(beside(PACKED, digest.upper().encode()), packed=True, checked=True)[0] == TEXT
    assert read(beside(PACKED, hashlib.sha256(TEXT).hexdigest().encode()), packed=True, checked=True)[0] == TEXT


@pytest.mark.parametrize("digest", [b"0" * 64, b"<html>no such file</html>", b"", b"0" * 64 + b" " + b"1" * 64])
def test_a_list_that_its_checksum_denies_is_an_error(digest):
    """Another checksum, or none where there has to be one."""
    with pytest.raises(ClientError, match="SHA-256"):
        read(beside(PACKED, digest), packed=True, checked=True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(500), "HTTP 500"),
        (reply(404, b"<html>"), "HTTP 404"),
        (reply(body=PACKED[:-10]), "ends too early"),
        (reply(body=b"<html>not a list</html>"), "not valid gzip"),
        (reply(body=PACKED, length=len(PACKED) + 5), "cut off or broken"),
        (reply(body=PACKED, headers={"Content-Encoding": "br"}), "content encoding"),
    ],
)
def test_what_is_not_whole_is_an_error(answer, said):
    """A status, a body that is cut off, or no gzip: a ClientError that says which."""
    with pytest.raises(ClientError, match=said):
        read(answer, packed=True)


def test_a_gzip_bomb_is_bounded():
    """Far more than a list of its kind unpacks to is not unpacked."""
    with pytest.raises(TooLarge, match="unpacks to more"):
        read(reply(body=gzip.compress(bytes(64 << 20))), packed=True)


def test_a_list_without_an_end_is_bounded():
    """The wire has a bound of its own."""

    async def endless(_head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(TEXT)
            await writer.drain()

    with pytest.raises(TooLarge, match="longer than 300000 bytes"):
        read(endless, most_bytes=300_000)


def test_a_silent_server_is_bounded_in_time():
    """The time bounds everything, also while nothing comes."""
    with pytest.raises(TimedOut):
        read(silence, seconds=0.3)


@pytest.mark.parametrize(("gap", "said"), [(5.0, "nothing came for"), (0.05, "fewer than 1000 bytes a second")])
def test_a_body_that_stops_or_drips_is_left(gap, said):
    """A server that goes silent inside the list, and one that gives a byte now and then, keep no other list waiting."""

    async def slow(_head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(gap)

    with pytest.raises(TimedOut, match=said):
        read(slow, silence=0.3, patience=0.4)


def test_redirects_are_followed_a_few_times():
    """One hop is followed, a loop is left."""

    async def moved(head, writer):
        there = head.startswith("GET /there ")
        writer.write(reply(body=TEXT) if there else reply(302, headers={"Location": "/there"}))

    assert read(moved)[0] == TEXT
    with pytest.raises(ClientError, match="redirects more than 3"):
        read(reply(302, headers={"Location": "/list"}))


def test_a_redirect_to_a_metadata_service_is_refused():
    """The guard is asked for every hop."""
    with pytest.raises(Refused):
        read(reply(302, headers={"Location": "http://169.254.169.254/latest"}))


def test_a_private_address_is_refused():
    """No list is read from this host's own network."""
    with pytest.raises(Refused):
        read(reply(body=TEXT), guarded={})
