"""Lists in JSON, read piece by piece."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from common.core.builtin.publication_rows import BY_NAME
from common.core.model.publication import ListedName
from tests.core.parsers.publications.test_text_lists import at, problem_of, read


def test_days_of_release_begin_at_the_hour_of_the_registry() -> None:
    """.se: from 04:00 UTC on; members beside the list say nothing."""
    text = (
        b'\xef\xbb\xbf{"made": "x, \\"data\\": [", "n": 1,\n"data": [{"name": "xn--4ca.se", "release_at": "2026-12-05"},\r\n'
        + (b'{"release_at": "2026-12-06T05:00:00Z", "name": "B.SE", "x": null}\n], "more": [0]}'.replace(b"[0]", b"0"))
    )

    assert read("se-drops", text) == [
        ListedName("xn--4ca.se", at(2026, 12, 5, 4)),
        ListedName("b.se", at(2026, 12, 6, 5)),
    ]


def test_an_empty_list_is_a_list() -> None:
    """No auction runs on some days."""
    assert read("ee-auctions", b'{"count":0,"auctions":[ ]}') == []


def test_running_auctions_are_read_by_their_a_labels() -> None:
    """Beside the name as it is written."""
    text = json.dumps({"count": 1, "auctions": [{"domain_name": "õ.ee", "punycode_domain_name": "xn--8ca.ee"}]}).encode()

    assert read("ee-auctions", text) == [ListedName("xn--8ca.ee")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[]", "no JSON object"),
        (b"{}", "cut off"),
        (b'{"data":[{"name":"a.se","release_at":"2026-12-05"}', "cut off"),
        (b'{"data":[{"name":"a.se","release_at":"2026-12-05"}]', "cut off"),
        (b'{"data":[{"name":"a.se","release_at":"2026-12-05"},]}', "missing"),
        (b'{"data":[{"name":"a.se","release_at":"2026-12-05"}]}x', "text follows"),
        (b'{"data":[{"name":"a.se","release_at":"2026-12-05"}] x}', "broken after"),
        (b'{"data":[[]]}', "no flat JSON object"),
        (b'{"data":[{"name":{"x":1}}]}' + b" " * 20_000, "no flat JSON object"),
        (b'{"data":[{"name":"' + b"a" * 20_000, "too long"),
        (b'{"x":{"y":1},"data":[]}' + b" " * 20_000, "something else"),
        (b'{"x":1}', "no list under 'data'"),
        (b'{"data":[{"name" "a.se"}]}', "broken"),
        (b'{"data":[{"name":"\xff"}]}', "no text in utf-8"),
        (b'{"data":[{"name":"a.com","release_at":"2026-12-05"}]}', "not under .se"),
        (b'{"data":[{"name":1},{"name":"a.se"},{"x":1},{"y":2}]}', "hold no name"),
    ],
)
def test_what_is_no_such_json_is_refused(text: bytes, problem: str) -> None:
    """Whole or not at all."""
    assert problem in problem_of("se-drops", text)


def test_a_long_list_takes_no_longer_per_entry() -> None:
    """Entries are taken from the text as they are read: the rest of it is not copied for each."""
    rows = b",".join(b'{"name":"n%d.se","release_at":"2026-12-05"}' % number for number in range(3000))

    assert len(read(replace(BY_NAME["se-drops"]), b'{"data":[' + rows + b"]}", 1 << 16)) == 3000
