"""Whatever bytes a publication consists of: names of its suffixes, or one kind of error; and the same in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.builtin.publication_rows import PUBLICATIONS
from common.core.model.publication import Form, ListedName, Publication
from common.core.parsers.publications.open_list import open_list
from common.core.publications.catalogue import zone_file_publication
from common.errors import PublicationError
from tests.core.parsers.publications.test_text_lists import BR, NOON

_ZONE = zone_file_publication("se.zone")
assert _ZONE is not None
READ = [row for row in PUBLICATIONS if row.form not in (Form.AXFR, Form.UNKNOWN)] + [_ZONE]
#: Pieces that lists are made of, so that random texts get past their heads.
PIECES = (
    b"a.it", b"\n", b"\r\n", b",", b";", b"#", b"--", b"[", b"]", b"{", b"}", b'"', b"\\", b":", b" ", b"\t", b"(", b")",
    b"domain,drop_time,roid\n", b"domena;x\n", b"dominio,disponible\n", b"2026-12-05T10:00:01Z", b"true", b"@", b"$ORIGIN x.\n",
    b"se. IN SOA a. b. 1 2 3 4 5\n", b"a NS x.\n", b'{"data":[', b'{"auctions":[', b'{"name":"a.se"}', b"]}",
    BR.encode(), b"\x00", b"\xff", "žlté.sk".encode(), b"<", b"1" * 50,
)  # fmt: skip
TEXTS = st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))


def outcome_of(publication: Publication, pieces: list[bytes]) -> list[ListedName] | None:
    """The names of a text in pieces, None where it is refused."""
    reader = open_list(publication, NOON)
    try:
        found = [name for piece in pieces for name in reader.feed(piece)]
        return [*found, *reader.finish().rest]
    except PublicationError:
        return None


@pytest.mark.parametrize("publication", READ, ids=lambda row: row.name)
@settings(max_examples=60, deadline=None)
@given(data=TEXTS, step=st.integers(1, 50))
def test_any_bytes_give_names_of_the_suffix_or_an_error(publication: Publication, data: bytes, step: int) -> None:
    """In whatever pieces they arrive."""
    found = outcome_of(publication, [data])

    for listed in found or ():
        assert listed.name.endswith(tuple(f".{suffix}" for suffix in publication.suffixes))
        assert listed.name.isascii()
        assert len(listed.name) <= 253
    assert outcome_of(publication, [data[start : start + step] for start in range(0, len(data), step)]) == found
