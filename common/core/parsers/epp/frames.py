"""EPP over TCP: each message follows a header of four bytes, its length in network byte order (RFC 5734 section 4)."""

from __future__ import annotations

HEADER = 4
#: Largest message accepted, in bytes without the header. An answer about fifty names with prices has some 50 KiB.
FRAME_LIMIT = 256 * 1024
#: Most names in one check.
MOST_NAMES = 50


def make_frame(message: bytes) -> bytes:
    """A message with its header, whose length counts the header itself."""
    return (len(message) + HEADER).to_bytes(HEADER, "big") + message


def read_header(header: bytes) -> int:
    """The bytes of the message that follows a header. Raises ValueError for a length that no message has."""
    length = int.from_bytes(header, "big") - HEADER
    if len(header) != HEADER or not 0 < length <= FRAME_LIMIT:
        raise ValueError(f"a frame of {length} bytes, at most {FRAME_LIMIT}")
    return length
