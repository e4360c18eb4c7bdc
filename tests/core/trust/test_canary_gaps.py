"""Since when names wait for canaries, which suffixes are gaps by that, and how often they are warned about."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey
from common.core.trust.canary_gaps import LIMIT, PATIENCE, WARN_EVERY, SuffixesWithoutCanary, SuffixWithoutCanary

TICK = 0.001
RDAP, WHOIS = ChannelKey("rdap", "rdap.example", "zz"), ChannelKey("whois", "whois.example", "zz")
OTHER = ChannelKey("rdap", "rdap.example", "yy")


def waiting(*waits: tuple[str, list[ChannelKey], float]) -> SuffixesWithoutCanary:
    """Names that wait for servers: the name, the servers, and since when."""
    gaps = SuffixesWithoutCanary()
    for name, keys, since in waits:
        gaps.set_waiting(name, keys, since)
    return gaps


@pytest.mark.parametrize(("after", "is_open"), [(PATIENCE, False), (PATIENCE + TICK, True)])
def test_a_wait_is_a_gap_after_five_minutes(after: float, is_open: bool) -> None:
    """To the tick."""
    assert waiting(("a.zz", [RDAP], 100.0)).find_open(100.0 + after) == [SuffixWithoutCanary("zz", 1, 100.0, (RDAP,))] * is_open


def test_a_gap_tells_the_names_the_longest_wait_and_the_servers() -> None:
    """Each name once, only those that wait for too long, the servers in order; the gap that is open longest first."""
    gaps = waiting(
        ("one.zz", [WHOIS, RDAP], 50.0),
        ("two.zz", [WHOIS], 20.0),
        ("new.zz", [RDAP], 900.0),
        ("one.yy", [OTHER], 30.0),
        ("one.aa", [ChannelKey("rdap", "rdap.example", "aa")], 30.0),
    )

    assert gaps.find_open(1000.0) == [
        SuffixWithoutCanary("zz", 2, 20.0, (RDAP, WHOIS)),
        SuffixWithoutCanary("aa", 1, 30.0, (ChannelKey("rdap", "rdap.example", "aa"),)),
        SuffixWithoutCanary("yy", 1, 30.0, (OTHER,)),
    ]


def test_a_name_that_goes_on_waiting_waits_since_the_first_time() -> None:
    """And no longer for a server that it does not name again."""
    gaps = waiting(("a.zz", [RDAP, WHOIS], 0.0), ("a.zz", [RDAP], 250.0))

    assert gaps.find_open(1000.0) == [SuffixWithoutCanary("zz", 1, 0.0, (RDAP,))]
    gaps.set_waiting("a.zz", [RDAP, WHOIS], 1000.0)
    assert gaps.find_open(1001.0 + PATIENCE) == [SuffixWithoutCanary("zz", 1, 0.0, (RDAP, WHOIS))]
    gaps.note_proven(RDAP)
    assert gaps.find_open(1001.0 + PATIENCE) == [SuffixWithoutCanary("zz", 1, 1000.0, (WHOIS,))]


def test_a_server_that_is_proven_is_waited_for_no_more() -> None:
    """The wait for others goes on, and ends when the name waits for nothing; other names are left alone."""
    gaps = waiting(("a.zz", [RDAP, WHOIS], 0.0), ("b.zz", [RDAP], 0.0), ("c.zz", [WHOIS], 0.0))
    gaps.note_proven(RDAP)
    gaps.note_proven(ChannelKey("rdap", "never.example", "zz"))
    assert gaps.find_open(1000.0) == [SuffixWithoutCanary("zz", 2, 0.0, (WHOIS,))]

    assert gaps._of["a.zz"] == (WHOIS,)
    gaps.set_waiting("a.zz", [], 1000.0)
    assert gaps.find_open(1000.0) == [SuffixWithoutCanary("zz", 1, 0.0, (WHOIS,))]
    gaps.set_waiting("b.zz", [RDAP], 1000.0)
    assert gaps.find_open(1001.0 + PATIENCE) == [SuffixWithoutCanary("zz", 2, 0.0, (RDAP, WHOIS))]


def test_what_is_over_leaves_nothing_behind() -> None:
    """Neither the end of a wait nor a server that is proven."""
    gaps = waiting(("a.zz", [RDAP], 0.0), ("b.zz", [WHOIS], 0.0))
    gaps.set_waiting("a.zz", [], 1.0)
    gaps.note_proven(WHOIS)

    assert (gaps._since, gaps._of) == ({}, {})


def test_only_so_many_names_are_remembered() -> None:
    """One that is remembered may wait for others; a new one is remembered once there is room."""
    gaps = waiting(*((f"n{number}.zz", [RDAP], 0.0) for number in range(LIMIT)))
    gaps.set_waiting("new.yy", [OTHER], 0.0)
    gaps.set_waiting("n0.zz", [WHOIS], 0.0)
    assert gaps.find_open(1000.0) == [SuffixWithoutCanary("zz", LIMIT, 0.0, (RDAP, WHOIS))]

    gaps.set_waiting("n0.zz", [], 1000.0)
    gaps.set_waiting("new.yy", [OTHER], 1000.0)
    assert [gap.suffix for gap in gaps.find_open(1001.0 + PATIENCE)] == ["zz", "yy"]


def test_a_suffix_is_warned_about_once_an_hour_by_itself() -> None:
    """To the tick; and what was warned about long ago is forgotten."""
    gaps = waiting(("a.zz", [RDAP], 0.0), ("a.yy", [OTHER], 100.0))
    moments = (350.0, 351.0, 450.0, 350.0 + WARN_EVERY - TICK)
    warned = [(now, [gap.suffix for gap in gaps.take_warnings(now)]) for now in moments]
    assert warned == [(350.0, ["zz"]), (351.0, []), (450.0, ["yy"]), (350.0 + WARN_EVERY - TICK, [])]
    assert [gap.suffix for gap in gaps.take_warnings(350.0 + WARN_EVERY)] == ["zz"]

    gaps.note_proven(OTHER)
    assert [gap.suffix for gap in gaps.take_warnings(350.0 + 2 * WARN_EVERY)] == ["zz"]
    assert gaps._warned == {"zz": 350.0 + 2 * WARN_EVERY}
