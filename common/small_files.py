"""Small files that are written often and read by other processes: replaced whole, and written over where the disk is full."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file at once: a reader never sees half of it. Raises OSError.

    Where there is no room for a new file the old one is written over in its place, padded with blanks. For JSON alone.
    """
    draft = path.with_suffix(".tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        with path.open("r+b", buffering=0) as stream:
            stream.write(content.ljust(os.fstat(stream.fileno()).st_size))  # cutting it would give its block away


def read_bounded(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file. Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(limit)
