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
from typing import IO, TypeVar

from msgspec import structs

from actors.coordinator import list_frames
from actors.coordinator.list_frames import LONGEST_REASON, TAKE, Ask, End, Failed, Frame, Piece, Read, Same
from common import config, log
from common.clients.domain_api import DomainApi
from common.clients.file_list import FileList
from common.clients.list_text import DEFAULT_BOUNDS, FetchedList, ListVersion, printable_text
from common.clock import pause
from common.config import Settings
from common.core.watchlist.domain_list import ParsedBulkList
from common.core.watchlist.list_diff import Difference, compare_lists, iter_list_chunks, summarise_list
from common.core.watchlist.list_names import StoreBatch, WatchedNames
from common.errors import ConfigError, ListError, MessageError, StoreAway, StoreError
from common.shard_settings import settings_of_shard
from common.store.database_file import current_path
from common.store.reader import open_reader, open_shard_reader
from common.store.shard_view import count_watched
from common.suffixes import load_suffixes

#: How much this process stands back behind the checks (the nice value).
NICE = 5
#: Seconds until a database server that is away is looked for again.
AWAY_LOOK = 1.0

Names = Callable[[Settings], Iterable[StoreBatch]]
Watched = Callable[[Settings], int]
T = TypeVar("T")


def main(names: Names | None = None, watched: Watched = count_watched) -> int:
    """Answer the request on standard input. 0: done, 1: the pipe was closed.

    `names` gives what the store knows, `watched` how many names all shards watch.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the coordinator, which ends this process in its own time
    os.nice(NICE)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing but frames goes out there
    try:
        serve_list(sys.stdin.buffer, answers, names or stored_names, watched)
    except (BrokenPipeError, MessageError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())  # where what was not written can be flushed to
        return 1
    return 0


def serve_list(questions: IO[bytes], answers: IO[bytes], names: Names, watched: Watched = count_watched) -> None:
    """Answer one request for the list. Raises BrokenPipeError where the pipe is closed, MessageError for no proper request."""
    ask = list_frames.read_frame(questions)
    if not isinstance(ask, Ask):
        raise MessageError("expected a question")
    for frame in _answer_frames(ask, names, watched):
        answers.write(list_frames.pack_frame(frame))
        answers.flush()
        if isinstance(frame, Read) and questions.read(1) != TAKE:
            return


def stored_names(settings: Settings) -> Iterator[StoreBatch]:
    """What the store, or our shard of it, knows; nothing where there is none yet. Raises StoreError."""
    if settings.store_in_file and not current_path(settings.store_path).exists():
        return
    reader = open_shard_reader(settings, settings.shard) if settings.shards > 1 else open_reader(settings)
    try:
        yield from reader.names()
    finally:
        reader.close()


def _answer_frames(ask: Ask, names: Names, watched: Watched) -> Iterator[Frame]:
    try:
        settings = settings_of_shard(config.load(), ask.shard)
        log.setup(settings, "list-reader", sys.stderr)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings of retries quote the query, where a key may be
        fetched = _fetch(settings, ask)
        if fetched.listed is None:
            yield Same(fetched.seen)
        else:
            compared = _compare(fetched.listed, lambda: names(settings))
            count = 0 if fetched.listed.whole is None else _retried(lambda: watched(settings))
            yield from _difference_frames(fetched.listed, fetched.seen, compared, count, ask.shard)
    except (ConfigError, ListError, StoreError) as error:
        yield Failed(printable_text(str(error))[:LONGEST_REASON])
    except MemoryError:
        yield Failed("there is not enough memory to read the list")


def _fetch(settings: Settings, ask: Ask) -> FetchedList:
    suffix_of, layout = load_suffixes(), ask.layout
    bounds, keeps = DEFAULT_BOUNDS.multiply(layout.shards), None
    if layout.shards > 1:  # before anything is kept of a name: the whole list may be larger than what one process can hold

        def keeps(name: str) -> bool:
            return layout.shard_of(name) == ask.shard

    if settings.domain_api_url:
        return DomainApi(settings, suffix_of, bounds, keeps=keeps).fetch(ask.seen)
    return FileList(settings.domain_list_file, suffix_of, bounds, keeps=keeps).fetch(ask.seen)


def _difference_frames(
    listed: ParsedBulkList, seen: ListVersion, difference: Difference, watched: int, shard: int
) -> Iterator[Frame]:
    """The answer; entries that cannot be monitored belong to the first shard."""
    problems, problem_count = ([], 0) if shard else (listed.problems, listed.problem_count)
    summary = summarise_list(listed.names, difference, problems, problem_count, listed.total)
    yield Read(structs.replace(summary, whole=listed.whole, watched=watched), seen)
    for part in iter_list_chunks(listed.names, difference, load_suffixes()):
        yield Piece(part)
    yield End()


def _compare(listed: ParsedBulkList, names: Callable[[], Iterable[StoreBatch]]) -> Difference:
    """The difference to what the store knows."""
    return _retried(lambda: compare_lists(listed.names, WatchedNames(names())))


def _retried(look: Callable[[], T]) -> T:
    """What a look at the store finds. Where its server is away, nothing is wrong with the list: it is waited for.

    For how long is for the coordinator, which ends this process with its run.
    """
    while True:
        try:
            return look()
        except StoreAway:
            pause(AWAY_LOOK)


if __name__ == "__main__":
    sys.exit(main())
