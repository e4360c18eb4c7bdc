"""IANA's referrals to WHOIS servers: kept for a day, across restarts."""

from __future__ import annotations

import pytest

from common.core.registries.referrals import EVERY, LIMIT, Referrals


def test_referrals_are_kept_for_a_day() -> None:
    """From the query on, to the second; the oldest is dropped where there are too many."""
    known = Referrals()
    assert known.may_query("zz", 0.0)
    known.note_query("zz", 0.0)
    assert known.changed
    known.note_server("zz", "whois.zz.example", 5.0)
    text = known.to_json()

    assert not known.changed
    assert (known.may_query("zz", EVERY - 1), known.may_query("zz", EVERY)) == (False, True)
    assert list(Referrals.from_json(text, EVERY - 1).named_servers()) == [("zz", "whois.zz.example")]
    assert list(Referrals.from_json(text, EVERY).named_servers()) == list(Referrals.from_json(text, -1.0).named_servers()) == []
    known.note_query("yy", EVERY)
    assert list(known.named_servers()) == []
    for number in range(LIMIT):
        known.note_query(f"n{number}", EVERY + number / LIMIT)
    assert known.may_query("yy", EVERY + 1)
    assert not known.may_query("n0", EVERY + 1)


def test_a_referral_without_a_query_counts_from_when_it_came() -> None:
    """And a query that is taken back does not count at all."""
    known = Referrals()
    known.note_server("zz", "whois.zz.example", 5.0)
    assert known.changed
    assert not known.may_query("zz", EVERY)
    known.to_json()
    known.forget_query("yy")
    assert not known.changed
    known.forget_query("zz")
    assert known.changed
    assert known.may_query("zz", 6.0)


@pytest.mark.parametrize("text", ["", "{", "{}", "[7]", '[["a"]]', '[["a", "x", ""]]', "[" * 100_000, '{"a": 1}'])
def test_damaged_referrals_are_none(text: str) -> None:
    """IANA is queried once more."""
    assert Referrals.from_json(text, 0.0).may_query("a", 0.0)
