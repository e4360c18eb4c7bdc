"""A list in a file that is being written: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from common.clients.file_list import SETTLED, FileList
from common.clients.list_text import list_source_name
from common.config import load
from common.errors import ListError
from tests.clients.list_api import LATER, SUFFIX_OF, names_of

#: When the files of these tests were first written, in epoch seconds.
BEGUN = 1_700_000_000


def write(file: Path, text: str, after: float = 0.0) -> None:
    """Write in place, so many seconds after the beginning."""
    file.write_text(text, encoding="utf-8")
    os.utime(file, (BEGUN + after, BEGUN + after))


def look(file: Path, after: float, wait: Callable[[float], object]) -> FileList:
    """The list, looked at so many seconds after the beginning."""
    return FileList(file, SUFFIX_OF, now=lambda: BEGUN + after, wait=wait)


def test_a_file_that_is_being_written_is_not_taken(tmp_path: Path) -> None:
    """Rewritten in place with a pause: half of the names must not leave the watch. Once it stays as it is, it is taken."""
    file, waits = tmp_path / "domains.txt", list[float]()

    def writer_goes_on(_: float) -> None:
        write(file, "a.com\nb.com\nc.com\n", after=11.5)

    write(file, "a.com\nb.com\nc.com\nd.com\n")
    first = look(file, 10, waits.append).fetch()
    assert not waits
    write(file, "a.com\nb.com\n", after=10)
    with pytest.raises(ListError, match=rf"{file}: it is being written"):
        look(file, 10.5, writer_goes_on).fetch(first.seen)

    second = look(file, 12, waits.append).fetch(first.seen)
    assert waits == [pytest.approx(SETTLED - 0.5)]
    assert list(names_of(second)) == ["a.com", "b.com", "c.com"]
    assert look(file, 12, waits.append).fetch(second.seen).status == "unchanged"
    assert len(waits) == 1


def test_a_file_from_the_future_is_taken_when_it_stays_as_it_is(tmp_path: Path) -> None:
    """The clock of a file server may be ahead of ours: the same care, and no endless wait."""
    file, waits = tmp_path / "domains.txt", list[float]()
    write(file, "a.com\n", after=900)

    assert list(names_of(look(file, 0, waits.append).fetch())) == ["a.com"]
    assert waits == [SETTLED]


@pytest.mark.parametrize("text", ["a.com\nb.com\n", '{"domains": ["a.com", }'])
def test_a_file_that_is_written_while_it_is_read_is_not_taken(tmp_path: Path, text: str) -> None:
    """Neither as a list nor as a broken one: what was read is neither the old text nor the new one."""
    file = tmp_path / "domains.txt"
    write(file, text)

    def suffix_of(name: str) -> str | None:
        write(file, "a.com\n", after=1)
        return SUFFIX_OF(name)

    with pytest.raises(ListError, match="it is being written"):
        FileList(file, suffix_of, now=LATER).fetch()


def test_a_file_that_is_replaced_while_it_is_read_is_whole(tmp_path: Path) -> None:
    """By rename: the old one is read to its end, the new one by the next look."""
    file, draft = tmp_path / "domains.txt", tmp_path / "draft"
    write(file, "a.com\nb.com\n")
    write(draft, "c.com\n")

    def suffix_of(name: str) -> str | None:
        if draft.exists():
            draft.replace(file)
        return SUFFIX_OF(name)

    found = FileList(file, suffix_of, now=LATER).fetch()
    assert list(names_of(found)) == ["a.com", "b.com"]
    assert list(names_of(FileList(file, SUFFIX_OF, now=LATER).fetch(found.seen))) == ["c.com"]


def test_a_path_is_told_so_that_every_message_can_hold_it(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 and line ends are legal in a path, and no part of any message."""
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/n\xe4mes\n.txt"))

    with pytest.raises(ListError, match=f"^{tmp_path}/n\ufffdmes\ufffd.txt does not exist"):
        FileList(file, SUFFIX_OF).fetch()
    assert list_source_name(load({"DOMAIN_LIST_FILE": str(file)})) == f"{tmp_path}/n\ufffdmes\ufffd.txt"
