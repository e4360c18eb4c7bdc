"""Reads the list of names from a file. Synchronous, meant for a process of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from common import clock
from common.clients.list_text import (
    CHUNK,
    DEFAULT_BOUNDS,
    NO_VERSION,
    FetchedList,
    Keeps,
    ListBounds,
    ListVersion,
    SuffixOf,
    printable_text,
    read_json_list,
    read_line_list,
)
from common.core.watchlist.domain_list import BulkBuilder
from common.errors import ListError

#: Seconds without a change after which a file counts as whole: a program that rewrites it in place may pause.
SETTLED = 2.0


class FileList:
    """`DOMAIN_LIST_FILE`: one name a line (see `common.core.watchlist.domain_list.parse_line`), or the JSON of the Domain API.

    Half a list looks like one from which names were taken, so a file is only taken when it was not written to for a moment,
    nor while it was read. `keeps`: which names are kept, None for all; `now` gives epoch
    seconds, `wait` waits so many.
    """

    def __init__(
        self,
        path: Path,
        suffix_of: SuffixOf,
        bounds: ListBounds = DEFAULT_BOUNDS,
        *,
        keeps: Keeps | None = None,
        now: Callable[[], float] = clock.now,
        wait: Callable[[float], object] = clock.pause,
    ) -> None:
        self._path = path
        self._suffix_of = suffix_of
        self._bounds = bounds
        self._keeps = keeps
        self._now = now
        self._wait = wait

    @property
    def source(self) -> str:
        """The path, fit for showing."""
        return printable_text(str(self._path))

    def fetch(self, seen: ListVersion = NO_VERSION) -> FetchedList:
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

    def _fetch(self, seen: ListVersion) -> FetchedList:
        if self._path.exists() and not self._path.is_file():
            raise ListError("it is not a regular file")
        with self._path.open("rb") as stream:  # once: a file that is put in its place meanwhile is the next look's
            version = _version(stream)
            if version == seen.version:
                return FetchedList("unchanged", None, self.source, seen)
            try:
                self._settle(version)
                found = self._read(stream, version, seen)
            except ListError:
                if _version(stream) == version:
                    raise
            else:
                if _version(stream) == version:
                    return found
        raise ListError("it is being written; the names we have stay watched until it is whole")

    def _settle(self, version: tuple[int, int, int]) -> None:
        """Wait until a file that was just written would show that this goes on."""
        age = self._now() - version[0] / 1e9
        if age < SETTLED:
            self._wait(min(SETTLED, SETTLED - age))

    def _read(self, stream: BufferedReader, version: tuple[int, int, int], seen: ListVersion) -> FetchedList:
        if version[1] > self._bounds.unpacked:
            raise ListError(f"{version[1]} bytes, at most {self._bounds.unpacked} are read")
        found = ListVersion(version=version, digest=hashlib.file_digest(stream, "sha256").hexdigest())
        if found.digest == seen.digest:
            return FetchedList("unchanged", None, self.source, found)
        builder = BulkBuilder(self._suffix_of, keeps=self._keeps)
        stream.seek(0)
        start = stream.read(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
        stream.seek(0)
        (read_json_list if start[:1] in {b"{", b"["} else read_line_list)(stream, builder)
        return FetchedList("new", builder.build_list(), self.source, found)


def _version(stream: BufferedReader) -> tuple[int, int, int]:
    status = os.fstat(stream.fileno())
    return (status.st_mtime_ns, status.st_size, status.st_ino)
