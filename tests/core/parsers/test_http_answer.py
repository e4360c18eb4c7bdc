"""Raw HTTP answers: the status is found early or never, and an end only where it is beyond doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.parsers.http_answer import (
    CHUNKED,
    STATUS_LIMIT,
    body_length,
    find_field,
    find_head_end,
    find_status,
    skip_chunks,
)

LINES = st.lists(
    st.sampled_from(
        [b"HTTP/1.1 200 OK", b"http/1.0 503", b"HTTP/1.1 100 Continue", b"Content-Length: 3", b"Content-Length: 3, 3",
         b"Transfer-Encoding: chunked", b"X Y: z", b"", b"3", b"abc", b"0", b"\0", b"Retry-After: 7", b"Connection: close"]
    ),
    max_size=12,
).map(b"\r\n".join)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"HTTP/1.1 200 OK\r\n", (200, 12)),
        (b"HTTP/1.1 200\r\n", (200, 12)),
        (b"HTTP/1.1 200\n", (200, 12)),
        (b"HTTP/1.1 200 ", (200, 12)),
        (b"hTTp/1.0\t404 x", (404, 12)),
        (b"HTTP/2 204 \r\n", (204, 10)),
        (b"\r\nHTTP/1.1 200 OK", (200, 14)),
        (b"", None),
        (b"HTTP/1.1 200", None),
        (b"HTT", None),
        (b"what is this", None),
    ],
)
def test_a_status_is_known_once_its_digits_are_over(data: bytes, found: tuple[int, int] | None) -> None:
    """Three digits at the end of what came may still become four."""
    assert find_status(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"what\r\n",
        b"HTTP/1.1 20\r\n",
        b"HTTP/1.1 2000 \r\n",
        b"HTTP/1.1 099 \r\n",
        b"HTTP/1.1\r\n200 OK\r\n",
        b"x" * STATUS_LIMIT,
    ],
)
def test_what_cannot_become_a_status_line_is_an_error(data: bytes) -> None:
    """No further bytes are awaited."""
    with pytest.raises(ValueError, match="no HTTP status line"):
        find_status(data)


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", 12),
        (b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:12 \r\nX: y\r\n\r\n", 12),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", CHUNKED),
        (b"HTTP/1.1 204\r\n\r\n", 0),
        (b"HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", 0),
        (b"HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n", None),
        (b"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: x, Close\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\ncontent-length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12, 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\nContent-Length: 12\n\n", None),
        (b"HTTP/1.1 200 OK\nX: y\r\nContent-Length: 12\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n", None),
    ],
)
def test_an_end_is_told_only_of_a_flawless_head(head: bytes, length: int | None) -> None:
    """One length or one coding, one version, no line that could be read otherwise (RFC 9112 section 6.3)."""
    assert body_length(head) == length


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"0\r\n\r\n", (5, True)),
        (b"2\r\nok\r\n0\r\n\r\nHTTP", (12, True)),
        (b"2\r\nok\r\nA\r\n0123456789\r\n0\r\n\r\n", (27, True)),
        (b"2\r\nok\r\n0\r\n", (7, False)),
        (b"2\r\nok\r", (0, False)),
        (b"2\r\no", (0, False)),
        (b"2\r", (0, False)),
        (b"", (0, False)),
    ],
)
def test_chunks_are_skipped_to_their_end(data: bytes, end: tuple[int, bool]) -> None:
    """Or to the first that is not all there, from which it goes on."""
    assert skip_chunks(data, 0) == end


@pytest.mark.parametrize(
    "data", [b"zz\r\n", b"-1\r\n", b"1;a=b\r\nx\r\n", b"1\r\nok\r\n", b"0\r\nX: y\r\n\r\n", b"00\r\n\r\n", b"1234567\r\n"]
)
def test_a_wrong_chunk_is_an_error(data: bytes) -> None:
    """What comes after it could be anything."""
    with pytest.raises(ValueError, match="chunk"):
        skip_chunks(data, 0)


def test_a_field_is_found_between_lines_that_are_none() -> None:
    """The first of its name, its name in any case, blanks around it or not."""
    head = b"HTTP/1.1 503 Busy\r\nno colon\nX Y: z\r\nRETRY-after \t: 7 \r\nRetry-After: 9\r\n\r\n"

    assert find_field(head, "retry-after") == "7"
    assert find_field(head, "x") is None


@given(st.one_of(st.binary(max_size=200), LINES))
def test_no_bytes_make_trouble(data: bytes) -> None:
    """A status, the wish for more, or a ValueError; an end lies inside of what was given."""
    try:
        found = find_status(data)
    except ValueError:
        found = None
    assert found is None or (100 <= found[0] <= 999 and found[1] < len(data))
    end = find_head_end(data)
    assert end is None or 0 < end <= len(data)
    length = body_length(data)
    assert length is None or length >= CHUNKED
    find_field(data, "retry-after")
    try:
        at, _ = skip_chunks(data, 0)
    except ValueError:
        at = 0
    assert 0 <= at <= len(data)


@given(st.one_of(st.binary(max_size=100), LINES), st.integers(0, 100))
def test_a_status_does_not_depend_on_packets(data: bytes, cut: int) -> None:
    """What a part of an answer says, the whole says too."""
    try:
        early = find_status(data[:cut])
    except ValueError:
        with pytest.raises(ValueError, match="status"):
            find_status(data)
        return
    if early is not None:
        assert find_status(data) == early


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.integers(0, 400))
def test_chunks_end_where_they_were_made_to_end(parts: list[bytes], cut: int) -> None:
    """However they arrive."""
    data = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    at, over = skip_chunks(data[:cut], 0)

    assert over == (cut >= len(data))
    assert skip_chunks(data, at if not over else 0) == (len(data), True)
