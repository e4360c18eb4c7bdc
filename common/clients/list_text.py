"""What lists from the API and from a file have in common: bounds, what is remembered of them, and the way in for their text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, Annotated, Literal

from msgspec import Meta, Struct

from common.clients.list_json import JsonListParser
from common.config import Settings
from common.core.registries.registrable_names import MAX_INPUT
from common.core.watchlist.domain_list import MAX_NAMES, ListParser, ParsedBulkList, parse_line
from common.secret_scrubber import shown_url

SuffixOf = Callable[[str], str | None]
#: Which names (A-labels) of a list are kept.
Keeps = Callable[[str], bool]
#: Bytes read at once.
CHUNK = 1 << 16
#: Longest ETag or date remembered, in characters; a longer one counts as none.
LONGEST_VALIDATOR = 1000
#: How many times longer than for one shard the list of several may take, at most.
MOST_TIMES_LONGER = 8
Validator = Annotated[str, Meta(max_length=LONGEST_VALIDATOR)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBounds:
    """How much of the world a list may cost. Sizes in bytes, times in seconds; `total` covers retries and the way to us.

    64 bytes a name on the wire are an object with a priority; 256 bytes hold the longest name. `ratio` is how many times its
    size on the wire a text may have unpacked, which for names in a row is 20; `reserve` stays free on the disk, for the state.
    """

    wire: int = 64 * MAX_NAMES
    unpacked: int = 256 * MAX_NAMES
    connect: float = 5.0
    read: float = 30.0
    total: float = 300.0
    backoff: float = 0.5
    ratio: int = 100
    reserve: int = 512 << 20

    def multiply(self, shards: int) -> ListBounds:
        """These for a list that is divided among so many shards."""
        longer = min(shards, MOST_TIMES_LONGER)
        return replace(self, wire=self.wire * shards, unpacked=self.unpacked * shards, total=self.total * longer)


DEFAULT_BOUNDS = ListBounds()


class ListVersion(Struct, frozen=True):
    """What a list looked like when it was last taken, "" where that is not known: with it a list is noticed to be the same."""

    etag: Validator = ""
    last_modified: Validator = ""
    version: tuple[int, ...] = ()  # of a file: modification time, size, inode
    digest: Annotated[str, Meta(max_length=64)] = ""  # SHA-256 of the whole text, unpacked (hex)


NO_VERSION = ListVersion()


@dataclass(frozen=True, slots=True)
class FetchedList:
    """A list as fetched; `listed` is None where it is unchanged. `source` is fit for showing, `seen` for the next fetch."""

    status: Literal["new", "unchanged"]
    listed: ParsedBulkList | None
    source: str
    seen: ListVersion = NO_VERSION


def list_source_name(settings: Settings) -> str:
    """Where the list comes from: scheme and host of the URL, or the path of the file."""
    return shown_url(settings.domain_api_url) if settings.domain_api_url else printable_text(str(settings.domain_list_file))


def printable_text(text: str) -> str:
    """The text as every message and log can hold it: a path may have bytes that are no UTF-8, or line ends."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


def read_json_list(stream: IO[bytes], entries: ListParser) -> None:
    """Take the entries of a JSON text. Raises ListError."""
    reader = JsonListParser(entries)
    while data := stream.read(CHUNK):
        reader.feed(data)
    reader.close()


def read_line_list(stream: IO[bytes], entries: ListParser) -> None:
    """Take the entries of a plain text, one a line. Raises ListError."""
    first = True
    longest = MAX_INPUT * 4
    while raw := stream.readline(longest):
        whole = raw.endswith(b"\n") or len(raw) < longest
        while not whole:
            rest = stream.readline(longest)
            whole = rest.endswith(b"\n") or len(rest) < longest
        text = raw.decode("utf-8", "replace")
        entry = parse_line(text.removeprefix("\ufeff") if first else text)
        first = False
        if entry is not None:
            entries.add_entry(entry)
