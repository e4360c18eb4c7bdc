"""The raw bytes of an HTTP/1 response (RFC 9112): its status line parsed leniently, the length of its body strictly.

The status is in the status line, and no flaw behind it changes what the server decided. Where the response ends, so that the
connection can be reused, is only told for a response without any flaw: a wrong guess would take the rest of one response for
the next one.
"""

from __future__ import annotations

import re
from typing import Final

#: Most bytes in which a status line has to begin, empty lines before it included.
STATUS_LIMIT = 64

#: Name and version in any case, as RFC 9112 section 2.3 does not allow and receivers send; the reason phrase may be missing.
#: What follows the three digits shows that they are all there.
_STATUS = re.compile(rb"(?:\r?\n){0,2}HTTP/(\d(?:\.\d)?)[ \t]{1,8}([1-9]\d\d)(?=[ \t\r\n])", re.IGNORECASE)
_HEAD_END = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,6})\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,6}\r?")
_LAST_CHUNK = b"0\r\n\r\n"

#: The body comes in chunks, its length is not known beforehand.
CHUNKED: Final = -1


def find_status(data: bytes | bytearray) -> tuple[int, int] | None:
    """(status code, offset behind it) of a response that has begun to arrive; None where more bytes are needed.

    Raises ValueError for bytes that cannot become an HTTP/1 status line.
    """
    found = _STATUS.match(data)
    if found:
        return int(found[2]), found.end()
    if len(data) >= STATUS_LIMIT or b"\n" in data.lstrip(b"\r\n"):
        raise ValueError("no HTTP status line")
    return None


def find_head_end(data: bytes | bytearray, start: int = 0) -> int | None:
    """The offset behind the header section and its empty line; None where that has not arrived yet."""
    found = _HEAD_END.search(data, start)
    return found.end() if found else None


def find_field(head: bytes, name: str) -> str | None:
    """The first value of a header field (`name` in lower case), even between malformed lines; None where there is none."""
    for line in head.split(b"\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().decode("latin-1").lower() == name:
            return value.strip().decode("latin-1")
    return None


def body_length(head: bytes) -> int | None:
    """Length in bytes of the body behind this head, CHUNKED, or None where the connection must not be reused.

    `head` is everything from the status line to the empty line. None for every flaw, for `Connection: close` and for a body
    that ends with the connection.
    """
    lines = head.split(b"\r\n")
    status, fields = _STATUS.match(head), [_FIELD.fullmatch(line) for line in lines[1:-2]]
    if status is None or status[1] != b"1.1" or b"\n" in lines[0] or lines[-2:] != [b"", b""] or not all(fields):
        return None
    found: dict[bytes, list[bytes]] = {}
    for field in filter(None, fields):
        found.setdefault(field[1].lower(), []).append(field[2].strip(b" \t").lower())
    lengths, codings = found.get(b"content-length", []), found.get(b"transfer-encoding", [])
    if len(lengths) + len(codings) > 1 or any(b"close" in value for value in found.get(b"connection", [])):
        return None
    if status[2] in {b"204", b"304"}:
        return 0 if not codings and lengths in ([], [b"0"]) else None
    if codings:
        return CHUNKED if codings == [b"chunked"] else None
    return int(lengths[0]) if lengths and re.fullmatch(rb"\d{1,7}", lengths[0]) else None


def skip_chunks(data: bytes | bytearray, start: int) -> tuple[int, bool]:
    """(offset of the first incomplete chunk or of the end of the body, whether the body has ended); RFC 9112 section 7.1.

    `start` is where a chunk begins. Raises ValueError for a malformed chunk, and for trailers and extensions: not supported.
    """
    while True:
        if data.startswith(_LAST_CHUNK, start):
            return start + len(_LAST_CHUNK), True
        found = _CHUNK.match(data, start)
        if found is None and _SIZE_BEGUN.fullmatch(data, start):
            return start, False
        size = int(found[1], 16) if found is not None else 0
        if found is None or not size:
            if _LAST_CHUNK.startswith(data[start : start + len(_LAST_CHUNK)]):
                return start, False
            raise ValueError("no chunk, or one with trailers or extensions")
        end = found.end() + size
        if len(data) < end + 2:
            return start, False
        if data[end : end + 2] != b"\r\n":
            raise ValueError("a chunk of another length")
        start = end + 2
