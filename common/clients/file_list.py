"""Reads the list of names from a file. Synchronous, meant for a process of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from common.clients.list_text import (
    CHUNK,
    DEFAULT_BOUNDS,
    NEVER,
    Bounds,
    Fetched,
    Seen,
    SuffixOf,
    read_json,
    read_lines,
)
from common.core.domain_list import BulkBuilder, Listed
from common.errors import ListError


class FileList:
    """`DOMAIN_LIST_FILE`: one name a line (see `common.core.domain_list.parse_line`), or the JSON of the Domain API."""

    def __init__(self, path: Path, suffix_of: SuffixOf, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._path = path
        self._suffix_of = suffix_of
        self._bounds = bounds

    @property
    def source(self) -> str:
        """The path."""
        return str(self._path)

    def fetch(self, seen: Seen = NEVER) -> Fetched:
        """The list, or "unchanged" while the file or its text is the one of `seen`. Raises ListError."""
        try:
            return self._fetch(seen)
        except FileNotFoundError:
            advice = "create it with one name a line, or set DOMAIN_LIST_FILE or DOMAIN_API_URL"
            raise ListError(f"{self.source} does not exist: {advice}") from None
        except OSError as error:
            raise ListError(f"{self.source} cannot be read: {error.strerror}") from None
        except ListError as error:
            raise ListError(f"{self.source}: {error}") from None

    def _fetch(self, seen: Seen) -> Fetched:
        if self._path.exists() and not self._path.is_file():
            raise ListError("it is not a regular file")
        version = self._version()
        if version == seen.version:
            return Fetched("unchanged", None, self.source, seen)
        size = version[1]
        if size > self._bounds.unpacked:
            raise ListError(f"{size} bytes, at most {self._bounds.unpacked} are read")
        with self._path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        found = Seen(version=version, digest=digest)
        if digest == seen.digest:
            return Fetched("unchanged", None, self.source, found)
        listed = self._read()
        # Written while it was read: what was read is neither the old text nor the new one for sure.
        return Fetched("new", listed, self.source, found if self._version() == version else NEVER)

    def _version(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def _read(self) -> Listed:
        builder = BulkBuilder(self._suffix_of)
        with self._path.open("rb") as stream:
            start = stream.read(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
            stream.seek(0)
            (read_json if start[:1] in {b"{", b"["} else read_lines)(stream, builder)
        return builder.finish()
