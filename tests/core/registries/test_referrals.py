"""IANA's referrals to WHOIS servers: kept for a day, across restarts."""

from __future__ import annotations

import pytest

from common.core.registries.referrals import EVERY, LIMIT, Referrals


def test_referrals_are_kept_for_a_day() -> None:
    """From the query on, to the second; the oldest is dropped where there are too many."""
    known = Referrals()
    assert known.may_ask("zz", 0.0)
    known.ask("zz", 0.0)
    assert known.changed
    known.name("zz", "whois.zz.example", 5.0)
    text = known.saved()

    assert not known.changed
    assert (known.may_ask("zz", EVERY - 1), known.may_ask("zz", EVERY)) == (False, True)
    assert list(Referrals.restored(text, EVERY - 1).servers()) == [("zz", "whois.zz.example")]
    assert list(Referrals.restored(text, EVERY).servers()) == list(Referrals.restored(text, -1.0).servers()) == []
    known.ask("yy", EVERY)
    assert list(known.servers()) == []
    for number in range(LIMIT):
        known.ask(f"n{number}", EVERY + number / LIMIT)
    assert known.may_ask("yy", EVERY + 1)
    assert not known.may_ask("n0", EVERY + 1)


def test_a_referral_without_a_query_counts_from_when_it_came() -> None:
    """And a query that is taken back does not count at all."""
    known = Referrals()
    known.name("zz", "whois.zz.example", 5.0)
    assert known.changed
    assert not known.may_ask("zz", EVERY)
    known.saved()
    known.take_back("yy")
    assert not known.changed
    known.take_back("zz")
    assert known.changed
    assert known.may_ask("zz", 6.0)


@pytest.mark.parametrize("text", ["", "{", "{}", "[7]", '[["a"]]', '[["a", "x", ""]]', "[" * 100_000, '{"a": 1}'])
def test_damaged_referrals_are_none(text: str) -> None:
    """IANA is queried once more."""
    assert Referrals.restored(text, 0.0).may_ask("a", 0.0)
