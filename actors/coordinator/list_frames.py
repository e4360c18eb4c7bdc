"""What the coordinator and the processes that read its lists say to each other, over pipes.

    coordinator -> reader of the domain list   Ask, later one byte: TAKE or anything else
    reader of the domain list -> coordinator   Same, Failed, or Read; after TAKE Pieces and an End
    reader of the bootstrap -> coordinator     Refreshed

A frame is four bytes of length (big endian) and so much msgpack. The reader writes no faster than it is read.
"""

from __future__ import annotations

import struct
from typing import IO, Annotated

from msgspec import Meta, Struct

from common.clients.list_text import ListVersion
from common.codec import decoder, encode
from common.core.shards.layout import ONE_SHARD, Layout
from common.core.watchlist.list_diff import CHUNK_SIZE, ListChunk, ListSummary
from common.errors import MessageError
from common.messages import MAX_FRAME

#: The one byte that says: go on.
TAKE = b"t"
#: Most characters of a sentence that says why there is no list.
LONGEST_REASON = 2000
LENGTH = struct.Struct(">I")


class Ask(Struct, frozen=True, tag="ask"):
    """Read the list; it has not changed while it is as in `seen`. Only the names of `shard` in `layout` are wanted."""

    seen: ListVersion
    shard: int = 0
    layout: Layout = ONE_SHARD


class Same(Struct, frozen=True, tag="same"):
    """The list is the one of `Ask.seen`; `seen` recognises it next time."""

    seen: ListVersion


class Failed(Struct, frozen=True, tag="failed"):
    """There is no list; the text names the cause."""

    text: Annotated[str, Meta(max_length=LONGEST_REASON)]


class Read(Struct, frozen=True, tag="read"):
    """The list was read and compared; `seen` recognises it next time."""

    head: ListSummary
    seen: ListVersion


class Piece(Struct, frozen=True, tag="piece"):
    """A piece of the difference."""

    part: ListChunk


class End(Struct, frozen=True, tag="end"):
    """That was the whole difference."""


class Refreshed(Struct, frozen=True, tag="refreshed"):
    """An attempt at the RDAP bootstrap was made; `error` says why it failed, "" where it did not."""

    changed: bool  # the kept copy is a new one
    next_at: float  # when the next attempt is due, epoch seconds
    error: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


Frame = Ask | Same | Failed | Read | Piece | End | Refreshed
_decode = decoder(Frame)


def pack_frame(frame: Frame) -> bytes:
    """A frame with its length in front."""
    data = encode(frame)
    return LENGTH.pack(len(data)) + data


def frame_length(prefix: bytes) -> int:
    """The length in front of a frame. Raises MessageError above what a frame may have."""
    size = int(LENGTH.unpack(prefix)[0])
    if size > MAX_FRAME:
        raise MessageError(f"a frame of {size} bytes, at most {MAX_FRAME}")
    return size


def unpack_frame(data: bytes) -> Frame:
    """The frame in these bytes. Raises MessageError, also for a piece that is none."""
    frame: Frame = _decode(data)
    if isinstance(frame, Piece):
        _check(frame.part)
    return frame


def read_frame(stream: IO[bytes]) -> Frame:
    """The next frame of a stream. Raises MessageError, also where the stream ends."""
    prefix = stream.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        raise MessageError("the stream ended")
    return unpack_frame(stream.read(frame_length(prefix)))


def _check(part: ListChunk) -> None:
    if not len(part.added) == len(part.suffixes) == len(part.urgent):
        raise MessageError("names, suffixes and priorities of a piece are not equally many")
    if not 0 < len(part.added) + len(part.removed) + len(part.priorities) <= CHUNK_SIZE:
        raise MessageError(f"a piece has 1 to {CHUNK_SIZE} names")
