"""Suffixes in which no canary works: since when names wait for one in vain, and how often that is warned about."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.trust.canary_gaps import LIMIT, PATIENCE, WARN_EVERY, SuffixesWithoutCanary

RDAP, WHOIS = ChannelKey("rdap", "rdap.example", "zz"), ChannelKey("whois", "whois.example", "zz")


def test_a_name_that_waits_for_long_shows_its_suffix() -> None:
    """The oldest wait counts, each name once, with every server that is waited for."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 0.0)
    gaps.set_waiting("two.zz", [RDAP], 100.0)
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 250.0)

    assert gaps.find_open(PATIENCE) == []
    (gap,) = gaps.find_open(PATIENCE + 101)
    assert (gap.suffix, gap.names, gap.since, gap.keys) == ("zz", 2, 0.0, (RDAP, WHOIS))


def test_a_server_that_passes_its_canaries_ends_that() -> None:
    """A name that waited for it begins anew; waiting for another server goes on."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 0.0)
    gaps.set_waiting("two.zz", [RDAP], 0.0)
    gaps.note_proven(RDAP)
    (gap,) = gaps.find_open(1000.0)
    assert (gap.names, gap.keys) == (1, (WHOIS,))

    gaps.set_waiting("one.zz", [RDAP], 1000.0)
    assert gaps.find_open(1000.0 + PATIENCE) == []


def test_a_name_that_waits_no_longer_ends_that() -> None:
    """It was registered again, or left the list."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP], 0.0)
    gaps.set_waiting("one.zz", [], 400.0)

    assert gaps.find_open(1000.0) == []


def test_a_suffix_is_warned_about_once_an_hour() -> None:
    """And a second suffix in the meantime for itself."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP], 0.0)
    assert [gap.suffix for gap in gaps.take_warnings(400.0)] == ["zz"]
    assert gaps.take_warnings(401.0) == []

    gaps.set_waiting("one.yy", [RDAP._replace(suffix="yy")], 0.0)
    assert [gap.suffix for gap in gaps.take_warnings(402.0)] == ["yy"]
    assert [gap.suffix for gap in gaps.take_warnings(400.0 + WARN_EVERY)] == ["zz"]


def test_memory_is_bounded() -> None:
    """What is beyond the bound does not change what is shown: the suffix is in it already."""
    gaps = SuffixesWithoutCanary()
    for number in range(LIMIT + 50):
        gaps.set_waiting(f"n{number}.zz", [RDAP], 0.0)

    assert gaps.find_open(1000.0)[0].names == LIMIT
