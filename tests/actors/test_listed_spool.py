"""Listed names in a nameless file: what went in comes out in parts, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.publications.listed_spool import ListedSpool
from common.core.model.publication import MOST_LISTED, ListedName
from common.errors import PublicationError


@pytest.mark.parametrize("count", [0, 1, MOST_LISTED, MOST_LISTED + 1, 3 * MOST_LISTED, 3 * MOST_LISTED + 7])
def test_names_come_out_in_parts_and_in_order(tmp_path: Path, count: int) -> None:
    """Every name once, in parts of at most 2,000, of which there are as many as is said; no file is seen."""
    names = [ListedName(f"name-{number}.uk", float(number), f"{number}-UK") for number in range(count)]
    with ListedSpool(tmp_path, 2) as spool:
        for start in range(0, count, 700):
            spool.add_names(1, names[start : start + 700])
        parts = list(spool.read_parts(1))
        assert [name for part in parts for name in part] == names
        assert len(parts) == spool.count_parts(1)
        assert max(map(len, parts)) <= MOST_LISTED
        assert (list(spool.read_parts(0)), spool.count_parts(0), spool.counts) == ([()], 1, [0, count])
        assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """What cannot be kept ends the reading with a sentence."""
    (tmp_path / "file").write_bytes(b"")
    with ListedSpool(tmp_path / "file", 1) as spool, pytest.raises(PublicationError, match="cannot be kept"):
        spool.add_names(0, [ListedName("a.uk")] * (MOST_LISTED + 1))
