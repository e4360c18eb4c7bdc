"""The list in a plain file: one name a line, or the JSON of the API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from common.clients.file_list import FileList
from common.clients.list_text import NO_VERSION, ListBounds
from common.errors import ListError
from tests.clients.list_api import LATER, LIST, SUFFIX_OF, names_of


def test_a_file_holds_one_name_a_line(tmp_path: Path) -> None:
    """Comments, priority marks, a byte order mark, lines without end; read again only after a change."""
    file = tmp_path / "domains.txt"
    file.write_bytes(
        b"\xef\xbb\xbf# ours\nexample.com!\r\n\nother.org # shop\nwww.third.net\n"
        + b"a" * 20_000
        + b"\nfourth.net\xff\nlast.de"
    )
    files = FileList(file, SUFFIX_OF, now=LATER)

    first = files.fetch()
    second = files.fetch(first.seen)
    file.write_text("new.com\n", encoding="utf-8")
    third = files.fetch(second.seen)

    assert names_of(first) == {"example.com": True, "other.org": False, "last.de": False}
    assert first.listed is not None
    assert [row.code for row in first.listed.problems] == ["subdomain", "too_long", "bad_character"]
    assert (second.status, second.listed) == ("unchanged", None)
    assert names_of(third) == {"new.com": False}


def test_a_file_that_was_only_touched_is_not_read_again(tmp_path: Path) -> None:
    """Its text is compared, and the next look needs no more than its times."""
    file = tmp_path / "domains.txt"
    file.write_bytes(b"example.com\n")
    files = FileList(file, SUFFIX_OF, now=LATER)

    first = files.fetch()
    os.utime(file, (1, 1))
    second = files.fetch(first.seen)

    assert second.status == "unchanged"
    assert second.seen.digest == first.seen.digest
    assert second.seen.version != first.seen.version
    assert files.fetch(NO_VERSION).status == "new"


def test_a_file_may_hold_the_json_of_the_api(tmp_path: Path) -> None:
    """Recognised by its first character."""
    file = tmp_path / "domains.json"
    file.write_bytes(b"\n " + LIST)

    found = FileList(file, SUFFIX_OF, now=LATER).fetch()

    assert names_of(found) == {"example.com": True, "other.org": False}


def test_a_missing_or_wrong_file_says_what_to_do(tmp_path: Path) -> None:
    """Missing, a directory, too large, broken JSON."""
    file = tmp_path / "domains.txt"

    with pytest.raises(ListError, match="create it with one name a line"):
        FileList(file, SUFFIX_OF, now=LATER).fetch()
    with pytest.raises(ListError, match="not a regular file"):
        FileList(tmp_path, SUFFIX_OF).fetch()
    file.write_bytes(b'{"domains": [')
    with pytest.raises(ListError, match="not valid JSON"):
        FileList(file, SUFFIX_OF, now=LATER).fetch()
    with pytest.raises(ListError, match="at most 5"):
        FileList(file, SUFFIX_OF, ListBounds(unpacked=5), now=LATER).fetch()
