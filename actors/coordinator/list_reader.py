"""The process that reads the domain list for the coordinator: fetches it, compares it with the store, tells what it changes.

The coordinator starts one for each look at the list (`python -m actors.coordinator.list_reader`), with its own environment
without the secrets that are of no use here. It looks at the store and never writes; a database server that is away is waited
for. It ends when it has answered, or when its answer is not wanted any more.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from actors.coordinator import list_frames
from actors.coordinator.list_frames import LONGEST_REASON, TAKE, Ask, End, Failed, Frame, Piece, Read, Same
from common import config, log
from common.clients.domain_api import DomainApi
from common.clients.file_list import FileList
from common.clients.list_text import FetchedList, ListVersion, printable_text
from common.clock import pause
from common.config import Settings
from common.core.watchlist.domain_list import ParsedBulkList
from common.core.watchlist.list_diff import Difference, compare_lists, iter_list_chunks, summarise_list
from common.core.watchlist.list_names import StoreBatch, WatchedNames
from common.errors import ConfigError, ListError, MessageError, StoreAway, StoreError
from common.store.database_file import current_path
from common.store.reader import open_reader
from common.suffixes import load_suffixes

#: How much this process stands back behind the checks (the nice value).
NICE = 5
#: Seconds until a database server that is away is looked for again.
AWAY_LOOK = 1.0

Names = Callable[[Settings], Iterable[StoreBatch]]


def main(names: Names | None = None) -> int:
    """Answer the request on standard input. `names` gives what the store knows. 0: done, 1: the pipe was closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the coordinator, which ends this process in its own time
    os.nice(NICE)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing but frames goes out there
    try:
        serve_list(sys.stdin.buffer, answers, names or stored_names)
    except (BrokenPipeError, MessageError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())  # where what was not written can be flushed to
        return 1
    return 0


def serve_list(questions: IO[bytes], answers: IO[bytes], names: Names) -> None:
    """Answer one request for the list. Raises BrokenPipeError where the pipe is closed, MessageError for no proper request."""
    ask = list_frames.read_frame(questions)
    if not isinstance(ask, Ask):
        raise MessageError("expected a question")
    for frame in _answer_frames(ask.seen, names):
        answers.write(list_frames.pack_frame(frame))
        answers.flush()
        if isinstance(frame, Read) and questions.read(1) != TAKE:
            return


def stored_names(settings: Settings) -> Iterator[StoreBatch]:
    """What the store knows; nothing where there is none yet. Raises StoreError."""
    if settings.store_in_file and not current_path(settings.store_path).exists():
        return
    reader = open_reader(settings)
    try:
        yield from reader.names()
    finally:
        reader.close()


def _answer_frames(seen: ListVersion, names: Names) -> Iterator[Frame]:
    try:
        settings = config.load()
        log.setup(settings, "list-reader", sys.stderr)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings of retries quote the query, where a key may be
        fetched = _fetch(settings, seen)
        if fetched.listed is None:
            yield Same(fetched.seen)
        else:
            yield from _difference_frames(fetched.listed, fetched.seen, lambda: names(settings))
    except (ConfigError, ListError, StoreError) as error:
        yield Failed(printable_text(str(error))[:LONGEST_REASON])
    except MemoryError:
        yield Failed("there is not enough memory to read the list")


def _fetch(settings: Settings, seen: ListVersion) -> FetchedList:
    suffix_of = load_suffixes()
    if settings.domain_api_url:
        return DomainApi(settings, suffix_of).fetch(seen)
    return FileList(settings.domain_list_file, suffix_of).fetch(seen)


def _difference_frames(listed: ParsedBulkList, seen: ListVersion, names: Callable[[], Iterable[StoreBatch]]) -> Iterator[Frame]:
    difference = _compare(listed, names)
    yield Read(summarise_list(listed.names, difference, listed.problems, listed.problem_count, listed.total), seen)
    for part in iter_list_chunks(listed.names, difference, load_suffixes()):
        yield Piece(part)
    yield End()


def _compare(listed: ParsedBulkList, names: Callable[[], Iterable[StoreBatch]]) -> Difference:
    """The difference to what the store knows. Where its server is away, nothing is wrong with the list: it is waited for.

    For how long is for the coordinator, which ends this process with its run.
    """
    while True:
        try:
            return compare_lists(listed.names, WatchedNames(names()))
        except StoreAway:
            pause(AWAY_LOOK)


if __name__ == "__main__":
    sys.exit(main())
