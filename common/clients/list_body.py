"""The body of a list as it comes over the wire: unpacked piece by piece, and bounded by what it may cost.

Bounds are the size on the wire, the size unpacked, how many times the one the other may be, and what is free on the disk where
the text is kept: 2 MB of gzip can unpack to 2 GB.
"""

from __future__ import annotations

import contextlib
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import requests

from common.clients.list_text import CHUNK, ListBounds, printable_text
from common.errors import ListError

#: Bytes up to which nothing is asked about how well a text was packed, or how much of the disk it takes.
SMALL = 16 << 20


class DiskRoom:
    """How much of a disk a text may take: what is free without the reserve, looked at again and again, for others write too."""

    def __init__(self, folder: Path, bounds: ListBounds) -> None:
        self._folder = folder
        self._reserve = bounds.reserve
        self._size = 0
        self._looked = 0

    def take(self, size: int) -> None:
        """So many bytes more are to be written. Raises ListError where they would use up the reserve, OSError."""
        self._size += size
        if self._size <= SMALL or self._size - self._looked < SMALL // 4:
            return
        self._looked = self._size
        free = shutil.disk_usage(self._folder).free
        if free < self._reserve:
            raise ListError(
                f"after {self._size} bytes only {free} are free on the disk of {printable_text(str(self._folder))}, "
                f"of which {self._reserve} stay reserved for the state"
            )


@contextlib.contextmanager
def disk_errors_as_list_errors() -> Iterator[None]:
    """Tell what the disk refuses as a ListError."""
    try:
        yield
    except OSError as error:
        raise ListError(f"it cannot be kept in a file while it is read: {error.strerror}") from None


def iterate_unpacked(response: requests.Response, bounds: ListBounds) -> Iterator[bytes]:
    """The body, unpacked, in pieces; bounded on the wire and after unpacking, whatever the headers promise."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise ListError(f"it is encoded as {encoding[:30]!r}, which was not asked for (gzip was)")
    wire = _Wire(response, bounds.wire)
    size = 0
    for data in _gunzip(wire.pieces()) if "gzip" in encoding else wire.pieces():
        size += len(data)
        if size > bounds.unpacked:
            raise ListError(f"larger than {bounds.unpacked} bytes unpacked")
        if size > SMALL + bounds.ratio * wire.size:
            raise ListError(
                f"it unpacks to more than {bounds.ratio} times its size ({size} bytes from {wire.size}): no list does"
            )
        yield data


class _Wire:
    """The body as it comes, in pieces; `size` counts what has come."""

    def __init__(self, response: requests.Response, limit: int) -> None:
        self._response = response
        self._limit = limit
        self.size = 0

    def pieces(self) -> Iterator[bytes]:
        """The pieces. Raises ListError above the limit."""
        while data := self._response.raw.read(CHUNK, decode_content=False):
            self.size += len(data)
            if self.size > self._limit:
                raise ListError(f"larger than {self._limit} bytes")
            yield data


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            data = piece
            while data:
                if unpacker.eof:  # several members in a row are one text (RFC 1952 section 2.2)
                    unpacker = zlib.decompressobj(wbits=31)
                yield unpacker.decompress(data, CHUNK)
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while not unpacker.eof and (rest := unpacker.decompress(b"", CHUNK)):
            yield rest
    except zlib.error as error:
        raise ListError(f"not valid gzip: {error}") from None
    if not unpacker.eof:
        raise ListError("the gzip data ends too early")
