"""The names that `check` is asked about: from the command line, from files, from standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import IO

from common.clients.list_text import read_json_list, read_line_list
from common.core.watchlist.domain_list import ListBuilder, ParsedList
from common.errors import ListError

#: Most names checked in one go: more belong into the list of a running instance.
MOST_NAMES = 100_000
#: Largest text taken from standard input, in bytes.
LARGEST = 64 << 20


def collect_names(names: Iterable[str], sources: Iterable[str], suffix_of: Callable[[str], str | None]) -> ParsedList:
    """The names given and those of the sources, each once, all with priority. Raises ListError, naming the source.

    A source is a file, or "-" for standard input, in the form of DOMAIN_LIST_FILE: one name a line, or the JSON of the list.
    """
    builder = ListBuilder(suffix_of, MOST_NAMES)
    for name in names:
        builder.add_entry(name)
    for source in sources:
        read_source(source, builder)
    found = builder.build_list()
    if not found.total:
        raise ListError("there is no name in what was given")
    return ParsedList(dict.fromkeys(found.names, True), found.problems, found.problem_count, found.total)


def read_source(source: str, builder: ListBuilder) -> None:
    """Add the names of a file, or of "-", standard input. Raises ListError, naming the source."""
    try:
        _take(source, builder)
    except OSError as error:
        raise ListError(f"{_shown(source)}: {error.strerror or error}") from None
    except ListError as error:
        raise ListError(f"{_shown(source)}: {error}") from None


def _take(source: str, builder: ListBuilder) -> None:
    if source == "-":
        text = sys.stdin.buffer.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ListError(f"more than {LARGEST} bytes")
        return _read(BytesIO(text), builder)
    with Path(source).open("rb") as stream:
        return _read(stream, builder)


def _read(stream: IO[bytes], builder: ListBuilder) -> None:
    start = stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(0)
    (read_json_list if start[:1] in {b"{", b"["} else read_line_list)(stream, builder)


def _shown(source: str) -> str:
    return "standard input" if source == "-" else source
