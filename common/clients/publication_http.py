"""A list that a registry publishes, by conditional GET: read piece by piece, bounded, and never whole in memory.

What proves it whole stands here as far as HTTP tells it: the length that was promised, the end of the gzip data, the SHA-256
beside the list where its registry gives one. What the text itself has to show is for its parser.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec import Struct

from common.clients.http_client import HttpAnswer, HttpClient, HttpStream, redirect_target
from common.clock import monotonic
from common.core.parsers.retry_after import parse_http_date
from common.errors import ClientError, Refused, TimedOut, TooLarge

#: Most hops of a redirect.
MOST_REDIRECTS = 3
#: Longest ETag or Last-Modified kept, in characters.
LONGEST_VALIDATOR = 500
#: Bytes that a text may unpack to in any case, and how many times its size on the wire it may unpack to beyond that.
SMALL, RATIO = 16 << 20, 60
#: Least bytes a second, on the average.
SLOWEST = 1000
#: Longest file with a checksum, in bytes.
CHECKSUM_LIMIT = 4096
_CHUNK = 64 * 1024
_SHA256 = re.compile(rb"\b[0-9a-fA-F]{64}\b")


class Validators(Struct, frozen=True):
    """What a server gave to recognise a list by (RFC 9110 section 8.8)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """What is asked for. `packed`: the file is gzip, whatever its headers say; `checksum`: the URL of its SHA-256, or "".

    `most_bytes` bounds it on the wire and unpacked, `seconds` all of it, `silence` (seconds) the wait for the next bytes. From
    `patience` (seconds) on it has to come with `SLOWEST` bytes a second: others wait to be read, too.
    """

    url: str
    packed: bool = False
    checksum: str = ""
    most_bytes: int = 256 << 20
    seconds: float = 600.0
    silence: float = 30.0
    patience: float = 60.0


class ListDownload:
    """A list that comes. `unchanged`: it is the one that the validators stand for, and has no body.

    `made_at` is its Last-Modified in epoch seconds, None where the server does not say; `size` counts bytes on the wire.
    """

    def __init__(self, stream: HttpStream, request: ListRequest, checksum: bytes) -> None:
        self.unchanged = stream.status == 304
        self.validators = Validators(_validator(stream, "etag"), _validator(stream, "last-modified"))
        self.made_at = parse_http_date(self.validators.last_modified.lower())
        self.size = 0
        self._stream = stream
        self._request = request
        self._checksum = checksum
        self._host = _host_of(stream.url)

    async def read_text(self) -> AsyncGenerator[bytes]:
        """The text, unpacked, in pieces. Raises ClientError where it is too long, cut off or not what its checksum says."""
        packed, plain = hashlib.sha256(), hashlib.sha256()
        size = 0
        async for piece in self._unpack(self._read_wire(packed)):
            size += len(piece)
            plain.update(piece)
            if size > self._request.most_bytes or size > SMALL + RATIO * self.size:
                raise TooLarge(
                    f"{self._host}: it unpacks to more than {size - len(piece)} bytes, which no list of its kind does"
                )
            yield piece
        if self._checksum and self._checksum not in {packed.hexdigest().encode(), plain.hexdigest().encode()}:
            raise ClientError(f"{self._host}: it is not the text that its SHA-256 stands for")

    async def _read_wire(self, digest: hashlib._Hash) -> AsyncIterator[bytes]:
        began, pieces = monotonic(), aiter(self._stream.pieces)
        while (piece := await self._next_piece(pieces)) is not None:
            self.size += len(piece)
            if (took := monotonic() - began) > self._request.patience and self.size < SLOWEST * took:
                raise TimedOut(f"{self._host}: it comes with fewer than {SLOWEST} bytes a second")
            if self.size > self._request.most_bytes:
                raise TooLarge(f"{self._host}: it is longer than {self._request.most_bytes} bytes")
            digest.update(piece)
            yield piece

    async def _next_piece(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._request.silence):
                return await anext(pieces, None)
        except TimeoutError as error:
            raise TimedOut(f"{self._host}: nothing came for {self._request.silence:g} s") from error

    def _unpack(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        encoding = self._stream.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise ClientError(f"{self._host}: content encoding {encoding[:40]!r}")
        if self._request.packed or "gzip" in encoding:
            return _gunzip(pieces, self._host)
        return pieces


@asynccontextmanager
async def open_list(client: HttpClient, request: ListRequest, seen: Validators | None) -> AsyncIterator[ListDownload]:
    """Ask for a list; with `seen`, only for one that is another. Raises ClientError, also while its text is read."""
    checksum = await _read_checksum(client, request) if request.checksum else b""
    headers = {} if request.packed else {"Accept-Encoding": "gzip"}
    if seen is not None:
        sent = {"If-None-Match": seen.etag, "If-Modified-Since": seen.last_modified}
        headers |= {name: text for name, text in sent.items() if text}
    url = request.url
    for _ in range(MOST_REDIRECTS + 1):
        async with client.open_stream(url, headers=headers, seconds=request.seconds) as stream:
            target = _follow(stream)
            if target is None:
                _check_status(stream, conditional=seen is not None)
                yield ListDownload(stream, request, checksum)
                return
            url = target
    raise ClientError(f"{_host_of(request.url)}: it redirects more than {MOST_REDIRECTS} times")


async def _read_checksum(client: HttpClient, request: ListRequest) -> bytes:
    answer = await client.request("GET", request.checksum, limit=CHECKSUM_LIMIT, seconds=min(30.0, request.seconds))
    found = _SHA256.findall(answer.body)
    if answer.status != 200 or len(found) != 1:
        raise ClientError(f"{_host_of(request.checksum)}: no SHA-256 beside the list (HTTP {answer.status})")
    return bytes(found[0]).lower()


def _follow(stream: HttpStream) -> str | None:
    """Where a redirect points to, None for another answer. Raises Refused for one that gives up TLS."""
    answer = HttpAnswer(status=stream.status, headers=stream.headers, body=b"", truncated=False, address="", url=stream.url)
    target = redirect_target(answer)
    if target is not None and stream.url.startswith("https:") and not target.startswith("https:"):
        raise Refused(f"{_host_of(stream.url)}: it redirects away from https")
    return target


def _check_status(stream: HttpStream, *, conditional: bool) -> None:
    if stream.status != 200 and not (stream.status == 304 and conditional):
        raise ClientError(f"{_host_of(stream.url)}: HTTP {stream.status}")


async def _gunzip(pieces: AsyncIterator[bytes], host: str) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        async for piece in pieces:
            data = piece
            while data:
                if unpacker.eof:  # several members in a row are one text (RFC 1952 section 2.2)
                    unpacker = zlib.decompressobj(wbits=31)
                yield unpacker.decompress(data, _CHUNK)
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while not unpacker.eof and (rest := unpacker.decompress(b"", _CHUNK)):
            yield rest
    except zlib.error as error:
        raise ClientError(f"{host}: not valid gzip") from error
    if not unpacker.eof:
        raise ClientError(f"{host}: the gzip data ends too early")


def _validator(stream: HttpStream, header: str) -> str:
    """What can be sent back one day; anything else counts as none."""
    text = stream.headers.get(header, "")
    return text if len(text) <= LONGEST_VALIDATOR and text.isprintable() and text == text.strip() else ""


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2][:253]
