"""A zone file of a folder, as CZDS gives them: read piece by piece, packed or not, and never whole in memory."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

from common.errors import ClientError

#: Seconds for which a file has to be unchanged: one that is younger may still be written.
SETTLED = 60.0
#: Bytes read at once.
CHUNK = 1 << 20


class FileVersion(NamedTuple):
    """What a file is recognised by: when it was changed (epoch seconds), its size in bytes and its number."""

    changed_at: float
    size: int
    number: int

    def __str__(self) -> str:
        return f"{self.changed_at:.6f} {self.size} {self.number}"


def look_at_file(path: Path, now: float) -> FileVersion:
    """Which version of a file is there. Raises ClientError where there is none, or it may still be written."""
    try:
        found = path.stat()
    except OSError as error:
        raise ClientError(f"{path.name}: {error.strerror}") from error
    if now - found.st_mtime < SETTLED:
        raise ClientError(f"{path.name}: it was changed within the last {SETTLED:.0f} s, and may still be written")
    return FileVersion(found.st_mtime, found.st_size, found.st_ino)


async def read_file(path: Path, *, packed: bool, most_bytes: int) -> AsyncGenerator[bytes]:
    """The text of a file in pieces, read in a thread. Raises ClientError where it cannot be read, or is too long."""
    size = 0
    try:
        stream = await asyncio.to_thread(_open, path, packed)
        try:
            while piece := await asyncio.to_thread(stream.read, CHUNK):
                size += len(piece)
                if size > most_bytes:
                    raise ClientError(f"{path.name}: it is longer than {most_bytes} bytes")
                yield piece
        finally:
            stream.close()
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no whole gzip file"
        raise ClientError(f"{path.name}: {why}") from error


def _open(path: Path, packed: bool) -> io.BufferedIOBase:  # noqa: FBT001  # called by position in a thread
    return gzip.open(path, "rb") if packed else path.open("rb")
